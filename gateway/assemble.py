"""Puts the outcomes of a call's steps together as the `data` that was asked for.

graphql-core walks the operation once more, over rows that are already here: nobody is asked twice, and
what a field means is decided by the same code as in the plan. The bytes made here are the bytes that
are recorded and sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLError, GraphQLResolveInfo, execute
from graphql.pyutils import Path as FieldPath

from catalogue.certificates import FIELDS
from catalogue.metadata import Code
from catalogue.model import CertificateMapping, Item, Resource
from gateway import coded, names
from gateway.cursors import write_position
from gateway.model import (
    Failed,
    GivenKey,
    LinkedKey,
    Listed,
    Masked,
    Outcome,
    Refused,
    Row,
    Step,
    Where,
)
from gateway.outcomes import VerificationResult, code_of
from gateway.plan import Path, Plan

_encode = msgspec.json.Encoder().encode


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    data: bytes
    """The `data` member: UTF-8 JSON without spaces, members in the order of the document."""
    step_bytes: Mapping[str, bytes]
    """By `ref`: the JSON value at the step's path exactly as it stands in `data`.

    Where the path runs through a list, the values of its elements in order, joined by a line feed;
    empty where a null on the way leaves no place for the step.
    """
    errors: tuple[Mapping[str, Any], ...]
    """Without texts: path and extensions of every step that gave nothing, and of unfit values."""
    disputed: Mapping[str, tuple[Where, ...]] = msgspec.field(default_factory=dict)
    """By `ref`: where disputed values stand."""

    def __repr__(self) -> str:
        return f"Assembled({len(self.data)} bytes of {len(self.step_bytes)} steps)"


def assemble(plan: Plan, outcomes: Sequence[Outcome]) -> Assembled:
    """Put the outcomes together. Every step of the plan needs exactly one outcome."""
    found = {_step(outcome).ref: outcome for outcome in outcomes}
    if len(outcomes) != len(plan.steps) or set(found) != {step.ref for step in plan.steps}:
        raise ValueError(f"{len(outcomes)} outcomes for {len(plan.steps)} steps")
    resolving = _Resolving(plan, found)
    result = _execute(plan, resolving)
    data = result.data
    places = {step.ref: list(_places(data, step.path)) for step in plan.steps}
    step_bytes = {
        ref: b"\n".join(_encode(value) for _, value in reached) for ref, reached in places.items()
    }
    # A step that fills a part of a list has a null of its own there.
    places |= {ref: [(where, None)] for ref, where in resolving.nulls.items()}
    errors = [*_step_errors(plan, found, places, data), *_value_errors(plan, result.errors)]
    return Assembled(
        data=_encode(data),
        step_bytes=step_bytes,
        errors=tuple(errors),
        disputed={ref: tuple(where) for ref, where in resolving.disputed.items()},
    )


def _step(outcome: Outcome) -> Step:
    return outcome.permitted.step if isinstance(outcome, (Masked, Failed)) else outcome.step


@dataclass(frozen=True, slots=True)
class _Subject:
    """A subject in the answer: `shown` is its identifier as it may be given, `text` joins records."""

    shown: Any = field(repr=False)
    text: str = field(repr=False)


class UnknownWordError(Exception):
    """The source had a word for an item that its code list has not: null, and an error in its place."""


@dataclass(frozen=True, slots=True)
class _Record:
    step: Step
    row: Row = field(repr=False)
    joins: Mapping[str, str] = field(repr=False)
    status: str | None = None
    """Of an e-certificate whose status was asked for."""
    unread: frozenset[str] = frozenset()
    """Items of which the source had a word that their code list has not."""
    disputed: frozenset[str] = frozenset()
    """Items whose value is disputed."""

    def value(self, item: Item) -> Any:
        """Return an item as it may be given; a key that the caller gave is told back, not read."""
        if isinstance(self.step.key, GivenKey) and item.key:
            return self.step.key.value
        if item.name in self.unread:
            raise UnknownWordError
        return self.row.get(item.name)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a list: its records, and the place of each."""

    records: Sequence[_Record] = field(repr=False)
    places: Sequence[tuple[Any, ...]] = field(repr=False)
    more: bool


@dataclass(frozen=True, slots=True)
class _Edge:
    record: _Record
    place: tuple[Any, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _PageInfo:
    page: _Page


def _execute(plan: Plan, resolving: "_Resolving") -> ExecutionResult:
    result = execute(
        plan.document.contract.schema,
        plan.document.ast,
        variable_values=dict(plan.variables),
        operation_name=plan.operation_name,
        field_resolver=resolving.resolve,
        type_resolver=lambda record, *_: record.step.resource.type_name,
    )
    if not isinstance(result, ExecutionResult):
        raise TypeError("rows are read before they are put together, so nothing can be awaited")
    if result.data is None:
        raise ValueError("the operation was planned and cannot be executed")
    return result


class _Resolving:
    """Answers each field from the outcomes, and from nothing else."""

    def __init__(self, plan: Plan, outcomes: Mapping[str, Outcome]) -> None:
        self._plan = plan
        self._contract = plan.document.contract
        self._outcomes = outcomes
        self.nulls: dict[str, Where] = {}
        """Where in a list that several steps fill the null of one stands."""
        self.disputed: dict[str, list[Where]] = {}
        """Where disputed values stand, by the step that gave them."""
        self._grouped = {
            ref: _group(outcome)
            for ref, outcome in outcomes.items()
            if isinstance(outcome, Masked) and isinstance(_step(outcome).key, LinkedKey)
        }

    def resolve(self, source: Any, info: GraphQLResolveInfo, **_: Any) -> Any:
        """Resolve one field; the arguments were heeded when the step was planned."""
        match source:
            case None:
                return self._root(info)
            case _Record():
                return self._of_record(source, info)
            case _Subject():
                return self._of_subject(source, info)
            case _Page() | _Edge() | _PageInfo():
                return self._of_page(source, info.field_name)
            case VerificationResult():
                return source.value
            case Code():
                return coded.entry_field(source, info.field_name)
            case _:
                raise TypeError(f"nothing is known of a {type(source).__name__}")

    def _root(self, info: GraphQLResolveInfo) -> Any:
        path = _planned(info.path)
        if info.field_name == names.CONTRACT:
            return self._contract.digest
        if path in self._plan.given:
            value = self._plan.given[path]
            return _Subject(value, value)
        if info.field_name in self._contract.listings:
            return self._page(self._outcomes[self._plan.records[path]])
        if path in self._plan.gathered:
            return list(self._gathered(path))
        return self._records(path, None)

    def _gathered(self, path: Path) -> Iterator[_Record | None]:
        """Yield the records of all steps that fill a list, and a null for each that gave nothing."""
        at = 0
        for ref in self._plan.gathered[path]:
            outcome = self._outcomes[ref]
            if not isinstance(outcome, Masked):
                self.nulls[ref] = (*path, at)
                at += 1
                yield None
                continue
            records = list(_records_of(outcome))[: outcome.permitted.step.limit]
            at += len(records)
            yield from records

    def _page(self, outcome: Outcome) -> _Page | None:
        if not isinstance(outcome, Masked):
            return None
        return _Page(tuple(_records_of(outcome)), outcome.positions, outcome.more)

    def _of_page(self, source: _Page | _Edge | _PageInfo, name: str) -> Any:
        match source, name:
            case _Page(), "nodes":
                return source.records
            case _Page(), "edges":
                found = zip(source.records, source.places, strict=True)
                return [_Edge(record, place) for record, place in found]
            case _Page(), "pageInfo":
                return _PageInfo(source)
            case _Edge(), "node":
                return source.record
            case _Edge(), "cursor":
                return self._cursor(source.record.step, source.place)
            case _PageInfo(), "hasNextPage":
                return source.page.more
            case _PageInfo(), "endCursor":
                page = source.page
                return (
                    self._cursor(page.records[-1].step, page.places[-1]) if page.records else None
                )
            case _:
                raise TypeError(f"a page has no {name}")

    def _cursor(self, step: Step, place: tuple[Any, ...]) -> str | None:
        """Seal a place, where that is asked for; None: no cursors are given here."""
        cursors = self._plan.cursors
        if cursors is None or not isinstance(step.key, Listed):
            return None
        return cursors.seal(write_position(place), bound=step.key.bound)

    def _of_subject(self, subject: _Subject, info: GraphQLResolveInfo) -> Any:
        if info.field_name in self._contract.records:
            return self._records(_planned(info.path), subject)
        return subject.shown

    def _of_record(self, record: _Record, info: GraphQLResolveInfo) -> Any:
        resource = self._contract.types[info.parent_type.name]
        if record.disputed:
            self._mark(record, resource, info)
        for item in resource.items:
            if item.graphql_name == info.field_name:
                return record.value(item)
        beside = coded.fields(resource).get(info.field_name)
        if beside is not None:
            return _of_list(record, *beside)
        mapping = resource.certificate
        if mapping is not None and info.field_name in FIELDS:
            return _of_certificate(record, mapping, info.field_name)
        item = names.links(resource)[info.field_name]
        text = record.joins.get(item.name)
        return None if text is None else _Subject(record.row.get(item.name), text)

    def _mark(self, record: _Record, resource: Resource, info: GraphQLResolveInfo) -> None:
        """Note the place of a field that tells of a disputed item, by whatever name it does."""
        beside, certified = coded.fields(resource), resource.certificate
        roles = certified.roles if certified is not None else {}
        own = next((i.name for i in resource.items if i.graphql_name == info.field_name), None)
        if own is None and info.field_name in beside:
            own = beside[info.field_name][0].name
        if own is None:
            own = roles.get(info.field_name)
        if own in record.disputed:
            self.disputed.setdefault(record.step.ref, []).append(tuple(info.path.as_list()))

    def _records(self, path: Path, subject: _Subject | None) -> Any:
        """Return a step's records in the answer: of its subject, where the step serves several."""
        ref = self._plan.records[path]
        outcome = self._outcomes[ref]
        if isinstance(outcome, Failed) and outcome.permitted.step.claims:
            return VerificationResult.UNDETERMINED
        if not isinstance(outcome, Masked):
            return None
        if outcome.verified is not None:
            return VerificationResult(outcome.verified)
        step = outcome.permitted.step
        if ref in self._grouped:
            records = self._grouped[ref].get(subject.text, []) if subject is not None else []
        else:
            records = list(_records_of(outcome))
        if step.many:
            return records[: step.limit]
        return records[0] if records else None


def _records_of(outcome: Masked) -> Iterator[_Record]:
    joins = outcome.joins or [{}] * len(outcome.rows)
    statuses = outcome.statuses or [None] * len(outcome.rows)
    none: frozenset[str] = frozenset()
    found = enumerate(zip(outcome.rows, joins, statuses, strict=True))
    for number, (row, joined, status) in found:
        yield _Record(
            outcome.permitted.step,
            row,
            joined,
            status,
            outcome.unread.get(number, none),
            outcome.disputed.get(number, none),
        )


def _of_list(record: _Record, item: Item, beside: coded.Beside) -> Any:
    """Return what stands beside a code: a name of it, or the whole list, whatever the record has."""
    if beside is coded.Beside.LIST:
        return item.codes
    return coded.names_of(item, beside).get(record.value(item))


def _of_certificate(record: _Record, mapping: CertificateMapping, name: str) -> Any:
    """Return a field that every e-certificate has; None where the publisher has no item for it."""
    match name:
        case "typeCode":
            return mapping.type_code
        case "typeName":
            return mapping.type_name
        case "status":
            return record.status
        case _:
            role = mapping.roles.get(name)
            return None if role is None else record.value(record.step.resource.item(role))


def _group(outcome: Masked) -> dict[str, list[_Record]]:
    """Group the records of a linked step by their unmasked key, which never leaves this module."""
    grouped: dict[str, list[_Record]] = {}
    key: Item = outcome.permitted.step.key.item
    for record in _records_of(outcome):
        text = record.joins.get(key.name)
        if text is not None:
            grouped.setdefault(text, []).append(record)
    return grouped


def _planned(path: FieldPath | Iterable[str | int]) -> Path:
    """Return a field's path as the plan writes it: any position of a list is `*`."""
    keys = path.as_list() if isinstance(path, FieldPath) else path
    return tuple("*" if isinstance(key, int) else key for key in keys)


def _places(data: Any, path: Path) -> Iterator[tuple[Where, Any]]:
    """Yield every place in the data that a planned path leads to, with the value there."""
    waiting: list[tuple[Where, Any]] = [((), data)]
    for key in path:
        reached: list[tuple[Where, Any]] = []
        for where, value in waiting:
            if key == "*" and isinstance(value, list):
                reached += [((*where, at), element) for at, element in enumerate(value)]
            elif isinstance(value, dict) and key in value:
                reached.append(((*where, key), value[key]))
        waiting = reached
    yield from waiting


def _step_errors(
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    places: Mapping[str, list[tuple[Where, Any]]],
    data: Any,
) -> Iterator[Mapping[str, Any]]:
    """Yield one error for each step that was refused or whose department did not answer.

    A verification that could not be made says *undetermined* in its place; a field with a value has no
    error (GraphQL, 6.4.4), so that its code stands in the outcomes alone.
    """
    for step in plan.steps:
        outcome = outcomes[step.ref]
        if isinstance(outcome, Masked) or (isinstance(outcome, Failed) and step.claims):
            continue
        reached = places[step.ref]
        where = reached[0][0] if reached else _nearest(data, step.path)
        error = _error(where, str(code_of(outcome)), step, retryable=_retryable(outcome))
        if isinstance(outcome, Refused) and outcome.facts:
            error = {**error, "extensions": {**error["extensions"], **dict(outcome.facts)}}
        yield error


def _retryable(outcome: Refused | Failed) -> bool | None:
    """Return what the outcome itself knows; None leaves it to the code's table."""
    return outcome.retryable if isinstance(outcome, Failed) else None


def _nearest(data: Any, path: Path) -> Where:
    """Return the last place on a path that exists: where a null cut it off."""
    for length in range(len(path), 0, -1):
        for where, _ in _places(data, path[:length]):
            return where
    return ()


def _value_errors(plan: Plan, errors: Sequence[GraphQLError] | None) -> Iterator[Mapping[str, Any]]:
    """Yield an error for each value that its type could not write; graphql-core's text quotes it."""
    refs = {step.ref: step for step in plan.steps}
    for error in errors or ():
        where = tuple(error.path or ())
        planned = _planned(where)
        owners = [ref for path, ref in plan.records.items() if planned[: len(path)] == path]
        if not owners:
            raise error
        nearest = max((refs[ref] for ref in owners), key=lambda step: len(step.path))
        unknown = isinstance(error.original_error, UnknownWordError)
        code = coded.CODE_UNKNOWN if unknown else "VALUE_INVALID"
        yield _error(where, code, nearest, retryable=False)


def _error(where: Where, code: str, step: Step, *, retryable: bool | None) -> Mapping[str, Any]:
    facts: dict[str, Any] = {
        "code": code,
        "department": step.resource.department,
        "resource": step.resource.code,
    }
    if retryable is not None:
        facts["retryable"] = retryable
    return {"path": list(where), "extensions": facts}


def step_errors(
    plan: Plan, outcomes: Sequence[Outcome], data: Any
) -> tuple[Mapping[str, Any], ...]:
    """Return the errors of the steps that gave nothing, by the data in which they have their places."""
    found = {_step(outcome).ref: outcome for outcome in outcomes}
    places = {step.ref: list(_places(data, step.path)) for step in plan.steps}
    return tuple(_step_errors(plan, found, places, data))
