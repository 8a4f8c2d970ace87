"""The act that writes a review's report: what was looked at and found, with all that proves it."""

from collections.abc import Iterator, Mapping
from typing import Any

from audit.canonical import b64, decode_strict
from audit.checkpoint import parse_checkpoint
from audit.evidence import Evidence, Shown, pack_evidence
from audit.note import parse_note
from audit.search import MOST, search
from audit.wanted import Position, Wanted
from catalogue.errors import StateError
from catalogue.model import Actor, Role
from catalogue.reviews import Review, ReviewState
from catalogue.rows import IDENTITY_OPENING, REVIEW_QUESTION, REVIEW_SAMPLE, REVIEW_VERDICT
from exchange.acts.bundling import OPENED, checkpoint_over, openings_of, policies_of, stamp_of
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.reviews import (
    need,
    of_review,
    opening_told,
    question_told,
    sample_told,
    shard_of,
    told,
    verdict_told,
)
from exchange.node import Node

Told = dict[str, Any]

OWN = (
    "review.proposed",
    "review.opened",
    "review.sampled",
    "review.identity-asked",
    "review.identity-confirmed",
    "review.identity-opened",
    "review.asked",
    "review.answered",
    "review.judged",
    "review.closed",
)
"""Kinds of the review's own entries, of which the report encloses all."""

_TEXTS = (
    "seed_words",
    "document",
    "reason",
    "conclusion",
    "question_text",
    "answer_text",
    "finding",
)
"""What is opened of them: words of the review, and nobody's identity."""


@act("review.report")
def report(node: Node, actor: Actor, *, review: str) -> Told:
    """The report as a self-contained evidence bundle, for its officers and auditors; taking it is an entry.

    Enclosed are the review's own entries with their texts, and each entry that was drawn or judged.
    Identities stay closed: that some were opened, why and by whom stands in it, and not what they were.
    """
    held = need(node, actor, review)
    node = shard_of(node, held)
    if not (held.serves(actor.id) or actor.has(Role.AUDITOR)):
        raise ActError("ROLE_MISSING", "an officer of the review or an auditor needed")
    if held.state is not ReviewState.CLOSED and not held.runs(node.ports.now()):
        raise StateError("the review neither runs nor was closed", code="REVIEW_STATE")
    record_read(node, actor, "review.report-taken", {"review": held.id}, sealed=held.sealed)
    said = _said(node, held, actor)
    asked = {index for one in said["samples"] for index in one["drawn"]}
    asked |= {one["about"] for one in said["verdicts"]}
    own = set(_own(node, held))
    enclosed = sorted(asked | own)
    note = checkpoint_over(node, enclosed[-1])
    size = parse_checkpoint(parse_note(note).text).size
    found = {index: decode_strict(node.shown.entry(index)) for index in enclosed}
    policies, without = policies_of(node, found.values())
    packed = pack_evidence(
        Evidence(
            about={"review": said},
            checkpoint=note,
            entries=[
                _shown(node, index, members, size=size, asked=index in asked)
                for index, members in found.items()
            ],
            lists=[],
            policies=policies,
            token=stamp_of(node, size),
        )
    )
    return {
        "report": said,
        "bundle": b64(packed),
        "entries": sorted(asked),
        "enclosed": len(enclosed),
        "without_policy": without,
        "size": size,
    }


def _said(node: Node, review: Review, actor: Actor) -> Told:
    """What the report says in words and codes; each row names the entry that vouches for it."""
    said = told(node, review, actor)
    for reader in ("named_cases", "mine", "runs"):
        del said[reader]
    return said | {
        "samples": [sample_told(node, one) for one in of_review(node, REVIEW_SAMPLE, review.id)],
        "verdicts": [verdict_told(node, one) for one in of_review(node, REVIEW_VERDICT, review.id)],
        "openings": [
            opening_told(node, one) for one in of_review(node, IDENTITY_OPENING, review.id)
        ],
        "questions": [
            question_told(node, one) for one in of_review(node, REVIEW_QUESTION, review.id)
        ],
    }


def _own(node: Node, review: Review) -> Iterator[int]:
    """Yield the indexes of the review's own entries."""
    for kind in OWN:
        after: Position | None = None
        while True:
            page = search(
                node.indexed,
                Wanted(kind=kind, since=review.proposed_at),
                token=node.vault.token,
                first=MOST,
                after=after,
            )
            for row in page.rows:
                members = decode_strict(node.shown.entry(row.index))
                if members.get("facts", {}).get("review") == review.id:
                    yield row.index
            after = page.next
            if after is None:
                break


def _shown(node: Node, index: int, members: Mapping[str, Any], *, size: int, asked: bool) -> Shown:
    held = openings_of(node, index, members)
    names = held.keys() & set(OPENED if asked else _TEXTS)
    return Shown(
        index=index,
        body=node.shown.entry(index),
        proof=node.shown.prove(index, size),
        openings={name: held[name] for name in sorted(names)},
        asked=asked,
    )
