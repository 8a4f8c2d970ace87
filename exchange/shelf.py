"""The open sources of the departments, by name, opened when first read and again when they change."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from catalogue.model import SourceAddress
from exchange.clock import monotonic
from exchange.files import keeping
from gateway.errors import SourceUnavailableError
from gateway.ports import Source
from gateway.sources.breaker import Breaker, Guarded
from gateway.sources.http import HttpSource
from gateway.sources.sql import (
    ReflectedColumn,
    SqlSource,
    check_login,
    list_tables,
    open_engine,
    reflect,
)


class SourceShelf(Mapping[str, Source]):
    """A mapping name → open source over whatever addresses the current snapshot holds."""

    def __init__(
        self,
        addresses: Callable[[], Mapping[str, SourceAddress]],
        *,
        unseal: Callable[[bytes], str],
        files: Path,
    ) -> None:
        self._addresses = addresses
        self._unseal = unseal
        self._files = files
        self._open: dict[str, tuple[SourceAddress, Source]] = {}

    def __getitem__(self, name: str) -> Source:
        address = self._addresses()[name]
        if address.state != "active":
            raise KeyError(name)
        held = self._open.get(name)
        if held is None or held[0] != address:
            # The one replaced is left to finish what it is reading; it closes with its last thread.
            held = self._open[name] = (address, self._opened(address))
        return held[1]

    def _opened(self, address: SourceAddress) -> Source:
        return open_source(address, unseal=self._unseal, files=self._files)

    def __iter__(self) -> Iterator[str]:
        return iter(self._addresses())

    def __len__(self) -> int:
        return len(self._addresses())

    async def close(self) -> None:
        for _address, source in self._open.values():
            await source.close()
        self._open.clear()


def open_source(address: SourceAddress, *, unseal: Callable[[bytes], str], files: Path) -> Source:
    """Open the adapter that the address asks for, behind a deadline and a breaker.

    `files` is where published files are kept. Raises ValueError for a kind that is not known.
    """
    secret = None if address.secret is None else unseal(address.secret)
    timeout_s = address.timeout_ms / 1000
    zone = ZoneInfo(address.zone)
    source: Source
    match address.kind:
        case "sql":
            engine = open_engine(address.address, secret=secret, timeout_s=timeout_s)
            source = SqlSource(engine, zone=zone, monotonic=monotonic)
        case "file":
            kept = keeping.open_kept(address, files=files, timeout_s=timeout_s)
            source = SqlSource(kept, zone=zone, monotonic=monotonic)
        case "http":
            source = HttpSource(address.address, secret=secret, zone=zone, timeout_s=timeout_s)
        case _:
            raise ValueError(
                f"source {address.name}: kind {address.kind!r}, needs sql, http or file"
            )
    return Guarded(source, breaker=Breaker(monotonic=monotonic), timeout_s=timeout_s)


def look_at(address: SourceAddress, *, secret: str | None) -> list[str]:
    """Open a source once; returns why its login can write, an empty list where it cannot.

    Raises SourceError where it does not answer.
    """
    match address.kind:
        case "sql":
            engine = open_engine(
                address.address, secret=secret, timeout_s=address.timeout_ms / 1000
            )
            try:
                return check_login(engine)
            finally:
                engine.dispose()
        case _:
            # An HTTP source is asked with GET only; whether its token could do more cannot be seen.
            return _reach(address, secret=secret)


def look_at_file(address: SourceAddress, *, files: Path) -> list[str]:
    """Open a published file once, as `look_at` does a source. Raises SourceError where it was changed."""
    engine = keeping.open_kept(address, files=files, timeout_s=address.timeout_ms / 1000)
    try:
        return check_login(engine)
    finally:
        engine.dispose()


def tables_of(address: SourceAddress, *, unseal: Callable[[bytes], str]) -> list[str]:
    """Return the tables and views that a source's login sees; none of an HTTP source. Raises SourceError."""
    if address.kind == "file":
        return [keeping.table_name(address.name)]
    if address.kind != "sql":
        return []
    secret = None if address.secret is None else unseal(address.secret)
    engine = open_engine(address.address, secret=secret, timeout_s=address.timeout_ms / 1000)
    try:
        return list_tables(engine)
    finally:
        engine.dispose()


def reflect_table(
    address: SourceAddress, table: str, *, unseal: Callable[[bytes], str], files: Path
) -> list[ReflectedColumn]:
    """Return what a table says about its columns. Raises SourceError."""
    if address.kind == "file":
        return keeping.columns_of(address, table, files=files)
    secret = None if address.secret is None else unseal(address.secret)
    engine = open_engine(address.address, secret=secret, timeout_s=address.timeout_ms / 1000)
    try:
        return reflect(engine, table)
    finally:
        engine.dispose()


def _reach(address: SourceAddress, *, secret: str | None) -> list[str]:
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    try:
        with httpx.Client(timeout=address.timeout_ms / 1000, follow_redirects=False) as client:
            client.head(address.address, headers=headers)
    except httpx.HTTPError as error:
        raise SourceUnavailableError(source=address.name) from error
    return []
