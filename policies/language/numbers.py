"""Numbers as Rego has them: an integer, or a decimal that is none; never a binary float.

OPA adds, subtracts and multiplies integers exactly. Anything else it calculates in binary floating point
with a mantissa of 64 bits, and prints the shortest decimal that reads back as the same value. The same
is done here with integers: a result is equal to OPA's to the last digit, on every machine.
"""

import math
from decimal import Context, Decimal, InvalidOperation, localcontext
from fractions import Fraction
from typing import TypeGuard

Number = int | Decimal

_PRECISION = 64
_SHORT = 1 << 63
_LARGEST_EXPONENT = 400
_MOST_BITS = (10**_LARGEST_EXPONENT).bit_length()
_EXACT = Context(prec=2000)


def read_number(text: str) -> Number:
    """Read a JSON number exactly. Raises ValueError where it is too large to be worked with."""
    if text.lstrip("-").isdigit():
        if len(text) > _LARGEST_EXPONENT:
            raise ValueError(f"a number of {len(text)} digits, {_LARGEST_EXPONENT} at most")
        return int(text)
    return normalise(Decimal(text))


def normalise(number: Decimal) -> Number:
    """Return an integer where the number is one. Raises ValueError outside the range served."""
    if not number.is_finite():
        raise ValueError("a number that is not finite")
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(f"an exponent beyond {_LARGEST_EXPONENT}")
    if number == number.to_integral_value(context=_EXACT):
        return int(number)
    return number.normalize(_EXACT)


def from_float(number: float) -> Number:
    """Return the number whose shortest text is that of the float."""
    return normalise(Decimal(repr(number)))


def to_plain(number: Decimal) -> float | Decimal:
    """Return the float with the same text, or the decimal where no float has it."""
    plain = float(number)
    return plain if Decimal(repr(plain)) == number else number


def add(left: Number, right: Number) -> Number:
    if type(left) is int and type(right) is int:
        return _served(left + right)
    return _shortest(binary(left) + binary(right))


def subtract(left: Number, right: Number) -> Number:
    if type(left) is int and type(right) is int:
        return _served(left - right)
    return _shortest(binary(left) - binary(right))


def multiply(left: Number, right: Number) -> Number:
    if type(left) is int and type(right) is int:
        return _served(left * right)
    return _shortest(binary(left) * binary(right))


def divide(left: Number, right: Number) -> Number:
    """Raises ZeroDivisionError where `right` is zero."""
    return _shortest(binary(left) / binary(right))


def absolute(number: Number) -> Number:
    positive = -number if number < 0 else number
    return positive if _is_short(positive) else _shortest(binary(positive))


def floor(number: Number) -> int:
    return number if _is_short(number) else math.floor(_near(number))


def ceiling(number: Number) -> int:
    return number if _is_short(number) else math.ceil(_near(number))


def round_half_away(number: Number) -> int:
    if _is_short(number):
        return number
    near = _near(number)
    whole = math.floor(abs(near) + Fraction(1, 2))
    return whole if near > 0 else -whole


def _near(number: Number) -> Fraction:
    """Return a decimal as it is written, and an integer as OPA rounds it."""
    return binary(number) if isinstance(number, int) else Fraction(number)


def _is_short(value: Number) -> TypeGuard[int]:
    """Whether a value is an integer that 64 bits hold."""
    return type(value) is int and -_SHORT < value < _SHORT


def _served(exact: int) -> int:
    """Refuse an integer that only a runaway calculation makes."""
    if exact.bit_length() > _MOST_BITS:
        raise ValueError(f"an integer of more than {_LARGEST_EXPONENT} digits")
    return exact


def binary(number: Number | Fraction) -> Fraction:
    """Return the nearest number with a mantissa of 64 bits, ties to even."""
    return _rounded(Fraction(number))


def _rounded(exact: Fraction) -> Fraction:
    numerator, denominator = abs(exact.numerator), exact.denominator
    if numerator == 0:
        return exact
    shift = _PRECISION - (numerator.bit_length() - denominator.bit_length())
    mantissa = _scaled(numerator, denominator, shift)
    if mantissa.bit_length() > _PRECISION:
        shift -= 1
        mantissa = _scaled(numerator, denominator, shift)
    rounded = Fraction(mantissa, 1 << shift) if shift >= 0 else Fraction(mantissa << -shift)
    return rounded if exact > 0 else -rounded


def _scaled(numerator: int, denominator: int, shift: int) -> int:
    """Return numerator / denominator * 2**shift as the nearest integer, ties to even."""
    if shift >= 0:
        numerator <<= shift
    else:
        denominator <<= -shift
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient & 1):
        quotient += 1
    return quotient


def _shortest(exact: Fraction) -> Number:
    """Return the shortest decimal that reads as the 64-bit value nearest to `exact`."""
    value = _rounded(exact)
    if value.denominator == 1 and abs(value.numerator) < 1 << 63:
        return value.numerator
    with localcontext(_EXACT):
        full = Decimal(value.numerator) / Decimal(value.denominator)
    for digits in range(1, 22):
        try:
            short = Context(prec=digits).plus(full)
        except InvalidOperation:  # pragma: no cover - a context of one digit takes any number
            break
        if binary(normalise(short)) == value:
            return normalise(short)
    return normalise(full)
