"""A small district in a real registry: people in their roles, a source, a resource, ready to act."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from catalogue import store
from catalogue.cases import NamedParty
from catalogue.examination import CheckKind, Conclusion
from catalogue.granted import Grant
from catalogue.lifecycle import NewOfficer
from catalogue.model import Actor, Case, Department, Officer, Resource, Role, SubjectType, SystemKey
from catalogue.requested import SharingRequest
from catalogue.service import Registry, Wanted
from catalogue.snapshot import Snapshot
from catalogue.terms import Terms
from tests.fakes.catalogue import (
    FIRM,
    HALL,
    HALL_SYSTEM,
    LICENCE,
    MARKET,
    MATTER,
    TODAY,
    YESTERDAY,
    a_department,
    a_matter,
    a_resource,
    a_source,
)
from tests.fakes.databases import a_database
from tests.fakes.ledger import FakeLedger
from tests.fakes.sealer import FakeSealer

NUMBER = "2026-0117"
APPLICANT = NamedParty(type=SubjectType.ENTERPRISE, identifier=FIRM, role="applicant")


def fresh_ids(first: int) -> Callable[[str], str]:
    count = itertools.count(first)
    return lambda prefix: f"{prefix}_{next(count):06d}"


def fresh_bytes(first: int) -> Callable[[int], bytes]:
    count = itertools.count(first)
    return lambda size: next(count).to_bytes(size, "big")


def a_registry_database(folder: Path) -> Engine:
    """An empty registry as the program's own migrations make it."""
    return a_database(folder, "registry")


@dataclass
class District:
    """A registry with its people; the acts that most tests need first are one call each."""

    engine: Engine
    ledger: FakeLedger = field(default_factory=FakeLedger)
    sealer: FakeSealer = field(default_factory=FakeSealer)
    people: dict[str, Actor] = field(default_factory=dict)
    first: int = 1
    """Where ids and salts begin; a second district on one database begins further on."""

    def __post_init__(self) -> None:
        self.registry = Registry(
            engine=self.engine,
            ledger=self.ledger,
            sealer=self.sealer,
            now=self.now,
            fresh_id=fresh_ids(self.first),
            random=fresh_bytes(self.first),
        )

    def now(self) -> datetime:
        """The moment of every act; a test that needs another one overrides it."""
        return TODAY

    def found(self) -> None:
        """Departments, officers, a matter, a source and the hall's system with its key."""
        first, _key = self.registry.bootstrap(
            a_department(HALL),
            self._new("administrator", HALL, Role.ADMINISTRATOR),
            public_key=b"administrator",
            by=Actor(auth="bootstrap"),
        )
        self.people["administrator"] = Actor(officer=first)
        self.registry.add_department(a_department(MARKET), by=self.by("administrator"))
        for handle, department, roles in (
            ("authority", HALL, {Role.AUTHORITY}),
            ("auditor", HALL, {Role.AUDITOR}),
            ("hall.operator", HALL, {Role.OPERATOR}),
            ("hall.second", HALL, {Role.OPERATOR}),
            ("hall.head", HALL, {Role.HEAD}),
            ("market.operator", MARKET, {Role.OPERATOR}),
            ("market.head", MARKET, {Role.HEAD}),
        ):
            self.enrol(handle, department, *roles)
        system = self.registry.add_system(
            by=self.by("administrator"),
            department=HALL,
            name="工程建设审批系统",
            system_id=HALL_SYSTEM,
        )
        self.people["system"] = Actor(system=system, auth="signature")
        self.add_key("key_hall")
        self.registry.add_source(a_source(), by=self.by("market.operator"))
        self.registry.import_matters([a_matter()], by=self.by("authority"))

    def by(self, handle: str) -> Actor:
        return self.people[handle]

    def enrol(self, handle: str, department: str, *roles: Role) -> Officer:
        officer = self.registry.add_officer(
            self._new(handle, department, *roles), by=self.by("administrator")
        )
        self.people[handle] = Actor(officer=officer, auth="session")
        return officer

    def add_key(self, key_id: str) -> SystemKey:
        code = self.registry.invite_system(HALL_SYSTEM, by=self.by("administrator"))
        key = SystemKey(id=key_id, system=HALL_SYSTEM, algorithm="ed25519", public=b"spki")
        return self.registry.register_system_key(code, key)

    def announce(self, resource: Resource | None = None) -> Resource:
        drafted = self.registry.draft_resource(
            resource or a_resource(), by=self.by("market.operator")
        )
        self.examine(drafted.code)
        self.registry.submit_resource(drafted.code, by=self.by("market.head"))
        return self.registry.announce_resource(drafted.code, by=self.by("authority"))

    def examine(self, code: str, *, by: str = "market.operator") -> None:
        """Both checks, clear."""
        for kind in CheckKind:
            self.registry.examine_resource(
                code,
                kind,
                Conclusion.CLEAR,
                words="",
                file=f"{kind}.pdf",
                digest="0f" * 32,
                by=self.by(by),
            )

    def wanted(self, **changes: object) -> Wanted:
        members: dict[str, object] = {
            "resource": LICENCE,
            "systems": (HALL_SYSTEM,),
            "items": ("uscc", "name", "status", "validUntil", "phone"),
            "match": ("uscc",),
            "matters": (MATTER,),
            "purposes": ("administrative-basis",),
            "legal_basis": "《中华人民共和国建筑法》第八条",
            "scenario": "核验申请人主体资格",
            "not_before": YESTERDAY,
            "not_after": TODAY + timedelta(days=365),
        }
        return Wanted(**(members | changes))  # type: ignore[arg-type]  # a builder: the dataclass itself checks the names

    def ask(self, **changes: object) -> SharingRequest:
        """A request of the hall, signed by its head."""
        drafted = self.registry.request_sharing(self.wanted(**changes), by=self.by("hall.operator"))
        return self.registry.sign_request(drafted.id, by=self.by("hall.head"))[0]

    def grant(self, terms: Terms | None = None, **changes: object) -> Grant:
        return self.registry.grant(
            self.ask(**changes).id, by=self.by("market.operator"), terms=terms
        )

    def open_case(self, number: str = NUMBER, **changes: object) -> Case:
        members: dict[str, object] = {
            "matter": MATTER,
            "parties": [APPLICANT],
            "accepted_at": YESTERDAY,
            "by": self.by("system"),
        }
        return self.registry.open_case(number, **(members | changes))  # type: ignore[arg-type]  # a builder, as above

    def snapshot(self) -> Snapshot:
        with self.engine.connect() as connection:
            return store.load_snapshot(connection, self.ledger.rows(), self.sealer)

    def case(self, number: str = NUMBER) -> Case | None:
        with self.engine.connect() as connection:
            return store.find_case(connection, self.ledger.rows(), self.sealer, HALL_SYSTEM, number)

    def departments(self) -> list[Department]:
        return list(self.snapshot().departments.values())

    def _new(self, handle: str, department: str, *roles: Role) -> NewOfficer:
        return NewOfficer(
            department=department,
            staff_number=f"N-{handle}",
            name=f"张{handle}",
            roles=frozenset(roles),
        )
