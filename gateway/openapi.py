"""Describes registered documents as plain resources: one OpenAPI 3.1 description a consumer.

Parameters come from a document's variables, the form of the answer from what it selects in the consumer's
contract; nothing of what the contract does not have can be in it. Equal documents and contracts give equal
bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    VariableDefinitionNode,
    get_named_type,
    get_nullable_type,
    type_from_ast,
    value_from_ast_untyped,
)

from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.parameters import declarations, only_operation
from gateway.parse import PURPOSES, Document, parse_document
from gateway.schema import Contract

ROOT = "/rest"
_UNESCAPED = "!$&'()*+,;=:@"
_PROBLEM = "application/problem+json"
_JSON = "application/json"

Schema = dict[str, Any]

_SCALARS: Mapping[str, Schema] = {
    "Int": {"type": "integer", "format": "int32"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Long": {"type": "string", "pattern": "^-?(0|[1-9][0-9]*)$"},
    "Decimal": {"type": "string", "pattern": "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$"},
    "Bytes": {"type": "string", "contentEncoding": "base64url"},
}
"""Whatever is not here is text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One document as its department registered it."""

    name: str | None
    """Its name in addresses; None where it can only be named by its digest."""
    title: str
    digest: str
    text: str = field(repr=False)

    @property
    def path(self) -> str:
        named = self.name if self.name is not None else f"sha256:{self.digest}"
        return f"{ROOT}/{quote(named, safe=_UNESCAPED)}"


def describe(
    documents: Sequence[Offered], contract: Contract, *, server: str, limits: Limits
) -> bytes:
    """Return the description: JSON in UTF-8. What is not valid in the contract is said to be left out."""
    paths: dict[str, Any] = {}
    left_out = []
    for offered in documents:
        try:
            document = parse_document(offered.text, contract, limits=limits)
            paths[offered.path] = _path_item(offered, document)
        except RefusedDocumentError as error:
            left_out.append({"name": offered.title, "digest": offered.digest, "code": error.code})
    told = {
        "openapi": "3.1.0",
        "info": {
            "title": "已登记查询文档 · Registered documents",
            "version": contract.digest[:16],
            "description": "以普通资源的形式调用本部门已登记的查询文档：同样的规则、留痕和回执。 "
            "The department's registered documents as plain resources: the same rules, entry and receipt.",
        },
        "servers": [{"url": server}],
        "security": [{"signature": []}, {"token": []}],
        "paths": paths,
        "components": _components(),
        "x-left-out": left_out,
    }
    return msgspec.json.encode(told)


def _path_item(offered: Offered, document: Document) -> dict[str, Any]:
    schema = document.contract.schema
    variables = declarations(document.ast)
    parameters = {name: _parameter(schema, one) for name, one in variables.items()}
    answers = _answers(_data_schema(document))
    told: dict[str, Any] = {
        "summary": offered.title,
        "x-document": f"sha256:{offered.digest}",
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
    }
    required = [name for name, one in parameters.items() if one["required"]]
    body: Schema = {
        "type": "object",
        "properties": {
            "parameters": {
                "type": "object",
                "properties": {name: one["schema"] for name, one in parameters.items()},
                "additionalProperties": False,
                **({"required": required} if required else {}),
            },
            "extensions": {"$ref": "#/components/schemas/RequestExtensions"},
        },
        "additionalProperties": False,
        **({"required": ["parameters"]} if required else {}),
    }
    told["post"] = {
        "operationId": f"post_{offered.digest[:16]}",
        "requestBody": {"required": True, "content": {_JSON: {"schema": body}}},
        "responses": answers,
    }
    if all(_fits_a_query(schema, one) for one in variables.values()):
        told["get"] = {
            "operationId": f"get_{offered.digest[:16]}",
            "parameters": [
                {"name": name, "in": "query", **one} for name, one in parameters.items()
            ],
            "responses": answers,
        }
    return told


def _fits_a_query(schema: GraphQLSchema, definition: VariableDefinitionNode) -> bool:
    """Say whether a query string can hold a variable: a value, or a list of values."""
    type_: Any = type_from_ast(schema, definition.type)
    plain = get_nullable_type(type_)
    inner = get_nullable_type(plain.of_type) if isinstance(plain, GraphQLList) else plain
    return not isinstance(inner, (GraphQLList, GraphQLInputObjectType))


def _parameter(schema: GraphQLSchema, definition: VariableDefinitionNode) -> dict[str, Any]:
    type_: Any = type_from_ast(schema, definition.type)
    described = _input_schema(type_, frozenset())
    if definition.default_value is not None:
        described = {**described, "default": value_from_ast_untyped(definition.default_value)}
    required = isinstance(type_, GraphQLNonNull) and definition.default_value is None
    return {"required": required, "schema": described}


def _input_schema(type_: Any, within: frozenset[str]) -> Schema:
    plain: Any = get_nullable_type(type_)
    if isinstance(plain, GraphQLList):
        return {"type": "array", "items": _input_schema(plain.of_type, within)}
    if isinstance(plain, GraphQLEnumType):
        return {"type": "string", "enum": list(plain.values)}
    if isinstance(plain, GraphQLInputObjectType) and plain.name not in within:
        inner = within | {plain.name}
        required = [
            name for name, one in plain.fields.items() if isinstance(one.type, GraphQLNonNull)
        ]
        return {
            "type": "object",
            "properties": {
                name: _input_schema(one.type, inner) for name, one in plain.fields.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }
    return dict(_SCALARS.get(plain.name, {"type": "string"}))


def _data_schema(document: Document) -> Schema:
    """Return the form of `data`: what the one operation of a document selects."""
    operation = only_operation(document.ast)
    query: Any = document.contract.schema.query_type
    fragments = {
        one.name.value: one
        for one in document.ast.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    return _Selecting(document.contract.schema, fragments).schema_of(
        [operation.selection_set], query
    )


@dataclass(slots=True)
class _Selecting:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def schema_of(self, selections: Sequence[SelectionSetNode], type_: Any) -> Schema:
        """Return the form of an object. What hangs on a directive or on a type need not be there."""
        merged: dict[str, tuple[Any, list[FieldNode], bool]] = {}
        for selection in selections:
            for node, parent, always in self._fields(selection, type_, always=True):
                key = node.alias.value if node.alias else node.name.value
                _, nodes, sure = merged.get(key, (parent, [], False))
                merged[key] = (parent, [*nodes, node], sure or always)
        required = [key for key, (_, _, sure) in merged.items() if sure]
        return {
            "type": "object",
            "properties": {
                key: self._value(parent, nodes) for key, (parent, nodes, _) in merged.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }

    def _fields(
        self, selection: SelectionSetNode, type_: Any, *, always: bool
    ) -> Iterator[tuple[FieldNode, Any, bool]]:
        for node in selection.selections:
            sure = always and not node.directives
            if isinstance(node, FieldNode):
                yield node, type_, sure
                continue
            inner = (
                node if isinstance(node, InlineFragmentNode) else self.fragments[node.name.value]  # type: ignore[attr-defined]  # a spread, the one other kind
            )
            named: Any = inner.type_condition
            on = type_ if named is None else self.schema.type_map[named.name.value]
            # Of an interface a part may hang on what the record is.
            certain = sure and (on is type_ or isinstance(type_, GraphQLObjectType))
            yield from self._fields(inner.selection_set, on, always=certain)

    def _value(self, parent: Any, nodes: Sequence[FieldNode]) -> Schema:
        name = nodes[0].name.value
        if name == "__typename":
            return {"type": "string"}
        found: GraphQLField = parent.fields[name]
        told = self._typed(found.type, [one.selection_set for one in nodes if one.selection_set])
        return {**told, "description": found.description} if found.description else told

    def _typed(self, type_: Any, below: Sequence[SelectionSetNode]) -> Schema:
        plain: Any = get_nullable_type(type_)
        if isinstance(plain, GraphQLList):
            told: Schema = {"type": "array", "items": self._typed(plain.of_type, below)}
        elif isinstance(plain, (GraphQLObjectType, GraphQLInterfaceType)):
            told = self.schema_of(below, get_named_type(plain))
        elif isinstance(plain, GraphQLEnumType):
            told = {"type": "string", "enum": list(plain.values)}
        else:
            told = dict(_SCALARS.get(plain.name, {"type": "string"}))
        if isinstance(type_, GraphQLNonNull):
            return told
        values = {"enum": [*told["enum"], None]} if "enum" in told else {}
        return {**told, **values, "type": [told["type"], "null"]}


def _answers(data: Schema) -> dict[str, Any]:
    given = {
        "type": "object",
        "properties": {
            "data": data,
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
            "extensions": {"$ref": "#/components/schemas/AnswerExtensions"},
        },
        "required": ["data", "extensions"],
    }
    problem = {"$ref": "#/components/responses/Problem"}
    return {
        "200": {
            "description": "已提供全部或部分；未提供的部分见 errors。 All or a part was given; see errors.",
            "content": {_JSON: {"schema": given}},
        },
        **dict.fromkeys(("400", "401", "403", "405", "406", "413", "415", "429"), problem),
        **dict.fromkeys(("500", "502", "503"), problem),
    }


_HEADERS: Mapping[str, dict[str, Any]] = {
    "Usage": {
        "name": "Exchange-Usage",
        "description": "用证信息，base64url 编码的 JSON；POST 也可放在 extensions.usage。 "
        "Why the call is made: base64url of JSON; a POST may say it in extensions.usage instead.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+={0,2}$"},
    },
    "Partial": {
        "name": "Exchange-Partial",
        "schema": {"type": "string", "enum": ["allow", "deny"], "default": "allow"},
    },
    "Language": {"name": "Accept-Language", "schema": {"type": "string"}},
    "Prefer": {"name": "Prefer", "schema": {"type": "string", "enum": ["receipt=index"]}},
}


def _components() -> dict[str, Any]:
    text = {"type": "string"}
    usage = {
        "type": "object",
        "properties": {
            "matter": text,
            "case": text,
            "purpose": {"type": "string", "enum": list(PURPOSES)},
            "reason": {"type": "string", "minLength": 1, "maxLength": 200},
            "operator": text,
            "retryOf": {"type": "integer", "minimum": 0},
        },
        "required": ["matter", "case", "purpose", "reason", "operator"],
        "additionalProperties": False,
    }
    return {
        "parameters": {
            name: {**one, "in": "header", "required": False} for name, one in _HEADERS.items()
        },
        "schemas": {
            "Usage": usage,
            "RequestExtensions": {
                "type": "object",
                "properties": {"usage": {"$ref": "#/components/schemas/Usage"}},
            },
            "AnswerExtensions": {
                "type": "object",
                "properties": {
                    "outcomes": {"type": "array", "items": {"type": "object"}},
                    "entry": {
                        "type": "object",
                        "properties": {"origin": text, "index": {"type": "integer"}},
                        "required": ["origin", "index"],
                    },
                    "receipt": {"type": "object"},
                },
                "required": ["outcomes", "entry"],
            },
            "Fault": {
                "type": "object",
                "properties": {
                    "message": text,
                    "path": {"type": "array"},
                    "extensions": {
                        "type": "object",
                        "properties": {"code": text},
                        "required": ["code"],
                    },
                },
                "required": ["message", "extensions"],
            },
            "Problem": {
                "type": "object",
                "properties": {
                    "type": text,
                    "title": text,
                    "status": {"type": "integer"},
                    "code": text,
                    "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
                    "extensions": {"$ref": "#/components/schemas/AnswerExtensions"},
                },
                "required": ["type", "title", "status", "code"],
            },
        },
        "responses": {
            "Problem": {
                "description": "未提供任何部分，原因见 code。 Nothing was given; the code says why.",
                "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        },
        "securitySchemes": {
            "signature": {
                "type": "apiKey",
                "in": "header",
                "name": "Signature",
                "description": "HTTP Message Signatures (RFC 9421) by the system's registered key.",
            },
            "token": {"type": "http", "scheme": "DPoP"},
        },
    }
