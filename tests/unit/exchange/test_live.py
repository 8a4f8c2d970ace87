"""The registry's picture follows every commit, alarms once, and is not alarmed by an act under way."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from catalogue.snapshot import Absent
from exchange.live import LiveRegistry
from tests.fakes.catalogue import FIRM, HALL_SYSTEM, MARKET, MATTER, a_matter
from tests.fakes.district import NUMBER, District, a_registry_database


class Alarms:
    """Keeps every alarm that was raised."""

    def __init__(self) -> None:
        self.raised: list[tuple[Absent, ...]] = []

    def __call__(self, absent: tuple[Absent, ...]) -> None:
        self.raised.append(absent)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[District]:
    district = District(a_registry_database(tmp_path))
    district.found()
    yield district
    district.engine.dispose()


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def live(place: District, alarms: Alarms) -> Iterator[LiveRegistry]:
    opened = LiveRegistry(place.engine, ledger=place.ledger, sealer=place.sealer, alarm=alarms)
    yield opened
    opened.close()


async def turn() -> None:
    """Let the loop take its next turn, as it does before anything new is received."""
    await asyncio.sleep(0)


def edit(place: District, statement: str, **values: Any) -> None:
    with place.engine.begin() as connection:
        connection.execute(text(statement), values)


async def test_a_picture_is_kept_until_somebody_commits(
    place: District, live: LiveRegistry
) -> None:
    first = await live.snapshot()
    assert await live.snapshot() is first
    place.announce()
    # What was received before the commit may still see the picture of before; whatever comes later may not.
    await turn()
    second = await live.snapshot()
    assert second is not first
    assert len(second.resources) == len(first.resources) + 1


async def test_one_look_serves_what_one_turn_of_the_loop_has_received(
    place: District, live: LiveRegistry
) -> None:
    first = await live.snapshot()
    looks: list[str] = []
    live._watch.set_trace_callback(looks.append)
    for turns in (1, 2):
        assert [await live.snapshot() for _ in range(5)] == [first] * 5
        assert looks == ["PRAGMA data_version"] * turns
        await turn()


async def test_an_edited_row_is_left_out_and_alarmed_once(
    place: District, live: LiveRegistry, alarms: Alarms
) -> None:
    await live.snapshot()
    for name in ("a", "b"):
        edit(
            place,
            "UPDATE department SET name_en = :name WHERE code = :code",
            name=name,
            code=MARKET,
        )
        await turn()
        snapshot = await live.snapshot()
        assert MARKET not in snapshot.departments
    assert ("department", MARKET) in {(row.table, row.key) for row in alarms.raised[0]}
    assert len(alarms.raised) == 1


async def test_an_edited_case_is_no_case_and_is_alarmed_once(
    place: District, live: LiveRegistry, alarms: Alarms
) -> None:
    opened = place.open_case()
    assert await live.case(HALL_SYSTEM, NUMBER) == opened
    assert await live.case("another", NUMBER) is None
    assert await live.case(HALL_SYSTEM, "NONE-1") is None
    assert alarms.raised == []
    edit(place, "UPDATE office_case SET attested_by = 'hall'")
    for _ in range(2):
        assert await live.case(HALL_SYSTEM, NUMBER) is None
    assert [[(row.table, row.key) for row in rows] for rows in alarms.raised] == [
        [("office_case", opened.id)]
    ]


async def test_a_case_is_read_once_for_a_picture_and_again_after_any_commit(
    place: District, live: LiveRegistry
) -> None:
    opened = place.open_case()
    await live.snapshot()
    reads: list[Any] = []
    event.listen(place.engine, "checkout", lambda *seen: reads.append(seen))
    for _ in range(3):
        assert await live.case(HALL_SYSTEM, NUMBER) == opened
        assert await live.case(HALL_SYSTEM, "NONE-1") is None
    assert len(reads) == 2
    edit(place, "UPDATE office_case SET attested_by = 'hall'")
    await turn()
    await live.snapshot()
    assert await live.case(HALL_SYSTEM, NUMBER) is None


async def test_a_case_read_while_something_is_committed_is_not_kept(
    place: District, live: LiveRegistry
) -> None:
    place.open_case()
    await live.snapshot()
    before = live.case(HALL_SYSTEM, NUMBER)
    looking = asyncio.ensure_future(before)
    await asyncio.sleep(0)
    place.registry.pause_case(NUMBER, by=place.by("system"), reason="补正")
    await looking
    await live.snapshot()
    found = await live.case(HALL_SYSTEM, NUMBER)
    assert found is not None
    assert found.state == "paused"


@pytest.mark.parametrize("look", ["the picture", "a case"])
def test_an_act_in_the_log_whose_rows_are_not_committed_yet_is_no_alarm(
    place: District, live: LiveRegistry, alarms: Alarms, look: str
) -> None:
    place.open_case()
    doubted = threading.Event()
    """Set once the other thread has looked, and comes back for the write lock or with what it saw."""
    found: list[Any] = []
    checkouts: list[Any] = []

    def reading() -> None:
        found.append(live.load() if look == "the picture" else _the_case(live))
        doubted.set()

    other, main = threading.Thread(target=reading), threading.current_thread()

    def counted(*checkout: Any) -> None:
        if threading.current_thread() is not main:
            checkouts.append(checkout)
            if len(checkouts) == 2:
                doubted.set()

    honest = place.ledger.append

    def append(act: Any) -> int:
        # The act is in the log; now somebody looks before its rows are committed.
        index = honest(act)
        other.start()
        assert doubted.wait(timeout=30)
        return index

    event.listen(place.engine, "checkout", counted)
    place.ledger.append = append  # type: ignore[method-assign]  # the moment between the log and the registry
    if look == "the picture":
        place.registry.import_matters([a_matter(name="改名")], by=place.by("authority"))
    else:
        place.registry.pause_case(NUMBER, by=place.by("system"), reason="补正")
    other.join(timeout=30)
    event.remove(place.engine, "checkout", counted)
    assert alarms.raised == []
    if look == "the picture":
        assert found[0].absent == ()
        assert found[0].matters[MATTER].name == "改名"
    else:
        assert found[0].state == "paused"


def _the_case(live: LiveRegistry) -> Any:
    return asyncio.run(live.case(HALL_SYSTEM, NUMBER))


def test_tokens_are_those_of_the_sealer(place: District, live: LiveRegistry) -> None:
    assert live.token("enterprise", FIRM) == place.sealer.token("enterprise", FIRM)
