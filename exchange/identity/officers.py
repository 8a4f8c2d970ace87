"""Officers' acts from the command line: signed with the officer's own key, one act at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.entry import Nonce
from catalogue.model import Officer, OfficerKey
from exchange.identity.errors import IdentityError
from exchange.identity.keys import check_signature, read_public_der, sign, thumbprint
from exchange.identity.signatures import USUAL_WINDOW, Window

DOMAIN = "exchange-act/1"

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAct:
    """An act as it travels to the serving process."""

    act: bytes = field(repr=False)
    """Canonical bytes of what is to be done."""
    key: str
    created_ms: int
    nonce: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An act that its officer was shown to have signed. The nonce is to be used up with it."""

    officer: Officer
    nonce: Nonce


def act_text(act: bytes, *, key: str, created_ms: int, nonce: str) -> bytes:
    """What is signed. The first four lines hold no line break, so nothing can be read two ways."""
    if not _NONCE.fullmatch(nonce) or not _NONCE.fullmatch(key):
        raise IdentityError("ACT_INVALID", f"key id and nonce must match {_NONCE.pattern}")
    return f"{DOMAIN}\n{key}\n{created_ms}\n{nonce}\n".encode() + act


def sign_act(key: Ed25519PrivateKey, act: bytes, *, created: datetime, nonce: str) -> SignedAct:
    """Sign an act with the officer's key; `nonce` is fresh and unguessable."""
    key_id = thumbprint(key.public_key())
    created_ms = int(created.timestamp() * 1000)
    message = act_text(act, key=key_id, created_ms=created_ms, nonce=nonce)
    return SignedAct(
        act=act, key=key_id, created_ms=created_ms, nonce=nonce, signature=sign(key, message)
    )


def verify_act(
    signed: SignedAct,
    *,
    keys: Mapping[str, OfficerKey],
    officers: Mapping[str, Officer],
    now: datetime,
    window: Window = USUAL_WINDOW,
) -> Proven:
    """Return the officer who signed the act just now; raises IdentityError."""
    key = keys.get(signed.key)
    if key is None:
        raise IdentityError("KEY_UNKNOWN")
    if key.state != "active":
        raise IdentityError("KEY_REVOKED")
    officer = officers.get(key.officer)
    if officer is None or officer.state != "active":
        raise IdentityError("OFFICER_INACTIVE")
    message = act_text(signed.act, key=signed.key, created_ms=signed.created_ms, nonce=signed.nonce)
    try:
        check_signature(read_public_der(key.public), signed.signature, message=message)
    except IdentityError as error:
        raise IdentityError("ACT_INVALID") from error
    age_ms = int(now.timestamp() * 1000) - signed.created_ms
    if not -window.skew_s * 1000 <= age_ms < window.longest_s * 1000:
        raise IdentityError("ACT_EXPIRED", f"signed within {window.longest_s} s needed")
    if signed.created_ms < window.not_before_ms:
        raise IdentityError("SIGNATURE_BEFORE_RESTORE")
    held_until = signed.created_ms + (window.longest_s + window.skew_s) * 1000
    return Proven(
        officer=officer,
        nonce=Nonce(key=f"act:{key.id}", nonce=signed.nonce, expires=held_until),
    )
