"""Holds an answer of the search against the gap-free numbers, for whom they are told."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from audit.canonical import commit_value, decode_strict
from audit.chain import COUNTERS, read_opening
from audit.errors import ProofError
from audit.numbering import Numbered, check_numbers
from audit.search import Page, newest_number, search
from audit.wanted import Position, Wanted
from catalogue.model import Actor, Role
from exchange.node import Node

NUMBERED = frozenset({"call", "intent"})
"""Kinds of entries that draw numbers: a call, and what is recorded before a remote source is asked."""

EARLIER = 100
"""Rows read at once in search of the newest number before a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One counter, as it stood before a page was read."""

    node: Node
    wanted: Wanted
    counter: str
    newest: int

    def of(self, page: Page, *, after: Position | None) -> dict[str, Any]:
        """Return first and last number of a page, how many there are and which are missing."""
        indexes = list(dict.fromkeys(row.index for row in page.rows if row.kind in NUMBERED))
        found = [
            Numbered(index=index, number=open_number(self.node, index, self.counter))
            for index in indexes
            # The entry in which the page before ended was counted there.
            if after is None or index != after[0]
        ]
        said = check_numbers(
            self.counter, found, above=self._above(found, after), below=self._below(page)
        )
        return asdict(said) | {"holds": said.holds, "newest": self.newest}

    def _above(self, found: list[Numbered], after: Position | None) -> int | None:
        if after is not None:
            return open_number(self.node, after[0], self.counter)
        if self.wanted.until is not None:
            return None
        newer = next((one.number for one in found if one.number is not None), 0)
        return max(self.newest, newer) + 1

    def _below(self, page: Page) -> int | None:
        if page.next is not None:
            return None
        if self.wanted.since is None:
            return begun_after(self.node, self.counter)
        # The newest of the entries before the time says where the list has to end.
        earlier = replace(self.wanted, since=None, until=self.wanted.since)
        node = self.node
        after: Position | None = None
        while True:
            page = search(node.indexed, earlier, token=node.vault.token, first=EARLIER, after=after)
            held = next((row for row in page.rows if row.kind in NUMBERED), None)
            if held is not None:
                return open_number(node, held.index, self.counter)
            if page.next is None:
                return begun_after(node, self.counter)
            after = page.next


def numbers_of(node: Node, actor: Actor, wanted: Wanted) -> Numbers | None:
    """Return the counter by which a search shows that nothing is missing.

    None where it asks for more or less than the calls of one system or one resource, or where the numbers
    are not the reader's: they count other departments' calls too.
    """
    counter = counter_of(wanted)
    if counter is None or not _theirs(node, actor, wanted):
        return None
    newest = newest_number(node.indexed, counter)
    return Numbers(node=node, wanted=wanted, counter=counter, newest=newest)


def counter_of(wanted: Wanted) -> str | None:
    """Return the counter that numbers what is wanted; None where several do, or a part of one."""
    rest = replace(wanted, system=None, resource=None)
    bare = Wanted(since=wanted.since, until=wanted.until, department=wanted.department)
    if rest != bare:
        return None
    match wanted.system, wanted.resource:
        case str(system), None:
            return f"consumer:{system}"
        case None, str(resource):
            return f"resource:{resource}"
        case _:
            return None


def open_number(node: Node, index: int, counter: str) -> int | None:
    """Return the number that an entry commits to; None where it does not open or is not what it says."""
    name = f"n.{counter}"
    try:
        opening = node.shown.open_disclosure(index, name)
        digest = decode_strict(node.shown.entry(index))["digests"].get(name)
    except ProofError:
        return None
    if opening is None or digest != commit_value(opening.salt, name, opening.value):
        return None
    return opening.value if isinstance(opening.value, int) else None


def begun_after(node: Node, counter: str) -> int | None:
    """Return the number after which a shard begins, as its first entry commits to; None: it does not open."""
    first = node.shown.entry(0) if node.shown.size else b"{}"
    members = decode_strict(first)
    if read_opening(members) is None:
        return 0
    opening = node.shown.open_disclosure(0, COUNTERS)
    if opening is None:
        return None
    if members["digests"].get(COUNTERS) != commit_value(opening.salt, COUNTERS, opening.value):
        return None
    return int(opening.value.get(counter, 0))


def _theirs(node: Node, actor: Actor, wanted: Wanted) -> bool:
    names = node.live.load()
    held = names.systems.get(wanted.system or "") or names.resources.get(wanted.resource or "")
    owner = None if held is None else held.department
    if actor.has(Role.AUDITOR):
        # Bounded to a department, the list is whole only where all of the counter is that department's.
        return wanted.department in {None, owner}
    return owner == actor.department
