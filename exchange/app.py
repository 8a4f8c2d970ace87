"""The web application of a node: routes, the minute's summary of strangers, an orderly end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from audit.errors import AuditError
from exchange.api.endpoint import management_routes
from exchange.clock import now
from exchange.files.uploads import Uploads
from exchange.node import Node
from exchange.portal.app import portal_routes
from exchange.shadowing import following
from exchange.web import bundles, cases, contract, health, systems, tlog
from exchange.web.graphql import graphql
from exchange.web.headers import PlainHeaders
from gateway.limits import Limits
from gateway.pipeline import Contracts, Terms

_LOGGING = logging.getLogger("exchange")
SUMMARY_EVERY_S = 60.0
COSIGN_EVERY_S = 1.0
STAMP_EVERY_S = 5.0
"""How often it is looked whether a stamp is due; the authority is asked at most hourly."""


def build_app(node: Node) -> Starlette:
    """Return the ASGI application of an open node; it closes the node when it ends."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await node.policy.open()
        running = [
            asyncio.create_task(_every_minute(node)),
            asyncio.create_task(_have_cosigned(node)),
            asyncio.create_task(_have_stamped(node)),
        ]
        try:
            async with following(node.ports.decisions, node.log):
                yield
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await summarise(node)
            await node.policy.close()
            await node.close()

    app = Starlette(
        routes=[
            Route("/graphql", graphql, methods=["POST", "GET"]),
            Route("/cases/{number}", cases.put_case, methods=["PUT"]),
            Route("/cases/{number}/{action}", cases.act_on_case, methods=["POST"]),
            Route("/systems/register", systems.register, methods=["POST"]),
            Route("/token", systems.token, methods=["POST"]),
            Route("/log/checkpoint", tlog.checkpoint, methods=["GET"]),
            Route("/log/key", tlog.key, methods=["GET"]),
            Route("/log/tile/{place:path}", tlog.tile, methods=["GET"]),
            Route("/contract.graphql", contract.contract, methods=["GET"]),
            Route("/bundles/exchange.tar.gz", bundles.in_force, methods=["GET", "HEAD"]),
            Route("/health/live", health.live, methods=["GET"]),
            Route("/health/ready", health.ready, methods=["GET"]),
            *management_routes(node),
            # Among them `/receipts/{index}`: JSON for systems, a page for people.
            *portal_routes(),
        ],
        middleware=[Middleware(PlainHeaders)],
        lifespan=lifespan,
    )
    app.state.node = node
    app.state.terms = Terms(
        zone=node.zone,
        limits=Limits(),
        deadline_s=node.settings.deadline_ms / 1000,
        allow_introspection=node.settings.profile == "development",
    )
    app.state.contracts = Contracts()
    return app


async def summarise(node: Node) -> None:
    """Record how many strangers called since the last time; nothing where none did."""
    draft = node.strangers.summary()
    if draft is None:
        return
    try:
        await node.log.append_async(draft)
    except AuditError as error:
        _LOGGING.warning("the summary of strangers was not recorded: %s", error.code)


async def _have_cosigned(node: Node) -> None:
    """Have witnesses cosign what is new, at most once a second."""
    while True:
        await asyncio.sleep(COSIGN_EVERY_S)
        if node.witnessing.due():
            await _to_its_end(_round(node.witnessing.round, "cosigned"))


async def _have_stamped(node: Node) -> None:
    """Have the newest checkpoint stamped with the time, where that is due."""
    while True:
        await asyncio.sleep(STAMP_EVERY_S)
        if node.stamping.due():
            await _to_its_end(_round(node.stamping.round, "stamped"))


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        # The thread goes on whatever we do: the log stays open until it has ended.
        await task
        raise


async def _round(work: Callable[[], None], done: str) -> None:
    try:
        await asyncio.to_thread(work)
    except AuditError as error:
        _LOGGING.warning("nothing was %s: %s", done, error.code)


async def _every_minute(node: Node) -> None:
    uploads = Uploads(node.files)
    while True:
        await asyncio.sleep(SUMMARY_EVERY_S)
        await summarise(node)
        await asyncio.to_thread(uploads.sweep, at=now())
