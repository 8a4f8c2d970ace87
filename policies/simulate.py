"""What would have changed: one question's decisions under two policies, compared by what they give.

Judged conservatively: a change that cannot be judged counts as wider. Until when a decision stands is not
compared, because each policy has an expiry of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from policies.model import Decision, ItemVerdicts, Reason, RowCondition, Verdict
from policies.row_filters import covers

NO_DECISION = "POLICY_UNAVAILABLE"
"""Stands for the rule where an engine gave no decision: the gateway refuses every step then."""

EXAMPLES = 5
"""Entries named for each line of a tally."""


class Kind(StrEnum):
    """How a request's verdict changed."""

    PERMITTED = "deny-to-allow"
    REFUSED = "allow-to-deny"
    OTHER_REASON = "other-reason"
    GIVEN = "item-given"
    WITHHELD = "item-withheld"
    UNMASKED = "item-unmasked"
    MASK_WEAKER = "mask-weaker"
    MASK_STRONGER = "mask-stronger"
    MASKED = "item-masked"
    ROWS_WIDER = "rows-wider"
    ROWS_NARROWER = "rows-narrower"
    MORE_ROWS = "more-rows"
    FEWER_ROWS = "fewer-rows"
    DUTY_GONE = "obligation-gone"
    DUTY_NEW = "obligation-new"


WIDER = frozenset(
    {
        Kind.PERMITTED,
        Kind.GIVEN,
        Kind.UNMASKED,
        Kind.MASK_WEAKER,
        Kind.ROWS_WIDER,
        Kind.MORE_ROWS,
        Kind.DUTY_GONE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is otherwise after than before."""

    kind: Kind
    ref: str
    resource: str
    rule: str
    """The rule whose word changed: the one that refuses, or the one that permits now."""
    item: str = ""
    detail: str = ""
    """From what to what, in the policy's words."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All that is otherwise; empty where both decisions give the same."""

    found: tuple[Change, ...] = ()

    @property
    def wider(self) -> bool:
        """Whether anything is given that was not before, or cannot be shown not to be."""
        return any(change.kind in WIDER for change in self.found)

    @property
    def narrower(self) -> bool:
        """Whether anything is withheld that was given before."""
        held = WIDER | {Kind.OTHER_REASON}
        return any(change.kind not in held for change in self.found)


def compare(
    before: Decision | None,
    after: Decision | None,
    *,
    masks: Mapping[str, int] = MappingProxyType({}),
) -> Changes:
    """Return what `after` gives otherwise than `before`; None: no engine decided, all is refused.

    `masks` ranks masks by how much they hide; one without a rank hides nothing as far as is known.
    """
    then = {} if before is None else before.resources
    now = {} if after is None else after.resources
    return Changes(
        tuple(
            change
            for ref in sorted(then.keys() | now.keys())
            for change in _of_request(ref, then.get(ref), now.get(ref), masks)
        )
    )


def _of_request(
    ref: str, before: Verdict | None, after: Verdict | None, masks: Mapping[str, int]
) -> Iterator[Change]:
    allowed, allows = _allows(before), _allows(after)
    resource = next(one.resource for one in (after, before) if one is not None)
    if not allows:
        kind = Kind.REFUSED if allowed else Kind.OTHER_REASON
        if allowed or _reasons(before) != _reasons(after):
            yield Change(
                kind=kind, ref=ref, resource=resource, rule=_rule(after), detail=_codes(after)
            )
        return
    if not allowed:
        yield Change(
            kind=Kind.PERMITTED,
            ref=ref,
            resource=resource,
            rule=_rule(before),
            detail=_codes(before),
        )
        return
    if before is None or after is None:
        raise AssertionError("a verdict that permits is there")
    rule = _rule(after)
    for kind, item, detail in _permits(before, after, masks):
        yield Change(kind=kind, ref=ref, resource=resource, rule=rule, item=item, detail=detail)


def _permits(
    before: Verdict, after: Verdict, masks: Mapping[str, int]
) -> Iterator[tuple[Kind, str, str]]:
    yield from _items(before.items, after.items, masks)
    filters = [held.row_filter.all if held.row_filter else [] for held in (before, after)]
    if not covers(filters[0], filters[1]):
        yield Kind.ROWS_WIDER, "", _rows(filters)
    elif not covers(filters[1], filters[0]):
        yield Kind.ROWS_NARROWER, "", _rows(filters)
    yield from _most_rows(before.max_rows, after.max_rows)
    duties = [{duty.type for duty in held.obligations} for held in (before, after)]
    yield from ((Kind.DUTY_GONE, "", duty) for duty in sorted(duties[0] - duties[1]))
    yield from ((Kind.DUTY_NEW, "", duty) for duty in sorted(duties[1] - duties[0]))


def _items(
    before: ItemVerdicts | None, after: ItemVerdicts | None, masks: Mapping[str, int]
) -> Iterator[tuple[Kind, str, str]]:
    then, now = _masks(before), _masks(after)
    for item in sorted(then.keys() | now.keys()):
        if item not in now:
            yield Kind.WITHHELD, item, (after.denied.get(item, "") if after else "")
        elif item not in then:
            yield Kind.GIVEN, item, now[item] or "none"
        elif then[item] != now[item]:
            yield (
                _mask(then[item], now[item], masks),
                item,
                f"{then[item] or 'none'} → {now[item] or 'none'}",
            )


def _mask(then: str, now: str, masks: Mapping[str, int]) -> Kind:
    if not now:
        return Kind.UNMASKED
    if not then:
        return Kind.MASKED
    # Two masks of which one is unknown cannot be judged, and neither can two of one rank.
    judged = then in masks and now in masks and masks[now] > masks[then]
    return Kind.MASK_STRONGER if judged else Kind.MASK_WEAKER


def _most_rows(then: int | None, now: int | None) -> Iterator[tuple[Kind, str, str]]:
    if then != now:
        narrower = now is not None and (then is None or now < then)
        yield (Kind.FEWER_ROWS if narrower else Kind.MORE_ROWS), "", f"{then} → {now}"


def _masks(items: ItemVerdicts | None) -> dict[str, str]:
    """Return what is given, with the mask of each item; the empty text is no mask."""
    return {} if items is None else {**dict.fromkeys(items.allowed, ""), **items.masked}


def _rows(filters: Sequence[Sequence[RowCondition]]) -> str:
    """Name the items and operators of two filters, never their values."""
    told = [" and ".join(f"{one.item} {one.op}" for one in rows) or "all rows" for rows in filters]
    return " → ".join(told)


def _allows(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.allow


def _reasons(verdict: Verdict | None) -> list[tuple[str, str]]:
    return [(one.rule, one.code) for one in _held(verdict)]


def _rule(verdict: Verdict | None) -> str:
    return next((reason.rule for reason in _held(verdict)), NO_DECISION)


def _codes(verdict: Verdict | None) -> str:
    return ", ".join(dict.fromkeys(reason.code for reason in _held(verdict))) or NO_DECISION


def _held(verdict: Verdict | None) -> Sequence[Reason]:
    return () if verdict is None else verdict.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a tally: how often one thing changed, for whom, and where to look."""

    change: str
    wider: bool
    department: str
    matter: str
    resource: str
    item: str
    rule: str
    detail: str
    count: int
    examples: tuple[int, ...]
    """Indexes of the first entries of which this is true."""


class Tally:
    """Counts changes by what, whose, for which matter and by which rule."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, ...], list[int]] = {}
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, changes: Changes, *, entry: int, department: str, matter: str) -> None:
        for change in changes.found:
            key = (
                change.kind.value,
                department,
                matter,
                change.resource,
                change.item,
                change.rule,
                change.detail,
            )
            self._counts[key] = self._counts.get(key, 0) + 1
            examples = self._rows.setdefault(key, [])
            if len(examples) < EXAMPLES and entry not in examples:
                examples.append(entry)

    def rows(self) -> list[Row]:
        """Return the lines, what is wider first, then by how often."""
        made = [
            Row(
                change=key[0],
                wider=key[0] in WIDER,
                department=key[1],
                matter=key[2],
                resource=key[3],
                item=key[4],
                rule=key[5],
                detail=key[6],
                count=count,
                examples=tuple(self._rows[key]),
            )
            for key, count in self._counts.items()
        ]
        return in_order(made)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Order lines for a reader: what is wider first, then by how often, then by name."""
    return sorted(
        rows, key=lambda row: (not row.wider, -row.count, row.change, row.resource, row.item)
    )


def together(rows: Iterable[Row]) -> list[Row]:
    """Add up the lines of several tallies, the earlier ones first."""
    held: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = (row.change, row.department, row.matter, row.resource, row.item, row.rule, row.detail)
        known = held.get(key)
        held[key] = row if known is None else _sum(known, row)
    return in_order(held.values())


def _sum(first: Row, second: Row) -> Row:
    return Row(
        change=first.change,
        wider=first.wider,
        department=first.department,
        matter=first.matter,
        resource=first.resource,
        item=first.item,
        rule=first.rule,
        detail=first.detail,
        count=first.count + second.count,
        examples=tuple(dict.fromkeys((*first.examples, *second.examples)))[:EXAMPLES],
    )
