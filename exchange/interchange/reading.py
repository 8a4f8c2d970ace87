"""Files of catalogue entries, read by a child process: whatever they do to it, a report comes back."""

import subprocess
import sys
import tempfile

import msgspec

from catalogue.interchange.model import NotTaken, Read
from exchange.files.model import MOST_BYTES
from exchange.interchange.child import OUTPUT
from exchange.interchange.parsing import Asked

WITHIN_S = 30
"""Of the clock; the child's own processor time is bounded more narrowly."""


def read_file(content: bytes, asked: Asked) -> Read:
    """Return what a file says of entries, and what of it is not taken. Never raises for the file's sake."""
    if len(content) > MOST_BYTES:
        return _refused(asked, f"{len(content)} bytes", f"at most {MOST_BYTES} bytes")
    command = [
        sys.executable, "-I", "-m", "exchange.interchange.child", msgspec.json.encode(asked).decode(),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as told:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter on our own module
                command,
                input=content,
                stdout=told,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _too_much(asked)
        if done.returncode:
            # Ended by its bounds, or by a fault of a reader: either way nothing of the file is taken.
            return _too_much(asked)
        told.seek(0)
        return msgspec.json.decode(told.read(OUTPUT), type=Read)


def _too_much(asked: Asked) -> Read:
    return _refused(asked, "more memory or time than a catalogue takes", "a smaller file")


def _refused(asked: Asked, found: str, needed: str) -> Read:
    return Read(not_taken=(NotTaken(file=asked.file, found=found, needed=needed),))
