"""Four processes that append to one PostgreSQL log: each by itself, or all through one sequencer.

Run as `python -m bench.loads.log_writers HOME SEAT CALLS inline|service --log URL --vault URL`: one writer,
which waits for a line on its standard input and then appends.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from audit.leader import find_leader
from audit.log import Log
from audit.remote import RemoteLog
from tests.fakes.logs import ORIGIN, LogHome, a_call
from tests.fakes.postgres import PostgreSQL

ROOT = Path(__file__).parents[2]
WRITERS = 4
CLIENTS = 32
"""Calls that wait at once at each writer."""


def service_and_inline(
    folder: Path, server: PostgreSQL, *, rounds: int, calls: int
) -> dict[str, float]:
    """Rates of both, interleaved, and the one over the other."""
    found: dict[str, list[float]] = {"service": [], "inline": []}
    for turn in range(rounds):
        for mode, rates in found.items():
            home = folder / f"{mode}-{turn}"
            home.mkdir()
            urls = {"log": server.database(), "vault": server.database()}
            LogHome(home, urls=urls).close()
            rates.append(measure(home, urls, mode, calls=calls))
    ratios = [one / other for one, other in zip(*found.values(), strict=True)]
    return {
        **{
            f"{mode}_4writers_per_s": round(statistics.median(rates), 1)
            for mode, rates in found.items()
        },
        "service_over_inline_4writers": round(statistics.median(ratios), 3),
    }


def measure(home: Path, urls: dict[str, str], mode: str, *, calls: int) -> float:
    where = [f"--{branch}={url}" for branch, url in urls.items()]
    each = max(CLIENTS, calls // WRITERS)
    leader = None
    if mode == "service":
        leader = start("tests.faults.service_child", str(home), "leader", *where)
        while not said(leader).startswith("leading"):
            pass
    writers = [
        start("bench.loads.log_writers", str(home), f"w{seat}", str(each), mode, *where)
        for seat in range(WRITERS)
    ]
    try:
        for writer in writers:
            said(writer)
        begun = time.perf_counter()
        for writer in writers:
            tell(writer)
        for writer in writers:
            if said(writer) != "done\n":
                raise RuntimeError(f"a writer of mode {mode} failed")
        return WRITERS * each / (time.perf_counter() - begun)
    finally:
        for child in (*writers, *filter(None, [leader])):
            child.kill()
            child.communicate()


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def said(child: subprocess.Popen[str]) -> str:
    line = child.stdout.readline() if child.stdout else ""
    if not line:
        raise RuntimeError("a child of the bench went away")
    return line


def tell(child: subprocess.Popen[str]) -> None:
    if child.stdin:
        child.stdin.write("begin\n")
        child.stdin.flush()


async def ask(log: Log | RemoteLog, calls: int) -> None:
    for _ in range(calls):
        await log.append_async(a_call())


async def write(log: Log | RemoteLog, calls: int) -> None:
    await asyncio.gather(*(ask(log, calls // CLIENTS) for _ in range(CLIENTS)))


def open_log(home: LogHome, mode: str) -> Log | RemoteLog:
    if mode == "inline":
        return home.open(shared=True)
    return RemoteLog(
        origin=ORIGIN,
        gateway=home.seat,
        verifiers=[home.keys.signer.verifier],
        find=partial(find_leader, home.log_engine, ORIGIN),
        deadline_s=60,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("seat")
    parser.add_argument("calls", type=int)
    parser.add_argument("mode", choices=["inline", "service"])
    parser.add_argument("--log", required=True)
    parser.add_argument("--vault", required=True)
    chosen = parser.parse_args()
    home = LogHome(chosen.home, urls={"log": chosen.log, "vault": chosen.vault}, seat=chosen.seat)
    log = open_log(home, chosen.mode)
    asyncio.run(ask(log, 1))
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(write(log, chosen.calls))
    print("done", flush=True)
    log.close()


if __name__ == "__main__":
    main()
