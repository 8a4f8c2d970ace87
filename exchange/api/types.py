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
class Code:
    value: str
    title: str
    title_en: str


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
    unit: str
    title_en: str
    description: str
    length: int | None
    data_element: str
    code_list: str
    codes: list[Code]
    sensitivity: str
    basic: bool
    thresholds: list[str]


@strawberry.type
class Check:
    conclusion: str
    words: str
    file: str
    digest: str
    at: str


@strawberry.type
class ReturnReason:
    code: str
    about: str
    text: str


@strawberry.type
class Return:
    at: str
    state: str
    revision: int
    reasons: list[ReturnReason]


@strawberry.type
class Contact:
    unit: str
    telephone: str
    email: str


@strawberry.type
class Distribution:
    method: str
    title: str
    media_type: str


@strawberry.type
class Upstream:
    holder: str
    way_to_ask: str
    letter: str


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
    abstract: str
    level: int
    classification: list[str]
    """Codes of its levels, from 类 down; empty where the code follows another scheme."""
    purposes: list[str]
    keywords: list[str]
    format: str | None
    format_name: str
    methods: list[str]
    recipients: list[str]
    openness: str | None
    open_conditions: str
    update_cycle: str | None
    update_days: int | None
    published_on: str | None
    related: list[str]
    data_class: str | None
    base_data: str | None
    distributions: list[Distribution]
    contact: Contact | None
    upstream: Upstream | None
    personal: bool
    gaps: list[str]
    """Names of the core metadata that nobody filled in yet."""
    secrecy: Check | None
    """As the two below: for the entry's department and the authority; null for others."""
    assessment: Check | None
    returns: list[Return] | None


@strawberry.type
class Examined:
    code: str
    state: str
    missing: list[str]
    """What still keeps the entry from being signed."""


@strawberry.input
class ReturnReasonInput:
    code: str
    text: str
    about: str = ""


@strawberry.type
class Revision:
    revision: int
    announced_at: str
    restored_from: int | None
    changes: int | None
    """How much differs from the revision before; null for the first."""
    entry: int | None


@strawberry.type
class Change:
    kind: str
    item: str
    title: str
    member: str
    member_zh: str
    member_en: str
    was: str
    becomes: str


@strawberry.type
class HitGrant:
    grant: str
    department: str
    systems: list[str]


@strawberry.type
class HitMatter:
    matter: str
    name: str
    department: str


@strawberry.type
class Impact:
    """What a withdrawal hits."""

    code: str
    state: str
    grants: list[HitGrant]
    matters: list[HitMatter]
    departments: list[str]
    seen: str
    """Mark of this list, to be given when withdrawing."""


@strawberry.type
class News:
    kind: str
    resource: str
    revision: int
    name: str
    department: str
    at: str
    entry: int | None


@strawberry.type
class ItemHolder:
    resource: str
    department: str
    item: str
    title: str


@strawberry.type
class ItemCollision:
    """An item that several departments registered, without a designated source."""

    meaning: str
    title: str
    holders: list[ItemHolder]


@strawberry.type
class ItemSource:
    meaning: str
    department: str
    entry: int | None


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
class Clock:
    """What runs for a request: by which rule, until when. `citation` is null for a rule that no text sets."""

    stage: str
    rule: str
    citation: str | None
    due: str
    provisional: bool
    paused: bool
    late: bool
    left: int


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
    basket: str | None
    acceptance: str | None
    clock: Clock | None


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
    max_rows: int
    daily_quota: int
    daily_rows: int | None
    daily_subjects: int | None
    until: str
    state: str
    revision: int
    resumes_at: str | None
    return_flow: str | None
    ended_for: str | None
    went_out: list[str]
    destroyed: bool | None


@strawberry.type
class Amendment:
    id: str
    grant: str
    items: list[str]
    match: list[str]
    matters: list[str]
    systems: list[str]
    max_rows: int | None
    daily_quota: int
    daily_rows: int | None
    """None: no bound of its own, where `changes` has it."""
    daily_subjects: int | None
    """As above."""
    until: str
    changes: list[str]
    """The terms that it changes; the others stay as the grant has them."""
    reason: str
    state: str
    proposed_by_department: str
    consumer_signed: bool
    provider_signed: bool


@strawberry.type
class Correction:
    id: str
    entry: str | None
    """Number of the entry of the call that gave the value, as text: numbers outgrow Int."""
    resource: str
    item: str
    provider: str
    department: str
    state: str
    due: str
    provisional: bool
    late: bool
    informed: list[str]
    corrected: bool | None


@strawberry.type
class DisputeStep:
    tier: str
    kind: str
    department: str
    at: str
    text: str
    document: str | None


@strawberry.type
class Dispute:
    id: str
    about_kind: str
    about: str
    resource: str
    claimant: str
    respondent: str
    tier: str
    state: str
    decided: bool
    steps: list[DisputeStep]


@strawberry.type
class Violation:
    kind: str
    department: str
    resource: str
    record: str
    key: str
    entry: str | None
    on: str
    rule: str
    detail: str


@strawberry.type
class Demand:
    id: str
    department: str
    words: str
    need: str
    filed_at: str
    resource: str | None
    answer: str | None


@strawberry.type
class Notice:
    id: str
    kind: str
    about: str
    resource: str
    at: str
    seen: bool


@strawberry.type
class Deputy:
    id: str
    department: str
    post: str
    begins: str
    ends: str
    stands: bool | None


@strawberry.type
class LawRule:
    rule: str
    value: int
    unit: str
    citation: str
    first_day: str
    last_day: str | None
    provisional: bool


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
    volume: int | None = None


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
class CodeInput:
    value: str
    title: str
    title_en: str = ""


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
    title_en: str = ""
    description: str = ""
    length: int | None = None
    data_element: str = ""
    code_list: str = ""
    codes: list[CodeInput] = strawberry.field(default_factory=list)
    sensitivity: str = "ordinary"
    basic: bool = False
    thresholds: list[str] = strawberry.field(default_factory=list)


@strawberry.input
class ContactInput:
    unit: str
    telephone: str = ""
    email: str = ""


@strawberry.input
class DistributionInput:
    method: str
    title: str = ""
    media_type: str = ""


@strawberry.input
class UpstreamInput:
    holder: str
    way_to_ask: str
    letter: str = ""


@strawberry.input
class UpstreamResourceInput:
    """A resource that a body above holds and that is not connected here; `items` are titles."""

    code: str
    name: str
    holder: str
    way_to_ask: str
    items: list[str]
    letter: str = ""
    key: str | None = None
    name_en: str = ""
    abstract: str = ""
    conditions: str = ""


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
    keywords: list[str] = strawberry.field(default_factory=list)
    format: str | None = None
    format_name: str = ""
    methods: list[str] = strawberry.field(default_factory=list)
    recipients: list[str] = strawberry.field(default_factory=list)
    openness: str | None = None
    open_conditions: str = ""
    update_cycle: str | None = None
    update_days: int | None = None
    related: list[str] = strawberry.field(default_factory=list)
    data_class: str | None = None
    base_data: str | None = None
    secrecy: str = "none"
    distributions: list[DistributionInput] = strawberry.field(default_factory=list)
    contact: ContactInput | None = None
    upstream: UpstreamInput | None = None


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
class CheckedSample(ReviewSample):
    """A recorded sample, drawn again."""

    holds: bool


@strawberry.type
class ReviewOpening:
    """Leave to open what an entry keeps closed: that it is, and never what it opens."""

    id: str
    about: int
    names: list[str]
    reason: str
    asked_by: str
    confirmed_by: str | None
    entry: int | None


@strawberry.type
class OpenedValue:
    name: str
    value: str


@strawberry.type
class OpenedIdentity:
    """What an opening opened; `gone` names what was erased."""

    id: str
    about: int
    opened: list[OpenedValue]
    gone: list[str]


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
    """A review with what was drawn, found, opened and asked. Looking at it is itself an entry."""

    samples: list[ReviewSample]
    verdicts: list[ReviewVerdict]
    openings: list[ReviewOpening]
    questions: list[ReviewQuestion]


@strawberry.type
class ReviewReport:
    """A review's report; `bundle` is the evidence bundle (ZIP) in base64."""

    report: ReviewWhole
    bundle: str
    entries: list[int]
    enclosed: int
    size: int
    without_policy: list[str]


@strawberry.input
class SubjectInput:
    type: str
    identifier: str


@strawberry.input
class ReviewInput:
    """A review to propose; of several bounds each has to hold, and one at least is needed."""

    document: str
    reason: str
    since: datetime
    until: datetime
    expires: datetime
    officers: list[str]
    """Ids or staff numbers."""
    departments: list[str] = strawberry.field(default_factory=list)
    systems: list[str] = strawberry.field(default_factory=list)
    resources: list[str] = strawberry.field(default_factory=list)
    matters: list[str] = strawberry.field(default_factory=list)
    cases: list[str] = strawberry.field(default_factory=list)
    subjects: list[SubjectInput] = strawberry.field(default_factory=list)
    sealed: bool = False
