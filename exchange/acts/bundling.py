"""The act that hands evidence out: entries of a case, a system or a resource, with all that proves them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.canonical import b64, commit_value, decode_strict
from audit.checkpoint import parse_checkpoint
from audit.entry import Opening
from audit.errors import ProofError
from audit.evidence import Complete, Evidence, Shown, pack_evidence
from audit.note import parse_note
from audit.search import MOST, search
from audit.stamps import newest_stamp
from audit.wanted import Position, Wanted
from catalogue.model import Actor
from exchange.acts.evidence import require_auditor
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.node import Node
from exchange.past import Bundles, bodies, span

ENTRIES_MOST = 2_000
"""Entries in one bundle."""

OPENED = ("matter", "purpose", "operation", "question", "decision")
"""What is opened beside case and numbers: codes and texts that speak of people by tokens of one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a bundle is to be about: exactly one of the first three."""

    case: str | None
    system: str | None
    resource: str | None
    since: datetime | None
    until: datetime | None

    @property
    def counter(self) -> str | None:
        """The counter that numbers all that is asked for; None for a case."""
        if self.system is not None:
            return f"consumer:{self.system}"
        return None if self.resource is None else f"resource:{self.resource}"


@act("audit.evidence")
def hand_out(
    node: Node,
    actor: Actor,
    *,
    case: str | None = None,
    system: str | None = None,
    resource: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    shard: str | None = None,
) -> dict[str, object]:
    """A self-contained evidence bundle about one case, or one system's or resource's calls of a time.

    Identities stay closed: opening them is a review's act. Around a case's calls all calls of the same
    systems are enclosed with nothing but their numbers, so that nothing can be left out unseen.
    """
    require_auditor(actor)
    node = node.of_shard(shard)
    if [case, system, resource].count(None) != 2:
        raise ActError("ACT_ARGUMENTS", "exactly one of case, system and resource needed")
    asked = _Asked(case=case, system=system, resource=resource, since=since, until=until)
    facts = {name: value for name, value in (("system", system), ("resource", resource)) if value}
    private = {} if case is None else {"wanted": [case]}
    record_read(node, actor, "log.evidence-taken", facts, private=private)
    return _handed(node, asked)


def _handed(node: Node, asked: _Asked) -> dict[str, object]:
    known = _by_search(node, asked)
    found, counters = _walked(node, asked, known)
    if not found:
        raise ActError("NOT_FOUND", "the log has nothing of it")
    lists = _complete(found, counters)
    note = checkpoint_over(node, found[-1].index)
    size = parse_checkpoint(parse_note(note).text).size
    shown = [_shown(node, each, size=size, lists=lists) for each in found]
    policies, without = policies_of(node, [each.members for each in found])
    evidence = Evidence(
        about={name: value for name, value in _about(asked).items() if value is not None},
        checkpoint=note,
        entries=shown,
        lists=lists,
        policies=policies,
        token=stamp_of(node, size),
    )
    of_it = [each.index for each in found if each.asked]
    return {
        "bundle": b64(pack_evidence(evidence)),
        "entries": of_it,
        "enclosed": len(found),
        "lists": [
            {"counter": each.counter, "first": each.first, "last": each.last} for each in lists
        ],
        "hidden": sorted(set(of_it) - known),
        "without_policy": without,
        "size": size,
    }


def _about(asked: _Asked) -> dict[str, Any]:
    return {
        "case": asked.case,
        "system": asked.system,
        "resource": asked.resource,
        "since": None if asked.since is None else asked.since.isoformat(),
        "until": None if asked.until is None else asked.until.isoformat(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    index: int
    body: bytes
    members: Mapping[str, Any]
    opened: Mapping[str, Opening]
    asked: bool


def _by_search(node: Node, asked: _Asked) -> set[int]:
    """Return the entries that the search leads to; it may be made to hide some, so it decides nothing."""
    wanted = Wanted(
        case=asked.case,
        system=asked.system,
        resource=asked.resource,
        since=asked.since,
        until=asked.until,
    )
    indexes: set[int] = set()
    after: Position | None = None
    while True:
        page = search(node.indexed, wanted, token=node.vault.token, first=MOST, after=after)
        indexes |= {row.index for row in page.rows}
        after = page.next
        if after is None:
            return indexes


def _walked(node: Node, asked: _Asked, known: set[int]) -> tuple[list[_Entry], set[str]]:
    """Read the entries themselves: all that commit to a counter concerned, and what the search leads to."""
    if asked.counter is not None:
        counters = {asked.counter}
        first, end = span(node.shown, since=asked.since, until=asked.until)
    else:
        if not known:
            return [], set()
        first, end = min(known), max(known) + 1
        counters = {
            f"consumer:{members['system']}"
            for index, _, members in _entries(node, first, end)
            if index in known and members["kind"] == "call"
        }
    found: list[_Entry] = []
    for index, body, members in _entries(node, first, end):
        counted = any(f"n.{counter}" in members["digests"] for counter in counters)
        if not counted and not (asked.case is not None and index in known):
            continue
        if len(found) == ENTRIES_MOST:
            raise ActError("ACT_ARGUMENTS", f"more than {ENTRIES_MOST} entries: ask for less time")
        found.append(_entry(node, asked, index, body, members, known=known))
    return found, counters


def _entries(node: Node, first: int, end: int) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    for index, body in bodies(node.shown, first, end):
        yield index, body, decode_strict(body)


def _entry(
    node: Node, asked: _Asked, index: int, body: bytes, members: dict[str, Any], *, known: set[int]
) -> _Entry:
    opened = openings_of(node, index, members)
    if asked.case is None:
        of_it = True
    elif "case" in opened:
        of_it = opened["case"].value == asked.case
    else:
        of_it = index in known
    return _Entry(index=index, body=body, members=members, opened=opened, asked=of_it)


def _complete(found: Sequence[_Entry], counters: set[str]) -> list[Complete]:
    """Return the counters whose numbers are enclosed without a gap. Raises ProofError for a gap."""
    lists = []
    for counter in sorted(counters):
        name = f"n.{counter}"
        drawing = [each for each in found if name in each.members["digests"]]
        numbers = [int(each.opened[name].value) for each in drawing if name in each.opened]
        if not numbers or len(numbers) < len(drawing):
            # A number whose key was destroyed proves nothing any more, so nothing is claimed of the list.
            continue
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise ProofError(f"the numbers of {counter} have a gap: an entry is missing")
        lists.append(Complete(counter=counter, first=numbers[0], last=numbers[-1]))
    return lists


def openings_of(node: Node, index: int, members: Mapping[str, Any]) -> dict[str, Opening]:
    """Return what opens an entry's commitments, by name: only what is what the leaf commits to."""
    return {
        name: opening
        for name, opening in node.shown.open_disclosures(index).items()
        if opening.value is not None
        and members["digests"].get(name) == commit_value(opening.salt, name, opening.value)
    }


def checkpoint_over(node: Node, index: int) -> str:
    """Return the published checkpoint if it reaches over an entry, else the newest one."""
    if node.read_from is not None:
        return node.shown.checkpoint
    published = node.log.published()
    reaches = parse_checkpoint(parse_note(published).text).size > index
    return published if reaches else node.log.checkpoint


def stamp_of(node: Node, size: int) -> bytes | None:
    """Return the time stamp of the checkpoint of a size; None where it bears none."""
    stamp = newest_stamp(node.indexed)
    return stamp[1] if stamp is not None and stamp[0] == size else None


def _shown(node: Node, each: _Entry, *, size: int, lists: Sequence[Complete]) -> Shown:
    names = {f"n.{listed.counter}" for listed in lists}
    if each.asked:
        names |= {"case", *OPENED}
    return Shown(
        index=each.index,
        body=each.body,
        proof=node.shown.prove(each.index, size),
        openings={name: each.opened[name] for name in sorted(names & each.opened.keys())},
        asked=each.asked,
    )


def policies_of(
    node: Node, found: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, bytes], list[str]]:
    """Return the archives of the policies that decided entries, and the revisions that are not to be had."""
    bundles = Bundles(node.settings.home)
    revisions = sorted({members.get("policy") or "" for members in found} - {""})
    archives = {revision: bundles.of(revision) for revision in revisions}
    held = {revision: archive for revision, archive in archives.items() if archive is not None}
    return held, [revision for revision in revisions if revision not in held]
