"""The supervision console: what the law forbids and the records show, each with the record behind it."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from audit.canonical import decode_strict
from audit.search import walk
from audit.wanted import Wanted
from catalogue import store
from catalogue.evidence import duplicates
from catalogue.files import KIND as FILE
from catalogue.files import parse_address
from catalogue.granted import Grant
from catalogue.model import Actor, Role
from catalogue.reviews import EntryVerdict, ReviewState, ReviewVerdict, newest
from catalogue.rows import (
    CORRECTION,
    GRANT,
    LOAD,
    MATTER,
    REQUEST,
    RESOURCE,
    REVIEW,
    REVIEW_VERDICT,
    SOURCE,
    Kind,
)
from catalogue.violations import DETAILS, Finding, Records, Violation, find_all
from catalogue.workdays import ZONE
from exchange.acts.granting import ANSWERED
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.node import Node

LOOKED_AT = 5_000
"""Search rows that are looked through for calls that were refused."""
_FORBIDDEN: Mapping[str, Violation] = {
    "GRANT_PURPOSE": Violation.OUTSIDE_PURPOSE,
    "GRANT_MATTER": Violation.OUTSIDE_PURPOSE,
    "PURPOSE_NOT_ALLOWED": Violation.OUTSIDE_PURPOSE,
    "LINK_INVALID": Violation.THIRD_PARTY,
}
"""Codes of refused calls that are breaches by whoever called."""
COLUMNS = (
    "kind",
    "department",
    "resource",
    "record",
    "key",
    "entry",
    "on",
    "rule",
    "detail",
    "detail_zh",
)


@act("supervision.violations")
def list_violations(  # noqa: PLR0913 - filters and a page, named one by one
    node: Node,
    actor: Actor,
    *,
    kind: Violation | None = None,
    department: str | None = None,
    since: date | None = None,
    until: date | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Breaches of the law that the records show, newest first; a department's head sees its own.

    `kinds` and `departments` count what the other filters leave. Each row names the record behind it, and
    the entry that made that what it is.
    """
    held = _held(node, actor, since=since, until=until)
    keyed = {_key(number, one): one for number, one in enumerate(reversed(held))}
    by_kind = {key: one for key, one in keyed.items() if department in {None, one["department"]}}
    by_department = {key: one for key, one in keyed.items() if kind in {None, one["kind"]}}
    shown = {key: one for key, one in by_kind.items() if kind in {None, one["kind"]}}
    span = Span(first=first, after=after, before=before)
    return paged(
        cut(shown, span, newest=True),
        lambda one: one,
        kinds=counted(one["kind"] for one in by_kind.values()),
        departments=counted(one["department"] for one in by_department.values()),
    )


@act("supervision.violations-csv")
def violations_csv(
    node: Node,
    actor: Actor,
    *,
    kind: Violation | None = None,
    department: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Told:
    """The same as a CSV file in UTF-8 with a byte order mark; that it was taken is recorded."""
    rows = [
        one
        for one in _held(node, actor, since=since, until=until)
        if kind in {None, one["kind"]} and department in {None, one["department"]}
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(one[name]) for name in COLUMNS} for one in rows)
    record_read(node, actor, "supervision.exported", {"rows": len(rows)})
    return {"csv": "\ufeff" + text.getvalue(), "rows": len(rows)}


def _held(node: Node, actor: Actor, *, since: date | None, until: date | None) -> list[Told]:
    """Every breach that the actor may see, newest first."""
    everything = actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    if not everything and not actor.has(Role.HEAD):
        raise ActError("ROLE_MISSING", "the authority, an auditor or a department's head needed")
    found = [*find_all(_records(node), node.registry.law(), at=node.ports.now())]
    rows = [_told(node, one) for one in found] + [*_refused_calls(node), *_judged_calls(node)]
    rows = [
        one
        for one in rows
        if (everything or one["department"] == actor.department)
        and (since is None or date.fromisoformat(one["on"]) >= since)
        and (until is None or date.fromisoformat(one["on"]) <= until)
    ]
    return sorted(rows, key=lambda one: (one["on"], one["kind"], one["key"]), reverse=True)


def _records(node: Node) -> Records:
    grants = {key: one for key, one in node.held(GRANT).items() if one.systems}
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        flags = store.flags(connection)
    return Records(
        requests=node.held(REQUEST),
        grants=grants,
        resources={key: one.resource for key, one in node.held(RESOURCE).items()},
        matters=node.held(MATTER),
        corrections=node.held(CORRECTION),
        flags=flags,
        fresh=_fresh(node),
        asked_again=duplicates(node.held(MATTER).values(), node.live.load(), at=node.ports.now()),
        used={key: at for key, one in grants.items() if (at := _last_use(node, one)) is not None},
    )


def _fresh(node: Node) -> dict[str, datetime]:
    """When each resource's records were last brought up to date, where the exchange keeps them itself."""
    by_source: dict[str, datetime] = {}
    for load in node.held(LOAD).values():
        known = by_source.get(load.source)
        by_source[load.source] = load.loaded_at if known is None else max(known, load.loaded_at)
    for name, source in node.held(SOURCE).items():
        if source.kind == FILE and name not in by_source:
            day = parse_address(source.address).as_of
            by_source[name] = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return {
        code: by_source[one.resource.source]
        for code, one in node.held(RESOURCE).items()
        if one.resource.source in by_source
    }


def _last_use(node: Node, grant: Grant) -> datetime | None:
    """When a consumer was last given something of a grant's resource; None: never."""
    newest = [
        row.ts
        for decision in ANSWERED
        for row in walk(
            node.databases.log,
            Wanted(resource=grant.resource, consumer=grant.department, decision=decision),
            token=node.vault.token,
            most=1,
        ).rows
    ]
    return datetime.fromtimestamp(max(newest) / 1000, UTC) if newest else None


def _refused_calls(node: Node) -> Iterator[Told]:
    """Calls outside the purpose that was granted, and links used by another system than theirs."""
    for code, kind in _FORBIDDEN.items():
        page = walk(
            node.databases.log,
            Wanted(code=code),
            token=node.vault.token,
            most=LOOKED_AT,
        )
        seen: set[int] = set()
        for row in page.rows:
            if row.index in seen or row.sealed:
                continue
            seen.add(row.index)
            consumer = row.consumer or str(decode_strict(node.log.entry(row.index))["consumer"])
            yield {
                "kind": kind.value,
                "department": consumer,
                "resource": row.resource,
                "record": "entry",
                "key": str(row.index),
                "entry": row.index,
                "on": datetime.fromtimestamp(row.ts / 1000, ZONE).date().isoformat(),
                "rule": "",
                "detail": DETAILS["refused"][1].format(code=code),
                "detail_zh": DETAILS["refused"][0].format(code=code),
            }


def _judged_calls(node: Node) -> Iterator[Told]:
    """Calls that were answered and that a review, closed meanwhile, found to have broken the rules.

    While a review is open, those under review are not told of it.
    """
    given: dict[str, list[EntryVerdict]] = {}
    for one in node.held(REVIEW_VERDICT).values():
        given.setdefault(one.review, []).append(one)
    for key, held in sorted(node.held(REVIEW).items()):
        if held.state is not ReviewState.CLOSED:
            continue
        for index, verdict in sorted(newest(given.get(key, ())).items()):
            if verdict.verdict is not ReviewVerdict.VIOLATION:
                continue
            entry = decode_strict(node.log.entry(index))
            if entry["kind"] != "call":
                continue
            resources = sorted({str(step["resource"]) for step in entry.get("steps", [])})
            yield {
                "kind": Violation.OUTSIDE_PURPOSE.value,
                "department": str(entry["consumer"]),
                "resource": resources[0] if len(resources) == 1 else "",
                "record": "entry",
                "key": str(index),
                "entry": index,
                "on": verdict.given_at.astimezone(ZONE).date().isoformat(),
                "rule": "",
                "detail": DETAILS["judged"][1].format(review=key),
                "detail_zh": DETAILS["judged"][0].format(review=key),
            }


_KINDS: Mapping[str, Kind[Any]] = {
    "request": REQUEST,
    "grant": GRANT,
    "correction": CORRECTION,
    "resource": RESOURCE,
    "matter": MATTER,
}


def _told(node: Node, one: Finding) -> Told:
    number = node.ledger.digest(_KINDS[one.record].table, one.key)
    return {
        "kind": one.kind.value,
        "department": one.department,
        "resource": one.resource,
        "record": one.record,
        "key": one.key,
        "entry": None if number is None else node.index_of(number[0]),
        "on": one.on.isoformat(),
        "rule": one.rule,
        "detail": one.text("en"),
        "detail_zh": one.text("zh"),
    }


def _key(number: int, one: Told) -> str:
    """A key by which pages go on: the day, and the place within it."""
    return f"{one['on']}-{number:06}"


def _cell(value: Any) -> Any:
    """Keep a spreadsheet from reading a cell as a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text
