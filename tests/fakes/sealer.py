"""A sealer for tests: real keyed digests, and a cipher good enough that nothing can be read."""

import hashlib
import hmac


class FakeSealer:
    """Implements `catalogue.ports.Sealer`; each sealing of one text differs, as it must."""

    def __init__(self, key: bytes = b"a key for tests only") -> None:
        self._key = key
        self._count = 0

    def token(self, kind: str, value: str) -> str:
        return self._mac(kind.encode() + b"\0" + value.encode()).hex()

    def seal(self, text: str) -> bytes:
        self._count += 1
        nonce = self._count.to_bytes(8, "big")
        content = text.encode()
        hidden = bytes(
            a ^ b for a, b in zip(content, self._stream(nonce, len(content)), strict=True)
        )
        return nonce + hidden + self._mac(nonce + hidden)[:16]

    def open(self, sealed: bytes) -> str:
        nonce, hidden, tag = sealed[:8], sealed[8:-16], sealed[-16:]
        if not hmac.compare_digest(self._mac(nonce + hidden)[:16], tag):
            raise ValueError("not sealed by this key")
        stream = self._stream(nonce, len(hidden))
        return bytes(a ^ b for a, b in zip(hidden, stream, strict=True)).decode()

    def _mac(self, content: bytes) -> bytes:
        return hmac.new(self._key, content, hashlib.sha256).digest()

    def _stream(self, nonce: bytes, size: int) -> bytes:
        blocks = (self._mac(nonce + i.to_bytes(4, "big")) for i in range(size // 32 + 1))
        return b"".join(blocks)[:size]
