"""Requests, usage and documents are read strictly, and refusals give nothing away."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.model import SharingClass
from gateway import parse
from gateway.errors import RefusedDocumentError, RefusedRequestError
from gateway.limits import Limits
from gateway.parse import (
    Document,
    operation_digest,
    parse_document,
    parse_request,
    read_json,
    read_usage,
)
from gateway.schema import build_contract
from tests.examples import examples
from tests.fakes.calls import a_household, a_resource
from tests.fakes.documents import RESOURCES, a_registry

LIMITS = Limits()
CONTRACT = build_contract(RESOURCES)
USAGE = {
    "matter": "11330106MB0001X10",
    "case": "2026-0117",
    "purpose": "administrative-basis",
    "reason": "建筑工程施工许可核发",
    "operator": "A-0042",
}


def header(usage: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(usage, ensure_ascii=False).encode()).decode()


def refused(query: str, **options: Any) -> RefusedDocumentError:
    with pytest.raises(RefusedDocumentError) as caught:
        parse_document(query, CONTRACT, limits=LIMITS, **options)
    return caught.value


def codes(error: RefusedDocumentError) -> list[str]:
    return [one["extensions"]["code"] for one in error.errors]


def test_a_request_is_read_with_its_four_members() -> None:
    body = (
        b'{"query":"{a}","operationName":"A","variables":{"x":1},"extensions":{"usage":{}},"id":7}'
    )
    read = parse_request(body, limits=LIMITS)
    assert (read.query, read.operation_name) == ("{a}", "A")
    assert (read.variables, read.extensions) == ({"x": 1}, {"usage": {}})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'[{"query":"{a}"}]',
        b'"query"',
        b'{"query":"{a}","query":"{b}"}',
        b'{"query":"{a}","variables":{"x":1,"x":2}}',
        b'{"query":"{a}","variables":{"x":NaN}}',
        b'{"query":"{a}","variables":{"x":1e999}}',
        b'{"query":"{a}","variables":{"x":"\\ud800"}}',
        b'\xef\xbb\xbf{"query":"{a}"}',
        b'{"query":"\xff"}',
        b'{"query":7}',
        b'{"query":""}',
        b"{}",
        b'{"query":"{a}","variables":[]}',
        b'{"query":"{a}","operationName":7}',
        b'{"query":"{a}","extensions":"x"}',
        b'{"query":"{a}","variables":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"query":"{a}","variables":{"x":' + b"9" * 5000 + b"}}",
    ],
)
def test_a_body_that_is_not_one_strict_object_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        parse_request(body, limits=LIMITS)
    assert (caught.value.code, caught.value.status) == ("BODY_INVALID", 400)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@settings(max_examples=examples(80))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    )
)
def test_json_that_was_written_is_read_back(value: Any) -> None:
    assert read_json(json.dumps(value).encode()) == value


def test_usage_is_read_from_either_place() -> None:
    inside = read_usage({"usage": USAGE}, None)
    assert inside == read_usage({}, header(USAGE)) == read_usage({}, header(USAGE).rstrip("="))
    assert inside == read_usage({"usage": USAGE}, header(USAGE))
    assert inside.reason == "建筑工程施工许可核发"
    assert inside.retry_of is None
    assert read_usage({"usage": USAGE | {"retryOf": 7}}, None).retry_of == 7


def test_usage_that_differs_between_body_and_header_is_a_conflict() -> None:
    with pytest.raises(RefusedRequestError) as caught:
        read_usage({"usage": USAGE}, header(USAGE | {"case": "2026-0118"}))
    assert caught.value.code == "USAGE_CONFLICT"


@pytest.mark.parametrize("extensions", [{}, {"usage": {}}, {"usage": None}])
def test_all_members_that_are_missing_are_named_at_once(extensions: dict[str, Any]) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        read_usage(extensions, None)
    assert caught.value.code == "USAGE_MISSING"
    assert caught.value.facts["members"] == ["matter", "case", "purpose", "reason", "operator"]


def test_an_empty_member_is_missing() -> None:
    with pytest.raises(RefusedRequestError) as caught:
        read_usage({"usage": USAGE | {"reason": "", "case": None}}, None)
    assert caught.value.facts["members"] == ["case", "reason"]


@pytest.mark.parametrize(
    ("changes", "members"),
    [
        ({"purpose": "curiosity"}, ["purpose"]),
        ({"reason": "因" * 201}, ["reason"]),
        ({"reason": "  "}, ["reason"]),
        ({"operator": "王小明"}, ["operator"]),
        ({"operator": "system:"}, ["operator"]),
        ({"case": "a\nb"}, ["case"]),
        ({"matter": 7}, ["matter"]),
        ({"retryOf": True}, ["retryOf"]),
        ({"retryOf": -1}, ["retryOf"]),
        ({"retry_of": 7}, ["retry_of"]),
        ({"case": 7, "purpose": "x"}, ["case", "purpose"]),
    ],
)
def test_a_member_that_is_not_well_formed_is_named_and_never_quoted(
    changes: dict[str, Any], members: list[str]
) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        read_usage({"usage": USAGE | changes}, None)
    assert caught.value.code == "USAGE_INVALID"
    assert caught.value.facts["members"] == members
    assert "王小明" not in str(caught.value)


def test_jobs_and_two_hundred_characters_of_reason_are_accepted() -> None:
    changes = {"operator": "system:nightly", "reason": "因" * 200}
    assert read_usage({"usage": USAGE | changes}, None).operator == "system:nightly"


@pytest.mark.parametrize("text", ["***", "e30=e30=", "5L2g5", header([]), header("x"), "e30\n"])
def test_a_header_that_is_not_base64url_of_an_object_is_refused(text: str) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        read_usage({}, text)
    assert caught.value.code in {"USAGE_INVALID", "USAGE_MISSING"}


def test_a_document_is_known_by_the_digest_of_its_very_text() -> None:
    query = "{ contract }"
    document = parse_document(query, CONTRACT, limits=LIMITS)
    assert document.digest == operation_digest(query)
    assert document.digest != operation_digest(query + " ")


UNKNOWN = {
    "a field of the root": "{{ {name} }}",
    "a subject's field": '{{ enterprise(uscc: "1") {{ {name} {{ name }} }} }}',
    "an item": '{{ businessLicence(uscc: "1") {{ {name} }} }}',
    "a type": "{{ contract ... on {name} {{ contract }} }}",
    "an argument": '{{ businessLicence({name}: "1", uscc: "1") {{ name }} }}',
    "a claim": '{{ verifyBusinessLicence(uscc: "1", claims: {{ {name}: "x" }}) {{ result }} }}',
    "a variable's type": "query($x: {name}) {{ contract }}",
}


@pytest.mark.proves("F19")
@pytest.mark.parametrize("place", UNKNOWN)
def test_unannounced_not_shared_and_invented_names_get_the_same_bytes(place: str) -> None:
    # One system asked for all of them; nothing but the licence is announced and shareable.
    withdrawn = a_household(
        code="101002/residence", type_name="Residence", field_name="residence", state="withdrawn"
    )
    hidden = a_household(sharing_class=SharingClass.NOT_SHARED)
    resources = (a_resource(), hidden, withdrawn)
    registry = replace(
        a_registry(resources, sys_permit="307001/licence"),
        asked=frozenset(("sys_permit", resource.code) for resource in resources),
    )
    contract = build_contract(registry.contract("sys_permit"))
    assert set(contract.types) == {"BusinessLicence"}
    answers = set()
    # The last two are invented: one is near to a name of the contract, which invites a suggestion.
    for name in ("household", "Household", "residence", "Residence", "businessL", "qqqqqqqqq"):
        with pytest.raises(RefusedDocumentError) as caught:
            parse_document(UNKNOWN[place].format(name=name), contract, limits=LIMITS)
        answers.add(json.dumps([caught.value.code, *caught.value.errors], ensure_ascii=False))
    assert len(answers) == 1
    assert "Did you mean" not in answers.pop()


def test_no_error_suggests_a_name_or_quotes_a_value() -> None:
    for query in (
        '{ businessLicenc(uscc: "1") { name } }',
        '{ businessLicence(uscc: "1") }',
        '{ businessLicence(uscc: ["91330106SECRET"]) { name } }',
        '{ businessLicence(uscc: {a: "91330106SECRET"}) { name } }',
        '{ businessLicence(uscc: "91330106SECRET") { name } "91330106SECRET" }',
        '{ businessLicence(uscc: "91330106SECRET }',
    ):
        told = json.dumps(refused(query).errors)
        assert "Did you mean" not in told
        assert "SECRET" not in told
        assert "locations" in told


def test_an_error_says_where_it_is() -> None:
    error = refused('{\n  contract\n  businessLicence(uscc: "1") { nmae }\n}')
    assert error.errors[0]["locations"] == [{"line": 3, "column": 32}]
    assert codes(error) == ["NAME_UNKNOWN"]


@pytest.mark.parametrize(
    "query",
    ["mutation { contract }", "subscription { contract }", "type A { b: Int } query { contract }"],
)
def test_only_queries_are_answered(query: str) -> None:
    assert codes(refused(query)) == ["OPERATION_UNSUPPORTED"]


@pytest.mark.proves("F11")
@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ x: __schema { queryType { name } } }",
        "{ ...f } fragment f on Query { ...g } fragment g on Query { x: __schema { types { name } } }",
        "query($s: Boolean = true) { __schema @skip(if: $s) { types { name } } }",
    ],
)
def test_introspection_by_any_way_is_refused(query: str) -> None:
    assert set(codes(refused(query))) == {"INTROSPECTION_REFUSED"}


def test_introspection_of_the_own_contract_can_be_allowed_and_typename_always_is() -> None:
    query = get_introspection_query()
    parse_document(query, CONTRACT, limits=Limits(), allow_introspection=True)
    parse_document("{ __typename contract }", CONTRACT, limits=LIMITS)


@settings(max_examples=examples(60), deadline=None)
@given(st.text(alphabet='{}()[]:$@"! .abcontrf\n#12', max_size=60))
def test_any_text_is_a_document_or_a_named_refusal(text: str) -> None:
    outcome: Document | RefusedDocumentError
    try:
        outcome = parse_document(text, CONTRACT, limits=LIMITS)
    except RefusedDocumentError as error:
        outcome = error
    assert isinstance(outcome, Document) or (outcome.errors and outcome.status == 400)


@pytest.mark.parametrize(
    ("characters", "kept"), [(parse.DIGEST_KEPT, 1), (parse.DIGEST_KEPT + 1, 0)]
)
def test_only_a_short_document_s_digest_is_kept(characters: int, kept: int) -> None:
    text = "{" + "k" * (characters - 2) + "}"
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert parse.operation_digest(text) == expected
    before = parse._kept_digest.cache_info().hits
    assert parse.operation_digest(text) == expected
    assert parse._kept_digest.cache_info().hits - before == kept
