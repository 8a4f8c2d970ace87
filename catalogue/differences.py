"""What differs between two revisions of an entry, member by member, item by item, in both languages."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from catalogue.model import Item, Resource

_NOT_COMPARED = frozenset({"state", "revision", "published_on", "items"})

MEMBERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "code": ("信息资源代码", "Code"),
        "department": ("提供部门", "Department"),
        "name": ("名称", "Name"),
        "name_en": ("英文名称", "English name"),
        "type_name": ("GraphQL 类型名", "GraphQL type"),
        "field_name": ("GraphQL 字段名", "GraphQL field"),
        "list_name": ("GraphQL 列表名", "GraphQL list"),
        "source": ("数据源", "Source"),
        "table": ("数据表", "Table"),
        "sharing_class": ("共享类型", "Sharing class"),
        "abstract": ("摘要", "Abstract"),
        "level": ("数据分级", "Data level"),
        "personal": ("个人信息", "Personal"),
        "consent": ("当事人同意", "Consent"),
        "single": ("每个主体一条记录", "One record a subject"),
        "protected": ("存在性保密", "Existence protected"),
        "purposes": ("用途", "Purposes"),
        "no_share_basis": ("不予共享依据", "Basis for not sharing"),
        "conditions": ("共享条件", "Conditions"),
        "validity": ("有效性", "Validity"),
        "emergency_items": ("应急查询信息项", "Emergency items"),
        "reading": ("接口读取方式", "Reading of the service"),
        "update_days": ("更新天数", "Days between updates"),
        "listing": ("列表查询", "Listing"),
        "certificate": ("电子证照", "E-certificate"),
        "keywords": ("关键字", "Keywords"),
        "format": ("信息资源格式", "Format"),
        "format_name": ("具体格式", "Product or file format"),
        "methods": ("共享方式", "Sharing methods"),
        "recipients": ("共享范围", "Recipients"),
        "openness": ("社会开放属性", "Open to the public"),
        "open_conditions": ("开放条件", "Conditions for the public"),
        "update_cycle": ("更新周期", "Update cycle"),
        "related": ("关联资源", "Related resources"),
        "data_class": ("数据分类", "Data class"),
        "base_data": ("基础数据", "Base data"),
        "secrecy": ("涉密情况", "Secrecy"),
        "distributions": ("发布形式", "Distributions"),
        "contact": ("联系方式", "Contact"),
        "upstream": ("上级资源", "Upstream"),
        "ordinal": ("序号", "Ordinal"),
        "title": ("名称", "Title"),
        "column": ("数据列", "Column"),
        "graphql_name": ("GraphQL 名称", "GraphQL name"),
        "type": ("数据类型", "Type"),
        "mask": ("脱敏", "Mask"),
        "subject": ("标识主体", "Identifies"),
        "key": ("查询键", "Key"),
        "match": ("可比对", "Can be compared"),
        "unit": ("单位", "Unit"),
        "title_en": ("英文名称", "English title"),
        "description": ("说明", "Description"),
        "length": ("数据长度", "Length"),
        "data_element": ("数据元", "Data element"),
        "code_list": ("关联代码集", "Code list"),
        "codes": ("代码", "Codes"),
        "sensitivity": ("敏感程度", "Sensitivity"),
        "thresholds": ("核验阈值", "Thresholds of verification"),
        "basic": ("基础信息项", "Basic item"),
    }
)
"""Members of an entry and of its items, zh and en; one that a later version adds is told by its own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs."""

    kind: str
    """changed, added or removed."""
    item: str
    """Name of the item; empty where the entry itself is meant."""
    title: str
    """The item's title, as it is now, or was."""
    member: str
    """Empty where the whole item was added or removed."""
    was: str
    becomes: str


def differences(before: Resource, after: Resource) -> tuple[Change, ...]:
    """Return what differs: the entry's own members first, then the items in their order."""
    return (*_members("", "", before, after), *_items(before, after))


def member_name(member: str, *, language: str) -> str:
    zh, en = MEMBERS.get(member, (member, member))
    return zh if language == "zh" else en


def written(value: Any) -> str:
    """Write a member's value in one line; nothing is the empty text."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Enum():
            return str(value.value)
        case list() | tuple():
            return ", ".join(written(one) for one in value)
        case dict():
            return ", ".join(f"{key}={written(one)}" for key, one in value.items() if one != "")
        case _ if is_dataclass(value) and not isinstance(value, type):
            return written(asdict(value))
        case _:
            return str(value)


def _items(before: Resource, after: Resource) -> Iterator[Change]:
    old = {item.name: item for item in before.items}
    new = {item.name: item for item in after.items}
    for item in after.items:
        held = old.get(item.name)
        if held is None:
            yield _whole("added", item)
        else:
            yield from _members(item.name, item.title, held, item)
    for item in before.items:
        if item.name not in new:
            yield _whole("removed", item)


def _whole(kind: str, item: Item) -> Change:
    return Change(kind=kind, item=item.name, title=item.title, member="", was="", becomes="")


def _members(
    item: str, title: str, before: Resource | Item, after: Resource | Item
) -> Iterator[Change]:
    for one in fields(before):
        if one.name in _NOT_COMPARED:
            continue
        was, becomes = getattr(before, one.name), getattr(after, one.name)
        if was != becomes:
            yield Change(
                kind="changed",
                item=item,
                title=title,
                member=one.name,
                was=written(was),
                becomes=written(becomes),
            )
