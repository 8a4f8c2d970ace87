"""Acts that look back on what the policy decided, and aside at what another policy would have decided.

Each reads recorded questions a page at a time, and each page read is itself an entry.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from catalogue.model import Actor, Role
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.clock import monotonic, now
from exchange.node import Node
from exchange.past import (
    PATIENCE_S,
    Bundles,
    LostCall,
    PastCall,
    calls,
    decided,
    engine_of,
    mask_ranks,
    span,
)
from exchange.prospect import look
from policies.engine import LoadError
from policies.explain import Explanation, TracedPolicy, explain
from policies.language import Budget
from policies.replay import Compared, Difference, Replayed, replay
from policies.simulate import Tally, compare
from policies.who_can import gathered

PAGE = 1_000
"""Entries looked at in one act unless fewer are asked for."""

_MOST = 5_000
_LISTED = 100
"""Entries named in one answer; those beyond are counted."""


@act("policy.replay")
def replay_past(  # noqa: PLR0913 - which calls, and which page of them
    node: Node,
    actor: Actor,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    entry: int | None = None,
    after: int | None = None,
    end: int | None = None,
    most: int = PAGE,
    shard: str | None = None,
) -> dict[str, object]:
    """Decide recorded questions again under their recorded revision, and compare byte for byte.

    A page: `after` and `end` are the `next` and `end` of the page before. `holds` is true only where every
    decision of the page was replayed and none differs. A `shard` that was frozen is named as in a search.
    """
    need_reviewer(actor)
    node = node.of_shard(shard)
    page = _page(node, since, until, entry=entry, after=after, end=end, most=most)
    began = monotonic()
    told = _replay_all(_found(node, page, entry=entry), Bundles(node.settings.home))
    facts = {"calls": told["calls"], "different": told["different"]}
    record_read(node, actor, "policy.replayed", {"first": page.first, "end": page.stop, **facts})
    return {**page.told(), **told, "seconds": round(monotonic() - began, 6)}


@act("policy.simulate")
def simulate_past(  # noqa: PLR0913 - which calls, and which page of them
    node: Node,
    actor: Actor,
    *,
    bundle: str,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    end: int | None = None,
    most: int = PAGE,
    shard: str | None = None,
) -> dict[str, object]:
    """Decide recorded questions under a candidate (an archive, base64), and say what would have changed.

    Pages as `policy.replay` does.
    """
    need_reviewer(actor)
    node = node.of_shard(shard)
    archive = _archive(bundle)
    page = _page(node, since, until, entry=None, after=after, end=end, most=most)
    began = monotonic()
    told = _simulate_all(_found(node, page), Bundles(node.settings.home), archive)
    facts = {name: told[name] for name in ("candidate", "calls", "changed")}
    record_read(node, actor, "policy.simulated", {"first": page.first, "end": page.stop, **facts})
    return {**page.told(), **told, "seconds": round(monotonic() - began, 6)}


@act("policy.explain-entry")
def explain_entry(node: Node, actor: Actor, *, index: int, shard: str | None = None) -> Explanation:
    """Why the steps of a recorded call were decided as they were: rule by rule, under its own revision.

    For those who look after the policy, and for the department that asked.
    """
    node = node.of_shard(shard)
    page = _page(node, None, None, entry=index, after=None, end=None, most=1)
    call = next(_found(node, page, entry=index))
    if isinstance(call, LostCall):
        need_reviewer(actor)
        raise ActError("NOT_FOUND", f"entry {index}: {call.why}")
    if call.department != actor.department:
        need_reviewer(actor)
    bundle = Bundles(node.settings.home).bundle(call)
    if bundle is None:
        raise ActError("NOT_FOUND", f"the bundle of revision {call.revision} is not kept")
    record_read(node, actor, "policy.explained", {"read": index})
    budget = Budget(seconds=PATIENCE_S, monotonic=monotonic)
    return explain(TracedPolicy(bundle, budget=budget), call.question)


def _replay_all(found: Iterator[PastCall | LostCall], bundles: Bundles) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    without: Counter[str] = Counter()
    differing: list[dict[str, object]] = []
    lost: list[dict[str, object]] = []
    for call in found:
        counts["calls"] += 1
        if isinstance(call, LostCall):
            lost.append(asdict(call))
            continue
        said = _replayed(call, bundles)
        if said is None:
            without[call.revision] += 1
            continue
        counts[said.compared.value] += 1
        if said.compared is Compared.DIFFERENT:
            differing.append(_differing(call, said))
    return {
        **{name: counts[name] for name in ("calls", "equal", "unanswered", "different")},
        "unreadable": len(lost),
        "without_bundle": dict(without),
        "holds": not (differing or lost or without),
        "differing": differing[:_LISTED],
        "lost": lost[:_LISTED],
    }


def _simulate_all(
    found: Iterator[PastCall | LostCall], bundles: Bundles, archive: bytes
) -> dict[str, Any]:
    candidate, tally = engine_of(archive, None), Tally()
    counts: Counter[str] = Counter()
    lost: list[dict[str, object]] = []
    for call in found:
        counts["calls"] += 1
        if isinstance(call, LostCall):
            lost.append(asdict(call))
            continue
        if call.decision is None:
            # Nothing was decided then, so nothing can be said to change.
            counts["unanswered"] += 1
            continue
        before = bundles.of(call.revision)
        # Where the earlier policy is gone, nobody knows how it ranked its masks.
        masks = mask_ranks(archive, before) if before is not None else {}
        changes = compare(call.decision, decided(candidate, call.question), masks=masks)
        counts["changed"] += bool(changes.found)
        counts["wider"] += changes.wider
        counts["narrower"] += changes.narrower
        tally.add(changes, entry=call.index, department=call.department, matter=call.matter)
    names = ("calls", "changed", "wider", "narrower", "unanswered")
    return {
        "candidate": candidate.revision,
        **{name: counts[name] for name in names},
        "unreadable": len(lost),
        "rows": [asdict(row) for row in tally.rows()],
        "lost": lost[:_LISTED],
    }


@act("policy.who-can")
def who_can(
    node: Node, actor: Actor, *, resource: str, item: str | None = None
) -> dict[str, object]:
    """Who can see a resource's items now: asked of the policy itself, system by system.

    For those who look after the policy, and for the department whose resource it is.
    """
    snapshot = node.live.load()
    held = snapshot.resources.get(resource)
    mine = held is not None and held.department == actor.department
    if not mine:
        need_reviewer(actor)
    if held is None or (item is not None and item not in {one.name for one in held.items}):
        raise ActError(
            "NOT_FOUND", f"{resource} has no item {item}" if held else "no such resource"
        )
    revision = node.ports.decisions.revision
    archive = Bundles(node.settings.home).of(revision)
    if archive is None:
        raise ActError("NOT_FOUND", f"the bundle of the revision in force, {revision}, is not kept")
    engine = engine_of(archive, None)
    found = look(
        snapshot,
        held,
        item=item,
        decide=engine.decide_now,
        now=now().astimezone(node.zone),
    )
    facts: dict[str, Any] = {"resource": resource, "provider": held.department}
    record_read(node, actor, "policy.who-can-asked", {**facts, "item": item or ""})
    return {
        "resource": resource,
        "item": item,
        "revision": revision,
        "sights": [
            {
                "department": sight.department,
                "system": sight.system,
                "matter": sight.matter,
                "purposes": purposes,
                "channels": channels,
                "items": sight.items,
                "uncleared": sight.uncleared,
                "rows": [f"{one.item} {one.op}" for one in sight.rows],
                "max_rows": sight.max_rows,
                "until": datetime.fromtimestamp(sight.until, UTC).isoformat(),
                "grant": sight.grant,
                "needs": sight.needs,
            }
            for sight, purposes, channels in gathered(found)
        ],
    }


def _replayed(call: PastCall, bundles: Bundles) -> Replayed | None:
    """Return how a call's decision stands to its replay; None: its bundle is not to be had."""
    engine = bundles.engine(call)
    if engine is None:
        return None
    said = replay(call.question, call.recorded, decided(engine, call.question))
    if call.decision is None and call.question.requests and not call.all_refused:
        # Something was given without a decision: worse than any decision that differs.
        given = Difference(path="", recorded="null", replayed=None)
        return Replayed(compared=Compared.DIFFERENT, differences=(given,))
    return said


def _differing(call: PastCall, said: Replayed) -> dict[str, object]:
    return {
        "index": call.index,
        "revision": call.revision,
        "differences": [asdict(one) for one in said.differences[:_LISTED]],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The entries [first, stop) of those up to `end` that are wanted."""

    first: int
    stop: int
    end: int

    def told(self) -> dict[str, object]:
        return {
            "first": self.first,
            "next": self.stop if self.stop < self.end else None,
            "end": self.end,
        }


def _page(
    node: Node,
    since: datetime | None,
    until: datetime | None,
    *,
    entry: int | None,
    after: int | None,
    end: int | None,
    most: int,
) -> _Page:
    if not 1 <= most <= _MOST:
        raise ActError("ACT_ARGUMENTS", f"a page of {most} entries, 1 to {_MOST} needed")
    size = node.shown.size
    if entry is not None:
        if not 0 <= entry < size:
            raise ActError("NOT_FOUND", f"no entry {entry} in a log of {size}")
        return _Page(first=entry, stop=entry + 1, end=entry + 1)
    begin, last = span(node.shown, since=since, until=until)
    last = last if end is None else min(end, last)
    first = begin if after is None else min(max(after, begin), last)
    return _Page(first=first, stop=min(first + most, last), end=last)


def _found(node: Node, page: _Page, *, entry: int | None = None) -> Iterator[PastCall | LostCall]:
    found = calls(node.shown, page.first, page.stop)
    if entry is not None:
        one = next(found, None)
        if one is None:
            raise ActError("NOT_FOUND", f"entry {entry} is no call that was put to the policy")
        found = iter((one,))
    yield from found


def _archive(bundle: str) -> bytes:
    try:
        archive = b64decode(bundle, validate=True)
    except (Base64Error, ValueError) as error:
        raise ActError("ACT_ARGUMENTS", "the bundle is no base64") from error
    try:
        engine_of(archive, None)
    except LoadError as error:
        raise ActError("ACT_ARGUMENTS", f"the bundle cannot be used: {error}") from error
    return archive


def need_reviewer(actor: Actor) -> None:
    if not (actor.has(Role.POLICY_APPROVER) or actor.has(Role.AUDITOR)):
        raise ActError("ROLE_MISSING", "a policy approver or an auditor needed")
