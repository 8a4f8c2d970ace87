"""Serves a copied district until somebody kills it, for the tests that kill it.

Run as `python -m tests.faults.node_child HOME PORT [SABOTAGE]`; prints `serving` once it does.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from exchange.home import locked
from exchange.node import open_node
from exchange.serving import serve_node
from exchange.settings import read_settings
from tests.sabotage.log import SABOTAGES


def told(_: Callable[[], None]) -> None:
    sys.stdout.write("serving\n")
    sys.stdout.flush()


def run(home: Path, *, port: int, sabotage: str) -> None:
    settings = read_settings({"EXCHANGE_PORT": str(port)}, home=home)
    with SABOTAGES[sabotage].apply() if sabotage else nullcontext(), locked(settings.home):
        asyncio.run(serve_node(open_node(settings), ready=told))


if __name__ == "__main__":
    run(
        Path(sys.argv[1]),
        port=int(sys.argv[2]),
        sabotage=sys.argv[3] if len(sys.argv) > 3 else "",
    )
