"""Services read as their own descriptions say: REST operations, GraphQL fields, federated entities."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from aiohttp import web
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from strawberry.federation import Schema
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from catalogue import suggest
from catalogue.model import Item, Resource
from catalogue.readings import Absent, Reading
from exchange.identity.keys import create_private_key, thumbprint
from exchange.identity.upstream import TAG, UpstreamSigner
from gateway.errors import (
    SourceDriftError,
    SourceError,
    SourceInvalidError,
    SourceUnavailableError,
)
from gateway.model import Permitted, Row
from gateway.sources.described import Choices
from gateway.sources.descriptions import describe
from gateway.sources.graphql import GraphqlSource
from gateway.sources.wire import Wire
from tests.contracts.test_sources import CALL, ZONE, Service, http_at, service_at
from tests.fakes.calls import OTHER_USCC, USCC, a_permit, a_resource, a_step
from tests.fakes.descriptions import OPENAPI, PLAIN_SDL

RECORD: Mapping[str, Any] = {
    "uscc": USCC,
    "name": "甲",
    "status": "valid",
    "capital": 12.50,
    "floors": 3,
    "serial": 9_007_199_254_740_993,
    "since": "2020-02-29",
    "changed": "2026-11-23T09:30:00+08:00",
    "seal": "AP8=",
    "listed": True,
    "scopes": ["x"],
    "holder": {"id": "p1", "name": "乙"},
}


def registered(kind: str, text: str, operation: str, choices: Choices = Choices()) -> Resource:  # noqa: B008 - frozen
    """The resource that a description makes, as an officer would register it."""
    found = describe(kind, text, operation, choices)
    columns = [suggest.Column(name=f.pointer, type=f.declared) for f in found.fields]
    if found.key not in {column.name for column in columns}:
        columns.insert(0, suggest.Column(name=found.key, type="TEXT"))
    items: tuple[Item, ...] = suggest.suggest_items(columns, key=found.key)
    reading: Reading = found.reading
    return a_resource(items=items, table=operation, reading=reading)


def a_read(resource: Resource, *names: str) -> Permitted:
    items = [item for item in resource.items if not item.key and (not names or item.name in names)]
    return a_permit(a_step(resource, items=tuple(items)))


LICENCE = registered("http", json.dumps(OPENAPI), "licence")


async def rest(
    answer: Callable[[web.BaseRequest], Any],
    *keys: str,
    resource: Resource = LICENCE,
    service: list[Service] | None = None,
    **more: Any,
) -> Sequence[Row]:
    async with service_at() as running:
        running.answer = answer
        source = http_at(running.base, **more)
        try:
            return await source.read(a_read(resource), keys=keys or (USCC,), call=CALL)
        finally:
            await source.close()
            if service is not None:
                service.append(running)


def saying(**changes: Any) -> Callable[[web.BaseRequest], web.Response]:
    return lambda _: web.json_response({"data": {**RECORD, **changes}})


async def test_a_record_is_read_by_an_operation_in_the_types_of_the_wire() -> None:
    seen: list[Service] = []
    (row,) = await rest(saying(), service=seen)
    assert row == {
        "uscc": USCC,
        "name": "甲",
        "status": "valid",
        "capital": "12.5",
        "floors": 3,
        "serial": "9007199254740993",
        "since": "2020-02-29",
        "changed": "2026-11-23T01:30:00.000Z",
        "seal": "AP8",
        "listed": True,
        "holderId": "p1",
        "holderName": "乙",
    }
    assert seen[0].requests[0].path == f"/api/licences/{USCC}"
    assert seen[0].requests[0].headers["X-Exchange-Call"] == CALL


@pytest.mark.proves("S6")
@pytest.mark.parametrize(
    "changes",
    [
        {"name": 1},
        {"name": None},
        {"floors": "3"},
        {"floors": 3.5},
        {"floors": True},
        {"listed": 1},
        {"status": "elsewise"},
        {"since": "29.02.2020"},
        {"seal": "*"},
        {"serial": 2**63},
    ],
    ids=str,
)
async def test_a_value_that_was_not_described_so_is_an_error_and_is_not_quoted(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(SourceInvalidError) as raised:
        await rest(saying(**changes))
    assert str(next(iter(changes.values()))) not in {
        str(value) for name, value in raised.value.facts.items() if name != "item"
    }


@pytest.mark.proves("S9")
async def test_a_member_that_is_gone_is_drift_and_names_the_items() -> None:
    record = {name: value for name, value in RECORD.items() if name not in {"name", "capital"}}
    with pytest.raises(SourceDriftError) as raised:
        await rest(lambda _: web.json_response({"data": record}))
    # The capital is no required member: without it the item is null.
    assert raised.value.facts["missing"] == ["name"]


async def test_a_place_without_records_is_drift() -> None:
    with pytest.raises(SourceDriftError):
        await rest(lambda _: web.json_response({"rows": []}))


async def test_an_absence_is_what_was_registered_as_one_and_no_bare_404() -> None:
    absent = Choices(absent=Absent(status=404, pointer="/code", value="NONE"))
    resource = registered("http", json.dumps(OPENAPI), "licence", absent)

    def none(_: web.BaseRequest) -> web.Response:
        return web.json_response({"code": "NONE"}, status=404)

    assert list(await rest(none, resource=resource)) == []
    with pytest.raises(SourceInvalidError):
        await rest(none)
    others: tuple[Any, ...] = ({"code": "WRONG_PATH"}, {}, [], {"code": None})
    for body in others:

        def other(_: web.BaseRequest, body: Any = body) -> web.Response:
            return web.json_response(body, status=404)

        with pytest.raises(SourceInvalidError):
            await rest(other, resource=resource)


@pytest.mark.parametrize("key", ["../x", "a/b?c=d#e", "{uscc}", "%2e%2e", "a b"])
async def test_a_key_in_a_path_is_one_segment(key: str) -> None:
    seen: list[Service] = []
    await rest(saying(), key, service=seen)
    (request,) = seen[0].requests
    assert request.raw_path.count("/") == 3
    assert request.rel_url.parts[-1] == key


@pytest.mark.parametrize("key", [".", ".."])
async def test_a_key_that_is_a_dot_segment_is_not_sent(key: str) -> None:
    seen: list[Service] = []
    with pytest.raises(SourceInvalidError):
        await rest(saying(), key, service=seen)
    assert seen[0].requests == []


async def test_a_posted_key_stands_in_its_place_of_the_body() -> None:
    chosen = Choices(key="/filter/uscc", fixed=(("/filter/kind", "A"),))
    resource = registered("http", json.dumps(OPENAPI), "POST /search", chosen)
    bodies: list[Any] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"code": 0, "data": {"rows": [RECORD]}})

    assert len(await rest(answer, resource=resource)) == 1
    assert bodies == [{"filter": {"uscc": USCC, "kind": "A"}}]


@pytest.mark.proves("S6")
async def test_an_answer_nested_too_deeply_or_with_too_many_records_is_refused() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(SourceInvalidError):
        await rest(lambda _: web.json_response({"data": {**RECORD, "more": deep}}))
    with pytest.raises(SourceInvalidError):
        await rest(lambda _: web.json_response({"data": [{}] * 2_001}))


@pytest.mark.proves("S2")
async def test_a_request_that_may_have_arrived_is_never_sent_again() -> None:
    async def first_then_cut(request: web.BaseRequest) -> web.Response:
        if len(service.requests) == 1:
            return web.json_response({"data": RECORD})
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with service_at() as service:
        service.answer = first_then_cut
        source = http_at(service.base)
        # The second request goes over the connection that the first one left open.
        await source.read(a_read(LICENCE), keys=[USCC], call=CALL)
        with pytest.raises(SourceError):
            await source.read(a_read(LICENCE), keys=[USCC], call=CALL)
        await source.close()
        assert len(service.requests) == 2


async def test_a_department_can_check_that_the_exchange_asks() -> None:
    key = create_private_key()
    signer = UpstreamSigner(key, now=lambda: datetime.now(UTC), random=lambda n: b"\x01" * n)
    chosen = Choices(key="/filter/uscc")
    resource = registered("http", json.dumps(OPENAPI), "POST /search", chosen)
    checked: list[str] = []

    async def check(request: web.BaseRequest) -> web.Response:
        body = await request.read()
        message = SimpleNamespace(
            method=request.method, url=str(request.url), headers=request.headers, body=body
        )
        verifier = HTTPMessageVerifier(
            signature_algorithm=ED25519,
            key_resolver=MappingKeyResolver(
                public_keys={thumbprint(key.public_key()): key.public_key()}, private_keys={}
            ),
        )
        (result,) = verifier.verify(message)
        assert result.parameters["tag"] == TAG
        checked.extend(result.covered_components)
        return web.json_response({"data": {"rows": [RECORD]}})

    await rest(check, resource=resource, sign=signer.headers)
    assert {name.strip('"') for name in checked} == {
        "@method",
        "@target-uri",
        "x-exchange-call",
        "content-digest",
        "@signature-params",
    }


class Graph:
    """A GraphQL service on loopback: what a schema answers, and the requests it was sent."""

    def __init__(self, execute: Callable[[str, dict[str, Any]], Mapping[str, Any]]) -> None:
        self._execute = execute
        self.sent: list[dict[str, Any]] = []

    async def answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.json()
        self.sent.append(body)
        return web.json_response(self._execute(body["query"], body["variables"]))


async def graph(graph_: Graph, resource: Resource, *keys: str) -> Sequence[Row]:
    async with service_at() as running:
        running.answer = graph_.answer
        source = GraphqlSource(running.base, wire=Wire(secret=None, timeout_s=5.0), zone=ZONE)
        try:
            return await source.read(a_read(resource), keys=keys, call=CALL)
        finally:
            await source.close()


@strawberry.federation.type(keys=["code"])
class Org:
    code: str


@strawberry.federation.type(keys=["uscc", Key(fields=FieldSet("org { code } number"))])
class Licence:
    uscc: strawberry.ID
    number: str
    org: Org
    name: str | None = strawberry.federation.field(shareable=True)
    note: str = strawberry.federation.field(inaccessible=True, default="")

    @classmethod
    def resolve_reference(
        cls, uscc: str | None = None, number: str | None = None, org: Any = None
    ) -> "Licence | None":
        if uscc == "broken":
            raise ValueError("not today")
        code = org["code"] if isinstance(org, dict) else getattr(org, "code", None)
        return next(
            (
                one
                for one in HELD
                if one.uscc == uscc or (one.number == number and one.org.code == code)
            ),
            None,
        )


HELD = [
    Licence(uscc=strawberry.ID(USCC), number="7", org=Org(code="A"), name="甲"),
    Licence(uscc=strawberry.ID(OTHER_USCC), number="8", org=Org(code="A"), name=None),
]


@strawberry.type
class Query:
    @strawberry.field
    def licence(self, uscc: strawberry.ID) -> Licence | None:
        return next((one for one in HELD if one.uscc == uscc), None)

    @strawberry.field
    def licences(self, usccs: list[strawberry.ID]) -> list[Licence]:
        return [one for one in HELD if one.uscc in usccs]


SUBGRAPH = Schema(query=Query, types=[Licence], federation_version="2.3")


def genuine(query: str, variables: dict[str, Any]) -> Mapping[str, Any]:
    """What a genuine subgraph (strawberry) answers."""
    result = SUBGRAPH.execute_sync(query, variables)
    told: dict[str, Any] = {"data": result.data}
    if result.errors:
        told["errors"] = [{"message": str(error)} for error in result.errors]
    return told


def sdl() -> str:
    told = genuine("{ _service { sdl } }", {})["data"]
    return str(told["_service"]["sdl"])


@pytest.mark.parametrize(
    ("operation", "requests"), [("Licence", 1), ("licence", 1), ("licences", 1)]
)
async def test_a_genuine_subgraph_is_read_in_one_request_for_all_keys(
    operation: str, requests: int
) -> None:
    chosen = Choices(key_item="" if operation == "Licence" else "/uscc")
    resource = registered("graphql", sdl(), operation, chosen)
    assert not [item for item in resource.items if "note" in item.name]
    service = Graph(genuine)
    rows = await graph(service, resource, USCC, OTHER_USCC, "91330106MA2CFRAW2X")
    assert {row["uscc"]: row["name"] for row in rows} == {USCC: "甲", OTHER_USCC: None}
    assert len(service.sent) == requests
    assert all(USCC not in one["query"] for one in service.sent)


async def test_a_compound_key_finds_an_entity_and_comes_back_as_it_was_asked() -> None:
    resource = registered("graphql", sdl(), "Licence", Choices(key="org { code } number"))
    (row,) = await graph(Graph(genuine), resource, "A|8")
    assert row[resource.key.name] == "A|8"
    assert row["uscc"] == OTHER_USCC
    assert list(await graph(Graph(genuine), resource, "B|8")) == []
    with pytest.raises(SourceInvalidError):
        await graph(Graph(genuine), resource, "8")


async def test_an_entity_that_could_not_be_read_is_no_absence() -> None:
    resource = registered("graphql", sdl(), "Licence")
    with pytest.raises(SourceUnavailableError):
        await graph(Graph(genuine), resource, "broken", USCC)


@pytest.mark.proves("S6")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errors": [{"message": "no such field"}]}, SourceDriftError),
        ({"data": None, "errors": [{"message": "x"}]}, SourceUnavailableError),
        ({"data": {"_entities": []}}, SourceInvalidError),
        ({"data": {"_entities": [{"__typename": "Other", "uscc": USCC}]}}, SourceInvalidError),
        ({"data": {"_entities": {}}}, SourceInvalidError),
        ({"data": {}}, SourceInvalidError),
        ({}, SourceInvalidError),
        ([], SourceInvalidError),
    ],
)
async def test_a_graphql_answer_that_is_none_is_an_error(
    answer: Any, error: type[SourceError]
) -> None:
    resource = registered("graphql", sdl(), "Licence")
    with pytest.raises(error):
        await graph(Graph(lambda *_: answer), resource, USCC)


async def test_an_enumeration_takes_its_own_words_alone() -> None:
    resource = registered("graphql", PLAIN_SDL, "permit")
    record = {"number": USCC, "title": "t", "status": "VALID", "area": 1, "until": None}
    good = {"data": {"r0": {**record, "office": None}}}
    (row,) = await graph(Graph(lambda *_: good), resource, USCC)
    assert (row["status"], row["area"], row["officeName"]) == ("VALID", "1", None)
    bad = {"data": {"r0": {**record, "office": None, "status": "OTHER"}}}
    with pytest.raises(SourceInvalidError):
        await graph(Graph(lambda *_: bad), resource, USCC)
