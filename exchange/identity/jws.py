"""JSON Web Signatures (RFC 7515, compact form) as we take them: two algorithms, named by the key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.identity.errors import IdentityError
from exchange.identity.keys import (
    P256,
    PrivateKey,
    PublicKey,
    algorithm_of,
    check_signature,
    decode_base64url,
    encode_base64url,
    sign,
)

_LONGEST = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """A token that was read and not yet believed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    """The signing input: header and payload as received."""
    signature: bytes


def read_jws(text: str) -> Jws:
    """Read a token strictly: three parts, unpadded base64url, JSON objects without double members.

    Raises ValueError; nothing is verified.
    """
    if len(text) > _LONGEST or text.count(".") != 2:
        raise ValueError("a JWS has three parts and at most 8 KiB")
    header, payload, signature = text.split(".")
    return Jws(
        header=_read_object(header),
        claims=_read_object(payload),
        signed=f"{header}.{payload}".encode("ascii"),
        signature=decode_base64url(signature),
    )


def check_jws(jws: Jws, *, key: PublicKey) -> None:
    """Raise IdentityError unless the key made it. `alg` must be the key's own: never a choice."""
    if jws.header.get("alg") != jws_algorithm(key):
        raise IdentityError("ALGORITHM_MISMATCH")
    check_signature(key, jws.signature, message=jws.signed)


def write_jws(claims: Mapping[str, Any], *, header: Mapping[str, Any], key: PrivateKey) -> str:
    head = {"alg": jws_algorithm(key), **header}
    signed = ".".join(encode_base64url(_write_object(part)) for part in (head, claims))
    return f"{signed}.{encode_base64url(sign(key, signed.encode('ascii')))}"


def jws_algorithm(key: PublicKey | PrivateKey) -> str:
    return "ES256" if algorithm_of(key) == P256 else "EdDSA"


def whole_number(claims: Mapping[str, Any], name: str) -> int:
    """Read a NumericDate of whole seconds; raises ValueError."""
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 2**40:
        raise ValueError(f"{name} is no whole number of seconds")
    return value


def _read_object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(
            decode_base64url(part).decode(),
            object_pairs_hook=_distinct,
            parse_constant=_no_constant,
        )
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("a JSON object needed")  # noqa: TRY004 - one kind of error for bad bytes
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _write_object(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()
