"""One of several gateways that write to one log: appends calls in rounds, many at once, and says each index.

Run as `python -m tests.faults.inline_child HOME SEAT COUNT [--log URL --vault URL] [--sabotage ID]`: for each
line on its standard input it appends COUNT calls and answers with one line of their indices, so that all
begin each round together.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from audit.log import Log
from tests.fakes.logs import LogHome, a_call
from tests.faults.kit import sabotaged

CLIENTS = 50


async def ask(log: Log, calls: int) -> list[int]:
    return [(await log.append_async(a_call())).index for _ in range(calls)]


async def ask_all(log: Log, count: int) -> list[int]:
    found = await asyncio.gather(*(ask(log, count // CLIENTS) for _ in range(CLIENTS)))
    return [index for each in found for index in each]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("seat")
    parser.add_argument("count", type=int)
    parser.add_argument("--log", default="")
    parser.add_argument("--vault", default="")
    parser.add_argument("--sabotage", default="")
    asked = parser.parse_args()
    with sabotaged(asked.sabotage):
        urls = {"log": asked.log, "vault": asked.vault}
        home = LogHome(asked.home, urls=urls, seat=asked.seat)
        log = home.open(shared=True)
        say("open")
        for _ in sys.stdin:
            say(" ".join(map(str, asyncio.run(ask_all(log, asked.count)))))
        log.close()
        home.close()


if __name__ == "__main__":
    main()
