"""All records of a service, page by page: every key once, and no service's word for its order is taken."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import web

from catalogue.model import Resource
from catalogue.readings import Pages
from gateway.errors import BulkUnsupportedError, SourceError, SourceInvalidError
from gateway.model import EveryKey, Permitted, Row
from gateway.sources.described import Choices, DescriptionError, PageChoices
from gateway.sources.descriptions import choices_of, describe
from gateway.sources.graphql import GraphqlSource
from gateway.sources.soap import SoapSource
from gateway.sources.soap_worker import SoapWorker
from gateway.sources.wire import Wire
from tests.contracts.test_services import RECORD, registered
from tests.contracts.test_sources import CALL, ZONE, Service, http_at, service_at
from tests.fakes.calls import a_permit, a_step
from tests.fakes.descriptions import LICENCE_SCHEMA, OPENAPI
from tests.fakes.soap import WSDL, a_filing, answered, xml

KEYS = [f"K{number:02}" for number in range(7)]
Ask = Callable[[str | None, int], Sequence[str | None]]
"""(the key after which a page begins, how many) → keys of the page: what the service under test does."""


def honest(after: str | None, size: int) -> Sequence[str]:
    return [key for key in KEYS if after is None or key > after][:size]


def a_document() -> dict[str, Any]:
    document = deepcopy(OPENAPI)
    many = {"200": deepcopy(OPENAPI["paths"]["/search"]["get"]["responses"]["200"])}
    document["paths"]["/licences"] = {
        "get": {
            "parameters": [
                {"name": "after", "in": "query"},
                {"name": "limit", "in": "query", "required": True},
                {"name": "region", "in": "query", "required": True},
                {"name": "from", "in": "query", "required": True},
            ],
            "responses": many,
        },
        "post": {
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "after": {"type": "string"},
                                "limit": {"type": "integer"},
                            },
                        }
                    }
                }
            },
            "responses": many,
        },
    }
    document["paths"]["/page/{after}"] = {
        "get": {
            "parameters": [
                {"name": "after", "in": "path", "required": True},
                {"name": "limit", "in": "query"},
            ],
            "responses": many,
        }
    }
    return document


REST_PAGES = PageChoices(
    operation="GET /licences",
    after="after",
    size="limit",
    records="/data/rows",
    fixed=(("region", "33"), ("from", "x")),
)
POSTED = PageChoices(
    operation="POST /licences", after="/after", size="/limit", records="/data/rows"
)
SDL = """
type Query {
  permit(number: ID!): Permit
  permits(after: ID, first: Int!): [Permit!]!
  needs(after: ID!, first: Int!): [Permit!]!
  one(after: ID, first: Int): Permit
  unsized(after: ID): [Permit!]!
  untitled(after: ID, first: Int!): [Bare!]!
}
type Permit { number: ID!, title: String! }
type Bare { number: ID! }
"""
GRAPH_PAGES = PageChoices(operation="permits", after="after", size="first")


def a_wsdl() -> str:
    text = WSDL.read_text(encoding="utf-8")
    text = text.replace(
        '<xsd:element name="FindResponse">',
        '<xsd:element name="List"><xsd:complexType><xsd:sequence>'
        '<xsd:element name="after" type="xsd:string" minOccurs="0"/>'
        '<xsd:element name="size" type="xsd:int"/></xsd:sequence></xsd:complexType></xsd:element>'
        '<xsd:element name="FindResponse">',
    )
    text = text.replace(
        "<wsdl:portType",
        '<wsdl:message name="ListIn"><wsdl:part name="parameters" element="f:List"/></wsdl:message>'
        "<wsdl:portType",
    )
    for operation in re.findall(
        r'<wsdl:operation name="Find">.*?</wsdl:operation>', text, re.DOTALL
    ):
        listed = operation.replace('"Find"', '"List"').replace("FindIn", "ListIn")
        text = text.replace(operation, operation + listed.replace("#Find", "#List"))
    return text


SOAP = a_wsdl()
SOAP_PAGES = PageChoices(operation="List", after="/after", size="/size")


async def by_rest(request: web.BaseRequest, ask: Ask) -> web.Response:
    if request.method == "POST":
        told: Mapping[str, Any] = await request.json()
        assert isinstance(told["limit"], int)
    else:
        told = request.query
        assert (told["region"], told["from"]) == ("33", "x")
    keys = ask(told.get("after"), int(told["limit"]))
    rows = [{**RECORD, "uscc": key} for key in keys]
    return web.json_response({"data": {"rows": rows}})


async def by_graph(request: web.BaseRequest, ask: Ask) -> web.Response:
    body = await request.json()
    told = body["variables"]
    assert "permits(after: $after, first: $size)" in body["query"]
    keys = ask(told.get("after"), told["size"])
    rows = [{"number": key, "title": "甲"} for key in keys]
    return web.json_response({"data": {"records": rows}})


async def by_soap(request: web.BaseRequest, ask: Ask) -> web.Response:
    content = (await request.read()).decode()
    after = re.search(r"after>([^<]*)<", content)
    size = re.search(r"size>([^<]*)<", content)
    assert size is not None
    assert "#List" in request.headers["SOAPAction"]
    keys = ask(after and after.group(1), int(size.group(1)))
    rows = [_filing(key) for key in keys]
    return xml(answered("".join(rows)))


def _filing(key: str | None) -> str:
    return a_filing(key) if key is not None else a_filing("").replace("<f:uscc></f:uscc>", "")


def a_source(kind: str, service: Service) -> Any:
    wire = Wire(secret=None, timeout_s=5.0)
    match kind:
        case "graphql":
            return GraphqlSource(service.base, wire=wire, zone=ZONE)
        case "soap":
            worker = SoapWorker(SOAP, timeout_s=20.0)
            return SoapSource(service.base, wire=wire, worker=worker, zone=ZONE)
        case _:
            return http_at(service.base)


RESOURCES: Mapping[str, Resource] = {
    "get": registered("http", json.dumps(a_document()), "licence", Choices(pages=REST_PAGES)),
    "post": registered("http", json.dumps(a_document()), "licence", Choices(pages=POSTED)),
    "graphql": registered("graphql", SDL, "permit", Choices(pages=GRAPH_PAGES)),
    "soap": registered("soap", SOAP, "Find", Choices(key="/uscc", pages=SOAP_PAGES)),
}
ANSWERS = {"get": by_rest, "post": by_rest, "graphql": by_graph, "soap": by_soap}
kinds = pytest.mark.parametrize("kind", RESOURCES)


@asynccontextmanager
async def paged(kind: str, ask: Ask) -> AsyncIterator[tuple[Any, Service]]:
    async with service_at() as running:
        running.answer = lambda request: ANSWERS[kind](request, ask)
        source = a_source(kind, running)
        try:
            yield source, running
        finally:
            await source.close()


def a_page(resource: Resource, *, after: str | None, limit: int = 3, **changes: Any) -> Permitted:
    key = EveryKey(item=resource.key, after=after)
    items = tuple(item for item in resource.items if not item.key)
    return a_permit(a_step(resource, items=items, key=key, limit=limit, many=True), **changes)


async def every(source: Any, resource: Resource, **changes: Any) -> list[list[Row]]:
    pages: list[list[Row]] = []
    after: str | None = None
    for _ in range(50):
        permitted = a_page(resource, after=after, **changes)
        rows, more = await source.page(permitted, after=after, call=CALL)
        pages.append(list(rows))
        if not more:
            return pages
        after = str(rows[-1][resource.key.name])
    raise AssertionError("the pages do not end")


def keys_of(resource: Resource, pages: Sequence[Sequence[Row]]) -> list[list[str]]:
    return [[str(row[resource.key.name]) for row in page] for page in pages]


@kinds
async def test_every_key_is_met_once_until_a_page_of_none(kind: str) -> None:
    async with paged(kind, honest) as (source, service):
        pages = await every(source, RESOURCES[kind])
    assert keys_of(RESOURCES[kind], pages) == [KEYS[:3], KEYS[3:6], KEYS[6:], []]
    assert all(one.headers["X-Exchange-Call"] == CALL for one in service.requests)
    row = pages[0][0]
    assert set(row) == {item.name for item in RESOURCES[kind].items}


@kinds
async def test_a_service_that_gives_fewer_than_asked_for_ends_nothing(kind: str) -> None:
    async with paged(kind, lambda after, size: honest(after, min(size, 2))) as (source, _):
        pages = await every(source, RESOURCES[kind], limit=5)
    assert [key for page in keys_of(RESOURCES[kind], pages) for key in page] == KEYS


@kinds
async def test_no_more_is_asked_for_than_the_grant_gives(kind: str) -> None:
    sizes: list[int] = []

    def ask(after: str | None, size: int) -> Sequence[str]:
        sizes.append(size)
        return honest(after, size)

    async with paged(kind, ask) as (source, _):
        await source.page(a_page(RESOURCES[kind], after=None, max_rows=2), after=None, call=CALL)
        nothing = a_page(RESOURCES[kind], after=None, max_rows=0)
        assert await source.page(nothing, after=None, call=CALL) == ((), False)
    assert sizes == [2]


LIES: Mapping[str, tuple[Ask, str | None]] = {
    "passes over the place": (lambda _after, size: [*KEYS][:size], KEYS[2]),
    "begins at the place": (
        lambda after, size: [k for k in KEYS if k >= (after or "")][:size],
        "K02",
    ),
    "another order": (lambda after, size: honest(after, size)[::-1], None),
    "a key twice": (lambda _after, _size: ["K01", "K01"], None),
    "more than asked for": (lambda after, size: honest(after, size + 1), None),
    "by letters of either case": (lambda _after, _size: ["a", "B"], None),
}


@pytest.mark.proves("S6")
@kinds
@pytest.mark.parametrize("lie", LIES)
async def test_a_page_that_is_not_what_was_asked_for_gives_nothing(kind: str, lie: str) -> None:
    ask, after = LIES[lie]
    async with paged(kind, ask) as (source, _):
        permitted = a_page(RESOURCES[kind], after=after)
        with pytest.raises(SourceInvalidError):
            await source.page(permitted, after=after, call=CALL)


@kinds
async def test_a_record_without_a_key_gives_nothing(kind: str) -> None:
    async with paged(kind, lambda _after, _size: [None]) as (source, _):
        with pytest.raises(SourceError):
            await source.page(a_page(RESOURCES[kind], after=None), after=None, call=CALL)


@kinds
async def test_without_an_operation_for_pages_or_with_several_records_a_subject_nothing_is_asked(
    kind: str,
) -> None:
    whole = RESOURCES[kind]
    assert whole.reading is not None
    without = replace(whole, reading=_without_pages(whole))
    async with paged(kind, honest) as (source, service):
        for resource, said in (
            (without, "names no operation"),
            (replace(whole, single=False), "one record"),
        ):
            with pytest.raises(BulkUnsupportedError) as raised:
                await source.page(a_page(resource, after=None), after=None, call=CALL)
            assert said in raised.value.facts["reason"]
    assert service.requests == []


def _without_pages(resource: Resource) -> Any:
    if resource.reading is None:
        raise AssertionError("a resource without a reading")
    return msgspec.structs.replace(resource.reading, pages=None)


@kinds
def test_what_is_registered_comes_out_of_the_description_again(kind: str) -> None:
    resource = RESOURCES[kind]
    reading = resource.reading
    assert reading is not None
    assert isinstance(reading.pages, Pages)
    source, text, operation = {
        "graphql": ("graphql", SDL, "permit"),
        "soap": ("soap", SOAP, "Find"),
    }.get(kind, ("http", json.dumps(a_document()), "licence"))
    again = choices_of(reading, key_item=resource.key.column)
    assert describe(source, text, operation, again).reading == reading


def a_document_without(member: str) -> str:
    """The pages' records lack a member that a record asked for by its key has."""
    document = a_document()
    less = {**LICENCE_SCHEMA, "properties": {**LICENCE_SCHEMA["properties"]}}
    del less["properties"][member]
    schemas = document["components"]["schemas"]
    schemas["Less"] = less
    many = json.loads(json.dumps(schemas["Many"]).replace("/Licence", "/Less"))
    schemas["ManyLess"] = many
    text = json.dumps(document["paths"]["/licences"]).replace("/Many", "/ManyLess")
    document["paths"]["/licences"] = json.loads(text)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("kind", "text", "operation", "pages", "said"),
    [
        (
            "http",
            json.dumps(a_document()),
            "licence",
            replace(REST_PAGES, after="from"),
            "required",
        ),
        ("http", json.dumps(a_document()), "licence", replace(REST_PAGES, size="most"), "limit"),
        ("http", json.dumps(a_document()), "licence", replace(REST_PAGES, fixed=()), "region"),
        ("http", a_document_without("name"), "licence", REST_PAGES, "does not give /name"),
        (
            "http",
            json.dumps(a_document()),
            "licence",
            PageChoices(operation="GET /page/{after}", after="after", size="limit"),
            "a first page has no place",
        ),
        ("graphql", SDL, "permit", replace(GRAPH_PAGES, operation="needs"), "left out"),
        ("graphql", SDL, "permit", replace(GRAPH_PAGES, operation="one"), "no list"),
        ("graphql", SDL, "permit", replace(GRAPH_PAGES, operation="unsized"), "no argument first"),
        ("graphql", SDL, "permit", replace(GRAPH_PAGES, operation="untitled"), "/title"),
        ("soap", SOAP, "Find", replace(SOAP_PAGES, after="/size", size="/after"), "no place"),
    ],
)
def test_an_operation_that_gives_no_pages_is_refused_with_what_was_found(
    kind: str, text: str, operation: str, pages: PageChoices, said: str
) -> None:
    key = "/uscc" if kind == "soap" else ""
    with pytest.raises(DescriptionError) as raised:
        describe(kind, text, operation, Choices(key=key, pages=pages))
    assert said in str(raised.value)
