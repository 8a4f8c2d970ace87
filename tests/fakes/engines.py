"""Both engines below the wire types: plain question in, plain decision out."""

from collections.abc import Callable
from typing import Any

from policies.bundle import Bundle
from policies.engine import UndecidedError
from policies.language import UNDEFINED, compile_modules
from tests.fakes.opa_server import GenuineOpa, require_opa

RawEngine = Callable[[Any], Any]
"""Raises UndecidedError where there is no decision, so that a test sees one kind of silence."""


def raw_embedded(bundle: Bundle) -> RawEngine:
    program = compile_modules(bundle.modules, bundle.data)

    def decide(document: Any) -> Any:
        found = program.evaluate("data.exchange.authz.decision", document, budget=None)
        if found is UNDEFINED:
            raise UndecidedError("undefined")
        return found

    return decide


def raw_opa(bundle: Bundle) -> RawEngine:
    require_opa()
    genuine = GenuineOpa(bundle)

    def decide(document: Any) -> Any:
        try:
            found = genuine.decision(document)
        except genuine.error as error:
            raise UndecidedError(str(error)) from error
        if found is None:
            raise UndecidedError("undefined")
        return found

    return decide


ENGINES: dict[str, Callable[[Bundle], RawEngine]] = {"embedded": raw_embedded, "opa": raw_opa}
