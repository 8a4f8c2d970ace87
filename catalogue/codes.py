"""Codes of the field: organisations, residents, matters and e-certificates, with their check characters."""

import re
import unicodedata
from datetime import date
from operator import mul

from catalogue.errors import CodeError
from catalogue.flaws import Flaw
from catalogue.model import CODE_PATTERN, CodeKind, MatterKind, SubjectType

# GB 32100-2015, 5: digits and capitals without I, O, S, V and Z; the place in the alphabet is the value.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(f"[{_USCC_ALPHABET}]{{18}}")
_USCC_VALUES = bytes(max(_USCC_ALPHABET.find(chr(code)), 0) for code in range(256))
"""By the code of a character, its value; of others than the alphabet's 0."""
_USCC_OTHERS = bytes(code for code in range(256) if chr(code) not in _USCC_ALPHABET)
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))

# GB 11643-1999, 6: ISO 7064 MOD 11-2.
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_RESIDENT_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_RESIDENT_CHECKS = "10X98765432"

_CERTIFICATE_ROOT = "1.2.156.3005.2."
_MOD_37_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_BASE = re.compile(r"[0-9A-Z]{12}")
_IMPLEMENTATION = re.compile(r"[0-9A-Z]{31}|[0-9A-Z]{36}")
_REGION = re.compile(r"[0-9]{12}")
_PLAIN = re.compile(r"[0-9A-Za-z\u3400-\u9fff()（）〔〕\[\]._/#-]{1,128}")


def complete_uscc(first: str) -> str:
    """Append the check character to the first 17 characters of a unified social credit code."""
    if len(first) != 17:
        raise CodeError(Flaw("{0} characters, 17 of the alphabet of GB 32100 needed", len(first)))
    written = first.encode("ascii", "replace")  # `?` is not of the alphabet.
    if written.translate(None, _USCC_OTHERS) != written:
        raise CodeError(Flaw("17 characters of the alphabet of GB 32100 needed"))
    total = sum(map(mul, written.translate(_USCC_VALUES), _USCC_WEIGHTS))
    return first + _USCC_ALPHABET[(31 - total % 31) % 31]


def is_uscc(text: str) -> bool:
    return bool(_USCC.fullmatch(text)) and complete_uscc(text[:17]) == text


def check_uscc(text: str) -> str:
    """Return the code itself. Raises CodeError where form or check character is wrong."""
    if not _USCC.fullmatch(text):
        raise CodeError(Flaw("not 18 characters of the alphabet of GB 32100"))
    if complete_uscc(text[:17]) != text:
        raise CodeError(Flaw("the check character of the unified social credit code does not fit"))
    return text


def complete_resident_id(first: str) -> str:
    """Append the check character to the first 17 digits of a resident's number."""
    if not re.fullmatch(r"[0-9]{17}", first):
        raise CodeError(Flaw("{0} characters, 17 digits needed", len(first)))
    total = sum(int(c) * weight for c, weight in zip(first, _RESIDENT_WEIGHTS, strict=True))
    return first + _RESIDENT_CHECKS[total % 11]


def check_resident_id(text: str) -> str:
    """Return the number with a capital X. Raises CodeError; an unknown area code is no error."""
    number = text[:-1] + text[-1:].upper() if text.endswith("x") else text
    if not _RESIDENT.fullmatch(number):
        raise CodeError(Flaw("not 17 digits and a check character (GB 11643)"))
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        # The cause would repeat part of the number.
        raise CodeError(Flaw("the resident's number holds no date of birth")) from None
    if complete_resident_id(number[:17]) != number:
        raise CodeError(Flaw("the check character of the resident's number does not fit"))
    return number


def department_code(text: str) -> tuple[str, CodeKind]:
    """Return the code and its kind: real directories hold codes that are no USCC, and they are kept."""
    if is_uscc(text):
        return text, CodeKind.USCC
    return plain_code(text), CodeKind.OTHER


def plain_code(text: str) -> str:
    """Return a code as it was given. Raises CodeError for anything but letters, digits and `._/-`."""
    if not CODE_PATTERN.fullmatch(text):
        raise CodeError(Flaw("not a code of 1 to 128 letters, digits and the characters . _ / -"))
    return text


def matter_kind(code: str) -> MatterKind:
    """Tell a base code (12) from an implementation's (31 or 36) and from a local one.

    A base code followed by a region code and more, joined by hyphens, is an implementation as well: so
    provinces publish them.
    """
    if _BASE.fullmatch(code):
        return MatterKind.BASE
    if _IMPLEMENTATION.fullmatch(code):
        return MatterKind.IMPLEMENTATION
    parts = code.split("-")
    if len(parts) > 2 and _BASE.fullmatch(parts[0]) and _REGION.fullmatch(parts[1]):
        return MatterKind.IMPLEMENTATION
    return MatterKind.LOCAL


def certificate_check(characters: str) -> str:
    """Return the ISO 7064 MOD 37,36 check character of letters and digits."""
    rest = 36
    for character in characters:
        rest = (rest + _MOD_37_36.index(character)) % 36 or 36
        rest = rest * 2 % 37
    return _MOD_37_36[(37 - rest) % 36]


def check_certificate_identifier(text: str) -> str:
    """Return an e-certificate's identifier `1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>`.

    The check character is computed over type, issuer, serial and version without the points between.
    """
    if not text.startswith(_CERTIFICATE_ROOT):
        raise CodeError(Flaw("not under the root {0}", _CERTIFICATE_ROOT))
    parts = text.removeprefix(_CERTIFICATE_ROOT).split(".")
    if len(parts) != 5 or any(not re.fullmatch(r"[0-9A-Z]+", part) for part in parts):
        raise CodeError(Flaw("not type, issuer, serial, version and check in capitals and digits"))
    if certificate_check("".join(parts[:4])) != parts[4]:
        raise CodeError(Flaw("the check character of the certificate's identifier does not fit"))
    return text


def type_code_of(identifier: str) -> str:
    """Return the type that a checked certificate identifier names."""
    return identifier.removeprefix(_CERTIFICATE_ROOT).partition(".")[0]


def normalise_subject(subject: SubjectType, text: str) -> str:
    """Return the one form under which a subject is compared. Raises CodeError, without the value."""
    match subject:
        case SubjectType.ENTERPRISE:
            return check_uscc(text.strip().upper())
        case SubjectType.PERSON:
            return check_resident_id(text.strip())
        case SubjectType.PROJECT | SubjectType.PARCEL:
            plain = unicodedata.normalize("NFC", text.strip())
            if not _PLAIN.fullmatch(plain):
                raise CodeError(
                    Flaw("not 1 to 128 letters, digits or signs of a project or parcel number")
                )
            return plain
