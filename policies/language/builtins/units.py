"""Built-ins on amounts with a unit: `10Ki`, `2.5e3K`, `100mib`.

Everything is exact, except where OPA itself rounds: bytes are multiplied with a mantissa of 64 bits and cut
off, other amounts are rounded to ten decimal places and keep them as digits.
"""

import re
from decimal import Decimal
from fractions import Fraction

from policies.language.builtins.operands import Builtin, text
from policies.language.builtins.texts import lower_text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.numbers import Number, binary
from policies.language.values import Value

_AMOUNT = re.compile(r"([-+]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([-+]?[0-9]+))?")
# What stands before the unit: an `e` belongs to it only where a digit or a sign follows.
_NUMBER = re.compile(r"(?:[0-9.+-]|[eE](?:[-+]|(?=[0-9])))*")
_EXPONENT = re.compile(r"[eE][-+]?([0-9]*)")
_LONGEST_EXPONENT = 6
_LONGEST_AMOUNT = 400
# The powers of five that OPA multiplies with are exact this far, and its rounding is ours.
_EXACT_SCALE = 55
_LARGEST_SCALE = 400
_PLACES = 10

_DECIMAL_UNITS = {letter: 1000**power for power, letter in enumerate("kmgtpe", start=1)}
_BINARY_UNITS = {f"{letter}i": 1024**power for power, letter in enumerate("kmgtpe", start=1)}
_BYTE_UNITS = {
    "": 1,
    **_DECIMAL_UNITS,
    **_BINARY_UNITS,
    **{f"{unit}b": size for unit, size in (_DECIMAL_UNITS | _BINARY_UNITS).items()},
}
# A small `m` is a thousandth, as the binary float that OPA multiplies with.
_UNITS = {
    "": Fraction(1),
    **{unit: Fraction(size) for unit, size in (_DECIMAL_UNITS | _BINARY_UNITS).items()},
    **{unit.capitalize(): Fraction(n) for unit, n in (_DECIMAL_UNITS | _BINARY_UNITS).items()},
    "m": Fraction(0.001),
}


def _parts(value: str) -> tuple[str, str]:
    """Split into the number and its unit. Raises BuiltinError as OPA does."""
    if " " in value:
        raise BuiltinError("an amount without spaces needed")
    found = _NUMBER.match(value)
    number = found.group() if found else ""
    if not number:
        raise BuiltinError("no amount before the unit")
    if any(len(digits) > _LONGEST_EXPONENT for digits in _EXPONENT.findall(number)):
        raise BuiltinError(f"an exponent of more than {_LONGEST_EXPONENT} digits")
    return number, value[len(number) :]


def _read(number: str, *, largest: int) -> Fraction:
    """Read the number exactly. Raises NotOfferedError where its scale is beyond `largest`."""
    if len(number) > _LONGEST_AMOUNT:
        raise NotOfferedError(f"an amount of more than {_LONGEST_AMOUNT} characters")
    found = _AMOUNT.fullmatch(number)
    if found is None or not (found.group(2) or found.group(3)):
        raise BuiltinError("an amount that is no number")
    sign, whole, places, exponent = found.groups()
    scale = int(exponent or 0) - len(places or "")
    if abs(scale) > largest:
        raise NotOfferedError(f"an amount with a scale beyond {largest}")
    digits = int(f"{whole}{places or ''}")
    return Fraction(-digits if sign == "-" else digits) * Fraction(10) ** scale


def _parse_bytes(value: Value) -> int:
    number, unit = _parts(lower_text(text(value)).replace('"', ""))
    if unit not in _BYTE_UNITS:
        raise BuiltinError("a unit of bytes that is not known")
    amount = binary(_read(number, largest=_EXACT_SCALE))
    return int(binary(amount * _BYTE_UNITS[unit]))


def _parse(value: Value) -> Number:
    number, written = _parts(text(value).replace('"', ""))
    unit = written[:1] + lower_text(written[1:])
    if unit not in _UNITS:
        raise BuiltinError("a unit that is not known")
    amount = _read(number, largest=_LARGEST_SCALE) * _UNITS[unit]
    if amount.denominator == 1:
        return amount.numerator
    return _rounded(amount)


def _rounded(amount: Fraction) -> Decimal:
    """Return the amount with ten decimal places, half away from zero, as OPA writes it."""
    scaled = int(abs(amount) * 10**_PLACES + Fraction(1, 2))
    if scaled % 10**_PLACES == 0:
        raise NotOfferedError(f"an amount that is whole only in its first {_PLACES} places")
    if scaled < 10 ** (_PLACES - 6):
        raise NotOfferedError("an amount below a millionth")
    digits = tuple(map(int, str(scaled)))
    return Decimal((int(amount < 0), digits, -_PLACES))


UNITS = {
    "units.parse": Builtin(_parse, 1),
    "units.parse_bytes": Builtin(_parse_bytes, 1),
}
