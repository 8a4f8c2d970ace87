"""One system's contract schema, built at run time from the resources that it may name.

This is the one typed façade over graphene: classes are made here and nowhere else, and what leaves is a
GraphQLSchema of graphql-core. Nothing in it resolves anything: values come from `assemble`.
"""

import hashlib
import json
import types
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import graphene
from graphql import GraphQLObjectType, GraphQLSchema

from catalogue.model import Item, ItemType, Resource, SubjectType
from gateway import names
from gateway.outcomes import VerificationResult

DEFAULT_FIRST = 20


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


def build_contract(resources: Sequence[Resource]) -> Contract:
    """Build the contract schema of a system.

    A resource whose names cannot stand beside the others is left out and said to be: one provider's
    mistake must not close the contract for all.
    """
    kept, left_out = _fitting(sorted(resources, key=lambda resource: resource.code))
    subjects = _subject_classes(kept)
    # Record classes are shared between contracts, subject classes are not: the links of a record find
    # those of the contract that is being built.
    reset = _building.set(subjects)
    try:
        schema: GraphQLSchema = graphene.Schema(
            query=_query_class(kept, subjects), auto_camelcase=False
        ).graphql_schema
        _forget_resolvers(schema)
    finally:
        _building.reset(reset)
    return Contract(
        schema=schema,
        digest=digest(kept),
        records=MappingProxyType({names.record_field(resource): resource for resource in kept}),
        verifications=MappingProxyType(
            {names.verify_field(kept_): kept_ for kept_ in kept if names.is_verifiable(kept_)}
        ),
        types=MappingProxyType({resource.type_name: resource for resource in kept}),
        subjects=MappingProxyType({names.SUBJECT_TYPES[subject]: subject for subject in subjects}),
        left_out=tuple(left_out),
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
        ]
        for item in resource.items
    ]
    return [*named, *reached, *items]


def claim_attribute(item: Item) -> str:
    """Return the member of a parsed claims argument that holds the claim on an item."""
    return f"c{item.ordinal}"


CLAIM_VALID = "valid"
"""The member of a parsed claims argument that claims the record to stand."""

_building: ContextVar[Mapping[SubjectType, Any]] = ContextVar("subject classes of the contract")


def _fitting(resources: Sequence[Resource]) -> tuple[list[Resource], list[str]]:
    """Return the resources that fit beside each other, and why the others do not."""
    kept: list[Resource] = []
    left_out: list[str] = []
    fields: set[str] = set()
    type_names: set[str] = set()
    for resource in resources:
        problems = list(names.check_names(resource))
        wanted = {names.record_field(resource), names.verify_field(resource)}
        wanted_types = {resource.type_name, names.claims_type(resource)}
        taken = sorted((wanted & fields) | (wanted_types & type_names))
        problems += [f"{resource.code}: the name {name} is taken" for name in taken]
        if problems:
            left_out += problems
            continue
        fields |= wanted
        type_names |= wanted_types
        kept.append(resource)
    return kept, left_out


def _class(base: Any, name: str, members: Mapping[str, Any], description: str = "") -> Any:
    """Make a graphene class. Members have names of our own, so that none hides an attribute."""
    meta = type("Meta", (), {"name": name, "description": description or None})
    return types.new_class(name, (base,), {}, lambda body: body.update({**members, "Meta": meta}))


def _written(value: Any) -> str:
    """Pass on a value that `formats` wrote; anything else is an error, never converted."""
    if not isinstance(value, str):
        raise TypeError(f"found {type(value).__name__}, text needed")
    return value


_SCALARS: Mapping[ItemType, Any] = MappingProxyType(
    {
        ItemType.TEXT: graphene.String,
        ItemType.INTEGER: graphene.Int,
        ItemType.BOOLEAN: graphene.Boolean,
        **{
            type_: _class(graphene.Scalar, name, {"serialize": staticmethod(_written)}, description)
            for type_, name, description in (
                (ItemType.LONG, "Long", "64-bit integer as a JSON string."),
                (ItemType.DECIMAL, "Decimal", "Exact decimal as a JSON string."),
                (ItemType.DATE, "Date", "YYYY-MM-DD."),
                (ItemType.DATETIME, "DateTime", "RFC 3339, UTC, milliseconds, Z."),
                (ItemType.BYTES, "Bytes", "base64url without padding."),
            )
        },
    }
)
_RESULT = _class(
    graphene.Enum,
    names.VERIFICATION_RESULT,
    {result.name: result.value for result in VerificationResult},
    "核验结果。",
)
_VERIFICATION = _class(
    graphene.ObjectType,
    names.VERIFICATION,
    {"result": graphene.Field(_RESULT)},
    "只回答是否，不给出数据。",
)


def _described(item: Item) -> str:
    unit = f"，单位：{item.unit}" if item.unit else ""
    return f"{item.title}（{item.name}{unit}）"


@lru_cache(maxsize=1024)
def _record_class(resource: Resource) -> Any:
    """Make the type of a resource's records; it does not depend on the contract that it stands in."""
    members: dict[str, Any] = {
        f"i{item.ordinal}": graphene.Field(
            _SCALARS[item.type], name=item.graphql_name, description=_described(item)
        )
        for item in resource.items
    }
    for name, item in names.links(resource).items():
        members[f"l{item.ordinal}"] = graphene.Field(
            _link(item.subject), name=name, description=f"{item.title}所指的当事人"
        )
    return _class(
        graphene.ObjectType,
        resource.type_name,
        members,
        f"{resource.name}（{resource.code}，第{resource.revision}版）",
    )


def _link(subject: SubjectType | None) -> Any:
    # A lambda, because graphene asks a function, and not just any callable, for a type made later.
    return lambda: _building.get()[subject]  # type: ignore[index]  # links have a subject


@lru_cache(maxsize=1024)
def _claims_class(resource: Resource) -> Any:
    members: dict[str, Any] = {
        claim_attribute(item): graphene.InputField(
            graphene.String, name=item.graphql_name, description=_described(item)
        )
        for item in names.claimable(resource)
    }
    if resource.validity is not None:
        members[CLAIM_VALID] = graphene.InputField(graphene.Boolean, description="在有效期内")
    return _class(graphene.InputObjectType, names.claims_type(resource), members)


def _subject_classes(resources: Sequence[Resource]) -> dict[SubjectType, Any]:
    named = {item.subject for resource in resources for item in resource.items}
    return {
        subject: _subject_class(
            subject, [resource for resource in resources if resource.key.subject is subject]
        )
        for subject in SubjectType
        if subject in named
    }


def _subject_class(subject: SubjectType, resources: Sequence[Resource]) -> Any:
    members: dict[str, Any] = {
        "key": graphene.Field(graphene.String, name=names.SUBJECT_KEYS[subject])
    }
    for position, resource in enumerate(resources):
        members[f"r{position}"] = _records_field(resource, {})
    return _class(graphene.ObjectType, names.SUBJECT_TYPES[subject], members)


def _records_field(resource: Resource, arguments: Mapping[str, Any]) -> Any:
    """Make the field that reads a resource's records: one, or a bounded list. Always nullable."""
    record = _record_class(resource)
    if resource.single:
        return graphene.Field(
            record, name=resource.field_name, description=resource.name, args=dict(arguments)
        )
    first = graphene.Argument(graphene.Int, default_value=DEFAULT_FIRST)
    return graphene.Field(
        graphene.List(graphene.NonNull(record)),
        name=resource.list_name,
        description=resource.name,
        args={**arguments, "first": first},
    )


def _query_class(resources: Sequence[Resource], subjects: Mapping[SubjectType, Any]) -> Any:
    members: dict[str, Any] = {
        "contract": graphene.Field(graphene.NonNull(graphene.ID), name=names.CONTRACT)
    }
    keyed = {resource.key.subject for resource in resources}
    for subject, made in subjects.items():
        if subject in keyed:
            members[f"s_{subject.name}"] = graphene.Field(
                made,
                name=subject.value,
                args={
                    names.SUBJECT_KEYS[subject]: _id(
                        f"{names.SUBJECT_TYPES[subject]}.{names.SUBJECT_KEYS[subject]}"
                    )
                },
            )
    for position, resource in enumerate(resources):
        key = {resource.key.graphql_name: _id(_described(resource.key))}
        members[f"r{position}"] = _records_field(resource, key)
        if names.is_verifiable(resource):
            claims = graphene.Argument(_claims_class(resource), required=True)
            members[f"v{position}"] = graphene.Field(
                _VERIFICATION,
                name=names.verify_field(resource),
                description=f"核验{resource.name}",
                args={**key, "claims": claims},
            )
    return _class(graphene.ObjectType, names.QUERY, members)


def _id(description: str) -> Any:
    return graphene.Argument(graphene.ID, required=True, description=description)


def _forget_resolvers(schema: GraphQLSchema) -> None:
    """Take graphene's resolvers out: a field without one is answered by `assemble` or not at all."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for field in type_.fields.values():
                field.resolve = None
