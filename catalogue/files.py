"""The address of a published file: which kept table it is, of which file it was made, as of which day."""

import re
from dataclasses import dataclass
from datetime import date

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw

KIND = "file"
"""Kind of the sources whose rows the exchange keeps itself."""

_ADDRESS = re.compile(
    r"(?P<id>fil_[0-9a-f-]{36})\?asOf=(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"&rows=(?P<rows>0|[1-9][0-9]{0,8})&content=(?P<content>[0-9a-f]{64})&kept=(?P<kept>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAddress:
    """The `address` of a source of kind `file`; the source's row, and so the log, vouches for it.

    The address is stored. It gets new members only behind the present ones and under a new name; what is
    written today stays readable.
    """

    id: str
    """Of the kept table; a newer file is another table with another id."""
    as_of: date
    """The day whose state the rows tell."""
    rows: int
    content: str
    """SHA-256 of the file as it was uploaded, hex."""
    kept: str
    """SHA-256 of the database that was made of it, hex."""


def format_address(address: FileAddress) -> str:
    return (
        f"{address.id}?asOf={address.as_of.isoformat()}&rows={address.rows}"
        f"&content={address.content}&kept={address.kept}"
    )


def parse_address(text: str) -> FileAddress:
    """Read an address as `format_address` writes it. Raises InvalidError for anything else."""
    found = _ADDRESS.fullmatch(text)
    day = None if found is None else _day(found["day"])
    if found is None or day is None:
        raise InvalidError(Flaw("not the address of a published file"))
    return FileAddress(
        id=found["id"],
        as_of=day,
        rows=int(found["rows"]),
        content=found["content"],
        kept=found["kept"],
    )


def _day(text: str) -> date | None:
    """Read YYYY-MM-DD; None for a day that the calendar does not have."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
