"""The decision engine inside the process: the compiled policy behind the DecisionPoint protocol."""

import msgspec

from policies.engine import UndecidedError
from policies.language import UNDEFINED, Budget, Program
from policies.model import Decision, Question
from policies.wire import accept

ENTRYPOINT = "data.exchange.authz.decision"


class Embedded:
    """Decides by a program. `revision` and `expires` (epoch seconds) are those of its bundle.

    `budget` bounds each decision; its clock is a monotonic one that the exchange hands in.
    """

    def __init__(
        self,
        program: Program,
        *,
        revision: str,
        expires: int,
        budget: Budget,
        entrypoint: str = ENTRYPOINT,
    ) -> None:
        self._program = program
        self._revision = revision
        self._expires = expires
        self._budget = budget
        self._entrypoint = entrypoint

    @property
    def revision(self) -> str:
        return self._revision

    async def decide(self, question: Question) -> Decision:
        return self.decide_now(question)

    def decide_now(self, question: Question) -> Decision:
        """Decide without a loop: the engine waits for nothing. Raises as `decide` does."""
        raw = self._program.evaluate(
            self._entrypoint, msgspec.to_builtins(question), budget=self._budget
        )
        if raw is UNDEFINED:
            raise UndecidedError(f"{self._entrypoint} is undefined")
        return accept(raw, question, revision=self._revision, expires=self._expires)
