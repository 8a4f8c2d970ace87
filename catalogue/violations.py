"""What the supervision console lists: breaches of the law, each told from records. Decides only."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from catalogue import clocks, corrections, granting
from catalogue.corrections import Correction
from catalogue.evidence import Supplied
from catalogue.flags import Flag
from catalogue.granted import Grant, GrantState
from catalogue.model import Matter, Resource, SharingClass
from catalogue.requested import RequestState, SharingRequest
from catalogue.statutes import Clock, Statutes
from catalogue.workdays import ZONE

_INTERNAL = re.compile(
    r"内部规定|内部制度|管理制度|工作制度|工作规程|操作规程|internal rule", re.IGNORECASE
)
"""What is no law, whatever it is called."""


class Violation(StrEnum):
    NOT_UPDATED = "catalogue-not-updated"
    CONDITION_INVENTED = "condition-invented"
    ANSWER_LATE = "answer-late"
    DELIVERY_LATE = "delivery-late"
    REFUSED_WITHOUT_BASIS = "refusal-without-basis"
    CORRECTION_LATE = "correction-late"
    OUTSIDE_PURPOSE = "use-outside-purpose"
    THIRD_PARTY = "supply-to-third-party"
    COLLECTED_AGAIN = "collected-again"
    NOT_ENDED = "sharing-not-ended"


DETAILS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "late-open": ("应于 {due} 前办理，尚未办理", "due on {due}, not done yet"),
        "late-done": ("应于 {due} 前办理，{done} 才办理", "due on {due}, done on {done}"),
        "cycle": (
            "上次更新于 {last}，公布的更新周期为 {days} 天",
            "last updated on {last}, every {days} days announced",
        ),
        "drift": (
            "自 {seen} 起数据源与目录不符",
            "the source has not been as announced since {seen}",
        ),
        "no-law": (
            "拒绝时未载明法律依据（原因代码：{code}）",
            "refused with the code {code}, a law needed",
        ),
        "no-condition": (
            "以不满足条件拒绝，而目录未公布任何条件",
            "refused for a condition, and the announced entry names none",
        ),
        "again": (
            "{items}：{code} 自行采集，{by} 已共享",
            "{items}: kept in {code}, shared by {by}",
        ),
        "asked-again": (
            "事项 {matter} 仍要求申请人提交材料 {material}，{by} 已共享",
            "matter {matter} asks applicants for material {material}, which {by} supplies",
        ),
        "internal": (
            "以内部规定为由拒绝，须有法律依据",
            "refused by an internal rule, a law needed",
        ),
        "no-matter": (
            "授权仍有效，所列事项均已停用",
            "in force, and none of its matters is active any more",
        ),
        "idle": (
            "自 {last} 起未使用，超过 {days} 天",
            "not used since {last}, {days} days at most",
        ),
        "judged": (
            "核查 {review} 认定该次调用违规",
            "the review {review} found that the call broke the rules",
        ),
        "refused": ("调用被拒绝：{code}", "refused with {code}"),
    }
)
"""What was found → its words in Chinese and English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach, with the record behind it."""

    kind: Violation
    department: str
    """Who answers for it."""
    resource: str
    record: str
    """Kind of the record: `request`, `grant`, `correction`, `resource`, `matter` or `entry`."""
    key: str
    """Its id, code or number."""
    on: date
    """Since when, or when it happened."""
    found: str
    """What was found and what was needed: a key of DETAILS."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What its words are filled with: codes, days and numbers, never a name."""
    rule: str = ""
    """Id of the rule that was broken; empty where the law itself is one."""

    def text(self, language: str) -> str:
        """Return what was found in `zh` or `en`."""
        return DETAILS[self.found][0 if language == "zh" else 1].format(**self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What is looked through, as the log vouches for it."""

    requests: Mapping[str, SharingRequest]
    grants: Mapping[str, Grant]
    resources: Mapping[str, Resource]
    matters: Mapping[str, Matter]
    corrections: Mapping[str, Correction]
    flags: Mapping[str, Flag]
    fresh: Mapping[str, datetime]
    """When the records of a resource were last brought up to date, by code; unknown ones are left out."""
    used: Mapping[str, datetime]
    """When a grant was last used, by id; unused ones are left out."""
    asked_again: tuple[Supplied, ...] = ()
    """Materials that applicants are asked for, and how sharing supplies them."""


def find_all(records: Records, law: Statutes, *, at: datetime) -> list[Finding]:
    """Return every breach that the registry's records show, newest first."""
    found = [
        *_not_updated(records, law, at=at),
        *_requests(records, law, at=at),
        *_corrections(records, law, at=at),
        *_collected_again(records, at=at),
        *_asked_again(records, at=at),
        *_not_ended(records, law, at=at),
    ]
    return sorted(found, key=lambda one: (one.on, one.kind, one.key), reverse=True)


def _not_updated(records: Records, law: Statutes, *, at: datetime) -> Iterator[Finding]:
    """A cycle that was announced and not kept, or a source that changed and an entry that did not."""
    for code, held in sorted(records.resources.items()):
        if held.state != "announced":
            continue
        last = records.fresh.get(code)
        if held.update_days is not None and last is not None:
            due = _day(last) + timedelta(days=held.update_days)
            if _day(at) > due:
                yield Finding(
                    kind=Violation.NOT_UPDATED,
                    department=held.department,
                    resource=code,
                    record="resource",
                    key=code,
                    on=due,
                    found="cycle",
                    values={"last": str(_day(last)), "days": str(held.update_days)},
                )
        flag = records.flags.get(code)
        if flag is not None:
            clock = law.clock("catalogue.update", since=flag.seen_at)
            if clock.passed(at):
                yield Finding(
                    kind=Violation.NOT_UPDATED,
                    department=held.department,
                    resource=code,
                    record="resource",
                    key=code,
                    on=clock.due.day,
                    found="drift",
                    values={"seen": str(_day(flag.seen_at))},
                    rule=clock.rule.id,
                )


def _requests(records: Records, law: Statutes, *, at: datetime) -> Iterator[Finding]:
    for key, held in sorted(records.requests.items()):
        resource = records.resources.get(held.resource)
        if resource is None:
            continue
        about: dict[str, Any] = {
            "department": resource.department,
            "resource": held.resource,
            "record": "request",
            "key": key,
        }
        answer = clocks.answer_clock(held, resource.sharing_class, law)
        if answer is not None and clocks.answered_late(held, resource.sharing_class, law, at=at):
            yield _late(Violation.ANSWER_LATE, answer, about, ended=held.way.decided_at)
        delivery = clocks.delivery_clock(held, law)
        if delivery is not None and clocks.delivered_late(held, law, at=at):
            yield _late(Violation.DELIVERY_LATE, delivery, about, ended=held.way.delivered_at)
        if held.state is not RequestState.REFUSED:
            continue
        on = _day(held.way.decided_at or held.created_at)
        if not (held.refusal_basis or "").strip():
            yield Finding(
                kind=Violation.REFUSED_WITHOUT_BASIS,
                on=on,
                found="no-law",
                values={"code": held.refusal_code or "—"},
                **about,
            )
        elif _INTERNAL.search(held.refusal_basis or ""):
            yield Finding(kind=Violation.REFUSED_WITHOUT_BASIS, on=on, found="internal", **about)
        if held.refusal_code == "CONDITION_UNMET" and not resource.conditions.strip():
            yield Finding(
                kind=Violation.CONDITION_INVENTED,
                on=on,
                found="no-condition",
                **about,
            )


def _corrections(records: Records, law: Statutes, *, at: datetime) -> Iterator[Finding]:
    for key, held in sorted(records.corrections.items()):
        if corrections.late(held, law, at=at):
            clock = corrections.clock(held, law)
            about = {
                "department": held.provider,
                "resource": held.resource,
                "record": "correction",
                "key": key,
            }
            yield _late(Violation.CORRECTION_LATE, clock, about, ended=held.answered_at)


def _collected_again(records: Records, *, at: datetime) -> Iterator[Finding]:
    """A department that keeps of a kind of subject what another shares with it under a grant in force."""
    own = _own_items(records.resources.values())
    for key, grant in sorted(records.grants.items()):
        source = records.resources.get(grant.resource)
        if source is None or grant.state is not GrantState.ACTIVE or grant.not_after <= at:
            continue
        if not grant.not_before <= at or source.key.subject is None:
            continue
        mine = own.get((grant.department, source.key.subject), {})
        shared = {one.title for one in source.items if one.name in grant.items and not one.key}
        for code in sorted(set(mine)):
            again = sorted(mine[code] & shared)
            if again:
                yield Finding(
                    kind=Violation.COLLECTED_AGAIN,
                    department=grant.department,
                    resource=code,
                    record="grant",
                    key=key,
                    on=_day(grant.not_before),
                    found="again",
                    values={"items": "、".join(again), "code": code, "by": grant.resource},
                )


def _asked_again(records: Records, *, at: datetime) -> Iterator[Finding]:
    """A matter whose applicants are asked for what sharing supplies today (716 art. 7; 809 art. 19)."""
    for one in records.asked_again:
        if one.again:
            yield Finding(
                kind=Violation.COLLECTED_AGAIN,
                department=one.department,
                resource=one.resource or "",
                record="matter",
                key=one.matter,
                on=_day(at),
                found="asked-again",
                values={
                    "matter": one.matter,
                    "material": one.material.code,
                    "by": one.resource or "",
                },
            )


def _own_items(
    resources: Iterable[Resource],
) -> dict[tuple[str, object], dict[str, frozenset[str]]]:
    """By department and kind of subject: of each announced resource the titles of its plain items."""
    found: dict[tuple[str, object], dict[str, frozenset[str]]] = {}
    for held in resources:
        if held.state != "announced" or held.sharing_class is SharingClass.NOT_SHARED:
            continue
        keys = [one for one in held.items if one.key]
        if not keys or keys[0].subject is None:
            continue
        titles = frozenset(one.title for one in held.items if not one.key and not one.subject)
        found.setdefault((held.department, keys[0].subject), {})[held.code] = titles
    return found


def _not_ended(records: Records, law: Statutes, *, at: datetime) -> Iterator[Finding]:
    """A grant that serves no matter any more, that nobody has used for long, or whose copies remain."""
    for key, held in sorted(records.grants.items()):
        about: dict[str, Any] = {
            "department": held.department,
            "resource": held.resource,
            "record": "grant",
            "key": key,
        }
        destruction = granting.destruction_clock(held, law)
        if destruction is not None and not held.way.destroyed and destruction.passed(at):
            yield _late(Violation.NOT_ENDED, destruction, about, ended=None)
        if held.state is not GrantState.ACTIVE or held.not_after <= at or held.not_before > at:
            continue
        known = [records.matters.get(code) for code in held.matters]
        if not any(one is not None and one.state == "active" for one in known):
            yield Finding(
                kind=Violation.NOT_ENDED,
                on=_day(at),
                found="no-matter",
                **about,
            )
            continue
        idle = law.rule("grant.idle", on=at)
        last = records.used.get(key, held.not_before)
        if at - last > timedelta(days=idle.value):
            yield Finding(
                kind=Violation.NOT_ENDED,
                on=_day(last) + timedelta(days=idle.value),
                found="idle",
                values={"last": str(_day(last)), "days": str(idle.value)},
                rule=idle.id,
                **about,
            )


def _late(
    kind: Violation, clock: Clock, about: Mapping[str, str], *, ended: datetime | None
) -> Finding:
    done = {} if ended is None else {"done": str(_day(ended))}
    return Finding(
        kind=kind,
        on=clock.due.day,
        found="late-open" if ended is None else "late-done",
        values={"due": str(clock.due.day), **done},
        rule=clock.rule.id,
        **about,
    )


def _day(at: datetime) -> date:
    return at.astimezone(ZONE).date()
