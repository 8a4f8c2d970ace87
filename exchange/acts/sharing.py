"""Acts on requests: asked, signed off, checked, accepted, supplemented, passed on, refused, looked at."""

from datetime import datetime
from typing import Literal

from catalogue import clocks
from catalogue.model import Actor, Resource, Role, SharingClass
from catalogue.requested import RequestState, Said, SharingRequest
from catalogue.rows import REQUEST
from catalogue.service import Wanted
from catalogue.statutes import Statutes
from exchange.acts.held import entry_of, found, resource_of, resources_of
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node

OWN_SIDE = frozenset({RequestState.DRAFT, RequestState.RETURNED, RequestState.CHECKING})
"""States in which a request has not reached its provider yet."""


@act("request.create")
def create(node: Node, actor: Actor, *, wanted: Wanted) -> Told:
    return brief(node.registry.request_sharing(wanted, by=actor))


@act("basket.create")
def create_basket(node: Node, actor: Actor, *, wanted: list[Wanted]) -> Told:
    """One request a resource, under a common number; nothing is drafted unless all are whole."""
    drafted = node.registry.request_basket(wanted, by=actor)
    return {"basket": drafted[0].way.basket, "requests": [brief(one) for one in drafted]}


@act("basket.sign")
def sign_basket(node: Node, actor: Actor, *, basket: str) -> Told:
    """Sign off every draft of a basket; each goes to its own provider."""
    signed = node.registry.sign_basket(basket, by=actor)
    rows = [brief(held) | {"grant": grant.id if grant else None} for held, grant in signed]
    return {"basket": basket, "requests": rows}


@act("request.revise")
def revise(node: Node, actor: Actor, *, request: str, wanted: Wanted) -> Told:
    """Change a draft, or one that was given back; it waits for the head again."""
    return brief(node.registry.revise_request(request, wanted, by=actor))


@act("request.sign")
def sign(node: Node, actor: Actor, *, request: str) -> Told:
    """Sign off a colleague's request; unconditional data is granted in the same act."""
    held, grant = node.registry.sign_request(request, by=actor)
    return brief(held) | {"grant": grant.id if grant else None}


@act("request.return")
def give_back(node: Node, actor: Actor, *, request: str, reasons: str) -> Told:
    """Give a draft back with every reason at once: its head, or the authority in the form check."""
    return _done(node, node.registry.return_request(request, by=actor, reasons=reasons))


@act("request.pass-form")
def pass_form(node: Node, actor: Actor, *, request: str) -> Told:
    """Find a request's form in order (authority): the provider's clock begins."""
    return _done(node, node.registry.pass_form(request, by=actor))


@act("request.accept")
def accept(node: Node, actor: Actor, *, request: str, contact: str) -> Told:
    """Take a request up under an acceptance number, naming whom the other department can ask."""
    held = node.registry.accept_request(request, by=actor, contact=contact)
    return _done(node, held) | {"acceptance": held.way.acceptance}


@act("request.hand-over")
def hand_over(node: Node, actor: Actor, *, request: str, words: str) -> Told:
    """Say how what is held above, and not connected here, was handed over: the delivery's clock ends."""
    return _done(node, node.registry.hand_over(request, by=actor, words=words))


@act("request.refuse")
def refuse(
    node: Node,
    actor: Actor,
    *,
    request: str,
    reason: str,
    code: str | None = None,
    legal_basis: str | None = None,
) -> Told:
    """Refuse in words. `code` is one of REFUSAL_CODES and then needs the law; None: words alone."""
    held = node.registry.refuse(
        request, by=actor, reason=reason, code=code, legal_basis=legal_basis
    )
    return _done(node, held)


@act("request.ask-once")
def ask_once(node: Node, actor: Actor, *, request: str, question: str) -> Told:
    """Ask the requesting department to supplement its request: once, and everything at once."""
    return _done(node, node.registry.ask_once(request, by=actor, question=question))


@act("request.supplement")
def supplement(node: Node, actor: Actor, *, request: str, answer: str) -> Told:
    """Answer the provider's one question; the request goes back to be decided."""
    return _done(node, node.registry.supplement(request, by=actor, answer=answer))


@act("request.withdraw")
def withdraw(node: Node, actor: Actor, *, request: str, reason: str) -> Told:
    """Take a request back before it is decided."""
    return _done(node, node.registry.withdraw_request(request, by=actor, reason=reason))


@act("request.transfer")
def transfer(
    node: Node,
    actor: Actor,
    *,
    request: str,
    to: str,
    reason: str,
    items: tuple[str, ...] | None = None,
    match: tuple[str, ...] | None = None,
) -> Told:
    """Pass a request on to the provider of the resource `to`; the clock goes on as it stood.

    `items` and `match` name what is asked of the other resource; None: the same names.
    """
    held = node.registry.transfer_request(
        request, to=to, by=actor, reason=reason, items=items, match=match
    )
    return _done(node, held)


@act("request.ask-extension")
def ask_extension(node: Node, actor: Actor, *, request: str, days: int, reason: str) -> Told:
    """Ask the authority for so many more working days to answer."""
    held = node.registry.ask_extension(request, days=days, by=actor, reason=reason)
    return _done(node, held)


@act("request.answer-extension")
def answer_extension(
    node: Node, actor: Actor, *, request: str, consent: bool, text: str = ""
) -> Told:
    """Consent to more time, or not (authority); the requesting department is told."""
    held = node.registry.answer_extension(request, consent=consent, by=actor, text=text)
    return _done(node, held)


@act("request.list")
def list_requests(  # noqa: PLR0913 - filters and a page, named one by one
    node: Node,
    actor: Actor,
    *,
    side: Literal["made", "received", "all"] | None = None,
    state: RequestState | None = None,
    states: list[RequestState] | None = None,
    department: str | None = None,
    resource: str | None = None,
    basket: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Requests that one's department made or has to answer, newest first; the authority sees all.

    `side` None takes both sides, `department` is the one on the other side, `states` several states at once.
    `counts` says how many there are in each state under the other filters. Each row says what is due when.
    """
    held = node.held(REQUEST)
    resources = resources_of(node, {request.resource for request in held.values()})

    def owner(request: SharingRequest) -> str:
        known = resources.get(request.resource)
        return "" if known is None else known.department

    wanted = set(states or ()) | ({state} if state is not None else set())
    fit = {
        key: request
        for key, request in held.items()
        if _concerns(request, owner(request), actor, side=side)
        and resource in {None, request.resource}
        and department in {None, request.department, owner(request)}
        and basket in {None, request.way.basket}
    }
    shown = {key: request for key, request in fit.items() if not wanted or request.state in wanted}
    span = Span(first=first, after=after, before=before)
    law, now = node.registry.law(), node.ports.now()
    return paged(
        cut(shown, span, newest=True),
        lambda request: _asked(request, resources.get(request.resource), law, at=now),
        counts=counted(request.state.value for request in fit.values()),
    )


@act("request.show")
def show_request(node: Node, actor: Actor, *, request: str) -> Told:
    """One request whole, for the departments on both sides of it and the authority."""
    held = visible(node, actor, request)
    resource = resource_of(node, held.resource)
    way = held.way
    grants = (g.id for g in node.live.load().grants.values() if g.request == held.id)
    return _asked(held, resource, node.registry.law(), at=node.ports.now()) | {
        "match": list(held.match),
        "purposes": list(held.purposes),
        "channels": list(held.channels),
        "legal_basis": held.legal_basis,
        "not_before": held.not_before.isoformat(),
        "not_after": held.not_after.isoformat(),
        "daily_quota": held.daily_quota,
        "volume": way.volume,
        "attachments": [
            {"name": one.name, "digest": one.digest, "size": one.size, "media": one.media}
            for one in way.attachments
        ],
        "created_by": held.created_by,
        "signed_by": held.signed_by,
        "decided_by": held.decided_by,
        "decided_at": _moment(way.decided_at),
        "refusal": held.refusal,
        "refusal_code": held.refusal_code,
        "refusal_basis": held.refusal_basis,
        "supplement_asked": held.supplement_asked,
        "supplement_given": held.supplement_given,
        "returned": _said(way.returned),
        "accepted": _said(way.accepted),
        "contact": way.contact,
        "withdrawn": _said(way.withdrawn),
        "ended": _said(way.ended),
        "moves": [
            {"resource": one.resource, "provider": one.provider, **(_said(one.said) or {})}
            for one in way.moves
        ],
        "extension": None
        if way.extension is None
        else {
            "days": way.extension.days,
            "asked": _said(way.extension.asked),
            "answered": _said(way.extension.answered),
            "consented": way.extension.consented,
        },
        "overdue_at": _moment(way.overdue_at),
        "delivered_at": _moment(way.delivered_at),
        "delivered_entry": way.delivered_entry,
        "handed_over": _said(way.handed_over),
        "undelivered_at": _moment(way.undelivered_at),
        "entry": entry_of(node, REQUEST, held.id),
        "grant": next(grants, None),
    }


def visible(node: Node, actor: Actor, request: str) -> SharingRequest:
    """Return a request that the actor may see. Raises ActError NOT_FOUND."""
    held = found(node, REQUEST, request)
    resource = resource_of(node, held.resource) if held is not None else None
    provider = resource.department if resource is not None else ""
    if held is None or not _sees(held, provider, actor):
        raise ActError("NOT_FOUND", f"no request {request} of your department")
    return held


def brief(held: SharingRequest) -> Told:
    return {"id": held.id, "state": held.state.value}


def clock_told(
    request: SharingRequest, sharing_class: SharingClass, law: Statutes, *, at: datetime
) -> Told | None:
    """What runs for a request, by which text, until when; None where nothing does."""
    running = clocks.running(request, sharing_class, law)
    if running is None:
        return None
    stage, clock = running
    return {
        "stage": stage.value,
        "rule": clock.rule.id,
        "days": clock.rule.value,
        "citation": None if clock.rule.provisional else clock.rule.citation,
        "due": clock.due.day.isoformat(),
        "provisional": clock.due.provisional,
        "paused": clock.paused,
        "late": clock.passed(at) or request.state is RequestState.OVERDUE,
        "left": law.left(clock, at=at),
    }


def _done(node: Node, held: SharingRequest) -> Told:
    return brief(held) | {"entry": entry_of(node, REQUEST, held.id)}


def _concerns(request: SharingRequest, owner: str, actor: Actor, *, side: str | None) -> bool:
    made = request.department == actor.department
    received = owner == actor.department and not made and request.state not in OWN_SIDE
    authority = actor.has(Role.AUTHORITY)
    match side:
        case "made":
            return made
        case "received":
            return received
        case "all":
            return authority
        case _:
            return made or received or authority


def _sees(request: SharingRequest, provider: str, actor: Actor) -> bool:
    if actor.has(Role.AUTHORITY) or actor.department == request.department:
        return True
    past = {one.provider for one in request.way.moves}
    return request.state not in OWN_SIDE and actor.department in {provider, *past}


def _asked(
    request: SharingRequest, resource: Resource | None, law: Statutes, *, at: datetime
) -> Told:
    sharing_class = SharingClass.CONDITIONAL if resource is None else resource.sharing_class
    return {
        "id": request.id,
        "resource": request.resource,
        "provider": "" if resource is None else resource.department,
        "department": request.department,
        "systems": list(request.systems),
        "items": list(request.items),
        "matters": list(request.matters),
        "state": request.state.value,
        "scenario": request.scenario,
        "created_at": request.created_at.isoformat(),
        "basket": request.way.basket,
        "acceptance": request.way.acceptance or None,
        "clock": clock_told(request, sharing_class, law, at=at),
    }


def _said(said: Said | None) -> Told | None:
    """What somebody said of a request, without who: officers are named by their departments alone."""
    return None if said is None else {"at": said.at.isoformat(), "text": said.text}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
