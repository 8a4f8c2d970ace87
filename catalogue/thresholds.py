"""Thresholds that an item's value may be claimed to reach: few, fixed when the entry is announced.

A verification that took any bound would be a binary search. What is listed tells at most between which
two neighbours a value lies, and no more than its publisher meant to tell.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from catalogue.model import Item, ItemType

MOST_THRESHOLDS = 5
NUMBERS = frozenset({ItemType.INTEGER, ItemType.LONG, ItemType.DECIMAL})
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL = re.compile(r"0|-?(?:[1-9][0-9]{0,17}|0(?=\.))(?:\.[0-9]{0,8}[1-9])?")


def check_thresholds(item: Item) -> Iterator[str]:
    """Say what keeps an item's thresholds from being claimed against."""
    if not item.thresholds:
        return
    if item.type not in NUMBERS and item.type is not ItemType.DATE:
        yield f"item {item.name}: thresholds of a {item.type.value}, a number or a date needed"
        return
    if not item.match or item.key:
        yield f"item {item.name}: thresholds are claimed, so it has to be matched and no key"
    if len(item.thresholds) > MOST_THRESHOLDS:
        yield f"item {item.name}: {len(item.thresholds)} thresholds, {MOST_THRESHOLDS} at most"
    wrong = [one for one in item.thresholds if not _is_written(item.type, one)]
    if wrong:
        yield f"item {item.name}: threshold {wrong[0]!r} is no {item.type.value} as it is written"
        return
    ordered = sorted(item.thresholds, key=lambda one: _order(item.type, one))
    if list(item.thresholds) != ordered or len(set(ordered)) != len(ordered):
        yield f"item {item.name}: thresholds from the lowest to the highest, each once, needed"


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
