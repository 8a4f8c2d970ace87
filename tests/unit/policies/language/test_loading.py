"""What is not offered, not safe or not Rego v1 is refused at load, with file, line and column."""

import re

import pytest

from policies.engine import LoadError
from policies.language import UNDEFINED, compile_modules, parse_module
from policies.language.ast import Rule

REFUSED = {
    "http.send": 'p := http.send({"method": "get"})',
    "time.now_ns": "p := time.now_ns()",
    "rand.intn": 'p := rand.intn("x", 5)',
    "opa.runtime": "p := opa.runtime()",
    "net.lookup_ip_addr": 'p := net.lookup_ip_addr("example.org")',
    "rego.parse_module": 'p := rego.parse_module("m", "package m")',
    "crypto.x509.parse_and_verify_certificates": 'p := crypto.x509.parse_and_verify_certificates("x")',
    "trace": 'p if trace("x")',
    "uuid.rfc4122": 'p := uuid.rfc4122("x")',
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_built_in_that_is_not_offered_is_named_with_its_place(name: str) -> None:
    with pytest.raises(LoadError, match=rf"^deny\.rego:4:\d+: .*`{re.escape(name)}`"):
        compile_modules({"deny.rego": f"package t\n\n# a comment\n{REFUSED[name]}\n"})


@pytest.mark.parametrize(
    "rule",
    [
        "p if x > 3",
        "p if not input.a[_] == 3",
        "p if not input.a[x]",
        "p contains x if input.a",
        "p[x] := 1 if input.a",
        "p := [x | y := 1]",
        "f(x) := y if x == 1",
        "p if x == y",
        "p if { some x; not q(x) }\n\nq(x) if x == 1",
    ],
)
def test_a_variable_without_a_value_is_refused(rule: str) -> None:
    with pytest.raises(LoadError, match=r"has no value|without a value"):
        compile_modules({"m.rego": f"package t\n\n{rule}\n"})


@pytest.mark.parametrize(
    "rule",
    [
        "p { input.a }",
        "p",
        "p if",
        "p if {}",
        "p :=",
        "p := -x if x := 1",
        "p := {1: 2, 3}",
        'p := "a',
        "p := `a",
        'p := "\\x"',
        "p := 01",
        "p := json.marshal(1.0)",
        "p := {1e3: input.a}",
        "p := [1, 2",
        "p := 1 p := 2",
        "p if input.a input.b",
        "p if { input.a } { input.b }",
        "some := 1",
        "default p := 1 if true",
        "p := 1 else { 2 }",
        "p contains 1 else := 2",
        "p if every x in [1]",
        "p if some x, y, z in [1]",
        'p := $"{input.a"',
        "p := 1 if true with input.a as",
        'import input["a"',
        "import nothing.at.all",
        "p := §",
        "p := " + "[" * 3000 + "]" * 3000,
    ],
)
def test_what_is_not_the_language_is_refused(rule: str) -> None:
    with pytest.raises(LoadError, match=r"^m\.rego:\d+:\d+: "):
        compile_modules({"m.rego": f"package t\n\n{rule}\n"})


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("p if q\n\nq if p", "recursive"),
        ("f(x) := f(x)", "recursive"),
        ("p := data.t[x] if x := input.a", "recursive"),
        ("p := 1\n\np contains 2", "different forms"),
        ("f(x) := x\n\nf(x, y) := x", "different forms"),
        ("default p := 1\n\ndefault p := 2", "two defaults"),
        ("p := count(1, 2, 3)", "takes 1 arguments"),
        ("p := f\n\nf(x) := x", "is a function"),
        ("p if { x := 1; x := 2 }", "declared twice"),
        ("p if { y := x; x := 2 }", "has no value|before it is declared"),
        ("p := 1 if q.a with q.a as 2\n\nq := {}", "with|part of"),
        ("p if input.a with nothing.at.all as 1", "no document and no function"),
        ("import data.x\n\nimport data.y.x\n\np := x", "imported twice"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(rules: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        compile_modules({"m.rego": f"package t\n\n{rules}\n"})


def test_a_rule_over_data_or_over_a_package_is_refused() -> None:
    with pytest.raises(LoadError, match="the data have it too"):
        compile_modules({"m.rego": "package t\n\np := 1\n"}, {"t": {"p": 2}})
    with pytest.raises(LoadError, match="a rule and a package"):
        compile_modules({"a.rego": "package t\n\np := 1\n", "b.rego": "package t.p.q\n\nr := 1\n"})


def test_data_that_are_no_json_are_refused() -> None:
    with pytest.raises(LoadError, match="no JSON"):
        compile_modules({}, {"t": object()})


def test_a_module_is_read_with_the_places_of_its_rules() -> None:
    module = parse_module("m.rego", "package a.b\n\n# METADATA\nimport data.x\n\n\np := 1\n")
    assert module.package == ("a", "b")
    assert [(rule.name, rule.place.line, rule.place.column) for rule in module.rules] == [
        ("p", 7, 1)
    ]
    assert isinstance(module.rules[0], Rule)


def test_rules_tests_and_reads_are_listed() -> None:
    program = compile_modules(
        {
            "m.rego": "package t\n\np if input.a.b[_] == 1\n",
            "m_test.rego": "package t_test\n\nimport data.t\n\ntest_p if t.p with input.a.b as [1]\n",
        }
    )
    assert [rule.path for rule in program.rules()] == ["data.t.p", "data.t_test.test_p"]
    assert [(test.path, test.place.file, test.place.line) for test in program.tests()] == [
        ("data.t_test.test_p", "m_test.rego", 5)
    ]
    assert program.reads("data.t.p") == {("input", "a", "b", None)}
    assert program.evaluate("data.t_test.test_p") is True
    assert program.evaluate("data.t.p") is UNDEFINED


def test_nothing_that_an_author_writes_becomes_code() -> None:
    hostile = "'); __import__('os').system('echo taken') #"
    source = f'package t["{hostile}"]\n\np["{hostile}"] := "{hostile}" if input["{hostile}"] == `{hostile}`\n'
    program = compile_modules({hostile: source})
    found = program.evaluate("data.t", {hostile: hostile})
    assert found == {hostile: {"p": {hostile: hostile}}}
