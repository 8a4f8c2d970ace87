"""The exchange's own word towards departments: its requests are signed (RFC 9421), so that they see who asks.

Covered are the method, the whole address, the call number and the digest of what is sent. A department
verifies with the key at `/upstream/key`; its id is the RFC 7638 thumbprint. The tag keeps such a signature
from passing for one of a calling system.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from exchange.identity.keys import (
    PrivateKey,
    create_private_key,
    encode_base64url,
    private_pem,
    public_jwk,
    read_private_pem,
    sign,
    thumbprint,
)
from exchange.identity.signatures import content_digest, signature_base

FILE = "upstream.ed25519"
TAG = "exchange-upstream/1"
HOLDS = timedelta(seconds=60)
_COVERED = ("@method", "@target-uri", "x-exchange-call")
_WITH_BODY = (*_COVERED, "content-digest")
_LISTED = {
    names: "({})".format(" ".join(f'"{name}"' for name in names))
    for names in (_COVERED, _WITH_BODY)
}


def open_upstream_key(folder: Path) -> PrivateKey:
    """Return the key; a home of before it was needed gets one."""
    path = folder / FILE
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private_pem(create_private_key()))
    return read_private_pem(path.read_bytes())


class UpstreamSigner:
    """Signs what is asked of departments. Implements `gateway.sources.wire.Sign` by `headers`."""

    def __init__(
        self,
        key: PrivateKey,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._key = key
        self._id = thumbprint(key.public_key())
        self._now = now
        self._random = random
        self._holds_s = int(HOLDS.total_seconds())
        self._end = f'";keyid="{self._id}";tag="{TAG}"'

    @property
    def jwk(self) -> dict[str, str]:
        """The public half, as departments register it."""
        return {**public_jwk(self._key.public_key()), "kid": self._id, "use": "sig"}

    def headers(
        self, method: str, address: str, body: bytes, fields: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers that sign a request. `fields` holds its call number."""
        values = {
            "@method": method,
            "@target-uri": address,
            "x-exchange-call": fields["X-Exchange-Call"],
        }
        added: dict[str, str] = {}
        if body:
            added["Content-Digest"] = values["content-digest"] = content_digest(body)
        covered = _WITH_BODY if body else _COVERED
        created = int(self._now().timestamp())
        params = (
            f"{_LISTED[covered]};created={created};expires={created + self._holds_s}"
            f';nonce="{encode_base64url(self._random(16))}{self._end}'
        )
        base = signature_base(covered, values, params=params)
        return {
            **added,
            "Signature-Input": f"sig={params}",
            "Signature": f"sig=:{b64encode(sign(self._key, base)).decode()}:",
        }
