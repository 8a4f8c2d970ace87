"""Rows as CSV that no spreadsheet computes, and cells of such a file as they were."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a spreadsheet takes for a formula, and the apostrophe by which it is told that it is none."""
MARK = "\ufeff"
"""Byte-order mark: without it spreadsheets of this country read UTF-8 as GBK."""


def write_csv(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a CSV file row by row, its byte-order mark first; what looks like a formula begins with `'`."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\r\n")
    held.write(MARK)
    for row in rows:
        writer.writerow([disarmed(cell) for cell in row])
        yield held.getvalue()
        held.seek(0)
        held.truncate()


def disarmed(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_BEGINS_FORMULA) else cell


def as_it_was(cell: str) -> str:
    """Take the apostrophe away that `disarmed` or a spreadsheet put before a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_BEGINS_FORMULA) else cell
