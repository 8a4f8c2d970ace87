"""Who can see what is read off the policy's own answers, under circumstances made better and worse."""

from typing import Any

import pytest

from policies.embedded import Embedded
from policies.engine import UndecidedError
from policies.language import Budget, compile_modules
from policies.model import Decision, Question
from policies.who_can import Decide, at_best, gathered, sights
from tests.fakes.decision_table import table_bundle
from tests.fakes.questions import (
    HOUSEHOLD,
    NOW,
    a_case,
    a_grant,
    a_household,
    a_question,
    a_request,
    a_subject,
    an_officer,
)


@pytest.fixture(scope="module")
def decide() -> Decide:
    bundle = table_bundle()
    program = compile_modules(bundle.modules, bundle.data)
    engine = Embedded(
        program, revision=bundle.revision, expires=bundle.expires, budget=Budget(), standing=False
    )
    return engine.decide_now


def at_worst(**changes: Any) -> Question:
    """A question of which only the grant speaks for its caller."""
    members: dict[str, Any] = {
        "case": None,
        "officer": an_officer(authn_level=0, clearance=0),
        "requests": [a_request(subject=a_subject(relation="stranger", digest=None))],
    }
    return a_question(**members | changes)


def test_what_is_seen_is_asked_under_the_best_circumstances(decide: Decide) -> None:
    (sight,) = sights(at_worst(), decide)
    assert (sight.department, sight.system, sight.grant) == ("housing", "sys_permit", "grt_1")
    assert sight.items == {"name": "none", "legal_person": "none", "phone": "none"}
    assert sight.uncleared == {"name": "none", "legal_person": "name", "phone": "phone"}
    assert (sight.max_rows, sight.until) == (10, a_grant().not_after)
    assert [row.item for row in sight.rows] == ["region"]


def test_what_a_call_needs_is_what_is_missed_when_it_is_taken_away(decide: Decide) -> None:
    (sight,) = sights(at_worst(), decide)
    assert {"case", "party", "clearance>=3"} <= set(sight.needs)
    assert not {"consent", "attested-case"} & set(sight.needs)
    (attested,) = sights(at_worst(grants=[a_grant(attested=True)]), decide)
    assert "attested-case" in attested.needs


def test_a_consent_is_needed_where_the_resource_asks_for_one(decide: Decide) -> None:
    request = a_request(resource=HOUSEHOLD, items=["address"], matched=["id_no"])
    grant = a_grant(resource=HOUSEHOLD, items=["address"], match=["id_no"], rows=[])
    question = at_worst(requests=[request], catalogue={HOUSEHOLD: a_household()}, grants=[grant])
    (sight,) = sights(question, decide)
    assert "consent" in sight.needs


@pytest.mark.parametrize(
    "grant",
    [
        a_grant(status="revoked"),
        a_grant(not_after=NOW),
        a_grant(systems=["sys_other"]),
        a_grant(items=["uscc"]),
    ],
    ids=["revoked", "ended", "another system", "other items"],
)
def test_without_a_grant_that_covers_it_nothing_is_seen(decide: Decide, grant: object) -> None:
    assert sights(at_worst(grants=[grant]), decide) == []


def test_an_engine_without_a_decision_shows_nobody_anything() -> None:
    def silent(_: Question) -> Decision:
        raise UndecidedError("down")

    assert sights(at_worst(), silent) == []


def test_what_is_only_compared_is_said_so(decide: Decide) -> None:
    verify = at_worst(channel="verify", requests=[a_request(items=[], matched=["uscc", "name"])])
    (sight,) = sights(verify, decide)
    assert sight.items == {"uscc": "match", "name": "match"}


def test_the_best_circumstances_change_nothing_that_the_registry_says() -> None:
    question = at_worst()
    best = at_best(question)
    assert best.grants == question.grants
    assert best.catalogue == question.catalogue
    assert (best.caller, best.usage, best.now) == (question.caller, question.usage, question.now)
    assert best.case == a_case()


def test_sights_that_differ_in_purpose_and_channel_alone_stand_together(decide: Decide) -> None:
    grant = a_grant(channels=["query", "bulk"], rows=[], attested=True)
    query = sights(at_worst(grants=[grant]), decide)
    other = sights(at_worst(grants=[grant], channel="bulk"), decide)
    assert [(sight.channel) for sight in (*query, *other)] == ["query", "bulk"]
    ((sight, purposes, channels),) = gathered([*query, *other])
    assert (sight.grant, purposes, channels) == (
        "grt_1",
        ["administrative-basis"],
        ["query", "bulk"],
    )
