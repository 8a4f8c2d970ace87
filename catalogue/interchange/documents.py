"""Entries as JSON of our own and as CKAN's packages, and both as entries again."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from catalogue.interchange.dcat import Publisher
from catalogue.interchange.entries import code_for
from catalogue.interchange.fields import ENTRY_FIELDS, ITEM_FIELDS
from catalogue.interchange.model import Report, Said, Told, Wanted

FORMAT = "exchange-catalogue/1"
"""A format that is stored: a new member makes a new number, and this one stays readable."""

_TAG = re.compile(r"[^\w .-]", re.ASCII)
_FORMS = {
    "api": "interface",
    "json": "interface",
    "graphql": "interface",
    "wms": "interface",
    "sql": "table",
    "postgresql": "table",
}
_TEXTS = (
    ("notes", "abstract"),
    ("maintainer", "contact_unit"),
    ("maintainer_email", "contact_email"),
)
_CKAN_TYPES = {
    "text": "text",
    "string": "text",
    "int": "integer",
    "int4": "integer",
    "integer": "integer",
    "int8": "long",
    "bigint": "long",
    "number": "decimal",
    "numeric": "decimal",
    "float": "decimal",
    "float8": "decimal",
    "bool": "boolean",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "timestamp": "datetime",
}


def write_json(told: Iterable[Told], wanted: Sequence[Wanted] = ()) -> Iterator[str]:
    """Yield our own JSON, an entry a line."""
    yield f'{{"format":"{FORMAT}","needs":['
    yield ",".join(_dumped({"words": one.words, "need": one.need}) for one in wanted)
    yield '],"entries":['
    for place, one in enumerate(told):
        entry = {**one.fields, "code": one.code}
        if one.items is not None:
            entry["items"] = list(one.items)
        yield ("," if place else "") + "\n" + _dumped(entry)
    yield "\n]}\n"


def read_json(held: Any, content: str, report: Report) -> tuple[list[Told], list[Wanted]]:
    """Read our own JSON; raises nothing, what is not taken is reported."""
    entries, needs = held.get("entries"), held.get("needs", [])
    if not isinstance(entries, list) or not isinstance(needs, list):
        report.note(Said("no list of entries"), f"entries of {FORMAT}", column="entries")
        return [], []
    lines = Lines(content)
    told = [one for entry in entries if (one := _json_entry(entry, lines, report)) is not None]
    wanted = []
    for need in needs:
        if not isinstance(need, dict) or not all(
            isinstance(need.get(name), str) and need[name] for name in ("words", "need")
        ):
            report.note(need, "words and need", column="needs")
            continue
        wanted.append(Wanted(words=need["words"], need=need["need"]))
    return told, wanted


def _json_entry(entry: Any, lines: "Lines", report: Report) -> Told | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("code"), str):
        report.note(Said("an entry without a code"), "an object with a code", column="code")
        return None
    code = entry["code"]
    items = entry.get("items")
    if items is not None and not (
        isinstance(items, list) and all(isinstance(item, dict) for item in items)
    ):
        report.note(items, "a list of objects", row=lines.of(code), column="items", code=code)
        return None
    fields = {name: value for name, value in entry.items() if name != "items"}
    return Told(
        code=code,
        fields=fields,
        items=None if items is None else tuple(items),
        row=lines.of(code),
    )


class Lines:
    """Finds the line on which a text of a document first stands, as the document writes it."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._ends = [found.start() for found in re.finditer("\n", content)]
        self._last = 0

    def of(self, text: str) -> int:
        """Return the line, from 1; 0 where the text stands nowhere as it is.

        Documents are gone through in their order: what stands behind the last find is looked at first.
        """
        for written in (json.dumps(text, ensure_ascii=False), json.dumps(text), text):
            place = self._content.find(written, self._last)
            place = place if place >= 0 else self._content.find(written, 0, self._last)
            if place >= 0:
                self._last = place
                return bisect_left(self._ends, place) + 1
        return 0


# CKAN


def package(told: Told, publisher: Publisher) -> dict[str, Any]:
    """Return an entry as `package_show` gives it (CKAN API 3)."""
    fields = told.fields
    department = str(fields.get("department", ""))
    held = publisher.departments.get(department)
    forms = fields.get("distributions") or [
        {"method": one, "title": "", "media_type": ""} for one in fields.get("methods", ())
    ]
    address = publisher.entry(told.code)
    extras = {
        name: value
        for name, value in fields.items()
        if name not in {"code", "name", "abstract", "keywords", "department"}
        and value not in ("", None, [], False)
    }
    return {
        "id": told.code,
        "name": told.code,
        "title": fields["name"],
        "title_translated": {"zh": fields["name"], "en": fields.get("name_en") or fields["name"]},
        "notes": fields.get("abstract", ""),
        "type": "dataset",
        "state": "active",
        "private": False,
        "url": address,
        "owner_org": department,
        "organization": organization(department, publisher),
        "maintainer": fields.get("contact_unit", "") or (held.name if held is not None else ""),
        "maintainer_email": fields.get("contact_email", ""),
        "license_id": "notspecified",
        "isopen": fields.get("openness") == "unconditional",
        "metadata_created": fields.get("published_on"),
        "tags": [
            {"name": word, "display_name": word, "state": "active"}
            for word in fields.get("keywords", ())
        ],
        "num_tags": len(fields.get("keywords", ())),
        "resources": [
            {
                "id": f"{told.code}#distribution-{place}",
                "package_id": told.code,
                "position": place - 1,
                "name": form["title"] or fields["name"],
                "format": {"interface": "GraphQL", "table": "SQL", "file": "File"}[form["method"]],
                "mimetype": form["media_type"] or None,
                "url": f"{publisher.base}/graphql" if form["method"] == "interface" else address,
                "url_type": "interface" if form["method"] == "interface" else None,
                "state": "active",
            }
            for place, form in enumerate(forms, 1)
        ],
        "num_resources": len(forms),
        "extras": [
            {"key": name, "value": value if isinstance(value, str) else _dumped(value)}
            for name, value in sorted(extras.items())
        ],
        "schema": {
            "fields": [
                {"id": item.get("name"), "title": item.get("title"), "type": item.get("type")}
                for item in told.items or ()
            ]
        },
    }


def organization(code: str, publisher: Publisher) -> dict[str, Any]:
    held = publisher.departments.get(code)
    return {
        "id": code,
        "name": code,
        "title": held.name if held is not None else code,
        "display_name": held.name if held is not None else code,
        "type": "organization",
        "is_organization": True,
        "state": "active",
    }


def packages_of(held: Any) -> list[Any] | None:
    """Return the packages of whatever CKAN answered: one, several, a search; None for anything else."""
    if isinstance(held, dict) and isinstance(held.get("result"), dict | list):
        held = held["result"]
    if isinstance(held, dict) and isinstance(held.get("results"), list):
        held = held["results"]
    if isinstance(held, dict) and ("title" in held or "notes" in held) and "name" in held:
        held = [held]
    return held if isinstance(held, list) else None


def read_package(held: Any, lines: Lines, report: Report) -> Told | None:
    """Read one package of CKAN as far as it says what an entry says."""
    if not isinstance(held, dict) or not isinstance(held.get("name") or held.get("id"), str):
        report.note(held, "a package with a name", column="name")
        return None
    name = str(held.get("name") or held["id"])
    row = lines.of(name)
    if held.get("state", "active") != "active":
        report.note(held.get("state"), "a package in the state active", row=row, column="state")
        return None
    title = held.get("title")
    if not isinstance(title, str) or not title.strip():
        report.note(title, "a title", row=row, column="title", code=code_for(name))
        return None
    fields: dict[str, Any] = {"code": code_for(name), "name": title}
    translated = held.get("title_translated")
    if isinstance(translated, dict) and isinstance(translated.get("en"), str):
        fields["name_en"] = translated["en"] if translated["en"] != title else ""
    for member, known in (
        ("notes", "abstract"),
        ("maintainer", "contact_unit"),
        ("maintainer_email", "contact_email"),
    ):
        if isinstance(held.get(member), str) and held[member].strip():
            fields[known] = held[member]
    tags = [tag.get("display_name") or tag.get("name") for tag in _objects(held.get("tags"))]
    if tags:
        fields["keywords"] = sorted({tag for tag in tags if isinstance(tag, str)})
    owner = held.get("organization")
    if isinstance(owner, dict) and isinstance(owner.get("name"), str):
        fields["department"] = owner["name"]
    created = held.get("metadata_created")
    if isinstance(created, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", created):
        fields["published_on"] = created[:10]
    forms = [_form(one) for one in _objects(held.get("resources"))]
    if forms:
        fields["distributions"] = forms
    _read_extras(held, fields)
    return Told(code=code_for(name), fields=fields, items=_package_items(held), row=row)


def _form(resource: Mapping[str, Any]) -> dict[str, str]:
    written = str(resource.get("format") or "").lower()
    interface = resource.get("url_type") == "interface"
    title, media = resource.get("name"), resource.get("mimetype")
    return {
        "method": "interface" if interface else _FORMS.get(written, "file"),
        "title": title if isinstance(title, str) else "",
        "media_type": media if isinstance(media, str) else "",
    }


def _read_extras(held: Mapping[str, Any], fields: dict[str, Any]) -> None:
    """Take what our own packages say of an entry beyond what CKAN knows."""
    for extra in _objects(held.get("extras")):
        key, value = extra.get("key"), extra.get("value")
        known = ENTRY_FIELDS.get(key) if isinstance(key, str) else None
        if known is None or not isinstance(value, str) or key in {"code", "name", "department"}:
            continue
        if isinstance(known.empty, str):
            fields[known.name] = value
            continue
        try:
            fields[known.name] = json.loads(value)
        except (ValueError, RecursionError):
            fields[known.name] = value


def _package_items(held: Mapping[str, Any]) -> tuple[dict[str, Any], ...] | None:
    """The columns that the package itself tells, or the first of its resources that does."""
    schemas = [held.get("schema"), *(one.get("schema") for one in _objects(held.get("resources")))]
    for schema in schemas:
        told = _objects(schema.get("fields")) if isinstance(schema, dict) else []
        items = []
        for one in told:
            name = one.get("name") or one.get("id")
            if not isinstance(name, str):
                continue
            title = one.get("title")
            item: dict[str, Any] = {"title": title if isinstance(title, str) and title else name}
            if re.fullmatch(r"[0-9A-Za-z_-]{1,64}", name):
                item["name"] = name
            item["type"] = _CKAN_TYPES.get(str(one.get("type")).lower(), "text")
            if one.get("type") in ITEM_FIELDS["type"].words:
                item["type"] = one["type"]
            items.append(item)
        if items:
            return tuple(items)
    return None


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
