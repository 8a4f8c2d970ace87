"""A sequencer that serves gateways, or stands by until the one that does is gone.

Run as `python -m tests.faults.service_child HOME SEAT --log URL --vault URL [--sabotage ID]`; says `standing
by` and then `leading EPOCH`.
"""

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

from audit.errors import LogUnavailableError
from audit.leader import Leadership, leading
from audit.service import Service
from tests.fakes.logs import LogHome
from tests.faults.kit import sabotaged


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def lead(home: LogHome, leadership: Leadership) -> None:
    path = home.home / f"sequencer{home.seat}.sock"
    with home.opened() as log:

        def ready() -> None:
            leadership.announce(url=str(path), epoch=log.epoch, since=0)
            say(f"leading {log.epoch}")

        service = Service(log)
        asyncio.run(service.serve(path, ready=ready, check=leadership.check, every_s=0.1))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("seat")
    parser.add_argument("--log", required=True)
    parser.add_argument("--vault", required=True)
    parser.add_argument("--sabotage", default="")
    asked = parser.parse_args()
    with sabotaged(asked.sabotage):
        urls = {"log": asked.log, "vault": asked.vault}
        home = LogHome(asked.home, urls=urls, seat=asked.seat)
        say("standing by")
        while True:
            # Whoever finds that another leads, or whose session the server ended, stands by again.
            with (
                suppress(LogUnavailableError),
                leading(home.log_engine, home.keys.origin) as leadership,
            ):
                if leadership is not None:
                    lead(home, leadership)
            time.sleep(0.05)


if __name__ == "__main__":
    main()
