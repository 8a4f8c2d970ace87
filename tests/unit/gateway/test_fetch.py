"""What was permitted is read, what was refused is not, and who is down spoils only their own part."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from catalogue.codes import normalise_subject
from catalogue.model import SubjectType
from gateway.errors import (
    SourceBusyError,
    SourceDriftError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.fetch import Carried, fetch
from gateway.model import Call, Failed, Fetched, Refused, Row, Ruling
from gateway.ports import Ports, Source
from gateway.sources.breaker import Breaker, Bulkhead, Guarded
from tests.fakes.calls import (
    NOW,
    OTHER_USCC,
    PERSON,
    USCC,
    a_call,
    a_case,
    a_filter,
    a_household,
    a_link,
    a_party,
    a_permit,
    a_resource,
    a_snapshot,
    a_step,
    obliged,
)
from tests.fakes.decisions import Decides
from tests.fakes.recorder import ListRecorder
from tests.fakes.registry import FixedQuotas, FixedRegistry
from tests.fakes.sources import (
    FailingSource,
    FixedSource,
    LyingSource,
    SilentSource,
    run_without_waiting,
)

LICENCE: Row = {"uscc": USCC, "name": "某某", "phone": "1", "status": "valid", "legal_id": PERSON}
HOUSEHOLD: Row = {"id": PERSON, "address": "某路1号"}


def ports(sources: Mapping[str, Source]) -> Ports:
    return Ports(
        decisions=Decides(),
        sources=sources,
        recorder=ListRecorder(),
        registry=FixedRegistry(a_snapshot()),
        quotas=FixedQuotas(),
        now=lambda: NOW,
        monotonic=lambda: 0.0,
        fresh_id=lambda prefix: f"{prefix}1",
        gateway="gw",
    )


async def fetched(
    rulings: Sequence[Ruling],
    sources: Mapping[str, Source],
    call: Call | None = None,
    **bounds: Any,
) -> tuple[Carried, ...]:
    return await fetch(
        rulings,
        ports(sources),
        call=call or a_call(),
        sources=frozenset({"market-db", "police-db"}),
        normalise=normalise_subject,
        **{"deadline_s": 5.0, **bounds},
    )


def both(licences: Sequence[Row] = (LICENCE,)) -> tuple[FixedSource, FixedSource]:
    return FixedSource({USCC: licences}), FixedSource({PERSON: [HOUSEHOLD]})


@pytest.mark.proves("F15")
async def test_a_refused_step_sends_nothing_to_any_source() -> None:
    market, police = both()
    refused = Refused(a_step(), "GRANT_MISSING", None)
    (outcome,) = await fetched([refused], {"market-db": market, "police-db": police})
    assert outcome is refused
    assert market.reads == []


async def test_the_call_number_and_the_key_go_to_the_source() -> None:
    market, _ = both()
    (outcome,) = await fetched([a_permit(a_step())], {"market-db": market})
    assert isinstance(outcome, Fetched)
    assert outcome.rows == (LICENCE,)
    assert outcome.as_of_ms == int(NOW.timestamp() * 1000)
    assert [(keys, call) for _, keys, call in market.reads] == [((USCC,), "call_0193-1")]


async def test_a_link_is_read_once_for_all_the_records_it_starts_from() -> None:
    licences = [LICENCE, {**LICENCE, "name": "second"}, {**LICENCE, "legal_id": None}]
    market, police = both(licences)
    step = a_step(limit=20)
    rulings = [a_permit(step, ["legal_id"]), a_permit(a_link(step))]
    _, outcome = await fetched(rulings, {"market-db": market, "police-db": police})
    assert isinstance(outcome, Fetched)
    assert outcome.rows == (HOUSEHOLD,)
    assert [keys for _, keys, _ in police.reads] == [(PERSON,)]


async def test_a_link_from_no_record_reads_nothing_and_finds_nothing() -> None:
    market, police = both([])
    step = a_step()
    rulings = [a_permit(step, ["legal_id"]), a_permit(a_link(step))]
    _, outcome = await fetched(rulings, {"market-db": market, "police-db": police})
    assert isinstance(outcome, Fetched)
    assert outcome.rows == ()
    assert police.reads == []


async def test_a_record_that_the_row_filter_hides_is_no_start_of_a_link() -> None:
    market, police = both()
    step = a_step()
    hidden = a_permit(step, ["legal_id"], row_filter=a_filter(("status", "eq", "revoked")))
    await fetched([hidden, a_permit(a_link(step))], {"market-db": market, "police-db": police})
    assert police.reads == []


@pytest.mark.proves("C5")
async def test_a_stranger_behind_a_link_is_refused_and_no_source_is_asked_about_them() -> None:
    market, police = both()
    step = a_step()
    link = a_permit(a_link(step), obligations=obliged("parties-only"))
    _, outcome = await fetched(
        [a_permit(step, ["legal_id"]), link], {"market-db": market, "police-db": police}
    )
    assert isinstance(outcome, Refused)
    assert outcome.code == "SUBJECT_NOT_PARTY"
    assert police.reads == []


@pytest.mark.proves("C5")
async def test_one_stranger_among_those_behind_a_link_refuses_the_step() -> None:
    other = "110105194912310118"
    licences = [LICENCE, {**LICENCE, "legal_id": other}]
    market, police = both(licences)
    step = a_step(limit=20)
    link = a_permit(a_link(step), obligations=obliged("parties-only"))
    call = a_call(case=a_case(a_party(SubjectType.PERSON, PERSON)))
    _, outcome = await fetched(
        [a_permit(step, ["legal_id"]), link], {"market-db": market, "police-db": police}, call
    )
    assert isinstance(outcome, Refused)
    assert police.reads == []


async def test_a_party_behind_a_link_is_read() -> None:
    market, police = both()
    step = a_step()
    link = a_permit(a_link(step), obligations=obliged("parties-only"))
    call = a_call(case=a_case(a_party(SubjectType.PERSON, PERSON)))
    _, outcome = await fetched(
        [a_permit(step, ["legal_id"]), link], {"market-db": market, "police-db": police}, call
    )
    assert isinstance(outcome, Fetched)
    assert len(police.reads) == 1


async def test_more_subjects_behind_links_than_allowed_are_refused() -> None:
    market, police = both()
    step = a_step()
    rulings = [a_permit(step, ["legal_id"]), a_permit(a_link(step))]
    _, outcome = await fetched(
        rulings, {"market-db": market, "police-db": police}, linked_subjects=0
    )
    assert isinstance(outcome, Refused)
    assert police.reads == []


@pytest.mark.proves("S1", "S7")
async def test_a_department_that_is_down_fails_its_own_step_and_the_others_are_read() -> None:
    down = FailingSource(SourceUnavailableError())
    resource = a_household(
        code="307001/other", source="police-db", items=a_resource().items, table="other"
    )
    other = FixedSource({USCC: [LICENCE]})
    first, second = await fetched(
        [a_permit(a_step()), a_permit(a_step(resource, ref="s2"))],
        {"market-db": down, "police-db": other},
    )
    assert isinstance(first, Failed)
    assert (first.code, first.retryable) == ("SOURCE_UNAVAILABLE", True)
    assert isinstance(second, Fetched)
    assert second.rows == (LICENCE,)


@pytest.mark.proves("S7")
async def test_a_defect_of_a_source_fails_its_step_and_not_the_call() -> None:
    broken = FailingSource(ZeroDivisionError())
    (outcome,) = await fetched([a_permit(a_step())], {"market-db": broken})
    assert isinstance(outcome, Failed)


@pytest.mark.proves("S7")
async def test_a_link_from_a_record_that_could_not_be_read_is_no_absence() -> None:
    _, police = both()
    down = FailingSource(SourceTimeoutError())
    step = a_step()
    rulings = [a_permit(step, ["legal_id"]), a_permit(a_link(step))]
    _, outcome = await fetched(rulings, {"market-db": down, "police-db": police})
    assert isinstance(outcome, Failed)
    assert outcome.code == "LINK_UNREAD"
    _, refused = await fetched(
        [Refused(step, "GRANT_MISSING", None), rulings[1]], {"police-db": police}
    )
    assert isinstance(refused, Refused)
    assert refused.code == "LINK_UNREAD"
    assert police.reads == []


async def test_a_source_that_the_registry_does_not_vouch_for_is_not_asked() -> None:
    market, _ = both()
    (outcome,) = await fetch(
        [a_permit(a_step())],
        ports({"market-db": market}),
        call=a_call(),
        sources=frozenset(),
        normalise=normalise_subject,
        deadline_s=5.0,
    )
    assert isinstance(outcome, Failed)
    assert market.reads == []


async def test_somebody_elses_record_is_not_taken_for_the_one_that_was_asked_for() -> None:
    liar = LyingSource([{**LICENCE, "uscc": OTHER_USCC}])
    (outcome,) = await fetched([a_permit(a_step())], {"market-db": liar})
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.retryable) == ("SOURCE_INVALID", False)


def test_who_has_not_answered_at_the_deadline_has_failed_and_the_others_are_given() -> None:
    silent, other = SilentSource(), FixedSource({USCC: [LICENCE]})
    resource = a_household(
        code="307001/other", source="police-db", items=a_resource().items, table="other"
    )
    first, second = run_without_waiting(
        lambda: fetched(
            [a_permit(a_step()), a_permit(a_step(resource, ref="s2"))],
            {"market-db": silent, "police-db": other},
        )
    )
    assert isinstance(first, Failed)
    assert first.code == "SOURCE_TIMEOUT"
    assert isinstance(second, Fetched)
    assert silent.cancelled == 1


def test_a_link_from_a_silent_source_times_out_with_it() -> None:
    silent, police = SilentSource(), FixedSource()
    step = a_step()
    rulings = [a_permit(step, ["legal_id"]), a_permit(a_link(step))]
    outcomes = run_without_waiting(
        lambda: fetched(rulings, {"market-db": silent, "police-db": police})
    )
    assert [isinstance(outcome, Failed) for outcome in outcomes] == [True, True]
    assert police.reads == []


@pytest.mark.proves("S1", "S8")
async def test_a_source_that_keeps_failing_is_left_alone_and_then_probed_once() -> None:
    now = [0.0]
    source = FailingSource(SourceUnavailableError(), {USCC: [LICENCE]})
    breaker = Breaker(monotonic=lambda: now[0], failures=2, rest_s=10.0)
    guarded = Guarded(source, breaker=breaker, timeout_s=1.0)

    async def code() -> str:
        (outcome,) = await fetched([a_permit(a_step())], {"market-db": guarded})
        return outcome.code if isinstance(outcome, Failed) else "read"

    assert [await code() for _ in range(3)] == ["SOURCE_UNAVAILABLE"] * 2 + ["CIRCUIT_OPEN"]
    now[0] = 10.0
    assert [await code(), await code()] == ["SOURCE_UNAVAILABLE", "CIRCUIT_OPEN"]
    assert len(source.reads) == 3
    source.mend()
    now[0] = 20.0
    assert [await code(), await code()] == ["read", "read"]


def test_a_source_past_its_own_deadline_has_failed() -> None:
    breaker = Breaker(monotonic=lambda: 0.0, failures=1)
    guarded = Guarded(SilentSource(), breaker=breaker, timeout_s=1.0)
    (outcome,) = run_without_waiting(lambda: fetched([a_permit(a_step())], {"market-db": guarded}))
    assert isinstance(outcome, Failed)
    assert outcome.code == "SOURCE_TIMEOUT"


async def test_a_source_that_hangs_fills_its_own_places_and_the_next_read_is_told_at_once() -> None:
    breaker = Breaker(monotonic=lambda: 0.0)
    hanging = Guarded(
        SilentSource(),
        breaker=breaker,
        timeout_s=60.0,
        bulkhead=Bulkhead(at_once=2, waiting=1),
    )
    permitted = a_permit(a_step())
    reads = [
        asyncio.ensure_future(hanging.read(permitted, keys=[USCC], call="call_1")) for _ in range(3)
    ]
    await asyncio.sleep(0)
    with pytest.raises(SourceBusyError) as raised:
        await hanging.read(permitted, keys=[USCC], call="call_1")
    assert raised.value.retry_after_s == 1
    for read in reads:
        read.cancel()
    await asyncio.gather(*reads, return_exceptions=True)
    # Their places are free again, and that they went says nothing about the source.
    again = asyncio.ensure_future(hanging.read(permitted, keys=[USCC], call="call_1"))
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_an_open_breaker_says_when_the_source_is_asked_again() -> None:
    now = [0.0]
    source = FailingSource(SourceUnavailableError())
    breaker = Breaker(monotonic=lambda: now[0], failures=1, rest_s=10.0)
    guarded = Guarded(source, breaker=breaker, timeout_s=1.0)
    step = a_permit(a_step())
    await fetched([step], {"market-db": guarded})
    now[0] = 7.5
    (outcome,) = await fetched([step], {"market-db": guarded})
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.retry_after_s) == ("CIRCUIT_OPEN", 3)


async def test_whoever_listens_is_told_of_a_drift() -> None:
    met: list[str] = []
    guarded = Guarded(
        FailingSource(SourceDriftError(missing=["name"])),
        breaker=Breaker(monotonic=lambda: 0.0),
        timeout_s=1.0,
        drifted=lambda permitted, error: met.append(
            f"{permitted.step.resource.code} {error.facts['missing']}"
        ),
    )
    await fetched([a_permit(a_step())], {"market-db": guarded})
    assert met == ["307001/licence ['name']"]
