"""Builders of contracts, plans and outcomes: a query over a few resources, and what came of its steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalogue.model import ItemType, Resource, SubjectType, Validity
from catalogue.snapshot import Snapshot
from gateway.limits import Limits
from gateway.model import Failed, Masked, Permitted, Refused, Row, Step
from gateway.parse import Document, parse_document
from gateway.plan import Plan, plan
from gateway.rule import joins_of
from gateway.schema import build_contract
from tests.fakes.calls import a_grant, a_household, a_resource, a_system, a_verdict, an_item

LIMITS = Limits()


def normalise(subject: SubjectType, text: str) -> str:
    """One spelling: upper case. Says no to anything with a space, as real codes do."""
    if " " in text:
        raise ValueError(f"no identifier of a {subject.value}")
    return text.upper()


def a_permit_resource(**changes: Any) -> Resource:
    """Environmental approvals: a firm may have several; each names the person in charge."""
    members: dict[str, Any] = {
        "code": "333001/approval",
        "department": "ecology",
        "name": "环评批复",
        "name_en": "Environmental approval",
        "type_name": "EnvironmentalApproval",
        "field_name": "environmentalApproval",
        "list_name": "environmentalApprovals",
        "single": False,
        "items": (
            an_item("holder", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
            an_item("number", 1, match=True),
            an_item("charge", 2, type=ItemType.DECIMAL, unit="万元"),
            an_item("count", 3, type=ItemType.INTEGER),
            an_item("until", 4, type=ItemType.DATE, graphql_name="validUntil"),
            an_item("officer_id", 5, subject=SubjectType.PERSON, graphql_name="inCharge"),
        ),
        "validity": Validity(status_item=None, valid_words=(), until_item="until"),
    }
    return a_resource(**members | changes)


RESOURCES = (a_resource(), a_permit_resource(), a_household())


def a_registry(resources: Sequence[Resource], **granted: str) -> Snapshot:
    """Two systems of one department; `granted` is system id → the one resource granted to it."""
    systems = {name: a_system(id=name) for name in granted}
    grants = {
        f"grt_{name}": replace(a_grant(), id=f"grt_{name}", resource=code, systems=(name,))
        for name, code in granted.items()
    }
    return Snapshot(
        applied_index=0,
        departments={},
        systems=systems,
        keys={},
        officers={},
        staff={},
        sources={},
        resources={resource.code: resource for resource in resources},
        matters={},
        grants=grants,
        asked=frozenset(),
    )


def a_document(
    query: str, resources: Sequence[Resource] = RESOURCES, limits: Limits = LIMITS
) -> Document:
    return parse_document(query, build_contract(resources), limits=limits)


def a_plan(
    query: str,
    variables: Mapping[str, Any] | None = None,
    *,
    resources: Sequence[Resource] = RESOURCES,
    operation: str | None = None,
    limits: Limits = LIMITS,
) -> Plan:
    return plan(
        a_document(query, resources, limits),
        operation_name=operation,
        variables=variables or {},
        normalise=normalise,
        limits=limits,
    )


def permitted(step: Step, steps: Sequence[Step] = (), **changes: Any) -> Permitted:
    return Permitted(step, a_verdict(step, **changes), joins_of(step, steps))


def masked(
    step: Step,
    *rows: Row,
    joins: Sequence[Mapping[str, str]] = (),
    verified: str | None = None,
    **changes: Any,
) -> Masked:
    return Masked(permitted(step, **changes), rows, 1_700_000_000_123, verified, joins)


def failed(step: Step, code: str = "SOURCE_UNAVAILABLE") -> Failed:
    return Failed(permitted(step), code)


def refused(step: Step, code: str = "GRANT_MISSING") -> Refused:
    return Refused(step, code, None)
