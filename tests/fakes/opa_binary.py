"""A real `opa` program where one is on the PATH, serving one bundle on the loopback."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from policies.bundle import Bundle, build

_PATIENCE_S = 20.0


def require_binary() -> str:
    """Return the program's path, or skip the test where there is none."""
    found = shutil.which("opa")
    if found is None:
        pytest.skip("no `opa` on the PATH: not compared with the program")
    return found


@asynccontextmanager
async def running(bundle: Bundle) -> AsyncIterator[int]:
    """Serve a bundle by the program until the block is left; yields its port."""
    program = require_binary()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="opa-") as folder:
        archive = Path(folder) / "bundle.tar.gz"
        archive.write_bytes(build(bundle))
        address = f"--addr=127.0.0.1:{port}"
        server = await asyncio.create_subprocess_exec(
            program,
            "run",
            "--server",
            address,
            "--disable-telemetry",
            "--bundle",
            str(archive),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(_listening(server, port), _PATIENCE_S)
            yield port
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()


async def _listening(server: asyncio.subprocess.Process, port: int) -> None:
    """Return once the port takes connections: the program loads its bundle before it listens."""
    while True:
        if server.returncode is not None:
            pytest.fail(f"opa ended with {server.returncode} before it listened")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
