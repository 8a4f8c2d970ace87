"""Liveness and readiness: whether the process runs, and whether it could answer a call now."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse

from audit.errors import AuditError
from exchange.condition import Condition, check_log, check_policy, check_rows, read_back
from exchange.node import Node
from exchange.shelf import rests
from policies.engine import UndecidedError

READING_S = 1.5
"""A log that needs longer to read its newest entry counts as one that cannot be read, and so does a vault."""


class Probes:
    """Looks at what may block, each in a thread of its own and never twice at a time."""

    def __init__(self, node: Node) -> None:
        self._works: dict[str, Callable[[], None]] = {
            "log-reading": partial(read_back, node),
            "keys": node.vault.ready,
        }
        self._running: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> dict[str, str]:
        """Return the code of each that failed, or did not end in time."""
        for name, work in self._works.items():
            held = self._running.get(name)
            if held is None or held.done():
                # One that still waits is waited for: asked again and again, threads would run out.
                self._running[name] = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.wait(self._running.values(), timeout=READING_S)
        found = {name: _code_of(task) for name, task in self._running.items()}
        return {name: code for name, code in found.items() if code}


def _code_of(task: asyncio.Task[None]) -> str:
    """Return why a look failed; empty where it did not."""
    if not task.done():
        return "LOG_UNAVAILABLE"
    error = task.exception()
    return "" if error is None else error.code if isinstance(error, AuditError) else "INTERNAL"


async def live(_request: Request) -> JSONResponse:
    """`GET /health/live`: never asks a database."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> JSONResponse:
    """`GET /health/ready`: 503 while the log refuses, or it, its keys or the registry cannot be had."""
    node: Node = request.app.state.node
    found = await _looked_over(node, request.app.state.probes)
    told = {
        "status": found.status,
        "broken": found.broken,
        "size": node.log.size,
        "policy": node.policy.revision,
        # Its department said so beforehand: nothing is broken, and every other source answers (H4).
        "resting": {
            source.name: source.rests_until.isoformat(timespec="seconds")
            for source in node.live.latest().sources.values()
            if source.rests_until is not None and rests(source, at=node.ports.now())
        },
    }
    return JSONResponse(told, status_code=503 if found.down else 200)


async def _looked_over(node: Node, probes: Probes) -> Condition:
    """As `exchange.condition.look_over`, without waiting long for anything."""
    broken: dict[str, str] = {}
    down = check_log(node, broken)
    blocked = await probes.look()
    broken |= blocked
    down |= bool(blocked)
    try:
        snapshot = await node.live.snapshot()
    except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot be read
        broken["registry"] = type(error).__name__
        down = True
    else:
        check_rows(broken, len(snapshot.absent))
    with suppress(UndecidedError):
        await node.policy.current()
    down |= check_policy(node, broken, at=node.ports.now())
    return Condition(broken=broken, down=down)
