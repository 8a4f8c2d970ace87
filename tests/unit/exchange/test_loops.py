"""The loop that a node is served on."""

import asyncio
import subprocess
import sys

import pytest

from exchange import loops

WITHOUT = """
import sys
sys.modules["uvloop"] = None
import asyncio
from exchange import loops
async def kind():
    return type(asyncio.get_running_loop()).__module__
print(loops.NAME, loops.run(kind()).partition(".")[0])
"""


async def kind() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_a_node_is_served_on_uvloop_where_there_is_one() -> None:
    pytest.importorskip("uvloop")
    assert (loops.NAME, loops.run(kind())) == ("uvloop", "uvloop")


def test_and_on_the_loop_of_asyncio_elsewhere() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["asyncio", "asyncio"]
