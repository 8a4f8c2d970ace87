"""Serves a copied district until somebody kills it, for the tests that kill it.

Run as `python -m tests.faults.node_child HOME PORT [SABOTAGE] [hold]`; prints `serving` once it does. With
`hold`, a department's database that is asked says `asked` here and never answers.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from exchange import loops
from exchange.home import locked
from exchange.node import open_node
from exchange.serving import serve_node
from exchange.settings import read_settings
from gateway.sources.sql import SqlSource
from tests.sabotage import gateway_back, log, standing
from tests.sabotage.kit import replaced

ALL = {**gateway_back.SABOTAGES, **log.SABOTAGES, **standing.SABOTAGES}


def told(_: Callable[[], None]) -> None:
    sys.stdout.write("serving\n")
    sys.stdout.flush()


async def hold(*_: Any, **__: Any) -> NoReturn:
    sys.stdout.write("asked\n")
    sys.stdout.flush()
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


def run(home: Path, *, port: int, sabotage: str, holding: bool) -> None:
    settings = read_settings({"EXCHANGE_PORT": str(port)}, home=home)
    with (
        ALL[sabotage.partition("/")[0]].apply() if sabotage else nullcontext(),
        replaced(SqlSource.read, hold) if holding else nullcontext(),
        locked(settings.home),
    ):
        loops.run(serve_node(open_node(settings), ready=told))


if __name__ == "__main__":
    run(
        Path(sys.argv[1]),
        port=int(sys.argv[2]),
        sabotage=sys.argv[3] if len(sys.argv) > 3 else "",
        holding="hold" in sys.argv[4:],
    )
