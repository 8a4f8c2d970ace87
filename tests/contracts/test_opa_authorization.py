"""An OPA server of ours answers decisions and takes no order: genuine OPA judges its own callers."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest

import policies.opa
from policies.bundle import Bundle, default_bundle
from policies.opa import OpaServer
from tests.fakes.opa_server import GenuineOpa, OpaOnLoopback, require_opa
from tests.fakes.questions import EXPIRES, a_question

TOKEN = "the-gateway's-token"
BUNDLE = default_bundle(expires=EXPIRES)
DECISION = ["v1", "data", "exchange", "authz", "decision"]


def the_guard() -> GenuineOpa:
    """OPA with nothing but the policy that judges its callers."""
    require_opa()
    known = [hashlib.sha256(TOKEN.encode()).hexdigest()]
    rules = Bundle(
        modules={"authz.rego": policies.opa.AUTHORIZATION},
        data={"system": {"gateways": known}},
        revision="",
        expires=0,
    )
    return GenuineOpa(rules)


def allowed(guard: GenuineOpa, method: str, path: list[str], *, identity: str | None) -> Any:
    asked = {"method": method, "path": path, "params": {}, "headers": {}}
    asked |= {} if identity is None else {"identity": identity}
    return guard.document("data.system.authz.allow", asked)


class GuardedOpa(OpaOnLoopback):
    """A server started with --authentication=token --authorization=basic: 401 for what is not allowed."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._guard = the_guard()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await reader.readuntil(b"\r\n\r\n")
        head = raw.decode().split("\r\n")
        method, target = head[0].split()[:2]
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        said = fields.get("authorization", "")
        identity = said.removeprefix("bearer ") if said else None
        path = target.split("?")[0].strip("/").split("/")
        if allowed(self._guard, method, path, identity=identity) is not True:
            await self._answer(writer, 401, b'{"code": "unauthorized"}')
            writer.close()
            return
        again = asyncio.StreamReader()
        again.feed_data(raw + await reader.readexactly(int(fields.get("content-length", "0"))))
        again.feed_eof()
        await super()._serve(again, writer)


@pytest.mark.proves("P16")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("identity", [TOKEN, "another", None])
@pytest.mark.parametrize(
    "path",
    [
        ["v1", "policies", "exchange"],
        ["v1", "data", "exchange", "bundle"],
        ["v1", "data"],
        ["v1", "query"],
        ["v1", "compile"],
        ["v0", "data", "exchange", "authz", "decision"],
        [""],
        [*DECISION, "more"],
    ],
)
def test_nobody_writes_to_opa_not_even_the_gateway(
    method: str, identity: str | None, path: list[str]
) -> None:
    assert allowed(the_guard(), method, path, identity=identity) is False


@pytest.mark.proves("P16")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_the_decision_itself_is_asked_for_and_never_written(method: str) -> None:
    assert allowed(the_guard(), method, DECISION, identity=TOKEN) is False
    assert allowed(the_guard(), "POST", DECISION, identity=TOKEN) is True
    assert allowed(the_guard(), "POST", DECISION, identity="another") is False
    assert allowed(the_guard(), "POST", DECISION, identity=None) is False


def test_health_is_open_and_policies_are_not_shown() -> None:
    assert allowed(the_guard(), "GET", ["health"], identity=None) is True
    assert allowed(the_guard(), "GET", ["v1", "policies"], identity=TOKEN) is False
    assert allowed(the_guard(), "GET", ["metrics"], identity=None) is False


@pytest.mark.proves("P16")
async def test_a_guarded_server_decides_for_the_gateway_and_refuses_every_write() -> None:
    require_opa()
    async with GuardedOpa(BUNDLE) as server:
        point = OpaServer(
            host="127.0.0.1",
            port=server.port,
            revision=BUNDLE.revision,
            expires=BUNDLE.expires,
            timeout=0.5,
            token=TOKEN,
        )
        async with point:
            before = await point.decide(a_question())
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{server.port}",
                headers={"authorization": f"Bearer {TOKEN}"},
                trust_env=False,
            ) as writing:
                put = await writing.put(
                    "/v1/policies/exchange", content="package exchange.authz\n\nallow := true"
                )
                patch = await writing.patch(
                    "/v1/data/exchange/bundle",
                    content=json.dumps([{"op": "replace", "path": "/expires", "value": 9**9}]),
                )
            assert (put.status_code, patch.status_code) == (401, 401)
            assert await point.decide(a_question()) == before
