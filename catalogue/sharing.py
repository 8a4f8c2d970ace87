"""From request to grant and to its end. Decides only."""

from dataclasses import dataclass, replace
from datetime import datetime

from catalogue.clocks import ANSWERABLE, OPEN, answer_clock
from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.granted import Grant
from catalogue.lifecycle import require_decider, require_other
from catalogue.model import Actor, Resource, Role, SharingClass
from catalogue.requested import Course, Extension, Move, RequestState, Said, SharingRequest
from catalogue.statutes import Statutes
from catalogue.terms import LISTED_MOST, Sides, Terms, draw_up, gives_less

AUTOMATIC = "rule:unconditional"
"""Stands as the decider where the law itself decides: unconditional data is granted on request."""


def ask(request: SharingRequest, resource: Resource, *, by: Actor) -> SharingRequest:
    """Return the request as a draft of the acting officer, to be signed off by a second one."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=request.department)
    _require_askable(resource)
    return replace(
        request,
        state=RequestState.DRAFT,
        created_by=officer.id,
        signed_by=None,
        decided_by=None,
        refusal="",
    )


def revise(
    held: SharingRequest, wanted: SharingRequest, resource: Resource, *, by: Actor
) -> SharingRequest:
    """Return a draft, or one that the head gave back, with other contents; it waits for the head again.

    Whoever revised it last is its author: they do not sign it off.
    """
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=held.department)
    _require_state(held, RequestState.DRAFT, RequestState.RETURNED)
    _require_askable(resource)
    return replace(
        wanted,
        id=held.id,
        department=held.department,
        created_by=officer.id,
        created_at=held.created_at,
        state=RequestState.DRAFT,
        course=replace(held.way, volume=wanted.way.volume),
    )


def give_back(request: SharingRequest, *, by: Actor, at: datetime, reasons: str) -> SharingRequest:
    """Give a request back to whoever drafted it, with every reason at once.

    The head of the requesting department does that with a draft, the authority in the form check.
    """
    if request.state is RequestState.CHECKING:
        officer = require_decider(by, Role.AUTHORITY)
        require_other(officer, request.created_by, request.signed_by)
    else:
        officer = require_decider(by, Role.HEAD, department=request.department)
    _require_state(request, RequestState.DRAFT, RequestState.CHECKING)
    said = _said(officer.id, at, reasons, needed=Flaw("the reasons why it is given back"))
    way = replace(request.way, returned=said, received_at=None)
    return replace(request, state=RequestState.RETURNED, signed_by=None, course=way)


def sign(
    request: SharingRequest, *, by: Actor, at: datetime | None = None, checked: bool = False
) -> SharingRequest:
    """Sign a colleague's draft off. `checked` says that the authority checks its form first."""
    officer = require_decider(by, Role.HEAD, department=request.department)
    require_other(officer, request.created_by)
    _require_state(request, RequestState.DRAFT)
    return replace(
        request,
        state=RequestState.CHECKING if checked else RequestState.SUBMITTED,
        signed_by=officer.id,
        course=request.course if at is None else replace(request.way, received_at=at),
    )


def pass_form(request: SharingRequest, *, by: Actor, at: datetime) -> SharingRequest:
    """The authority found its form in order: it goes to the provider, whose clock begins."""
    officer = require_decider(by, Role.AUTHORITY)
    require_other(officer, request.created_by, request.signed_by)
    _require_state(request, RequestState.CHECKING)
    way = replace(request.way, checked=Said(by=officer.id, at=at), received_at=at)
    return replace(request, state=RequestState.SUBMITTED, course=way)


def accept(
    request: SharingRequest,
    resource: Resource,
    *,
    by: Actor,
    at: datetime,
    acceptance: str,
    contact: str,
) -> SharingRequest:
    """Take a request up under an acceptance number, and name whom the other department can ask."""
    officer = _answering(request, resource, by)
    if request.way.acceptance:
        raise StateError(f"request {request.id} was accepted as {request.way.acceptance} already")
    if not contact.strip():
        raise InvalidError(Flaw("a contact is named: who can be asked, and how"))
    way = replace(
        request.way,
        accepted=Said(by=officer, at=at),
        acceptance=acceptance,
        contact=contact.strip(),
    )
    late = request.state is RequestState.OVERDUE
    return replace(request, state=request.state if late else RequestState.ACCEPTED, course=way)


def withdraw(request: SharingRequest, *, by: Actor, at: datetime, reason: str) -> SharingRequest:
    """Take a request back, as the department that made it, until it is decided."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=request.department)
    _require_state(request, RequestState.DRAFT, RequestState.RETURNED, *sorted(OPEN))
    said = _said(officer.id, at, reason, needed=Flaw("why it is withdrawn"))
    return replace(
        request, state=RequestState.WITHDRAWN, course=replace(request.way, withdrawn=said)
    )


def transfer(
    request: SharingRequest,
    resource: Resource,
    to: Resource,
    *,
    items: tuple[str, ...] | None = None,
    match: tuple[str, ...] | None = None,
    by: Actor,
    at: datetime,
    reason: str,
) -> SharingRequest:
    """Pass a request on to the provider who has the data; the clock goes on as it stood.

    `items` and `match` None keep the names that were asked for: the other resource has to know them.
    """
    if by.has(Role.AUTHORITY):
        officer = require_decider(by, Role.AUTHORITY)
    else:
        officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    _require_state(request, *sorted(ANSWERABLE))
    _require_askable(to)
    if to.department in {resource.department, request.department}:
        raise InvalidError(
            Flaw("a request is passed on to another provider than its own two sides")
        )
    if to.sharing_class is not SharingClass.CONDITIONAL:
        raise InvalidError(
            Flaw("resource {0} is {1}: it needs no decision", to.code, to.sharing_class)
        )
    said = _said(officer.id, at, reason, needed=Flaw("why it is passed on"))
    move = Move(resource=resource.code, provider=resource.department, said=said)
    way = replace(
        request.way,
        moves=(*request.way.moves, move),
        accepted=None,
        acceptance="",
        contact="",
    )
    late = request.state is RequestState.OVERDUE
    return replace(
        request,
        resource=to.code,
        items=request.items if items is None else items,
        match=request.match if match is None else match,
        state=RequestState.OVERDUE if late else RequestState.TRANSFERRED,
        course=way,
    )


def ask_longer(
    request: SharingRequest,
    resource: Resource,
    law: Statutes,
    *,
    days: int,
    by: Actor,
    at: datetime,
    reason: str,
) -> SharingRequest:
    """Ask the authority for more time to answer; without its consent the time stays what it is."""
    officer = _answering(request, resource, by)
    clock = answer_clock(request, resource.sharing_class, law)
    if request.way.extension is not None:
        raise StateError(f"request {request.id}: more time was asked for already")
    if request.state is RequestState.OVERDUE or clock is None or clock.due.passed(at):
        raise StateError(f"request {request.id}: the time to answer is over")
    most = law.rule("request.extension-most", on=at).value
    if not 1 <= days <= most:
        raise InvalidError(Flaw("{0} more working days, 1 to {1} can be asked for", days, most))
    asked = _said(officer, at, reason, needed=Flaw("why more time is needed"))
    way = replace(request.way, extension=Extension(days=days, asked=asked))
    return replace(request, course=way)


def answer_longer(
    request: SharingRequest,
    *,
    consent: bool,
    by: Actor,
    at: datetime,
    text: str = "",
) -> SharingRequest:
    """The authority consents to more time, or does not; nobody of the provider's own may."""
    officer = require_decider(by, Role.AUTHORITY)
    extension = request.way.extension
    if extension is None or extension.answered is not None:
        raise StateError(f"request {request.id}: nobody waits for an answer about more time")
    require_other(officer, request.created_by, request.signed_by, extension.asked.by)
    _require_state(request, *sorted(ANSWERABLE), RequestState.SUPPLEMENT)
    if request.state is RequestState.OVERDUE and consent:
        raise StateError(f"request {request.id}: the time to answer is over")
    if not consent and not text.strip():
        raise InvalidError(Flaw("why no more time is given is said"))
    said = Said(by=officer.id, at=at, text=text.strip())
    way = replace(request.way, extension=replace(extension, answered=said, consented=consent))
    return replace(request, course=way)


def agree(
    request: SharingRequest,
    resource: Resource,
    terms: Terms,
    *,
    by: Actor,
    grant_id: str,
    at: datetime | None = None,
    sides: Sides | None = None,
) -> tuple[SharingRequest, Grant]:
    """The provider's officer agrees; nobody of the requesting chain may."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    return _agreed(
        request, resource, terms, decided_by=officer.id, grant_id=grant_id, at=at, sides=sides
    )


def agree_by_law(
    request: SharingRequest,
    resource: Resource,
    *,
    grant_id: str,
    at: datetime | None = None,
    sides: Sides | None = None,
) -> tuple[SharingRequest, Grant]:
    """Grant unconditional data at once: its form was checked, nobody has a choice (809)."""
    if resource.sharing_class is not SharingClass.UNCONDITIONAL:
        raise StateError(f"resource {resource.code} is {resource.sharing_class}")
    # What anybody may use for their duties is listed in pages as long as a call may ask for.
    terms = Terms(max_rows=LISTED_MOST)
    return _agreed(
        request, resource, terms, decided_by=AUTOMATIC, grant_id=grant_id, at=at, sides=sides
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is refused: in words, by one of REFUSAL_CODES, and by which law."""

    reason: str
    code: str | None = None
    """None where only words are given."""
    legal_basis: str | None = None
    """None where the words name the law themselves."""


REFUSAL_CODES = (
    "BASIS_MISSING",
    "PURPOSE_UNFIT",
    "ITEMS_EXCESSIVE",
    "CONDITION_UNMET",
    "LAW_FORBIDS",
    "DATA_ABSENT",
)
"""A provider chooses from these; a condition of its own making is no reason (809)."""


def refuse(
    request: SharingRequest,
    resource: Resource,
    *,
    by: Actor,
    refusal: Refusal,
    at: datetime | None = None,
) -> SharingRequest:
    officer = _answering(request, resource, by)
    if not refusal.reason.strip():
        raise InvalidError(Flaw("a refusal states its reason and legal basis"))
    if refusal.code is not None and refusal.code not in REFUSAL_CODES:
        raise InvalidError(Flaw("a refusal's code is one of {0}", ", ".join(REFUSAL_CODES)))
    if refusal.code is not None and not (refusal.legal_basis or "").strip():
        raise InvalidError(Flaw("a refusal states its legal basis"))
    return replace(
        request,
        state=RequestState.REFUSED,
        decided_by=officer,
        refusal=refusal.reason,
        refusal_code=refusal.code,
        refusal_basis=refusal.legal_basis,
        course=_decided(request, at),
    )


def ask_once(
    request: SharingRequest,
    resource: Resource,
    *,
    by: Actor,
    question: str,
    at: datetime | None = None,
) -> SharingRequest:
    """Ask the requesting department for supplements: once, and all of them (809). The clock stands."""
    officer = _answering(request, resource, by)
    if request.supplement_asked is not None:
        raise StateError(f"request {request.id}: supplements were asked for once already")
    if not question.strip():
        raise InvalidError(Flaw("what is to be supplemented is named"))
    return replace(
        request,
        state=RequestState.SUPPLEMENT,
        supplement_asked=question,
        course=request.course
        if at is None
        else replace(request.way, asked=Said(by=officer, at=at)),
    )


def supplement(
    request: SharingRequest, *, by: Actor, answer: str, at: datetime | None = None
) -> SharingRequest:
    """Answer the provider's one question; the request goes back to be decided, and the clock goes on."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=request.department)
    _require_state(request, RequestState.SUPPLEMENT)
    if not answer.strip():
        raise InvalidError(Flaw("the supplement is empty"))
    way = request.way
    before = RequestState.ACCEPTED if way.accepted is not None else RequestState.SUBMITTED
    return replace(
        request,
        state=RequestState.OVERDUE if way.overdue_at is not None else before,
        supplement_given=answer,
        course=request.course if at is None else replace(way, given=Said(by=officer.id, at=at)),
    )


def fall_due(request: SharingRequest, *, at: datetime) -> SharingRequest:
    """Nobody answered in time: it is overdue, which grants nothing and is told to the authority."""
    _require_state(request, *sorted(ANSWERABLE - {RequestState.OVERDUE}))
    return replace(request, state=RequestState.OVERDUE, course=replace(request.way, overdue_at=at))


def deliver(request: SharingRequest, *, at: datetime, entry: int) -> SharingRequest:
    """The first call under its grant was answered: the clock of the delivery ends."""
    _require_state(request, RequestState.AGREED, RequestState.PARTLY_AGREED)
    way = replace(request.way, delivered_at=at, delivered_entry=entry)
    return replace(request, state=RequestState.DELIVERED, course=way)


def hand_over(
    request: SharingRequest, resource: Resource, *, by: Actor, at: datetime, words: str
) -> SharingRequest:
    """Say that what is held above was handed over: its clock ends by word, for no call ever shows it."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    _require_state(request, RequestState.AGREED, RequestState.PARTLY_AGREED)
    if resource.upstream is None:
        raise StateError(f"resource {resource.code} is connected: its first call says when it came")
    said = _said(officer.id, at, words, needed=Flaw("how it was handed over"))
    way = replace(request.way, delivered_at=at, handed_over=said)
    return replace(request, state=RequestState.DELIVERED, course=way)


def stay_undelivered(request: SharingRequest, *, at: datetime) -> SharingRequest:
    """Nothing was delivered in time: it counts against the provider, and the grant stands."""
    _require_state(request, RequestState.AGREED, RequestState.PARTLY_AGREED)
    return replace(request, course=replace(request.way, undelivered_at=at))


def end(request: SharingRequest, *, by: str, at: datetime, reason: str) -> SharingRequest:
    """Its grant holds no more: so ends the request. `reason` is a code of ENDINGS."""
    _require_state(request, RequestState.AGREED, RequestState.PARTLY_AGREED, RequestState.DELIVERED)
    said = Said(by=by, at=at, text=reason)
    return replace(request, state=RequestState.ENDED, course=replace(request.way, ended=said))


def _agreed(
    request: SharingRequest,
    resource: Resource,
    terms: Terms,
    *,
    decided_by: str,
    grant_id: str,
    at: datetime | None,
    sides: Sides | None,
) -> tuple[SharingRequest, Grant]:
    _require_state(request, *sorted(ANSWERABLE))
    if resource.state != "announced":
        raise StateError(f"resource {resource.code} is {resource.state}, announced needed")
    grant = draw_up(request, resource, terms, grant_id=grant_id, sides=sides)
    state = RequestState.PARTLY_AGREED if gives_less(grant, request) else RequestState.AGREED
    agreed = replace(request, state=state, decided_by=decided_by, course=_decided(request, at))
    return agreed, grant


def _decided(request: SharingRequest, at: datetime | None) -> Course | None:
    return request.course if at is None else replace(request.way, decided_at=at)


def _answering(request: SharingRequest, resource: Resource, by: Actor) -> str:
    """Return the officer who answers for the provider, nobody of the requesting chain."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    _require_state(request, *sorted(ANSWERABLE))
    return officer.id


def _said(by: str, at: datetime, text: str, *, needed: str) -> Said:
    if not text.strip():
        raise InvalidError(Flaw("{0} is said in words", needed))
    return Said(by=by, at=at, text=text.strip())


def _require_askable(resource: Resource) -> None:
    if resource.state != "announced":
        raise StateError(f"resource {resource.code} is {resource.state}, announced needed")
    if resource.sharing_class is SharingClass.NOT_SHARED:
        raise StateError(f"resource {resource.code} is not shared; nothing can be asked of it")


def _require_state(request: SharingRequest, *states: RequestState) -> None:
    if request.state not in states:
        needed = " or ".join(states)
        raise StateError(f"request {request.id} is {request.state}, {needed} needed")
