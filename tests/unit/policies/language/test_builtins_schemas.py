"""Documents under a JSON schema: each error as OPA words it, everything unsure refused."""

from typing import Any

import pytest

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "list": {"items": {"type": "string"}}},
    "required": ["id"],
}


def error(field: str, kind: str, said: str) -> dict[str, str]:
    return {"field": field, "type": kind, "desc": said, "error": f"{field}: {said}"}


def expected(wanted: str, given: str) -> str:
    return f"Invalid type. Expected: {wanted}, given: {given}"


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        ({"id": 5}, []),
        ('{"id": 5, "other": null}', []),
        ({"id": 5, "list": ["a", "b"]}, []),
        ({}, [error("(Root)", "required", "id is required")]),
        ([], [error("(Root)", "invalid_type", expected("object", "array"))]),
        ({"id": "5"}, [error("id", "invalid_type", expected("integer", "string"))]),
        (
            {"id": 5, "list": ["a", 1]},
            [error("list.1", "invalid_type", expected("string", "integer"))],
        ),
    ],
)
def test_a_document_meets_its_schema_or_each_error_is_named(
    document: Any, errors: list[Any]
) -> None:
    assert called("json.match_schema", document, SCHEMA) == [not errors, errors]


def test_a_report_on_two_members_of_one_object_is_not_offered() -> None:
    with pytest.raises(NotOfferedError, match="two members"):
        called("json.match_schema", {"id": "x", "list": [1]}, SCHEMA)


@pytest.mark.parametrize(
    "schema", [{"enum": [1]}, {"$ref": "http://example.org"}, {"type": ["null"]}, {"title": 1}]
)
def test_a_word_that_is_not_offered_is_refused_and_never_skipped(schema: Any) -> None:
    with pytest.raises(NotOfferedError):
        called("json.match_schema", {}, schema)
    with pytest.raises(NotOfferedError):
        called("json.verify_schema", {"properties": {"a": schema}})


@pytest.mark.parametrize(
    "schema",
    [{"type": "any"}, {"required": "a"}, {"required": ["a", "a"]}, {"properties": 1}, 1, "{"],
)
def test_what_is_no_schema_fails(schema: Any) -> None:
    assert called("json.match_schema", {}, schema) == FAILED
    with pytest.raises(NotOfferedError, match="what is wrong"):
        called("json.verify_schema", schema)


def test_a_schema_is_confirmed() -> None:
    assert called("json.verify_schema", SCHEMA) == [True, None]
    assert called("json.verify_schema", '{"type": "boolean"}') == [True, None]


@pytest.mark.parametrize("document", [None, True, 1, "nope"])
def test_what_is_no_document_fails(document: Any) -> None:
    assert called("json.match_schema", document, {}) == FAILED


def test_a_schema_does_not_look_into_sets_and_decimals() -> None:
    for held in ({1}, 1.5):
        with pytest.raises(NotOfferedError):
            called("json.match_schema", {"a": held}, {})
