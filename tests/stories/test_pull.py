"""A hall keeps a table of its own like a department's resource, and can be cut off at any page."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from exchange.client.pulling import ENTRY, Pulled, PullError, pull
from exchange.client.session import Bulk
from exchange.demo import district
from tests.fakes.node import USAGE, Standing
from tests.fakes.outlets import ITEMS, LICENCES, grant_bulk

WANTED = Bulk(resource=LICENCES, items=ITEMS, first=20)


def pulled(here: Standing, into: Path, **changes: Any) -> Pulled:
    engine = create_engine(f"sqlite:///{into}")
    members: dict[str, Any] = {"usage": USAGE, "engine": engine, "table": "licence"}
    try:
        return pull(here.as_system(), WANTED, **(members | changes))
    finally:
        engine.dispose()


def rows(into: Path, columns: str = "uscc, phone") -> list[tuple[Any, ...]]:
    with sqlite3.connect(into) as connection:
        return connection.execute(f"SELECT {columns} FROM licence ORDER BY uscc").fetchall()


@contextmanager
def without(here: Standing, uscc: str) -> Iterator[None]:
    """What the market's own clerks do in their own database; all districts of the tests share it."""
    address = here.node.live.latest().sources["market"].address.removeprefix("sqlite:///")
    with sqlite3.connect(address) as connection:
        where = "FROM business_licence WHERE uscc = ?"
        held = connection.execute(f"SELECT * {where}", [uscc]).fetchone()
        connection.execute(f"DELETE {where}", [uscc])
    try:
        yield
    finally:
        with sqlite3.connect(address) as connection:
            marks = ", ".join("?" * len(held))
            connection.execute(f"INSERT INTO business_licence VALUES ({marks})", held)


def test_a_table_is_made_and_kept_like_the_resource(here: Standing, tmp_path: Path) -> None:
    grant_bulk(here)
    into = tmp_path / "own.db"
    first = pulled(here, into)
    assert (first.rows, first.pages, first.removed, first.resumed) == (63, 4, 0, False)
    assert len(rows(into)) == 63
    assert all("****" in phone for _, phone in rows(into))
    again = pulled(here, into)
    assert (again.rows, again.removed) == (63, 0)
    assert len(rows(into)) == 63


def test_each_record_bears_the_entry_under_which_it_was_received(
    here: Standing, tmp_path: Path
) -> None:
    grant_bulk(here)
    into = tmp_path / "own.db"
    done = pulled(here, into)
    entries = {entry for (entry,) in rows(into, ENTRY)}
    assert len(entries) == done.pages
    assert min(entries) == done.first_entry
    assert max(entries) == done.last_entry
    assert {here.kinds(since=entry)[0] for entry in entries} == {"call"}


def test_a_pull_that_was_cut_off_goes_on_at_its_page(here: Standing, tmp_path: Path) -> None:
    grant_bulk(here)
    into = tmp_path / "own.db"

    def cut_off(pages: int, _rows: int) -> None:
        if pages == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pulled(here, into, progress=cut_off)
    assert len(rows(into)) == 40
    rest = pulled(here, into)
    assert (rest.resumed, rest.rows, rest.removed) == (True, 23, 0)
    assert len(rows(into)) == 63


def test_what_is_gone_at_the_department_goes_at_the_end_of_the_pass(
    here: Standing, tmp_path: Path
) -> None:
    grant_bulk(here)
    into = tmp_path / "own.db"
    pulled(here, into)
    with without(here, district.STRANGER):
        done = pulled(here, into)
    assert (done.rows, done.removed) == (62, 1)
    assert district.STRANGER not in {uscc for uscc, _ in rows(into)}


def test_a_revocation_stops_the_pull_and_says_why(here: Standing, tmp_path: Path) -> None:
    grant = grant_bulk(here)
    into = tmp_path / "own.db"

    def revoke(pages: int, _rows: int) -> None:
        if pages == 1:
            here.act("market.head", "grant.revoke", grant=grant, reason="终止")

    with pytest.raises(PullError) as refused:
        pulled(here, into, progress=revoke)
    assert refused.value.code == "GRANT_REVOKED"
    assert len(rows(into)) == 20


def test_a_table_of_somebody_else_is_not_touched(here: Standing, tmp_path: Path) -> None:
    grant_bulk(here)
    into = tmp_path / "own.db"
    with sqlite3.connect(into) as connection:
        connection.execute("CREATE TABLE licence (uscc TEXT, remark TEXT)")
        connection.execute("INSERT INTO licence VALUES ('1', 'ours')")
    with pytest.raises(PullError, match="other columns"):
        pulled(here, into)
    assert rows(into, "remark") == [("ours",)]


def test_a_place_that_is_none_any_more_begins_the_pass_anew(here: Standing, tmp_path: Path) -> None:
    grant_bulk(here, max_rows=20)
    engine = create_engine(f"sqlite:///{tmp_path / 'own.db'}")
    wanted = Bulk(resource=LICENCES, items=ITEMS, first=20)
    hall = here.as_system()

    def kept() -> int:
        return pull(hall, wanted, usage=USAGE, engine=engine, table="licence").rows

    try:
        assert kept() == 63
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE exchange_pull SET place = 'of-another-year'")
        assert kept() == 63
    finally:
        engine.dispose()
