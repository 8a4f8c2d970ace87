"""A whole node whose log and vault lie on PostgreSQL: served, cut off from it, and well again by itself."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import inspect

from audit.entry import Draft
from audit.log import LINE_LIMIT, check_stored
from audit.sequencer import Asked
from audit.verify import verify_receipt
from exchange.home import StorageError
from exchange.storage import BRANCHES, migrate, open_databases, postgresql_engine
from tests.fakes.logs import NOON
from tests.fakes.node import LICENCE, Standing, codes, founded
from tests.fakes.on_postgresql import copied_to
from tests.fakes.postgres import postgresql
from tests.faults.kit import hold_commits

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Standing]:
    found = Standing(copied_to(tmp_path / "home", "postgresql"), origin=founded())
    try:
        yield found
    finally:
        found.stop()


@pytest.mark.proves("W8", "H2")
def test_a_node_on_postgresql_answers_refuses_while_it_is_away_and_is_well_again(
    here: Standing,
) -> None:
    answer = here.ask()
    assert codes(answer) == {"businessLicence": None}
    assert answer.receipt is not None
    assert verify_receipt(dict(answer.receipt), vkeys=[here.node.vkey]).fault is None
    for branch, url in here.node.settings.database_urls.items():
        assert branch in {"log", "vault"}
        postgresql().cut(url)
    asked = [here.send(here.signed(here.write(LICENCE))) for _ in range(1)]
    assert [response.status_code for response in asked] in ([200], [503])
    last = next(r for r in again(here) if r.status_code == 200)
    assert last.json()["data"]["enterprise"]["businessLicence"]["status"] == "存续"
    guard = here.node.settings.home / "run" / "guard"
    assert check_stored(here.node.databases.log, here.node.keys, guard=guard) == []


def again(here: Standing) -> Iterator[httpx.Response]:
    return (here.send(here.signed(here.write(LICENCE))) for _ in itertools.count())


@pytest.mark.proves("W7")
def test_while_the_log_is_slow_calls_are_sent_away_before_any_source_is_asked(
    here: Standing,
) -> None:
    entering = Asked(draft=Draft(kind="strangers.counted", clear={"codes": {}}), gateway="gw1")
    with hold_commits(here.node.databases.log) as held:
        futures = [here.node.log.enter(entering)]
        assert held.wait(30)
        futures += [here.node.log.enter(entering) for _ in range(LINE_LIMIT)]
        reads = len(here.sources.reads)
        for _ in range(5):
            response = here.send(here.signed(here.write(LICENCE)))
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) > 0
            assert response.json()["errors"][0]["extensions"]["code"] == "LOG_BUSY"
        assert len(here.sources.reads) == reads
    for future in futures:
        future.result(60)
    assert codes(here.ask()) == {"businessLicence": None}


@pytest.mark.parametrize("branch", BRANCHES)
def test_every_database_has_the_same_tables_on_postgresql(tmp_path: Path, branch: str) -> None:
    (tmp_path / "backups").mkdir()
    on_files = open_databases(tmp_path, at=NOON)
    engine = postgresql_engine(postgresql().database(), branch)
    migrate(engine, branch, home=tmp_path, at=NOON)
    assert migrate(engine, branch, home=tmp_path, at=NOON) is not None
    ours, theirs = inspect(engine), inspect(getattr(on_files, branch))
    # The index of the catalogue's search is what each database has for it (docs/adr/0050).
    apart = {one for one in theirs.get_table_names() if one.startswith("resource_fts")}
    assert sorted(ours.get_table_names()) == sorted({*theirs.get_table_names()} - apart)
    for table in {*ours.get_table_names()} - {"resource_search"}:
        for part in ("columns", "indexes"):
            names = [
                # What stands behind a UNIQUE has a name of its own on PostgreSQL alone.
                {str(each["name"]) for each in getattr(look, f"get_{part}")(table)}
                - {str(each["name"]) for each in look.get_unique_constraints(table)}
                for look in (ours, theirs)
            ]
            assert names[0] == names[1], (table, part)
    engine.dispose()
    on_files.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:secret@h/d", "names no PostgreSQL database"),
        ("postgresql://u:secret@h", "names no PostgreSQL database"),
        ("secret", "cannot be read"),
    ],
)
def test_a_url_that_is_none_is_refused_without_being_repeated(
    tmp_path: Path, url: str, said: str
) -> None:
    with pytest.raises(StorageError, match=said) as refused:
        open_databases(tmp_path, at=NOON, urls={"log": url})
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/nothing?host={tmp_path}"
    postgresql()
    with pytest.raises(StorageError, match="does not answer"):
        open_databases(tmp_path, at=NOON, urls={"log": url})
