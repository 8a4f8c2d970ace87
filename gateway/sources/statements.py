"""The one statement of a read, by SQLAlchemy Core: its text holds names alone, every value is bound."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    or_,
    select,
    table,
)

from catalogue.model import Item, ItemType, Resource
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.mask import condition_of
from gateway.model import FoundKey, Listed, Permitted, Step
from gateway.remembered import Remembered
from policies.model import RowCondition

_RANK = "exchange_rank"


@dataclass(frozen=True, slots=True)
class Shape:
    """All of a read that decides the statement's text. Values are no part of it."""

    table: str
    columns: tuple[str, ...]
    key: str
    order: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    """(column, operator)."""
    ranked: bool


def shape_of(permitted: Permitted, items: Sequence[Item], *, ranked: bool) -> Shape:
    step, verdict = permitted.step, permitted.verdict
    shown = set(verdict.items.allowed) if verdict.items is not None else set()
    columns = {item.name: item.column for item in step.resource.items}
    return Shape(
        table=step.resource.table,
        columns=tuple(item.column for item in items),
        key=step.key.item.column,
        # Only what is given in full orders the rows: the order of the rest would tell about it.
        order=tuple(item.column for item in items if item.name in shown),
        conditions=condition_columns(all_conditions(permitted), columns),
        ranked=ranked,
    )


def select_of(shape: Shape, *, call_bound: bool) -> Select[Any]:
    """Return the statement of a shape.

    With `call_bound` the call's number is bound in it, not written before it: SQLite keeps no statement
    log, whoever traces it sees what is bound, and a text that stays the same is prepared once.
    """
    schema, _, name = shape.table.rpartition(".")
    names = dict.fromkeys((*shape.columns, shape.key, *(item for item, _ in shape.conditions)))
    source = table(name, *(column(one) for one in names), schema=schema or None)
    key = source.c[shape.key]
    order = [source.c[one] for one in shape.order]
    where: list[ColumnElement[bool]] = [key.in_(bindparam("keys", expanding=True))]
    where += [condition(source.c[one], op, f"f{n}") for n, (one, op) in enumerate(shape.conditions)]
    if call_bound:
        where.append(bindparam("call").is_not(None))
    wanted = [source.c[one] for one in shape.columns]
    if not shape.ranked:
        return select(*wanted).where(*where).order_by(*order).limit(bindparam("most"))
    # Several keys: each has its own bound, else one holder's records would hide another's.
    rank = func.row_number().over(partition_by=key, order_by=order or [key]).label(_RANK)
    inner = select(*wanted, rank).where(*where).subquery()
    return (
        select(inner)
        .where(inner.c[_RANK] <= bindparam("most"))
        .order_by(inner.c[shape.key], inner.c[_RANK])
    )


@dataclass(frozen=True, slots=True)
class ListShape:
    """All of a list's read that decides the statement's text."""

    table: str
    columns: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    """(column, operator)."""
    orders: tuple[tuple[str, bool], ...]
    """(column, whether it descends); the last one holds no null and no value twice."""
    after: tuple[bool, ...] | None
    """Of the place to go on from, whether each value is null; None: from the beginning."""


def all_conditions(permitted: Permitted) -> list[RowCondition]:
    """Return the conditions of the decision, then those of the call."""
    verdict = permitted.verdict
    ruled = verdict.row_filter.all if verdict.row_filter is not None else []
    return [*ruled, *map(condition_of, permitted.step.filters)]


def condition_columns(
    conditions: Sequence[RowCondition], columns: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    unknown = [one.item for one in conditions if one.item not in columns]
    if unknown:
        raise SourceDriftError(
            reason=f"the filter names {unknown}, which the resource does not have"
        )
    return tuple((columns[one.item], one.op) for one in conditions)


def list_shape(permitted: Permitted, items: Sequence[Item]) -> ListShape:
    step = permitted.step
    key = step.key
    if not isinstance(key, Listed):
        raise TypeError(f"{step.ref} is no list")
    columns = {item.name: item.column for item in step.resource.items}
    return ListShape(
        table=step.resource.table,
        columns=tuple(item.column for item in items),
        conditions=condition_columns(all_conditions(permitted), columns),
        orders=tuple((order.item.column, order.descending) for order in key.orders),
        after=None if key.after is None else tuple(value is None for value in key.after),
    )


def place_values(step: Step) -> Mapping[str, Any]:
    """Return the values of the place from which a list goes on; a null is part of the text instead."""
    key = step.key
    if not isinstance(key, Listed) or key.after is None:
        return {}
    return {
        f"p{number}": bound(order.item, value)
        for number, (order, value) in enumerate(zip(key.orders, key.after, strict=True))
        if value is not None
    }


def select_list(shape: ListShape) -> Select[Any]:
    schema, _, name = shape.table.rpartition(".")
    ordered = [column_ for column_, _ in shape.orders]
    filtered = [column_ for column_, _ in shape.conditions]
    names = dict.fromkeys((*shape.columns, *ordered, *filtered))
    source = table(name, *(column(one) for one in names), schema=schema or None)
    where: list[ColumnElement[bool]] = [source.c[ordered[-1]].is_not(None)]
    where += [condition(source.c[one], op, f"f{n}") for n, (one, op) in enumerate(shape.conditions)]
    if shape.after is not None:
        where.append(_beyond(source.c, shape.orders, shape.after))
    return (
        select(*(source.c[one] for one in shape.columns))
        .where(*where)
        .order_by(*_order(source.c, shape.orders))
        .limit(bindparam("most"))
    )


def _order(columns: Any, orders: Sequence[tuple[str, bool]]) -> list[ColumnElement[Any]]:
    """Nulls come last whichever way the values run: databases do not agree on it by themselves."""
    found: list[ColumnElement[Any]] = []
    for number, (name, descends) in enumerate(orders, 1):
        one = columns[name]
        if number < len(orders):
            found.append(case((one.is_(None), 1), else_=0))
        found.append(one.desc() if descends else one.asc())
    return found


def _beyond(
    columns: Any, orders: Sequence[tuple[str, bool]], nulls: Sequence[bool]
) -> ColumnElement[bool]:
    """Say which records come after a place: equal to it up to one order, and beyond it there."""
    found: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for number, ((name, descends), null) in enumerate(zip(orders, nulls, strict=True)):
        one: ColumnElement[Any] = columns[name]
        value: ColumnElement[Any] = bindparam(f"p{number}")
        if null:
            equal.append(one.is_(None))
            continue  # Nulls are the last: nothing is beyond them.
        further = one < value if descends else one > value
        found.append(and_(*equal, or_(further, one.is_(None))))
        equal.append(one == value)
    return or_(false(), *found)


def page_of(shape: Shape, *, begins: bool) -> Select[Any]:
    """Return the statement of one page of all records: what comes after a key, in the order of the key.

    The database compares and orders by one rule, whichever its collation is, so that no key is met twice
    or never. Records of one key stand in the order of what is given of them.
    """
    schema, _, name = shape.table.rpartition(".")
    names = dict.fromkeys((*shape.columns, shape.key, *(item for item, _ in shape.conditions)))
    source = table(name, *(column(one) for one in names), schema=schema or None)
    key = source.c[shape.key]
    follows = key.is_not(None) if begins else key > bindparam("after")
    where = [follows] + [
        condition(source.c[one], op, f"f{n}") for n, (one, op) in enumerate(shape.conditions)
    ]
    order = [key, *(source.c[one] for one in shape.order if one != shape.key)]
    wanted = [source.c[one] for one in shape.columns]
    return select(*wanted).where(*where).order_by(*order).limit(bindparam("most"))


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def condition(left: ColumnElement[Any], op: str, name: str) -> ColumnElement[bool]:
    """Write one condition with its value bound under `name` (and `name` + b for a second one)."""
    if op in _COMPARISONS:
        compared: ColumnElement[bool] = _COMPARISONS[op](left, bindparam(name))
        return compared
    match op:
        case "in":
            return left.in_(bindparam(name, expanding=True))
        case "between":
            return left.between(bindparam(name), bindparam(f"{name}b"))
        case "prefix":
            # Not LIKE: a value may hold its wildcards.
            return func.substr(left, 1, bindparam(f"{name}b")) == bindparam(name)
        case _:
            raise SourceInvalidError(reason=f"row filter operator {op!r} is not known")


def filter_values(conditions: Sequence[RowCondition], resource: Resource) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for number, condition in enumerate(conditions):
        item, name, value = resource.item(condition.item), f"f{number}", condition.value
        if condition.op in {"in", "between"} and not isinstance(value, list):
            raise SourceInvalidError(reason=f"row filter {condition.op} needs a list")
        if condition.op == "in":
            values[name] = [bound(item, one) for one in value]
        elif condition.op == "between":
            if len(value) != 2:
                raise SourceInvalidError(reason=f"between needs 2 bounds, found {len(value)}")
            values[name], values[f"{name}b"] = (bound(item, one) for one in value)
        elif condition.op == "prefix":
            values[name], values[f"{name}b"] = str(value), len(str(value))
        else:
            values[name] = bound(item, value)
    return values


def bound(item: Item, value: Any) -> Any:
    """Return a bound value as drivers compare it: whole numbers as numbers, the rest as text."""
    if value is None or isinstance(value, (list, dict)):
        raise SourceInvalidError(
            reason=f"item {item.name} cannot be compared with this kind of value"
        )
    if item.type in {ItemType.INTEGER, ItemType.LONG}:
        try:
            return int(value)
        except ValueError:
            raise SourceInvalidError(reason=f"item {item.name} needs a whole number") from None
    return value if isinstance(value, bool) else str(value)


Key = tuple[Any, ...]


_known_keys: Remembered[Key] = Remembered()


def key_of(permitted: Permitted, keys: int) -> Key:
    """Return all of a read that decides its statement, and nothing of what is bound in it."""
    step = permitted.step
    if step.claims or step.filters:
        return _key_of(permitted, keys)
    return _known_keys.of(
        (step.resource, step.key.item, permitted.verdict, permitted.joins),
        lambda: _key_of(permitted, keys),
        beside=(keys, isinstance(step.key, FoundKey)),
    )


def _key_of(permitted: Permitted, keys: int) -> Key:
    step, verdict = permitted.step, permitted.verdict
    items = verdict.items
    return (
        id(step.resource),
        step.key.item.ordinal,
        keys,
        tuple([item.ordinal for item in permitted.joins]),
        tuple([claim.item.ordinal if claim.item else None for claim in step.claims]),
        None if items is None else (tuple(items.allowed), tuple(items.masked)),
        None
        if verdict.row_filter is None
        else tuple(
            [
                (one.item, one.op, len(one.value) if isinstance(one.value, list) else None)
                for one in verdict.row_filter.all
            ]
        ),
        tuple([(one.item.ordinal, one.op) for one in step.filters]),
        # A number of the record itself: whose it is is read too.
        isinstance(step.key, FoundKey),
    )


def values_of(permitted: Permitted, keys: Sequence[str], most: int, call: str) -> dict[str, Any]:
    step, verdict = permitted.step, permitted.verdict
    values: dict[str, Any] = {
        "keys": [bound(step.key.item, key) for key in keys],
        "most": most,
        "call": call,
    }
    if step.filters or (verdict.row_filter is not None and verdict.row_filter.all):
        values.update(filter_values(all_conditions(permitted), step.resource))
    return values


def page_values_of(permitted: Permitted, after: str | None, most: int) -> dict[str, Any]:
    values = values_of(permitted, (), most, "")
    del values["keys"], values["call"]
    if after is not None:
        values["after"] = bound(permitted.step.key.item, after)
    return values
