"""What an author does at a terminal before a rule governs anybody: lay out, check, try, explain, measure."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.cli.main import main
from exchange.home import locked
from policies.bundle import packaged_modules
from policies.reasons import REASONS
from tests.fakes.node import Standing
from tests.fakes.questions import a_question, a_request, plain
from tests.stories.test_command_line import Terminal

MODULE = (
    "package exchange.authz\n\ndecision := 1 if {\n\tinput.ready\n}\n\nlate if input.hour > 20\n"
)


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["policy", *arguments], input=typed)


def said(*arguments: str) -> str:
    """What a command prints; it has to come out well."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def told(*arguments: str) -> Any:
    """What a command prints with --json."""
    return json.loads(said(*arguments, "--json"))


def refused(*arguments: str) -> str:
    """What a command says when the answer is no: in words, not by a traceback."""
    result = run(*arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    return str(result.output)


@pytest.fixture
def asked(tmp_path: Path) -> str:
    """A question whose grant is missing, in a file."""
    path = tmp_path / "question.json"
    path.write_text(json.dumps(plain(a_question(grants=[]))), encoding="utf-8")
    return str(path)


@pytest.fixture
def permitted(tmp_path: Path) -> str:
    path = tmp_path / "permitted.json"
    question = a_question(requests=[a_request(items=["name", "phone", "notes"])])
    path.write_text(json.dumps(plain(question)), encoding="utf-8")
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one module of the policy and the table of its cases."""
    (tmp_path / "rules/exchange").mkdir(parents=True)
    (tmp_path / "rules/cases").mkdir()
    (tmp_path / "rules/exchange/authz.rego").write_text(MODULE, encoding="utf-8")
    rows = {
        "questions": '{"question": "day", "value": {"ready": true, "hour": 9}}',
        "some": '{"case": "by day", "question": "day", "changes": {}}',
    }
    for name, line in rows.items():
        (tmp_path / f"rules/cases/{name}.jsonl").write_text(f"{line}\n", encoding="utf-8")
    return tmp_path / "rules"


# explain


def test_a_refusal_is_explained_in_words_and_by_line(asked: str) -> None:
    reason = REASONS["GRANT_MISSING"]
    text = said("explain", asked)
    assert f"GRANT_MISSING: {reason.zh} {reason.en}" in text
    assert all(basis in text for basis in reason.basis)
    assert "exchange/sharing.rego:" in text


@pytest.mark.parametrize(("lang", "other"), [("zh", "en"), ("en", "zh")])
def test_words_come_in_one_language_where_it_is_asked_for(
    asked: str, lang: str, other: str
) -> None:
    text = said("explain", asked, "--lang", lang)
    reason = {"zh": REASONS["GRANT_MISSING"].zh, "en": REASONS["GRANT_MISSING"].en}
    assert reason[lang] in text
    assert reason[other] not in text


def test_a_permit_is_explained_with_its_masks_denied_items_and_filters(permitted: str) -> None:
    text = said("explain", permitted)
    assert "PERMITTED, grant grt_1" in text
    assert "masked: phone by phone" in text
    assert "denied: notes" in text
    assert 'only rows where region prefix "330106"' in text
    assert "obligations: no-store" in text


def test_an_explanation_as_json_names_place_and_condition(asked: str) -> None:
    (request,) = told("explain", asked, "--ref", "s1")["requests"]
    (ground,) = request["grounds"]
    assert ground["code"] == "GRANT_MISSING"
    assert ground["condition"]["place"]["file"] == "exchange/sharing.rego"
    assert ground["condition"]["text"] in packaged_modules()["exchange/sharing.rego"]


def test_a_request_that_is_not_there_is_said_with_those_that_are(asked: str) -> None:
    assert "no request s9 in the question; it has: s1" in refused("explain", asked, "--ref", "s9")


def test_an_explanation_is_of_one_question_or_one_entry(asked: str) -> None:
    assert "one of QUESTION and --entry needed" in refused("explain")
    assert "one of QUESTION and --entry needed" in refused("explain", asked, "--entry", "3")


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "no JSON"), ("{}", "missing required field"), ("[]", "Expected `object`")],
)
@pytest.mark.parametrize("command", ["explain", "eval", "bench"])
def test_what_is_no_question_is_refused(command: str, text: str, why: str) -> None:
    result = run(command, "-", typed=text)
    assert result.exit_code == 1
    assert "no question of exchange.input/1" in result.output
    assert why in result.output


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    """A terminal beside the process that serves: acts go over its admin socket."""
    with locked(here.node.settings.home):
        yield Terminal(here.node.settings.home)


def test_a_recorded_call_is_explained_from_its_entry(here: Standing, terminal: Terminal) -> None:
    index = int(here.ask(case="SG-0000-0000").entry["index"])
    text = terminal.said("policy", "explain", "--entry", str(index), officer="auditor")
    assert "CASE_MISSING" in text
    assert "exchange/matters.rego:" in text
    assert here.kinds()[-1] == "policy.explained"


# coverage


def test_the_shipped_policy_is_covered_whole() -> None:
    found = told("coverage")
    assert found["percent"] == 100.0, [file["missed"] for file in found["files"] if file["missed"]]
    assert found["tests"] > 10
    assert found["cases"] > 90
    assert {file["file"] for file in found["files"]} == packaged_modules().keys()


def test_what_is_not_covered_is_listed_by_line_and_fails(folder: Path) -> None:
    text = refused("coverage", str(folder))
    assert "exchange/authz.rego:7:9: never reached: late if input.hour > 20" in text
    assert "policy coverage: 50.0 %, 1 of 2 conditions; 0 tests, 1 cases" in text
    said("coverage", str(folder), "--least", "50")


def test_a_folder_without_rules_has_nothing_to_cover(tmp_path: Path) -> None:
    assert "nothing to be covered" in refused("coverage", str(tmp_path))


def test_a_table_that_cannot_be_read_is_named_by_line(folder: Path) -> None:
    (folder / "cases/some.jsonl").write_text("{\n", encoding="utf-8")
    assert "some.jsonl:1: a line of JSON needed" in refused("coverage", str(folder))


# fmt


def test_modules_are_laid_out_in_place_once(folder: Path) -> None:
    module = folder / "exchange/authz.rego"
    module.write_text("package   exchange.authz\np  if { input.x }\n", encoding="utf-8")
    assert "1 modules, 1 changed" in said("fmt", str(folder))
    assert module.read_text(encoding="utf-8") == "package exchange.authz\n\np if input.x\n"
    assert "1 modules, 0 changed" in said("fmt", str(module))


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_a_check_changes_nothing_and_says_no(folder: Path, option: str) -> None:
    module = folder / "exchange/authz.rego"
    spoilt = MODULE.replace("decision :=", "decision:=")
    module.write_text(spoilt, encoding="utf-8")
    text = refused("fmt", str(folder), option)
    assert "1 modules, 1 would change" in text
    assert ("+decision := 1 if {" in text) == (option == "--diff")
    assert module.read_text(encoding="utf-8") == spoilt


def test_a_module_that_is_no_rego_is_refused_and_nothing_is_written(folder: Path) -> None:
    (folder / "exchange/zoo.rego").write_text("package zoo\n\np := := 1\n", encoding="utf-8")
    (folder / "exchange/authz.rego").write_text(MODULE + "\n\n\n", encoding="utf-8")
    assert "zoo.rego:3:6: `:=` found" in refused("fmt", str(folder))
    assert (folder / "exchange/authz.rego").read_text(encoding="utf-8") == MODULE + "\n\n\n"


def test_the_shipped_modules_are_laid_out() -> None:
    assert told("fmt", "--check")["changed"] == []


def test_a_folder_without_modules_has_nothing_to_lay_out(tmp_path: Path) -> None:
    assert "no .rego file in" in refused("fmt", str(tmp_path))


# check


CHECKS = (("lint",), ("fmt", "--check"), ("test",), ("coverage",))
TESTED = """package exchange.authz_test

import data.exchange.authz

test_day if authz.decision == 1 with input.ready as true

test_late if authz.late with input.hour as 21
"""


@pytest.fixture
def whole(folder: Path) -> Path:
    """The folder, with tests that leave nothing out."""
    (folder / "exchange/authz_test.rego").write_text(TESTED, encoding="utf-8")
    return folder


def test_a_check_prints_what_lint_fmt_test_and_coverage_print(whole: Path) -> None:
    parts = [said(name, str(whole), *more) for name, *more in CHECKS]
    assert said("check", str(whole)) == "".join(parts)
    assert told("check", str(whole)) == {
        name: told(name, str(whole), *more) for name, *more in CHECKS
    }


def test_a_check_without_a_folder_is_of_the_shipped_modules() -> None:
    assert said("check") == "".join(said(*one) for one in CHECKS)


@pytest.mark.parametrize(
    ("file", "before", "after", "failing"),
    [
        ("authz.rego", "input.hour > 20", "not input.x.y", "lint"),
        ("authz.rego", "decision :=", "decision:=", "fmt"),
        ("authz_test.rego", "== 1", "== 2", "test"),
        ("authz_test.rego", "21", "21\n\ntest_never if not authz.late with input.hour as 3", ""),
        ("authz.rego", "late if", "never if input.never\n\nlate if", "coverage"),
    ],
)
def test_a_check_ends_with_the_first_that_fails(
    whole: Path, file: str, before: str, after: str, failing: str
) -> None:
    module = whole / "exchange" / file
    spoilt = module.read_text(encoding="utf-8").replace(before, after)
    module.write_text(spoilt, encoding="utf-8")
    result = run("check", str(whole), "--json")
    names = [name for name, *_ in CHECKS]
    ran = names[: names.index(failing) + 1] if failing else names
    assert [name for name, found in json.loads(result.stdout).items() if found is not None] == ran
    assert result.exit_code == (1 if failing else 0)
    assert run("check", str(whole)).exit_code == result.exit_code
    for name, *more in CHECKS:
        if name == failing:
            assert run("check", str(whole)).output.endswith(refused(name, str(whole), *more))
    assert module.read_text(encoding="utf-8") == spoilt


def test_a_check_takes_the_same_least_as_coverage(folder: Path) -> None:
    module = folder / "exchange/authz_test.rego"
    module.write_text(TESTED[: TESTED.index("\ntest_late")], encoding="utf-8")
    refused("coverage", str(folder), "--least", "51")
    refused("check", str(folder), "--least", "51")
    assert run("check", str(folder), "--least", "50").exit_code == 0


def test_what_does_not_load_ends_a_check_in_words(folder: Path) -> None:
    (folder / "exchange/authz.rego").write_text("package exchange.authz\n\np := := 1\n")
    assert "authz.rego:3:6: `:=` found" in refused("check", str(folder))


# lint, bench


def test_what_would_not_load_is_found_by_lint(folder: Path) -> None:
    (folder / "exchange/authz.rego").write_text(
        "package exchange.authz\n\np if somebody(input.x)\n", encoding="utf-8"
    )
    assert "exchange/authz.rego:3:6: `somebody` is no function" in refused("lint", str(folder))


def test_a_bench_says_what_a_decision_costs_and_which_rules_cost_it(permitted: str) -> None:
    found = told("bench", permitted, "--rounds", "3")
    assert found["questions"] == 1
    assert 0 < found["fastest_us"] <= found["median_us"] <= found["slowest_us"]
    names = {row["rule"] for row in found["rules"]}
    assert "exchange.sharing.covering" in names
    assert 90 < sum(row["percent"] for row in found["rules"]) < 110
    assert "µs a decision" in said("bench", permitted, "--rounds", "3")


# conformance


def cases(path: Path, *more: dict[str, Any]) -> str:
    base = {"query": "data.t.p = x", "modules": ["package t\n\np := 1"], "data": {}}
    rows = [
        {"note": "one/passes", "want_result": [{"x": 1}], **base},
        {
            "note": "one/fails",
            "want_error": "conflict",
            **base,
            "modules": ["package t\n\np := :="],
        },
        *({**base, **row} for row in more),
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.jsonl.gz"])
def test_conformance_counts_what_passed(tmp_path: Path, name: str) -> None:
    text = said("conformance", cases(tmp_path / name))
    assert "conformance: 2 of 2 passed (100.0 %), 0 refused, 0 wrong" in text


def test_each_miss_is_listed_with_its_reason(tmp_path: Path) -> None:
    sent = {"note": "two/sends", "modules": ['package t\n\np := http.send({"url": "x"})']}
    path = cases(tmp_path / "cases.jsonl", {**sent, "want_result": [{"x": 1}]})
    assert "1 http.send" in said("conformance", path)
    assert "refused: two/sends: m0.rego:3:6: `http.send`" in said("conformance", path, "--misses")
    (miss,) = told("conformance", path, "--misses")["cases"]
    assert (miss["note"], miss["state"], miss["missing"]) == ("two/sends", "refused", "http.send")


def test_a_wrong_answer_fails_and_is_listed_always(tmp_path: Path) -> None:
    path = cases(tmp_path / "cases.jsonl", {"note": "two/other", "want_result": [{"x": 2}]})
    text = refused("conformance", path)
    assert "wrong: two/other: answered otherwise than OPA" in text
    assert "1 wrong" in text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no case found, at least one line needed"),
        (b"{\n", "cases.jsonl:1: a conformance case needed"),
        (b"\x1f\x8bnot gzip at all", "JSON lines needed, plain or gzip"),
    ],
)
def test_what_holds_no_cases_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    assert why in refused("conformance", str(path))
