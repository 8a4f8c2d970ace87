"""Runs a node's two servers on one loop: the web on its port, acts on the admin socket."""

import asyncio
import gc
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import uvicorn

from exchange import loops
from exchange.app import build_app
from exchange.handles import handles, room_in, take_handles
from exchange.home import socket_path
from exchange.node import Node
from exchange.patience import patient_protocol
from exchange.web.admin import admin_app

_YOUNG = 20_000
"""Objects after which the collector looks at the young ones: a batch of calls makes some thousands."""


def serve_alone(node: Node) -> None:
    """Serve as all that this process does, until it is told to stop."""
    collect_seldom()
    take_handles()
    loops.run(serve_node(node))


def collect_seldom() -> None:
    """Spare the collector what lasts: programs, schemas and the picture of the registry."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


async def serve_node(
    node: Node, *, ready: Callable[[Callable[[], None]], None] | None = None
) -> None:
    """Serve until the process is told to stop; the node is closed by then.

    `ready` is called with a function that stops the serving, once the port takes connections; None where
    nobody waits for it.
    """
    settings = node.settings
    room = room_in(handles())
    web = uvicorn.Server(
        uvicorn.Config(
            build_app(node),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=10,
            backlog=room.backlog,
            http=patient_protocol(settings.head_ms / 1000, most=room.connections),
        )
    )
    path = socket_path(settings.home)
    admin = uvicorn.Server(uvicorn.Config(admin_app(node), log_level="warning", lifespan="off"))
    acting = asyncio.create_task(admin.serve(sockets=[_private(path)]))
    await _started(admin, acting)
    serving = asyncio.create_task(web.serve())
    try:
        if ready is not None:
            await _started(web, serving)
            ready(partial(_end, web, admin))
        await serving
    finally:
        admin.should_exit = True
        await acting
        path.unlink(missing_ok=True)


def _private(path: Path) -> socket.socket:
    """Return a socket at a path of its own that nobody else may ever connect to.

    uvicorn would open one that it makes to everybody, for as long as it takes to close it again.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _end(*servers: uvicorn.Server) -> None:
    for server in servers:
        server.should_exit = True


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells by a flag only
        await asyncio.sleep(0.01)


class Serving:
    """A node served by a thread of this process, for those who go on while it serves."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ready: Queue[Callable[[], None]] = Queue()
        self._thread = Thread(target=self._run, name="serving", daemon=True)

    def start(self) -> None:
        """Return once the port takes connections; raises TimeoutError where it does not."""
        self._thread.start()
        try:
            self._stop = self._ready.get(timeout=30)
        except Empty as error:
            raise TimeoutError(f"{self._node.settings.base_url} is not served") from error

    def stop(self) -> None:
        """Return once the node is closed."""
        self._stop()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        loops.run(serve_node(self._node, ready=self._ready.put))
