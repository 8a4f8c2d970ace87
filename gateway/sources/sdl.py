"""Reads the SDL of a GraphQL service or federated subgraph: its fields and entities, and how one is asked.

Of Apollo Federation, v1 and v2, what a flat record needs: simple and compound `@key`; `@shareable`,
`@provides`, `@override` and `@tag` change nothing for who asks one subgraph alone; what is `@external` is
another subgraph's and not offered; what is `@inaccessible` is nobody's. What only a router could fill in
(`@requires`, `@interfaceObject`) is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
    FieldNode,
    GraphQLError,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    SelectionSetNode,
    StringValueNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from catalogue.readings import GraphqlReading, JsonType, KeyPart, Member, join_pointer
from gateway.sources.described import (
    DEEPEST,
    Choices,
    Described,
    DescriptionError,
    Field,
    carrying,
    title_of,
    without,
)

_MOST_TOKENS = 200_000
_SCALARS: Mapping[str, tuple[JsonType, str]] = {
    "ID": ("scalar", "TEXT"),
    "String": ("string", "TEXT"),
    "Int": ("integer", "INTEGER"),
    "Float": ("number", "DECIMAL"),
    "Boolean": ("boolean", "BOOLEAN"),
    "Long": ("scalar", "BIGINT"),
    "BigInt": ("scalar", "BIGINT"),
    "Decimal": ("scalar", "DECIMAL"),
    "BigDecimal": ("scalar", "DECIMAL"),
    "Date": ("string", "DATE"),
    "LocalDate": ("string", "DATE"),
    "DateTime": ("string", "TIMESTAMP"),
    "Instant": ("string", "TIMESTAMP"),
}
_FEDERATION = "specs.apollo.dev/federation"
SEPARATOR = "|"


@dataclass(slots=True)
class _Type:
    name: str
    abstract: bool
    directives: list[DirectiveNode] = field(default_factory=list)
    fields: dict[str, FieldDefinitionNode] = field(default_factory=dict)


def operations(text: str) -> list[str]:
    """Return the query fields by which a record can be asked for, then the entities by their types' names."""
    return _Sdl(text).operations()


def describe(text: str, operation: str, choices: Choices) -> Described:
    """Return a query field, or an entity by its type's name. Raises DescriptionError."""
    sdl = _Sdl(text)
    if operation in sdl.query:
        return _query_field(sdl, operation, choices)
    if operation in sdl.types:
        return _entity(sdl, operation, choices)
    raise DescriptionError(f"neither a query field nor a type is named {operation!r}")


def size_type(text: str, operation: str, *, after: str, size: str) -> str:
    """Return the type of the argument by which a query field that gives pages is told how many.

    Raises DescriptionError for a field that gives none.
    """
    found = _Sdl(text).query.get(operation)
    if found is None:
        raise DescriptionError("pages are given by a query field, not by an entity")
    arguments = {one.name.value: one.type for one in found.arguments}
    if not _is_list(found.type):
        raise DescriptionError(f"field {operation} gives no list of records")
    if size not in arguments or _named(arguments[size]) != "Int" or _is_list(arguments[size]):
        raise DescriptionError(f"field {operation} has no argument {size} of Int")
    place = arguments[after]
    if isinstance(place, NonNullTypeNode) or _is_list(place):
        raise DescriptionError(
            f"argument {after} is a {print_ast(place)}: one value is needed that may be left out"
        )
    return print_ast(arguments[size])


class _Sdl:
    def __init__(self, text: str) -> None:
        document = _parse(text)
        self.types: dict[str, _Type] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self.unions: set[str] = set()
        self._names = _directive_names(document)
        for node in document.definitions:
            self._take(node)
        root = self.types.get(_query_type(document))
        self.query = (
            {}
            if root is None
            else {
                name: one for name, one in root.fields.items() if not self.has(one, "inaccessible")
            }
        )

    def operations(self) -> list[str]:
        fields = [
            name
            for name, one in self.query.items()
            if one.arguments and name not in {"_entities", "_service"} and self._gives(one)
        ]
        entities = [name for name, one in self.types.items() if list(self.keys(one))]
        return [*sorted(fields), *sorted(entities)]

    def has(self, node: FieldDefinitionNode | _Type, name: str) -> bool:
        return any(one.name.value == self._names.get(name, name) for one in node.directives)

    def keys(self, of: _Type) -> Iterator[str]:
        """Yield the `fields` of each key by which the subgraph itself finds an entity."""
        for directive in of.directives:
            if directive.name.value != self._names.get("key", "key"):
                continue
            arguments = {one.name.value: one for one in directive.arguments}
            told = arguments.get("fields")
            if _is_false(arguments.get("resolvable")):
                continue
            if told is not None and isinstance(told.value, StringValueNode):
                yield told.value.value

    def _gives(self, one: FieldDefinitionNode) -> bool:
        return _named(one.type) in self.types

    def _take(self, node: object) -> None:
        match node:
            case (
                ObjectTypeDefinitionNode()
                | ObjectTypeExtensionNode()
                | InterfaceTypeDefinitionNode()
                | InterfaceTypeExtensionNode()
            ):
                abstract = isinstance(
                    node, (InterfaceTypeDefinitionNode, InterfaceTypeExtensionNode)
                )
                held = self.types.setdefault(node.name.value, _Type(node.name.value, abstract))
                held.directives += node.directives
                held.fields |= {one.name.value: one for one in node.fields}
            case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
                values = tuple(one.name.value for one in node.values)
                self.enums[node.name.value] = (*self.enums.get(node.name.value, ()), *values)
            case UnionTypeDefinitionNode():
                self.unions.add(node.name.value)
            case _:
                pass


def _query_field(sdl: _Sdl, name: str, choices: Choices) -> Described:
    found = sdl.query[name]
    argument = _argument(found, choices)
    kind, many = argument.type, _is_list(argument.type)
    skipped: list[str] = []
    record = _record_type(sdl, _named(found.type))
    fields = without(_fields(sdl, record, (), choices, skipped), choices.omit)
    return Described(
        operation=name,
        fields=fields,
        key=carrying(fields, argument.name.value, choices),
        reading=GraphqlReading(
            type_name=record.name,
            members={one.pointer: one.member for one in fields},
            field=name,
            argument=argument.name.value,
            argument_type=print_ast(kind),
            many=many,
        ),
        skipped=tuple(skipped),
    )


def _argument(found: FieldDefinitionNode, choices: Choices) -> InputValueDefinitionNode:
    """Return the argument that takes the key. Raises DescriptionError where another is needed too."""
    by_name = {one.name.value: one for one in found.arguments}
    needed = [
        one
        for one in found.arguments
        if isinstance(one.type, NonNullTypeNode) and not one.default_value
    ]
    if choices.key:
        argument = by_name.get(choices.key)
    elif len(needed or found.arguments) == 1:
        argument = (needed or found.arguments)[0]
    else:
        argument = None
    if argument is None:
        raise DescriptionError(
            f"field {found.name.value}: say which argument takes the key, of {', '.join(by_name)}"
        )
    others = [
        one.name.value for one in needed if one is not argument and one.name.value != choices.size
    ]
    if others:
        raise DescriptionError(f"field {found.name.value} needs {', '.join(others)} beside the key")
    if _named(argument.type) not in {"ID", "String", "Int"}:
        raise DescriptionError(
            f"argument {argument.name.value} is a {print_ast(argument.type)}; ID, String, Int needed"
        )
    return argument


def _entity(sdl: _Sdl, name: str, choices: Choices) -> Described:
    record = _record_type(sdl, name)
    keys = list(sdl.keys(record))
    if not keys:
        raise DescriptionError(f"type {name} has no @key by which its subgraph finds it")
    wanted = [one for one in keys if not choices.key or _same(one, choices.key)]
    if not wanted:
        raise DescriptionError(f"type {name} has no @key {choices.key!r}; it has {'; '.join(keys)}")
    parts = _key_parts(sdl, record, wanted[0], dict(choices.fixed))
    open_parts = [one for one in parts if one.constant is None]
    if not open_parts:
        raise DescriptionError("every part of the key is fixed: nothing is left to ask by")
    skipped: list[str] = []
    offered = _fields(sdl, record, (), choices, skipped, key={one.pointer for one in parts})
    fields = without(offered, choices.omit)
    separator = (choices.separator or SEPARATOR) if len(open_parts) > 1 else ""
    return Described(
        operation=name,
        fields=fields,
        key=separator.join(one.pointer for one in open_parts),
        reading=GraphqlReading(
            type_name=name,
            members={one.pointer: one.member for one in fields},
            key=parts,
            separator=separator,
        ),
        skipped=tuple(skipped),
    )


def _key_parts(
    sdl: _Sdl, record: _Type, written: str, fixed: Mapping[str, str]
) -> tuple[KeyPart, ...]:
    """Return the leaves of a key's field set, in its order."""
    parts: list[KeyPart] = []
    place = 0
    for way in _leaves(_selection(written)):
        held: _Type | None = record
        for token in way:
            one = None if held is None else held.fields.get(token)
            if one is None:
                raise DescriptionError(
                    f"@key {written!r}: type {record.name} has no {'.'.join(way)}"
                )
            held = sdl.types.get(_named(one.type))
        pointer = join_pointer(*way)
        constant = fixed.get(pointer, fixed.get(way[-1]))
        parts.append(KeyPart(pointer=pointer, place=place, constant=constant))
        place += constant is None
    return tuple(parts)


def _record_type(sdl: _Sdl, name: str) -> _Type:
    found = sdl.types.get(name)
    if found is None or found.abstract or name in sdl.unions:
        raise DescriptionError(f"{name} is no object type: records of one type are needed")
    if sdl.has(found, "interfaceObject"):
        raise DescriptionError(
            f"type {name} is an @interfaceObject: which type a record has only a router could say"
        )
    if sdl.has(found, "inaccessible"):
        raise DescriptionError(f"type {name} is @inaccessible: its department gives it to nobody")
    return found


def _fields(
    sdl: _Sdl,
    record: _Type,
    way: tuple[str, ...],
    choices: Choices,
    skipped: list[str],
    *,
    key: frozenset[str] | set[str] = frozenset(),
) -> Iterator[Field]:
    for name, one in record.fields.items():
        pointer = join_pointer(*way, name)
        if pointer in choices.omit or sdl.has(one, "inaccessible"):
            continue
        if sdl.has(one, "requires") and choices.lenient:
            skipped.append(f"{pointer}: it @requires what other subgraphs hold")
            continue
        if sdl.has(one, "requires"):
            raise DescriptionError(
                f"{record.name}.{name} @requires what other subgraphs hold, which nobody brings here: "
                f"omit {pointer}"
            )
        if sdl.has(one, "external") and not any(
            part == pointer or part.startswith(f"{pointer}/") for part in key
        ):
            continue
        if any(isinstance(a.type, NonNullTypeNode) and not a.default_value for a in one.arguments):
            skipped.append(f"{pointer}: it needs an argument")
        elif _is_list(one.type):
            skipped.append(f"{pointer}: a list")
        else:
            yield from _value(sdl, one, (*way, name), choices, skipped, key)


def _value(
    sdl: _Sdl,
    one: FieldDefinitionNode,
    way: tuple[str, ...],
    choices: Choices,
    skipped: list[str],
    key: frozenset[str] | set[str],
) -> Iterator[Field]:
    kind, pointer = _named(one.type), join_pointer(*way)
    nullable = not isinstance(one.type, NonNullTypeNode)
    inner = sdl.types.get(kind)
    if inner is not None and not inner.abstract:
        if sdl.has(inner, "inaccessible"):
            return
        if len(way) >= DEEPEST:
            skipped.append(f"{pointer}: nested deeper than {DEEPEST} levels")
            return
        yield from _fields(sdl, inner, way, choices, skipped, key=key)
        return
    if kind in sdl.enums:
        member = Member(type="string", nullable=nullable, values=sdl.enums[kind])
        declared = "TEXT"
    elif kind in _SCALARS:
        json_type, declared = _SCALARS[kind]
        member = Member(type=json_type, nullable=nullable)
    else:
        skipped.append(f"{pointer}: of type {kind}, which is no known scalar")
        return
    title = title_of(one.description.value) if one.description is not None else ""
    yield Field(pointer=pointer, declared=declared, member=member, title=title)


def _parse(text: str) -> DocumentNode:
    try:
        return parse(text, no_location=True, max_tokens=_MOST_TOKENS)
    except (GraphQLError, RecursionError):
        raise DescriptionError("not a GraphQL schema (SDL)") from None


def _selection(written: str) -> SelectionSetNode:
    document = _parse(f"{{ {written} }}")
    if len(document.definitions) != 1 or not isinstance(
        document.definitions[0], OperationDefinitionNode
    ):
        raise DescriptionError(f"@key {written!r} is no set of fields")
    return document.definitions[0].selection_set


def _leaves(selection: SelectionSetNode, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for one in selection.selections:
        if not isinstance(one, FieldNode):
            raise DescriptionError("a key of plain fields is needed")
        place = (*way, one.name.value)
        if one.selection_set is None:
            yield place
        else:
            yield from _leaves(one.selection_set, place)


def _same(one: str, other: str) -> bool:
    return list(_leaves(_selection(one))) == list(_leaves(_selection(other)))


def _named(kind: TypeNode) -> str:
    while isinstance(kind, (NonNullTypeNode, ListTypeNode)):
        kind = kind.type
    return kind.name.value if isinstance(kind, NamedTypeNode) else ""


def _is_list(kind: TypeNode) -> bool:
    return isinstance(kind.type if isinstance(kind, NonNullTypeNode) else kind, ListTypeNode)


def _is_false(argument: ArgumentNode | None) -> bool:
    return argument is not None and getattr(argument.value, "value", None) is False


def _query_type(document: DocumentNode) -> str:
    for node in document.definitions:
        if isinstance(node, (SchemaDefinitionNode, SchemaExtensionNode)):
            for one in node.operation_types:
                if one.operation.value == "query":
                    return one.type.name.value
    return "Query"


def _directive_names(document: DocumentNode) -> dict[str, str]:
    """Return under which name each federation directive stands in this document.

    Federation 2 names what it imports by `@link`; what is not imported is `@federation__…`, or has the prefix
    that the link gives. Without such a link it is Federation 1, or none: the plain names.
    """
    for node in document.definitions:
        if not isinstance(node, (SchemaDefinitionNode, SchemaExtensionNode)):
            continue
        for directive in node.directives:
            told = {one.name.value: one.value for one in directive.arguments}
            url = told.get("url")
            if directive.name.value == "link" and (
                isinstance(url, StringValueNode) and _FEDERATION in url.value
            ):
                prefix = told.get("as")
                spelled = prefix.value if isinstance(prefix, StringValueNode) else "federation"
                names = {name: f"{spelled}__{name}" for name in _DIRECTIVES}
                return names | _imported(told.get("import"))
    return {}


_DIRECTIVES = ("key", "external", "inaccessible", "requires", "interfaceObject")


def _imported(value: object) -> dict[str, str]:
    names: dict[str, str] = {}
    for one in value.values if isinstance(value, ListValueNode) else ():
        if isinstance(one, StringValueNode):
            names[one.value.lstrip("@")] = one.value.lstrip("@")
        elif isinstance(one, ObjectValueNode):
            told = {member.name.value: member.value for member in one.fields}
            name, other = told.get("name"), told.get("as")
            if isinstance(name, StringValueNode):
                spelled = other if isinstance(other, StringValueNode) else name
                names[name.value.lstrip("@")] = spelled.value.lstrip("@")
    return names
