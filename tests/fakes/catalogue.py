"""Builders of valid catalogue values; a test changes only what matters to it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from catalogue.bundles import BundleState, PolicyBundle
from catalogue.codes import complete_resident_id, complete_uscc
from catalogue.emergency import EmergencyAccess, EmergencyState
from catalogue.granted import Grant, GrantState
from catalogue.keeping import Erasure, ErasureState, Hold
from catalogue.metadata import ANY_DEPARTMENT, SharingMethod
from catalogue.model import (
    Actor,
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
    Role,
    SharingClass,
    SourceAddress,
    SubjectType,
    System,
    SystemKey,
    Validity,
)
from catalogue.requested import RequestState, SharingRequest
from catalogue.reviews import Review, ReviewState
from catalogue.snapshot import Snapshot
from catalogue.validation import PURPOSES
from tests.fakes.sealer import FakeSealer

T = TypeVar("T")

TODAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
YESTERDAY = TODAY - timedelta(days=1)
TOMORROW = TODAY + timedelta(days=1)

MARKET = complete_uscc("11990106MB0A10025")
HALL = complete_uscc("11990106MB0A10076")
HOUSING = complete_uscc("11990106MB0A10050")
FIRM = complete_uscc("91990106MA7K2C01X")
OTHER_FIRM = complete_uscc("91990106MA7K2C036")
PERSON = complete_resident_id("99010619850412031")
MATTER = "001130001000"
HALL_SYSTEM = "sys_hall"
LICENCE = "MKT/licence"


def _build(cls: Callable[..., T], members: dict[str, Any], changes: dict[str, Any]) -> T:
    return cls(**members | changes)


def a_department(code: str = HALL, **changes: Any) -> Department:
    return _build(
        Department,
        {
            "code": code,
            "code_kind": CodeKind.USCC,
            "name": "云岫区行政审批局" if code == HALL else f"部门{code[-4:]}",
            "name_en": "Approval Bureau" if code == HALL else f"Department {code[-4:]}",
            "region": "990106",
        },
        changes,
    )


def a_system(system_id: str = HALL_SYSTEM, **changes: Any) -> System:
    return _build(
        System, {"id": system_id, "department": HALL, "name": "工程建设审批系统"}, changes
    )


def a_system_key(key_id: str = "key_hall", **changes: Any) -> SystemKey:
    return _build(
        SystemKey,
        {
            "id": key_id,
            "system": HALL_SYSTEM,
            "algorithm": "ed25519",
            "public": b"\x30\x2a not a real key",
        },
        changes,
    )


def an_officer(officer_id: str = "off_clerk", **changes: Any) -> Officer:
    return _build(
        Officer,
        {
            "id": officer_id,
            "department": HALL,
            "staff_number": f"HALL-{officer_id}",
            "name": "许明镜",
            "roles": frozenset({Role.OPERATOR}),
        },
        changes,
    )


def an_actor(officer: Officer | None = None, *, system: System | None = None) -> Actor:
    return Actor(officer=officer, system=system)


def a_source(name: str = "market", **changes: Any) -> SourceAddress:
    return _build(
        SourceAddress,
        {"name": name, "department": MARKET, "kind": "sql", "address": "sqlite:///market.db"},
        changes,
    )


def an_item(name: str, ordinal: int, **changes: Any) -> Item:
    return _build(
        Item,
        {
            "ordinal": ordinal,
            "name": name,
            "title": name,
            "column": name,
            "graphql_name": name,
        },
        changes,
    )


def licence_items() -> tuple[Item, ...]:
    return (
        an_item(
            "uscc",
            0,
            title="统一社会信用代码",
            key=True,
            match=True,
            subject=SubjectType.ENTERPRISE,
            sharing_class=SharingClass.UNCONDITIONAL,
            level=1,
        ),
        an_item("name", 1, title="企业名称", level=1, match=True),
        an_item("status", 2, title="登记状态", level=1),
        an_item("validUntil", 3, title="有效期至", level=1),
        an_item("phone", 4, title="联系电话", level=3, mask="phone"),
        an_item("legalRepId", 5, title="法定代表人证件号", level=3, subject=SubjectType.PERSON),
    )


def a_resource(code: str = LICENCE, **changes: Any) -> Resource:
    """The market supervision's business licences: conditional, keyed by enterprise, announced."""
    return _build(
        Resource,
        {
            "code": code,
            "department": MARKET,
            "name": "营业执照",
            "name_en": "Business licence",
            "type_name": "BusinessLicence",
            "field_name": "businessLicence",
            "list_name": "businessLicences",
            "source": "market",
            "table": "business_licence",
            "items": licence_items(),
            "sharing_class": SharingClass.CONDITIONAL,
            "conditions": "办理行政审批时核验申请人主体资格",
            "level": 3,
            "validity": Validity(
                status_item="status", valid_words=("存续",), until_item="validUntil"
            ),
            "purposes": PURPOSES,
            "methods": (SharingMethod.INTERFACE,),
            "recipients": (ANY_DEPARTMENT,),
            "state": "announced",
        },
        changes,
    )


def a_matter(code: str = MATTER, **changes: Any) -> Matter:
    return _build(
        Matter,
        {
            "code": code,
            "kind": MatterKind.BASE,
            "department": HALL,
            "name": "建筑工程施工许可核发",
            "resources": (LICENCE,),
        },
        changes,
    )


def a_request(request_id: str = "req_1", **changes: Any) -> SharingRequest:
    return _build(
        SharingRequest,
        {
            "id": request_id,
            "resource": LICENCE,
            "department": HALL,
            "systems": (HALL_SYSTEM,),
            "items": ("uscc", "name", "status", "validUntil", "phone"),
            "match": ("uscc",),
            "matters": (MATTER,),
            "purposes": ("administrative-basis",),
            "channels": ("query", "verify"),
            "legal_basis": "《中华人民共和国建筑法》第八条",
            "scenario": "核验申请人主体资格",
            "not_before": YESTERDAY,
            "not_after": TODAY + timedelta(days=365),
            "daily_quota": 1000,
            "state": RequestState.SUBMITTED,
            "created_by": "off_clerk",
            "created_at": YESTERDAY,
            "signed_by": "off_head",
        },
        changes,
    )


def a_grant(grant_id: str = "grt_1", *, last_day: datetime | None = None, **changes: Any) -> Grant:
    """A grant of the licence to the hall; `last_day` is the last day on which it holds."""
    end = TODAY + timedelta(days=365) if last_day is None else last_day + timedelta(days=1)
    return _build(
        Grant,
        {
            "id": grant_id,
            "request": "req_1",
            "resource": LICENCE,
            "provider": MARKET,
            "department": HALL,
            "systems": (HALL_SYSTEM,),
            "channels": ("query", "verify"),
            "matters": (MATTER,),
            "purposes": ("administrative-basis",),
            "items": ("uscc", "name", "status", "validUntil", "phone"),
            "match": ("uscc",),
            "masks": {},
            "rows": (),
            "max_rows": 100,
            "not_before": YESTERDAY - timedelta(days=30),
            "not_after": end,
            "daily_quota": 1000,
            "state": GrantState.ACTIVE,
        },
        changes,
    )


def a_party(
    identifier: str = FIRM, subject: SubjectType = SubjectType.ENTERPRISE, **changes: Any
) -> Party:
    return _build(
        Party,
        {
            "type": subject,
            "token": FakeSealer().token(subject, identifier),
            "role": "applicant",
            "added_by": HALL_SYSTEM,
        },
        changes,
    )


def a_case(case_id: str = "case_1", **changes: Any) -> Case:
    return _build(
        Case,
        {
            "id": case_id,
            "number_token": FakeSealer().token("case", f"{HALL_SYSTEM}/2026-0117"),
            "system": HALL_SYSTEM,
            "department": HALL,
            "matter": MATTER,
            "project": "",
            "state": CaseState.OPEN,
            "accepted_at": YESTERDAY,
            "attested_by": None,
            "parties": (a_party(),),
        },
        changes,
    )


def a_policy_bundle(serial: int = 1, **changes: Any) -> PolicyBundle:
    """A proposed bundle; its digest is made of its serial."""
    return _build(
        PolicyBundle,
        {
            "digest": f"{serial:064x}",
            "serial": serial,
            "revision": f"exchange-0123456789abcdef.{serial}",
            "expires": TODAY + timedelta(days=90),
            "signed_by": "approver-1",
            "tests": 12,
            "state": BundleState.PROPOSED,
            "proposed_by": "off_approver",
            "proposed_at": TODAY,
        },
        changes,
    )


def an_emergency(**changes: Any) -> EmergencyAccess:
    """An access that the first officer asked for."""
    return _build(
        EmergencyAccess,
        {
            "id": "emg_000001",
            "resource": LICENCE,
            "provider": MARKET,
            "department": HALL,
            "system": HALL_SYSTEM,
            "matter": MATTER,
            "purpose": "administrative-basis",
            "items": ("name", "status"),
            "subject_type": SubjectType.ENTERPRISE,
            "subject": "0" * 64,
            "reason": "工地坍塌，须即刻核实施工单位主体资格",
            "minutes": 30,
            "state": EmergencyState.ASKED,
            "asked_by": "off_first",
            "asked_at": TODAY,
        },
        changes,
    )


def an_erasure(**changes: Any) -> Erasure:
    """An erasure that the authority asked for."""
    return _build(
        Erasure,
        {
            "id": "ers_000001",
            "subject_type": SubjectType.PERSON,
            "subject": "11010519491231002X",
            "legal_basis": "《中华人民共和国个人信息保护法》第四十七条",
            "document": "云数〔2026〕12号",
            "state": ErasureState.PROPOSED,
            "asked_by": "off_authority",
            "asked_at": TODAY,
        },
        changes,
    )


def a_review(**changes: Any) -> Review:
    """A review of one department's calls of a week, open to one supervisor."""
    return _build(
        Review,
        {
            "id": "rev_000001",
            "document": "云监核〔2026〕7号",
            "reason": "群众反映越权查询",
            "departments": (HALL,),
            "systems": (),
            "resources": (),
            "matters": (),
            "cases": (),
            "subjects": (),
            "since": TODAY - timedelta(days=7),
            "until": TODAY,
            "officers": ("off_supervisor",),
            "sealed": False,
            "expires": TODAY + timedelta(days=30),
            "state": ReviewState.OPEN,
            "proposed_by": "off_authority",
            "proposed_at": TODAY,
            "confirmed_by": "off_auditor",
            "confirmed_at": TODAY,
        },
        changes,
    )


def a_hold(**changes: Any) -> Hold:
    """A hold on one person that the authority set."""
    return _build(
        Hold,
        {
            "id": "hld_000001",
            "everybody": False,
            "subject_type": SubjectType.PERSON,
            "subject": "11010519491231002X",
            "reason": "行政复议期间保全",
            "document": "云复〔2026〕3号",
            "set_by": "off_authority",
            "set_at": TODAY,
        },
        changes,
    )


def a_snapshot(
    *,
    departments: Iterable[Department] | None = None,
    systems: Iterable[System] | None = None,
    keys: Iterable[SystemKey] = (),
    officers: Iterable[Officer] | None = None,
    sources: Iterable[SourceAddress] | None = None,
    resources: Iterable[Resource] | None = None,
    matters: Iterable[Matter] | None = None,
    grants: Iterable[Grant] | None = None,
    asked: Iterable[tuple[str, str]] = (),
    applied_index: int = 7,
    policy: PolicyBundle | None = None,
    policy_in_doubt: bool = False,
) -> Snapshot:
    """One hall, one provider, one announced resource, one grant in force; name what differs."""
    people = [an_officer()] if officers is None else list(officers)
    sealer = FakeSealer()
    return Snapshot(
        applied_index=applied_index,
        departments={
            d.code: d
            for d in (
                [a_department(HALL), a_department(MARKET)] if departments is None else departments
            )
        },
        systems={s.id: s for s in ([a_system()] if systems is None else systems)},
        keys={k.id: k for k in keys},
        officers={o.id: o for o in people},
        staff={(o.department, sealer.token("staff", o.staff_number)): o.id for o in people},
        sources={s.name: s for s in ([a_source()] if sources is None else sources)},
        resources={r.code: r for r in ([a_resource()] if resources is None else resources)},
        matters={m.code: m for m in ([a_matter()] if matters is None else matters)},
        grants={g.id: g for g in ([a_grant()] if grants is None else grants)},
        asked=frozenset(asked),
        policy=policy,
        policy_in_doubt=policy_in_doubt,
    )
