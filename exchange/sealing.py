"""Keeps personal columns of the registry unreadable at rest: AES-256-GCM, and HMAC tokens to look up."""

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.home import write_private

_NONCE = 12


class SealError(Exception):
    """A sealed value does not open: another key, or changed bytes."""


class ColumnSealer:
    """Implements `catalogue.ports.Sealer` under one key file of the home."""

    def __init__(self, key: bytes, *, random: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(_derive(key, b"exchange registry seal/1"))
        # Keyed once and copied for each token: setting one up costs more than the hashing.
        self._keyed = HMAC(_derive(key, b"exchange registry token/1"), SHA256())
        self._random = random

    def token(self, kind: str, value: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(kind.encode() + b"\0" + value.encode())
        return keyed.finalize().hex()

    def seal(self, text: str) -> bytes:
        nonce = self._random(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.encode(), None)

    def open(self, sealed: bytes) -> str:
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
        except InvalidTag as error:
            raise SealError(
                "a sealed column does not open under this home's registry.kek"
            ) from error


def create_sealing_key(folder: Path, *, random: Callable[[int], bytes]) -> None:
    """Write `registry.kek`, 32 bytes, mode 0600; never over an existing one."""
    write_private(folder / "registry.kek", random(32))


def load_sealer(folder: Path, *, random: Callable[[int], bytes]) -> ColumnSealer:
    return ColumnSealer((folder / "registry.kek").read_bytes(), random=random)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
