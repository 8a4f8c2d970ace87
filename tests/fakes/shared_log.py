"""A log whose counts several gateways share, as the sequencer keeps them."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from audit.entry import Draft, Quota, Sequenced
from audit.standing import Standing
from gateway.ports import Foreseen
from tests.fakes.recorder import ListRecorder


class SharedLog(ListRecorder):
    """A log that counts, as several gateways share one. Implements `gateway.ports.Quotas` too."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing(nonces=set(), used={}, numbers={}, barrier=-1)
        self.blind = False
        """Whether what is counted is not seen before the batch, as where two calls come at once."""

    async def append(self, draft: Draft) -> Sequenced:
        _, instead, used = self.standing.choose(structs.replace(draft, nonce=None, applied=None))
        self._instead = instead
        asked = structs.replace(draft, nonce=None)
        self.standing.take(asked, instead=instead, index=0, drawn={}, used=used)
        return await super().append(draft)

    async def used(self, places: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        return {place: 0 if self.blind else self.standing.used.get(place, 0) for place in places}

    async def foresee(self, quotas: Sequence[Quota]) -> Foreseen:
        used = self.standing.used
        over = {
            quota
            for quota in quotas
            if not (quota.member and quota.mark in used)
            and used.get(quota.place, 0) + max(quota.amount, 1) > quota.most
        }
        return Foreseen(
            fresh=frozenset(quotas), over=frozenset() if self.blind else frozenset(over)
        )

    async def used_today(self, grants: Sequence[str], day: str) -> Mapping[str, int]:
        used = await self.used([(f"grant:{grant}", day) for grant in grants])
        return {key.removeprefix("grant:"): amount for (key, _), amount in used.items()}
