"""Key pairs of systems and officers: made, read strictly, named by thumbprint, proven to be held."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from exchange.identity.errors import IdentityError

ED25519 = "ed25519"
P256 = "ecdsa-p256-sha256"

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

_COORDINATE = 32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_PREHASH = ECDSA(SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenKey:
    """A public key whose private half the sender was shown to hold."""

    id: str
    algorithm: str
    public: bytes
    """SubjectPublicKeyInfo, DER."""


@overload
def create_private_key() -> Ed25519PrivateKey: ...
@overload
def create_private_key(algorithm: str) -> PrivateKey: ...
def create_private_key(algorithm: str = ED25519) -> PrivateKey:
    """Make a key pair with the operating system's randomness."""
    if algorithm == ED25519:
        return Ed25519PrivateKey.generate()
    if algorithm == P256:
        return generate_private_key(SECP256R1())
    raise IdentityError("KEY_UNSUITABLE", f"{ED25519} or {P256} needed")


def private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def read_private_pem(pem: bytes) -> PrivateKey:
    """Read an unencrypted PKCS #8 key; raises IdentityError for any other kind of key."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IdentityError("KEY_UNSUITABLE", "not an unencrypted PEM private key") from error
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise IdentityError("KEY_UNSUITABLE", f"a {type(key).__name__}; Ed25519 or P-256 needed")


def public_der(key: PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_pem(key: PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@lru_cache(maxsize=4096)
def read_public_der(der: bytes) -> PublicKey:
    """Read a registered key. Cached: parsing costs half as much as verifying."""
    try:
        return _suitable(serialization.load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IdentityError("KEY_UNSUITABLE", "not a SubjectPublicKeyInfo") from error


def read_public_pem(pem: bytes) -> PublicKey:
    try:
        return _suitable(serialization.load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IdentityError("KEY_UNSUITABLE", "not a PEM public key") from error


def algorithm_of(key: PublicKey | PrivateKey) -> str:
    """The RFC 9421 name of the one algorithm that a key of this kind is used with."""
    return ED25519 if isinstance(key, Ed25519PublicKey | Ed25519PrivateKey) else P256


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The members that make a key (RFC 7517, RFC 8037), and no others."""
    if isinstance(key, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(key.public_bytes_raw())}
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": encode_base64url(numbers.x.to_bytes(_COORDINATE, "big")),
        "y": encode_base64url(numbers.y.to_bytes(_COORDINATE, "big")),
    }


def read_public_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """Read a key written exactly as `public_jwk` writes it; a private member is refused."""
    try:
        if {"kty": "OKP", "crv": "Ed25519"}.items() <= jwk.items() and jwk.keys() == {
            "kty",
            "crv",
            "x",
        }:
            return Ed25519PublicKey.from_public_bytes(decode_base64url(jwk["x"]))
        if {"kty": "EC", "crv": "P-256"}.items() <= jwk.items() and jwk.keys() == {
            "kty",
            "crv",
            "x",
            "y",
        }:
            x, y = (_coordinate(jwk[name]) for name in ("x", "y"))
            return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except (ValueError, TypeError) as error:
        raise IdentityError(
            "KEY_UNSUITABLE", "a JWK whose coordinates are no point of its curve"
        ) from error
    raise IdentityError("KEY_UNSUITABLE", "a public JWK of type OKP/Ed25519 or EC/P-256 needed")


def thumbprint(key: PublicKey) -> str:
    """RFC 7638 with SHA-256: the `keyid` under which a key is registered."""
    text = json.dumps(public_jwk(key), sort_keys=True, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(text.encode()).digest())


def sign(key: PrivateKey, message: bytes) -> bytes:
    """64 bytes: Ed25519, or r ‖ s of ECDSA over SHA-256 (RFC 9421, 3.3.4)."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    r, s = decode_dss_signature(key.sign(message, _PREHASH))
    return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


def check_signature(key: PublicKey, signature: bytes, *, message: bytes) -> None:
    """Raise IdentityError SIGNATURE_INVALID unless `signature` is the key's over `message`."""
    if len(signature) != 2 * _COORDINATE:
        raise IdentityError("SIGNATURE_INVALID", f"{len(signature)} bytes, 64 needed")
    try:
        if isinstance(key, Ed25519PublicKey):
            # libsodium takes half the time of OpenSSL, and nothing that OpenSSL would refuse.
            crypto_sign_open(signature + message, key.public_bytes_raw())
        else:
            r = int.from_bytes(signature[:_COORDINATE], "big")
            s = int.from_bytes(signature[_COORDINATE:], "big")
            key.verify(encode_dss_signature(r, s), message, _PREHASH)
    except (InvalidSignature, BadSignatureError) as error:
        raise IdentityError("SIGNATURE_INVALID") from error


def possession_text(*, invitation: str, key_id: str, audience: str) -> bytes:
    """What the holder of a new key signs when registering it: bound to invitation, key and exchange."""
    for value in (invitation, key_id, audience):
        if not value.isascii() or not value.isprintable():
            raise IdentityError(
                "POSSESSION_UNPROVEN", "invitation or address is not printable ASCII"
            )
    return f"exchange-register/1\n{audience}\n{invitation}\n{key_id}\n".encode()


def check_possession(
    *, invitation: str, key: Mapping[str, Any] | str, signature: str, audience: str
) -> ProvenKey:
    """Read a key offered for registration (JWK or PEM) and check that its private half is held.

    `audience` is the base URL of this exchange; `signature` is base64url over `possession_text`.
    """
    public = read_public_pem(key.encode()) if isinstance(key, str) else read_public_jwk(key)
    key_id = thumbprint(public)
    message = possession_text(invitation=invitation, key_id=key_id, audience=audience)
    try:
        check_signature(public, decode_base64url(signature), message=message)
    except (IdentityError, ValueError) as error:
        raise IdentityError("POSSESSION_UNPROVEN") from error
    return ProvenKey(id=key_id, algorithm=algorithm_of(public), public=public_der(public))


def encode_base64url(content: bytes) -> str:
    """Without padding (RFC 7515, appendix C)."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_base64url(text: object) -> bytes:
    """Take only what `encode_base64url` writes; raises ValueError."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise ValueError("not unpadded base64url")
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(content) != text:
        raise ValueError("base64url with loose bits")
    return content


def _suitable(key: object) -> PublicKey:
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise IdentityError("KEY_UNSUITABLE", f"a {type(key).__name__}; Ed25519 or P-256 needed")


def _coordinate(text: str) -> int:
    content = decode_base64url(text)
    if len(content) != _COORDINATE:
        raise ValueError(f"{len(content)} bytes in a coordinate, {_COORDINATE} needed")
    return int.from_bytes(content, "big")
