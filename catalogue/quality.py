"""How well an entry is kept, by the points of the European metadata quality assessment (MQA). Decides only.

405 points in five dimensions, each criterion with the evidence for it; what does not apply to an entry is
told as that and counts neither way. Beside the points stand how timely, how complete and how live it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from catalogue import files
from catalogue.classification import classify
from catalogue.flags import Flag
from catalogue.metadata import CYCLE_DAYS, InformationFormat, SharingMethod
from catalogue.model import Department, Item, ItemType, Resource, SharingClass, SourceAddress
from catalogue.workdays import ZONE


class Dimension(StrEnum):
    FINDABILITY = "findability"
    ACCESSIBILITY = "accessibility"
    INTEROPERABILITY = "interoperability"
    REUSABILITY = "reusability"
    CONTEXT = "context"
    TIMELINESS = "timeliness"
    COMPLETENESS = "completeness"
    LIVE = "live"


BESIDE = frozenset({Dimension.TIMELINESS, Dimension.COMPLETENESS, Dimension.LIVE})
"""Told beside the 405 points: each is a share of 100 of its own."""


class Grade(StrEnum):
    """As the MQA words it, by the share of the points that apply."""

    EXCELLENT = "excellent"
    GOOD = "good"
    SUFFICIENT = "sufficient"
    POOR = "poor"


_GRADES = ((351, Grade.EXCELLENT), (221, Grade.GOOD), (121, Grade.SUFFICIENT), (0, Grade.POOR))
WHOLE = 405


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything about an entry that is looked at."""

    resource: Resource
    department: Department | None
    """None: the one that it names is not registered."""
    source: SourceAddress | None
    """None: it names none that is registered."""
    flag: Flag | None
    """What calls met at its source; None: nothing is wrong that anybody saw."""
    failing: bool
    """Whether reads of the source failed so often lately that it is left alone."""
    answered_for: bool
    """Whether the department has an officer who can answer."""
    at: datetime

    @property
    def served(self) -> bool:
        """Whether records are ever given: not where a law forbids it, nor of what others hold above."""
        held = self.resource
        return held.sharing_class is not SharingClass.NOT_SHARED and held.upstream is None

    @property
    def as_of(self) -> date | None:
        """The day whose state the rows tell; None: they are read where they are kept."""
        if self.source is None or self.source.kind != files.KIND:
            return None
        return files.parse_address(self.source.address).as_of

    @property
    def cycle_days(self) -> int | None:
        """How old rows may be; None: no cycle was announced, or an irregular one."""
        held = self.resource
        if held.update_days is not None:
            return held.update_days
        return None if held.update_cycle is None else CYCLE_DAYS.get(held.update_cycle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One criterion of one entry."""

    criterion: str
    dimension: Dimension
    most: int
    points: int | None
    """None: it does not apply to this entry."""
    evidence: tuple[str, ...] = ()
    """What was found, as it stands in the entry; empty: nothing."""

    @property
    def lost(self) -> int:
        return 0 if self.points is None else self.most - self.points


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """All criteria of one entry."""

    resource: str
    department: str
    marks: tuple[Mark, ...]

    @property
    def points(self) -> int:
        return sum(mark.points or 0 for mark in self.counted)

    @property
    def most(self) -> int:
        """What the entry could have: the points of all criteria that apply."""
        return sum(mark.most for mark in self.counted if mark.points is not None)

    @property
    def counted(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if mark.dimension not in BESIDE)

    @property
    def share(self) -> float:
        return self.points / self.most if self.most else 0.0

    @property
    def grade(self) -> Grade:
        return next(grade for least, grade in _GRADES if self.share * WHOLE >= least)

    def of(self, dimension: Dimension) -> tuple[int, int]:
        """Return points and most of a dimension; most 0: nothing of it applies."""
        applying = [m for m in self.marks if m.dimension is dimension and m.points is not None]
        return sum(m.points or 0 for m in applying), sum(m.most for m in applying)

    def next(self) -> tuple[Mark, ...]:
        """What to mend first: where most is lost."""
        lost = [mark for mark in self.marks if mark.lost]
        return tuple(sorted(lost, key=lambda mark: (mark.dimension in BESIDE, -mark.lost)))


Found = tuple[str, ...] | None
"""Evidence for a criterion; empty: nothing was found; None: it does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Criterion:
    id: str
    dimension: Dimension
    most: int
    look: Callable[[Facts], Found]


def assess(facts: Facts) -> Score:
    """Mark one entry."""
    marks = [
        Mark(
            criterion=one.id,
            dimension=one.dimension,
            most=one.most,
            points=None if found is None else one.most if found else 0,
            evidence=found or (),
        )
        for one in CRITERIA
        for found in (one.look(facts),)
    ]
    marks += [_timely(facts), _complete(facts), _live(facts)]
    held = facts.resource
    return Score(resource=held.code, department=held.department, marks=tuple(marks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """One thing to mend in several entries."""

    criterion: str
    dimension: Dimension
    entries: tuple[str, ...]
    points: int
    """That are lost over all of them."""


def mends(scores: Iterable[Score]) -> tuple[Mend, ...]:
    """Return what to mend next in a department's entries, or in all: where most is lost."""
    lost: Counter[tuple[Dimension, str]] = Counter()
    entries: dict[tuple[Dimension, str], list[str]] = {}
    for score in scores:
        for mark in score.next():
            lost[mark.dimension, mark.criterion] += mark.lost
            entries.setdefault((mark.dimension, mark.criterion), []).append(score.resource)
    return tuple(
        Mend(criterion=place[1], dimension=place[0], entries=tuple(entries[place]), points=points)
        for place, points in sorted(
            lost.items(), key=lambda one: (one[0][0] in BESIDE, -one[1], one[0][1])
        )
    )


def mean_share(scores: Sequence[Score]) -> float | None:
    """Return the mean share of points; None where there is no entry."""
    return sum(score.share for score in scores) / len(scores) if scores else None


def late_on(facts: Facts) -> date | None:
    """Return the first day on which the rows are too old; None: nobody promised, or they are read live."""
    if facts.as_of is None or facts.cycle_days is None:
        return None
    return facts.as_of + timedelta(days=facts.cycle_days + 1)


def _words(*texts: str) -> Found:
    return tuple(text for text in texts if text.strip())


def _if_served(look: Callable[[Facts], Found]) -> Callable[[Facts], Found]:
    return lambda facts: look(facts) if facts.served else None


def _category(facts: Facts) -> Found:
    found = classify(facts.resource.code)
    return () if found is None else (found.prefixes[-1],)


def _region(facts: Facts) -> Found:
    return () if facts.department is None else _words(facts.department.region)


def _period(facts: Facts) -> Found:
    cycle = facts.resource.update_cycle
    day = "" if facts.as_of is None else facts.as_of.isoformat()
    return _words("" if cycle is None else cycle.value, day)


def _answers(facts: Facts) -> Found:
    return () if _trouble(facts) else (facts.resource.source,)


def _trouble(facts: Facts) -> str:
    """Say why the source does not answer; empty: nobody knows of anything."""
    source = facts.source
    if source is None:
        return "no-source"
    if source.state != "active":
        return source.state
    if source.rests_until is not None and facts.at < source.rests_until:
        return "resting"
    if facts.flag is not None:
        return facts.flag.code
    return "failing" if facts.failing else ""


_FILES = frozenset({SharingMethod.TABLE, SharingMethod.FILE})


def _download(facts: Facts) -> Found:
    """Records as files are offered, where the entry says that they are at all."""
    if not _FILES & set(facts.resource.methods):
        return None
    return tuple(one.media_type or one.method.value for one in facts.resource.distributions)


def _download_answers(facts: Facts) -> Found:
    return None if not _FILES & set(facts.resource.methods) else _answers(facts)


def _format(facts: Facts) -> Found:
    held = facts.resource
    return _words(held.format_name, "" if held.format is None else held.format.value)


def _media(facts: Facts) -> Found:
    held = facts.resource
    told = ["application/json"] if SharingMethod.INTERFACE in held.methods else []
    return tuple(told + [one.media_type for one in held.distributions if one.media_type])


_OPEN_FORMATS = frozenset(
    ["csv", "json", "jsonl", "xml", "xlsx", "ods", "parquet", "geojson", "txt", "pdf", "ofd", "sql"]
)


def _open_format(facts: Facts) -> Found:
    """The exchange gives records as JSON, whatever holds them; of a file it is the file's own format."""
    held = facts.resource
    if SharingMethod.INTERFACE in held.methods:
        return ("JSON",)
    named = held.format_name.casefold().lstrip(".")
    return (held.format_name,) if named in _OPEN_FORMATS else ()


_READABLE = frozenset(
    {
        InformationFormat.DATABASE,
        InformationFormat.SPREADSHEET,
        InformationFormat.SELF_DESCRIBED,
    }
)


def _machine_readable(facts: Facts) -> Found:
    held = facts.resource
    if SharingMethod.INTERFACE in held.methods:
        return ("GraphQL",)
    return (held.format.value,) if held.format in _READABLE else ()


def _vocabulary(facts: Facts) -> Found:
    return () if facts.resource.format is None else (facts.resource.format.value,)


def _dcat(facts: Facts) -> Found:
    """What DCAT-AP 3 has every data set say: title, description, publisher."""
    held = facts.resource
    told = (held.name, held.abstract, "" if facts.department is None else facts.department.name)
    return told if all(text.strip() for text in told) else ()


def _conditions(facts: Facts) -> Found:
    held = facts.resource
    match held.sharing_class:
        case SharingClass.UNCONDITIONAL:
            return (held.sharing_class.value,)
        case SharingClass.CONDITIONAL:
            return _words(held.conditions)
        case SharingClass.NOT_SHARED:
            return tuple(held.no_share_basis)


def _openness(facts: Facts) -> Found:
    return () if facts.resource.openness is None else (facts.resource.openness.value,)


def _contact(facts: Facts) -> Found:
    contact = facts.resource.contact
    if contact is not None:
        return _words(contact.unit, contact.telephone, contact.email)
    return ("officer",) if facts.answered_for else ()


def _size(facts: Facts) -> Found:
    if facts.source is None or facts.source.kind != files.KIND:
        return None
    return (str(files.parse_address(facts.source.address).rows),)


def _issued(facts: Facts) -> Found:
    day = facts.resource.published_on
    return () if day is None else (day.isoformat(),)


def _modified(facts: Facts) -> Found:
    return None if facts.as_of is None else (facts.as_of.isoformat(),)


_F, _A, _I = Dimension.FINDABILITY, Dimension.ACCESSIBILITY, Dimension.INTEROPERABILITY
_R, _C = Dimension.REUSABILITY, Dimension.CONTEXT


def _criterion(
    id_: str, dimension: Dimension, most: int, look: Callable[[Facts], Found]
) -> _Criterion:
    return _Criterion(id=id_, dimension=dimension, most=most, look=look)


CRITERIA: tuple[_Criterion, ...] = (
    _criterion("keywords", _F, 30, lambda facts: _words(*facts.resource.keywords)),
    _criterion("category", _F, 30, _category),
    _criterion("region", _F, 20, _region),
    _criterion("period", _F, 20, _period),
    _criterion("access-answers", _A, 50, _if_served(_answers)),
    _criterion("download", _A, 20, _if_served(_download)),
    _criterion("download-answers", _A, 30, _if_served(_download_answers)),
    _criterion("format", _I, 20, _format),
    _criterion("media-type", _I, 10, _if_served(_media)),
    _criterion("format-vocabulary", _I, 10, _vocabulary),
    _criterion("open-format", _I, 20, _if_served(_open_format)),
    _criterion("machine-readable", _I, 20, _if_served(_machine_readable)),
    _criterion("dcat", _I, 30, _dcat),
    _criterion("conditions", _R, 20, _conditions),
    _criterion("class-vocabulary", _R, 10, lambda facts: (facts.resource.sharing_class.value,)),
    _criterion("openness", _R, 10, _openness),
    _criterion("openness-vocabulary", _R, 5, _openness),
    _criterion("contact", _R, 20, _contact),
    _criterion(
        "publisher",
        _R,
        10,
        lambda facts: () if facts.department is None else _words(facts.department.name),
    ),
    _criterion("rights", _C, 5, lambda facts: tuple(facts.resource.purposes)),
    _criterion("size", _C, 5, _size),
    _criterion("issued", _C, 5, _issued),
    _criterion("modified", _C, 5, _modified),
)


def _timely(facts: Facts) -> Mark:
    """Whether the rows are as young as the cycle promises. Rows that are read live are never old."""
    late, cycle = late_on(facts), facts.cycle_days
    told = () if cycle is None else (str(cycle),)
    points: int | None = None
    if late is not None:
        points = 100 if facts.at.astimezone(ZONE).date() < late else 0
        told = (*told, late.isoformat())
    return Mark(
        criterion="timely",
        dimension=Dimension.TIMELINESS,
        most=100,
        points=points,
        evidence=told,
    )


def _complete(facts: Facts) -> Mark:
    """What share of what an item should say its items say."""
    told = [one for item in facts.resource.items for one in _said_of(item)]
    missing = [item.name for item in facts.resource.items if not all(_said_of(item))]
    return Mark(
        criterion="items",
        dimension=Dimension.COMPLETENESS,
        most=100,
        points=sum(told) * 100 // len(told) if told else None,
        evidence=tuple(missing[:20]),
    )


def _said_of(item: Item) -> list[bool]:
    """A title of its own, one in English, and what its values are; of text, how long it is."""
    said = [
        bool(item.title.strip()) and item.title != item.column,
        bool(item.title_en.strip()),
        bool(item.description or item.data_element or item.code_list or item.codes),
    ]
    return [*said, item.length is not None] if item.type is ItemType.TEXT else said


def _live(facts: Facts) -> Mark:
    trouble = _trouble(facts) if facts.served else ""
    return Mark(
        criterion="answers",
        dimension=Dimension.LIVE,
        most=100,
        points=None if not facts.served else 0 if trouble else 100,
        evidence=(trouble,) if trouble else (),
    )
