"""The embedded engine gives a decision or none, and none is what every fault becomes."""

import pytest

from policies.embedded import Embedded
from policies.engine import UndecidedError
from policies.language import Budget, compile_modules
from tests.fakes.questions import EXPIRES, a_question

POLICY = """package exchange.authz

decision := {
	"schema": "exchange.decision/1",
	"revision": "rev-1",
	"expires": 1826964000,
	"allow": false,
	"code": "REFUSED",
	"valid_until": 1826964000,
	"resources": {req.ref: verdict(req) | some req in input.requests},
}

verdict(req) := {"allow": false, "code": code, "resource": req.resource, "reasons": [reason]} if {
	count(denials) > 0
	code := "DENIED"
	reason := {"rule": "test", "code": code, "legal_basis": []}
} else := {
	"allow": true, "code": "PERMITTED", "resource": req.resource, "grant": "grt_1", "max_rows": 1,
	"items": {"allowed": req.items, "masked": {}, "denied": {}}, "row_filter": {"all": []},
	"reasons": [{"rule": "test", "code": "PERMITTED", "legal_basis": []}],
}

denials contains "denied" if {
	DENY
}

helper if sum(input.requests) > 0
"""


def an_engine(
    deny: str, *, steps: int = 100_000, revision: str = "rev-1", entrypoint: str = "decision"
) -> Embedded:
    program = compile_modules({"authz.rego": POLICY.replace("DENY", deny)})
    return Embedded(
        program,
        revision=revision,
        expires=EXPIRES,
        budget=Budget(steps=steps),
        entrypoint=f"data.exchange.authz.{entrypoint}",
    )


async def test_a_question_is_decided() -> None:
    decision = await an_engine('input.channel == "bulk"').decide(a_question())
    assert decision.resources["s1"].allow
    refused = await an_engine('input.channel == "query"').decide(a_question())
    assert not refused.resources["s1"].allow


@pytest.mark.proves("P12")
@pytest.mark.parametrize(
    "deny",
    [
        "1 / (input.hour - input.hour) > 0",
        "to_number(input.network.zone) > 3",
        "count(input.now) > 0",
        'regex.match("(", input.caller.system)',
        "not helper",
        "some r in input.requests; r.limit / 0 > 1",
    ],
)
async def test_an_error_inside_a_deny_refuses(deny: str) -> None:
    """In OPA's default mode each of these would be undefined, and the deny would not hold."""
    with pytest.raises(UndecidedError):
        await an_engine(deny).decide(a_question())


@pytest.mark.proves("P4")
async def test_an_undefined_decision_refuses() -> None:
    with pytest.raises(UndecidedError, match="undefined"):
        await an_engine("input.hour > 99", entrypoint="nothing").decide(a_question())


@pytest.mark.proves("P4")
async def test_a_decision_of_another_revision_refuses() -> None:
    with pytest.raises(UndecidedError, match="revision"):
        await an_engine("input.hour > 99", revision="rev-2").decide(a_question())


@pytest.mark.proves("P4")
async def test_a_decision_that_takes_too_many_steps_refuses() -> None:
    deny = "some a in input.requests; some b in numbers.range(1, 2000); b == 2001"
    with pytest.raises(UndecidedError, match="steps"):
        await an_engine(deny, steps=1000).decide(a_question())


def test_the_engine_names_its_revision() -> None:
    assert an_engine("input.hour > 99").revision == "rev-1"
