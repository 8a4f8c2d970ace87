"""The question put to the decision point and the decision that comes back, as wire types.

A question is closed: every member is required and absence is an explicit null or empty list
(schema `exchange.input/1`). A decision is taken literally: a member that is not known here, another
schema, or a request without a verdict is a refusal (schema `exchange.decision/1`).
"""

from typing import Any, Literal

import msgspec

QUESTION_SCHEMA = "exchange.input/1"
DECISION_SCHEMA = "exchange.decision/1"

Channel = Literal["query", "bulk", "verify"]
Condition = dict[str, Any]


class Wire(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False
):
    """A wire type: frozen, keyword-only, and strict about members that it does not know."""


class Network(Wire, frozen=True, kw_only=True):
    zone: str


class CallerFacts(Wire, frozen=True, kw_only=True):
    """Who calls. `auth` is how: `signature` and `dpop` are bound to a key, `bearer` is not."""

    department: str
    system: str
    region: str
    auth: Literal["signature", "dpop", "bearer"]


class OfficerFacts(Wire, frozen=True, kw_only=True):
    """The officer behind the call. `digest` is a per-call token, `authn_level` 0 (declared) to 3."""

    digest: str
    authn_level: int
    clearance: int


class UsageFacts(Wire, frozen=True, kw_only=True):
    matter: str
    purpose: Literal[
        "administrative-basis", "work-reference", "data-checking", "business-coordination"
    ]
    legal_basis: list[str]
    operation: str
    """SHA-256 of the document, hex: what a grant of trusted operations is compared with."""


class CaseFacts(Wire, frozen=True, kw_only=True):
    """The case that the call names, as the registry knows it; null where there is none."""

    state: Literal["open", "paused", "closed"]
    matter: str
    system: str
    attested: bool
    parties: int


class SubjectFacts(Wire, frozen=True, kw_only=True):
    """Whom a request is about. `digest` is a per-call token, never an identifier.

    `relation` is `party`, `stranger`, `link:<resource>.<item>` where the subject is reached from a
    record of this same call and not known before it is read, or `all` where every record is read (bulk).
    """

    type: Literal["enterprise", "person", "project", "parcel"]
    digest: str | None
    relation: str
    consents: list[str]
    """Codes of the resources for which this subject's consent is in force."""


class RequestFacts(Wire, frozen=True, kw_only=True):
    ref: str
    resource: str
    items: list[str]
    """Items to be read."""
    matched: list[str]
    """Items used in a key, filter, order or claim: they need *match*, granted apart from *read*."""
    filters: list[str]
    """Those of the matched items by which records are let through; each must be given in full."""
    orders: list[str]
    """Those of the matched items by which records are ordered; as for filters."""
    limit: int
    subject: SubjectFacts | None


class ItemFacts(Wire, frozen=True, kw_only=True):
    sharing_class: str = msgspec.field(name="class")
    level: int
    mask: str
    """The mask that the publisher demands (`none` where the item may be given as it is)."""
    match: bool
    """Whether the publisher allows the item in keys, filters and claims."""


class ResourceFacts(Wire, frozen=True, kw_only=True):
    owner: str
    sharing_class: str = msgspec.field(name="class")
    status: str
    level: int
    personal: bool
    consent: Literal["none", "required"]
    no_share_basis: list[str]
    purposes: list[str]
    """Purposes that the publisher allows; an empty list allows none."""
    items: dict[str, ItemFacts]


class MatterFacts(Wire, frozen=True, kw_only=True):
    department: str
    status: str
    relations: list[str]
    """Links a case of this matter may follow to a subject who is no party: `<resource>.<item>`."""


class RowCondition(Wire, frozen=True, kw_only=True):
    """One condition on a row; `value` is bound, never text of a statement."""

    item: str
    op: Literal["eq", "ne", "in", "prefix", "lt", "le", "gt", "ge", "between"]
    value: Any


class GrantFacts(Wire, frozen=True, kw_only=True):
    id: str
    resource: str
    department: str
    systems: list[str]
    channels: list[str]
    matters: list[str]
    purposes: list[str]
    items: list[str]
    match: list[str]
    masks: dict[str, str]
    """The mask of *every* item in `items`, `none` where the grant demands none: a mask that got lost
    must not look like a mask that was never asked for."""
    rows: list[RowCondition]
    max_rows: int
    not_before: int
    not_after: int
    """First second at which the grant no longer holds (epoch seconds, exclusive)."""
    daily_quota: int
    used_today: int
    status: str
    attested: bool
    """Whether a case must be attested, not only declared."""
    operations: list[str]
    """SHA-256 of the trusted documents that the grant covers; `["*"]` means any document, an empty
    list none, so that losing an element never widens the grant."""


class Question(Wire, frozen=True, kw_only=True):
    """One question for all requests of one operation (`exchange.input/1`)."""

    schema: str
    now: int
    """Epoch seconds."""
    hour: int
    """Hour of the day where the exchange stands, 0 to 23."""
    channel: Channel
    network: Network
    caller: CallerFacts
    officer: OfficerFacts
    usage: UsageFacts
    case: CaseFacts | None
    requests: list[RequestFacts]
    catalogue: dict[str, ResourceFacts]
    matters: dict[str, MatterFacts]
    grants: list[GrantFacts]


class Reason(Wire, frozen=True, kw_only=True):
    rule: str
    code: str
    legal_basis: list[str]
    detail: Any = None


class ItemVerdicts(Wire, frozen=True, kw_only=True):
    allowed: list[str]
    masked: dict[str, str]
    denied: dict[str, str]


class RowFilter(Wire, frozen=True, kw_only=True):
    all: list[RowCondition]


class Obligation(Wire, frozen=True, kw_only=True):
    """What the gateway must do with a permitted request; an unknown type refuses it.

    `parties-only`: a subject reached by a link must be a party of the case, else the step is refused.
    `no-store`: the answer is never cached. `protect-existence`: not found and refused look alike.
    """

    type: Literal["parties-only", "no-store", "protect-existence"]


class Verdict(Wire, frozen=True, kw_only=True):
    """The decision on one request. A refusal carries no items, filter or obligations."""

    allow: bool
    code: str
    resource: str
    reasons: list[Reason]
    grant: str | None = None
    items: ItemVerdicts | None = None
    row_filter: RowFilter | None = None
    max_rows: int | None = None
    obligations: list[Obligation] = []


class Decision(Wire, frozen=True, kw_only=True):
    schema: str
    revision: str
    expires: int
    allow: bool
    code: str
    resources: dict[str, Verdict]
    valid_until: int
