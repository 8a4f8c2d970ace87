"""Times in words, as Go writes and reads them: a layout shows how 2 January 2006, 15:04:05 would look."""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from policies.language.errors import BuiltinError, NotOfferedError

LAYOUTS: Mapping[str, str] = {
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "UnixDate": "Mon Jan _2 15:04:05 MST 2006",
    "RubyDate": "Mon Jan 02 15:04:05 -0700 2006",
    "RFC822": "02 Jan 06 15:04 MST",
    "RFC822Z": "02 Jan 06 15:04 -0700",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LONGEST_LAYOUT = 1000
_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm"
    r"|[-Z]07(?:0000|:00:00|00|:00)?|[.,](?:0+|9+)(?![0-9])"
)
_NAMED_ZONE = re.compile(r"[A-Z]{3,5}|[A-Z][a-z]{2}[A-Z]T")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a calendar and a clock show it; `offset` is in seconds east of UTC."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int = 0
    offset: int = 0
    zone: str = "UTC"


def days_before(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01; a month or day beyond its bounds runs over, as in Go."""
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    # Years begin in March here, so that the leap day comes last.
    counted = year - (month <= 2)
    era, of_era = divmod(counted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _chunks(layout: str) -> list[tuple[str, str]]:
    """Return each text with the part of a time that follows it, empty after the last."""
    if len(layout) > LONGEST_LAYOUT:
        raise NotOfferedError(f"a layout of more than {LONGEST_LAYOUT} characters")
    found: list[tuple[str, str]] = []
    start = 0
    for chunk in _CHUNK.finditer(layout):
        found.append((layout[start : chunk.start()], chunk.group()))
        start = chunk.end()
    return [*found, (layout[start:], "")]


def weekday(moment: Moment) -> str:
    return DAYS[(days_before(moment.year, moment.month, moment.day) + 3) % 7]


# Writing.

_WRITE: Mapping[str, Callable[[Moment], str]] = {
    "": lambda _: "",
    "January": lambda at: MONTHS[at.month - 1],
    "Jan": lambda at: MONTHS[at.month - 1][:3],
    "Monday": weekday,
    "Mon": lambda at: weekday(at)[:3],
    "MST": lambda at: at.zone,
    "002": lambda at: f"{_day_of_year(at):03}",
    "__2": lambda at: f"{_day_of_year(at):3}",
    "01": lambda at: f"{at.month:02}",
    "1": lambda at: f"{at.month}",
    "02": lambda at: f"{at.day:02}",
    "_2": lambda at: f"{at.day:2}",
    "2": lambda at: f"{at.day}",
    "03": lambda at: f"{at.hour % 12 or 12:02}",
    "3": lambda at: f"{at.hour % 12 or 12}",
    "15": lambda at: f"{at.hour:02}",
    "04": lambda at: f"{at.minute:02}",
    "4": lambda at: f"{at.minute}",
    "05": lambda at: f"{at.second:02}",
    "5": lambda at: f"{at.second}",
    "06": lambda at: f"{at.year % 100:02}",
    "2006": lambda at: f"{at.year:04}",
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
}


def write(moment: Moment, layout: str) -> str:
    """Return the moment in the form of the layout."""
    return "".join(text + _written(moment, chunk) for text, chunk in _chunks(layout))


def _written(moment: Moment, chunk: str) -> str:
    if chunk in _WRITE:
        return _WRITE[chunk](moment)
    if chunk[0] in ".,":
        digits = f"{moment.nanosecond:09}"[: len(chunk) - 1]
        if chunk[1] == "9":
            digits = digits.rstrip("0")
        return (
            f"{chunk[0]}{digits.ljust(len(chunk) - 1, '0') if chunk[1] == '0' else digits}"
            * bool(digits)
        )
    return _written_offset(moment.offset, chunk)


def _written_offset(offset: int, chunk: str) -> str:
    if chunk[0] == "Z" and offset == 0:
        return "Z"
    sign = "-" if offset <= -60 else "+"
    minutes, seconds = divmod(abs(offset), 60)
    colon = ":" if ":" in chunk else ""
    shown = f"{sign}{minutes // 60:02}"
    if len(chunk) > 3:
        shown += f"{colon}{minutes % 60:02}"
    return shown + (f"{colon}{seconds:02}" if len(chunk) > 6 else "")


def _day_of_year(moment: Moment) -> int:
    return days_before(moment.year, moment.month, moment.day) - days_before(moment.year, 1, 0)


# Reading.


def read(layout: str, written: str) -> Moment:
    """Read a time in the form of the layout, in UTC where it names no zone.

    Raises BuiltinError where it has another form, NotOfferedError for a zone known by a short name:
    what that means depends on the machine.
    """
    reader = _Reader(written)
    chunks = _chunks(layout)
    for number, (text, chunk) in enumerate(chunks):
        reader.skip(text)
        following = chunks[number + 1] if number + 1 < len(chunks) else ("", "")
        reader.take(chunk, before_fraction=following[1][:1] in {".", ","})
    return reader.moment()


class _Reader:
    """What is left of a written time, and what was read of it so far."""

    def __init__(self, written: str) -> None:
        self._left = written
        self._held: dict[str, int] = {}
        self._afternoon: bool | None = None

    def skip(self, text: str) -> None:
        """Pass over what the layout says; a space stands for any number of them."""
        while text:
            if text[0] == " ":
                if self._left and self._left[0] != " ":
                    self._refuse()
                text, self._left = text.lstrip(" "), self._left.lstrip(" ")
            elif self._left[:1] != text[0]:
                self._refuse()
            else:
                text, self._left = text[1:], self._left[1:]

    def take(self, chunk: str, *, before_fraction: bool) -> None:
        match chunk:
            case "":
                if self._left:
                    self._refuse()
            case "January" | "Jan":
                self._held["month"] = self._name(MONTHS, short=chunk == "Jan") + 1
            case "Monday" | "Mon":
                self._name(DAYS, short=chunk == "Mon")
            case "MST":
                self._zone()
            case "PM" | "pm":
                self._half(chunk)
            case "06" | "2006":
                self._year(chunk)
            case "002" | "__2":
                self._yearday(chunk)
            case _ if chunk[0] in ".,":
                self._fraction(chunk)
            case _ if chunk[0] in "-Z":
                self._offset(chunk)
            case _:
                self._count(chunk, before_fraction=before_fraction)

    def _refuse(self) -> None:
        raise BuiltinError("a time of another form than its layout")

    def _digits(self, least: int, most: int) -> int:
        found = re.match(rf"[0-9]{{{least},{most}}}", self._left)
        if found is None:
            raise BuiltinError("a time of another form than its layout")
        self._left = self._left[found.end() :]
        return int(found.group())

    def _set(self, name: str, value: int, least: int, most: int) -> None:
        if not least <= value <= most:
            raise BuiltinError(f"a time whose {name} is beyond its bounds")
        self._held[name] = value

    def _name(self, names: tuple[str, ...], *, short: bool) -> int:
        for number, name in enumerate(names):
            known = name[:3] if short else name
            if self._left[: len(known)].lower() == known.lower():
                self._left = self._left[len(known) :]
                return number
        raise BuiltinError("a time with an unknown name of a day or month")

    def _half(self, chunk: str) -> None:
        halves = {"PM": ("AM", "PM"), "pm": ("am", "pm")}[chunk]
        if self._left[:2] not in halves:
            self._refuse()
        self._afternoon = self._left[:2] == halves[1]
        self._left = self._left[2:]

    def _year(self, chunk: str) -> None:
        year = self._digits(len(chunk), len(chunk))
        if chunk == "06":
            year += 1900 if year >= 69 else 2000
        self._held["year"] = year

    def _yearday(self, chunk: str) -> None:
        spaces = 0
        while chunk == "__2" and spaces < 2 and self._left[:1] == " ":
            self._left = self._left[1:]
            spaces += 1
        self._held["yearday"] = self._digits(3 if chunk == "002" else 1, 3)

    def _count(self, chunk: str, *, before_fraction: bool) -> None:
        if chunk == "_2" and self._left[:1] == " ":
            self._left = self._left[1:]
        value = self._digits(2 if chunk[0] == "0" else 1, 2)
        match chunk:
            case "01" | "1":
                self._set("month", value, 1, 12)
            case "02" | "2" | "_2":
                self._held["day"] = value
            case "15":
                self._set("hour", value, 0, 23)
            case "03" | "3":
                self._set("hour", value, 0, 12)
            case "04" | "4":
                self._set("minute", value, 0, 59)
            case _:
                self._set("second", value, 0, 59)
                if not before_fraction and re.match(r"[.,][0-9]", self._left):
                    self._take_fraction(re.compile(r"[.,]([0-9]+)"))

    def _fraction(self, chunk: str) -> None:
        if chunk[1] == "0":
            self._take_fraction(re.compile(rf"[.,]([0-9]{{{len(chunk) - 1}}})"))
        elif re.match(r"[.,][0-9]", self._left):
            self._take_fraction(re.compile(r"[.,]([0-9]+)"))

    def _take_fraction(self, form: re.Pattern[str]) -> None:
        found = form.match(self._left)
        if found is None:
            raise BuiltinError("a time without the fraction of a second that its layout has")
        self._held["nanosecond"] = int(found[1][:9].ljust(9, "0"))
        self._left = self._left[found.end() :]

    def _offset(self, chunk: str) -> None:
        if chunk[0] == "Z" and self._left[:1] == "Z":
            self._left = self._left[1:]
            self._held["offset"] = 0
            return
        colon = ":" if ":" in chunk else ""
        parts = (len(chunk.replace(":", "")) - 1) // 2
        form = r"([+-])" + colon.join([r"([0-9]{2})"] * parts)
        found = re.match(form, self._left)
        if found is None:
            raise BuiltinError("a time without the offset that its layout has")
        hours, minutes, seconds = (*map(int, found.groups()[1:]), 0, 0)[:3]
        if hours > 24 or minutes > 60 or seconds > 60:
            raise BuiltinError("an offset beyond its bounds")
        size = (hours * 60 + minutes) * 60 + seconds
        self._held["offset"] = -size if found[1] == "-" else size
        self._left = self._left[found.end() :]

    def _zone(self) -> None:
        found = _NAMED_ZONE.match(self._left)
        if self._left[:3] == "UTC":
            self._left = self._left[3:]
        elif found is None:
            self._refuse()
        elif found.group() != "GMT" or self._left[3:4] in {"+", "-"}:
            raise NotOfferedError("a zone by a short name: what it means depends on the machine")
        else:
            self._left = self._left[3:]
        self._held.setdefault("offset", 0)

    def moment(self) -> Moment:
        held = self._held
        year = held.get("year", 0)
        month, day = self._date(year)
        hour = held.get("hour", 0)
        if self._afternoon is True and hour < 12:
            hour += 12
        elif self._afternoon is False and hour == 12:
            hour = 0
        return Moment(
            *(year, month, day, hour, held.get("minute", 0), held.get("second", 0)),
            nanosecond=held.get("nanosecond", 0),
            offset=held.get("offset", 0),
        )

    def _date(self, year: int) -> tuple[int, int]:
        month, day = self._held.get("month"), self._held.get("day")
        if "yearday" in self._held:
            return self._date_of(year, self._held["yearday"], month, day)
        month, day = month or 1, 1 if day is None else day
        # A year before the first is out of range in any case; only its leap day counts here.
        if not 1 <= day <= monthrange(year or 4, month)[1]:
            raise BuiltinError("a time whose day is beyond its bounds")
        return month, day

    def _date_of(
        self, year: int, yearday: int, month: int | None, day: int | None
    ) -> tuple[int, int]:
        if not 1 <= yearday <= 365 + isleap(year):
            raise BuiltinError("a time whose day of the year is beyond its bounds")
        found = (1, yearday)
        while found[1] > monthrange(year or 4, found[0])[1]:
            found = (found[0] + 1, found[1] - monthrange(year or 4, found[0])[1])
        if month not in {None, found[0]} or day not in {None, found[1]}:
            raise BuiltinError("a time whose day of the year is on another date")
        return found
