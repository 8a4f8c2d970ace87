"""What plan, fetch, mask and answer cost alone: compiled against graphql-core with its document kept.

`python bench/compiled.py --json [--quick|--full]`. Three departments' SQLite files, no policy and no log, in
one process and on one thread: `compiled` goes the road of a call (`Plans`, `fetch`, `mask`, `put_together`);
`graphql_core_cached` executes the same document, parsed and validated beforehand, on the same schema with
resolvers that read the same rows on the driver's cursor. Rounds are interleaved; figures are medians.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from graphql import GraphQLResolveInfo, execute

from catalogue.codes import complete_uscc, normalise_subject
from catalogue.model import Item, ItemType, Resource, SharingClass, SubjectType
from exchange.clock import monotonic
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
from gateway.sources.sql import SqlSource, open_engine
from policies.model import ItemVerdicts, RowFilter, Verdict

DEPARTMENTS = ("market", "planning", "housing")
FIRMS = 1_000
LISTED = 1_000
LIMITS = Limits()
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CALL = "call_0193c7e2-0000"
COLUMNS = (
    ("name", ItemType.TEXT),
    ("number", ItemType.TEXT),
    ("status", ItemType.TEXT),
    ("valid_until", ItemType.DATE),
    ("capital", ItemType.DECIMAL),
)
MANY = "market"
PERMIT = """query Permit($e: ID!) { enterprise(uscc: $e) {
  market { name number status valid_until capital }
  planning { name number status valid_until }
  housing { name number status valid_until capital } } }"""
LIST = """query List($e: ID!) { enterprise(uscc: $e) {
  records(first: 1000) { name number status valid_until capital } } }"""


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
    for table in ("licence", "listed"):
        connection.execute(f'CREATE TABLE {table} ("uscc" TEXT, {columns})')
        connection.execute(f"CREATE INDEX {table}_key ON {table} (uscc)")
    rows = [
        (firm(n), f"企业{n}", f"D{n:05d}", "有效", "2029-12-31", "100.50") for n in range(FIRMS)
    ]
    connection.executemany("INSERT INTO licence VALUES (?, ?, ?, ?, ?, ?)", rows)
    listed = [(firm(0), *row[1:]) for row in rows[:LISTED]]
    connection.executemany("INSERT INTO listed VALUES (?, ?, ?, ?, ?, ?)", listed)
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
                    open_engine(f"sqlite:///{folder / name}.db", secret=None, timeout_s=2.0),
                    zone=UTC,
                    monotonic=monotonic,
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
    """graphql-core, its document parsed and validated beforehand, with resolvers over SQLite's cursor."""

    def __init__(self, folder: Path) -> None:
        self._connections = {
            name: sqlite3.connect(f"file:{folder / name}.db?mode=ro", uri=True)
            for name in DEPARTMENTS
        }
        names = ", ".join(f'"{name}"' for name, _ in COLUMNS)
        self._columns = [name for name, _ in COLUMNS]
        self._one = f"SELECT {names} FROM licence WHERE uscc = ?"
        self._many = f"SELECT {names} FROM listed WHERE uscc = ? ORDER BY {names} LIMIT ?"

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
            found = self._connections[MANY].execute(self._many, (key, arguments["first"]))
            return [dict(zip(self._columns, row, strict=True)) for row in found.fetchall()]
        row = self._connections[info.field_name].execute(self._one, (key,)).fetchone()
        return None if row is None else dict(zip(self._columns, row, strict=True))

    async def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


Answer = Callable[[Document, Mapping[str, Any]], Awaitable[bytes]]


async def timed(answer: Answer, document: Document, firms: Sequence[str]) -> float:
    """Return the microseconds that a call takes of the processor, on whichever thread."""
    begun = time.process_time()
    for one in firms:
        await answer(document, {"e": one})
    return (time.process_time() - begun) / len(firms) * 1e6


async def measure(folder: Path, *, rounds: int, calls: int) -> dict[str, float]:
    for name in DEPARTMENTS:
        fill(folder / f"{name}.db")
    contract = build_contract(RESOURCES)
    roads = {"compiled": Compiled(folder), "graphql_core_cached": Stock(folder)}
    documents = {
        "": (parse_document(PERMIT, contract, limits=LIMITS), [firm(n) for n in range(calls)]),
        "_list": (parse_document(LIST, contract, limits=LIMITS), [firm(0)] * max(4, calls // 50)),
    }
    took: dict[str, list[float]] = {f"{n}{s}": [] for s in documents for n in roads}
    try:
        for suffix, (document, firms) in documents.items():
            answers = {await road.answer(document, {"e": firms[0]}) for road in roads.values()}
            if len(answers) != 1:
                raise RuntimeError(
                    f"{len(answers)} answers of {len(roads)} roads: they must be alike"
                )
            for number in range(rounds + 1):
                for name, road in roads.items():
                    one = await timed(road.answer, document, firms)
                    if number:
                        took[f"{name}{suffix}"].append(one)
    finally:
        for road in roads.values():
            await road.close()
    return {name: statistics.median(found) for name, found in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    rounds, calls = (5, 300) if asked.quick else (15, 1_000) if asked.full else (9, 500)
    with tempfile.TemporaryDirectory() as folder:
        took = asyncio.run(measure(Path(folder), rounds=rounds, calls=calls))
    figures = {f"{name}_us_a_call": round(one, 1) for name, one in took.items()}
    for suffix in ("", "_list"):
        ratio = took[f"graphql_core_cached{suffix}"] / took[f"compiled{suffix}"]
        figures[f"alone_compiled_over_graphql_core_cached{suffix}"] = round(ratio, 2)
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:52} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
