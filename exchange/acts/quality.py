"""Acts on the quality of the catalogue: an entry's points with their evidence, and what to mend next."""

from typing import Any

from catalogue import quality
from catalogue.model import Actor, Resource, Role
from catalogue.quality import WHOLE, Dimension, Facts, Grade, Score
from catalogue.workdays import ZONE
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node

MENDED = 10
"""Things to mend that are named at once."""


@act("quality.list")
def list_scores(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    department: str | None = None,
    grade: Grade | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Announced entries with their points, the worst first; `counts` by grade under the other filter."""
    scores = scores_of(node, department=department)
    fit = {f"{score.share:.6f} {score.resource}": score for score in scores}
    shown = {key: score for key, score in fit.items() if grade in {None, score.grade}}
    return paged(
        cut(shown, Span(first=first, after=after, before=before)),
        _line,
        counts=counted(score.grade.value for score in scores),
    )


@act("quality.show")
def show_score(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    code: str,
) -> Told:
    """One entry with every criterion: its points, the evidence, and what to mend first."""
    held = node.live.load().resources.get(code)
    if held is None or held.state != "announced":
        raise ActError("NOT_FOUND", f"no announced resource {code}")
    score = quality.assess(facts_of(node, [held])[0])
    return _line(score) | {
        "marks": [
            {
                "criterion": mark.criterion,
                "dimension": mark.dimension.value,
                "points": mark.points,
                "most": mark.most,
                "evidence": list(mark.evidence),
            }
            for mark in score.marks
        ],
        "next": [mark.criterion for mark in score.next()],
    }


@act("quality.departments")
def list_departments(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
) -> Told:
    """The mean share of points of each department and of all, and what each mends next."""
    scores = scores_of(node)
    found: dict[str, list[Score]] = {}
    for score in scores:
        found.setdefault(score.department, []).append(score)
    rows = [_of(code, held) for code, held in found.items()]
    return {
        "whole": WHOLE,
        "all": _of(None, scores),
        "departments": sorted(rows, key=lambda row: (row["share"], row["department"])),
    }


def scores_of(node: Node, *, department: str | None = None) -> list[Score]:
    """Return the scores of the announced entries, of one department or of all."""
    wanted = [
        held
        for _code, held in sorted(node.live.load().resources.items())
        if held.state == "announced" and department in {None, held.department}
    ]
    return [assessed(facts) for facts in facts_of(node, wanted)]


_assessed: dict[str, tuple[tuple[object, ...], tuple[object, ...], Score]] = {}
"""Resource → what it was assessed by, compared by identity and by value, and what came of it."""


def assessed(facts: Facts) -> Score:
    """Assess an entry; one of which nothing is changed since the last time is not gone through again."""
    source = facts.source
    same = (facts.resource, facts.department, source)
    alike = (
        *(facts.flag, facts.failing, facts.answered_for),
        facts.at.astimezone(ZONE).date(),
        source is not None and source.rests_until is not None and facts.at < source.rests_until,
    )
    held = _assessed.get(facts.resource.code)
    if (
        held is not None
        and all(a is b for a, b in zip(held[0], same, strict=True))
        and held[1] == alike
    ):
        return held[2]
    score = quality.assess(facts)
    _assessed[facts.resource.code] = (same, alike, score)
    return score


def facts_of(node: Node, resources: list[Resource]) -> list[Facts]:
    """Gather what is looked at of some resources."""
    snapshot, flags = node.live.load(), node.registry.flags()
    failing, at = node.shelf.failing(), node.ports.now()
    answering = {
        officer.department
        for officer in snapshot.officers.values()
        if officer.state == "active" and officer.roles & {Role.OPERATOR, Role.HEAD}
    }
    return [
        Facts(
            resource=held,
            department=snapshot.departments.get(held.department),
            source=snapshot.sources.get(held.source),
            flag=flags.get(held.code),
            failing=held.source in failing,
            answered_for=held.department in answering,
            at=at,
        )
        for held in resources
    ]


def _line(score: Score) -> Told:
    return {
        "resource": score.resource,
        "department": score.department,
        "points": score.points,
        "most": score.most,
        "share": round(score.share, 4),
        "grade": score.grade.value,
        "dimensions": {
            one.value: {"points": points, "most": most}
            for one in Dimension
            for points, most in (score.of(one),)
        },
    }


def _of(department: str | None, scores: list[Score]) -> dict[str, Any]:
    share = quality.mean_share(scores)
    return {
        "department": department,
        "entries": len(scores),
        "share": None if share is None else round(share, 4),
        "grades": counted(score.grade.value for score in scores),
        "next": [
            {
                "criterion": one.criterion,
                "dimension": one.dimension.value,
                "entries": list(one.entries[:50]),
                "count": len(one.entries),
                "points": one.points,
            }
            for one in quality.mends(scores)[:MENDED]
        ],
    }
