"""Sabotages of what a node says of itself, and of how much it takes upon itself."""

from starlette.requests import Request
from starlette.responses import JSONResponse

import audit.vault
import exchange.handles
import exchange.web.health
from exchange.handles import Room
from tests.sabotage.kit import Sabotage, replaced


def _all_that_come(_limit: int) -> Room:
    return Room(connections=1 << 20, backlog=2_048)


def _open_anyhow(_vault: object) -> None:
    """Look at no key."""


async def _live_with_a_registry(request: Request) -> JSONResponse:
    with request.app.state.node.databases.registry.begin():
        return JSONResponse({"status": "live"})


SABOTAGES = {
    "H1": Sabotage(
        why="readiness does not look whether the vault's keys can be had",
        apply=lambda: replaced(audit.vault.Vault.ready, _open_anyhow),
    ),
    "H5": Sabotage(
        why="liveness asks the registry",
        apply=lambda: replaced(exchange.web.health.live, _live_with_a_registry),
    ),
    "O4": Sabotage(
        why="connections are taken until no file handle is left",
        apply=lambda: replaced(exchange.handles.room_in, _all_that_come),
    ),
}
