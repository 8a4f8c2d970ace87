"""The digest by which the log vouches for a registry row."""

import base64
import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

SALT_BYTES = 16
UNCOVERED = frozenset({"entry", "salt"})
"""Columns that the digest does not cover: where it was recorded, and its own salt."""

LATER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "resource": frozenset(
            {
                "emergency_items",
                "reading",
                "update_days",
                "listing",
                "certificate",
                "names",
                "before",
                "more",
                "course",
                "prepared",
            }
        ),
        "resource.items": frozenset({"more"}),
        "source": frozenset({"description", "rests_until"}),
        "matter": frozenset(
            {
                "version",
                "type",
                "lists",
                "online_depth",
                "trips",
                "statutory_days",
                "promised_days",
                "baseline_days",
                "materials",
            }
        ),
        "sharing_request": frozenset(
            {"refusal_code", "refusal_basis", "supplement_asked", "supplement_given", "course"}
        ),
        "sharing_grant": frozenset({"daily_rows", "daily_subjects", "course"}),
        "grant_amendment": frozenset({"max_rows", "daily_rows", "daily_subjects", "changes"}),
        "demand": frozenset({"resource", "answer", "answered_by", "answered_at"}),
    }
)
"""Columns that a table did not have at first, by table: covered as soon as they hold anything.

Records that belong to a row stand under the row's table and their field's name.

A column is added as a nullable one and named here, so that the rows of older homes keep the digests that
their log holds. A value put into one, or taken out of it, changes the digest all the same.
"""


def row_digest(table: str, key: str, values: Mapping[str, Any], salt: bytes) -> str:
    """SHA-256 over the salt and the canonical JSON of table, key and all columns but entry and salt.

    Records that belong to the row (items of a resource, parties of a case) are members of `values`, so that
    adding, taking or changing one changes the digest. The salt keeps the leaf from telling what the row
    holds; its length is fixed, so that nothing of the JSON can be passed off as salt.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt of {len(salt)} bytes, {SALT_BYTES} needed")
    covered = {
        name: _parts(value, f"{table}.{name}") if isinstance(value, list) else value
        for name, value in _covered(values, table).items()
        if name not in UNCOVERED
    }
    canonical = json.dumps(
        [table, key, covered],
        ensure_ascii=True,
        sort_keys=True,
        separators=(",", ":"),
        default=_foreign,
    )
    return encode_bytes(hashlib.sha256(salt + canonical.encode("ascii")).digest())


def _covered(values: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    """Leave out the later columns that hold nothing."""
    later = LATER.get(table)
    if later is None:
        return values
    return {name: value for name, value in values.items() if not (value is None and name in later)}


def _parts(records: list[Any], table: str) -> list[Any]:
    return [_covered(record, table) for record in records] if table in LATER else records


def encode_bytes(content: bytes) -> str:
    """Base64url without padding, as bytes stand in the registry and in digests."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def decode_bytes(text: str) -> bytes:
    """Read what `encode_bytes` writes. Raises ValueError for anything else."""
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_bytes(content) != text:
        raise ValueError("not base64url without padding")
    return content


def _foreign(value: Any) -> Any:
    # We write text, integers and null only. Whatever else a hand put into the table must not equal them.
    return {"foreign": type(value).__name__, "value": repr(value)}
