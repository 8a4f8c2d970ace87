"""The shards of a home's log: which one is written, which were frozen, and the step from one to the next.

`shards.json` names them in order; a home without it has one. The step is taken by a start, once the last
entry of the shard says so: the next shard is written to its end beside the old one, then one renaming of
`shards.json` makes it the one that counts, then its keys and its guard are put in place. A crash anywhere
leaves what the next start finishes; nothing is appended to either shard meanwhile.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Engine

from audit.canonical import decode_strict
from audit.carrying import carry, take_over
from audit.chain import Next, Opened, opening_drafts, read_freezing, read_opening
from audit.entry import Draft
from audit.errors import AuditError, ProofError, StartRefusedError
from audit.frozen import FrozenLog
from audit.key_spans import format_span, parse_spans
from audit.keys import LogKeys, load_next_keys, take_next_keys
from audit.log import Log
from audit.note import Verifier
from audit.sequencer import Beginning
from audit.vault import Vault
from exchange.home import HomeError, StorageError, write_durably
from exchange.rollbacks import GUARD
from exchange.shard_places import FIRST_FILE, Places
from exchange.storage import migrate
from exchange.witnessing import WITNESSED

SHARDS = "shards.json"
VERSION = "shards/1"
NEXT_KEYS = Path("keys") / "next"
NEXT_GUARD = Path("run") / "guard.next"
_YEARLY = re.compile(r"(20[0-9]{2})(-[1-9][0-9]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One shard, as `shards.json` names it."""

    name: str
    """`2027`, or `2027-2` for the second of a year; empty for the first shard of all."""
    origin: str
    file: str
    """Its place: a file of the home, or the schema in PostgreSQL."""
    keys: tuple[str, ...] = ()
    """Of a frozen one: its keys with the sizes they signed."""
    checkpoint: str | None = None
    """Of a frozen one: its final checkpoint; None: it is the one that is written."""

    @property
    def called(self) -> str:
        """What people call it: `first` for the first shard of all."""
        return self.name or "first"

    @property
    def names(self) -> frozenset[str]:
        """What it may be asked for by."""
        return frozenset({self.called, self.origin})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    v: str
    shards: tuple[Shard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """A frozen shard of an open node."""

    shard: Shard
    engine: Engine
    log: FrozenLog | None
    """None where it does not hold; `trouble` says why."""
    trouble: str | None = None

    def need(self) -> FrozenLog:
        """Return the shard to read. Raises ProofError where it is not what it was when it was frozen."""
        if self.log is None:
            raise ProofError(f"shard {self.shard.origin}: {self.trouble}")
        return self.log


def read_shards(home: Path, *, origin: str) -> tuple[Shard, ...]:
    """Return the shards of a home, the one that is written last; `origin` is of a home that has but one.

    Raises HomeError for a list that this program did not write.
    """
    path = home / SHARDS
    try:
        written = msgspec.json.decode(path.read_bytes(), type=_Written, strict=True)
    except FileNotFoundError:
        return (Shard(name="", origin=origin, file=FIRST_FILE),)
    except (OSError, msgspec.MsgspecError) as error:
        raise HomeError(f"{path} is not readable as {VERSION}") from error
    whole = written.v == VERSION and written.shards and written.shards[-1].checkpoint is None
    if not whole or any(each.checkpoint is None for each in written.shards[:-1]):
        raise HomeError(f"{path} does not name one shard to write after frozen ones")
    return written.shards


def current_file(home: Path) -> str:
    """Return the place of the log's database that is written. Raises HomeError."""
    return read_shards(home, origin="")[-1].file


def log_files(home: Path) -> list[str]:
    """Return the names of all of the log's databases, the oldest first. Raises HomeError."""
    return [shard.file for shard in read_shards(home, origin="")]


def settle_next(home: Path) -> None:
    """Put keys and guard of a shard in place that `shards.json` names already; done again it does nothing."""
    following = home / NEXT_KEYS
    if not (home / SHARDS).exists() or not following.is_dir():
        return
    signing = following / "log.ed25519"
    if not signing.exists():
        # All of them were put in place, or none was written yet.
        following.rmdir()
        return
    if signing.read_text(encoding="utf-8").split("+")[2:3] != [
        read_shards(home, origin="")[-1].origin
    ]:
        # They wait for a shard that is not opened yet.
        return
    if (home / NEXT_GUARD).exists():
        (home / NEXT_GUARD).replace(home / GUARD)
    # Of the shard before: the new one has no checkpoint that anybody cosigned.
    (home / WITNESSED).unlink(missing_ok=True)
    take_next_keys(home / "keys", following)


def following_of(shards: Sequence[Shard], places: Places, *, year: int) -> Shard:
    """Return the shard that would be opened next in a year: one a year, and more where one must end early."""
    base, taken = shards[0].origin, {shard.name for shard in shards}
    head, _, tail = base.rpartition("/")
    if head and _YEARLY.fullmatch(tail):
        base, taken = head, taken | {tail}
    name, n = str(year), 1
    while name in taken:
        n += 1
        name = f"{year}-{n}"
    return Shard(name=name, origin=f"{base}/{name}", file=places.of_shard(name))


def is_due(log: Log, *, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the shard that is written was begun in an earlier year."""
    if not log.size:
        return False
    begun = datetime.fromtimestamp(decode_strict(log.entry(0))["ts"] / 1000, tz=zone)
    return begun.year < at.astimezone(zone).year


def open_next(  # noqa: PLR0913 - a composition point: each argument is a port, a key or a name
    home: Path,
    log: Log,
    engine: Engine,
    vault: Vault,
    *,
    places: Places,
    gateway: str,
    now: Callable[[], datetime],
    random: Callable[[int], bytes],
    at: Callable[[str], None] = lambda _: None,
) -> Shard:
    """Write the shard that follows a frozen one, and make it the one that counts; the home is held.

    `at` is told each step. Raises HomeError, StorageError, StartRefusedError, AuditError: the old shard stays
    the one that counts then, frozen, and the next start tries again.
    """
    shards = read_shards(home, origin=log.origin)
    last = decode_strict(log.entry(log.size - 1))
    named = read_freezing(last)
    fresh = _shard_named(shards, named, places=places)
    keys = _keys_for(home, log.keys, named)
    ended = replace(shards[-1], file=places.named(shards[-1].file, engine))
    note = log.published()
    at("published")
    carried = carry(engine, at=now())
    drafts = opening_drafts(
        note,
        before=log.before + log.size,
        rows=log.registry_rows(),
        counters=carried.newest,
        reason=_reason(log),
    )
    if not places.has(fresh.file):
        (home / NEXT_GUARD).unlink(missing_ok=True)
    made = places.make(fresh.file)
    try:
        at("made")
        migrate(made, "log", home=home, at=now())
        at("migrated")
        take_over(made, carried)
        at("carried")
        following = Log.open(
            made,
            vault,
            keys,
            gateway=gateway,
            now=now,
            random=random,
            guard=home / NEXT_GUARD,
            beginning=_beginning(log),
        )
        try:
            _fill(following, drafts, opened=log.size, at=at)
        finally:
            following.close()
    finally:
        made.dispose()
    at("written")
    # The commit point. A crash before it leaves a shard that nobody points to, and that is written on;
    # a crash after it leaves keys and a guard that the next start puts in place.
    _write(home, (*shards[:-1], _frozen(ended, log, note=note), fresh))
    at("named")
    return fresh


def _beginning(log: Log) -> Beginning:
    """Where the shard after a frozen one begins: as the new one counts, the barrier lies below zero."""
    return Beginning(before=log.before + log.size, barrier=log.barrier - log.size, ts=log.head_ts)


def _frozen(shard: Shard, log: Log, *, note: str) -> Shard:
    keys = tuple(format_span(span) for span in log.keys.spans)
    return replace(shard, keys=keys, checkpoint=note)


def _shard_named(shards: Sequence[Shard], named: Next, *, places: Places) -> Shard:
    name = named.origin.rpartition("/")[2]
    if not _YEARLY.fullmatch(name) or name in {shard.name for shard in shards}:
        raise StartRefusedError(f"the shard ends by naming {named.origin}, a year's shard needed")
    return Shard(name=name, origin=named.origin, file=places.of_shard(name))


def _keys_for(home: Path, held: LogKeys, named: Next) -> LogKeys:
    try:
        fresh = load_next_keys(home / NEXT_KEYS, origin=named.origin)
    except OSError as error:
        raise HomeError(
            f"{home / NEXT_KEYS} does not hold the keys of {named.origin}: the shard was frozen for them"
        ) from error
    if fresh.signer.verifier not in named.keys:
        raise StartRefusedError(f"the keys in {NEXT_KEYS} are not those that the shard ends with")
    return LogKeys(
        origin=named.origin,
        signer=fresh.signer,
        published_signer=fresh.published_signer,
        kek=held.kek,
        cursor=held.cursor,
        seal=held.seal,
    )


def _reason(log: Log) -> str:
    opening = log.open_disclosure(log.size - 1, "reason")
    return "" if opening is None else str(opening.value)


def _fill(
    following: Log, drafts: Sequence[Draft], *, opened: int, at: Callable[[str], None]
) -> None:
    """Append what is not there yet of a shard's first entries; an earlier attempt may have begun."""
    if following.size > len(drafts):
        raise StartRefusedError(f"{following.origin} goes on already, and nobody opened it")
    if following.size:
        begun = read_opening(decode_strict(following.entry(0)))
        wanted = drafts[0].clear["facts"]
        if begun is None or (begun.rows, begun.before, begun.checkpoint.size) != (
            wanted["rows"],
            wanted["before"],
            opened,
        ):
            raise StartRefusedError(f"{following.origin} was begun after another shard than this")
    for draft in drafts[following.size :]:
        following.append(draft)
        at("appended")


def _write(home: Path, shards: tuple[Shard, ...]) -> None:
    written = _Written(v=VERSION, shards=shards)
    write_durably(home / SHARDS, msgspec.json.format(msgspec.json.encode(asdict(written))))


def open_older(
    home: Path, shards: Sequence[Shard], log: Log, vault: Vault, *, places: Places, at: datetime
) -> tuple[Older, ...]:
    """Open every frozen shard and hold each against the one that follows it, from the newest back."""
    opened, by = _first_of(log), Next(origin=log.origin, keys=tuple(s.key for s in log.keys.spans))
    found: list[Older] = []
    for shard in reversed(shards[:-1]):
        # Looked for first: a file that is opened is there.
        there = places.has(shard.file)
        engine = places.open(shard.file)
        try:
            _check_there(shard, there=there)
            migrate(engine, "log", home=home, at=at)
            older = _open_frozen(shard, engine, vault, seal=log.keys.seal)
            older.check_followed(opened, by=by)
        except (AuditError, StorageError) as error:
            found.append(Older(shard=shard, engine=engine, log=None, trouble=str(error)))
            continue
        found.append(Older(shard=shard, engine=engine, log=older))
        opened, by = older.opened, Next(origin=older.origin, keys=_keys_of(older))
    return tuple(reversed(found))


def _check_there(shard: Shard, *, there: bool) -> None:
    if not there:
        raise StorageError(f"its database {shard.file} is gone")


def _open_frozen(shard: Shard, engine: Engine, vault: Vault, *, seal: bytes) -> FrozenLog:
    spans = parse_spans("".join(f"{line}\n" for line in shard.keys))
    return FrozenLog.open(engine, vault, note=shard.checkpoint or "", spans=spans, seal=seal)


def _keys_of(older: FrozenLog) -> tuple[Verifier, ...]:
    return tuple(span.key for span in older.spans)


def _first_of(log: Log) -> Opened | None:
    return read_opening(decode_strict(log.entry(0))) if log.size else None
