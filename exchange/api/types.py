"""The static types of the management API; each stands beside what an act says."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from strawberry.scalars import JSON

T = TypeVar("T")
_RENAMED = {"sharing_class": "class"}


def made(kind: type[T], told: Mapping[str, Any]) -> T:
    """Return a type made from what an act said; members that the type does not have are left out.

    A member that the act did not say is None, and only types that allow it have such members.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # strawberry types are dataclasses
    return kind(**{name: told.get(_RENAMED.get(name, name)) for name in names})


@strawberry.type
class Department:
    code: str
    kind: str
    name: str
    name_en: str
    level: str
    region: str
    superior: str | None


@strawberry.type
class System:
    id: str
    department: str
    name: str
    zone: str
    state: str
    intake: bool
    keys: list[str]


@strawberry.type
class ResourceLine:
    code: str
    department: str
    name: str
    sharing_class: str
    field: str
    items: int
    state: str
    revision: int


@strawberry.type
class FoundResource:
    code: str
    department: str
    name: str
    name_en: str
    sharing_class: str
    state: str
    abstract: str
    items: list[str]


@strawberry.type
class Count:
    value: str
    count: int


@strawberry.type
class CatalogueSearch:
    rows: list[FoundResource]
    total: int
    counted: int
    """Up to how many rows `total` and the counts are right; one more stands for all that there may be."""
    more: bool
    classes: list[Count]
    departments: list[Count]
    loose: bool
    """Whether nothing held all the words."""


@strawberry.type
class Item:
    name: str
    title: str
    graphql: str
    type: str
    sharing_class: str
    level: int
    mask: str
    subject: str | None
    key: bool
    match: bool


@strawberry.type
class Resource:
    code: str
    name: str
    name_en: str
    department: str
    sharing_class: str
    conditions: str
    no_share_basis: list[str]
    state: str
    revision: int
    items: list[Item]


@strawberry.type
class ResourceState:
    code: str
    state: str


@strawberry.type
class Matter:
    code: str
    kind: str
    department: str
    name: str
    resources: list[str]
    state: str
    version: int
    type: str | None
    lists: list[str] | None
    online_depth: int | None
    trips: int | None
    statutory_days: int | None
    promised_days: int | None
    baseline_days: int | None


@strawberry.type
class SuppliedMaterial:
    """A material of a matter; of an earlier version it is not told how sharing stands with it now."""

    code: str
    name: str
    name_en: str
    required: bool
    origin: str
    certificate: str
    waived: bool
    reason: str
    matter: str | None
    state: str | None
    supplied_by: str | None
    source: str | None
    grant: str | None
    again: bool | None
    avoidable: bool | None


@strawberry.type
class ReadyQuery:
    """A query in a system's own contract; where there is nothing to ask, `why` says why."""

    system: str | None
    document: str | None
    digest: str | None
    left_out: list[str]
    why: str | None


@strawberry.type
class MatterVersion:
    version: int
    ended_at: str | None
    """Null: it holds."""


@strawberry.type
class MatterWhole:
    code: str
    department: str
    name: str
    version: int
    holds: bool
    materials: list[SuppliedMaterial]
    versions: list[MatterVersion]


@strawberry.type
class Proof:
    resource: str
    name: str
    name_en: str
    certificate: str | None
    department: str
    sharing_class: str
    state: str
    grant: str | None
    matters: list[str]


@strawberry.type
class Evidence:
    words: str
    proofs: list[Proof]
    query: ReadyQuery


@strawberry.type
class DuplicatesOfDepartment:
    department: str
    again: int
    avoidable: int
    materials: list[SuppliedMaterial]


@strawberry.type
class Duplicates:
    law: str
    listed: int
    matters: int
    departments: list[DuplicatesOfDepartment]


@strawberry.type
class Quality:
    resource: str
    department: str
    points: int
    most: int
    share: float
    grade: str
    dimensions: JSON


@strawberry.type
class QualityMark:
    criterion: str
    dimension: str
    points: int | None
    """Null: it does not apply."""
    most: int
    evidence: list[str]


@strawberry.type
class QualityWhole:
    resource: str
    points: int
    most: int
    share: float
    grade: str
    marks: list[QualityMark]
    next: list[str]


@strawberry.type
class IndicatorTarget:
    id: str
    indicator: str
    percent: int
    due: str
    lead: str
    state: str
    reached: bool | None


@strawberry.type
class Indicator:
    id: str
    title: str
    title_en: str
    definition: str
    definition_en: str
    source: str
    source_en: str
    numerator: int
    denominator: int
    missing: int
    share: float | None
    """Null: there is no data."""
    targets: list[IndicatorTarget]


@strawberry.type
class IndicatorLine:
    key: str
    name: str
    department: str
    numerator: int
    denominator: int
    missing: bool
    note: str


@strawberry.type
class MaterialsTaken:
    taken: bool
    differences: JSON
    misfits: JSON


@strawberry.type
class SharingRequest:
    id: str
    resource: str
    provider: str
    department: str
    systems: list[str]
    items: list[str]
    matters: list[str]
    state: str
    scenario: str
    created_at: str


@strawberry.type
class RequestState:
    id: str
    state: str
    grant: str | None
    """The grant that the law gives with the signature; null where the provider has to agree."""


@strawberry.type
class Grant:
    id: str
    resource: str
    provider: str
    department: str
    systems: list[str]
    items: list[str]
    masks: JSON
    matters: list[str]
    until: str
    state: str


@strawberry.type
class Case:
    id: str
    system: str
    matter: str
    state: str
    attested: bool
    parties: int


@strawberry.type
class LogEntry:
    index: int
    at: str
    kind: str
    consumer: str
    system: str
    provider: str
    resource: str
    matter: str
    decision: str
    code: str


@strawberry.type
class LogPage:
    entries: list[LogEntry]
    next: list[str] | None
    """What the following page is asked with; null on the last one. Numbers as text: they outgrow Int."""


@strawberry.type
class Taken:
    """What an import did, in keys."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]


@strawberry.input
class RequestInput:
    resource: str
    systems: list[str]
    items: list[str]
    match: list[str]
    matters: list[str]
    purposes: list[str]
    legal_basis: str
    scenario: str
    not_before: datetime
    not_after: datetime
    channels: list[str] = strawberry.field(default_factory=lambda: ["query"])
    daily_quota: int = 1000


@strawberry.input
class MaskInput:
    item: str
    mask: str


@strawberry.input
class TermsInput:
    """What the provider agrees to; what is left out is as it was asked."""

    items: list[str] | None = None
    match: list[str] | None = None
    masks: list[MaskInput] = strawberry.field(default_factory=list)
    max_rows: int = 100
    attested: bool | None = None
    not_after: datetime | None = None
    daily_quota: int | None = None
    daily_rows: int | None = None
    daily_subjects: int | None = None


@strawberry.input
class ItemInput:
    name: str
    title: str
    column: str
    graphql_name: str
    type: str = "text"
    sharing_class: str = "conditional"
    level: int = 2
    mask: str = "none"
    subject: str | None = None
    key: bool = False
    match: bool = False
    unit: str = ""


@strawberry.input
class ResourceInput:
    code: str
    department: str
    name: str
    name_en: str
    type_name: str
    field_name: str
    list_name: str
    source: str
    table: str
    sharing_class: str
    items: list[ItemInput]
    abstract: str = ""
    level: int = 2
    personal: bool = False
    consent: str = "none"
    single: bool = True
    protected: bool = False
    purposes: list[str] = strawberry.field(default_factory=list)
    no_share_basis: list[str] = strawberry.field(default_factory=list)
    conditions: str = ""


@strawberry.input
class MatterInput:
    code: str
    kind: str
    department: str
    name: str
    case_pattern: str = ""
    max_parties: int = 5
    relations: list[str] = strawberry.field(default_factory=list)
    resources: list[str] = strawberry.field(default_factory=list)
    type: str | None = None
    lists: list[str] | None = None
    online_depth: int | None = None
    trips: int | None = None
    statutory_days: int | None = None
    promised_days: int | None = None
    baseline_days: int | None = None


@strawberry.input
class MaterialInput:
    code: str
    name: str
    name_en: str = ""
    required: bool = True
    origin: str = "applicant"
    resource: str = ""
    certificate: str = ""
    department: str = ""
    waived: bool = False
    reason: str = ""


@strawberry.type
class Review:
    """A review of the log; of its cases and subjects there are numbers alone."""

    id: str
    document: str
    reason: str
    state: str
    sealed: bool
    departments: list[str]
    systems: list[str]
    resources: list[str]
    matters: list[str]
    cases: int
    subjects: int
    since: datetime
    until: datetime
    expires: datetime
    officers: list[str]
    conclusion: str
    entry: int | None


@strawberry.type
class ReviewSample:
    """All that draws the sample again (docs/reviews.md)."""

    id: str
    seed: str
    words: str
    count: int
    size: int
    population: int
    digest: str
    drawn: list[int]
    entry: int | None


@strawberry.type
class ReviewVerdict:
    id: str
    about: int
    verdict: str
    finding: str
    given_by: str
    entry: int | None


@strawberry.type
class ReviewQuestion:
    id: str
    department: str
    about: list[int]
    text: str
    due: str
    provisional: bool
    overdue: bool
    answer: str | None
    entry: int | None


@strawberry.type
class ReviewWhole(Review):
    """A review with what was drawn, found and asked. Looking at it is itself an entry."""

    samples: list[ReviewSample]
    verdicts: list[ReviewVerdict]
    questions: list[ReviewQuestion]
