"""The thirteen probes of graphql-cop find nothing in the default profile, signed or not."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from exchange.client.signing import SignatureAuth
from exchange.demo.setup import SYSTEM
from tests.fakes.node import USAGE, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe: what it sends, and by what it tells a finding from none."""

    found: Callable[[httpx.Response], bool]
    query: str = "query { __typename }"
    method: str = "POST"
    content_type: str = "application/json"
    accept: str = "*/*"
    batch: int = 0


def told(response: httpx.Response) -> dict[str, Any]:
    try:
        read = response.json()
    except json.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {"list": read}


def data(response: httpx.Response) -> dict[str, Any]:
    return told(response).get("data") or {}


def typename(response: httpx.Response) -> bool:
    return data(response).get("__typename") is not None


def leaks(*words: str) -> Callable[[httpx.Response], bool]:
    return lambda response: any(word in response.text.lower() for word in words)


CIRCULAR = (
    "query { __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
)
PROBES = {
    "alias overloading": Probe(
        query="query { " + " ".join(f"alias{n}:__typename" for n in range(101)) + " }",
        found=lambda response: "alias100" in data(response),
    ),
    "array-based batching": Probe(
        batch=10, found=lambda response: len(told(response).get("list", [])) == 10
    ),
    "directive overloading": Probe(
        query="query { __typename " + "@aa" * 10 + " }",
        found=lambda response: len(told(response).get("errors", [])) == 10,
    ),
    "circular introspection": Probe(
        query=CIRCULAR, found=lambda response: "__schema" in data(response)
    ),
    "field duplication": Probe(query="query { " + "__typename \n" * 500 + "}", found=typename),
    "field suggestions": Probe(
        query="query { __schema { directive } contrac }", found=leaks("did you mean", "directives")
    ),
    "a query console": Probe(
        method="GET",
        accept="text/html",
        found=leaks("graphiql", "playground", "altair", "<html"),
    ),
    "introspection": Probe(
        query="query { __schema { types { name fields { name } } } }",
        found=lambda response: "__schema" in data(response),
    ),
    "queries by GET": Probe(method="GET", found=typename),
    "mutations by GET": Probe(method="GET", query="mutation { __typename }", found=typename),
    "queries by form": Probe(content_type="application/x-www-form-urlencoded", found=typename),
    "tracing": Probe(found=lambda response: "tracing" in (told(response).get("extensions") or {})),
    "unhandled errors": Probe(
        query="qwerty { abc }", found=leaks("exception", "traceback", "stack", "graphql.error")
    ),
}


def sent(here: Standing, probe: Probe, *, signed: bool) -> httpx.Response:
    url = f"{here.url}/graphql"
    headers = {"accept": probe.accept}
    content = b""
    if probe.method == "GET":
        url += f"?query={quote(probe.query, safe='')}"
    else:
        headers["content-type"] = probe.content_type
        one: Any = {"query": probe.query}
        content = json.dumps([one] * probe.batch if probe.batch else one).encode()
        if "form" in probe.content_type:
            content = f"query={quote(probe.query)}".encode()
    request = httpx.Request(probe.method, url, content=content, headers=headers)
    if signed:
        SignatureAuth(here.place.systems[SYSTEM], usage=USAGE).sign(request)
    return here.send(request)


def test_there_are_thirteen_probes() -> None:
    assert len(PROBES) == 13


@pytest.mark.proves("F11")
@pytest.mark.parametrize("name", PROBES)
def test_a_probe_finds_nothing_whoever_sends_it(here: Standing, name: str) -> None:
    probe = PROBES[name]
    for signed in (True, False):
        response = sent(here, probe, signed=signed)
        assert not probe.found(response), response.text[:500]
        # `tracing` asks an ordinary question: that it is answered shows that probes are understood.
        answered = response.status_code == 200 and typename(response)
        assert answered == (signed and name == "tracing")
    assert here.sources.reads == []
