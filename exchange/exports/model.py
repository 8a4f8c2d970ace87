"""What an export is: who asked what, how far it is, what its files are. Pure values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from gateway.bulk import BulkAsk
from gateway.model import Usage

FORMATS: Mapping[str, tuple[str, str]] = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "jsonl": ("jsonl", "application/jsonl"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "parquet": ("parquet", "application/vnd.apache.parquet"),
}
"""Format → (ending of its files, media type)."""

ID = re.compile(r"exp_[A-Za-z0-9-]{8,64}")
"""What a caller may choose as an export's id, so that asking twice begins one export."""


class ExportState(StrEnum):
    READING = "reading"
    WRITING = "writing"
    """All records are read; the files are being made."""
    READY = "ready"
    STOPPED = "stopped"
    """It could not go on; `code` says why."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its files are gone."""


RUNNING = frozenset({ExportState.READING, ExportState.WRITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page that was read: its entry, and the file that holds it until the parts are made."""

    number: int
    """From 1 on."""
    rows: int
    digest: str
    """SHA-256 of its lines, hex."""
    entry: int


class Mark(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is to be said of one cell, which a file of plain values has no place for."""

    record: int
    """From 1 on."""
    item: str
    """GraphQL name."""
    code: str
    """`CODE_UNKNOWN`: a null for a word that no code list has. `VALUE_DISPUTED`: given as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file that may be downloaded."""

    number: int
    """From 1 on."""
    name: str
    rows: int
    size: int
    """Bytes."""
    digest: str
    """SHA-256, hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked, as it was signed. Kept sealed: it names a case, a reason and an officer."""

    asked: BulkAsk
    usage: Usage
    body: bytes = field(repr=False)
    key: str
    auth: str
    base: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export as the registry keeps it."""

    id: str
    system: str
    department: str
    provider: str
    resource: str
    format: str
    state: ExportState
    order: Order
    terms: str
    """`terms_of` the decision under which it was begun: every page and download is held to it."""
    created_ms: int
    entry: int
    """Of its beginning."""
    pages: int = 0
    rows: int = 0
    after: str | None = field(default=None, repr=False)
    """Key that the last page ended with; None: nothing was read yet."""
    parts: tuple[Part, ...] = ()
    manifest: str | None = field(default=None, repr=False)
    """JSON text; None until the files are made."""
    code: str = ""
    """Why it stopped; empty while it runs and where it came to its end."""
    failures: int = 0
    """Pages in a row that a source did not answer."""
    ended_ms: int | None = None
    ended_entry: int | None = None
    expires_ms: int | None = None


def part_told(part: Part) -> dict[str, Any]:
    return {
        "part": part.number,
        "name": part.name,
        "rows": part.rows,
        "bytes": part.size,
        "sha256": part.digest,
    }


def told(export: Export) -> dict[str, Any]:
    """What is told of an export: to its system, to its department's officers."""
    return {
        "id": export.id,
        "system": export.system,
        "department": export.department,
        "provider": export.provider,
        "resource": export.resource,
        "items": list(export.order.asked.items),
        "format": export.format,
        "state": export.state.value,
        "code": export.code or None,
        "pages": export.pages,
        "rows": export.rows,
        "entry": export.entry,
        "endedEntry": export.ended_entry,
        "createdMs": export.created_ms,
        "endedMs": export.ended_ms,
        "expiresMs": export.expires_ms,
        "parts": [part_told(part) for part in export.parts],
    }
