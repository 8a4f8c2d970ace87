"""An indicator is a share of what is known, with the list behind it; nothing known is no data, not 0 %."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalogue import evidence, indicators
from catalogue.errors import InvalidError, NotAllowedError, UnknownError
from catalogue.evidence import Supply
from catalogue.indicators import INDICATORS, District, Measured, Term
from catalogue.materials import Material
from catalogue.model import Matter, Role
from tests.fakes.catalogue import (
    HALL,
    LICENCE,
    MARKET,
    TODAY,
    a_department,
    a_grant,
    a_matter,
    a_snapshot,
    an_actor,
    an_officer,
)

AUTHORITY = an_actor(an_officer("off_a", roles=frozenset({Role.AUTHORITY})))


def measured(*matters: Matter, **changes: Any) -> Measured:
    held = {one.code: one for one in matters}
    snapshot = a_snapshot(matters=matters, grants=[a_grant(matters=tuple(held))])
    district = District(
        departments={HALL: a_department(HALL), MARKET: a_department(MARKET)},
        connected={},
        matters=held,
        supplied={code: evidence.supplied(one, snapshot, at=TODAY) for code, one in held.items()},
        answers=(),
        deliveries=(),
        scores=(),
        late={},
        names={},
        online_depth=2,
    )
    return indicators.measure(replace(district, **changes))


def share(found: Measured, indicator: str, department: str | None = None) -> float | None:
    return found.value(indicator, department).share


def test_every_indicator_says_in_both_languages_what_it_is_and_where_it_comes_from() -> None:
    for one in INDICATORS.values():
        for what in ("title", "definition", "source"):
            zh, en = one.text(what, "zh"), one.text(what, "en")
            assert zh.strip()
            assert en.strip()
            assert zh != en
            assert en.isascii() or "号" in en


def test_where_no_fact_is_known_there_is_no_data_and_never_nought_per_cent() -> None:
    nothing = measured(a_matter())
    for indicator in set(INDICATORS) - {"departments-connected"}:
        assert share(nothing, indicator) is None, indicator
    assert nothing.value("matters-online").missing == 1
    assert share(nothing, "departments-connected") == 0.0


def test_what_is_not_known_is_counted_apart_and_neither_way() -> None:
    found = measured(
        a_matter("A-1", trips=0, online_depth=4),
        a_matter("A-2", trips=1, online_depth=2),
        a_matter("A-3", trips=2, online_depth=1),
        a_matter("A-4"),
        a_matter("A-5", trips=0, online_depth=4, state="ended"),
    )
    value = found.value("matters-no-trip")
    assert (value.numerator, value.denominator, value.missing) == (1, 3, 1)
    assert share(found, "matters-one-trip") == pytest.approx(2 / 3)
    assert share(found, "matters-online") == pytest.approx(2 / 3)
    assert [line.missing for line in found.lines["matters-online"]] == [False, False, False, True]


def test_the_district_base_is_reached_by_departments_that_share_or_ask() -> None:
    found = measured(connected={HALL: ("hall.permit",)})
    value = found.value("departments-connected")
    assert (value.numerator, value.denominator) == (1, 2)
    assert share(found, "departments-connected", HALL) == 1.0
    assert share(found, "departments-connected", MARKET) == 0.0


def test_materials_are_supplied_by_sharing_only_where_nobody_asks_for_them_any_more() -> None:
    listed = (
        Material(code="1", name="营业执照", resource=LICENCE, waived=True),
        Material(code="2", name="营业执照复印件", resource=LICENCE),
        Material(code="3", name="设计文件"),
    )
    found = measured(a_matter("A-1", materials=listed), a_matter("A-2", materials=()))
    shared = found.value("materials-shared")
    again = found.value("materials-asked-again")
    assert (shared.numerator, shared.denominator, shared.missing) == (1, 3, 0)
    assert (again.numerator, again.denominator) == (1, 2)
    assert {line.note for line in found.lines["materials-shared"]} == {
        Supply.SUPPLIED.value,
        "asked-again",
        Supply.UNLINKED.value,
    }


def test_speed_up_sums_days_saved_over_days_before() -> None:
    found = measured(
        a_matter("A-1", baseline_days=20, promised_days=10),
        a_matter("A-2", baseline_days=2, promised_days=2),
        a_matter("A-3", promised_days=5),
    )
    value = found.value("speed-up")
    assert (value.numerator, value.denominator, value.missing) == (10, 22, 1)


@pytest.mark.proves("G5")
def test_an_answer_that_is_not_due_yet_counts_for_nobody() -> None:
    terms = tuple(
        Term(id=f"req_{n}", resource=LICENCE, department=MARKET, due=date(2026, 3, 2), in_time=one)
        for n, one in enumerate((True, False, None))
    )
    found = measured(answers=terms)
    value = found.value("answers-on-time", MARKET)
    assert (value.numerator, value.denominator) == (1, 2)
    assert share(found, "answers-on-time", HALL) is None


@pytest.mark.parametrize(
    ("indicator", "percent", "expected"),
    [("matters-no-trip", 50, True), ("matters-no-trip", 51, False), ("speed-up", 15, None)],
)
def test_a_target_is_reached_missed_or_not_to_be_told(
    indicator: str, percent: int, expected: bool | None
) -> None:
    found = measured(a_matter("A-1", trips=0), a_matter("A-2", trips=1))
    held = INDICATORS[indicator]
    assert indicators.reached(held, found.value(indicator), percent) is expected


def test_of_what_should_be_less_the_target_is_a_ceiling() -> None:
    again = Material(code="1", name="营业执照", resource=LICENCE)
    found = measured(a_matter("A-1", materials=(again,)))
    held = INDICATORS["materials-asked-again"]
    assert indicators.reached(held, found.value(held.id), 0) is False
    assert indicators.reached(held, found.value(held.id), 100) is True


def test_targets_are_the_authoritys_with_a_day_and_a_department_in_the_lead() -> None:
    given: dict[str, Any] = {
        "due": date(2026, 12, 31),
        "lead": HALL,
        "departments": {HALL: a_department(HALL)},
        "at": TODAY,
    }
    target = indicators.set_target("speed-up", 15, by=AUTHORITY, **given)
    assert (target.id, target.percent, target.lead) == ("speed-up@2026-12-31", 15, HALL)
    assert indicators.standing([target, replace(target, state="withdrawn")], "speed-up") == [target]
    with pytest.raises(NotAllowedError):
        indicators.set_target("speed-up", 15, by=an_actor(an_officer()), **given)
    with pytest.raises(UnknownError):
        indicators.set_target("happiness", 15, by=AUTHORITY, **given)
    with pytest.raises(UnknownError):
        indicators.set_target("speed-up", 15, by=AUTHORITY, **{**given, "lead": MARKET})
    with pytest.raises(InvalidError):
        indicators.set_target("speed-up", 101, by=AUTHORITY, **given)
