"""Genuine OPA in the process, for comparison; a test that needs it is skipped where it is missing."""

import importlib
import importlib.util
import os
from collections.abc import Mapping
from typing import Any

import pytest


class Refused(Exception):  # noqa: N818 - an outcome, not only an error
    """Genuine OPA refused the module or failed the evaluation."""


def needs_opa() -> None:
    """Skip the test without genuine OPA, or fail it where EXCHANGE_REQUIRE_OPA=1."""
    if importlib.util.find_spec("opa_bindings") is not None:
        return
    reason = "genuine OPA (opa_bindings) is not installed"
    if os.environ.get("EXCHANGE_REQUIRE_OPA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Genuine:
    """Modules under genuine OPA, which is always strict about errors of built-ins."""

    def __init__(self, modules: Mapping[str, str], data: object) -> None:
        bindings = importlib.import_module("opa_bindings")
        self._engine = bindings.OpaEngine()
        self._undefined = bindings.OpaUndefinedError
        self._error = bindings.OpaError
        self._engine.add_data(data)
        for name, source in modules.items():
            self._engine.add_policy(name, source)

    def answer(self, path: str, question: object) -> Any:
        """Return the document at `path` (without `data.`), None in a list where it is undefined."""
        try:
            return {"value": self._engine.eval_document(path, question)}
        except self._undefined:
            return {}
        except self._error as error:
            raise Refused(str(error)) from error
