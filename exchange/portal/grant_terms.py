"""Other terms of a grant: read from the form on its page, and told as what an amendment would change."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from exchange.portal.forms import Errors, Form
from exchange.portal.rooms import Names, budgets_of, ends_after, last_day, read_day

_MOST_CALLS = 1_000_000
_OPEN = {"daily_rows": "rows", "daily_subjects": "subjects"}
"""Budgets that a grant may be without, and the fields in which they are typed."""


def read_terms(
    given: Form, held: Mapping[str, Any], errors: Errors, *, zone: ZoneInfo, narrows: bool
) -> dict[str, Any]:
    """Return the terms as a grant is to have them; what the form leaves as it is stands not among them.

    A budget that was emptied is to have no bound, which only an amendment can bring about.
    """
    wanted: dict[str, Any] = {"items": given.getlist("items")}
    if not wanted["items"]:
        errors.at("items", "Tick at least one item")
    quota = given.text("quota")
    if not (quota.isascii() and quota.isdigit() and 1 <= int(quota) <= _MOST_CALLS):
        errors.at("quota", "Enter a whole number from 1 to 1,000,000")
    found = budgets_of(given, errors)
    for name, field in _OPEN.items():
        if found[name] is None and held[name] is not None and field in given and narrows:
            errors.at(field, "Narrowing takes no bound away: propose it, or enter a number")
        elif found[name] is None and held[name] is not None and field in given:
            wanted["unbounded"] = [*wanted.get("unbounded", ()), name]
    wanted |= {name: most for name, most in found.items() if most not in {None, held[name]}}
    if "until" in given:
        wanted |= _end(given.text("until"), held, errors, zone)
    if not given.text("reason-of-change"):
        errors.at("reason-of-change", "Say why the grant changes")
    return wanted


def _end(typed: str, held: Mapping[str, Any], errors: Errors, zone: ZoneInfo) -> dict[str, Any]:
    chosen, now_last = read_day(typed), last_day(held["until"], zone)
    if chosen is None:
        errors.at("until", "Enter a day, such as 2026-01-31")
    elif chosen != now_last:
        return {"not_after": ends_after(chosen, zone).isoformat()}
    return {}


def changes_told(
    amendment: Mapping[str, Any], held: Mapping[str, Any], names: Names, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Tell each term that an amendment changes: its code, what it would be and what it is now.

    None stands for a budget without a bound.
    """
    told: Mapping[str, Callable[[Any], Any]] = {
        "items": lambda value: names.items(held["resource"], value),
        "match": lambda value: names.items(held["resource"], value),
        "matters": names.matters,
        "systems": lambda value: [names.system(one) for one in value],
        "until": lambda value: last_day(value, zone).isoformat(),
    }
    return [
        {
            "term": term,
            "then": _plain(amendment[term], told.get(term)),
            "now": _plain(held[term], told.get(term)),
        }
        for term in amendment["changes"]
        if amendment[term] != held[term]
    ]


def _plain(value: Any, told: Callable[[Any], Any] | None) -> Any:
    return value if told is None or value is None else told(value)
