"""Entries as files in every form, piece by piece; the same for a command, a page and a stock client."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.granted import Grant
from catalogue.interchange import schemas
from catalogue.interchange.csv_text import write_csv
from catalogue.interchange.dcat import Publisher, catalogue
from catalogue.interchange.documents import write_json
from catalogue.interchange.model import Told, Wanted
from catalogue.interchange.odrl import agreements, offer
from catalogue.interchange.rdf import Node, json_ld, turtle
from catalogue.interchange.survey import catalogue_grid, flat_rows, needs_grid
from exchange.interchange.workbook_writing import write_workbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is written of: entries in the order of their codes, once through."""

    told: Iterable[Told]
    publisher: Publisher
    needs: Sequence[Wanted] = ()
    grants: Sequence[Grant] = ()
    alone: bool = False
    """Whether one entry was asked for by its code: then its schema stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    media_type: str
    suffix: str
    write: Callable[[Content], Iterator[bytes]]


def write(form: str, content: Content) -> Iterator[bytes]:
    """Yield a file piece by piece. Raises KeyError for a form that is none of FORMS."""
    return FORMS[form].write(content)


def _dcat(content: Content) -> Iterator[bytes]:
    return _encoded(turtle(catalogue(content.told, content.publisher)))


def _json_ld(content: Content) -> Iterator[bytes]:
    return _encoded(json_ld(catalogue(content.told, content.publisher)))


def _json(content: Content) -> Iterator[bytes]:
    return _encoded(write_json(content.told, content.needs))


def _csv(content: Content) -> Iterator[bytes]:
    return _encoded(write_csv(flat_rows(content.told)))


def _workbook(content: Content) -> Iterator[bytes]:
    yield write_workbook([catalogue_grid(list(content.told)), needs_grid(content.needs)])


def _odrl(content: Content) -> Iterator[bytes]:
    return _encoded(json_ld(_terms(content)))


def _terms(content: Content) -> Iterator[Node]:
    publisher = content.publisher
    for one in content.told:
        yield offer(
            one,
            address=publisher.entry(one.code),
            assigner=publisher.department(str(one.fields.get("department", ""))),
            department=publisher.department,
        )
    yield from agreements(content.grants, entry=publisher.entry, department=publisher.department)


def _table_schema(content: Content) -> Iterator[bytes]:
    told = list(content.told)
    yield _pretty(schemas.table_schema(told[0]) if content.alone else schemas.data_package(told))


def _csvw(content: Content) -> Iterator[bytes]:
    told, publisher = list(content.told), content.publisher
    yield _pretty(
        schemas.csvw(told[0], publisher) if content.alone else schemas.csvw_group(told, publisher)
    )


def _json_schema(content: Content) -> Iterator[bytes]:
    told, publisher = list(content.told), content.publisher
    yield _pretty(
        schemas.json_schema(told[0], publisher)
        if content.alone
        else schemas.json_schemas(told, publisher)
    )


def _encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode()


def _pretty(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: dict[str, Form] = {
    "dcat": Form(media_type="text/turtle", suffix="ttl", write=_dcat),
    "jsonld": Form(media_type="application/ld+json", suffix="jsonld", write=_json_ld),
    "json": Form(media_type="application/json", suffix="json", write=_json),
    "csv": Form(media_type="text/csv; charset=utf-8", suffix="csv", write=_csv),
    "workbook": Form(media_type=_XLSX, suffix="xlsx", write=_workbook),
    "tableschema": Form(
        media_type="application/vnd.dataresource+json",
        suffix="tableschema.json",
        write=_table_schema,
    ),
    "csvw": Form(media_type="application/csvm+json", suffix="csv-metadata.json", write=_csvw),
    "jsonschema": Form(
        media_type="application/schema+json", suffix="schema.json", write=_json_schema
    ),
    "odrl": Form(media_type="application/ld+json", suffix="odrl.jsonld", write=_odrl),
}
"""Forms by the name that commands and addresses use."""
