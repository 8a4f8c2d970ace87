"""Reviews: who may do what in which order. The whole way is told in tests/stories/test_reviews.py."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalogue import lifecycle, reviews
from catalogue.errors import (
    InvalidError,
    NotAllowedError,
    OwnRequestError,
    SeparatedRolesError,
    StateError,
)
from catalogue.model import Role
from catalogue.reviews import EntryVerdict, ReviewQuestion, ReviewState, ReviewVerdict
from tests.fakes.catalogue import HALL, MARKET, TODAY, a_review, an_actor, an_officer

SUPERVISOR = an_officer("off_supervisor", department="AUDIT", roles=frozenset({Role.SUPERVISOR}))
AUDITOR = an_officer("off_auditor", department="AUDIT", roles=frozenset({Role.AUDITOR}))


def a_judgement(**changes: Any) -> EntryVerdict:
    given: dict[str, Any] = {
        "verdict_id": "vrd_1",
        "about": 7,
        "verdict": ReviewVerdict.NORMAL,
        "finding": "",
        "concerned": {HALL, MARKET},
        "acted": {"off_clerk"},
        "by": an_actor(SUPERVISOR),
        "at": TODAY,
    }
    return reviews.judge(changes.pop("review", a_review()), **(given | changes))


@pytest.mark.proves("G1")
def test_whoever_acted_does_not_judge_it() -> None:
    assert a_judgement().given_by == SUPERVISOR.id
    with pytest.raises(OwnRequestError):
        a_judgement(acted={SUPERVISOR.id})


@pytest.mark.proves("G1")
def test_nobody_judges_what_concerns_their_own_department() -> None:
    with pytest.raises(NotAllowedError, match="OWN_REQUEST"):
        a_judgement(concerned={HALL, "AUDIT"})


@pytest.mark.parametrize(
    "review",
    [
        a_review(state=ReviewState.PROPOSED),
        a_review(state=ReviewState.CLOSED),
        a_review(state=ReviewState.WITHDRAWN),
        a_review(expires=TODAY),
    ],
    ids=["proposed", "closed", "withdrawn", "expired"],
)
def test_only_a_review_that_runs_carries_a_verdict(review: reviews.Review) -> None:
    with pytest.raises(StateError, match="REVIEW_STATE"):
        a_judgement(review=review)
    assert not review.runs(TODAY)


@pytest.mark.parametrize(
    "officer",
    [
        an_officer("off_other", department="AUDIT", roles=frozenset({Role.SUPERVISOR})),
        replace(SUPERVISOR, state="removed"),
        replace(SUPERVISOR, roles=frozenset({Role.OPERATOR})),
    ],
    ids=["of another review", "removed", "of another role"],
)
def test_only_its_officers_carry_it_out(officer: Any) -> None:
    with pytest.raises(NotAllowedError):
        a_judgement(by=an_actor(officer))


@pytest.mark.proves("G8")
@pytest.mark.parametrize("other", sorted(set(Role) - {Role.SUPERVISOR}))
def test_a_supervisor_holds_no_other_role(other: Role) -> None:
    assert lifecycle.check_roles(frozenset({Role.SUPERVISOR})) == {Role.SUPERVISOR}
    with pytest.raises(SeparatedRolesError):
        lifecycle.check_roles(frozenset({Role.SUPERVISOR, other}))


def test_an_auditor_of_the_review_does_not_confirm_it() -> None:
    proposed = a_review(state=ReviewState.PROPOSED, confirmed_by=None, confirmed_at=None)
    assert reviews.confirm(proposed, by=an_actor(AUDITOR), at=TODAY).state is ReviewState.OPEN
    for review in (
        replace(proposed, officers=(AUDITOR.id,)),
        replace(proposed, proposed_by=AUDITOR.id),
    ):
        with pytest.raises(NotAllowedError, match="SECOND_OFFICER"):
            reviews.confirm(review, by=an_actor(AUDITOR), at=TODAY)
    with pytest.raises(StateError):
        reviews.confirm(replace(proposed, expires=TODAY), by=an_actor(AUDITOR), at=TODAY)


@pytest.mark.proves("G5")
def test_a_due_day_counts_working_days_and_says_where_it_is_provisional() -> None:
    question = ReviewQuestion(
        id="qst_1",
        review="rev_1",
        department=HALL,
        about=(7,),
        text="请说明",
        days=5,
        asked_by=SUPERVISOR.id,
        asked_at=TODAY,
    )
    assert question.due().day.isoformat() == "2026-03-09"
    assert not question.due().provisional
    assert not question.overdue(TODAY + timedelta(days=7))
    assert question.overdue(TODAY + timedelta(days=8))
    answered = replace(question, answer="是", answered_at=TODAY + timedelta(days=1))
    assert not answered.overdue(TODAY + timedelta(days=90))
    assert replace(question, asked_at=TODAY + timedelta(days=400)).due().provisional


@pytest.mark.parametrize("days", [0, 61])
def test_a_question_gives_days_that_can_be_kept(days: int) -> None:
    with pytest.raises(InvalidError, match="days"):
        reviews.ask_department(
            a_review(),
            question_id="qst_1",
            department=HALL,
            about=(7,),
            text="请说明",
            days=days,
            by=an_actor(SUPERVISOR),
            at=TODAY,
        )


def test_the_verdict_that_stands_is_the_one_given_last() -> None:
    first = a_judgement(verdict=ReviewVerdict.VIOLATION, finding="无依据")
    later = replace(first, id="vrd_2", verdict=ReviewVerdict.NORMAL, given_at=TODAY + timedelta(1))
    assert reviews.newest([later, first]) == {7: later}
