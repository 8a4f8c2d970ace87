"""What is wrong with a node, by part: asked by whoever balances load, and by its administrator."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.checkpoint import parse_checkpoint
from audit.errors import AuditError
from audit.merkle import check_inclusion, leaf_hash
from audit.note import parse_note
from exchange.node import Node
from exchange.shards import is_due

DEGRADED_MARGINS = 3
"""The end of the policy is told as many margins before, and nearer than one the node is not ready."""
SKEW_MS = 5_000
"""By so much the clock may stand behind the newest entry: callers' signatures are taken within as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is broken, by part; `down` where no call could be answered now, or before long."""

    broken: dict[str, str]
    down: bool

    @property
    def status(self) -> str:
        return "not ready" if self.down else "degraded" if self.broken else "ready"


def look_over(node: Node, *, at: datetime) -> Condition:
    """Try every part that a call needs. Blocks for as long as a database does."""
    broken: dict[str, str] = {}
    down = check_log(node, broken)
    try:
        read_back(node)
    except AuditError as error:
        broken["log-reading"] = error.code
        down = True
    down |= check_keys(node, broken)
    check_shards(node, broken, at=at)
    check_clock(node, broken, at=at)
    try:
        absent = len(node.live.load().absent)
    except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot be read
        broken["registry"] = type(error).__name__
        down = True
    else:
        check_rows(broken, absent)
    near = check_policy(node, broken, at=at)
    return Condition(broken=broken, down=down or near)


def check_log(node: Node, broken: dict[str, str]) -> bool:
    """Name what keeps the log from taking entries, and its witnesses; return whether no call is answered."""
    if node.witnessing.trouble is not None:
        broken["witnesses"] = node.witnessing.trouble
    if node.stamping.trouble is not None:
        broken["time-stamps"] = node.stamping.trouble
    try:
        node.log.ready()
        node.witnessing.ready()
        node.stamping.ready()
    except AuditError as error:
        broken["log"] = error.code
        return True
    return False


def check_keys(node: Node, broken: dict[str, str]) -> bool:
    """Name a vault whose keys cannot be had: no call about anybody new could be recorded. Blocks."""
    try:
        node.vault.ready()
    except AuditError as error:
        broken["keys"] = error.code
        return True
    return False


def check_shards(node: Node, broken: dict[str, str], *, at: datetime) -> None:
    """Name frozen shards that do not hold, and a year that has turned without its shard."""
    bad = [older.shard.origin for older in node.older if older.log is None]
    if bad:
        broken["shards"] = f"not as they were frozen: {', '.join(bad)}"
    try:
        due = is_due(node.log, at=at, zone=node.zone)
    except AuditError:
        return  # A log whose entries cannot be read is named as that already.
    if due:
        broken["shard-year"] = "the year has turned: exchange audit shard open"


def check_clock(node: Node, broken: dict[str, str], *, at: datetime) -> None:
    """Name a clock that was turned back: times in the log stand still until it has caught up."""
    behind = node.log.head_ts - int(at.timestamp() * 1000)
    if behind > SKEW_MS:
        broken["clock"] = f"{behind // 1000} s behind the log's newest entry"


def check_rows(broken: dict[str, str], absent: int) -> None:
    """Rows that the log does not vouch for are left out, not served: a call may still be answered."""
    if absent:
        broken["registry"] = f"{absent} rows left out"


def check_policy(node: Node, broken: dict[str, str], *, at: datetime) -> bool:
    """Name what is wrong with the policy; return whether no call could be decided before long.

    Whoever ought to put a newer one in force must have the time to: the node says so well before the end.
    """
    found = node.policy.condition()
    if node.live.latest().policy_in_doubt:
        broken["policy"] = "the register does not say which policy is in force"
        return True
    if found.problem:
        broken["policy"] = found.problem
    if found.held is None:
        return True
    margin = timedelta(hours=node.settings.policy_margin_h)
    if at >= found.held.ends - DEGRADED_MARGINS * margin:
        broken["policy-expiry"] = found.held.ends.isoformat()
    return at >= found.held.ends - margin


def read_back(node: Node) -> None:
    """Read the newest entry and prove it under the newest checkpoint. Blocks. Raises AuditError.

    A log that takes entries and cannot show them could answer for nothing that it took.
    """
    note = node.log.checkpoint
    signed = parse_checkpoint(parse_note(note).text)
    index = signed.size - 1
    if index < 0:
        return
    check_inclusion(
        leaf_hash(node.log.entry(index)),
        index=index,
        size=signed.size,
        proof=node.log.prove(index, signed.size),
        root=signed.root,
    )
