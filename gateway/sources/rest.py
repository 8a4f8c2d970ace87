"""Reads a record by one operation of a JSON service, as the resource's reading describes it."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from yarl import URL

from catalogue.model import Item
from catalogue.readings import Pages, RestReading
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.model import Row
from gateway.sources.http1 import Answer
from gateway.sources.records import find, make_row, put
from gateway.sources.wire import Wire, check_records, parse_json


async def read_rest(
    wire: Wire,
    base: str,
    reading: RestReading,
    items: Sequence[Item],
    *,
    key: str,
    call: str,
    zone: tzinfo,
) -> list[Row]:
    """Ask for one key. Raises SourceError."""
    address = address_of(base, reading, key)
    also = () if reading.absent is None else (reading.absent.status,)
    if reading.method == "POST":
        answer = await wire.post(address, body_of(reading, key), call=call, also=also)
    else:
        answer = await wire.get(address, call=call, also=also)
    return [
        make_row(items, record, members=reading.members, zone=zone)
        for record in records_of(reading, answer)
    ]


async def read_rest_page(
    wire: Wire,
    base: str,
    pages: Pages,
    items: Sequence[Item],
    *,
    after: str | None,
    size: int,
    call: str,
    zone: tzinfo,
) -> list[Row]:
    """Ask for the records after a key. Raises SourceError."""
    reading = pages.reading
    if not isinstance(reading, RestReading):
        raise SourceInvalidError(reason="the pages are not read from a JSON service")
    query, body = dict(reading.query), dict[str, Any](reading.body)
    for name, value in ((pages.size, size), (reading.key_name, after)):
        if value is None:
            continue  # The first page begins at no place.
        if name.startswith("/"):
            body[name] = value
        else:
            query[name] = str(value)
    address = _address(base, reading.path, query)
    if reading.method == "POST":
        answer = await wire.post(address, _posted(body), call=call)
    else:
        answer = await wire.get(address, call=call)
    return [
        make_row(items, record, members=reading.members, zone=zone)
        for record in records_of(reading, answer)
    ]


def address_of(base: str, reading: RestReading, key: str) -> URL:
    """Return where a key is asked for; the key is a value in it and never part of its form."""
    path, query = reading.path, dict(reading.query)
    if reading.key_in == "path":
        if not key.strip("."):
            # A dot segment: a server in between would take it for a way, not for a name.
            raise SourceInvalidError(reason="the key cannot stand in a path")
        path = path.replace(f"{{{reading.key_name}}}", quote(key, safe=""))
    elif reading.key_in == "query":
        query[reading.key_name] = key
    return _address(base, path, query)


def _address(base: str, path: str, query: Mapping[str, str]) -> URL:
    written = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return URL(f"{base.rstrip('/')}/{path.lstrip('/')}{written}", encoded=True)


def body_of(reading: RestReading, key: str) -> bytes:
    """Return what is posted."""
    body = dict(reading.body)
    if reading.key_in == "body":
        body[reading.key_name] = key
    return _posted(body)


def _posted(places: Mapping[str, Any]) -> bytes:
    body: dict[str, Any] = {}
    for pointer, value in places.items():
        put(body, pointer, value)
    return msgspec.json.encode(body)


def records_of(reading: RestReading, answer: Answer) -> list[dict[str, Any]]:
    """Return the records of an answer. Raises SourceInvalidError, SourceDriftError."""
    content = parse_json(answer.body)
    if answer.status != 200:
        return _absent(reading, content)
    try:
        found = find(content, reading.records)
    except KeyError:
        raise SourceDriftError(
            reason="the answer has no records where they were described"
        ) from None
    if found is None and reading.nothing:
        return []
    return check_records([found] if isinstance(found, dict) else found)


def _absent(reading: RestReading, content: Any) -> list[dict[str, Any]]:
    """Return that there is no record, if the body says so as registered: its status alone does not."""
    said = reading.absent
    try:
        told = None if said is None else find(content, said.pointer)
    except KeyError:
        told = None
    if said is None or not isinstance(told, (str, int)) or str(told) != said.value:
        raise SourceInvalidError(reason="the status is none of an answer")
    return []
