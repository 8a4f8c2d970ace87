"""Lists on pages: filters and the place are read off the address, and written into those of other pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from exchange.acts.listing import FIRST, MOST

LONGEST = 200
"""Characters of a filter or a key; more is not ours."""
COUNTED = 5_000
"""Rows are counted up to here for people; "5,000+" stands for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What an address of a list asks for."""

    path: str
    filters: Mapping[str, str]
    """Those that were given; a filter that is absent lets all through."""
    first: int = FIRST
    after: str = ""
    before: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return which page an act is to tell."""
        place = {"after": self.after} if self.after else {"before": self.before}
        return {"first": self.first} | {name: key for name, key in place.items() if key}

    def address(self, **changes: str) -> str:
        """Return the list's address with some filters changed; it begins at its first page again."""
        members: dict[str, str | int] = {**self.filters, **changes}
        if self.first != FIRST:
            members["first"] = self.first
        kept = {name: value for name, value in members.items() if value}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def pages(self, told: Mapping[str, Any]) -> dict[str, str]:
        """Return the addresses of the pages before and after the one that an act told; empty for none."""
        return {
            name: self.address(**{word: told[name]}) if told[name] is not None else ""
            for name, word in (("previous", "before"), ("next", "after"))
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a filter."""

    code: str
    """Empty lets all through."""
    count: str
    address: str
    chosen: bool


def choices(
    listed: Listed,
    name: str,
    codes: Sequence[str],
    counts: Mapping[str, int],
    *,
    every: bool = True,
) -> list[Choice]:
    """Return the values of a filter with how many rows each leaves; `every` puts the absent one first."""
    chosen = listed.filters.get(name, "")
    total = {"": sum(counts.get(code, 0) for code in codes)} if every else {}
    return [
        Choice(
            code=code,
            count=counted(number),
            address=listed.address(**{name: code}),
            chosen=code == chosen,
        )
        for code, number in (total | {code: counts.get(code, 0) for code in codes}).items()
    ]


def read_listed(path: str, given: Mapping[str, str], *filters: str) -> Listed:
    """Read an address; what is not understood is left out, as in any address that people shorten."""
    read = {name: given.get(name, "").strip() for name in (*filters, "after", "before", "first")}
    kept = {name: value for name, value in read.items() if value and len(value) <= LONGEST}
    after = kept.pop("after", "")
    before = "" if after else kept.pop("before", "")
    kept.pop("before", None)
    return Listed(
        path=path, first=_first(kept.pop("first", "")), after=after, before=before, filters=kept
    )


def counted(number: int) -> str:
    return f"{COUNTED:,}+" if number > COUNTED else f"{number:,}"


def _first(text: str) -> int:
    plain = text.isascii() and text.isdecimal() and len(text) <= 4
    return int(text) if plain and 1 <= int(text) <= MOST else FIRST
