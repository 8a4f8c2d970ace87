"""What a service's own description offers: its operations, and the places of a record of one of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalogue.readings import Absent, Member, Reading, split_pointer

DEEPEST = 4
"""Levels of objects of a record whose values are offered as items."""
MOST_FIELDS = 500
LONGEST_TITLE = 100


class DescriptionError(ValueError):
    """The description cannot be read, or not as asked; says what was found and needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChoices:
    """How all records are read, by an operation that gives them in the order of their key."""

    operation: str
    after: str
    """The parameter, argument or pointer that takes the key after which a page begins."""
    size: str
    """The one that takes how many records."""
    records: str | None = None
    """Pointer of the records in its answer; None leaves it to the description."""
    fixed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How an operation is to be read; an empty one leaves it to the description."""

    key: str = ""
    """The parameter or argument that takes the key; in a body its pointer; of an entity its key's fields."""
    key_item: str = ""
    """Pointer of the record's value that carries the key."""
    records: str | None = None
    """Pointer of the records in the answer; None leaves it to the description."""
    fixed: tuple[tuple[str, str], ...] = ()
    """Parameters, places of a body or parts of a key that are always the same."""
    omit: tuple[str, ...] = ()
    """Pointers that are not offered as items."""
    absent: Absent | None = None
    """How the service says that there is no record; None: by an empty list or a null."""
    separator: str = ""
    """Between the parts of a compound key; `|` where it is empty."""
    pages: PageChoices | None = None
    """None: records are read by their keys alone."""
    size: str = ""
    """Of an operation that gives pages, what takes how many; empty for any other."""
    lenient: bool = False
    """Whether what cannot be read is left out rather than refused: for holding an entry against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value of a record, as it is offered for an item."""

    pointer: str
    declared: str
    """A word for its type as `catalogue.suggest` reads them."""
    member: Member
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One operation as the catalogue keeps it."""

    operation: str
    fields: tuple[Field, ...]
    key: str
    """The `column` of the key's item."""
    reading: Reading
    skipped: tuple[str, ...] = ()
    """Places of the record that cannot be items, each with the reason."""


def carrying(fields: Iterable[Field], name: str, choices: Choices) -> str:
    """Return the pointer of the value that carries the key. Raises DescriptionError where none is known.

    An answer is taken only if it says itself whose record it is.
    """
    pointers = [field.pointer for field in fields]
    if choices.key_item:
        if choices.key_item in pointers:
            return choices.key_item
        raise DescriptionError(f"no value at {choices.key_item} in a record")
    last = split_pointer(name)[-1] if name.startswith("/") else name
    named = [p for p in pointers if split_pointer(p)[-1].casefold() == last.casefold()]
    if len(named) != 1:
        raise DescriptionError(
            f"{len(named)} values of a record are named {last}: "
            "say which one carries the key, an answer has to tell whose record it is"
        )
    return named[0]


def title_of(text: str) -> str:
    """Return a title out of what a description says: its first line, not too long."""
    return (text.strip().splitlines() or [""])[0].strip()[:LONGEST_TITLE]


def without(fields: Iterable[Field], omit: Iterable[str]) -> tuple[Field, ...]:
    """Return the fields that are offered. Raises DescriptionError for too many or none."""
    left_out = set(omit)
    kept = tuple(field for field in fields if field.pointer not in left_out)
    if not kept:
        raise DescriptionError("a record has no value that could be an item")
    if len(kept) > MOST_FIELDS:
        raise DescriptionError(
            f"{len(kept)} values in a record, at most {MOST_FIELDS} can be items"
        )
    return kept
