"""All records of a service, some at a time: what an operation of its own offers, held to one rule.

A service's word for the order is not taken: each page has to come in the order of the key, beyond the place
that was asked for, with no key twice. So no record is met twice, and a service that passes over the place
is found out. The end is a page of no records: a service that gives fewer than it was asked for ends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from catalogue.model import Item, ItemType
from catalogue.readings import GraphqlReading, Pages, Reading, RestReading, SoapReading
from gateway.errors import BulkUnsupportedError, SourceInvalidError
from gateway.mask import most_rows
from gateway.model import Permitted, Row
from gateway.sources.needs import check_call_number, needed_items
from gateway.sources.wire import MOST_RECORDS

R = TypeVar("R", RestReading, GraphqlReading, SoapReading)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPage(Generic[R]):
    """One page as a service is to be asked for it."""

    pages: Pages
    by: R
    """How its answer is read."""
    items: tuple[Item, ...]
    size: int
    """Records at most, one at least."""


def asked_page(
    permitted: Permitted, kind: type[R], *, call: str, service: str
) -> AskedPage[R] | None:
    """Return how a page is asked for of a service whose readings are of a kind; None: none may be given.

    Raises BulkUnsupportedError where the entry names no pages, SourceInvalidError where they are another
    kind of service's.
    """
    check_call_number(call)
    pages, size = pages_of(permitted, permitted.step.resource.reading), size_of(permitted)
    if size == 0:
        return None
    if not isinstance(pages.reading, kind):
        raise SourceInvalidError(reason=f"the pages are not read from a {service} service")
    return AskedPage(pages=pages, by=pages.reading, items=needed_items(permitted), size=size)


def pages_of(permitted: Permitted, reading: Reading | None) -> Pages:
    """Return how a resource's pages are asked for. Raises BulkUnsupportedError, saying what is needed."""
    pages = None if reading is None else reading.pages
    if pages is None:
        raise BulkUnsupportedError(
            reason="the entry names no operation that gives records in the order of their key"
        )
    if not permitted.step.resource.single:
        # Where a page was cut off within a key nobody could tell.
        raise BulkUnsupportedError(reason="a service is paged where a subject has one record")
    return pages


def size_of(permitted: Permitted) -> int:
    """Return how many records are asked for at a time; 0: none may be given."""
    return min(most_rows(permitted), MOST_RECORDS)


def checked_page(
    rows: Sequence[Row], *, key: Item, after: str | None, size: int
) -> tuple[Sequence[Row], bool]:
    """Return a page and whether others may follow. Raises SourceInvalidError."""
    if len(rows) > size:
        raise SourceInvalidError(allowed_records=size)
    before = None if after is None else _place(key, after)
    for row in rows:
        value = row[key.name]
        if value is None:
            raise SourceInvalidError(reason="a record of a page has no key")
        place = _place(key, value)
        if before is not None and not place > before:
            raise SourceInvalidError(
                reason="a page is not in the order of the key, beyond its place"
            )
        before = place
    return rows, bool(rows)


def _place(key: Item, value: Any) -> Any:
    """Numbers by their value, text by its code points (as UTF-8 orders it too)."""
    return int(value) if key.type in {ItemType.INTEGER, ItemType.LONG} else str(value)
