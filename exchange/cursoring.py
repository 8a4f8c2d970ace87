"""Seals the cursors of lists under a key of the home that serves nothing else."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.cursors import LONGEST, CursorError
from gateway.formats import format_bytes, parse_bytes


class SealedCursors:
    """Implements `gateway.cursors.Cursors` with AES-SIV (RFC 5297): no nonce, equal texts for equal pages."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the home's `keys/cursor.hmac`."""
        expanded = HKDF(SHA256(), length=64, salt=None, info=b"exchange cursor/1").derive(secret)
        self._cipher = AESSIV(expanded)

    def seal(self, content: bytes, *, bound: bytes) -> str:
        return format_bytes(self._cipher.encrypt(content, [bound]))

    def open(self, text: str, *, bound: bytes) -> bytes:
        if len(text) > LONGEST:
            raise CursorError(f"{len(text)} characters, at most {LONGEST} needed")
        try:
            return self._cipher.decrypt(parse_bytes(text), [bound])
        except (ValueError, InvalidTag):
            raise CursorError("not a cursor of this list") from None
