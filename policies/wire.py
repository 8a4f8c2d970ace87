"""The one gate that every engine's answer passes before it counts as a decision."""

from typing import Any

import msgspec

from policies.engine import UndecidedError
from policies.model import (
    DECISION_SCHEMA,
    Decision,
    ItemVerdicts,
    Question,
    RequestFacts,
    Verdict,
)


def accept(raw: Any, question: Question, *, revision: str, expires: int) -> Decision:
    """Return `raw` as the decision on `question`, or raise UndecidedError.

    `raw` is what an engine answered, as plain JSON values. `revision` and `expires` are those of the
    bundle that was loaded: an answer under another bundle, or after the expiry, is no answer.
    """
    if question.now >= expires:
        raise UndecidedError(f"the policy expired at {expires}; the question is of {question.now}")
    try:
        decision = msgspec.convert(raw, Decision, strict=True)
    except msgspec.ValidationError as error:
        raise UndecidedError(f"the answer is no {DECISION_SCHEMA}: {error}") from error
    _check_origin(decision, revision=revision, expires=expires)
    asked = {request.ref: request for request in question.requests}
    if len(asked) != len(question.requests):
        raise UndecidedError("two requests of the question have one ref")
    if decision.resources.keys() != asked.keys():
        missing = len(asked.keys() - decision.resources.keys())
        foreign = len(decision.resources.keys() - asked.keys())
        raise UndecidedError(
            f"{missing} requests without a verdict, {foreign} verdicts not asked for"
        )
    for ref, verdict in decision.resources.items():
        _check_verdict(verdict, asked[ref])
    allowed = [verdict.allow for verdict in decision.resources.values()]
    if decision.allow and not (allowed and all(allowed)):
        raise UndecidedError("the decision permits the operation but not each of its requests")
    if any(allowed) and decision.valid_until <= question.now:
        raise UndecidedError("the decision permits something and is not valid any more")
    return decision


def _check_origin(decision: Decision, *, revision: str, expires: int) -> None:
    if decision.schema != DECISION_SCHEMA:
        raise UndecidedError(f"another schema than {DECISION_SCHEMA}")
    if decision.revision != revision:
        raise UndecidedError(f"decided under another revision than {revision}")
    if decision.expires != expires:
        raise UndecidedError(f"decided under a policy of another expiry than {expires}")
    if decision.valid_until > expires:
        raise UndecidedError(
            f"the decision claims to be valid beyond the policy's expiry {expires}"
        )


def _check_verdict(verdict: Verdict, request: RequestFacts) -> None:
    if verdict.resource != request.resource:
        raise UndecidedError(f"the verdict on {request.ref} speaks of another resource")
    if not verdict.reasons:
        raise UndecidedError(f"the verdict on {request.ref} has no reason")
    if verdict.allow:
        _check_permit(verdict, request)
    elif (
        verdict.items is not None
        or verdict.row_filter is not None
        or verdict.max_rows is not None
        or verdict.grant is not None
        or verdict.obligations
    ):
        raise UndecidedError(f"the refusal of {request.ref} carries parts of a permit")


def _check_permit(verdict: Verdict, request: RequestFacts) -> None:
    # A part that the policy could not compute is absent; an absent filter must never read as none.
    if (
        verdict.grant is None
        or verdict.items is None
        or verdict.row_filter is None
        or verdict.max_rows is None
    ):
        raise UndecidedError(f"the permit of {request.ref} lacks grant, items, filter or row limit")
    if not 0 <= verdict.max_rows <= request.limit:
        raise UndecidedError(f"the permit of {request.ref} gives more rows than were asked for")
    _check_items(verdict.items, request)


def _check_items(items: ItemVerdicts, request: RequestFacts) -> None:
    asked = set(request.items)
    ruled = [*items.allowed, *items.masked, *items.denied]
    if len(ruled) != len(set(ruled)):
        raise UndecidedError(f"an item of {request.ref} has two verdicts")
    if not asked.issuperset({*items.allowed, *items.masked}):
        raise UndecidedError(f"the permit of {request.ref} gives items that were not asked for")
    if not asked.issubset(ruled):
        raise UndecidedError(f"an item of {request.ref} has no verdict")
