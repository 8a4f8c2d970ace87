"""The servers that the gateway's bench calls, each its own process on the first core."""

import cProfile
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from audit.entry import Draft, Sequenced
from bench.loads.gateway_fixture import CACHE, ROWS, free_port
from exchange.node import Node, open_node
from exchange.serving import serve_alone
from exchange.settings import read_settings
from gateway.ports import Recorder
from policies.engine import DecisionPoint
from policies.model import Decision, Question

STOCK = ("strawberry", "graphene")
UNGOVERNED = (*STOCK, "hello")
"""What governs nothing: processes without a node in them, so that its size is not in their way."""
LAUNCHER = Path(__file__).resolve().parent.parent / "gateway.py"


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


def serve(name: str, home: Path, *, port: int, profile: Path | None) -> None:
    """Be one of the governed servers, until told to stop."""
    settings = replace(read_settings({}, home=home), port=port)
    node = variant(open_node(settings), name)
    profiler = cProfile.Profile()
    # Uvicorn ends in order at the signal and then raises it again.
    with suppress(KeyboardInterrupt):
        if profile is None:
            serve_alone(node)
        else:
            profiler.runcall(serve_alone, node)
    if profile is not None:
        profiler.dump_stats(profile)


@dataclass(frozen=True, slots=True)
class Begun:
    """A server that was started."""

    port: int
    process: "subprocess.Popen[bytes]"

    def ready(self) -> "Served":
        """Return it once it takes calls."""
        wait_for(self.port, self.process)
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {_CORES[0]})
        return Served(self.port, self.process.pid)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that takes calls."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Return the processor time that it has used, all threads, in seconds."""
        members = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(members[11]) + int(members[12])) / os.sysconf("SC_CLK_TCK")

    def memory_kb(self) -> int:
        """Return its resident memory in kB."""
        lines = Path(f"/proc/{self.pid}/status").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


_CORES = sorted(os.sched_getaffinity(0))
"""Those that the bench began with: it keeps itself to one of them later."""


def pin(core: int) -> None:
    """Keep this process to one of the cores that the bench began with, whichever it is kept to now."""
    os.sched_setaffinity(0, {_CORES[core % len(_CORES)]})


def unpin() -> None:
    """Give this process all the cores that the bench began with: to be done in a child before its program."""
    os.sched_setaffinity(0, set(_CORES))


def environment() -> dict[str, str]:
    """Return the environment of servers: what was compiled for one of them serves all, in every run."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    root = str(LAUNCHER.parent.parent)
    return kept | {"PYTHONPYCACHEPREFIX": str(CACHE / "compiled"), "PYTHONPATH": root}


@contextmanager
def served(name: str, home: Path, *, profile: Path | None = None) -> Iterator[Begun]:
    """A server of one variant on the first core, stopped at the end."""
    port = free_port()
    command = [sys.executable]
    if name in UNGOVERNED:
        command += ["-m", "bench.loads.ungoverned", name, str(home / ROWS), str(port)]
    else:
        command += [str(LAUNCHER), "--serve", name, "--home", str(home), "--port", str(port)]
    if profile is not None:
        command += ["--profile", str(profile)]
    process = subprocess.Popen(command, env=environment())
    # It begins on whichever core is free, and is kept to the first once it takes calls.
    os.sched_setaffinity(process.pid, set(_CORES))
    try:
        yield Begun(port, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server on port {port} did not start")
