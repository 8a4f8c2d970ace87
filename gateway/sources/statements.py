"""The text of a read's statement, and the values bound in it: filters of the decision and of the call."""

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
from gateway.model import Listed, Permitted, Step
from policies.model import RowCondition


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
