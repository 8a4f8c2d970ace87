"""The one statement of a read, by SQLAlchemy Core: its text holds names alone, every value is bound."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, column, func, select, table

from catalogue.model import Item, ItemType, Resource
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.model import Permitted
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
    conditions = verdict.row_filter.all if verdict.row_filter is not None else []
    unknown = [condition.item for condition in conditions if condition.item not in columns]
    if unknown:
        raise SourceDriftError(
            reason=f"the filter names {unknown}, which the resource does not have"
        )
    return Shape(
        table=step.resource.table,
        columns=tuple(item.column for item in items),
        key=step.key.item.column,
        # Only what is given in full orders the rows: the order of the rest would tell about it.
        order=tuple(item.column for item in items if item.name in shown),
        conditions=tuple((columns[condition.item], condition.op) for condition in conditions),
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
    where += [
        _condition(source.c[one], op, f"f{n}") for n, (one, op) in enumerate(shape.conditions)
    ]
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


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def _condition(left: ColumnElement[Any], op: str, name: str) -> ColumnElement[bool]:
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


def _filter_values(conditions: Sequence[RowCondition], resource: Resource) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for number, condition in enumerate(conditions):
        item, name, value = resource.item(condition.item), f"f{number}", condition.value
        if condition.op in {"in", "between"} and not isinstance(value, list):
            raise SourceInvalidError(reason=f"row filter {condition.op} needs a list")
        if condition.op == "in":
            values[name] = [_bound(item, one) for one in value]
        elif condition.op == "between":
            if len(value) != 2:
                raise SourceInvalidError(reason=f"between needs 2 bounds, found {len(value)}")
            values[name], values[f"{name}b"] = (_bound(item, one) for one in value)
        elif condition.op == "prefix":
            values[name], values[f"{name}b"] = str(value), len(str(value))
        else:
            values[name] = _bound(item, value)
    return values


def _bound(item: Item, value: Any) -> Any:
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


def key_of(permitted: Permitted, keys: int) -> Key:
    """Return all of a read that decides its statement, and nothing of what is bound in it."""
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
    )


def values_of(permitted: Permitted, keys: Sequence[str], most: int, call: str) -> dict[str, Any]:
    step, verdict = permitted.step, permitted.verdict
    values: dict[str, Any] = {
        "keys": [_bound(step.key.item, key) for key in keys],
        "most": most,
        "call": call,
    }
    if verdict.row_filter is not None and verdict.row_filter.all:
        values.update(_filter_values(verdict.row_filter.all, step.resource))
    return values
