"""Appends until a named point of a commit is reached for the n-th time, then kills itself.

Run as `python -m tests.faults.log_child HOME POINT N [SABOTAGE]`; prints the index and the bytes of
every entry that it was given.
"""

import itertools
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

from tests.fakes.logs import LogHome, a_call, an_act
from tests.sabotage.log import SABOTAGES


def run(home: Path, *, point: str, times: int, sabotage: str) -> None:
    left = itertools.count(times - 1, -1)

    def at(reached: str) -> None:
        if reached == point and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with SABOTAGES[sabotage].apply() if sabotage else nullcontext():
        log = LogHome(home).open(at=at)
        for number in itertools.count():
            draft = an_act(key=f"grt_{number}") if number % 3 == 0 else a_call()
            sequenced = log.append(draft)
            sys.stdout.write(f"{sequenced.index} {sequenced.body.hex()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    run(
        Path(sys.argv[1]),
        point=sys.argv[2],
        times=int(sys.argv[3]),
        sabotage=sys.argv[4] if len(sys.argv) > 4 else "",
    )
