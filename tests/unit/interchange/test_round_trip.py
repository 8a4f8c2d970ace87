"""What is exported and imported again is what it was: in every form, for whatever an entry may hold."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from catalogue.interchange.csv_text import write_csv
from catalogue.interchange.dcat import Publisher, catalogue
from catalogue.interchange.documents import write_json
from catalogue.interchange.entries import drafted, told_of
from catalogue.interchange.fields import ITEM
from catalogue.interchange.model import Read, Told
from catalogue.interchange.rdf import json_ld, turtle
from catalogue.interchange.survey import catalogue_grid, flat_rows, needs_grid
from exchange.interchange.parsing import Asked, parse_file
from exchange.interchange.workbook_writing import write_workbook
from tests.examples import examples
from tests.fakes.interchange import entries

_BLANK = {one.name: one.empty for one in ITEM} | {
    "name": "id",
    "title": "编号",
    "type": "text",
    "sharing_class": "conditional",
    "level": 2,
    "sensitivity": "ordinary",
    "mask": "none",
}
HERE = Publisher(base="https://exchange.example")
MANY = settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def as_turtle(told: Iterable[Told]) -> bytes:
    return "".join(turtle(catalogue(told, HERE))).encode()


def as_json_ld(told: Iterable[Told]) -> bytes:
    return "".join(json_ld(catalogue(told, HERE))).encode()


def as_json(told: Iterable[Told]) -> bytes:
    return "".join(write_json(told)).encode()


def as_csv(told: Iterable[Told]) -> bytes:
    return "".join(write_csv(flat_rows(told))).encode()


def as_workbook(told: Iterable[Told]) -> bytes:
    return write_workbook([catalogue_grid(list(told)), needs_grid([])])


FORMS: dict[str, Callable[[Iterable[Told]], bytes]] = {
    "turtle": as_turtle,
    "json-ld": as_json_ld,
    "json": as_json,
    "csv": as_csv,
    "workbook": as_workbook,
}


def told_by(read: Read) -> list[Told]:
    assert read.not_taken == ()
    return [replace(one, row=0) for one in sorted(read.told, key=lambda one: one.code)]


@pytest.mark.parametrize("form", ["json", "turtle"])
@given(told=entries(most=1))
@MANY
def test_an_entry_that_is_exported_and_drafted_elsewhere_says_what_it_said(
    form: str, told: list[Told]
) -> None:
    (one,) = told
    items = [{**item, "key": place == 0} for place, item in enumerate(one.items or ())]
    given_items = tuple(items or [{**_BLANK, "key": True}])
    whole = replace(one, items=given_items)
    (read,) = parse_file(FORMS[form]([whole]), Asked(file="x", kind=form)).told
    department = str(one.fields["department"])
    drafted_there = told_of(drafted(read, department=department, source="s", taken=()))
    assert {name: drafted_there.fields[name] for name in whole.fields} == whole.fields
    assert [item["title"] for item in drafted_there.items or ()] == [
        item["title"] for item in given_items
    ]


@pytest.mark.parametrize("form", FORMS)
@given(told=entries())
@MANY
def test_what_is_exported_reads_back_as_it_was(form: str, told: list[Told]) -> None:
    content = FORMS[form](told)
    assert told_by(parse_file(content, Asked(file="x", kind=form))) == told
