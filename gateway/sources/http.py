"""Reads a department's JSON service: one bounded, strictly read request for each key.

A resource with a reading is asked as that says (`gateway/sources/rest.py`). One without is asked by
`GET {base}{path}?{member}={key}`: the answer is status 200 and a JSON array with one object a record; an
empty array is the only way to say that there is none. A status 404 is not one: a wrong path would look like
an absent record.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from yarl import URL

from catalogue.model import Item
from catalogue.readings import RestReading
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.model import Permitted, Row
from gateway.sources.needs import check_call_number, needed_items
from gateway.sources.paging import checked_page, pages_of, size_of
from gateway.sources.records import wire_value
from gateway.sources.rest import read_rest, read_rest_page
from gateway.sources.wire import Wire, check_records, each, parse_json


class HttpSource:
    """One department's JSON service. Implements `gateway.ports.Source` and `PagedSource`.

    It cannot filter rows or choose items: `mask` does both.
    """

    def __init__(self, base: str, *, wire: Wire, zone: tzinfo) -> None:
        self._base = base.rstrip("/")
        self._wire = wire
        self._zone = zone

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        items = needed_items(permitted)
        reading = permitted.step.resource.reading

        async def ask(key: str) -> list[Row]:
            if reading is None:
                return await self._plain(permitted, items, key=key, call=call)
            if not isinstance(reading, RestReading):
                raise SourceInvalidError(reason="the resource is not read from a JSON service")
            return await read_rest(
                self._wire, self._base, reading, items, key=key, call=call, zone=self._zone
            )

        return await each(keys, ask)

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        check_call_number(call)
        pages, size = pages_of(permitted, permitted.step.resource.reading), size_of(permitted)
        if size == 0:
            return (), False
        rows = await read_rest_page(
            self._wire,
            self._base,
            pages,
            needed_items(permitted),
            after=after,
            size=size,
            call=call,
            zone=self._zone,
        )
        return checked_page(rows, key=permitted.step.key.item, after=after, size=size)

    async def close(self) -> None:
        await self._wire.close()

    async def _plain(
        self, permitted: Permitted, items: Sequence[Item], *, key: str, call: str
    ) -> list[Row]:
        step = permitted.step
        path = step.resource.table
        address = URL(self._base + (path if path.startswith("/") else f"/{path}"))
        answer = await self._wire.get(address.update_query({step.key.item.column: key}), call=call)
        return [_row(items, record, zone=self._zone) for record in parse_records(answer.body)]


def parse_records(body: bytes) -> list[dict[str, Any]]:
    """Read the answer of a service strictly: an array of objects."""
    return check_records(parse_json(body))


def _row(items: Sequence[Item], record: dict[str, Any], *, zone: tzinfo) -> Row:
    missing = [item.name for item in items if item.column not in record]
    if missing:
        raise SourceDriftError(missing=missing)
    return {item.name: wire_value(item, record[item.column], zone) for item in items}
