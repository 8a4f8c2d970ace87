"""One node: every part opened once, in order, and closed in the opposite one."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from audit.checkpoint import Checkpoint
from audit.entry import Draft, Sequenced
from audit.key_spans import KeySpan
from audit.keys import LogKeys, create_keys, load_keys, settle_keys
from audit.log import Log
from audit.reading import LogReader
from audit.vault import Vault
from audit.waiting import Patience
from catalogue.errors import UnknownError
from catalogue.files import KIND
from catalogue.rows import RESOURCE, Kind
from catalogue.service import Registry
from catalogue.snapshot import Absent
from catalogue.store import Known
from exchange.archives import Archives, read_keys
from exchange.backups import record_restored, restored_at
from exchange.clock import fresh_id, monotonic, nonce_bytes, now, random_bytes
from exchange.cursoring import SealedCursors
from exchange.deciding import PolicyInForce, open_policy
from exchange.drifting import Drifting
from exchange.home import FILES, HomeError, check_home, make_home
from exchange.identity.establish import Gate
from exchange.identity.nonces import RecentNonces
from exchange.identity.service import SignIn
from exchange.identity.signatures import Window
from exchange.identity.tokenkey import create_token_key, load_token_key
from exchange.identity.tokens import Issuer
from exchange.identity.upstream import UpstreamSigner, open_upstream_key
from exchange.keylist import tell_keys
from exchange.ledger import LogLedger
from exchange.live import Alarm, LiveRegistry
from exchange.quotas import ForeseenQuotas
from exchange.rollbacks import GUARD, answer_for, known_of, open_answered
from exchange.sealing import ColumnSealer, create_sealing_key, load_sealer
from exchange.settings import Settings, write_settings
from exchange.shadowing import with_shadow
from exchange.shard_places import places_of
from exchange.shards import (
    Older,
    Shard,
    current_file,
    open_next,
    open_older,
    read_shards,
    settle_next,
)
from exchange.shelf import Means, SourceShelf, look_at, look_at_file
from exchange.stamping import Stamping, read_stamps
from exchange.storage import Databases, open_databases
from exchange.trusting import record_trust
from exchange.witnessing import Witnessing, read_grace, read_policy
from gateway.errors import SourceError
from gateway.ports import Ports

T = TypeVar("T")
_LOGGING = logging.getLogger("exchange")


class LogRecorder:
    """Implements `gateway.ports.Recorder` on the node's log."""

    def __init__(
        self, log: Log, *, witnessing: Witnessing, stamping: Stamping, quotas: ForeseenQuotas
    ) -> None:
        self._log = log
        self._witnessing = witnessing
        self._stamping = stamping
        self._quotas = quotas

    async def append(self, draft: Draft) -> Sequenced:
        sequenced = await self._log.append_async(draft)
        if sequenced.instead is None:
            self._quotas.counted(draft.quotas)
        else:
            self._quotas.refused(draft, spent=sequenced.instead)
        return sequenced

    async def ready(self) -> None:
        self._log.ready()
        self._witnessing.ready()
        self._stamping.ready()


class Strangers:
    """Counts calls of nobody in particular, for one summary entry a minute (W12)."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def saw(self, code: str) -> None:
        self._codes[code] = self._codes.get(code, 0) + 1

    def summary(self) -> Draft | None:
        """Return the entry for those seen since the last one; None where there were none."""
        codes, self._codes = self._codes, {}
        if not codes:
            return None
        return Draft(kind="strangers.counted", clear={"codes": dict(sorted(codes.items()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An open node. Build it with `open_node`."""

    settings: Settings
    zone: ZoneInfo
    databases: Databases
    vault: Vault
    log: Log
    shards: tuple[Shard, ...]
    older: tuple[Older, ...]
    """The log's frozen shards, the oldest first."""
    witnessing: Witnessing
    stamping: Stamping
    ledger: LogLedger
    sealer: ColumnSealer
    registry: Registry
    sign_in: SignIn
    live: LiveRegistry
    gate: Gate
    shelf: SourceShelf
    upstream: UpstreamSigner
    drifting: Drifting
    archives: Archives
    policy: PolicyInForce
    ports: Ports
    nonces: RecentNonces
    strangers: Strangers
    read_from: Older | None = None
    """The frozen shard that reading acts read; None: the one that is written."""

    @property
    def shown(self) -> LogReader:
        """The shard that is read. Raises ProofError where it is not as it was frozen."""
        return self.log if self.read_from is None else self.read_from.need()

    @property
    def indexed(self) -> Engine:
        """The database in which that shard is searched."""
        return self.databases.log if self.read_from is None else self.read_from.engine

    @property
    def shown_keys(self) -> tuple[KeySpan, ...]:
        """The keys of the shard that is read, with the sizes that each signed."""
        return self.log.keys.spans if self.read_from is None else self.read_from.need().spans

    def of_shard(self, name: str | None) -> "Node":
        """Return the node as it reads a shard, by name or origin; None: the one that is written.

        What is read is recorded in the shard that is written. Raises UnknownError where there is no such.
        """
        if name is None or name in self.shards[-1].names:
            return replace(self, read_from=None)
        for older in self.older:
            if name in older.shard.names:
                return replace(self, read_from=older)
        known = ", ".join(shard.origin for shard in self.shards)
        raise UnknownError(f"shard {name}: there are {known}")

    def of_all_shards(self) -> Iterator["Node"]:
        """The node as it reads each shard, the oldest first. Raises ProofError for one that does not hold."""
        for older in self.older:
            older.need()
            yield replace(self, read_from=older)
        yield replace(self, read_from=None)

    def of_number(self, number: int) -> "Node":
        """Return the node as it reads the shard in which an act was recorded. Raises ProofError."""
        for older in self.older:
            held = older.need()
            if held.before <= number < held.before + held.size:
                return replace(self, read_from=older)
        return replace(self, read_from=None)

    def index_of(self, number: int) -> int | None:
        """Return the index of an act's entry in the shard that is read; None: it lies in another one."""
        index = number - self.shown.before
        return index if 0 <= index < self.shown.size else None

    @property
    def vkey(self) -> str:
        """The log's public key, as verifiers take it (C2SP signed-note)."""
        return self.keys.signer.vkey

    @property
    def keys(self) -> LogKeys:
        """The log's keys that sign by now."""
        return self.log.keys

    @property
    def files(self) -> Path:
        """Where published files are kept."""
        return self.settings.home / FILES

    def held(self, kind: Kind[T]) -> dict[str, T]:
        """Return all values of a kind that the log vouches for, by key. Blocks."""
        return self.live.held(kind)

    def owners(self) -> dict[str, str]:
        """Return the department of each resource, by code. Blocks."""
        return {code: held.resource.department for code, held in self.held(RESOURCE).items()}

    def writable_sources(self) -> list[str]:
        """Return the sources whose login can write by now and was not accepted as such. Blocks."""
        found = []
        for source in self.live.load().sources.values():
            secret = None if source.secret is None else self.sealer.open(source.secret)
            try:
                rights = (
                    look_at_file(source, files=self.files)
                    if source.kind == KIND
                    else look_at(source, secret=secret)
                )
            except SourceError as error:
                found.append(f"{source.name}: {error.code}")
                continue
            if rights and source.write_reason is None:
                found.append(f"{source.name}: {'; '.join(rights)}")
        return found

    async def close(self) -> None:
        await self.shelf.close()
        await self.drifting.settle()
        self.live.close()
        self.witnessing.close()
        self.stamping.close()
        self.log.close()
        for each in self.older:
            each.engine.dispose()
        self.databases.close()


def create_home(settings: Settings) -> str:
    """Make folders, keys and settings file of a new home; returns the log's public key (vkey).

    Raises HomeError where keys are there already: their log could not be continued.
    """
    folder = settings.home / "keys"
    if folder.is_dir() and any(folder.iterdir()):
        raise HomeError(
            f"{settings.home} is an exchange home already, a folder without keys needed"
        )
    make_home(settings.home)
    keys = create_keys(folder, origin=settings.origin, random=random_bytes)
    create_sealing_key(folder, random=random_bytes)
    create_token_key(folder)
    write_settings(settings)
    (settings.home / "log.vkey").write_text(f"{keys.signer.vkey}\n", encoding="utf-8")
    return keys.signer.vkey


def open_node(settings: Settings) -> Node:
    """Open every part of a node on its home; the caller holds the home's lock.

    Raises HomeError, SettingsError, StorageError, StartRefusedError, LogUnavailableError: nothing is open
    then.
    """
    home = settings.home
    check_home(home)
    archives = Archives(home / "bundles", keys=read_keys(settings.policy_keys))
    stamps = read_stamps(settings)
    folder = home / "keys"
    databases, vault, log = _open_written(settings)
    settle_keys(folder, log.keys)
    tell_keys(home, log.keys)
    shards = read_shards(home, origin=log.origin)
    older = open_older(home, shards, log, vault, places=places_of(settings), at=now())
    witnessing = _open_witnessing(settings, log)
    stamping = Stamping(log, databases.log, stamps=stamps, newest=witnessing.newest, now=now)
    record_restored(home, partial(_record_restore, log))
    record_trust(log, databases.log, archives.keys, token=vault.token)
    sealer = load_sealer(folder, random=random_bytes)
    ledger = LogLedger(log)
    registry = Registry(
        engine=databases.registry,
        ledger=ledger,
        sealer=sealer,
        now=now,
        fresh_id=fresh_id,
        random=random_bytes,
    )
    known = Known()
    recovered = registry.recover(known=known)
    if recovered.voided or recovered.doubtful:
        _LOGGING.warning(
            "acts voided at start: %s; doubtful: %s", recovered.voided, recovered.doubtful
        )
    registry.record_late()
    refreshed = registry.refresh_search()
    if refreshed:
        _LOGGING.info("the search's index was brought to %d resources as they stand", refreshed)
    live = LiveRegistry(
        databases.registry,
        ledger=ledger,
        sealer=sealer,
        alarm=_alarm(log),
        known=known,
        settle=registry.record_late,
    )
    upstream = UpstreamSigner(open_upstream_key(folder), now=now, random=nonce_bytes)
    drifting = Drifting(registry, log, now=now)
    shelf = SourceShelf(
        live.addresses,
        means=Means(
            unseal=sealer.open, files=home / FILES, sign=upstream.headers, drifted=drifting.met
        ),
    )
    policy = open_policy(settings, picture=live.latest, archives=archives)
    quotas = ForeseenQuotas(log.quota_used, monotonic=monotonic)
    return Node(
        settings=settings,
        zone=ZoneInfo(settings.zone),
        databases=databases,
        vault=vault,
        log=log,
        shards=shards,
        older=older,
        witnessing=witnessing,
        stamping=stamping,
        ledger=ledger,
        sealer=sealer,
        registry=registry,
        sign_in=SignIn(
            databases.registry, ledger=ledger, sealer=sealer, now=now, random=random_bytes
        ),
        live=live,
        gate=Gate(
            authority=settings.signed_authority,
            issuer=Issuer(url=settings.base_url, key=load_token_key(folder)),
            sealer=sealer,
            # The nonces of requests made before a restore are gone with what was displaced.
            window=Window(not_before_ms=restored_at(home)),
        ),
        shelf=shelf,
        upstream=upstream,
        drifting=drifting,
        archives=archives,
        policy=policy,
        ports=Ports(
            decisions=with_shadow(settings, policy),
            sources=shelf,
            recorder=LogRecorder(log, witnessing=witnessing, stamping=stamping, quotas=quotas),
            registry=live,
            quotas=quotas,
            now=now,
            monotonic=monotonic,
            fresh_id=fresh_id,
            gateway=settings.gateway,
            cursors=SealedCursors(log.keys.cursor),
        ),
        nonces=RecentNonces(),
        strangers=Strangers(),
    )


@contextmanager
def opened(settings: Settings) -> Iterator[Node]:
    """A node for the time of one command."""
    node = open_node(settings)
    try:
        yield node
    finally:
        asyncio.run(node.close())


def answer_for_rollback(settings: Settings, *, reason: str, by: str) -> dict[str, Any]:
    """Have the log go on though it does not lead to all that is known of it; the caller holds the lock.

    Says which entry records it (None: the log leads to all), and which witnesses could not be asked.
    Raises as `open_node` does.
    """
    home = settings.home
    settle_next(home)
    keys = load_keys(home / "keys")
    databases = _open_databases(settings)
    try:
        own = [held.verifier for held in (keys.signer, *keys.further)]
        known, away = known_of(home, read_policy(settings, own=own), origin=keys.origin)
        answer_for(home, known=known, reason=reason, by=by)
        vault = Vault(databases.vault, keys.kek, now=now, random=random_bytes)
        log, recorded = _open_log(settings, databases, vault, keys)
        log.close()
    finally:
        databases.close()
    return {"index": None if recorded is None else recorded.index, "not_asked": away}


def _open_written(settings: Settings) -> tuple[Databases, Vault, Log]:
    """Open the shard that is written; where the last one was frozen, the next is opened first."""
    home = settings.home
    for _ in range(2):
        settle_next(home)
        keys = load_keys(home / "keys")
        databases = _open_databases(settings)
        try:
            vault = Vault(databases.vault, keys.kek, now=now, random=random_bytes)
            log, _answered = _open_log(settings, databases, vault, keys)
            if not log.frozen:
                return databases, vault, log
            try:
                open_next(
                    home,
                    log,
                    databases.log,
                    vault,
                    places=places_of(settings),
                    gateway=settings.gateway,
                    now=now,
                    random=random_bytes,
                )
            finally:
                log.close()
        except BaseException:
            databases.close()
            raise
        databases.close()
    raise HomeError(f"{home}: the shard that was opened is frozen already")


def _open_databases(settings: Settings) -> Databases:
    return open_databases(
        settings.home,
        at=now(),
        urls=settings.database_urls,
        log=partial(places_of(settings).make, current_file(settings.home)),
    )


def _open_log(
    settings: Settings, databases: Databases, vault: Vault, keys: LogKeys
) -> tuple[Log, Sequenced | None]:
    def open_log(given_up: frozenset[Checkpoint]) -> Log:
        return Log.open(
            databases.log,
            vault,
            keys,
            gateway=settings.gateway,
            now=now,
            random=random_bytes,
            guard=settings.home / GUARD,
            # Who must wait longer than that would have no time left for his sources.
            patience=Patience(monotonic=monotonic, seconds=settings.deadline_ms / 2000),
            given_up=given_up,
        )

    return open_answered(settings.home, keys, open_log)


def _open_witnessing(settings: Settings, log: Log) -> Witnessing:
    """Compare the log with what its witnesses know, before anything is added to it."""
    own = log.keys.verifiers
    try:
        return Witnessing(
            log,
            policy=read_policy(settings, own=own),
            own=own,
            grace=read_grace(settings),
            home=settings.home,
            now=now,
        )
    except BaseException:
        log.close()
        raise


def _record_restore(log: Log, moment: int) -> None:
    log.append(Draft(kind="home.restored", clear={"facts": {"restored_at": moment}}))


def _alarm(log: Log) -> Alarm:
    def alarm(absent: tuple[Absent, ...]) -> None:
        for row in absent:
            _LOGGING.error("registry row %s %s is left out: %s", row.table, row.key, row.why)
        log.append(
            Draft(
                kind="registry.alarm",
                clear={"left_out": [{"table": row.table, "key": row.key} for row in absent[:50]]},
            )
        )

    return alarm
