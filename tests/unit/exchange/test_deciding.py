"""The packaged policy keeps its expiry between starts, is renewed in time, and believes no file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.deciding import BUNDLE, HOLDS, RENEWED_BEFORE, Packaged, kept_bundle, open_policy
from exchange.settings import Settings, SettingsError
from policies.bundle import build, default_bundle
from policies.opa import OpaServer
from tests.fakes.questions import a_question

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


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


@pytest.mark.parametrize("years", [-1, 40])
def test_an_expiry_that_nobody_here_wrote_is_not_believed(home: Path, years: int) -> None:
    claimed = int((START + timedelta(days=365 * years)).timestamp())
    (home / BUNDLE).write_bytes(build(default_bundle(expires=claimed)))
    assert kept_bundle(home, at=START).expires == int((START + HOLDS).timestamp())


def test_a_changed_bundle_is_not_loaded(home: Path) -> None:
    first = kept_bundle(home, at=START)
    (home / BUNDLE).write_bytes(b"x" + (home / BUNDLE).read_bytes())
    assert kept_bundle(home, at=START).modules == first.modules


async def test_a_node_that_runs_for_months_never_decides_under_an_expired_policy(
    home: Path,
) -> None:
    times: Iterator[datetime] = iter(
        [START, START, START + timedelta(days=90), START + timedelta(days=90)]
    )
    at = [START]

    def clock() -> datetime:
        at[0] = next(times, at[0])
        return at[0]

    packaged = Packaged(lambda: kept_bundle(home, at=at[0]), clock=clock)
    asked = a_question()
    first = await packaged.decide(asked)
    later = await packaged.decide(asked)
    assert later.expires - first.expires >= timedelta(days=60).total_seconds()
    assert later.revision == first.revision == packaged.revision


def test_an_opa_server_is_chosen_by_its_address(home: Path) -> None:
    assert isinstance(open_policy(Settings(home=home, policy="http://127.0.0.1:8181")), OpaServer)
    with pytest.raises(SettingsError, match="needs embedded or http://host:port"):
        open_policy(Settings(home=home, policy="ftp://opa"))
