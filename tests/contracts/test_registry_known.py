"""Rows that did not change are not worked out again, and every one that did is, whatever changed in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue import store
from catalogue.rows import RESOURCE
from catalogue.snapshot import Snapshot
from catalogue.store import Known
from exchange.storage import sqlite_engine
from tests.fakes.catalogue import LICENCE
from tests.fakes.district import District, a_registry_database


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    (tmp_path / "template").mkdir()
    a_registry_database(tmp_path / "template").dispose()
    shutil.copy(tmp_path / "template" / "registry.db", tmp_path / "registry.db")
    engine = sqlite_engine(tmp_path / "registry.db")
    found = District(engine)
    found.found()
    found.announce()
    found.grant()
    yield found
    engine.dispose()


def load(district: District, known: Known) -> Snapshot:
    with district.engine.connect() as connection:
        return store.load_snapshot(connection, district.ledger.rows(), district.sealer, known=known)


def test_a_second_picture_is_the_first_and_shares_what_did_not_change(district: District) -> None:
    known = Known()
    first, second = load(district, known), load(district, known)
    assert first == second == district.snapshot()
    assert second.resources[LICENCE] is first.resources[LICENCE]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE resource SET name = 'other'",
        "UPDATE resource SET salt = 'AAAAAAAAAAAAAAAAAAAAAA'",
        "UPDATE resource SET entry = entry - 1",
        "UPDATE resource_item SET mask = 'none' WHERE name = 'phone'",
        "UPDATE resource_item SET title = CAST(title AS BLOB) WHERE ordinal = 0",
        "DELETE FROM resource_item WHERE ordinal = 1",
        "UPDATE resource_item SET ordinal = 99 WHERE ordinal = 1",
        "DELETE FROM resource_item",
    ],
)
def test_a_row_edited_after_it_was_known_is_left_out_as_if_it_had_never_been(
    district: District, statement: str
) -> None:
    known = Known()
    assert load(district, known).absent == ()
    with district.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    edited = load(district, known)
    assert edited.absent == district.snapshot().absent
    assert LICENCE not in edited.resources
    assert {row.table for row in edited.absent} == {"resource"}


def test_a_row_put_back_to_what_is_known_still_has_to_be_the_newest(district: District) -> None:
    known = Known()
    load(district, known)
    with district.engine.connect() as connection:
        before = dict(connection.exec_driver_sql("SELECT * FROM sharing_grant").mappings().one())
    grant = before["id"]
    district.registry.revoke(grant, by=district.by("market.head"), reason="")
    assert load(district, known).grants[grant].state == "revoked"
    with district.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sharing_grant")
        marks = ", ".join("?" for _ in before)
        connection.exec_driver_sql(
            f"INSERT INTO sharing_grant VALUES ({marks})", tuple(before.values())
        )
    put_back = load(district, known)
    assert grant not in put_back.grants
    assert [row.key for row in put_back.absent] == [grant]


def test_a_row_that_the_log_forgot_is_not_served_from_memory(district: District) -> None:
    known = Known()
    load(district, known)
    with district.engine.connect() as connection:
        values, absent = store.find_all(
            connection, RESOURCE, recorded={}, sealer=district.sealer, known=known
        )
    assert values == {}
    assert [row.why for row in absent] == ["never recorded"]


def test_recovery_leaves_its_digests_to_the_first_picture(district: District) -> None:
    known = Known()
    assert district.registry.recover(known=known).voided == ()
    assert load(district, known) == district.snapshot()
