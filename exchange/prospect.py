"""Made-up calls of real systems, put to the policy: what each of them would be given now."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import get_args

import msgspec

from audit.entry import Nonce
from catalogue.granted import Grant
from catalogue.model import Item, Resource, System
from catalogue.snapshot import Snapshot
from gateway.model import Call, Caller, Claim, GivenKey, Step, Usage
from gateway.rule import Facts, question
from policies.model import Question, UsageFacts
from policies.who_can import Decide, Sight, sights

PURPOSES = get_args(UsageFacts.__annotations__["purpose"])
ANY_DOCUMENT = "0" * 64
"""Digest of a document that no grant names: it passes only where any document does."""

LIMIT = 1_000
_TOKEN = "tok_subject"  # noqa: S105 - the token of a made-up subject


def look(
    snapshot: Snapshot, resource: Resource, *, item: str | None, decide: Decide, now: datetime
) -> list[Sight]:
    """Return what every system can see of a resource, or of one of its items, and on what terms.

    Asked of those systems alone that have any grant on it: a permit that names no grant is none.
    """
    found: list[Sight] = []
    for system in sorted(_candidates(snapshot, resource), key=lambda one: one.id):
        for asked in _questions(snapshot, resource, system, item=item, now=now):
            found += [
                sight for sight in sights(asked, decide) if item is None or item in sight.items
            ]
    return [_alone(sight, item) for sight in found]


def _candidates(snapshot: Snapshot, resource: Resource) -> list[System]:
    return [
        system
        for system in snapshot.systems.values()
        if system.state == "active" and snapshot.grants_for(system.id, resource.code)
    ]


def _questions(
    snapshot: Snapshot, resource: Resource, system: System, *, item: str | None, now: datetime
) -> Iterator[Question]:
    grants = snapshot.grants_for(system.id, resource.code)
    # Quotas are of the day: who may ask again tomorrow can see.
    used = {grant.id: 0 for grant in grants}
    documents = dict.fromkeys((ANY_DOCUMENT, *(one for g in grants for one in g.operations[:1])))
    for operation in documents:
        facts = Facts(snapshot=snapshot, operation=operation, grants=grants, used=used, now=now)
        for matter in _matters(snapshot, system, grants):
            for purpose in PURPOSES:
                call = _call(system, snapshot, matter=matter, purpose=purpose)
                yield from _by_channel(call, resource, facts, item=item)


def _by_channel(
    call: Call, resource: Resource, facts: Facts, *, item: str | None
) -> Iterator[Question]:
    reading = [_reading(resource, item)]
    for channel, steps in (
        ("query", reading),
        ("bulk", reading),
        ("verify", _verifying(resource, item)),
    ):
        if steps:
            asked = question(
                call, steps, facts, tokens=lambda _: _TOKEN, token=lambda _, value: value
            )
            yield msgspec.structs.replace(asked.question, channel=channel)


def _matters(snapshot: Snapshot, system: System, grants: Sequence[Grant]) -> list[str]:
    """Return the matters that grants name, and one of the department's that none names."""
    named = dict.fromkeys(matter for grant in grants for matter in grant.matters)
    others = (
        code
        for code, matter in sorted(snapshot.matters.items())
        if matter.department == system.department and code not in named
    )
    return [*named, *islice(others, 1)]


def _call(system: System, snapshot: Snapshot, *, matter: str, purpose: str) -> Call:
    """Return a call that nobody made; what is said of its case and its officer is said by `at_best`."""
    department = snapshot.departments.get(system.department)
    return Call(
        number="",
        caller=Caller(
            system=system,
            region=department.region if department else "",
            auth="signature",
            key="",
            officer=None,
            operator_auth="declared",
            nonce=Nonce(key="", nonce="", expires=0),
            request_base=b"",
            request_signature=b"",
        ),
        usage=Usage(matter=matter, case="", purpose=purpose, reason="", operator=""),
        case=None,
        body=b"",
        query="",
        operation_name=None,
        variables={},
        received_ms=0,
    )


def _reading(resource: Resource, item: str | None) -> Step:
    items = tuple(one for one in resource.items if item in {None, one.name})
    return _step(resource, "s1", items=items)


def _verifying(resource: Resource, item: str | None) -> list[Step]:
    """Return a step for each item that a claim may be made of."""
    return [
        _step(resource, f"v{one.ordinal}", items=(), claims=(Claim(item=one, value=""),))
        for one in resource.items
        if one.match and not one.key and item in {None, one.name}
    ]


def _step(
    resource: Resource, ref: str, *, items: tuple[Item, ...], claims: tuple[Claim, ...] = ()
) -> Step:
    return Step(
        ref=ref,
        path=(resource.field_name,),
        resource=resource,
        items=items,
        key=GivenKey(item=resource.key, value=""),
        subject=resource.key.subject,
        many=not claims,
        limit=LIMIT,
        claims=claims,
    )


def _alone(sight: Sight, item: str | None) -> Sight:
    if item is None:
        return sight
    uncleared = {name: mask for name, mask in sight.uncleared.items() if name == item}
    return replace(sight, items={item: sight.items[item]}, uncleared=uncleared)
