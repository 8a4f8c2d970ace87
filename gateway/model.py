"""The stages of a call, each a type.

A stage can be built only from the one before it, so a step that was never put to the decision point
cannot be fetched, rows that were never masked cannot be given, and nothing is answered unrecorded.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from audit.entry import Nonce, Sequenced
from catalogue.model import Case, Item, Officer, Resource, SubjectType, System
from policies.model import Verdict

Where = tuple[str | int, ...]
"""A place in the data: response keys and list positions."""

Row = Mapping[str, Any]
"""One record: item name → value in the types of `gateway.formats`."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a call consists of. Made by msgspec, like its stages: each call makes a dozen."""


class Usage(Part, frozen=True, kw_only=True):
    """用证信息: why the call is made (RULES: matter, case, purpose, reason, operator are all required)."""

    matter: str
    case: str
    purpose: str
    reason: str
    operator: str
    """Staff number of the caller's department, or `system:<name>`."""
    retry_of: int | None = None


class Caller(Part, frozen=True, kw_only=True):
    """Who asks. Never the subject. Everything here was established, not claimed."""

    system: System
    region: str
    auth: str
    """`signature`, `dpop` or `bearer`."""
    key: str
    """Id of the system's key."""
    officer: Officer | None
    """None only for unattended jobs of a system with a responsible officer."""
    operator_auth: str
    """How the operator was established: `declared`, `session` or `system-job`."""
    nonce: Nonce
    request_base: bytes
    """Signature base (RFC 9421, 2.5) or token proof as received: what the caller signed."""
    request_signature: bytes

    def __repr__(self) -> str:
        return f"Caller({self.system.id}, {self.auth}, {self.operator_auth})"


class Call(Part, frozen=True, kw_only=True):
    """One authenticated request before anything is planned."""

    number: str
    """Call number, `call_` and UUIDv7: sent to every source."""
    caller: Caller
    usage: Usage
    case: Case | None
    body: bytes
    query: str
    operation_name: str | None
    variables: Mapping[str, Any]
    received_ms: int
    """Epoch milliseconds."""
    whole: bool = False
    """All or nothing: where one part cannot be given, none is (`Exchange-Partial: deny`)."""

    def of_case(self, case: Case | None) -> "Call":
        """Return the call with its case as the log vouches for it."""
        return msgspec.structs.replace(self, case=case)

    def __repr__(self) -> str:
        return f"Call({self.number})"


class GivenKey(Part, frozen=True, kw_only=True):
    """The step's key was an argument of the call."""

    item: Item
    value: str

    def __repr__(self) -> str:
        return f"GivenKey({self.item.name})"


class LinkedKey(Part, frozen=True, kw_only=True):
    """The step's key is an item of another step's records."""

    item: Item
    parent: str
    """`ref` of the step read before."""
    parent_item: Item


class FoundKey(Part, frozen=True, kw_only=True):
    """The step's key is a number of the record itself: whom it is about is known once it is read."""

    item: Item
    value: str

    def __repr__(self) -> str:
        return f"FoundKey({self.item.name})"


FilterOperator = Literal["eq", "in", "prefix", "ge", "gt", "le", "lt"]


class Filter(Part, frozen=True, kw_only=True):
    """A condition by which the call itself lets records through."""

    item: Item
    op: FilterOperator
    value: Any
    """As `gateway.formats` writes it; a tuple of such values for `in`."""

    def __repr__(self) -> str:
        return f"Filter({self.item.name} {self.op})"


class Order(Part, frozen=True, kw_only=True):
    item: Item
    descending: bool = False


class Listed(Part, frozen=True, kw_only=True):
    """The step has no key: it lists records, page by page."""

    item: Item
    """Tells each record from all others, and ends every order."""
    orders: tuple[Order, ...]
    """From the first to the last; the last is the unique item's at the latest."""
    after: tuple[Any, ...] | None = None
    """The place of the last record of the page before, a value an order; None: from the beginning."""
    bound: bytes = b""
    """What the cursors of this list are sealed with."""

    def __repr__(self) -> str:
        return f"Listed({', '.join(order.item.name for order in self.orders)})"


class EveryKey(Part, frozen=True, kw_only=True):
    """The step names nobody: one page of all records, in the order of the key (channel `bulk`)."""

    item: Item
    after: str | None = None
    """The key, as the source spells it, that the page before ended with; None begins."""

    def __repr__(self) -> str:
        return f"EveryKey({self.item.name})"


class Claim(Part, frozen=True, kw_only=True):
    """One yes/no claim of a verify field: the item compares so, or (`valid`) the record stands."""

    item: Item | None
    """None is the claim *valid*."""
    value: str | None = None
    op: Literal["eq", "ge", "lt", "gt"] = "eq"
    """Other than *eq* only against a threshold that the entry lists."""

    def __repr__(self) -> str:
        return f"Claim({'valid' if self.item is None else self.item.name} {self.op})"


class Step(Part, frozen=True, kw_only=True):
    """One resource to be read for one place in the answer."""

    ref: str
    path: tuple[str, ...]
    """Response keys from the root; `*` stands for every element of a list."""
    resource: Resource
    items: tuple[Item, ...]
    """Items asked to be read; empty for a verify step."""
    key: GivenKey | LinkedKey | FoundKey | Listed | EveryKey
    subject: SubjectType | None
    """The kind of subject that the key identifies; None where it identifies none."""
    many: bool
    limit: int
    claims: tuple[Claim, ...] = ()
    """Non-empty makes it a verify step."""
    filters: tuple[Filter, ...] = ()
    """All must hold; what the decision filters by is apart from them."""

    @property
    def ordered(self) -> tuple[Item, ...]:
        """Items by which the records are ordered; none where they are read by a key."""
        if isinstance(self.key, EveryKey):
            return (self.key.item,)
        orders = self.key.orders if isinstance(self.key, Listed) else ()
        return tuple(order.item for order in orders)

    @property
    def filtered(self) -> tuple[Item, ...]:
        return tuple(one.item for one in self.filters)

    @property
    def matched(self) -> tuple[Item, ...]:
        """Items that the step compares instead of reading: its key, claims, filters and orders."""
        if self._by_key_alone:
            return (self.key.item,)
        claimed = tuple(claim.item for claim in self.claims if claim.item is not None)
        return (self.key.item, *claimed, *self.filtered, *self.ordered)

    @property
    def _by_key_alone(self) -> bool:
        return not (self.claims or self.filters or isinstance(self.key, (Listed, EveryKey)))


class Stage(msgspec.Struct, frozen=True):
    """What became of one step. Made by msgspec: each call makes nine at least."""


class Permitted(Stage, frozen=True):
    step: Step
    verdict: Verdict
    joins: tuple[Item, ...] = ()
    """Items by which other steps follow a link from here: read and compared, given only where asked."""


class Refused(Stage, frozen=True):
    step: Step
    code: str
    verdict: Verdict | None
    """None where no usable decision was there, or the refusal is the gateway's own."""
    facts: tuple[tuple[str, str | int | None], ...] = ()
    """What the caller is told besides the code: names, numbers and days, never a value."""


class Fetched(Stage, frozen=True):
    permitted: Permitted
    rows: Sequence[Row]
    as_of_ms: int
    more: bool = False
    """Of a page of all records: whether others follow."""

    def __repr__(self) -> str:
        return f"Fetched({len(self.rows)} rows of {self.permitted.step.ref})"


class Failed(Stage, frozen=True):
    """The department did not answer. Not the same as *not found*: officers decide on absence."""

    permitted: Permitted
    code: str
    retryable: bool = True
    retry_after_s: int | None = None
    """Seconds after which asking again may help; None where nobody knows."""


class Masked(Stage, frozen=True):
    """Rows as they may be given: filtered, masked, limited. A row holds only what is given."""

    permitted: Permitted
    rows: Sequence[Row]
    as_of_ms: int
    verified: str | None = None
    """Result of a verify step; None for a reading step."""
    joins: Sequence[Mapping[str, str]] = ()
    """Beside each row: the unmasked text of its key item and of the items that links follow, by item
    name (an empty value is left out). For putting records together; never given."""
    positions: Sequence[tuple[Any, ...]] = ()
    """Beside each row of a list: its place, as cursors hold it. Empty for every other step."""
    statuses: Sequence[str | None] = ()
    """Beside each row of e-certificates whose status was asked for: one of the seven, unknown, or None
    where it may not be given."""
    more: bool = False
    """Whether a list goes on after these rows."""
    unread: Mapping[int, frozenset[str]] = msgspec.field(default_factory=dict)
    """By the number of a row: items of which the source had a word that their code list has not. The row
    holds a null in their place."""
    disputed: Mapping[int, frozenset[str]] = msgspec.field(default_factory=dict)
    """By the number of a row: items that are given though their value is disputed. Of a verify step, under
    0: items on which it rests, so that it says neither yes nor no."""
    marks: tuple[Where, ...] = ()
    """Where in the answer disputed values stand; empty until it is put together."""

    def __repr__(self) -> str:
        return f"Masked({len(self.rows)} rows of {self.permitted.step.ref})"


Ruling = Permitted | Refused
Outcome = Masked | Refused | Failed


class Recorded(msgspec.Struct, frozen=True):
    """Outcomes whose entry is in the log: the only thing that may be answered with."""

    call: Call
    outcomes: tuple[Outcome, ...]
    data: bytes
    """The `data` member of the answer, exactly as it will be sent."""
    errors: tuple[Mapping[str, Any], ...]
    sequenced: Sequenced

    def __repr__(self) -> str:
        return f"Recorded({self.call.number}, entry {self.sequenced.index})"
