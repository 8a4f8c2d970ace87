"""Builders of questions: a permitted one, with only that changed which a test is about."""

import copy
from typing import Any

import msgspec

from policies.model import (
    QUESTION_SCHEMA,
    CallerFacts,
    CaseFacts,
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
)

NOW = 1_795_428_000
DAY = 86_400
EXPIRES = NOW + 365 * DAY
OPERATION = "6d" * 32
MATTER = "11330106MB0001X10"
LICENCE = "307001/licence"
HOUSEHOLD = "101002/household"
PARCEL = "205003/parcel"


def a_question(**changes: Any) -> Question:
    """A permitted question: one enterprise's licence for an open case of the caller's matter."""
    members: dict[str, Any] = {
        "schema": QUESTION_SCHEMA,
        "now": NOW,
        "hour": 10,
        "channel": "query",
        "network": Network(zone="gov-extranet"),
        "caller": a_caller(),
        "officer": an_officer(),
        "usage": a_usage(),
        "case": a_case(),
        "requests": [a_request()],
        "catalogue": {LICENCE: a_resource()},
        "matters": {MATTER: a_matter()},
        "grants": [a_grant()],
    }
    return Question(**members | changes)


def a_caller(**changes: Any) -> CallerFacts:
    members = {"department": "housing", "system": "sys_permit", "region": "330106"}
    return CallerFacts(**members | {"auth": "signature"} | changes)


def an_officer(**changes: Any) -> OfficerFacts:
    members: dict[str, Any] = {"digest": "tok_officer", "authn_level": 1, "clearance": 2}
    return OfficerFacts(**members | changes)


def a_usage(**changes: Any) -> UsageFacts:
    members: dict[str, Any] = {
        "matter": MATTER,
        "purpose": "administrative-basis",
        "legal_basis": ["建筑法第八条"],
        "operation": OPERATION,
    }
    return UsageFacts(**members | changes)


def a_case(**changes: Any) -> CaseFacts:
    members: dict[str, Any] = {
        "state": "open",
        "matter": MATTER,
        "system": "sys_permit",
        "attested": True,
        "parties": 1,
    }
    return CaseFacts(**members | changes)


def a_subject(**changes: Any) -> SubjectFacts:
    members: dict[str, Any] = {
        "type": "enterprise",
        "digest": "tok_subject",
        "relation": "party",
        "consents": [],
    }
    return SubjectFacts(**members | changes)


def a_request(**changes: Any) -> RequestFacts:
    members: dict[str, Any] = {
        "ref": "s1",
        "resource": LICENCE,
        "items": ["name", "legal_person", "phone"],
        "matched": ["uscc"],
        "filters": [],
        "orders": [],
        "limit": 20,
        "subject": a_subject(),
    }
    return RequestFacts(**members | changes)


def an_item(**changes: Any) -> ItemFacts:
    members: dict[str, Any] = {
        "sharing_class": "conditional",
        "level": 2,
        "mask": "none",
        "match": False,
    }
    return ItemFacts(**members | changes)


def a_resource(**changes: Any) -> ResourceFacts:
    """The market regulator's licence: conditional, not personal; its phone is above the officer."""
    members: dict[str, Any] = {
        "owner": "market",
        "sharing_class": "conditional",
        "status": "announced",
        "level": 2,
        "personal": False,
        "consent": "none",
        "no_share_basis": [],
        "purposes": ["administrative-basis", "data-checking"],
        "items": {
            "uscc": an_item(level=1, match=True),
            "name": an_item(level=1, match=True),
            "region": an_item(level=1),
            "status": an_item(level=1),
            "legal_person": an_item(mask="name"),
            "phone": an_item(level=3, mask="phone"),
            "notes": an_item(sharing_class="not-shared"),
        },
    }
    return ResourceFacts(**members | changes)


def a_household(**changes: Any) -> ResourceFacts:
    """A personal resource that asks for consent."""
    members: dict[str, Any] = {
        "owner": "police",
        "level": 3,
        "personal": True,
        "consent": "required",
        "items": {
            "id_no": an_item(level=3, mask="id", match=True),
            "address": an_item(level=3, mask="address"),
        },
    }
    return a_resource(**members | changes)


def an_open_resource(**changes: Any) -> ResourceFacts:
    """Unconditional and not personal: it needs a grant, and neither case nor named subject."""
    members: dict[str, Any] = {
        "owner": "land",
        "sharing_class": "unconditional",
        "level": 1,
        "items": {
            "number": an_item(sharing_class="unconditional", level=1, match=True),
            "area": an_item(sharing_class="unconditional", level=1),
        },
    }
    return a_resource(**members | changes)


def a_matter(**changes: Any) -> MatterFacts:
    members: dict[str, Any] = {"department": "housing", "status": "active", "relations": []}
    return MatterFacts(**members | changes)


def a_row(**changes: Any) -> RowCondition:
    members: dict[str, Any] = {"item": "region", "op": "prefix", "value": "$caller.region"}
    return RowCondition(**members | changes)


def a_grant(**changes: Any) -> GrantFacts:
    members: dict[str, Any] = {
        "id": "grt_1",
        "resource": LICENCE,
        "department": "housing",
        "systems": ["sys_permit"],
        "channels": ["query", "verify"],
        "matters": [MATTER],
        "purposes": ["administrative-basis"],
        "items": ["uscc", "name", "legal_person", "phone"],
        "match": ["uscc", "name"],
        "masks": {},
        "rows": [a_row()],
        "max_rows": 10,
        "not_before": NOW - DAY,
        "not_after": NOW + 30 * DAY,
        "daily_quota": 100,
        "used_today": 3,
        "status": "active",
        "attested": False,
        "operations": ["*"],
    }
    made: dict[str, Any] = members | changes
    # A closed question names a mask for each granted item.
    made["masks"] = dict.fromkeys(made["items"], "none") | made["masks"]
    return GrantFacts(**made)


def plain(question: Question) -> dict[str, Any]:
    """The question as the engines get it, for tests that spoil it below the wire types."""
    found: dict[str, Any] = msgspec.to_builtins(question)
    return found


def patched(document: Any, changes: dict[str, Any]) -> Any:
    """A copy of a plain question with values put at paths such as `/grants/0/status`."""
    copied = copy.deepcopy(document)
    for path, value in changes.items():
        *steps, last = [step.replace("~1", "/") for step in path.split("/")[1:]]
        holder = copied
        for step in steps:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        if isinstance(holder, list) and last == "-":
            holder.append(value)
        else:
            holder[int(last) if isinstance(holder, list) else last] = value
    return copied
