"""A request for sharing: what is asked for, in which state it is, and what was said on its way."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RequestState(StrEnum):
    DRAFT = "draft"
    RETURNED = "returned"
    """The head of the requesting department gave it back, with every reason at once."""
    CHECKING = "checking"
    """The authority checks its form, where the rule table has that stage."""
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    """The provider took it up: it has an acceptance number and somebody to talk to."""
    SUPPLEMENT = "supplement"
    """The provider asked for supplements, once; the requesting department has to answer."""
    TRANSFERRED = "transferred"
    """Passed on to another provider, who has to answer in what is left of the time."""
    OVERDUE = "overdue"
    """Nobody answered in time. It is never granted by that; the authority was told."""
    AGREED = "agreed"
    PARTLY_AGREED = "partly-agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    DELIVERED = "delivered"
    """The first call under its grant was answered."""
    ENDED = "ended"
    """Its grant holds no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who did a step of a request, when, and in which words."""

    by: str
    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that supports a request; it lies in the home under its digest."""

    name: str
    digest: str
    """SHA-256, hex."""
    size: int
    media: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """More time to answer: asked for by the provider, and none without the authority's consent."""

    days: int
    asked: Said
    answered: Said | None = None
    """None while the authority has not said."""
    consented: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A request that was passed on: from which resource of whom."""

    resource: str
    provider: str
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a request went. Its clocks are computed from these moments, never kept; None: not happened."""

    basket: str | None = None
    """Number that the requests of one basket have in common."""
    volume: int | None = None
    """Records that are expected to be asked for in a month; None: nothing was said."""
    attachments: tuple[Attachment, ...] = ()
    returned: Said | None = None
    checked: Said | None = None
    received_at: datetime | None = None
    """When the provider's clock began: signed off, and past the form check where there is one."""
    accepted: Said | None = None
    acceptance: str = ""
    contact: str = ""
    """Whom the requesting department can ask, as the provider wrote it."""
    asked: Said | None = None
    given: Said | None = None
    moves: tuple[Move, ...] = ()
    extension: Extension | None = None
    decided_at: datetime | None = None
    overdue_at: datetime | None = None
    """When nobody had answered in time; it stays, whatever is decided later."""
    delivered_at: datetime | None = None
    delivered_entry: int | None = None
    """Entry of the first call that was answered."""
    handed_over: Said | None = None
    """How what is held above came to the requesting department: no call of it is ever answered here."""
    undelivered_at: datetime | None = None
    """When nothing had been delivered in time; it stays as well."""
    withdrawn: Said | None = None
    ended: Said | None = None
    """Why its grant holds no more: `text` is the reason's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRequest:
    """共享申请: what a consumer asks of a provider, for which matters and how long."""

    id: str
    resource: str
    department: str
    systems: tuple[str, ...]
    items: tuple[str, ...]
    match: tuple[str, ...]
    matters: tuple[str, ...]
    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    legal_basis: str
    scenario: str
    not_before: datetime
    not_after: datetime
    daily_quota: int
    state: RequestState
    created_by: str
    created_at: datetime
    signed_by: str | None = None
    """Second person of the requesting unit; None until signed off."""
    decided_by: str | None = None
    """Officer of the provider; None until decided."""
    refusal: str = ""
    refusal_code: str | None = None
    """Why it was refused, as a code; None until refused, or where only words were given."""
    refusal_basis: str | None = None
    """The law that the refusal rests on; None as above."""
    supplement_asked: str | None = None
    """What the provider asked to be supplemented; None until it has, and it does so once (809)."""
    supplement_given: str | None = None
    """The requesting department's answer; None until it answered."""
    course: Course | None = None
    """None: a request of an older home, of whose way nothing more is known."""

    @property
    def way(self) -> Course:
        """How it went, as far as that is known."""
        return self.course or Course()
