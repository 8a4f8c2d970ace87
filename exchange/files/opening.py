"""Opens a file as rows of cells, as chosen or as guessed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exchange.files.model import (
    DELIMITERS,
    ENCODINGS,
    MOST_BYTES,
    TEXT,
    WORKBOOK,
    Choices,
    Findings,
    Line,
    Lines,
    Trouble,
    TroubleError,
)
from exchange.files.texts import TextLines, decode, guess_delimiter, guess_encoding
from exchange.files.workbooks import is_workbook, open_workbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file as rows, and how it came to be read so."""

    lines: Lines
    kind: str = TEXT
    encoding: str = ""
    delimiter: str = ""
    sheets: tuple[str, ...] = ()
    sheet: str = ""


class Closed:
    """Rows that cannot be had. Implements `model.Lines`."""

    def __init__(self, error: TroubleError) -> None:
        self._error = error

    def __iter__(self) -> Iterator[Line]:
        raise self._error


@contextmanager
def opened(content: bytes, choices: Choices, findings: Findings) -> Iterator[Opened]:
    """Open a file. One that cannot be read is told as such by whoever goes through its rows."""
    kind = WORKBOOK if is_workbook(content) else TEXT
    if len(content) > MOST_BYTES:
        yield Opened(lines=Closed(TroubleError(Trouble.TOO_LARGE)), kind=kind)
    elif not content:
        yield Opened(lines=Closed(TroubleError(Trouble.EMPTY)), kind=kind)
    elif kind == TEXT:
        yield _text(content, choices)
    else:
        try:
            book = open_workbook(content, sheet=choices.sheet, findings=findings)
        except TroubleError as error:
            yield Opened(lines=Closed(error), kind=kind)
            return
        try:
            yield Opened(lines=book, kind=kind, sheets=book.sheets, sheet=book.sheet)
        finally:
            book.close()


def _text(content: bytes, choices: Choices) -> Opened:
    encoding = choices.encoding if choices.encoding in ENCODINGS else guess_encoding(content)
    try:
        text = decode(content, encoding)
    except TroubleError as error:
        return Opened(lines=Closed(error), encoding=encoding)
    delimiter = choices.delimiter if choices.delimiter in DELIMITERS else guess_delimiter(text)
    return Opened(lines=TextLines(text, delimiter), encoding=encoding, delimiter=delimiter)
