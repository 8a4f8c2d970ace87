"""What the catalogue's search finds and what it takes, over 100,000 different entries, on both databases.

`python bench/search.py --json [--quick|--full]`. The judged set (`bench/data/search_judged.jsonl`) was
written before the ranking. Precision at 10 is the share of a page of ten that is about what was asked, of as
many as there could be.
"""

import argparse
import hashlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from bench.loads.search_entries import REGIONS, WHOLE, Made, make_entries
from catalogue import indexing
from catalogue.finding import Found, Narrowed, find
from catalogue.search import read_question
from catalogue.synonyms import USUAL, by_word
from catalogue.tables.entries import department, resource, resource_item
from exchange.storage import migrate, postgresql_engine, sqlite_engine
from tests.fakes.postgres import start_postgresql

ROOT = Path(__file__).resolve().parent.parent.parent
JUDGED = ROOT / "bench" / "data" / "search_judged.jsonl"
CACHE = ROOT / ".cache" / "bench"
DIGESTED = (
    "bench/loads/search_entries.py", "bench/loads/search.py", "catalogue/words.py", "catalogue/indexing.py",
    "catalogue/traditional.py", "catalogue/tables/entries.py",
    "exchange/migrations/registry/versions/0050_search.py",
)  # fmt: skip
"""What the filled databases depend on."""
QUICK = 8_000
AT_ONCE = 2_000
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
SYNONYMS = by_word(USUAL)
ITEM = {
    "type": "text", "sharing_class": "conditional", "level": 2, "mask": "none", "key": 0, "match": 0,
    "unit": "",
}  # fmt: skip
ROW = {
    "source": "s", "table": "t", "level": 2, "personal": 0, "consent": "none", "single": 1, "protected": 0,
    "purposes": "[]", "no_share_basis": "[]", "conditions": "", "state": "announced", "revision": 1,
    "drafted_by": "bench", "entry": 0, "salt": "",
}  # fmt: skip


def fill(engine: Engine, entries: Sequence[Made]) -> float:
    """Write the rows and their index; returns the seconds that the index took."""
    with engine.begin() as connection:
        connection.execute(
            insert(department),
            [
                {
                    "code": region, "code_kind": "other", "name": f"{zh}数据局",
                    "name_en": f"{en} Data Bureau", "level": "district", "region": "", "entry": 0, "salt": "",
                }
                for region, (zh, en) in REGIONS.items()
            ],
        )  # fmt: skip
    took = 0.0
    for first in range(0, len(entries), AT_ONCE):
        some = entries[first : first + AT_ONCE]
        with engine.begin() as connection:
            connection.execute(
                insert(resource), [_row(one, first + n) for n, one in enumerate(some)]
            )
            connection.execute(
                insert(resource_item), [item for one in some for item in _items(one)]
            )
            begun = time.perf_counter()
            indexing.put(connection, [one.code for one in some])
            took += time.perf_counter() - begun
    return took


def ask(engine: Engine, query: str) -> Found:
    with engine.connect() as connection:
        return find(
            connection, read_question(query, synonyms=SYNONYMS), Narrowed(own="guangan"), first=10
        )


def measure(
    engine: Engine, judged: Sequence[dict[str, Any]], entries: Sequence[Made], *, rounds: int
) -> dict[str, Any]:
    """Ask all of the judged set; every round is timed, the first is warm-up."""
    took: list[float] = []
    found: dict[str, Found] = {}
    for number in range(rounds + 1):
        for one in judged:
            begun = time.perf_counter()
            found[one["query"]] = ask(engine, one["query"])
            if number:
                took.append((time.perf_counter() - begun) * 1000)
    about = facts_of(entries)
    precisions = {
        one["query"]: precision(one["relevant"], found[one["query"]], about) for one in judged
    }
    took.sort()
    return {
        "p50_ms": round(statistics.median(took), 2),
        "p95_ms": round(took[int(len(took) * 0.95)], 2),
        "max_ms": round(took[-1], 2),
        "precision_at_10": round(statistics.mean(precisions.values()), 4),
        "zero_result_share": round(sum(not one.codes for one in found.values()) / len(found), 4),
        "missed": {query: round(one, 2) for query, one in precisions.items() if one < 1},
        "top10": {query: list(one.codes) for query, one in found.items()},
    }


def facts_of(entries: Sequence[Made]) -> dict[tuple[str, str], set[str]]:
    """Return codes by what entries are about."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in entries:
        for name in ("topic", "region", "kind", "code"):
            found[name, getattr(one, name)].add(one.code)
        for end in range(6, len(one.code)):
            found["prefix", one.code[:end]].add(one.code)
    return found


def precision(
    wanted: dict[str, list[str]], found: Found, about: dict[tuple[str, str], set[str]]
) -> float:
    """Return how many of the first ten are about what was asked, of as many as could be."""
    relevant = set.intersection(
        *(set.union(*(about[name, value] for value in values)) for name, values in wanted.items())
    )
    return sum(code in relevant for code in found.codes[:10]) / min(10, len(relevant))


def run(*, quick: bool, rounds: int) -> dict[str, Any]:
    entries = list(make_entries(QUICK if quick else WHOLE))
    judged = [json.loads(line) for line in JUDGED.read_text(encoding="utf-8").splitlines()]
    figures: dict[str, Any] = {
        "entries": len({one.name for one in entries}),
        "queries": len(judged),
    }
    with sqlite_filled(entries) as (engine, seconds):
        sqlite = measure(engine, judged, entries, rounds=rounds)
    if seconds:
        figures["index_sqlite_s"] = round(seconds, 1)
    tops = {"sqlite": sqlite.pop("top10")}
    figures |= {f"{name}_sqlite": sqlite[name] for name in ("p50_ms", "p95_ms", "max_ms")}
    figures |= {name: sqlite[name] for name in ("precision_at_10", "zero_result_share", "missed")}
    server = start_postgresql()
    if isinstance(server, str):
        missing = dict.fromkeys(("p95_ms_postgresql", "same_top10_share"))
        return figures | missing | {f"{name}_skipped": server for name in missing}
    url = server.database()
    engine = postgresql_engine(url, "registry")
    try:
        migrate(engine, "registry", home=Path(tempfile.gettempdir()), at=BEGUN)
        figures["index_postgresql_s"] = round(fill(engine, entries), 1)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE resource_search")
        other = measure(engine, judged, entries, rounds=rounds)
    finally:
        engine.dispose()
    tops["postgresql"] = other.pop("top10")
    figures |= {f"{name}_postgresql": other[name] for name in ("p50_ms", "p95_ms", "max_ms")}
    same = sum(tops["sqlite"][query] == codes for query, codes in tops["postgresql"].items())
    return figures | {
        "precision_at_10_postgresql": other["precision_at_10"],
        "same_top10_share": round(same / len(judged), 4),
    }


@contextmanager
def sqlite_filled(entries: Sequence[Made]) -> Iterator[tuple[Engine, float | None]]:
    """Give a filled file, made once for the code that makes it, and how long its index took (None: kept)."""
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in DIGESTED)).hexdigest()[
        :16
    ]
    kept = CACHE / f"search-{len(entries)}-{digest}.db"
    seconds: float | None = None
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"search-{len(entries)}-*.db"):
            old.unlink()
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            made = Path(folder) / "registry.db"
            engine = sqlite_engine(made)
            migrate(engine, "registry", home=Path(folder), at=BEGUN)
            seconds = fill(engine, entries)
            with engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
            engine.dispose()
            made.rename(kept)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(kept, Path(folder) / "registry.db"))
        engine = sqlite_engine(copy).execution_options(reading=True)
        yield engine, seconds
        engine.dispose()


def _row(one: Made, number: int) -> dict[str, Any]:
    return ROW | {
        "code": one.code, "department": one.region, "name": one.name, "name_en": one.name_en,
        "type_name": f"T{number}", "field_name": f"f{number}", "list_name": f"l{number}",
        "sharing_class": one.sharing_class, "abstract": one.abstract,
    }  # fmt: skip


def _items(one: Made) -> Iterator[dict[str, Any]]:
    for ordinal, title in enumerate(one.items):
        name = f"item{ordinal}"
        yield ITEM | {
            "resource": one.code, "ordinal": ordinal, "name": name, "title": title, "column": name,
            "graphql_name": name,
        }  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} entries, one round")
    parser.add_argument("--full", action="store_true", help="five rounds")
    given = parser.parse_args(arguments)
    figures = run(quick=given.quick, rounds=1 if given.quick else 5 if given.full else 2)
    if given.json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    for name, figure in figures.items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main(sys.argv[1:])
