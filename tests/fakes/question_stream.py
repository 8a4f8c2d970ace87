"""An endless stream of questions to the exchange policy, the same for the same seed.

Around the edges of every rule: most are refused, many for several reasons. Some are spoilt below the wire
types, in one place or two, as a program at fault would send them.
"""

import copy
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from policies.model import Network
from tests.fakes.questions import (
    DAY,
    HOUSEHOLD,
    LICENCE,
    MATTER,
    NOW,
    OPERATION,
    PARCEL,
    a_caller,
    a_case,
    a_grant,
    a_household,
    a_matter,
    a_question,
    a_request,
    a_resource,
    a_row,
    a_subject,
    a_usage,
    an_item,
    an_officer,
    an_open_resource,
    plain,
)

Often = Callable[..., Any]
"""(the usual value, others…) → one of them."""

_KEYS = {LICENCE: "uscc", PARCEL: "number", HOUSEHOLD: "id_no"}
_ITEMS = {
    LICENCE: ("name", "phone", "legal_person", "region"),
    PARCEL: ("area", "number"),
    HOUSEHOLD: ("address", "id_no"),
}
_STRANGE = ("notes", "none", "area", "address")
_WORDS = ("", "x", "330106", "party", "conditional", "grt_0", "tok_officer")
_DEEPER = 0.8
_SPOILT = 0.15
"""How many of the questions are spoilt."""
_USUAL = (0.85, 0.97, 0.995)
"""How often a member has the value under which a question may be permitted: one of these for a question."""


def stream(seed: int) -> Iterator[dict[str, Any]]:
    """Yield plain questions, as the engines get them."""
    chance = random.Random(seed)  # noqa: S311 - questions for a comparison, no secrets
    while True:
        asked = _question(chance)
        if chance.random() < _SPOILT:
            for _ in range(chance.randint(1, 2)):
                asked = _spoilt(chance, asked)
        yield asked


def _question(chance: random.Random) -> dict[str, Any]:
    often = partial(_often, chance, chance.choice(_USUAL))
    catalogue = _catalogue(chance, often)
    requests = [
        _request(chance, number, chance.choice(sorted(catalogue)), often)
        for number in range(chance.choice((1, 1, 2, 3, 4)))
    ]
    asked = [request.resource for request in requests]
    return plain(
        a_question(
            now=NOW + often(0, -1, 1, DAY),
            hour=chance.randrange(24),
            channel=often("query", "verify", "bulk"),
            network=Network(zone=often("gov-extranet", "gov-intranet", "internet", "")),
            caller=a_caller(
                auth=often("signature", "bearer", "dpop"),
                region=often("330106", "", "33"),
                department=often("housing", "market"),
            ),
            officer=an_officer(
                authn_level=chance.randrange(1, 4),
                clearance=chance.randrange(1, 5),
                digest=often("tok_officer", "tok_subject"),
            ),
            usage=a_usage(
                purpose=often("administrative-basis", "work-reference", "data-checking"),
                matter=often(MATTER, "", "another"),
                operation=often(OPERATION, "00"),
            ),
            case=often(
                a_case(),
                a_case(state="closed"),
                a_case(state="paused"),
                a_case(attested=False),
                a_case(matter="another"),
                a_case(system="sys_other"),
                a_case(parties=0),
                None,
            ),
            requests=requests,
            catalogue=catalogue,
            matters=often(
                {MATTER: a_matter()},
                {MATTER: a_matter(relations=[f"{PARCEL}.owner"])},
                {MATTER: a_matter(status="ended")},
                {MATTER: a_matter(department="market")},
                {},
            ),
            grants=[
                _grant(chance, number, chance.choice(asked), often)
                for number in range(chance.randrange(6))
            ],
        )
    )


def _catalogue(chance: random.Random, often: Often) -> dict[str, Any]:
    licence = a_resource(
        sharing_class=often("conditional", "unconditional", "not-shared", "secret"),
        status=often("announced", "withdrawn", "suspended"),
        level=often(2, 1, 3, 4, 9),
        personal=often(False, True),
        purposes=often(["administrative-basis"], [], ["work-reference", "administrative-basis"]),
        no_share_basis=often([], ["保密法第九条"]),
    )
    items = dict(licence.items)
    if often(False, True):
        items["phone"] = an_item(
            level=chance.randrange(6), mask=chance.choice(("phone", "tail4", "none", "scramble"))
        )
    return {
        LICENCE: msgspec.structs.replace(licence, items=items),
        PARCEL: an_open_resource(personal=often(False, True)),
        HOUSEHOLD: a_household(consent=often("none", "required"), level=often(3, 4)),
    }


def _request(chance: random.Random, number: int, resource: str, often: Often) -> Any:
    relation = often("party", "stranger", f"link:{PARCEL}.owner", "link:", "", "all")
    subject = a_subject(
        relation=relation,
        type=often("enterprise", "person", "project"),
        digest=often("tok_subject", "tok_officer", None),
        consents=often([HOUSEHOLD], [], [LICENCE, HOUSEHOLD]),
    )
    return a_request(
        ref=f"s{number}",
        resource=resource,
        items=_some(chance, resource, often),
        matched=often([_KEYS[resource]], [], ["phone"], ["none"]),
        limit=often(20, 0, 1, 1_000),
        subject=often(subject, None),
    )


def _grant(chance: random.Random, number: int, resource: str, often: Often) -> Any:
    return a_grant(
        id=f"grt_{number}",
        resource=resource,
        department=often("housing", "market"),
        systems=often(["sys_permit"], [], ["sys_other"]),
        items=_some(chance, resource, often),
        match=often([_KEYS[resource]], [], ["phone"]),
        masks=often({}, {"phone": "tail4"}, {"name": "null"}, {"name": "scramble"}),
        matters=often([MATTER], [], ["another", MATTER]),
        purposes=often(["administrative-basis"], [], ["work-reference"]),
        rows=often([a_row()] if resource == LICENCE else [], *_ROWS),
        max_rows=often(10, 0, 1, 5_000),
        not_before=NOW + often(-DAY, 0, 1),
        not_after=NOW + often(DAY, 0, 1, -DAY),
        used_today=often(0, 100, 99, 101),
        status=often("active", "suspended", "revoked", "?"),
        attested=often(False, True),
        operations=often(["*"], [OPERATION], []),
        channels=often(["query", "verify", "bulk"], ["query"], ["verify"], []),
    )


_ROWS: tuple[list[Any], ...] = (
    [],
    [],
    [a_row()],
    [a_row(value=["1", "$x"], op="in")],
    [a_row(item="colour")],
    [a_row(op="eq", value=1), a_row(item="status", op="between", value=[1, 2])],
    [a_row(value="$caller.department", op="eq")],
    [a_row(value=None, op="ne")],
)


def _often(chance: random.Random, usual: float, value: Any, *others: Any) -> Any:
    return value if chance.random() < usual else chance.choice(others)


def _some(chance: random.Random, resource: str, often: Often) -> list[str]:
    own = _ITEMS[resource]
    found = own if chance.random() < _DEEPER else chance.sample(own, chance.randrange(len(own)))
    return [*found, *often([], [name for name in _STRANGE if name not in found])]


def _spoilt(chance: random.Random, question: dict[str, Any]) -> dict[str, Any]:
    """Put something else, or nothing, in one place of a question."""
    made = copy.deepcopy(question)
    holder: Any = made
    while True:
        places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not places:
            return made
        place = chance.choice(places)
        below = holder[place]
        if isinstance(below, dict | list) and below and chance.random() < _DEEPER:
            holder = below
            continue
        if chance.random() > _DEEPER:
            del holder[place]
        else:
            others: tuple[Any, ...] = (
                None,
                True,
                False,
                0,
                1,
                -1,
                2**53 + 1,
                0.5,
                *_WORDS,
                [],
                {},
                [None],
                {"x": 1},
            )
            holder[place] = chance.choice(others)
        return made
