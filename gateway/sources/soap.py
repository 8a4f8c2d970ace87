"""Reads a department's SOAP service: the envelope and its answer through zeep, the request over our own wire.

The process with zeep has no network, and the wire knows no XML: a request is signed, numbered, bounded and
made once like any other, and what comes back is read where it can do no harm.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from yarl import URL

from catalogue.readings import SoapReading
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.model import Permitted, Row
from gateway.sources.http1 import Answer
from gateway.sources.needs import check_call_number, needed_items
from gateway.sources.paging import asked_page, checked_page
from gateway.sources.records import find, make_row, put
from gateway.sources.soap_worker import SoapWorker
from gateway.sources.wire import Wire, check_depth, check_records, each


def has_user(address: str) -> bool:
    """Say whether an address names a user, who is told within the message and not by HTTP."""
    return URL(address, encoded=True).user is not None


XML = frozenset({"text/xml", "application/soap+xml"})
FAULT = 500
"""The status with which a fault is answered (SOAP 1.1, 6.2)."""


class SoapSource:
    """One department's SOAP service. Implements `gateway.ports.Source` and `PagedSource`.

    It cannot filter rows or choose items: `mask` does both.
    """

    def __init__(
        self,
        address: str,
        *,
        wire: Wire,
        worker: SoapWorker,
        zone: tzinfo,
        password: str | None = None,
    ) -> None:
        """`password` goes with the user whom the address names, in a UsernameToken; None: no user is."""
        whole = URL(address, encoded=True)
        self._address = whole.with_user(None)
        self._login = None
        if whole.user is not None and password is not None:
            self._login = {"user": whole.user, "password": password}
        self._wire = wire
        self._worker = worker
        self._zone = zone

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        items = needed_items(permitted)
        reading = permitted.step.resource.reading
        if not isinstance(reading, SoapReading):
            raise SourceInvalidError(reason="the resource is not read from a SOAP service")

        async def ask(key: str) -> list[Row]:
            asked = {**reading.body, reading.key_name: key}
            records = await self._records(reading, asked, call=call)
            return [
                make_row(items, record, members=reading.members, zone=self._zone)
                for record in records
            ]

        return await each(keys, ask)

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        asked = asked_page(permitted, SoapReading, call=call, service="SOAP")
        if asked is None:
            return (), False
        by = asked.by
        places = {**by.body, asked.pages.size: str(asked.size)}
        if after is not None:
            places[by.key_name] = after
        rows = [
            make_row(asked.items, record, members=by.members, zone=self._zone)
            for record in await self._records(by, places, call=call)
        ]
        return checked_page(rows, key=permitted.step.key.item, after=after, size=asked.size)

    async def close(self) -> None:
        await self._wire.close()
        await self._worker.close()

    async def _records(
        self, reading: SoapReading, places: Mapping[str, str], *, call: str
    ) -> list[dict[str, Any]]:
        arguments: dict[str, Any] = {}
        for pointer, value in places.items():
            put(arguments, pointer, value)
        asked = {
            "do": "write",
            "operation": reading.operation,
            "arguments": arguments,
            "login": self._login,
        }
        written = await self._worker.ask(asked)
        answer = await self._wire.post(
            self._address,
            base64.b64decode(written["content"]),
            call=call,
            also=(FAULT,),
            headers={"Accept": ", ".join(sorted(XML)), **written["headers"]},
            kinds=XML,
        )
        return records_of(reading, await self._told(reading, answer), status=answer.status)

    async def _told(self, reading: SoapReading, answer: Answer) -> Mapping[str, Any]:
        body = base64.b64encode(answer.body).decode("ascii")
        return await self._worker.ask({"do": "read", "operation": reading.operation, "body": body})


def records_of(
    reading: SoapReading, told: Mapping[str, Any], *, status: int
) -> list[dict[str, Any]]:
    """Return the records of an answer. Raises SourceInvalidError, SourceDriftError."""
    check_depth(told)
    if "fault" in told:
        return _absent(reading, told["fault"], status=status)
    if status == FAULT:
        raise SourceInvalidError(reason="the status of a fault, and none in the body")
    try:
        found = find(told["value"], reading.records)
    except KeyError:
        if reading.nothing:
            return []
        raise SourceDriftError(
            reason="the answer has no records where they were described"
        ) from None
    if found is None and reading.nothing:
        return []
    return check_records([found] if isinstance(found, dict) else found)


def _absent(reading: SoapReading, fault: Any, *, status: int) -> list[dict[str, Any]]:
    """Return that there is no record, if the fault says so as registered. Any other is an error."""
    said = reading.absent
    try:
        told = None if said is None else find(fault, said.pointer)
    except KeyError:
        told = None
    if said is None or told != said.value or status not in {said.status, 200}:
        raise SourceInvalidError(reason="a fault that does not say that there is no record")
    return []
