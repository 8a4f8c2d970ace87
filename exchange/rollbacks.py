"""A log that is older than what is known of it: found out at the start, answered for by a command.

What is answered for lies in the home until the log has an entry of it. Only the very checkpoints that were
shown to whoever answered are excused: another rollback after this one stops the start again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import msgspec

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.entry import Sequenced
from audit.errors import AuditError, MalformedError
from audit.given_up import Lost
from audit.keys import LogKeys
from audit.log import Log
from audit.note import Verifier, open_note
from audit.policy_file import Policy
from audit.startup import read_guard
from exchange.client.authorities import public_authorities
from exchange.home import HomeError, write_durably
from exchange.witnessing import WITNESSED, WitnessClient, by_url

_LOGGING = logging.getLogger("exchange")
ANSWERED = Path("run") / "rolled-back"
"""In a home: what was answered for, until the log has an entry of it."""
GUARD = Path("run") / "guard"
VERSION = "rolled-back/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A checkpoint under the log's own key, and who knows it."""

    note: str
    known_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Who answers for what the log may not lead to any more, and why."""

    v: str
    reason: str
    by: str
    known: tuple[Known, ...]

    def lost(self, keys: LogKeys) -> list[Lost]:
        """Return the checkpoints that bear a key of this log; others are excused for nothing."""
        found = []
        for each in self.known:
            try:
                found.append(Lost(checkpoint=_checkpoint(each.note, keys), known_by=each.known_by))
            except AuditError as error:
                _LOGGING.warning("what %s knows is not of this log: %s", each.known_by, error)
        return found


def known_of(home: Path, policy: Policy, *, origin: str) -> tuple[list[Known], list[str]]:
    """Gather what the guard, the home and the witnesses know of this log; and who could not be asked."""
    known = [
        Known(note=note, known_by=name)
        for name, path in (("guard", home / GUARD), ("quorum", home / WITNESSED))
        if (note := read_guard(path))
    ]
    away = []
    with httpx.Client(trust_env=False, verify=public_authorities()) as http:
        for url, keys in by_url(policy).items():
            try:
                shown = WitnessClient(url, keys, http=http).newest(origin)
            except AuditError as error:
                away.append(str(error))
                continue
            if shown is not None:
                known.append(Known(note=shown, known_by=url))
    return known, away


def answer_for(home: Path, *, known: Sequence[Known], reason: str, by: str) -> None:
    """Keep the answer for the next start. Raises HomeError for one without a reason or a name."""
    if not reason.strip() or not by.strip():
        raise HomeError("a rollback is answered for by a name and with a reason")
    answered = Answered(v=VERSION, reason=reason, by=by, known=tuple(known))
    write_durably(home / ANSWERED, msgspec.json.encode(asdict(answered)))


def open_answered(
    home: Path, keys: LogKeys, open_log: Callable[[frozenset[Checkpoint]], Log]
) -> tuple[Log, Sequenced | None]:
    """Open the log; where somebody answered for a rollback, that becomes its first entry.

    Returns the entry, too; None: nothing was answered for, or the log leads to all of it.
    """
    answered = _read(home)
    if answered is None:
        return open_log(frozenset()), None
    lost = answered.lost(keys)
    log = open_log(frozenset(each.checkpoint for each in lost))
    try:
        recorded = log.give_up(lost, reason=answered.reason, by=answered.by)
        _forget_witnessed(home, log)
    except BaseException:
        log.close()
        raise
    # Last of all: a crash before it does the same once more, and records nothing twice.
    (home / ANSWERED).unlink()
    return log, recorded


def _forget_witnessed(home: Path, log: Log) -> None:
    """Show nobody a checkpoint any more that was given up, though the quorum cosigned it."""
    note = read_guard(home / WITNESSED)
    if note and log.has_given_up(_checkpoint(note, log.keys)):
        (home / WITNESSED).unlink()


def _checkpoint(note: str, keys: LogKeys) -> Checkpoint:
    found = parse_checkpoint(open_note(note, _known_keys(keys)).text)
    if found.origin != keys.origin:
        raise MalformedError(f"a checkpoint of {found.origin}, one of {keys.origin} needed")
    return found


def _known_keys(keys: LogKeys) -> list[Verifier]:
    return [*keys.verifiers, *(signer.verifier for signer in keys.further)]


def _read(home: Path) -> Answered | None:
    path = home / ANSWERED
    try:
        content: Mapping[str, object] = msgspec.json.decode(path.read_bytes())
        answered = msgspec.convert(content, Answered, strict=True)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise HomeError(f"{path} is not readable as {VERSION}") from error
    if answered.v != VERSION:
        raise HomeError(f"{path} is {answered.v!r}, {VERSION} needed")
    return answered
