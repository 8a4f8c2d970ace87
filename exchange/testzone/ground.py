"""What calls to the test zone stand on: the real contract and policy, synthetic rights, rows and log.

Nothing here reads a source, a grant, a case or the exchange's own log, and nothing of it is counted anywhere
but in the test zone's own log, which lies in a folder of its own and proves its entries like the other.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from pathlib import Path

from audit.entry import Draft, Quota, Sequenced
from audit.keys import create_keys, load_keys
from audit.log import Log
from audit.vault import Vault
from audit.waiting import Patience
from catalogue.granted import Grant, GrantState
from catalogue.model import Case, CaseState, Item, Party, Resource, SharingClass, SubjectType
from catalogue.snapshot import Snapshot
from catalogue.validation import PURPOSES
from exchange.clock import monotonic, now, random_bytes
from exchange.home import make_home
from exchange.node import Node
from exchange.rollbacks import GUARD
from exchange.storage import Databases, open_databases
from exchange.testzone.synthetic import Magic, magic_of, magics_in, rows_of
from gateway.errors import SourceUnavailableError
from gateway.model import Call, Permitted, Row
from gateway.ports import Foreseen, Ports, Source
from gateway.remembered import Remembered
from gateway.sources.needs import needed_items

FOLDER = "test"
LIST = 3
"""Records of a synthetic list."""
RESOURCES = 200
"""So many announced resources stand in the test zone's contract beside the system's own."""
CALLS = 1_000_000
PICTURES = 64
_PARTY = "party"
_STRANGER = "stranger"
_DAY = timedelta(days=1)


class TestLog:
    """The test zone's log, opened when it is first needed."""

    __test__ = False

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._log: Log | None = None
        self._databases: Databases | None = None

    def open(self) -> Log:
        """Return the log, made with keys of its own where there is none yet. Blocks."""
        with self._lock:
            if self._log is None:
                home = self._node.settings.home / FOLDER
                self._databases = open_databases(_made(home, self._node), at=now())
                self._log = self._opened(home, self._databases)
            return self._log

    def close(self) -> None:
        with self._lock:
            if self._log is not None and self._databases is not None:
                self._log.close()
                self._databases.close()
                self._log = self._databases = None

    def _opened(self, home: Path, databases: Databases) -> Log:
        keys = load_keys(home / "keys")
        settings = self._node.settings
        return Log.open(
            databases.log,
            Vault(databases.vault, keys.kek, now=now, random=random_bytes),
            keys,
            gateway=settings.gateway,
            now=now,
            random=random_bytes,
            guard=home / GUARD,
            patience=Patience(monotonic=monotonic, seconds=settings.deadline_ms / 2000),
            given_up=frozenset(),
        )


def _made(home: Path, node: Node) -> Path:
    keys = home / "keys"
    if not keys.is_dir() or not any(keys.iterdir()):
        make_home(home)
        create_keys(keys, origin=f"{node.settings.origin}/test", random=random_bytes)
    return home


@dataclass(frozen=True, slots=True)
class TestRecorder:
    """Implements `gateway.ports.Recorder` on the test zone's log."""

    __test__ = False

    log: Log

    async def append(self, draft: Draft) -> Sequenced:
        return await self.log.append_async(draft)

    async def ready(self) -> None:
        self.log.ready()


class NoQuotas:
    """Implements `gateway.ports.Quotas`: nothing was ever used."""

    async def used_today(self, grants: Sequence[str], day: str) -> Mapping[str, int]:  # noqa: ARG002 - the port's arguments
        return dict.fromkeys(grants, 0)

    async def used(self, places: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        return dict.fromkeys(places, 0)

    async def foresee(self, quotas: Sequence[Quota]) -> Foreseen:  # noqa: ARG002 - the port's arguments
        return Foreseen(fresh=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSource:
    """Implements `gateway.ports.Source`: made-up records, and no connection to anybody."""

    name: str
    zone: tzinfo

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:  # noqa: ARG002 - the port's arguments
        step = permitted.step
        if step.resource.key.subject is not None and any(
            magic_of(key) is Magic.SOURCE_DOWN for key in keys
        ):
            raise SourceUnavailableError(source=self.name)
        many = min(LIST, step.limit) if step.many else 1
        return [
            row
            for key in keys
            for row in rows_of(
                step.resource, needed_items(permitted), key, many=many, zone=self.zone
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


class SyntheticSources(Mapping[str, Source]):
    """A synthetic source under the name of each registered one."""

    def __init__(self, names: Sequence[str], *, zone: tzinfo) -> None:
        self._open = {name: SyntheticSource(name=name, zone=zone) for name in names}

    def __getitem__(self, name: str) -> Source:
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)


class TestRegistry:
    """Implements `gateway.ports.Registry` for one call: the real picture with synthetic rights in it."""

    __test__ = False

    def __init__(self, node: Node, call: Call, *, pictures: Remembered[Snapshot]) -> None:
        self._node = node
        self._call = call
        self._pictures = pictures
        self._magics = magics_in(call.query, call.variables)

    async def snapshot(self) -> Snapshot:
        real = await self._node.live.snapshot()
        # One picture for calls that are alike: what the gateway remembers of it is then made once.
        alike = (self._call.caller.system.id, self._call.usage.matter, self._magics, now().date())
        return self._pictures.of((real,), lambda: self._picture(real), beside=alike)

    def _picture(self, real: Snapshot) -> Snapshot:
        shared = self._resources(real)
        grants = {f"grt_test_{one.code}": self._grant(one) for one in shared}
        sources = {name: replace(source, state="active") for name, source in real.sources.items()}
        # One subject a call: what it stands for holds for all that the call asks about.
        disputed = {
            (one.code, _PARTY): frozenset(item.name for item in one.items if not item.key)
            for one in shared
            if Magic.DISPUTED in self._magics
        }
        return replace(real, grants=grants, sources=sources, emergencies={}, disputed=disputed)

    async def case(self, system: str, number: str) -> Case | None:  # noqa: ARG002 - any number is a case
        usage, caller = self._call.usage, self._call.caller
        parties = tuple(
            Party(type=type_, token=_PARTY, role="applicant", added_by=system)
            for type_ in SubjectType
        )
        return Case(
            id="case_test",
            number_token="",
            system=system,
            department=caller.system.department,
            matter=usage.matter,
            project="",
            state=CaseState.OPEN,
            accepted_at=now() - _DAY,
            attested_by=system,
            parties=parties,
        )

    def token(self, kind: str, value: str) -> str:  # noqa: ARG002 - the port's arguments
        magic = magic_of(value)
        return _STRANGER if magic is None or magic is Magic.REFUSED else _PARTY

    def _resources(self, real: Snapshot) -> list[Resource]:
        own = {one.code for one in real.contract(self._call.caller.system.id)}
        shared = [
            resource
            for resource in real.resources.values()
            if resource.state == "announced"
            and resource.sharing_class is not SharingClass.NOT_SHARED
            and resource.upstream is None
        ]
        others = sorted(one.code for one in shared if one.code not in own)[:RESOURCES]
        return [resource for resource in shared if resource.code in own.union(others)]

    def _grant(self, resource: Resource) -> Grant:
        system, usage = self._call.caller.system, self._call.usage
        shown = [i for i in resource.items if i.sharing_class is not SharingClass.NOT_SHARED]
        items = [item.name for item in shown]
        if Magic.WITHHELD in self._magics:
            items = [item.name for item in shown if not _withheld(item, shown)]
        masked = Magic.MASKED in self._magics
        masks = {i.name: "tail4" for i in shown if masked and not i.key and i.mask == "none"}
        at = now()
        ended = Magic.GRANT_EXPIRED in self._magics
        return Grant(
            id=f"grt_test_{resource.code}",
            request="req_test",
            resource=resource.code,
            provider=resource.department,
            department=system.department,
            systems=(system.id,),
            channels=("query", "verify"),
            matters=(usage.matter,),
            purposes=tuple(PURPOSES),
            items=tuple(items),
            match=tuple(item.name for item in shown if item.key or item.match),
            masks=masks,
            rows=(),
            max_rows=1_000,
            not_before=at - 2 * _DAY,
            not_after=at - _DAY if ended else at + 2 * _DAY,
            daily_quota=CALLS,
            state=GrantState.ACTIVE,
        )


def _withheld(item: Item, shown: Sequence[Item]) -> bool:
    """Say whether an item is the one that is withheld: the first that is no key."""
    first = next((one for one in shown if not one.key), None)
    return item is first


@dataclass(frozen=True, slots=True)
class TestGround:
    """Implements `exchange.web.graphql.Ground`."""

    __test__ = False

    node: Node
    log: TestLog
    pictures: Remembered[Snapshot] = field(default_factory=lambda: Remembered(most=PICTURES))

    async def ports(self) -> Ports:
        log = await asyncio.to_thread(self.log.open)
        names = list(self.node.live.latest().sources)
        return replace(
            self.node.ports,
            # What a candidate policy would have decided is followed for real calls alone.
            decisions=self.node.policy,
            sources=SyntheticSources(names, zone=self.node.zone),
            recorder=TestRecorder(log),
            quotas=NoQuotas(),
        )

    def of_call(self, ports: Ports, call: Call) -> Ports:
        return replace(ports, registry=TestRegistry(self.node, call, pictures=self.pictures))
