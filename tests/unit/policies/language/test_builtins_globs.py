"""Globs, templates of expressions, and expressions with a text in common."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS


@pytest.mark.parametrize(
    ("glob", "delimiters", "text", "answer"),
    [
        ("*.github.com", ["."], "api.github.com", True),
        ("*.github.com", ["."], "api.cdn.github.com", False),
        ("api.**.com", ["."], "api.cdn.github.com", True),
        ("*", [], "foo.bar", False),
        ("*", None, "foo.bar", True),
        ("foo*", None, "foo.bar", True),
        ("?at", ["f"], "fat", False),
        ("?at", [], "cat", True),
        ("?at", [], "at", False),
        ("[abc]at", [], "cat", True),
        ("[!abc]at", [], "cat", False),
        ("[a-c]at", [], "dat", False),
        ("[!a-c]at", [], "dat", True),
        ("[a-]", [], "-", FAILED),
        ("[.^]", [], "^", True),
        ("{cat,bat,[fr]at}", [], "fat", True),
        ("{cat,bat,[fr]at}", [], "at", False),
        ("a\\*", [], "a*", True),
        ("a\\*", [], "ab", False),
        ("a,b}", [], "a,b}", True),
        ("(a|b)+", [], "(a|b)+", True),
        ("(a|b)+", [], "a", False),
        ("a:*", [":"], "a:b:c", False),
        ("省*", [], "省级", True),
        ("a\n*", [], "a\nb", True),
        ("[", [], "a", FAILED),
        ("[]", [], "a", FAILED),
        ("[!]", [], "a", FAILED),
        ("[c-a]", [], "b", FAILED),
        ("[a-b-c]", [], "b", FAILED),
        ("a", "a", "a", FAILED),
        ("a", [""], "a", FAILED),
        ("a", ["ab"], "a", FAILED),
        ("a", [1], "a", FAILED),
    ],
)
def test_a_glob_matches_the_whole_text(
    glob: str, delimiters: object, text: str, answer: Any
) -> None:
    assert called("glob.match", glob, delimiters, text) == answer


@pytest.mark.parametrize(
    ("glob", "delimiters", "text"),
    [
        ("***", [], "a"),
        ("?*", [".", "/"], "a"),
        ("{*,a}", [], "a"),
        ("{a,{b}}", [], "a"),
        ("{a,}", [], "a"),
        ("{}", [], "a"),
        ("{[!a],b}", [], "a"),
        ("{a", [], "a"),
        ("?", [], ""),
        ("?", [], "市"),
        ("a\x00", [], "a"),
        ("a" * 10_001, [], "a"),
        ("*a" * 5_000, None, "a" * 10_000),
    ],
)
def test_what_opa_matches_by_no_rule_is_not_offered(
    glob: str, delimiters: object, text: str
) -> None:
    with pytest.raises(NotOfferedError):
        called("glob.match", glob, delimiters, text)


@given(st.text("ab.*?[]{}\\!-,市", max_size=8).filter(bool))
def test_a_quoted_text_matches_itself(text: str) -> None:
    quoted = called("glob.quote_meta", text)
    plain = text.isascii() or not set(text) & {"?", "["}
    if plain and "?" not in text:
        assert called("glob.match", quoted, None, text) is True
        assert called("glob.match", quoted, None, f"{text}x") is False


@pytest.mark.parametrize("value", OTHER_THAN_TEXTS)
def test_globs_and_templates_are_texts(value: object) -> None:
    assert called("glob.match", value, [], "a") == FAILED
    assert called("glob.match", "a", [], value) == FAILED
    assert called("glob.quote_meta", value) == FAILED
    assert called("regex.globs_match", value, "a") == FAILED
    assert called("regex.globs_match", "a", value) == FAILED
    assert called("regex.template_match", value, "a", "<", ">") == FAILED
    assert called("regex.template_match", "a", "a", value, ">") == FAILED


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        ("[a-z]+", "[0-9]*", False),
        ("[a-z]+\\[[0-9]+\\]", "foo\\[1\\]", True),
        ("b.*", "bar", True),
        ("a*", "", False),
        ("", "", True),
        ("a+", "a*", True),
        ("a.c", "abc", True),
        ("a+aa", ".+.", True),
        ("ab+", "a*b*c*b", False),
        ("pqrs]", "a", FAILED),
        ("a**", "b", FAILED),
        ("+", "b", FAILED),
        ("[a", "b", FAILED),
        ("[-a]", "b", FAILED),
        ("[a-]", "b", FAILED),
        ("[c-a]", "b", FAILED),
        ("a\\", "b", FAILED),
    ],
)
def test_expressions_may_have_a_text_in_common(left: str, right: str, answer: Any) -> None:
    assert called("regex.globs_match", left, right) == answer


def test_expressions_that_ask_for_endless_search_are_answered_or_not_offered() -> None:
    assert called("regex.globs_match", "a*b*" * 20, "a*" * 40 + "c") is False
    with pytest.raises(NotOfferedError):
        called("regex.globs_match", ("ab+a+" * 20)[:98], (".+.b+" * 20)[:97] + "c")
    with pytest.raises(NotOfferedError):
        called("regex.globs_match", "a" * 101, "a")


@pytest.mark.parametrize(
    ("template", "text", "start", "end", "answer"),
    [
        ("urn:foo:<.*>", "urn:foo:bar:baz", "<", ">", True),
        ("urn.foo:{[0-9]{2,4}}", "urn.foo:123", "{", "}", True),
        ("urn.foo:{[0-9]{2,4}}", "urnxfoo:123", "{", "}", False),
        ("a<b", "a", "<", ">", FAILED),
        ("a>b", "a", "<", ">", FAILED),
        ("a<(>b", "a", "<", ">", FAILED),
        ("a<)(>b", "a", "<", ">", FAILED),
        ("a", "a", "", ">", FAILED),
        ("a", "a", "<", "é", FAILED),
        ("<a<", "a", "<", "<", FAILED),
    ],
)
def test_a_template_is_text_around_expressions(
    template: str, text: str, start: str, end: str, answer: Any
) -> None:
    assert called("regex.template_match", template, text, start, end) == answer


def test_a_single_byte_is_no_expression() -> None:
    assert called("regex.is_valid", r"\C") is False
    assert called("regex.is_valid", r"\\C") is True
    assert called("regex.match", r"a\C", "ab") == FAILED
