"""The folder of policy archives: each under its own digest, believed only as signed and as registered."""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from catalogue.bundles import PolicyBundle
from catalogue.rows import from_ms
from exchange.settings import SettingsError
from policies.bundle import Bundle, digest_of, load_archive, verify
from policies.engine import LoadError

Keys = Mapping[str, EllipticCurvePublicKey]
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An archive that was found to be what it should be."""

    archive: bytes
    digest: str
    bundle: Bundle
    key_id: str


class Archives:
    """Reads and keeps archives in the home's `bundles/`. Blocks.

    An archive that was kept is never removed: what decided once can be shown again.
    """

    def __init__(self, folder: Path, *, keys: Keys) -> None:
        self._folder = folder
        self._keys = keys

    @property
    def keys(self) -> Keys:
        """The approvers' public keys by id, as configured."""
        return self._keys

    def open(self, archive: bytes) -> Opened:
        """Raise LoadError unless a configured key signed the archive and its rules pass the linter."""
        if len(archive) > MOST_BYTES:
            raise LoadError(f"an archive of {len(archive)} bytes, at most {MOST_BYTES}")
        key_id = verify(archive, keys=self._keys)
        return Opened(
            archive=archive,
            digest=digest_of(archive),
            bundle=load_archive(archive, keys=self._keys),
            key_id=key_id,
        )

    def keep(self, archive: bytes) -> None:
        """Write the archive under its digest, whole or not at all."""
        path = self._path(digest_of(archive))
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(archive)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def read(self, digest: str) -> bytes:
        """Return what stands under a digest. Raises LoadError where it is not there or was altered."""
        try:
            archive = self._path(digest).read_bytes()
        except OSError as error:
            raise LoadError(f"the archive {digest[:12]}… cannot be read") from error
        if digest_of(archive) != digest:
            raise LoadError(f"the archive kept as {digest[:12]}… is another one")
        return archive

    def registered(self, row: PolicyBundle) -> Opened:
        """Return the archive of a registered bundle.

        Raises LoadError unless it is there, is the registered one, is signed by a configured key, and says
        the serial, revision and expiry of the register.
        """
        opened = self.open(self.read(row.digest))
        found = opened.bundle
        if (found.serial, found.revision) != (row.serial, row.revision):
            raise LoadError(
                f"the archive is {found.revision}, serial {found.serial}; "
                f"registered is {row.revision}, serial {row.serial}"
            )
        if from_ms(found.expires * 1000) != row.expires:
            raise LoadError("the archive has another expiry than the registered one")
        return opened

    def _path(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise LoadError("a bundle is named by its SHA-256: 64 hexadecimal digits")
        return self._folder / f"{digest}.tar.gz"


def read_keys(setting: str) -> Keys:
    """Read `policy_keys`: `ID=KEY` pairs with white space between, KEY a P-256 key (SPKI, DER, base64).

    Raises SettingsError.
    """
    keys: dict[str, EllipticCurvePublicKey] = {}
    for pair in setting.split():
        key_id, _, text = pair.partition("=")
        if not key_id or key_id in keys:
            raise SettingsError("policy_keys: an empty key id, or one twice; ID=KEY needed")
        keys[key_id] = _public_key(key_id, text)
    return keys


def write_keys(keys: Keys) -> str:
    """Write what `read_keys` reads."""
    return " ".join(
        f"{key_id}={b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()}"
        for key_id, key in sorted(keys.items())
    )


def _public_key(key_id: str, text: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"policy_keys: {key_id} is no public key in base64 DER") from error
    return p256(key, named=f"policy_keys: {key_id}")


def p256(key: object, *, named: str) -> EllipticCurvePublicKey:
    """Return the key if it is one for ES256. Raises SettingsError."""
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise SettingsError(f"{named} is no P-256 key, and bundles are signed with ES256")
    return key
