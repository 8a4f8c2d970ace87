"""Variables of an operation: which ones decide its form, and how a call's values are coerced."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLScalarType,
    Node,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    Visitor,
    get_nullable_type,
    type_from_ast,
    value_from_ast,
    visit,
)
from graphql.execution.values import get_variable_values

from gateway.formats import INT_MAX
from gateway.parse import Document


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.found.add(node.name.value)


class _Flags(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_directive(self, node: Node, *_: Any) -> None:
        self.found |= variables_in(node)


def variables_in(node: Node) -> set[str]:
    """Return the variables that stand anywhere in a node."""
    visitor = _Variables()
    visit(node, visitor)
    return visitor.found


def flags_in(node: Node) -> set[str]:
    """Return the variables that directives read."""
    visitor = _Flags()
    visit(node, visitor)
    return visitor.found


_Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_integer(value: Any) -> bool:
    return type(value) is int and -INT_MAX - 1 <= value <= INT_MAX


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


_PLAIN: Mapping[str, _Check] = {
    "ID": _is_text,
    "String": _is_text,
    "Int": _is_integer,
    "Boolean": _is_boolean,
}


def coercion(
    document: Document, operation: OperationDefinitionNode
) -> Callable[[Mapping[str, Any]], dict[str, Any] | None]:
    """Return what coerces an operation's variables; it returns None where they do not fit.

    Values that are as they should be already are taken as they are; all else is graphql-core's.
    """
    schema, definitions = document.contract.schema, operation.variable_definitions
    declared: list[tuple[str, bool, Any, Callable[[Any], Any] | None]] = []
    for definition in definitions:
        type_: Any = type_from_ast(schema, definition.type)
        default = definition.default_value
        declared.append(
            (
                definition.variable.name.value,
                isinstance(type_, GraphQLNonNull),
                Undefined if default is None else value_from_ast(default, type_),
                _taker(type_),
            )
        )

    def slowly(variables: Mapping[str, Any]) -> dict[str, Any] | None:
        found = get_variable_values(schema, definitions, dict(variables), max_errors=1)
        return found if isinstance(found, dict) else None

    def coerce(variables: Mapping[str, Any]) -> dict[str, Any] | None:
        coerced: dict[str, Any] = {}
        for name, required, default, take in declared:
            value = variables.get(name, Undefined)
            if value is Undefined:
                if default is not Undefined:
                    coerced[name] = default
                elif required:
                    return None
            elif value is None:
                if required:
                    return None
                coerced[name] = None
            else:
                taken = take(value) if take is not None else Undefined
                if taken is Undefined:
                    return slowly(variables)
                coerced[name] = taken
        return coerced

    return coerce


def _taker(type_: Any) -> Callable[[Any], Any] | None:
    """Return what takes a value that needs no change, or says Undefined; None: graphql-core's affair."""
    plain = get_nullable_type(type_)
    if isinstance(plain, GraphQLScalarType) and plain.name in _PLAIN:
        check = _PLAIN[plain.name]
        return lambda value: value if check(value) else Undefined
    if isinstance(plain, GraphQLInputObjectType):
        members = {
            name: _PLAIN.get(getattr(one.type, "name", "")) for name, one in plain.fields.items()
        }
        if None in members.values() or any(
            one.default_value is not Undefined for one in plain.fields.values()
        ):
            return None
        outer = {name: one.out_name or name for name, one in plain.fields.items()}
        return lambda value: _members(value, members, outer)
    return None


def _members(value: Any, checks: Mapping[str, Any], outer: Mapping[str, str]) -> Any:
    if type(value) is not dict:
        return Undefined
    for name, one in value.items():
        if name not in checks or not (one is None or checks[name](one)):
            return Undefined
    return {outer[name]: one for name, one in value.items()}
