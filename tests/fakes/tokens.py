"""Signed tokens, and keys to sign them with, made for one test."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unsigned(header: object, claims: object) -> str:
    """Return the first two parts of a token."""
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))


def a_token(header: object, claims: object, *, secret: str = "s", size: int = 256) -> str:  # noqa: S107
    """Return a token by HMAC, whatever its header says of itself."""
    signed = unsigned(header, claims)
    code = hmac.new(secret.encode(), signed.encode(), getattr(hashlib, f"sha{size}")).digest()
    return f"{signed}.{base64url(code)}"


def a_token_by(key: PrivateKey, header: object, claims: object, *, salt: int | None = None) -> str:
    """Return a token by a private key: PKCS#1, or PSS with a salt of that length."""
    signed = unsigned(header, claims)
    return f"{signed}.{base64url(_signature(key, signed.encode(), salt))}"


def _signature(key: PrivateKey, signed: bytes, salt: int | None) -> bytes:
    match key:
        case ed25519.Ed25519PrivateKey():
            return key.sign(signed)
        case ec.EllipticCurvePrivateKey():
            size = (key.key_size + 7) // 8
            r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256())))
            return r.to_bytes(size) + s.to_bytes(size)
        case _ if salt is None:
            return key.sign(signed, padding.PKCS1v15(), SHA256())
        case _:
            return key.sign(signed, padding.PSS(padding.MGF1(SHA256()), salt), SHA256())


def public_pem(key: PrivateKey) -> str:
    found = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found.decode()


def public_jwk(key: rsa.RSAPrivateKey, **members: str) -> dict[str, str]:
    """Return the public half of an RSA key as a JWK."""
    numbers = key.public_key().public_numbers()
    n, e = (base64url(one.to_bytes((one.bit_length() + 7) // 8)) for one in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": n, "e": e, **members}
