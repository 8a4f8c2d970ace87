"""A real district's departments and matters, and the building-permit question under one of them."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.verify import verify_receipt
from catalogue.codes import complete_uscc, department_code
from catalogue.district import read_district
from catalogue.model import Actor, CodeKind, Department, Matter, MatterKind, Role
from catalogue.service import NewOfficer
from exchange.client.session import Exchange, Party
from exchange.client.signing import SigningKey
from exchange.clock import now
from exchange.demo import setup as demo
from exchange.demo.district import Table
from exchange.demo.setup import District
from exchange.demo.sources import write_table
from exchange.identity.keys import public_der
from exchange.node import create_home, open_node
from exchange.serving import Serving
from exchange.settings import Settings
from gateway.model import Usage
from tests.fakes.node import a_free_port, lines

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "d01-guangan-approval-items"
REGION = "511602"
GOVERNMENT, HALL = "区政府办", "区行政审批局"
MATTER = "511A0149400000-511602000000-000-115113016823646795-1-00"
NO_USCC = "TE5116020105116050"

APPLICANT = complete_uscc("91511602MA7K2C01X")
OTHER = complete_uscc("91511602MA7K2C028")
FIRMS = ((APPLICANT, "广安一建有限公司"), (OTHER, "广安二建有限公司"))
"""Made up: the district is real, its firms' records are nobody's."""

TABLES: Mapping[str, tuple[str, Table]] = {
    "market": (
        "区市监局",
        Table(
            name="business_licence",
            columns=(
                ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
                ("ent_name", "TEXT NOT NULL", "企业名称"),
                ("status", "TEXT NOT NULL", "登记状态"),
            ),
            rows=tuple((uscc, name, "存续") for uscc, name in FIRMS),
        ),
    ),
    "planning": (
        "区自然资源和规划局",
        Table(
            name="planning_permit",
            columns=(
                ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
                ("permit_no", "TEXT", "证书编号"),
            ),
            rows=tuple((uscc, f"建字第511602-{n}号") for n, (uscc, _) in enumerate(FIRMS)),
        ),
    ),
    "ecology": (
        "区生态环境局",
        Table(
            name="environmental_approval",
            columns=(
                ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
                ("approval_no", "TEXT", "批复文号"),
            ),
            rows=tuple((uscc, f"广环审〔2026〕{n}号") for n, (uscc, _) in enumerate(FIRMS)),
        ),
    ),
}
QUESTION = """query Permit($e: ID!) {
  enterprise(uscc: $e) {
    businessLicence { entName status }
    planningPermit { permitNo }
    environmentalApproval { approvalNo }
  }
}"""

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the real district's files are not in {FOLDER}"
)


def read() -> tuple[tuple[Department, ...], tuple[Matter, ...]]:
    departments, matters = read_district(
        (FOLDER / "departments.csv").read_bytes(),
        (FOLDER / "items.csv").read_bytes(),
        region=REGION,
    )
    assert (departments.findings, matters.findings) == ((), ())
    return departments.rows, matters.rows


def test_every_department_and_matter_is_read_and_every_code_kept_as_given() -> None:
    departments, matters = read()
    assert len(departments) == 34
    assert [d.code for d in departments if d.code_kind is CodeKind.OTHER] == [NO_USCC]
    assert len(matters) == 1135
    given = (FOLDER / "items.csv").read_text(encoding="utf-8")
    assert all(f",{matter.code}," in given for matter in matters)
    # The hall lists what it handles: implementation matters and local ones, no bare base matter.
    kinds = Counter(matter.kind for matter in matters)
    assert kinds == {MatterKind.IMPLEMENTATION: 262, MatterKind.LOCAL: 873}
    assert len({len(matter.code) for matter in matters}) > 3
    (permit,) = [matter for matter in matters if matter.code == MATTER]
    assert "施工许可" in permit.name


class RealDistrict(District):
    """The district's node with the officers of the story."""

    def found(self, departments: tuple[Department, ...], matters: tuple[Matter, ...]) -> None:
        codes = {department.name: department.code for department in departments}
        first = self._enrolled("administrator", codes[GOVERNMENT], Role.ADMINISTRATOR)
        code, kind = department_code(codes[GOVERNMENT])
        self.node.registry.bootstrap(
            Department(code=code, code_kind=kind, name=GOVERNMENT, region=REGION),
            first,
            public_key=public_der(self.keys["administrator"].public_key()),
            by=Actor(auth="bootstrap"),
        )
        self.act("administrator", "department.import", rows=list(departments))
        self.codes = codes
        wanted = [
            self._enrolled("authority", codes[GOVERNMENT], Role.AUTHORITY),
            self._enrolled("auditor", codes[GOVERNMENT], Role.AUDITOR),
        ]
        for short, name in {"hall": HALL, **{s: name for s, (name, _) in TABLES.items()}}.items():
            wanted.append(self._enrolled(f"{short}.operator", codes[name], Role.OPERATOR))
            wanted.append(self._enrolled(f"{short}.head", codes[name], Role.HEAD))
        self.act("administrator", "officer.import", rows=wanted)
        for row in self.act("administrator", "officer.list"):
            self.ids[row["staff_number"]] = row["id"]
            if row["staff_number"] == "administrator":
                continue
            public = public_der(self.keys[row["staff_number"]].public_key())
            self.act(
                "administrator",
                "officer.key",
                officer=row["id"],
                public=b64encode(public).decode(),
            )
        for start in range(0, len(matters), 200):
            rows = list(matters[start : start + 200])
            self.act("authority", "matter.import", rows=rows)

    def announce(self, short: str, code: str, *, folder: Path) -> None:
        """A department registers the one table of its own database, up to its announcement."""
        name, table = TABLES[short]
        path = folder / f"{short}.db"
        write_table(path, table)
        self.act(
            f"{short}.head",
            "source.add",
            name=short,
            department=self.codes[name],
            kind="sql",
            address=f"sqlite:///{path}",
        )
        seen = self.act(
            f"{short}.operator",
            "resource.reflect",
            source=short,
            table=table.name,
            code=code,
            key="uscc",
            titles={column: title for column, _, title in table.columns},
        )["resource"]
        drafted = seen | {
            "name": table.name,
            "single": True,
            "sharing_class": "conditional",
            "conditions": "仅限所办理案件的当事人",
            "purposes": ["administrative-basis"],
        }
        self.act(f"{short}.operator", "resource.draft", resource=drafted)
        demo.examine(self, short, code)
        self.act(f"{short}.head", "resource.submit", code=code)
        demo.settle_sources(self)
        self.act("authority", "resource.announce", code=code)
        items = [item["name"] for item in drafted["items"] if not item["key"]]
        asked = self.act("hall.operator", "request.create", wanted=_wanted(code, items))
        self.act("hall.head", "request.sign", request=asked["id"])
        self.act(f"{short}.head", "grant.give", request=asked["id"], terms={})

    def _enrolled(self, handle: str, department: str, role: Role) -> NewOfficer:
        self.keys[handle] = Ed25519PrivateKey.generate()
        return NewOfficer(
            department=department, staff_number=handle, name=f"张{handle}", roles=frozenset({role})
        )


def _wanted(code: str, items: list[str]) -> dict[str, Any]:
    return {
        "resource": code,
        "systems": ["hall.permit"],
        "items": items,
        "match": ["uscc"],
        "matters": [MATTER],
        "purposes": ["administrative-basis"],
        "channels": ["query"],
        "legal_basis": "《建筑法》第八条",
        "scenario": "核发施工许可时核验申请人",
        "not_before": (now() - timedelta(minutes=1)).isoformat(),
        "not_after": (now() + timedelta(days=365)).isoformat(),
    }


@contextmanager
def served(home: Path) -> Iterator[RealDistrict]:
    settings = Settings(home=home, port=a_free_port(), origin="guangan.example/log")
    create_home(settings)
    place = RealDistrict(node=open_node(settings))
    place.found(*read())
    serving = Serving(place.node)
    serving.start()
    try:
        yield place
    finally:
        serving.stop()


def test_the_approval_bureau_asks_three_departments_under_its_own_real_matter(
    tmp_path: Path,
) -> None:
    with served(tmp_path / "home") as place:
        snapshot = place.node.live.load()
        assert len(snapshot.departments) == 34
        assert len(snapshot.matters) == 1135
        assert snapshot.matters[MATTER].department == place.codes[HALL]
        assert snapshot.departments[NO_USCC].code_kind is CodeKind.OTHER
        again = place.act("authority", "matter.import", rows=list(read()[1][:200]))
        assert not again["added"]
        assert not again["changed"]

        url, vkey = place.node.settings.base_url, place.node.vkey
        for system, intake in (("hall.permit", False), ("hall.intake", True)):
            place.act(
                "administrator",
                "system.add",
                id=system,
                department=place.codes[HALL],
                name=system,
                intake=intake,
            )
            invited = place.act("administrator", "system.invite", system=system)
            place.systems[system] = SigningKey.create()
            with Exchange(url, vkey=vkey) as joining:
                joining.register(place.systems[system], invitation=invited["invitation"])
        for number, short in enumerate(TABLES, 1):
            place.announce(short, f"511602/{number:06d}", folder=tmp_path)

        with (
            Exchange(url, key=place.systems["hall.permit"], vkey=vkey) as hall,
            Exchange(url, key=place.systems["hall.intake"], vkey=vkey) as intake_platform,
        ):
            hall.put_case(
                "GA-2026-0001",
                matter=MATTER,
                parties=[Party(type="enterprise", identifier=APPLICANT)],
                accepted_at=now() - timedelta(minutes=1),
            )
            intake_platform.case_action("GA-2026-0001", "attest", system="hall.permit")
            usage = Usage(
                matter=MATTER,
                case="GA-2026-0001",
                purpose="administrative-basis",
                reason="夜间建筑施工许可",
                operator="hall.operator",
            )
            answer = hall.query(QUESTION, {"e": APPLICANT}, usage=usage)
            stranger = hall.query(QUESTION, {"e": OTHER}, usage=usage)
        assert answer.data == {
            "enterprise": {
                "businessLicence": {"entName": "广安一建有限公司", "status": "存续"},
                "planningPermit": {"permitNo": "建字第511602-0号"},
                "environmentalApproval": {"approvalNo": "广环审〔2026〕0号"},
            }
        }
        departments = {line["department"]["name"] for line in lines(answer).values()}
        assert departments == {name for name, _ in TABLES.values()}
        assert answer.receipt is not None
        report = verify_receipt(
            answer.receipt, vkeys=[vkey], answer=answer.raw, request=answer.request
        )
        assert report.holds
        assert {line["code"] for line in lines(stranger).values()} == {"SUBJECT_NOT_PARTY"}
        assert place.act("auditor", "audit.verify-log")["holds"]
