"""Checkpoints that the log once signed and does not lead to any more: given up by an entry that says so.

After an older copy was put back the log cannot come to what it had signed since. It goes on only once
somebody has answered for that, and the answer is its first entry after the copy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.canonical import b64, b64_decode
from audit.checkpoint import Checkpoint
from audit.entry import Commit, Draft
from audit.errors import MalformedError

GIVEN_UP = "log.rolled-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A checkpoint that is given up, and who still knows it: the guard, the home, a witness's URL."""

    checkpoint: Checkpoint
    known_by: str


def giving_up_draft(lost: Iterable[Lost], *, kept: Checkpoint, reason: str, by: str) -> Draft:
    """Write the entry: sizes and roots in the clear, the reason and the name only committed to."""
    facts = {
        "lost": [{**_described(each.checkpoint), "known_by": each.known_by} for each in lost],
        "kept": _described(kept),
    }
    return Draft(
        kind=GIVEN_UP,
        clear={"auth": "home", "facts": facts},
        commits=(Commit(name="reason", value=reason), Commit(name="by", value=by)),
    )


def read_given_up(index: int, members: Mapping[str, Any], *, origin: str) -> frozenset[Checkpoint]:
    """Return the checkpoints that such an entry gives up. Raises MalformedError."""
    try:
        return frozenset(
            Checkpoint(origin, each["size"], b64_decode(each["root"]))
            for each in members["facts"]["lost"]
        )
    except (KeyError, TypeError) as error:
        raise MalformedError(f"entry {index} does not say what was given up") from error


def _described(checkpoint: Checkpoint) -> dict[str, object]:
    return {"size": checkpoint.size, "root": b64(checkpoint.root)}
