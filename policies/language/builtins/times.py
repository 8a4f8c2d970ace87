"""Built-ins on times: nanoseconds since 1970, dates, clocks, zones. No clock is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policies.language.builtins.layouts import (
    LAYOUTS,
    Moment,
    days_before,
    read,
    weekday,
    write,
)
from policies.language.builtins.operands import Builtin, integer, number, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_SECOND = 1_000_000_000
_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = (1 << 63) - 1
_MOST_ADDED = 1_000_000
_UNITS: Mapping[str, int] = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    # The Greek letter beside the sign for micro, as in Go.
    "μs": 1_000,
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": _DAY * _SECOND,
    "w": 7 * _DAY * _SECOND,
    "y": 365 * _DAY * _SECOND,
}
_LONG = re.compile(r"[0-9.](?:d|w|y)(?:[0-9.]|\Z)")
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")


@dataclass(frozen=True, slots=True)
class _Instant:
    """Nanoseconds since 1970, in a zone, and the layout in which they are to be shown."""

    nanoseconds: int
    zone: tzinfo = UTC
    layout: str = ""


def _instant(value: Value) -> _Instant:
    """Read a number, or an array of a number, a zone and a layout."""
    if type(value) is not list:
        return _Instant(_nanoseconds(value))
    if not value:
        raise BuiltinError("a time, or an array of a time and a zone needed")
    zone = _zone(text(value[1])) if len(value) > 1 else UTC
    return _Instant(_nanoseconds(value[0]), zone, text(value[2]) if len(value) > 2 else "")


def _nanoseconds(value: Value) -> int:
    found = number(value)
    if type(found) is not int or not -_LARGEST - 1 <= found <= _LARGEST:
        raise BuiltinError("a time beyond what nanoseconds can say")
    return found


@lru_cache(maxsize=128)
def _zone(name: str) -> tzinfo:
    if name in {"", "UTC"}:
        return UTC
    if name == "Local":
        raise NotOfferedError("the zone of the machine")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BuiltinError("a time zone that is unknown") from error


def _moment(instant: _Instant) -> Moment:
    seconds, rest = divmod(instant.nanoseconds, _SECOND)
    local = (_EPOCH + timedelta(seconds=seconds)).astimezone(instant.zone)
    return Moment(
        *(local.year, local.month, local.day, local.hour, local.minute, local.second),
        nanosecond=rest,
        offset=_offset(seconds, instant.zone),
        zone=local.tzname() or "",
    )


def _offset(seconds: int, zone: tzinfo) -> int:
    """Return the zone's seconds east of UTC at that time."""
    found = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
    return 0 if found is None else int(found.total_seconds())


def _in_range(nanoseconds: int) -> int:
    if not -_LARGEST - 1 <= nanoseconds <= _LARGEST:
        raise BuiltinError("a time outside of the years that nanoseconds can say")
    return nanoseconds


def _seconds(moment: Moment) -> int:
    """Return the seconds since 1970 of what calendar and clock show, as if in UTC."""
    days = days_before(moment.year, moment.month, moment.day)
    return days * _DAY + moment.hour * 3600 + moment.minute * 60 + moment.second


def _parse(layout: Value, value: Value) -> int:
    wanted = text(layout)
    moment = read(LAYOUTS.get(wanted, wanted), text(value))
    return _in_range((_seconds(moment) - moment.offset) * _SECOND + moment.nanosecond)


def _parse_rfc3339(value: Value) -> int:
    return _parse(LAYOUTS["RFC3339"], value)


def _parse_duration(value: Value) -> int:
    written = text(value)
    unsigned = written[1:] if written[:1] in {"+", "-"} else written
    total = 0 if unsigned == "0" else _duration(unsigned)
    found = -total if written[:1] == "-" else total
    if not -_LARGEST - 1 <= found <= _LARGEST:
        raise BuiltinError("a duration beyond what nanoseconds can say")
    return found


def _duration(written: str) -> int:
    if "." in written and _LONG.search(written):
        raise NotOfferedError("a fraction beside days, weeks or years")
    total = place = 0
    while place < len(written) or not place:
        part = _PART.match(written, place)
        if part is None or part[3] not in _UNITS or not (part[1] or part[2]):
            raise BuiltinError("a duration that is no number and unit")
        unit = _UNITS[part[3]]
        total += int(part[1][:40] or "0") * unit + _fraction(part[2] or "", unit)
        if len(part[1]) > 40 or total > _LARGEST + 1:
            raise BuiltinError("a duration beyond what nanoseconds can say")
        place = part.end()
    return total


def _fraction(digits: str, unit: int) -> int:
    """Return the part of a unit, in binary floating point as Go calculates it."""
    kept = digits
    while int(kept or "0") > _LARGEST + 1:
        kept = kept[:-1]
    scale = 1.0
    for _ in kept:
        scale *= 10
    return int(float(int(kept or "0")) * (unit / scale))


def _format(value: Value) -> str:
    instant = _instant(value)
    layout = instant.layout or "RFC3339Nano"
    return write(_moment(instant), LAYOUTS.get(layout, layout))


def _date(value: Value) -> list[int]:
    moment = _moment(_instant(value))
    return [moment.year, moment.month, moment.day]


def _clock(value: Value) -> list[int]:
    moment = _moment(_instant(value))
    return [moment.hour, moment.minute, moment.second]


def _weekday(value: Value) -> str:
    return weekday(_moment(_instant(value)))


def _add_date(value: Value, years: Value, months: Value, days: Value) -> int:
    instant = _instant(value)
    for added in (years, months, days):
        if abs(integer(added)) > _MOST_ADDED:
            raise BuiltinError("a time outside of the years that nanoseconds can say")
    moment = _moment(instant)
    day = days_before(moment.year + years, moment.month + months, moment.day) + days
    shown = day * _DAY + moment.hour * 3600 + moment.minute * 60 + moment.second
    _in_range(shown * _SECOND)
    utc = shown - _offset(shown - _offset(shown, instant.zone), instant.zone)
    return _in_range(utc * _SECOND + moment.nanosecond)


def _diff(left: Value, right: Value) -> list[int]:
    """Return years, months, days, hours, minutes and seconds between two times."""
    first, second = _instant(left), _instant(right)
    earlier, later = sorted((first.nanoseconds, second.nanoseconds))
    one, other = (_moment(_Instant(at, first.zone)) for at in (earlier, later))
    parts = [
        *(other.year - one.year, other.month - one.month, other.day - one.day),
        *(other.hour - one.hour, other.minute - one.minute, other.second - one.second),
    ]
    month_length = days_before(one.year, one.month + 1, 1) - days_before(one.year, one.month, 1)
    for place, size in ((5, 60), (4, 60), (3, 24), (2, month_length), (1, 12)):
        if parts[place] < 0:
            parts[place] += size
            parts[place - 1] -= 1
    return parts


TIMES: Mapping[str, Builtin] = {
    "time.parse_ns": Builtin(_parse, 2),
    "time.parse_rfc3339_ns": Builtin(_parse_rfc3339, 1),
    "time.parse_duration_ns": Builtin(_parse_duration, 1),
    "time.format": Builtin(_format, 1),
    "time.date": Builtin(_date, 1),
    "time.clock": Builtin(_clock, 1),
    "time.weekday": Builtin(_weekday, 1),
    "time.add_date": Builtin(_add_date, 4),
    "time.diff": Builtin(_diff, 2),
}
