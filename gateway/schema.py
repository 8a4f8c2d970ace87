"""One system's contract schema, built at run time from the resources that it may name.

This is the one typed façade over graphene: classes are made here and nowhere else, and what leaves is a
GraphQLSchema of graphql-core. Nothing in it resolves anything: values come from `assemble`. What it holds is
said in `shapes`; above MOST_CLASSES types graphql-core's own objects are made of the same shapes (`raw`).
"""

import hashlib
import json
import types
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, assert_never

import graphene
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    lexicographic_sort_schema,
    print_schema,
)

from catalogue.model import Item, Resource, SubjectType
from gateway import coded, names, raw
from gateway.scalars import read_scalar, read_scalar_literal, write_scalar
from gateway.shapes import (
    CLAIM_VALID,
    DEFAULT_FIRST,
    Argument,
    Enumeration,
    Field,
    Input,
    Interface,
    Object,
    Scalar,
    Shape,
    claim_attribute,
    contract_shapes,
)

__all__ = [
    "CLAIM_VALID",
    "DEFAULT_FIRST",
    "Contract",
    "build_contract",
    "claim_attribute",
    "digest",
]

MOST_CLASSES = 300
"""Types up to which a contract is made of graphene's classes; 2.5 ms each are too much for more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contract:
    """A contract schema, and what each of its names stands for."""

    schema: GraphQLSchema
    digest: str
    """SHA-256, hex, of everything that the schema was built from: equal digests, equal contracts."""
    records: Mapping[str, Resource]
    """By the field that reads records, at the root and on subjects."""
    verifications: Mapping[str, Resource]
    """By root field."""
    types: Mapping[str, Resource]
    """By the type of its records."""
    subjects: Mapping[str, SubjectType]
    """By the type of the subject."""
    left_out: tuple[str, ...] = ()
    """Why resources could not be put into the contract; empty means that all are in it."""
    listings: Mapping[str, Resource] = field(default_factory=dict)
    """By the root field that lists records."""
    certificates: tuple[Resource, ...] = ()
    """Those whose records are e-certificates, by code."""


def sdl(contract: Contract) -> str:
    """Return a contract as it is published: types and fields by name, so that equal contracts read alike."""
    return print_schema(lexicographic_sort_schema(contract.schema)) + "\n"


Builder = Callable[[Sequence[Shape]], GraphQLSchema]


def build_contract(resources: Sequence[Resource], *, builder: Builder | None = None) -> Contract:
    """Build the contract schema of a system.

    A resource whose names cannot stand beside the others is left out and said to be: one provider's
    mistake must not close the contract for all. `builder` None chooses by the number of types.
    """
    kept, left_out = _fitting(sorted(resources, key=lambda resource: resource.code))
    shapes = contract_shapes(kept)
    if builder is None:
        builder = raw.build_schema if len(shapes) > MOST_CLASSES else build_classes
    return Contract(
        schema=builder(shapes),
        digest=digest(kept),
        records=MappingProxyType({names.record_field(resource): resource for resource in kept}),
        verifications=MappingProxyType(
            {names.verify_field(kept_): kept_ for kept_ in kept if names.is_verifiable(kept_)}
        ),
        types=MappingProxyType({resource.type_name: resource for resource in kept}),
        subjects=_subjects(shapes),
        left_out=tuple(left_out),
        listings=MappingProxyType({names.list_field(one): one for one in kept if one.listable}),
        certificates=tuple(one for one in kept if one.certificate is not None),
    )


def _subjects(shapes: Sequence[Shape]) -> Mapping[str, SubjectType]:
    made = {shape.name for shape in shapes}
    return MappingProxyType(
        {type_: subject for subject, type_ in names.SUBJECT_TYPES.items() if type_ in made}
    )


def digest(resources: Sequence[Resource]) -> str:
    """Return the digest of the contract over some resources: everything that its schema shows."""
    ordered = sorted(resources, key=lambda resource: resource.code)
    facts = [_facts(resource) for resource in ordered]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def _facts(resource: Resource) -> list[object]:
    named = [resource.code, resource.revision, resource.name, resource.type_name]
    reached = [names.record_field(resource), resource.single, resource.validity is not None]
    items: list[object] = [
        [
            *(item.ordinal, item.name, item.graphql_name, item.title, item.unit),
            *(item.type, item.subject, item.key, item.match),
            *_list_of(item),
            *item.thresholds,
        ]
        for item in resource.items
    ]
    listed = [resource.listable, *(item.name for item in names.compared(resource))]
    mapping = resource.certificate
    certified = [] if mapping is None else [mapping.type_code, *sorted(mapping.roles.items())]
    return [*named, *reached, *items, listed, certified]


def _list_of(item: Item) -> list[object]:
    if not coded.is_coded(item):
        return []
    return [item.code_list, [[one.value, one.title, one.title_en] for one in item.codes]]


def _fitting(resources: Sequence[Resource]) -> tuple[list[Resource], list[str]]:
    """Return the resources that fit beside each other, and why the others do not."""
    kept: list[Resource] = []
    left_out: list[str] = []
    fields: set[str] = set()
    type_names: set[str] = set()
    for resource in resources:
        problems = list(names.check_names(resource))
        wanted, wanted_types = names.root_fields(resource), names.own_types(resource)
        taken = sorted((wanted & fields) | (wanted_types & type_names))
        problems += [f"{resource.code}: the name {name} is taken" for name in taken]
        if problems:
            left_out += problems
            continue
        fields |= wanted
        type_names |= wanted_types
        kept.append(resource)
    return kept, left_out


_building: ContextVar[Mapping[str, Any]] = ContextVar("classes of the contract being built")

_BUILT_IN: Mapping[str, Any] = MappingProxyType(
    {
        "String": graphene.String,
        "Int": graphene.Int,
        "Boolean": graphene.Boolean,
        "ID": graphene.ID,
    }
)


def build_classes(shapes: Sequence[Shape]) -> GraphQLSchema:
    """Build the schema of some shapes, of which the last is the query, from graphene's classes."""
    made = {**_BUILT_IN, **{shape.name: _class_of(shape) for shape in shapes}}
    # Classes are shared between contracts: what a field refers to is found in the one being built.
    reset = _building.set(made)
    try:
        schema: GraphQLSchema = graphene.Schema(
            query=made[shapes[-1].name], auto_camelcase=False
        ).graphql_schema
        _forget_resolvers(schema)
    finally:
        _building.reset(reset)
    return schema


@lru_cache(maxsize=8_192)
def _class_of(shape: Shape) -> Any:
    """Make the graphene class of a shape; equal shapes of two contracts are one class."""
    match shape:
        case Scalar():
            members: dict[str, Any] = {
                "serialize": staticmethod(write_scalar),
                "parse_value": staticmethod(read_scalar(shape.of)),
                "parse_literal": staticmethod(read_scalar_literal(shape.of)),
            }
            return _class(graphene.Scalar, shape, members)
        case Enumeration():
            words = dict(shape.values)
            return graphene.Enum(
                shape.name,
                [(value, value) for value in words],
                description=lambda one: _described(shape, words, one),
            )
        case Input():
            return _class(graphene.InputObjectType, shape, _inputs(shape.fields))
        case Interface():
            return _class(graphene.Interface, shape, _fields(shape.fields))
        case Object():
            interfaces = tuple(_class_of(one) for one in shape.interfaces)
            return _class(graphene.ObjectType, shape, _fields(shape.fields), interfaces=interfaces)
        case _:
            assert_never(shape)


def _described(shape: Enumeration, words: Mapping[str, str], one: Any) -> str | None:
    """Graphene asks one function for the enum's own words (None) and for those of each value."""
    said = shape.description if one is None else words[one.name]
    return said or None


def _class(base: Any, shape: Shape, members: Mapping[str, Any], **more: Any) -> Any:
    """Make a graphene class. Members have names of our own, so that none hides an attribute."""
    meta = type("Meta", (), {"name": shape.name, "description": shape.description or None, **more})
    return types.new_class(
        shape.name, (base,), {}, lambda body: body.update({**members, "Meta": meta})
    )


def _reference(written: str) -> Any:
    # A lambda, because graphene asks a function, and not just any callable, for a type made later.
    return lambda: raw.reference(
        written, _building.get(), one_of=graphene.List, strict=graphene.NonNull
    )


def _fields(fields: Sequence[Field]) -> dict[str, Any]:
    return {
        f"f_{one.name}": graphene.Field(
            _reference(one.type),
            name=one.name,
            description=one.description or None,
            args={argument.name: _argument(argument) for argument in one.arguments},
        )
        for one in fields
    }


def _argument(argument: Argument) -> Any:
    more = {} if argument.default is None else {"default_value": argument.default}
    return graphene.Argument(
        _reference(argument.type), description=argument.description or None, **more
    )


def _inputs(fields: Sequence[Argument]) -> dict[str, Any]:
    return {
        one.key or one.name: graphene.InputField(
            _reference(one.type), name=one.name, description=one.description or None
        )
        for one in fields
    }


def _forget_resolvers(schema: GraphQLSchema) -> None:
    """Take graphene's resolvers out: a field without one is answered by `assemble` or not at all."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInterfaceType):
            type_.resolve_type = None
        elif isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for field in type_.fields.values():
                field.resolve = None
