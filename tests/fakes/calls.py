"""Builders of calls, steps and resources: valid ones, with only that changed which a test is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.entry import Nonce
from catalogue.granted import Grant, GrantState
from catalogue.model import (
    Case,
    CaseState,
    CodeKind,
    Department,
    Item,
    Matter,
    MatterKind,
    Officer,
    Party,
    Resource,
    SharingClass,
    SourceAddress,
    SubjectType,
    System,
    SystemKey,
)
from catalogue.snapshot import Snapshot
from gateway.model import Call, Caller, GivenKey, LinkedKey, Permitted, Step, Usage
from policies.model import ItemVerdicts, Obligation, Reason, RowCondition, RowFilter, Verdict
from tests.fakes.registry import token

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
USCC = "91330106MA2CFRAW10"
OTHER_USCC = "91330106MA27YDCA5M"
PERSON = "11010519491231002X"
CASE = "2026-0117"
MATTER = "11330106MB0001X10"
REASON = "建筑工程施工许可核发"
STAFF = "A-0042"


def an_item(name: str, ordinal: int, **changes: Any) -> Item:
    members: dict[str, Any] = {
        "ordinal": ordinal,
        "name": name,
        "title": name,
        "column": name,
        "graphql_name": name,
    }
    return Item(**members | changes)


def a_resource(**changes: Any) -> Resource:
    """Business licences of market supervision: by USCC, with a legal person to follow."""
    members: dict[str, Any] = {
        "code": "307001/licence",
        "department": "market",
        "name": "营业执照",
        "name_en": "Business licence",
        "type_name": "BusinessLicence",
        "field_name": "businessLicence",
        "list_name": "businessLicences",
        "source": "market-db",
        "table": "licence",
        "items": (
            an_item("uscc", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
            an_item("name", 1, match=True),
            an_item("phone", 2, mask="phone"),
            an_item("status", 3),
            an_item("legal_id", 4, match=True, subject=SubjectType.PERSON, graphql_name="legalId"),
        ),
        "sharing_class": SharingClass.CONDITIONAL,
        "purposes": ("administrative-basis",),
        "state": "announced",
    }
    return Resource(**members | changes)


def a_household(**changes: Any) -> Resource:
    """Registered persons of the police, reached by identity number."""
    members: dict[str, Any] = {
        "code": "101002/household",
        "department": "police",
        "name": "户籍",
        "name_en": "Household",
        "type_name": "Household",
        "field_name": "household",
        "list_name": "households",
        "source": "police-db",
        "table": "household",
        "items": (
            an_item("id", 0, key=True, match=True, subject=SubjectType.PERSON),
            an_item("address", 1),
        ),
        "sharing_class": SharingClass.CONDITIONAL,
        "personal": True,
        "purposes": ("administrative-basis",),
        "state": "announced",
    }
    return Resource(**members | changes)


def a_step(resource: Resource | None = None, **changes: Any) -> Step:
    resource = resource if resource is not None else a_resource()
    members: dict[str, Any] = {
        "ref": "s1",
        "path": ("enterprise", resource.field_name),
        "resource": resource,
        "items": tuple(item for item in resource.items if not item.key),
        "key": GivenKey(item=resource.key, value=USCC),
        "subject": resource.key.subject,
        "many": False,
        "limit": 1,
    }
    return Step(**members | changes)


def a_link(parent: Step, item: str = "legal_id", **changes: Any) -> Step:
    """A step that follows an item of the parent's records to a household."""
    resource = changes.pop("resource", None) or a_household()
    key = LinkedKey(item=resource.key, parent=parent.ref, parent_item=parent.resource.item(item))
    path = (*parent.path, "person", resource.field_name)
    return a_step(resource, **{"ref": "s2", "key": key, "path": path, **changes})


def a_verdict(step: Step, **changes: Any) -> Verdict:
    """A permit of all that the step asks for."""
    members: dict[str, Any] = {
        "allow": True,
        "code": "PERMITTED",
        "resource": step.resource.code,
        "reasons": [Reason(rule="sharing.granted", code="PERMITTED", legal_basis=[])],
        "grant": "grt_1",
        "items": ItemVerdicts(allowed=[item.name for item in step.items], masked={}, denied={}),
        "row_filter": RowFilter(all=[]),
        "max_rows": step.limit,
        "obligations": [],
    }
    return Verdict(**members | changes)


def a_filter(*conditions: tuple[str, str, Any]) -> RowFilter:
    return RowFilter(
        all=[
            RowCondition(item=item, op=op, value=value)  # type: ignore[arg-type]  # any operator
            for item, op, value in conditions
        ]
    )


def obliged(kind: str) -> list[Obligation]:
    return [Obligation(type=kind)]  # type: ignore[arg-type]  # tests name unknown kinds, too


def a_permit(step: Step, joins: Sequence[str] = (), **changes: Any) -> Permitted:
    """What `rule` makes of a permitted step. Only tests of later stages make it themselves."""
    items = tuple(step.resource.item(name) for name in joins)
    return Permitted(step, a_verdict(step, **changes), items)


def a_party(type_: SubjectType, value: str, **changes: Any) -> Party:
    members: dict[str, Any] = {
        "type": type_,
        "token": token(type_.value, value),
        "role": "applicant",
        "added_by": "sys_permit",
    }
    return Party(**members | changes)


def a_case(*parties: Party, **changes: Any) -> Case:
    members: dict[str, Any] = {
        "id": "cas_1",
        "number_token": "t",
        "system": "sys_permit",
        "department": "housing",
        "matter": MATTER,
        "project": "",
        "state": CaseState.OPEN,
        "accepted_at": NOW,
        "attested_by": "sys_intake",
        "parties": parties or (a_party(SubjectType.ENTERPRISE, USCC),),
    }
    return Case(**members | changes)


def a_system(**changes: Any) -> System:
    members: dict[str, Any] = {"id": "sys_permit", "department": "housing", "name": "审批系统"}
    return System(**members | changes)


def an_officer(**changes: Any) -> Officer:
    members: dict[str, Any] = {
        "id": "off_1",
        "department": "housing",
        "staff_number": STAFF,
        "name": "王小明",
    }
    return Officer(**members | changes)


def a_usage(**changes: Any) -> Usage:
    members: dict[str, Any] = {
        "matter": MATTER,
        "case": CASE,
        "purpose": "administrative-basis",
        "reason": REASON,
        "operator": STAFF,
    }
    return Usage(**members | changes)


def a_caller(**changes: Any) -> Caller:
    members: dict[str, Any] = {
        "system": a_system(),
        "region": "330106",
        "auth": "signature",
        "key": "key_1",
        "officer": an_officer(),
        "operator_auth": "declared",
        "nonce": Nonce(key="key_1", nonce="n1", expires=1),
        "request_base": b"base",
        "request_signature": b"signature",
    }
    return Caller(**members | changes)


def a_call(query: str = "query($e: ID!) { enterprise(uscc: $e) { uscc } }", **changes: Any) -> Call:
    members: dict[str, Any] = {
        "number": "call_0193-1",
        "caller": a_caller(),
        "usage": a_usage(),
        "case": a_case(),
        "body": b"{}",
        "query": query,
        "operation_name": None,
        "variables": {"e": USCC},
        "received_ms": int(NOW.timestamp() * 1000),
    }
    return Call(**members | changes)


def a_grant(resource: Resource | None = None, **changes: Any) -> Grant:
    resource = resource if resource is not None else a_resource()
    members: dict[str, Any] = {
        "id": "grt_1",
        "request": "req_1",
        "resource": resource.code,
        "provider": resource.department,
        "department": "housing",
        "systems": ("sys_permit",),
        "channels": ("query", "verify"),
        "matters": (MATTER,),
        "purposes": ("administrative-basis",),
        "items": tuple(item.name for item in resource.items),
        "match": tuple(item.name for item in resource.items if item.match),
        "masks": {},
        "rows": (),
        "max_rows": 20,
        "not_before": NOW - timedelta(days=1),
        "not_after": NOW + timedelta(days=1),
        "daily_quota": 100,
        "state": GrantState.ACTIVE,
    }
    return Grant(**members | changes)


def a_snapshot(
    resources: Sequence[Resource] = (), grants: Sequence[Grant] = (), **changes: Any
) -> Snapshot:
    """A registry of one calling system, the resources and their sources, and one matter."""
    resources = resources or (a_resource(),)
    system, officer = a_system(), an_officer()
    key = SystemKey(id="key_1", system=system.id, algorithm="ed25519", public=b"")
    codes = {system.department, *(resource.department for resource in resources)}
    matter = Matter(
        code=MATTER,
        kind=MatterKind.IMPLEMENTATION,
        department=system.department,
        name="施工许可",
        resources=tuple(resource.code for resource in resources),
    )
    members: Mapping[str, Any] = {
        "applied_index": 7,
        "departments": {
            code: Department(code=code, code_kind=CodeKind.OTHER, name=code) for code in codes
        },
        "systems": {system.id: system},
        "keys": {key.id: key},
        "officers": {officer.id: officer},
        "staff": {},
        "sources": {
            resource.source: SourceAddress(
                name=resource.source,
                department=resource.department,
                kind="sql",
                address="sqlite:///x.db",
            )
            for resource in resources
        },
        "resources": {resource.code: resource for resource in resources},
        "matters": {MATTER: matter},
        "grants": {grant.id: grant for grant in grants or (a_grant(),)},
        "asked": frozenset(),
    }
    return Snapshot(**{**members, **changes})
