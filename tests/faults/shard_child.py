"""Starts a home whose shard was ended, and kills itself at a step of opening the next one.

Run as `python -m tests.faults.shard_child HOME STEP`: a step of `open_next`, `moved N` for before the N-th
file that is put in place afterwards, or `ending POINT` for a home whose shard is yet to be ended: once the
keys of the next are there (`keys`), or at a point of the commit of its last entry.
"""

import os
import signal
import sys
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from audit.keys import FreshKeys, create_next_keys
from catalogue.model import Actor, Role
from exchange.acts.sharding import open_shard
from exchange.home import locked
from exchange.node import opened
from exchange.settings import Settings, read_settings
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


def end_dying(settings: Settings, point: str) -> None:
    """End the shard as an administrator, and die at a point of it."""
    with locked(settings.home), opened(settings) as node:
        officers = node.live.load().officers.values()
        officer = next(each for each in officers if Role.ADMINISTRATOR in each.roles)
        node.log._sequencer._at = partial(at, step=point)
        dying = partial(_written, die=point == "keys")
        with replaced(create_next_keys, dying):
            open_shard(node, Actor(officer=officer), reason="年度更替")


def _written(*arguments: Any, die: bool, **named: Any) -> FreshKeys:
    made = create_next_keys(*arguments, **named)
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    return made


def main() -> None:
    home, step = Path(sys.argv[1]), sys.argv[2]
    settings = read_settings({}, home=home)
    if step.startswith("ending "):
        end_dying(settings, step.removeprefix("ending "))
        return
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
