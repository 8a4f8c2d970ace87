"""One department's service over HTTP: bounded requests, strictly read answers, each signed and numbered.

Every request carries the call number (`X-Exchange-Call`), a bearer token where the source asks for one, and,
where the exchange has a key for it, a signature (RFC 9421) by which a department can check who asks.
Redirects are not followed, cookies not kept, nothing unpacked. A request is made once more only where no
connection was made: what may have reached the department would stand in its own log twice. How requests and
answers go over a connection is in `http1.py`, and which connection they take in `pool.py`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from ssl import SSLContext
from typing import Any, NoReturn, TypeVar

from yarl import URL

from gateway.errors import SourceError, SourceInvalidError, SourceUnavailableError
from gateway.sources.http1 import Answer, Head, write_request
from gateway.sources.pool import KEPT_S, Origin, Pool

T = TypeVar("T")

BODY_BYTES = 1_000_000
MOST_DEPTH = 32
"""Levels of lists and objects in an answer."""
MOST_RECORDS = 2_000
"""Records of one answer."""
AT_ONCE = 4
JSON_KINDS = frozenset({"application/json", "application/graphql-response+json"})

_PORTS = {"http": 80, "https": 443}

Sign = Callable[[str, str, bytes, Mapping[str, str]], Mapping[str, str]]
"""(method, absolute URL, body, headers) → the headers that sign it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An address, taken apart."""

    address: URL
    pool: Pool
    target: str
    host: str
    """As the header has it."""
    whole: str


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
        kept_s: float = KEPT_S,
        tls: Callable[[], SSLContext] | None = None,
    ) -> None:
        """`sign` None: the exchange has no key to sign with. `tls` None: what this system trusts."""
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if secret is not None:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._timeout_s = timeout_s
        self._sign = sign
        self._pool = partial(Pool, at_once=at_once, body_bytes=body_bytes, kept_s=kept_s, tls=tls)
        self._pools: dict[Origin, Pool] = {}
        self._latest: _Place | None = None

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
        pools, self._pools, self._latest = self._pools, {}, None
        for pool in pools.values():
            await pool.close()

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
        ends = asyncio.get_running_loop().time() + self._timeout_s
        place = self._place(address)
        told = {"X-Exchange-Call": call, **(headers or {})}
        return await place.pool.ask(
            partial(self._written, method, place, told, content),
            refuse=partial(_refusal, also=also, kinds=kinds),
            ends=ends,
        )

    def _written(
        self, method: str, place: _Place, told: Mapping[str, str], content: bytes
    ) -> bytes:
        sent = {"Host": place.host, **self._headers, **told}
        if self._sign is not None:
            sent |= self._sign(method, place.whole, content, told)
        return write_request(method, place.target, sent, content)

    def _place(self, address: URL) -> _Place:
        latest = self._latest
        if latest is not None and latest.address is address:
            return latest  # A service with one address is asked with the same object.
        if address.scheme not in _PORTS or not address.raw_host or address.user is not None:
            raise SourceInvalidError(reason="an http(s) address without a user is needed")
        origin = Origin(
            host=address.raw_host,
            port=address.port or _PORTS[address.scheme],
            secure=address.scheme == "https",
        )
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = self._pool(origin)
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        self._latest = place = _Place(
            address=address,
            pool=pool,
            target=address.raw_path_qs,
            host=host if origin.port == _PORTS[address.scheme] else f"{host}:{origin.port}",
            whole=str(address),
        )
        return place


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
        value = _decode(body.decode("utf-8"))
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


_decode = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=Decimal
).decode


def _refusal(head: Head, *, also: Sequence[int], kinds: AbstractSet[str]) -> SourceError | None:
    """Say why an answer is not read: only some statuses and media types are, and nothing is unpacked."""
    status = head.status
    if status >= 500 and status not in also:
        return SourceUnavailableError(status=status)
    if status == 429:
        return SourceUnavailableError(
            status=429, reason="the department bounds how often it is asked"
        )
    if status != 200 and status not in also:
        return SourceInvalidError(status=status)
    if head.kind.startswith("multipart/"):
        return SourceInvalidError(
            reason="the answer comes in parts, with attachments (MTOM, SwA): one message is needed"
        )
    if head.kind not in kinds or head.coded:
        return SourceInvalidError(reason=f"the answer is not plain {min(kinds)}")
    return None
