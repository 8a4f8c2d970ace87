"""Says who may see which entry of the log; what is not somebody's is as if it were not there.

An auditor sees every entry, and identities in none; a department what it asked or did, and of others' calls
and acts what concerns it. An entry made under a sealed review is a number to all but its maker.
"""

from collections.abc import Mapping
from typing import Any

from audit.canonical import decode_strict
from audit.errors import ProofError
from audit.store import StoredIndexRow
from catalogue.model import Actor, Role
from exchange.acts.recording import record_read
from exchange.acts.register import ActError
from exchange.node import Node

CONCERNED = ("provider", "consumer", "department")
"""Facts of an act that name a department whom it concerns."""


def seen(node: Node, actor: Actor, index: int) -> bytes:
    """Return an entry that the actor may see. One that is not theirs is as if it were not there.

    Raises ActError NOT_FOUND, after recording that somebody looked there.
    """
    try:
        body = node.log.entry(index)
    except ProofError as error:
        raise nothing_at(node, actor, index) from error
    members = decode_strict(body)
    if actor.has(Role.AUDITOR) or actor.department in concerned(members):
        return body
    raise nothing_at(node, actor, index)


def concerned(members: Mapping[str, Any]) -> set[str]:
    """Return the departments that an entry concerns: who asked or acted, who was asked, whom an act names."""
    facts = members.get("facts", {})
    named = [members.get("consumer"), members.get("department")]
    named += [step["provider"] for step in members.get("steps", [])]
    named += [facts.get(name) for name in CONCERNED]
    return {str(one) for one in named if one}


def closed_to(node: Node, actor: Actor, index: int, members: Mapping[str, Any]) -> bool:
    """Whether an entry was made under a sealed review by somebody else: only its number is told then."""
    if members.get("sealed") is not True:
        return False
    opening = node.log.open_disclosure(index, "officer")
    return opening is None or opening.value != actor.id


def closed_row(node: Node, actor: Actor, row: StoredIndexRow) -> bool:
    """Say the same of a row of the search."""
    return row.sealed and row.officer != node.vault.token("officer", actor.id)


def nothing_at(node: Node, actor: Actor, index: int) -> ActError:
    """Record that somebody looked where nothing is for them; an auditor sees who tries."""
    record_read(node, actor, "log.entry-refused", {"read": index})
    return ActError("NOT_FOUND", f"no entry {index} of your department")


def scope_of(actor: Actor, department: str | None) -> str | None:
    """Return the department to which a search is bounded; None: an auditor searches all.

    Raises ActError ROLE_MISSING where somebody else asks for another department's.
    """
    if actor.has(Role.AUDITOR):
        return department
    if department not in {None, actor.department}:
        raise ActError("ROLE_MISSING", "only an auditor searches another department's calls")
    return actor.department
