"""Liveness and readiness: whether the process runs, and whether it could answer a call now."""

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse

from audit.errors import AuditError
from exchange.condition import Condition, check_log, check_policy, check_rows, read_back
from exchange.node import Node
from exchange.shelf import rests
from policies.engine import UndecidedError

READING_S = 2.0
"""A log that needs longer to read its newest entry counts as one that cannot be read."""


async def live(_request: Request) -> JSONResponse:
    """`GET /health/live`: never asks a database."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> JSONResponse:
    """`GET /health/ready`: 503 while the log refuses, or it or the registry cannot be read."""
    node: Node = request.app.state.node
    found = await _looked_over(node)
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


async def _looked_over(node: Node) -> Condition:
    """As `exchange.condition.look_over`, without waiting long for anything."""
    broken: dict[str, str] = {}
    down = check_log(node, broken)
    try:
        await asyncio.wait_for(asyncio.to_thread(read_back, node), READING_S)
    except AuditError as error:
        broken["log-reading"] = error.code
    except TimeoutError:
        broken["log-reading"] = "LOG_UNAVAILABLE"
    down |= "log-reading" in broken
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
