"""What a new revision of a resource would break for those who ask for it by name.

Names are kept for ever: an item that was announced has its ordinal and its GraphQL name whatever becomes of
it, and no other item ever takes them. The rest may change, and is said before it is announced.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalogue.flaws import Flaw
from catalogue.granted import Grant, GrantState
from catalogue.model import Item, KeptName, Resource, SharingClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing that a saved query or a grant rests on, and will not find any more."""

    code: str
    """ITEM_GONE, TYPE_CHANGED, KEY_CHANGED, NUMBER_CHANGED, MATCH_GONE, LIST_GONE, FILTER_GONE,
    CERTIFICATE_GONE, CODE_GONE, THRESHOLD_GONE, CLASS_NARROWED or SUBJECT_CHANGED."""
    item: str = ""
    """Name of the item; empty where the whole resource is meant."""
    was: str = ""
    becomes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A grant in force or suspended that rests on what breaks."""

    grant: str
    department: str
    systems: tuple[str, ...]
    operations: tuple[str, ...]
    """SHA-256 of the trusted documents that it covers; empty: any document."""
    items: tuple[str, ...]
    """Those of its items that break; empty where the whole resource does."""


def breaks(before: Resource, after: Resource) -> tuple[Break, ...]:
    """Return what a revision breaks of the one announced before it, in a settled order."""
    return (*_whole(before, after), *_items(before, after))


def _whole(before: Resource, after: Resource) -> Iterator[Break]:
    if before.key.name != after.key.name:
        yield Break(code="KEY_CHANGED", was=before.key.name, becomes=after.key.name)
    if before.key.subject is not after.key.subject:
        yield _subject(before.key, after.key)
    if before.single is not after.single:
        words = {True: "one record", False: "several records"}
        yield Break(code="NUMBER_CHANGED", was=words[before.single], becomes=words[after.single])
    order = list(SharingClass)
    if order.index(after.sharing_class) > order.index(before.sharing_class):
        was, becomes = before.sharing_class.value, after.sharing_class.value
        yield Break(code="CLASS_NARROWED", was=was, becomes=becomes)
    if before.listable and not after.listable:
        yield Break(code="LIST_GONE")
    if before.certificate is not None and (
        after.certificate is None or after.certificate.type_code != before.certificate.type_code
    ):
        becomes = "" if after.certificate is None else after.certificate.type_code
        yield Break(code="CERTIFICATE_GONE", was=before.certificate.type_code, becomes=becomes)


def _items(before: Resource, after: Resource) -> Iterator[Break]:
    held = {item.name: item for item in after.items}
    listed = set(after.listing.items) if after.listing is not None else set()
    for old in before.items:
        new = held.get(old.name)
        if new is None:
            yield Break(code="ITEM_GONE", item=old.name)
            continue
        yield from _item(old, new)
        compared = before.listing is not None and old.name in before.listing.items
        if compared and old.name not in listed:
            yield Break(code="FILTER_GONE", item=old.name)


def _item(old: Item, new: Item) -> Iterator[Break]:
    if old.type is not new.type:
        yield Break(code="TYPE_CHANGED", item=old.name, was=old.type.value, becomes=new.type.value)
    if old.match and not new.match:
        yield Break(code="MATCH_GONE", item=old.name)
    gone = {one.value for one in old.codes} - {one.value for one in new.codes}
    if gone:
        yield Break(code="CODE_GONE", item=old.name, was=", ".join(sorted(gone)[:5]))
    passed = [one for one in old.thresholds if one not in new.thresholds]
    if passed:
        yield Break(code="THRESHOLD_GONE", item=old.name, was=", ".join(passed))
    order = list(SharingClass)
    if order.index(new.sharing_class) > order.index(old.sharing_class):
        was, becomes = old.sharing_class.value, new.sharing_class.value
        yield Break(code="CLASS_NARROWED", item=old.name, was=was, becomes=becomes)
    if not old.key and old.subject is not new.subject:
        yield _subject(old, new)


def _subject(old: Item, new: Item) -> Break:
    was, becomes = ("" if one.subject is None else one.subject.value for one in (old, new))
    return Break(code="SUBJECT_CHANGED", item="" if old.key else old.name, was=was, becomes=becomes)


def broken(found: Sequence[Break], resource: str, grants: Iterable[Grant]) -> tuple[Broken, ...]:
    """Return the grants that rest on what breaks, by id; an ended one breaks no more."""
    named = {one.item for one in found if one.item}
    whole = any(not one.item for one in found)
    hit: list[Broken] = []
    for grant in sorted(grants, key=lambda grant: grant.id):
        items = tuple(sorted(named & {*grant.items, *grant.match}))
        standing = grant.resource == resource and grant.state is not GrantState.REVOKED
        if standing and (whole or items):
            hit.append(
                Broken(
                    grant=grant.id,
                    department=grant.department,
                    systems=grant.systems,
                    operations=grant.operations,
                    items=items,
                )
            )
    return tuple(hit)


def kept_names(held: Sequence[KeptName], items: Iterable[Item]) -> tuple[KeptName, ...]:
    """Return the names that are taken for ever once these items are announced."""
    names = {one.ordinal: one for one in held}
    names |= {
        item.ordinal: KeptName(ordinal=item.ordinal, name=item.name, graphql_name=item.graphql_name)
        for item in items
    }
    return tuple(names[ordinal] for ordinal in sorted(names))


def name_conflicts(held: Sequence[KeptName], items: Iterable[Item]) -> Iterator[Flaw]:
    """Say which items would take, or give up, a name or an ordinal that is somebody's for ever."""
    for item in items:
        mine = (item.ordinal, item.name, item.graphql_name)
        for one in held:
            theirs = (one.ordinal, one.name, one.graphql_name)
            if mine != theirs and any(a == b for a, b in zip(mine, theirs, strict=True)):
                yield (
                    Flaw(
                        "item {0}: ordinal {1}, name {2} and GraphQL name {3} belong together for ever",
                        item.name,
                        one.ordinal,
                        one.name,
                        one.graphql_name,
                    )
                )
                break
