"""Acts that show what was recorded: one entry, a case's story, a receipt; each is itself an entry."""

from dataclasses import replace

from audit.canonical import b64, decode_strict
from audit.merkle import leaf_hash
from audit.search import MOST, search
from audit.wanted import Wanted
from catalogue.model import Actor, Role
from exchange.acts.evidence import proof_of
from exchange.acts.reading import sees_whole, tell_brief, tell_closed, tell_entry
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.searching import place_of
from exchange.acts.seeing import closed_to, nothing_at, seen, sight_of, told_to
from exchange.node import Node


@act("audit.show")
def show(
    node: Node,
    actor: Actor,
    *,
    index: int,
    review: str | None = None,
    shard: str | None = None,
) -> dict[str, object]:
    """One entry with its proof. Identities stay closed: opening them is a review's act.

    A department that was asked, and did not ask, is told its own steps: `entry` and `raw` are None then, and
    the proof begins at `leaf`, the hash of bytes that only the caller's department and auditors see whole.
    So is a department that an act names, and did not act. Of an entry made under a sealed review by
    somebody else, the number and the proof are told and nothing more.
    """
    node = node.of_shard(shard)
    sight = sight_of(node, actor, review=review)
    body = seen(node, actor, index, sight)
    members = decode_strict(body)
    department = told_to(actor)
    closed = closed_to(node, actor, index, members)
    whole = sees_whole(members, department) and not closed
    facts = {"read": index} | sight.facts()
    record_read(node, actor, "log.entry-read", facts, sealed=sight.sealed)
    names = node.live.load()
    told = tell_closed() if closed else tell_entry(members, names=names, department=department)
    return {
        "index": index,
        "entry": members if whole else None,
        "told": told,
        "raw": body.decode() if whole else None,
        "leaf": b64(leaf_hash(body)),
        "proof": proof_of(node, index),
        "vkey": node.shown_keys[0].key.vkey,
    }


@act("audit.case")
def show_case(
    node: Node,
    actor: Actor,
    *,
    number: str | None = None,
    of: int | None = None,
    after: list[int] | None = None,
    review: str | None = None,
    shard: str | None = None,
) -> dict[str, object]:
    """All calls and acts of one case in the order in which they happened, the newest page first.

    The case is named by its `number`, or as the one `of` an entry that the reader sees whole: then nobody
    is told its number. A department sees what it asked and, of others' calls, its own steps; an auditor all.
    """
    if (number is None) == (of is None):
        raise ActError("ACT_ARGUMENTS", "a case's number or one of its entries, not both")
    node = node.of_shard(shard)
    sight = sight_of(node, actor, review=review)
    wanted = sight.over(Wanted(case=number, case_of=of, open_to=actor.id))
    facts = sight.facts()
    private = {} if number is None else {"wanted": [number]}
    if of is not None:
        members = decode_strict(seen(node, actor, of, sight))
        if not sees_whole(members, told_to(actor)):
            raise nothing_at(node, actor, of, sight)
        facts |= {"read": of}
    record_read(node, actor, "log.case-read", facts, private=private, sealed=sight.sealed)
    page = search(node.indexed, wanted, token=node.vault.token, first=MOST, after=place_of(after))
    indexes = sorted({row.index for row in page.rows})
    if page.next is not None and len(indexes) > 1:
        # The oldest entry of the page may continue on the next one, so it is told there as a whole.
        page = replace(page, next=(indexes.pop(0) + 1, 0))
    names = node.live.load()
    return {
        "number": number,
        "entries": [
            {"index": index}
            | tell_brief(
                decode_strict(node.shown.entry(index)), names=names, department=told_to(actor)
            )
            for index in indexes
        ],
        "next": list(page.next) if page.next else None,
    }


@act("receipt.show")
def show_receipt(
    node: Node, actor: Actor, *, index: int, shard: str | None = None
) -> dict[str, object]:
    """The receipt of a call for the case file, without any value: for the caller's department and auditors.

    The case number is told to the department whose case it is, and to nobody else.
    """
    node = node.of_shard(shard)
    body = seen(node, actor, index)
    members = decode_strict(body)
    mine = members.get("consumer") == actor.department
    # A call is never sealed: reviews read the log, and ask no department.
    if members["kind"] != "call" or not (mine or actor.has(Role.AUDITOR)):
        raise nothing_at(node, actor, index)
    opening = node.shown.open_disclosure(index, "case") if mine else None
    record_read(node, actor, "log.receipt-read", {"read": index})
    return {
        "index": index,
        "told": tell_entry(members, names=node.live.load()),
        "case_number": None if opening is None else opening.value,
        "proof": proof_of(node, index),
        "vkey": node.shown_keys[0].key.vkey,
    }
