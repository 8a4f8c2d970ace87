"""The fictional district of Yunxiu: departments, officers, holders and records, all with valid codes.

Nothing here exists: region 990106 is assigned to no place (GB/T 2260), names and numbers are made up. Check
digits are computed, so that every code passes the checks that real ones pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from catalogue.codes import complete_resident_id, complete_uscc

REGION = "990106"


def _organ(serial: str) -> str:
    """USCC of a state organ (GB 32100: registration 1, category 1)."""
    return complete_uscc(f"11{REGION}{serial}")


def _firm(serial: str) -> str:
    return complete_uscc(f"91{REGION}{serial}")


def _person(birth: str, order: str) -> str:
    return complete_resident_id(f"{REGION}{birth}{order}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOfficer:
    """An officer of the story; `handle` names the key file that the demo makes for them."""

    handle: str
    staff_number: str
    name: str
    post: str
    roles: tuple[str, ...]
    clearance: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDepartment:
    short: str
    code: str
    name: str
    name_en: str
    officers: tuple[DemoOfficer, ...]


def _pair(short: str, operator: str, head: str, *, clearance: int = 2) -> tuple[DemoOfficer, ...]:
    return (
        DemoOfficer(
            handle=f"{short}.operator",
            staff_number=f"{short.upper()}-011",
            name=operator,
            post="数据专员",
            roles=("operator",),
            clearance=clearance,
        ),
        DemoOfficer(
            handle=f"{short}.head",
            staff_number=f"{short.upper()}-001",
            name=head,
            post="负责人",
            roles=("head",),
        ),
    )


DATA = DemoDepartment(
    short="data",
    code=_organ("MB0A10017"),
    name="云岫区数据局",
    name_en="Yunxiu District Data Bureau",
    officers=(
        DemoOfficer(
            handle="administrator",
            staff_number="DATA-001",
            name="顾行之",
            post="系统管理员",
            roles=("administrator",),
        ),
        DemoOfficer(
            handle="authority",
            staff_number="DATA-002",
            name="沈知微",
            post="共享协调科科长",
            roles=("authority",),
        ),
        DemoOfficer(
            handle="approver",
            staff_number="DATA-003",
            name="陆守拙",
            post="安全管理员",
            roles=("policy-approver",),
        ),
        DemoOfficer(
            handle="approver.second",
            staff_number="DATA-004",
            name="章持衡",
            post="安全管理员（复核）",
            roles=("policy-approver",),
        ),
    ),
)
MARKET = DemoDepartment(
    short="market",
    code=_organ("MB0A10025"),
    name="云岫区市场监督管理局",
    name_en="Yunxiu Market Supervision Bureau",
    officers=_pair("market", "程以安", "秦正衡"),
)
PLANNING = DemoDepartment(
    short="planning",
    code=_organ("MB0A10033"),
    name="云岫区自然资源和规划局",
    name_en="Yunxiu Natural Resources and Planning Bureau",
    officers=_pair("planning", "方若谷", "石望山"),
)
ECOLOGY = DemoDepartment(
    short="ecology",
    code=_organ("MB0A10041"),
    name="云岫区生态环境局",
    name_en="Yunxiu Ecology and Environment Bureau",
    officers=_pair("ecology", "林听溪", "江澄"),
)
HOUSING = DemoDepartment(
    short="housing",
    code=_organ("MB0A10050"),
    name="云岫区住房和城乡建设局",
    name_en="Yunxiu Housing and Construction Bureau",
    officers=_pair("housing", "梁筑", "宋规"),
)
LABOUR = DemoDepartment(
    short="labour",
    code=_organ("MB0A10068"),
    name="云岫区人力资源和社会保障局",
    name_en="Yunxiu Labour and Social Security Bureau",
    officers=_pair("labour", "何勤", "温良"),
)
HALL = DemoDepartment(
    short="hall",
    code=_organ("MB0A10076"),
    name="云岫区行政审批局",
    name_en="Yunxiu Approval Bureau",
    officers=_pair("hall", "许明镜", "苏信", clearance=1),
)
AUDIT = DemoDepartment(
    short="audit",
    code=_organ("MB0A10084"),
    name="云岫区审计局",
    name_en="Yunxiu Audit Office",
    officers=(
        DemoOfficer(
            handle="auditor",
            staff_number="AUDIT-001",
            name="严察",
            post="审计管理员",
            roles=("auditor",),
        ),
        DemoOfficer(
            handle="supervisor",
            staff_number="AUDIT-002",
            name="景明远",
            post="监督人员",
            roles=("supervisor",),
        ),
        DemoOfficer(
            handle="supervisor.second",
            staff_number="AUDIT-003",
            name="温故知",
            post="监督人员（复核）",
            roles=("supervisor",),
        ),
    ),
)
DEPARTMENTS = (DATA, MARKET, PLANNING, ECOLOGY, HOUSING, LABOUR, HALL, AUDIT)

MATTER = "001130001000"
MATTER_NAME = "建筑工程施工许可核发"
FOREIGN_MATTER = "001131022000"

APPLICANT = _firm("MA7K2C01X")
"""云岫栖筑建设有限公司, the applicant of the story."""
DESIGNER = _firm("MA7K2C028")
"""A firm whose licence has expired."""
STRANGER = _firm("MA7K2C036")
"""A firm that is no party of the case."""
ENGINEER = _person("19850412", "031")
OTHER_PERSON = _person("19900923", "042")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a source: DDL columns with comments, and rows."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    """(column, SQL type, Chinese title)."""
    rows: tuple[tuple[object, ...], ...] = field(repr=False)


def tables() -> dict[str, Table]:
    """Return the departments' tables by source name, the story's holders first, then made-up ones."""
    firms = [
        (APPLICANT, "云岫栖筑建设有限公司"),
        (DESIGNER, "云岫营造设计有限公司"),
        (STRANGER, "云岫远山物流有限公司"),
        *_more_firms(60),
    ]
    return {
        "market": Table(
            name="business_licence",
            columns=(
                ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
                ("ent_name", "TEXT NOT NULL", "企业名称"),
                ("legal_rep", "TEXT", "法定代表人姓名"),
                ("legal_rep_id", "TEXT", "法定代表人身份证号"),
                ("phone", "TEXT", "联系电话"),
                ("capital", "NUMERIC", "注册资本（万元）"),
                ("status", "TEXT NOT NULL", "登记状态"),
                ("valid_until", "DATE", "有效期至"),
            ),
            rows=tuple(_licence(i, uscc, name) for i, (uscc, name) in enumerate(firms)),
        ),
        "planning": Table(
            name="planning_permit",
            columns=(
                ("permit_no", "TEXT", "证书编号"),
                ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
                ("project_name", "TEXT", "建设项目名称"),
                ("land_area", "NUMERIC", "用地面积（平方米）"),
                ("status", "TEXT", "状态"),
                ("valid_until", "DATE", "有效期至"),
            ),
            rows=tuple(
                (
                    f"建字第{REGION}2026{i:05d}号",
                    uscc,
                    f"{name[2:4]}综合楼",
                    f"{3000 + 37 * i}.50",
                    "有效",
                    "2028-06-30",
                )
                for i, (uscc, name) in enumerate(firms)
                if i % 3 == 0
            ),
        ),
        "ecology": Table(
            name="environmental_approval",
            columns=(
                ("approval_no", "TEXT PRIMARY KEY", "批复文号"),
                ("uscc", "TEXT NOT NULL", "统一社会信用代码"),
                ("project_name", "TEXT", "项目名称"),
                ("category", "TEXT", "环评类别"),
                ("valid_until", "DATE", "有效期至"),
            ),
            rows=tuple(
                (
                    f"云环审〔2026〕{i * 2 + k}号",
                    uscc,
                    f"{name[2:4]}项目{k + 1}期",
                    ("报告书", "报告表")[k],
                    "2031-01-31",
                )
                for i, (uscc, name) in enumerate(firms)
                for k in range(2)
                if (i + k) % 2 == 0 or i == 0
            ),
        ),
        "housing": Table(
            name="qualification",
            columns=(
                ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
                ("cert_no", "TEXT", "资质证书编号"),
                ("grade", "TEXT", "资质等级"),
                ("contact_phone", "TEXT", "联系电话"),
                ("status", "TEXT", "证书状态"),
                ("valid_until", "DATE", "有效期至"),
            ),
            rows=tuple(
                (
                    uscc,
                    f"D9{REGION}{i:04d}",
                    ("特级", "一级", "二级")[i % 3],
                    _phone(900 + i),
                    "有效" if i != 1 else "过期",
                    "2029-12-31" if i != 1 else "2025-03-31",
                )
                for i, (uscc, _name) in enumerate(firms)
            ),
        ),
    }


def engineers() -> Table:
    """Registered engineers, the persons whom a licence leads to (housing)."""
    people = [(ENGINEER, "周砚"), (OTHER_PERSON, "白露")]
    return Table(
        name="registered_engineer",
        columns=(
            ("id_no", "TEXT PRIMARY KEY", "身份证号"),
            ("name", "TEXT", "姓名"),
            ("cert_no", "TEXT", "注册证书编号"),
            ("speciality", "TEXT", "专业"),
            ("valid_until", "DATE", "有效期至"),
        ),
        rows=tuple(
            (id_no, name, f"G{i:06d}", "建筑工程", "2028-08-31")
            for i, (id_no, name) in enumerate(people)
        ),
    )


def deposits() -> list[dict[str, object]]:
    """Wage deposits (农民工工资保证金), served as JSON over HTTP by the labour bureau."""
    firms = [(APPLICANT, "云岫栖筑建设有限公司"), (DESIGNER, "云岫营造设计有限公司")]
    return [
        {
            "uscc": uscc,
            "account": f"62{i:014d}",
            "amount": "1200000.00",
            "state": "已缴存",
            "paid_on": "2026-02-11",
        }
        for i, (uscc, _name) in enumerate(firms)
    ]


def _licence(i: int, uscc: str, name: str) -> tuple[object, ...]:
    expired = uscc == DESIGNER
    return (
        uscc,
        name,
        ("周砚", "白露", "闻一")[i % 3],
        (ENGINEER, OTHER_PERSON)[i % 2],
        _phone(i),
        f"{500 + 25 * i}.00",
        "存续",
        "2025-12-31" if expired else "2046-05-20",
    )


def _phone(i: int) -> str:
    return f"1990000{i:04d}"


def _more_firms(count: int) -> Iterator[tuple[str, str]]:
    first = "青岚朗屿澄霁松筠禾墨"
    second = "建设工贸科技物业园林"
    for i in range(count):
        name = f"云岫{first[i % 10]}{first[(i * 7 + 3) % 10]}{second[2 * (i % 5) : 2 * (i % 5) + 2]}有限公司"
        yield _firm(f"MA7K3{i:04d}"), name
