"""Liveness and readiness: whether the process runs, and whether it could answer a call now."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from audit.errors import AuditError
from exchange.node import Node


async def live(_request: Request) -> JSONResponse:
    """`GET /health/live`: never asks a database."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> JSONResponse:
    """`GET /health/ready`: 503 while the log refuses or the registry cannot be read."""
    node: Node = request.app.state.node
    broken: dict[str, str] = {}
    try:
        await node.ports.recorder.ready()
    except AuditError as error:
        broken["log"] = error.code
    try:
        snapshot = await node.live.snapshot()
    except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot be read
        broken["registry"] = type(error).__name__
    else:
        if snapshot.absent:
            broken["registry"] = f"{len(snapshot.absent)} rows left out"
    # Rows that the log does not vouch for are left out, not served: the node stays ready, degraded.
    down = "log" in broken or ("registry" in broken and "rows" not in broken["registry"])
    status = "not ready" if down else "degraded" if broken else "ready"
    told = {
        "status": status,
        "broken": broken,
        "size": node.log.size,
        "policy": node.ports.decisions.revision,
    }
    return JSONResponse(told, status_code=503 if down else 200)
