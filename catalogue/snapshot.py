"""What the gateway reads: one immutable, versioned picture of the registry."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalogue.model import (
    Department,
    Grant,
    Matter,
    Officer,
    Resource,
    SourceAddress,
    System,
    SystemKey,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A row left out of the snapshot because it is not what the log recorded."""

    table: str
    key: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The registry as of `applied_index`; rows that the log does not vouch for are in `absent`."""

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

    def contract(self, system: str) -> tuple[Resource, ...]:
        """Announced, shareable resources that a system has, had or asked for, or its matters list.

        Ordered by code. Not-shared and unannounced resources are never part of a contract.
        """
        department = self.systems[system].department
        wanted = {code for caller, code in self.asked if caller == system}
        wanted |= {grant.resource for grant in self.grants.values() if system in grant.systems}
        wanted |= {
            code
            for matter in self.matters.values()
            if matter.department == department
            for code in matter.resources
        }
        return tuple(
            resource
            for code, resource in sorted(self.resources.items())
            if code in wanted
            and resource.state == "announced"
            and resource.sharing_class != "not-shared"
        )

    def grants_for(self, system: str, resource: str) -> tuple[Grant, ...]:
        """Candidate grants, whatever their state, so that the policy can say why none covers."""
        return tuple(
            grant
            for grant in self.grants.values()
            if grant.resource == resource and system in grant.systems
        )
