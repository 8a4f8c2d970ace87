"""Each rule of law that a decision can carry has lines in the decision table, and each refusal is reached."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policies.reasons import REASONS
from tests.fakes.decision_table import CASES

PAGE = Path(__file__).parents[3] / "docs" / "policy-rules.md"
_ROW = re.compile(r"\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|")
NONE = "–"
ELSEWHERE = {"QUESTION_INCOMPLETE", "FACT_MISSING", "DEPARTMENT_DENIED"}
"""Refused before the rules are asked, or by a department's own package: `guards_test.rego` has both."""


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    given: str
    refused: str
    citation: str


def rules() -> Iterator[Rule]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = _ROW.fullmatch(line)
        if row and row[1] != "rule" and not row[1].startswith("---"):
            yield Rule(*row.groups())


def lines() -> dict[str, dict[str, Any]]:
    return {
        row["case"]: row
        for file in sorted(CASES.glob("*.jsonl"))
        if file.name != "questions.jsonl"
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    }


RULES = list(rules())
LINES = lines()


def codes(case: str) -> set[str]:
    return {verdict["code"] for verdict in LINES[case]["expect"].values()}


def told(case: str) -> set[str]:
    """Every code that a line expects somewhere: of the whole, of a request, of an item."""
    row = LINES[case]
    found = codes(case) | {row.get("operation", "")}
    for verdict in row["expect"].values():
        found |= {*verdict.get("reasons", ()), *verdict.get("denied", {}).values()}
    return found


def test_the_page_lists_rules_once() -> None:
    assert len(RULES) >= 30
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_its_lines(rule: Rule) -> None:
    named = {rule.given, rule.refused} - {NONE}
    assert named
    assert named <= LINES.keys()
    assert rule.given == NONE or "PERMITTED" in codes(rule.given)
    assert rule.refused == NONE or "PERMITTED" not in codes(rule.refused)
    assert rule.citation in {LINES[case]["basis"] for case in named}


def test_every_line_cites_a_law() -> None:
    assert [
        case for case, row in LINES.items() if "号" not in row["basis"] and "法" not in row["basis"]
    ] == []


def test_every_refusal_is_reached_by_a_line() -> None:
    reached = set().union(*map(told, LINES))
    assert {code for code in REASONS if code not in reached} - ELSEWHERE == set()
