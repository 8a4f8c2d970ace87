"""A shadow answers as the live engine does, and asks its candidate only after."""

import pytest

from policies.engine import UndecidedError
from policies.shadow import Shadow
from tests.fakes.decisions import Decides, Undecided, refused
from tests.fakes.questions import LICENCE, a_question

REFUSES = {LICENCE: lambda request: refused(request, "GRANT_EXPIRED")}


async def test_the_answer_is_the_live_engine_s_and_the_candidate_is_asked_after() -> None:
    live, candidate = Decides(), Decides(REFUSES)
    shadow = Shadow(live, candidate)
    decision = await shadow.decide(a_question())
    assert decision == await live.decide(a_question())
    assert shadow.revision == live.revision
    assert candidate.questions == []
    await shadow.catch_up()
    assert candidate.questions == [a_question()]


async def test_differences_are_counted_until_they_are_told() -> None:
    shadow = Shadow(Decides(), Decides(REFUSES))
    for _ in range(3):
        await shadow.decide(a_question())
    await shadow.catch_up(most=10)
    seen = shadow.summary()
    assert (seen.asked, seen.narrower, seen.wider, seen.dropped) == (3, 3, 0, 0)
    assert seen.changes == {"allow-to-deny": 3}
    assert not shadow.summary().anything


async def test_what_the_candidate_would_permit_besides_is_wider() -> None:
    shadow = Shadow(Decides(REFUSES), Decides())
    await shadow.decide(a_question())
    await shadow.catch_up()
    seen = shadow.summary()
    assert (seen.wider, seen.narrower) == (1, 0)
    assert seen.changes == {"deny-to-allow": 1}


@pytest.mark.parametrize("error", [UndecidedError("slow"), ValueError("a fault of its own")])
async def test_a_candidate_that_fails_is_felt_by_nobody(error: Exception) -> None:
    shadow = Shadow(Decides(), Undecided(error))
    assert (await shadow.decide(a_question())).allow
    await shadow.catch_up()
    seen = shadow.summary()
    assert (seen.asked, seen.undecided, seen.narrower) == (1, 1, 1)


async def test_a_live_engine_that_is_silent_stays_silent_and_is_not_compared() -> None:
    candidate = Decides()
    shadow = Shadow(Undecided(), candidate)
    with pytest.raises(UndecidedError):
        await shadow.decide(a_question())
    await shadow.catch_up()
    assert candidate.questions == []
    assert not shadow.summary().anything


async def test_a_full_line_drops_questions_and_says_how_many() -> None:
    candidate = Decides()
    shadow = Shadow(Decides(), candidate, most=2)
    for _ in range(5):
        assert (await shadow.decide(a_question())).allow
    assert shadow.waiting == 2
    await shadow.catch_up(most=10)
    assert len(candidate.questions) == 2
    assert shadow.summary().dropped == 3
