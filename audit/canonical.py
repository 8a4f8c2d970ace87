"""One value, one run of bytes: canonical JSON, base64url, and the commitments built on them.

RFC 8785 restricted to what an entry may hold: no floats, |integer| < 2^53, text that is valid Unicode.
What is written here never changes in place: stored entries are hashed as they stand.
"""

import base64
import binascii
import json
import re
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Any, NoReturn

import msgspec

from audit.errors import MalformedError

INTEGER_BOUND = 2**53
"""Integers lie strictly between minus and plus this: beyond, JSON readers disagree."""

DEPTH_BOUND = 64
SALT_LENGTH = 16
SALT_CHARACTERS = 22
DIGEST_LENGTH = 32
ORDINAL_BOUND = 65_536
"""No resource has more items; a bitmap is never longer than 8 KiB."""

_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")

# 22 characters are 132 bits: the last one ends in four that must be zero.
_SALT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")

# Both write what RFC 8785 says of texts and integers; a test holds them against Python's own writer.
_write = msgspec.json.Encoder().encode
_write_sorted = msgspec.json.Encoder(order="deterministic").encode


_TEXTS = {str}


def encode(value: Any, *, inside: int = 0) -> bytes:
    """Write the one canonical form of a value, which will stand `inside` so many others.

    A `msgspec.Raw` in it stands as it is: whoever made it answers for its form.
    """
    try:
        kind = type(value)
        if kind is str or (kind is int and -INTEGER_BOUND < value < INTEGER_BOUND):
            return _write(value)
        if kind is list and inside < DEPTH_BOUND and {*map(type, value)} == _TEXTS:
            return _write(value)
        if _check(value, DEPTH_BOUND - inside):
            return _write_sorted(value)
        return _write(_in_utf16_order(value))
    except UnicodeEncodeError as error:
        raise MalformedError("a lone surrogate in a text, valid Unicode needed") from error


def decode_strict(data: bytes) -> Any:
    """Read canonical JSON; whatever `encode` would not have written is refused."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_members,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
        )
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8, canonical JSON needed") from error
    except (ValueError, RecursionError) as error:
        # The reader's message may quote what it read, so it is not repeated.
        raise MalformedError("not JSON, canonical JSON needed") from error
    if encode(value) != data:
        raise MalformedError("JSON in another than its canonical form")
    return value


def commit_value(salt: str, name: str, value: Any) -> str:
    """Return the digest that stands for a value in a leaf."""
    _check_salt(salt)
    written = (encode(name, inside=1), encode(value, inside=1))
    return b64url(digest_written(salt.encode("ascii"), *written))


def commit_bytes(salt: str, content: bytes) -> str:
    """Return the digest that stands for bytes in a leaf."""
    return b64url(digest_salted(_salt_bytes(salt), content))


def digest_written(salt: bytes, name: bytes, value: bytes) -> bytes:
    """Hash a value under its name, both in canonical form, the salt in base64url."""
    return digest_each([(b'["%b",%b,%b]' % (salt, name, value), b"")])[0]


def digest_each(written: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Hash the arrays of salt, name and value that are committed to, as they are written.

    Beside each stands the end of its base64url where that is known already (`end_of`): the array is then
    given up to where that end begins.
    """
    return [
        sha256(b2a_base64(one, newline=False).translate(_URL_ALPHABET).rstrip(b"=") + end).digest()
        for one, end in written
    ]


def end_of(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return how an array goes on behind its name, and the base64url of its end.

    The salt's length is fixed, and three bytes are four characters: from the first, second or third byte
    behind the name on, the base64url is the same under each salt. Name and value are in canonical form.
    """
    before = -(len(b'["",,') + SALT_CHARACTERS + len(name)) % 3
    rest = value + b"]"
    end = b2a_base64(rest[before:], newline=False).translate(_URL_ALPHABET).rstrip(b"=")
    return rest[:before], end


def digest_salted_each(salted: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Hash bytes, each behind its salt, as `digest_salted` does."""
    return [sha256(salt + content).digest() for salt, content in salted]


def digest_salted(salt: bytes, content: bytes) -> bytes:
    """Hash bytes. The salt's length is fixed, so that no byte can move between salt and content."""
    return digest_salted_each([(salt, content)])[0]


def b64url(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    text = b2a_base64(data, newline=False).translate(_URL_ALPHABET)
    return text.rstrip(b"=").decode("ascii")


def b64url_each(values: Sequence[bytes], *, length: int) -> tuple[bytes, ...]:
    """Write several values of one length as base64url, in one go: as bytes, to be put between others."""
    if not values:
        return ()
    spare = -length % 3
    # Zero bytes between them, so that each begins at a character of its own; what they make is cut off.
    joined = bytes(spare).join(values) + bytes(spare)
    text = b2a_base64(joined, newline=False).translate(_URL_ALPHABET)
    kept = (length * 8 + 5) // 6
    return pieces(text, kept, count=len(values), skipped=(length + spare) // 3 * 4 - kept)


def pieces(whole: bytes, length: int, *, count: int, skipped: int = 0) -> tuple[bytes, ...]:
    """Cut bytes into so many pieces of one length, behind each of which some are skipped."""
    return _cut(length, skipped, count).unpack(whole)


@lru_cache(maxsize=1_024)
def _cut(length: int, skipped: int, count: int) -> Struct:
    return Struct(f"{length}s{skipped}x" * count)


def b64url_decode(text: str) -> bytes:
    """Read unpadded base64url; another spelling of the same bytes is refused."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f"{len(text)} characters that are no base64url") from error
    if b64url(data) != text:
        raise MalformedError("base64url in another than its canonical form")
    return data


def b64(data: bytes) -> str:
    """Write bytes as standard padded base64, as notes and proofs carry them."""
    return b2a_base64(data, newline=False).decode("ascii")


def b64_each(values: Iterable[bytes]) -> list[str]:
    """Write several values as standard padded base64."""
    return [b2a_base64(one, newline=False).decode("ascii") for one in values]


def b64_decode(text: str) -> bytes:
    """Read standard padded base64; another spelling of the same bytes is refused."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f"{len(text)} characters that are no base64") from error
    if b64(data) != text:
        raise MalformedError("base64 in another than its canonical form")
    return data


def bitmap(ordinals: Iterable[int]) -> str:
    """Write a set of item ordinals: bit i of byte i // 8, lowest bit first, no trailing zero byte."""
    bits = 0
    for ordinal in ordinals:
        if not 0 <= ordinal < ORDINAL_BOUND:
            raise MalformedError(f"item ordinal {ordinal}, below {ORDINAL_BOUND} needed")
        bits |= 1 << ordinal
    return b64url(bits.to_bytes((bits.bit_length() + 7) // 8, "little"))


def parse_bitmap(text: str) -> frozenset[int]:
    """Read the item ordinals of a bitmap."""
    data = b64url_decode(text)
    if len(data) * 8 > ORDINAL_BOUND:
        raise MalformedError(f"a bitmap of {len(data)} bytes, {ORDINAL_BOUND // 8} allowed")
    if data.endswith(b"\0"):
        raise MalformedError("a bitmap with a trailing zero byte")
    bits = int.from_bytes(data, "little")
    return frozenset(ordinal for ordinal in range(bits.bit_length()) if bits >> ordinal & 1)


def _check_salt(salt: str) -> None:
    if not _SALT.fullmatch(salt):
        raise MalformedError(f"another salt than {SALT_LENGTH} bytes in base64url")


def _salt_bytes(salt: str) -> bytes:
    _check_salt(salt)
    return base64.urlsafe_b64decode(salt + "==")


def _check(value: Any, depth: int) -> bool:
    """Refuse what has no canonical form; say whether sorting keys by code point is enough."""
    plain, level = True, [value]
    # One level of nesting after the other, and no call for each value: every entry is looked through.
    while level:
        inside: list[Any] = []
        for held in level:
            kind = type(held)
            if kind is str or held is None or kind is bool:
                continue
            if kind is int:
                if not -INTEGER_BOUND < held < INTEGER_BOUND:
                    raise MalformedError("an integer of 2^53 or more")
            elif kind is dict or kind is list or kind is tuple:
                if not depth:
                    raise MalformedError(f"nested deeper than {DEPTH_BOUND}")
                if kind is dict:
                    try:
                        keys = "".join(held)
                    except TypeError as error:
                        raise MalformedError("a key of another type than text") from error
                    plain = plain and (keys.isascii() or max(keys) < "\ud800")
                    inside += held.values()
                else:
                    inside += held
            elif kind is not msgspec.Raw and not isinstance(held, StrEnum):
                raise MalformedError(f"a {kind.__name__} has no canonical form")
        level, depth = inside, depth - 1
    return plain


def _in_utf16_order(value: Any) -> Any:
    """Order keys by UTF-16 code units (RFC 8785, 3.2.3), which differs from code points past U+D7FF."""
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _in_utf16_order(value[key]) for key in ordered}
    if isinstance(value, list | tuple):
        return [_in_utf16_order(held) for held in value]
    return value


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("a key stands twice in one object")
    return members


def _refuse_float(_: str) -> NoReturn:
    raise MalformedError("a number that is no integer")
