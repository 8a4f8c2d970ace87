"""Values of sources in the one spelling in which they cross a department's border.

Text, 32-bit integers and booleans are JSON's own; Long and Decimal are JSON strings, because a reader's
numbers may be 53-bit floats; Date is `YYYY-MM-DD`; DateTime is RFC 3339 in UTC with milliseconds and `Z`;
bytes are base64url without padding. Whatever a source gives that cannot be written so exactly is an
error, never a guess. Errors name the type and never the value.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, assert_never

from catalogue.model import ItemType

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
KNOWN = 4_096
"""Texts of which is kept whether they are a day or an amount as it is written: records share them."""
WRITTEN_CHARACTERS = 60
"""No day or amount is longer; a longer text is not kept, and looked at more closely."""

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_PLAIN_DECIMALS = re.compile(r"(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?\n)*+")
"""A line each."""
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_WIRE_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def to_wire(type_: ItemType, value: Any, zone: tzinfo) -> Any:
    """Return a source's value as it is given; None stays None.

    `zone` is where naive date-times of the source are read. Raises ValueError naming the type.
    """
    if value is None:
        return None
    try:
        return _writer(type_)(value, zone)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        # The cause would carry the value into a traceback, and the value may be personal.
        raise ValueError(f"a {type(value).__name__} is no {type_.value} as registered") from None


def converter(type_: ItemType, zone: tzinfo) -> Callable[[Any], Any]:
    """Return `to_wire` for one type and zone, quick for a value that needs little or no change."""
    quick = _QUICK.get(type_)

    def convert(value: Any) -> Any:
        if value is None:
            return None
        found = quick(value) if quick is not None else None
        return to_wire(type_, value, zone) if found is None else found

    return convert


def quick(type_: ItemType) -> Callable[[Any], Any] | None:
    """Return what writes most values of a type: None of a value stands for *look more closely*."""
    return _QUICK.get(type_)


def text_test(type_: ItemType) -> Callable[[str], bool] | None:
    """Return what says of a text that it is written as its type is; None where texts are to be looked at.

    It is asked only of texts of WRITTEN_CHARACTERS at most, for it keeps them.
    """
    return _TEXT_TESTS.get(type_)


def converted(type_: ItemType, values: Sequence[Any], zone: tzinfo) -> Sequence[Any]:
    """Return `to_wire` of each of many values. Raises as it does."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str}:
        different = [value for value in set(values) if value is not None]
        if _as_written(type_, different):
            return values
    elif kinds != {int}:
        # Values of other types may be equal and be written in different ways: 1.0 and 1.00.
        return list(map(converter(type_, zone), values))
    elif type_ is ItemType.LONG:
        known = {value: str(value) for value in set(values) - {None}}
        if -LONG_MAX - 1 <= min(known) <= max(known) <= LONG_MAX:
            return list(map(known.get, values))
    convert = converter(type_, zone)
    written = {value: convert(value) for value in set(values)}
    return list(map(written.__getitem__, values))


def _as_written(type_: ItemType, texts: Sequence[str]) -> bool:
    """Say whether all of many texts are known to be written as their type is; else each is looked at."""
    try:
        match type_:
            case ItemType.TEXT:
                "".join(texts).encode()
                return True
            case ItemType.DATE:
                return list(map(date.isoformat, map(date.fromisoformat, texts))) == texts
            case ItemType.DECIMAL:
                lines = "\n".join([*texts, ""])
                short = max(map(len, texts)) <= 60 and lines.count("\n") == len(texts)
                return short and _PLAIN_DECIMALS.fullmatch(lines) is not None
            case _:
                return False
    except ValueError:
        return False


def from_wire(type_: ItemType, wire: Any) -> Any:
    """Return the Python value that a wire value stands for; the inverse of `to_wire`.

    Raises ValueError for anything that `to_wire` would not have written.
    """
    if wire is None:
        return None
    try:
        value = _read(type_, wire)
        written = to_wire(type_, value, UTC)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        raise ValueError(f"not a {type_.value} as it is written") from None
    # Strictly the same: True is not 1.
    if written != wire or type(written) is not type(wire):
        raise ValueError(f"not a {type_.value} as it is written")
    return value


def format_datetime(moment: datetime) -> str:
    """Write an aware moment: UTC, milliseconds (the rest is cut off), `Z`."""
    if moment.tzinfo is None:
        raise ValueError("a date-time without a zone")
    written = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return written.removesuffix("+00:00") + "Z"


def format_epoch_ms(epoch_ms: int) -> str:
    """Write epoch milliseconds as `format_datetime` does, without passing through a float."""
    second, milliseconds = divmod(epoch_ms, 1_000)
    return f"{_format_second(second)}.{milliseconds:03}Z"


@lru_cache(maxsize=64)
def _format_second(second: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return moment.isoformat().removesuffix("+00:00")


def format_bytes(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def parse_bytes(text: str) -> bytes:
    """Read unpadded base64url; padding, other alphabets and loose end bits are refused."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if format_bytes(content) != text:
        raise ValueError("not base64url as it is written")
    return content


def _text(value: Any, _: tzinfo) -> str:
    if isinstance(value, str):
        value.encode()  # A lone surrogate has no bytes and so cannot be sent.
        return value
    # Code columns are numbers at some departments. Floats are not codes.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _whole(value: Any, most: int) -> int:
    exact = (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, Decimal) and value.adjusted() < 20 and value == int(value))
        or (isinstance(value, str) and _INTEGER.fullmatch(value) is not None)
    )
    if not exact:
        raise TypeError
    number = int(value)
    if not -most - 1 <= number <= most:
        raise OverflowError
    return number


def _integer(value: Any, _: tzinfo) -> int:
    return _whole(value, INT_MAX)


def _long(value: Any, _: tzinfo) -> str:
    return str(_whole(value, LONG_MAX))


def _decimal(value: Any, _: tzinfo) -> str:
    """Write a decimal in plain digits, its scale kept: the trailing zeros of money mean something."""
    if isinstance(value, float):
        # SQLite keeps NUMERIC as a float: its shortest spelling is what the department stored.
        value = Decimal(repr(value))
    elif isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > 60:
        raise ValueError
    written = format(number, "f")
    return written.removeprefix("-") if number.is_zero() else written


def _boolean(value: Any, _: tzinfo) -> bool:
    if isinstance(value, bool):
        return value
    # SQLite has no booleans; 0 and 1 are what its tables hold in their place.
    if isinstance(value, int) and value in {0, 1}:
        return bool(value)
    raise TypeError


def _date(value: Any, _: tzinfo) -> str:
    if isinstance(value, datetime):
        if value.time() != value.time().min:
            raise ValueError
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and _DATE.fullmatch(value):
        return date.fromisoformat(value).isoformat()
    raise TypeError


def _datetime(value: Any, zone: tzinfo) -> str:
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        moment = datetime.fromisoformat(value)
    elif isinstance(value, datetime):
        moment = value
    else:
        raise TypeError
    return format_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def _bytes(value: Any, _: tzinfo) -> str:
    if isinstance(value, str):
        # JSON has no bytes: an HTTP source writes them as we do.
        return format_bytes(parse_bytes(value))
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError
    return format_bytes(bytes(value))


_WRITERS: Mapping[ItemType, Callable[[Any, tzinfo], Any]] = {
    ItemType.TEXT: _text,
    ItemType.INTEGER: _integer,
    ItemType.LONG: _long,
    ItemType.DECIMAL: _decimal,
    ItemType.BOOLEAN: _boolean,
    ItemType.DATE: _date,
    ItemType.DATETIME: _datetime,
    ItemType.BYTES: _bytes,
}


# Each returns what its writer would, or None where that one has to look more closely.
def _quick_text(value: Any) -> str | None:
    if type(value) is not str:
        return None
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
    return value


def _quick_integer(value: Any) -> int | None:
    return value if type(value) is int and -INT_MAX - 1 <= value <= INT_MAX else None


def _quick_long(value: Any) -> str | None:
    return str(value) if type(value) is int and -LONG_MAX - 1 <= value <= LONG_MAX else None


@lru_cache(maxsize=KNOWN)
def _is_decimal(text: str) -> bool:
    return text[:1] != "-" and _DECIMAL.fullmatch(text) is not None


@lru_cache(maxsize=KNOWN)
def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _quick_decimal(value: Any) -> str | None:
    return value if _may_be_known(value) and _is_decimal(value) else None


def _quick_date(value: Any) -> str | None:
    return value if _may_be_known(value) and _is_day(value) else None


def _may_be_known(value: Any) -> bool:
    return type(value) is str and len(value) <= WRITTEN_CHARACTERS


_QUICK: Mapping[ItemType, Callable[[Any], Any]] = {
    ItemType.TEXT: _quick_text,
    ItemType.INTEGER: _quick_integer,
    ItemType.LONG: _quick_long,
    ItemType.DECIMAL: _quick_decimal,
    ItemType.DATE: _quick_date,
}


_TEXT_TESTS: Mapping[ItemType, Callable[[str], bool]] = {
    ItemType.DECIMAL: _is_decimal,
    ItemType.DATE: _is_day,
}


def _writer(type_: ItemType) -> Callable[[Any, tzinfo], Any]:
    return _WRITERS[type_]


def _read(type_: ItemType, wire: Any) -> Any:
    match type_:
        case ItemType.TEXT | ItemType.INTEGER | ItemType.BOOLEAN:
            return wire
        case ItemType.LONG:
            return int(wire) if _INTEGER.fullmatch(wire) else wire[:0]
        case ItemType.DECIMAL:
            return Decimal(wire) if _DECIMAL.fullmatch(wire) else wire[:0]
        case ItemType.DATE:
            return date.fromisoformat(wire)
        case ItemType.DATETIME:
            if not _WIRE_DATETIME.fullmatch(wire):
                raise ValueError(type_)
            return datetime.fromisoformat(wire)
        case ItemType.BYTES:
            return parse_bytes(wire)
        case _:
            assert_never(type_)
