"""How the outcome of a step is named: the same words in the answer, the entry and the search."""

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from gateway.model import Failed, Masked, Outcome, Refused

ITEMS_NONE = "ITEMS_NONE"
"""Code of a step of whose items none may be given."""


class VerificationResult(StrEnum):
    """Results of a verify step. Only a department that did not answer leaves it *undetermined*."""

    MATCH = "MATCH"
    MISMATCH = "MISMATCH"
    NOT_FOUND = "NOT_FOUND"
    NOT_VALID = "NOT_VALID"
    UNDETERMINED = "UNDETERMINED"


def outcome_of(outcome: Outcome) -> str:
    """Return `given`, `partly-given`, `disputed`, `not-found`, `refused` or `unavailable`.

    A masked item is given as the grant has it; only a denied one makes the step partly given.
    """
    if not isinstance(outcome, Masked):
        return "refused" if isinstance(outcome, Refused) else "unavailable"
    if outcome.disputed:
        return "disputed"
    if outcome.verified is not None:
        return "not-found" if outcome.verified == VerificationResult.NOT_FOUND else "given"
    if not outcome.rows:
        return "not-found"
    items = outcome.permitted.verdict.items
    lacking = outcome.unread or (items is not None and items.denied)
    return "partly-given" if lacking else "given"


def code_of(outcome: Outcome) -> str | None:
    """Return why nothing was given; None where the step was answered."""
    match outcome:
        case Refused() | Failed():
            return outcome.code
        case Masked():
            return None
        case _:
            assert_never(outcome)


def denied_items(outcome: Outcome) -> dict[str, str]:
    """Return the items that were asked and not given, with the code of each.

    A step that was refused for its items alone names them all; the code of any other refusal speaks of the
    whole step, and one that was not answered denied nothing.
    """
    match outcome:
        case Masked():
            items = outcome.permitted.verdict.items
            return dict(items.denied) if items is not None else {}
        case Refused(code=code) if code == ITEMS_NONE:
            return _none_given(outcome)
        case Refused() | Failed():
            return {}
        case _:
            assert_never(outcome)


def _none_given(outcome: Refused) -> dict[str, str]:
    """Return why each item of a step is not given; one that the decision does not explain has its code."""
    reasons = outcome.verdict.reasons if outcome.verdict is not None else []
    details = [reason.detail for reason in reasons if reason.code == ITEMS_NONE]
    told = [
        detail["items"] for detail in details if isinstance(detail, Mapping) and "items" in detail
    ]
    said: Mapping[str, object] = told[0] if told and isinstance(told[0], Mapping) else {}
    codes = {item.name: said.get(item.name) for item in outcome.step.items}
    return {name: code if isinstance(code, str) else ITEMS_NONE for name, code in codes.items()}


def masked_items(outcome: Masked) -> dict[str, str]:
    """Return the items given behind a mask, with the mask of each."""
    items = outcome.permitted.verdict.items
    return dict(items.masked) if items is not None else {}
