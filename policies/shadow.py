"""A candidate policy beside the live one: asked after the answer, heard by nobody but its author.

The live engine's word is the answer, at once and as it is. The question is then kept in a bounded line,
and whoever runs the exchange lets `catch_up` ask the candidate while no call waits for it.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from policies.engine import DecisionPoint
from policies.model import Decision, Question
from policies.simulate import compare

LINE = 1_000
"""Questions that may wait for the candidate; a further one is dropped and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the candidate was asked since the last summary, and where it would have decided otherwise."""

    live: str
    """Revision that answered."""
    candidate: str
    asked: int = 0
    wider: int = 0
    """Questions on which the candidate gives more, or might."""
    narrower: int = 0
    undecided: int = 0
    """Questions on which the candidate gave no decision."""
    dropped: int = 0
    """Questions that the candidate was never asked, because the line was full."""
    changes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How often each kind of change was found."""

    @property
    def anything(self) -> bool:
        return bool(self.asked or self.dropped)


class Shadow:
    """Implements `policies.engine.DecisionPoint`: the live one, its answers also put to a candidate.

    Not safe for threads: it stands on the loop that asks for decisions.
    """

    def __init__(
        self,
        live: DecisionPoint,
        candidate: DecisionPoint,
        *,
        masks: Mapping[str, int] = MappingProxyType({}),
        most: int = LINE,
    ) -> None:
        self.live = live
        self._candidate = candidate
        self._masks = masks
        self._most = most
        self._line: deque[tuple[Question, Decision]] = deque()
        self._counts: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()

    @property
    def revision(self) -> str:
        return self.live.revision

    async def decide(self, question: Question) -> Decision:
        """Return the live engine's decision. Raises as it does; the candidate is not asked then."""
        decision = await self.live.decide(question)
        if len(self._line) < self._most:
            self._line.append((question, decision))
        else:
            self._counts["dropped"] += 1
        return decision

    @property
    def waiting(self) -> int:
        """How many questions the candidate has still to be asked."""
        return len(self._line)

    async def catch_up(self, *, most: int = 1) -> None:
        """Put up to `most` waiting questions to the candidate. Never raises for what it says."""
        for _ in range(min(most, len(self._line))):
            question, decision = self._line.popleft()
            try:
                would_be = await self._candidate.decide(question)
            except Exception:  # noqa: BLE001  Whatever a candidate does, no call may feel it.
                would_be = None
            self._note(decision, would_be)

    def summary(self) -> Seen:
        """Return what was seen since the last summary, and begin anew."""
        counts, self._counts = self._counts, Counter()
        changes, self._changes = self._changes, Counter()
        return Seen(
            live=self.live.revision,
            candidate=self._candidate.revision,
            asked=counts["asked"],
            wider=counts["wider"],
            narrower=counts["narrower"],
            undecided=counts["undecided"],
            dropped=counts["dropped"],
            changes=MappingProxyType(dict(sorted(changes.items()))),
        )

    def _note(self, decision: Decision, would_be: Decision | None) -> None:
        changes = compare(decision, would_be, masks=self._masks)
        self._counts["asked"] += 1
        self._counts["undecided"] += would_be is None
        self._counts["wider"] += changes.wider
        self._counts["narrower"] += changes.narrower
        self._changes.update(change.kind.value for change in changes.found)
