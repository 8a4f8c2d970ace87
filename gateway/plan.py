"""One operation of a validated document becomes the steps that read it, in document order.

Fields are collected by graphql-core itself, so that aliases, fragments, directives, variables and merged
fields mean here what they mean when the answer is put together. Nothing is asked for that the operation
does not select.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    VariableDefinitionNode,
)
from graphql.execution.collect_fields import collect_fields, collect_sub_fields
from graphql.execution.values import get_argument_values, get_variable_values

from catalogue.codes import check_certificate_identifier, type_code_of
from catalogue.errors import CodeError
from catalogue.model import Item, Resource, SubjectType
from gateway import coded, names
from gateway.cursors import CursorError, Cursors, read_position
from gateway.errors import RefusedDocumentError
from gateway.limits import Limits, check_steps
from gateway.model import Claim, Filter, FoundKey, GivenKey, LinkedKey, Listed, Order, Step
from gateway.parse import Document
from gateway.schema import CLAIM_VALID, claim_attribute

Normalise = Callable[[SubjectType, str], str]
"""Returns the one spelling of a subject's identifier; raises ValueError where it is none."""

MOST_VALUES = 100
"""Values that one filter may list."""
MOST_ORDERS = 3

Path = tuple[str, ...]
Collected = Mapping[str, list[FieldNode]]


class Plan(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The steps of one operation, and what is needed to put their rows together.

    Made by msgspec: each call makes one.
    """

    document: Document
    operation_name: str | None
    variables: Mapping[str, Any]
    """As the caller sent them."""
    steps: tuple[Step, ...]
    records: Mapping[Path, str]
    """Path of a field that reads records or verifies → `ref` of its step."""
    given: Mapping[Path, str]
    """Path of a subject that the call named → its identifier, normalised."""
    gathered: Mapping[Path, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Path of a field that several steps fill → their `ref`s, in order."""
    cursors: Cursors | None = None
    """Seals the places of lists; None: none are given."""
    template: object = None
    """What `gateway.planned` keeps of the plan for other calls; None where it was made for this one alone."""
    shape: object = None
    """The same object in all plans whose steps differ in key, bound, place in a list and values filtered by
    alone; None: there may be none."""

    def __repr__(self) -> str:
        return f"Plan({', '.join(step.ref for step in self.steps)})"


def plan(
    document: Document,
    *,
    operation_name: str | None,
    variables: Mapping[str, Any],
    normalise: Normalise,
    limits: Limits,
    cursors: Cursors | None = None,
    consumer: str = "",
) -> Plan:
    """Plan one operation. Raises RefusedDocumentError with one error for each bad argument.

    `consumer` is the system for whom cursors are sealed: another's open nothing.
    """
    operation = operation_of(document, operation_name)
    planning = _Planning(
        document=document,
        coerced=_coerced(document, operation, variables),
        normalise=normalise,
        limits=limits,
        cursors=cursors,
        consumer=consumer,
    )
    try:
        planning.walk_query(operation)
    except RecursionError:
        raise RefusedDocumentError("TOO_DEEP", allowed=limits.depth) from None
    if planning.errors:
        code = planning.errors[0]["extensions"]["code"]
        raise RefusedDocumentError(code, planning.errors)
    return Plan(
        document=document,
        operation_name=operation_name,
        variables=variables,
        steps=tuple(planning.steps),
        records=MappingProxyType({step.path: step.ref for step in planning.steps}),
        given=MappingProxyType(planning.given),
        gathered=MappingProxyType(planning.gathered),
        cursors=cursors,
    )


def operation_of(document: Document, name: str | None) -> OperationDefinitionNode:
    """Return the operation that is meant: the one named, or the only one."""
    meant = [
        definition
        for definition in document.ast.definitions
        if isinstance(definition, OperationDefinitionNode)
        and (name is None or (definition.name is not None and definition.name.value == name))
    ]
    if len(meant) != 1:
        raise RefusedDocumentError("OPERATION_UNKNOWN", found=len(meant), needed=1)
    return meant[0]


def _coerced(
    document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the variables as their declared types have them. Errors name variables, never values."""
    coerced = get_variable_values(
        document.contract.schema, operation.variable_definitions, dict(variables), max_errors=20
    )
    if isinstance(coerced, dict):
        return coerced
    wrong = {
        node.variable.name.value
        for error in coerced
        for node in error.nodes or ()
        if isinstance(node, VariableDefinitionNode)
    }
    raise RefusedDocumentError("VARIABLES_INVALID", variables=sorted(wrong))


@dataclass(slots=True, kw_only=True)
class _Planning:
    """Walks one operation and gathers its steps."""

    document: Document
    coerced: dict[str, Any] = field(repr=False)
    normalise: Normalise
    limits: Limits
    cursors: Cursors | None
    consumer: str
    steps: list[Step] = field(default_factory=list)
    given: dict[Path, str] = field(default_factory=dict)
    gathered: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    errors: list[Mapping[str, Any]] = field(default_factory=list)

    def walk_query(self, operation: OperationDefinitionNode) -> None:
        contract = self.document.contract
        query = self._type(names.QUERY)
        try:
            collected = collect_fields(
                contract.schema, self._fragments(), self.coerced, query, operation.selection_set
            )
        except GraphQLError:
            raise RefusedDocumentError("VARIABLES_INVALID") from None
        for key, nodes in collected.items():
            name, path = nodes[0].name.value, (key,)
            if name == names.CONTRACT or name.startswith("__"):
                continue
            arguments = self._arguments(query, nodes, path)
            if arguments is None:
                continue
            if name in contract.records:
                self._walk_keyed(contract.records[name], arguments, path=path, nodes=nodes)
            elif name in contract.verifications:
                self._walk_verification(contract.verifications[name], arguments, path=path)
            elif name in contract.listings:
                self._walk_listing(contract.listings[name], arguments, path=path, nodes=nodes)
            elif name == names.ONE_CERTIFICATE:
                self._walk_certificate(arguments, path=path, nodes=nodes)
            elif name == names.CERTIFICATES:
                self._walk_certificates(arguments, path=path, nodes=nodes)
            else:
                self._walk_subject(SubjectType(name), arguments, path=path, nodes=nodes)

    def _walk_keyed(
        self,
        resource: Resource,
        arguments: Mapping[str, Any],
        *,
        path: Path,
        nodes: list[FieldNode],
    ) -> None:
        """Plan a resource's own root field: its records by their key."""
        key = self._key(resource.key, arguments[resource.key.graphql_name], path)
        limit = self._limit(resource, arguments, path)
        if key is not None and limit is not None:
            self._walk_records(resource, key, limit=limit, path=path, nodes=nodes)

    def _walk_verification(
        self, resource: Resource, arguments: Mapping[str, Any], *, path: Path
    ) -> None:
        key = self._key(resource.key, arguments[resource.key.graphql_name], path)
        claims = self._claims(resource, arguments["claims"], path)
        if key is None or claims is None:
            return
        self._add(
            Step(
                ref=self._ref(),
                path=path,
                resource=resource,
                items=(),
                key=key,
                subject=resource.key.subject,
                many=False,
                # Where a subject has several records, any of them may bear the claims out.
                limit=1 if resource.single else self.limits.first,
                claims=claims,
            )
        )

    def _walk_subject(
        self,
        subject: SubjectType,
        arguments: Mapping[str, Any],
        *,
        path: Path,
        nodes: list[FieldNode],
    ) -> None:
        """Plan a subject that the call names: every record on it is read by that one identifier."""
        text = arguments[names.SUBJECT_KEYS[subject]]
        value = self._normalised(subject, text, path)
        if value is None:
            return
        self.given[path] = value
        self._walk_subject_fields(
            subject, lambda item: GivenKey(item=item, value=value), path=path, nodes=nodes
        )

    def _walk_subject_fields(
        self,
        subject: SubjectType,
        key_of: Callable[[Item], GivenKey | LinkedKey],
        *,
        path: Path,
        nodes: list[FieldNode],
    ) -> None:
        type_ = self._type(names.SUBJECT_TYPES[subject])
        for key, inner in self._collect(type_, nodes).items():
            resource = self.document.contract.records.get(inner[0].name.value)
            if resource is None:
                continue
            here = (*path, key)
            arguments = self._arguments(type_, inner, here)
            limit = None if arguments is None else self._limit(resource, arguments, here)
            if limit is not None:
                self._walk_records(
                    resource, key_of(resource.key), limit=limit, path=here, nodes=inner
                )

    def _walk_records(
        self,
        resource: Resource,
        key: GivenKey | LinkedKey | FoundKey,
        *,
        limit: int,
        path: Path,
        nodes: list[FieldNode],
        many: bool | None = None,
        filters: tuple[Filter, ...] = (),
    ) -> None:
        """Add the step that reads records, then the links that start from them.

        `many` None: as many as a subject has.
        """
        many = not resource.single if many is None else many
        collected = self._collect(self._type(resource.type_name), nodes)
        ref = self._ref()
        self._add(
            Step(
                ref=ref,
                path=path,
                resource=resource,
                items=self._items(resource, collected, key),
                key=key,
                subject=resource.key.subject,
                many=many,
                limit=limit,
                filters=filters,
            )
        )
        inside = (*path, "*") if many else path
        self._walk_links(resource, collected, ref=ref, inside=inside)

    def _walk_listing(
        self,
        resource: Resource,
        arguments: Mapping[str, Any],
        *,
        path: Path,
        nodes: list[FieldNode],
    ) -> None:
        """Add the step that lists records, then the links that start from them, wherever they stand."""
        filters = self._filters(resource, arguments.get("where") or {}, path)
        limit = self._first(arguments, path)
        key = None if filters is None else self._listed(resource, filters, arguments, path)
        if filters is None or limit is None or key is None:
            return
        places = dict(self._record_places(resource, path, nodes))
        wanted = {
            item.name
            for collected in places.values()
            for item in self._items(resource, collected, key)
        }
        ref = self._ref()
        self._add(
            Step(
                ref=ref,
                path=path,
                resource=resource,
                items=tuple(item for item in resource.items if item.name in wanted),
                key=key,
                subject=None,
                many=True,
                limit=limit,
                filters=filters,
            )
        )
        for inside, collected in places.items():
            self._walk_links(resource, collected, ref=ref, inside=inside)

    def _walk_certificate(
        self, arguments: Mapping[str, Any], *, path: Path, nodes: list[FieldNode]
    ) -> None:
        """Plan one e-certificate by its identifier, which names its type."""
        try:
            identifier = check_certificate_identifier(arguments["identifier"])
        except CodeError:
            self._refuse("KEY_INVALID", path)
            return
        for resource, item in self._certified("identifier", type_code_of(identifier)):
            key = FoundKey(item=item, value=identifier)
            self._walk_records(resource, key, limit=1, path=path, nodes=nodes, many=False)
            return
        self._refuse("ARGUMENT_INVALID", path, argument="identifier")

    def _walk_certificates(
        self, arguments: Mapping[str, Any], *, path: Path, nodes: list[FieldNode]
    ) -> None:
        """Plan the e-certificates of a holder, or those of a type under a number: a step a resource."""
        wanted = self._wanted(arguments, path)
        limit = self._first(arguments, path)
        if wanted is None or limit is None:
            return
        first = len(self.steps)
        refs = []
        for resource, key, filters in wanted:
            refs.append(self._ref())
            self._walk_records(
                resource, key, limit=limit, path=path, nodes=nodes, many=True, filters=filters
            )
        self.gathered[path] = tuple(step.ref for step in self.steps[first:] if step.ref in refs)

    def _wanted(
        self, arguments: Mapping[str, Any], path: Path
    ) -> list[tuple[Resource, GivenKey | FoundKey, tuple[Filter, ...]]] | None:
        holder, number = arguments.get("holder"), arguments.get("number")
        type_code = arguments.get("typeCode")
        if number is not None and not _fits(number, self.limits):
            self._refuse("ARGUMENT_INVALID", path, argument="number")
            return None
        found: list[tuple[Resource, GivenKey | FoundKey, tuple[Filter, ...]]] = []
        if holder is not None:
            subject = _SUBJECTS[getattr(holder["scheme"], "value", holder["scheme"])]
            value = self._normalised(subject, holder["code"], path)
            if value is None:
                return None
            role = None if number is None else "number"
            for resource, item in self._certified(role, type_code):
                if resource.key.subject is subject:
                    narrowed = () if role is None else (Filter(item=item, op="eq", value=number),)
                    found.append((resource, GivenKey(item=resource.key, value=value), narrowed))
        elif number is not None and type_code is not None:
            found = [
                (resource, FoundKey(item=item, value=number), ())
                for resource, item in self._certified("number", type_code)
            ]
        if not found:
            # A type that is not announced, not shared or not there: officers decide on absence, so an
            # empty answer would be a wrong one.
            self._refuse("ARGUMENT_INVALID", path, argument="typeCode" if type_code else "holder")
            return None
        return found

    def _certified(
        self, role: str | None, type_code: str | None
    ) -> Iterator[tuple[Resource, Item]]:
        """Yield the resources of e-certificates of a type (None: of any), with the item of a role."""
        for resource in self.document.contract.certificates:
            mapping = resource.certificate
            if mapping is None or type_code not in {None, mapping.type_code}:
                continue
            if role is None or role in mapping.roles:
                yield resource, resource.key if role is None else resource.item(mapping.roles[role])

    def _record_places(
        self, resource: Resource, path: Path, nodes: list[FieldNode]
    ) -> Iterator[tuple[Path, Collected]]:
        """Yield where the records of a page stand in the answer, with what is selected of them there."""
        record = self._type(resource.type_name)
        page = self._collect(self._type(names.connection_type(resource)), nodes)
        for key, inner in page.items():
            match inner[0].name.value:
                case "nodes":
                    yield (*path, key, "*"), self._collect(record, inner)
                case "edges":
                    edge = self._collect(self._type(names.edge_type(resource)), inner)
                    for edge_key, found in edge.items():
                        if found[0].name.value == "node":
                            yield (*path, key, "*", edge_key), self._collect(record, found)
                case _:
                    pass  # Nothing of a record is selected there.

    def _walk_links(
        self, resource: Resource, collected: Collected, *, ref: str, inside: Path
    ) -> None:
        links = names.links(resource)
        for response_key, inner in collected.items():
            item = links.get(inner[0].name.value)
            if item is not None and item.subject is not None:
                self._walk_subject_fields(
                    item.subject,
                    _linked(parent=ref, parent_item=item),
                    path=(*inside, response_key),
                    nodes=inner,
                )

    def _items(
        self,
        resource: Resource,
        collected: Collected,
        key: GivenKey | LinkedKey | FoundKey | Listed,
    ) -> tuple[Item, ...]:
        """Return the items that a selection reads, in the catalogue's order.

        A key that the caller gave is not read: it is told back what it said. A link alone reads nothing;
        naming its subject's identifier reads the item that it follows.
        """
        selected = {nodes[0].name.value: nodes for nodes in collected.values()}
        wanted = {item.name for item in resource.items if item.graphql_name in selected}
        wanted |= set(_certificate_items(resource, selected))
        beside = coded.fields(resource)
        wanted |= {beside[name][0].name for name in selected if name in beside}
        links = names.links(resource)
        for nodes in collected.values():
            item = links.get(nodes[0].name.value)
            if item is None or item.subject is None:
                continue
            inner = self._collect(self._type(names.SUBJECT_TYPES[item.subject]), nodes)
            identifier = names.SUBJECT_KEYS[item.subject]
            if any(each[0].name.value == identifier for each in inner.values()):
                wanted.add(item.name)
        if isinstance(key, GivenKey):
            wanted.discard(key.item.name)
        return tuple(item for item in resource.items if item.name in wanted)

    def _add(self, step: Step) -> None:
        check_steps(len(self.steps) + 1, limits=self.limits)
        self.steps.append(step)

    def _ref(self) -> str:
        return f"s{len(self.steps) + 1}"

    def _type(self, name: str) -> GraphQLObjectType:
        type_ = self.document.contract.schema.type_map[name]
        if not isinstance(type_, GraphQLObjectType):
            raise TypeError(f"{name} is no object type")
        return type_

    def _fragments(self) -> dict[str, FragmentDefinitionNode]:
        return {
            definition.name.value: definition
            for definition in self.document.ast.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def _collect(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> Collected:
        try:
            return collect_sub_fields(
                self.document.contract.schema, self._fragments(), self.coerced, type_, nodes
            )
        except GraphQLError:
            raise RefusedDocumentError("VARIABLES_INVALID") from None

    def _arguments(
        self, type_: GraphQLObjectType, nodes: list[FieldNode], path: Path
    ) -> Mapping[str, Any] | None:
        """Return a field's arguments; None where they do not fit, which is then an error."""
        try:
            return get_argument_values(type_.fields[nodes[0].name.value], nodes[0], self.coerced)
        except GraphQLError:
            self._refuse("ARGUMENT_INVALID", path)
            return None

    def _key(self, item: Item, text: str, path: Path) -> GivenKey | None:
        value = self._normalised(item.subject, text, path)
        return None if value is None else GivenKey(item=item, value=value)

    def _normalised(self, subject: SubjectType | None, text: str, path: Path) -> str | None:
        """Return an identifier in its one spelling; None where it is none, which is then an error."""
        try:
            return identifier(subject, text, normalise=self.normalise, limits=self.limits)
        except ValueError:
            self._refuse("KEY_INVALID", path)
            return None

    def _limit(self, resource: Resource, arguments: Mapping[str, Any], path: Path) -> int | None:
        """Return how many records each key may yield; None where that was asked wrongly."""
        return 1 if resource.single else self._first(arguments, path)

    def _first(self, arguments: Mapping[str, Any], path: Path) -> int | None:
        limit = first_of(arguments, limits=self.limits)
        if limit is None:
            self._refuse("ARGUMENT_INVALID", path, argument="first", allowed=self.limits.first)
        return limit

    def _filters(
        self, resource: Resource, where: Mapping[str, Any], path: Path
    ) -> tuple[Filter, ...] | None:
        """Return the conditions of a list; None where one of them cannot be met by anything."""
        filters = filters_of(resource, where, limits=self.limits)
        if filters is None:
            self._refuse("ARGUMENT_INVALID", path, argument="where")
        return filters

    def _listed(
        self,
        resource: Resource,
        filters: tuple[Filter, ...],
        arguments: Mapping[str, Any],
        path: Path,
    ) -> Listed | None:
        """Return the order of a list and where in it the page begins; None where that is no place in it."""
        orders = orders_of(resource, arguments.get("orderBy") or [])
        if orders is None:
            self._refuse("ARGUMENT_INVALID", path, argument="orderBy")
            return None
        bound = cursor_bound(self.consumer, told=told_of(resource, orders, filters))
        try:
            return listed(orders, arguments.get("after"), cursors=self.cursors, bound=bound)
        except CursorError:
            self._refuse("CURSOR_INVALID", path)
            return None

    def _claims(
        self, resource: Resource, found: Mapping[str, Any], path: Path
    ) -> tuple[Claim, ...] | None:
        """Return the claims made; None where there is none, or one that nothing could bear out."""
        claims = claims_made(resource, found, limits=self.limits)
        if claims is None:
            self._refuse("ARGUMENT_INVALID", path, argument="claims")
        return claims

    def _refuse(self, code: str, path: Iterable[str], **facts: Any) -> None:
        self.errors.append({"path": list(path), "extensions": {"code": code, **facts}})


def _linked(*, parent: str, parent_item: Item) -> Callable[[Item], LinkedKey]:
    return lambda item: LinkedKey(item=item, parent=parent, parent_item=parent_item)


_SUBJECTS = {scheme: subject for subject, scheme in names.SCHEMES.items()}


def _certificate_items(resource: Resource, selected: Collected) -> Iterator[str]:
    """Yield the items that fields of every certificate stand for; a status stands for its last day too."""
    if resource.certificate is None:
        return
    roles = resource.certificate.roles
    asked = [role for role in roles if role in selected]
    yield from (roles[role] for role in asked)
    if "status" in asked and "validUntil" in roles:
        yield roles["validUntil"]


def filters_of(
    resource: Resource, where: Mapping[str, Any], *, limits: Limits
) -> tuple[Filter, ...] | None:
    """Return the conditions of a list; None where one of them cannot be met by anything."""
    filters: list[Filter] = []
    if not where:
        return ()
    for item in names.compared(resource):
        for op, value in (where.get(claim_attribute(item)) or {}).items():
            values = value if isinstance(value, list) else [value]
            if not 0 < len(values) <= MOST_VALUES or not all(_fits(one, limits) for one in values):
                return None
            filters.append(Filter(item=item, op=op, value=tuple(values) if op == "in" else value))
    return tuple(filters)


def _fits(value: Any, limits: Limits) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= limits.claim_characters and value.isprintable()
    return isinstance(value, int)


def orders_of(resource: Resource, asked: Sequence[Any]) -> tuple[Order, ...] | None:
    """Return the order of a list, ended by its unique item; None where that was asked wrongly."""
    unique = resource.unique
    if unique is None:
        raise TypeError(f"{resource.code} cannot be listed")
    values = names.order_values(resource) if asked else {}
    # Graphene reads a value of an enum as a member of one, graphql-core as its text.
    found = [values[getattr(one, "value", one)] for one in asked]
    if len({item.name for item, _ in found}) != len(found) or len(found) > MOST_ORDERS:
        return None
    # Whatever follows the unique item decides nothing any more.
    before = list(takewhile(lambda one: one[0] is not unique, found))
    last = found[len(before)] if len(before) < len(found) else (unique, False)
    return tuple([Order(item=item, descending=descends) for item, descends in (*before, last)])


def told_of(resource: Resource, orders: tuple[Order, ...], filters: tuple[Filter, ...]) -> str:
    """Return all that a cursor is good for beside its consumer: a version, an order and a filter."""
    return _writer.encode(
        [
            *(resource.code, resource.revision),
            [[order.item.name, order.descending] for order in orders],
            [[one.item.name, one.op, one.value] for one in filters],
        ]
    )


def cursor_bound(consumer: str, *, told: str) -> bytes:
    """Return what a cursor is good for: one system, one version of a resource, one order, one filter."""
    return f"[{_written(consumer)},{told[1:]}".encode()


_writer = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_written = lru_cache(maxsize=1_024)(_writer.encode)


def listed(
    orders: tuple[Order, ...], after: str | None, *, cursors: Cursors | None, bound: bytes
) -> Listed:
    """Return the key of a list. Raises CursorError where `after` is no place in it for its consumer."""
    place = None
    if after is not None:
        if cursors is None:
            raise CursorError("no cursors are given here")
        place = read_position(cursors.open(after, bound=bound), values=len(orders))
    return Listed(item=orders[-1].item, orders=orders, after=place, bound=bound)


def identifier(
    subject: SubjectType | None, text: str, *, normalise: Normalise, limits: Limits
) -> str:
    """Return an identifier in its one spelling. Raises ValueError where it is none."""
    if not 0 < len(text) <= limits.key_characters or not text.isprintable():
        raise ValueError("no identifier")
    return text if subject is None else normalise(subject, text)


def records_limit(
    resource: Resource, arguments: Mapping[str, Any], *, limits: Limits
) -> int | None:
    """Return how many records each key may yield; None where that was asked wrongly."""
    return 1 if resource.single else first_of(arguments, limits=limits)


def first_of(arguments: Mapping[str, Any], *, limits: Limits) -> int | None:
    """Return how many records a list may hold; None where that was asked wrongly."""
    first = arguments.get("first")
    return first if isinstance(first, int) and 1 <= first <= limits.first else None


def claims_made(
    resource: Resource, found: Mapping[str, Any], *, limits: Limits
) -> tuple[Claim, ...] | None:
    """Return the claims of an argument; None where there is none, or one that nothing could bear out."""
    claims = [
        Claim(item=item, value=found[claim_attribute(item)])
        for item in names.claimable(resource)
        if found.get(claim_attribute(item)) is not None
    ]
    for name, (item, bound) in names.bounded(resource).items():
        value = found.get(name)
        if value is None:
            continue
        if value not in item.thresholds:
            return None  # Any other bound, and the claims would be a search.
        claims.append(Claim(item=item, value=value, op=bound))
    valid = found.get(CLAIM_VALID)
    if valid:
        claims.append(Claim(item=None))
    too_long = any(len(claim.value or "") > limits.claim_characters for claim in claims)
    return None if not claims or valid is False or too_long else tuple(claims)
