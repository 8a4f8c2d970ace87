"""Built-ins on texts that stand for bytes: base64, base64url, hex; what is no UTF-8 is not offered."""

import base64
import re
from collections.abc import Callable

from policies.language.builtins.operands import Builtin, bounded, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
# As Go reads it: line ends are skipped, wherever they stand.
_LINE_ENDS = str.maketrans("", "", "\r\n")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_URL_TO_PLAIN = str.maketrans("-_+/", "+/!!")


def _bytes(value: Value) -> bytes:
    return text(value).encode()


def _from_base64(value: str) -> bytes:
    plain = value.translate(_LINE_ENDS)
    if not _BASE64.fullmatch(plain):
        raise BuiltinError("a text that is no base64")
    return base64.b64decode(plain)


def _from_base64url(value: str) -> bytes:
    """Read base64url; padding may be left out (RFC 7515, appendix C)."""
    padding = "" if value.endswith("=") else "=" * (-len(value.encode()) % 4)
    if len(padding) == 3:
        raise BuiltinError("a text that is no base64url")
    return _from_base64((value + padding).translate(_URL_TO_PLAIN))


def _from_hex(value: str) -> bytes:
    if not _HEX.fullmatch(value):
        raise BuiltinError("a text that is no hexadecimal")
    return bytes.fromhex(value)


def _decoded(read: Callable[[str], bytes], value: Value) -> str:
    try:
        return read(text(value)).decode()
    except UnicodeDecodeError as error:
        raise NotOfferedError("a text that does not decode to UTF-8") from error


def _is_base64(value: Value) -> bool:
    return type(value) is str and _BASE64.fullmatch(value.translate(_LINE_ENDS)) is not None


def _to_base64(value: Value) -> str:
    return bounded(base64.b64encode(_bytes(value)).decode())


def _to_base64url(value: Value) -> str:
    return bounded(base64.urlsafe_b64encode(_bytes(value)).decode())


ENCODINGS = {
    "base64.encode": Builtin(_to_base64, 1),
    "base64.decode": Builtin(lambda value: _decoded(_from_base64, value), 1),
    "base64.is_valid": Builtin(_is_base64, 1),
    "base64url.encode": Builtin(_to_base64url, 1),
    "base64url.encode_no_pad": Builtin(lambda value: _to_base64url(value).rstrip("="), 1),
    "base64url.decode": Builtin(lambda value: _decoded(_from_base64url, value), 1),
    "hex.encode": Builtin(lambda value: bounded(_bytes(value).hex()), 1),
    "hex.decode": Builtin(lambda value: _decoded(_from_hex, value), 1),
}
