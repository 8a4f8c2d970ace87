"""What is written in each format is read back as it was, whatever is in it."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from catalogue.model import ItemType
from exchange.exports.files import ExportFiles, PageChangedError
from exchange.exports.formats import WRITERS, Column
from exchange.exports.model import Page
from gateway.formats import to_wire
from tests.examples import examples

COLUMNS = (
    Column(name="name", type=ItemType.TEXT),
    Column(name="floors", type=ItemType.INTEGER),
    Column(name="area", type=ItemType.DECIMAL),
    Column(name="number", type=ItemType.LONG),
    Column(name="since", type=ItemType.DATE),
    Column(name="valid", type=ItemType.BOOLEAN),
)
NAUGHTY = (
    "=1+1",
    "+A1",
    "@SUM(A1)",
    "-2",
    'a"b',
    "a,b",
    "a\nb",
    "云岫\u3000建设",
    "<b>&amp;",
    " x ",
    "0012",
)
EXPORT = "exp_0123456789"

records = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(NAUGHTY)
            | st.text(
                st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20
            ),
            "floors": st.none() | st.integers(-(2**31), 2**31 - 1),
            "area": st.none() | st.sampled_from(["12.50", "0", "-3.1000"]),
            "number": st.none() | st.integers(-(2**63), 2**63 - 1).map(str),
            "since": st.none() | st.dates().map(lambda day: day.isoformat()),
            "valid": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=12,
)
Records = Sequence[Mapping[str, Any]]


def by_csv(path: Path) -> Records:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_jsonl(path: Path) -> Records:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def by_xlsx(path: Path) -> Records:
    names, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, names), row, strict=True)) for row in rows]


def by_parquet(path: Path) -> Records:
    from_types = {column.name: column.type for column in COLUMNS}
    return [
        {
            name: value
            if from_types[name] is ItemType.DECIMAL
            else to_wire(from_types[name], value, None)  # type: ignore[arg-type]  # no moment among them
            for name, value in row.items()
        }
        for row in pq.read_table(path).to_pylist()
    ]


def texts(rows: Records) -> Records:
    """As a format without null and types tells them."""
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) else str(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40))
@given(rows=records)
def test_jsonl_and_parquet_give_back_every_value_and_every_null(
    tmp_path: Path, rows: Records
) -> None:
    for format_, read in (("jsonl", by_jsonl), ("parquet", by_parquet)):
        path = tmp_path / f"out.{format_}"
        WRITERS[format_](path, COLUMNS, iter(rows))
        assert list(read(path)) == list(rows), format_


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40))
@given(rows=records)
def test_csv_and_xlsx_give_back_every_text_unchanged_also_one_that_looks_like_a_formula(
    tmp_path: Path, rows: Records
) -> None:
    for format_, read in (("csv", by_csv), ("xlsx", by_xlsx)):
        path = tmp_path / f"out.{format_}"
        WRITERS[format_](path, COLUMNS, iter(rows))
        assert texts(read(path)) == texts(rows), format_


def test_more_records_than_a_part_holds_are_parts_that_follow_each_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "exports").mkdir()
    files = ExportFiles(tmp_path, EXPORT)
    rows = [{"name": f"n{number}"} for number in range(7)]
    pages = [
        Page(number=1, rows=4, digest=files.write_page(1, rows[:4]), entry=1),
        Page(number=2, rows=3, digest=files.write_page(2, rows[4:]), entry=2),
    ]
    parts = files.write_parts(pages, format_="jsonl", columns=COLUMNS[:1], stem="r", most=3)
    assert [part.rows for part in parts] == [3, 3, 1]
    read = [json.loads(line) for part in parts for line in files.read(part).splitlines()]
    assert read == rows


def test_an_export_without_records_has_one_part_without_records(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    files = ExportFiles(tmp_path, EXPORT)
    page = Page(number=1, rows=0, digest=files.write_page(1, []), entry=1)
    for format_ in WRITERS:
        (part,) = files.write_parts([page], format_=format_, columns=COLUMNS, stem="r")
        assert part.rows == 0


def test_a_page_that_was_changed_on_the_disk_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    files = ExportFiles(tmp_path, EXPORT)
    page = Page(number=1, rows=1, digest=files.write_page(1, [{"name": "a"}]), entry=1)
    held = tmp_path / "exports" / EXPORT / "pages" / "000001.jsonl"
    held.write_bytes(held.read_bytes().replace(b"a", b"b"))
    with pytest.raises(PageChangedError):
        files.write_parts([page], format_="csv", columns=COLUMNS[:1], stem="r")


@pytest.mark.parametrize("name", ["exp_../../../etc", "grt_01234567", "exp_1", "exp_" + "a" * 65])
def test_what_is_no_id_names_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        ExportFiles(tmp_path, name)
