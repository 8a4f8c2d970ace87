"""The open sources of the departments, by name, opened when first read and again when they change."""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from catalogue.model import SourceAddress
from catalogue.validation import SOURCE_KINDS
from exchange.clock import monotonic, now, spent
from exchange.files import keeping
from gateway.errors import SourceDriftError, SourceUnavailableError
from gateway.model import Permitted
from gateway.ports import Source
from gateway.sources import descriptions
from gateway.sources.breaker import Breaker, Guarded
from gateway.sources.graphql import GraphqlSource
from gateway.sources.http import HttpSource
from gateway.sources.resting import RestingSource
from gateway.sources.soap import SoapSource, has_user
from gateway.sources.soap_worker import SoapWorker
from gateway.sources.sql import (
    Clocks,
    ReflectedColumn,
    SqlSource,
    check_login,
    list_tables,
    open_engine,
    reflect,
)
from gateway.sources.wire import Sign, Wire

Drifted = Callable[[Permitted, SourceDriftError], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What it takes to open sources."""

    unseal: Callable[[bytes], str]
    files: Path
    """Where published files are kept."""
    sign: Sign | None = None
    """Signs what is asked of services; None signs nothing."""
    drifted: Drifted | None = None
    """Told of every drift that a read meets; None where nobody listens."""


_CLOCKS = Clocks(spent=spent, monotonic=monotonic)


class SourceShelf(Mapping[str, Source]):
    """A mapping name → open source over whatever addresses the current snapshot holds."""

    def __init__(
        self, addresses: Callable[[], Mapping[str, SourceAddress]], *, means: Means
    ) -> None:
        self._addresses = addresses
        self._means = means
        self._open: dict[str, tuple[SourceAddress, Source]] = {}

    def __getitem__(self, name: str) -> Source:
        found: Source | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping. Each step of each call comes by."""
        address = self._addresses().get(name)
        if address is None or address.state != "active":
            return default
        if address.rests_until is not None and rests(address, at=now()):
            return RestingSource(until=address.rests_until, now=now)
        held = self._open.get(name)
        if held is not None and held[0] is address:
            return held[1]
        if held is None or not _read_alike(held[0], address):
            # The one replaced is left to finish what it is reading; it closes with its last thread.
            held = (address, open_source(address, means=self._means))
        self._open[name] = (address, held[1])
        return held[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._addresses())

    def __len__(self) -> int:
        return len(self._addresses())

    def failing(self) -> frozenset[str]:
        """Return the sources that are left alone because reads of them failed several times in a row."""
        return frozenset(
            name
            for name, (_address, source) in list(self._open.items())
            if isinstance(source, Guarded) and source.failing
        )

    async def close(self) -> None:
        for _address, source in self._open.values():
            await source.close()
        self._open.clear()


def _read_alike(one: SourceAddress, other: SourceAddress) -> bool:
    """Whether two addresses are opened alike: a rest changes nothing of it, a description only of SOAP."""
    if "soap" in {one.kind, other.kind} and one.description != other.description:
        return False
    return replace(one, description=None, rests_until=None) == replace(
        other, description=None, rests_until=None
    )


def rests(address: SourceAddress, *, at: datetime) -> bool:
    """Say whether its department keeps a source for maintenance at a moment."""
    return address.rests_until is not None and at < address.rests_until


def open_source(address: SourceAddress, *, means: Means) -> Source:
    """Open the adapter that the address asks for, behind a deadline, a bulkhead and a breaker.

    Raises ValueError for a kind that is not known.
    """
    secret = None if address.secret is None else means.unseal(address.secret)
    timeout_s = address.timeout_ms / 1000
    zone = ZoneInfo(address.zone)
    source: Source
    match address.kind:
        case "sql":
            source = _open_sql(address, secret=secret)
        case "file":
            kept = keeping.open_kept(address, files=means.files, timeout_s=timeout_s)
            source = SqlSource(kept, zone=zone, clocks=_CLOCKS)
        case "http":
            wire = Wire(secret=secret, timeout_s=timeout_s, sign=means.sign)
            source = HttpSource(address.address, wire=wire, zone=zone)
        case "graphql":
            wire = Wire(secret=secret, timeout_s=timeout_s, sign=means.sign)
            source = GraphqlSource(address.address, wire=wire, zone=zone)
        case "soap":
            named = has_user(address.address)
            source = SoapSource(
                address.address,
                password=secret if named else None,
                wire=Wire(secret=None if named else secret, timeout_s=timeout_s, sign=means.sign),
                worker=SoapWorker(address.description or "", timeout_s=timeout_s),
                zone=zone,
            )
        case _:
            raise ValueError(
                f"source {address.name}: kind {address.kind!r}, needs {', '.join(SOURCE_KINDS)}"
            )
    return Guarded(
        source,
        breaker=Breaker(monotonic=monotonic),
        timeout_s=timeout_s,
        drifted=means.drifted,
    )


def _open_sql(address: SourceAddress, *, secret: str | None) -> Source:
    """Open a database: PostgreSQL on the loop, every other dialect on threads of its own."""
    timeout_s, zone = address.timeout_ms / 1000, ZoneInfo(address.zone)
    if re.match(r"postgres(ql)?(\+\w+)?:", address.address):
        try:
            postgres = importlib.import_module("gateway.sources.postgres")
        except ImportError:
            raise SourceUnavailableError(
                reason="no driver here opens the address: install the extra postgresql"
            ) from None
        source: Source = postgres.PostgresSource(
            address.address, secret=secret, zone=zone, timeout_s=timeout_s
        )
        return source
    engine = open_engine(address.address, secret=secret, timeout_s=timeout_s)
    return SqlSource(engine, zone=zone, clocks=_CLOCKS)


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
    """Return the tables and views that a source's login sees, or the operations that a service describes.

    None of a service that was not described. Raises SourceError, DescriptionError.
    """
    if address.description is not None:
        return descriptions.operations(address.kind, address.description)
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
    if address.kind != "sql":
        raise SourceDriftError(
            reason="the service was not described: give its OpenAPI document, SDL or WSDL"
        )
    secret = None if address.secret is None else unseal(address.secret)
    engine = open_engine(address.address, secret=secret, timeout_s=address.timeout_ms / 1000)
    try:
        return reflect(engine, table)
    finally:
        engine.dispose()


def _reach(address: SourceAddress, *, secret: str | None) -> list[str]:
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    if address.kind == "soap" and has_user(address.address):
        # The user and the secret belong into a message, and a HEAD has none.
        headers = {"authorization": ""}
    try:
        with httpx.Client(timeout=address.timeout_ms / 1000, follow_redirects=False) as client:
            client.head(address.address, headers=headers)
    except httpx.HTTPError as error:
        raise SourceUnavailableError(source=address.name) from error
    return []
