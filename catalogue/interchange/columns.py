"""The columns of the survey (目录编制): under two levels of headings in the workbook, under one in CSV."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from catalogue import words as written
from catalogue.interchange.fields import ENTRY_FIELDS, ITEM_FIELDS, Field

CATALOGUE_SHEET = "信息资源产生清单"
NEEDS_SHEET = "信息资源需求清单"
CATALOGUE_TITLE = "政务信息资源产生清单"
NEEDS_TITLE = "政务信息资源需求清单"
BESIDES = "交换平台补充"
"""Group of the columns that the survey does not have; a survey without them is read all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its two headings, and the field that it holds."""

    group: str
    """Heading above; empty where the column has one heading over both rows."""
    heading: str
    field: str
    """Of the entry or the item; empty where nothing is read from the column."""
    of_item: bool = False

    @property
    def known(self) -> Field | None:
        """The field; None where it is none of one field alone."""
        return (ITEM_FIELDS if self.of_item else ENTRY_FIELDS).get(self.field)

    @property
    def flat(self) -> str:
        """The one heading in a file that has no groups."""
        return self.known.zh if self.known is not None else f"{self.group}{self.heading}"


NUMBER, GROUP, SUBGROUP, DETAIL = "number", "class-2", "class-3", "class-4"
TERMS, TERMS_BESIDES, FORMAT_OTHER = "terms", "terms-besides", "format-other"
"""Not of one field alone: the column of conditions holds the legal basis where nothing is shared."""


def _of(field: str, *, group: str = "", heading: str = "", of_item: bool = False) -> Column:
    known = (ITEM_FIELDS if of_item else ENTRY_FIELDS)[field]
    return Column(group=group, heading=heading or known.zh, field=field, of_item=of_item)


def survey(details: int = 1) -> tuple[Column, ...]:
    """Return the columns of the sheet of resources, with so many columns of 细目."""
    return (
        Column(group="", heading="序号", field=NUMBER),
        Column(group="信息资源分类", heading="项", field=GROUP),
        Column(group="信息资源分类", heading="目", field=SUBGROUP),
        *(
            Column(group="信息资源分类", heading=f"细目{n}", field=f"{DETAIL}.{n}")
            for n in range(1, details + 1)
        ),
        _of("keywords"),
        _of("code"),
        _of("name"),
        _of("contact_unit"),
        _of("abstract"),
        _of("format", group="信息资源格式", heading="分类"),
        _of("format_name", group="信息资源格式", heading="类型"),
        Column(group="信息资源格式", heading="其他", field=FORMAT_OTHER),
        _of("title", group="信息项信息", heading="信息项名称", of_item=True),
        _of("data_element", group="信息项信息", of_item=True),
        _of("code_list", group="信息项信息", of_item=True),
        _of("type", group="信息项信息", of_item=True),
        _of("length", group="信息项信息", of_item=True),
        _of("sharing_class", group="共享属性"),
        Column(group="共享属性", heading="共享条件/不予共享依据", field=TERMS),
        _of("openness", group="开放属性"),
        _of("open_conditions", group="开放属性"),
        _of("update_cycle"),
        _of("published_on"),
        *(_of(name, group=BESIDES) for name in _MORE_OF_ENTRIES),
        Column(group=BESIDES, heading="其他共享说明", field=TERMS_BESIDES),
        *(_of(name, group=BESIDES, of_item=True) for name in _MORE_OF_ITEMS),
    )


def flat() -> tuple[Column, ...]:
    """Return the columns of a CSV file: conditions and basis apart, no groups."""
    left = {NUMBER, GROUP, SUBGROUP, TERMS, TERMS_BESIDES, FORMAT_OTHER}
    columns = [one for one in survey(0) if one.field not in left]
    place = [one.field for one in columns].index("sharing_class")
    columns[place + 1 : place + 1] = [_of("conditions"), _of("no_share_basis")]
    return tuple(columns)


_MORE_OF_ENTRIES = (
    "department",
    "name_en",
    "contact_telephone",
    "contact_email",
    "methods",
    "recipients",
    "purposes",
    "update_days",
    "related",
    "data_class",
    "level",
    "personal",
    "consent",
    "base_data",
    "secrecy",
    "distributions",
    "upstream_holder",
    "upstream_way_to_ask",
    "upstream_letter",
)
_MORE_OF_ITEMS = (
    "name",
    "title_en",
    "description",
    "codes",
    "unit",
    "sharing_class",
    "level",
    "sensitivity",
    "mask",
    "subject",
    "key",
    "match",
    "basic",
)

NEEDS: tuple[tuple[str, str], ...] = (
    ("序号", "number"),
    ("所需资源名称", "words"),
    ("提供方", "provider"),
    ("描述", "description"),
    ("是否已获取", "had"),
    ("建议获取方式", "method"),
    ("期望使用频率", "frequency"),
    ("用途", "need"),
    ("所需机构", "bodies"),
)

_NOISE = re.compile(r"[\s*＊:：()（）_＿\-]+")


def norm(heading: str) -> str:
    """Return a heading without what differs from form to form: blanks, stars, brackets, the script."""
    return written.fold(_NOISE.sub("", heading)).replace("／", "/").casefold()


_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "信息资源编码": "信息资源代码",
        "资源代码": "信息资源代码",
        "资源编码": "信息资源代码",
        "资源名称": "信息资源名称",
        "资源摘要": "信息资源摘要",
        "摘要": "信息资源摘要",
        "提供方内部部门": "内设部门名称",
        "内设部门": "内设部门名称",
        "信息资源提供方代码": "提供方代码",
        "名称": "信息项名称",
        "信息项": "信息项名称",
        "关联代码表": "关联代码集",
        "类型": "数据类型",
        "长度": "数据长度",
        "共享属性类型": "共享类型",
        "共享条件不予共享依据": "共享条件/不予共享依据",
        "共享条件或不予共享依据": "共享条件/不予共享依据",
        "是否开放": "是否向社会开放",
        "更新频率": "更新周期",
        "信息资源格式分类": "格式分类",
        "信息资源格式类型": "格式类型",
        "其他类型资源格式描述": "信息资源格式其他",
        "发布时间": "发布日期",
        "关联及类目名称": "关联分类",
    }
)


class Headings:
    """The headings that name a column, with all their other spellings."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._grouped = {(norm(one.group), norm(one.heading)): one for one in columns}
        self._plain: dict[str, Column] = {}
        for one in columns:
            names = [one.flat, one.heading, one.field]
            names += [f"item_{one.field}"] if one.of_item else []
            for name in names:
                self._plain.setdefault(norm(name), one)
            if one.known is not None:
                self._plain.setdefault(norm(one.known.en), one)
        self._aliases = {norm(name): norm(meant) for name, meant in _ALIASES.items()}

    def find(self, heading: str, group: str) -> Column | None:
        """Return the column that a heading under a group names; None where it names none."""
        wanted, above = norm(heading), norm(group)
        if above and re.fullmatch(r"(项|目|细目[0-9]*|类)", wanted):
            return Column(group=group, heading=heading, field=f"{DETAIL}.0")
        # Of the format's group, 类型 is no data type.
        found = self._grouped.get((above, wanted)) or self._plain.get(wanted)
        return found or self._plain.get(self._aliases.get(wanted, ""))
