"""Outcomes become the data that was asked for, from the rows at hand, and the bytes that are recorded."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.verify import _spans
from gateway.assemble import Assembled, assemble
from gateway.limits import Limits
from gateway.model import Outcome
from gateway.plan import Plan
from policies.model import ItemVerdicts
from tests.examples import examples
from tests.fakes.documents import a_plan, failed, masked, refused

JOIN = """{ enterprise(uscc: "A1") { uscc
  l: businessLicence { name status person { id household { id address } } }
  environmentalApprovals(first: 2) { number charge count validUntil }
} }"""
LINKED = """{ environmentalApprovals(holder: "A1") {
  number person { household { address } } } }"""


def data(assembled: Assembled) -> Any:
    return json.loads(assembled.data)


def joined(plan: Plan) -> list[Outcome]:
    """A firm with one licence, whose legal person has a household, and two approvals."""
    licence, household, approvals = plan.steps
    return [
        masked(
            licence,
            {"name": "甲公司", "status": "存续", "legal_id": "1101**********002X"},
            joins=[{"uscc": "A1", "legal_id": "P1"}],
        ),
        masked(
            household, {"id": "1101**********002X", "address": "长安街****"}, joins=[{"id": "P1"}]
        ),
        masked(
            approvals,
            {"number": "环1", "charge": "1200.50", "count": 3, "until": "2027-01-01"},
            {"number": "环2", "charge": None, "count": None, "until": None},
        ),
    ]


def test_what_departments_gave_is_put_together_in_the_order_of_the_document() -> None:
    plan = a_plan(JOIN)
    assembled = assemble(plan, joined(plan))
    assert assembled.errors == ()
    assert assembled.data.decode() == (
        '{"enterprise":{"uscc":"A1","l":{"name":"甲公司","status":"存续",'
        '"person":{"id":"1101**********002X",'
        '"household":{"id":"1101**********002X","address":"长安街****"}}},'
        '"environmentalApprovals":[{"number":"环1","charge":"1200.50","count":3,'
        '"validUntil":"2027-01-01"},'
        '{"number":"环2","charge":null,"count":null,"validUntil":null}]}}'
    )


def test_the_order_of_the_outcomes_does_not_matter_but_each_step_needs_one() -> None:
    plan = a_plan(JOIN)
    outcomes = joined(plan)
    assert assemble(plan, outcomes[::-1]).data == assemble(plan, outcomes).data
    for wrong in (outcomes[:2], [*outcomes, outcomes[0]], [outcomes[0]] * 3):
        with pytest.raises(ValueError, match="3 steps"):
            assemble(plan, wrong)


def test_unmasked_join_keys_never_stand_in_the_answer() -> None:
    plan = a_plan(JOIN)
    assert b"P1" not in assemble(plan, joined(plan)).data


def test_linked_records_find_the_element_that_leads_to_them() -> None:
    plan = a_plan(LINKED)
    approvals, households = plan.steps
    assembled = assemble(
        plan,
        [
            masked(
                approvals,
                {"number": "1"},
                {"number": "2"},
                {"number": "3"},
                {"number": "4"},
                joins=[{"officer_id": "P2"}, {"officer_id": "P1"}, {}, {"officer_id": "P9"}],
            ),
            masked(
                households,
                {"address": "one"},
                {"address": "two"},
                joins=[{"id": "P1"}, {"id": "P2"}],
            ),
        ],
    )
    assert data(assembled)["environmentalApprovals"] == [
        {"number": "1", "person": {"household": {"address": "two"}}},
        {"number": "2", "person": {"household": {"address": "one"}}},
        {"number": "3", "person": None},
        {"number": "4", "person": {"household": None}},
    ]
    assert assembled.step_bytes["s2"] == b'{"address":"two"}\n{"address":"one"}\nnull'


def test_a_linked_record_without_a_known_key_is_nobodys() -> None:
    plan = a_plan(LINKED)
    approvals, households = plan.steps
    outcomes = [
        masked(approvals, {"number": "1"}, joins=[{"officer_id": "P1"}]),
        masked(households, {"address": "whose?"}),
    ]
    assert b"whose" not in assemble(plan, outcomes).data


@pytest.mark.proves("F7")
def test_the_key_and_typename_are_told_back_where_nothing_else_was_permitted() -> None:
    plan = a_plan('{ businessLicence(uscc: "a1") { __typename uscc name } contract __typename }')
    (step,) = plan.steps
    nothing = ItemVerdicts(allowed=[], masked={}, denied={"name": "ITEM_NOT_GRANTED"})
    told = data(assemble(plan, [masked(step, {}, items=nothing)]))
    assert told["businessLicence"] == {"__typename": "BusinessLicence", "uscc": "A1", "name": None}
    assert (told["contract"], told["__typename"]) == (plan.document.contract.digest, "Query")


def test_refused_and_failed_steps_are_null_with_one_error_each_and_the_others_answer() -> None:
    plan = a_plan(
        """{ enterprise(uscc: "A1") { businessLicence { name }
               environmentalApprovals { number } x: businessLicence { status } } }"""
    )
    licence, approvals, again = plan.steps
    assembled = assemble(
        plan,
        [
            refused(licence, "GRANT_EXPIRED"),
            failed(approvals, "SOURCE_TIMEOUT"),
            masked(again, {"status": "存续"}),
        ],
    )
    assert data(assembled)["enterprise"] == {
        "businessLicence": None,
        "environmentalApprovals": None,
        "x": {"status": "存续"},
    }
    assert [dict(error) for error in assembled.errors] == [
        {
            "path": ["enterprise", "businessLicence"],
            "extensions": {
                "code": "GRANT_EXPIRED",
                "department": "market",
                "resource": "307001/licence",
            },
        },
        {
            "path": ["enterprise", "environmentalApprovals"],
            "extensions": {
                "code": "SOURCE_TIMEOUT",
                "department": "ecology",
                "resource": "333001/approval",
                "retryable": True,
            },
        },
    ]


def test_not_found_and_not_answered_are_never_the_same() -> None:
    plan = a_plan(
        '{ enterprise(uscc: "A1") { businessLicence { name } environmentalApprovals { number } } }'
    )
    licence, approvals = plan.steps
    absent = assemble(plan, [masked(licence), masked(approvals)])
    down = assemble(plan, [failed(licence), failed(approvals)])
    assert data(absent)["enterprise"] == {"businessLicence": None, "environmentalApprovals": []}
    assert absent.errors == ()
    assert data(down)["enterprise"] == {"businessLicence": None, "environmentalApprovals": None}
    assert len(down.errors) == 2


def test_an_error_stands_at_the_first_place_of_its_step_or_where_a_null_cut_it_off() -> None:
    plan = a_plan(LINKED)
    approvals, households = plan.steps
    reached = assemble(
        plan,
        [
            masked(approvals, {}, {}, joins=[{}, {"officer_id": "P1"}]),
            refused(households, "SUBJECT_NOT_PARTY"),
        ],
    )
    assert reached.errors[0]["path"] == ["environmentalApprovals", 1, "person", "household"]
    cut = assemble(plan, [refused(approvals), refused(households, "LINK_UNREAD")])
    assert [error["path"] for error in cut.errors] == [["environmentalApprovals"]] * 2
    assert cut.step_bytes == {"s1": b"null", "s2": b""}


def test_a_refused_answer_has_the_same_bytes_for_any_key() -> None:
    def told(key: str) -> tuple[bytes, tuple[Any, ...]]:
        plan = a_plan("query($k: ID!) { household(id: $k) { address } }", {"k": key})
        assembled = assemble(plan, [refused(plan.steps[0], "SUBJECT_NOT_PARTY")])
        return assembled.data, assembled.errors

    assert told("EXISTING") == told("MISSING")


@pytest.mark.parametrize("result", ["MATCH", "MISMATCH", "NOT_FOUND", "NOT_VALID"])
def test_a_verification_tells_its_result_and_nothing_else(result: str) -> None:
    plan = a_plan('{ verifyBusinessLicence(uscc: "A", claims: {name: "n"}) { result __typename } }')
    assembled = assemble(plan, [masked(plan.steps[0], verified=result)])
    assert data(assembled)["verifyBusinessLicence"] == {
        "result": result,
        "__typename": "Verification",
    }
    assert assembled.errors == ()


def test_a_verification_that_could_not_be_made_is_undetermined_and_a_refused_one_null() -> None:
    plan = a_plan('{ verifyBusinessLicence(uscc: "A", claims: {name: "n"}) { result } }')
    down = assemble(plan, [failed(plan.steps[0])])
    assert data(down) == {"verifyBusinessLicence": {"result": "UNDETERMINED"}}
    denied = assemble(plan, [refused(plan.steps[0])])
    assert data(denied) == {"verifyBusinessLicence": None}
    assert len(denied.errors) == 1


@pytest.mark.parametrize("bad", [{"charge": 12.5}, {"count": "SECRET"}, {"until": b"SECRET"}])
def test_a_value_that_its_type_cannot_write_is_null_and_never_quoted(bad: dict[str, Any]) -> None:
    plan = a_plan('{ environmentalApprovals(holder: "A") { number charge count validUntil } }')
    assembled = assemble(plan, [masked(plan.steps[0], {"number": "1"} | bad)])
    assert data(assembled)["environmentalApprovals"] == [
        {"number": "1", "charge": None, "count": None, "validUntil": None}
    ]
    (error,) = assembled.errors
    assert error["extensions"]["code"] == "VALUE_INVALID"
    assert error["path"][:2] == ["environmentalApprovals", 0]
    assert "SECRET" not in repr(assembled.errors)


def test_no_more_records_are_told_than_were_asked_for() -> None:
    plan = a_plan('{ environmentalApprovals(holder: "A", first: 1) { number } }')
    rows = [{"number": "1"}, {"number": "2"}]
    assert data(assemble(plan, [masked(plan.steps[0], *rows)])) == {
        "environmentalApprovals": [{"number": "1"}]
    }


def test_skipped_fields_are_in_neither_the_plan_nor_the_data() -> None:
    query = """query($s: Boolean!) { businessLicence(uscc: "A") { name ...f @skip(if: $s) } }
               fragment f on BusinessLicence { status person { household { address } } }"""
    plan = a_plan(query, {"s": True})
    assert data(assemble(plan, [masked(plan.steps[0], {"name": "n", "status": "x"})])) == {
        "businessLicence": {"name": "n"}
    }


texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.just('"}],[{\\"') | st.none()


@settings(max_examples=examples(80), deadline=None)
@given(
    st.lists(st.tuples(texts, st.sampled_from(["P1", "P2", None])), max_size=4),
    st.lists(st.tuples(st.sampled_from(["P1", "P2"]), texts), max_size=3),
    st.booleans(),
)
def test_the_bytes_of_a_step_are_those_that_stand_at_its_path(
    approvals: list[tuple[str | None, str | None]],
    households: list[tuple[str, str | None]],
    down: bool,
) -> None:
    plan = a_plan(LINKED)
    first, second = plan.steps
    linked: Outcome = masked(
        second,
        *({"address": address} for _, address in households),
        joins=[{"id": person} for person, _ in households],
    )
    assembled = assemble(
        plan,
        [
            masked(
                first,
                *({"number": number} for number, _ in approvals),
                joins=[{"officer_id": p} if p else {} for _, p in approvals],
            ),
            failed(second) if down else linked,
        ],
    )
    text = assembled.data.decode()
    for step in plan.steps:
        # The verifier's own scanner is the other road: it knows nothing of how the data was made.
        found = [text[start:end] for start, end in _spans(text, 0, step.path)]
        assert assembled.step_bytes[step.ref] == "\n".join(found).encode()


LEAVES = {
    "Enterprise": ["uscc"],
    "Person": ["id"],
    "BusinessLicence": ["uscc", "name", "phone", "legalId"],
    "EnvironmentalApproval": ["holder", "number", "validUntil", "inCharge"],
    "Household": ["id", "address"],
}
BRANCHES = {
    "Query": {
        'enterprise(uscc: "A1")': "Enterprise",
        'businessLicence(uscc: "A1")': "BusinessLicence",
        'environmentalApprovals(holder: "A1")': "EnvironmentalApproval",
    },
    "Enterprise": {
        "businessLicence": "BusinessLicence",
        "environmentalApprovals(first: 2)": "EnvironmentalApproval",
    },
    "Person": {"household": "Household"},
    "BusinessLicence": {"person": "Person"},
    "EnvironmentalApproval": {"person": "Person"},
    "Household": {},
}


class Writer:
    """Writes a random document, with every way of spelling a selection that there is."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._fragments: list[str] = []
        self._aliases = 0

    def document(self) -> str:
        roots = self._selection("Query", 4)
        query = f"query($yes: Boolean = true) {{ contract @include(if: $yes) {roots} }}"
        return " ".join([query, *self._fragments])

    def _selection(self, type_: str, depth: int) -> str:
        names = [*LEAVES.get(type_, ()), *(BRANCHES[type_] if depth else ())]
        drawn = self._data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        return " ".join(self._spelled(name, type_, depth) for name in drawn)

    def _spelled(self, name: str, type_: str, depth: int) -> str:
        field = name
        if name in BRANCHES[type_]:
            self._aliases += 1
            alias = self._data.draw(st.sampled_from(["", f"x{self._aliases}: "]))
            field = f"{alias}{name} {{ {self._selection(BRANCHES[type_][name], depth - 1)} }}"
        match self._data.draw(st.integers(0, 5)):
            case 0:
                return f"... on {type_} {{ {field} }}"
            case 1:
                return f"... @include(if: $yes) {{ {field} }}"
            case 2:
                return f"... @skip(if: $yes) {{ {field} }} __typename"
            case 3:
                fragment = f"f{len(self._fragments)}"
                self._fragments.append(f"fragment {fragment} on {type_} {{ {field} }}")
                return f"...{fragment}"
            case _:
                return field


def everything(plan: Plan) -> list[Outcome]:
    """Give each step two records that hold what it asked for and not a value more."""
    joins = {"uscc": "A1", "holder": "A1", "id": "P1", "legal_id": "P1", "officer_id": "P1"}
    return [
        masked(step, *({item.name: "2026-01-01" for item in step.items},) * 2, joins=[joins, joins])
        for step in plan.steps
    ]


def leaves(value: Any) -> list[Any]:
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return [value] if inner is None else [leaf for each in inner for leaf in leaves(each)]


@pytest.mark.proves("F11")
@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_is_executed_is_exactly_what_was_planned_however_it_is_spelled(
    spelling: st.DataObject,
) -> None:
    wide = Limits(repeats=50, aliases=200, steps=200, fragments=200, directives=200)
    plan = a_plan(Writer(spelling).document(), limits=wide)
    assembled = assemble(plan, everything(plan))
    # A value that the plan had not asked for would be null; a step for nothing would find no place.
    assert None not in leaves(data(assembled))
    assert assembled.errors == ()
    assert all(assembled.step_bytes.values())
