"""Entries of the registry as files tell them, and what files tell as entries of the registry."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import msgspec

from catalogue import naming, suggest
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.interchange.fields import (
    ENTRY,
    ENTRY_FIELDS,
    ITEM,
    ITEM_FIELDS,
    NO_ORDER,
    Field,
    Kind,
)
from catalogue.interchange.model import Report, Said, Told, once
from catalogue.metadata import Contact, Upstream
from catalogue.model import CODE_PATTERN, Item, ItemType, Resource, SharingClass
from catalogue.validation import PURPOSES

T = TypeVar("T")
UNCONNECTED = "unconnected"
"""Last part of the name of the source on which entries stand that nobody connected yet."""
ROW_TITLE = "记录编号"
"""Title of the one item of an entry of which no items are told: a record's own number."""
_LONGEST = 32_767
_MOST_ITEMS = 2_000
# What no text of an entry holds: controls but tab and line feed, and what stands for undecodable bytes.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")
_ONE_LINE = frozenset({"name", "name_en", "title", "title_en"})
_BLANKS = re.compile(r"\s+")


def told_of(resource: Resource) -> Told:
    """Return all that is exchanged of an entry."""
    contact = resource.contact or Contact(unit="")
    upstream = resource.upstream or Upstream(holder="", way_to_ask="")
    besides: dict[str, Any] = {
        "contact_unit": contact.unit,
        "contact_telephone": contact.telephone,
        "contact_email": contact.email,
        "upstream_holder": upstream.holder,
        "upstream_way_to_ask": upstream.way_to_ask,
        "upstream_letter": upstream.letter,
    }
    return Told(
        code=resource.code,
        fields={
            one.name: besides[one.name]
            if one.name in besides
            else _plain(one, getattr(resource, one.name))
            for one in ENTRY
        },
        items=tuple(
            {one.name: _plain(one, getattr(item, one.name)) for one in ITEM}
            for item in resource.items
        ),
    )


def checked(told: Told, report: Report) -> Told | None:
    """Return what is told with every value as its field has it; None where a value cannot be taken."""
    before = len(report.found) + report.more
    fields = _checked(told.fields, ENTRY_FIELDS, report, told)
    items: list[dict[str, Any]] | None = None
    if told.items is not None:
        if len(told.items) > _MOST_ITEMS:
            report.note(
                Said(f"{len(told.items)} items"),
                f"at most {_MOST_ITEMS}",
                row=told.row,
                code=told.code,
            )
            return None
        items = [_checked(item, ITEM_FIELDS, report, told) for item in told.items]
        for item in items:
            if not item.get("title") and not item.get("name"):
                report.note("", "a title of the item", row=told.row, code=told.code)
            item.setdefault("title", item.get("name", ""))
    if not CODE_PATTERN.fullmatch(told.code):
        report.note(
            told.code,
            "a code of 1 to 128 letters, digits and . _ / -",
            row=told.row,
            column=ENTRY_FIELDS["code"].zh,
        )
    if len(report.found) + report.more > before:
        return None
    return replace(
        told,
        fields={**fields, "code": told.code},
        items=None if items is None else tuple(items),
    )


def drafted(told: Told, *, department: str, source: str, taken: Collection[str]) -> Resource:
    """Return a new draft; nobody reads `source` yet, empty for what is held above; `taken` are others' names.

    What is not said is suggested as for a table's columns, and never wider than conditional.
    """
    label = str(told.fields.get("name_en") or told.fields.get("name") or told.code)
    names = naming.name_resource(label, code=told.code, taken=taken)
    items = _new_items(told.items or ())
    given = SharingClass(told.fields.get("sharing_class") or suggest.suggest_class(items))
    if told.fields.get("sharing_class") is None:
        given = SharingClass.CONDITIONAL if given is SharingClass.UNCONDITIONAL else given
    blank = Resource(
        code=told.code,
        department=department,
        name=str(told.fields.get("name") or told.code),
        name_en="",
        type_name=names.type_name,
        field_name=names.field_name,
        list_name=names.list_name,
        source=source,
        table=told.code if source else "",
        items=items if source else tuple(replace(item, column="") for item in items),
        sharing_class=given,
        level=max(item.level for item in items),
        personal=suggest.is_personal(items),
        purposes=PURPOSES,
        conditions="" if given is not SharingClass.CONDITIONAL else "由提供部门依申请审核提供",
    )
    return _with_fields(blank, told)


def changed(told: Told, before: Resource) -> Resource:
    """Return an entry with what is told changed; what the file is silent about stays."""
    after = _with_fields(before, told)
    if told.items is None:
        return after
    return replace(after, items=_merged_items(told.items, before.items))


def is_unconnected(resource: Resource) -> bool:
    """Whether the entry is a draft that says what there is, and not yet where it is read."""
    waits = not resource.source or resource.source.endswith(f".{UNCONNECTED}")
    return waits and resource.state in {"draft", "returned"}


def connected(imported: Resource, seen: Resource) -> tuple[Resource, tuple[str, ...]]:
    """Return an imported entry on the table found for it, and the titles of items it has no column for.

    What people wrote of entry and items stays. An item is that column's whose comment or name is its title.
    """
    held = {_plain_title(item.title): item for item in imported.items}
    items = []
    for column in seen.items:
        told = held.pop(_plain_title(column.title), None) or held.pop(
            _plain_title(column.column), None
        )
        items.append(column if told is None else _on_column(told, column))
    entry = replace(
        imported,
        source=seen.source,
        table=seen.table,
        reading=seen.reading,
        items=_graphql_once(tuple(items)),
        level=max(imported.level, *(item.level for item in items)),
        personal=imported.personal or seen.personal,
        format=imported.format or seen.format,
        methods=imported.methods or seen.methods,
        recipients=imported.recipients or seen.recipients,
        upstream=None,
    )
    return entry, tuple(item.title for item in held.values())


def _on_column(told: Item, column: Item) -> Item:
    return replace(
        told,
        ordinal=column.ordinal,
        column=column.column,
        type=column.type,
        key=column.key,
        match=told.match or column.match,
    )


def _plain_title(title: str) -> str:
    return _BLANKS.sub("", title).casefold()


def code_for(identifier: str) -> str:
    """Return a resource code: the identifier where it is one, else one made of its digest."""
    if CODE_PATTERN.fullmatch(identifier):
        return identifier
    return f"x-{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"


def _with_fields(resource: Resource, told: Told) -> Resource:
    """Change the fields that are named, the department and the code apart."""
    now = told_of(resource).fields
    given = {
        name: value
        for name, value in told.fields.items()
        if name not in {"code", "department"} and value != now[name]
    }
    changes: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if not name.startswith(("contact_", "upstream_"))
    }
    merged = {**now, **given}
    if any(name.startswith("contact_") for name in given):
        changes["contact"] = _part("contact", merged)
    if any(name.startswith("upstream_") for name in given):
        changes["upstream"] = _part("upstream", merged)
    if not changes:
        return resource
    held = {name: getattr(resource, name) for name in Resource.__dataclass_fields__}
    plain = msgspec.to_builtins(
        {name: held[name] for name in held if name not in {"items", "reading"}}
    )
    whole = _converted({**plain, **changes, "items": []}, Resource)
    return replace(resource, **{name: getattr(whole, name) for name in changes})


def _converted(plain: Mapping[str, Any], kind: type[T]) -> T:
    """Raises InvalidError for values that the catalogue has no place for."""
    try:
        return msgspec.convert(plain, kind, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidError(Flaw.quoted(str(error))) from error


def _part(prefix: str, fields: Mapping[str, Any]) -> dict[str, str] | None:
    held = {
        name.removeprefix(f"{prefix}_"): value
        for name, value in fields.items()
        if name.startswith(f"{prefix}_")
    }
    return held if any(held.values()) else None


def _new_items(told: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    if not told:
        told = ({"title": ROW_TITLE, "type": "text", "key": True},)
    columns = [
        suggest.Column(
            name=str(item.get("name") or item["title"]),
            type=str(item.get("type") or "text"),
            comment=str(item["title"]),
        )
        for item in told
    ]
    keys = [column.name for item, column in zip(told, columns, strict=True) if item.get("key")]
    suggested = suggest.suggest_items(columns, key=keys[0] if keys else None)
    names = _item_names(told, ())
    items = tuple(
        _with_item(
            replace(
                item,
                name=name,
                graphql_name=_graphql_name(name, place),
                column=str(one["title"]),
                title=str(one["title"]),
                type=ItemType(one.get("type") or "text"),
                # Nothing is opened by a guess.
                sharing_class=SharingClass.CONDITIONAL,
            ),
            one,
        )
        for place, (item, one, name) in enumerate(zip(suggested, told, names, strict=True))
    )
    return _graphql_once(items if any(item.key for item in items) else _keyed(items))


def _keyed(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Make the first item that can be one the key: an entry has exactly one. Its publisher corrects it."""
    fit = (ItemType.TEXT, ItemType.INTEGER, ItemType.LONG)
    place = next((item.ordinal for item in items if item.type in fit), 0)
    return tuple(
        replace(item, key=True, match=True) if item.ordinal == place else item for item in items
    )


def _merged_items(told: Sequence[Mapping[str, Any]], before: Sequence[Item]) -> tuple[Item, ...]:
    """Return the items as told, each that was there before with its ordinal, column and GraphQL name.

    An item is the same by its code, or by its title where the file has no codes.
    """
    names = _item_names(told, before)
    held = {item.name: item for item in before}
    fresh = max((item.ordinal for item in before), default=-1) + 1
    found: list[Item] = []
    for one, name in zip(told, names, strict=True):
        item = held.get(name)
        if item is None:
            item = Item(
                ordinal=fresh,
                name=name,
                title=str(one["title"]),
                column=str(one["title"]),
                graphql_name=_graphql_name(name, fresh),
            )
            fresh += 1
        found.append(_with_item(item, one))
    # Ordinals are kept for ever: a new item stands last, wherever the file has it.
    return _graphql_once(tuple(sorted(found, key=lambda item: item.ordinal)))


def _item_names(told: Sequence[Mapping[str, Any]], before: Sequence[Item]) -> list[str]:
    """Return the code of each item: as told, or of the item with this title before, or made of the title."""
    by_title = {item.title: item.name for item in before}
    given = [
        str(one["name"]) if one.get("name") else by_title.get(str(one.get("title", "")), "")
        for one in told
    ]
    taken = [name for name in given if name] + [item.name for item in before]
    fresh = [str(one["title"]) for one, name in zip(told, given, strict=True) if not name]
    made = iter(
        naming.name_items([*taken, *fresh], kept={name: name for name in taken})[len(taken) :]
    )
    return [name or next(made) for name in given]


def _with_item(item: Item, told: Mapping[str, Any]) -> Item:
    changes = {
        name: value
        for name, value in told.items()
        if name != "name" and value != _plain(ITEM_FIELDS[name], getattr(item, name))
    }
    if not changes:
        return item
    whole = _converted({**msgspec.to_builtins(item), **changes}, Item)
    return replace(item, **{name: getattr(whole, name) for name in changes})


def _graphql_name(name: str, place: int) -> str:
    plain = re.sub(r"[^0-9A-Za-z_]", "_", name)
    return plain if re.fullmatch(r"(?!__)[A-Za-z_][0-9A-Za-z_]*", plain) else f"item_{place}"


def _graphql_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    seen: set[str] = set()
    found = []
    for item in items:
        name, number = item.graphql_name, 2
        while name in seen:
            name, number = f"{item.graphql_name}_{number}", number + 1
        seen.add(name)
        found.append(item if name == item.graphql_name else replace(item, graphql_name=name))
    return tuple(found)


def _plain(field: Field, value: Any) -> Any:
    """Return a value as JSON has it; what has no order stands in one."""
    plain = msgspec.to_builtins(value)
    if isinstance(plain, tuple):
        plain = list(plain)
    if field.kind in NO_ORDER:
        return once(plain)
    return plain


def _checked(
    told: Mapping[str, Any], known: Mapping[str, Field], report: Report, entry: Told
) -> dict[str, Any]:
    found = {}
    for name, value in told.items():
        field = known.get(name)
        if field is None:
            report.note(name, f"a field of {', '.join(known)}", row=entry.row, code=entry.code)
            continue
        if value is None and field.always:
            continue
        problem, plain = _fitting(field, value)
        if problem:
            report.note(value, problem, row=entry.row, column=field.zh, code=entry.code)
        else:
            found[name] = plain
    return found


def _fitting(field: Field, value: Any) -> tuple[str, Any]:  # noqa: C901, PLR0911 - one for each kind
    """Return what was needed, empty where the value fits, and the value in the one form that is compared."""
    if field.obligatory and not value:
        return "something", value
    match field.kind:
        case Kind.TEXT:
            return _text(field, value)
        case Kind.WORD:
            fits = value is None or value in field.words
            return ("" if fits else f"one of {', '.join(field.words)}"), value
        case Kind.WORDS:
            fits = isinstance(value, list) and all(one in field.words for one in value)
            return ("", once(value)) if fits else (f"some of {', '.join(field.words)}", value)
        case Kind.LIST:
            fits = isinstance(value, list) and all(_is_text(one) for one in value)
            return (
                ("", once(one.strip() for one in value if one.strip()))
                if fits
                else ("a list of texts", value)
            )
        case Kind.NUMBER:
            fits = value is None or (type(value) is int and 0 <= value < 10**9)
            return ("" if fits else "a whole number"), value
        case Kind.FLAG:
            return ("" if isinstance(value, bool) else "true or false"), value
        case Kind.DAY:
            return ("" if value is None or _is_day(value) else "a day, as 2026-03-01"), value
        case Kind.BASIS:
            fits = isinstance(value, list) and len(value) in {0, 4} and all(map(_is_text, value))
            return ("" if fits else "document, article, text and level of a law"), value
        case Kind.CODES:
            return _objects(value, ("value", "title", "title_en"), "codes with value and title")
        case Kind.FORMS:
            said, plain = _objects(
                value, ("method", "title", "media_type"), "distributions with a method"
            )
            if not said and any(
                one["method"] not in ("interface", "table", "file") for one in plain
            ):
                said = "the method interface, table or file"
            return said, plain


def _text(field: Field, value: Any) -> tuple[str, Any]:
    if not isinstance(value, str):
        return "a text", value
    plain = value.replace("\r\n", "\n").strip()
    if field.name in _ONE_LINE:
        plain = _BLANKS.sub(" ", plain)
    if not _is_text(plain):
        return "text without control characters", value
    if len(plain) > _LONGEST:
        return f"at most {_LONGEST} characters", value
    return "", plain


def _objects(value: Any, names: tuple[str, ...], needed: str) -> tuple[str, Any]:
    if not isinstance(value, list):
        return needed, value
    found = []
    for one in value:
        if not isinstance(one, dict) or set(one) - set(names) or not one.get(names[0]):
            return needed, value
        if not all(_is_text(part) for part in one.values()):
            return needed, value
        found.append({name: one.get(name, "") for name in names})
    return "", found


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not _CONTROL.search(value)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
