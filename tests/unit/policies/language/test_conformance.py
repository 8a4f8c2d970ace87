"""The runner of conformance cases: passed, refused with a reason, or wrong; and nothing beside."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from policies.engine import LoadError
from policies.language.conformance import Outcome, read_cases, run_case, summarise

RULE = "package t\n\np := {}\n"


def a_case(term: str = "1", **changed: Any) -> dict[str, Any]:
    case = {
        "note": "family/note",
        "file": "family/file.json",
        "modules": [RULE.format(term)],
        "query": "data.t.p = x",
        "want_result": [{"x": 1}],
    }
    return case | changed


def outcome(tmp_path: Path, case: dict[str, Any]) -> Outcome:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(case) + "\n", encoding="utf-8")
    (found,) = read_cases(path)
    return run_case(found)


@pytest.mark.parametrize(
    ("case", "state"),
    [
        (a_case(), "passed"),
        (a_case("1.0"), "passed"),
        (a_case(want_result=[{"x": 1.0}]), "passed"),
        (a_case("input.n", input={"n": 1}), "passed"),
        (a_case("count(input)", input_term="{5}"), "passed"),
        (a_case("input", input_term="count([1])"), "refused"),
        (a_case("true"), "wrong"),
        (a_case(want_result=[{"x": 2}]), "wrong"),
        (a_case(want_result=[{"x": 1}, {"x": 1}]), "wrong"),
        (a_case("count(input.n)", input={"n": 1}, strict_error=True), "wrong"),
        (a_case("1 +"), "refused"),
        (a_case("1 +", want_error="parse"), "passed"),
        (a_case("count(input.n)", input={"n": 1}, strict_error=True, want_error="e"), "passed"),
        (a_case(want_error="e"), "wrong"),
        (a_case("http.send({})"), "refused"),
        (a_case("http.send({})", want_error="e"), "refused"),
        (a_case("[2, 1]", want_result=[{"x": [1, 2]}]), "wrong"),
        (a_case("[2, 1]", want_result=[{"x": [1, 2]}], sort_bindings=True), "passed"),
    ],
)
def test_a_case_passes_is_refused_or_is_wrong(
    tmp_path: Path, case: dict[str, Any], state: str
) -> None:
    found = outcome(tmp_path, case)
    assert found.state == state
    assert bool(found.reason) == (state != "passed")


def test_a_refusal_names_the_function_that_is_not_offered(tmp_path: Path) -> None:
    found = outcome(tmp_path, a_case("http.send({})"))
    assert (found.missing, found.offered) == ("http.send", False)
    assert "m0.rego:3:6" in found.reason
    assert outcome(tmp_path, a_case("1 +")).offered


def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    plain, packed = tmp_path / "cases.jsonl", tmp_path / "cases.jsonl.gz"
    content = f"{json.dumps(a_case())}\n\n{json.dumps(a_case('2'))}\n".encode()
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert list(read_cases(plain)) == list(read_cases(packed))
    assert len(list(read_cases(plain))) == 2


@pytest.mark.parametrize("line", ["nothing", "[]", "{}", '{"note": "n"}', '{"query": "q"}', "1"])
def test_a_line_that_is_no_case_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f"{json.dumps(a_case())}\n{line}\n", encoding="utf-8")
    with pytest.raises(LoadError, match=r"^cases\.jsonl:2: "):
        list(read_cases(path))


def test_outcomes_are_counted_by_state_family_and_cause() -> None:
    found = [
        Outcome("a/1", "a", "passed"),
        Outcome("a/2", "a", "refused", "m0:1:1: `f` …", "f"),
        Outcome("b/1", "b", "refused", "m0:1:1: `f` …", "f"),
        Outcome("b/2", "b", "refused", "a text"),
        Outcome("b/3", "b", "wrong", "answered otherwise"),
    ]
    summary = summarise(found)
    assert (summary.total, summary.passed, summary.refused, summary.wrong) == (5, 1, 3, 1)
    assert (summary.offered, summary.offered_passed) == (3, 1)
    assert summary.misses == {"f": 2, "a text": 1}
    assert summary.families == {"a": (1, 2), "b": (0, 3)}
    assert summary.share == 0.2
    assert summarise([]).offered_share == 0.0
