"""Rows are filtered, masked and limited as decided, and what is not decided is left out."""

import re
import string
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.codes import normalise_subject
from catalogue.model import ItemType, Validity
from gateway.mask import (
    MASKS,
    UnknownMaskError,
    UnusableFilterError,
    admit,
    apply_mask,
    mask,
    plain_text,
)
from gateway.model import Claim, Fetched, Masked, Permitted, Refused, Row
from gateway.outcomes import VerificationResult
from policies.model import ItemVerdicts
from tests.examples import examples
from tests.fakes.calls import (
    OTHER_USCC,
    USCC,
    a_filter,
    a_permit,
    a_resource,
    a_step,
    an_item,
    obliged,
)

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
ROW: Row = {
    "uscc": USCC,
    "name": "某某建设有限公司",
    "phone": "13800138000",
    "status": "valid",
    "legal_id": "11010519491231002x",
}


def masked(permitted: Permitted, *rows: Row, now: datetime = NOW) -> Masked | Refused:
    return mask(Fetched(permitted, rows, 0), now=now, normalise=normalise_subject)


def given_rows(permitted: Permitted, *rows: Row) -> list[Row]:
    outcome = masked(permitted, *rows)
    assert isinstance(outcome, Masked)
    return list(outcome.rows)


def items(
    allowed: list[str], masked_: dict[str, str] | None = None, denied: dict[str, str] | None = None
) -> ItemVerdicts:
    return ItemVerdicts(allowed=allowed, masked=masked_ or {}, denied=denied or {})


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("none", "13800138000", "13800138000"),
        ("name", "张三丰", "张**"),
        ("tail4", "1234567890123", "*********0123"),
        ("tail4", "12345678", "********"),
        ("id", "11010519491231002X", "110105**********2X"),
        ("id", "short", "*****"),
        ("phone", "13800138000", "138****8000"),
        ("phone", "88001234", "********"),
        ("address", "浙江省杭州市西湖区文三路1号", "浙江省杭州市****"),
        ("address", "nowhere 12", "****"),
        ("null", "anything", None),
        ("year", "2026-11-23", "2026"),
        ("year", "not a date", None),
    ],
)
def test_a_mask_shows_only_what_it_says(name: str, value: str, shown: str | None) -> None:
    assert apply_mask(name, value) == shown


@pytest.mark.parametrize(
    ("type_", "value", "shown"),
    [
        (ItemType.DATE, "1949-12-31", "1949-01-01"),
        (ItemType.DATETIME, "1949-12-31T08:00:00.000Z", "1949-01-01T00:00:00.000Z"),
        (ItemType.INTEGER, 1949, None),
    ],
)
def test_a_masked_date_keeps_its_type(type_: ItemType, value: Any, shown: str | None) -> None:
    assert apply_mask("year", value, type_=type_) == shown


@given(st.sampled_from(sorted(MASKS - {"none"})), st.integers() | st.booleans() | st.floats())
def test_a_mask_that_does_not_fit_the_value_hides_it_whole(name: str, value: Any) -> None:
    assert apply_mask(name, value, type_=ItemType.INTEGER) is None


@settings(max_examples=examples(80))
@given(st.sampled_from(["tail4", "id", "phone"]), st.text(string.digits, min_size=1, max_size=30))
def test_a_masked_number_hides_at_least_four_of_its_characters_or_all(
    name: str, number: str
) -> None:
    shown = apply_mask(name, number)
    assert len(shown) == len(number)
    assert shown.count("*") >= min(4, len(number))
    assert all(a in {"*", b} for a, b in zip(shown, number, strict=True))


@pytest.mark.parametrize("name", ["hash", "", "NONE", "phone "])
def test_a_mask_that_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(UnknownMaskError):
        apply_mask(name, None)


@pytest.mark.proves("F4")
def test_one_item_that_is_not_permitted_is_left_out_and_the_rest_is_given() -> None:
    step = a_step()
    verdict = items(["name", "status", "legal_id"], denied={"phone": "ITEM_NOT_GRANTED"})
    (row,) = given_rows(a_permit(step, items=verdict), ROW)
    assert row == {"name": ROW["name"], "status": "valid", "legal_id": ROW["legal_id"]}


@pytest.mark.proves("F5")
def test_several_items_that_are_not_permitted_are_all_left_out() -> None:
    step = a_step()
    denied = {"phone": "ITEM_NOT_GRANTED", "legal_id": "ITEM_NOT_SHARED"}
    (row,) = given_rows(a_permit(step, items=items(["name"], denied=denied)), ROW)
    assert set(row) == {"name"}


def test_an_item_on_which_the_decision_is_silent_is_left_out() -> None:
    assert given_rows(a_permit(a_step(), items=items([])), ROW) == [{}]


def test_an_item_that_is_allowed_and_denied_at_once_is_left_out() -> None:
    verdict = items(["phone"], {"name": "name"}, denied={"phone": "X", "name": "X"})
    assert given_rows(a_permit(a_step(), items=verdict), ROW) == [{}]


def test_a_masked_item_is_given_behind_its_mask_only() -> None:
    verdict = items(["phone"], {"phone": "phone"})
    assert given_rows(a_permit(a_step(), items=verdict), ROW) == [{"phone": "138****8000"}]


def test_an_unknown_mask_refuses_the_whole_step() -> None:
    outcome = masked(a_permit(a_step(), items=items(["name"], {"phone": "blur"})), ROW)
    assert isinstance(outcome, Refused)
    assert outcome.code == "MASK_UNKNOWN"


def test_what_joins_records_is_kept_beside_them_and_not_in_them() -> None:
    step = a_step()
    outcome = masked(a_permit(step, ["legal_id"], items=items(["name"])), ROW)
    assert isinstance(outcome, Masked)
    assert outcome.rows == ({"name": ROW["name"]},)
    assert outcome.joins == ({"uscc": USCC, "legal_id": "11010519491231002X"},)


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        (("region", "eq", "330106"), {1}),
        (("region", "ne", "330106"), {2}),
        (("region", "in", ["330106", "330108"]), {1, 2}),
        (("region", "prefix", "3301"), {1, 2}),
        (("area", "lt", "9.5"), {1}),
        (("area", "ge", "10"), {2}),
        (("area", "between", [8, 10]), {1, 2}),
        (("area", "gt", "10"), set()),
    ],
)
def test_a_row_filter_lets_through_what_meets_it(
    condition: tuple[str, str, Any], kept: set[int]
) -> None:
    step = a_step(filtered_resource(), limit=20)
    rows: list[Row] = [
        {"uscc": USCC, "n": 1, "region": "330106", "area": "9.00"},
        {"uscc": USCC, "n": 2, "region": "330108", "area": "10.0"},
        {"uscc": USCC, "n": 3, "region": None, "area": None},
    ]
    permitted = a_permit(step, row_filter=a_filter(condition))
    admitted = admit(permitted, rows, normalise=normalise_subject)
    assert {row["n"] for row in admitted} == kept


def filtered_resource() -> Any:
    return a_resource(
        items=(
            *a_resource().items[:1],
            an_item("n", 1, type=ItemType.INTEGER),
            an_item("region", 2),
            an_item("area", 3, type=ItemType.DECIMAL),
        )
    )


@pytest.mark.parametrize(
    "condition",
    [
        ("gone", "eq", "x"),
        ("region", "like", "x"),
        ("region", "eq", None),
        ("area", "eq", "no number"),
        ("area", "between", ["1"]),
        ("region", "in", "330106"),
    ],
)
def test_a_row_filter_that_cannot_be_computed_refuses_the_step(
    condition: tuple[str, str, Any],
) -> None:
    permitted = a_permit(a_step(filtered_resource()), row_filter=a_filter(condition))
    row: Row = {"uscc": USCC, "n": 1, "region": "330106", "area": "9"}
    with pytest.raises(UnusableFilterError):
        admit(permitted, [row], normalise=normalise_subject)
    assert isinstance(masked(permitted, row), Refused)


def test_each_key_has_its_own_bound_of_rows() -> None:
    step = a_step(limit=5)
    rows = [{**ROW, "name": str(n)} for n in range(4)] + [{**ROW, "uscc": OTHER_USCC}]
    given_ = given_rows(a_permit(step, max_rows=2), *rows)
    assert [row["name"] for row in given_] == ["0", "1", ROW["name"]]


def test_a_permit_without_a_bound_of_rows_gives_none() -> None:
    assert given_rows(a_permit(a_step(), max_rows=None), ROW) == []


def verifiable(**changes: Any) -> Any:
    resource = a_resource(
        validity=Validity(status_item="status", valid_words=("valid",), until_item="until"),
        items=(*a_resource().items, an_item("until", 5, type=ItemType.DATE)),
        **changes,
    )
    claims = (Claim(item=resource.item("name"), value=" 某某建设有限公司 "), Claim(item=None))
    return a_step(resource, items=(), claims=claims)


RECORD: Row = {**ROW, "until": "2026-11-23"}


@pytest.mark.parametrize(
    ("record", "result"),
    [
        (RECORD, VerificationResult.MATCH),
        ({**RECORD, "name": "别家公司"}, VerificationResult.MISMATCH),
        ({**RECORD, "name": None}, VerificationResult.MISMATCH),
        ({**RECORD, "until": "2026-11-22"}, VerificationResult.NOT_VALID),
        ({**RECORD, "until": None}, VerificationResult.NOT_VALID),
        ({**RECORD, "status": "withheld"}, VerificationResult.NOT_VALID),
        ({**RECORD, "status": None}, VerificationResult.NOT_VALID),
        (None, VerificationResult.NOT_FOUND),
    ],
)
def test_verify_says_how_the_record_stands_to_the_claims(
    record: Row | None, result: VerificationResult
) -> None:
    outcome = masked(a_permit(verifiable()), *([record] if record is not None else []))
    assert isinstance(outcome, Masked)
    assert (outcome.verified, outcome.rows, outcome.joins) == (result, (), ())


def test_an_expired_record_never_passes_verify_even_if_nobody_asks_whether_it_is_valid() -> None:
    step = verifiable()
    asked = a_step(step.resource, items=(), claims=step.claims[:1])
    outcome = masked(a_permit(asked), {**RECORD, "until": "2020-01-01"})
    assert isinstance(outcome, Masked)
    assert outcome.verified == VerificationResult.NOT_VALID


@pytest.mark.parametrize("by", ["resource", "obligation"])
def test_verify_does_not_tell_a_wrong_claim_from_an_absent_record_where_existence_is_protected(
    by: str,
) -> None:
    step = verifiable(protected=by == "resource")
    duties = obliged("protect-existence") if by == "obligation" else []
    permitted = a_permit(step, obligations=duties)
    absent, wrong = masked(permitted), masked(permitted, {**RECORD, "name": "别家公司"})
    assert isinstance(absent, Masked)
    assert isinstance(wrong, Masked)
    assert absent.verified == wrong.verified == VerificationResult.MISMATCH
    valid_only = a_step(step.resource, items=(), claims=step.claims[1:])
    expired = masked(a_permit(valid_only, obligations=duties), {**RECORD, "status": "withheld"})
    assert isinstance(expired, Masked)
    assert expired.verified == VerificationResult.MISMATCH


@given(st.text())
def test_the_text_of_a_claim_is_compared_in_one_spelling(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text) or not re.fullmatch(r"[ -~]*", text)
    assert plain_text(f"  {text}\t") == plain_text(text)


def test_verify_until_a_moment_compares_the_moment() -> None:
    resource = a_resource(
        validity=Validity(status_item=None, valid_words=(), until_item="until"),
        items=(*a_resource().items, an_item("until", 5, type=ItemType.DATETIME)),
    )
    step = a_step(resource, items=(), claims=(Claim(item=None),))
    results = []
    for until in ("2026-11-23T02:00:00.000Z", "2026-11-23T01:59:59.000Z", "2026-11-23T00:00:00"):
        outcome = masked(a_permit(step), {**ROW, "until": until})
        assert isinstance(outcome, Masked)
        results.append(outcome.verified)
    valid, expired = VerificationResult.MATCH, VerificationResult.NOT_VALID
    assert results == [valid, expired, expired]
