"""All or nothing (`Exchange-Partial: deny`): where one part of an answer cannot be given, no part is.

A record that was looked for and not found is an answer; a refused step, a department that is down and an
item that may not be given are none. What could have been given is then refused with a code of its own, so
that the entry says of each part whether it or another one stood in the way.
"""

from collections.abc import Sequence

from gateway.model import Masked, Outcome, Permitted, Refused, Ruling

PARTIAL_DENIED = "PARTIAL_DENIED"


def whole_rulings(rulings: Sequence[Ruling]) -> tuple[Ruling, ...]:
    """Permit everything that was permitted, or nothing: then no source is asked."""
    if all(isinstance(ruling, Permitted) and not _lacks(ruling) for ruling in rulings):
        return tuple(rulings)
    return tuple(
        Refused(ruling.step, PARTIAL_DENIED, ruling.verdict)
        if isinstance(ruling, Permitted)
        else ruling
        for ruling in rulings
    )


def whole_outcomes(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Give everything that can be given, or nothing."""
    if all(
        isinstance(outcome, Masked) and not outcome.unread and not _lacks(outcome.permitted)
        for outcome in outcomes
    ):
        return tuple(outcomes)
    return tuple(
        Refused(outcome.permitted.step, PARTIAL_DENIED, outcome.permitted.verdict)
        if isinstance(outcome, Masked)
        else outcome
        for outcome in outcomes
    )


def _lacks(permitted: Permitted) -> bool:
    """Say whether an item that was asked for is not given."""
    items = permitted.verdict.items
    asked = {item.name for item in permitted.step.items}
    return items is None or bool(asked & set(items.denied))
