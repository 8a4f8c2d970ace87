"""The indicators by which a district is measured: each a share with all that stands behind it. Decides only.

A share is numerator over denominator, of facts that are known. Where a fact is missing the thing that lacks
it is listed, and counts neither way; where nothing is known there is no data, and never 0 %.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from catalogue.errors import InvalidError, UnknownError
from catalogue.evidence import WORKS, Supplied
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Department, Matter, Role
from catalogue.quality import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Something that ran under a legal clock: a request that was to be answered, or delivered."""

    id: str
    resource: str
    department: str
    """That which had to act."""
    due: date
    in_time: bool | None
    """None: its time is not over, and nobody acted yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """Everything that indicators are computed from, as of one moment."""

    departments: Mapping[str, Department]
    connected: Mapping[str, tuple[str, ...]]
    """Department → resources and systems by which it takes part; none: it is not connected."""
    matters: Mapping[str, Matter]
    supplied: Mapping[str, tuple[Supplied, ...]]
    """How sharing stands with each material, by matter."""
    answers: tuple[Term, ...]
    deliveries: tuple[Term, ...]
    scores: tuple[Score, ...]
    late: Mapping[str, bool]
    """Resource → whether its rows are older than its cycle; resources without both are not in it."""
    names: Mapping[str, str]
    """Names of resources by code."""
    online_depth: int
    """Depth from which on a matter counts as on line (rule `indicator.online-depth`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing behind a share."""

    key: str
    name: str
    department: str
    numerator: int = 0
    denominator: int = 1
    missing: bool = False
    """Whether the fact is not known: it counts neither way."""
    note: str = ""
    """What was found, in plain words or codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One indicator of a department, or of all."""

    indicator: str
    department: str | None
    """None: of all departments."""
    numerator: int
    denominator: int
    missing: int
    """Things whose fact is not known."""

    @property
    def share(self) -> float | None:
        """None: there is no data."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What is measured. Texts are (zh, en)."""

    id: str
    title: tuple[str, str]
    definition: tuple[str, str]
    source: tuple[str, str]
    """Which records it is computed from."""
    lines: Callable[[District], Iterator[Line]]
    targets: tuple[int, ...] = ()
    """Per cent that the customer names, in the order in which they are to be reached."""
    less: bool = False
    """Whether less is better."""

    def text(self, what: str, language: str) -> str:
        """Return `title`, `definition` or `source` in `zh` or `en`."""
        told: tuple[str, str] = getattr(self, what)
        return told[0 if language == "zh" else 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be reached by a day, and which department answers for it."""

    id: str
    indicator: str
    percent: int
    due: str
    """YYYY-MM-DD."""
    lead: str
    """Code of the department in the lead (牵头部门)."""
    set_by: str
    set_at: datetime
    state: str = "active"
    """active or withdrawn."""


def _active(district: District) -> Iterator[Matter]:
    return (held for _code, held in sorted(district.matters.items()) if held.state == "active")


def _of_matter(matter: Matter, *, known: object, counts: bool, note: str = "") -> Line:
    return Line(
        key=matter.code,
        name=matter.name,
        department=matter.department,
        numerator=int(counts and known is not None),
        denominator=int(known is not None),
        missing=known is None,
        note=note if known is not None else "",
    )


def _connected(district: District) -> Iterator[Line]:
    for code, held in sorted(district.departments.items()):
        by = district.connected.get(code, ())
        yield Line(
            key=code, name=held.name, department=code, numerator=int(bool(by)), note=", ".join(by)
        )


def _online(district: District) -> Iterator[Line]:
    for one in _active(district):
        depth = one.online_depth
        counts = depth is not None and depth >= district.online_depth
        yield _of_matter(one, known=depth, counts=counts, note=str(depth))


def _no_trip(district: District) -> Iterator[Line]:
    for one in _active(district):
        yield _of_matter(one, known=one.trips, counts=one.trips == 0, note=str(one.trips))


def _one_trip(district: District) -> Iterator[Line]:
    for one in _active(district):
        counts = one.trips is not None and one.trips <= 1
        yield _of_matter(one, known=one.trips, counts=counts, note=str(one.trips))


def _materials(district: District) -> Iterator[tuple[Matter, Supplied | None]]:
    """Each material of each matter; None stands for those of a matter that has not listed them."""
    for matter in _active(district):
        if matter.materials is None:
            yield matter, None
        for one in district.supplied.get(matter.code, ()):
            yield matter, one


def _of_material(matter: Matter, one: Supplied, *, counts: bool) -> Line:
    return Line(
        key=f"{matter.code}/{one.material.code}",
        name=f"{matter.name}: {one.material.name}",
        department=matter.department,
        numerator=int(counts),
        note="asked-again" if one.again else one.state.value,
    )


def _materials_shared(district: District) -> Iterator[Line]:
    for matter, one in _materials(district):
        if one is None:
            yield _of_matter(matter, known=None, counts=False)
        else:
            yield _of_material(matter, one, counts=one.material.waived and one.state in WORKS)


def _asked_again(district: District) -> Iterator[Line]:
    for matter, one in _materials(district):
        if one is None:
            yield _of_matter(matter, known=None, counts=False)
        elif one.state in WORKS:
            yield _of_material(matter, one, counts=one.again)


def _terms(terms: Iterable[Term], district: District) -> Iterator[Line]:
    for one in sorted(terms, key=lambda term: term.id):
        if one.in_time is not None:
            yield Line(
                key=one.id,
                name=district.names.get(one.resource, one.resource),
                department=one.department,
                numerator=int(one.in_time),
                note=one.due.isoformat(),
            )


def _speed_up(district: District) -> Iterator[Line]:
    """Days saved are summed over days before: a matter of one day weighs less than one of thirty."""
    for one in _active(district):
        before, promised = one.baseline_days, one.promised_days
        known = None if before is None or promised is None or before == 0 else before
        line = _of_matter(one, known=known, counts=False, note=f"{before} → {promised}")
        if before is None or promised is None or known is None:
            yield line
        else:
            yield Line(
                key=line.key,
                name=line.name,
                department=line.department,
                numerator=before - promised,
                denominator=before,
                note=line.note,
            )


def _up_to_date(district: District) -> Iterator[Line]:
    owners = {score.resource: score.department for score in district.scores}
    for code, late in sorted(district.late.items()):
        if code in owners:
            yield Line(
                key=code,
                name=district.names.get(code, code),
                department=owners[code],
                numerator=int(not late),
            )


def _quality(district: District) -> Iterator[Line]:
    for score in district.scores:
        yield Line(
            key=score.resource,
            name=district.names.get(score.resource, score.resource),
            department=score.department,
            numerator=score.points,
            denominator=score.most,
            note=score.grade.value,
        )


_ALL = (
    Indicator(
        id="departments-connected",
        title=("部门接入率", "Departments connected"),
        definition=(
            "已接入部门数 ÷ 登记部门数。有来源开放的已发布资源，或有持有效密钥的业务系统，即为已接入。",
            "Registered departments that have an announced resource or a system with a key.",
        ),
        source=(
            "部门、目录、来源和业务系统登记",
            "Registered departments, entries, sources and systems",
        ),
        lines=_connected,
        targets=(50, 90),
    ),
    Indicator(
        id="matters-online",
        title=("事项网上可办率", "Matters on line"),
        definition=(
            "网上办理深度达到规则“indicator.online-depth”所定级别的事项数 ÷ 已填报网上办理深度的事项数。",
            "Of matters whose depth on line is known, those that reach `indicator.online-depth`.",
        ),
        source=("事项登记（网上办理深度）", "Matters, depth on line"),
        lines=_online,
        targets=(50, 70, 90),
    ),
    Indicator(
        id="matters-no-trip",
        title=("零跑动事项占比", "Matters with no trip needed"),
        definition=(
            "到办事现场次数为 0 的事项数 ÷ 已填报到场次数的事项数。",
            "Matters for which nobody comes to the hall, of those whose trips are known.",
        ),
        source=("事项登记（到场次数）", "Matters, trips"),
        lines=_no_trip,
        targets=(70,),
    ),
    Indicator(
        id="matters-one-trip",
        title=("最多跑一次事项占比", "Matters with one trip at most"),
        definition=(
            "到办事现场次数不超过 1 的事项数 ÷ 已填报到场次数的事项数。",
            "Matters with one trip at most, of those whose trips are known.",
        ),
        source=("事项登记（到场次数）", "Matters, trips"),
        lines=_one_trip,
    ),
    Indicator(
        id="materials-shared",
        title=("材料共享供给率", "Materials supplied by sharing"),
        definition=(
            "免提交且有生效授权（或本部门持有）的材料数 ÷ 已登记的材料数。",
            "Of all listed materials, those not asked for that a grant, or the department, supplies.",
        ),
        source=("事项材料、目录和授权登记", "Materials of matters, entries, grants"),
        lines=_materials_shared,
    ),
    Indicator(
        id="materials-asked-again",
        title=("可共享材料重复收取率", "Materials asked again"),
        definition=(
            "仍要求申请人提交的材料数 ÷ 共享已能供给的材料数（国务院令第716号第七条、第809号第十九条）。",
            "Of materials that sharing supplies, those still asked for (716号 art. 7, 809号 art. 19).",
        ),
        source=("事项材料、目录和授权登记", "Materials of matters, entries, grants"),
        lines=_asked_again,
        targets=(0,),
        less=True,
    ),
    Indicator(
        id="answers-on-time",
        title=("共享申请按时答复率", "Answers on time"),
        definition=(
            "按时答复的申请数 ÷ 已答复或已超期的申请数，按规则表的工作日时限计算，暂停补正的时间除外。",
            "Of requests that were answered or whose time is over, those answered in time.",
        ),
        source=("共享申请的受理和答复时间", "When requests came in and were answered"),
        lines=lambda district: _terms(district.answers, district),
        targets=(100,),
    ),
    Indicator(
        id="deliveries-on-time",
        title=("同意后按时提供率", "Deliveries on time"),
        definition=(
            "按时提供的申请数 ÷ 已提供或已超期的已同意申请数，至首次成功调用为止。",
            "Of agreed requests that were delivered or are late, those whose first call came in time.",
        ),
        source=("共享申请的同意时间和首次调用", "When requests were agreed to, and the first call"),
        lines=lambda district: _terms(district.deliveries, district),
        targets=(100,),
    ),
    Indicator(
        id="speed-up",
        title=("办理提速率", "Speed-up"),
        definition=(
            "（共享前时限合计 − 承诺时限合计）÷ 共享前时限合计，仅计两项均已填报的事项。",
            "Working days saved by what is promised, of the days that it took before data was shared.",
        ),
        source=("事项登记（共享前时限、承诺时限）", "Matters, days before and promised"),
        lines=_speed_up,
        targets=(15,),
    ),
    Indicator(
        id="entries-up-to-date",
        title=("目录数据按期更新率", "Entries up to date"),
        definition=(
            "未超过更新周期的资源数 ÷ 填报了更新周期且数据有截止日期的资源数。",
            "Of resources with a cycle and a day, those whose rows are as young as promised.",
        ),
        source=("目录登记和文件装载记录", "Entries, and loads of files"),
        lines=_up_to_date,
    ),
    Indicator(
        id="entries-quality",
        title=("目录质量得分率", "Quality of entries"),
        definition=(
            "已发布目录各项得分合计 ÷ 适用指标满分合计。",
            "Points of the announced entries, of those that they could have.",
        ),
        source=("目录质量评分", "Points of the entries"),
        lines=_quality,
    ),
)

INDICATORS: Mapping[str, Indicator] = MappingProxyType({one.id: one for one in _ALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All indicators with what stands behind them."""

    lines: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)

    def value(self, indicator: str, department: str | None = None) -> Value:
        """Return an indicator of a department; None: of all."""
        wanted = [one for one in self.lines[indicator] if department in {None, one.department}]
        counted = [one for one in wanted if not one.missing]
        return Value(
            indicator=indicator,
            department=department,
            numerator=sum(one.numerator for one in counted),
            denominator=sum(one.denominator for one in counted),
            missing=len(wanted) - len(counted),
        )


def measure(district: District) -> Measured:
    """Compute all indicators."""
    return Measured(lines={one.id: tuple(one.lines(district)) for one in _ALL})


def reached(indicator: Indicator, value: Value, percent: int) -> bool | None:
    """Whether a target is reached; None: there is no data."""
    if value.share is None:
        return None
    wanted = percent * value.denominator
    return value.numerator * 100 <= wanted if indicator.less else value.numerator * 100 >= wanted


def set_target(
    indicator: str,
    percent: int,
    *,
    due: date,
    lead: str,
    departments: Mapping[str, Department],
    by: Actor,
    at: datetime,
) -> Target:
    """Return a target in the authority's name. Raises NotAllowedError, UnknownError, InvalidError."""
    officer = require_decider(by, Role.AUTHORITY)
    if indicator not in INDICATORS:
        raise UnknownError(f"indicator {indicator}, one of {', '.join(INDICATORS)} needed")
    if lead not in departments:
        raise UnknownError(f"department {lead}")
    if not 0 <= percent <= 100:
        raise InvalidError(Flaw("{0} per cent, 0 to 100 needed", percent))
    return Target(
        id=f"{indicator}@{due.isoformat()}",
        indicator=indicator,
        percent=percent,
        due=due.isoformat(),
        lead=lead,
        set_by=officer.id,
        set_at=at,
    )


def standing(targets: Sequence[Target], indicator: str) -> list[Target]:
    """Return the targets of an indicator that stand, the next due first."""
    own = [one for one in targets if one.indicator == indicator and one.state == "active"]
    return sorted(own, key=lambda one: one.due)
