"""What the gateway's bench asks for: three departments' tables, of each of which a call reads ten items.

The demonstration's three certificates with more about each of them, and a record of each for every firm.
`ungoverned` serves the same rows.
"""

from collections.abc import Sequence
from typing import Any

from catalogue.codes import complete_uscc
from exchange.demo import district
from exchange.demo.district import Table

FIRMS = 1_000
KEY = "uscc"
RESOURCES = {"market": "307/000001", "planning": "308/000001", "housing": "310/000001"}
"""Source → the code of the resource that is read from it."""

_COLUMNS = {
    "market": (
        ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
        ("ent_name", "TEXT NOT NULL", "企业名称"),
        ("legal_rep", "TEXT", "法定代表人姓名"),
        ("phone", "TEXT", "联系电话"),
        ("capital", "NUMERIC", "注册资本（万元）"),
        ("kind", "TEXT", "企业类型"),
        ("scope", "TEXT", "经营范围"),
        ("registrar", "TEXT", "登记机关"),
        ("established_on", "DATE", "成立日期"),
        ("status", "TEXT NOT NULL", "登记状态"),
        ("valid_until", "DATE", "有效期至"),
    ),
    "planning": (
        ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
        ("permit_no", "TEXT", "证书编号"),
        ("project_name", "TEXT", "建设项目名称"),
        ("site", "TEXT", "建设位置"),
        ("land_area", "NUMERIC", "用地面积（平方米）"),
        ("floor_area", "NUMERIC", "建筑面积（平方米）"),
        ("floors", "TEXT", "层数"),
        ("issuer", "TEXT", "发证机关"),
        ("issued_on", "DATE", "发证日期"),
        ("status", "TEXT", "状态"),
        ("valid_until", "DATE", "有效期至"),
    ),
    "housing": (
        ("uscc", "TEXT PRIMARY KEY", "统一社会信用代码"),
        ("cert_no", "TEXT", "资质证书编号"),
        ("grade", "TEXT", "资质等级"),
        ("category", "TEXT", "资质类别"),
        ("contact_phone", "TEXT", "联系电话"),
        ("scope", "TEXT", "承包工程范围"),
        ("economic_type", "TEXT", "经济性质"),
        ("issuer", "TEXT", "发证机关"),
        ("issued_on", "DATE", "发证日期"),
        ("status", "TEXT", "证书状态"),
        ("valid_until", "DATE", "有效期至"),
    ),
}


def tables() -> dict[str, Table]:
    """Return the tables by source name, a record of each firm in each of them."""
    return {
        source: Table(
            name=district.tables()[source].name,
            columns=_COLUMNS[source],
            rows=tuple(_record(source, number, uscc) for number, uscc in enumerate(firms())),
        )
        for source in RESOURCES
    }


def firms() -> list[str]:
    return [complete_uscc(f"91{district.REGION}MA8K{number:05d}") for number in range(FIRMS)]


def _record(source: str, i: int, uscc: str) -> tuple[object, ...]:
    match source:
        case "market":
            who = (f"企业{i}", "周砚", f"1990001{i:04d}", "100.00", "有限责任公司")
            what = ("建筑工程施工", "云岫区市场监督管理局", "2016-05-20", "存续", "2046-05-20")
            return (uscc, *who, *what)
        case "planning":
            what = (f"建字第{i:05d}号", f"综合楼{i}", f"青梧路{i}号", "3000.50", "12000.00", "12")
            return (uscc, *what, "云岫区规划和自然资源局", "2026-06-30", "有效", "2028-06-30")
        case _:
            what = (f"D8{i:05d}", "一级", "建筑工程施工总承包", f"1990002{i:04d}", "高度200米以下")
            return (
                uscc,
                *what,
                "有限责任",
                "云岫区住房和城乡建设局",
                "2024-12-31",
                "有效",
                "2029-12-31",
            )


def graphql_name(column: str) -> str:
    head, *rest = column.split("_")
    return head + "".join(part.title() for part in rest)


def field_of(table: Table) -> str:
    """Return the field of an enterprise under which a table's record is asked for."""
    return graphql_name(table.name)


def items_of(table: Table) -> tuple[str, ...]:
    """Return the GraphQL names of the ten items that a call asks for, in the order of the columns."""
    return tuple(graphql_name(name) for name, _kind, _title in table.columns if name != KEY)


def records_of(table: Table) -> list[dict[str, Any]]:
    """Return every firm's record of a table, by GraphQL name."""
    names = [graphql_name(column) for column, _kind, _title in table.columns]
    return [dict(zip(names, values, strict=True)) for values in table.rows]


def document(fields: Sequence[Table]) -> str:
    """Return the question for a firm's records of these tables, all their items."""
    asked = "\n".join(f"    {field_of(one)} {{ {' '.join(items_of(one))} }}" for one in fields)
    return f"query Permit($e: ID!) {{\n  enterprise(uscc: $e) {{\n{asked}\n  }}\n}}"


def list_document(table: Table) -> str:
    """Return the question for a page of a table's records, and where it ends."""
    field, items = field_of(table), " ".join(items_of(table))
    name = field[0].upper() + field[1:]
    return (
        "query Permits($e: Int!) {\n"
        f"  list{name}(first: $e) {{ nodes {{ {items} }} pageInfo {{ endCursor }} }}\n}}"
    )
