"""CSV files that people made: in which encoding and with which delimiter, told before anything is taken."""

import csv
import io
from dataclasses import asdict, dataclass

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.imports import MAX_BYTES
from exchange.files.model import ENCODINGS, TroubleError
from exchange.files.texts import TextLines, decode, guess_delimiter, guess_encoding
from exchange.files.words import TROUBLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How the bytes of a file were read."""

    encoding: str
    delimiter: str

    def told(self) -> dict[str, str]:
        return asdict(self)


def as_utf8(content: bytes, *, file: str, encoding: str | None = None) -> tuple[bytes, Guess]:
    """Return a file as CSV in UTF-8, row by row as it stood, and how it was read.

    `encoding` None guesses. Raises InvalidError naming file and row where any of it cannot be read.
    """
    if len(content) > MAX_BYTES:
        raise _refused(file, 0, f"{len(content)} bytes, at most {MAX_BYTES} taken")
    if encoding is not None and encoding not in ENCODINGS:
        raise _refused(file, 0, f"encoding {encoding}, one of {', '.join(ENCODINGS)} needed")
    chosen = encoding or guess_encoding(content)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    try:
        text = decode(content, chosen)
        delimiter = guess_delimiter(text)
        for line in TextLines(text, delimiter):
            writer.writerow(line.cells)
    except TroubleError as error:
        raise _refused(file, error.row, TROUBLES[error.trouble][1]) from error
    return written.getvalue().encode(), Guess(encoding=chosen, delimiter=delimiter)


def _refused(file: str, row: int, message: str) -> InvalidError:
    return InvalidError(Flaw.quoted(f"{file}:{row}:: {message}"), code="IMPORT_REFUSED")
