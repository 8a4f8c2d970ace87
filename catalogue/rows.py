"""How the catalogue's values stand in the registry's rows, and how rows become values again."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import msgspec

from catalogue.bundles import PolicyBundle
from catalogue.corrections import Correction
from catalogue.demands import Demand
from catalogue.deputies import Deputy
from catalogue.disputes import Dispute
from catalogue.documents import TrustedDocument
from catalogue.emergency import EmergencyAccess
from catalogue.examination import NOTHING_YET, Course
from catalogue.granted import Grant
from catalogue.granting import Amendment
from catalogue.indicators import Target
from catalogue.keeping import Erasure, Hold
from catalogue.lifecycle import Invitation, Registration
from catalogue.loads import Load
from catalogue.model import (
    Case,
    Department,
    Item,
    KeptName,
    Matter,
    MatterVersion,
    Officer,
    OfficerKey,
    Party,
    Resource,
    SourceAddress,
    System,
    SystemKey,
)
from catalogue.notices import Notice
from catalogue.ports import Sealer
from catalogue.protected import decode_bytes, encode_bytes
from catalogue.requested import SharingRequest
from catalogue.reviews import (
    EntryVerdict,
    IdentityOpening,
    Review,
    ReviewQuestion,
    ReviewSample,
)
from catalogue.revisions import Revision
from catalogue.rules import EnactedRule
from catalogue.single_source import ItemSource
from catalogue.synonyms import SynonymList
from catalogue.trends import IndicatorDay
from catalogue.withdrawals import Withdrawal
from catalogue.workdays import ImportedYear

T = TypeVar("T")
Row = dict[str, Any]
"""Columns by name; the records that belong to the row stand as a list under their field's name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Records of another table that belong to a row: the items of a resource, the parties of a case."""

    table: str
    field: str
    owner: str
    """Column that holds the owning row's key."""
    order: str
    """Column by which they are ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """One protected table: its key column, and the two directions between value and row."""

    table: str
    key: str
    write: Callable[[T, Sealer], Row]
    read: Callable[[Row, Sealer], T]
    parts: Parts | None = None
    """None where the row stands alone."""


def staff_token(sealer: Sealer, staff_number: str) -> str:
    """Return the token by which a department's officer is found from the staff number."""
    return sealer.token("staff", staff_number)


def number_token(sealer: Sealer, system: str, number: str) -> str:
    """Return the token by which a system's case is found from its number."""
    return sealer.token("case", f"{system}/{number}")


def to_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


def from_ms(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MS


def _encode(value: Any) -> Any:
    """One value as it stands in a column."""
    match value:
        case None:
            return None
        case Enum():
            return value.value
        case bool():
            return int(value)
        case str() | int():
            return value
        case datetime():
            return to_ms(value)
        case bytes():
            return encode_bytes(value)
        case _:
            return msgspec.json.encode(value, order="deterministic").decode()


def _decoder(hint: Any) -> Callable[[Any], Any]:
    """Return what makes a column's content a field's value again."""
    alternatives = [a for a in get_args(hint) if a is not types.NoneType]
    if isinstance(hint, types.UnionType) and len(alternatives) == 1:
        inner = _decoder(alternatives[0])
        return lambda content: None if content is None else inner(content)
    if isinstance(hint, types.UnionType) and types.NoneType in get_args(hint):
        return lambda content: None if content is None else msgspec.json.decode(content, type=hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        # Looked up and not called: a catalogue holds hundreds of thousands of these.
        return {member.value: member for member in hint}.__getitem__
    decoders: dict[Any, Callable[[Any], Any]] = {
        str: str,
        int: int,
        bool: bool,
        datetime: from_ms,
        bytes: decode_bytes,
    }
    if hint in decoders:
        return decoders[hint]
    return lambda content: msgspec.json.decode(content, type=hint)


class _Shape(Generic[T]):
    """The columns of one dataclass, and which of them are sealed.

    The fields from `more_from` on share one column, `more`: an object of those that differ from their
    defaults, or nothing. So a field is added, always as the last, without a column of its own.
    """

    def __init__(
        self, cls: type[T], *, sealed: Sequence[str] = (), without: str = "", more_from: str = ""
    ) -> None:
        self._cls = cls
        self._sealed = frozenset(sealed)
        hints = get_type_hints(cls)
        held = [field for field in fields(cls) if field.name != without]  # type: ignore[arg-type]  # only dataclasses are given
        names = [field.name for field in held]
        first = names.index(more_from) if more_from else len(names)
        self._decoders = {name: _decoder(hints[name]) for name in names[:first]}
        self._more = {field.name: _default(field) for field in held[first:]}
        self._more_type = msgspec.defstruct(
            f"More{cls.__name__}",
            [(name, hints[name], default) for name, default in self._more.items()],
            frozen=True,
            forbid_unknown_fields=True,
        )

    def write(self, value: T, sealer: Sealer) -> Row:
        row = {name: _encode(getattr(value, name)) for name in self._decoders}
        if self._more:
            told = {name: getattr(value, name) for name in self._more}
            more = {name: held for name, held in told.items() if held != self._more[name]}
            row["more"] = _encode(more) if more else None
        for name in self._sealed:
            if row[name] is not None:
                row[name] = encode_bytes(sealer.seal(row[name]))
        return row

    def read(self, row: Mapping[str, Any], sealer: Sealer, **more: Any) -> T:
        held = {**row, **self._opened(row, sealer)} if self._sealed else row
        members = {name: decode(held[name]) for name, decode in self._decoders.items()}
        if self._more and held["more"] is not None:
            told = msgspec.json.decode(held["more"], type=self._more_type)
            members |= {name: getattr(told, name) for name in self._more}
        return self._cls(**members, **more)

    def _opened(self, row: Mapping[str, Any], sealer: Sealer) -> dict[str, str]:
        return {
            name: sealer.open(decode_bytes(row[name]))
            for name in self._sealed
            if row[name] is not None
        }


def _default(field: Field[Any]) -> Any:
    if field.default is MISSING:
        raise TypeError(f"{field.name} has no plain default: it cannot share a column")
    return field.default


def _plain(cls: type[T], *, table: str, key: str = "id", sealed: Sequence[str] = ()) -> Kind[T]:
    shape = _Shape(cls, sealed=sealed)
    return Kind(table=table, key=key, write=shape.write, read=shape.read)


_OFFICER = _Shape(Officer, sealed=("staff_number", "name"))


def _write_officer(value: Officer, sealer: Sealer) -> Row:
    token = staff_token(sealer, value.staff_number)
    return _OFFICER.write(value, sealer) | {"staff_token": token}


_RESOURCE = _Shape(Resource, without="items", more_from="keywords")
_ITEM = _Shape(Item, more_from="title_en")
_NAMES = _decoder(tuple[KeptName, ...] | None)
_BEFORE = _decoder(Resource | None)
_COURSE = _decoder(Course | None)
_PREPARED = _decoder(Registration | None)


def _write_registration(value: Registration, sealer: Sealer) -> Row:
    return _RESOURCE.write(value.resource, sealer) | {
        "drafted_by": value.drafted_by,
        "signed_by": value.signed_by,
        "announced_by": value.announced_by,
        "names": _encode(value.names),
        "before": _encode(value.before),
        "course": None if value.course == NOTHING_YET else _encode(value.course),
        "prepared": _encode(value.prepared),
        "items": [_ITEM.write(item, sealer) for item in value.resource.items],
    }


def _read_registration(row: Row, sealer: Sealer) -> Registration:
    items = tuple(_ITEM.read(item, sealer) for item in row["items"])
    return Registration(
        resource=_RESOURCE.read(row, sealer, items=items),
        drafted_by=row["drafted_by"],
        signed_by=row["signed_by"],
        announced_by=row["announced_by"],
        names=_NAMES(row["names"]),
        before=_BEFORE(row["before"]),
        course=_COURSE(row["course"]) or NOTHING_YET,
        prepared=_PREPARED(row["prepared"]),
    )


_CASE = _Shape(Case, sealed=("closed_with",), without="parties")
_PARTY = _Shape(Party)


def _write_case(value: Case, sealer: Sealer) -> Row:
    return _CASE.write(value, sealer) | {
        "parties": [
            _PARTY.write(party, sealer) | {"position": position}
            for position, party in enumerate(value.parties)
        ]
    }


def _read_case(row: Row, sealer: Sealer) -> Case:
    parties = tuple(_PARTY.read(party, sealer) for party in row["parties"])
    return _CASE.read(row, sealer, parties=parties)


DEPARTMENT = _plain(Department, table="department", key="code")
SYSTEM = _plain(System, table="system")
SYSTEM_KEY = _plain(SystemKey, table="system_key")
OFFICER = Kind(table="officer", key="id", write=_write_officer, read=_OFFICER.read)
OFFICER_KEY = _plain(OfficerKey, table="officer_key")
INVITATION = _plain(Invitation, table="invitation")
SOURCE = _plain(SourceAddress, table="source", key="name")
LOAD = _plain(Load, table="source_load")
RESOURCE = Kind(
    table="resource",
    key="code",
    write=_write_registration,
    read=_read_registration,
    parts=Parts(table="resource_item", field="items", owner="resource", order="ordinal"),
)
MATTER = _plain(Matter, table="matter", key="code")
MATTER_VERSION = _plain(MatterVersion, table="matter_version")
REQUEST = _plain(
    SharingRequest,
    table="sharing_request",
    sealed=("scenario", "refusal", "supplement_asked", "supplement_given", "course"),
)
GRANT = _plain(Grant, table="sharing_grant")
AMENDMENT = _plain(Amendment, table="grant_amendment", sealed=("reason",))
DEPUTY = _plain(Deputy, table="deputy")
LAW_RULE = _plain(EnactedRule, table="law_rule")
WORKDAY_YEAR = _plain(ImportedYear, table="workday_year")
NOTICE = _plain(Notice, table="notice")
CORRECTION = _plain(Correction, table="correction", sealed=("words", "answer"))
DISPUTE = _plain(Dispute, table="dispute", sealed=("steps",))
CASE = Kind(
    table="office_case",
    key="id",
    write=_write_case,
    read=_read_case,
    parts=Parts(table="case_party", field="parties", owner="case_id", order="position"),
)
POLICY_BUNDLE = _plain(PolicyBundle, table="policy_bundle", key="digest")
EMERGENCY = _plain(EmergencyAccess, table="emergency_access", sealed=("reason", "finding"))
ERASURE = _plain(Erasure, table="erasure", sealed=("subject", "legal_basis", "document"))
HOLD = _plain(Hold, table="legal_hold", sealed=("subject", "reason", "document"))
DOCUMENT = _plain(TrustedDocument, table="trusted_document")
REVIEW = _plain(
    Review,
    table="review",
    sealed=("document", "reason", "cases", "subjects", "conclusion"),
)
REVIEW_SAMPLE = _plain(ReviewSample, table="review_sample", sealed=("words",))
IDENTITY_OPENING = _plain(IdentityOpening, table="identity_opening", sealed=("reason",))
REVIEW_QUESTION = _plain(ReviewQuestion, table="review_question", sealed=("text", "answer"))
REVIEW_VERDICT = _plain(EntryVerdict, table="review_verdict", sealed=("finding",))
SYNONYMS = _plain(SynonymList, table="search_synonyms")
REVISION = _plain(Revision, table="resource_revision")
WITHDRAWAL = _plain(Withdrawal, table="withdrawal")
ITEM_SOURCE = _plain(ItemSource, table="item_source", sealed=("reason",))
DEMAND = _plain(Demand, table="demand", sealed=("answer",))
TARGET = _plain(Target, table="indicator_target")
INDICATOR_DAY = _plain(IndicatorDay, table="indicator_day")

KINDS: tuple[Kind[Any], ...] = (
    DEPARTMENT,
    SYSTEM,
    SYSTEM_KEY,
    OFFICER,
    OFFICER_KEY,
    INVITATION,
    SOURCE,
    LOAD,
    RESOURCE,
    MATTER,
    MATTER_VERSION,
    REQUEST,
    GRANT,
    AMENDMENT,
    DEPUTY,
    LAW_RULE,
    WORKDAY_YEAR,
    NOTICE,
    CORRECTION,
    DISPUTE,
    CASE,
    POLICY_BUNDLE,
    EMERGENCY,
    ERASURE,
    HOLD,
    DOCUMENT,
    REVIEW,
    REVIEW_SAMPLE,
    IDENTITY_OPENING,
    REVIEW_QUESTION,
    REVIEW_VERDICT,
    SYNONYMS,
    DEMAND,
    ITEM_SOURCE,
    REVISION,
    WITHDRAWAL,
    TARGET,
    INDICATOR_DAY,
)
