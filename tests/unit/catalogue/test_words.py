"""How text is cut into the words of the search: alike for entries and questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.traditional import SIMPLIFIED, TRADITIONAL
from catalogue.words import MOST, RUN, fold, is_one_slip, is_spelt, variants, words

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=12)
LETTERS = st.text(st.sampled_from("abcdef"), min_size=4, max_size=10)


def test_chinese_becomes_pairs_and_ascii_words() -> None:
    assert words(["高新区GDP核算"]) == ["高新", "新区", "区", "gdp", "核算", "算"]
    assert words(["证", "A-12/003"]) == ["证", "a", "12", "003"]


def test_either_script_and_width_is_one() -> None:
    assert words(["不動產登記"]) == words(["不动产登记"])
    assert words(["ＧＤＰ １２"]) == words(["gdp 12"])
    assert words(["Café"]) == ["cafe"]


def test_the_table_has_one_simplified_character_for_each_traditional_one() -> None:
    assert len(TRADITIONAL) == len(SIMPLIFIED) == len(set(TRADITIONAL))
    assert fold("龍門") == "龙门"


@given(HAN)
def test_every_character_begins_a_word(run: str) -> None:
    folded = fold(run)
    held = words([run])
    assert all(any(word.startswith(one) for word in held) for one in folded)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_words_are_letters_and_digits_that_no_query_language_reads(texts: list[str]) -> None:
    for word in words(texts):
        assert RUN.fullmatch(word)


def test_an_endless_text_ends() -> None:
    assert len(words(["数" * (2 * MOST)])) == MOST


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("marrige", "marriage", True),
        ("adoptoin", "adoption", True),
        ("lisence", "licence", True),
        ("libary", "library", True),
        ("abcd", "abdce", False),
        ("death", "birth", False),
    ],
)
def test_one_slip_is_a_letter_more_less_another_or_two_changed(
    one: str, other: str, near: bool
) -> None:
    assert is_one_slip(one, other) is near
    assert is_one_slip(other, one) is near


@given(LETTERS, st.data())
def test_words_one_slip_apart_share_a_variant(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    slips = (
        word[:place] + word[place + 1 :],
        word[:place] + "x" + word[place + 1 :],
        word[:place] + "x" + word[place:],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    )
    for slip in slips:
        assert is_one_slip(word, slip)
        assert variants(word) & variants(slip)


def test_only_words_of_letters_are_taken_for_misspelt() -> None:
    assert [is_spelt(word) for word in ("permit", "gdp", "a12b", "许可证书")] == [
        True,
        False,
        False,
        False,
    ]
