"""What a service's own description offers, and what is refused at publishing with the reason."""

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml

from catalogue.readings import GraphqlReading, KeyPart, RestReading
from gateway.sources.described import Choices, Described, DescriptionError
from gateway.sources.descriptions import choices_of, describe, operations
from tests.fakes.descriptions import OPENAPI, PLAIN_SDL, SUBGRAPH, SUBGRAPH_V1

TEXT = json.dumps(OPENAPI)


def pointers(described: Described) -> set[str]:
    return {field.pointer for field in described.fields}


def test_an_openapi_document_offers_its_operations() -> None:
    assert operations("http", TEXT) == ["GET /licences/{uscc}", "GET /search", "POST /search"]


def test_an_operation_becomes_a_reading_with_the_types_of_its_record() -> None:
    described = describe("http", TEXT, "licence", Choices())
    assert isinstance(described.reading, RestReading)
    assert (described.reading.key_in, described.reading.key_name) == ("path", "uscc")
    assert described.reading.records == "/data"
    assert described.key == "/uscc"
    declared = {field.pointer: field.declared for field in described.fields}
    assert declared == {
        "/uscc": "TEXT",
        "/name": "TEXT",
        "/status": "TEXT",
        "/capital": "DECIMAL",
        "/floors": "INTEGER",
        "/serial": "BIGINT",
        "/since": "DATE",
        "/changed": "TIMESTAMP",
        "/seal": "BYTEA",
        "/listed": "BOOLEAN",
        "/holder/id": "TEXT",
        "/holder/name": "TEXT",
    }
    members = described.reading.members
    assert members["/status"].values == ("valid", "revoked")
    assert members["/capital"].nullable
    assert (members["/name"].optional, members["/floors"].optional) == (False, True)
    assert described.skipped == ("/scopes: no single value",)


def test_the_same_document_in_yaml_reads_alike() -> None:
    text = yaml.safe_dump(OPENAPI, allow_unicode=True, sort_keys=False)
    read = describe("http", text.replace("'200'", "200"), "licence", Choices())
    assert read == describe("http", TEXT, "licence", Choices())


def test_a_parameter_that_is_needed_beside_the_key_is_fixed_or_refused() -> None:
    with pytest.raises(DescriptionError, match="not the only one"):
        describe("http", TEXT, "GET /search", Choices())
    with pytest.raises(DescriptionError, match="needs version too"):
        describe("http", TEXT, "GET /search", Choices(key="credit", key_item="/uscc"))
    found = describe(
        "http",
        TEXT,
        "GET /search",
        Choices(key="credit", key_item="/uscc", fixed=(("version", "2"),)),
    )
    assert isinstance(found.reading, RestReading)
    assert found.reading.query == {"version": "2"}
    assert found.reading.records == "/data/rows"


def test_a_key_in_a_body_has_to_be_one_of_its_places() -> None:
    chosen = Choices(key="/filter/uscc", fixed=(("/filter/kind", "A"),))
    found = describe("http", TEXT, "POST /search", chosen)
    assert isinstance(found.reading, RestReading)
    assert (found.reading.key_in, found.reading.body) == ("body", {"/filter/kind": "A"})
    with pytest.raises(DescriptionError, match="no place /filter/else"):
        describe("http", TEXT, "POST /search", Choices(key="/filter/else", key_item="/uscc"))


def test_a_record_that_does_not_say_whose_it_is_is_refused() -> None:
    with pytest.raises(DescriptionError, match="whose record it is"):
        describe("http", TEXT, "licence", Choices(omit=("/uscc",)))


def changed(**paths: Any) -> str:
    document = deepcopy(OPENAPI)
    document.update(paths)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version 3"),
        ("{", "neither JSON nor YAML"),
        (changed(openapi="2.0"), "version 3"),
        (changed(paths=None), "no paths"),
        ("a: &x 1\nb: *x\nopenapi: '3.0'\npaths: {}", "aliases"),
        (TEXT.replace("#/components/schemas/One", "other.json#/One"), "out of the document"),
        (TEXT.replace("#/components/schemas/One", "#/components/schemas/None"), "leads nowhere"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(DescriptionError, match=why):
        describe("http", text, "licence", Choices())


def test_references_in_a_circle_end() -> None:
    document = deepcopy(OPENAPI)
    document["components"]["schemas"]["One"] = {"$ref": "#/components/schemas/One"}
    with pytest.raises(DescriptionError, match="circle"):
        describe("http", json.dumps(document), "licence", Choices())


def test_a_schema_offers_its_query_fields_and_entities() -> None:
    assert operations("graphql", PLAIN_SDL) == ["byPlace", "permit", "permits"]
    assert operations("graphql", SUBGRAPH) == ["Fee", "Hidden", "Licence", "Media"]


def test_a_query_field_becomes_a_reading() -> None:
    found = describe("graphql", PLAIN_SDL, "permit", Choices())
    reading = found.reading
    assert isinstance(reading, GraphqlReading)
    assert (reading.field, reading.argument, reading.argument_type) == ("permit", "number", "ID!")
    assert (reading.many, found.key) == (False, "/number")
    assert reading.members["/status"].values == ("VALID", "REVOKED")
    assert pointers(found) >= {"/office/name", "/office/level", "/until", "/area"}
    assert found.skipped == ("/scopes: a list",)
    many = describe("graphql", PLAIN_SDL, "permits", Choices(key_item="/number")).reading
    assert isinstance(many, GraphqlReading)
    assert many.many


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("byPlace", "say which argument"),
        ("broken", "no object type"),
        ("elsewhere", "neither a query field nor a type"),
    ],
)
def test_a_field_that_cannot_be_asked_by_a_key_is_refused(operation: str, why: str) -> None:
    with pytest.raises(DescriptionError, match=why):
        describe("graphql", PLAIN_SDL, operation, Choices())


def test_an_entity_offers_what_is_its_own_and_accessible() -> None:
    found = describe("graphql", SUBGRAPH, "Licence", Choices())
    assert isinstance(found.reading, GraphqlReading)
    assert found.reading.key == (KeyPart(pointer="/uscc"),)
    # Not what is external (rating), nor what is inaccessible.
    assert pointers(found) == {"/uscc", "/number", "/org/code", "/name"}


def test_a_compound_key_has_a_separator_or_fixed_parts() -> None:
    both = describe("graphql", SUBGRAPH, "Licence", Choices(key="org { code } number"))
    assert isinstance(both.reading, GraphqlReading)
    assert both.reading.separator == "|"
    assert [part.place for part in both.reading.key] == [0, 1]
    assert both.key == "/org/code|/number"
    one = describe(
        "graphql",
        SUBGRAPH,
        "Licence",
        Choices(key="org{code} number", fixed=(("/org/code", "A"),)),
    )
    assert isinstance(one.reading, GraphqlReading)
    assert (one.key, one.reading.separator) == ("/number", "")
    assert one.reading.key[0].constant == "A"


@pytest.mark.parametrize(
    ("text", "operation", "why"),
    [
        (SUBGRAPH, "Fee", "@requires"),
        (SUBGRAPH, "Media", "@interfaceObject"),
        (SUBGRAPH, "Hidden", "@inaccessible"),
        (SUBGRAPH, "Stub", "no @key"),
        (SUBGRAPH_V1, "Company", "@requires"),
        ("type Query {", "x", "not a GraphQL schema"),
    ],
)
def test_what_only_a_router_could_fill_in_is_refused_at_publishing(
    text: str, operation: str, why: str
) -> None:
    with pytest.raises(DescriptionError, match=why):
        describe("graphql", text, operation, Choices())


def test_a_field_that_is_refused_can_be_left_out() -> None:
    fee = describe("graphql", SUBGRAPH, "Fee", Choices(omit=("/amount",)))
    assert pointers(fee) == {"/id", "/paid"}
    company = describe("graphql", SUBGRAPH_V1, "Company", Choices(omit=("/lastResult",)))
    # The key is external in Federation 1, and is what the subgraph is asked by.
    assert pointers(company) == {"/uscc", "/inspections"}


@pytest.mark.parametrize(
    ("kind", "text", "operation", "choices"),
    [
        ("http", TEXT, "GET /licences/{uscc}", Choices()),
        (
            "http",
            TEXT,
            "GET /search",
            Choices(key="credit", key_item="/uscc", fixed=(("version", "2"),)),
        ),
        ("http", TEXT, "POST /search", Choices(key="/filter/uscc")),
        ("graphql", PLAIN_SDL, "permit", Choices()),
        ("graphql", SUBGRAPH, "Licence", Choices(key="org { code } number")),
        (
            "graphql",
            SUBGRAPH,
            "Licence",
            Choices(key="org { code } number", fixed=(("code", "A"),)),
        ),
    ],
)
def test_a_reading_comes_out_of_its_description_again(
    kind: str, text: str, operation: str, choices: Choices
) -> None:
    found = describe(kind, text, operation, choices)
    again = choices_of(found.reading, key_item=found.key)
    assert describe(kind, text, operation, again).reading == found.reading
