"""Sets the fictional district up as its people would: each act on the word of the officer who may do it."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from catalogue.codes import department_code
from catalogue.examination import CheckKind
from catalogue.model import Actor, Department, Role
from catalogue.service import NewOfficer
from exchange.client.session import Exchange
from exchange.client.signing import SigningKey
from exchange.clock import now, random_bytes
from exchange.demo import district
from exchange.demo.district import DemoDepartment
from exchange.demo.matters import TARGETS, materials, matters
from exchange.demo.sources import make_sources
from exchange.desk import Desk, read_envelope, write_envelope
from exchange.home import OFFICERS, write_private
from exchange.identity.keys import private_pem, public_der
from exchange.node import Node

APPROVER_KEY = Path("files") / "demo" / "keys" / "policy-approver.pem"
APPROVER_KEY_ID = "approver-1"
SYSTEM = "hall.permit"
INTAKE = "hall.intake"
CASE = "SG-2026-0117"
VALID = ("有效", "存续")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """How a publisher finishes the suggestion for one table."""

    source: str
    table: str
    code: str
    name: str
    name_en: str
    key: str | None = None
    single: bool = True
    sharing_class: str = "conditional"
    status: str | None = None
    until: str | None = None
    items: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


PUBLISHED = (
    Published(
        source="market",
        table="business_licence",
        code="307/000001",
        name="企业法人营业执照",
        name_en="Business licence",
        status="status",
        until="validUntil",
        items={
            "legalRep": {"level": 1, "mask": "none"},
            "legalRepId": {"level": 2, "match": True},
            "phone": {"level": 2},
            "status": {"match": True},
        },
    ),
    Published(
        source="planning",
        table="planning_permit",
        code="308/000001",
        name="建设工程规划许可证",
        name_en="Planning permit",
        key="uscc",
        sharing_class="unconditional",
        status="status",
        until="validUntil",
        items={
            name: {"sharing_class": "unconditional", "level": 1, "mask": "none"}
            for name in ("permitNo", "projectName", "landArea", "status", "validUntil")
        },
    ),
    Published(
        source="ecology",
        table="environmental_approval",
        code="309/000001",
        name="建设项目环境影响评价批复",
        name_en="Environmental approval",
        key="uscc",
        single=False,
        until="validUntil",
    ),
    Published(
        source="housing",
        table="qualification",
        code="310/000001",
        name="建筑业企业资质证书",
        name_en="Construction qualification",
        status="status",
        until="validUntil",
        items={"contactPhone": {"level": 2}, "grade": {"match": True}},
    ),
    Published(
        source="housing",
        table="registered_engineer",
        code="310/000002",
        name="注册建造师注册证书",
        name_en="Registered engineer",
        until="validUntil",
        items={"idNo": {"level": 2}, "name": {"level": 1, "mask": "none"}},
    ),
)
LICENCE = "307/000001"
DEPOSIT = "311/000001"
OWNERS = {
    "market": district.MARKET,
    "planning": district.PLANNING,
    "ecology": district.ECOLOGY,
    "housing": district.HOUSING,
    "labour": district.LABOUR,
}
ASKED = {
    "307/000001": ("entName", "legalRep", "phone", "status", "validUntil"),
    "308/000001": ("permitNo", "projectName", "validUntil"),
    "309/000001": ("approvalNo", "category", "validUntil"),
    "310/000001": ("certNo", "grade", "contactPhone", "status", "validUntil"),
    "310/000002": ("name", "certNo", "validUntil"),
    DEPOSIT: ("amount", "state", "paidOn"),
}
MATCHED = {
    "307/000001": ("uscc", "status"),
    "310/000001": ("uscc", "grade"),
    "310/000002": ("idNo",),
}


@dataclass(slots=True)
class District:
    """The demonstration's district: a node, and the keys of all who act in it."""

    node: Node
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    systems: dict[str, SigningKey] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def act(self, officer: str, name: str, /, **arguments: Any) -> Any:
        """Carry out one act, signed by an officer of the story."""
        envelope = write_envelope(
            name,
            msgspec.to_builtins(arguments),
            key=self.keys[officer],
            at=now(),
            nonce=urlsafe_b64encode(random_bytes(18)).decode(),
        )
        return Desk(self.node).perform(read_envelope(envelope))


Say = Callable[[str], None]


def found_district(node: Node, *, say: Say) -> District:
    """Register departments, officers with their keys, systems and the hall's matters."""
    place = District(node=node)
    folder = node.settings.home / OFFICERS
    for department in district.DEPARTMENTS:
        for officer in department.officers:
            key = Ed25519PrivateKey.generate()
            place.keys[officer.handle] = key
            write_private(folder / f"{officer.handle}.pem", private_pem(key))
    first = district.DATA.officers[0]
    node.registry.bootstrap(
        _department(district.DATA),
        _officer(district.DATA, 0),
        public_key=public_der(place.keys[first.handle].public_key()),
        by=Actor(auth="bootstrap"),
    )
    rows = [_department(department) for department in district.DEPARTMENTS]
    place.act("administrator", "department.import", rows=rows)
    officers = [
        _officer(department, position)
        for department in district.DEPARTMENTS
        for position in range(len(department.officers))
    ]
    place.act("administrator", "officer.import", rows=officers)
    say(f"{len(rows)} departments and {len(officers)} officers registered")
    _register_keys(place)
    for system, name in ((SYSTEM, "工程建设审批系统"), (INTAKE, "一窗受理平台")):
        place.act(
            "administrator",
            "system.add",
            id=system,
            department=district.HALL.code,
            name=name,
            intake=system == INTAKE,
        )
    codes = (*(entry.code for entry in PUBLISHED), DEPOSIT)
    place.act("authority", "matter.import", rows=matters(codes))
    return place


def write_approver_key(home: Path, key: EllipticCurvePrivateKey) -> None:
    """Put the key that signs policy bundles where the demo's reader finds it.

    Outside a demonstration it never comes near the gateway.
    """
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(home / APPROVER_KEY, pem)


def join_systems(place: District, *, base_url: str, vkey: str, say: Say) -> None:
    """Each system makes its key on its own side and registers it by invitation."""
    folder = place.node.settings.home / "files" / "demo" / "keys"
    for system in (SYSTEM, INTAKE):
        code = place.act("administrator", "system.invite", system=system)["invitation"]
        key = SigningKey.create()
        write_private(folder / f"{system}.pem", private_pem(key.private))
        with Exchange(base_url, vkey=vkey) as joining:
            joining.register(key, invitation=code)
        place.systems[system] = key
    say("the hall's systems made their keys and registered them by invitation")


def publish(place: District, *, labour_url: str, token: str, say: Say) -> None:
    """Register the sources, and every department's resources up to their announcement."""
    for name, path in make_sources(place.node.settings.home / "files" / "demo").items():
        place.act(
            f"{OWNERS[name].short}.head",
            "source.add",
            name=name,
            department=OWNERS[name].code,
            kind="sql",
            address=f"sqlite:///{path}",
        )
    place.act(
        "labour.head",
        "source.add",
        name="labour",
        department=district.LABOUR.code,
        kind="http",
        address=labour_url,
        secret=token,
        timeout_ms=1500,
    )
    titles = {
        table.name: {column: title for column, _kind, title in table.columns}
        for table in (*district.tables().values(), district.engineers())
    }
    for entry in PUBLISHED:
        short = OWNERS[entry.source].short
        seen = place.act(
            f"{short}.operator",
            "resource.reflect",
            source=entry.source,
            table=entry.table,
            code=entry.code,
            key=entry.key,
            titles=titles[entry.table],
        )
        announce(place, short, finished(seen["resource"], entry))
    announce(place, "labour", _deposit())
    place.act("authority", "matter.materials", listed=materials())
    for indicator, percent, due in TARGETS:
        place.act(
            "authority",
            "target.set",
            indicator=indicator,
            percent=percent,
            due=due,
            lead=district.DATA.code,
        )
    say(
        f"{len(PUBLISHED) + 1} resources of five departments announced, on four databases and a JSON service"
    )


def ask_for(place: District, resource: str, *, items: Sequence[str] = ()) -> str:
    """The hall asks for a resource, signed off by its head; returns the request's id.

    `items` empty asks for those of the story's question.
    """
    begins = now()
    asked = place.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": resource,
            "systems": [SYSTEM],
            "items": list(items or ASKED[resource]),
            "match": list(MATCHED.get(resource, ("uscc",))),
            "matters": [district.MATTER],
            "purposes": ["administrative-basis"],
            "channels": ["query", "verify"],
            "legal_basis": "《建筑法》第八条；《建筑工程施工许可管理办法》第四条",
            "scenario": "核发建筑工程施工许可证时核验申请人资格和前置许可",
            "not_before": (begins - timedelta(minutes=1)).isoformat(),
            "not_after": (begins + timedelta(days=365)).isoformat(),
            "daily_quota": 500,
        },
    )
    place.act("hall.head", "request.sign", request=asked["id"])
    return str(asked["id"])


def agree(place: District, request: str, resource: str) -> str:
    """The provider's head gives the grant; returns its id."""
    short = resource_owner(resource)
    given = place.act(f"{short}.head", "grant.give", request=request, terms={})
    return str(given["id"])


def resource_owner(resource: str) -> str:
    owner = next((entry.source for entry in PUBLISHED if entry.code == resource), "labour")
    return OWNERS[owner].short


def _register_keys(place: District) -> None:
    known = {row["staff_number"]: row["id"] for row in place.act("administrator", "officer.list")}
    for department in district.DEPARTMENTS:
        for officer in department.officers:
            place.ids[officer.handle] = known[officer.staff_number]
            if officer.handle == "administrator":
                continue
            public = b64encode(public_der(place.keys[officer.handle].public_key())).decode()
            place.act(
                "administrator", "officer.key", officer=known[officer.staff_number], public=public
            )


def announce(place: District, short: str, resource: dict[str, Any]) -> None:
    place.act(f"{short}.operator", "resource.draft", resource=resource)
    examine(place, short, resource["code"])
    place.act(f"{short}.head", "resource.submit", code=resource["code"])
    settle_sources(place)
    place.act("authority", "resource.announce", code=resource["code"])


def settle_sources(place: District) -> None:
    """The authority says whose the items are that two departments registered: who registered them first."""
    for shared in place.act("authority", "item.collisions"):
        _mine, first, *_others = shared["holders"]
        place.act(
            "authority",
            "item.designate",
            meaning=shared["meaning"],
            department=first["department"],
            reason="登记在先，由其采集",
        )


def examine(place: District, short: str, code: str) -> None:
    """The department's checks before its head signs: of secrets, and of personal information if any."""
    for kind in CheckKind:
        file = f"{kind}-{code.replace('/', '-')}.pdf"
        left = place.act(
            f"{short}.operator",
            "resource.examine",
            code=code,
            kind=kind,
            conclusion="clear",
            file=file,
            digest=hashlib.sha256(file.encode()).hexdigest(),
        )["missing"]
        if not left:
            break


def finished(suggested: dict[str, Any], entry: Published) -> dict[str, Any]:
    """What the publisher makes of the suggestion: a title, conditions, and levels that were decided."""
    items = [item | dict(entry.items.get(item["name"], {})) for item in suggested["items"]]
    for item in items:
        item["level"] = min(item["level"], 2)
    validity = None
    if entry.status or entry.until:
        validity = {
            "status_item": entry.status,
            "valid_words": list(VALID) if entry.status else [],
            "until_item": entry.until,
        }
    conditional = entry.sharing_class == "conditional"
    return suggested | {
        "name": entry.name,
        "name_en": entry.name_en,
        "single": entry.single,
        "sharing_class": entry.sharing_class,
        "conditions": "行政许可办理部门，仅限所办理案件的当事人" if conditional else "",
        "items": items,
        "level": max(item["level"] for item in items),
        "validity": validity,
        "purposes": ["administrative-basis"],
        **_metadata(OWNERS[entry.source].name, entry.name),
    }


def _metadata(department: str, name: str) -> dict[str, Any]:
    """The core metadata that every entry of the demo gives alike."""
    return {
        "abstract": f"{department}登记的{name}。",
        "keywords": [name],
        "format": "database",
        "methods": ["interface"],
        "recipients": ["*"],
        "openness": "not-open",
        "update_cycle": "daily",
        "data_class": "organisation",
        "contact": {"unit": f"{department}数据科", "telephone": "0571-00000000"},
    }


def _deposit() -> dict[str, Any]:
    columns: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("uscc", "统一社会信用代码", "text", {"key": True, "match": True, "subject": "enterprise"}),
        ("account", "保证金专户账号", "text", {"mask": "tail4"}),
        ("amount", "保证金金额（元）", "decimal", {}),
        ("state", "缴存状态", "text", {}),
        ("paid_on", "缴存日期", "date", {}),
    )
    items = [
        {
            "ordinal": ordinal,
            "name": "paidOn" if column == "paid_on" else column,
            "title": title,
            "column": column,
            "graphql_name": "paidOn" if column == "paid_on" else column,
            "type": kind,
            "sharing_class": "conditional",
            "level": 2,
            **more,
        }
        for ordinal, (column, title, kind, more) in enumerate(columns)
    ]
    return {
        "code": DEPOSIT,
        "department": district.LABOUR.code,
        "name": "农民工工资保证金缴存证明",
        "name_en": "Wage deposit",
        "type_name": "WageDeposit",
        "field_name": "wageDeposit",
        "list_name": "wageDeposits",
        "source": "labour",
        "table": "/deposits",
        "items": items,
        "sharing_class": "conditional",
        "conditions": "行政许可办理部门，仅限所办理案件的当事人",
        "purposes": ["administrative-basis"],
        **_metadata(district.LABOUR.name, "农民工工资保证金缴存证明"),
    }


def _department(department: DemoDepartment) -> Department:
    code, kind = department_code(department.code)
    return Department(
        code=code,
        code_kind=kind,
        name=department.name,
        name_en=department.name_en,
        region=district.REGION,
    )


def _officer(department: DemoDepartment, position: int) -> NewOfficer:
    officer = department.officers[position]
    return NewOfficer(
        department=department.code,
        staff_number=officer.staff_number,
        name=officer.name,
        post=officer.post,
        roles=frozenset(Role(role) for role in officer.roles),
        clearance=officer.clearance,
    )
