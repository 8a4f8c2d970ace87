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
from sqlalchemy.engine import make_url
from sqlalchemy.schema import DropSchema

from audit.canonical import decode_strict
from audit.compose import FROZEN
from audit.entry import Draft
from audit.errors import AuditError, StartRefusedError
from audit.keys import load_keys, load_next_keys
from audit.log import check_stored
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.home import HomeError
from exchange.node import Node, open_node, opened
from exchange.rollbacks import GUARD
from exchange.settings import Settings, write_settings
from exchange.shard_places import places_of
from exchange.shards import NEXT_KEYS, SHARDS
from exchange.storage import postgresql_engine
from tests.fakes.node import Founded, Standing, founded
from tests.fakes.on_postgresql import copied_to
from tests.fakes.postgres import postgresql

STEPS = ("published", "made", "migrated", "carried", "appended", "written", "named")
MOVES = 5
"""Files that are put in place or removed at most once `shards.json` names the shard: guard, keys, folder."""


@pytest.fixture(scope="module")
def origin() -> Founded:
    return founded()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ended(
    origin: Founded, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Settings:
    """A closed home whose shard was ended and whose next one was not opened yet."""
    home = tmp_path_factory.mktemp("ended") / "home"
    here = Standing(copied_to(home, request.param), origin=origin)
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
    log, vault = (
        postgresql().copy(url) if url else url
        for url in (ended.log_database_url, ended.vault_database_url)
    )
    copy = replace(ended, home=tmp_path / "home", log_database_url=log, vault_database_url=vault)
    write_settings(copy)
    return copy


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


@pytest.fixture
def running(origin: Founded, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """A closed home whose shard goes on."""
    settings = copied_to(tmp_path / "running", request.param)
    write_settings(settings)
    return settings


@pytest.mark.parametrize("running", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("point", ["keys", "keyed", "written", "committed", "noted", "signed"])
def test_an_ending_that_was_killed_happened_wholly_or_not_at_all(
    running: Settings, point: str, origin: Founded
) -> None:
    with opened(running) as node:
        size = node.log.size
    die(running, f"ending {point}")
    ended = point in {"committed", "noted", "signed"}
    here = Standing(running, origin=origin)
    try:
        assert len(here.node.older) == ended
        if not ended:
            # Nothing of it is left but keys that nobody named; calls are answered, and it can be done again.
            assert here.node.log.size >= size
            assert "shard-freeze" not in here.kinds(since=size)
            assert here.ask().state == "signed"
            here.act("administrator", "audit.shard-open", reason="年度更替")
            with pytest.raises(ActError, match="ended already"):
                here.act("administrator", "audit.shard-open", reason="年度更替")
            here.restart()
        check_finished(here.node)
    finally:
        here.stop()


def test_keys_that_a_killed_ending_left_do_not_stand_in_the_way_of_the_next_year(
    origin: Founded, tmp_path: Path
) -> None:
    settings = copied_to(tmp_path / "home", "sqlite")
    write_settings(settings)
    die(settings, "ending keys")
    left = load_next_keys(settings.home / NEXT_KEYS, origin=f"{settings.origin}/{now().year}")
    here = Standing(settings, origin=origin)
    try:
        here.go_ahead(days=366)
        said = here.act("administrator", "audit.shard-open", reason="年度更替")
        assert said["next"] == f"{settings.origin}/{now().year + 1}"
        assert said["vkey"] != left.signer.vkey
        here.restart()
        check_finished(here.node)
    finally:
        here.stop()


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
        written = node.shards[-1]
    take_away(home, written.file)
    with pytest.raises(StartRefusedError), opened(home):
        pass
    assert load_keys(home.home / "keys").origin == written.origin


def test_a_frozen_shard_that_is_gone_is_named_and_the_others_are_read(
    home: Settings, nodes: list[Node]
) -> None:
    with opened(home) as node:
        (first, _) = node.shards
    take_away(home, first.file)
    nodes.append(open_node(home))
    assert f"{first.file} is gone" in str(nodes[0].older[0].trouble)
    assert nodes[0].log.append(Draft(kind="test.written", clear={})).index


def take_away(home: Settings, place: str) -> None:
    """Remove a shard's database, as whoever has the disk or the server can."""
    for ending in ("", "-wal", "-shm"):
        (home.home / f"{place}{ending}").unlink(missing_ok=True)
    if home.log_database_url:
        engine = places_of(home).open(place)
        with engine.begin() as connection:
            connection.execute(DropSchema(place, cascade=True))
        engine.dispose()


def test_places_in_files_and_in_postgresql_are_not_taken_for_each_other(home: Settings) -> None:
    with opened(home):
        pass
    elsewhere = "" if home.log_database_url else postgresql().database()
    moved = replace(home, log_database_url=elsewhere)
    with pytest.raises(HomeError, match="log_database_url"), opened(moved):
        pass


@pytest.mark.parametrize("granted", [False, True])
def test_a_shard_is_not_ended_where_the_next_could_not_be_made(
    origin: Founded, tmp_path: Path, *, granted: bool
) -> None:
    settings = copied_to(tmp_path / "home", "postgresql")
    url = make_url(settings.log_database_url)
    role, server = f"writer_{url.database}", postgresql()
    server.execute(f'CREATE ROLE "{role}" LOGIN')
    owner = postgresql_engine(settings.log_database_url, "log")
    with owner.begin() as connection:
        connection.exec_driver_sql(f'GRANT USAGE, CREATE ON SCHEMA public TO "{role}"')
        connection.exec_driver_sql(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"')
        if granted:
            # The schema alone, made by the owner: the role need not be allowed to make any.
            place = f"log_{now().year}"
            connection.exec_driver_sql(f'CREATE SCHEMA {place} AUTHORIZATION "{role}"')
    owner.dispose()
    written = url.set(username=role).render_as_string(hide_password=False)
    here = Standing(replace(settings, log_database_url=written), origin=origin)
    try:
        if granted:
            here.act("administrator", "audit.shard-open", reason="年度更替")
            here.restart()
            assert here.node.older[0].trouble is None
        else:
            with pytest.raises(ActError, match="GRANT CREATE"):
                here.act("administrator", "audit.shard-open", reason="年度更替")
            assert not here.node.log.frozen
            assert here.ask().state == "signed"
    finally:
        here.stop()
