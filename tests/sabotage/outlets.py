"""How the ways out could be broken: what lies ready leaves although nobody may have it any more."""

from contextlib import AbstractContextManager
from typing import Any

import exchange.exports.ordering
from exchange.exports.ordering import HandedOut
from tests.sabotage.kit import Sabotage, replaced


def _hand_out_undecided() -> AbstractContextManager[None]:
    async def fetch_part(bench: Any, export: Any, _call: Any, number: int) -> HandedOut:
        part = export.parts[number - 1]
        content = bench.files(export).read(part)
        return HandedOut(part=part, media="text/csv", content=content, entry=export.entry)

    return replaced(exchange.exports.ordering.fetch_part, fetch_part)


SABOTAGES: dict[str, Sabotage] = {
    "W13": Sabotage(why="a file leaves without being decided anew", apply=_hand_out_undecided),
}
