"""One source per item (一数一源): which items of other departments mean the same, and whose is the source.

Two items mean the same where they are the same element of a standard, or where their titles are one once
they are folded and their records are about the same kind of subject. What belongs to a record and not to its
subject (its number, its standing, its days) is nobody's item in this sense.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, reduce

from catalogue.errors import InvalidError, UnknownError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Item, Resource, Role
from catalogue.words import fold

REASON_CHARACTERS = 500
_RECORDS_OWN = """
序号 编号 证号 证书编号 证照编号 许可证编号 批准文号 文号 状态 证照状态 登记状态
有效期 有效期至 有效期起 有效期止 发证日期 发证机关 颁发日期 签发日期 签发机关 批准日期 登记日期
更新时间 更新日期 创建时间 备注 说明 类型 类别 名称 金额 数量 日期 时间 等级 结果 内容
id row status state number remarks name type date
"""
OF_A_RECORD = frozenset(fold(one) for one in _RECORDS_OWN.split())
"""Folded titles that say something of the record alone."""
_AROUND = re.compile(r"\([^)]*\)|\[[^\]]*\]|[\s\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSource:
    """The department that the authority designated as the source of what an item means."""

    id: str
    """The meaning: `enterprise/企业名称`, or `element/DE00123`."""
    department: str
    title: str
    reason: str
    designated_by: str
    designated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An item of somebody's entry that has a meaning."""

    resource: str
    department: str
    item: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """One meaning that items of several departments have."""

    meaning: str
    title: str
    holders: tuple[Holder, ...]
    """The item that collides first, then those that were there."""


@lru_cache(maxsize=200_000)
def plain_title(title: str) -> str:
    """Return a title in the one form in which titles are compared."""
    return _AROUND.sub("", fold(title))


def meanings(resource: Resource) -> dict[str, tuple[str, ...]]:
    """Return the meanings of each item that has one, by the item's name; the standard's element first."""
    subject = next((item.subject for item in resource.items if item.key), None)
    own = _of_the_record(resource)
    found: dict[str, tuple[str, ...]] = {}
    for item in resource.items:
        if item.key or item.subject is not None or item.name in own:
            continue
        told = tuple(_meanings(item, "nobody" if subject is None else subject.value))
        if told:
            found[item.name] = told
    return found


def titles(resource: Resource) -> frozenset[str]:
    """What to look for among other entries: folded titles, and elements as `element/…`."""
    return frozenset(
        one.removeprefix("element/") if one.startswith("element/") else one.partition("/")[2]
        for told in meanings(resource).values()
        for one in told
    )


def collisions(resource: Resource, others: Iterable[Resource]) -> tuple[Collision, ...]:
    """Return what the entry's items share with items of other departments, by meaning."""
    mine = meanings(resource)
    wanted = {one: name for name, told in mine.items() for one in told}
    found: dict[str, dict[tuple[str, str], Holder]] = {}
    for other in others:
        if other.department == resource.department:
            continue
        for name, told in meanings(other).items():
            for one in told:
                if one in wanted:
                    held = found.setdefault(one, {})
                    held[other.code, name] = _holder(other, name)
    return tuple(
        Collision(
            meaning=one,
            title=resource.item(wanted[one]).title,
            holders=(
                _holder(resource, wanted[one]),
                *(found[one][place] for place in sorted(found[one])),
            ),
        )
        for one in wanted
        if one in found and not _said_already(one, mine[wanted[one]], found)
    )


def undesignated(
    found: Iterable[Collision], designated: Mapping[str, ItemSource]
) -> tuple[Collision, ...]:
    """Return those for which the authority has not said whose item it is, or said a department that left."""
    return tuple(
        one
        for one in found
        if one.meaning not in designated
        or designated[one.meaning].department not in {held.department for held in one.holders}
    )


def check_designated(found: Iterable[Collision], designated: Mapping[str, ItemSource]) -> None:
    """Raise InvalidError naming each item that waits for the authority's word, and whose else it is."""
    open_ = undesignated(found, designated)
    if open_:
        raise InvalidError(*(_told(one) for one in open_), code="ITEM_SOURCE_OPEN")


def designate(
    meaning: str,
    department: str,
    *,
    reason: str,
    holders: Iterable[Holder],
    by: Actor,
    at: datetime,
) -> ItemSource:
    """Return the designation. The source is one of the departments that registered the item."""
    officer = require_decider(by, Role.AUTHORITY)
    held = list(holders)
    if not held:
        raise UnknownError(f"no registered item means {meaning}")
    if department not in {one.department for one in held}:
        raise InvalidError(
            Flaw("department {0} registered no item that means {1}", department, meaning)
        )
    if not reason.strip() or len(reason) > REASON_CHARACTERS:
        raise InvalidError(
            Flaw("a designation says why, in at most {0} characters", REASON_CHARACTERS),
        )
    return ItemSource(
        id=meaning,
        department=department,
        title=held[0].title,
        reason=reason.strip(),
        designated_by=officer.id,
        designated_at=at,
    )


def holders_of(meaning: str, resources: Iterable[Resource]) -> tuple[Holder, ...]:
    return tuple(
        _holder(resource, name)
        for resource in sorted(resources, key=lambda one: one.code)
        for name, told in meanings(resource).items()
        if meaning in told
    )


def _of_the_record(resource: Resource) -> frozenset[str]:
    validity, certificate = resource.validity, resource.certificate
    names = set() if validity is None else {validity.status_item, validity.until_item}
    if certificate is not None:
        names |= {*certificate.roles.values()}
    return frozenset(name for name in names if name is not None)


def _meanings(item: Item, subject: str) -> Iterator[str]:
    if item.data_element:
        yield f"element/{plain_title(item.data_element)}"
    title = plain_title(item.title)
    if title and title not in OF_A_RECORD:
        yield f"{subject}/{title}"


def _said_already(
    meaning: str, told: tuple[str, ...], found: Mapping[str, dict[tuple[str, str], Holder]]
) -> bool:
    """Whether the same items collide by the standard's element: one question for both is enough."""
    first = told[0]
    return meaning != first and first in found and found[meaning].keys() <= found[first].keys()


def _holder(resource: Resource, name: str) -> Holder:
    return Holder(
        resource=resource.code,
        department=resource.department,
        item=name,
        title=resource.item(name).title,
    )


def _told(collision: Collision) -> Flaw:
    mine, *others = collision.holders
    elsewhere = reduce(
        lambda before, one: Flaw("{0}, {1}", before, one),
        [Flaw("{0} of department {1}", one.resource, one.department) for one in others],
    )
    return Flaw(
        "item {0} ({1}) is registered by {2}: the authority designates the source first",
        mine.item,
        collision.meaning,
        elsewhere,
    )
