"""One department's service over HTTP: bounded requests, strictly read answers, each signed and numbered.

Every request carries the call number (`X-Exchange-Call`), a bearer token where the source asks for one, and,
where the exchange has a key for it, a signature (RFC 9421) by which a department can check who asks.
Redirects are not followed, cookies not kept, nothing unpacked. A request is made once more only where no
connection was made: what may have reached the department would stand in its own log twice.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

import aiohttp
from yarl import URL

from gateway.errors import SourceInvalidError, SourceTimeoutError, SourceUnavailableError

T = TypeVar("T")

BODY_BYTES = 1_000_000
MOST_DEPTH = 32
"""Levels of lists and objects in an answer."""
MOST_RECORDS = 2_000
"""Records of one answer."""
AT_ONCE = 4
JSON_KINDS = frozenset({"application/json", "application/graphql-response+json"})

Sign = Callable[[str, str, bytes, Mapping[str, str]], Mapping[str, str]]
"""(method, absolute URL, body, headers) → the headers that sign it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes = field(repr=False)


class Wire:
    """The HTTP end of one source. Raises SourceError for whatever is no usable answer."""

    def __init__(
        self,
        *,
        secret: str | None,
        timeout_s: float,
        sign: Sign | None = None,
        body_bytes: int = BODY_BYTES,
        at_once: int = AT_ONCE,
    ) -> None:
        """`sign` None: the exchange has no key to sign with."""
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if secret is not None:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._sign = sign
        self._body_bytes = body_bytes
        self._at_once = at_once
        self._session: aiohttp.ClientSession | None = None

    async def get(self, address: URL, *, call: str, also: Sequence[int] = ()) -> Answer:
        return await self._ask("GET", address, b"", call=call, also=also)

    async def post(
        self,
        address: URL,
        content: bytes,
        *,
        call: str,
        also: Sequence[int] = (),
        headers: Mapping[str, str] | None = None,
        kinds: AbstractSet[str] = JSON_KINDS,
    ) -> Answer:
        """Send JSON, or what `headers` say. `also` are statuses beside 200 that the source answers with.

        `kinds` are the content types that its answers may have.
        """
        told = {"Content-Type": "application/json", **(headers or {})}
        return await self._ask(
            "POST", address, content, call=call, also=also, headers=told, kinds=kinds
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self,
        method: str,
        address: URL,
        content: bytes,
        *,
        call: str,
        also: Sequence[int],
        headers: Mapping[str, str] | None = None,
        kinds: AbstractSet[str] = JSON_KINDS,
    ) -> Answer:
        headers = {"X-Exchange-Call": call, **(headers or {})}
        taken = _Taken(also=frozenset(also), kinds=kinds)
        if self._sign is not None:
            headers |= self._sign(method, str(address), content, headers)
        try:
            try:
                return await self._once(method, address, content, headers, taken)
            except aiohttp.ClientConnectorError:
                # No connection, so no byte was sent: the only failure after which it is asked again.
                return await self._once(method, address, content, headers, taken)
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

    async def _once(
        self,
        method: str,
        address: URL,
        content: bytes,
        headers: Mapping[str, str],
        taken: "_Taken",
    ) -> Answer:
        async with self._opened().request(
            method, address, data=content or None, headers=headers, allow_redirects=False
        ) as response:
            _check(response, taken)
            return Answer(status=response.status, body=await self._body(response))

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
            # aiohttp sends a GET anew where a kept connection was closed under it; we say when. It offers
            # no other switch, and a test counts the requests.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


async def each(keys: Sequence[str], read: Callable[[str], Awaitable[Sequence[T]]]) -> list[T]:
    """Read every key at once and return what was found, in the order of the keys. One failure ends all."""
    reads = [asyncio.ensure_future(read(key)) for key in keys]
    found: list[T] = []
    try:
        for one in reads:
            found += await one
    finally:
        for one in reads:
            one.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
    return found


def parse_json(body: bytes) -> Any:
    """Read an answer strictly: UTF-8, no NaN, no member twice, not nested without end."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
            parse_float=Decimal,
        )
    except (ValueError, RecursionError):
        raise SourceInvalidError(reason="the answer is not strict JSON") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Raise SourceInvalidError for a value of more than MOST_DEPTH levels."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise SourceInvalidError(allowed_depth=MOST_DEPTH)


def check_records(records: Any) -> list[dict[str, Any]]:
    """Return a list of objects, not too many. Raises SourceInvalidError for anything else."""
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SourceInvalidError(reason="the answer is not a JSON array of objects")
    if len(records) > MOST_RECORDS:
        raise SourceInvalidError(allowed_records=MOST_RECORDS)
    return records


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """Which answers are read at all."""

    also: AbstractSet[int]
    kinds: AbstractSet[str]


def _check(response: aiohttp.ClientResponse, taken: _Taken) -> None:
    also = taken.also
    if response.status >= 500 and response.status not in also:
        raise SourceUnavailableError(status=response.status)
    if response.status == 429:
        raise SourceUnavailableError(
            status=429, reason="the department bounds how often it is asked"
        )
    if response.status != 200 and response.status not in also:
        raise SourceInvalidError(status=response.status)
    if response.content_type.startswith("multipart/"):
        raise SourceInvalidError(
            reason="the answer comes in parts, with attachments (MTOM, SwA): one message is needed"
        )
    if response.content_type not in taken.kinds or "Content-Encoding" in response.headers:
        raise SourceInvalidError(reason=f"the answer is not plain {min(taken.kinds)}")
