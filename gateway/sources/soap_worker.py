"""The process in which zeep reads and writes XML: asked one thing at a time, ended when it takes too long."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import msgspec

from gateway.errors import SourceInvalidError, SourceTimeoutError, SourceUnavailableError
from gateway.sources.described import DescriptionError

COMMAND = (sys.executable, "-I", "-m", "gateway.sources.soap_child")
LINE_BYTES = 8_000_000
WITHIN_S = 30.0
"""For reading a description, where an officer waits."""
MISSING = "zeep is not here: install the extra soap"


def is_here() -> bool:
    return find_spec("zeep") is not None


def look_into(description: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask one thing about a description, in a process that ends with the answer. Raises DescriptionError."""
    if not is_here():
        raise DescriptionError(MISSING)
    lines = [{"do": "open", "description": description}, question]
    asked = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            COMMAND, input=asked, capture_output=True, env={}, timeout=WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise DescriptionError("the WSDL takes too long to read") from None
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        if "error" in answer:
            raise DescriptionError(str(answer["error"]))
    if len(answers) != len(lines):
        raise DescriptionError("the WSDL cannot be read within the memory that it may have")
    told: Mapping[str, Any] = answers[-1]
    return told


class SoapWorker:
    """The long-lived process of one source. Raises SourceError for whatever is no answer."""

    def __init__(self, description: str, *, timeout_s: float) -> None:
        self._description = description
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout_s):
                    process = self._process or await self._started()
                    return await _asked(process, question)
            except TimeoutError:
                await self._end()
                raise SourceTimeoutError(reason="the XML takes too long to read") from None
            except (SourceUnavailableError, asyncio.CancelledError):
                # Whose answer comes next would not be known any more.
                await self._end()
                raise

    async def close(self) -> None:
        async with self._lock:
            await self._end()

    async def _started(self) -> asyncio.subprocess.Process:
        if not is_here():
            raise SourceUnavailableError(reason=MISSING)
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            limit=LINE_BYTES,
        )
        self._process = process
        await _asked(process, {"do": "open", "description": self._description})
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.shield(process.wait())


async def _asked(
    process: asyncio.subprocess.Process, question: Mapping[str, Any]
) -> Mapping[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise SourceUnavailableError(reason="the process that reads XML cannot be asked")
    try:
        process.stdin.write(msgspec.json.encode(question) + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
    except (OSError, ValueError):
        raise SourceUnavailableError(reason="the process that reads XML ended") from None
    if not line.endswith(b"\n"):
        raise SourceUnavailableError(reason="the process that reads XML ended")
    told: Mapping[str, Any] = json.loads(line, parse_float=Decimal)
    if "error" in told:
        raise SourceInvalidError(reason=str(told["error"]))
    return told
