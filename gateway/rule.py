"""One question to the decision point for all steps of a call, and a ruling on each step.

The only place where the catalogue is translated into the policy's words, and the only one that makes
`Permitted`. Whatever goes wrong on the way is a refusal of every step.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

import msgspec

from catalogue.granted import Grant
from catalogue.model import Case, Item, Resource
from catalogue.snapshot import Snapshot
from gateway.model import (
    Call,
    Caller,
    EveryKey,
    FoundKey,
    GivenKey,
    LinkedKey,
    Permitted,
    Refused,
    Ruling,
    Step,
)
from gateway.remembered import Remembered, of_picture
from policies.engine import DecisionPoint
from policies.model import (
    DECISION_SCHEMA,
    QUESTION_SCHEMA,
    CallerFacts,
    CaseFacts,
    Decision,
    GrantFacts,
    ItemFacts,
    MatterFacts,
    Network,
    OfficerFacts,
    Question,
    RequestFacts,
    ResourceFacts,
    RowCondition,
    SubjectFacts,
    UsageFacts,
    Verdict,
)

POLICY_UNAVAILABLE = "POLICY_UNAVAILABLE"
ITEM_NOT_FILTERABLE = "ITEM_NOT_FILTERABLE"

# How much an officer's own word for who they are is worth (0 declared … 3 two factors). A session of
# this floor is opened by a one-time link: one factor.
_AUTHN_LEVELS: Mapping[str, int] = {"declared": 0, "system-job": 0, "session": 1}

PerCallToken = Callable[[str], str]
"""Replaces an identifier: equal ones of a call alike, and between calls it says nothing."""

KeyedToken = Callable[[str, str], str]
"""(kind, normalised value) → the keyed digest by which parties of a case are compared."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the question is made of besides the call and its steps."""

    snapshot: Snapshot
    operation: str
    """SHA-256 of the document, hex."""
    grants: tuple[Grant, ...]
    """Those that are put forward (`put_forward`)."""
    used: Mapping[str, int]
    """Grant id → calls already counted today."""
    now: datetime
    """Aware, where the exchange stands: its hour is the hour of the question."""
    shape: object | None = None
    """The same object for all calls that ask for the same items of the same resources (`Plan.shape`), whose
    keys, bounds and values may differ; None: no other is known."""


Compared = tuple[list[str], list[str], list[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the questions of many calls have in common: all but the call's own circumstances.

    The same object as long as it is the same plan, picture of the registry and grants.
    """

    requests: tuple[Compared, ...]
    """Of each step: the items read, compared, filtered by and ordered by."""
    resources: tuple[str, ...]
    """Of each step: the code of its resource."""
    joins: tuple[tuple[Item, ...], ...]
    """Of each step: the items by which other steps follow a link from it."""
    catalogue: dict[str, ResourceFacts]
    matters: dict[str, MatterFacts]
    grants: tuple[GrantFacts, ...]
    """With no call counted."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question, with what it shares with others."""

    question: Question
    shared: Shared


class Ruled(msgspec.Struct, frozen=True, kw_only=True):
    """Every step's ruling, in the order of the steps."""

    rulings: tuple[Ruling, ...]
    asked: Asked
    decision: Decision | None
    """None where there was no usable decision: every step is refused."""


_questions: Remembered[Question] = Remembered(most=512)


class Circumstances(NamedTuple):
    """All of a question that is the call's own. Calls under the same ones ask the very same question."""

    now: int
    hour: int
    channel: Literal["query", "bulk", "verify"]
    zone: str
    caller: tuple[str, str, str, str]
    """Department, system, region, and how it proved itself."""
    officer: tuple[str, int, int]
    """Per-call token, level of authentication, clearance."""
    usage: tuple[str, str, str]
    """Matter, purpose, operation."""
    case: "_CaseTold | None"
    """State, matter, system, whether attested, and how many parties."""
    requests: tuple[tuple[str, int, "_About | None"], ...]
    """Of each step: its name, its limit, and whom it is about."""
    used: tuple[int, ...]
    """How often each grant was used."""


_CaseTold = tuple[str, str, str, bool, int]

_About = tuple[str, str | None, str]
"""Type, per-call token (None where the subject is not known yet), and relation to the case."""


def question(
    call: Call, steps: Sequence[Step], facts: Facts, *, tokens: PerCallToken, token: KeyedToken
) -> Asked:
    """Gather all that the policy needs to know; identifiers become per-call tokens."""
    shared = _shared_of(call, steps, facts)
    circumstances = _circumstances(call, steps, facts, shared, tokens=tokens, token=token)
    question_ = _questions.of(
        (shared,), lambda: _question(shared, circumstances), beside=circumstances
    )
    return Asked(question=question_, shared=shared)


def _circumstances(
    call: Call,
    steps: Sequence[Step],
    facts: Facts,
    shared: Shared,
    *,
    tokens: PerCallToken,
    token: KeyedToken,
) -> Circumstances:
    caller, usage, case, used = call.caller, call.usage, call.case, facts.used
    system = caller.system
    return Circumstances(
        now=int(facts.now.timestamp()),
        hour=facts.now.hour,
        channel=_channel(steps),
        zone=system.zone,
        caller=(system.department, system.id, caller.region, caller.auth),
        officer=_officer(caller, facts.snapshot, tokens=tokens),
        usage=(usage.matter, usage.purpose, facts.operation),
        case=None if case is None else _known_cases.of((case,), lambda: _case_told(case)),
        requests=_requests(call, steps, tokens=tokens, token=token),
        # A grant whose count is not known counts as spent.
        used=tuple(
            [
                told_use(used.get(grant.id, grant.daily_quota), of=grant.daily_quota)
                for grant in shared.grants
            ]
        ),
    )


_known_cases: Remembered["_CaseTold"] = Remembered()


def _case_told(case: Case) -> "_CaseTold":
    return (
        case.state._value_,
        case.matter,
        case.system,
        case.attested_by is not None,
        sum(party.counts for party in case.parties),
    )


def _requests(
    call: Call, steps: Sequence[Step], *, tokens: PerCallToken, token: KeyedToken
) -> tuple[tuple[str, int, "_About | None"], ...]:
    """Say of each step its name, its limit and whom it is about: most calls are about one subject."""
    told: dict[object, _About | None] = {}
    found: list[tuple[str, int, _About | None]] = []
    for step in steps:
        key = step.key
        whom = (step.subject, key.value) if isinstance(key, GivenKey) else step.ref
        if whom not in told:
            told[whom] = _about(call, step, steps, tokens, token)
        found.append((step.ref, step.limit, told[whom]))
    return tuple(found)


_EXACTLY = 64
"""A count is told exactly up to here, and to about one in so many beyond."""


@lru_cache(maxsize=4_096)
def told_use(used: int, *, of: int) -> int:
    """Return how much of a grant's quota is told to be used: rounded down while far from being spent.

    So that calls of the same moment ask the same question. The log's batch counts exactly.
    """
    step = min(used, of - used) // _EXACTLY
    return used if step <= 1 else used - used % (1 << step.bit_length() - 1)


def _question(shared: Shared, own: Circumstances) -> Question:
    department, system, region, auth = own.caller
    digest, authn_level, clearance = own.officer
    matter, purpose, operation = own.usage
    return Question(
        schema=QUESTION_SCHEMA,
        now=own.now,
        hour=own.hour,
        channel=own.channel,
        network=Network(zone=own.zone),
        caller=CallerFacts(
            department=department,
            system=system,
            region=region,
            auth=cast("Literal['signature', 'dpop', 'bearer']", auth),
        ),
        officer=OfficerFacts(digest=digest, authn_level=authn_level, clearance=clearance),
        usage=UsageFacts(
            matter=matter, purpose=cast("Any", purpose), legal_basis=[], operation=operation
        ),
        case=_case(own.case),
        requests=[
            RequestFacts(
                ref=ref,
                resource=resource,
                items=items,
                matched=matched,
                filters=filters,
                orders=orders,
                limit=limit,
                subject=_subject(about),
            )
            for (ref, limit, about), resource, (items, matched, filters, orders) in zip(
                own.requests, shared.resources, shared.requests, strict=True
            )
        ],
        catalogue=shared.catalogue,
        matters=shared.matters,
        grants=[
            msgspec.structs.replace(grant, used_today=used)
            for grant, used in zip(shared.grants, own.used, strict=True)
        ],
    )


def _shared_of(call: Call, steps: Sequence[Step], facts: Facts) -> Shared:
    snapshot, grants, matter = facts.snapshot, facts.grants, call.usage.matter
    shared: Remembered[Shared] = of_picture(snapshot, "shared parts of questions")
    if facts.shape is not None:
        return shared.of(
            (facts.shape, *grants),
            lambda: _share(steps, snapshot, grants=grants, matter=matter),
            beside=matter,
        )
    objects: list[object] = [*grants]
    places: list[str | None] = [matter]
    for step in steps:
        linked = step.key if isinstance(step.key, LinkedKey) else None
        objects += (step.resource, step.items, step.key.item)
        objects += (None if linked is None else linked.parent_item,)
        objects += (claim.item for claim in step.claims)
        objects += (*step.filtered, *step.ordered)
        places += (step.ref, None if linked is None else linked.parent)
        # Which of the items are claimed, filtered by and ordered by.
        places.append(f"{len(step.claims)}/{len(step.filtered)}/{len(step.ordered)}")
    return shared.of(
        tuple(objects),
        lambda: _share(steps, snapshot, grants=grants, matter=matter),
        beside=tuple(places),
    )


def _share(
    steps: Sequence[Step], snapshot: Snapshot, *, grants: Sequence[Grant], matter: str
) -> Shared:
    resources = {step.resource.code: step.resource for step in steps}
    joins = tuple(joins_of(step, steps) for step in steps)
    return Shared(
        requests=tuple(
            (
                [item.name for item in step.items],
                # What a link follows is compared too: it needs *match* like a key or a claim.
                sorted({item.name for item in (*step.matched, *joined)}),
                sorted({item.name for item in step.filtered}),
                sorted({item.name for item in step.ordered}),
            )
            for step, joined in zip(steps, joins, strict=True)
        ),
        resources=tuple(step.resource.code for step in steps),
        joins=joins,
        catalogue={
            code: _resource(resource, _touched(resource, steps, grants))
            for code, resource in sorted(resources.items())
        },
        matters={
            code: MatterFacts(
                department=snapshot.matters[code].department,
                status=snapshot.matters[code].state,
                relations=list(snapshot.matters[code].relations),
            )
            for code in sorted({matter} & snapshot.matters.keys())
        },
        grants=tuple(map(_grant, grants)),
    )


def _channel(steps: Sequence[Step]) -> Literal["query", "bulk", "verify"]:
    """Say how it is asked: whether, what, or everything there is."""
    claiming = every = 0
    for step in steps:
        claiming += bool(step.claims)
        every += isinstance(step.key, EveryKey)
    if claiming and claiming == len(steps):
        return "verify"
    return "bulk" if every else "query"


def put_forward(
    call: Call,
    steps: Sequence[Step],
    snapshot: Snapshot,
    *,
    now: datetime,
    shape: object | None = None,
) -> tuple[Grant, ...]:
    """Return the grants that are put forward for a call, by resource code; `shape` as in `Facts`."""
    system = call.caller.system.id
    if shape is not None and snapshot.emergency_of(call.case) is None:
        known: Remembered[tuple[Grant, ...]] = of_picture(snapshot, "grants put forward")
        return known.of(
            (shape,),
            lambda: _put_forward(call, steps, snapshot, now=now),
            beside=system,
        )
    return _put_forward(call, steps, snapshot, now=now)


def _put_forward(
    call: Call, steps: Sequence[Step], snapshot: Snapshot, *, now: datetime
) -> tuple[Grant, ...]:
    officer, system = call.caller.officer, call.caller.system.id
    held = None if officer is None else officer.id
    found: list[Grant] = []
    for code in sorted({step.resource.code for step in steps}):
        found += snapshot.candidates(system, code, case=call.case, officer=held, at=now)
    return tuple(found)


async def rule(
    call: Call,
    steps: Sequence[Step],
    facts: Facts,
    *,
    decisions: DecisionPoint,
    tokens: PerCallToken,
    token: KeyedToken,
) -> Ruled:
    """Put one question for all steps and rule on each. Never raises for a silent decision point."""
    asked = question(call, steps, facts, tokens=tokens, token=token)
    if not steps:
        return Ruled(rulings=(), asked=asked, decision=None)
    try:
        decision = await decisions.decide(asked.question)
    except Exception:  # noqa: BLE001  Whatever keeps an engine from deciding is a refusal.
        return _undecided(steps, asked)
    if decision.schema != DECISION_SCHEMA or decision.expires <= asked.question.now:
        return _undecided(steps, asked)
    verdicts = decision.resources
    rulings = tuple(
        [
            _ruling(step, joins, verdicts.get(step.ref))
            for step, joins in zip(steps, asked.shared.joins, strict=True)
        ]
    )
    return Ruled(rulings=rulings, asked=asked, decision=decision)


def joins_of(step: Step, steps: Iterable[Step]) -> tuple[Item, ...]:
    """Return the items of a step by which other steps follow a link from its records."""
    found = {
        other.key.parent_item.name: other.key.parent_item
        for other in steps
        if isinstance(other.key, LinkedKey) and other.key.parent == step.ref
    }
    return tuple(found.values())


def _undecided(steps: Sequence[Step], asked: Asked) -> Ruled:
    refused = tuple(Refused(step, POLICY_UNAVAILABLE, None) for step in steps)
    return Ruled(rulings=refused, asked=asked, decision=None)


def _ruling(step: Step, joins: tuple[Item, ...], verdict: Verdict | None) -> Ruling:
    """Take a verdict literally: permitted is only what it says is, for this resource."""
    if verdict is None or verdict.resource != step.resource.code:
        return Refused(step, POLICY_UNAVAILABLE, None)
    if verdict.allow is not True:
        return Refused(step, verdict.code, verdict, _told(step, verdict.code))
    if None in (verdict.items, verdict.row_filter, verdict.max_rows, verdict.grant):
        return Refused(step, POLICY_UNAVAILABLE, verdict)
    return Permitted(step, verdict, joins)


def _told(step: Step, code: str) -> tuple[tuple[str, str], ...]:
    """Name the items by which a step is filtered or ordered, where that is what was refused.

    Pages of all records are ordered by the key, which nobody named.
    """
    if code != ITEM_NOT_FILTERABLE:
        return ()
    items = dict.fromkeys([one.graphql_name for one in (*step.filtered, *step.ordered)])
    return (("items", ", ".join(items)),) if items else ()


def _officer(caller: Caller, snapshot: Snapshot, *, tokens: PerCallToken) -> tuple[str, int, int]:
    """State who is behind the call; an unattended job stands on its responsible officer's clearance."""
    officer = caller.officer
    if officer is None and caller.system.responsible is not None:
        officer = snapshot.officers.get(caller.system.responsible)
    return (
        # Officers are registered without identity numbers, so nobody knows that one is the subject:
        # the token equals no subject's.
        tokens(f"officer:{officer.id if officer else ''}"),
        _AUTHN_LEVELS.get(caller.operator_auth, 0),
        officer.clearance if officer else 0,
    )


def _case(told: _CaseTold | None) -> CaseFacts | None:
    if told is None:
        return None
    state, matter, system, attested, parties = told
    return CaseFacts(
        state=cast("Any", state), matter=matter, system=system, attested=attested, parties=parties
    )


def _about(
    call: Call, step: Step, steps: Sequence[Step], tokens: PerCallToken, token: KeyedToken
) -> _About | None:
    """Say whom a step is about; None: about nobody in particular."""
    type_, key = step.subject, step.key
    if type_ is None:
        return None
    kind = type_._value_
    if isinstance(key, GivenKey):
        party = call.case is not None and call.case.party(type_, token(kind, key.value))
        return kind, tokens(f"{kind}:{key.value}"), "party" if party else "stranger"
    if isinstance(key, LinkedKey):
        source = next(other.resource.code for other in steps if other.ref == key.parent)
        # Not known before the parent is read: `fetch` asks whether it is a party.
        return kind, None, f"link:{source}.{key.parent_item.name}"
    if isinstance(key, EveryKey):
        return kind, None, "all"
    if isinstance(key, FoundKey):
        # As behind a link: `fetch` asks whether the holder is a party once the record is read.
        return kind, None, f"link:{step.resource.code}.{key.item.name}"
    raise TypeError("a list is about nobody in particular")


def _subject(about: _About | None) -> SubjectFacts | None:
    if about is None:
        return None
    kind, digest, relation = about
    return SubjectFacts(type=cast("Any", kind), digest=digest, relation=relation, consents=[])


def _touched(resource: Resource, steps: Sequence[Step], grants: Sequence[Grant]) -> set[str]:
    """Names of the items that are read, compared or filtered by."""
    mine = [step for step in steps if step.resource.code == resource.code]
    touched = {item.name for step in mine for item in (*step.items, *step.matched)}
    touched |= {item.name for step in mine for item in joins_of(step, steps)}
    return touched | {
        row.item for grant in grants if grant.resource == resource.code for row in grant.rows
    }


def _resource(resource: Resource, touched: set[str]) -> ResourceFacts:
    return ResourceFacts(
        owner=resource.department,
        sharing_class=resource.sharing_class.value,
        status=resource.state,
        level=resource.level,
        personal=resource.personal,
        consent="none" if resource.consent == "none" else "required",
        no_share_basis=list(resource.no_share_basis),
        purposes=list(resource.purposes),
        items={
            item.name: ItemFacts(
                sharing_class=item.sharing_class.value,
                level=item.level,
                mask=item.mask,
                match=item.match,
            )
            for item in resource.items
            if item.name in touched
        },
    )


def _grant(grant: Grant) -> GrantFacts:
    return GrantFacts(
        id=grant.id,
        resource=grant.resource,
        department=grant.department,
        systems=list(grant.systems),
        channels=list(grant.channels),
        matters=list(grant.matters),
        purposes=list(grant.purposes),
        items=list(grant.items),
        match=list(grant.match),
        # Each granted item names its mask: one that got lost must not look like none.
        masks={**dict.fromkeys(grant.items, "none"), **grant.masks},
        rows=[
            RowCondition(item=row.item, op=cast("Any", row.op), value=row.value)
            for row in grant.rows
        ],
        max_rows=grant.max_rows,
        not_before=math.ceil(grant.not_before.timestamp()),
        not_after=int(grant.not_after.timestamp()),
        daily_quota=grant.daily_quota,
        used_today=0,
        status=grant.state.value,
        attested=grant.attested,
        # An empty list would make a lost member widen: *any document* is said, not left out.
        operations=list(grant.operations) or ["*"],
    )
