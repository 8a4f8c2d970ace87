"""An OPA server on the loopback: genuine OPA behind its data API, or one of the ways to fail.

Needs the OPA binding (`opa_bindings`). It keeps to what a real server does: POST only, `{"input": …}` in,
200 and `{}` where the document is undefined, 500 where the evaluation fails.
"""

import asyncio
import importlib
import importlib.util
import json
import os
from collections.abc import Mapping
from typing import Any, Literal, Self

import pytest

from policies.bundle import Bundle

_FOUND = importlib.util.find_spec("opa_bindings") is not None
_OPA: Any = importlib.import_module("opa_bindings") if _FOUND else None


def require_opa() -> None:
    """Skip the test, saying so, where genuine OPA is not installed; fail it where CI demands OPA."""
    if _OPA is not None:
        return
    if os.environ.get("EXCHANGE_REQUIRE_OPA") == "1":
        pytest.fail("EXCHANGE_REQUIRE_OPA=1 and opa_bindings is not installed")
    pytest.skip(
        "opa_bindings (requirements/opa.lock) is not installed: not compared with genuine OPA"
    )


Mood = Literal["well", "slow", "undefined", "boolean", "error", "half", "list", "html"]


class GenuineOpa:
    """OPA itself, in this process, loaded with one bundle."""

    def __init__(self, bundle: Bundle, *, modules: Mapping[str, str] | None = None) -> None:
        self._engine = _OPA.OpaEngine()
        for name, source in (modules or bundle.modules).items():
            self._engine.add_policy(name, source)
        self._engine.add_data(dict(bundle.data))

    def decision(self, document: Any) -> Any:
        """Return the decision as plain JSON; None where it is undefined. Raises OPA's own errors."""
        return self.document("data.exchange.authz.decision", document)

    def document(self, path: str, question: Any = None) -> Any:
        """Return the document at a path that begins with `data.`; None where it is undefined."""
        try:
            return self._engine.eval_document(path.removeprefix("data."), question)
        except _OPA.OpaUndefinedError:
            return None

    @property
    def error(self) -> type[Exception]:
        found: type[Exception] = _OPA.OpaError
        return found


class OpaOnLoopback:
    """The server. `mood` is how it answers; it may change between requests."""

    def __init__(self, bundle: Bundle) -> None:
        self._genuine = GenuineOpa(bundle)
        self._server: asyncio.Server | None = None
        self._held = asyncio.Event()
        self.mood: Mood = "well"
        self.asked = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._held.set()
        await self.stop()

    async def stop(self) -> None:
        """Go down: the port refuses from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            sizes = [line for line in head if line.lower().startswith("content-length:")]
            body = await reader.readexactly(int(sizes[0].split(":")[1])) if sizes else b""
            self.asked += 1
            target = head[0].split()[1].split("?")[0]
            if not head[0].startswith("POST") or target != "/v1/data/exchange/authz/decision":
                await self._answer(writer, 404, b"{}")
                return
            await self._in_mood(writer, body)
        finally:
            writer.close()

    async def _in_mood(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        match self.mood:
            case "well":
                await self._answer(writer, *self._decided(body))
            case "slow":
                # Held until the server is left: whoever asks must give up by themselves.
                await self._held.wait()
            case "undefined":
                await self._answer(writer, 200, b"{}")
            case "boolean":
                await self._answer(writer, 200, b'{"result": true}')
            case "error":
                await self._answer(writer, 500, b'{"code": "internal_error"}')
            case "half":
                status, whole = self._decided(body)
                await self._answer(writer, status, whole[: len(whole) // 2])
            case "list":
                await self._answer(writer, 200, b"[]")
            case "html":
                await self._answer(writer, 200, b"<html></html>", kind="text/html")

    def _decided(self, body: bytes) -> tuple[int, bytes]:
        try:
            found = self._genuine.decision(json.loads(body)["input"])
        except self._genuine.error:
            return 500, b'{"code": "internal_error"}'
        return 200, json.dumps({} if found is None else {"result": found}).encode()

    async def _answer(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        body: bytes,
        *,
        kind: str = "application/json",
    ) -> None:
        head = (
            f"HTTP/1.1 {status} .\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
