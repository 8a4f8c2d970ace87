"""Thresholds that an item's value may be claimed to reach: few, fixed when the entry is announced.

A verification that took any bound would be a binary search. What is listed tells at most between which
two neighbours a value lies, and no more than its publisher meant to tell.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from catalogue.flaws import Flaw
from catalogue.model import Item, ItemType

MOST_THRESHOLDS = 5
NUMBERS = frozenset({ItemType.INTEGER, ItemType.LONG, ItemType.DECIMAL})
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL = re.compile(r"0|-?(?:[1-9][0-9]{0,17}|0(?=\.))(?:\.[0-9]{0,8}[1-9])?")


def check_thresholds(item: Item) -> Iterator[Flaw]:
    """Say what keeps an item's thresholds from being claimed against."""
    if not item.thresholds:
        return
    if item.type not in NUMBERS and item.type is not ItemType.DATE:
        yield Flaw(
            "item {0}: thresholds of a {1}, a number or a date needed", item.name, item.type.value
        )
        return
    if not item.match or item.key:
        yield Flaw(
            "item {0}: thresholds are claimed, so it has to be matched and no key", item.name
        )
    if len(item.thresholds) > MOST_THRESHOLDS:
        yield Flaw(
            "item {0}: {1} thresholds, {2} at most",
            item.name,
            len(item.thresholds),
            MOST_THRESHOLDS,
        )
    wrong = [one for one in item.thresholds if not _is_written(item.type, one)]
    if wrong:
        yield Flaw(
            "item {0}: threshold {1!r} is no {2} as it is written",
            item.name,
            wrong[0],
            item.type.value,
        )
        return
    ordered = sorted(item.thresholds, key=lambda one: _order(item.type, one))
    if list(item.thresholds) != ordered or len(set(ordered)) != len(ordered):
        yield Flaw(
            "item {0}: thresholds from the lowest to the highest, each once, needed", item.name
        )


def _is_written(type_: ItemType, text: str) -> bool:
    if type_ is ItemType.DATE:
        try:
            return date.fromisoformat(text).isoformat() == text
        except ValueError:
            return False
    form = _DECIMAL if type_ is ItemType.DECIMAL else _INTEGER
    return form.fullmatch(text) is not None


def _order(type_: ItemType, text: str) -> Decimal:
    return Decimal(text.replace("-", "")) if type_ is ItemType.DATE else Decimal(text)
