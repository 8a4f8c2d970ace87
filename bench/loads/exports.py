"""What a bulk export's files cost beside plain CSV: pages kept on the disk, then parts in each format.

`python bench/exports.py --json [--quick|--full]`. Records of eight items, some null. Each round writes the
same records by `csv.writer` alone (`plain`), and as an export does it: pages of 5,000 as they are read
(`pages`), then parts of these pages in every format, each brought to the disk and digested. Rounds are
interleaved; `FORMAT_over_plain` is the median of the rounds' ratios of records a second.
"""

import argparse
import csv
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from catalogue.model import ItemType
from exchange.exports.files import ExportFiles
from exchange.exports.formats import Column, offered
from exchange.exports.model import Page

PAGE = 5_000
FORMATS = ("csv", "jsonl", "xlsx", "parquet")
COLUMNS = (
    Column(name="uscc", type=ItemType.TEXT),
    Column(name="entName", type=ItemType.TEXT),
    Column(name="legalRep", type=ItemType.TEXT),
    Column(name="capital", type=ItemType.DECIMAL),
    Column(name="staff", type=ItemType.INTEGER),
    Column(name="serial", type=ItemType.LONG),
    Column(name="listed", type=ItemType.BOOLEAN),
    Column(name="validUntil", type=ItemType.DATE),
)
Record = dict[str, Any]


def record(number: int) -> Record:
    return {
        "uscc": f"91330106{number:010}",
        "entName": f"云岫第{number}建设有限公司",
        "legalRep": "张**",
        "capital": f"{number % 9_973}.50",
        "staff": number % 500,
        "serial": str(9_007_199_254_740_993 + number),
        "listed": number % 3 == 0,
        "validUntil": None if number % 7 == 0 else f"20{30 + number % 20}-0{1 + number % 9}-15",
    }


def plainly(path: Path, records: Sequence[Record]) -> None:
    """Write the same cells by the standard library alone, and bring them to the disk."""
    names = [column.name for column in COLUMNS]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([one[name] for name in names] for one in records)
        file.flush()
        os.fsync(file.fileno())


def kept(files: ExportFiles, records: Sequence[Record]) -> list[Page]:
    pages = []
    for number, first in enumerate(range(0, len(records), PAGE), 1):
        rows = records[first : first + PAGE]
        digest = files.write_page(number, rows)
        pages.append(Page(number=number, rows=len(rows), digest=digest, entry=number))
    return pages


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def one_round(folder: Path, records: Sequence[Record], *, number: int) -> dict[str, float]:
    """Return the seconds that each took."""
    files = ExportFiles(folder, f"exp_bench-{number:08}")
    spent = {"plain": timed(lambda: plainly(folder / "plain.csv", records))}
    begun = time.perf_counter()
    pages = kept(files, records)
    spent["pages"] = time.perf_counter() - begun

    def written(name: str) -> object:
        return files.write_parts(pages, format_=name, columns=COLUMNS, stem=name)

    spent |= {name: timed(partial(written, name)) for name in FORMATS if name in offered()}
    files.drop()
    return spent


def measure(folder: Path, *, rounds: int, rows: int) -> dict[str, Any]:
    (folder / "exports").mkdir()
    records = [record(number) for number in range(rows)]
    one_round(folder, records, number=0)  # Reads libraries and fills the page cache.
    seen = [one_round(folder, records, number=number) for number in range(1, rounds + 1)]
    return figures_of({name: [one[name] for one in seen] for name in seen[0]}, rows=rows)


def figures_of(took: dict[str, list[float]], *, rows: int) -> dict[str, Any]:
    figures: dict[str, Any] = {
        f"{name}_rows_per_s": round(rows / statistics.median(seconds))
        for name, seconds in took.items()
    }
    for name in ("pages", *FORMATS):
        key = f"{name}_over_plain"
        if name not in took:
            figures |= {key: None, f"{key}_skipped": "install the extra bulk"}
            continue
        pairs = zip(took["plain"], took[name], strict=True)
        figures[key] = round(statistics.median(plain / mine for plain, mine in pairs), 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    rounds, rows = (5, 20_000) if asked.quick else (9, 200_000) if asked.full else (5, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), rounds=rounds, rows=rows) | {"rows": rows}
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:28} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
