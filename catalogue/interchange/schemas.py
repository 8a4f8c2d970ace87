"""An entry's items as Table Schema, CSVW and JSON Schema: three forms of one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from catalogue.interchange.dcat import XSD_TYPES, Publisher
from catalogue.interchange.model import Told


@dataclass(frozen=True, slots=True)
class _Forms:
    table: str
    """Of Table Schema."""
    csvw: str
    json: Mapping[str, Any]
    """As the exchange gives values out: long and decimal numbers are texts."""


_TYPES: Mapping[str, _Forms] = MappingProxyType(
    {
        "text": _Forms("string", XSD_TYPES["text"], {"type": "string"}),
        "integer": _Forms("integer", XSD_TYPES["integer"], {"type": "integer"}),
        "long": _Forms("integer", XSD_TYPES["long"], {"type": "string", "pattern": "^-?[0-9]+$"}),
        "decimal": _Forms(
            "number",
            XSD_TYPES["decimal"],
            {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
        ),
        "boolean": _Forms("boolean", XSD_TYPES["boolean"], {"type": "boolean"}),
        "date": _Forms("date", XSD_TYPES["date"], {"type": "string", "format": "date"}),
        "datetime": _Forms(
            "datetime", XSD_TYPES["datetime"], {"type": "string", "format": "date-time"}
        ),
        "bytes": _Forms(
            "string",
            XSD_TYPES["bytes"],
            {"type": "string", "contentEncoding": "base64"},
        ),
    }
)


def table_schema(told: Told) -> dict[str, Any]:
    """Return a Frictionless Table Schema (v1)."""
    items = told.items or ()
    keys = [item["name"] for item in items if item.get("key")]
    schema: dict[str, Any] = {"fields": [_table_field(item) for item in items]}
    if keys:
        schema["primaryKey"] = keys[0] if len(keys) == 1 else keys
    return schema


def data_package(told: Sequence[Told]) -> dict[str, Any]:
    """Return the schemas of several entries as one data package without data."""
    return {
        "profile": "data-package",
        "name": "catalogue",
        "resources": [
            {
                "name": f"entry-{place}",
                "title": one.fields["name"],
                "description": one.fields.get("abstract", ""),
                "code": one.code,
                "profile": "tabular-data-resource",
                "data": [],
                "schema": table_schema(one),
            }
            for place, one in enumerate(told, 1)
        ],
    }


def csvw(told: Told, publisher: Publisher) -> dict[str, Any]:
    """Return CSV on the Web metadata of one table."""
    return {"@context": _CONTEXT, **_csvw_table(told, publisher)}


def csvw_group(told: Sequence[Told], publisher: Publisher) -> dict[str, Any]:
    return {"@context": _CONTEXT, "tables": [_csvw_table(one, publisher) for one in told]}


_CONTEXT = ["http://www.w3.org/ns/csvw", {"@language": "zh"}]


def _csvw_table(told: Told, publisher: Publisher) -> dict[str, Any]:
    items = told.items or ()
    keys = [item["name"] for item in items if item.get("key")]
    schema: dict[str, Any] = {"columns": [_csvw_column(item) for item in items]}
    if keys:
        schema["primaryKey"] = keys
    return {
        "url": publisher.entry(told.code),
        "dc:title": told.fields["name"],
        "dc:identifier": told.code,
        "tableSchema": schema,
    }


def json_schema(told: Told, publisher: Publisher) -> dict[str, Any]:
    """Return a JSON Schema (2020-12) of one record; each item may be null, as on every border."""
    items = told.items or ()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{publisher.entry(told.code)}?format=jsonschema",
        "title": told.fields["name"],
        "description": told.fields.get("abstract", ""),
        "type": "object",
        "properties": {item["name"]: _json_property(item) for item in items},
        "required": [item["name"] for item in items if item.get("key")],
        "additionalProperties": False,
    }


def json_schemas(told: Sequence[Told], publisher: Publisher) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{publisher.base}/catalogue?format=jsonschema",
        "$defs": {one.code: json_schema(one, publisher) for one in told},
    }


def _table_field(item: Mapping[str, Any]) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": item["name"],
        "title": item["title"],
        "type": _TYPES[item["type"]].table,
    }
    if item.get("description"):
        field["description"] = item["description"]
    if item["type"] == "bytes":
        field["format"] = "binary"
    if item["type"] in {"decimal", "integer", "long"}:
        field["bareNumber"] = True
    constraints: dict[str, Any] = {}
    if item.get("key"):
        constraints["required"] = True
    if item.get("length") and item["type"] == "text":
        constraints["maxLength"] = item["length"]
    if item.get("codes") and item["type"] == "text":
        constraints["enum"] = [code["value"] for code in item["codes"]]
    if constraints:
        field["constraints"] = constraints
    return field | _besides(item)


def _csvw_column(item: Mapping[str, Any]) -> dict[str, Any]:
    datatype: Any = _TYPES[item["type"]].csvw
    if item.get("length") and item["type"] == "text":
        datatype = {"base": datatype, "maxLength": item["length"]}
    titles: dict[str, Any] = {"zh": item["title"]}
    if item.get("title_en"):
        titles["en"] = item["title_en"]
    column: dict[str, Any] = {
        "name": item["name"].replace("-", "%2D"),
        "titles": titles,
        "datatype": datatype,
        "required": bool(item.get("key")),
    }
    if item.get("description"):
        column["dc:description"] = item["description"]
    return column


def _json_property(item: Mapping[str, Any]) -> dict[str, Any]:
    form = dict(_TYPES[item["type"]].json)
    if item.get("length") and item["type"] == "text":
        form["maxLength"] = item["length"]
    if not item.get("key"):
        form["type"] = [form["type"], "null"]
    if item.get("codes") and item["type"] == "text":
        form["enum"] = [code["value"] for code in item["codes"]] + (
            [] if item.get("key") else [None]
        )
    said = {"title": item["title"], "description": item.get("description", "")}
    return {**{name: value for name, value in said.items() if value}, **form} | _besides(item)


def _besides(item: Mapping[str, Any]) -> dict[str, Any]:
    """What all three forms have no word for, under our own names."""
    wanted = ("sharing_class", "level", "sensitivity", "unit", "data_element", "code_list")
    return {f"x-{name.replace('_', '-')}": item[name] for name in wanted if item.get(name)}
