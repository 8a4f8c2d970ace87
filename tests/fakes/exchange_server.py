"""An exchange behind an httpx transport: verifies what it is sent, and answers with true receipts."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from audit.canonical import b64url, encode
from audit.receipt import make_receipt
from exchange.identity.signatures import Signed
from tests.fakes.identity import received, verify
from tests.fakes.receipts import a_sequenced

ANSWER = b'{"enterprise":{"name":"\xe7\x94\xb2\xe5\x85\xac\xe5\x8f\xb8"}}'


class FakeExchange:
    """Answers every query with ANSWER. Unsigned requests but `/systems/register` are an AssertionError."""

    def __init__(self) -> None:
        self.signed: list[Signed] = []
        self.requests: list[httpx.Request] = []
        self.replies: dict[str, httpx.Response] = {}
        """What to answer a path with, instead of an answer of its own."""

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._serve)

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path != "/systems/register":
            self.signed.append(verify(received(request)))
        if request.url.path in self.replies:
            return self.replies[request.url.path]
        if request.url.path == "/graphql":
            whole = request.headers.get("prefer") != "receipt=index"
            return httpx.Response(200, content=an_answer(request.content, whole=whole))
        return httpx.Response(200, json={"path": request.url.path, "state": "open"})


def an_answer(
    request: bytes,
    *,
    index: int = 4,
    data: bytes = ANSWER,
    given: bytes = ANSWER,
    whole: bool = True,
) -> bytes:
    """The answer to a request; `given` is what the log says was given, `data` what is sent."""
    sequenced = a_sequenced(
        index=index,
        values={},
        contents={"request": request, "answer": given, "answer.s1": name_of(given)},
    )
    extensions: dict[str, Any] = {
        "outcomes": [{"path": ["enterprise"], "outcome": "given"}],
        "entry": {"origin": "audit.example.gov.cn/log", "index": index},
    }
    if whole:
        extensions["receipt"] = make_receipt(sequenced, paths={"answer.s1": ("enterprise", "name")})
    return b'{"data":' + data + b',"extensions":' + encode(extensions) + b"}"


def name_of(data: bytes) -> bytes:
    name = json.loads(data)["enterprise"]["name"]
    return json.dumps(name, ensure_ascii=False).encode()


def an_opening(
    value: Mapping[str, Any], *, name: str = "signature"
) -> tuple[bytes, dict[str, Any]]:
    """An entry that commits to one value, and the disclosure that opens it."""
    sequenced = a_sequenced(values={name: value}, contents={})
    return sequenced.body, {"salt": sequenced.openings[name].salt, "value": dict(value)}


def disclosed(signed: Signed) -> dict[str, str]:
    """What `gateway.record` commits to as `signature`."""
    return {
        "key": signed.key.id,
        "base": b64url(signed.base),
        "signature": b64url(signed.signature),
    }
