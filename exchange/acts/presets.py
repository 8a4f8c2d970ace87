"""Searches that are one word: where an auditor looks twice. What a preset finds is no verdict."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from audit.canonical import decode_strict
from audit.patterns import Pattern
from audit.wanted import Wanted
from catalogue.model import Actor
from catalogue.rules import rule
from catalogue.workdays import ZONE
from exchange.acts import watching
from exchange.acts.register import ActError, act
from exchange.acts.searching import record_search
from exchange.acts.seeing import sight_of
from exchange.acts.watching import Looking
from exchange.clock import now
from exchange.node import Node

Told = dict[str, Any]

PERIOD = "watch.period"
"""Rule: so many days are looked at where nobody names a time."""

LISTED = 200
"""Patterns named in one answer; those beyond are counted."""

ENTRIES = 50
"""Entries named of one pattern; those beyond are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One search by name. Texts are English, and keys of the locale."""

    name: str
    title: str
    why: str
    """What it finds, and why one looks there."""
    nothing: str
    """What it means that nothing was found."""
    amount: str
    """What `amount` of a finding counts."""
    find: Callable[[Looking], list[Pattern]]
    rules: tuple[str, ...] = ()
    """Ids of the rules that set its thresholds."""


_ALL = (
    Preset(
        name="refusal-bursts",
        title="Bursts of refusals",
        why="One system was refused many times within minutes: somebody may be trying out what is open.",
        nothing="No system was refused that often in so short a time.",
        amount="Refused calls",
        find=watching.refusal_bursts,
        rules=("watch.refusals", "watch.refusals-within"),
    ),
    Preset(
        name="off-hours",
        title="Calls outside working hours",
        why="Calls at night, at weekends or on public holidays, by system and day. "
        "Unattended jobs are found too.",
        nothing="No call was made outside working hours.",
        amount="Calls",
        find=watching.off_hours,
        rules=("watch.work-begins", "watch.work-ends"),
    ),
    Preset(
        name="case-mismatch",
        title="Call and case do not match",
        why="Calls that were refused because their case was not open, not theirs, or not about that person.",
        nothing="No call was refused because of its case.",
        amount="Refused calls",
        find=watching.case_mismatches,
    ),
    Preset(
        name="unfinished",
        title="Begun and not finished",
        why="A remote source was to be asked and no outcome was recorded, or an act was recorded and never "
        "took effect.",
        nothing="Whatever was begun was finished.",
        amount="Entries",
        find=watching.unfinished,
    ),
    Preset(
        name="number-gaps",
        title="Gaps in the numbering",
        why="Each call bears a number of its system and of each resource. A number that no entry of the "
        "search bears was hidden from the search.",
        nothing="The numbers of every system and resource run without a gap: nothing was hidden.",
        amount="Numbers missing",
        find=watching.number_gaps,
    ),
    Preset(
        name="enumeration",
        title="Many persons or firms by one officer",
        why="One officer, or one unattended system, asked about many different persons or firms in a short "
        "time.",
        nothing="Nobody asked about that many persons or firms in so short a time.",
        amount="Persons and firms",
        find=watching.enumerations,
        rules=("watch.subjects", "watch.subjects-within"),
    ),
    Preset(
        name="closed-cases",
        title="Cases opened only to look",
        why="A case was opened, data was looked at and the case was closed within minutes, or a case was "
        "closed without a result.",
        nothing="No case was closed that soon after a call, and none without a result.",
        amount="Minutes open",
        find=watching.closed_cases,
        rules=("watch.case-open",),
    ),
    Preset(
        name="late-parties",
        title="Parties added just before a call",
        why="A party was added to a running case, and data was looked at shortly afterwards.",
        nothing="No call followed that soon after a party was added.",
        amount="Calls",
        find=watching.parties_before_calls,
        rules=("watch.parties-before",),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({one.name: one for one in _ALL})


@act("audit.presets")
def list_presets(node: Node, actor: Actor) -> list[Told]:  # noqa: ARG001 - any officer
    """The presets, with what each finds and by which thresholds. Nothing is looked at yet, and recorded."""
    return [_described(one) for one in PRESETS.values()]


@act("audit.find")
def find(
    node: Node,
    actor: Actor,
    *,
    preset: str,
    since: datetime | None = None,
    until: datetime | None = None,
    review: str | None = None,
    shard: str | None = None,
) -> Told:
    """Carry out a preset over a time, the last days of the rule `watch.period` unless `since` is given.

    A department finds in what it asked and what was asked of it; an auditor in all, under a `review` in its
    scope. Of a frozen `shard`, named as in a search, the last days are those before its end.
    """
    held = PRESETS.get(preset)
    if held is None:
        raise ActError("ACT_ARGUMENTS", f"an unknown preset, {', '.join(PRESETS)} needed")
    node = node.of_shard(shard)
    since = since if since is not None else _period_begins(until or _end_of(node))
    sight = sight_of(node, actor, review=review)
    wanted = sight.over(Wanted(since=since, until=until))
    # Recorded first, as every search is.
    record_search(node, actor, wanted, {"preset": preset}, sight=sight)
    look = Looking(node=node, actor=actor, wanted=wanted, today=_today())
    found = held.find(look)
    return {
        **_described(held),
        "since": since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "looked_at": look.looked_at,
        "whole": look.whole,
        "found": [_told(one) for one in found[:LISTED]],
        "more": max(len(found) - LISTED, 0),
    }


def _described(preset: Preset) -> Told:
    return {
        "preset": preset.name,
        "title": preset.title,
        "why": preset.why,
        "nothing": preset.nothing,
        "amount": preset.amount,
        "rules": [
            {
                "id": one.id,
                "value": one.value,
                "unit": one.unit,
                "citation": one.citation,
                "provisional": one.provisional,
            }
            for one in (rule(rule_id, on=_today()) for rule_id in preset.rules)
        ],
    }


def _told(pattern: Pattern) -> Told:
    told = asdict(pattern)
    return told | {
        "entries": list(pattern.entries[:ENTRIES]),
        "more": max(len(pattern.entries) - ENTRIES, 0),
        "begun": _moment(pattern.begun),
        "ended": _moment(pattern.ended),
    }


def _end_of(node: Node) -> datetime:
    """Return the moment up to which the shard that is read goes on."""
    if node.read_from is None:
        return now()
    last = decode_strict(node.shown.entry(node.shown.size - 1))
    return datetime.fromtimestamp(last["ts"] / 1000, UTC)


def _period_begins(end: datetime) -> datetime:
    return end - timedelta(days=rule(PERIOD, on=_today()).value)


def _today() -> date:
    return now().astimezone(ZONE).date()


def _moment(ts: int) -> str | None:
    """Return a moment as text; None where a pattern has no entry left to take it from."""
    return datetime.fromtimestamp(ts / 1000, UTC).isoformat(timespec="seconds") if ts else None
