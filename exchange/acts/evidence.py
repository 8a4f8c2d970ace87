"""Acts on the log: searching it, proving entries, checking it and the registry; each is itself an entry."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from audit.canonical import b64, decode_strict
from audit.checkpoint import parse_checkpoint
from audit.entry import Commit, Draft, IndexRow
from audit.errors import ProofError
from audit.fsck import Finding, check_log, check_registry
from audit.merkle import leaf_hash
from audit.note import parse_note
from audit.receipt import InclusionProof, format_proof
from audit.search import MOST, Wanted, search
from audit.sqlstore import SqlStore
from audit.startup import check_seal, read_guard
from catalogue import store
from catalogue.codes import normalise_subject
from catalogue.model import Actor, Role, SubjectType
from exchange.acts.reading import sees_whole, tell_brief, tell_entry
from exchange.acts.register import ActError, act
from exchange.ledger import append_spending
from exchange.node import Node


@act("audit.search")
def search_log(  # noqa: PLR0913 - the facets of a search
    node: Node,
    actor: Actor,
    *,
    case: str | None = None,
    department: str | None = None,
    resource: str | None = None,
    system: str | None = None,
    decision: str | None = None,
    code: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    subject: list[str] | None = None,
    first: int = 20,
    after: list[int] | None = None,
) -> dict[str, object]:
    """Entries newest first. A department sees what it asked and what was asked of it; an auditor all.

    `subject` is (type, identifier); `after` what the page before gave as `next`.
    """
    scope = _scope(actor, department)
    wanted = Wanted(
        case=case,
        department=scope,
        resource=resource,
        system=system,
        decision=decision,
        code=code,
        kind=kind,
        since=since,
        until=until,
        subject=_subject(subject),
    )
    # Recorded first: what an auditor looks for is itself looked at.
    _record(
        node,
        actor,
        "log.searched",
        {"facets": sorted(_facets(wanted)), "first": first},
        private={"wanted": [case or "", *(subject or [])]},
    )
    place = (after[0], after[1]) if after and len(after) == 2 else None
    page = search(node.databases.log, wanted, token=node.vault.token, first=first, after=place)
    return {
        "entries": [
            {
                "index": row.index,
                "step": row.step,
                "at": datetime.fromtimestamp(row.ts / 1000, UTC).isoformat(timespec="seconds"),
                "kind": row.kind,
                "consumer": row.consumer,
                "system": row.system,
                "provider": row.provider,
                "resource": row.resource,
                "matter": row.matter,
                "decision": row.decision,
                "code": row.code,
            }
            for row in page.rows
        ],
        "next": list(page.next) if page.next else None,
    }


@act("audit.show")
def show(node: Node, actor: Actor, *, index: int) -> dict[str, object]:
    """One entry with its proof. Identities stay closed: opening them is a review's act.

    A department that was asked, and did not ask, is told its own steps: `entry` and `raw` are None then, and
    the proof begins at `leaf`, the hash of bytes that only the caller's department and auditors see whole.
    """
    body = _seen(node, actor, index)
    members = decode_strict(body)
    department = None if actor.has(Role.AUDITOR) else actor.department
    whole = sees_whole(members, department)
    _record(node, actor, "log.entry-read", {"read": index})
    return {
        "index": index,
        "entry": members if whole else None,
        "told": tell_entry(members, names=node.live.load(), department=department),
        "raw": body.decode() if whole else None,
        "leaf": b64(leaf_hash(body)),
        "proof": _proof(node, index),
        "vkey": node.vkey,
    }


@act("audit.prove")
def prove(node: Node, actor: Actor, *, index: int) -> dict[str, object]:
    """The inclusion proof of an entry, also as a C2SP `.tlog-proof` file."""
    _seen(node, actor, index)
    _record(node, actor, "log.entry-proven", {"read": index})
    return _proof(node, index)


@act("audit.case")
def show_case(
    node: Node, actor: Actor, *, number: str, after: list[int] | None = None
) -> dict[str, object]:
    """All calls and acts of one case in the order in which they happened, the newest page first.

    A department sees what it asked and, of others' calls, its own steps; an auditor all.
    """
    scope = _scope(actor, None)
    _record(node, actor, "log.case-read", {}, private={"wanted": [number]})
    wanted = Wanted(case=number, department=scope)
    place = (after[0], after[1]) if after and len(after) == 2 else None
    page = search(node.databases.log, wanted, token=node.vault.token, first=MOST, after=place)
    indexes = sorted({row.index for row in page.rows})
    if page.next is not None and len(indexes) > 1:
        # The oldest entry of the page may continue on the next one, so it is told there as a whole.
        page = replace(page, next=(indexes.pop(0) + 1, 0))
    names = node.live.load()
    return {
        "number": number,
        "entries": [
            {"index": index}
            | tell_brief(decode_strict(node.log.entry(index)), names=names, department=scope)
            for index in indexes
        ],
        "next": list(page.next) if page.next else None,
    }


@act("receipt.show")
def show_receipt(node: Node, actor: Actor, *, index: int) -> dict[str, object]:
    """The receipt of a call for the case file, without any value: for the caller's department and auditors.

    The case number is told to the department whose case it is, and to nobody else.
    """
    body = _seen(node, actor, index)
    members = decode_strict(body)
    mine = members.get("consumer") == actor.department
    if members["kind"] != "call" or not (mine or actor.has(Role.AUDITOR)):
        raise _nothing_at(node, actor, index)
    opening = node.log.open_disclosure(index, "case") if mine else None
    _record(node, actor, "log.receipt-read", {"read": index})
    return {
        "index": index,
        "told": tell_entry(members, names=node.live.load()),
        "case_number": None if opening is None else opening.value,
        "proof": _proof(node, index),
        "vkey": node.vkey,
    }


@act("audit.verify-log")
def verify_log(node: Node, actor: Actor) -> dict[str, object]:
    """Hash every stored entry again, up to the signed head; name what is wrong."""
    _require_auditor(actor)
    checkpoints = [
        parse_checkpoint(parse_note(note).text)
        for note in (node.log.checkpoint, read_guard(node.settings.home / "run" / "guard"))
        if note
    ]
    findings = check_log(
        SqlStore(node.databases.log),
        check_head=lambda head: check_seal(head, node.keys.seal),
        checkpoints=checkpoints,
    )
    size = node.log.size
    _record(node, actor, "log.verified", {"size": size, "findings": len(findings)})
    return {"size": size, "holds": not findings, "findings": _told(findings)}


@act("audit.fsck-registry")
def fsck_registry(node: Node, actor: Actor) -> dict[str, object]:
    """Compare every protected row of the registry with the digest that the log recorded."""
    _require_auditor(actor)
    recorded = node.ledger.rows()
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        present = store.row_digests(connection)
    findings = check_registry(recorded, present)
    _record(node, actor, "registry.verified", {"rows": len(present), "findings": len(findings)})
    return {"rows": len(present), "holds": not findings, "findings": _told(findings)}


def _proof(node: Node, index: int) -> dict[str, object]:
    held = node.log.receipt_of(index)
    file = format_proof(InclusionProof(index=index, proof=held.proof, checkpoint=held.checkpoint))
    return {
        "index": index,
        "size": held.size,
        "hashes": [b64(one) for one in held.proof],
        "checkpoint": held.checkpoint,
        "tlog_proof": file,
    }


def _seen(node: Node, actor: Actor, index: int) -> bytes:
    """Return an entry that the actor may see. One that is not theirs is as if it were not there."""
    try:
        body = node.log.entry(index)
    except ProofError as error:
        raise _nothing_at(node, actor, index) from error
    if actor.has(Role.AUDITOR):
        return body
    members = decode_strict(body)
    concerned = {step["provider"] for step in members.get("steps", [])}
    concerned |= {members.get("department"), members.get("consumer")}
    if actor.department not in concerned:
        raise _nothing_at(node, actor, index)
    return body


def _nothing_at(node: Node, actor: Actor, index: int) -> ActError:
    """Record that somebody looked where nothing is for them; an auditor sees who tries."""
    _record(node, actor, "log.entry-refused", {"read": index})
    return ActError("NOT_FOUND", f"no entry {index} of your department")


def _scope(actor: Actor, department: str | None) -> str | None:
    if actor.has(Role.AUDITOR):
        return department
    if department not in {None, actor.department}:
        raise ActError("ROLE_MISSING", "only an auditor searches another department's calls")
    return actor.department


def _require_auditor(actor: Actor) -> None:
    if not actor.has(Role.AUDITOR):
        raise ActError("ROLE_MISSING", "an auditor needed")


def _subject(given: list[str] | None) -> tuple[str, str] | None:
    if given is None:
        return None
    if len(given) != 2:
        raise ActError("ACT_ARGUMENTS", "subject needs a type and an identifier")
    kind = SubjectType(given[0])
    return kind.value, normalise_subject(kind, given[1])


def _facets(wanted: Wanted) -> list[str]:
    facets = ("case", "department", "resource", "system", "decision", "code", "kind", "subject")
    return [name for name in (*facets, "since", "until") if getattr(wanted, name) is not None]


def _told(findings: list[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "what": finding.what.value,
            "where": finding.where,
            "index": finding.index,
            "detail": finding.detail,
        }
        for finding in findings
    ]


def _record(
    node: Node,
    actor: Actor,
    kind: str,
    facts: dict[str, Any],
    *,
    private: dict[str, Any] | None = None,
) -> None:
    commits = [Commit(name="officer", value=actor.id)]
    commits += [Commit(name=name, value=value) for name, value in (private or {}).items()]
    append_spending(
        node.log,
        Draft(
            kind=kind,
            clear={"department": actor.department, "auth": actor.auth, "facts": facts},
            commits=tuple(commits),
            index=(IndexRow(consumer=actor.department, officer=actor.id),),
        ),
    )
