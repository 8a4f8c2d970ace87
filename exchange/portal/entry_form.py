"""The core metadata on the form of an entry: read from its fields, each error at its own."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from catalogue.metadata import (
    CYCLE_DAYS,
    BaseData,
    Code,
    Contact,
    DataClass,
    InformationFormat,
    Openness,
    Secrecy,
    Sensitivity,
    SharingMethod,
    UpdateCycle,
    Upstream,
)
from catalogue.model import Item, Resource
from exchange.portal.forms import Errors, Form
from exchange.portal.labels import label_of
from exchange.portal.language import translate

E = TypeVar("E", bound=StrEnum)

CHOICES: Mapping[str, type[StrEnum]] = MappingProxyType(
    {
        "format": InformationFormat,
        "openness": Openness,
        "cycle": UpdateCycle,
        "data-class": DataClass,
        "base-data": BaseData,
        "method": SharingMethod,
        "sensitivity": Sensitivity,
        "secrecy": Secrecy,
    }
)
"""What the lists of the form offer, by the name under which `labels.LABELS` has their words."""


def offered(language: str) -> dict[str, list[tuple[str, str]]]:
    """Return the values of each list with their words."""
    return {
        name: [(str(one), translate(language, label_of(name, one))) for one in kind]
        for name, kind in CHOICES.items()
    }


def read_metadata(base: Resource, given: Form, errors: Errors) -> dict[str, Any]:
    """Return the members of the entry that the form gives."""
    secrecy = _chosen(Secrecy, given, "secrecy") or Secrecy.NONE
    if secrecy is not Secrecy.NONE:
        errors.at(
            "secrecy",
            "Secrets of the state and of work are no government data: they are not registered",
        )
    recipients = words_of_list(given.get("recipients"))
    methods = tuple(
        SharingMethod(one) for one in given.getlist("methods") if one in set(SharingMethod)
    )
    if given.get("class") == "conditional" and not recipients:
        errors.at("recipients", "Name the departments, or write * for any")
    if given.get("class") != "not-shared" and not methods:
        errors.at("methods", "Tick how the data is handed over")
    openness = _chosen(Openness, given, "openness")
    if openness is Openness.CONDITIONAL and not given.text("open_conditions"):
        errors.at("open_conditions", "State on which conditions the public may have it")
    cycle = _chosen(UpdateCycle, given, "update_cycle")
    return {
        "keywords": words_of_list(given.get("keywords")),
        "format": _chosen(InformationFormat, given, "format"),
        "format_name": given.text("format_name"),
        "methods": methods,
        "recipients": recipients,
        "openness": openness,
        "open_conditions": given.text("open_conditions"),
        "update_cycle": cycle,
        "update_days": _days(base.update_days, cycle),
        "related": words_of_list(given.get("related")),
        "data_class": _chosen(DataClass, given, "data_class"),
        "base_data": _chosen(BaseData, given, "base_data"),
        "contact": _contact(given, errors),
        "upstream": None if base.upstream is None else _upstream(given, errors),
    }


def read_item_metadata(item: Item, given: Form, errors: Errors) -> dict[str, Any]:
    n = item.ordinal
    length = given.text(f"length-{n}")
    if length and not re.fullmatch(r"[1-9][0-9]{0,8}", length):
        errors.at(f"length-{n}", "A length is a whole number")
        length = ""
    return {
        "title_en": given.text(f"title_en-{n}"),
        "length": int(length) if length else None,
        "sensitivity": _chosen(Sensitivity, given, f"sensitivity-{n}") or item.sensitivity,
        "code_list": given.text(f"code_list-{n}"),
        "codes": _codes(given.get(f"codes-{n}"), item, errors),
        "basic": given.get(f"basic-{n}") == "yes",
        "thresholds": words_of_list(given.text(f"thresholds-{n}")),
    }


def words_of_list(text: str) -> tuple[str, ...]:
    """Split what stands between commas, of either script, or on lines of its own."""
    return tuple(
        dict.fromkeys(word for one in re.split(r"[,，、;；\n]", text) if (word := one.strip()))
    )


def written_codes(item: Item) -> str:
    """Write a code list as the form takes it: a line each, `value=title`."""
    return "\n".join(
        f"{code.value}={code.title}" + (f"={code.title_en}" if code.title_en else "")
        for code in item.codes
    )


def _codes(text: str, item: Item, errors: Errors) -> tuple[Code, ...]:
    codes = []
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        value, _, rest = line.partition("=")
        title, _, title_en = rest.partition("=")
        if not value.strip() or not title.strip():
            errors.at(f"codes-{item.ordinal}", "A code a line, as value=title")
            return item.codes
        codes.append(Code(value=value.strip(), title=title.strip(), title_en=title_en.strip()))
    return tuple(codes)


def _contact(given: Form, errors: Errors) -> Contact | None:
    unit, telephone, email = (given.text(f"contact_{part}") for part in ("unit", "phone", "email"))
    if not unit and not telephone and not email:
        return None
    if not unit or not (telephone or email):
        errors.at("contact_unit", "Name the unit, with a telephone number or an e-mail address")
    return Contact(unit=unit, telephone=telephone, email=email)


def _upstream(given: Form, errors: Errors) -> Upstream:
    holder, way, letter = (given.text(f"upstream_{one}") for one in ("holder", "way", "letter"))
    if not holder:
        errors.at("upstream_holder", "Say who above holds it")
    if not way:
        errors.at("upstream_way", "Say how it is asked for there")
    return Upstream(holder=holder, way_to_ask=way, letter=letter)


def _days(held: int | None, cycle: UpdateCycle | None) -> int | None:
    """How old rows may be under the cycle; a stricter promise that stands stays."""
    if cycle is None:
        return held
    most = CYCLE_DAYS.get(cycle)
    if most is None:
        return None
    return most if held is None else min(held, most)


def _chosen(kind: type[E], given: Form, name: str) -> E | None:
    """The member that was chosen; None where nothing was, or no member."""
    value = given.get(name)
    return kind(value) if value in set(kind) else None
