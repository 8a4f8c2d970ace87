"""OPA's own conformance cases: each is answered as OPA answers, or refused at load."""

from pathlib import Path

import pytest

from policies.language.conformance import Outcome, read_cases, run_case, summarise

CASES = Path(__file__).parents[3] / "shared/data/opa-v1-cases/cases.jsonl.gz"
LEAST_PASSED = 1286
LEAST_SHARE = 0.90
# Of those cases whose functions are all offered.
LEAST_SHARE_OFFERED = 0.99


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    if not CASES.exists():
        pytest.skip(f"the conformance cases are not at {CASES}")
    return [run_case(case) for case in read_cases(CASES)]


@pytest.mark.proves("P5")
def test_no_case_is_answered_otherwise_than_by_opa(outcomes: list[Outcome]) -> None:
    assert [one for one in outcomes if one.state == "wrong"] == []


@pytest.mark.proves("P5")
def test_as_many_cases_pass_as_are_promised(outcomes: list[Outcome]) -> None:
    summary = summarise(outcomes)
    assert summary.passed >= LEAST_PASSED
    assert summary.share >= LEAST_SHARE
    assert summary.offered_share >= LEAST_SHARE_OFFERED


def test_every_refusal_says_what_was_found(outcomes: list[Outcome]) -> None:
    refused = [one for one in outcomes if one.state == "refused"]
    assert refused
    assert all(one.reason for one in refused)
    assert all(one.missing in one.reason for one in refused)
