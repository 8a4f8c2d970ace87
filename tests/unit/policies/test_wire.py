"""An engine's answer counts as a decision only when it is whole, of this bundle and on this question."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from policies import wire
from policies.engine import UndecidedError
from policies.language import UNDEFINED
from policies.model import DECISION_SCHEMA, ItemVerdicts, Reason, RowFilter, Verdict
from tests.fakes.questions import EXPIRES, LICENCE, NOW, a_question, a_request

REVISION = "rev-1"
QUESTION = a_question(
    requests=[
        a_request(ref="s1", items=["name", "phone"], limit=20),
        a_request(ref="s2", items=["name"], limit=5),
    ]
)
Change = Callable[[dict[str, Any]], object]


def an_answer() -> dict[str, Any]:
    """The plain JSON of a decision that permits s1 and refuses s2."""
    permit = Verdict(
        allow=True,
        code="PERMITTED",
        resource=LICENCE,
        grant="grt_1",
        items=ItemVerdicts(allowed=["name"], masked={"phone": "keep-last-4"}, denied={}),
        row_filter=RowFilter(all=[]),
        max_rows=20,
        obligations=[],
        reasons=[Reason(rule="sharing.grant", code="PERMITTED", legal_basis=[])],
    )
    refusal = Verdict(
        allow=False,
        code="GRANT_MISSING",
        resource=LICENCE,
        reasons=[Reason(rule="sharing.grant", code="GRANT_MISSING", legal_basis=[])],
    )
    answer: dict[str, Any] = {
        "schema": DECISION_SCHEMA,
        "revision": REVISION,
        "expires": EXPIRES,
        "allow": False,
        "code": "PARTLY_PERMITTED",
        "resources": {"s1": msgspec.to_builtins(permit), "s2": msgspec.to_builtins(refusal)},
        "valid_until": EXPIRES,
    }
    return answer


def permit(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["resources"]["s1"]
    return found


def refusal(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["resources"]["s2"]
    return found


def test_a_whole_answer_is_the_decision() -> None:
    decision = wire.accept(an_answer(), QUESTION, revision=REVISION, expires=EXPIRES)
    assert decision.resources["s1"].allow
    assert not decision.resources["s2"].allow


SHAPES: dict[str, Any] = {
    "undefined": UNDEFINED,
    "null": None,
    "an empty object": {},
    "true alone": True,
    "a text": "allow",
    "half an object": {"schema": DECISION_SCHEMA, "allow": True},
}


@pytest.mark.proves("P4")
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_has_another_shape_is_no_decision(shape: Any) -> None:
    with pytest.raises(UndecidedError):
        wire.accept(shape, QUESTION, revision=REVISION, expires=EXPIRES)


CHANGES: dict[str, Change] = {
    "another schema": lambda a: a.update(schema="exchange.decision/2"),
    "another revision": lambda a: a.update(revision="rev-2"),
    "another expiry": lambda a: a.update(expires=EXPIRES + 1),
    "valid beyond the policy": lambda a: a.update(valid_until=EXPIRES + 1),
    "a permit that is over": lambda a: a.update(valid_until=NOW),
    "a member that is not known": lambda a: a.update(advice="ignore"),
    "a member of a verdict that is not known": lambda a: permit(a).update(condition="x"),
    "allow as a text": lambda a: a.update(allow="true"),
    "allow as a number": lambda a: permit(a).update(allow=1),
    "allow as null": lambda a: refusal(a).update(allow=None),
    "the operation permitted beside a refusal": lambda a: a.update(allow=True),
    "a ref without a verdict": lambda a: a["resources"].pop("s2"),
    "a verdict never asked for": lambda a: a["resources"].update(s3=a["resources"]["s2"]),
    "a verdict on another resource": lambda a: permit(a).update(resource="other/thing"),
    "a permit without a filter": lambda a: permit(a).pop("row_filter"),
    "a permit without items": lambda a: permit(a).pop("items"),
    "a permit without a row limit": lambda a: permit(a).pop("max_rows"),
    "a permit without a grant": lambda a: permit(a).pop("grant"),
    "a permit without a reason": lambda a: permit(a).update(reasons=[]),
    "a refusal without a reason": lambda a: refusal(a).update(reasons=[]),
    "more rows than asked for": lambda a: permit(a).update(max_rows=21),
    "a negative number of rows": lambda a: permit(a).update(max_rows=-1),
    "an item never asked for": lambda a: permit(a)["items"]["allowed"].append("capital"),
    "a masked item never asked for": lambda a: permit(a)["items"]["masked"].update(capital="all"),
    "an item without a verdict": lambda a: permit(a)["items"]["allowed"].clear(),
    "an item with two verdicts": lambda a: permit(a)["items"]["allowed"].append("phone"),
    "an obligation that is not known": lambda a: permit(a).update(
        obligations=[{"type": "notify-owner"}]
    ),
    "an operator of a filter that is not known": lambda a: permit(a).update(
        row_filter={"all": [{"item": "region", "op": "like", "value": "3%"}]}
    ),
    "a refusal with items": lambda a: refusal(a).update(items=permit(a)["items"]),
    "a refusal with a filter": lambda a: refusal(a).update(row_filter={"all": []}),
    "a refusal with an obligation": lambda a: refusal(a).update(obligations=[{"type": "no-store"}]),
}


@pytest.mark.proves("P4")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_answer_with_one_thing_wrong_is_no_decision(change: Change) -> None:
    answer = copy.deepcopy(an_answer())
    change(answer)
    with pytest.raises(UndecidedError):
        wire.accept(answer, QUESTION, revision=REVISION, expires=EXPIRES)


@pytest.mark.proves("P1")
def test_an_expired_policy_decides_nothing() -> None:
    answer = an_answer() | {"expires": NOW, "valid_until": NOW}
    with pytest.raises(UndecidedError, match="expired"):
        wire.accept(answer, QUESTION, revision=REVISION, expires=NOW)


def test_two_requests_of_one_ref_are_not_decided() -> None:
    question = a_question(requests=[a_request(), a_request()])
    with pytest.raises(UndecidedError, match="one ref"):
        wire.accept(an_answer(), question, revision=REVISION, expires=EXPIRES)
