"""Jobs under a lease: page after page, each on a word that is asked for anew; begun and ended on record."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from audit.entry import Draft, Sequenced
from audit.errors import LogUnavailableError, ProofError
from catalogue.model import Actor, Officer, Role
from exchange.acts.register import ActError
from exchange.jobs import store, working
from exchange.jobs.errands import LISTED
from exchange.jobs.model import LONGEST_MS, Job, JobState
from exchange.jobs.tables import job as table
from exchange.jobs.working import OFFICER_GONE, TOO_LONG, Workshop
from tests.fakes.district import a_registry_database
from tests.fakes.sealer import FakeSealer

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
BEFORE = {"before": "2026-01-01T00:00:00+08:00"}
CHEN = Officer(
    id="off_1", department="d", staff_number="1", name="陈静", roles=frozenset({Role.ADMINISTRATOR})
)


@dataclass
class Recorded:
    """A log that only counts, and refuses where it is told to."""

    drafts: list[Draft] = field(default_factory=list)
    before: int = 1_000
    down: bool = False
    told: Event = field(default_factory=Event)

    def append(self, draft: Draft) -> Sequenced:
        if self.down:
            raise LogUnavailableError("down")
        self.drafts.append(draft)
        self.told.set()
        at = len(self.drafts) - 1
        return Sequenced(index=at, size=at + 1, body=b"", proof=(), checkpoint="", openings={})


@dataclass
class Place:
    """A workshop whose acts are made up, and what was asked of them."""

    engine: Engine
    sealer: FakeSealer = field(default_factory=FakeSealer)
    log: Recorded = field(default_factory=Recorded)
    officers: dict[str, Officer] = field(default_factory=lambda: {CHEN.id: CHEN})
    at: datetime = NOW
    asked: list[tuple[Actor, str, dict[str, Any]]] = field(default_factory=list)
    page: Callable[[Mapping[str, Any]], Any] = lambda _: {}

    @property
    def shop(self) -> Workshop:
        return Workshop(
            engine=self.engine,
            sealer=self.sealer,
            log=self.log,
            now=lambda: self.at,
            officer=self.officers.get,
            perform=self._perform,
            code_of=lambda error: getattr(error, "code", "INTERNAL"),
        )

    def add(self, **changes: Any) -> Job:
        made = Job(
            id="job_1",
            errand="archive",
            origin="x/log",
            officer=CHEN.id,
            auth="session",
            arguments=BEFORE,
            created_ms=self.shop.at_ms(),
            begun=900,
            said={"bundles": 0, "entries": 0, "of": 5},
            total=5,
        )
        made = replace(made, **changes)
        with self.engine.begin() as tx:
            store.add(tx, made, self.sealer)
        return made

    def job(self) -> Job:
        with self.engine.begin() as tx:
            held = store.find(tx, "job_1", self.sealer)
        assert held is not None
        return held

    def _perform(self, actor: Actor, act: str, arguments: Mapping[str, Any]) -> Any:
        self.asked.append((actor, act, dict(arguments)))
        return self.page(arguments)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(a_registry_database(tmp_path))


def bundles(moved: int, left: int) -> dict[str, Any]:
    return {
        "bundles": moved,
        "entries": moved * 256,
        "left": left,
        "entry": 1,
        "folder": "/archive",
    }


def test_pages_are_done_in_turn_until_nothing_is_left_and_the_end_is_recorded(
    place: Place,
) -> None:
    place.add()
    pages = iter([(2, 3), (2, 1), (1, 0)])
    place.page = lambda _: bundles(*next(pages))
    assert [working.step(place.shop) for _ in range(4)] == [True, True, True, False]
    held = place.job()
    assert (held.state, held.done, held.total) == (JobState.DONE, 5, 5)
    assert held.said == {"bundles": 5, "entries": 5 * 256, "of": 5, "folder": "/archive"}
    actor, act, arguments = place.asked[0]
    assert (actor.officer, actor.auth, act) == (CHEN, "session", "archive.run")
    assert arguments == {**BEFORE, "shard": "x/log"}
    (ended,) = place.log.drafts
    assert ended.kind == "job.ended"
    assert ended.clear["facts"] == {
        "job": "job_1",
        "errand": "archive",
        "shard": "x/log",
        "state": "done",
        "code": "",
        "done": 5,
        "of": 5,
    }
    assert held.ended == 1_000


def test_each_page_of_a_replay_begins_where_the_one_before_ended(place: Place) -> None:
    place.add(errand="replay", arguments={}, said=None)

    def replayed(asked: Mapping[str, Any]) -> dict[str, Any]:
        first = asked.get("after", 0)
        counts = dict.fromkeys(("equal", "unanswered", "unreadable"), 0)
        return counts | {
            "first": first,
            "next": first + 10 if first < 20 else None,
            "end": 30,
            "calls": 10,
            "different": 10,
            "without_bundle": {"r": 1},
            "holds": False,
            "differing": [{"index": first + n} for n in range(LISTED)],
            "lost": [],
            "seconds": 0.5,
        }

    place.page = replayed
    while working.step(place.shop):
        pass
    assert [one[2].get("after") for one in place.asked] == [None, 10, 20]
    held = place.job()
    said = held.said
    assert said is not None
    assert (said["calls"], said["different"], said["without_bundle"]) == (30, 30, {"r": 3})
    assert (held.done, held.total, said["holds"]) == (30, 30, False)
    # So many findings are kept as people read; the counts say how many there were.
    assert len(said["differing"]) == LISTED


def test_a_page_that_was_done_and_not_kept_is_counted_once(place: Place) -> None:
    place.add()
    # The first page moved two bundles and was lost with its process: the second finds three left.
    pages = iter([(2, 1), (1, 0)])
    place.page = lambda _: bundles(*next(pages))
    while working.step(place.shop):
        pass
    assert place.job().said == {"bundles": 5, "entries": 1280, "of": 5, "folder": "/archive"}


def test_a_start_gives_back_what_a_dead_process_held(place: Place) -> None:
    place.add()
    with place.engine.begin() as tx:
        store.take(tx, "job_1", lease="lse_dead", until_ms=place.shop.at_ms() + working.LEASE_MS)
    place.page = lambda _: bundles(5, 0)
    assert working.step(place.shop) is False

    async def served() -> None:
        task = asyncio.create_task(working.work(place.shop))
        await asyncio.to_thread(place.log.told.wait, 30)
        task.cancel()
        # It ends once the page that it is at is kept.
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(served())
    assert place.job().state is JobState.DONE


def test_while_the_log_refuses_a_job_waits_and_then_goes_on(place: Place) -> None:
    place.add()
    place.page = lambda _: bundles(5, 0)
    place.log.down = True
    with pytest.raises(LogUnavailableError):
        working.step(place.shop)
    assert place.job().state is JobState.RUNNING
    place.log.down = False
    assert working.step(place.shop) is True
    assert place.job().state is JobState.DONE


@pytest.mark.parametrize(
    ("error", "code", "why"),
    [
        (ActError("ROLE_MISSING", "an administrator needed"), "ROLE_MISSING", "an administrator"),
        (ProofError("bundle 3 cannot be read"), "LOG_PROOF", "bundle 3"),
        (KeyError("a value that may be data"), "INTERNAL", ""),
    ],
)
def test_what_an_act_refuses_stops_the_job_and_is_told(
    place: Place, error: Exception, code: str, why: str
) -> None:
    place.add()

    def refused(_: Mapping[str, Any]) -> Any:
        raise error

    place.page = refused
    assert working.step(place.shop) is True
    held = place.job()
    assert (held.state, held.code) == (JobState.STOPPED, code)
    assert held.why.startswith(why)
    assert "data" not in held.why
    assert place.log.drafts[0].clear["facts"]["code"] == code
    assert working.step(place.shop) is False


@pytest.mark.parametrize("gone", [True, False])
def test_nothing_is_done_on_the_word_of_an_officer_who_left(place: Place, *, gone: bool) -> None:
    place.add()
    place.officers = {} if gone else {CHEN.id: replace(CHEN, state="inactive")}
    assert working.step(place.shop) is True
    assert place.asked == []
    assert (place.job().state, place.job().code) == (JobState.STOPPED, OFFICER_GONE)


def test_nobodys_word_holds_longer_than_a_day(place: Place) -> None:
    place.add()
    place.at += timedelta(milliseconds=LONGEST_MS)
    assert working.step(place.shop) is True
    assert place.asked == []
    assert place.job().code == TOO_LONG


def test_a_job_stopped_in_the_middle_of_a_page_stays_stopped(place: Place) -> None:
    place.add()

    def stopped_meanwhile(_: Mapping[str, Any]) -> Any:
        assert working.cancel(place.shop, "job_1", by=Actor(officer=CHEN)) is not None
        return bundles(5, 0)

    place.page = stopped_meanwhile
    working.step(place.shop)
    assert place.job().state is JobState.CANCELLED
    assert working.step(place.shop) is False
    assert working.cancel(place.shop, "job_1", by=Actor(officer=CHEN)) is None
    assert working.cancel(place.shop, "job_none", by=Actor(officer=CHEN)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"officer": "off_2"},
        {"errand": "replay"},
        {"origin": "y/log"},
        {"arguments": '{"before":"2126-01-01T00:00:00+08:00"}'},
        {"auth": "two-factor"},
        {"created_ms": 2**50},
    ],
)
def test_a_row_that_was_changed_by_sql_has_nothing_done(
    place: Place, changed: dict[str, Any]
) -> None:
    place.add()
    with place.engine.begin() as tx:
        tx.execute(update(table).values(**changed))
    assert working.step(place.shop) is False
    assert place.asked == []
    with place.engine.begin() as tx:
        assert store.all_jobs(tx, place.sealer) == {}


def test_what_a_job_found_stands_in_the_table_sealed(place: Place) -> None:
    place.add(said={"differing": ["张三"]})
    with place.engine.begin() as tx:
        row = tx.execute(select(table)).mappings().one()
    assert "张三".encode() not in bytes(row["said"])
    assert place.job().said == {"differing": ["张三"]}
