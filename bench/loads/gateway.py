"""What governing costs: ten items of each of three departments over HTTP, beside stacks that govern nothing.

`python bench/gateway.py --json [--quick|--full]`. Servers, each its own process on one core, take calls from
a generator on the other, in interleaved rounds; figures are medians over rounds:

- `all`: the whole exchange over tables that it keeps itself: signature verified, policy decided, entry
  durable and signed before release; `remote`: the same over the departments' own databases, with an entry of
  intent before each fetch;
- `unrecorded`: the log's port replaced by an adapter that returns a fixed receipt, `undecided`: the decision
  point replaced by one that returns a fixed permit;
- `strawberry`, `graphene`: the same query and rows, nothing governed; `hello`: a bare JSON answer.

`compiled_over_graphql_core_cached` is taken by `bench/compiled.py --http`, where nothing is governed.
`--profile FILE` serves `all` under cProfile instead.
"""

import argparse
import asyncio
import json
import os
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.loads import gateway_rows
from bench.loads.gateway_fixture import SUBJECTS, Fixture, kept_fixture
from bench.loads.gateway_servers import STOCK, UNGOVERNED, Served, pin, serve, served, unpin
from exchange.client.signing import SignatureAuth, encode_usage
from exchange.demo import district
from gateway.model import Usage

GOVERNED = ("all", "unrecorded", "undecided", "remote")
VARIANTS = (*GOVERNED, *UNGOVERNED)
LISTING = ("all", *STOCK)
CLIENTS = 32
CONCURRENCIES = (1, CLIENTS, 256)
_ASKED = tuple(gateway_rows.tables().values())
DOCUMENT = gateway_rows.document(_ASKED)
LIST = gateway_rows.list_document(next(one for one in _ASKED if one.name == "planning_permit"))
LISTED = 1_000
GIVEN = b'"outcome":"given"'
PARTLY = b'"outcome":"partly-given"'
NO_REMOTE_STATE = "the registry is kept in SQLite so far"


class Generator:
    """Writes signed calls beforehand, so that only sending and receiving is timed."""

    def __init__(
        self, fixture: Fixture, *, lists: bool = False, subjects: int | None = None
    ) -> None:
        """`subjects` is how many different firms are asked about; None: all."""
        self._auth = SignatureAuth(fixture.key)
        self._subjects = fixture.subjects[:subjects]
        self._lists = lists
        self._next = 0
        self.steps = 1 if lists else len(_ASKED)
        """How many steps each of its calls has."""

    def calls(self, port: int, count: int, *, path: str = "/graphql") -> list[bytes]:
        return [self._call(port, path) for _ in range(count)]

    def _call(self, port: int, path: str) -> bytes:
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
                "query": LIST if self._lists else DOCUMENT,
                "variables": {"e": LISTED if self._lists else uscc},
                "extensions": {"usage": encode_usage(usage)},
            }
        )
        request = httpx.Request(
            "POST",
            f"http://127.0.0.1:{port}{path}",
            content=body,
            headers={"Content-Type": "application/json", "Accept": "*/*"},
        )
        self._auth.sign(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + body


async def send(port: int, calls: Sequence[bytes], *, clients: int, steps: int) -> list[float]:
    """Send the calls over as many kept-alive connections; returns what each took, in seconds.

    `steps` is how many steps of each must be given; 0 where nothing is governed.
    """

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
            check(head, body, steps=steps)
        writer.close()
        return took

    shares = [calls[number::clients] for number in range(clients)]
    found = await asyncio.gather(*(client(share) for share in shares))
    return [one for took in found for one in took]


def check(head: bytes, body: bytes, *, steps: int) -> None:
    """A figure counts only where every call was answered, and every step given."""
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{head[:40]!r} {body[:600]!r}")
    if steps and body.count(GIVEN) + body.count(PARTLY) != steps:
        raise RuntimeError(f"not every step was given: {body[:1500].decode()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is asked."""

    rounds: int
    calls: int
    """Of each governed server in each round."""
    subjects: int
    lists: int

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Extent":
        if asked.quick:
            return cls(rounds=3, calls=96, subjects=64, lists=48)
        if asked.full:
            return cls(rounds=15, calls=4_096, subjects=SUBJECTS, lists=192)
        return cls(rounds=9, calls=2_048, subjects=SUBJECTS, lists=192)


@dataclass(slots=True)
class Timed:
    """What was seen of each variant, round by round."""

    rates: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in VARIANTS})
    """Calls a second at 32 clients."""
    took: dict[int, list[float]] = field(
        default_factory=lambda: {clients: [] for clients in CONCURRENCIES}
    )
    """Seconds that a call of `all` took, by the number of clients."""
    cpu: dict[int, list[float]] = field(
        default_factory=lambda: {clients: [] for clients in CONCURRENCIES}
    )
    """Seconds of processor time of the server a call of `all`."""
    lists: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in LISTING})
    """Lists of 1,000 records a second."""
    memory_kb: int = 0


def measure(
    servers: dict[str, Served],
    generators: dict[str, Generator],
    lists: Generator,
    *,
    extent: "Extent",
) -> Timed:
    timed, calls = Timed(), extent.calls
    for name, server in servers.items():
        # Keys and words of every subject are known, as they are on a served day.
        warm = extent.subjects + CLIENTS if name in GOVERNED else CLIENTS
        run(server, generators[name], name, calls=warm, clients=CLIENTS)
    for _ in range(extent.rounds):
        for name, server in servers.items():
            # The bare answer is over too soon, the stock stacks too late, to be asked as often.
            count = calls * 2 if name == "hello" else calls // 8 if name in STOCK else calls
            took, lasted, _ = run(server, generators[name], name, calls=count, clients=CLIENTS)
            timed.rates[name].append(len(took) / lasted)
        for name in LISTING:
            # The stock stacks take them one after the other: so many are enough to tell how long one takes.
            count = extent.lists if name in GOVERNED else 8
            took, lasted, _ = run(servers[name], lists, name, calls=count, clients=CLIENTS)
            timed.lists[name].append(len(took) / lasted)
        for clients in CONCURRENCIES:
            count = max(calls // 4, clients) if clients > 1 else calls // 8
            took, _, cpu = run(
                servers["all"], generators["all"], "all", calls=count, clients=clients
            )
            timed.took[clients] += took
            timed.cpu[clients].append(cpu / len(took))
    timed.memory_kb = servers["all"].memory_kb()
    return timed


def run(
    server: Served,
    generator: Generator,
    name: str,
    *,
    calls: int,
    clients: int,
    path: str | None = None,
) -> tuple[list[float], float, float]:
    """Send calls; returns what each took, how long all took, and the server's processor time, in seconds."""
    written = generator.calls(server.port, calls, path=path or "/graphql")
    used, begun = server.cpu_s(), time.perf_counter()
    steps = generator.steps if name in GOVERNED else 0
    took = asyncio.run(send(server.port, written, clients=clients, steps=steps))
    return took, time.perf_counter() - begun, server.cpu_s() - used


def figures_of(timed: Timed) -> dict[str, Any]:
    def ratio(name: str, over: str, rates: dict[str, list[float]] = timed.rates) -> float:
        pairs = zip(rates[name], rates[over], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    figures: dict[str, Any] = {
        "governed_over_hello": round(ratio("all", "hello"), 4),
        "governed_over_strawberry": round(ratio("all", "strawberry"), 2),
        "governed_over_graphene": round(ratio("all", "graphene"), 2),
        "governed_over_strawberry_list": round(ratio("all", "strawberry", timed.lists), 2),
        "governed_over_graphene_list": round(ratio("all", "graphene", timed.lists), 2),
        "governed_over_hello_remote": round(ratio("remote", "hello"), 4),
        "governed_over_strawberry_remote": round(ratio("remote", "strawberry"), 2),
        "audit_overhead": round(1 - ratio("all", "unrecorded"), 3),
        "policy_overhead": round(1 - ratio("all", "undecided"), 3),
    }
    for name in VARIANTS:
        figures[f"{name}_calls_per_s"] = round(statistics.median(timed.rates[name]), 1)
    for name in LISTING:
        figures[f"{name}_lists_per_s"] = round(statistics.median(timed.lists[name]), 1)
    for clients in CONCURRENCIES:
        cuts = statistics.quantiles(timed.took[clients], n=100)
        figures[f"p50_ms_clients{clients}"] = round(cuts[49] * 1000, 2)
        figures[f"p99_ms_clients{clients}"] = round(cuts[98] * 1000, 2)
        figures[f"cpu_us_per_call_clients{clients}"] = round(
            statistics.median(timed.cpu[clients]) * 1e6
        )
    figures["memory_mb"] = timed.memory_kb // 1024
    for name in ("governed_over_hello", "audit_overhead", "policy_overhead"):
        figures[f"{name}_postgresql"] = None
        figures[f"{name}_postgresql_skipped"] = NO_REMOTE_STATE
    return figures


def ungoverned(extent: Sequence[str]) -> dict[str, Any]:
    """Take the figures of the compiled road without log and policy, behind a shell of its own."""
    bench = Path(__file__).resolve().parent.parent / "compiled.py"
    done = subprocess.run(
        [sys.executable, str(bench), "--http", "--json", *extent],
        preexec_fn=unpin,
        capture_output=True,
        text=True,
        check=True,
    )
    taken: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return taken


def profile(fixture: Fixture, target: Path, *, calls: int) -> None:
    """Serve under cProfile; prints where the loop's thread spent its time."""
    generator = Generator(fixture)
    with served("all", fixture.home, profile=target) as begun:
        server = begun.ready()
        for _ in range(4):
            run(server, generator, "all", calls=calls // 4, clients=CLIENTS)
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
    parser.add_argument("--serve", choices=GOVERNED, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.home, port=asked.port, profile=asked.profile)
        return
    pin(1)
    with tempfile.TemporaryDirectory() as folder:
        fixtures = {
            road: kept_fixture(Path(folder) / f"{road}-fixture", local=road == "local")
            for road in ("local", "remote")
        }
        if asked.profile:
            profile(fixtures["local"], asked.profile, calls=4_000)
            return
        figures = figures_of(compare(fixtures, Path(folder), Extent.of(asked)))
    figures |= ungoverned([f"--{name}" for name in ("quick", "full") if getattr(asked, name)])
    figures["cores"] = os.cpu_count()
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:36} {figure}")
    print(json.dumps(figures))


def compare(fixtures: dict[str, Fixture], folder: Path, extent: Extent) -> Timed:
    """Serve every variant on a home of its own and measure them in turn."""
    homes = {name: folder / name for name in VARIANTS}
    for name, home in homes.items():
        road = "remote" if name == "remote" else "local"
        shutil.copytree(fixtures[road].home, home)
    generators = {
        name: Generator(
            fixtures["remote" if name == "remote" else "local"], subjects=extent.subjects
        )
        for name in VARIANTS
    }
    with ExitStack() as serving:
        begun = {name: serving.enter_context(served(name, homes[name])) for name in VARIANTS}
        # They start side by side: most of it is reading files.
        servers = {name: server.ready() for name, server in begun.items()}
        lists = Generator(fixtures["local"], lists=True)
        return measure(servers, generators, lists, extent=extent)


if __name__ == "__main__":
    main()
