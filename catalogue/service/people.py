"""Departments, systems, officers, their roles and their keys."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from catalogue import lifecycle, store, validation
from catalogue.errors import DuplicateError, InvalidError, StateError, UnknownError
from catalogue.flaws import Flaw
from catalogue.lifecycle import Invitation, NewOfficer
from catalogue.model import Actor, Department, Matter, Officer, OfficerKey, Role, System, SystemKey
from catalogue.protected import encode_bytes
from catalogue.rows import (
    DEPARTMENT,
    INVITATION,
    OFFICER,
    OFFICER_KEY,
    SYSTEM,
    SYSTEM_KEY,
    staff_token,
)
from catalogue.service.unit import ROWS_AN_ACT, Unit, UseCases

T = TypeVar("T")
Coded = Department | Matter
INVITATION_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an import did, in keys."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


class People(UseCases):
    def bootstrap(
        self, department: Department, administrator: NewOfficer, *, public_key: bytes, by: Actor
    ) -> tuple[Officer, OfficerKey]:
        """Register the first department, its administrator and their key in an empty registry.

        `public_key` is the administrator's Ed25519 key (SubjectPublicKeyInfo, DER).
        """
        if by.auth != "bootstrap":
            raise StateError("only the set-up of a new home bootstraps a registry")
        first = self._officer(administrator, id_=self._fresh_id("off"))
        if first.roles != {Role.ADMINISTRATOR}:
            raise InvalidError(Flaw("the first officer is administrator and nothing else"))
        validation.check_department(department)
        key = OfficerKey(id=self._fresh_id("okey"), officer=first.id, public=public_key)
        with self._unit(by) as unit:
            if not store.is_empty(unit.connection) or self._ledger.rows():
                # A registry emptied by hand would otherwise be anybody's to set up anew.
                raise StateError("something is registered or recorded already", code="NOT_EMPTY")
            unit.record(
                "registry.bootstrapped",
                (DEPARTMENT, department),
                (OFFICER, first),
                (OFFICER_KEY, key),
                facts={"department": department.code, "officer": first.id, "key": key.id},
            )
        return first, key

    def add_department(self, department: Department, *, by: Actor) -> Department:
        if not self.import_departments([department], by=by).added:
            raise DuplicateError(f"department {department.code}")
        return department

    def import_departments(self, rows: Sequence[Department], *, by: Actor) -> Taken:
        """Register departments, change those that differ; a second import of one file changes nothing."""
        for row in rows:
            validation.check_department(row)
        with self._unit(by) as unit:
            lifecycle.require_role(unit.actor(), Role.ADMINISTRATOR)
            known = unit.all(DEPARTMENT)
            codes = set(known) | {row.code for row in rows}
            for row in rows:
                if row.superior is not None and row.superior not in codes:
                    raise UnknownError(f"department {row.superior}, superior of {row.code}")
                if row.code not in known:
                    unit.find(DEPARTMENT, row.code)  # raises where the log does not vouch for it
            for chunk in chunks([row for row in rows if known.get(row.code) != row]):
                unit.record(
                    "department.registered",
                    *((DEPARTMENT, row) for row in chunk),
                    narrowing=any(row.code in known for row in chunk),
                    facts={"departments": len(chunk)},
                )
        return taken(rows, known=known)

    def add_system(
        self,
        *,
        by: Actor,
        department: str,
        name: str,
        zone: str = "gov-extranet",
        responsible: str | None = None,
        intake: bool = False,
        system_id: str | None = None,
    ) -> System:
        """Register a system; an id is made unless one is given."""
        system = validation.check_system(
            System(
                id=system_id or self._fresh_id("sys"),
                department=department,
                name=name,
                zone=zone,
                responsible=responsible,
                intake=intake,
            )
        )
        with self._unit(by) as unit:
            lifecycle.require_role(unit.actor(), Role.ADMINISTRATOR)
            unit.need(DEPARTMENT, department)
            if unit.find(SYSTEM, system.id) is not None:
                raise DuplicateError(f"system {system.id}")
            if responsible is not None and unit.need(OFFICER, responsible).department != department:
                raise InvalidError(
                    Flaw("the responsible officer belongs to the system's department")
                )
            unit.record(
                "system.registered",
                (SYSTEM, system),
                facts={"system": system.id, "department": department, "intake": intake},
            )
        return system

    def add_officer(self, officer: NewOfficer, *, by: Actor) -> Officer:
        added = self._officer(officer, id_=self._fresh_id("off"))
        with self._unit(by) as unit:
            lifecycle.require_role(unit.actor(), Role.ADMINISTRATOR)
            unit.need(DEPARTMENT, officer.department)
            token = staff_token(self._sealer, officer.staff_number)
            if store.officer_key_by_staff(unit.connection, officer.department, token):
                raise DuplicateError(f"an officer of {officer.department} with this staff number")
            self._record_officers(unit, [added], narrowing=False)
        return added

    def import_officers(self, rows: Sequence[NewOfficer], *, by: Actor) -> Taken:
        """Register officers, change those that differ; found again by department and staff number."""
        with self._unit(by) as unit:
            actor = unit.actor()
            lifecycle.require_role(actor, Role.ADMINISTRATOR)
            known = {(o.department, o.staff_number): o for o in unit.all(OFFICER).values()}
            departments = unit.all(DEPARTMENT)
            new: list[Officer] = []
            changed: list[Officer] = []
            same: list[Officer] = []
            for row in rows:
                if row.department not in departments:
                    raise UnknownError(f"department {row.department}")
                before = known.get((row.department, row.staff_number))
                officer = self._officer(row, id_=before.id if before else self._fresh_id("off"))
                if before is None:
                    new.append(officer)
                elif replace(officer, state=before.state) == before:
                    same.append(before)
                else:
                    if before.roles != officer.roles:
                        lifecycle.assign_roles(before, officer.roles, by=actor)
                    changed.append(replace(officer, state=before.state))
            for chunk in chunks([*new, *changed]):
                self._record_officers(unit, chunk, narrowing=chunk[-1] in changed)
        return Taken(
            added=tuple(o.id for o in new),
            changed=tuple(o.id for o in changed),
            unchanged=tuple(o.id for o in same),
        )

    def assign_roles(self, officer: str, roles: frozenset[Role], *, by: Actor) -> Officer:
        with self._unit(by) as unit:
            before = unit.need(OFFICER, officer)
            after = lifecycle.assign_roles(before, roles, by=unit.actor())
            self._record_officers(unit, [after], narrowing=lifecycle.loses_roles(before, after))
        return after

    def register_officer_key(self, officer: str, public: bytes, *, by: Actor) -> OfficerKey:
        """Register an officer's Ed25519 key (SubjectPublicKeyInfo, DER) for signed acts."""
        key = OfficerKey(id=self._fresh_id("okey"), officer=officer, public=public)
        with self._unit(by) as unit:
            lifecycle.require_role(unit.actor(), Role.ADMINISTRATOR)
            unit.need(OFFICER, officer)
            unit.record(
                "officer.key-registered",
                (OFFICER_KEY, key),
                facts={"officer": officer, "key": key.id},
            )
        return key

    def invite_system(self, system: str, *, by: Actor) -> str:
        """Return a code with which the system registers one key, once, within a week."""
        secret = encode_bytes(self._random(24))
        invitation = Invitation(
            id=self._fresh_id("inv"),
            system=system,
            code_hash=_hash(secret),
            expires=self._now() + timedelta(days=INVITATION_DAYS),
        )
        with self._unit(by) as unit:
            lifecycle.require_role(unit.actor(), Role.ADMINISTRATOR)
            unit.need(SYSTEM, system)
            unit.record(
                "system.invited",
                (INVITATION, invitation),
                facts={"system": system, "invitation": invitation.id},
            )
        return f"{invitation.id}.{secret}"

    def register_system_key(self, code: str, key: SystemKey) -> SystemKey:
        """Register the key of the system that the code was made for; possession was proved before.

        Whoever holds the code acts: no officer signs this, the invitation did. A key that names no system
        (empty) is registered for the invitation's.
        """
        invitation_id, _, secret = code.partition(".")
        with self._unit(Actor(auth="invitation")) as unit:
            invitation = unit.find(INVITATION, invitation_id)
            if (
                invitation is None
                or key.system not in {"", invitation.system}
                or not hmac.compare_digest(invitation.code_hash, _hash(secret))
            ):
                raise StateError("no such invitation", code="INVITATION_INVALID")
            used = lifecycle.use_invitation(invitation, at=self._now())
            system = unit.need(SYSTEM, invitation.system)
            unit.act_as(Actor(system=system, auth="invitation"))
            if unit.find(SYSTEM_KEY, validation.check_key_id(key.id)) is not None:
                raise DuplicateError(f"key {key.id}")
            registered = replace(key, system=system.id, state="active")
            unit.record(
                "system.key-registered",
                (INVITATION, used),
                (SYSTEM_KEY, registered),
                facts={"system": system.id, "key": key.id, "algorithm": key.algorithm},
            )
        return registered

    def revoke_system_key(self, key: str, *, by: Actor, reason: str = "") -> SystemKey:
        with self._unit(by) as unit:
            lifecycle.require_role(unit.actor(), Role.ADMINISTRATOR)
            held = unit.need(SYSTEM_KEY, key)
            if held.state != "active":
                raise StateError(f"key {key} is {held.state} already")
            revoked = replace(held, state="revoked")
            unit.record(
                "system.key-revoked",
                (SYSTEM_KEY, revoked),
                narrowing=True,
                at_once=True,
                facts={"system": held.system, "key": key},
                private={"reason": reason},
            )
        return revoked

    def _officer(self, officer: NewOfficer, *, id_: str) -> Officer:
        if not officer.staff_number.strip() or not officer.name.strip():
            raise InvalidError(Flaw("an officer's staff number and name are needed"))
        return Officer(
            id=id_,
            department=officer.department,
            staff_number=officer.staff_number,
            name=officer.name,
            post=officer.post,
            roles=lifecycle.check_roles(officer.roles),
            clearance=officer.clearance,
        )

    def _record_officers(self, unit: Unit, officers: Sequence[Officer], *, narrowing: bool) -> None:
        unit.record(
            "officer.registered",
            *((OFFICER, officer) for officer in officers),
            narrowing=narrowing,
            facts={
                "officers": len(officers),
                "roles": sorted({role.value for o in officers for role in o.roles}),
            },
        )


def taken(rows: Sequence[Coded], *, known: Mapping[str, Coded]) -> Taken:
    """Say what an import makes of rows, given what is registered."""
    return Taken(
        added=tuple(row.code for row in rows if row.code not in known),
        changed=tuple(row.code for row in rows if known.get(row.code, row) != row),
        unchanged=tuple(row.code for row in rows if known.get(row.code) == row),
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def chunks(rows: Sequence[T], size: int = ROWS_AN_ACT) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
