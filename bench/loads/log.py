"""What the proof costs: appends against the same rows written without tree, seal and signature.

`python bench/log.py --json [--quick|--full]`. Plain writes the same entries, index rows, disclosures,
counters and head in one transaction a batch. Rounds are interleaved; figures are medians. `--full` adds a log
of a million entries. What needs PostgreSQL is null where it cannot be started.
"""

import argparse
import asyncio
import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, func, select, text

from audit import tables
from audit.entry import ByteCommit, Commit, Draft, IndexRow, Sequenced
from audit.keys import create_keys, load_keys
from audit.log import BATCH_MOST, Log, check_stored
from audit.merkle import RightEdge, leaf_hash
from audit.sequencer import Asked, Latest, Sequencer, _index_rows, _Tokens
from audit.sqlstore import SqlStore
from audit.store import Head, StoredEntry, Writes
from audit.vault import Vault
from bench.loads import log_fixture
from bench.loads.log_writers import service_and_inline
from exchange.clock import now
from exchange.storage import migrate, postgresql_engine, sqlite_engine
from tests.fakes.postgres import PostgreSQL, start_postgresql

ORIGIN = "bench.example/log"
LARGE = 1_000_000
"""Entries of the log that `--full` measures."""
SUBJECTS = [("person", f"110105194912{number:06d}") for number in range(1_000)]


class Plain(Sequencer):
    """The same writes, and nothing that anybody could prove: no tree, no seal, no signature."""

    def _fill(self, batch: Any, plan: Any, keys: Any) -> None:
        old = self.latest.head
        new = replace(
            old, size=old.size + len(plan.taken), ts=plan.at, barrier=plan.standing.barrier
        )
        tokens = _Tokens(self._vault)
        batch.write(
            Writes(
                entries=[
                    StoredEntry(index=taken.index, body=taken.composed.body, leaf=taken.leaf)
                    for taken in plan.taken
                ],
                tiles=[],
                index=_index_rows(plan.taken, plan.at, tokens),
                parts=self._parts(plan.taken, keys),
                nonces=plan.standing.new_nonces,
                used=plan.standing.new_used,
                counters=plan.standing.new_numbers,
                expired_before=None,
            )
        )
        assert batch.move_head(old, new)
        self._moved = new

    def _adopt(self) -> None:
        self.latest = Latest(head=self._moved, note="")

    def _sign(self, head: Head) -> Latest:
        return Latest(head=head, note="")

    def _answers(self, plan: Any, **_: Any) -> list[Any]:
        return [
            Sequenced(
                index=taken.index,
                size=self.latest.head.size,
                body=taken.composed.body,
                proof=(),
                checkpoint="",
                openings=taken.composed.opened(taken.draft.receipt),
            )
            for taken in plan.taken
        ]


def drafts() -> Iterator[Draft]:
    for number in itertools.count():
        subject = SUBJECTS[number % len(SUBJECTS)]
        case = f"2026-{number % 997}"
        yield Draft(
            kind="call",
            clear={"consumer": {"department": "D2", "system": "hall"}, "channel": "query"},
            commits=(
                Commit(name="case", value=case),
                Commit(name="reason", value="建筑工程施工许可核发"),
                Commit(name="officer", value="off_0001"),
                Commit(name="subject.s1", value=list(subject), subject=subject),
                ByteCommit(name="request", content=b"q" * 300),
                ByteCommit(name="answer", content=b"a" * 600),
            ),
            counters=("consumer:hall", "resource:MSA-001"),
            index=(
                IndexRow(
                    step="s1",
                    consumer="D2",
                    system="hall",
                    provider="D1",
                    resource="MSA-001",
                    matter="M-1",
                    decision="given",
                    code="GRANTED",
                    officer="off_0001",
                    case=case,
                    subject=subject,
                ),
            ),
        )


def asked(batch: list[Draft]) -> list[Asked]:
    return [Asked(draft=draft, gateway="gw-1") for draft in batch]


def warm(sequencer: Sequencer) -> None:
    """Make every subject's key before anything is measured."""
    for first in range(0, len(SUBJECTS), 250):
        sequencer.commit(
            asked(
                [
                    Draft(
                        kind="call",
                        clear={},
                        commits=(Commit(name="s", value=1, subject=subject),),
                        index=(IndexRow(),),
                    )
                    for subject in SUBJECTS[first : first + 250]
                ]
            )
        )


Urls = Mapping[str, str]
"""PostgreSQL databases by branch; empty: files."""


def urls(server: PostgreSQL | None) -> Urls:
    return {} if server is None else {"log": server.database(), "vault": server.database()}


def make(folder: Path, kind: type[Sequencer], where: Urls) -> Sequencer:
    settings = opened(folder, where)
    return kind(
        store=SqlStore(settings.pop("engine")),
        guard=folder / "guard",
        at=lambda _: None,
        **settings,
    )


def opened(folder: Path, where: Urls) -> dict[str, Any]:
    (folder / "keys").mkdir(parents=True)
    keys = create_keys(folder / "keys", origin=ORIGIN)
    engines: dict[str, Engine] = {}
    for branch in ("log", "vault"):
        engines[branch] = (
            postgresql_engine(where[branch], branch)
            if where
            else sqlite_engine(folder / f"{branch}.db")
        )
        migrate(engines[branch], branch, home=folder, at=now())
    return {
        "engine": engines["log"],
        "vault": Vault(engines["vault"], keys.kek, now=now, random=os.urandom),
        "keys": keys,
        "now": now,
        "random": os.urandom,
    }


def rate(
    commit: Callable[[list[Asked]], Any], source: Iterator[Draft], *, size: int, n: int
) -> float:
    batches = [asked([next(source) for _ in range(size)]) for _ in range(n)]
    begun = time.perf_counter()
    for batch in batches:
        commit(batch)
    return size * n / (time.perf_counter() - begun)


def synced(folder: Path, *, n: int) -> float:
    """How many writes of a page a second the disk confirms, one after the other."""
    with (folder / "synced").open("wb", buffering=0) as file:
        begun = time.perf_counter()
        for _ in range(n):
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
        return n / (time.perf_counter() - begun)


def compare(
    folder: Path, kind: str, server: PostgreSQL | None, *, rounds: int, appends: int
) -> dict[str, float]:
    proven = make(folder / f"proven-{kind}", Sequencer, urls(server))
    plain = make(folder / f"plain-{kind}", Plain, urls(server))
    for sequencer in (proven, plain):
        warm(sequencer)
    source = drafts()
    figures: dict[str, float] = {}
    for size in (1, 64, 256):
        n = max(4, appends // size) if size > 1 else appends // 4
        found: dict[str, list[float]] = {"append": [], "plain": []}
        disk = []
        # SQLite's lone appends are over soon: more rounds, so that what else the machine does falls on both.
        for _ in range(3 * rounds if size == 1 and server is None else rounds):
            found["append"].append(rate(proven.commit, source, size=size, n=n))
            found["plain"].append(rate(plain.commit, source, size=size, n=n))
            if size == 1:
                disk.append(found["append"][-1] / synced(folder, n=n))
        for name, rates in found.items():
            figures[f"{name}{size}_per_s_{kind}"] = round(statistics.median(rates), 1)
        ratios = [mine / theirs for mine, theirs in zip(*found.values(), strict=True)]
        figures[f"append{size}_over_plain{size}_{kind}"] = round(statistics.median(ratios), 3)
        if disk:
            figures[f"append1_over_fdatasync_{kind}"] = round(statistics.median(disk), 3)
    return figures


def clients(folder: Path, *, rounds: int, appends: int) -> dict[str, float]:
    log = Log.open(**opened(folder, {}), gateway="gw-1", guard=folder / "guard")
    source = drafts()

    async def client(count: int) -> None:
        for _ in range(count):
            await log.append_async(next(source))

    async def together(number: int, count: int) -> float:
        begun = time.perf_counter()
        await asyncio.gather(*(client(count) for _ in range(number)))
        return number * count / (time.perf_counter() - begun)

    asyncio.run(together(64, 16))
    found = [
        (asyncio.run(together(1, appends // 8)), asyncio.run(together(64, appends // 64)))
        for _ in range(rounds)
    ]
    log.close()
    return {
        "clients1_per_s": round(statistics.median(one for one, _ in found), 1),
        "clients64_per_s": round(statistics.median(many for _, many in found), 1),
        "clients64_over_1": round(statistics.median(many / one for one, many in found), 2),
    }


def large(folder: Path, kind: str, server: PostgreSQL | None, *, entries: int) -> dict[str, Any]:
    """A log of many entries: its proofs, its check from end to end, and its bytes."""
    source = log_fixture.kept(entries=entries)
    if not source.exists():
        make_large(source, entries=entries)
    home = folder / f"large-{kind}"
    shutil.copytree(source, home)
    keys = load_keys(home / "keys")
    engine = sqlite_engine(home / "log.db")
    if server is not None:
        on_files, engine = engine, postgresql_engine(server.database(), "log")
        migrate(engine, "log", home=home, at=now())
        log_fixture.copy_tables(on_files, engine)
    vault = Vault(sqlite_engine(home / "vault.db"), keys.kek, now=now, random=os.urandom)
    log = Log.open(
        engine, vault, keys, gateway="gw-1", now=now, random=os.urandom, guard=home / "guard"
    )
    figures = {
        f"entries_{kind}": log.size,
        f"inclusion_proof_ms_{kind}": prove(log),
        f"verification_over_hashing_{kind}": verify(log, keys, engine, home),
        **sizes(engine, home, kind),
    }
    log.close()
    return figures


def make_large(home: Path, *, entries: int) -> None:
    """Write the log in whole batches, and put it in place once it is whole.

    What a power cut would cost here is a second making: nothing is forced to the disk on the way.
    """
    unfinished = home.with_name(home.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    settings = opened(unfinished, {})
    engine: Engine = settings.pop("engine")
    sequencer = Sequencer(
        store=SqlStore(engine), guard=unfinished / "guard", at=lambda _: None, **settings
    )
    engine.dispose()
    event.listen(engine, "connect", lambda held, _: held.execute("PRAGMA synchronous=OFF"))
    source = drafts()
    for first in range(0, entries, BATCH_MOST):
        sequencer.commit(asked(list(itertools.islice(source, min(BATCH_MOST, entries - first)))))
    sequencer.close()
    # The last connection that is closed writes the journal home.
    engine.dispose()
    unfinished.replace(home)


def prove(log: Log) -> float:
    """Milliseconds of an inclusion proof, the tiles that it needs having been read before."""
    indexes = [number * 7919 % log.size for number in range(200)]
    for index in indexes:
        log.prove(index)
    took = []
    for index in indexes:
        begun = time.perf_counter()
        log.prove(index)
        took.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(took), 4)


def verify(log: Log, keys: Any, engine: Engine, home: Path) -> float:
    """How fast a log is checked whole, against hashing the same entries and tree with nothing else."""
    hashing = 0.0
    edge = RightEdge()
    for first in range(0, log.size, BATCH_MOST):
        bodies = log.entries(first, first + BATCH_MOST)
        begun = time.perf_counter()
        edge.append([leaf_hash(body) for body in bodies])
        hashing += time.perf_counter() - begun
    begun = time.perf_counter()
    findings = check_stored(engine, keys, guard=home / "guard")
    took = time.perf_counter() - begun
    if findings:
        raise AssertionError(findings[:3])
    return round(hashing / took, 3)


def sizes(engine: Engine, home: Path, kind: str) -> dict[str, float]:
    """Bytes of entries, tiles, head and index over those of the entries' JSON; disclosures apart.

    `disclosure_bytes` is what lies encrypted, `disclosure_table_bytes` the whole table with its keys. With
    everything that the database holds, but for what lies encrypted, it is `bytes_with_disclosure_rows`.
    """
    with engine.execution_options(reading=True).connect() as connection:
        bodies, count = connection.execute(
            select(func.sum(func.length(tables.entry.c.body)), func.count())
        ).one()
        sealed = connection.execute(
            select(func.sum(func.length(tables.disclosure.c.sealed)))
        ).scalar_one()
        if kind == "postgresql":
            of_table = "SELECT pg_total_relation_size(:name)"
            whole = connection.execute(
                text("SELECT pg_database_size(current_database())")
            ).scalar_one()
            # A template's own tables are the same seven megabytes, however large the log is.
            log = sum(
                connection.execute(text(of_table), {"name": table.name}).scalar_one()
                for table in tables.log_metadata.sorted_tables
            )
        else:
            of_table = "SELECT sum(pgsize) FROM dbstat WHERE name = :name"
            log = whole = (home / "log.db").stat().st_size
        apart = connection.execute(text(of_table), {"name": tables.disclosure.name}).scalar_one()
    return {
        f"bytes_over_json_{kind}": round((int(log) - int(apart)) / int(bodies), 3),
        f"bytes_with_disclosure_rows_over_json_{kind}": round(
            (int(whole) - int(sealed)) / int(bodies), 3
        ),
        f"bytes_an_entry_{kind}": round(int(whole) / int(count)),
        f"disclosure_bytes_{kind}": round(int(sealed) / int(count)),
        f"disclosure_table_bytes_{kind}": round(int(apart) / int(count)),
    }


def tree(*, rounds: int) -> dict[str, float]:
    leaves = [os.urandom(32) for _ in range(256)]
    took = []
    for _ in range(rounds):
        edge = RightEdge()
        edge.append(leaves[:100])
        begun = time.perf_counter()
        for _ in range(100):
            edge.append(leaves)
        took.append((time.perf_counter() - begun) / (100 * 256) * 1e6)
    return {"tree_update_us_per_leaf_256": round(statistics.median(took), 3)}


def on_postgresql(folder: Path, *, rounds: int, appends: int, entries: int) -> dict[str, Any]:
    server = start_postgresql("bench")
    if isinstance(server, str):
        names = [f"append{size}_over_plain{size}_postgresql" for size in (1, 64, 256)]
        names.append("service_over_inline_4writers")
        if entries:
            names += [f"{name}_postgresql" for name in ("inclusion_proof_ms", "bytes_over_json")]
        return dict.fromkeys(names) | {f"{name}_skipped": server for name in names}
    figures: dict[str, Any] = compare(folder, "postgresql", server, rounds=rounds, appends=appends)
    figures |= service_and_inline(folder, server, rounds=3, calls=max(2_048, appends))
    if entries:
        figures |= large(folder, "postgresql", server, entries=entries)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=LARGE, help="of the log of --full")
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    chosen = parser.parse_args()
    appends = 512 if chosen.quick else 8_192 if chosen.full else 2_048
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # First the tree alone: afterwards a PostgreSQL and threads of logs are about.
        figures: dict[str, Any] = tree(rounds=5)
        figures |= compare(folder, "sqlite", None, rounds=5, appends=appends)
        figures |= on_postgresql(
            folder, rounds=5, appends=appends, entries=chosen.entries if chosen.full else 0
        )
        figures |= clients(folder / "clients", rounds=5, appends=appends)
        if chosen.full:
            figures |= large(folder, "sqlite", None, entries=chosen.entries)
    if not chosen.json:
        for key, figure in figures.items():
            print(f"{key:40} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
