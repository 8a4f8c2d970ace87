"""What plan, fetch, mask and answer cost alone: compiled against graphql-core with its document kept.

`python bench/compiled.py --json [--quick|--full]`. Three departments' SQLite files, no policy and no log, in
one process: `compiled` goes the road of a call (`Plans`, `fetch`, `mask`, `put_together`),
`graphql_core_cached` executes the same document, parsed and validated beforehand, on the same schema, with
resolvers that read the same rows through SQLAlchemy Core, and `graphql_core_cursor` with resolvers on the
driver's own cursor. Rounds are interleaved; figures are medians. With `--http` the first two answer behind
the same bare ASGI shell, each in a process of its own on one core, to 32 clients on the other.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from graphql import GraphQLResolveInfo, execute
from sqlalchemy import bindparam, column, create_engine, select, table

from bench.loads.gateway import CLIENTS, send
from bench.loads.gateway_fixture import free_port
from bench.loads.gateway_servers import environment, pin, unpin, wait_for
from catalogue.codes import complete_uscc, normalise_subject
from catalogue.model import Item, ItemType, Resource, SharingClass, SubjectType
from exchange import loops
from exchange.clock import monotonic, spent
from gateway.compile import put_together
from gateway.fetch import fetch
from gateway.limits import Limits
from gateway.mask import mask, remembering
from gateway.model import Fetched, Permitted, Step
from gateway.parse import Document, parse_document
from gateway.planned import Plans
from gateway.ports import Ports
from gateway.schema import build_contract
from gateway.sources.breaker import Breaker, Guarded
from gateway.sources.sql import Clocks, SqlSource, open_engine
from policies.model import ItemVerdicts, RowFilter, Verdict

LAUNCHER = Path(__file__).resolve().parent.parent / "compiled.py"
DEPARTMENTS = ("market", "planning", "housing")
FIRMS = 1_000
LISTED = 1_000
LIMITS = Limits()
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CALL = "call_0193c7e2-0000"
COLUMNS = (
    *((name, ItemType.TEXT) for name in ("name", "number", "status", "issuer", "scope", "grade")),
    *((name, ItemType.DATE) for name in ("issued_on", "valid_until")),
    ("capital", ItemType.DECIMAL),
    ("remarks", ItemType.TEXT),
)
VALUES = (
    "有效",
    "市场监督管理局",
    "建筑工程施工总承包",
    "一级",
    "2019-01-01",
    "2029-12-31",
    "100.50",
    None,
)
MANY = "market"
ALL = " ".join(name for name, _ in COLUMNS)
PERMIT = f"""query Permit($e: ID!) {{ enterprise(uscc: $e) {{
  market {{ {ALL} }} planning {{ {ALL} }} housing {{ {ALL} }} }} }}"""
LIST = f"query List($e: ID!) {{ enterprise(uscc: $e) {{ records(first: 1000) {{ {ALL} }} }} }}"


def a_resource(department: str, *, single: bool) -> Resource:
    key = Item(
        ordinal=0,
        name="uscc",
        title="uscc",
        column="uscc",
        graphql_name="uscc",
        subject=SubjectType.ENTERPRISE,
        key=True,
        match=True,
    )
    items = [
        Item(ordinal=at, name=name, title=name, column=name, graphql_name=name, type=type_)
        for at, (name, type_) in enumerate(COLUMNS, 1)
    ]
    name = department if single else "record"
    return Resource(
        code=f"{department}/{'one' if single else 'many'}",
        department=department,
        name=name,
        name_en=name,
        type_name=name.title(),
        field_name=name,
        list_name=f"{name}s",
        source=department,
        table="licence" if single else "listed",
        items=(key, *items),
        sharing_class=SharingClass.CONDITIONAL,
        single=single,
        state="announced",
    )


RESOURCES = (*(a_resource(one, single=True) for one in DEPARTMENTS), a_resource(MANY, single=False))


def firm(number: int) -> str:
    return complete_uscc(f"91330106MA8K{number:05d}")


def fill(path: Path) -> None:
    columns = ", ".join(f'"{name}" TEXT' for name, _ in COLUMNS)
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE licence (uscc TEXT PRIMARY KEY, {columns})")
    connection.execute(f"CREATE TABLE listed (uscc TEXT, {columns})")
    connection.execute("CREATE INDEX listed_key ON listed (uscc)")
    rows = [(firm(n), f"企业{n}", f"D{n:05d}", *VALUES) for n in range(FIRMS)]
    marks = ", ".join("?" for _ in rows[0])
    connection.executemany(f"INSERT INTO licence VALUES ({marks})", rows)
    listed = [(firm(0), *row[1:]) for row in rows[:LISTED]]
    connection.executemany(f"INSERT INTO listed VALUES ({marks})", listed)
    connection.commit()
    connection.close()


@dataclass(frozen=True, slots=True)
class _Number:
    number: str = CALL
    case: None = None


def a_permit(step: Step) -> Permitted:
    """What `rule` makes of a permit of all: the bench has no policy."""
    verdict = Verdict(
        allow=True,
        code="PERMITTED",
        resource=step.resource.code,
        reasons=[],
        grant="grt_1",
        items=ItemVerdicts(allowed=[item.name for item in step.items], masked={}, denied={}),
        row_filter=RowFilter(all=[]),
        max_rows=step.limit,
    )
    return Permitted(step, verdict)


class Compiled:
    """The road of a call without what governs it."""

    def __init__(self, folder: Path) -> None:
        self._plans = Plans()
        self._sources = {
            name: Guarded(
                SqlSource(
                    open_engine(
                        f"sqlite:///{folder / name}.db",
                        secret=None,
                        timeout_s=2.0,
                        written_once=True,
                    ),
                    zone=UTC,
                    clocks=Clocks(spent=spent, monotonic=monotonic),
                ),
                breaker=Breaker(monotonic=monotonic),
                timeout_s=2.0,
            )
            for name in DEPARTMENTS
        }
        unused: Any = None
        self._ports = Ports(
            decisions=unused,
            sources=self._sources,
            recorder=unused,
            registry=unused,
            quotas=unused,
            now=lambda: NOW,
            monotonic=monotonic,
            fresh_id=str,
            gateway="bench",
        )
        self._verdicts: dict[str, Verdict] = {}

    async def answer(self, document: Document, variables: Mapping[str, Any]) -> bytes:
        normalise = remembering(normalise_subject)
        planned = self._plans.plan(
            document,
            operation_name=None,
            variables=variables,
            normalise=normalise,
            limits=LIMITS,
        )
        call: Any = _Number()
        carried = await fetch(
            [self._permitted(step) for step in planned.steps],
            self._ports,
            call=call,
            sources=frozenset(DEPARTMENTS),
            normalise=normalise,
            deadline_s=8.0,
        )
        outcomes = [
            mask(one, now=NOW, normalise=normalise) if isinstance(one, Fetched) else one
            for one in carried
        ]
        return put_together(planned, outcomes).data

    def _permitted(self, step: Step) -> Permitted:
        held = self._verdicts.get(step.resource.code)
        if held is None:
            held = self._verdicts[step.resource.code] = a_permit(step).verdict
        return Permitted(step, held)

    async def close(self) -> None:
        for source in self._sources.values():
            await source.close()


class Stock:
    """graphql-core, its document parsed and validated beforehand, with resolvers as one writes them."""

    def __init__(self, folder: Path, *, cursor: bool = False) -> None:
        address = "sqlite:///file:{}?mode=ro&immutable=1&uri=true"
        self._engines = {n: create_engine(address.format(folder / f"{n}.db")) for n in DEPARTMENTS}
        self._cursors: dict[str, Any] = {}
        if cursor:
            for name, engine in self._engines.items():
                self._cursors[name] = engine.raw_connection().driver_connection
        self._columns = [name for name, _ in COLUMNS]
        wanted = [column(name) for name in self._columns]
        key = column("uscc") == bindparam("key")
        self._one = select(*wanted).select_from(table("licence", column("uscc"))).where(key)
        listed = select(*wanted).select_from(table("listed", column("uscc"))).where(key)
        self._many = listed.order_by(*wanted).limit(bindparam("first"))

    async def answer(self, document: Document, variables: Mapping[str, Any]) -> bytes:
        result = execute(
            document.contract.schema,
            document.ast,
            variable_values=dict(variables),
            field_resolver=self._resolve,
        )
        data: Any = getattr(result, "data", None)
        return msgspec.json.encode(data)

    def _resolve(self, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        if source is None:
            return (normalise_subject(SubjectType.ENTERPRISE, arguments["uscc"]),)
        if isinstance(source, dict):
            return source[info.field_name]
        (key,) = source
        if info.field_name == "records":
            return self._read(MANY, self._many, {"key": key, "first": arguments["first"]})
        found = self._read(info.field_name, self._one, {"key": key})
        return found[0] if found else None

    def _read(self, name: str, statement: Any, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        if not self._cursors:
            with self._engines[name].connect() as connection:
                return [dict(row) for row in connection.execute(statement, values).mappings()]
        many = "ORDER BY 1, 2 LIMIT ?" if "first" in values else ""
        table_ = "listed" if many else "licence"
        text = f"SELECT {', '.join(self._columns)} FROM {table_} WHERE uscc = ? {many}"
        found = self._cursors[name].execute(text, tuple(values.values())).fetchall()
        return [dict(zip(self._columns, row, strict=True)) for row in found]

    async def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


Answer = Callable[[Document, Mapping[str, Any]], Awaitable[bytes]]


async def timed(answer: Answer, document: Document, firms: Sequence[str]) -> float:
    """Return the microseconds that a call takes of the processor, on whichever thread."""
    begun = time.process_time()
    for one in firms:
        await answer(document, {"e": one})
    return (time.process_time() - begun) / len(firms) * 1e6


ROADS = ("compiled", "graphql_core_cached", "graphql_core_cursor")
SERVED = ROADS[:2]


def road(name: str, folder: Path) -> Compiled | Stock:
    if name == "compiled":
        return Compiled(folder)
    return Stock(folder, cursor=name == "graphql_core_cursor")


async def measure(folder: Path, *, rounds: int, calls: int) -> dict[str, float]:
    contract = build_contract(RESOURCES)
    roads = {name: road(name, folder) for name in ROADS}
    documents = {
        "": (parse_document(PERMIT, contract, limits=LIMITS), [firm(n) for n in range(calls)]),
        "_list": (parse_document(LIST, contract, limits=LIMITS), [firm(0)] * max(4, calls // 50)),
    }
    took: dict[str, list[float]] = {f"{n}{s}": [] for s in documents for n in roads}
    try:
        for suffix, (document, firms) in documents.items():
            answers = {await one.answer(document, {"e": firms[0]}) for one in roads.values()}
            if len(answers) != 1:
                raise RuntimeError(
                    f"{len(answers)} answers of {len(roads)} roads: they must be alike"
                )
            for number in range(rounds + 1):
                for name, one in roads.items():
                    spent = await timed(one.answer, document, firms)
                    if number:
                        took[f"{name}{suffix}"].append(spent)
    finally:
        for one in roads.values():
            await one.close()
    return {name: statistics.median(found) for name, found in took.items()}


def alone(folder: Path, *, rounds: int, calls: int) -> dict[str, Any]:
    took = asyncio.run(measure(folder, rounds=rounds, calls=calls))
    figures: dict[str, Any] = {f"{name}_us_a_call": round(one, 1) for name, one in took.items()}
    for suffix in ("", "_list"):
        for other in ROADS[1:]:
            ratio = took[f"{other}{suffix}"] / took[f"compiled{suffix}"]
            figures[f"alone_compiled_over_{other}{suffix}"] = round(ratio, 2)
    return figures


async def serve(name: str, folder: Path, port: int) -> None:
    """Be one road behind the shell, until told to stop."""
    contract = build_contract(RESOURCES)
    documents: dict[str, Document] = {}
    answering = road(name, folder)

    async def graphql(_scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        asked = msgspec.json.decode(body)
        text = asked["query"]
        if text not in documents:
            documents[text] = parse_document(text, contract, limits=LIMITS)
        data = await answering.answer(documents[text], asked["variables"])
        content = b'{"data":' + data + b"}"
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    config = uvicorn.Config(
        graphql,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        server_header=False,
        lifespan="off",
    )
    await uvicorn.Server(config).serve()
    await answering.close()


@contextmanager
def served(name: str, folder: Path) -> Iterator[Callable[[], int]]:
    """Start a server; what it yields waits until it takes calls, and returns its port."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, str(LAUNCHER), "--serve", name),
            *("--home", str(folder), "--port", str(port)),
        ],
        env=environment(),
        preexec_fn=unpin,  # noqa: PLW1509  Before anything else runs in the child.
    )
    try:
        yield lambda: wait_for(port, process) or port
    finally:
        process.terminate()
        process.wait(timeout=20)


def requests(port: int, query: str, firms: Sequence[str]) -> list[bytes]:
    written = []
    for one in firms:
        body = msgspec.json.encode({"query": query, "variables": {"e": one}})
        head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}"
        written.append(f"{head}\r\nContent-Type: application/json\r\n\r\n".encode() + body)
    return written


def over_http(folder: Path, *, rounds: int, calls: int) -> dict[str, Any]:
    """Return how many calls a second each road answers behind the shell, and their ratios."""
    pin(1)
    documents = {
        "": (PERMIT, [firm(n % FIRMS) for n in range(calls)]),
        "_list": (LIST, [firm(0)] * max(8, calls // 48)),
    }
    rates: dict[str, list[float]] = {f"{n}{s}": [] for s in documents for n in SERVED}
    with served(SERVED[0], folder) as first, served(SERVED[1], folder) as second:
        # They start side by side: most of it is reading files.
        one, two = first(), second()
        for suffix, (query, firms) in documents.items():
            for number in range(rounds + 1):
                for name, port in zip(SERVED, (one, two), strict=True):
                    written = requests(port, query, firms)
                    begun = time.perf_counter()
                    asyncio.run(send(port, written, clients=CLIENTS, steps=0))
                    if number:
                        spent = time.perf_counter() - begun
                        rates[f"{name}{suffix}"].append(len(written) / spent)
    figures: dict[str, Any] = {
        f"{name}_calls_per_s": round(statistics.median(found), 1) for name, found in rates.items()
    }
    for suffix in documents:
        pairs = zip(rates[f"{SERVED[0]}{suffix}"], rates[f"{SERVED[1]}{suffix}"], strict=True)
        ratio = statistics.median(mine / theirs for mine, theirs in pairs)
        figures[f"compiled_over_graphql_core_cached{suffix}"] = round(ratio, 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    parser.add_argument("--http", action="store_true", help="behind a bare shell, not alone")
    parser.add_argument("--serve", choices=SERVED, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        pin(0)
        loops.run(serve(asked.serve, asked.home, asked.port))
        return
    rounds, calls = (3, 256) if asked.quick else (15, 1_280) if asked.full else (9, 640)
    with tempfile.TemporaryDirectory() as folder:
        for name in DEPARTMENTS:
            fill(Path(folder) / f"{name}.db")
        take = over_http if asked.http else alone
        figures = take(Path(folder), rounds=rounds, calls=calls)
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:52} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
