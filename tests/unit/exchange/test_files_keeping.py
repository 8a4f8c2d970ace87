"""Uploads wait out of others' reach and go; a kept table is what was seen, opened for reading."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from catalogue.errors import InvalidError
from catalogue.files import FileAddress, format_address, parse_address
from catalogue.model import ItemType, SourceAddress
from exchange.files import keeping
from exchange.files.keeping import compare_decimals
from exchange.files.model import MOST_BYTES, SeenColumn
from exchange.files.uploads import KEPT_FOR, UploadGoneError, Uploads
from exchange.shelf import Means, SourceShelf, look_at_file, reflect_table, tables_of
from gateway.errors import SourceDriftError, SourceUnavailableError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "fil_019f0000-0000-7000-8000-000000000000"
COLUMNS = (
    SeenColumn(heading="编号", type=ItemType.TEXT, empty=0, key=True),
    SeenColumn(heading="金额", type=ItemType.DECIMAL, empty=0),
    SeenColumn(heading='na"me', type=ItemType.LONG, empty=1),
)
ROWS = (("01", "9.00", 1), ("02", "10.50", None), ("03", "10.5", 3))

addresses = st.builds(
    FileAddress,
    id=st.just(ID),
    as_of=st.dates(),
    rows=st.integers(0, 999_999_999),
    content=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    kept=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path)


def random(number: int) -> bytes:
    return number.to_bytes(16, "big")


@given(addresses)
def test_an_address_is_read_back_as_it_was_written(address: FileAddress) -> None:
    assert parse_address(format_address(address)) == address


@pytest.mark.parametrize(
    "change",
    [("fil_", "../"), ("asOf=2026", "asOf=2026-13"), ("rows=", "rows=0"), ("kept=", "x=")],
)
def test_an_address_written_otherwise_is_refused(change: tuple[str, str]) -> None:
    written = format_address(
        FileAddress(id=ID, as_of=date(2026, 1, 2), rows=3, content="0" * 64, kept="1" * 64)
    )
    with pytest.raises(InvalidError):
        parse_address(written.replace(*change))


def test_an_upload_is_its_officers_alone_and_private(uploads: Uploads, tmp_path: Path) -> None:
    held = uploads.offer("off_1", at=NOON, random=random(1))
    uploads.write(held, b"a,b\n")
    assert uploads.read(held, "off_1", at=NOON) == b"a,b\n"
    assert (tmp_path / "uploads" / held).stat().st_mode & 0o777 == 0o600
    with pytest.raises(UploadGoneError):
        uploads.read(held, "off_2", at=NOON)
    uploads.drop(held, "off_2")
    assert uploads.read(held, "off_1", at=NOON)
    with pytest.raises(UploadGoneError):
        uploads.write(held, b"another")


def test_an_abandoned_upload_is_refused_after_an_hour_and_swept(
    uploads: Uploads, tmp_path: Path
) -> None:
    held = uploads.offer("off_1", at=NOON, random=random(1))
    uploads.write(held, b"a,b\n")
    with pytest.raises(UploadGoneError):
        uploads.read(held, "off_1", at=NOON + KEPT_FOR)
    assert uploads.sweep(at=NOON + KEPT_FOR - timedelta(milliseconds=1)) == 0
    uploads.offer("off_2", at=NOON + KEPT_FOR, random=random(2))
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_officer_has_one_upload_at_a_time(uploads: Uploads) -> None:
    first = uploads.offer("off_1", at=NOON, random=random(1))
    uploads.write(first, b"1")
    uploads.write(uploads.offer("off_1", at=NOON, random=random(2)), b"2")
    with pytest.raises(UploadGoneError):
        uploads.read(first, "off_1", at=NOON)


@pytest.mark.parametrize("name", ["", "../../registry.db", "x" * 70, "/etc/passwd"])
def test_a_name_that_is_no_id_leads_nowhere(uploads: Uploads, name: str) -> None:
    with pytest.raises(UploadGoneError):
        uploads.read(name, "off_1", at=NOON)
    with pytest.raises(UploadGoneError):
        uploads.write(name, b"x")


def test_nothing_of_a_file_too_large_is_written(uploads: Uploads, tmp_path: Path) -> None:
    held = uploads.offer("off_1", at=NOON, random=random(1))
    with pytest.raises(ValueError, match="at most"):
        uploads.write(held, bytes(MOST_BYTES + 1))
    assert not (tmp_path / "uploads").exists()


def kept_source(files: Path, *, name: str = "market.permits") -> SourceAddress:
    path = keeping.path_of(files, name, ID)
    written = keeping.keep(path, keeping.table_name(name), COLUMNS, ROWS)
    address = FileAddress(
        id=ID, as_of=date(2026, 1, 2), rows=written.rows, content="0" * 64, kept=written.digest
    )
    return SourceAddress(name=name, department="D", kind="file", address=format_address(address))


def test_a_kept_table_is_reflected_with_the_types_that_were_seen(tmp_path: Path) -> None:
    source = kept_source(tmp_path)
    assert parse_address(source.address).rows == 3
    assert tables_of(source, unseal=lambda _: "") == ["market_permits"]
    found = reflect_table(source, "market_permits", unseal=lambda _: "", files=tmp_path)
    assert [(c.name, c.type, c.primary_key) for c in found] == [
        ("编号", "TEXT", True),
        ("金额", "DECIMAL", False),
        ('na"me', "LONG", False),
    ]
    with pytest.raises(SourceDriftError):
        reflect_table(source, "exchange_columns", unseal=lambda _: "", files=tmp_path)


def test_a_kept_table_is_private_and_takes_no_writes(tmp_path: Path) -> None:
    source = kept_source(tmp_path)
    path = keeping.path_of(tmp_path, source.name, ID)
    assert path.stat().st_mode & 0o777 == 0o600
    assert look_at_file(source, files=tmp_path) == []
    engine = keeping.open_kept(source, files=tmp_path, timeout_s=1)
    with engine.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("DELETE FROM market_permits"))
    engine.dispose()


def test_a_kept_table_is_read_without_asking_for_a_lock(tmp_path: Path) -> None:
    source = kept_source(tmp_path)
    path = keeping.path_of(tmp_path, source.name, ID)
    engine = keeping.open_kept(source, files=tmp_path, timeout_s=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM market_permits")).scalar()
    engine.dispose()


def test_a_journal_laid_beside_a_kept_table_is_not_played_into_it(tmp_path: Path) -> None:
    source = kept_source(tmp_path)
    path = keeping.path_of(tmp_path, source.name, ID)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE market_permits (a)")
        writer.executemany("INSERT INTO market_permits VALUES (?)", [("x" * 500,)] * 200)
        # What does not fit into its memory goes to the file early, and what was there to the journal.
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.execute("UPDATE market_permits SET a = 'y' || a")
        journal = other.with_name(f"{other.name}-journal").read_bytes()
    path.with_name(f"{path.name}-journal").write_bytes(journal)
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as usual,
        pytest.raises(sqlite3.OperationalError),
    ):
        usual.execute("SELECT * FROM market_permits")
    engine = keeping.open_kept(source, files=tmp_path, timeout_s=1)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM market_permits")).all() == list(ROWS)
    engine.dispose()


@pytest.mark.parametrize(("rows", "sorted_"), [(ROWS, False), ((*ROWS, ROWS[0]), True)])
def test_a_key_without_repetition_has_nothing_put_in_order(
    tmp_path: Path, rows: Sequence[tuple[Any, ...]], *, sorted_: bool
) -> None:
    path = keeping.path_of(tmp_path, "s", ID)
    keeping.keep(path, "s", COLUMNS, rows)
    with closing(sqlite3.connect(path)) as connection:
        connection.create_collation("exchange_decimal", compare_decimals)
        asked = 'EXPLAIN QUERY PLAN SELECT * FROM s WHERE "编号" = ? ORDER BY "金额"'
        steps = [step for *_, step in connection.execute(asked, ("01",))]
    assert steps[0] == "SEARCH s USING INDEX key0 (编号=?)"
    assert any("ORDER BY" in step for step in steps) is sorted_


def test_amounts_keep_their_zeros_and_compare_as_numbers(tmp_path: Path) -> None:
    engine = keeping.open_kept(kept_source(tmp_path), files=tmp_path, timeout_s=1)
    with engine.connect() as connection:
        below = connection.execute(
            text('SELECT "金额" FROM market_permits WHERE "金额" < :most'), {"most": "10"}
        )
        assert below.scalars().all() == ["9.00"]
        same = connection.execute(
            text('SELECT "金额" FROM market_permits WHERE "金额" = :one'), {"one": "10.5"}
        )
        assert same.scalars().all() == ["10.50", "10.5"]
    engine.dispose()


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3), max_size=8))
def test_the_order_of_decimals_is_that_of_their_worth(numbers: list[Decimal]) -> None:
    texts = [format(number, "f") for number in numbers]
    ordered = sorted(texts, key=cmp_to_key(compare_decimals))
    assert [Decimal(one) for one in ordered] == sorted(numbers)


def test_a_table_changed_past_the_exchange_is_not_opened(tmp_path: Path) -> None:
    source = kept_source(tmp_path)
    path = keeping.path_of(tmp_path, source.name, ID)
    connection = sqlite3.connect(path)
    connection.create_collation("exchange_decimal", compare_decimals)
    with connection:
        connection.execute("UPDATE market_permits SET \"金额\" = '1.00'")
    connection.close()
    shelf = SourceShelf(
        lambda: {source.name: source}, means=Means(unseal=lambda _: "", files=tmp_path)
    )
    with pytest.raises(SourceDriftError):
        shelf[source.name]
    keeping.discard(path)
    with pytest.raises(SourceUnavailableError):
        shelf[source.name]
    asyncio.run(shelf.close())


def test_another_sources_name_does_not_lead_to_a_table(tmp_path: Path) -> None:
    source = kept_source(tmp_path)
    stolen = SourceAddress(name="other", department="E", kind="file", address=source.address)
    with pytest.raises(SourceUnavailableError):
        keeping.open_kept(stolen, files=tmp_path, timeout_s=1)


def test_a_table_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Iterator[tuple[str, str, int]]:
        yield ("01", "1.0", 1)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        keeping.keep(keeping.path_of(tmp_path, "s", ID), "s", COLUMNS, rows())
    assert list((tmp_path / "tables").iterdir()) == []
