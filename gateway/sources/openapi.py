"""Reads an OpenAPI 3 document: its operations, and how one of them is asked for a record by its key."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import yaml

from catalogue.readings import Member, RestReading, join_pointer, split_pointer
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

_METHODS = ("get", "post")
_MOST_REFS = 32
_WRAPPERS = ("data", "items", "records", "results", "result", "rows", "list")
"""Members in which services wrap their records, when nobody says where they stand."""

Schema = Mapping[str, Any]


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """YAML without aliases: a few of them can stand for more than memory holds."""

    def compose_node(self, parent: Any, index: int) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise DescriptionError("the document repeats parts by YAML aliases, which are not read")
        return super().compose_node(parent, index)


# A day or a truth in a YAML document is the text that it was written as; only JSON's types are needed.
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def operations(text: str) -> list[str]:
    """Return what can be asked, `GET /path` each. Raises DescriptionError."""
    document = _load(text)
    return [f"{method.upper()} {path}" for path, method, _ in _operations(document)]


def describe(text: str, operation: str, choices: Choices) -> Described:
    """Return one operation, named `GET /path` or by its id. Raises DescriptionError."""
    document = _load(text)
    for path, method, found in _operations(document):
        if operation in {f"{method.upper()} {path}", found.get("operationId")}:
            return _Operation(document, path, method, found, choices).described()
    raise DescriptionError(f"no operation {operation!r} with GET or POST in the document")


class _Operation:
    def __init__(
        self, document: Schema, path: str, method: str, found: Schema, choices: Choices
    ) -> None:
        self._document = document
        self._path = path
        self._method = method
        self._found = found
        self._choices = choices
        self._skipped: list[str] = []

    def described(self) -> Described:
        schema = self._answer()
        records, record, nothing = self._records(schema)
        fields = without(self._fields(record, (), optional=False), self._choices.omit)
        key_in, key_name, query, body = self._asked()
        reading = RestReading(
            method=cast("Literal['GET', 'POST']", self._method.upper()),
            path=self._path,
            key_in=key_in,
            key_name=key_name,
            members={field.pointer: field.member for field in fields},
            records=records,
            nothing=nothing,
            query=query,
            body=body,
            absent=self._choices.absent,
        )
        return Described(
            operation=f"{self._method.upper()} {self._path}",
            fields=fields,
            key=carrying(fields, key_name, self._choices),
            reading=reading,
            skipped=tuple(self._skipped),
        )

    def _asked(
        self,
    ) -> tuple[Literal["path", "query", "body"], str, dict[str, str], dict[str, str]]:
        """Return where the key goes, and what is always the same: parameters, then places of the body."""
        fixed = dict(self._choices.fixed)
        body = {name: value for name, value in fixed.items() if name.startswith("/")}
        parameters = [self._resolved(one) for one in self._parameters()]
        by_name = {str(one.get("name")): one for one in parameters}
        key = self._choices.key or self._only_key(parameters, fixed)
        if self._choices.size and by_name.get(key, {}).get("required"):
            raise DescriptionError(f"parameter {key} is required: a first page has no place")
        needed = {
            name
            for name, one in by_name.items()
            if (one.get("required") or one.get("in") == "path") and name not in {key, *fixed}
        }
        if needed:
            raise DescriptionError(
                f"the operation needs {', '.join(sorted(needed))} too: give each a fixed value"
            )
        unknown = {name for name in fixed if not name.startswith("/")} - set(by_name)
        if unknown:
            raise DescriptionError(f"the operation has no parameter {', '.join(sorted(unknown))}")
        query = {}
        for name in set(fixed) & set(by_name):
            if by_name[name].get("in") != "query":
                raise DescriptionError(f"parameter {name}: only those of the query can be fixed")
            query[name] = fixed[name]
        if key.startswith("/"):
            if self._method != "post":
                raise DescriptionError("only a POST has a body for the key")
            self._in_body({key, *body})
            return "body", key, query, body
        place = by_name.get(key, {}).get("in")
        if place not in {"path", "query"}:
            raise DescriptionError(f"the operation has no parameter {key} in path or query")
        return place, key, query, body

    def _only_key(self, parameters: list[Schema], fixed: Mapping[str, str]) -> str:
        """Return the parameter that must take the key, if there is only one that can."""
        open_ones = [one for one in parameters if one.get("name") not in fixed]
        for candidates in (
            [one for one in open_ones if one.get("in") == "path"],
            [one for one in open_ones if one.get("in") == "query" and one.get("required")],
            [one for one in open_ones if one.get("in") == "query"],
        ):
            if len(candidates) == 1:
                return str(candidates[0]["name"])
        raise DescriptionError("say which parameter takes the key: it is not the only one")

    def _parameters(self) -> list[Schema]:
        shared = self._document["paths"][self._path].get("parameters", [])
        return [*shared, *self._found.get("parameters", [])]

    def _in_body(self, pointers: set[str]) -> None:
        """Raise DescriptionError unless each place is one of the request's body."""
        body = self._resolved(self._found.get("requestBody", {}))
        schema = self._resolved(_json_of(body, "request body"))
        for pointer in sorted(pointers):
            inner: Schema = schema
            for token in split_pointer(pointer):
                properties = self._merged(inner).get("properties", {})
                if token not in properties:
                    raise DescriptionError(f"the request body has no place {pointer}")
                inner = self._resolved(properties[token])

    def _answer(self) -> Schema:
        response = self._found.get("responses", {}).get("200")
        if response is None:
            raise DescriptionError("the operation does not describe an answer with status 200")
        return self._merged(_json_of(self._resolved(response), "answer"))

    def _records(self, schema: Schema) -> tuple[str, Schema, bool]:
        """Return where the records stand, the schema of one, and whether null says that there is none."""
        wanted, pointer = self._choices.records, ""
        if wanted is None:
            while not _is(schema, "array"):
                wrapped = [
                    name
                    for name in _WRAPPERS
                    if name in schema.get("properties", {})
                    and self._holds_records(self._merged(schema["properties"][name]))
                ]
                if not wrapped:
                    break
                pointer += join_pointer(wrapped[0])
                schema = self._merged(schema["properties"][wrapped[0]])
        else:
            pointer = wanted
            for token in split_pointer(wanted):
                if token not in schema.get("properties", {}):
                    raise DescriptionError(f"the answer has no place {wanted}")
                schema = self._merged(schema["properties"][token])
        nothing = bool(schema.get("nullable"))
        record = self._merged(schema.get("items", {})) if _is(schema, "array") else schema
        if not record.get("properties"):
            raise DescriptionError(
                f"no record is described at {pointer or 'the root'} of the answer"
            )
        return pointer, record, nothing

    def _holds_records(self, schema: Schema) -> bool:
        return _is(schema, "array") or bool(schema.get("properties"))

    def _fields(self, record: Schema, way: tuple[str, ...], *, optional: bool) -> Iterator[Field]:
        needed = set(record.get("required", ()))
        for name, raw in record.get("properties", {}).items():
            schema = self._merged(raw)
            place = join_pointer(*way, name)
            lacking = optional or name not in needed
            if schema.get("properties"):
                if len(way) + 1 >= DEEPEST:
                    self._skipped.append(f"{place}: nested deeper than {DEEPEST} levels")
                    continue
                yield from self._fields(schema, (*way, name), optional=lacking)
                continue
            found = _field(place, schema, optional=lacking)
            if found is None:
                self._skipped.append(f"{place}: no single value")
            else:
                yield found

    def _merged(self, schema: Schema) -> Schema:
        """Return a schema with its references, `allOf`, and a null beside it worked in."""
        schema = self._resolved(schema)
        merged: dict[str, Any] = {}
        for part in schema.get("allOf", ()):
            inner = self._merged(part)
            properties = {**merged.get("properties", {}), **inner.get("properties", {})}
            required = [*merged.get("required", ()), *inner.get("required", ())]
            merged |= {**inner, "properties": properties, "required": required}
        properties = {**merged.get("properties", {}), **schema.get("properties", {})}
        required = [*merged.get("required", ()), *schema.get("required", ())]
        merged |= {name: value for name, value in schema.items() if name != "allOf"}
        if properties:
            merged |= {"properties": properties, "required": required}
        for choice in ("oneOf", "anyOf"):
            options = [self._resolved(one) for one in schema.get(choice, ())]
            others = [one for one in options if not _is(one, "null")]
            if len(others) == 1 and len(others) < len(options):
                merged = {**self._merged(others[0]), "nullable": True}
        kinds = merged.get("type")
        if isinstance(kinds, list):
            rest = [kind for kind in kinds if kind != "null"]
            merged["nullable"] = merged.get("nullable") or len(rest) < len(kinds)
            merged["type"] = rest[0] if len(rest) == 1 else rest
        return merged

    def _resolved(self, schema: Any) -> Schema:
        for _ in range(_MOST_REFS):
            if not isinstance(schema, Mapping):
                raise DescriptionError("a schema that is no object")
            reference = schema.get("$ref")
            if reference is None:
                return schema
            if not isinstance(reference, str) or not reference.startswith("#/"):
                raise DescriptionError("a reference out of the document: put all into one document")
            schema = self._document
            for token in split_pointer(reference[1:]):
                try:
                    schema = schema[token]
                except (KeyError, TypeError, IndexError):
                    raise DescriptionError(f"{reference} leads nowhere") from None
        raise DescriptionError("references lead in a circle")


def _load(text: str) -> Schema:
    try:
        document = (
            json.loads(text)
            if text.lstrip().startswith("{")
            else _with_text_keys(yaml.load(text, Loader=_PlainLoader))  # noqa: S506 - made safer
        )
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        if isinstance(error, DescriptionError):
            raise
        raise DescriptionError("neither JSON nor YAML") from None
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise DescriptionError("an OpenAPI document of version 3 is needed")
    if not isinstance(document.get("paths"), dict):
        raise DescriptionError("the OpenAPI document has no paths")
    held: Schema = document
    return held


def _with_text_keys(value: Any) -> Any:
    """Return a YAML value as JSON has it: the status `200` is a number there and a name here."""
    if isinstance(value, dict):
        return {str(name): _with_text_keys(inner) for name, inner in value.items()}
    return [_with_text_keys(inner) for inner in value] if isinstance(value, list) else value


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield path, method, item[method]


def _json_of(holder: Schema, what: str) -> Schema:
    content = holder.get("content", {})
    media = content.get("application/json") if isinstance(content, dict) else None
    if not isinstance(media, dict) or "schema" not in media:
        raise DescriptionError(f"the operation's {what} is not described as application/json")
    schema: Schema = media["schema"]
    return schema


def _is(schema: Schema, kind: str) -> bool:
    return schema.get("type") == kind


def _field(pointer: str, schema: Schema, *, optional: bool) -> Field | None:
    """Return a value's place and type; None for a list or what has no one type."""
    kind, form = schema.get("type"), str(schema.get("format", ""))
    match kind, form:
        case "string", "date":
            declared = "DATE"
        case "string", "date-time":
            declared = "TIMESTAMP"
        case "string", "byte":
            declared = "BYTEA"
        case "string", _:
            declared = "TEXT"
        case "integer", "int32":
            declared = "INTEGER"
        case "integer", _:
            declared = "BIGINT"
        case "number", _:
            declared = "DECIMAL"
        case "boolean", _:
            declared = "BOOLEAN"
        case _:
            return None
    values = schema.get("enum", ()) if kind == "string" else ()
    nullable = bool(schema.get("nullable")) or None in values
    return Field(
        pointer=pointer,
        declared=declared,
        title=title_of(str(schema.get("title") or schema.get("description") or "")),
        member=Member(
            type=kind,
            optional=optional,
            nullable=nullable,
            base64=form == "byte",
            values=tuple(value for value in values if isinstance(value, str)),
        ),
    )
