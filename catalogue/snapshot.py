"""What the gateway reads: one immutable, versioned picture of the registry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from catalogue import emergency, files
from catalogue.bundles import PolicyBundle
from catalogue.deputies import Deputy
from catalogue.documents import DocumentState, TrustedDocument, document_id
from catalogue.emergency import EmergencyAccess
from catalogue.granted import Grant, GrantState
from catalogue.model import (
    Case,
    Department,
    Matter,
    Officer,
    Resource,
    SourceAddress,
    System,
    SystemKey,
)
from catalogue.reviews import IdentityOpening, Review

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A row left out of the snapshot because it is not what the log recorded."""

    table: str
    key: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The registry as of `applied_index`; rows that the log does not vouch for are in `absent`.

    It never changes, so that what every call asks of it is worked out once.
    """

    applied_index: int
    departments: Mapping[str, Department]
    systems: Mapping[str, System]
    keys: Mapping[str, SystemKey]
    officers: Mapping[str, Officer]
    """By officer id."""
    staff: Mapping[tuple[str, str], str]
    """(department code, staff number token) → officer id."""
    sources: Mapping[str, SourceAddress]
    resources: Mapping[str, Resource]
    """All but drafts, by code; `state` says whether announced or withdrawn."""
    matters: Mapping[str, Matter]
    grants: Mapping[str, Grant]
    asked: frozenset[tuple[str, str]]
    """(system, resource code) pairs that were ever requested."""
    absent: tuple[Absent, ...] = ()
    policy: PolicyBundle | None = None
    """The bundle in force; None where none was ever put in force, or that is in doubt."""
    policy_in_doubt: bool = False
    """Whether a bundle's row is left out and none is vouched for as in force: nobody knows which one is."""
    emergencies: Mapping[str, EmergencyAccess] = field(default_factory=dict)
    """Emergency accesses by id, past ones too."""
    reviews: Mapping[str, Review] = field(default_factory=dict)
    """Reviews of the log by id, past ones too: by them supervisors see anything at all."""
    openings: Mapping[str, IdentityOpening] = field(default_factory=dict)
    """Openings of identities by id, asked for and confirmed ones."""
    documents: Mapping[str, TrustedDocument] = field(default_factory=dict)
    """Trusted documents by department and digest, withdrawn ones too."""

    deputies: Mapping[str, Deputy] = field(default_factory=dict)
    """By id, past ones too."""
    disputed: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """(resource code, subject's keyed token) → names of the items whose value is disputed now."""

    def disputed_items(self, resource: str, token: str) -> frozenset[str]:
        """Return the items of a resource that are disputed of a subject; empty for nearly everybody.

        `token` is the keyed digest by which parties of cases are compared: (kind, normalised identifier).
        """
        return self.disputed.get((resource, token), _NOTHING)

    def document(self, department: str, digest: str) -> TrustedDocument | None:
        """Return a document that stands for a department; None where none of that digest does."""
        held = self.documents.get(document_id(department, digest))
        return held if held is not None and held.state is DocumentState.ACTIVE else None

    def contract(self, system: str) -> tuple[Resource, ...]:
        """Announced, shareable resources that a system has, had or asked for, or its matters list.

        Ordered by code. Not-shared and unannounced resources are never part of a contract.
        """
        known = self._contracts.get(system)
        if known is None:
            known = self._contracts[system] = self._contract(system)
        return known

    def _contract(self, system: str) -> tuple[Resource, ...]:
        department = self.systems[system].department
        wanted = {code for caller, code in self.asked if caller == system}
        wanted |= {grant.resource for grant in self.grants.values() if system in grant.systems}
        listing = [held for held in self.matters.values() if held.department == department]
        wanted = wanted.union(*(held.listed for held in listing))
        types = frozenset[str]().union(*(held.certificates for held in listing))
        return tuple(
            resource
            for code, resource in sorted(self.resources.items())
            if (
                code in wanted
                or (resource.certificate is not None and resource.certificate.type_code in types)
            )
            and resource.state == "announced"
            and resource.sharing_class != "not-shared"
            and resource.upstream is None
        )

    def grants_for(self, system: str, resource: str) -> tuple[Grant, ...]:
        """Standing grants, whatever their state, so that the policy can say why none covers."""
        return self._standing_grants.get((system, resource), ())

    def grants_of(self, department: str, resource: str) -> tuple[Grant, ...]:
        """A department's standing grants of a resource, the newest first."""
        return self._department_grants.get((department, resource), ())

    def certified(self, type_code: str) -> tuple[Resource, ...]:
        """Resources whose records are e-certificates of a type, withdrawn ones too."""
        return self._certified.get(type_code, ())

    def candidates(
        self, system: str, resource: str, *, case: Case | None, officer: str | None, at: datetime
    ) -> tuple[Grant, ...]:
        """Grants that are put forward for a call: the standing ones, or an emergency's alone.

        A case that stands for an emergency lends its party to no standing grant, and the emergency's own
        grant serves only the two officers who answer for it, as long as the department's right stands.
        """
        access = self.emergency_of(case)
        if access is None:
            return self.grants_for(system, resource)
        grant = self.grants.get(access.grant or "")
        held = self.resources.get(resource)
        if grant is None or held is None or grant.resource != resource:
            return ()
        if system not in grant.systems or officer is None or not access.serves(officer):
            return ()
        offered = set(held.emergency_items or ())
        over = access.state is not emergency.EmergencyState.OPEN
        stopped = emergency.stopped(self.emergencies.values(), access.department, at=at)
        return (
            replace(
                grant,
                items=tuple(name for name in grant.items if name in offered),
                state=GrantState.SUSPENDED if over or stopped else grant.state,
            ),
        )

    def emergency_of(self, case: Case | None) -> EmergencyAccess | None:
        """Return the emergency that a case stands for; None where it is an ordinary case."""
        return None if case is None else self._emergency_cases.get(case.id)

    @cached_property
    def open_sources(self) -> frozenset[str]:
        """Names of the sources that may be read."""
        return frozenset(name for name, one in self.sources.items() if one.state == "active")

    @cached_property
    def worked_out(self) -> dict[str, Any]:
        """What readers worked out of this picture, by what it is called: it ends with the picture."""
        return {}

    @cached_property
    def kept_here(self) -> frozenset[str]:
        """Names of the sources whose tables the exchange itself keeps: published files."""
        return frozenset(name for name, one in self.sources.items() if one.kind == files.KIND)

    @cached_property
    def _contracts(self) -> dict[str, tuple[Resource, ...]]:
        """Filled as systems call."""
        return {}

    @cached_property
    def _standing_grants(self) -> Mapping[tuple[str, str], tuple[Grant, ...]]:
        found: dict[tuple[str, str], list[Grant]] = {}
        for grant in self.grants.values():
            if grant.request.startswith(emergency.PREFIX):
                continue
            for system in dict.fromkeys(grant.systems):
                found.setdefault((system, grant.resource), []).append(grant)
        return {place: tuple(grants) for place, grants in found.items()}

    @cached_property
    def _department_grants(self) -> Mapping[tuple[str, str], tuple[Grant, ...]]:
        found: dict[tuple[str, str], list[Grant]] = {}
        for _id, grant in sorted(self.grants.items(), reverse=True):
            if not grant.request.startswith(emergency.PREFIX):
                found.setdefault((grant.department, grant.resource), []).append(grant)
        return {place: tuple(grants) for place, grants in found.items()}

    @cached_property
    def _certified(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for _code, held in sorted(self.resources.items()):
            if held.certificate is not None:
                found.setdefault(held.certificate.type_code, []).append(held)
        return {type_code: tuple(held) for type_code, held in found.items()}

    @cached_property
    def _emergency_cases(self) -> Mapping[str, EmergencyAccess]:
        found: dict[str, EmergencyAccess] = {}
        for one in self.emergencies.values():
            if one.case is not None:
                found.setdefault(one.case, one)
        return found
