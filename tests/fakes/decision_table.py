"""The decision table of `policies/cases`, read and compared with what an engine answered."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.bundle import Bundle, compose, default_bundle
from tests.fakes.questions import EXPIRES, patched

CASES = Path(__file__).parents[2] / "policies" / "cases"
GOLDEN = Path(__file__).parents[1] / "data" / "policy_cases.golden.jsonl"


@dataclass(frozen=True, slots=True)
class TableCase:
    name: str
    question: dict[str, Any]
    """Plain, as the engines get it."""
    expected: dict[str, dict[str, Any]]
    operation: str | None
    """Expected code of the whole decision; None where the line is not about it."""


def table_bundle() -> Bundle:
    """The shipped policy under a fixed revision, so that golden answers outlive an edit of a comment."""
    shipped = default_bundle(expires=EXPIRES)
    return compose(shipped.modules, shipped.data, revision="golden", expires=EXPIRES)


def table() -> list[TableCase]:
    questions = {row["question"]: row["value"] for row in _lines(CASES / "questions.jsonl")}
    return [
        TableCase(
            name=row["case"],
            question=patched(questions[row["question"]], row["changes"]),
            expected=row["expect"],
            operation=row.get("operation"),
        )
        for file in sorted(CASES.glob("*.jsonl"))
        if file.name != "questions.jsonl"
        for row in _lines(file)
    ]


def golden() -> dict[str, Any]:
    """What genuine OPA answered to each line of the table."""
    return {row["case"]: row["decision"] for row in _lines(GOLDEN)}


def told(verdict: dict[str, Any]) -> dict[str, Any]:
    """A verdict in the words of the table."""
    items = verdict.get("items") or {"allowed": [], "masked": {}, "denied": {}}
    return {
        "code": verdict["code"],
        "reasons": [reason["code"] for reason in verdict["reasons"]],
        "grant": verdict.get("grant"),
        "allowed": sorted(items["allowed"]),
        "masked": items["masked"],
        "denied": items["denied"],
        "rows": (verdict.get("row_filter") or {"all": None})["all"],
        "max_rows": verdict.get("max_rows"),
        "obligations": sorted(duty["type"] for duty in verdict.get("obligations", [])),
    }


def differences(case: TableCase, decision: Any) -> list[str]:
    """What of the decision is not what the line expects; empty where all of it is."""
    found = decision["resources"]
    wrong = [] if found.keys() == case.expected.keys() else [f"verdicts on {sorted(found)}"]
    for ref, expected in case.expected.items():
        said = told(found[ref]) if ref in found else {}
        wrong += [
            f"{ref}.{member}: {said.get(member)!r}, expected {value!r}"
            for member, value in expected.items()
            if said.get(member) != value
        ]
        if ref in found and found[ref]["allow"] != (expected["code"] == "PERMITTED"):
            wrong.append(f"{ref}.allow: {found[ref]['allow']}")
    if case.operation not in {None, decision["code"]}:
        wrong.append(f"code: {decision['code']}, expected {case.operation}")
    return wrong


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
