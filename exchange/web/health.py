"""Liveness and readiness: whether the process runs, and whether it could answer a call now."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse

from audit.checkpoint import parse_checkpoint
from audit.errors import AuditError
from audit.merkle import check_inclusion, leaf_hash
from audit.note import parse_note
from exchange.node import Node
from policies.engine import UndecidedError

DEGRADED_MARGINS = 3
"""The end of the policy is told as many margins before, and nearer than one the node is not ready."""
READING_S = 2.0
"""A log that needs longer to read its newest entry counts as one that cannot be read."""


async def live(_request: Request) -> JSONResponse:
    """`GET /health/live`: never asks a database."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> JSONResponse:
    """`GET /health/ready`: 503 while the log refuses, or it or the registry cannot be read."""
    node: Node = request.app.state.node
    broken: dict[str, str] = {}
    try:
        await node.ports.recorder.ready()
    except AuditError as error:
        broken["log"] = error.code
    try:
        await asyncio.wait_for(asyncio.to_thread(_read_back, node), READING_S)
    except AuditError as error:
        broken["log-reading"] = error.code
    except TimeoutError:
        broken["log-reading"] = "LOG_UNAVAILABLE"
    try:
        snapshot = await node.live.snapshot()
    except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot be read
        broken["registry"] = type(error).__name__
    else:
        if snapshot.absent:
            broken["registry"] = f"{len(snapshot.absent)} rows left out"
    if node.witnessing.trouble is not None:
        broken["witnesses"] = node.witnessing.trouble
    with suppress(UndecidedError):
        await node.policy.current()
    near = check_policy(node, broken, at=node.ports.now())
    # Rows that the log does not vouch for are left out, not served: the node stays ready, degraded.
    unread = bool(broken.keys() & {"log", "log-reading"})
    down = unread or near or ("registry" in broken and "rows" not in broken["registry"])
    status = "not ready" if down else "degraded" if broken else "ready"
    told = {
        "status": status,
        "broken": broken,
        "size": node.log.size,
        "policy": node.policy.revision,
    }
    return JSONResponse(told, status_code=503 if down else 200)


def check_policy(node: Node, broken: dict[str, str], *, at: datetime) -> bool:
    """Name what is wrong with the policy; return whether no call could be decided before long.

    Whoever ought to put a newer one in force must have the time to: the node says so well before the end.
    """
    found = node.policy.condition()
    if node.live.latest().policy_in_doubt:
        broken["policy"] = "the register does not say which policy is in force"
        return True
    if found.problem:
        broken["policy"] = found.problem
    if found.held is None:
        return True
    margin = timedelta(hours=node.settings.policy_margin_h)
    if at >= found.held.ends - DEGRADED_MARGINS * margin:
        broken["policy-expiry"] = found.held.ends.isoformat()
    return at >= found.held.ends - margin


def _read_back(node: Node) -> None:
    """Read the newest entry and prove it under the newest checkpoint. Blocks. Raises AuditError.

    A log that takes entries and cannot show them could answer for nothing that it took.
    """
    note = node.log.checkpoint
    signed = parse_checkpoint(parse_note(note).text)
    index = signed.size - 1
    if index < 0:
        return
    check_inclusion(
        leaf_hash(node.log.entry(index)),
        index=index,
        size=signed.size,
        proof=node.log.prove(index, signed.size),
        root=signed.root,
    )
