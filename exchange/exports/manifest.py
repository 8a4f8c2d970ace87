"""What lies beside an export's files: what they hold, why they were made, and how to check each of them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from catalogue.model import Resource
from catalogue.snapshot import Snapshot
from exchange.exports.model import Export, Mark, Page, part_told
from gateway.bulk import items_of
from gateway.formats import format_epoch_ms

VERSION = "export/2"
"""`export/1` said nothing of cells."""

MARKS_MOST = 10_000
"""Cells that are named one by one; all are counted."""


def write_manifest(
    export: Export,
    pages: Sequence[Page],
    resource: Resource,
    snapshot: Snapshot,
    *,
    marks: Iterable[Mark],
) -> str:
    """Return the manifest as JSON text. It names case and reason, so it is kept sealed."""
    counted: Counter[str] = Counter()
    named: list[dict[str, Any]] = []
    for mark in marks:
        counted[mark.code] += 1
        if len(named) < MARKS_MOST:
            named.append({"record": mark.record, "item": mark.item, "code": mark.code})
    order, provider = export.order, snapshot.departments.get(export.provider)
    told: dict[str, Any] = {
        "v": VERSION,
        "id": export.id,
        "what": {
            "resource": resource.code,
            "revision": resource.revision,
            "name": resource.name,
            "name_en": resource.name_en,
            "provider": export.provider,
            "provider_name": provider.name if provider is not None else "",
            "items": [
                {"name": item.graphql_name, "title": item.title, "type": item.type.value}
                for item in items_of(resource, order.asked.items)
            ],
        },
        "why": {
            "matter": order.usage.matter,
            "case": order.usage.case,
            "purpose": order.usage.purpose,
            "reason": order.usage.reason,
            "operator": order.usage.operator,
        },
        "who": {"department": export.department, "system": export.system},
        "operation": order.asked.digest,
        "terms": export.terms,
        "begun": {"entry": export.entry, "at": format_epoch_ms(export.created_ms)},
        "ended": format_epoch_ms(export.ended_ms or 0),
        "expires": format_epoch_ms(export.expires_ms or 0),
        "rows": export.rows,
        "pages": [{"entry": page.entry, "rows": page.rows} for page in pages],
        "cells": {"counted": dict(sorted(counted.items())), "named": named},
        "format": export.format,
        "parts": [part_told(part) for part in export.parts],
    }
    return msgspec.json.encode(told).decode()


def manifest_digest(manifest: str) -> str:
    """Return the SHA-256 of a manifest, hex: the entry by which its export ended names it."""
    return hashlib.sha256(manifest.encode()).hexdigest()
