"""Key files: the log's two signing keys, the vault's, those of cursors and seals; and a witness's two."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.canonical import b64, b64_decode
from audit.checkpoint import check_name
from audit.errors import MalformedError
from audit.key_spans import KeySpan
from audit.note import Cosigner, Kind, Signer, SubtreeSigner, Verifier, key_id

_SECRET_LENGTH = 32
_PREFIX = "PRIVATE+KEY"
_SECRETS = ("vault.kek", "cursor.hmac", "seal.hmac")
_FIRST_NAMES = {Kind.ED25519: "log.ed25519", Kind.SUBTREE: "log.mldsa44"}
_FIRST_FILES = (("log.ed25519", Kind.ED25519), ("log.mldsa44", Kind.SUBTREE))
_WITNESS_KEYS = (("witness.ed25519", Kind.COSIGNATURE), ("witness.mldsa44", Kind.SUBTREE))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeys:
    """All that the log signs, seals and encrypts with. Never printed, never logged."""

    origin: str
    signer: Signer = field(repr=False)
    published_signer: SubtreeSigner | None = field(repr=False)
    """Adds the post-quantum line to published checkpoints; None where the home has no such key."""
    kek: bytes = field(repr=False)
    cursor: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    beside: tuple[Signer, ...] = field(default=(), repr=False)
    """Older keys that go on signing until they are retired."""
    published_beside: tuple[SubtreeSigner, ...] = field(default=(), repr=False)
    spans: tuple[KeySpan, ...] = ()
    """Which key signs which sizes, the newest first; empty until the log was opened."""
    further: tuple[Signer, ...] = field(default=(), repr=False)
    """In files beside the first; whether they sign is for the log's entries to say."""
    further_published: tuple[SubtreeSigner, ...] = field(default=(), repr=False)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The Ed25519 keys that ever signed this log's checkpoints, the newest first."""
        known = [span.key for span in self.spans if span.key.kind is Kind.ED25519]
        return tuple(dict.fromkeys((self.signer.verifier, *known)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshKeys:
    """New keys in files of their own; they sign once an entry names them."""

    signer: Signer = field(repr=False)
    published_signer: SubtreeSigner = field(repr=False)


def create_keys(
    folder: Path, *, origin: str, random: Callable[[int], bytes] = os.urandom
) -> LogKeys:
    """Write every key file, mode 0600, and return what they hold.

    An existing file is never replaced (FileExistsError): its log could not be continued.
    """
    check_name(origin)
    for name, kind in _FIRST_FILES:
        _create(folder / name, _format_key(origin, kind, random(_SECRET_LENGTH)) + "\n")
    for name in _SECRETS:
        _create(folder / name, random(_SECRET_LENGTH).hex() + "\n")
    return load_keys(folder)


def load_keys(folder: Path) -> LogKeys:
    """Read the key files. Raises MalformedError for one that is damaged or open to others."""
    origin, kind, seed = _parse_key(_read(folder / "log.ed25519"), "log.ed25519")
    if kind is not Kind.ED25519:
        raise MalformedError("log.ed25519: a key of another kind, Ed25519 needed")
    kek, cursor, seal = (_read_secret(folder / name) for name in _SECRETS)
    further = _load_further(folder, Kind.ED25519, origin)
    lattice = _load_further(folder, Kind.SUBTREE, origin)
    return LogKeys(
        origin=origin,
        signer=Signer(origin, Ed25519PrivateKey.from_private_bytes(seed)),
        published_signer=_load_published(folder / "log.mldsa44", origin),
        kek=kek,
        cursor=cursor,
        seal=seal,
        further=tuple(_signer(origin, seed) for seed in further),
        further_published=tuple(_subtree_signer(origin, seed) for seed in lattice),
    )


def create_fresh_keys(folder: Path, keys: LogKeys, *, random: Callable[[int], bytes]) -> FreshKeys:
    """Write new signing keys beside those in force, mode 0600; what an earlier attempt left is removed."""
    _remove_unnamed(folder, keys)
    fresh = FreshKeys(
        signer=_signer(keys.origin, signing := random(_SECRET_LENGTH)),
        published_signer=_subtree_signer(keys.origin, publishing := random(_SECRET_LENGTH)),
    )
    named = ((fresh.signer.verifier, signing), (fresh.published_signer.verifier, publishing))
    for verifier, seed in named:
        text = _format_key(keys.origin, verifier.kind, seed)
        _create(folder / _further_name(verifier), text + "\n")
    return fresh


def create_next_keys(folder: Path, *, origin: str, random: Callable[[int], bytes]) -> FreshKeys:
    """Write the signing keys of the shard to follow into a folder of their own; kept if there already.

    A shard has keys of its own, for the name of a key is its origin. Only while no shard was ended for those
    that are there: what is of another origin was never named, and is replaced. Raises MalformedError.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, kind in _FIRST_FILES:
        path = folder / name
        if path.exists() and not (
            path.read_bytes().endswith(b"\n") and _parse_key(_read(path), name)[0] == origin
        ):
            # Cut short while it was written, or left by an act that was: nobody was told of it.
            path.unlink()
        if not path.exists():
            _create(path, _format_key(origin, kind, random(_SECRET_LENGTH)) + "\n")
    return load_next_keys(folder, origin=origin)


def load_next_keys(folder: Path, *, origin: str) -> FreshKeys:
    """Read the signing keys of the shard that is to follow. Raises MalformedError, OSError."""
    seeds = []
    for name, kind in _FIRST_FILES:
        held, found, seed = _parse_key(_read(folder / name), name)
        if found is not kind or held != origin:
            raise MalformedError(f"{name}: a key of {held}, one of {origin} needed")
        seeds.append(seed)
    return FreshKeys(
        signer=_signer(origin, seeds[0]), published_signer=_subtree_signer(origin, seeds[1])
    )


def take_next_keys(folder: Path, following: Path) -> None:
    """Put the keys of the shard that was opened under the first names; those before are gone then."""
    for kind in _FIRST_NAMES:
        for path in _further_files(folder, kind):
            path.unlink()
    # The signing key goes last: while it is not there the folder says that this is not done.
    for name, _ in reversed(_FIRST_FILES):
        if (following / name).exists():
            (following / name).replace(folder / name)
    following.rmdir()


def settle_keys(folder: Path, keys: LogKeys) -> None:
    """Once no older key signs, keep the newest under the first names: the retired ones are gone then."""
    if keys.beside:
        return
    published = () if keys.published_signer is None else (keys.published_signer.verifier,)
    for verifier in (keys.signer.verifier, *published):
        path = folder / _further_name(verifier)
        if path.exists():
            path.replace(folder / _FIRST_NAMES[verifier.kind])


def create_witness_keys(
    folder: Path, *, name: str, random: Callable[[int], bytes] = os.urandom
) -> None:
    """Write a witness's two key files, mode 0600; never over existing ones (FileExistsError)."""
    check_name(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file, kind in _WITNESS_KEYS:
        _create(folder / file, _format_key(name, kind, random(_SECRET_LENGTH)) + "\n")


def load_witness_keys(folder: Path) -> tuple[Cosigner | SubtreeSigner, ...]:
    """Read a witness's key files: Ed25519 for those who verify today, ML-DSA-44 for later.

    Raises MalformedError for a file that is damaged, open to others, or of another name than the first.
    """
    keys = [_parse_key(_read(folder / file), file) for file, _ in _WITNESS_KEYS]
    name = keys[0][0]
    if [(held, kind) for held, kind, _ in keys] != [(name, kind) for _, kind in _WITNESS_KEYS]:
        raise MalformedError("witness keys of another kind or of two names, one name needed")
    (_, _, first), (_, _, second) = keys
    return (
        Cosigner(name, Ed25519PrivateKey.from_private_bytes(first)),
        SubtreeSigner(name, MLDSA44PrivateKey.from_seed_bytes(second)),
    )


def _signer(name: str, seed: bytes) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(seed))


def _subtree_signer(name: str, seed: bytes) -> SubtreeSigner:
    return SubtreeSigner(name, MLDSA44PrivateKey.from_seed_bytes(seed))


def _further_name(verifier: Verifier) -> str:
    stem, _, ending = _FIRST_NAMES[verifier.kind].partition(".")
    return f"{stem}.{verifier.key_id.hex()}.{ending}"


def _further_files(folder: Path, kind: Kind) -> list[Path]:
    stem, _, ending = _FIRST_NAMES[kind].partition(".")
    return sorted(folder.glob(f"{stem}.*.{ending}"))


def _load_further(folder: Path, kind: Kind, origin: str) -> list[bytes]:
    seeds = []
    for path in _further_files(folder, kind):
        name, found, seed = _parse_key(_read(path), path.name)
        if found is not kind or name != origin:
            raise MalformedError(f"{path.name}: not a key of {origin} of the kind it is named for")
        seeds.append(seed)
    return seeds


def _remove_unnamed(folder: Path, keys: LogKeys) -> None:
    named = {_further_name(span.key) for span in keys.spans}
    for kind in _FIRST_NAMES:
        for path in _further_files(folder, kind):
            if path.name not in named:
                path.unlink()


def _load_published(path: Path, origin: str) -> SubtreeSigner | None:
    if not path.exists():
        return None
    name, kind, seed = _parse_key(_read(path), path.name)
    if kind is not Kind.SUBTREE or name != origin:
        raise MalformedError(f"{path.name}: not an ML-DSA-44 key of {origin}")
    return SubtreeSigner(name, MLDSA44PrivateKey.from_seed_bytes(seed))


def _create(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> str:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise MalformedError(f"{path.name} has mode {mode:o}, 600 needed")
    return path.read_text(encoding="utf-8").removesuffix("\n")


def _read_secret(path: Path) -> bytes:
    text = _read(path)
    try:
        secret = bytes.fromhex(text)
    except ValueError as error:
        raise MalformedError(f"{path.name} is not hexadecimal") from error
    if len(secret) != _SECRET_LENGTH or secret.hex() != text:
        raise MalformedError(f"{path.name} holds {len(secret)} bytes, {_SECRET_LENGTH} needed")
    return secret


def _public_bytes(kind: Kind, seed: bytes) -> bytes:
    if kind is Kind.SUBTREE:
        return MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _format_key(name: str, kind: Kind, seed: bytes) -> str:
    """Write a signer's key as the Go tools for signed notes do: `PRIVATE+KEY+name+id+base64`."""
    identifier = key_id(name, kind, _public_bytes(kind, seed)).hex()
    return f"{_PREFIX}+{name}+{identifier}+{b64(bytes([kind]) + seed)}"


def _parse_key(text: str, file: str) -> tuple[str, Kind, bytes]:
    # The messages name the file and never quote it.
    parts = text.removeprefix(f"{_PREFIX}+").split("+", 2)
    if not text.startswith(f"{_PREFIX}+") or len(parts) != 3:
        raise MalformedError(f"{file} is not {_PREFIX}+name+id+key")
    name, _, encoded = parts
    check_name(name)
    raw = b64_decode(encoded)
    try:
        kind, seed = Kind(raw[0]), raw[1:]
    except (IndexError, ValueError) as error:
        raise MalformedError(f"{file} holds a key of an unknown kind") from error
    if len(seed) != _SECRET_LENGTH or _format_key(name, kind, seed) != text:
        raise MalformedError(f"{file} does not hold the key that its id names")
    return name, kind, seed
