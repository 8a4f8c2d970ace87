"""Acts on indicators: the shares by which a district is measured, the lists behind them, and targets."""

from collections.abc import Iterable
from datetime import date, datetime

from catalogue import clocks, evidence, indicators, quality
from catalogue.indicators import (
    INDICATORS,
    District,
    Indicator,
    Line,
    Measured,
    Target,
    Term,
    Value,
)
from catalogue.model import Actor, Resource, SharingClass
from catalogue.requested import SharingRequest
from catalogue.rows import INDICATOR_DAY, MATTER, REQUEST, TARGET
from catalogue.snapshot import Snapshot
from catalogue.statutes import Clock, Statutes
from catalogue.trends import Span as By
from catalogue.trends import series, taken
from catalogue.workdays import ZONE
from exchange.acts.held import resources_of
from exchange.acts.listing import FIRST, Span, Told, cut, paged
from exchange.acts.quality import assessed, facts_of
from exchange.acts.register import ActError, act
from exchange.node import Node


@act("indicator.list")
def list_indicators(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    department: str | None = None,
) -> Told:
    """Every indicator of a department, or of all, with its targets. A share of None is *no data*."""
    measured, targets = measure(node), list(node.held(TARGET).values())
    return {
        "department": department,
        "at": node.ports.now().isoformat(),
        "indicators": [
            told_indicator(one)
            | told_value(measured.value(one.id, department))
            | {"targets": _targets(targets, one, measured)}
            for one in INDICATORS.values()
        ],
    }


@act("indicator.show")
def show_indicator(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    indicator: str,
    department: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """One indicator by department, with the list behind it, of one department or of all."""
    held = INDICATORS.get(indicator)
    if held is None:
        raise ActError("NOT_FOUND", f"no indicator {indicator}: {', '.join(INDICATORS)}")
    measured = measure(node)
    lines = measured.lines[indicator]
    wanted = {one.key: one for one in lines if department in {None, one.department}}
    codes = sorted({one.department for one in lines})
    return told_indicator(held) | {
        "all": told_value(measured.value(indicator)),
        "departments": [told_value(measured.value(indicator, code)) for code in codes],
        "targets": _targets(list(node.held(TARGET).values()), held, measured),
        "behind": paged(cut(wanted, Span(first=first, after=after, before=before)), told_line),
    }


@act("indicator.trend")
def show_trend(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    indicator: str,
    department: str | None = None,
    by: By = By.DAY,
) -> Told:
    """What an indicator was, of a department or of all, the oldest first; a month shows its last kept day."""
    held = INDICATORS.get(indicator)
    if held is None:
        raise ActError("NOT_FOUND", f"no indicator {indicator}: {', '.join(INDICATORS)}")
    points = series(node.held(INDICATOR_DAY).values(), indicator, department, by=by)
    return told_indicator(held) | {
        "department": department,
        "by": by.value,
        "points": [{"day": one.day} | told_value(one.value) for one in points],
    }


@act("indicator.table")
def tabulate(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
) -> Told:
    """The table for circulation (通报): every department and all, by every indicator."""
    measured = measure(node)
    departments = node.live.load().departments
    rows: list[str | None] = [*sorted(departments), None]
    return {
        "at": node.ports.now().isoformat(),
        "indicators": [told_indicator(one) for one in INDICATORS.values()],
        "rows": [
            {
                "department": code,
                "values": [told_value(measured.value(one, code)) for one in INDICATORS],
            }
            for code in rows
        ],
    }


@act("target.set")
def set_target(
    node: Node, actor: Actor, *, indicator: str, percent: int, due: date, lead: str
) -> Told:
    """Set what an indicator is to reach by a day, and which department leads (authority)."""
    return _target(node.registry.set_target(indicator, percent, due=due, lead=lead, by=actor))


@act("target.withdraw")
def withdraw_target(node: Node, actor: Actor, *, target: str) -> Told:
    return _target(node.registry.withdraw_target(target, by=actor))


@act("target.list")
def list_targets(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
) -> list[Told]:
    """Targets by indicator and day, withdrawn ones too."""
    return [_target(one) for _id, one in sorted(node.held(TARGET).items())]


def measure(node: Node) -> Measured:
    """Compute all indicators as things stand now."""
    snapshot, at = node.live.load(), node.ports.now()
    law = node.registry.law()
    matters = node.held(MATTER)
    announced = [
        held for _code, held in sorted(snapshot.resources.items()) if held.state == "announced"
    ]
    facts = facts_of(node, announced)
    requests = list(node.held(REQUEST).values())
    resources = resources_of(node, {request.resource for request in requests})
    late = {one.resource.code: quality.late_on(one) for one in facts}
    today = at.astimezone(ZONE).date()
    return indicators.measure(
        District(
            departments=snapshot.departments,
            connected=connected(snapshot),
            matters=matters,
            supplied={
                code: evidence.supplied(held, snapshot, at=at) for code, held in matters.items()
            },
            answers=tuple(answers(requests, resources, law, at=at)),
            deliveries=tuple(deliveries(requests, resources, law, at=at)),
            scores=tuple(assessed(one) for one in facts),
            late={code: day <= today for code, day in late.items() if day is not None},
            names={held.code: held.name for held in (*announced, *resources.values())},
            online_depth=law.rule("indicator.online-depth", on=at).value,
        )
    )


def keep_today(node: Node) -> bool:
    """Keep what the indicators are, once a day; False where today is kept already. Blocks."""
    at = node.ports.now()
    today = at.astimezone(node.zone).date()
    if today.isoformat() in node.held(INDICATOR_DAY):
        return False
    return node.registry.keep_indicators(taken(measure(node), today, at=at))


def connected(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return by department the resources and systems by which it takes part."""
    found: dict[str, list[str]] = {}
    for code, held in sorted(snapshot.resources.items()):
        if held.state == "announced" and held.source in snapshot.open_sources:
            found.setdefault(held.department, []).append(code)
    keyed = {key.system for key in snapshot.keys.values() if key.state == "active"}
    for id_, system in sorted(snapshot.systems.items()):
        if system.state == "active" and id_ in keyed:
            found.setdefault(system.department, []).append(id_)
    return {code: tuple(by) for code, by in found.items()}


def answers(
    requests: Iterable[SharingRequest],
    resources: dict[str, Resource],
    law: Statutes,
    *,
    at: datetime,
) -> Iterable[Term]:
    """Yield each request whose answer was due: what is known of it is computed by its clock."""
    for request in requests:
        held = resources.get(request.resource)
        sharing_class = SharingClass.CONDITIONAL if held is None else held.sharing_class
        clock = clocks.answer_clock(request, sharing_class, law)
        if held is None or clock is None:
            continue
        late = clocks.answered_late(request, sharing_class, law, at=at)
        done = request.way.decided_at is not None
        yield _term(request, held, clock, late=late, done=done)


def deliveries(
    requests: Iterable[SharingRequest],
    resources: dict[str, Resource],
    law: Statutes,
    *,
    at: datetime,
) -> Iterable[Term]:
    """Yield each request that was agreed to, by the clock from then to the first call."""
    for request in requests:
        held = resources.get(request.resource)
        clock = clocks.delivery_clock(request, law)
        if held is None or clock is None:
            continue
        late = clocks.delivered_late(request, law, at=at)
        yield _term(request, held, clock, late=late, done=request.way.delivered_at is not None)


def _term(request: SharingRequest, held: Resource, clock: Clock, *, late: bool, done: bool) -> Term:
    return Term(
        id=request.id,
        resource=request.resource,
        department=held.department,
        due=clock.due.day,
        in_time=False if late else True if done else None,
    )


def told_indicator(held: Indicator) -> Told:
    return {
        "id": held.id,
        "title": held.title[0],
        "title_en": held.title[1],
        "definition": held.definition[0],
        "definition_en": held.definition[1],
        "source": held.source[0],
        "source_en": held.source[1],
        "less": held.less,
        "customer_targets": list(held.targets),
    }


def told_value(value: Value) -> Told:
    """A share of None is *no data*; `missing` counts things whose fact nobody stated."""
    return {
        "department": value.department,
        "numerator": value.numerator,
        "denominator": value.denominator,
        "missing": value.missing,
        "share": None if value.share is None else round(value.share, 4),
    }


def told_line(line: Line) -> Told:
    return {
        "key": line.key,
        "name": line.name,
        "department": line.department,
        "numerator": line.numerator,
        "denominator": line.denominator,
        "missing": line.missing,
        "note": line.note,
    }


def _targets(targets: list[Target], held: Indicator, measured: Measured) -> list[Told]:
    value = measured.value(held.id)
    return [
        _target(one) | {"reached": indicators.reached(held, value, one.percent)}
        for one in indicators.standing(targets, held.id)
    ]


def _target(held: Target) -> Told:
    return {
        "id": held.id,
        "indicator": held.indicator,
        "percent": held.percent,
        "due": held.due,
        "lead": held.lead,
        "set_at": held.set_at.isoformat(),
        "state": held.state,
    }
