"""Appends until a named point of a commit is reached for the n-th time, then kills itself.

Run as `python -m tests.faults.log_child HOME POINT N [--log URL --vault URL] [--sabotage ID]`; prints the
index and the bytes of every entry that it was given. With the point `never` it appends N times; what it is
refused it says as `refused KIND`, and goes on.
"""

import argparse
import itertools
import os
import signal
import sys
from pathlib import Path

from audit.errors import LogUnavailableError
from tests.fakes.logs import LogHome, a_call, an_act
from tests.faults.kit import sabotaged

NEVER = "never"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(home: LogHome, *, point: str, times: int) -> None:
    left = itertools.count(times - 1, -1)

    def at(reached: str) -> None:
        if reached == point and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    log = home.open(at=at)
    say("open")
    for number in range(times) if point == NEVER else itertools.count():
        draft = an_act(key=f"grt_{number}") if number % 3 == 0 else a_call()
        try:
            sequenced = log.append(draft)
        except LogUnavailableError as error:
            if point != NEVER:
                raise
            say(f"refused {type(error).__name__}")
        else:
            say(f"{sequenced.index} {sequenced.body.hex()}")
    log.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("point")
    parser.add_argument("times", type=int)
    parser.add_argument("--log", default="")
    parser.add_argument("--vault", default="")
    parser.add_argument("--sabotage", default="")
    asked = parser.parse_args()
    with sabotaged(asked.sabotage):
        home = LogHome(asked.home, urls={"log": asked.log, "vault": asked.vault})
        run(home, point=asked.point, times=asked.times)


if __name__ == "__main__":
    main()
