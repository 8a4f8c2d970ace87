"""Reads a file in a process of its own: what the kernel counts for its children is this one reading's."""

import subprocess
import sys

import msgspec

from catalogue.interchange.model import Read
from exchange.interchange.parsing import Asked

_PROGRAM = """
import resource, sys, msgspec
from exchange.interchange.parsing import Asked
from exchange.interchange.reading import read_file
read = read_file(sys.stdin.buffer.read(), msgspec.json.decode(sys.argv[1], type=Asked))
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
sys.stdout.buffer.write(msgspec.json.encode((read, most)))
"""


def read_and_measured(content: bytes, asked: Asked) -> tuple[Read, int]:
    """Return what was read, and the most memory that the reading took at once, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, msgspec.json.encode(asked).decode()],
        input=content,
        capture_output=True,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=tuple[Read, int])
