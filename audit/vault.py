"""The vault: the keys under which disclosures lie, and the tokens by which subjects are searched for.

One AES-256-GCM key per (subject or general, retention class, calendar month). Destroying a key
makes its disclosures unreadable for ever and leaves every proof as it was.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.canonical import b64url, encode
from audit.errors import LogUnavailableError, ProofError, StartRefusedError
from audit.retention import classes, month_of, months_between

Subject = tuple[str, str]
"""Type and normalised identifier."""

Owner = tuple[str, Subject | None]
"""Retention class, and under whose key; None: under the month's general key."""

GENERAL = "general"

_KEY_LENGTH = 32
NONCE_LENGTH = 12
"""Bytes of an AES-GCM nonce."""
_CACHED = 8_192
_TOKEN_DIGITS = 32
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureKey:
    key_id: str
    cipher: AESGCM = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A key that still stands, as the vault tells of it: never the key itself."""

    key_id: str
    retention: str
    month: str


class Vault:
    """Opens the vault's database with the key-encryption key. Safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        kek: bytes,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reading=True)
        self._wrapping = AESGCM(kek)
        self._now = now
        self._random = random
        self._lock = Lock()
        self._by_lookup: OrderedDict[str, DisclosureKey] = OrderedDict()
        self._lookups = Keyed(self._secret("lookup"))
        self._tokens = Keyed(self._secret("token"))

    def token(self, kind: str, value: str) -> str:
        """Return the keyed digest by which the search knows a value: HMAC-SHA-256 cut to 128 bits, hex."""
        return self._tokens.hashed(encode([kind, value]))[:_TOKEN_DIGITS]

    def keys_for(self, owners: Iterable[Owner], *, at: int) -> Mapping[Owner, DisclosureKey]:
        """Return the keys for this month's disclosures; new ones are durable before this returns.

        `at` is epoch ms. Raises LogUnavailableError.
        """
        month = month_of(at)
        lookups = {owner: self._lookup(owner, month) for owner in set(owners)}
        with self._lock:
            missing = {
                lookup: owner[0]
                for owner, lookup in lookups.items()
                if lookup not in self._by_lookup
            }
            if missing:
                self._load(missing, month)
            keys = {owner: self._by_lookup[lookup] for owner, lookup in lookups.items()}
            for lookup in lookups.values():
                self._by_lookup.move_to_end(lookup)
            while len(self._by_lookup) > max(_CACHED, len(lookups)):
                self._by_lookup.popitem(last=False)
        return keys

    def seal_disclosure(
        self, key: DisclosureKey, payload: bytes, *, place: bytes, nonce: bytes | None = None
    ) -> bytes:
        """Encrypt what opens an entry's commitments; `place` binds it to where it belongs.

        A `nonce` that is given was drawn for this and nothing else; None: it is drawn here.
        """
        drawn = self._random(NONCE_LENGTH) if nonce is None else nonce
        return drawn + key.cipher.encrypt(drawn, payload, place)

    def open_disclosure(self, key_id: str, sealed: bytes, *, place: bytes) -> bytes | None:
        """Decrypt a disclosure. None: its key was destroyed. Raises ProofError for changed bytes."""
        cipher = self._cipher(key_id)
        if cipher is None:
            return None
        try:
            return cipher.decrypt(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], place)
        except InvalidTag as error:
            raise ProofError(f"a disclosure under key {key_id} was changed or moved") from error

    def ready(self) -> None:
        """Take the writer's place and open a key, as the next disclosure may have to. Blocks.

        Raises LogUnavailableError where the vault does not answer, StartRefusedError where the key-encryption
        key does not open it.
        """
        self._secret("token")

    def held_of(self, subject: Subject) -> list[HeldKey]:
        """Return the keys of a subject that still stand, oldest month first. Raises LogUnavailableError."""
        columns = tables.vault_key.c
        try:
            with self._reader.connect() as connection:
                first, last = connection.execute(
                    select(func.min(columns.month), func.max(columns.month))
                ).one()
                lookups = [
                    self._lookup((retention, subject), month)
                    for month in ([] if first is None else months_between(first, last))
                    for retention in classes()
                ]
                found = [
                    HeldKey(key_id=row.key_id, retention=row.retention, month=row.month)
                    for wanted in _chunks(lookups)
                    for row in connection.execute(
                        select(columns.key_id, columns.retention, columns.month).where(
                            columns.lookup.in_(wanted), columns.erased_at.is_(None)
                        )
                    )
                ]
        except SQLAlchemyError as error:
            raise _unavailable(error) from error
        return sorted(found, key=lambda held: (held.month, held.retention))

    def destroy(self, key_ids: Iterable[str]) -> int:
        """Destroy keys for ever; returns how many still stood. Done twice, the second finds nothing.

        Raises LogUnavailableError: then some may still stand, and it has to be done again.
        """
        wanted, table = sorted(set(key_ids)), tables.vault_key
        destroyed = 0
        try:
            with self._lock:
                with self._engine.begin() as connection:
                    for chunk in _chunks(wanted):
                        destroyed += connection.execute(
                            update(table)
                            .where(table.c.key_id.in_(chunk), table.c.erased_at.is_(None))
                            .values(wrapped=b"", erased_at=int(self._now().timestamp() * 1000))
                        ).rowcount
                gone = set(wanted)
                for lookup in [at for at, key in self._by_lookup.items() if key.key_id in gone]:
                    del self._by_lookup[lookup]
            _empty_journal(self._engine)
        except SQLAlchemyError as error:
            raise _unavailable(error) from error
        return destroyed

    def _cipher(self, key_id: str) -> AESGCM | None:
        query = select(tables.vault_key.c.lookup, tables.vault_key.c.wrapped).where(
            tables.vault_key.c.key_id == key_id, tables.vault_key.c.erased_at.is_(None)
        )
        try:
            with self._reader.connect() as connection:
                found = connection.execute(query).one_or_none()
        except SQLAlchemyError as error:
            raise _unavailable(error) from error
        return None if found is None else self._unwrapped(found.wrapped, key_id, found.lookup)

    def _lookup(self, owner: Owner, month: str) -> str:
        retention, subject = owner
        whose = [GENERAL] if subject is None else ["subject", *subject]
        return self._lookups.hashed(b"[%b,%b" % (encode(whose), _kept_in(retention, month)))

    def _load(self, missing: Mapping[str, str], month: str) -> None:
        """Take keys from the database; those that nobody made yet are made, in one transaction."""
        try:
            with self._reader.connect() as connection:
                found = self._find(connection, missing)
            if len(found) < len(missing):
                with self._engine.begin() as connection:
                    # Looked at again under the lock: somebody else may have made one meanwhile.
                    found = self._find(connection, missing)
                    made = [
                        self._make(lookup, month, retention=missing[lookup])
                        for lookup in sorted(missing.keys() - found.keys())
                    ]
                    if made:
                        connection.execute(insert(tables.vault_key), made)
                    found |= {row["lookup"]: self._opened(**row) for row in made}
        except SQLAlchemyError as error:
            raise _unavailable(error) from error
        # Only now are the new keys durable; nothing may be encrypted under one that could be lost.
        self._by_lookup.update(found)

    def _find(self, connection: Connection, lookups: Iterable[str]) -> dict[str, DisclosureKey]:
        wanted = sorted(lookups)
        table = tables.vault_key
        found: dict[str, DisclosureKey] = {}
        for first in range(0, len(wanted), _CHUNK):
            query = select(table.c.key_id, table.c.lookup, table.c.wrapped).where(
                table.c.lookup.in_(wanted[first : first + _CHUNK]), table.c.erased_at.is_(None)
            )
            found |= {
                row["lookup"]: self._opened(**row) for row in connection.execute(query).mappings()
            }
        return found

    def _make(self, lookup: str, month: str, *, retention: str) -> dict[str, Any]:
        key_id = b64url(self._random(16))
        return {
            "key_id": key_id,
            "lookup": lookup,
            "retention": retention,
            "month": month,
            "wrapped": self._wrapped(self._random(_KEY_LENGTH), key_id, lookup),
            "created_at": int(self._now().timestamp() * 1000),
        }

    def _opened(self, *, key_id: str, lookup: str, wrapped: bytes, **_: Any) -> DisclosureKey:
        return DisclosureKey(key_id=key_id, cipher=self._unwrapped(wrapped, key_id, lookup))

    def _wrapped(self, key: bytes, *place: str) -> bytes:
        nonce = self._random(NONCE_LENGTH)
        return nonce + self._wrapping.encrypt(nonce, key, encode(["vault/0", *place]))

    def _unwrapped(self, wrapped: bytes, *place: str) -> AESGCM:
        return AESGCM(self._unwrap(wrapped, *place))

    def _unwrap(self, wrapped: bytes, *place: str) -> bytes:
        aad = encode(["vault/0", *place])
        try:
            return self._wrapping.decrypt(wrapped[:NONCE_LENGTH], wrapped[NONCE_LENGTH:], aad)
        except InvalidTag as error:
            raise StartRefusedError(
                f"the vault's key {place[0]} does not open under this home's vault.kek"
            ) from error

    def _secret(self, name: str) -> bytes:
        """Read one of the vault's own keys; the first start makes it."""
        table = tables.vault_secret
        try:
            with self._engine.begin() as connection:
                found = connection.execute(
                    select(table.c.wrapped).where(table.c.name == name)
                ).scalar_one_or_none()
                if found is None:
                    found = self._wrapped(self._random(_KEY_LENGTH), name)
                    connection.execute(insert(table), {"name": name, "wrapped": found})
        except SQLAlchemyError as error:
            raise _unavailable(error) from error
        return self._unwrap(found, name)


def _empty_journal(engine: Engine) -> None:
    """Write a SQLite file's journal home and cut it off: what was overwritten stood in it as well."""
    if engine.dialect.name != "sqlite":
        return
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        raw.close()


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


class Keyed:
    """HMAC-SHA-256 (RFC 2104) under one key, whose two blocks are hashed once and not for each value."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, value: Any) -> str:
        """Return the keyed digest of a value's canonical form, hex."""
        return self.hashed(encode(value))

    def hashed(self, written: bytes) -> str:
        """Return the keyed digest of what is written in canonical form already, hex."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(written)
        outer.update(inner.digest())
        return outer.hexdigest()


def _unavailable(error: Exception) -> LogUnavailableError:
    return LogUnavailableError(f"the vault's database does not answer ({type(error).__name__})")


def place_of(origin: str, *, index: int, part: int) -> bytes:
    """What a disclosure is bound to: moved to another entry it does not open."""
    return b"[%b,%d,%d]" % (_quoted(origin), index, part)


@lru_cache(maxsize=64)
def _kept_in(retention: str, month: str) -> bytes:
    """The end of what a look-up is made of: no month and no class is anybody's."""
    return encode([retention, month])[1:]


@lru_cache(maxsize=16)
def _quoted(origin: str) -> bytes:
    return encode(origin)
