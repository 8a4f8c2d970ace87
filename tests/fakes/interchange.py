"""Entries as a catalogue may hold them, generated: all of them pass the checks of an entry's values."""

from typing import Any

from hypothesis import strategies as st

from catalogue.interchange.entries import checked
from catalogue.interchange.fields import ENTRY, ITEM, Field, Kind
from catalogue.interchange.model import Report, Told

# What texts hold, and what upsets readers of files: quotes, marks of formulas, separators, markup.
_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(
            blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffd\ufffe\uffff\ufeff"
        ),
        st.sampled_from("=+-@'\"、，；;｜|《》<>&\\[]{}%#\n \t"),
    ),
    max_size=24,
)
_WORD = st.text(alphabet="abcdefgXYZ0123456789", min_size=1, max_size=8)


def _value(field: Field) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one line for each kind
    words = sorted(field.words)
    match field.kind:
        case Kind.TEXT:
            return _TEXT.filter(str.strip) if field.obligatory else _TEXT
        case Kind.WORD:
            return st.sampled_from([*words, None])
        case Kind.WORDS:
            return st.lists(st.sampled_from(words), max_size=3)
        case Kind.LIST:
            return st.lists(_TEXT, max_size=3)
        case Kind.NUMBER:
            return st.one_of(st.none(), st.integers(0, 9999))
        case Kind.FLAG:
            return st.booleans()
        case Kind.DAY:
            return st.one_of(st.none(), st.dates().map(lambda day: day.isoformat()))
        case Kind.BASIS:
            return st.one_of(st.just([]), st.lists(_TEXT.filter(str.strip), min_size=4, max_size=4))
        case Kind.CODES:
            return st.lists(
                st.fixed_dictionaries({"value": _WORD, "title": _TEXT, "title_en": _TEXT}),
                max_size=3,
            )
        case Kind.FORMS:
            methods = st.sampled_from(["interface", "table", "file"])
            return st.lists(
                st.fixed_dictionaries({"method": methods, "title": _TEXT, "media_type": _TEXT}),
                max_size=3,
            )


# Made once: a strategy that is made anew for each draw is also looked over anew.
_CODE = _WORD.map(lambda word: f"307/{word}")
_NAMES = st.lists(_WORD, max_size=3, unique=True)
_OF_ENTRY = {one.name: _value(one) for one in ENTRY if one.name != "code"}
_OF_ITEM = {one.name: _value(one) for one in ITEM}
_TYPE = st.sampled_from(sorted(next(one for one in ITEM if one.name == "type").words))


@st.composite
def entries(draw: st.DrawFn, *, most: int = 3) -> list[Told]:
    """Return entries with every field said, their codes and the codes of their items each once."""
    codes = draw(st.lists(_CODE, min_size=1, max_size=most, unique=True))
    return [_entry(draw, code) for code in sorted(codes)]


def _entry(draw: st.DrawFn, code: str) -> Told:
    fields = {name: draw(value) for name, value in _OF_ENTRY.items()}
    names = draw(_NAMES)
    items = [
        {member: draw(value) for member, value in _OF_ITEM.items()}
        | {"name": name, "type": draw(_TYPE)}
        for name in names
    ]
    told = Told(code=code, fields={**fields, "code": code}, items=tuple(items))
    report = Report("generated")
    fit = checked(told, report)
    assert fit is not None, report.found
    return fit
