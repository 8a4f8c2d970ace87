"""Built-ins on signed tokens: decode, verify, verify under constraints, sign (RFC 7515 and 7519).

No clock is read: a token that says when it holds is verified only under a `time` that the policy gives.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.language.builtins.documents import DOCUMENTS
from policies.language.builtins.keys import (
    ALGORITHMS,
    HASHES,
    VerificationKey,
    base64url,
    jwks_of,
    mac,
    read_keys,
    sign,
    verifies,
    verifies_strictly,
)
from policies.language.builtins.operands import Builtin, mapping, number, refuse, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.numbers import Number, from_float
from policies.language.values import RegoSet, Value, to_json

_Claims = dict[Any, Value]
_Verify = Callable[[VerificationKey], bool]
_CONSTRAINTS = frozenset({"cert", "secret", "alg", "iss", "aud", "time"})
_NANOSECONDS = 1_000_000_000


def _unverified() -> list[Value]:
    return [False, {}, {}]


@dataclass(frozen=True, slots=True)
class _Token:
    """The three parts of a token, as they were written."""

    header: str
    payload: str
    signature: str

    @property
    def signed(self) -> bytes:
        return f"{self.header}.{self.payload}".encode()


def _split(value: Value) -> _Token:
    parts = text(value).split(".")
    if len(parts) != 3:
        raise BuiltinError(f"a token of 3 parts needed, {len(parts)} found")
    return _Token(*parts)


def _text_of(part: str) -> str:
    try:
        return base64url(part).decode()
    except UnicodeDecodeError as error:
        raise NotOfferedError("a part of a token that is no UTF-8") from error


def _claims(written: str) -> _Claims:
    return mapping(DOCUMENTS["json.unmarshal"].function(written))


def _header(token: _Token) -> _Claims:
    found = _claims(_text_of(token.header))
    if "enc" in found:
        raise BuiltinError("an encrypted token is not supported")
    return found


def _decode(value: Value) -> list[Value]:
    token = _split(value)
    header = _header(token)
    while "cty" in header and text(header["cty"]) == "JWT":
        token = _split(_text_of(token.payload).strip("\"'"))
        header = _header(token)
    return [header, _claims(_text_of(token.payload)), base64url(token.signature).hex()]


# Verification by a key, without a look at what the token says of itself but its key's name.


def _verified_by(algorithm: str) -> Callable[[Value, Value], bool]:
    def verify(value: Value, key: Value) -> bool:
        token = _split(value)
        keys = read_keys(text(key))
        signature = base64url(token.signature)
        header = _header(token)
        _check_header(header)

        def matches(one: VerificationKey) -> bool:
            return verifies(one.key, algorithm, token.signed, signature)

        return _any_key(keys, header, matches)

    return verify


def _any_key(keys: tuple[VerificationKey, ...], header: _Claims, matches: _Verify) -> bool:
    """Whether the key that the token names matches; where none has that name, whether any does."""
    if name := header.get("kid", ""):
        for one in keys:
            if one.name == name:
                return matches(one)
    algorithm = header.get("alg", "")
    return any(matches(one) for one in keys if one.algorithm in {"", algorithm})


def _check_header(header: _Claims) -> None:
    for name in ("alg", "kid", "typ", "cty"):
        if name in header:
            text(header[name])
    if "crit" in header:
        _critical(header["crit"])


def _critical(value: Value) -> list[str]:
    """Return what must be understood (RFC 7515, 4.1.11)."""
    if type(value) is not list:
        raise refuse("array", value)
    names = [text(one) for one in value]
    if not names:
        raise BuiltinError("a `crit` that names something needed")
    return names


def _verified_by_secret(size: str) -> Callable[[Value, Value], bool]:
    def verify(value: Value, secret: Value) -> bool:
        made_by = text(secret).encode()
        token = _split(value)
        return hmac.compare_digest(
            mac(made_by, token.signed, size=size), base64url(token.signature)
        )

    return verify


# Verification under constraints.


@dataclass(frozen=True, slots=True)
class _Constraints:
    """What a token must meet; an empty text demands nothing, `time` is None where none was given."""

    keys: tuple[VerificationKey, ...] = field(repr=False)
    algorithm: str
    issuer: str
    audience: str
    time: float | None


def _constraints(value: Value) -> _Constraints:
    given = mapping(value)
    if not given.keys() <= _CONSTRAINTS:
        raise BuiltinError("a constraint on a token that is unknown")
    secret = text(given.get("secret", ""))
    if ("cert" in given) == bool(secret):
        raise BuiltinError("one of `cert` and `secret` needed to verify a token")
    keys = read_keys(text(given["cert"])) if "cert" in given else _of_secret(secret)
    return _Constraints(
        keys=keys,
        algorithm=text(given.get("alg", "")),
        issuer=text(given.get("iss", "")),
        audience=text(given.get("aud", "")),
        time=_instant(given["time"]) if "time" in given else None,
    )


def _of_secret(secret: str) -> tuple[VerificationKey, ...]:
    return (VerificationKey(secret.encode()),)


def _instant(value: Value) -> float:
    try:
        found = float(number(value))
    except OverflowError as error:
        raise BuiltinError("a `time` beyond what is calculated with") from error
    if found < 0:
        raise BuiltinError("a `time` that is not negative needed")
    return found


def _decode_verify(value: Value, given: Value) -> list[Value]:
    constraints = _constraints(given)
    token = _split(value)
    while True:
        header = _header(token)
        _check_header(header)
        if not _is_signed_so(token, header, constraints):
            return _unverified()
        payload = _text_of(token.payload)
        if header.get("cty", "").casefold() != "jwt":
            break
        token = _split(payload)
    claims = _claims(payload)
    return [True, header, claims] if _meets(claims, constraints) else _unverified()


def _is_signed_so(token: _Token, header: _Claims, constraints: _Constraints) -> bool:
    algorithm = header.get("alg", "")
    unknown = header.keys() - {"alg", "kid", "typ", "cty", "crit"}
    if not algorithm or unknown.intersection(header.get("crit", ())):
        return False
    if constraints.algorithm not in {"", algorithm}:
        return False
    signature = base64url(token.signature)
    if algorithm not in ALGORITHMS:
        return False
    return _any_key(
        constraints.keys,
        header,
        lambda one: verifies_strictly(one.key, algorithm, token.signed, signature),
    )


def _meets(claims: _Claims, constraints: _Constraints) -> bool:
    if constraints.issuer and ("iss" not in claims or text(claims["iss"]) != constraints.issuer):
        return False
    if "aud" not in claims:
        if constraints.audience:
            return False
    elif not _is_audience(claims["aud"], constraints.audience):
        return False
    return _holds_now(claims, constraints.time)


def _is_audience(value: Value, audience: str) -> bool:
    named = value if type(value) is list else [value]
    return any(type(one) is str and one == audience for one in named)


def _holds_now(claims: _Claims, time: float | None) -> bool:
    """Whether the time is before `exp` and not before `nbf` (RFC 7519, 4.1.4 and 4.1.5)."""
    if "exp" in claims and not _now(claims["exp"], time) < claims["exp"]:
        return False
    return "nbf" not in claims or bool(_now(claims["nbf"], time) >= claims["nbf"])


def _now(bound: Value, time: float | None) -> Number:
    """Return the time in seconds, to be compared with a bound that is a number."""
    number(bound)
    if time is None:
        raise NotOfferedError("`time` needed in the constraints: no clock is read")
    return from_float(time / _NANOSECONDS)


# Signing.


def _encode_sign(header: Value, payload: Value, key: Value) -> str:
    marshal = DOCUMENTS["json.marshal"].function
    return _compact(marshal(header), marshal(payload), json.dumps(_plain_key(key)))


def _plain_key(key: Value) -> Any:
    if type(key) is RegoSet:
        raise refuse("object", key)
    return to_json(key)


def _encode_sign_raw(header: Value, payload: Value, key: Value) -> str:
    return _compact(text(header), text(payload), text(key))


def _compact(header: str, payload: str, key: str) -> str:
    keys = jwks_of(key)
    if not keys:
        raise BuiltinError("a set without a key")
    members = _read_header(header)
    algorithm = members.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise BuiltinError("a known `alg` needed in the header of a token")
    if members.get("typ", "JWT") == "JWT" and not DOCUMENTS["json.is_valid"].function(payload):
        raise BuiltinError("a token whose payload is no JSON")
    signed = f"{_encoded(header.encode())}.{_encoded(payload.encode())}"
    return f"{signed}.{_encoded(sign(keys[0], algorithm, signed.encode()))}"


def _read_header(written: str) -> Mapping[str, Any]:
    try:
        pairs = json.loads(written, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise BuiltinError("a header that is no JSON") from error
    if not isinstance(pairs, _Pairs):
        raise BuiltinError("a header that is no object")
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotOfferedError("a header that names a member twice")
    return members


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in the order in which they were written."""


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


TOKENS: Mapping[str, Builtin] = {
    "io.jwt.decode": Builtin(_decode, 1),
    "io.jwt.decode_verify": Builtin(_decode_verify, 2),
    "io.jwt.encode_sign": Builtin(_encode_sign, 3),
    "io.jwt.encode_sign_raw": Builtin(_encode_sign_raw, 3),
    "io.jwt.verify_eddsa": Builtin(_verified_by("EdDSA"), 2),
    **{f"io.jwt.verify_hs{size}": Builtin(_verified_by_secret(size), 2) for size in HASHES},
    **{
        f"io.jwt.verify_{kind}{size}": Builtin(_verified_by(f"{kind.upper()}{size}"), 2)
        for kind in ("rs", "ps", "es")
        for size in HASHES
    },
}
