"""What a question asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.errors import InvalidError
from catalogue.model import Actor, Role
from catalogue.search import LONGEST, Phrase, Question, corrected, rank, read_question
from catalogue.synonyms import MOST_GROUPS, USUAL, by_word, set_list
from catalogue.words import RUN
from tests.fakes.catalogue import TODAY, an_officer

SYNONYMS = by_word(USUAL)
AUTHORITY = Actor(officer=an_officer(roles=frozenset({Role.AUTHORITY})))


def asked(text: str) -> Question:
    return read_question(text, synonyms=SYNONYMS)


def first_phrases(text: str) -> list[Phrase]:
    return [term.phrases[0] for term in asked(text).terms]


def test_chinese_is_asked_for_word_by_word_each_a_phrase_of_pairs() -> None:
    assert first_phrases("高新区不动产") == [Phrase(("高新", "新区")), Phrase(("不动", "动产"))]


def test_one_character_and_a_word_are_beginnings() -> None:
    assert first_phrases("婚") == [Phrase(("婚",), open=True)]
    assert first_phrases("Permits") == [Phrase(("permit",), open=True)]


def test_words_that_say_nothing_are_left_out_unless_there_are_no_others() -> None:
    assert first_phrases("查询低保的") == first_phrases("低保")
    assert first_phrases("的") == [Phrase(("的",), open=True)]


def test_words_of_half_the_catalogue_order_and_leave_nothing_out() -> None:
    question = asked("婚姻登记信息")
    assert [term.soft for term in question.terms] == [False, True]
    assert question.hard == question.terms[:1]
    assert asked("信息").hard == asked("信息").terms


def test_a_word_brings_those_that_mean_the_same() -> None:
    (term,) = asked("低保").terms
    assert Phrase(("最低", "低生", "生活", "活保", "保障")) in term.phrases
    (spoken,) = asked("driving licence").terms
    assert Phrase(("驾驶", "驶证")) in spoken.phrases


@pytest.mark.parametrize(
    ("text", "code"),
    [("301/000001", "301/000001"), ("３０１", "301"), ("营业 301", None), ("permit", None)],
)
def test_what_may_be_a_code_is_looked_for_as_one(text: str, code: str | None) -> None:
    assert asked(text).code == code


def test_a_misspelt_word_is_replaced_alone() -> None:
    question = corrected(asked("marrige permit"), {"marrige": ("marriage",)})
    assert [term.phrases[0].words for term in question.terms] == [("marriage",), ("permit",)]


def test_the_title_with_more_and_rarer_words_comes_first() -> None:
    titles = ["婚姻 姻登 登记", "登记", "婚姻 姻登 登记 记簿"]
    singles = [Phrase(("婚姻",)), Phrase(("登记",))]
    scores = rank(titles, singles, documents=[2, 3], whole=3)
    assert scores[0] > scores[2] > scores[1]


@given(st.text(max_size=2 * LONGEST))
def test_any_text_is_a_question_of_plain_words(text: str) -> None:
    for single in asked(text).singles():
        assert RUN.fullmatch(single.words[0])


def test_a_list_of_synonyms_is_checked_before_it_is_taken() -> None:
    for groups in (
        [["低保"]],
        [["低保", "，"]],
        [["a", "b" * 41]],
        [["a", "b"]] * (MOST_GROUPS + 1),
    ):
        with pytest.raises(InvalidError):
            set_list(groups, by=AUTHORITY, at=TODAY)
    assert set_list([[" 低保 ", "最低生活保障"]], by=AUTHORITY, at=TODAY).groups == (
        ("低保", "最低生活保障"),
    )
