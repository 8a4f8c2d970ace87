"""One layout for each module: the same meaning, the same comments, and the same text the second time."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.bundle import packaged_modules
from policies.engine import LoadError
from policies.language import parse_module
from policies.language.formatter import format_module, same
from policies.language.source import written
from tests.examples import examples
from tests.fakes.rego_corpus import TRAPS, module

MODULES = {**packaged_modules(tests=True)} | {
    f"trap{number}.rego": module(rules) for number, rules in enumerate(TRAPS.values())
}


def laid(text: str) -> str:
    """The layout of rules that stand below a package."""
    head = "package t\n\n"
    found = format_module("t.rego", f"{head}{text}\n")
    assert found.startswith(head)
    return found.removeprefix(head).removesuffix("\n")


def comments(name: str, text: str) -> list[str]:
    return sorted(one.text for token in written(name, text) for one in token.comments)


def spoilt(name: str, source: str, chance: random.Random) -> str:
    """The same tokens with other spaces, more line breaks and more comments between them."""
    parts = []
    before = 0
    for token in written(name, source):
        gap = source[before : token.start]
        if "\n" in gap and token.kind != "end":
            gap = gap.replace("\n", "\n" * chance.randint(1, 3) + " " * chance.randint(0, 2), 1)
            if chance.random() < 0.2:
                gap += "# on its own\n  "
            if "#" not in gap and chance.random() < 0.2:
                gap = gap.replace("\n", " # behind\n", 1)
        elif gap and token.kind != "end":
            gap = " # between\n" if chance.random() < 0.03 else " " * chance.randint(1, 3)
        parts += [gap, source[token.start : token.end]]
        if token.text in {"{", "[", "(", ","} and chance.random() < 0.1:
            parts.append("\n")
        before = token.end
    return "".join(parts)


@pytest.mark.parametrize(
    ("name", "source"), packaged_modules(tests=True).items(), ids=packaged_modules(tests=True)
)
def test_the_shipped_modules_are_laid_out(name: str, source: str) -> None:
    assert format_module(name, source) == source


@settings(max_examples=examples(60), deadline=None)
@given(name=st.sampled_from(sorted(MODULES)), seed=st.integers(0, 2**32))
def test_whatever_its_layout_was_a_module_keeps_its_meaning_and_comments(
    name: str, seed: int
) -> None:
    source = spoilt(name, MODULES[name], random.Random(seed))  # noqa: S311 - a layout, no secret
    try:
        parsed = parse_module(name, source)
    except LoadError:
        return  # a break where Rego allows none: nothing to be laid out
    found = format_module(name, source)
    assert all(
        same(one, other)
        for one, other in zip(parsed.rules, parse_module(name, found).rules, strict=True)
    )
    assert comments(name, found) == comments(name, source)
    assert format_module(name, found) == found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("p if { input.x }", "p if input.x"),
        ("p if { input.x; input.y }", "p if {\n\tinput.x\n\tinput.y\n}"),
        ("p   if\tinput.x==1", "p if input.x == 1"),
        ("p:=[1,2 ,3]", "p := [1, 2, 3]"),
        ("p := [1, 2,]", "p := [1, 2]"),
        ("p := [\n1,\n  2\n]", "p := [\n\t1,\n\t2,\n]"),
        ("p := f(1,\n2)", "p := f(\n\t1,\n\t2,\n)"),
        ('p := {"a":1 , "b" : {2,3}}', 'p := {"a": 1, "b": {2, 3}}'),
        ("p := [x|some x in input.xs;x>1]", "p := [x | some x in input.xs; x > 1]"),
        (
            "p := [x |\nsome x in input.xs; x > 1]",
            "p := [x |\n\tsome x in input.xs\n\tx > 1\n]",
        ),
        ("p := -1 -2", "p := -1 - 2"),
        ("p := x - -1 if x:=1", "p := x - -1 if x := 1"),
        ("p := (1+2)*3", "p := (1 + 2) * 3"),
        ("p if { not  q }\nq:=1", "p if not q\nq := 1"),
        ("p if {\n\tq\n}\nq:=1", "p if {\n\tq\n}\n\nq := 1"),
        ("a := 1\nb := 2", "a := 1\nb := 2"),
        ("a := 1\n\n\n\nb := 2", "a := 1\n\nb := 2"),
        ("p if {\n\n\tinput.x\n\n\n\tinput.y\n\n}", "p if {\n\tinput.x\n\n\tinput.y\n}"),
        (
            "p := 1 if {\ninput.x\n}\nelse := 2 if { input.y }",
            "p := 1 if {\n\tinput.x\n} else := 2 if input.y",
        ),
        (
            "p if every x in input.xs { x > 1; x < 3 }",
            "p if every x in input.xs { x > 1; x < 3 }",
        ),
        ("p contains x if {some x in input.xs}", "p contains x if some x in input.xs"),
        ("q[x] contains y if{some x,y in input.o}", "q[x] contains y if some x, y in input.o"),
        ("p if input.in.some - 1 > 0", "p if input.in.some - 1 > 0"),
        ("p := contains( input.x ,`a  b`)", "p := contains(input.x, `a  b`)"),
        ('p := $"{ input.x } and {1+1}"', 'p := $"{ input.x } and {1+1}"'),
        ("p if q  with input as {} with data.y as 1", "p if q with input as {} with data.y as 1"),
        ("p if input.x ==\n  1", "p if input.x ==\n\t1"),
        ("p if {\n\n# a\n\n# b\nq\n}", "p if {\n\t# a\n\n\t# b\n\tq\n}"),
        ("p := (1 +\n2)", "p := (1 +\n\t2)"),
        ("p := 1 #why", "p := 1 #why"),
        ("p if { # why\n\tinput.x\n\t# last\n}", "p if { # why\n\tinput.x\n\t# last\n}"),
        (
            "# METADATA\n# title: P\np := 1\n# end",
            "# METADATA\n# title: P\np := 1\n# end",
        ),
    ],
)
def test_a_rule_is_laid_out(source: str, expected: str) -> None:
    assert laid(source) == expected


def test_imports_stand_in_order_block_by_block() -> None:
    source = "package t\nimport data.c\nimport data.a # first\n\nimport data.d\nimport data.b as x\np := 1\n"
    assert format_module("t.rego", source) == (
        "package t\n\nimport data.a # first\nimport data.c\n\nimport data.b as x\nimport data.d\n\np := 1\n"
    )


def test_an_import_that_goes_on_in_the_next_line_stays_where_it_is() -> None:
    source = "package t\n\nimport data.b\nimport # why\n\tdata.a\n\np := 1\n"
    assert format_module("t.rego", source) == source


def test_carriage_returns_and_a_missing_last_line_end_are_mended() -> None:
    assert format_module("t.rego", "package t\r\n\r\np := 1") == "package t\n\np := 1\n"


def test_a_text_over_several_lines_is_left_as_it_is() -> None:
    source = "package t\n\np := `a\n  b\t\n\n\nc`\n"
    assert format_module("t.rego", source) == source


def test_what_is_no_rego_is_refused_by_place() -> None:
    with pytest.raises(LoadError, match=r"t\.rego:3:6:"):
        format_module("t.rego", "package t\n\np := := 1\n")
