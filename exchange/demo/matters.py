"""The fictional district's matters: facts by which they are measured, and the materials that they ask for.

Made up as everything here is: names are usual ones, codes, days and materials belong to no real matter.
"""

from dataclasses import dataclass

from catalogue.materials import Material, MatterList, MatterType, Origin
from catalogue.model import Matter, MatterKind
from exchange.demo import district
from exchange.demo.district import DemoDepartment

LICENCE, PLANNING, ECOLOGY = "307/000001", "308/000001", "309/000001"
QUALIFICATION, ENGINEER, DEPOSIT = "310/000001", "310/000002", "311/000001"
CASE_PATTERN = "SG-[0-9]{4}-[0-9]{4}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMatter:
    code: str
    owner: DemoDepartment
    name: str
    type: MatterType
    lists: tuple[MatterList, ...]
    depth: int | None
    trips: int | None
    days: tuple[int, int, int] | None
    """Statutory, promised and baseline working days; None: the department did not state them."""


_APPROVAL, _SERVICE, _ONE_TRIP = MatterList.APPROVAL, MatterList.PUBLIC_SERVICE, MatterList.ONE_TRIP
_LICENCE, _PUBLIC, _OTHER = MatterType.LICENCE, MatterType.PUBLIC_SERVICE, MatterType.OTHER_POWER

MATTERS = (
    DemoMatter(
        code=district.MATTER,
        owner=district.HALL,
        name=district.MATTER_NAME,
        type=_LICENCE,
        lists=(_APPROVAL, _ONE_TRIP),
        depth=4,
        trips=0,
        days=(7, 4, 6),
    ),
    DemoMatter(
        code=district.FOREIGN_MATTER,
        owner=district.MARKET,
        name="食品经营许可",
        type=_LICENCE,
        lists=(_APPROVAL, _ONE_TRIP),
        depth=4,
        trips=0,
        days=(20, 8, 12),
    ),
    DemoMatter(
        code="001131090000",
        owner=district.MARKET,
        name="特种设备使用登记",
        type=_LICENCE,
        lists=(_APPROVAL,),
        depth=3,
        trips=1,
        days=(15, 10, 10),
    ),
    DemoMatter(
        code="001115014000",
        owner=district.PLANNING,
        name="建设工程规划类许可证核发",
        type=_LICENCE,
        lists=(_APPROVAL,),
        depth=3,
        trips=1,
        days=(20, 12, 15),
    ),
    DemoMatter(
        code="001115009000",
        owner=district.PLANNING,
        name="建设项目用地预审",
        type=_LICENCE,
        lists=(_APPROVAL, _ONE_TRIP),
        depth=4,
        trips=0,
        days=(20, 9, 14),
    ),
    DemoMatter(
        code="001116002000",
        owner=district.ECOLOGY,
        name="建设项目环境影响评价审批",
        type=_LICENCE,
        lists=(_APPROVAL,),
        depth=2,
        trips=1,
        days=(30, 20, 22),
    ),
    DemoMatter(
        code="001117028000",
        owner=district.HOUSING,
        name="城镇污水排入排水管网许可",
        type=_LICENCE,
        lists=(_APPROVAL,),
        depth=3,
        trips=1,
        days=(20, 10, 15),
    ),
    DemoMatter(
        code="001117901000",
        owner=district.HOUSING,
        name="房屋建筑工程竣工验收备案",
        type=_OTHER,
        lists=(_APPROVAL, _ONE_TRIP),
        depth=1,
        trips=2,
        days=None,
    ),
    DemoMatter(
        code="001114010000",
        owner=district.LABOUR,
        name="人力资源服务许可",
        type=_LICENCE,
        lists=(_APPROVAL,),
        depth=4,
        trips=0,
        days=(20, 10, 12),
    ),
    DemoMatter(
        code="002014012000",
        owner=district.LABOUR,
        name="社会保险参保证明打印",
        type=_PUBLIC,
        lists=(_SERVICE, _ONE_TRIP),
        depth=4,
        trips=0,
        days=(1, 1, 2),
    ),
    DemoMatter(
        code="002039001000",
        owner=district.HALL,
        name="工程建设项目办理进度查询",
        type=_PUBLIC,
        lists=(_SERVICE,),
        depth=None,
        trips=None,
        days=None,
    ),
)


TARGETS = (
    ("departments-connected", 50, "2026-12-31"),
    ("departments-connected", 90, "2027-12-31"),
    ("matters-online", 70, "2026-12-31"),
    ("matters-online", 90, "2027-12-31"),
    ("matters-no-trip", 70, "2027-12-31"),
    ("speed-up", 15, "2026-12-31"),
    ("materials-asked-again", 0, "2026-12-31"),
)
"""Indicator, per cent, day: as the district's plan has them."""


def matters(resources: tuple[str, ...]) -> list[Matter]:
    """Return the matters as the authority registers them; the building permit lists `resources`."""
    return [
        Matter(
            code=one.code,
            kind=MatterKind.BASE,
            department=one.owner.code,
            name=one.name,
            case_pattern=CASE_PATTERN if one.code == district.MATTER else "",
            resources=resources if one.code == district.MATTER else (),
            type=one.type,
            lists=tuple(sorted(one.lists)),
            online_depth=one.depth,
            trips=one.trips,
            statutory_days=one.days[0] if one.days else None,
            promised_days=one.days[1] if one.days else None,
            baseline_days=one.days[2] if one.days else None,
        )
        for one in MATTERS
    ]


def _own(code: str, name: str, name_en: str) -> Material:
    """What the applicant makes, and nobody else has."""
    return Material(code=code, name=name, name_en=name_en)


def _shared(code: str, name: str, name_en: str, resource: str, *, waived: bool) -> Material:
    return Material(
        code=code,
        name=name,
        name_en=name_en,
        origin=Origin.GOVERNMENT,
        resource=resource,
        waived=waived,
        reason="" if waived else "窗口系统尚未改造，暂由申请人提交",
    )


def materials() -> dict[str, list[Material]]:
    """Return what matters ask for, by code; those that are not in it have listed nothing yet."""
    licence = _shared("1", "营业执照", "Business licence", LICENCE, waived=True)
    asked_licence = _shared("1", "营业执照复印件", "Copy of the licence", LICENCE, waived=False)
    unlinked = Material(
        code="2",
        name="建筑业企业资质证书复印件",
        name_en="Copy of the construction qualification",
        origin=Origin.GOVERNMENT,
    )
    fire = Material(
        code="8",
        name="消防设计审查意见书",
        name_en="Fire design review",
        origin=Origin.GOVERNMENT,
        certificate="11100000MB0X9041XF001",
    )
    return {
        district.MATTER: [
            licence,
            _shared("2", "建设工程规划许可证", "Planning permit", PLANNING, waived=True),
            _shared("3", "环境影响评价批复", "Environmental approval", ECOLOGY, waived=True),
            _shared("4", "施工企业资质证书", "Qualification", QUALIFICATION, waived=True),
            _shared("5", "项目负责人注册证书", "Engineer's certificate", ENGINEER, waived=False),
            _shared("6", "农民工工资保证金缴存证明", "Wage deposit", DEPOSIT, waived=False),
            _own("7", "施工图设计文件", "Construction drawings"),
            fire,
        ],
        district.FOREIGN_MATTER: [
            licence,
            _own("2", "食品经营许可申请书", "Application"),
            _own("3", "经营场所布局图", "Floor plan"),
        ],
        "001131090000": [licence, _own("2", "设备出厂合格证", "Manufacturer's certificate")],
        "001115014000": [asked_licence, unlinked, _own("3", "建设工程设计方案", "Design")],
        "001115009000": [
            asked_licence,
            _own("2", "用地预审申请表", "Application"),
            _shared("3", "建设工程规划许可证", "Planning permit", PLANNING, waived=True),
        ],
        "001116002000": [asked_licence, _own("2", "环境影响报告书", "Impact report")],
        "001114010000": [
            asked_licence,
            _own("2", "人力资源服务许可申请表", "Application"),
        ],
        "002014012000": [],
    }
