"""What a real catalogue costs: 7,187 resources of 1,272 publishers, registered, opened and shown.

`python bench/catalogue.py --json [--quick|--full]`. The catalogue of 33 portals (`--data`) is registered by
signed acts into a fresh home; another process then opens that home and takes its first snapshot. Each
row is in the log and is compared with it at every start.
"""

import argparse
import gzip
import json
import resource as limits
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from catalogue.harvest import Harvest, read_harvest
from catalogue.model import Resource
from exchange.demo.setup import District, found_district
from exchange.node import create_home, open_node
from exchange.settings import Settings, read_settings
from gateway.schema import build_contract

T = TypeVar("T")
LAUNCHER = Path(__file__).resolve().parent.parent / "catalogue.py"
DATA = LAUNCHER.parent.parent.parent / "shared/data/d06-us-open-data-catalogue/catalogue.jsonl.gz"
ROWS_AN_ENVELOPE = 500
TYPES = 50
QUICK = 1_500


def register(place: District, harvest: Harvest) -> None:
    """By signed acts: departments by the administrator, sources and resources by the authority."""
    for rows in envelopes(harvest.departments):
        place.act("administrator", "department.import", rows=rows)
    for sources in envelopes(harvest.sources):
        place.act("authority", "source.import", rows=sources)
    for resources in envelopes(harvest.resources):
        place.act("authority", "resource.import", rows=resources)


def envelopes(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(rows), ROWS_AN_ENVELOPE):
        yield rows[first : first + ROWS_AN_ENVELOPE]


def opened(home: Path) -> dict[str, Any]:
    """Open a home and take its first snapshot, then a second after an unrelated commit."""
    begun = time.perf_counter()
    node = open_node(read_settings({}, home=home))
    ready = time.perf_counter()
    snapshot = node.live.load()
    loaded = time.perf_counter()
    assert not snapshot.absent, snapshot.absent[:3]
    with node.databases.registry.begin() as connection:
        connection.exec_driver_sql("INSERT INTO registry_meta VALUES ('bench', 0)")
    committed = time.perf_counter()
    again = node.live.load()
    reloaded = time.perf_counter()
    assert again is not snapshot
    assert len(again.resources) == len(snapshot.resources)
    with node.databases.registry.begin() as connection:
        connection.exec_driver_sql("DELETE FROM registry_meta WHERE name = 'bench'")
    node.live.close()
    node.log.close()
    node.databases.close()
    return {
        "startup_s": loaded - begun,
        "open_s": ready - begun,
        "first_snapshot_s": loaded - ready,
        "next_snapshot_s": reloaded - committed,
        "memory_mb": limits.getrusage(limits.RUSAGE_SELF).ru_maxrss / 1024,
        "resources": len(snapshot.resources),
    }


def build_schemas(resources: Sequence[Resource], *, rounds: int) -> float:
    """Milliseconds for a contract of 50 types whose classes were made before, in other contracts."""
    chosen = [one for one in resources if len(one.items) <= 40][:TYPES]
    build_contract(chosen)
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        contract = build_contract(chosen)
        took.append((time.perf_counter() - begun) * 1000)
        assert len(contract.records) == TYPES
    return statistics.median(took)


def measure(data: Path, *, quick: bool, rounds: int) -> dict[str, Any]:
    lines = gzip.decompress(data.read_bytes()).splitlines()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        create_home(Settings(home=home, origin="bench.example/catalogue", demo=True))
        node = open_node(read_settings({}, home=home))
        place = found_district(node, say=lambda _: None)
        begun = time.perf_counter()
        harvest = read_harvest(lines[:QUICK] if quick else lines)
        read = time.perf_counter()
        register(place, harvest)
        registered = time.perf_counter()
        entries = node.log.size
        node.live.close()
        node.log.close()
        node.databases.close()
        size = sum(file.stat().st_size for file in home.glob("*.db*"))
        runs = [run_open(home) for _ in range(rounds)]
    figures: dict[str, Any] = {
        "register_s": round(registered - begun, 2),
        "read_s": round(read - begun, 2),
        **{
            name: round(statistics.median(run[name] for run in runs), 3)
            for name in ("startup_s", "open_s", "first_snapshot_s", "next_snapshot_s", "memory_mb")
        },
        "contract_schema_50_ms": round(build_schemas(harvest.resources, rounds=rounds * 3), 2),
        "resources": len(harvest.resources),
        "departments": len(harvest.departments),
        "items": sum(len(one.items) for one in harvest.resources),
        "entries": entries,
        "home_mb": round(size / 1e6, 1),
    }
    if quick:
        figures["note"] = f"--quick takes the first {QUICK} resources"
    return figures


def run_open(home: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(LAUNCHER), "--open", str(home)],
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def skipped(reason: str) -> dict[str, Any]:
    names = ("register_s", "startup_s", "contract_schema_50_ms", "memory_mb")
    return dict.fromkeys(names) | {f"{name}_skipped": reason for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    parser.add_argument("--data", type=Path, default=DATA)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.open:
        print(json.dumps(opened(asked.open)))
        return
    if asked.data.exists():
        figures = measure(asked.data, quick=asked.quick, rounds=5 if asked.full else 3)
    else:
        figures = skipped(f"no {asked.data}")
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:28} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
