"""Plans made once: what does not hang on a call's variables is kept, and bound anew for each call.

`gateway.plan` alone says what a plan is. A template is made of one of its plans, for one operation of one
document and one set of the variables that `@skip` and `@include` read. Of a list each call binds how many
records, after which, filtered by what and for whom: its cursors are one consumer's. Whatever a template
cannot bind is planned anew, so that every refusal is worded in one place.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    Node,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    get_named_type,
    get_nullable_type,
)
from graphql.execution.collect_fields import collect_fields, collect_sub_fields
from graphql.execution.values import get_argument_values
from msgspec.structs import replace

from catalogue.model import Resource, SubjectType
from gateway import names
from gateway.cursors import CursorError, Cursors
from gateway.limits import Limits
from gateway.model import Filter, GivenKey, LinkedKey, Listed, Order, Step
from gateway.parse import Document
from gateway.plan import (
    Normalise,
    Path,
    Plan,
    claims_made,
    cursor_bound,
    filters_of,
    first_of,
    identifier,
    listed,
    operation_of,
    orders_of,
    plan,
    records_limit,
    told_of,
)
from gateway.variables import coercion, flags_in, variables_in

T = TypeVar("T")

KEPT = 4_096
"""Templates, of all contracts together; the least recently used goes first."""
TEMPLATE_CHARACTERS = 4_096
"""A longer document is planned anew each time: what is kept must stay small whoever asks."""
FORMS = 64
"""Of one template: which items lists are filtered and ordered by in how many different ways."""


class _UnboundError(Exception):
    """A value does not fit what a template knows of its place: the call is planned anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """One field of an operation, merged as graphql-core merges it, under one set of flags."""

    key: str
    """Response key."""
    name: str
    path: Path
    parent: GraphQLObjectType
    field: GraphQLField | None
    """None for a field of introspection."""
    node: FieldNode
    type: GraphQLObjectType | None
    """None for a leaf, and for what is no object type."""
    many: bool
    below: tuple["Selected", ...]


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What one call brings to a template. Made by msgspec, like the stages of a call."""

    coerced: dict[str, Any]
    normalise: Normalise
    limits: Limits
    cursors: Cursors | None
    consumer: str


@dataclass(slots=True, kw_only=True)
class Template:
    """What a plan and the others of its kind have in common."""

    document: Document
    selected: tuple[Selected, ...]
    steps: tuple["_Slot | _Listing", ...]
    given: tuple[tuple[Path, SubjectType, "_Arguments", str], ...]
    records: Mapping[Path, str]
    alike: bool = False
    """Whether what is claimed is the same in all calls: there are no claims."""
    formed: tuple[int, ...] = ()
    """Numbers of the steps that list by what a variable says: which items those are may vary."""
    shapes: dict[tuple[Any, ...], object] = field(default_factory=dict)
    """Items that those steps are filtered and ordered by → what stands for the plans that do so."""
    made: dict[str, Any] = field(default_factory=dict)
    """What `gateway.compile` made of it."""

    def bind(self, call: Binding) -> tuple[tuple[Step, ...], dict[Path, str]] | None:
        """Return the steps of one call, and whom it names; None where a value does not fit."""
        try:
            given = {
                path: identifier(
                    subject,
                    arguments.bind(call.coerced)[name],
                    normalise=call.normalise,
                    limits=call.limits,
                )
                for path, subject, arguments, name in self.given
            }
            return tuple([slot.bind(given, call) for slot in self.steps]), given
        except (_UnboundError, ValueError, TypeError, KeyError, GraphQLError, CursorError):
            return None

    def shape_of(self, steps: tuple[Step, ...]) -> object | None:
        """Return what is the same object for all plans whose steps differ in key, place and bounds alone.

        None where there may be no other such plan. It names items and no value.
        """
        if not self.alike:
            return None
        if not self.formed:
            return self
        form = tuple([_form_of(steps[number]) for number in self.formed])
        shape = self.shapes.get(form)
        if shape is None and len(self.shapes) < FORMS:
            shape = self.shapes[form] = object()
        return shape


def _form_of(step: Step) -> tuple[Any, ...]:
    orders = step.key.orders if isinstance(step.key, Listed) else ()
    return (
        tuple([(one.item.name, one.op) for one in step.filters]),
        tuple([(order.item.name, order.descending) for order in orders]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arguments:
    """A field's arguments: constant ones, and those that are a variable and nothing else."""

    constant: Mapping[str, Any]
    direct: tuple[tuple[str, str, GraphQLArgument], ...]
    """(name in the plan, variable, argument)."""
    nested: tuple[GraphQLField, FieldNode] | None
    """Where a variable stands inside a value: graphql-core reads them all."""

    def bind(self, coerced: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.nested is not None:
            return get_argument_values(*self.nested, dict(coerced))
        if not self.direct:
            return self.constant
        found = dict(self.constant)
        for name, variable, argument in self.direct:
            value = coerced.get(variable, argument.default_value)
            if value is None or value is Undefined:
                if isinstance(argument.type, GraphQLNonNull):
                    raise _UnboundError
                if value is Undefined:
                    continue
            found[name] = value
        return found

    @property
    def varying(self) -> set[str]:
        """Names of the arguments in which a variable stands."""
        varying = {name for name, _, _ in self.direct}
        if self.nested is not None:
            inside = self.nested[1].arguments
            varying = {node.name.value for node in inside if variables_in(node)}
        return varying


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """One step of a template, and what of it is bound."""

    step: Step
    subject: Path | None
    """Path of the named subject whose identifier is the key."""
    key: _Arguments | None
    """Arguments of the resource's own root field, one of which is the key."""
    own: _Arguments | None
    """Arguments of the field itself: `first`, or a verification's claims."""

    def bind(self, given: Mapping[Path, str], call: Binding) -> Step:
        step, coerced, limits = self.step, call.coerced, call.limits
        key, limit, claims = step.key, step.limit, step.claims
        if self.subject is not None:
            key = GivenKey(item=key.item, value=given[self.subject])
        elif self.key is not None:
            text = self.key.bind(coerced)[key.item.graphql_name]
            value = identifier(key.item.subject, text, normalise=call.normalise, limits=limits)
            key = GivenKey(item=key.item, value=value)
        if self.own is not None:
            arguments = self.own.bind(coerced)
            if step.claims:
                claims = _needed(claims_made(step.resource, arguments["claims"], limits=limits))
            else:
                limit = _needed(records_limit(step.resource, arguments, limits=limits))
        if key is step.key and limit == step.limit and claims is step.claims:
            return step
        return replace(step, key=key, limit=limit, claims=claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What a list is filtered and ordered by."""

    filters: tuple[Filter, ...] = field(repr=False)
    orders: tuple[Order, ...]
    told: str = field(repr=False)
    """What its cursors are bound to beside their consumer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """One step of a template that lists records: where a page begins, and for whom, is each call's own."""

    step: Step
    own: _Arguments
    form: _Form | None
    """None where a variable says what the list is filtered or ordered by."""

    def bind(self, _: Mapping[Path, str], call: Binding) -> Step:
        arguments = self.own.bind(call.coerced)
        form = self.form or _form(self.step.resource, arguments, limits=call.limits)
        return replace(
            self.step,
            limit=_needed(first_of(arguments, limits=call.limits)),
            key=listed(
                form.orders,
                arguments.get("after"),
                cursors=call.cursors,
                bound=cursor_bound(call.consumer, told=form.told),
            ),
            filters=form.filters,
        )


def _form(resource: Resource, arguments: Mapping[str, Any], *, limits: Limits) -> _Form:
    filters = _needed(filters_of(resource, arguments.get("where") or {}, limits=limits))
    orders = _needed(orders_of(resource, arguments.get("orderBy") or []))
    return _Form(filters=filters, orders=orders, told=told_of(resource, orders, filters))


def _needed(found: T | None) -> T:
    if found is None:
        raise _UnboundError
    return found


@dataclass(slots=True, kw_only=True)
class _Operation:
    """One operation of a document, with what reads its variables."""

    document: Document
    node: OperationDefinitionNode
    coerce: Callable[[Mapping[str, Any]], dict[str, Any] | None]
    flags: tuple[str, ...]
    """Variables that `@skip` and `@include` read."""


class Plans:
    """Templates by document, operation and flags, the last used kept."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._most = kept
        self._kept: OrderedDict[tuple[Any, ...], Template | _Operation | Document] = OrderedDict()
        """A key starts with the identity of a document, which its entry keeps alive.

        The document itself stands where its plan has no template: that is not tried again.
        """

    def plan(
        self,
        document: Document,
        *,
        operation_name: str | None,
        variables: Mapping[str, Any],
        normalise: Normalise,
        limits: Limits,
        cursors: Cursors | None = None,
        consumer: str = "",
    ) -> Plan:
        """Plan one operation exactly as `gateway.plan.plan` does. Raises as it does."""
        operation = self._operation(document, operation_name)
        coerced = operation.coerce(variables) if operation is not None else None
        key: tuple[Any, ...] | None = None
        if operation is not None and coerced is not None:
            flags = tuple([coerced.get(name) for name in operation.flags])
            key = (id(document), operation_name, limits, flags)
            template = self._template(key, document)
            if template is not None:
                call = Binding(
                    coerced=coerced,
                    normalise=normalise,
                    limits=limits,
                    cursors=cursors,
                    consumer=consumer,
                )
                bound = template.bind(call)
                if bound is not None:  # If it is, what does not fit is said below.
                    steps, given = bound
                    return Plan(
                        document=document,
                        operation_name=operation_name,
                        variables=variables,
                        steps=steps,
                        records=template.records,
                        given=MappingProxyType(given),
                        cursors=cursors,
                        template=template,
                        shape=template.shape_of(steps),
                    )
        made = plan(
            document,
            operation_name=operation_name,
            variables=variables,
            normalise=normalise,
            limits=limits,
            cursors=cursors,
            consumer=consumer,
        )
        if operation is None or coerced is None or key is None or self._kept.get(key) is document:
            return made
        call = Binding(
            coerced=coerced,
            normalise=normalise,
            limits=limits,
            cursors=cursors,
            consumer=consumer,
        )
        template = _template_of(made, operation, call)
        self._keep(key, template if template is not None else document)
        return replace(made, template=template)

    def forget(self, contract: object) -> None:
        """Drop what was made of a contract's documents."""
        for key, held in list(self._kept.items()):
            document = held if isinstance(held, Document) else held.document
            if document.contract is contract:
                del self._kept[key]

    def _operation(self, document: Document, name: str | None) -> _Operation | None:
        key = (id(document), name)
        held = self._kept.get(key)
        if isinstance(held, _Operation) and held.document is document:
            self._kept.move_to_end(key)
            return held
        place = document.ast.loc
        if place is None or place.end > TEMPLATE_CHARACTERS:
            return None
        node = operation_of(document, name)
        made = _Operation(
            document=document,
            node=node,
            coerce=coercion(document, node),
            flags=tuple(sorted(flags_in(document.ast))),
        )
        self._keep(key, made)
        return made

    def _template(self, key: tuple[Any, ...], document: Document) -> Template | None:
        held = self._kept.get(key)
        if held is None:
            return None
        self._kept.move_to_end(key)
        return held if isinstance(held, Template) and held.document is document else None

    def _keep(self, key: tuple[Any, ...], made: Template | _Operation | Document) -> None:
        self._kept[key] = made
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _template_of(made: Plan, operation: _Operation, call: Binding) -> Template | None:
    """Return the template of a plan; None where it would not bind to that same plan again.

    Certificates are gathered and have none.
    """
    if made.gathered or not all(isinstance(step.key, _KEPT) for step in made.steps):
        return None
    selected = _select(made.document, operation.node, call.coerced)
    fields = {one.path: one for one in _all(selected)}
    try:
        arguments = {
            path: _arguments(one.field, one.node, call.coerced)
            for path, one in fields.items()
            if one.field is not None and one.field.args
        }
        slots = tuple([_slot(step, made, fields, arguments) for step in made.steps])
        template = Template(
            document=made.document,
            selected=selected,
            steps=slots,
            given=tuple(_given(made, fields, arguments)),
            records=made.records,
            alike=not any(step.claims for step in made.steps),
            formed=tuple(
                [at for at, one in enumerate(slots) if type(one) is _Listing and one.form is None]
            ),
        )
        again = template.bind(call)
    except (_UnboundError, KeyError, GraphQLError):
        return None
    return template if again == (made.steps, dict(made.given)) else None


_KEPT = (GivenKey, LinkedKey, Listed)


def _select(
    document: Document, operation: OperationDefinitionNode, coerced: dict[str, Any]
) -> tuple[Selected, ...]:
    schema = document.contract.schema
    fragments = {
        one.name.value: one
        for one in document.ast.definitions
        if isinstance(one, FragmentDefinitionNode)
    }

    def below(
        type_: GraphQLObjectType, collected: Mapping[str, list[FieldNode]], path: Path
    ) -> Iterator[Selected]:
        for key, nodes in collected.items():
            name = nodes[0].name.value
            field_ = type_.fields.get(name)
            named = get_named_type(field_.type) if field_ is not None else None
            object_ = named if isinstance(named, GraphQLObjectType) else None
            many = field_ is not None and isinstance(get_nullable_type(field_.type), GraphQLList)
            here = (*path, key)
            inner: tuple[Selected, ...] = ()
            if object_ is not None:
                merged = collect_sub_fields(schema, fragments, coerced, object_, nodes)
                inner = tuple(below(object_, merged, (*here, "*") if many else here))
            yield Selected(
                key=key,
                name=name,
                path=here,
                parent=type_,
                field=field_,
                node=nodes[0],
                type=object_,
                many=many,
                below=inner,
            )

    query = schema.query_type
    if query is None:
        raise TypeError("a contract schema has a query type")
    collected = collect_fields(schema, fragments, coerced, query, operation.selection_set)
    return tuple(below(query, collected, ()))


def _all(selected: tuple[Selected, ...]) -> Iterator[Selected]:
    for one in selected:
        yield one
        yield from _all(one.below)


def _slot(
    step: Step,
    made: Plan,
    fields: Mapping[Path, Selected],
    arguments: Mapping[Path, _Arguments],
) -> _Slot | _Listing:
    if isinstance(step.key, Listed):
        return _listing(step, step.key, arguments[step.path])
    root, contract = fields[step.path[:1]], made.document.contract
    by_subject = isinstance(step.key, GivenKey) and root.path in made.given
    by_root = isinstance(step.key, GivenKey) and len(step.path) == 1
    own = arguments.get(step.path)
    known = {"claims"} if step.claims else {"first"}
    if by_root:
        known.add(step.key.item.graphql_name)
    _only(own, known)
    if not (by_subject or by_root) and isinstance(step.key, GivenKey):
        raise _UnboundError
    if by_root and root.name not in {*contract.records, *contract.verifications}:
        raise _UnboundError
    return _Slot(
        step=step,
        subject=root.path if by_subject else None,
        key=own if by_root else None,
        own=own if own is not None and (step.claims or not _alone(step.resource)) else None,
    )


def _listing(step: Step, key: Listed, own: _Arguments) -> _Listing:
    _only(own, {"first", "after", "where", "orderBy"})
    form = None
    if not own.varying & {"where", "orderBy"}:
        told = told_of(step.resource, key.orders, step.filters)
        form = _Form(filters=step.filters, orders=key.orders, told=told)
    return _Listing(step=step, own=own, form=form)


def _alone(resource: Resource) -> bool:
    """Say whether a field that reads records of a resource takes no `first`."""
    return resource.single


def _given(
    made: Plan, fields: Mapping[Path, Selected], arguments: Mapping[Path, _Arguments]
) -> Iterator[tuple[Path, SubjectType, _Arguments, str]]:
    for path in made.given:
        subject = SubjectType(fields[path].name)
        _only(arguments[path], {names.SUBJECT_KEYS[subject]})
        yield path, subject, arguments[path], names.SUBJECT_KEYS[subject]


def _only(arguments: _Arguments | None, known: set[str]) -> None:
    """Let variables stand only in arguments of which it is known here what they decide."""
    if arguments is None:
        return
    if not arguments.varying <= known:
        raise _UnboundError


def _arguments(field_: GraphQLField, node: FieldNode, coerced: dict[str, Any]) -> _Arguments:
    found = get_argument_values(field_, node, coerced)
    inside: dict[str, Node] = {one.name.value: one.value for one in node.arguments}
    direct = [
        (field_.args[name].out_name or name, value.name.value, field_.args[name])
        for name, value in inside.items()
        if isinstance(value, VariableNode)
    ]
    varying = {name for name, _, _ in direct}
    nested = any(
        variables_in(value) and not isinstance(value, VariableNode) for value in inside.values()
    )
    return _Arguments(
        constant={name: value for name, value in found.items() if name not in varying},
        direct=tuple(direct),
        nested=(field_, node) if nested else None,
    )
