"""The decision point that is an OPA server, reached through opa-python-client."""

from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from opa_client import AsyncOpaClient

from policies import wire
from policies.engine import UndecidedError
from policies.model import Decision, Question

AUTHORIZATION = """package system.authz

# What an OPA server lets its callers do (started with --authorization=basic --authentication=token):
# the gateway asks for decisions, health and metrics are watched, and nobody writes. Its policy comes by
# signed bundles alone.
default allow := false

allow if {
	input.method == "POST"
	input.path == ["v1", "data", "exchange", "authz", "decision"]
	is_gateway
}

allow if {
	input.method == "GET"
	input.path[0] == "health"
}

allow if {
	input.method == "GET"
	input.path == ["metrics"]
	is_gateway
}

# SHA-256 of the token, so that whoever reads this file cannot use it.
is_gateway if crypto.sha256(input.identity) in data.system.gateways
"""
"""The policy of the OPA server itself: reading the decision is all that anybody may do."""

PACKAGE = "exchange/authz"
RULE = "decision"
LONGEST_TIMEOUT = 0.5
"""Seconds. Who waits longer for a decision point keeps a whole call waiting; refusing is an answer."""


class _Session:
    """The connection to one server. It asks one document and knows no other request."""

    def __init__(self, *, host: str, port: int, token: str | None, timeout: float) -> None:
        self._address = {"host": host, "port": port, "token": token}
        self._timeout = timeout
        self._client: Any = None

    async def open(self) -> None:
        client = AsyncOpaClient(**self._address, retries=0, timeout=self._timeout)
        self._client = await client.__aenter__()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close_connection()

    async def ask(self, document: Any) -> Any:
        if self._client is None:
            raise UndecidedError("the session with the OPA server is not open")
        try:
            # A built-in's error must fail the query: undefined, it would let a denial vanish.
            answer = await self._client.query_rule(
                document, PACKAGE, RULE, {"strict-builtin-errors": "true"}
            )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            raise UndecidedError(
                f"the OPA server gave no answer: {type(error).__name__}"
            ) from error
        # OPA answers 200 and an empty object where the rule is undefined.
        if not isinstance(answer, dict) or "result" not in answer:
            raise UndecidedError("the OPA server's answer holds no result")
        return answer["result"]


class HeldTo:
    """A server in its session, held to one bundle: an answer under another one is a refusal."""

    def __init__(self, session: _Session, *, revision: str, expires: int) -> None:
        self._session = session
        self._revision = revision
        self._expires = expires

    @property
    def revision(self) -> str:
        return self._revision

    async def decide(self, question: Question) -> Decision:
        """As `OpaServer.decide`."""
        raw = await self._session.ask(msgspec.to_builtins(question))
        return wire.accept(raw, question, revision=self._revision, expires=self._expires)


class OpaServer:
    """Decides through an OPA server's data API; open it once and keep it open.

    `revision` and `expires` are those of the bundle that the server is to answer under: an answer under
    another one is a refusal. Nothing is tried twice: the client would sleep between attempts, and OPA
    answers a conflict of rules with the same 500 each time.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        revision: str,
        expires: int,
        timeout: float = 0.3,
        token: str | None = None,
    ) -> None:
        if not 0 < timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"a timeout of {timeout} s, at most {LONGEST_TIMEOUT} s needed")
        self._revision = revision
        self._expires = expires
        self._session = _Session(host=host, port=port, token=token, timeout=timeout)

    @property
    def revision(self) -> str:
        """The revision of the policy that answers."""
        return self._revision

    def under(self, *, revision: str, expires: int) -> "HeldTo":
        """Return the same server, in the same session, held to another bundle."""
        return HeldTo(self._session, revision=revision, expires=expires)

    async def open(self) -> None:
        """Open the session; every decision before is an UndecidedError."""
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def decide(self, question: Question) -> Decision:
        """Return the decision on every request of the question.

        Raises UndecidedError where there is none: the caller refuses every request.
        """
        return await self.under(revision=self._revision, expires=self._expires).decide(question)
