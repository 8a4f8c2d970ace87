"""Acts on the revisions of an entry: its history, what differs, and an older one restored."""

from dataclasses import asdict

from catalogue.differences import differences, member_name
from catalogue.lifecycle import OWN_STATES, Registration
from catalogue.model import Actor, Resource
from catalogue.revisions import Revision, revision_id
from catalogue.rows import RESOURCE, REVISION, WITHDRAWAL
from catalogue.withdrawals import Withdrawal
from exchange.acts.listing import Told
from exchange.acts.register import ActError, act
from exchange.node import Node

MOST_NEWS = 500


@act("resource.history")
def history(node: Node, actor: Actor, *, code: str) -> Told:
    """The announced revisions of an entry, newest first, each with how much differs from the one before."""
    held = _seen(node, actor, code)
    found = _revisions(node, code)
    rows = []
    for place, one in enumerate(found):
        before = found[place + 1].content if place + 1 < len(found) else None
        rows.append(
            {
                "revision": one.revision,
                "announced_at": one.announced_at.isoformat(),
                "restored_from": one.restored_from,
                "changes": None if before is None else len(differences(before, one.content)),
                "entry": node.index_of(node.ledger.rows()[REVISION.table, one.id][0]),
            }
        )
    return {
        "code": code,
        "name": held.resource.name,
        "state": held.resource.state,
        "revision": held.resource.revision,
        "rows": rows,
    }


@act("resource.diff")
def diff(
    node: Node, actor: Actor, *, code: str, older: int | None = None, newer: int | None = None
) -> Told:
    """What differs between two revisions, member by member and item by item.

    `newer` None is the entry as it stands, a draft for its own department alone; `older` None is the revision
    announced before that.
    """
    held = _seen(node, actor, code)
    own = held.resource.department == actor.department
    standing = held.latest.resource if own else held.resource
    after = standing if newer is None else _content(node, code, newer)
    if older is None:
        earlier = [one for one in _revisions(node, code) if one.revision < after.revision]
        if not earlier:
            raise ActError("NOT_FOUND", f"no revision of {code} before {after.revision}")
        before = earlier[0].content
    else:
        before = _content(node, code, older)
    return {
        "code": code,
        "older": before.revision,
        "newer": after.revision,
        "changes": [
            asdict(one)
            | {
                "words": {
                    language: member_name(one.member, language=language)
                    for language in ("zh", "en")
                }
            }
            for one in differences(before, after)
        ],
    }


@act("resource.restore")
def restore(node: Node, actor: Actor, *, code: str, revision: int) -> dict[str, object]:
    """Draft an older revision's content anew; announced again, it is a new revision."""
    held = node.registry.restore_resource(code, revision, by=actor)
    return {"code": held.code, "revision": held.revision, "state": held.state}


@act("catalogue.feed")
def feed(node: Node, actor: Actor, *, first: int = 50) -> list[Told]:  # noqa: ARG001 - any officer
    """What was announced, revised and withdrawn last, newest first; at most 500."""
    return news(node, first=first)


def news(node: Node, *, first: int) -> list[Told]:
    """Return the newest announcements and withdrawals of the catalogue."""
    rows = node.ledger.rows()
    told = [
        (one.announced_at, _announced(one, entry=node.index_of(rows[REVISION.table, one.id][0])))
        for one in node.held(REVISION).values()
    ]
    told += [
        (one.withdrawn_at, _withdrawn(one, entry=node.index_of(rows[WITHDRAWAL.table, one.id][0])))
        for one in node.held(WITHDRAWAL).values()
    ]
    told.sort(key=lambda one: (one[0], one[1]["entry"] or 0), reverse=True)
    return [one | {"at": at.isoformat()} for at, one in told[: min(max(first, 1), MOST_NEWS)]]


def _announced(held: Revision, *, entry: int | None) -> Told:
    content = held.content
    return {
        "kind": "announced" if held.revision == 1 else "revised",
        "resource": held.resource,
        "revision": held.revision,
        "name": content.name,
        "name_en": content.name_en,
        "department": content.department,
        "class": content.sharing_class.value,
        "abstract": content.abstract,
        "restored_from": held.restored_from,
        "entry": entry,
    }


def _withdrawn(held: Withdrawal, *, entry: int | None) -> Told:
    return {
        "kind": "withdrawn",
        "resource": held.resource,
        "revision": held.revision,
        "name": held.name,
        "name_en": "",
        "department": held.department,
        "class": None,
        "abstract": "",
        "restored_from": None,
        "entry": entry,
    }


def _seen(node: Node, actor: Actor, code: str) -> Registration:
    held = node.held(RESOURCE).get(code)
    own = held is not None and held.resource.department == actor.department
    if held is None or (held.resource.state in OWN_STATES and held.before is None and not own):
        raise ActError("NOT_FOUND", f"no entry {code}")
    if (
        not own
        and held.resource.state not in {"announced", "withdrawn"}
        and held.before is not None
    ):
        # What is being revised is its department's own; the others see what was announced last.
        return Registration(resource=held.before, drafted_by=held.drafted_by)
    return held


def _revisions(node: Node, code: str) -> list[Revision]:
    found = [one for one in node.held(REVISION).values() if one.resource == code]
    return sorted(found, key=lambda one: one.revision, reverse=True)


def _content(node: Node, code: str, number: int) -> Resource:
    held = node.held(REVISION).get(revision_id(code, number))
    if held is None:
        raise ActError("NOT_FOUND", f"no revision {number} of {code}")
    return held.content
