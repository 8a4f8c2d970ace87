"""Reads the keys that tokens are signed with, and checks signatures by them (RFC 7515, 7517, 7518)."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from policies.language.errors import BuiltinError, NotOfferedError

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
ALGORITHMS = frozenset(
    {f"{kind}{size}" for kind in ("RS", "PS", "ES", "HS") for size in HASHES}
) | {"EdDSA"}
CURVES: Mapping[str, tuple[ec.EllipticCurve, str]] = {
    "P-256": (ec.SECP256R1(), "ES256"),
    "P-384": (ec.SECP384R1(), "ES384"),
    "P-521": (ec.SECP521R1(), "ES512"),
}
_PEM = re.compile(
    r"(?:^|.*?\n)-----BEGIN ([A-Z0-9 ]+)-----[ \t\r]*\n([A-Za-z0-9+/=\s]*?)"
    r"\n?-----END \1-----[ \t\r]*(?:\n|\Z)(.*)",
    re.DOTALL,
)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_MOST_KEYS = 1000
_SMALLEST_MODULUS = 1024


@dataclass(frozen=True, slots=True)
class Foreign:
    """A key that is well formed and signs no token."""


PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey | bytes | Foreign


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key, with the algorithm and the name that a key set gives it; empty where it gives none."""

    key: PublicKey = field(repr=False)
    algorithm: str = ""
    name: str = ""


def base64url(written: str) -> bytes:
    """Read base64url with or without padding. Raises BuiltinError for anything else."""
    if not _BASE64URL.fullmatch(written) or ("=" in written and len(written) % 4):
        raise BuiltinError("a text that is no base64url")
    try:
        return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
    except binascii.Error as error:
        raise BuiltinError("a text that is no base64url") from error


def pem_block(written: str) -> tuple[str, bytes, str] | None:
    """Return the type, the content and the rest of the first PEM block, None where there is none."""
    found = _PEM.match(written)
    if found is None:
        if "-----BEGIN " in written:
            raise NotOfferedError("a PEM block with headers, or one that is broken")
        return None
    try:
        content = base64.b64decode("".join(found[2].split()), validate=True)
    except binascii.Error as error:
        raise BuiltinError("a PEM block that is no base64") from error
    return found[1], content, found[3]


def read_keys(written: str) -> tuple[VerificationKey, ...]:
    """Read an X.509 certificate or public key in PEM, a JWK or a set of them.

    Raises BuiltinError where it is none of them, NotOfferedError for a private key.
    """
    block = pem_block(written)
    if block is not None:
        return (VerificationKey(_key_of_block(*block)),)
    found = [_key_of_set(one) for one in jwks_of(written)]
    return tuple(one for one in found if one is not None)


def _key_of_block(kind: str, content: bytes, rest: str) -> PublicKey:
    if rest:
        raise BuiltinError("one PEM block needed, more found")
    try:
        if kind == "CERTIFICATE":
            return _admitted(x509.load_der_x509_certificate(content).public_key())
        if kind == "PUBLIC KEY":
            return _admitted(load_der_public_key(content))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BuiltinError("a PEM block that holds no key") from error
    raise BuiltinError("a certificate or public key needed in PEM")


def _admitted(key: object) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _SMALLEST_MODULUS:
            raise NotOfferedError(f"an RSA key of less than {_SMALLEST_MODULUS} bits")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey | Ed25519PublicKey):
        return key
    return Foreign()


def jwks_of(written: str) -> list[dict[str, Any]]:
    """Return the members of a key set, or the one key that was written. Raises BuiltinError."""
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise BuiltinError("a key that is neither PEM nor JSON") from error
    keys = found.get("keys", [found]) if isinstance(found, dict) else None
    if not isinstance(keys, list) or not all(isinstance(one, dict) for one in keys):
        raise BuiltinError("a JWK or a set of them needed")
    if len(keys) > _MOST_KEYS:
        raise NotOfferedError(f"a set of more than {_MOST_KEYS} keys")
    return keys


def _key_of_set(jwk: Mapping[str, Any]) -> VerificationKey | None:
    """Return a key of a set, None where its algorithm signs nothing that is verified here."""
    algorithm, name = jwk.get("alg", ""), jwk.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(name, str):
        raise BuiltinError("an `alg` and a `kid` that are texts needed in a JWK")
    if algorithm and algorithm not in ALGORITHMS:
        raise NotOfferedError("a JWK with an `alg` that signs no token")
    if "d" in jwk:
        raise NotOfferedError("a private JWK where a public one is needed")
    return VerificationKey(_public(jwk), algorithm, name)


def _public(jwk: Mapping[str, Any]) -> PublicKey:
    try:
        match jwk.get("kty"):
            case "RSA":
                return _admitted(
                    rsa.RSAPublicNumbers(whole(jwk, "e"), whole(jwk, "n")).public_key()
                )
            case "EC" if jwk.get("crv") in CURVES:
                curve, _ = CURVES[jwk["crv"]]
                point = ec.EllipticCurvePublicNumbers(whole(jwk, "x"), whole(jwk, "y"), curve)
                return point.public_key()
            case "OKP" if jwk.get("crv") == "Ed25519":
                return Ed25519PublicKey.from_public_bytes(octets(jwk, "x"))
            case "oct":
                return octets(jwk, "k")
            case _:
                raise NotOfferedError("a JWK of another kind than RSA, EC, Ed25519 or oct")
    except ValueError as error:
        raise BuiltinError("a JWK that is no key") from error


def octets(jwk: Mapping[str, Any], name: str) -> bytes:
    """Return a member of a JWK that is base64url. Raises BuiltinError where it is not there."""
    written = jwk.get(name)
    if not isinstance(written, str) or not written:
        raise BuiltinError(f"`{name}` needed in a JWK")
    return base64url(written)


def whole(jwk: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(octets(jwk, name))


def mac(secret: bytes, signed: bytes, *, size: str) -> bytes:
    return hmac.new(secret, signed, getattr(hashlib, f"sha{size}")).digest()


def verifies(key: PublicKey, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's; a key of another kind than the algorithm's verifies nothing."""
    kind, size = algorithm[:2], algorithm[2:]
    try:
        match kind, key:
            case "RS", rsa.RSAPublicKey():
                key.verify(signature, signed, padding.PKCS1v15(), HASHES[size])
            case "PS", rsa.RSAPublicKey():
                method = padding.PSS(padding.MGF1(HASHES[size]), padding.PSS.AUTO)
                key.verify(signature, signed, method, HASHES[size])
            case "ES", ec.EllipticCurvePublicKey():
                _verify_curve(key, HASHES[size], signed, signature)
            case "Ed", Ed25519PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify_curve(
    key: ec.EllipticCurvePublicKey, method: hashes.HashAlgorithm, signed: bytes, signature: bytes
) -> None:
    """Verify the two halves of a signature (RFC 7518, 3.4); raises InvalidSignature."""
    digest = hashes.Hash(method)
    digest.update(signed)
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
    key.verify(encode_dss_signature(r, s), digest.finalize(), ec.ECDSA(Prehashed(method)))


def verifies_strictly(key: PublicKey, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's under exactly this algorithm, secrets included.

    Raises NotOfferedError where libraries differ: a curve of another algorithm, a salt of another length.
    """
    kind, size = algorithm[:2], algorithm[2:]
    if kind == "HS":
        return isinstance(key, bytes) and hmac.compare_digest(
            mac(key, signed, size=size), signature
        )
    if not verifies(key, algorithm, signed, signature):
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        bytes_needed = 2 * ((key.curve.key_size + 7) // 8)
        if CURVES_BY_NAME.get(key.curve.name) != algorithm or len(signature) != bytes_needed:
            raise NotOfferedError("a signature by a curve of another algorithm")
    if kind == "PS" and isinstance(key, rsa.RSAPublicKey):
        _check_salt(key, HASHES[size], signed, signature)
    return True


def _check_salt(
    key: rsa.RSAPublicKey, method: hashes.HashAlgorithm, signed: bytes, signature: bytes
) -> None:
    exact = padding.PSS(padding.MGF1(method), padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(signature, signed, exact, method)
    except InvalidSignature as error:
        raise NotOfferedError("a PSS signature whose salt is not as long as its digest") from error


CURVES_BY_NAME: Mapping[str, str] = {curve.name: algorithm for curve, algorithm in CURVES.values()}


def sign(jwk: Mapping[str, Any], algorithm: str, signed: bytes) -> bytes:
    """Sign by a private JWK. Raises NotOfferedError where the signature is random (PS, ES)."""
    kind, size = algorithm[:2], algorithm[2:]
    try:
        match kind, jwk.get("kty"):
            case "HS", "oct":
                return mac(octets(jwk, "k"), signed, size=size)
            case "RS", "RSA":
                return _private_rsa(jwk).sign(signed, padding.PKCS1v15(), HASHES[size])
            case "Ed", "OKP" if jwk.get("crv") == "Ed25519":
                return Ed25519PrivateKey.from_private_bytes(octets(jwk, "d")).sign(signed)
            case ("PS", "RSA") | ("ES", "EC"):
                raise NotOfferedError("a signature that is another each time")
            case _:
                # OPA takes the octets of some other keys for a secret.
                raise NotOfferedError("a key of another kind than the algorithm's")
    except ValueError as error:
        raise BuiltinError("a JWK that is no private key") from error


def _private_rsa(jwk: Mapping[str, Any]) -> rsa.RSAPrivateKey:
    if not jwk.keys() >= {"p", "q", "dp", "dq", "qi"}:
        raise NotOfferedError("a private RSA key without its primes")
    p, q, d, dp, dq, qi = (whole(jwk, name) for name in ("p", "q", "d", "dp", "dq", "qi"))
    public = rsa.RSAPublicNumbers(whole(jwk, "e"), whole(jwk, "n"))
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public).private_key()
