"""The calls of the past as the policy saw them: questions and decisions, read out of log and vault."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from audit.canonical import commit_value, decode_strict
from audit.errors import ProofError
from audit.questions import joined, shared_of
from audit.reading import LogReader
from exchange.clock import monotonic
from gateway.record import KIND
from policies.bundle import Bundle, build, default_bundle, load_archive
from policies.embedded import Embedded
from policies.engine import LoadError, UndecidedError
from policies.language import Budget, compile_modules
from policies.model import Decision, Question
from policies.replay import UnreadableError, read_decision, read_question

KEPT = Path("bundles")
"""Where a home keeps archives of policies, as `<sha256>.tar.gz`."""

PATIENCE_S = 10.0
"""For one decision looked back on: the clock of a busy machine must not change what is replayed."""

_CHUNK = 500
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NEVER = 2**40
"""Past every question: the packaged policy's own expiry is its renewer's matter."""
_ENGINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A call that was put to the policy, as its entry commits to it."""

    index: int
    department: str
    matter: str
    revision: str
    question: Question
    recorded: str
    """The decision, as the text that was committed to."""
    decision: Decision | None
    """None: no engine gave one."""
    all_refused: bool
    """Whether every step of the entry was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCall:
    """A call that cannot be read any more, and why."""

    index: int
    why: str


def span(log: LogReader, *, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return the indexes [first, end) of the entries of a time; the log's time never runs backwards."""
    size = log.size
    first = 0 if since is None else _first_at(log, since, size)
    return first, max(first, size if until is None else _first_at(log, until, size))


def calls(log: LogReader, first: int, end: int) -> Iterator[PastCall | LostCall]:
    """Yield each call among the entries [first, end) that was put to the policy.

    A call that was refused before it could be planned was put to nobody, and is left out.
    """
    for index, body in bodies(log, first, end):
        members = decode_strict(body)
        if members["kind"] == KIND and "question" in members["digests"]:
            yield _call(log, index, members)


def bodies(log: LogReader, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield index and bytes of the entries [first, end). Raises ProofError where one is missing."""
    for at in range(first, end, _CHUNK):
        stop = min(at + _CHUNK, end)
        found = log.entries(at, stop)
        if len(found) != stop - at:
            raise ProofError(f"{len(found)} entries stored of {stop - at} from {at} on")
        yield from enumerate(found, at)


def _call(log: LogReader, index: int, members: dict[str, Any]) -> PastCall | LostCall:
    try:
        texts = _disclosed(log, index, members["digests"])
        question, decision = read_question(texts["question"]), read_decision(texts["decision"])
    except (ProofError, UnreadableError) as error:
        return LostCall(index=index, why=str(error))
    return PastCall(
        index=index,
        department=members["consumer"],
        matter=members["matter"],
        revision=members["policy"],
        question=question,
        recorded=texts["decision"],
        decision=decision,
        all_refused=all(step["outcome"] == "refused" for step in members["steps"]),
    )


def _disclosed(log: LogReader, index: int, digests: dict[str, str]) -> dict[str, str]:
    """Return question and decision as committed to. Raises ProofError where they cannot be shown."""
    if "decision" not in digests:
        raise ProofError("the entry commits to no decision: it is older than that")
    opened = log.open_disclosures(index)
    texts = {}
    for name in ("question", "decision"):
        opening = opened.get(name)
        if opening is None:
            raise ProofError(f"the {name} does not open: its key was destroyed")
        if commit_value(opening.salt, name, opening.value) != digests[name]:
            raise ProofError(f"the {name} kept is not the one that the entry commits to")
        texts[name] = _text(log, opening.value)
    return texts


def _text(log: LogReader, value: Any) -> str:
    """Return a committed question or decision as one text; older entries hold nothing else."""
    shared = shared_of(value)
    return str(value) if shared is None else joined(value, log.document(shared))


def _first_at(log: LogReader, moment: datetime, size: int) -> int:
    wanted, low, high = int(moment.timestamp() * 1000), 0, size
    while low < high:
        middle = (low + high) // 2
        if decode_strict(log.entry(middle))["ts"] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


class Bundles:
    """The policies that can be had again: the packaged one and every archive that the home keeps."""

    def __init__(self, home: Path) -> None:
        self._archives = _by_revision(home / KEPT)
        self._chosen: dict[str, bytes | None] = {}

    def of(self, revision: str) -> bytes | None:
        """Return an archive of a revision; None where there is none, or two that say different things."""
        if revision not in self._chosen:
            found = self._archives.get(revision, [])
            alike = len(found) == 1 or len({content_of(archive) for archive in found}) == 1
            self._chosen[revision] = found[0] if alike else None
        return self._chosen[revision]

    def bundle(self, call: PastCall) -> Bundle | None:
        """Return the bundle under which a call was decided; None where it is not to be had."""
        archive = self.of(call.revision)
        if archive is None:
            return None
        bundle = bundle_of(archive)
        return bundle if call.decision is None else _under(bundle, expires=call.decision.expires)

    def engine(self, call: PastCall) -> Embedded | None:
        """Return the engine that decides as the call's policy did; None where its bundle is not to be had."""
        archive = self.of(call.revision)
        if archive is None:
            return None
        try:
            return engine_of(archive, None if call.decision is None else call.decision.expires)
        except LoadError:
            # Kept under rules of writing that hold no more: to this program it is not to be had.
            return None


def _by_revision(folder: Path) -> dict[str, list[bytes]]:
    archives = [packaged()]
    for path in sorted(folder.glob("*.tar.gz")):
        content, named = path.read_bytes(), path.name.removesuffix(".tar.gz")
        # A file that is not what its name says was changed after it was kept.
        if not _DIGEST.fullmatch(named) or hashlib.sha256(content).hexdigest() == named:
            archives.append(content)
    found: dict[str, list[bytes]] = {}
    for archive in archives:
        bundle = _readable(archive)
        if bundle is not None:
            found.setdefault(bundle.revision, []).append(archive)
    return found


@lru_cache(maxsize=_ENGINES)
def engine_of(archive: bytes, expires: int | None) -> Embedded:
    """Return the embedded engine of an archive; `expires` None keeps the archive's own expiry.

    The packaged policy is renewed under one revision: its rules stay, only its expiry moves. Raises
    LoadError.
    """
    bundle = bundle_of(archive)
    if expires is not None:
        bundle = _under(bundle, expires=expires)
    return Embedded(
        compile_modules(bundle.modules, bundle.data),
        revision=bundle.revision,
        expires=bundle.expires,
        budget=Budget(seconds=PATIENCE_S, monotonic=monotonic),
        # Each question is decided wholly anew: a standing permit would only be compared with itself.
        standing=False,
    )


@lru_cache(maxsize=4 * _ENGINES)
def bundle_of(archive: bytes) -> Bundle:
    """Read an archive that only looks back or ahead: nothing is ever given by its word. Raises LoadError."""
    return load_archive(archive)


def _under(bundle: Bundle, *, expires: int) -> Bundle:
    """Return the same rules and data under another expiry."""
    exchange = bundle.data["exchange"]
    said = {**exchange, "bundle": {**exchange["bundle"], "expires": expires}}
    return replace(bundle, data={**bundle.data, "exchange": said}, expires=expires)


def content_of(archive: bytes) -> bytes:
    """Return what an archive says but for its expiry and its signature: what a revision stands for."""
    return build(_under(bundle_of(archive), expires=0))


def mask_ranks(*archives: bytes) -> dict[str, int]:
    """Return how much each mask hides, where all the archives agree on it."""
    tables = []
    for archive in archives:
        ranks = bundle_of(archive).data.get("exchange", {}).get("reference", {}).get("masks", {})
        tables.append({name: rank for name, rank in ranks.items() if type(rank) is int})
    first, *others = tables
    return {name: rank for name, rank in first.items() if all(t.get(name) == rank for t in others)}


def decided(engine: Embedded, question: Question) -> Decision | None:
    """Return an engine's decision; None where it gives none, or there is nothing to decide."""
    if not question.requests:
        return None
    try:
        return engine.decide_now(question)
    except UndecidedError:
        return None


@lru_cache(maxsize=1)
def packaged() -> bytes:
    """Return the policy as shipped, as an archive."""
    return build(default_bundle(expires=_NEVER))


def _readable(archive: bytes) -> Bundle | None:
    try:
        return bundle_of(archive)
    except LoadError:
        return None
