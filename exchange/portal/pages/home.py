"""The first page: what waits for whoever is signed in, and the ways to their rooms."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.clocks import ANSWERABLE
from catalogue.corrections import CorrectionState
from catalogue.disputes import Tier
from catalogue.granted import GrantState
from catalogue.lifecycle import WAITING
from catalogue.model import Actor, Role
from catalogue.requested import RequestState
from catalogue.reviews import ReviewState
from catalogue.rows import (
    CORRECTION,
    DISPUTE,
    GRANT,
    IDENTITY_OPENING,
    NOTICE,
    REQUEST,
    RESOURCE,
    REVIEW,
    REVIEW_QUESTION,
    SOURCE,
)
from exchange.acts.held import acting
from exchange.acts.register import perform
from exchange.node import Node
from exchange.portal.nav import rooms_for
from exchange.portal.render import page
from exchange.portal.session import signed_in

ENDING = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something that this officer can do now: how many, and where. `title` is a key of the locale."""

    count: int
    title: str
    address: str


async def home(request: Request) -> Response:
    """`GET /`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    waiting = await run_in_threadpool(waiting_for, node, actor)
    department = request.state.snapshot.departments.get(actor.department)
    return page(
        request,
        "home.html",
        waiting=[one for one in waiting if one.count],
        ways=[room for room in rooms_for(actor) if room.about],
        department=department,
        roles=sorted(role.value for role in actor.officer.roles) if actor.officer else [],
    )


def waiting_for(node: Node, actor: Actor) -> list[Waiting]:
    """Return what waits, also where nothing does. Only what the officer's roles may do is counted."""
    found: list[Waiting] = []
    own, head = actor.department, actor.has(Role.HEAD)
    if head or actor.has(Role.OPERATOR):
        owners = node.owners()
        requests = node.held(REQUEST).values()
        made = [held.state for held in requests if held.department == own]
        received = [held.state for held in requests if owners.get(held.resource) == own]
        found += [
            Waiting(
                count=sum(state in ANSWERABLE for state in received),
                title="Requests to decide",
                address="/inbox",
            ),
            Waiting(
                count=made.count(RequestState.SUPPLEMENT),
                title="Our requests that need a supplement",
                address="/requests?state=supplement",
            ),
        ]
        found += [
            Waiting(
                count=made.count(RequestState.RETURNED),
                title="Our requests that were given back",
                address="/requests?state=returned",
            ),
            Waiting(
                count=sum(
                    one.provider == own and one.state is CorrectionState.REPORTED
                    for one in node.held(CORRECTION).values()
                ),
                title="Wrong values to answer",
                address="/corrections?state=reported",
            ),
        ]
        ending = node.ports.now() + ENDING
        grants = [
            held
            for held in node.held(GRANT).values()
            if held.department == own
            and held.state is GrantState.ACTIVE
            and node.ports.now() < held.not_after <= ending
        ]
        found.append(
            Waiting(
                count=len(grants),
                title="Grants that end within 30 days",
                address="/grants?side=have&ends-within=30",
            )
        )
        if head:
            found.append(
                Waiting(
                    count=made.count(RequestState.DRAFT),
                    title="Our requests to sign off",
                    address="/requests?state=draft",
                )
            )
        questions = node.held(REVIEW_QUESTION).values()
        found.append(
            Waiting(
                count=sum(one.department == own and one.answer is None for one in questions),
                title="Questions of reviews to answer",
                address="/questions",
            )
        )
    if head or actor.has(Role.OPERATOR) or actor.has(Role.AUTHORITY):
        told = node.held(NOTICE).values()
        found.append(
            Waiting(
                count=sum(one.department == own and one.seen_by is None for one in told),
                title="Notices that nobody has seen",
                address="/inbox?view=notices",
            )
        )
    found += _reviews(node, actor)
    resources = [held.latest.resource for held in node.held(RESOURCE).values()]
    if head or actor.has(Role.OPERATOR):
        back = [one for one in resources if (one.state, one.department) == ("returned", own)]
        found.append(
            Waiting(count=len(back), title="Resources given back to correct", address="/publish")
        )
    if acting(node, actor).has(Role.HEAD):
        unsigned = [one for one in resources if (one.state, one.department) == ("draft", own)]
        found.append(
            Waiting(count=len(unsigned), title="Resources to sign off", address="/publish")
        )
    if actor.has(Role.AUTHORITY):
        states = [held.state for held in node.held(REQUEST).values()]
        disputes = node.held(DISPUTE).values()
        found += [
            Waiting(
                count=states.count(RequestState.OVERDUE),
                title="Requests that are overdue",
                address="/inbox?view=late",
            ),
            Waiting(
                count=states.count(RequestState.CHECKING),
                title="Forms to be checked",
                address="/inbox?view=checks",
            ),
            Waiting(
                count=sum(
                    one.state == "open" and one.tier is not Tier.NEGOTIATE and not one.decided
                    for one in disputes
                ),
                title="Disputes to decide",
                address="/disputes?state=open",
            ),
            Waiting(
                count=sum(one.state == "submitted" for one in resources),
                title="Resources to announce",
                address="/inbox?view=announcements",
            ),
            Waiting(
                count=len(perform(node, actor, "item.collisions", {})),
                title="Items to designate a source for",
                address="/publish/one-source",
            ),
            Waiting(
                count=sum(one.state == WAITING for one in node.held(SOURCE).values()),
                title="Sources to open",
                address="/inbox?view=sources",
            ),
        ]
    return found


def _reviews(node: Node, actor: Actor) -> list[Waiting]:
    """Reviews that an auditor can confirm, and openings that wait for a second officer."""
    found: list[Waiting] = []
    reviews = node.held(REVIEW)
    if actor.has(Role.AUDITOR):
        proposed = [
            held
            for held in reviews.values()
            if held.state is ReviewState.PROPOSED and not held.serves(actor.id)
        ]
        found.append(Waiting(count=len(proposed), title="Reviews to confirm", address="/reviews"))
    if actor.has(Role.AUDITOR) or actor.has(Role.SUPERVISOR):
        at = node.ports.now()
        mine = {key for key, held in reviews.items() if held.runs(at) and held.serves(actor.id)}
        waiting = [
            one
            for one in node.held(IDENTITY_OPENING).values()
            if one.review in mine and one.confirmed_by is None and one.asked_by != actor.id
        ]
        found.append(
            Waiting(
                count=len(waiting),
                title="Openings of identities to agree to",
                address=f"/reviews/{waiting[0].review}#openings" if waiting else "/reviews",
            )
        )
    return found


ROUTES = [Route("/", home, methods=["GET"])]
