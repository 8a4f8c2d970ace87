"""The event loop that a node is served on: uvloop; asyncio's own where there is none (Windows, PyPy)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")

try:
    import uvloop
except ImportError:
    NAME = "asyncio"
    """What the loop is called where the node says on which it is served."""
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    NAME = "uvloop"
    _new_loop = uvloop.new_event_loop


def run(main: Coroutine[object, object, T]) -> T:
    """As `asyncio.run`, on that loop."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(main)
