"""Builds a schema of shapes from graphql-core's own objects: where graphene's classes would be too many."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    Undefined,
)

from gateway.scalars import read_scalar, read_scalar_literal, write_scalar
from gateway.shapes import (
    Argument,
    Enumeration,
    Field,
    Input,
    Interface,
    Object,
    Scalar,
    Shape,
)

Types = Mapping[str, GraphQLNamedType]


def build_schema(shapes: Sequence[Shape]) -> GraphQLSchema:
    """Return the schema of some shapes, of which the last is the query."""
    types: dict[str, GraphQLNamedType] = {
        type_.name: type_ for type_ in (GraphQLString, GraphQLInt, GraphQLBoolean, GraphQLID)
    }
    for shape in shapes:
        types[shape.name] = _type(shape, types)
    query = types[shapes[-1].name]
    if not isinstance(query, GraphQLObjectType):
        raise TypeError("the last shape is no object")
    return GraphQLSchema(query=query)


def _type(shape: Shape, types: Types) -> GraphQLNamedType:
    described = shape.description or None
    match shape:
        case Scalar():
            return GraphQLScalarType(
                shape.name,
                serialize=write_scalar,
                parse_value=read_scalar(shape.of),
                parse_literal=read_scalar_literal(shape.of),
                description=described,
            )
        case Enumeration():
            values = {
                value: GraphQLEnumValue(value, description=words or None)
                for value, words in shape.values
            }
            return GraphQLEnumType(shape.name, values, description=described)
        case Input():
            return GraphQLInputObjectType(
                shape.name, _inputs(shape.fields, types), description=described
            )
        case Interface():
            return GraphQLInterfaceType(
                shape.name, _fields(shape.fields, types), description=described
            )
        case Object():
            return GraphQLObjectType(
                shape.name,
                _fields(shape.fields, types),
                interfaces=[types[one.name] for one in shape.interfaces],  # type: ignore[misc]  # they come before
                description=described,
            )
        case _:
            assert_never(shape)


def _inputs(fields: Sequence[Argument], types: Types) -> Callable[[], dict[str, GraphQLInputField]]:
    return lambda: {
        one.name: GraphQLInputField(
            reference(one.type, types, one_of=GraphQLList, strict=GraphQLNonNull),
            description=one.description or None,
            out_name=one.key or one.name,
        )
        for one in fields
    }


def _fields(fields: Sequence[Field], types: Types) -> Callable[[], dict[str, GraphQLField]]:
    return lambda: {
        one.name: GraphQLField(
            reference(one.type, types, one_of=GraphQLList, strict=GraphQLNonNull),
            args={argument.name: _argument(argument, types) for argument in one.arguments},
            description=one.description or None,
        )
        for one in fields
    }


def _argument(argument: Argument, types: Types) -> GraphQLArgument:
    return GraphQLArgument(
        reference(argument.type, types, one_of=GraphQLList, strict=GraphQLNonNull),
        default_value=Undefined if argument.default is None else argument.default,
        description=argument.description or None,
        out_name=argument.key or argument.name,
    )


def reference(
    written: str,
    types: Mapping[str, Any],
    *,
    one_of: Callable[[Any], Any],
    strict: Callable[[Any], Any],
) -> Any:
    """Return the type that a shape writes as `[Name!]!`, with the builder's own lists and non-nulls."""
    if written.endswith("!"):
        return strict(reference(written[:-1], types, one_of=one_of, strict=strict))
    if written.startswith("["):
        return one_of(reference(written[1:-1], types, one_of=one_of, strict=strict))
    return types[written]
