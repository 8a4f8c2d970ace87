"""Built-ins on names with an inner order: semantic versions, UUIDs."""

import re
from dataclasses import dataclass
from typing import Any

from policies.language.builtins.operands import Builtin, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import UNDEFINED, Value

_IDENTIFIERS = re.compile(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*")
_NUMBER = re.compile(r"[0-9]+")
_LARGEST = (1 << 63) - 1
_LONGEST_NUMBER = 1000


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version; what follows `+` has no rank (semver.org, 10)."""

    numbers: tuple[int, ...]
    before: str


def _version(value: Value) -> Version:
    """Read a version as OPA does: a leading `v` and leading zeros are taken."""
    core, _, build = text(value).removeprefix("v").partition("+")
    core, _, before = core.partition("-")
    if any(part and not _IDENTIFIERS.fullmatch(part) for part in (build, before)):
        raise BuiltinError("a version with an identifier that is not valid")
    parts = core.split(".")
    if len(parts) != 3 or not all(map(_NUMBER.fullmatch, parts)):
        raise BuiltinError("a version of three numbers needed")
    return Version(tuple(map(_fitting, parts)), before)


def _fitting(digits: str) -> int:
    number = _int(digits)
    if number > _LARGEST:
        raise BuiltinError("a number of a version beyond 64 bits")
    return number


def _int(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise NotOfferedError(f"a number of more than {_LONGEST_NUMBER} digits in a version")
    return int(digits)


def _is_version(value: Value) -> bool:
    if type(value) is not str:
        return False
    try:
        _version(value)
    except BuiltinError:
        return False
    return True


def _order(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _compare(left: Value, right: Value) -> int:
    one, other = _version(left), _version(right)
    if one.numbers != other.numbers:
        return _order(one.numbers, other.numbers)
    if one.before == other.before:
        return 0
    if not one.before or not other.before:
        return -1 if one.before else 1
    return _order_before(one.before, other.before)


def _order_before(left: str, right: str) -> int:
    """Compare two pre-releases that are not the same text (semver.org, 11.4)."""
    ours, theirs = left.split("."), right.split(".")
    for one, other in zip(ours, theirs, strict=False):
        ordered = _order(_rank(one), _rank(other))
        if ordered:
            return ordered
    if len(ours) == len(theirs):
        raise NotOfferedError("pre-releases that differ in leading zeros alone")
    return _order(len(ours), len(theirs))


def _rank(identifier: str) -> tuple[int, int, str]:
    # OPA takes a number beyond 64 bits for the largest one.
    if _NUMBER.fullmatch(identifier):
        return (0, min(_int(identifier), _LARGEST), "")
    return (1, 0, identifier)


# UUIDs (RFC 9562); version and variant, and for versions 1 and 2 what they are made of.

_UUID = re.compile(
    rb"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})", re.IGNORECASE
)
_PLAIN = re.compile(rb"[0-9a-f]{32}", re.IGNORECASE)
_URN = b"urn:uuid:"
_DOMAINS = ("Person", "Group", "Org")
_MAC = ("global:unicast", "global:multicast", "local:unicast", "local:multicast")
# 100-nanosecond intervals from 15 October 1582 to 1 January 1970 (RFC 9562, 5.1).
_GREGORIAN = 122_192_928_000_000_000


def _parse_uuid(value: Value) -> Value:
    octets = _octets(text(value).encode())
    return UNDEFINED if octets is None else _described(octets)


def _octets(written: bytes) -> bytes | None:
    size = len(written)
    if size == 32:
        return bytes.fromhex(written.decode()) if _PLAIN.fullmatch(written) else None
    if size == 36 + len(_URN) and written[: len(_URN)].lower() == _URN:
        written = written[len(_URN) :]
    elif size == 38:
        # Whatever stands in the place of the braces: OPA does not look at it.
        written = written[1:-1]
    found = _UUID.fullmatch(written)
    return None if found is None else bytes.fromhex(b"".join(found.groups()).decode())


def _described(octets: bytes) -> dict[Any, Value]:
    version = octets[6] >> 4
    found: dict[Any, Value] = {"version": version, "variant": _variant(octets[8])}
    if version in {1, 2}:
        node = octets[10:]
        found["time"] = _unix_time(octets)
        found["nodeid"] = node.hex("-")
        found["macvariables"] = _MAC[node[0] & 0b11]
        found["clocksequence"] = int.from_bytes(octets[8:10]) & 0x3FFF
    if version == 2:
        domain = octets[9]
        found["id"] = int.from_bytes(octets[:4])
        found["domain"] = _DOMAINS[domain] if domain < len(_DOMAINS) else f"Domain{domain}"
    return found


def _variant(octet: int) -> str:
    if octet & 0xC0 == 0x80:
        return "RFC4122"
    if octet & 0xE0 == 0xC0:
        return "Microsoft"
    return "Future" if octet & 0xE0 == 0xE0 else "Reserved"


def _unix_time(octets: bytes) -> int:
    """Return nanoseconds since 1970 in 64 bits: beyond them they wrap around, as in OPA."""
    high = int.from_bytes(octets[6:8]) & 0x0FFF
    ticks = high << 48 | int.from_bytes(octets[4:6]) << 32 | int.from_bytes(octets[:4])
    wrapped = ((ticks - _GREGORIAN) * 100) & ((1 << 64) - 1)
    return wrapped - (1 << 64) if wrapped >> 63 else wrapped


VERSIONS = {
    "semver.is_valid": Builtin(_is_version, 1),
    "semver.compare": Builtin(_compare, 2),
    "uuid.parse": Builtin(_parse_uuid, 1),
}
