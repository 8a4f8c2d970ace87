"""The policy in force: kept between starts, swapped between decisions, never replaced by a worse one."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import exchange.deciding
from catalogue.bundles import BundleState, PolicyBundle
from catalogue.rows import from_ms
from catalogue.snapshot import Snapshot
from exchange.archives import Archives
from exchange.deciding import (
    BUNDLE,
    HOLDS,
    RENEWED_BEFORE,
    PolicyInForce,
    embedded,
    kept_bundle,
    open_policy,
    server_of,
)
from exchange.settings import Settings, SettingsError
from policies.bundle import (
    Bundle,
    build,
    default_bundle,
    digest_of,
    sign,
)
from policies.engine import UndecidedError
from policies.model import Decision, Question
from tests.fakes.bundles import APPROVER_KEY, KEYS, signed
from tests.fakes.bundles import a_release as released
from tests.fakes.catalogue import a_policy_bundle, a_snapshot
from tests.fakes.questions import NOW, a_question, a_request

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
ENDS = NOW + 40 * 86_400


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bundles").mkdir()
    return tmp_path


def test_a_restart_keeps_the_bundle_that_an_opa_server_has_loaded(home: Path) -> None:
    first = kept_bundle(home, at=START)
    assert kept_bundle(home, at=START + timedelta(days=3)) == first
    assert (home / BUNDLE).read_bytes() == build(first)


def test_a_bundle_near_its_end_is_written_anew(home: Path) -> None:
    first = kept_bundle(home, at=START)
    later = kept_bundle(home, at=START + HOLDS - RENEWED_BEFORE)
    assert later.expires > first.expires


def test_what_an_earlier_program_wrote_is_kept_and_a_renewed_one_is_not(home: Path) -> None:
    earlier = build(default_bundle(expires=ENDS, revision_suffix=".earlier"))
    (home / BUNDLE).write_bytes(earlier)
    kept_bundle(home, at=START)
    kept_bundle(home, at=START + HOLDS)
    apart = [path for path in (home / BUNDLE).parent.glob("*.tar.gz") if path.name != BUNDLE.name]
    assert [path.name for path in apart] == [f"{digest_of(earlier)}.tar.gz"]
    assert apart[0].read_bytes() == earlier


@pytest.mark.parametrize("years", [-1, 40])
def test_an_expiry_that_nobody_here_wrote_is_not_believed(home: Path, years: int) -> None:
    claimed = int((START + timedelta(days=365 * years)).timestamp())
    (home / BUNDLE).write_bytes(build(default_bundle(expires=claimed)))
    assert kept_bundle(home, at=START).expires == int((START + HOLDS).timestamp())


def test_a_changed_bundle_is_not_loaded(home: Path) -> None:
    first = kept_bundle(home, at=START)
    (home / BUNDLE).write_bytes(b"x" + (home / BUNDLE).read_bytes())
    assert kept_bundle(home, at=START).modules == first.modules


def a_release(serial: int, *, expires: int = ENDS) -> Bundle:
    return released(serial, expires=expires)


class Fixture:
    """A policy in force over a register that the test sets, with a clock that the test moves."""

    def __init__(self, home: Path, *, keys: Any = KEYS) -> None:
        self.archives = Archives(home / "bundles", keys=keys)
        self.snapshot: Snapshot = a_snapshot()
        self.at = datetime.fromtimestamp(NOW, UTC)
        self.tick = 0.0
        self.packaged: Callable[[], Bundle] = lambda: default_bundle(
            expires=int((self.at + HOLDS).timestamp())
        )
        self.policy = PolicyInForce(
            picture=lambda: self.snapshot,
            archives=self.archives,
            packaged=self._renewed,
            engine=embedded,
            clock=lambda: self.at,
            ticks=lambda: self.tick,
            wait_s=60.0,
        )

    def _renewed(self) -> Bundle:
        return self.packaged()

    def activate(self, bundle: Bundle, *, archive: bytes | None = None, **changes: Any) -> None:
        """Register a bundle as in force; `archive` None keeps the one that it should be."""
        kept = archive or signed(bundle)
        self.archives.keep(kept)
        self.register(bundle, digest=digest_of(kept), **changes)

    def register(self, bundle: Bundle, **changes: Any) -> PolicyBundle:
        row = a_policy_bundle(
            bundle.serial,
            **{
                "revision": bundle.revision,
                "expires": from_ms(bundle.expires * 1000),
                "state": BundleState.IN_FORCE,
            }
            | changes,
        )
        self.snapshot = replace(self.snapshot, policy=row)
        return row

    async def revision(self) -> str:
        return (await self.policy.decide(a_question(now=int(self.at.timestamp())))).revision


async def test_what_the_register_puts_in_force_decides_the_next_question(home: Path) -> None:
    place = Fixture(home)
    packaged = await place.revision()
    place.activate(a_release(3))
    assert await place.revision() == a_release(3).revision != packaged
    place.activate(a_release(4))
    assert await place.revision() == a_release(4).revision == place.policy.revision
    assert place.policy.condition().problem == ""


async def test_a_node_that_runs_for_months_never_decides_under_an_expired_packaged_policy(
    home: Path,
) -> None:
    place = Fixture(home)
    first = await place.policy.decide(a_question())
    place.at += timedelta(days=90)
    later = await place.policy.decide(a_question(now=int(place.at.timestamp())))
    assert later.expires - first.expires == timedelta(days=90).total_seconds()
    assert later.revision == first.revision


async def test_a_bundle_that_was_activated_is_never_renewed_by_itself(home: Path) -> None:
    place = Fixture(home)
    place.activate(a_release(1))
    assert await place.revision() == a_release(1).revision
    place.at = datetime.fromtimestamp(ENDS, UTC)
    with pytest.raises(UndecidedError, match="expired"):
        await place.revision()


@pytest.mark.proves("P2")
@pytest.mark.parametrize("why", ["missing", "altered", "unsigned", "foreign key", "other expiry"])
async def test_what_cannot_be_loaded_leaves_the_last_good_policy_until_it_expires(
    home: Path, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = Fixture(home)
    place.activate(a_release(1))
    good = await place.revision()
    bad = a_release(2, expires=ENDS + 86_400)
    match why:
        case "missing":
            place.register(bad)
        case "altered":
            place.activate(bad)
            path = next(home.joinpath("bundles").glob(f"{place.snapshot.policy.digest}*"))  # type: ignore[union-attr] # just registered
            path.write_bytes(signed(a_release(7)))
        case "unsigned":
            place.activate(bad, archive=build(bad))
        case "foreign key":
            place.activate(bad, archive=sign(build(bad), key=APPROVER_KEY, key_id="stranger"))
        case _:
            place.activate(bad, expires=from_ms(ENDS * 1000))
    assert await place.revision() == good
    assert place.policy.condition().problem != ""
    assert await place.revision() == good
    assert len([r for r in caplog.records if "cannot be loaded" in r.message]) == 1
    place.at = datetime.fromtimestamp(ENDS, UTC)
    with pytest.raises(UndecidedError, match="expired"):
        await place.revision()


@pytest.mark.proves("P2", "P14")
async def test_a_start_without_a_good_policy_decides_nothing(home: Path) -> None:
    place = Fixture(home, keys={})
    place.activate(a_release(1))
    with pytest.raises(UndecidedError, match="not configured"):
        await place.revision()
    assert place.policy.revision == ""


@pytest.mark.proves("P14")
async def test_a_lower_serial_does_not_take_over(home: Path) -> None:
    place = Fixture(home)
    place.activate(a_release(5))
    newer = await place.revision()
    place.activate(a_release(4))
    assert await place.revision() == newer
    assert "serial 4 is registered, 5 decides" in place.policy.condition().problem


@pytest.mark.proves("P14")
async def test_a_register_that_forgot_the_activation_does_not_bring_the_packaged_policy_back(
    home: Path,
) -> None:
    place = Fixture(home)
    place.activate(a_release(1))
    good = await place.revision()
    place.snapshot = a_snapshot()
    assert await place.revision() == good
    place.snapshot = a_snapshot(policy_in_doubt=True)
    with pytest.raises(UndecidedError, match="for certain"):
        await place.revision()


async def test_what_could_not_be_loaded_is_tried_again_after_a_while(home: Path) -> None:
    place = Fixture(home)
    place.activate(a_release(1))
    good = await place.revision()
    newer = a_release(2)
    archive = signed(newer)
    row = place.register(newer, digest=digest_of(archive))
    assert await place.revision() == good
    place.archives.keep(archive)
    assert await place.revision() == good
    place.tick = exchange.deciding.AGAIN_S
    assert await place.revision() == newer.revision == row.revision


class Half:
    """Answers the first half of its work, and waits to be released before the second."""

    def __init__(self, bundle: Bundle) -> None:
        self._engine = embedded(bundle)
        self.asked = asyncio.Event()
        self.released = asyncio.Event()

    @property
    def revision(self) -> str:
        return self._engine.revision

    async def decide(self, question: Question) -> Decision:
        self.asked.set()
        await self.released.wait()
        return await self._engine.decide(question)


@pytest.mark.proves("P9")
async def test_a_bundle_swapped_during_a_decision_holds_for_the_next_one(home: Path) -> None:
    place = Fixture(home)
    made: asyncio.Queue[Half] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def half(bundle: Bundle) -> Half:
        engine = Half(bundle)
        loop.call_soon_threadsafe(made.put_nowait, engine)
        return engine

    place.policy = PolicyInForce(
        picture=lambda: place.snapshot,
        archives=place.archives,
        packaged=place.packaged,
        engine=half,
        wait_s=600,  # However slow the machine is: whoever asks next waits for the next bundle.
    )
    place.activate(a_release(1))
    question = a_question(requests=[a_request(), a_request(ref="s2")])
    under_way = asyncio.create_task(place.policy.decide(question))
    first = await made.get()
    await first.asked.wait()
    place.activate(a_release(2))
    later = asyncio.create_task(place.policy.decide(question))
    (await made.get()).released.set()
    assert (await later).revision == a_release(2).revision
    first.released.set()
    decided = await under_way
    assert decided.revision == a_release(1).revision
    assert decided.resources.keys() == {"s1", "s2"}


@pytest.mark.proves("P3")
async def test_a_renewal_that_hangs_holds_no_call_up_and_decides_nothing_past_the_end(
    home: Path,
) -> None:
    place = Fixture(home)
    first = await place.policy.decide(a_question())
    released = threading.Event()

    def hang() -> Bundle:
        released.wait(timeout=60)
        raise OSError("the disk went away")

    place.packaged = hang
    try:
        place.at = datetime.fromtimestamp(first.expires, UTC) - timedelta(hours=1)
        assert await place.revision() == first.revision
        place.at = datetime.fromtimestamp(first.expires, UTC)
        place.policy._wait_s = 0.01
        with pytest.raises(UndecidedError, match="expired"):
            await place.revision()
    finally:
        released.set()


def test_an_opa_server_is_chosen_by_its_address(home: Path) -> None:
    assert server_of(Settings(home=home, policy="http://127.0.0.1:8181")) is not None
    assert server_of(Settings(home=home)) is None
    with pytest.raises(SettingsError, match="needs embedded or http://host:port"):
        open_policy(
            Settings(home=home, policy="ftp://opa"),
            picture=a_snapshot,
            archives=Archives(home, keys={}),
        )
