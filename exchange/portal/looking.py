"""What is looked for in the log: one box and the facets of an address, read strictly and written back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from catalogue.model import CODE_PATTERN
from catalogue.snapshot import Snapshot
from exchange.words import WORDS

BOX_BOUND = 128
"""Characters in the search box."""

YEARS = range(2000, 3000)
"""Beyond them a moment may have no number of milliseconds."""

DECISIONS = ("given", "partly-given", "disputed", "not-found", "refused", "unavailable")
FACETS = (
    "decision", "code", "department", "consumer", "system", "resource", "item", "matter", "officer",
    "kind", "review", "shard",
)  # fmt: skip

_INDEX = re.compile(r"0|[1-9][0-9]{0,14}")
_AFTER = re.compile(r"(0|[1-9][0-9]{0,14})-([0-9]{1,6})")
_KIND = re.compile(r"[a-z]+(?:[.-][a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an address asks for. Where `errors` names a field, nothing is searched for."""

    facets: Mapping[str, str]
    since: str = ""
    until: str = ""
    after: tuple[int, int] | None = None
    """Where the page before ended; None for the first page."""
    errors: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, zone: ZoneInfo) -> dict[str, Any]:
        """Return the arguments of the act `audit.search`. Days begin and end where the exchange stands."""
        given: dict[str, Any] = dict(self.facets)
        if self.since:
            given["since"] = _midnight(self.since, zone)
        if self.until:
            given["until"] = _midnight(self.until, zone) + timedelta(days=1)
        if self.after is not None:
            given["after"] = list(self.after)
        return given

    def address(self, **changes: str) -> str:
        """Return the query of the address with some members changed; the page starts anew."""
        members = {**self.facets, "since": self.since, "until": self.until, **changes}
        return urlencode({name: value for name, value in members.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The box holds an entry's index."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNumber:
    """The box holds what can only be a case number."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The box holds a code that the exchange knows."""

    name: str
    value: str


def read_box(text: str, *, size: int, names: Snapshot) -> Entry | CaseNumber | Facet | None:
    """Say what was typed into the one box; None where nothing was, or more than anything we keep."""
    typed = text.strip()
    if not typed or len(typed) > BOX_BOUND:
        return None
    if _INDEX.fullmatch(typed) and int(typed) < size:
        return Entry(index=int(typed))
    if typed in names.resources:
        return Facet(name="resource", value=typed)
    if typed in names.departments:
        return Facet(name="department", value=typed)
    if typed in names.systems:
        return Facet(name="system", value=typed)
    if typed in WORDS:
        return Facet(name="code", value=typed)
    return CaseNumber(number=typed)


def read_wanted(given: Mapping[str, str]) -> Wanted:
    """Read the facets of an address. A value that no list offers is an error at its field."""
    facets = {name: given.get(name, "").strip() for name in FACETS}
    facets = {name: value for name, value in facets.items() if value}
    errors = {
        name: "Choose one of the list" if name in {"decision", "kind"} else "This is not a code"
        for name, value in facets.items()
        if not _may_be(name, value)
    }
    days = {name: given.get(name, "").strip() for name in ("since", "until")}
    if "item" in facets and "resource" not in facets:
        errors["item"] = "An item is looked for within its resource: enter the resource's code too"
    errors |= {name: "Enter a day, such as 2026-01-31" for name in days if not _is_day(days[name])}
    return Wanted(facets=facets, **days, after=read_after(given.get("after", "")), errors=errors)


def read_after(text: str) -> tuple[int, int] | None:
    """Read where the page before ended; anything else is the first page."""
    found = _AFTER.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def read_index(text: str) -> int:
    """Read an entry's index out of an address; -1, where no entry is, for anything that is none."""
    return int(text) if _INDEX.fullmatch(text) else -1


def write_after(place: Sequence[int]) -> str:
    return f"{place[0]}-{max(place[1], 0)}"


def _may_be(name: str, value: str) -> bool:
    match name:
        case "decision":
            return value in DECISIONS
        case "kind":
            return bool(_KIND.fullmatch(value))
        case "code":
            return value in WORDS
        case "item" | "officer":
            return len(value) <= BOX_BOUND and value.isprintable()
        case _:
            return bool(CODE_PATTERN.fullmatch(value))


def _is_day(text: str) -> bool:
    try:
        if not text:
            return True
        day = date.fromisoformat(text)
        return day.isoformat() == text and day.year in YEARS
    except ValueError:
        return False


def _midnight(day: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), tzinfo=zone)
