"""Workbooks: read by a child process, their rows kept in a file without a name."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from exchange.files.model import Findings, Line, Trouble, TroubleError

WITHIN_S = 90
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_FATAL = frozenset(
    {
        Trouble.BOMB,
        Trouble.PROTECTED,
        Trouble.UNREADABLE,
        Trouble.NO_SHEET,
        Trouble.TOO_MANY_ROWS,
        Trouble.TOO_MANY_COLUMNS,
        Trouble.TOO_MANY_CELLS,
        Trouble.CELL_TOO_LONG,
    }
)
"""After these the reader has given no rows, or not all of them."""


def is_workbook(content: bytes) -> bool:
    return content.startswith((_ZIP, _OLE))


@dataclass(frozen=True, slots=True)
class WorkbookLines:
    """The rows of a sheet. Implements `model.Lines`; `close` forgets them."""

    sheets: tuple[str, ...]
    sheet: str
    _spool: IO[bytes] = field(repr=False)
    _begin: int

    def __iter__(self) -> Iterator[Line]:
        self._spool.seek(self._begin)
        for written in self._spool:
            number, cells = json.loads(written)
            yield Line(number, cells)

    def close(self) -> None:
        self._spool.close()


def open_workbook(content: bytes, *, sheet: str, findings: Findings) -> WorkbookLines:
    """Read a sheet, the first one where `sheet` is empty.

    Raises TroubleError where there are no rows to be had; what else is wrong is noted.
    """
    if content.startswith(_OLE):
        # Either locked with a password, or of the kind that came before .xlsx.
        raise TroubleError(Trouble.PROTECTED)
    # A file without a name: it is gone with whoever looks at it, whatever happens.
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        _read(content, sheet=sheet, into=spool, findings=findings)
        spool.seek(0)
        told = json.loads(spool.readline())
        return WorkbookLines(tuple(told["sheets"]), told["sheet"], spool, spool.tell())
    except BaseException:
        spool.close()
        raise


def _read(content: bytes, *, sheet: str, into: IO[bytes], findings: Findings) -> None:
    command = [sys.executable, "-I", "-m", "exchange.files.workbook_child", sheet]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            command,
            input=content,
            stdout=into,
            stderr=subprocess.PIPE,
            env={},
            timeout=WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TroubleError(Trouble.BOMB) from None
    if done.returncode:
        # Ended by its bounds, or by a fault of the reader: either way there is no table to be had.
        raise TroubleError(Trouble.BOMB)
    for name, column, rows, count in json.loads(done.stderr):
        trouble = Trouble(name)
        if trouble in _FATAL:
            raise TroubleError(trouble, row=next(iter(rows), 0))
        for row in rows:
            findings.note(trouble, column=column, row=row)
        if count > len(rows):
            findings.note(trouble, column=column, count=count - len(rows))
