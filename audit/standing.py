"""Decides, draft by draft, what a batch appends: nonces, quotas, the barrier and gap-free numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from audit.compose import VOID
from audit.entry import Draft, Nonce, Quota
from audit.errors import MalformedError, StaleSnapshotError

REPLAYED = "replayed"

Used = Mapping[tuple[str, str], int]
"""Quota use by (key, day)."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """What the batch's transaction found, brought up to date with each draft that is taken.

    A draft that is refused has changed nothing: no number is drawn and no quota used for it.
    """

    nonces: set[tuple[str, str]]
    used: dict[tuple[str, str], int]
    numbers: dict[str, int]
    barrier: int
    """Number of the newest narrowing act, counted through all shards."""
    before: int = 0
    """Entries of earlier shards: what an index comes to as a number."""
    new_nonces: list[Nonce] = field(default_factory=list)
    new_used: dict[tuple[str, str], int] = field(default_factory=dict)
    new_numbers: dict[str, int] = field(default_factory=dict)

    def choose(self, draft: Draft) -> tuple[Draft, str | None, Used]:
        """Return what is to be appended, its key in `otherwise` if it stands there, and the quotas' use then.

        Raises StaleSnapshotError for a draft that was ruled before the barrier.
        """
        if draft.nonce is not None and (draft.nonce.key, draft.nonce.nonce) in self.nonces:
            return draft.otherwise[REPLAYED], REPLAYED, {}
        if draft.applied is not None and draft.applied < self.barrier:
            raise StaleSnapshotError(
                f"ruled on acts up to {draft.applied}, the barrier is at {self.barrier}"
            )
        used, spent = self._used_with(draft.quotas)
        if spent is not None:
            return draft.otherwise[spent], spent, {}
        return draft, None, used

    def draw(self, draft: Draft) -> Mapping[str, int]:
        """Return the next number of each of the draft's counters, without using it up."""
        numbers = self.numbers
        return {name: numbers.get(name, 0) + 1 for name in draft.counters}

    def take(
        self,
        asked: Draft,
        *,
        instead: str | None,
        index: int,
        drawn: Mapping[str, int],
        used: Used,
    ) -> None:
        """Bring everything up to date: `asked`, or its alternative, is appended at `index`."""
        self.numbers |= drawn
        self.new_numbers |= drawn
        if instead == REPLAYED:
            return
        # A call refused for its quota was a call all the same: it cannot be sent a second time.
        if asked.nonce is not None:
            self.nonces.add((asked.nonce.key, asked.nonce.nonce))
            self.new_nonces.append(asked.nonce)
        if instead is None:
            self.used |= used
            self.new_used |= used
            if asked.barrier:
                self.barrier = self.before + index

    def _used_with(self, quotas: Iterable[Quota]) -> tuple[Used, str | None]:
        """Return the use of these quotas with what they count, and the name of the first that is spent.

        None: enough is left of each.
        """
        used: dict[tuple[str, str], int] = {}
        for quota in quotas:
            if quota.member:
                mark = quota.mark
                if mark in self.used or mark in used:
                    continue
                used[mark] = 1
            place = quota.key, quota.day
            before = used.get(place)
            if before is None:
                before = self.used.get(place, 0)
            used[place] = before + quota.amount
            if used[place] > quota.most:
                return used, quota.spent
        return used, None


def check_draft(draft: Draft) -> None:
    """Raise MalformedError for a draft that the batch could not carry out whatever it found."""
    others = draft.otherwise.keys()
    if draft.nonce is not None and REPLAYED not in others:
        raise MalformedError(f"{draft.kind}: a nonce, and nothing to append for a replay")
    for quota in draft.quotas:
        if quota.spent not in others:
            raise MalformedError(f"{draft.kind}: a quota, and nothing to append once it is spent")
    if draft.kind == VOID and type(draft.clear.get("voids")) is not int:
        raise MalformedError(f"{draft.kind}: `voids` must be the index of an act")
