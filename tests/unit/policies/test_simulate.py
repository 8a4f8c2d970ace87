"""Two decisions on one question are compared by what they give, and doubt counts as wider."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import (
    Decision,
    ItemVerdicts,
    Obligation,
    Reason,
    RowCondition,
    RowFilter,
    Verdict,
)
from policies.row_filters import covers, implies
from policies.simulate import WIDER, Changes, Kind, Tally, compare, together
from tests.fakes.decisions import refused
from tests.fakes.questions import EXPIRES, LICENCE, a_request

MASKS = {"none": 0, "name": 30, "phone": 40, "tail4": 60, "null": 100}


def a_permit(**changes: Any) -> Verdict:
    members: dict[str, Any] = {
        "allow": True,
        "code": "PERMITTED",
        "resource": LICENCE,
        "reasons": [Reason(rule="sharing.granted", code="PERMITTED", legal_basis=[])],
        "grant": "grt_1",
        "items": ItemVerdicts(allowed=["name"], masked={"phone": "phone"}, denied={}),
        "row_filter": RowFilter(all=[]),
        "max_rows": 10,
        "obligations": [],
    }
    return Verdict(**members | changes)


def a_decision(verdict: Verdict, **changes: Any) -> Decision:
    members: dict[str, Any] = {
        "schema": "exchange.decision/1",
        "revision": "rev-1",
        "expires": EXPIRES,
        "allow": verdict.allow,
        "code": verdict.code,
        "resources": {"s1": verdict},
        "valid_until": EXPIRES,
    }
    return Decision(**members | changes)


def items(allowed: list[str], masked: dict[str, str], **denied: str) -> ItemVerdicts:
    return ItemVerdicts(allowed=allowed, masked=masked, denied=denied)


def rows(*conditions: tuple[str, str, Any]) -> RowFilter:
    made = [RowCondition(item=item, op=op, value=value) for item, op, value in conditions]  # type: ignore[arg-type]
    return RowFilter(all=made)


def changed(before: Verdict, after: Verdict, masks: dict[str, int] = MASKS) -> Changes:
    return compare(a_decision(before), a_decision(after), masks=masks)


def kinds(changes: Changes) -> list[Kind]:
    return [change.kind for change in changes.found]


DENIED = refused(a_request(), "GRANT_EXPIRED")


def test_the_same_decision_under_another_revision_changes_nothing() -> None:
    before = a_decision(a_permit())
    after = a_decision(a_permit(), revision="rev-2", expires=EXPIRES - 1, valid_until=EXPIRES - 1)
    assert compare(before, after) == Changes()
    assert not compare(before, after).wider


def test_what_was_denied_and_is_permitted_is_wider_and_names_the_rule_that_denied() -> None:
    changes = changed(DENIED, a_permit())
    assert kinds(changes) == [Kind.PERMITTED]
    assert (changes.wider, changes.narrower) == (True, False)
    assert changes.found[0].rule == "test.grant_expired"
    assert changes.found[0].detail == "GRANT_EXPIRED"


def test_what_was_permitted_and_is_denied_is_narrower_and_names_the_rule_that_denies() -> None:
    changes = changed(a_permit(), DENIED)
    assert kinds(changes) == [Kind.REFUSED]
    assert (changes.wider, changes.narrower) == (False, True)
    assert changes.found[0].rule == "test.grant_expired"


def test_a_candidate_without_a_decision_refuses_everything() -> None:
    changes = compare(a_decision(a_permit()), None)
    assert kinds(changes) == [Kind.REFUSED]
    assert changes.found[0].rule == "POLICY_UNAVAILABLE"
    assert kinds(compare(None, a_decision(a_permit()))) == [Kind.PERMITTED]


def test_another_reason_for_a_refusal_is_neither_wider_nor_narrower() -> None:
    changes = changed(DENIED, refused(a_request(), "GRANT_REVOKED"))
    assert kinds(changes) == [Kind.OTHER_REASON]
    assert (changes.wider, changes.narrower) == (False, False)


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (items(["name", "phone"], {}), Kind.UNMASKED),
        (items(["name"], {"phone": "name"}), Kind.MASK_WEAKER),
        (items(["name"], {"phone": "tail4"}), Kind.MASK_STRONGER),
        (items(["name"], {"phone": "scramble"}), Kind.MASK_WEAKER),
        (items([], {"phone": "phone", "name": "name"}), Kind.MASKED),
        (items(["name", "capital"], {"phone": "phone"}), Kind.GIVEN),
        (items(["name"], {"phone": "phone", "capital": "null"}), Kind.GIVEN),
        (items(["name"], {}, phone="ITEM_NOT_GRANTED"), Kind.WITHHELD),
    ],
)
def test_a_change_of_an_item_is_named(after: ItemVerdicts, kind: Kind) -> None:
    changes = changed(a_permit(), a_permit(items=after))
    assert kinds(changes) == [kind]
    assert changes.wider is (kind in WIDER)
    assert changes.narrower is (kind not in WIDER)


def test_two_masks_that_nobody_ranked_count_as_wider() -> None:
    stronger = a_permit(items=items(["name"], {"phone": "tail4"}))
    assert kinds(changed(a_permit(), stronger, masks={})) == [Kind.MASK_WEAKER]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"max_rows": 10}, {"max_rows": 11}, [Kind.MORE_ROWS]),
        ({"max_rows": 10}, {"max_rows": 9}, [Kind.FEWER_ROWS]),
        ({"obligations": [Obligation(type="no-store")]}, {}, [Kind.DUTY_GONE]),
        ({}, {"obligations": [Obligation(type="parties-only")]}, [Kind.DUTY_NEW]),
        ({"row_filter": rows(("region", "prefix", "33"))}, {}, [Kind.ROWS_WIDER]),
        ({}, {"row_filter": rows(("region", "prefix", "33"))}, [Kind.ROWS_NARROWER]),
        (
            {"row_filter": rows(("region", "eq", "33"))},
            {"row_filter": rows(("status", "eq", "33"))},
            [Kind.ROWS_WIDER],
        ),
        (
            {"row_filter": rows(("region", "eq", "33"), ("status", "in", ["a", "b"]))},
            {"row_filter": rows(("status", "in", ["b", "a"]), ("region", "in", ["33"]))},
            [],
        ),
        ({"grant": "grt_1"}, {"grant": "grt_2"}, []),
    ],
)
def test_a_change_of_rows_and_duties_is_named(
    before: dict[str, Any], after: dict[str, Any], found: list[Kind]
) -> None:
    assert kinds(changed(a_permit(**before), a_permit(**after))) == found


@pytest.mark.parametrize(
    ("held", "needed", "surely"),
    [
        (("prefix", "3301"), ("prefix", "33"), True),
        (("prefix", "33"), ("prefix", "3301"), False),
        (("eq", "330106"), ("prefix", "33"), True),
        (("eq", "330106"), ("prefix", "34"), False),
        (("in", ["a"]), ("in", ["b", "a"]), True),
        (("in", ["a", "c"]), ("in", ["b", "a"]), False),
        (("eq", 1), ("eq", True), False),
        (("eq", 1), ("in", [1.0]), False),
        (("lt", 5), ("le", 5), True),
        (("le", 5), ("lt", 5), False),
        (("lt", 5), ("lt", 5), True),
        (("gt", 5), ("ge", 5), True),
        (("ge", 5), ("gt", 5), False),
        (("between", [2, 3]), ("between", [1, 3]), True),
        (("between", [2, 3]), ("gt", 2), False),
        (("between", [3, 3]), ("gt", 2), True),
        (("eq", 7), ("between", [1, 9]), True),
        (("lt", True), ("lt", 5), False),
        (("lt", "5"), ("lt", "6"), False),
        (("ne", "a"), ("ne", "a"), True),
        (("ne", "a"), ("ne", "b"), False),
        (("ge", 1), ("le", 9), False),
    ],
)
def test_one_condition_implies_another_only_where_that_is_sure(
    held: tuple[str, Any], needed: tuple[str, Any], surely: bool
) -> None:
    (first,) = rows(("item", *held)).all
    (second,) = rows(("item", *needed)).all
    assert implies(first, second) is surely
    assert not implies(first, msgspec.structs.replace(first, item="another"))


_OPS = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"])
_CONDITIONS = st.builds(
    lambda op, value: RowCondition(item="n", op=op, value=value), _OPS, st.integers(0, 4)
) | st.builds(
    lambda op, value: RowCondition(item="n", op=op, value=value),
    st.sampled_from(["in", "between"]),
    st.lists(st.integers(0, 4), min_size=2, max_size=2),
)


def passes(condition: RowCondition, number: int) -> bool:
    value = condition.value
    match condition.op:
        case "eq":
            return bool(number == value)
        case "ne":
            return bool(number != value)
        case "lt":
            return bool(number < value)
        case "le":
            return bool(number <= value)
        case "gt":
            return bool(number > value)
        case "ge":
            return bool(number >= value)
        case "in":
            return number in value
        case "between":
            return bool(value[0] <= number <= value[1])
        case "prefix":
            raise AssertionError("numbers have no prefix")


@given(st.lists(_CONDITIONS, max_size=3), st.lists(_CONDITIONS, max_size=3))
def test_a_filter_that_covers_another_lets_all_its_rows_through(
    wide: list[RowCondition], narrow: list[RowCondition]
) -> None:
    if covers(wide, narrow):
        for number in range(-1, 6):
            if all(passes(one, number) for one in narrow):
                assert all(passes(one, number) for one in wide)


def test_changes_are_counted_by_whose_and_what_with_entries_to_look_at() -> None:
    tally = Tally()
    for entry in range(7):
        tally.add(changed(DENIED, a_permit()), entry=entry, department="housing", matter="m1")
    tally.add(changed(a_permit(), DENIED), entry=9, department="police", matter="m2")
    first, second = tally.rows()
    assert (first.change, first.count, first.examples) == ("deny-to-allow", 7, (0, 1, 2, 3, 4))
    assert (first.wider, second.wider) == (True, False)
    assert (second.department, second.matter, second.rule) == ("police", "m2", "test.grant_expired")


def test_tallies_of_several_pages_add_up() -> None:
    pages = []
    for entry in (1, 2):
        tally = Tally()
        tally.add(changed(DENIED, a_permit()), entry=entry, department="housing", matter="m1")
        pages += tally.rows()
    (row,) = together(pages)
    assert (row.count, row.examples) == (2, (1, 2))
