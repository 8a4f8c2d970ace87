"""Text files: which encoding, which delimiter, and their rows. Nothing is ever half decoded."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from exchange.files.model import DELIMITERS, LONGEST_CELL, Line, Trouble, TroubleError

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What no table holds: controls but tab and line ends, and what stands for undecodable bytes.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")
_SAMPLED = 64 * 1024
_SAMPLED_ROWS = 50


def guess_encoding(content: bytes) -> str:
    """Return one of ENCODINGS; a file that none of them reads is told as the likeliest.

    A byte-order mark decides. GB18030 reads nearly anything, so it has to look like text in it too: of Big5
    text read as GB18030 much falls outside of GB 2312.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding
    if _zeros(content[:_SAMPLED]):
        return "utf-16"
    if _decodes(content, "utf-8"):
        return "utf-8"
    if _decodes(content, "big5") and _foreign(content, "gb18030") > 0.05:
        return "big5"
    return "gb18030"


def decode(content: bytes, encoding: str) -> str:
    """Return the whole text.

    Raises TroubleError ENCODING where any byte of it does not fit, CONTROL for control characters.
    """
    text = _decoded(content, encoding)
    if text is None:
        raise TroubleError(Trouble.ENCODING, row=_row_of_misfit(content, encoding))
    control = _CONTROL.search(text)
    if control is not None:
        raise TroubleError(Trouble.CONTROL, row=text.count("\n", 0, control.start()) + 1)
    return text


def guess_delimiter(text: str) -> str:
    """Return the name of the delimiter under which most of the first rows have one and the same width."""
    best, most = "comma", 0
    for name, mark in DELIMITERS.items():
        reader = csv.reader(io.StringIO(text[:_SAMPLED], newline=""), delimiter=mark)
        try:
            widths = Counter(len(row) for row in islice(reader, _SAMPLED_ROWS) if row)
        except csv.Error:
            continue
        width, agreeing = max(widths.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        if width > 1 and agreeing * width > most:
            best, most = name, agreeing * width
    return best


@dataclass(frozen=True, slots=True)
class TextLines:
    """The rows of a text. Implements `model.Lines`."""

    text: str
    delimiter: str

    def __iter__(self) -> Iterator[Line]:
        """Yield row by row. Raises TroubleError CSV, CELL_TOO_LONG."""
        mark = DELIMITERS[self.delimiter]
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=mark, strict=True)
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise TroubleError(Trouble.CSV, row=number) from None
            if any(len(cell) > LONGEST_CELL for cell in cells):
                raise TroubleError(Trouble.CELL_TOO_LONG, row=number)
            yield Line(number, cells)


def _zeros(sample: bytes) -> bool:
    """Whether every other byte is mostly zero, as in UTF-16 without a mark."""
    return any(sample[start::2].count(0) * 4 > len(sample) // 2 for start in (0, 1))


def _decodes(content: bytes, encoding: str) -> bool:
    return _decoded(content, encoding) is not None


def _decoded(content: bytes, encoding: str) -> str | None:
    """Return the text without its mark; None where a byte does not fit."""
    try:
        return content.decode(_codec(content, encoding)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _codec(content: bytes, encoding: str) -> str:
    if encoding != "utf-16" or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return encoding
    sample = content[:_SAMPLED]
    return "utf-16-be" if sample[0::2].count(0) > sample[1::2].count(0) else "utf-16-le"


def _row_of_misfit(content: bytes, encoding: str) -> int:
    """Return the row of the first byte that does not fit; 0 for an encoding whose rows cannot be counted."""
    try:
        content.decode(_codec(content, encoding))
    except UnicodeDecodeError as error:
        return 0 if encoding == "utf-16" else content.count(b"\n", 0, error.start) + 1
    return 0


def _foreign(content: bytes, encoding: str) -> float:
    """Return the share of characters beyond ASCII that GB 2312 does not have; 1 where unreadable."""
    text = _decoded(content[:_SAMPLED], encoding) or _decoded(content, encoding)
    if text is None:
        return 1.0
    beyond = [one for one in text[:_SAMPLED] if one > "\x7f"]
    inside = "".join(beyond).encode("gb2312", "ignore").decode("gb2312")
    return 1 - len(inside) / len(beyond) if beyond else 0.0
