"""The portal's two languages: complete, in agreement, and in the words of officers."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.rules import rule
from exchange.acts.presets import PRESETS
from exchange.portal.labels import LABELS
from exchange.portal.language import (
    CatalogueFileError,
    fragments,
    read_po,
    translate,
    translations,
)
from exchange.portal.pages.audit import COUNTED
from exchange.portal.render import TEMPLATES
from tests.fakes.portal_texts import asked_for

UNWANTED = re.compile(r"\b(schemas?|plans?|leaf|snapshots?)\b|上下文|快照", re.IGNORECASE)
PLACEHOLDER = re.compile(r"%\(\w+\)s")
HAN = re.compile(r"[\u4e00-\u9fff]")
SWITCH = "中文"
"""The link to the other language is written in that language."""


def test_every_sentence_has_its_chinese() -> None:
    missing = {text: place for text, place in asked_for().items() if text not in translations("zh")}
    assert missing == {}


def test_rooms_translate_a_sentence_alike() -> None:
    seen: dict[str, str] = {}
    differing = [
        (name, text)
        for name, fragment in fragments("zh").items()
        for text, said in fragment.items()
        if seen.setdefault(text, said) != said
    ]
    assert differing == []


def test_a_translation_has_the_same_blanks_as_its_sentence() -> None:
    differing = [
        text
        for text, said in translations("zh").items()
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(said))
    ]
    assert differing == []


def test_no_page_uses_words_that_officers_do_not() -> None:
    said = {**translations("zh"), **asked_for()}
    found = [
        text
        for text, chinese in said.items()
        if UNWANTED.search(text) or UNWANTED.search(translations("zh").get(text, chinese))
    ]
    assert found == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_text_stands_in_a_template_itself(path: Path) -> None:
    # A key may quote Chinese, the title of a law for example: it is translated like any other.
    text = path.read_text(encoding="utf-8").replace(SWITCH, "")
    assert HAN.findall(re.sub(r"\{#.*?#\}|_\(\".*?\"", "", text, flags=re.DOTALL)) == []


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=5))
def test_what_is_written_as_po_is_read_back(told: dict[str, str]) -> None:
    written = "\n\n".join(
        f"msgid {_quoted(text)}\nmsgstr {_quoted(said)}" for text, said in told.items()
    )
    assert read_po(written) == told


def test_long_sentences_may_go_over_lines_and_fuzzy_ones_do_not_count() -> None:
    written = 'msgid ""\n"one "\n"two"\nmsgstr "一"\n"二"\n\n#, fuzzy\nmsgid "three"\nmsgstr "三"\n'
    assert read_po(written) == {"one two": "一二"}


@pytest.mark.parametrize("line", ["msgid no quotes", 'msgctxt "x"', 'msgid "open', "msgid 5"])
def test_a_file_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(CatalogueFileError):
        read_po(line)


def test_blanks_are_filled_in_both_languages() -> None:
    assert translate("en", "Page %(number)s", number=3) == "Page 3"
    assert translate("zh", "Page %(number)s", number=3) == "第 3 页"


def _quoted(text: str) -> str:
    plain = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    odd = "".join(
        plain.get(one) or (one if one.isprintable() else f"\\U{ord(one):08x}") for one in text
    )
    return f'"{odd}"'


def test_every_preset_and_every_count_is_said_in_chinese() -> None:
    """Their texts stand in acts, which the pages translate by variable."""
    said = {
        text for one in PRESETS.values() for text in (one.title, one.why, one.nothing, one.amount)
    }
    said |= {title for _name, title, _facet in COUNTED}
    assert said - translations("zh").keys() == set()


def test_every_rule_of_a_preset_and_its_unit_has_a_name() -> None:
    for preset in PRESETS.values():
        for rule_id in preset.rules:
            assert rule_id in LABELS["watch"]
            assert rule(rule_id, on=date(2026, 3, 2)).unit in LABELS["unit"]
