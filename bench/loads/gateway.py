"""What governing costs: a three-department query over HTTP against a bare JSON answer.

`python bench/gateway.py --json [--quick|--full]`. Four servers, each its own process on one core, take
signed calls from a generator on the other: the whole exchange (`all`), the same with the log's port
replaced by an adapter that returns a fixed receipt (`unrecorded`), with the decision point replaced by
one that returns a fixed permit (`undecided`), and a bare Starlette answer (`hello`). Rounds are
interleaved; figures are medians over rounds. `--profile FILE` serves `all` under cProfile instead.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit.entry import Draft, Sequenced
from bench.loads.gateway_fixture import RESOURCES, Fixture, build, free_port
from exchange.client.signing import SignatureAuth, encode_usage
from exchange.demo import district
from exchange.node import Node, open_node
from exchange.serving import serve_node
from exchange.settings import read_settings
from gateway.model import Usage
from gateway.ports import Recorder
from policies.engine import DecisionPoint
from policies.model import Decision, Question

VARIANTS = ("all", "unrecorded", "undecided", "hello")
LAUNCHER = Path(__file__).resolve().parent.parent / "gateway.py"
CLIENTS = 32
DOCUMENT = """query Permit($e: ID!) {
  enterprise(uscc: $e) {
    businessLicence { entName legalRep phone status validUntil }
    planningPermit { permitNo projectName validUntil }
    qualification { certNo grade contactPhone status validUntil }
  }
}"""
GIVEN = b'"outcome":"given"'
PARTLY = b'"outcome":"partly-given"'


class FixedReceipt:
    """The recorder's port without a log behind it: the first entry is real, and is given to everybody."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._held: Sequenced | None = None

    async def append(self, draft: Draft) -> Sequenced:
        if self._held is None:
            self._held = await self._recorder.append(draft)
        return self._held

    async def ready(self) -> None:
        return None


class FixedPermit:
    """The decision point without a policy behind it: the first permit is real, and given to everybody."""

    def __init__(self, decisions: DecisionPoint) -> None:
        self._decisions = decisions
        self._held: Decision | None = None

    @property
    def revision(self) -> str:
        return self._decisions.revision

    async def decide(self, question: Question) -> Decision:
        if self._held is None:
            decided = await self._decisions.decide(question)
            if not all(verdict.allow for verdict in decided.resources.values()):
                return decided
            self._held = decided
        return self._held


def variant(node: Node, name: str) -> Node:
    if name == "unrecorded":
        return replace(node, ports=replace(node.ports, recorder=FixedReceipt(node.ports.recorder)))
    if name == "undecided":
        decisions = FixedPermit(node.ports.decisions)
        return replace(node, ports=replace(node.ports, decisions=decisions))
    return node


def serve(name: str, home: Path, *, port: int, core: int, profile: Path | None) -> None:
    """Be one of the servers, until told to stop."""
    pin(core)
    if name == "hello":
        with suppress(KeyboardInterrupt):
            asyncio.run(serve_hello(port))
        return
    settings = replace(read_settings({}, home=home), port=port)
    serving = serve_node(variant(open_node(settings), name))
    profiler = cProfile.Profile()
    # Uvicorn ends in order at the signal and then raises it again.
    with suppress(KeyboardInterrupt):
        if profile is None:
            asyncio.run(serving)
        else:
            profiler.runcall(asyncio.run, serving)
    if profile is not None:
        profiler.dump_stats(profile)


async def serve_hello(port: int) -> None:
    async def hello(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"hello": "world"})

    app = Starlette(routes=[Route("/graphql", hello, methods=["POST"])])
    await uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", server_header=False)
    ).serve()


def pin(core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


@contextmanager
def served(name: str, home: Path, *, profile: Path | None = None) -> Iterator[int]:
    """A server of one variant on the first core; yields its port."""
    port = free_port()
    command = [
        sys.executable,
        str(LAUNCHER),
        "--serve",
        name,
        "--home",
        str(home),
        "--port",
        str(port),
    ]
    if profile is not None:
        command += ["--profile", str(profile)]
    process = subprocess.Popen(command)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server on port {port} did not start")


class Generator:
    """Writes signed calls beforehand, so that only sending and receiving is timed."""

    def __init__(self, fixture: Fixture) -> None:
        self._auth = SignatureAuth(fixture.key)
        self._subjects = fixture.subjects
        self._next = 0

    def calls(self, port: int, count: int) -> list[bytes]:
        return [self._call(port) for _ in range(count)]

    def _call(self, port: int) -> bytes:
        case, uscc = self._subjects[self._next % len(self._subjects)]
        self._next += 7  # prime to the number of subjects: neighbours are of different cases
        usage = Usage(
            matter=district.MATTER,
            case=case,
            purpose="administrative-basis",
            reason="建筑工程施工许可核发",
            operator="HALL-011",
        )
        body = msgspec.json.encode(
            {
                "query": DOCUMENT,
                "variables": {"e": uscc},
                "extensions": {"usage": encode_usage(usage)},
            }
        )
        request = httpx.Request(
            "POST",
            f"http://127.0.0.1:{port}/graphql",
            content=body,
            headers={"Content-Type": "application/json", "Accept": "*/*"},
        )
        self._auth.sign(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join(["POST /graphql HTTP/1.1", *lines, "", ""]).encode() + body


async def send(port: int, calls: Sequence[bytes], *, clients: int, governed: bool) -> list[float]:
    """Send the calls over as many kept-alive connections; returns what each took, in seconds."""

    async def client(mine: Sequence[bytes]) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took = []
        for call in mine:
            begun = time.perf_counter()
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            took.append(time.perf_counter() - begun)
            check(head, body, governed=governed)
        writer.close()
        return took

    shares = [calls[number::clients] for number in range(clients)]
    found = await asyncio.gather(*(client(share) for share in shares))
    return [one for took in found for one in took]


def check(head: bytes, body: bytes, *, governed: bool) -> None:
    """A figure counts only where every call was answered, and every step given."""
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{head[:40]!r} {body[:600]!r}")
    if governed and body.count(GIVEN) + body.count(PARTLY) != len(RESOURCES):
        raise RuntimeError(f"not every step was given: {body[:1500].decode()}")


@dataclass(slots=True)
class Timed:
    rates: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in VARIANTS})
    took: dict[int, list[float]] = field(default_factory=lambda: {1: [], CLIENTS: []})


def measure(ports: dict[str, int], generator: Generator, *, rounds: int, calls: int) -> Timed:
    timed = Timed()
    for name, port in ports.items():
        asyncio.run(
            send(
                port, generator.calls(port, CLIENTS * 2), clients=CLIENTS, governed=name != "hello"
            )
        )
    for _ in range(rounds):
        for name, port in ports.items():
            governed = name != "hello"
            # The bare answer is so much faster that as many calls would be over before they settle.
            written = generator.calls(port, calls if governed else calls * 2)
            begun = time.perf_counter()
            took = asyncio.run(send(port, written, clients=CLIENTS, governed=governed))
            timed.rates[name].append(len(written) / (time.perf_counter() - begun))
            if name == "all":
                timed.took[CLIENTS] += took
        alone = generator.calls(ports["all"], max(16, calls // 8))
        timed.took[1] += asyncio.run(send(ports["all"], alone, clients=1, governed=True))
    return timed


def figures_of(timed: Timed) -> dict[str, Any]:
    def ratio(over: str) -> float:
        pairs = zip(timed.rates["all"], timed.rates[over], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    figures: dict[str, Any] = {
        "governed_over_hello_sqlite": round(ratio("hello"), 4),
        "audit_overhead_sqlite": round(1 - ratio("unrecorded"), 3),
        "policy_overhead_sqlite": round(1 - ratio("undecided"), 3),
        "governed_calls_per_s_sqlite": round(statistics.median(timed.rates["all"]), 1),
        "hello_calls_per_s": round(statistics.median(timed.rates["hello"]), 1),
    }
    for clients, took in timed.took.items():
        cuts = statistics.quantiles(took, n=100)
        figures[f"p50_ms_clients{clients}"] = round(cuts[49] * 1000, 2)
        figures[f"p99_ms_clients{clients}"] = round(cuts[98] * 1000, 2)
    for name in ("governed_over_hello", "audit_overhead", "policy_overhead"):
        figures[f"{name}_postgresql"] = None
        figures[f"{name}_postgresql_skipped"] = "the exchange keeps its state in SQLite so far"
    return figures


def profile(fixture: Fixture, target: Path, *, calls: int) -> None:
    """Serve under cProfile; prints where the loop's thread spent its time."""
    generator = Generator(fixture)
    with served("all", fixture.home, profile=target) as port:
        for _ in range(4):
            written = generator.calls(port, calls // 4)
            asyncio.run(send(port, written, clients=CLIENTS, governed=True))
    stats = pstats.Stats(str(target))
    stats.sort_stats("tottime").print_stats(45)
    stats.sort_stats("cumtime").print_stats(70)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    parser.add_argument("--profile", type=Path, help="profile the server into this file")
    parser.add_argument("--serve", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.home, port=asked.port, core=0, profile=asked.profile)
        return
    pin(1)
    rounds, calls = (5, 192) if asked.quick else (15, 1_280) if asked.full else (9, 512)
    with tempfile.TemporaryDirectory() as folder:
        fixture = build(Path(folder) / "all")
        if asked.profile:
            profile(fixture, asked.profile, calls=800)
            return
        homes = {name: Path(folder) / name for name in VARIANTS}
        for name in ("unrecorded", "undecided"):
            shutil.copytree(fixture.home, homes[name])
        with (
            served("all", homes["all"]) as one,
            served("unrecorded", homes["unrecorded"]) as two,
            served("undecided", homes["undecided"]) as three,
            served("hello", homes["hello"]) as four,
        ):
            ports = dict(zip(VARIANTS, (one, two, three, four), strict=True))
            timed = measure(ports, Generator(fixture), rounds=rounds, calls=calls)
        figures = figures_of(timed)
    figures["cores"] = os.cpu_count()
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:36} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
