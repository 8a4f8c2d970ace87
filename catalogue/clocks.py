"""The clocks of a request: form check, answer, delivery; what is due by when, and what is late."""

from datetime import datetime
from enum import StrEnum

from catalogue.model import SharingClass
from catalogue.requested import RequestState, SharingRequest
from catalogue.rules import FORM_CHECK
from catalogue.statutes import Clock, Statutes

ANSWERABLE = frozenset(
    {
        RequestState.SUBMITTED,
        RequestState.ACCEPTED,
        RequestState.TRANSFERRED,
        RequestState.OVERDUE,
    }
)
"""States in which the provider has to answer."""
AGREED = frozenset({RequestState.AGREED, RequestState.PARTLY_AGREED, RequestState.DELIVERED})
UNDELIVERED = frozenset({RequestState.AGREED, RequestState.PARTLY_AGREED})
OPEN = ANSWERABLE | {RequestState.CHECKING, RequestState.SUPPLEMENT}
"""States in which somebody else than the requesting department's own people is expected to act."""


class Stage(StrEnum):
    """What a running clock of a request waits for."""

    FORM_CHECK = "form-check"
    ANSWER = "answer"
    DELIVERY = "delivery"


def running(
    request: SharingRequest, sharing_class: SharingClass, law: Statutes
) -> tuple[Stage, Clock] | None:
    """Return the clock that runs or stands for a request; None: none does."""
    way = request.way
    if request.state is RequestState.CHECKING and request.signed_by and way.received_at:
        return Stage.FORM_CHECK, law.clock(FORM_CHECK, since=way.received_at)
    if request.state in ANSWERABLE or request.state is RequestState.SUPPLEMENT:
        clock = answer_clock(request, sharing_class, law)
        return None if clock is None else (Stage.ANSWER, clock)
    if request.state in UNDELIVERED:
        clock = delivery_clock(request, law)
        return None if clock is None else (Stage.DELIVERY, clock)
    return None


def answer_clock(
    request: SharingRequest, sharing_class: SharingClass, law: Statutes
) -> Clock | None:
    """Return the provider's clock, also of a request that was answered; None: it never began.

    It stands while supplements are asked for, goes on through a transfer, and has more days only by an
    extension that the authority consented to.
    """
    way = request.way
    if way.received_at is None or request.state is RequestState.CHECKING:
        return None
    opened = sharing_class is SharingClass.UNCONDITIONAL
    asked, given = way.asked, way.given
    longer = way.extension
    return law.clock(
        "request.answer-open" if opened else "request.answer",
        since=way.received_at,
        more=longer.days if longer is not None and longer.consented else 0,
        pause=None if asked is None else (asked.at, None if given is None else given.at),
    )


def delivery_clock(request: SharingRequest, law: Statutes) -> Clock | None:
    """Return the clock from the agreement to the first call that is answered; None: nothing was agreed."""
    decided = request.way.decided_at
    if decided is None or request.state not in AGREED | {RequestState.ENDED}:
        return None
    return law.clock("request.delivery", since=decided)


def answered_late(
    request: SharingRequest, sharing_class: SharingClass, law: Statutes, *, at: datetime
) -> bool:
    """Whether the provider's answer is, or was, late."""
    clock = answer_clock(request, sharing_class, law)
    if clock is None:
        return False
    if request.state in ANSWERABLE:
        return clock.passed(at)
    decided = request.way.decided_at
    return decided is not None and clock.passed(decided)


def delivered_late(request: SharingRequest, law: Statutes, *, at: datetime) -> bool:
    """Whether nothing was delivered in time."""
    clock = delivery_clock(request, law)
    if clock is None:
        return False
    delivered = request.way.delivered_at
    ended = request.way.ended
    until = delivered or (ended.at if ended is not None else at)
    return clock.passed(until)
