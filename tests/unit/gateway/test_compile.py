"""Both roads, one answer: what is compiled plans and writes exactly as graphql-core does."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import gateway.compile
from exchange.cursoring import SealedCursors
from gateway.assemble import Assembled, assemble
from gateway.compile import put_together
from gateway.errors import RefusedDocumentError
from gateway.model import Listed, Outcome
from gateway.parse import Document, parse_document
from gateway.plan import Plan, plan
from gateway.planned import Plans
from gateway.schema import Contract, build_contract
from tests.examples import examples
from tests.fakes.documents import (
    LIMITS,
    RESOURCES,
    a_document,
    failed,
    masked,
    normalise,
    refused,
)
from tests.fakes.operations import Operation, some_outcomes, some_resources

Planning = Callable[..., Plan]
CURSORS = SealedCursors(b"k" * 32)


def planned(planning: Planning, document: Document, variables: Mapping[str, Any]) -> Plan:
    return planning(
        document,
        operation_name=None,
        variables=variables,
        normalise=normalise,
        limits=LIMITS,
        cursors=CURSORS,
        consumer="sys_permit",
    )


def outcome_of(attempt: Callable[[], Any]) -> Any:
    """Return what an attempt comes to, refusals and failures included, in a form to be compared."""
    try:
        found = attempt()
    except RefusedDocumentError as error:
        return ("refused", error.code, list(error.errors), error.facts)
    except Exception as error:  # noqa: BLE001  Both roads have to fail alike.
        return ("failed", type(error))
    if isinstance(found, Plan):
        names = {one.name for one in structs.fields(found)} - {"template", "shape"}
        return {name: getattr(found, name) for name in names}
    return found


def compare(seed: int, counted: Counter[str], *, operations: int = 8, calls: int = 3) -> None:
    """Generate one world with some operations, and hold both roads against each other."""
    random = Random(seed)  # noqa: S311  Nothing is kept secret by it.
    contract: Contract = build_contract(some_resources(random))
    plans = Plans()
    for _ in range(operations):
        operation = Operation(random, list(contract.types.values()))
        text = operation.text()
        try:
            document = parse_document(text, contract, limits=LIMITS)
        except RefusedDocumentError:
            counted["not valid"] += 1
            continue
        for _ in range(calls):
            compare_call(random, document, operation.values(), plans, counted)


def compare_call(
    random: Random,
    document: Document,
    variables: Mapping[str, Any],
    plans: Plans,
    counted: Counter[str],
) -> None:
    expected = outcome_of(lambda: planned(plan, document, variables))
    found = outcome_of(lambda: planned(plans.plan, document, variables))
    assert found == expected
    counted["calls"] += 1
    if not isinstance(expected, dict):
        counted["refused"] += 1
        return
    kept = planned(plans.plan, document, variables)
    outcomes = some_outcomes(random, kept.steps)
    slow = outcome_of(lambda: assemble(kept, outcomes))
    fallen: list[bool] = []

    def fall_back(plan_: Plan, outcomes_: list[Outcome]) -> Assembled:
        fallen.append(True)
        return assemble(plan_, outcomes_)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway.compile, "assemble", fall_back)
        quick = outcome_of(lambda: put_together(kept, outcomes))
    assert quick == slow
    counted["fell back" if fallen else "compiled"] += 1
    if kept.shape is not None and any(isinstance(step.key, Listed) for step in kept.steps):
        counted["lists bound and compiled" if not fallen else "lists that fell back"] += 1


@pytest.mark.slow
@pytest.mark.proves("F17")
@settings(max_examples=examples(25))
@given(st.integers(min_value=0, max_value=2**32))
def test_the_compiled_road_answers_with_the_bytes_of_graphql_core(seed: int) -> None:
    compare(seed, Counter())


@pytest.mark.slow
@pytest.mark.proves("F17")
@pytest.mark.parametrize("part", range(4))
def test_twenty_thousand_generated_calls_are_answered_alike_on_both_roads(part: int) -> None:
    counted: Counter[str] = Counter()
    seed = part * 1_000_000
    while counted["calls"] < 5_000:
        seed += 1
        compare(seed, counted, operations=40, calls=8)
    assert counted["compiled"] > counted["calls"] / 2, counted
    assert counted["fell back"] > 50, counted
    assert counted["refused"] > 50, counted
    assert counted["lists bound and compiled"] > 200, counted


@pytest.mark.fuzz
@pytest.mark.proves("F17")
@pytest.mark.parametrize("part", range(4))
def test_twenty_thousand_operations_each_its_own_are_answered_alike(part: int) -> None:
    counted: Counter[str] = Counter()
    seed = 10_000_000 + part * 1_000_000
    while counted["calls"] < 5_000:
        seed += 1
        # One call each: every one of them is another document.
        compare(seed, counted, operations=40, calls=1)
    assert counted["compiled"] > counted["calls"] / 2, counted


JOIN = """query Q($e: ID!, $n: Int = 2, $no: Boolean = false) {
  enterprise(uscc: $e) { uscc
    l: businessLicence { name status person { id household { id address } } }
    environmentalApprovals(first: $n) { number charge count validUntil @skip(if: $no) }
  } contract __typename }"""


def kept_plan(
    query: str, variables: Mapping[str, Any] | None = None, plans: Plans | None = None
) -> Plan:
    """Return a plan that was bound from a template, not the one that the template was made of."""
    document, plans = a_document(query, RESOURCES), plans or Plans()
    planned(plans.plan, document, variables or {})
    return planned(plans.plan, document, variables or {})


def without_falling_back(
    monkeypatch: pytest.MonkeyPatch, plan_: Plan, outcomes: list[Outcome]
) -> Assembled:
    def never(*_: Any) -> Assembled:
        pytest.fail("this is to be compiled")

    with monkeypatch.context() as patch:
        patch.setattr(gateway.compile, "assemble", never)
        return put_together(plan_, outcomes)


def joined(plan_: Plan) -> list[Outcome]:
    licence, household, approvals = plan_.steps
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
            {"number": "环2"},
        ),
    ]


@pytest.mark.proves("F17")
def test_a_join_with_links_and_lists_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    plan_ = kept_plan(JOIN, {"e": "a1"})
    outcomes = joined(plan_)
    assert without_falling_back(monkeypatch, plan_, outcomes) == assemble(plan_, outcomes)


def test_a_verification_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    plan_ = kept_plan(
        '{ verifyBusinessLicence(uscc: "A1", claims: {name: "甲"}) { r: result __typename } }'
    )
    (step,) = plan_.steps
    for outcome in (masked(step, verified="MATCH"), failed(step), refused(step)):
        found = without_falling_back(monkeypatch, plan_, [outcome])
        assert found == assemble(plan_, [outcome])


def test_refusals_and_failures_have_their_errors_in_their_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan_ = kept_plan(JOIN, {"e": "a1"})
    licence, household, approvals = plan_.steps
    given_, *_ = joined(plan_)
    cases: list[list[Outcome]] = [
        [given_, refused(household), failed(approvals)],
        [refused(licence), refused(household, "LINK_UNREAD"), failed(approvals)],
    ]
    for outcomes in cases:
        found = without_falling_back(monkeypatch, plan_, outcomes)
        assert found == assemble(plan_, outcomes)
        assert found.errors


@pytest.mark.proves("F17")
def test_a_value_that_its_type_cannot_write_goes_the_other_road_with_the_rows_at_hand() -> None:
    plan_ = kept_plan(JOIN, {"e": "a1"})
    licence, household, _ = joined(plan_)
    outcomes = [licence, household, masked(plan_.steps[2], {"count": 2**31, "number": "n"})]
    found = put_together(plan_, outcomes)
    assert found == assemble(plan_, outcomes)
    assert found.errors[0]["extensions"]["code"] == "VALUE_INVALID"


def test_a_template_serves_other_variables_and_another_one_other_flags() -> None:
    plans, document = Plans(), a_document(JOIN)
    first = planned(plans.plan, document, {"e": "A1"})
    second = planned(plans.plan, document, {"e": "B2", "n": 5})
    other = planned(plans.plan, document, {"e": "B2", "no": True})
    assert first.template is second.template is not other.template is not None
    assert [step.limit for step in second.steps] == [1, 1, 5]
    assert second.given == {("enterprise",): "B2"}


def test_what_does_not_fit_a_template_is_refused_as_the_plan_refuses_it() -> None:
    plans, document = Plans(), a_document(JOIN)
    planned(plans.plan, document, {"e": "A1"})
    for variables in (
        {},
        {"e": None},
        {"e": "no code"},
        {"e": "A1", "n": 0},
        {"e": "A1", "n": "2"},
    ):
        expected = outcome_of(partial(planned, plan, document, variables))
        assert expected[0] == "refused"
        assert outcome_of(partial(planned, plans.plan, document, variables)) == expected


def test_only_so_many_templates_are_kept_and_none_of_a_contract_that_is_dropped() -> None:
    plans = Plans(kept=3)
    documents = [a_document(f"{{ a{number}: contract }}") for number in range(4)]
    for document in documents:
        planned(plans.plan, document, {})
    assert len(plans._kept) == 3
    plans.forget(documents[-1].contract)
    assert all(key[0] != id(documents[-1]) for key in plans._kept)


def test_a_long_document_is_planned_anew_each_time() -> None:
    document = a_document("{ contract " + "# a comment\n" * 400 + "}")
    assert planned(Plans().plan, document, {}).template is None


def test_a_plan_that_has_no_template_is_made_anew_and_no_template_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plans, document, tried = Plans(), a_document("{ contract }"), []

    def none_of(made: Plan, *_: Any, **__: Any) -> None:
        tried.append(made)

    monkeypatch.setattr("gateway.planned._template_of", none_of)
    made = [planned(plans.plan, document, {}) for _ in range(3)]
    assert [plan_.template for plan_ in made] == [None, None, None]
    assert len(tried) == 1
