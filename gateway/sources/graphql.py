"""Reads records from a GraphQL service: by a query field, or as entities of a federated subgraph.

Every key of a step goes into one request, up to AT_ONCE of them. The service's schema is stored with the
resource: nothing is introspected. An error in an answer is never an absence.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Any

import msgspec
from yarl import URL

from catalogue.model import Item
from catalogue.readings import GraphqlReading, KeyPart, split_pointer
from gateway.errors import SourceDriftError, SourceInvalidError, SourceUnavailableError
from gateway.model import Permitted, Row
from gateway.remembered import Remembered
from gateway.sources.needs import check_call_number, needed_items
from gateway.sources.paging import AskedPage, asked_page, checked_page
from gateway.sources.records import find, make_row, put, wire_value
from gateway.sources.wire import MOST_RECORDS, Wire, check_records, parse_json

AT_ONCE = 50
"""Keys of one request."""


class GraphqlSource:
    """One department's GraphQL service. Implements `gateway.ports.Source` and `PagedSource`."""

    def __init__(self, address: str, *, wire: Wire, zone: tzinfo) -> None:
        self._address = URL(address)
        self._wire = wire
        self._zone = zone

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        reading = permitted.step.resource.reading
        if not isinstance(reading, GraphqlReading):
            raise SourceInvalidError(reason="the resource is not read from a GraphQL service")
        items = needed_items(permitted)
        found: list[Row] = []
        for some in _chunks(keys):
            request = write_request(reading, items, some)
            answer = await self._wire.post(self._address, request, call=call, also=(400,))
            records = read_answer(reading, parse_json(answer.body), asked=len(some))
            found += [self._row(reading, items, record) for record in records]
        return found

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        asked = asked_page(permitted, GraphqlReading, call=call, service="GraphQL")
        if asked is None:
            return (), False
        request = write_page(asked, after=after)
        answer = await self._wire.post(self._address, request, call=call, also=(400,))
        # All of them stand in one list, as those of many keys do.
        listing = msgspec.structs.replace(asked.by, many=True)
        records = read_answer(listing, parse_json(answer.body), asked=asked.size)
        rows = [self._row(asked.by, asked.items, record) for record in records]
        return checked_page(rows, key=permitted.step.key.item, after=after, size=asked.size)

    async def close(self) -> None:
        await self._wire.close()

    def _row(
        self, reading: GraphqlReading, items: Sequence[Item], record: Mapping[str, Any]
    ) -> Row:
        if not reading.separator:
            return make_row(items, record, members=reading.members, zone=self._zone)
        plain = tuple(item for item in items if not item.key)
        row = make_row(plain, record, members=reading.members, zone=self._zone)
        return {
            item.name: row[item.name]
            if not item.key
            else wire_value(item, _compound(reading, record), self._zone)
            for item in items
        }


def write_request(reading: GraphqlReading, items: Sequence[Item], keys: Sequence[str]) -> bytes:
    """Return the body of one request for some keys. A key is a variable and never part of the document."""
    if reading.key:
        variables: dict[str, Any] = {"keys": [_representation(reading, key) for key in keys]}
    elif reading.many:
        variables = {"keys": [_argument(reading, key) for key in keys]}
    else:
        variables = {f"k{n}": _argument(reading, key) for n, key in enumerate(keys)}
    query = _documents.of(
        (reading, items), lambda: _document(reading, items, count=len(keys)), beside=len(keys)
    )
    return msgspec.json.encode({"query": query, "variables": variables, "operationName": "Records"})


_documents: Remembered[str] = Remembered(most=512)


def _document(reading: GraphqlReading, items: Sequence[Item], *, count: int) -> str:
    selection = _selection(
        [
            *(item.column for item in items if item.column in reading.members),
            *(part.pointer for part in reading.key if part.constant is None),
        ]
    )
    if reading.key:
        return (
            "query Records($keys: [_Any!]!) { _entities(representations: $keys) "
            f"{{ __typename ... on {reading.type_name} {selection} }} }}"
        )
    if reading.many:
        return (
            f"query Records($keys: {reading.argument_type}) "
            f"{{ records: {reading.field}({reading.argument}: $keys) {selection} }}"
        )
    declared = ", ".join(f"$k{n}: {reading.argument_type}" for n in range(count))
    fields = " ".join(
        f"r{n}: {reading.field}({reading.argument}: $k{n}) {selection}" for n in range(count)
    )
    return f"query Records({declared}) {{ {fields} }}"


def write_page(asked: AskedPage[GraphqlReading], *, after: str | None) -> bytes:
    """Return the body of a request for the records after a key."""
    by, pages = asked.by, asked.pages
    selection = _selection(item.column for item in asked.items if item.column in by.members)
    query = (
        f"query Records($after: {by.argument_type}, $size: {pages.size_type}) "
        f"{{ records: {by.field}({by.argument}: $after, {pages.size}: $size) {selection} }}"
    )
    # A place that is left out is no null: a service may tell them apart.
    place = {} if after is None else {"after": _argument(by, after)}
    return msgspec.json.encode(
        {"query": query, "variables": {"size": asked.size, **place}, "operationName": "Records"}
    )


def read_answer(reading: GraphqlReading, content: Any, *, asked: int) -> list[dict[str, Any]]:
    """Return the records of an answer. Raises SourceError."""
    if not isinstance(content, dict):
        raise SourceInvalidError(reason="the answer is no GraphQL response")
    data, errors = content.get("data"), content.get("errors")
    if errors:
        # Its texts may quote an identifier, so they are counted and not repeated.
        count = len(errors) if isinstance(errors, list) else 1
        if "data" not in content:
            raise SourceDriftError(reason="the service refuses the document", errors=count)
        raise SourceUnavailableError(reason="the service answers with errors", errors=count)
    if not isinstance(data, dict):
        raise SourceInvalidError(reason="the answer has no data")
    if reading.key:
        return _entities(reading, data.get("_entities"), asked=asked)
    names = ["records"] if reading.many else [f"r{n}" for n in range(asked)]
    records: list[dict[str, Any]] = []
    for name in names:
        if name not in data:
            raise SourceInvalidError(reason="a field that was asked for is not answered")
        records += _records(data[name])
    if len(records) > MOST_RECORDS:
        raise SourceInvalidError(allowed_records=MOST_RECORDS)
    return records


def _entities(reading: GraphqlReading, found: Any, *, asked: int) -> list[dict[str, Any]]:
    if not isinstance(found, list) or len(found) != asked:
        raise SourceInvalidError(reason="the answer has not one entity for each that was asked for")
    records = check_records([one for one in found if one is not None])
    if any(record.get("__typename") != reading.type_name for record in records):
        raise SourceInvalidError(reason="an entity of another type")
    return records


def _records(found: Any) -> list[dict[str, Any]]:
    """A null is no record where the schema lets it be one; with an error beside it, it was refused above."""
    if found is None:
        return []
    return check_records([found] if isinstance(found, dict) else found)


def _representation(reading: GraphqlReading, key: str) -> dict[str, Any]:
    values = key.split(reading.separator) if reading.separator else [key]
    open_parts = [part for part in reading.key if part.constant is None]
    if len(values) != len(open_parts):
        raise SourceInvalidError(reason=f"a key of {len(values)} parts, {len(open_parts)} needed")
    representation: dict[str, Any] = {"__typename": reading.type_name}
    for part in reading.key:
        put(representation, part.pointer, _part_value(reading, part, values))
    return representation


def _part_value(reading: GraphqlReading, part: KeyPart, values: Sequence[str]) -> Any:
    text = values[part.place] if part.constant is None else part.constant
    member = reading.members.get(part.pointer)
    return _whole(text) if member is not None and member.type == "integer" else text


def _argument(reading: GraphqlReading, key: str) -> Any:
    return _whole(key) if reading.argument_type.strip("[]!") == "Int" else key


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SourceInvalidError(reason="the key needs a whole number") from None


def _compound(reading: GraphqlReading, record: Mapping[str, Any]) -> str:
    """Return the key that a record carries in several places."""
    values = []
    for part in reading.key:
        if part.constant is None:
            try:
                value = find(record, part.pointer)
            except KeyError:
                raise SourceDriftError(missing=[part.pointer]) from None
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                raise SourceInvalidError(reason="a part of the key is neither text nor number")
            values.append(str(value))
    return reading.separator.join(values)


def _selection(pointers: Iterable[str]) -> str:
    """Write the selection set that covers some places of a record."""
    tree: dict[str, Any] = {}
    for pointer in pointers:
        at = tree
        for token in split_pointer(pointer):
            at = at.setdefault(token, {})
    return _written(tree)


def _written(tree: Mapping[str, Any]) -> str:
    fields = " ".join(
        f"{name} {_written(inner)}" if inner else name for name, inner in tree.items()
    )
    return f"{{ {fields} }}"


def _chunks(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    rest = iter(keys)
    while some := list(islice(rest, AT_ONCE)):
        yield some
