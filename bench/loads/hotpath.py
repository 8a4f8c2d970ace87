"""Where the processor time of one governed call goes: the application driven in process, without a socket.

`python bench/hotpath.py --json [--lists] [--calls N] [--top N]`. Thirty-two tasks send signed calls to the
ASGI application of a node over tables of its own. Reported are, a call: the processor time of the loop's
thread, of the committing thread and of the whole process (the least of the rounds: the others measure the
neighbours), and how many functions each thread called, by stage. Counts are the same on every machine.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from bench.loads.gateway import CLIENTS, Generator
from bench.loads.gateway_fixture import Fixture, kept_fixture
from bench.loads.gateway_servers import pin, variant
from exchange.app import build_app
from exchange.node import Node, open_node
from exchange.serving import collect_seldom
from exchange.settings import read_settings

ROUNDS = 5
LISTING_CLIENTS = 4
STAGES = {
    ("exchange/web/graphql.py", "_media"): "head",
    ("exchange/web/bodies.py", "timely_body"): "body",
    ("exchange/identity/establish.py", "establish"): "establish",
    ("exchange/web/graphql.py", "_call"): "read",
    ("gateway/pipeline.py", "_planned"): "plan",
    ("gateway/pipeline.py", "_rule"): "rule",
    ("gateway/budgets.py", "budgets_of"): "budgets",
    ("gateway/budgets.py", "within"): "budgets",
    ("gateway/fetch.py", "fetch"): "fetch",
    ("gateway/mask.py", "mask"): "mask",
    ("gateway/compile.py", "put_together"): "assemble",
    ("gateway/record.py", "draft"): "draft",
    ("audit/log.py", "append_async"): "hand over",
    ("gateway/pipeline.py", "write"): "write",
    ("exchange/web/graphql.py", "_send"): "send",
    ("audit/sequencer.py", "_plan"): "compose",
    ("audit/sqlstore.py", "write"): "rows",
    ("audit/sequencer.py", "_parts"): "disclosures",
    ("audit/sequencer.py", "_sign"): "sign",
    ("audit/sequencer.py", "_answers"): "answers",
}
"""Functions whose calls, and those below them, are a stage of their own; what is left over is `other`."""


class Driver:
    """Sends written calls to an application as a server would, and sees that each is answered in full."""

    def __init__(self, node: Node, fixture: Fixture, *, lists: bool) -> None:
        self._app = build_app(node)
        self._generator = Generator(fixture, lists=lists)
        self._clients = LISTING_CLIENTS if lists else CLIENTS
        self._port = node.settings.port

    def requests(self, count: int) -> list[tuple[dict[str, Any], bytes]]:
        return [_request(call) for call in self._generator.calls(self._port, count)]

    async def drive(self, requests: Sequence[tuple[dict[str, Any], bytes]]) -> None:
        waiting = iter(requests)

        async def client() -> None:
            for scope, body in waiting:
                await self._one(scope, body)

        await asyncio.gather(*(client() for _ in range(self._clients)))

    async def _one(self, scope: dict[str, Any], body: bytes) -> None:
        answered: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            answered.append(message)

        await self._app(scope, receive, send)
        head, content = answered[0], answered[-1]["body"]
        if head["status"] != 200 or content.count(b'"outcome":"given"') != self._generator.steps:
            raise RuntimeError(f"not every step was given: {content[:600]!r}")


def _request(call: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a written call apart as an HTTP server does."""
    head, _, body = call.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    method, path, _ = line.split(b" ")
    headers = [(name.lower(), value) for name, _, value in (one.partition(b": ") for one in lines)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.decode(),
        "scheme": "http",
        "path": path.decode(),
        "raw_path": path,
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    return scope, body


class Committing:
    """Looks at the committing thread: what it spends, and how large its batches are."""

    def __init__(self, node: Node) -> None:
        self.spent_s = 0.0
        self.batches = 0
        self.watch: Callable[[], Any] = ExitStack
        """Makes what is entered around each batch."""
        line: Any = node.log._line  # noqa: SLF001 - the bench looks inside on purpose
        commit = line._commit  # noqa: SLF001

        def watched(asked: Any) -> Any:
            begun = time.thread_time()
            with self.watch():
                answers = commit(asked)
            self.spent_s += time.thread_time() - begun
            self.batches += 1
            return answers

        line._commit = watched  # noqa: SLF001


class Counted:
    """Counts calls of functions, of Python and of C, by the stage on whose behalf they are made."""

    def __init__(self) -> None:
        self.python: Counter[str] = Counter()
        self.native: Counter[str] = Counter()
        self._stages = ["other"]

    def __enter__(self) -> None:
        sys.setprofile(self._count)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            stage = _stage_of(frame)
            if stage is not None:
                self._stages.append(stage)
            self.python[self._stages[-1]] += 1
        elif event == "return":
            if _stage_of(frame) is not None and len(self._stages) > 1:
                self._stages.pop()
        elif event == "c_call":
            self.native[self._stages[-1]] += 1


_known: dict[Any, str | None] = {}


def _stage_of(frame: FrameType) -> str | None:
    code = frame.f_code
    if code not in _known:
        names = Path(code.co_filename).parts[-3:]
        found = [
            stage
            for (path, name), stage in STAGES.items()
            if name == code.co_name and "/".join(names).endswith(path)
        ]
        _known[code] = found[0] if found else None
    return _known[code]


def measure(
    node: Node, fixture: Fixture, *, calls: int, top: int, lists: bool = False
) -> dict[str, Any]:
    driver, committing = Driver(node, fixture, lists=lists), Committing(node)

    async def act() -> dict[str, Any]:
        await node.policy.open()
        # Every subject once: standing decisions, words and keys are known, as on a served day.
        await driver.drive(driver.requests(calls if lists else max(1_100, calls)))
        collect_seldom()
        figures: dict[str, Any] = {}
        for _ in range(ROUNDS):
            requests = driver.requests(calls)
            committing.spent_s, committing.batches = 0.0, 0
            whole, loop = time.process_time(), time.thread_time()
            await driver.drive(requests)
            taken = {
                "loop_us": (time.thread_time() - loop) / calls * 1e6,
                "committer_us": committing.spent_s / calls * 1e6,
                "process_us": (time.process_time() - whole) / calls * 1e6,
            }
            for name, value in taken.items():
                figures[name] = round(min(figures.get(name, value), value), 1)
            figures["calls_a_batch"] = (
                round(calls / committing.batches, 1) if committing.batches else 0
            )
        figures |= await _counts(driver, committing, calls=calls)
        if top:
            await _profile(driver, committing, calls=calls, top=top)
        return figures

    return asyncio.run(act())


async def _counts(driver: Driver, committing: Committing, *, calls: int) -> dict[str, Any]:
    """Return how many functions a call calls on each thread, Python's and C's, by stage."""
    found: dict[str, Any] = {}
    requests, counted = driver.requests(calls), Counted()
    with counted:
        await driver.drive(requests)
    found["loop_calls"] = round(counted.python.total() / calls)
    found["loop_native_calls"] = round(counted.native.total() / calls)
    found["loop_calls_by_stage"] = _each(counted.python, calls)
    requests, counted = driver.requests(calls), Counted()
    committing.watch = lambda: counted
    await driver.drive(requests)
    committing.watch = ExitStack
    found["committer_calls"] = round(counted.python.total() / calls)
    found["committer_native_calls"] = round(counted.native.total() / calls)
    found["committer_calls_by_stage"] = _each(counted.python, calls)
    return found


def _each(counted: Counter[str], calls: int) -> dict[str, float]:
    return {stage: round(count / calls, 1) for stage, count in counted.most_common()}


async def _profile(driver: Driver, committing: Committing, *, calls: int, top: int) -> None:
    """Print what each thread spends its time on."""
    requests, loop = driver.requests(calls), cProfile.Profile()
    with loop:
        await driver.drive(requests)
    requests, committer = driver.requests(calls), cProfile.Profile()
    committing.watch = lambda: committer
    await driver.drive(requests)
    committing.watch = ExitStack
    for name, profile in (("loop", loop), ("committer", committer)):
        print(f"== {name}, {calls} calls")
        stats = pstats.Stats(profile)
        stats.strip_dirs().sort_stats("tottime").print_stats(top)
        stats.sort_stats("cumtime").print_stats(top)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer calls")
    parser.add_argument("--calls", type=int, help="calls a round")
    parser.add_argument("--unrecorded", action="store_true", help="without a log behind the calls")
    parser.add_argument(
        "--lists", action="store_true", help="lists of 1,000 records, four at a time"
    )
    parser.add_argument("--top", type=int, default=0, help="so many lines of each thread's profile")
    asked = parser.parse_args()
    pin(0)
    calls = asked.calls or (640 if asked.quick else 2_048) // (16 if asked.lists else 1)
    with tempfile.TemporaryDirectory() as folder:
        fixture = kept_fixture(Path(folder) / "home", local=True)
        node = open_node(read_settings({}, home=fixture.home))
        if asked.unrecorded:
            node = variant(node, "unrecorded")
        try:
            figures = measure(node, fixture, calls=calls, top=asked.top, lists=asked.lists)
        finally:
            asyncio.run(node.close())
    if not asked.json:
        for name, figure in figures.items():
            print(f"{name:28} {figure}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
