"""The decision engine inside the process: the compiled policy behind the DecisionPoint protocol."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies.engine import UndecidedError
from policies.language import UNDEFINED, Budget, Program
from policies.language.rechecking import Memo, Rechecker
from policies.language.values import Value
from policies.model import Decision, Question
from policies.standing import (
    VARYING,
    Standing,
    StandingPermits,
    admitted,
    changes,
    facts_of,
    renewed,
    standing_key,
)
from policies.wire import accept

ENTRYPOINT = "data.exchange.authz.decision"

SAME_KEPT = 256
"""Questions that are known by identity: calls of one moment ask the very same."""


@dataclass(slots=True)
class Counts:
    """How often a standing permit was the decision, how often one was rechecked, and the rest."""

    hits: int = 0
    rechecked: int = 0
    whole: int = 0


class Embedded:
    """Decides by a program. `revision` and `expires` (epoch seconds) are those of its bundle.

    `budget` bounds each decision; its clock is a monotonic one that the exchange hands in. With
    `standing`, a permit is kept while it is valid, and returned again where the question differs in
    per-call members alone and everything that reads them comes out as before.
    """

    def __init__(
        self,
        program: Program,
        *,
        revision: str,
        expires: int,
        budget: Budget,
        entrypoint: str = ENTRYPOINT,
        standing: bool = True,
    ) -> None:
        self._revision = revision
        self._expires = expires
        self._budget = budget
        self._entrypoint = entrypoint
        self._rechecker = rechecker_of(program, entrypoint, standing=standing)
        self._permits = StandingPermits() if standing and self._rechecker.possible else None
        self._same: dict[int, tuple[Question, Decision]] = {}
        """Permits by the identity of the very questions that they answered."""
        self.counts = Counts()

    @property
    def revision(self) -> str:
        return self._revision

    async def decide(self, question: Question) -> Decision:
        return self.decide_now(question)

    def decide_now(self, question: Question) -> Decision:
        """Decide without a loop: the engine waits for nothing. Raises as `decide` does."""
        if self._permits is None:
            return self._whole(question)[0]
        same = self._same.get(id(question))
        if same is not None and same[0] is question:
            # Questions are frozen, and a decision hangs on nothing else: asked again, it is the same.
            self.counts.hits += 1
            return same[1]
        decision = self._decided(self._permits, question)
        if decision.allow:
            while len(self._same) >= SAME_KEPT:
                self._same.pop(next(iter(self._same)))
            self._same[id(question)] = question, decision
        return decision

    def _decided(self, permits: StandingPermits, question: Question) -> Decision:
        key = _read(standing_key, question, self._revision)
        standing = permits.at(key, now=question.now)
        if standing is not None and self._stands(standing, question):
            self.counts.hits += 1
            return standing.decision
        decision, asked, memo = self._whole(question)
        if decision.allow:
            until = min(decision.valid_until, self._expires)
            kept, facts = self._rechecker.keep(memo), _read(facts_of, question)
            permits.keep(key, Standing(decision, until, asked, kept, facts))
        return decision

    def _stands(self, standing: Standing, question: Question) -> bool:
        self.counts.rechecked += 1
        changed = _read(changes, standing.facts, question)
        asked = self._rechecker.asking([(one.fact, one.reshaped) for one in changed])
        if not asked:
            return True
        renewal = _read(renewed, standing.question, question, changed)
        return self._rechecker.holds(standing.kept, renewal, asked=asked, budget=self._budget)

    def _whole(self, question: Question) -> tuple[Decision, Value, Memo]:
        self.counts.whole += 1
        asked = _read(admitted, question)
        raw, memo = self._rechecker.evaluate(asked, budget=self._budget)
        if raw is UNDEFINED:
            raise UndecidedError(f"{self._entrypoint} is undefined")
        decision = accept(raw, question, revision=self._revision, expires=self._expires)
        return decision, asked, memo


@lru_cache(maxsize=8)
def rechecker_of(program: Program, entrypoint: str, *, standing: bool) -> Rechecker:
    """Return what asks a program again, derived once for each: it keeps nothing of what was decided."""
    return Rechecker(program, entrypoint, varying=VARYING if standing else ())


def _read(act: Any, *given: Any) -> Any:
    """Return what `act` makes of a question, or refuse one that is no JSON."""
    try:
        return act(*given)
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise UndecidedError(f"the question is no JSON: {type(error).__name__}") from error
