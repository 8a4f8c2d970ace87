"""Values as cells of a table, and cells as people fill them in as values: what is written reads back."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from catalogue.interchange.fields import METHODS, Field, Kind

_SEPARATORS = re.compile(r"[、，,;；\n]")
_BAR = "｜"
_YES = frozenset({"是", "√", "有", "true", "yes", "y", "1", "涉及"})
_NO = frozenset({"", "否", "×", "无", "false", "no", "n", "0", "不涉及"})
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]00:00(?::00)?)?")
_NUMBER = re.compile(r"[A-Za-z]{0,2}\s*([0-9]{1,9})(?:\.0+)?")
_LAW = re.compile(
    r"《(?P<document>[^》]+)》[，,]?\s*(?P<article>第[一二三四五六七八九十百千零〇0-9]+条\S{0,12}?)?[：:，,。\s]*(?P<text>.*)",
    re.DOTALL,
)
_LEVELS = {
    "法律": "law",
    "行政法规": "administrative-regulation",
    "国务院决定": "state-council-decision",
}
_LEVEL_WORDS = {value: zh for zh, value in _LEVELS.items()}


class CellError(ValueError):
    """A cell cannot be taken; says what was needed."""


def write_cell(field: Field, value: Any) -> str:  # noqa: PLR0911 - one line for each kind of value
    """Return a value as people read it."""
    match field.kind:
        case Kind.TEXT:
            return str(value)
        case Kind.WORD:
            return "" if value is None else field.words[value]
        case Kind.WORDS:
            return "、".join(field.words[one] for one in value)
        case Kind.LIST:
            return _write_list(value)
        case Kind.NUMBER | Kind.DAY:
            return "" if value is None else str(value)
        case Kind.FLAG:
            return "是" if value else "否"
        case Kind.BASIS:
            return _write_basis(value)
        case Kind.CODES:
            return _write_codes(value)
        case Kind.FORMS:
            return _write_forms(value)


def read_cell(field: Field, text: str) -> Any:
    """Return the value of a cell; an empty cell is the empty value. Raises CellError."""
    plain = text.strip()
    if not plain:
        return field.empty
    return _READERS[field.kind](field, plain)


def _read_word(field: Field, text: str) -> str:
    value = field.word(text)
    if value is None:
        raise CellError(f"one of {'、'.join(field.words.values())}")
    return value


def _read_words(field: Field, text: str) -> list[str]:
    parts = [part.strip() for part in _SEPARATORS.split(text)]
    return sorted({_read_word(field, part) for part in parts if part})


def _read_list(_field: Field, text: str) -> list[str]:
    if text.startswith("["):
        held = _json(text)
        if isinstance(held, list) and all(isinstance(one, str) for one in held):
            return sorted(set(held))
    return sorted({part.strip() for part in _SEPARATORS.split(text) if part.strip()})


def _write_list(values: list[str]) -> str:
    plain = all(
        one and one == one.strip() and not _SEPARATORS.search(one) for one in values
    ) and not (values and values[0].startswith("["))
    return "、".join(values) if plain else _dumped(values)


def _read_number(_field: Field, text: str) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise CellError("a whole number")
    return int(found[1])


def _read_day(_field: Field, text: str) -> str:
    found = _DAY.fullmatch(text)
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) if found is not None else None
    except ValueError:
        day = None
    if day is None:
        raise CellError("a day, as 2026-03-01")
    return day.isoformat()


def _read_flag(_field: Field, text: str) -> bool:
    plain = text.casefold()
    if plain not in _YES | _NO:
        raise CellError("是 or 否")
    return plain in _YES


def _write_basis(parts: list[str]) -> str:
    if not parts:
        return ""
    plain = len(parts) == 4 and parts[3] in _LEVEL_WORDS
    plain = plain and all(part and part == part.strip() and _BAR not in part for part in parts)
    if plain and not parts[0].startswith("["):
        return _BAR.join([*parts[:3], _LEVEL_WORDS[parts[3]]])
    return _dumped(parts)


def _read_basis(_field: Field, text: str) -> list[str]:
    """Read document, article, text and level; of a sentence that cites a law as much as it tells."""
    if text.startswith("["):
        held = _json(text)
        if isinstance(held, list) and all(isinstance(one, str) for one in held):
            return held
    parts = [part.strip() for part in re.split(r"[｜|]", text)]
    if len(parts) == 4:
        return [*parts[:3], _LEVELS.get(parts[3], parts[3])]
    found = _LAW.search(text)
    if found is None:
        raise CellError("a law with its article, as 《中华人民共和国统计法》第二十五条")
    document = found["document"].strip()
    return [document, found["article"] or "", found["text"].strip() or text, _level_of(document)]


def _level_of(document: str) -> str:
    if document.startswith(("国务院", "国发", "国办")):
        return "state-council-decision"
    if document.endswith(("条例", "规定", "办法")):
        return "administrative-regulation"
    return "law"


_CODE_MARKS = re.compile(r"[=；;\n]")


def _write_codes(codes: list[Mapping[str, str]]) -> str:
    plain = all(
        not code.get("title_en")
        and all(
            part == part.strip() and part and not _CODE_MARKS.search(part)
            for part in (code["value"], code["title"])
        )
        for code in codes
    )
    if plain and codes and not codes[0]["value"].startswith("["):
        return "；".join(f"{code['value']}={code['title']}" for code in codes)
    return _dumped(codes) if codes else ""


def _read_codes(_field: Field, text: str) -> list[dict[str, str]]:
    if text.startswith("["):
        return _objects(text, needed=("value", "title"), others=("title_en",))
    codes = []
    for part in re.split(r"[；;\n]", text):
        if not part.strip():
            continue
        value, mark, title = part.partition("=")
        if not mark:
            raise CellError("codes as 1=男；2=女")
        codes.append({"value": value.strip(), "title": title.strip(), "title_en": ""})
    return codes


def _write_forms(forms: list[Mapping[str, str]]) -> str:
    if forms and all(not form.get("title") and not form.get("media_type") for form in forms):
        return "、".join(METHODS[form["method"]] for form in forms)
    return _dumped(forms) if forms else ""


def _read_forms(field: Field, text: str) -> list[dict[str, str]]:
    if text.startswith("["):
        return _objects(text, needed=("method",), others=("title", "media_type"))
    words = Field(name=field.name, zh="", en="", kind=Kind.WORD, words=METHODS)
    return [
        {"method": _read_word(words, part), "title": "", "media_type": ""}
        for part in _SEPARATORS.split(text)
        if part.strip()
    ]


def _objects(
    text: str, *, needed: tuple[str, ...], others: tuple[str, ...]
) -> list[dict[str, str]]:
    held = _json(text)
    wanted = f"a list of objects with {', '.join(needed)}"
    if not isinstance(held, list):
        raise CellError(wanted)
    found = []
    for one in held:
        if not isinstance(one, dict) or set(one) - {*needed, *others} or set(needed) - set(one):
            raise CellError(wanted)
        if not all(isinstance(value, str) for value in one.values()):
            raise CellError(wanted)
        found.append({name: one.get(name, "") for name in (*needed, *others)})
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _read_text(_field: Field, text: str) -> str:
    return text


_READERS: Mapping[Kind, Callable[[Field, str], Any]] = {
    Kind.TEXT: _read_text,
    Kind.WORD: _read_word,
    Kind.WORDS: _read_words,
    Kind.LIST: _read_list,
    Kind.NUMBER: _read_number,
    Kind.FLAG: _read_flag,
    Kind.DAY: _read_day,
    Kind.BASIS: _read_basis,
    Kind.CODES: _read_codes,
    Kind.FORMS: _read_forms,
}
