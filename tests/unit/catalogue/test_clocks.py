"""The legal clocks: days that count, pauses, extensions, transfers, and years that nobody arranged yet."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalogue import clocks, sharing
from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.model import Role, SharingClass
from catalogue.requested import Course, Extension, RequestState, Said, SharingRequest
from catalogue.rules import FORM_CHECK, Rule, enact
from catalogue.statutes import Statutes, statutes
from catalogue.workdays import ZONE, NoticedDay, add_working_days, import_year
from tests.fakes.catalogue import MARKET, a_request, a_resource, an_actor, an_officer

LAW = Statutes()
CONDITIONAL = SharingClass.CONDITIONAL
HOLIDAYS = Path(__file__).parents[4] / "shared" / "data" / "d03-cn-holidays"
PROVIDER = an_actor(an_officer("off_market", department=MARKET))
AUTHORITY = an_actor(an_officer("off_authority", roles=frozenset({Role.AUTHORITY})))


def on(day: str, hour: int = 10) -> datetime:
    """A moment of a day where the law holds."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZONE) + timedelta(
        hours=hour
    )


def received(day: str, **way: Any) -> SharingRequest:
    return a_request(course=Course(received_at=on(day), **way))


@pytest.mark.proves("G5")
@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-09-24", 1, "2026-09-28"),
        ("2026-09-24", 10, "2026-10-15"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 10, "2026-03-05"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-04-30", 1, "2026-05-06"),
        ("2026-05-08", 1, "2026-05-09"),
        ("2026-10-09", 1, "2026-10-10"),
        ("2026-09-18", 1, "2026-09-20"),
        ("2025-09-26", 1, "2025-09-28"),
        ("2025-09-30", 10, "2025-10-21"),
    ],
)
def test_the_day_of_receipt_does_not_count_and_working_days_follow_the_yearly_notice(
    start: str, days: int, due: str
) -> None:
    found = add_working_days(date.fromisoformat(start), days)
    assert (found.day.isoformat(), found.provisional) == (due, False)


@pytest.mark.proves("G5")
def test_a_provider_has_ten_working_days_over_the_national_day() -> None:
    clock = clocks.answer_clock(received("2026-09-24"), CONDITIONAL, LAW)
    assert clock is not None
    assert clock.due.day == date(2026, 10, 15)
    assert not clock.passed(on("2026-10-15", 23))
    assert clock.passed(on("2026-10-16", 0))


def test_the_clock_stands_while_supplements_are_asked_for_and_goes_on_with_what_was_left() -> None:
    # Received on Monday, asked on Thursday: Tuesday and Wednesday are used, eight days are left.
    asked = Said(by="off_market", at=on("2026-03-05"))
    waiting = replace(received("2026-03-02", asked=asked), state=RequestState.SUPPLEMENT)
    clock = clocks.answer_clock(waiting, CONDITIONAL, LAW)
    assert clock is not None
    assert clock.paused
    assert not clock.passed(on("2027-01-01"))
    assert LAW.left(clock, at=on("2026-06-01")) == 8
    given = Said(by="off_clerk", at=on("2026-03-20"))
    going = received("2026-03-02", asked=asked, given=given)
    clock = clocks.answer_clock(going, CONDITIONAL, LAW)
    assert clock is not None
    assert clock.due == add_working_days(date(2026, 3, 20), 8)


def test_more_time_counts_only_with_the_authoritys_consent() -> None:
    asked = Extension(days=5, asked=Said(by="off_market", at=on("2026-03-06")))
    without = clocks.answer_clock(received("2026-03-02", extension=asked), CONDITIONAL, LAW)
    consented = replace(
        asked, answered=Said(by="off_authority", at=on("2026-03-09")), consented=True
    )
    with_it = clocks.answer_clock(received("2026-03-02", extension=consented), CONDITIONAL, LAW)
    assert without is not None
    assert with_it is not None
    assert without.due.day == date(2026, 3, 16)
    assert with_it.due.day == date(2026, 3, 23)


def test_more_time_is_asked_for_before_the_time_is_over_and_once() -> None:
    resource, request = a_resource(), received("2026-03-02")
    asked = sharing.ask_longer(
        request, resource, LAW, days=5, by=PROVIDER, at=on("2026-03-10"), reason="核对档案"
    )
    with pytest.raises(StateError, match="already"):
        sharing.ask_longer(
            asked, resource, LAW, days=5, by=PROVIDER, at=on("2026-03-10"), reason="再核对"
        )
    with pytest.raises(StateError, match="over"):
        sharing.ask_longer(
            request, resource, LAW, days=5, by=PROVIDER, at=on("2026-03-17"), reason="晚了"
        )
    with pytest.raises(InvalidError, match="1 to 10"):
        sharing.ask_longer(
            request, resource, LAW, days=11, by=PROVIDER, at=on("2026-03-10"), reason="太久"
        )
    with pytest.raises(NotAllowedError):
        sharing.answer_longer(asked, consent=True, by=PROVIDER, at=on("2026-03-11"))
    with pytest.raises(InvalidError, match="why no more time"):
        sharing.answer_longer(asked, consent=False, by=AUTHORITY, at=on("2026-03-11"))
    assert (
        sharing.answer_longer(asked, consent=True, by=AUTHORITY, at=on("2026-03-11")).way.extension
        is not None
    )


@pytest.mark.proves("G7")
def test_an_overdue_request_is_still_to_be_decided_and_grants_nothing_by_itself() -> None:
    late = sharing.fall_due(received("2026-03-02"), at=on("2026-03-17"))
    assert late.state is RequestState.OVERDUE
    assert late.decided_by is None
    refused = sharing.refuse(
        late,
        a_resource(),
        by=PROVIDER,
        refusal=sharing.Refusal(
            reason="依据不足", code="BASIS_MISSING", legal_basis="809号第二十条"
        ),
        at=on("2026-03-18"),
    )
    assert refused.state is RequestState.REFUSED
    assert clocks.answered_late(refused, CONDITIONAL, LAW, at=on("2026-04-01"))


def test_the_delivery_has_twenty_working_days_and_ends_with_the_first_call() -> None:
    agreed = replace(received("2026-03-02", decided_at=on("2026-03-10")), state=RequestState.AGREED)
    clock = clocks.delivery_clock(agreed, LAW)
    assert clock is not None
    assert clock.due == add_working_days(date(2026, 3, 10), 20)
    assert clocks.delivered_late(agreed, LAW, at=on("2026-05-20"))
    delivered = sharing.deliver(agreed, at=on("2026-03-12"), entry=7)
    assert delivered.state is RequestState.DELIVERED
    assert not clocks.delivered_late(delivered, LAW, at=on("2026-05-20"))


def test_a_shorter_limit_of_a_province_holds_from_its_first_day_on() -> None:
    shorter = Rule(
        id="request.answer",
        value=5,
        unit="working day",
        citation="某省公共数据共享管理办法第十二条",
        first_day=date(2026, 3, 1),
    )
    row = enact(shorter, id_="law_1", by=AUTHORITY, at=on("2026-02-20"))
    law = statutes([row], [])
    before = clocks.answer_clock(received("2026-02-26"), CONDITIONAL, law)
    since = clocks.answer_clock(received("2026-03-02"), CONDITIONAL, law)
    assert before is not None
    assert since is not None
    assert (before.rule.value, since.rule.value) == (10, 5)
    with pytest.raises(NotAllowedError):
        enact(shorter, id_="law_2", by=PROVIDER, at=on("2026-02-20"))
    with pytest.raises(InvalidError, match="working days, not in calls"):
        enact(replace(shorter, unit="call"), id_="law_2", by=AUTHORITY, at=on("2026-02-20"))


def test_the_form_check_is_a_stage_only_where_the_table_has_its_row() -> None:
    assert not LAW.has(FORM_CHECK, on=date(2026, 3, 2))
    row = enact(
        Rule(
            id=FORM_CHECK,
            value=2,
            unit="working day",
            citation="高平市公共数据共享细则",
            first_day=date(2026, 3, 1),
        ),
        id_="law_1",
        by=AUTHORITY,
        at=on("2026-02-20"),
    )
    law = statutes([row], [])
    checking = replace(received("2026-03-02"), state=RequestState.CHECKING)
    running = clocks.running(checking, CONDITIONAL, law)
    assert running is not None
    assert (running[0], running[1].due.day) == (clocks.Stage.FORM_CHECK, date(2026, 3, 4))


@pytest.mark.proves("G5")
def test_a_deadline_past_the_table_is_provisional_and_moves_when_the_year_is_imported() -> None:
    late = received("2026-12-25")
    clock = clocks.answer_clock(late, CONDITIONAL, LAW)
    assert clock is not None
    assert (clock.due.day, clock.due.provisional) == (date(2027, 1, 8), True)
    assert not clock.passed(on("2027-02-01"))
    days = [NoticedDay(date=f"2027-01-0{n}", off=True) for n in (1, 2, 3, 4)]
    days.append(NoticedDay(date="2027-01-09", off=False))
    year = import_year(
        2027, "国务院办公厅关于2027年部分节假日安排的通知", days, by=AUTHORITY, at=on("2026-12-26")
    )
    clock = clocks.answer_clock(late, CONDITIONAL, statutes([], [year]))
    assert clock is not None
    assert (clock.due.day, clock.due.provisional) == (date(2027, 1, 11), False)
    assert clock.passed(on("2027-02-01"))


def test_a_notice_that_arranges_nothing_is_refused_with_every_finding() -> None:
    with pytest.raises(InvalidError, match="has not appeared yet"):
        import_year(2027, "通知", [], by=AUTHORITY, at=on("2026-12-26"))
    wrong = [NoticedDay(date="2027-01-05", off=False), NoticedDay(date="2027-13-01", off=True)]
    with pytest.raises(InvalidError) as refused:
        import_year(2027, " ", wrong, by=AUTHORITY, at=on("2026-12-26"))
    assert len(refused.value.findings) == 3
    with pytest.raises(NotAllowedError):
        import_year(2027, "通知", wrong, by=PROVIDER, at=on("2026-12-26"))


def test_a_notice_may_arrange_the_last_days_of_the_year_before() -> None:
    days = [NoticedDay(date="2026-12-31", off=True), NoticedDay(date="2027-01-01", off=True)]
    year = import_year(2027, "通知", days, by=AUTHORITY, at=on("2026-12-26"))
    law = statutes([], [year])
    due = add_working_days(date(2026, 12, 30), 1, arrangements=law.arrangements)
    assert due.day == date(2027, 1, 4)


@pytest.mark.skipif(not HOLIDAYS.is_dir(), reason=f"the published notices are not at {HOLIDAYS}")
@pytest.mark.parametrize("year", [2025, 2026])
def test_the_table_that_comes_with_the_program_is_what_the_published_notice_says(year: int) -> None:
    published = json.loads((HOLIDAYS / f"{year}.json").read_text(encoding="utf-8"))
    days = [NoticedDay(date=one["date"], off=one["isOffDay"]) for one in published["days"]]
    imported = import_year(year, published["papers"][0], days, by=AUTHORITY, at=datetime.now(UTC))
    law = statutes([], [imported])
    first = date(year, 1, 1)
    for n in range(365):
        day = first + timedelta(days=n)
        assert add_working_days(day, 1) == add_working_days(
            day, 1, arrangements={**LAW.arrangements, year: law.arrangements[year]}
        )
