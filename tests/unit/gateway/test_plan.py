"""An operation is planned as graphql-core understands it, and asks for no more than it selects."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RefusedDocumentError
from gateway.model import GivenKey, LinkedKey, Step
from gateway.plan import Plan
from tests.examples import examples
from tests.fakes.calls import USCC
from tests.fakes.documents import a_plan


def asked(plan: Plan) -> list[tuple[str, list[str]]]:
    return [(step.resource.code, [item.name for item in step.items]) for step in plan.steps]


def only(plan: Plan) -> Step:
    assert len(plan.steps) == 1
    return plan.steps[0]


def refused(query: str, variables: dict[str, Any] | None = None) -> RefusedDocumentError:
    with pytest.raises(RefusedDocumentError) as caught:
        a_plan(query, variables)
    return caught.value


def test_a_join_over_departments_is_one_step_for_each_in_document_order() -> None:
    plan = a_plan(
        """query($e: ID!) { enterprise(uscc: $e) { uscc
             environmentalApprovals(first: 3) { number validUntil } businessLicence { status } } }""",
        {"e": USCC.lower()},
    )
    assert [(step.ref, step.path) for step in plan.steps] == [
        ("s1", ("enterprise", "environmentalApprovals")),
        ("s2", ("enterprise", "businessLicence")),
    ]
    assert asked(plan) == [("333001/approval", ["number", "until"]), ("307001/licence", ["status"])]
    assert [(step.many, step.limit) for step in plan.steps] == [(True, 3), (False, 1)]
    assert {step.key.value for step in plan.steps if isinstance(step.key, GivenKey)} == {USCC}
    assert plan.given == {("enterprise",): USCC}


def test_a_link_is_a_step_that_follows_an_item_of_its_parent() -> None:
    plan = a_plan('{ businessLicence(uscc: "A1") { name person { household { address } } } }')
    parent, child = plan.steps
    assert child.path == ("businessLicence", "person", "household")
    assert child.key == LinkedKey(
        item=child.resource.key, parent=parent.ref, parent_item=parent.resource.item("legal_id")
    )
    assert [item.name for item in parent.items] == ["name"], "following a link reads nothing"


def test_naming_the_identifier_of_a_linked_subject_asks_for_the_item_behind_it() -> None:
    plan = a_plan('{ businessLicence(uscc: "A1") { person { id } } }')
    assert [item.name for item in only(plan).items] == ["legal_id"]


def test_links_from_a_list_stand_for_every_element() -> None:
    plan = a_plan('{ environmentalApprovals(holder: "A1") { person { household { address } } } }')
    assert plan.steps[1].path == ("environmentalApprovals", "*", "person", "household")


def test_a_verification_reads_nothing_and_compares_what_is_claimed() -> None:
    plan = a_plan(
        """{ verifyEnvironmentalApproval(holder: "A1", claims: {number: "7", valid: true}) { result } }"""
    )
    step = only(plan)
    assert step.items == ()
    assert [(c.item.name if c.item else None, c.value) for c in step.claims] == [
        ("number", "7"),
        (None, None),
    ]
    assert [item.name for item in step.matched] == ["holder", "number"]


@pytest.mark.proves("F7")
def test_typename_and_the_subjects_own_identifier_need_no_step() -> None:
    assert a_plan('{ contract __typename enterprise(uscc: "A1") { __typename uscc } }').steps == ()


@pytest.mark.proves("F7")
def test_the_key_that_the_caller_gave_is_compared_and_not_asked_for() -> None:
    step = only(a_plan('{ businessLicence(uscc: "A1") { __typename uscc name } }'))
    assert [item.name for item in step.items] == ["name"]
    assert [item.name for item in step.matched] == ["uscc"]


def test_the_key_of_a_record_met_by_a_link_is_asked_for_like_any_item() -> None:
    plan = a_plan('{ businessLicence(uscc: "A1") { person { household { id } } } }')
    assert asked(plan) == [("307001/licence", []), ("101002/household", ["id"])]


def test_a_selection_without_items_is_still_a_step() -> None:
    # Whether there is a record is told by it, so it has to be permitted like any reading.
    plan = a_plan('{ enterprise(uscc: "A1") { businessLicence { __typename } } }')
    assert only(plan).items == ()


@pytest.mark.proves("F11")
@pytest.mark.parametrize(
    "query",
    [
        "query($k: ID!) { businessLicence(uscc: $k) { name phone } }",
        "query($k: ID!) { businessLicence(uscc: $k) { x: name y: phone } }",
        "query($k: ID!) { businessLicence(uscc: $k) { ...f } } fragment f on BusinessLicence { name phone }",
        """query($k: ID!) { businessLicence(uscc: $k) { ...f } }
           fragment f on BusinessLicence { name ...g } fragment g on BusinessLicence { phone }""",
        "query($k: ID!) { businessLicence(uscc: $k) { ... on BusinessLicence { name } ... { phone } } }",
        "query($k: ID!) { businessLicence(uscc: $k) { name phone name phone } }",
        "query($k: ID!) { businessLicence(uscc: $k) { name } businessLicence(uscc: $k) { phone } }",
        (
            "query($k: ID!) { ... { businessLicence(uscc: $k) { name } } ...r } "
            "fragment r on Query { businessLicence(uscc: $k) { phone } }"
        ),
        """query($k: ID!, $no: Boolean = false, $yes: Boolean!) { businessLicence(uscc: $k) {
             name @include(if: $yes) phone @skip(if: $no) legalId @include(if: $no)
             status @skip(if: true) ... @include(if: false) { legalId } } }""",
        (
            'query($k: ID!, $j: ID = "zzz") { businessLicence(uscc: $k) { name phone } '
            "enterprise(uscc: $j) @skip(if: true) { businessLicence { legalId } } }"
        ),
        "query A { contract } query B($k: ID!) { businessLicence(uscc: $k) { name phone } }",
    ],
)
def test_however_items_are_written_the_same_are_asked_for_and_no_other(query: str) -> None:
    operation = "B" if "query B" in query else None
    variables = {"k": "a1", "yes": True}
    plan = a_plan(query, variables, operation=operation)
    assert {name for step in plan.steps for name in asked_names(step)} == {"name", "phone"}
    assert {step.key.value for step in plan.steps if isinstance(step.key, GivenKey)} == {"A1"}


def asked_names(step: Step) -> set[str]:
    return {item.name for item in step.items}


@pytest.mark.proves("F11")
def test_the_same_resource_under_two_aliases_is_two_steps_with_their_own_keys() -> None:
    plan = a_plan(
        """{ a: enterprise(uscc: "K1") { l: businessLicence { name } m: businessLicence { phone } }
             b: enterprise(uscc: "K2") { businessLicence { name } } }"""
    )
    assert [
        (step.path, step.key.value if isinstance(step.key, GivenKey) else None)
        for step in plan.steps
    ] == [
        (("a", "l"), "K1"),
        (("a", "m"), "K1"),
        (("b", "businessLicence"), "K2"),
    ]


@pytest.mark.proves("F11")
@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_any_spelling_of_a_selection_asks_for_exactly_its_items(data: st.DataObject) -> None:
    wanted = data.draw(
        st.lists(st.sampled_from(["name", "phone", "status", "legalId"]), max_size=6)
    )
    fragments: list[str] = []
    spelled = ["__typename"]
    for number, field in enumerate(wanted):
        spelled.append(data.draw(st.sampled_from(_spellings(field, number, fragments))))
    used = [f for n, f in enumerate(fragments) if any(f"...f{n} " in text for text in spelled)]
    query = f'{{ businessLicence(uscc: "A1") {{ {" ".join(spelled)} }} }} {" ".join(used)}'
    names = {"legalId": "legal_id"}
    expected = {names.get(field, field) for field in wanted}
    assert asked_names(only(a_plan(query))) == expected


def _spellings(field: str, number: int, fragments: list[str]) -> list[str]:
    number = len(fragments)
    fragments.append(f"fragment f{number} on BusinessLicence {{ a{number}: {field} }}")
    hidden = "legalId status name phone"
    return [
        field,
        f"b{number}: {field}",
        f"...f{len(fragments) - 1} ",
        f"... on BusinessLicence {{ {field} }}",
        f"... @include(if: true) {{ {field} }}",
        f"{field} ... @skip(if: true) {{ {hidden} }}",
        f"{field} @skip(if: false)",
    ]


def test_a_key_that_is_no_identifier_is_refused_at_its_place_without_being_quoted() -> None:
    error = refused(
        """query($k: ID!) { a: enterprise(uscc: $k) { uscc } contract
             b: businessLicence(uscc: "not one") { name } }""",
        {"k": "9133 SECRET"},
    )
    assert error.code == "KEY_INVALID"
    assert [one["path"] for one in error.errors] == [["a"], ["b"]]
    assert "SECRET" not in str(error) + str(error.errors)


@pytest.mark.parametrize("key", ["", "x" * 129, "a\nb", "a\x00"])
def test_a_key_of_no_usable_length_or_character_is_refused(key: str) -> None:
    query = "query($k: ID!) { businessLicence(uscc: $k) { name } }"
    assert refused(query, {"k": key}).code == "KEY_INVALID"


@pytest.mark.parametrize("first", [0, -1, 1001, None])
def test_a_list_is_asked_for_with_a_number_within_bounds(first: int | None) -> None:
    query = 'query($n: Int) { environmentalApprovals(holder: "A", first: $n) { number } }'
    error = refused(query, {"n": first})
    assert error.code == "ARGUMENT_INVALID"
    assert error.errors[0]["extensions"]["argument"] == "first"


@pytest.mark.parametrize(
    "claims", ["{}", "{valid: false}", "{number: null}", f'{{number: "{"x" * 257}"}}']
)
def test_a_verification_without_a_usable_claim_is_refused(claims: str) -> None:
    query = f'{{ verifyEnvironmentalApproval(holder: "A", claims: {claims}) {{ result }} }}'
    assert refused(query).code == "ARGUMENT_INVALID"


def test_variables_that_do_not_fit_are_named_and_never_quoted() -> None:
    query = "query($k: ID!, $n: Int) { environmentalApprovals(holder: $k, first: $n) { number } }"
    error = refused(query, {"n": "SECRET"})
    assert error.code == "VARIABLES_INVALID"
    assert error.facts == {"variables": ["k", "n"]}
    assert "SECRET" not in str(error)


@pytest.mark.parametrize(("name", "found"), [(None, 2), ("C", 0)])
def test_the_operation_must_be_one_of_the_document(name: str | None, found: int) -> None:
    with pytest.raises(RefusedDocumentError) as caught:
        a_plan("query A { contract } query B { contract }", operation=name)
    assert (caught.value.code, caught.value.facts["found"]) == ("OPERATION_UNKNOWN", found)
