"""The process is killed at each step of opening a shard: the next start finishes it, and nothing is lost."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.canonical import decode_strict
from audit.compose import FROZEN
from audit.entry import Draft
from audit.errors import AuditError, StartRefusedError
from audit.keys import load_keys
from audit.log import check_stored
from exchange.home import HomeError
from exchange.node import Node, open_node, opened
from exchange.rollbacks import GUARD
from exchange.settings import Settings
from exchange.shards import NEXT_KEYS, SHARDS
from tests.fakes.node import Founded, Standing, copied, founded

STEPS = ("published", "migrated", "carried", "appended", "written", "named")
MOVES = 5
"""Files that are put in place or removed at most once `shards.json` names the shard: guard, keys, folder."""


@pytest.fixture(scope="module")
def origin() -> Founded:
    return founded()


@pytest.fixture(scope="module")
def ended(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A closed home whose shard was ended and whose next one was not opened yet."""
    here = Standing(copied(tmp_path_factory.mktemp("ended") / "home"), origin=origin)
    try:
        here.ask()
        here.act("administrator", "audit.shard-open", reason="年度更替")
    finally:
        here.stop()
    return here.node.settings


@pytest.fixture
def home(ended: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(ended.home, tmp_path / "home")
    (tmp_path / "home").chmod(0o700)
    return replace(ended, home=tmp_path / "home")


def die(home: Settings, step: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.shard_child", str(home.home), step],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, (step, done.returncode, done.stderr)


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    found: list[Node] = []
    yield found
    for node in found:
        asyncio.run(node.close())


def check_finished(node: Node) -> None:
    """Both shards are whole, hold together, and every row is vouched for."""
    (older,) = node.older
    frozen = older.need()
    assert decode_strict(frozen.entry(frozen.size - 1))["kind"] == FROZEN
    assert node.log.before == frozen.size
    assert node.live.load().absent == ()
    assert node.log.keys.signer.verifier.name == node.log.origin
    assert not (node.settings.home / NEXT_KEYS).exists()
    index = node.log.append(Draft(kind="test.written", clear={})).index
    assert check_stored(node.databases.log, node.keys, guard=node.settings.home / GUARD) == []
    kinds = [decode_strict(body)["kind"] for body in node.log.entries(0, index)]
    assert kinds.count("shard-open") == 1
    assert kinds.count("shard-carried") == decode_strict(node.log.entry(0))["facts"]["parts"]


@pytest.mark.parametrize("step", [*STEPS, *(f"moved {n}" for n in range(1, MOVES + 1))])
def test_a_start_that_was_killed_while_it_opened_a_shard_is_finished_by_the_next(
    home: Settings, step: str, nodes: list[Node]
) -> None:
    die(home, step)
    assert (home.home / SHARDS).exists() is (step not in STEPS[:-1])
    # The one after it may be killed as well, and at the same place.
    if step in STEPS[:-1]:
        die(home, step)
    nodes.append(open_node(home))
    check_finished(nodes[0])


def test_two_starts_in_turn_write_one_and_the_same_first_entry(
    home: Settings, nodes: list[Node]
) -> None:
    die(home, "appended")
    die(home, "written")
    nodes.append(open_node(home))
    check_finished(nodes[0])


def test_a_shard_is_not_opened_under_other_keys_than_the_old_one_names(home: Settings) -> None:
    shutil.rmtree(home.home / NEXT_KEYS)
    with pytest.raises(HomeError, match="does not hold the keys"), opened(home):
        pass
    assert not (home.home / SHARDS).exists()


def test_a_list_of_shards_that_was_taken_away_does_not_bring_the_frozen_one_back(
    home: Settings,
) -> None:
    with opened(home):
        pass
    (home.home / SHARDS).unlink()
    with pytest.raises((AuditError, HomeError)), opened(home):
        pass


def test_the_new_shard_taken_away_is_noticed_by_its_guard(home: Settings) -> None:
    with opened(home) as node:
        file = node.shards[-1].file
    for ending in ("", "-wal", "-shm"):
        (home.home / f"{file}{ending}").unlink(missing_ok=True)
    with pytest.raises(StartRefusedError), opened(home):
        pass
    assert load_keys(home.home / "keys").origin.endswith(file[4:8])
