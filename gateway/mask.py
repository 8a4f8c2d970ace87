"""Rows as they may be given: filtered again, masked, limited, compared; everything else is left out."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import compress
from typing import Any

from msgspec.structs import replace

from catalogue.certificates import CertificateStatus, status_of
from catalogue.model import Item, ItemType, Resource, SubjectType, Validity
from gateway import coded
from gateway.columns import Columns, Places, column
from gateway.model import (
    Claim,
    Fetched,
    Filter,
    FoundKey,
    GivenKey,
    Listed,
    Masked,
    Permitted,
    Refused,
    Row,
    Step,
)
from gateway.outcomes import VerificationResult
from gateway.remembered import Remembered
from policies.model import RowCondition, Verdict

MASK_UNKNOWN = "MASK_UNKNOWN"
FILTER_UNUSABLE = "POLICY_UNAVAILABLE"

Disputed = Callable[[Resource, str], frozenset[str]]
"""(resource, identifier of the record's subject) → names of the items whose value is disputed."""

Watched = Sequence[tuple[str, Callable[[Any], bool]]]
"""Items that are given and held to a code list, each with what knows its words."""
Normalise = Callable[[SubjectType, str], str]
"""Returns the one spelling of an identifier; raises ValueError where it is none."""


def remembering(normalise: Normalise) -> Normalise:
    """Return `normalise` for one call: an identifier is brought into its one spelling once.

    What it remembers are identifiers: it must not outlive the call.
    """
    known: dict[tuple[SubjectType, str], str] = {}

    def spelled(subject: SubjectType, text: str) -> str:
        found = known.get((subject, text))
        if found is None:
            found = known[subject, text] = normalise(subject, text)
        return found

    return spelled


class UnknownMaskError(Exception):
    """The decision names a mask that is not carried out here: nothing of the step may be given."""


class UnusableFilterError(Exception):
    """A row filter cannot be computed on this resource: nothing of the step may be given."""


def _name(text: str) -> str:
    """Keep the first character: 张三丰 → 张**."""
    return text[:1] + "*" * (len(text) - 1)


def _tail4(text: str) -> str:
    """Keep the last four characters where they are less than half of the whole."""
    return "*" * len(text) if len(text) <= 8 else "*" * (len(text) - 4) + text[-4:]


def _id(text: str) -> str:
    """Keep the district and the last two characters of an identity number; hide the birth date."""
    return "*" * len(text) if len(text) < 15 else text[:6] + "*" * (len(text) - 8) + text[-2:]


def _phone(text: str) -> str:
    return "*" * len(text) if len(text) < 11 else text[:3] + "*" * (len(text) - 7) + text[-4:]


# The town or street is the last part that does not lead to a door.
_STREET = re.compile(r"^(.{0,40}?(?:街道|镇|乡|区|县|市))", re.DOTALL)


def _address(text: str) -> str:
    """Keep the first administrative division, hide the rest without showing how long it is."""
    found = _STREET.match(text)
    return (found.group(1) if found else "") + "****"


def _hidden(_: str) -> None:
    return None


_TEXT_MASKS: Mapping[str, Callable[[str], str | None]] = {
    "name": _name,
    "tail4": _tail4,
    "id": _id,
    "phone": _phone,
    "address": _address,
    "null": _hidden,
}
_DATE_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MASKS = frozenset({"none", "year", *_TEXT_MASKS})
"""All masks there are. A plain hash is not among them: that of an enumerable number is the number."""


def apply_mask(mask: str, value: Any, *, type_: ItemType = ItemType.TEXT) -> Any:
    """Return the value as the mask leaves it; raises UnknownMaskError for a mask that is not ours.

    A mask that does not fit the item's type hides the value whole: its field stays well-typed and
    nothing is shown that the publisher did not mean to show.
    """
    if mask not in MASKS:
        raise UnknownMaskError(f"mask {mask!r} is none of {', '.join(sorted(MASKS))}")
    if mask == "none" or value is None:
        return value
    if mask == "year":
        return _first_of_year(value, type_=type_)
    return _TEXT_MASKS[mask](value) if type_ is ItemType.TEXT and isinstance(value, str) else None


def _first_of_year(value: Any, *, type_: ItemType) -> str | None:
    """Leave the year only, written as its first day (or moment) so that the type holds."""
    if not isinstance(value, str) or not _DATE_START.match(value):
        return None
    match type_:
        case ItemType.DATE:
            return f"{value[:4]}-01-01"
        case ItemType.DATETIME:
            return f"{value[:4]}-01-01T00:00:00.000Z"
        case ItemType.TEXT:
            return value[:4]
        case _:
            return None


def mask(
    fetched: Fetched,
    *,
    now: datetime,
    normalise: Normalise,
    disputed: Disputed | None = None,
) -> Masked | Refused:
    """Carry out the verdict on every row; `now` is the call's time where the exchange stands.

    `disputed` None: no value is.
    """
    permitted = fetched.permitted
    step, verdict = permitted.step, permitted.verdict
    try:
        if disputed is None and len(fetched.rows) == 1:
            plain = _plain(fetched, fetched.rows[0])
            if plain is not None:
                return plain
        rows = admit(permitted, fetched.rows, normalise=normalise)
        held = {} if disputed is None else _disputed(step, rows, disputed, normalise=normalise)
        if step.claims:
            verified = _verify(permitted, rows, now=now)
            return _undisputed(Masked(permitted, (), fetched.as_of_ms, verified), held)
        giving = _givers.of((step.items, verdict), _giving, step, verdict)
        given = giving.all(rows) if type(rows) is Columns else tuple(map(giving.one, rows))
    except UnknownMaskError:
        return Refused(step, MASK_UNKNOWN, verdict)
    except UnusableFilterError:
        return Refused(step, FILTER_UNUSABLE, verdict)
    listed = isinstance(step.key, Listed)
    # A list has no key that its records are told apart by: only what links follow joins them.
    joined = permitted.joins if listed else (step.key.item, *permitted.joins)
    if isinstance(step.key, FoundKey):
        joined = (step.resource.key, *joined)
    return Masked(
        permitted,
        given,
        fetched.as_of_ms,
        joins=_joins(joined, rows, normalise=normalise),
        # Every item that orders is granted in full.
        positions=Places(rows, [item.name for item in step.ordered]) if listed else (),
        statuses=() if step.resource.certificate is None else _statuses(permitted, rows, now=now),
        more=listed and len(fetched.rows) > most_rows(permitted),
        unread=_unread(giving.watched, rows) if giving.watched else {},
        disputed={
            number: shown
            for number, names in held.items()
            if (shown := names & given[number].keys())
        },
    )


def _plain(fetched: Fetched, row: Row) -> Masked | None:
    """Mask the one record under the very key that was asked for; None where there is more to be done.

    That is what most calls find. Raises UnknownMaskError.
    """
    permitted = fetched.permitted
    step, verdict, key = permitted.step, permitted.verdict, permitted.step.key
    if type(key) is not GivenKey or step.claims or step.filters or permitted.joins:
        return None
    if verdict.row_filter is not None and verdict.row_filter.all:
        return None
    if verdict.max_rows is None or verdict.max_rows < 1:
        return None
    if step.limit < 1 or step.resource.certificate is not None:
        return None
    giving = _givers.of((step.items, verdict), _giving, step, verdict)
    name, value = key.item.name, key.value
    if giving.watched or not value or row.get(name) != value:
        return None
    return Masked(permitted, (giving.one(row),), fetched.as_of_ms, joins=({name: value},))


def _disputed(
    step: Step, rows: Sequence[Row], disputed: Disputed, *, normalise: Normalise
) -> dict[int, frozenset[str]]:
    """Return by row the items whose value is disputed of its subject."""
    texts = key_texts(step.resource.key, rows, normalise=normalise)
    known = {text: disputed(step.resource, text) for text in set(texts) if text is not None}
    return {number: names for number, text in enumerate(texts) if (names := known.get(text or ""))}


def _undisputed(verification: Masked, held: Mapping[int, frozenset[str]]) -> Masked:
    """Say neither yes nor no where the answer rests on a disputed value.

    Where even existence is protected, that it is disputed is not told: it only is no match.
    """
    permitted = verification.permitted
    step, validity = permitted.step, permitted.step.resource.validity
    rests = {claim.item.name for claim in step.claims if claim.item is not None}
    if validity is not None:
        rests |= {name for name in (validity.status_item, validity.until_item) if name is not None}
    doubtful = frozenset(name for names in held.values() for name in names & rests)
    if not doubtful or verification.verified == VerificationResult.NOT_FOUND:
        return verification
    if _is_protected(permitted):
        return replace(verification, verified=VerificationResult.MISMATCH)
    return replace(verification, verified=VerificationResult.UNDETERMINED, disputed={0: doubtful})


def _is_protected(permitted: Permitted) -> bool:
    return permitted.step.resource.protected or any(
        one.type == "protect-existence" for one in permitted.verdict.obligations
    )


def _unread(watched: Watched, rows: Sequence[Row]) -> dict[int, frozenset[str]]:
    """Return by row the items of which it has a word that their code list has not."""
    found: dict[int, frozenset[str]] = {}
    none: frozenset[str] = frozenset()
    for name, knows in watched:
        values = column(rows, name)
        if type(rows) is Columns and all(map(knows, set(values))):
            continue
        for number, value in enumerate(values):
            if not knows(value):
                found[number] = found.get(number, none) | {name}
    return dict(sorted(found.items()))


def _statuses(
    permitted: Permitted, rows: Sequence[Row], *, now: datetime
) -> tuple[str | None, ...]:
    """Return the standing of each e-certificate, where it was asked for.

    It tells of the status item and of the last day: where the first may not be given in full there is
    none, and where the second may not nobody can say.
    """
    step, items = permitted.step, permitted.verdict.items
    mapping = step.resource.certificate
    status = None if mapping is None else mapping.roles.get("status")
    if mapping is None or status is None or status not in {item.name for item in step.items}:
        return ()
    allowed = set(items.allowed) if items is not None else set()
    if status not in allowed:
        return (None,) * len(rows)
    until = mapping.roles.get("validUntil")
    return tuple(_status(step, row, status, until, allowed=allowed, now=now) for row in rows)


def _status(
    step: Step, row: Row, status: str, until: str | None, *, allowed: set[str], now: datetime
) -> str | None:
    mapping = step.resource.certificate
    if mapping is None or row.get(status) is None:
        return CertificateStatus.UNKNOWN.name
    meant = status_of(mapping, row[status])
    if meant is not CertificateStatus.VALID or until is None:
        return meant.name
    if until not in allowed or row.get(until) is None:
        return CertificateStatus.UNKNOWN.name
    stands = _stands(step.resource.validity, row, step=step, now=now)
    return meant.name if stands else CertificateStatus.EXPIRED.name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Giving:
    """What a verdict leaves of the records of a step. What is neither allowed nor masked is not in them."""

    one: Callable[[Row], Row]
    changes: Mapping[str, Callable[[Any], Any] | None]
    """Item that is given → what is given of its value; None: the value."""
    watched: Watched
    """Items whose words are held to a list."""

    def all(self, rows: Columns) -> Columns:
        """Return what `one` leaves of each record; each different value of an item is masked once."""
        return Columns(
            {
                name: rows.of(name) if change is None else _changed(rows.of(name), change)
                for name, change in self.changes.items()
            },
            size=len(rows),
            written={
                name: type_
                for name, type_ in rows.written.items()
                if self.changes.get(name, _hidden) is None
            },
        )


def _changed(values: Sequence[Any], change: Callable[[Any], Any]) -> Sequence[Any]:
    known = {value: change(value) for value in set(values)}
    return list(map(known.__getitem__, values))


_givers: Remembered[_Giving] = Remembered()


def _giving(step: Step, verdict: Verdict) -> _Giving:
    """Return what leaves of records only what is given."""
    items = verdict.items
    if items is None:
        return _Giving(one=lambda _: {}, changes={}, watched=())
    allowed, masks, denied = set(items.allowed), items.masked, items.denied
    shown = [
        (item.name, masks.get(item.name), item.type)
        for item in step.items
        if item.name not in denied and (item.name in masks or item.name in allowed)
    ]
    lists = {item.name: coded.knows(item) for item in step.items if coded.is_coded(item)}
    changes: dict[str, Callable[[Any], Any] | None] = {}
    for name, hidden, type_ in shown:
        if name in lists:
            changes[name] = partial(_coded, hidden, knows=lists[name])
        else:
            changes[name] = None if hidden is None else partial(apply_mask, hidden, type_=type_)
    return _Giving(
        one=_giver(changes),
        changes=changes,
        watched=[
            (name, lists[name])
            for name, hidden, _ in shown
            if name in lists and hidden in {None, "none"}
        ],
    )


def _giver(changes: Mapping[str, Callable[[Any], Any] | None]) -> Callable[[Row], Row]:
    """Return a function, made for these items, that leaves of a record what is given of each."""
    names: dict[str, Any] = {f"n{at}": name for at, name in enumerate(changes)}
    names |= {f"c{at}": change for at, change in enumerate(changes.values())}
    members = ", ".join(
        f"n{at}: get(n{at})" if change is None else f"n{at}: c{at}(get(n{at}))"
        for at, change in enumerate(changes.values())
    )
    # Names and changes stand in it as constants.
    exec(f"def given(row):\n    get = row.get\n    return {{{members}}}", names)  # noqa: S102
    made: Callable[[Row], Row] = names["given"]
    return made


def _coded(hidden: str | None, value: Any, *, knows: Callable[[Any], bool]) -> Any:
    """Return a code, or null: half a code would be another one, and a word that is none is not given."""
    if hidden is not None and apply_mask(hidden, value) != value:
        return None
    return value if hidden in {None, "none"} and knows(value) else None


def _joins(
    items: Sequence[Item], rows: Sequence[Row], *, normalise: Normalise
) -> Sequence[Mapping[str, str]]:
    """Return beside each row the texts by which it is joined; an item without one is left out."""
    if type(rows) is Columns:
        texts = {item.name: key_texts(item, rows, normalise=normalise) for item in items}
        return Columns(texts, size=len(rows), without_none=True)
    joins: list[dict[str, str]] = [{} for _ in rows]
    for item in items:
        for joined, text in zip(joins, key_texts(item, rows, normalise=normalise), strict=True):
            if text is not None:
                joined[item.name] = text
    return tuple(joins)


def key_texts(item: Item, rows: Sequence[Row], *, normalise: Normalise) -> list[str | None]:
    """Return of each row what `key_text` makes of an item; many rows may have the same."""
    known: dict[str, str | None] = {}
    if type(rows) is Columns:
        values = rows.of(item.name)
        known = {value: key_text(item, value, normalise=normalise) for value in set(values)}
        return list(map(known.__getitem__, values))
    name = item.name
    found: list[str | None] = []
    for row in rows:
        value = row.get(name)
        if type(value) is not str:
            found.append(key_text(item, value, normalise=normalise))
            continue
        if value not in known:
            known[value] = key_text(item, value, normalise=normalise)
        found.append(known[value])
    return found


def key_text(item: Item, value: Any, *, normalise: Normalise) -> str | None:
    """Return the text by which records are put together; None where the record names nobody.

    An identifier that does not stand up to its own rules is kept as it is: it is nobody's party and
    the next department says itself that it knows nobody under it.
    """
    if value is None or value == "":
        return None
    text = str(value)
    if item.subject is None:
        return text
    try:
        return normalise(item.subject, text)
    except ValueError:
        return text


def admit(permitted: Permitted, rows: Sequence[Row], *, normalise: Normalise) -> Sequence[Row]:
    """Return the rows that the verdict's filter lets through, at most so many for each key.

    The statement sent to a SQL source says the same; this is the second road, and the only one for
    sources that cannot filter. Raises UnusableFilterError where a condition cannot be computed.
    """
    step, verdict = permitted.step, permitted.verdict
    conditions = verdict.row_filter.all if verdict.row_filter is not None else []
    items = {item.name: item for item in step.resource.items} if conditions else {}
    unknown = [condition.item for condition in conditions if condition.item not in items]
    if unknown:
        raise UnusableFilterError(f"the filter names {unknown}, which the resource does not have")
    most = most_rows(permitted)
    if conditions or step.filters:
        demanded = [(one, items[one.item]) for one in conditions]
        rows = _passing([*demanded, *_demanded(step.filters)], rows)
    if isinstance(step.key, Listed):
        return _held(rows if len(rows) <= most else rows[:most])
    if len(rows) <= most:
        return _held(rows)  # No key can have more.
    counted: dict[str | None, int] = {}
    within: list[bool] = []
    for key in key_texts(step.key.item, rows, normalise=normalise):
        counted[key] = counted.get(key, 0) + 1
        within.append(counted[key] <= most)
    return _held(_picked(rows, within))


def _held(rows: Sequence[Row]) -> Sequence[Row]:
    return rows if type(rows) is Columns else tuple(rows)


def _picked(rows: Sequence[Row], flags: Sequence[bool]) -> Sequence[Row]:
    return rows.picked(flags) if type(rows) is Columns else tuple(compress(rows, flags))


def _passing(conditions: Sequence[tuple[RowCondition, Item]], rows: Sequence[Row]) -> Sequence[Row]:
    """Return the records that meet all conditions; only who meets one is put to the next."""
    for condition, item in conditions:
        values = column(rows, item.name)
        if type(rows) is Columns:
            known = {value: _holds(condition, value, item) for value in set(values)}
            flags = list(map(known.__getitem__, values))
        else:
            flags = [_holds(condition, value, item) for value in values]
        if not all(flags):
            rows = _picked(rows, flags)
    return rows


def _demanded(filters: Sequence[Filter]) -> list[tuple[RowCondition, Item]]:
    return [(condition_of(one), one.item) for one in filters]


def meeting(filters: Sequence[Filter], rows: Sequence[Row]) -> Sequence[Row]:
    """Return the records that meet all conditions of a call."""
    return _passing(_demanded(filters), rows)


def condition_of(one: Filter) -> RowCondition:
    value = list(one.value) if one.op == "in" else one.value
    return RowCondition(item=one.item.name, op=one.op, value=value)


def most_rows(permitted: Permitted) -> int:
    """Return how many records one key may yield. A verdict without a bound yields none."""
    most = permitted.verdict.max_rows
    return 0 if most is None else max(0, min(most, permitted.step.limit))


def _holds(condition: RowCondition, found: Any, item: Item) -> bool:
    """Say whether an item's value meets a condition. As in SQL, a null meets none, not even *ne*."""
    value = _comparable(found, item)
    if value is None:
        return False
    if condition.op in {"in", "between"}:
        if not isinstance(condition.value, list):
            raise UnusableFilterError(f"{condition.op} needs a list")
        bounds = [_bound(wanted, item) for wanted in condition.value]
        if condition.op == "in":
            return value in bounds
        if len(bounds) != 2:
            raise UnusableFilterError(f"between needs 2 bounds, found {len(bounds)}")
        return bool(bounds[0] <= value <= bounds[1])
    if condition.op == "prefix":
        return str(value).startswith(str(_bound(condition.value, item)))
    return _compare(condition.op, value, _bound(condition.value, item))


def _compare(op: str, value: Any, wanted: Any) -> bool:
    match op:
        case "eq":
            return bool(value == wanted)
        case "ne":
            return bool(value != wanted)
        case "lt":
            return bool(value < wanted)
        case "le":
            return bool(value <= wanted)
        case "gt":
            return bool(value > wanted)
        case "ge":
            return bool(value >= wanted)
        case _:
            raise UnusableFilterError(f"operator {op!r} is not known")


def _bound(value: Any, item: Item) -> Any:
    bound = _comparable(value, item)
    if bound is None:
        raise UnusableFilterError(f"no {item.type.value} to compare {item.name} with")
    return bound


def _comparable(value: Any, item: Item) -> Any:
    """Return a value that orders as its type does; None for null, and for what has not the type."""
    if value is None or isinstance(value, (list, dict)):
        return None
    match item.type:
        case ItemType.INTEGER | ItemType.LONG | ItemType.DECIMAL:
            try:
                number = Decimal(str(value)) if not isinstance(value, bool) else None
            except InvalidOperation:
                return None
            return number if number is not None and number.is_finite() else None
        case ItemType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case _:
            return value if isinstance(value, str) else None


def _verify(permitted: Permitted, rows: Sequence[Row], *, now: datetime) -> VerificationResult:
    """Answer the claims. Nothing but the answer leaves, and it says as little as it can."""
    step = permitted.step
    protected = _is_protected(permitted)
    matching = [row for row in rows if all(_claimed(claim, row) for claim in step.claims)]
    validity = step.resource.validity
    standing = [row for row in matching if _stands(validity, row, step=step, now=now)]
    if standing:
        return VerificationResult.MATCH
    proven = any(claim.item is not None for claim in step.claims)
    # Where even existence is protected, a record that is known only by its key is not admitted to.
    if matching and (proven or not protected):
        return VerificationResult.NOT_VALID
    if rows or protected:
        return VerificationResult.MISMATCH
    return VerificationResult.NOT_FOUND


def _claimed(claim: Claim, row: Row) -> bool:
    if claim.item is None:
        return True  # The standing is checked for every verification, claimed or not.
    if claim.value is None or row.get(claim.item.name) is None:
        return False
    if claim.op != "eq":
        condition = RowCondition(item=claim.item.name, op=claim.op, value=claim.value)
        return _holds(condition, row[claim.item.name], claim.item)
    if coded.is_coded(claim.item) and not coded.knows(claim.item)(row[claim.item.name]):
        return False
    return plain_text(row[claim.item.name]) == plain_text(claim.value)


def plain_text(value: Any) -> str:
    """Return the text by which a claim is compared: width, case and outer spaces do not count."""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


def _stands(validity: Validity | None, row: Row, *, step: Step, now: datetime) -> bool:
    """Say whether the record is in force. An unknown status or last day is none that is."""
    if validity is None:
        return True
    if validity.status_item is not None and row.get(validity.status_item) not in (
        validity.valid_words
    ):
        return False
    if validity.until_item is None:
        return True
    until, item = row.get(validity.until_item), step.resource.item(validity.until_item)
    if not isinstance(until, str) or not _DATE_START.match(until):
        return False
    if item.type is not ItemType.DATETIME:
        return until[:10] >= now.date().isoformat()
    try:
        return datetime.fromisoformat(until) >= now
    except (ValueError, TypeError):  # No moment, or one without a zone.
        return False
