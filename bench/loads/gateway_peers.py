"""The governed gateway beside gateways that govern nothing, in front of the same three HTTP services.

`python bench/gateway_peers.py --json [--quick|--full]`. The services are Apollo Federation subgraphs, a node
process on the second core with the generator; each gateway is a process on the first. The exchange reads each
service as a registered GraphQL source: signature verified, policy decided, an entry of intent before the
services are asked and the call's own before release. Peers come from npm (`bench/peers/package-lock.json`);
where npm or node is missing the figures are null, with the reason.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.loads import gateway_rows
from bench.loads.gateway import Generator, run
from bench.loads.gateway_fixture import CACHE, free_port, services_fixture
from bench.loads.gateway_rows import field_of, items_of, records_of
from bench.loads.gateway_servers import Served, pin, served, wait_for
from bench.loads.ungoverned import TABLES

PEERS = Path(__file__).resolve().parent.parent / "peers"
GATEWAYS = {"apollo": "apollo.mjs", "mercurius": "mercurius.mjs"}
CLIENTS = 32


class MissingError(Exception):
    """The peers cannot be had here; says why."""


def installed() -> Path:
    """Return the folder in which the peers stand, installed from their lock. Raises MissingError."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise MissingError("npm and node are needed")
    lock = (PEERS / "package-lock.json").read_bytes()
    folder = CACHE / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PEERS, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=600)
        if done.returncode:
            raise MissingError("npm could not install bench/peers")
        (folder / "ready").touch()
    for script in PEERS.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


@contextmanager
def node(folder: Path, script: str, *arguments: str, port: int, core: int) -> Iterator[Served]:
    """A node process on one core that takes connections on a port."""
    process = subprocess.Popen(
        [str(shutil.which("node")), script, *arguments],
        cwd=folder,
        preexec_fn=lambda: pin(core),  # noqa: PLW1509 - before anything else runs in the child
    )
    try:
        wait_for(port, process)
        yield Served(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def rows_file(folder: Path) -> Path:
    """Write the rows that the services answer from."""
    told = {
        field_of(table): {"items": items_of(table), "rows": records_of(table)}
        for table in gateway_rows.tables().values()
    }
    path = folder / "rows.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def measure(*, rounds: int, calls: int) -> dict[str, Any]:
    folder = installed()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        place = Path(temporary)
        ports = [free_port() for _ in TABLES]
        services = node(
            folder, "services.mjs", str(rows_file(place)), *map(str, ports), port=ports[-1], core=1
        )
        running.enter_context(services)
        urls = [f"http://127.0.0.1:{port}/graphql" for port in ports]
        fixture = services_fixture(place / "home", dict(zip(TABLES, urls, strict=True)))
        servers = {"governed": running.enter_context(served("all", fixture.home)).ready()}
        for name, script in GATEWAYS.items():
            port = free_port()
            peer = node(folder, script, str(port), *urls, port=port, core=0)
            servers[name] = running.enter_context(peer)
        generator = Generator(fixture)
        return figures_of(measured(servers, generator, rounds=rounds, calls=calls))


def measured(
    servers: dict[str, Served], generator: Generator, *, rounds: int, calls: int
) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in servers}

    def once(name: str, count: int) -> None:
        # `run` counts the steps of what is governed, and only looks at the status of the others.
        variant = "all" if name == "governed" else name
        took, lasted, _ = run(
            servers[name], generator, variant, calls=count, clients=CLIENTS, path=PATHS.get(name)
        )
        rates[name].append(len(took) / lasted)

    for name in servers:
        once(name, calls)
        rates[name].clear()
    for _ in range(rounds):
        for name in servers:
            once(name, calls)
    return rates


PATHS = {"apollo": "/"}
"""Where a peer listens, if not at /graphql."""


def figures_of(rates: dict[str, list[float]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in GATEWAYS:
        pairs = zip(rates["governed"], rates[name], strict=True)
        figures[f"governed_over_{name}_gateway"] = round(
            statistics.median(ours / theirs for ours, theirs in pairs), 3
        )
    for name, found in rates.items():
        figures[f"{name}_calls_per_s"] = round(statistics.median(found), 1)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true")
    extent.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    pin(1)
    rounds, calls = (5, 256) if asked.quick else (15, 2_048) if asked.full else (9, 1_024)
    begun = time.monotonic()
    try:
        figures = measure(rounds=rounds, calls=calls)
    except MissingError as error:
        figures = {}
        for name in GATEWAYS:
            figures[f"governed_over_{name}_gateway"] = None
            figures[f"governed_over_{name}_gateway_skipped"] = str(error)
    figures["cores"] = os.cpu_count()
    if not asked.json:
        sys.stderr.write(f"measured in {time.monotonic() - begun:.0f} s\n")
        for name, figure in figures.items():
            print(f"{name:36} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
