"""The demonstration's district, founded once, and copies of it that serve over HTTP for one test each."""

import asyncio
import atexit
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from audit.canonical import decode_strict
from exchange.acts.indicators import keep_today
from exchange.archives import write_keys
from exchange.client.authorities import public_authorities
from exchange.client.session import Answer, Exchange, Party
from exchange.client.signing import SignatureAuth, SigningKey, encode_usage
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import (
    CASE,
    INTAKE,
    PUBLISHED,
    SYSTEM,
    District,
    agree,
    ask_for,
    found_district,
    join_systems,
    publish,
)
from exchange.demo.sources import LabourService
from exchange.node import Node, create_home, open_node
from exchange.serving import Serving
from exchange.settings import Settings
from gateway.errors import BulkUnsupportedError
from gateway.model import Permitted, Row, Usage
from gateway.ports import PagedSource, Source
from tests.fakes.bundles import KEYS

USAGE = Usage(
    matter=district.MATTER,
    case=CASE,
    purpose="administrative-basis",
    reason="建筑工程施工许可核发",
    operator="HALL-011",
)
LICENCE = """query Licence($e: ID!) {
  enterprise(uscc: $e) { businessLicence { entName phone status } }
}"""
DEPARTMENTS = """query Permit($e: ID!) {
  enterprise(uscc: $e) {
    businessLicence { entName status }
    planningPermit { permitNo }
    qualification { certNo grade }
    wageDeposit { amount }
  }
}"""
PARTIES = (
    Party(type="enterprise", identifier=district.APPLICANT, role="applicant"),
    Party(type="enterprise", identifier=district.DESIGNER, role="designer"),
    Party(type="person", identifier=district.ENGINEER, role="engineer"),
)
JOINING = "hall.joining"
"""A system of the hall that nobody granted anything."""


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say_nothing(_: str) -> None:
    """Take the place of the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A closed home with the whole district in it; never opened again, only copied."""

    settings: Settings
    keys: Mapping[str, Ed25519PrivateKey]
    systems: Mapping[str, SigningKey]
    ids: Mapping[str, str]
    grants: Mapping[str, str]
    """Grant by resource code: of every resource but the wage deposit."""
    labour: LabourService


@cache
def founded() -> Founded:
    """Found the district, once in a process."""
    home = Path(tempfile.mkdtemp(prefix="exchange-founded-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    settings = Settings(
        home=home,
        port=a_free_port(),
        origin="exchange.yunxiu.example/log",
        policy_keys=write_keys(KEYS),
        demo=True,
    )
    create_home(settings)
    labour = LabourService(token="labour-token-of-the-tests")
    labour.start()
    node = open_node(settings)
    place = found_district(node, say=say_nothing)
    place.act(
        "administrator", "system.add", id=JOINING, department=district.HALL.code, name="试用系统"
    )
    serving = Serving(node)
    serving.start()
    try:
        join_systems(place, base_url=settings.base_url, vkey=node.vkey, say=say_nothing)
        invitation = place.act("administrator", "system.invite", system=JOINING)["invitation"]
        place.systems[JOINING] = SigningKey.create()
        with Exchange(settings.base_url, vkey=node.vkey) as joining:
            joining.register(place.systems[JOINING], invitation=invitation)
        publish(
            place,
            labour_url=f"http://127.0.0.1:{labour.port}",
            token=labour.token,
            say=say_nothing,
        )
        # As a district's first minute does: else each copy would, in the midst of some test.
        keep_today(node)
        grants = {}
        for entry in PUBLISHED:
            request = ask_for(place, entry.code)
            if entry.sharing_class == "conditional":
                grants[entry.code] = agree(place, request, entry.code)
        with (
            Exchange(settings.base_url, key=place.systems[SYSTEM], vkey=node.vkey) as hall,
            Exchange(settings.base_url, key=place.systems[INTAKE], vkey=node.vkey) as intake,
        ):
            hall.put_case(
                CASE,
                matter=district.MATTER,
                parties=PARTIES,
                accepted_at=now() - timedelta(minutes=5),
            )
            intake.case_action(CASE, "attest", system=SYSTEM)
    finally:
        serving.stop()
    return Founded(
        settings=settings,
        keys=place.keys,
        systems=place.systems,
        ids=place.ids,
        grants=grants,
        labour=labour,
    )


class CountedSource:
    """Implements `gateway.ports.Source`: the real one, its reads noted."""

    def __init__(self, name: str, source: Source, *, sources: "CountedSources") -> None:
        self._name = name
        self._source = source
        self._sources = sources

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        await self._noted()
        return await self._source.read(permitted, keys=keys, call=call)

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        await self._noted()
        if not isinstance(self._source, PagedSource):
            raise BulkUnsupportedError
        return await self._source.page(permitted, after=after, call=call)

    async def _noted(self) -> None:
        self._sources.reads.append(self._name)
        meanwhile, self._sources.meanwhile = self._sources.meanwhile, None
        if meanwhile is not None:
            await asyncio.to_thread(meanwhile)

    def __getattr__(self, name: str) -> Any:
        """Lists where the real one does: whether a source can is seen by its having `read_list`."""
        if name != "read_list":
            raise AttributeError(name)
        listing = self._source.read_list  # type: ignore[attr-defined]

        async def read_list(permitted: Permitted, *, call: str) -> Sequence[Row]:
            self._sources.reads.append(self._name)
            return tuple(await listing(permitted, call=call))

        return read_list

    async def close(self) -> None:
        await self._source.close()


class CountedSources(Mapping[str, Source]):
    """The node's sources, each noting who was read."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self.reads: list[str] = []
        self.meanwhile: Callable[[], object] | None = None
        """Done once, in the middle of the next read; None where nothing happens meanwhile."""

    def __getitem__(self, name: str) -> Source:
        return CountedSource(name, self._sources[name], sources=self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


class Standing:
    """A district that serves: what its people and systems can do from outside, and its operator with SQL."""

    def __init__(self, settings: Settings, *, origin: Founded) -> None:
        self.grants = origin.grants
        self.labour = origin.labour
        self._clients: list[Exchange] = []
        self._origin = origin
        self.serve(settings)

    @property
    def node(self) -> Node:
        return self.place.node

    @property
    def url(self) -> str:
        return self.node.settings.base_url

    def act(self, officer: str, name: str, /, **arguments: Any) -> Any:
        return self.place.act(officer, name, **arguments)

    def as_system(self, system: str = SYSTEM, **options: Any) -> Exchange:
        """A client with the system's registered key, or with the `auth` that is given."""
        if "auth" not in options:
            options["key"] = self.place.systems[system]
        client = Exchange(self.url, vkey=self.node.vkey, **options)
        self._clients.append(client)
        return client

    def ask(
        self,
        document: str = LICENCE,
        /,
        e: str = district.APPLICANT,
        *,
        system: str = SYSTEM,
        variables: Mapping[str, Any] | None = None,
        **usage: Any,
    ) -> Answer:
        """Ask as the hall's system on behalf of its clerk in the open case, with what is changed."""
        named = {"e": e} if variables is None else variables
        return self.as_system(system).query(document, named, usage=structs.replace(USAGE, **usage))

    def write(
        self,
        document: str = LICENCE,
        *,
        e: str = district.APPLICANT,
        usage: Usage | None = USAGE,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """A query as it goes over the wire, not yet signed; `usage` None leaves it out of the body."""
        members: dict[str, Any] = {"query": document, "variables": {"e": e}}
        if usage is not None:
            members["extensions"] = {"usage": encode_usage(usage)}
        return httpx.Request("POST", f"{self.url}/graphql", json=members, headers=headers)

    def signed(self, request: httpx.Request, *, system: str = SYSTEM) -> httpx.Request:
        SignatureAuth(self.place.systems[system]).sign(request)
        return request

    def send(self, request: httpx.Request) -> httpx.Response:
        with httpx.Client(trust_env=False, verify=public_authorities()) as client:
            return client.send(request)

    def raw_sql(self, statement: str, *values: Any) -> int:
        """Change the registry past the program, as whoever has its file can; returns the rows touched."""
        connection = sqlite3.connect(self.node.settings.home / "registry.db")
        try:
            with connection:
                return connection.execute(statement, values).rowcount
        finally:
            connection.close()

    def row(self, table: str, condition: str, *values: Any) -> dict[str, Any]:
        """Return one row as it stands in the registry."""
        connection = sqlite3.connect(self.node.settings.home / "registry.db")
        connection.row_factory = sqlite3.Row
        try:
            found = connection.execute(f"SELECT * FROM {table} WHERE {condition}", values)
            return dict(found.fetchone())
        finally:
            connection.close()

    def entry(self, answer: Answer) -> dict[str, Any]:
        """Return the entry that an answer's receipt holds, as it stands in the log."""
        return dict(decode_strict(self.node.log.entry(int(answer.entry["index"]))))

    def kinds(self, *, since: int = 0) -> list[str]:
        """Return the kinds of the entries from an index on."""
        bodies = self.node.log.entries(since, self.node.log.size)
        return [str(decode_strict(body)["kind"]) for body in bodies]

    def restart(self) -> None:
        """Stop the node as an orderly operator does, and serve the same home again."""
        self.serving.stop()
        self.serve(self.node.settings)

    def serve(self, settings: Settings, *, ahead: timedelta = timedelta()) -> None:
        opened = open_node(settings)
        self.sources = CountedSources(opened.shelf)
        ports = replace(opened.ports, sources=self.sources, now=lambda: now() + ahead)
        node = replace(opened, ports=ports)
        self.place = District(
            node=node,
            keys=dict(self._origin.keys),
            systems=dict(self._origin.systems),
            ids=dict(self._origin.ids),
        )
        self.serving = Serving(node)
        self.serving.start()

    def go_ahead(self, **by: float) -> None:
        """Serve the same home as it would be some time from now: grants end by that clock."""
        self.serving.stop()
        self.serve(self.node.settings, ahead=timedelta(**by))

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.serving.stop()


@contextmanager
def standing(home: Path) -> Iterator[Standing]:
    """Copy the founded district into `home` and serve it on a port of its own."""
    origin = founded()
    found = Standing(copied(home), origin=origin)
    try:
        yield found
    finally:
        found.stop()


def copied(home: Path) -> Settings:
    """Copy the founded home; returns the settings under which the copy serves."""
    origin = founded()
    shutil.copytree(origin.settings.home, home, dirs_exist_ok=True)
    home.chmod(0o700)
    return replace(origin.settings, home=home, port=a_free_port())


def lines(answer: Answer) -> dict[str, dict[str, Any]]:
    """The outcome lines by the last response key of their path."""
    return {str(line["path"][-1]): dict(line) for line in answer.outcomes}


def codes(answer: Answer) -> dict[str, Any]:
    """The code of each step, by the last response key of its path; None where there is none."""
    return {name: line.get("code") for name, line in lines(answer).items()}
