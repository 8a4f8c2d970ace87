"""HTTP Message Signatures (RFC 9421) as this exchange takes them: one fixed form, checked strictly.

Only what our own client writes is taken: one label, components from one list, no component parameters,
the canonical spelling of RFC 8941. The text of `@signature-params` is then what stands in the header.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import msgspec

from audit.entry import Nonce
from catalogue.model import SystemKey
from exchange.identity.errors import IdentityError
from exchange.identity.keys import check_signature, read_public_der

TAG = "exchange/1"
DERIVED = ("@method", "@authority", "@path", "@query")
FIELDS = ("content-type", "content-digest", "exchange-usage", "exchange-partial")
COMPONENTS = (*DERIVED, *FIELDS)

_SINGLE = frozenset(
    {
        "host",
        "authorization",
        "dpop",
        "signature",
        "signature-input",
        "content-length",
        "content-encoding",
        *FIELDS,
    }
)
_NAMES = {name.encode("ascii"): name for name in _SINGLE}
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

_LABEL = r"[a-z*][a-z0-9_\-.*]{0,63}"
_STRING = r'"[ !#-\[\]-~]*"'
_INPUT = re.compile(
    rf"(?P<label>{_LABEL})="
    rf"(?P<params>\((?P<components>{_STRING}(?: {_STRING})*)?\)"
    rf"(?P<rest>(?:;[a-z]+=(?:{_STRING}|[0-9]{{1,15}}))*))"
)
_PARAMETER = re.compile(rf";([a-z]+)=({_STRING}|[0-9]{{1,15}})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_SIGNATURE = re.compile(rf"(?P<label>{_LABEL})=:(?P<bytes>[A-Za-z0-9+/]{{86}}==):")
_DIGEST = re.compile(r"sha-256=:(?P<bytes>[A-Za-z0-9+/]{43}=):")
_METHOD = re.compile(r"[A-Z]{1,16}")
# RFC 3986 path characters; escapes only where they are needed, upper-case, and never for a control
# character, a dot, a slash, a backslash or the percent sign itself: two readers must not see two paths.
_PATH = re.compile(
    rb"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?:[8-9A-F][0-9A-F]|2[023]|3[CEF]|5[BDE]|60|7[BCD]))+)+/?|/"
)
_QUERY = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")

RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which times are taken: how far clocks may differ, how long a signature may hold."""

    skew_s: int = 5
    longest_s: int = 300
    not_before_ms: int = 0
    """Whatever was made before is refused: the time of the last restore from a backup."""


USUAL_WINDOW = Window()


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A request that the holder of `key` signed, exactly as it was received."""

    key: SystemKey
    nonce: Nonce
    base: bytes
    """Signature base (RFC 9421, 2.5)."""
    signature: bytes


class _Input(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    components: tuple[str, ...]
    params: str
    created: int
    expires: int
    nonce: str
    key_id: str
    algorithm: str | None
    """None means that the signer left it to the registered key."""


def verify_request(  # noqa: PLR0913 - the parts of a request, none of which has a default
    method: str,
    authority: str,
    path: bytes,
    query: bytes,
    headers: RawHeaders,
    body: bytes,
    *,
    keys: Mapping[str, SystemKey],
    now: datetime,
    window: Window = USUAL_WINDOW,
) -> Signed:
    """Return who signed this request; raises IdentityError.

    `authority` is the exchange's own, never the Host header; `path` and `query` are raw as on the wire,
    `headers` as ASGI gives them. The nonce is not looked up here: its use becomes durable with the entry of
    the call.
    """
    return verify_fields(
        method,
        authority,
        path,
        query,
        read_headers(headers),
        body,
        keys=keys,
        now=now,
        window=window,
    )


def verify_fields(  # noqa: PLR0913 - as above
    method: str,
    authority: str,
    path: bytes,
    query: bytes,
    fields: Mapping[str, str],
    body: bytes,
    *,
    keys: Mapping[str, SystemKey],
    now: datetime,
    window: Window = USUAL_WINDOW,
) -> Signed:
    """As `verify_request`, of headers that `read_headers` has read."""
    given = _read_input(fields)
    label, signature = _read_signature(fields)
    if label != given.label:
        raise IdentityError("SIGNATURE_MALFORMED", "Signature and Signature-Input differ in label")
    check_path(path, query)
    _check_coverage(given.components, method=method, sent=tuple(fields), has_body=bool(body))
    _check_time(given, now=now, window=window)
    key = find_key(given.key_id, keys=keys, now=now)
    if given.algorithm not in (None, key.algorithm):
        raise IdentityError("ALGORITHM_MISMATCH")
    _check_digest(fields, body)
    values = {
        **fields,
        "@method": method,
        "@authority": authority,
        "@path": path.decode("ascii"),
        "@query": "?" + query.decode("ascii"),
    }
    base = signature_base(given.components, values, params=given.params)
    check_signature(read_public_der(key.public), signature, message=base)
    held_until = (given.expires + window.skew_s) * 1000
    nonce = Nonce(key=key.id, nonce=given.nonce, expires=held_until)
    return Signed(key=key, nonce=nonce, base=base, signature=signature)


def read_headers(headers: RawHeaders) -> dict[str, str]:
    """The headers that identity is about, by lower-case name; a second one of a name is refused."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = _NAMES.get(raw_name.lower())
        if name is None:
            continue
        if name in fields:
            raise IdentityError("HEADER_DUPLICATE", f"{name} occurs twice, once needed")
        # RFC 9421, 2.1: surrounding white space is no part of the value.
        value = raw_value.strip(b" \t").decode("latin-1")
        if not (value.isascii() and value.isprintable()):
            raise IdentityError("HEADER_MALFORMED", f"{name} is not printable ASCII")
        fields[name] = value
    return fields


def find_key(key_id: str, *, keys: Mapping[str, SystemKey], now: datetime) -> SystemKey:
    """Return a registered key that may be used now."""
    key = keys.get(key_id)
    if key is None:
        raise IdentityError("KEY_UNKNOWN")
    if key.state != "active":
        raise IdentityError("KEY_REVOKED")
    if key.not_after is not None and now >= key.not_after:
        raise IdentityError("KEY_EXPIRED")
    return key


@lru_cache(maxsize=256)
def check_path(path: bytes, query: bytes) -> None:
    """Refuse a target that two readers could understand differently: dot segments, NUL, loose escapes."""
    segments = path.split(b"/")
    if not _PATH.fullmatch(path) or b"." in segments or b".." in segments:
        raise IdentityError("PATH_AMBIGUOUS")
    try:
        # Overlong and broken UTF-8 is where decoders differ most.
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise IdentityError("PATH_AMBIGUOUS", "the path is not UTF-8") from error
    if not _QUERY.fullmatch(query):
        raise IdentityError("PATH_AMBIGUOUS", "the query holds characters that must be escaped")


def signature_base(components: Sequence[str], values: Mapping[str, str], *, params: str) -> bytes:
    """RFC 9421, 2.5. No value holds a line break: `read_headers` and `check_path` saw to that."""
    lines = [f'"{name}": {values[name]}' for name in components]
    lines.append(f'"@signature-params": {params}')
    return "\n".join(lines).encode("ascii")


def content_digest(body: bytes) -> str:
    """RFC 9530."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def _read_input(fields: Mapping[str, str]) -> _Input:
    text = fields.get("signature-input")
    if text is None:
        raise IdentityError("SIGNATURE_MISSING", "no Signature-Input header")
    match = _INPUT.fullmatch(text)
    if match is None:
        raise IdentityError("SIGNATURE_MALFORMED", "Signature-Input is not one canonical member")
    pairs = _PARAMETER.findall(match["rest"])
    values = dict(pairs)
    wanted = {"created", "expires", "nonce", "keyid", "tag"}
    if len(values) != len(pairs) or not wanted <= values.keys() <= wanted | {"alg"}:
        raise IdentityError(
            "SIGNATURE_MALFORMED",
            "created, expires, nonce, keyid, tag needed once, nothing but alg",
        )
    if values["tag"] != f'"{TAG}"':
        raise IdentityError("SIGNATURE_MALFORMED", f'tag="{TAG}" needed')
    return _Input(
        label=match["label"],
        components=_read_components(match["components"] or ""),
        params=match["params"],
        created=_number(values["created"], "created"),
        expires=_number(values["expires"], "expires"),
        nonce=_text(values["nonce"], "nonce", _NONCE),
        key_id=_text(values["keyid"], "keyid", _KEY_ID),
        algorithm=values["alg"].strip('"') if "alg" in values else None,
    )


@lru_cache(maxsize=256)
def _read_components(text: str) -> tuple[str, ...]:
    names = tuple(part.strip('"') for part in text.split(" ")) if text else ()
    if len(set(names)) != len(names):
        raise IdentityError("SIGNATURE_MALFORMED", "a component is listed twice")
    if not set(names) <= set(COMPONENTS):
        raise IdentityError("COMPONENT_UNKNOWN", f"only {' '.join(COMPONENTS)} may be covered")
    return names


def _number(text: str, name: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise IdentityError("SIGNATURE_MALFORMED", f"{name} is no number of seconds")
    return int(text)


def _text(text: str, name: str, pattern: re.Pattern[str]) -> str:
    inner = text[1:-1]
    if not text.startswith('"') or not pattern.fullmatch(inner):
        raise IdentityError("SIGNATURE_MALFORMED", f"{name} does not match {pattern.pattern}")
    return inner


def _read_signature(fields: Mapping[str, str]) -> tuple[str, bytes]:
    text = fields.get("signature")
    if text is None:
        raise IdentityError("SIGNATURE_MISSING", "no Signature header")
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        raise IdentityError("SIGNATURE_MALFORMED", "Signature is not one member of 64 bytes")
    signature = b64decode(match["bytes"], validate=True)
    if b64encode(signature).decode() != match["bytes"]:
        raise IdentityError("SIGNATURE_MALFORMED", "Signature has loose bits")
    return match["label"], signature


@lru_cache(maxsize=256)
def _check_coverage(
    components: tuple[str, ...], *, method: str, sent: tuple[str, ...], has_body: bool
) -> None:
    """Refuse a signature that leaves out what it has to cover; `sent` are the names of the fields."""
    if not _METHOD.fullmatch(method):
        raise IdentityError("SIGNATURE_MALFORMED", "the method is not written in capitals")
    needed = set(DERIVED) | {name for name in FIELDS if name in sent}
    if has_body or method not in _BODILESS:
        needed |= {"content-type", "content-digest"}
    missing = sorted((needed - set(components)) | (set(components) & set(FIELDS)) - set(sent))
    if missing:
        raise IdentityError("COMPONENT_MISSING", f"not covered or not there: {' '.join(missing)}")


def _check_time(given: _Input, *, now: datetime, window: Window) -> None:
    at_ms = int(now.timestamp() * 1000)
    if given.created * 1000 > at_ms + window.skew_s * 1000:
        raise IdentityError("SIGNATURE_EARLY")
    if given.expires - given.created > window.longest_s:
        raise IdentityError("SIGNATURE_LONG", f"at most {window.longest_s} s allowed")
    if given.expires <= given.created or at_ms >= given.expires * 1000:
        raise IdentityError("SIGNATURE_EXPIRED")
    if given.created * 1000 < window.not_before_ms:
        raise IdentityError("SIGNATURE_BEFORE_RESTORE")


def _check_digest(fields: Mapping[str, str], body: bytes) -> None:
    text = fields.get("content-digest")
    if text is None:
        return  # Coverage demanded it wherever there is a body.
    match = _DIGEST.fullmatch(text)
    if match is None:
        raise IdentityError("DIGEST_MISMATCH", "Content-Digest is not one sha-256 member")
    if not hmac.compare_digest(content_digest(body), text):
        raise IdentityError("DIGEST_MISMATCH")
