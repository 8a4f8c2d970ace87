"""Claims against listed thresholds: yes or no without the value, and no bound of the caller's choosing."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.compatibility import breaks
from catalogue.model import ItemType, Resource
from catalogue.thresholds import check_thresholds
from gateway import names
from gateway.attempts import reservations
from gateway.compile import put_together
from gateway.errors import RefusedDocumentError
from gateway.mask import mask
from gateway.model import Fetched, Masked
from gateway.parse import parse_document
from gateway.plan import Plan
from gateway.planned import Plans
from gateway.schema import build_contract
from tests.fakes.calls import NOW, USCC, a_call, a_permit, a_resource, an_item
from tests.fakes.documents import LIMITS, normalise

LISTED = ("1000000", "10000000", "50000000")
RESOURCE = a_resource(
    items=(
        a_resource().items[0],
        an_item("capital", 1, type=ItemType.DECIMAL, match=True, thresholds=LISTED),
        an_item("founded", 2, type=ItemType.DATE, match=True, thresholds=("2020-01-01",)),
    )
)
QUERY = """query Q($e: ID!, $c: BusinessLicenceClaims!) {
  verifyBusinessLicence(uscc: $e, claims: $c) { result }
}"""
PLANS = Plans()
DOCUMENT = parse_document(QUERY, build_contract([RESOURCE]), limits=LIMITS)


def planned(claims: Mapping[str, Any]) -> Plan:
    return PLANS.plan(
        DOCUMENT,
        operation_name=None,
        variables={"e": USCC, "c": claims},
        normalise=normalise,
        limits=LIMITS,
    )


def verified(claims: Mapping[str, Any], **row: Any) -> str:
    plan = planned(claims)
    rows = [{"uscc": USCC, "capital": None, "founded": None, **row}]
    outcome = mask(Fetched(a_permit(plan.steps[0]), rows, 0), now=NOW, normalise=normalise)
    assert isinstance(outcome, Masked)
    data = put_together(plan, [outcome]).data.decode()
    # Nothing but the word leaves.
    assert data == f'{{"verifyBusinessLicence":{{"result":"{outcome.verified}"}}}}'
    return str(outcome.verified)


@pytest.mark.parametrize(
    ("claims", "row", "result"),
    [
        ({"capitalAtLeast": "10000000"}, {"capital": "10000000.00"}, "MATCH"),
        ({"capitalAtLeast": "10000000"}, {"capital": "9999999.99"}, "MISMATCH"),
        ({"capitalBelow": "10000000"}, {"capital": "9999999.99"}, "MATCH"),
        ({"capitalBelow": "10000000"}, {"capital": "10000000"}, "MISMATCH"),
        (
            {"capitalAtLeast": "1000000", "capitalBelow": "50000000"},
            {"capital": "2000000"},
            "MATCH",
        ),
        ({"foundedBefore": "2020-01-01"}, {"founded": "2019-12-31"}, "MATCH"),
        ({"foundedBefore": "2020-01-01"}, {"founded": "2020-01-01"}, "MISMATCH"),
        ({"foundedAfter": "2020-01-01"}, {"founded": "2020-01-02"}, "MATCH"),
        # A null bears nothing out, either way.
        ({"capitalAtLeast": "1000000"}, {}, "MISMATCH"),
        ({"capitalBelow": "1000000"}, {}, "MISMATCH"),
    ],
)
def test_a_threshold_is_reached_or_not(
    claims: dict[str, str], row: dict[str, str], result: str
) -> None:
    assert verified(claims, **row) == result


@pytest.mark.proves("F13")
@pytest.mark.parametrize("bound", ["1000001", "1000000.0", "01000000", "1e6", " 1000000", "0"])
def test_a_bound_that_is_not_listed_is_refused_before_anybody_is_asked(bound: str) -> None:
    with pytest.raises(RefusedDocumentError) as refused:
        planned({"capitalAtLeast": bound})
    assert refused.value.code == "ARGUMENT_INVALID"
    assert bound not in str(refused.value.errors)


@pytest.mark.proves("F13")
@given(st.decimals(0, 100_000_000, places=2), st.decimals(0, 100_000_000, places=2))
def test_two_values_between_the_same_thresholds_cannot_be_told_apart(one: Any, other: Any) -> None:
    def between(value: Any) -> int:
        return sum(value >= int(bound) for bound in LISTED)

    def answers(value: Any) -> list[str]:
        claims = product(("capitalAtLeast", "capitalBelow"), LISTED)
        return [verified({name: bound}, capital=str(value)) for name, bound in claims]

    assert (answers(one) == answers(other)) == (between(one) == between(other))


@pytest.mark.proves("F20")
def test_a_claim_against_a_threshold_counts_like_any_other() -> None:
    steps = planned({"capitalAtLeast": "1000000", "capitalBelow": "50000000"}).steps
    wanted = reservations(
        [a_permit(steps[0])],
        a_call(),
        token=lambda kind, value: f"{kind}{value}",
        day="d",
        limits=LIMITS,
    )
    assert {(one.amount, one.most) for one in wanted} == {
        (2, LIMITS.claims_a_case),
        (2, LIMITS.claims_a_day),
    }
    assert [item.name for item in steps[0].matched] == ["uscc", "capital", "capital"]


def test_a_claim_whose_name_is_taken_is_left_out() -> None:
    own = an_item("own", 3, match=True, graphql_name="capitalBelow")
    named = names.bounded(a_resource(items=(*RESOURCE.items, own)))
    assert set(named) == {"capitalAtLeast", "foundedAfter", "foundedBefore"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": ItemType.TEXT}, "a number or a date"),
        ({"match": False}, "matched"),
        ({"thresholds": ("1", "2", "3", "4", "5", "6")}, "5 at most"),
        ({"thresholds": ("1", "01")}, "as it is written"),
        ({"thresholds": ("1.50",)}, "as it is written"),
        ({"thresholds": ("2", "1")}, "from the lowest"),
        ({"thresholds": ("1", "1")}, "each once"),
        ({"type": ItemType.DATE, "thresholds": ("2026-02-30",)}, "as it is written"),
    ],
)
def test_thresholds_that_could_not_be_claimed_are_named(changes: dict[str, Any], said: str) -> None:
    members = {"type": ItemType.DECIMAL, "match": True, "thresholds": LISTED, **changes}
    (found,) = check_thresholds(an_item("capital", 1, **members))
    assert said in found


def test_listed_thresholds_are_fine_and_a_dropped_one_breaks() -> None:
    assert [
        *check_thresholds(RESOURCE.item("capital")),
        *check_thresholds(RESOURCE.item("uscc")),
    ] == []
    fewer = an_item("capital", 1, type=ItemType.DECIMAL, match=True, thresholds=LISTED[:2])
    after: Resource = a_resource(items=(RESOURCE.items[0], fewer, RESOURCE.items[2]))
    assert [(one.code, one.was) for one in breaks(RESOURCE, after)] == [
        ("THRESHOLD_GONE", LISTED[2])
    ]
