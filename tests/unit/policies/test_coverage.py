"""What the tests and cases of a policy pass, and what they leave out."""

import pytest

from policies.coverage import Coverage, changed, measure, packaged_cases, read_cases
from policies.engine import LoadError
from policies.language import compile_modules
from policies.language.tracing import Trace

AUTHZ = """package exchange.authz

decision := {"allow": true} if {
	input.ready
	input.hour > 6
}

late if input.hour > 20
"""
TESTS = """package exchange.authz_test

import data.exchange.authz

test_late if authz.late with input as {"hour": 22}
"""
QUESTIONS = '{"question": "day", "value": {"ready": true, "hour": 7, "list": [1]}}\n'


def covered(*, tests: str = "", cases: str = "") -> Coverage:
    trace = Trace()
    modules = {"exchange/authz.rego": AUTHZ}
    if tests:
        modules["exchange/authz_test.rego"] = tests
    program = compile_modules(modules, trace=trace)
    table = {"questions.jsonl": QUESTIONS, "some.jsonl": cases}
    return measure(program, trace, read_cases(table))


def case(changes: str) -> str:
    return f'{{"case": "c", "question": "day", "changes": {changes}}}\n'


def missed(found: Coverage) -> list[tuple[int, bool]]:
    return [(one.place.line, one.reached) for file in found.files for one in file.missed]


def test_without_tests_and_cases_nothing_is_covered() -> None:
    found = covered()
    assert (found.percent, found.tests, found.cases) == (0.0, 0, 0)
    assert missed(found) == [(4, False), (5, False), (8, False)]


def test_a_case_covers_what_it_passes() -> None:
    found = covered(cases=case("{}"))
    assert missed(found) == [(8, False)]
    assert (found.passed, found.literals, found.cases) == (2, 3, 1)


def test_a_condition_that_never_held_is_told_from_one_never_reached() -> None:
    assert missed(covered(cases=case('{"/hour": 3}'))) == [(5, True), (8, False)]
    assert missed(covered(cases=case('{"/ready": false}'))) == [
        (4, True),
        (5, False),
        (8, False),
    ]


def test_tests_in_rego_cover_and_are_not_covered_themselves() -> None:
    found = covered(tests=TESTS, cases=case("{}"))
    assert found.percent == 100.0
    assert [file.file for file in found.files] == ["exchange/authz.rego"]
    assert found.tests == 1


def test_a_missed_condition_is_told_by_place_and_text() -> None:
    (first, *_) = covered().files[0].missed
    assert (first.place.file, first.place.line, first.place.column) == ("exchange/authz.rego", 4, 2)
    assert first.text == "input.ready"


def test_changes_are_json_pointers_into_a_copy() -> None:
    question = {"list": [1], "a/b": {"~": 1}}
    assert changed(question, {"/list/-": 2, "/a~1b/~0": 3}) == {"list": [1, 2], "a/b": {"~": 3}}
    assert question == {"list": [1], "a/b": {"~": 1}}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "a line of JSON needed"),
        ("[]", "an object needed"),
        ('{"case": "c", "question": "night", "changes": {}}', "a case with a question"),
        ('{"case": "c", "question": "day", "changes": {"/list/9": 1}}', "a case with a question"),
        ('{"case": "c", "question": "day"}', "a case with a question"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_line(line: str, why: str) -> None:
    with pytest.raises(LoadError, match=rf"some\.jsonl:2: {why}"):
        read_cases({"questions.jsonl": QUESTIONS, "some.jsonl": f"\n{line}\n"})


def test_the_shipped_table_is_read_whole() -> None:
    files = packaged_cases()
    lines = sum(len(text.splitlines()) for name, text in files.items() if name != "questions.jsonl")
    assert len(read_cases(files)) == lines > 90
