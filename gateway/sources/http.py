"""Reads a department's JSON service: one bounded, strictly read request for each key.

`GET {base}{path}?{member}={key}` with `X-Exchange-Call` and, where the source asks for one, a bearer token.
The answer is status 200 and a JSON array with one object a record; an empty array is the only way to say
that there is none. A status 404 is not one: a wrong path would look like an absent record.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any, NoReturn

import aiohttp
from yarl import URL

from catalogue.model import Item
from gateway.errors import (
    SourceDriftError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.formats import to_wire
from gateway.model import Permitted, Row
from gateway.sources.needs import check_call_number, needed_items

BODY_BYTES = 1_000_000


class HttpSource:
    """One department's JSON service. Implements `gateway.ports.Source`.

    It cannot filter rows or choose items: `mask` does both. Redirects are not followed, because the
    registered address is the only one that may see an identifier.
    """

    def __init__(
        self,
        base: str,
        *,
        secret: str | None,
        zone: tzinfo,
        timeout_s: float,
        body_bytes: int = BODY_BYTES,
        at_once: int = 4,
    ) -> None:
        self._base = base.rstrip("/")
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if secret is not None:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._zone = zone
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._body_bytes = body_bytes
        self._at_once = at_once
        self._session: aiohttp.ClientSession | None = None

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        items = needed_items(permitted)
        found: list[Row] = []
        # The session's connector bounds how many of them are under way at once.
        reads = [asyncio.ensure_future(self._records(permitted, key, call)) for key in keys]
        try:
            for read in reads:
                found += [_row(items, record, zone=self._zone) for record in await read]
        finally:
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)
        return found

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _records(self, permitted: Permitted, key: str, call: str) -> list[dict[str, Any]]:
        step = permitted.step
        path = step.resource.table
        address = URL(self._base + (path if path.startswith("/") else f"/{path}"))
        return parse_records(
            await self._get(address.update_query({step.key.item.column: key}), call)
        )

    async def _get(self, address: URL, call: str) -> bytes:
        try:
            async with self._opened().get(
                address, headers={"X-Exchange-Call": call}, allow_redirects=False
            ) as response:
                _check(response)
                return await self._body(response)
        except TimeoutError:
            raise SourceTimeoutError(reason="the service did not answer in time") from None
        except aiohttp.ClientPayloadError:
            raise SourceInvalidError(reason="the answer broke off") from None
        except aiohttp.ServerDisconnectedError:
            raise SourceUnavailableError(reason="the service closed the connection") from None
        except aiohttp.ClientConnectionError:
            raise SourceUnavailableError(reason="the service cannot be reached") from None
        except aiohttp.ClientError:
            # The cause holds the address, and that the identifier.
            raise SourceInvalidError(reason="the service does not speak HTTP as needed") from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._body_bytes:
                raise SourceInvalidError(allowed_bytes=self._body_bytes)
        return bytes(body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._at_once),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                headers=self._headers,
                auto_decompress=False,
            )
        return self._session


def parse_records(body: bytes) -> list[dict[str, Any]]:
    """Read the answer of a service strictly: UTF-8, no NaN, no member twice, an array of objects."""
    try:
        records = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
            parse_float=Decimal,
        )
    except (ValueError, RecursionError):
        raise SourceInvalidError(reason="the answer is not strict JSON") from None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SourceInvalidError(reason="the answer is not a JSON array of objects")
    return records


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check(response: aiohttp.ClientResponse) -> None:
    if response.status >= 500:
        raise SourceUnavailableError(status=response.status)
    if response.status != 200:
        raise SourceInvalidError(status=response.status)
    if response.content_type != "application/json" or "Content-Encoding" in response.headers:
        raise SourceInvalidError(reason="the answer is not plain application/json")


def _row(items: Sequence[Item], record: dict[str, Any], *, zone: tzinfo) -> Row:
    missing = [item.name for item in items if item.column not in record]
    if missing:
        raise SourceDriftError(missing=missing)
    row: dict[str, Any] = {}
    for item in items:
        try:
            row[item.name] = to_wire(item.type, record[item.column], zone)
        except ValueError as error:
            raise SourceInvalidError(item=item.name, reason=str(error)) from None
    return row
