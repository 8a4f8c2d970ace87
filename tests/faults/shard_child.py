"""Starts a home whose shard was ended, and kills itself at a step of opening the next one.

Run as `python -m tests.faults.shard_child HOME STEP`: a step of `open_next`, or `moved N` for before the N-th
file that is put in place afterwards.
"""

import os
import signal
import sys
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from exchange.home import locked
from exchange.node import opened
from exchange.settings import read_settings
from exchange.shards import open_next, settle_next
from tests.sabotage.kit import replaced


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at(reached: str, *, step: str) -> None:
    if reached == step:
        die()


def settle_dying(home: Path, *, before: int) -> None:
    """Put keys and guard in place, and die before one of the files is moved or removed."""
    done = count(1)
    kept = {name: getattr(Path, name) for name in ("replace", "unlink", "rmdir")}

    def counted(name: str) -> Any:
        def instead(path: Path, *arguments: Any, **options: Any) -> Any:
            if next(done) == before:
                die()
            return kept[name](path, *arguments, **options)

        return instead

    for name in kept:
        setattr(Path, name, counted(name))
    try:
        settle_next(home)
    finally:
        for name, method in kept.items():
            setattr(Path, name, method)


def main() -> None:
    home, step = Path(sys.argv[1]), sys.argv[2]
    settings = read_settings({}, home=home)
    moved = int(step.removeprefix("moved ")) if step.startswith("moved ") else 0
    with (
        replaced(open_next, partial(open_next, at=partial(at, step=step))),
        replaced(settle_next, partial(settle_dying, before=moved)),
        locked(settings.home),
        opened(settings),
    ):
        pass


if __name__ == "__main__":
    main()
