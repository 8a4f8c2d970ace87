"""A log of one list, which refuses when told to and complains of drafts that no log could take."""

import hashlib
from collections.abc import Container, Iterator

from audit import canonical
from audit.compose import VERSION
from audit.entry import ByteCommit, Commit, Draft, Opening, Sequenced
from audit.errors import LogUnavailableError, StaleSnapshotError


class ListRecorder:
    """Implements `gateway.ports.Recorder`. Bodies and digests are made as the log makes them."""

    def __init__(
        self, *, instead: str | None = None, stale: int = 0, stale_at: Container[int] = ()
    ) -> None:
        self.drafts: list[Draft] = []
        """Every draft as it came, the refused ones too."""
        self.bodies: list[bytes] = []
        self.down = False
        self.down_after: int | None = None
        """How many entries it still takes before it goes down; None: it stays up."""
        self._stale_at = stale_at
        self._instead = instead
        self._stale = stale
        self._numbers: dict[str, int] = {}
        self._salts = self._fresh()

    async def ready(self) -> None:
        if self.down:
            raise LogUnavailableError("the log is down")

    async def append(self, draft: Draft) -> Sequenced:
        if self.down or self.down_after == 0:
            raise LogUnavailableError("the log is down")
        if self.down_after is not None:
            self.down_after -= 1
        self.drafts.append(draft)
        if len(self.drafts) - 1 in self._stale_at:
            raise StaleSnapshotError("below the barrier")
        if self._stale > 0:
            self._stale -= 1
            raise StaleSnapshotError("below the barrier")
        taken = draft.otherwise[self._instead] if self._instead else draft
        openings, body = self._written(taken)
        if len(body) > 16_384:
            raise AssertionError(f"an entry of {len(body)} bytes")
        unknown = set(taken.receipt) - set(openings)
        if unknown:
            raise AssertionError(f"the receipt names {unknown}, which are not committed to")
        self.bodies.append(body)
        return Sequenced(
            index=len(self.bodies) - 1,
            size=len(self.bodies),
            body=body,
            proof=(),
            checkpoint="",
            openings={name: openings[name] for name in taken.receipt},
            instead=self._instead,
        )

    def _written(self, draft: Draft) -> tuple[dict[str, Opening], bytes]:
        openings: dict[str, Opening] = {}
        digests: dict[str, str] = {}
        for commit in (*draft.commits, *(self._number(counter) for counter in draft.counters)):
            if commit.name in digests:
                raise AssertionError(f"{commit.name} is committed to twice")
            salt = next(self._salts)
            if isinstance(commit, ByteCommit):
                digests[commit.name] = canonical.commit_bytes(salt, commit.content)
                openings[commit.name] = Opening(salt=salt)
            else:
                digests[commit.name] = canonical.commit_value(salt, commit.name, commit.value)
                openings[commit.name] = Opening(salt=salt, value=commit.value)
        body = {"v": VERSION, "kind": draft.kind, **draft.clear, "digests": digests}
        return openings, canonical.encode(body)

    def _number(self, counter: str) -> Commit:
        self._numbers[counter] = self._numbers.get(counter, 0) + 1
        return Commit(name=f"n.{counter}", value=self._numbers[counter])

    def _fresh(self) -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield canonical.b64url(hashlib.sha256(str(number).encode()).digest()[:16])
