"""What the proof costs: appends against the same rows written without tree, seal and signature.

`python bench/log.py --json [--quick|--full]`. Plain writes the same entries, index rows, disclosures,
counters and head in one transaction a batch. Rounds are interleaved; figures are medians.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.entry import ByteCommit, Commit, Draft, IndexRow, Sequenced
from audit.keys import create_keys
from audit.log import Log
from audit.merkle import RightEdge
from audit.sequencer import Latest, Sequencer
from audit.sqlstore import SqlStore
from audit.store import Head, StoredEntry, Writes
from audit.vault import Vault
from exchange.clock import now
from exchange.storage import migrate, sqlite_engine

ORIGIN = "bench.example/log"
SUBJECTS = [("person", f"110105194912{number:06d}") for number in range(1_000)]


class Plain(Sequencer):
    """The same writes, and nothing that anybody could prove: no tree, no seal, no signature."""

    def _fill(self, batch: Any, plan: Any, keys: Any) -> None:
        old = self.latest.head
        new = replace(
            old, size=old.size + len(plan.taken), ts=plan.at, barrier=plan.standing.barrier
        )
        batch.write(
            Writes(
                entries=[
                    StoredEntry(index=taken.index, body=taken.composed.body, leaf=taken.leaf)
                    for taken in plan.taken
                ],
                tiles=[],
                index=[row for taken in plan.taken for row in self._index_rows(taken, plan.at)],
                parts=[part for taken in plan.taken for part in self._parts(taken, keys)],
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
                openings={name: taken.composed.openings[name] for name in taken.draft.receipt},
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


def warm(sequencer: Sequencer) -> None:
    """Make every subject's key before anything is measured."""
    for first in range(0, len(SUBJECTS), 250):
        sequencer.commit(
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


def make(folder: Path, kind: type[Sequencer]) -> Sequencer:
    settings = opened(folder)
    return kind(
        store=SqlStore(settings.pop("engine")),
        guard=folder / "guard",
        at=lambda _: None,
        **settings,
    )


def opened(folder: Path) -> dict[str, Any]:
    (folder / "keys").mkdir(parents=True)
    keys = create_keys(folder / "keys", origin=ORIGIN)
    engines = {}
    for branch in ("log", "vault"):
        engines[branch] = sqlite_engine(folder / f"{branch}.db")
        migrate(engines[branch], branch, home=folder, at=now())
    return {
        "engine": engines["log"],
        "vault": Vault(engines["vault"], keys.kek, now=now, random=os.urandom),
        "keys": keys,
        "gateway": "gw-1",
        "now": now,
        "random": os.urandom,
    }


def rate(
    commit: Callable[[list[Draft]], Any], source: Iterator[Draft], *, size: int, n: int
) -> float:
    batches = [[next(source) for _ in range(size)] for _ in range(n)]
    begun = time.perf_counter()
    for batch in batches:
        commit(batch)
    return size * n / (time.perf_counter() - begun)


def compare(folder: Path, *, rounds: int, appends: int) -> dict[str, float]:
    proven, plain = make(folder / "proven", Sequencer), make(folder / "plain", Plain)
    for sequencer in (proven, plain):
        warm(sequencer)
    source = drafts()
    figures: dict[str, float] = {}
    for size in (1, 64, 256):
        n = max(4, appends // size) if size > 1 else appends // 4
        found: dict[str, list[float]] = {"append": [], "plain": []}
        for _ in range(rounds):
            found["append"].append(rate(proven.commit, source, size=size, n=n))
            found["plain"].append(rate(plain.commit, source, size=size, n=n))
        for name, rates in found.items():
            figures[f"{name}{size}_per_s_sqlite"] = round(statistics.median(rates), 1)
        ratios = [mine / theirs for mine, theirs in zip(*found.values(), strict=True)]
        figures[f"append{size}_over_plain{size}_sqlite"] = round(statistics.median(ratios), 3)
    return figures


def clients(folder: Path, *, rounds: int, appends: int) -> dict[str, float]:
    log = Log.open(**opened(folder), guard=folder / "guard")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    appends = 512 if asked.quick else 8_192 if asked.full else 2_048
    with tempfile.TemporaryDirectory() as folder:
        figures = compare(Path(folder), rounds=5, appends=appends)
        figures |= clients(Path(folder) / "clients", rounds=5, appends=appends)
    figures |= tree(rounds=5)
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:36} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
