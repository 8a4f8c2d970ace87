"""Acts that hold other people's counts against the log: a source's own, and an approval system's cases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.canonical import decode_strict
from audit.search_complete import case_rows
from catalogue.model import Actor, Role
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.node import Node
from exchange.past import bodies, span
from gateway.budgets import QUOTA_SPENT
from gateway.record import GRANT_QUOTA, KIND, REPLAYED

ROWS_MOST = 200_000
"""Rows of one file."""

SLACK = timedelta(minutes=5)
"""How far the source's clock and the log's may be apart, a call's own time included."""

NAMED_MOST = 1_000
"""Findings of one kind that are named; of the others their count is told."""

_OPENED = "case.opened"
_DROPPED = frozenset({REPLAYED, GRANT_QUOTA, QUOTA_SPENT})
"""Codes of calls that the log refused after the fetch: their rows were dropped, the source saw them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What the log has of one call at one source."""

    place: dict[str, Any]
    """Its index, and in a frozen shard that shard's origin."""
    at: int
    refused: str
    """The code with which every step at the source was refused; empty where one was not."""
    reached: bool
    """Whether the entry says that records were read at the source, or looked for."""


@act("audit.reconcile-source")
def reconcile_source(
    node: Node, actor: Actor, *, source: str, calls: list[str], times: list[int]
) -> dict[str, object]:
    """Hold the call numbers that a source saw, with their times (epoch ms), against the entries.

    Named are calls that the log has not, that it refused, and whose number came at another time than the
    call did. For auditors, and for the department that owns the source.
    """
    names = node.live.load()
    held = names.sources.get(source)
    if held is None or not (actor.has(Role.AUDITOR) or held.department == actor.department):
        raise ActError("NOT_FOUND", f"no source {source!r} of your department")
    _check_rows(calls, times)
    resources = {code for code, each in names.resources.items() if each.source == source}
    first, last = _moment(min(times)), _moment(max(times))
    recorded = {
        call: each
        for shard in node.of_all_shards()
        for call, each in _recorded(shard, resources, since=first - SLACK, until=last + SLACK)
    }
    seen = list(zip(calls, times, strict=True))
    unknown = [_place(call, at) for call, at in seen if call not in recorded]
    refused = [
        _place(call, at) | recorded[call].place | {"code": recorded[call].refused}
        for call, at in seen
        if call in recorded and recorded[call].refused and recorded[call].refused not in _DROPPED
    ]
    late = [
        _place(call, at) | recorded[call].place | {"entry_at": _told(recorded[call].at)}
        for call, at in seen
        if call in recorded and abs(at - recorded[call].at) > SLACK.total_seconds() * 1000
    ]
    unseen = [
        {"call": call, **each.place, "at": _told(each.at)}
        for call, each in recorded.items()
        if each.reached and call not in set(calls) and min(times) <= each.at <= max(times)
    ]
    facts = {"source": source, "rows": len(calls), "unknown": len(unknown), "refused": len(refused)}
    record_read(node, actor, "source.reconciled", facts | {"late": len(late)})
    return {
        "source": source,
        "rows": len(calls),
        "since": _told(min(times)),
        "until": _told(max(times)),
        "recorded": len(recorded),
        "holds": not (unknown or refused or late),
        **_named(unknown=unknown, refused=refused, late=late, unseen=unseen),
    }


@act("audit.reconcile-cases")
def reconcile_cases(
    node: Node, actor: Actor, *, system: str, numbers: list[str]
) -> dict[str, object]:
    """Hold an approval system's own list of cases against the log.

    Named are entries under a case that the list has not, by their indexes alone, and cases of the list
    that were never opened here. For auditors, and for the system's own department.
    """
    held = node.live.load().systems.get(system)
    if held is None or not (actor.has(Role.AUDITOR) or held.department == actor.department):
        raise ActError("NOT_FOUND", f"no system {system!r} of your department")
    if not 1 <= len(numbers) <= ROWS_MOST:
        raise ActError("ACT_ARGUMENTS", f"{len(numbers)} cases, 1 to {ROWS_MOST} needed")
    listed = {node.vault.token("case", number): number for number in numbers}
    opened: set[str] = set()
    unknown: dict[str, list[dict[str, Any]]] = {}
    rows = (
        (shard, index, kind, token)
        for shard in node.of_all_shards()
        for index, kind, token in case_rows(shard.indexed, held.department)
    )
    for shard, index, kind, token in rows:
        members = decode_strict(shard.shown.entry(index))
        if system not in {members.get("system"), members.get("facts", {}).get("system")}:
            continue
        if kind == _OPENED:
            opened.add(token)
        if token not in listed:
            place = _in(shard, index) | {"kind": kind, "at": _told(members["ts"])}
            unknown.setdefault(token, []).append(place)
    never = [number for token, number in listed.items() if token not in opened]
    record_read(
        node,
        actor,
        "cases.reconciled",
        {"system": system, "cases": len(listed), "unknown": len(unknown), "never": len(never)},
    )
    return {
        "system": system,
        "cases": len(listed),
        "holds": not (unknown or never),
        **_named(
            unknown=[
                {"entries": [each["index"] for each in places], "first": places[0]}
                for places in unknown.values()
            ],
            never_opened=[{"case": number} for number in never],
        ),
    }


def _check_rows(calls: Sequence[str], times: Sequence[int]) -> None:
    if not 1 <= len(calls) <= ROWS_MOST or len(calls) != len(times):
        raise ActError(
            "ACT_ARGUMENTS",
            f"{len(calls)} call numbers and {len(times)} times, as many of each up to {ROWS_MOST} needed",
        )
    if not all(0 <= at < 1 << 45 for at in times):
        raise ActError("ACT_ARGUMENTS", "a time that is no time of this age, epoch ms needed")


def _in(node: Node, index: int) -> dict[str, Any]:
    """Name an entry's place; the shard only where it is a frozen one."""
    older = node.read_from
    return {"index": index} | ({} if older is None else {"shard": older.shard.origin})


def _recorded(
    node: Node, resources: set[str], *, since: datetime, until: datetime
) -> Iterator[tuple[str, _Recorded]]:
    """Yield the calls of a time that concern one of these resources, by call number."""
    first, end = span(node.shown, since=since, until=until)
    for index, body in bodies(node.shown, first, end):
        members = decode_strict(body)
        steps = [step for step in members.get("steps", ()) if step["resource"] in resources]
        if members["kind"] == KIND and steps:
            yield members["call"], _of(_in(node, index), members, steps)


def _of(
    place: dict[str, Any], members: dict[str, Any], steps: Sequence[dict[str, Any]]
) -> _Recorded:
    refused = all(step["outcome"] == "refused" for step in steps)
    return _Recorded(
        place=place,
        at=members["ts"],
        refused=steps[0]["code"] if refused else "",
        reached=any(step["outcome"] in {"given", "partly-given", "disputed"} for step in steps),
    )


def _named(**found: list[dict[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {name: rows[:NAMED_MOST] for name, rows in found.items()}
    return named | {"counts": {name: len(rows) for name, rows in found.items()}}


def _place(call: str, at: int) -> dict[str, Any]:
    return {"call": call, "at": _told(at)}


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _told(at: int) -> str:
    return _moment(at).isoformat(timespec="milliseconds")
