"""The web application of a node: routes, the minute's summary of strangers, an orderly end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from audit.errors import AuditError
from catalogue.errors import CatalogueError
from catalogue.model import Actor
from exchange.acts.indicators import keep_today
from exchange.acts.jobs import workshop_of
from exchange.acts.supervision import FirstCalls, run_clocks
from exchange.api.endpoint import management_routes
from exchange.clock import now
from exchange.exports.bench import bench_of, terms_of
from exchange.exports.working import Bench, expire, work
from exchange.files.uploads import Uploads
from exchange.identity.errors import IdentityError
from exchange.jobs import working
from exchange.node import Node
from exchange.portal.app import portal_routes
from exchange.portal.session import SignInNeededError, signed_in
from exchange.shadowing import following
from exchange.sweeping import Sweeping, sweep_quotas
from exchange.testzone.ground import TestGround, TestLog
from exchange.web import (
    bulk,
    bundles,
    cases,
    catalogue,
    contract,
    exports,
    health,
    links,
    rest,
    systems,
    tlog,
    upstream,
)
from exchange.web.graphql import Counter, GraphQL, Manners, OwnGround
from exchange.web.headers import PlainHeaders
from exchange.web.testzone import log_routes
from exchange.web.turns import Bounds, NewDocuments, TurnedAway, Turns

_LOGGING = logging.getLogger("exchange")
SUMMARY_EVERY_S = 60.0
COSIGN_EVERY_S = 1.0
STAMP_EVERY_S = 5.0
"""How often it is looked whether a stamp is due; the authority is asked at most hourly."""


def build_app(node: Node) -> Starlette:
    """Return the ASGI application of an open node; it closes the node when it ends."""
    counter = _counter(node)
    # Trying things out has turns and documents of its own: it never takes a place from a real call.
    trying = _counter(node)
    test_log = TestLog(node)
    manners = _manners(node)
    bench = bench_of(node)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await node.policy.open()
        running = [
            asyncio.create_task(_every_minute(node, counter.turned_away, bench)),
            asyncio.create_task(work(bench)),
            asyncio.create_task(working.work(workshop_of(node))),
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
            await summarise(node, counter.turned_away)
            await asyncio.to_thread(test_log.close)
            await node.policy.close()
            await node.close()

    app = ExchangeApp(
        routes=[
            Route("/cases/{number}", cases.put_case, methods=["PUT"]),
            Route("/cases/{number}/{action}", cases.act_on_case, methods=["POST"]),
            Route("/pull", bulk.pull, methods=["POST"]),
            Route("/links", links.offer, methods=["POST"]),
            Route("/links/{link}", links.fetch, methods=["GET"]),
            Route("/exports", exports.exports, methods=["POST"]),
            Route("/exports/{id}", exports.export, methods=["GET"]),
            Route("/exports/{id}/cancel", exports.cancel, methods=["POST"]),
            Route("/exports/{id}/manifest", exports.manifest, methods=["GET"]),
            Route("/exports/{id}/parts/{part}", exports.part, methods=["GET"]),
            Route("/systems/register", systems.register, methods=["POST"]),
            Route("/token", systems.token, methods=["POST"]),
            Route("/log/checkpoint", tlog.checkpoint, methods=["GET"]),
            Route("/log/key", tlog.key, methods=["GET"]),
            Route("/log/tile/{place:path}", tlog.tile, methods=["GET"]),
            Route("/log/shards", tlog.shards, methods=["GET"]),
            Route("/log/{shard}/checkpoint", tlog.checkpoint, methods=["GET"]),
            Route("/log/{shard}/key", tlog.key, methods=["GET"]),
            Route("/log/{shard}/tile/{place:path}", tlog.tile, methods=["GET"]),
            Route("/contract.graphql", contract.contract, methods=["GET"]),
            Route("/rest/openapi.json", rest.openapi, methods=["GET"]),
            Route(
                "/rest/{document}",
                rest.Rest(node, OwnGround(node), manners=manners, counter=counter),
            ),
            Route(
                "/test/rest/{document}",
                rest.Rest(node, TestGround(node, test_log), manners=manners, counter=trying),
            ),
            Route("/bundles/exchange.tar.gz", bundles.in_force, methods=["GET", "HEAD"]),
            Route("/upstream/key", upstream.key, methods=["GET"]),
            Route("/health/live", health.live, methods=["GET"]),
            Route("/health/ready", health.ready, methods=["GET"]),
            *log_routes(test_log),
            *management_routes(node),
            # Before the portal's pages, one of which is at every other address below /catalogue.
            *catalogue.ROUTES,
            # Among them `/receipts/{index}`: JSON for systems, a page for people.
            *portal_routes(),
        ],
        middleware=[Middleware(PlainHeaders)],
        lifespan=lifespan,
    )
    app.state.node = node
    app.state.terms = terms_of(node)
    app.state.bench = bench
    app.state.probes = health.Probes(node)
    app.state.visiting = _visiting
    app.doors = {"/graphql": GraphQL(node, OwnGround(node), manners=manners, counter=counter)}
    app.doors["/test/graphql"] = GraphQL(
        node,
        TestGround(node, test_log),
        manners=replace(manners, trusted_only=False),
        counter=trying,
    )
    return app


class ExchangeApp(Starlette):
    """Starlette's application, with doors in front of its routing: addresses that are raw ASGI."""

    doors: dict[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self.doors.get(scope["path"]) if scope["type"] == "http" else None
        await (door or super().__call__)(scope, receive, send)


async def _visiting(request: Request) -> Actor:
    """Return the officer who is signed in at the portal, for addresses that serve programs too."""
    try:
        return await signed_in(request)
    except SignInNeededError as error:
        raise IdentityError("AUTHENTICATION_MISSING") from error


def _counter(node: Node) -> Counter:
    settings = node.settings
    bounds = Bounds(
        at_once=settings.calls_at_once,
        of_one=settings.calls_per_system,
        wait_s=settings.deadline_ms / 1000,
    )
    return Counter(
        turns=Turns(bounds),
        documents=NewDocuments(monotonic=node.ports.monotonic),
        turned_away=TurnedAway(),
    )


def _manners(node: Node) -> Manners:
    settings = node.settings
    development = settings.profile == "development"
    return Manners(
        terms=terms_of(node),
        any_by_get=development,
        trusted_only=settings.documents == "trusted",
        body_s=settings.body_ms / 1000,
    )


async def summarise(node: Node, turned_away: TurnedAway) -> None:
    """Record how many strangers called, and whose calls were turned away, since the last time."""
    for draft in (node.strangers.summary(), turned_away.summary()):
        if draft is None:
            continue
        try:
            await node.log.append_async(draft)
        except AuditError as error:
            _LOGGING.warning("the summary %s was not recorded: %s", draft.kind, error.code)


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


async def _round(work: Callable[[], object], done: str) -> None:
    try:
        await asyncio.to_thread(work)
    except AuditError as error:
        _LOGGING.warning("nothing was %s: %s", done, error.code)


async def _every_minute(node: Node, turned_away: TurnedAway, bench: Bench) -> None:
    uploads, calls, sweeping = Uploads(node.files), FirstCalls(), Sweeping()
    while True:
        await asyncio.sleep(SUMMARY_EVERY_S)
        await summarise(node, turned_away)
        await asyncio.to_thread(uploads.sweep, at=now())
        await _round(partial(expire, bench), "expired")
        await _run_clocks(node, calls)
        await _keep_indicators(node)
        if sweeping.due(now()):
            await _round(partial(sweep_quotas, node, at=now()), "swept")


async def _keep_indicators(node: Node) -> None:
    """Keep what the indicators are, once a day; what fails waits a minute."""
    try:
        await asyncio.to_thread(keep_today, node)
    except (AuditError, CatalogueError) as error:
        _LOGGING.warning("the indicators of today were not kept: %s", error.code)


async def _run_clocks(node: Node, calls: FirstCalls) -> None:
    """Carry out what the calendar alone decides of requests and grants; what fails waits a minute."""
    try:
        await asyncio.to_thread(run_clocks, node, calls)
    except (AuditError, CatalogueError) as error:
        _LOGGING.warning("the clocks of requests were not looked at: %s", error.code)
