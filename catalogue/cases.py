"""What may be done with a case (办件), by whom and in which state. Decides only."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import re2

from catalogue.codes import normalise_subject
from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_officer
from catalogue.model import (
    Actor,
    Case,
    CaseState,
    Matter,
    Officer,
    Party,
    Role,
    SubjectType,
    System,
)

_CONTROL = frozenset(map(chr, range(32))) | {"\x7f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedParty:
    """A party as named by the caller, in the clear."""

    type: SubjectType
    identifier: str = field(repr=False)
    role: str

    def normalised(self) -> str:
        return normalise_subject(self.type, self.identifier)


def check_number(number: str, matter: Matter) -> None:
    """Raise where a case number does not fit its matter. The number stays out of the message."""
    if not 1 <= len(number) <= 64 or _CONTROL & set(number):
        raise InvalidError(Flaw("a case number of 1 to 64 characters needed"), code="CASE_NUMBER")
    if matter.case_pattern and re2.fullmatch(matter.case_pattern, number) is None:
        raise InvalidError(
            Flaw("the form that matter {0} prescribes", matter.code), code="CASE_NUMBER"
        )


def open_case(case: Case, matter: Matter, system: System, *, attested_by: Actor | None) -> Case:
    """Return the new case if it fits its matter and the system's department.

    `attested_by` is the authenticated intake platform, never a name that the caller gives.
    """
    if matter.department != system.department or matter.state != "active":
        raise NotAllowedError(
            "CASE_DEPARTMENT", f"matter {matter.code} is no active one of {system.department}"
        )
    check_parties(case.parties, matter)
    opened = replace(case, state=CaseState.OPEN, department=system.department, attested_by=None)
    return opened if attested_by is None else attest(opened, by=attested_by)


def attest(case: Case, *, by: Actor) -> Case:
    """An intake platform confirms the case; the system that uses the case cannot do so itself."""
    if by.system is None or not by.system.intake or by.system.state != "active":
        raise NotAllowedError("ROLE_MISSING", "an active intake platform needed")
    if by.system.id == case.system:
        raise NotAllowedError("SECOND_OFFICER", "a system does not attest its own case")
    return replace(case, attested_by=by.system.id)


def same_declaration(case: Case, other: Case) -> bool:
    """Whether opening the case again says what it said at first; later changes do not count."""
    return (case.matter, case.project, case.accepted_at, _first_parties(case)) == (
        other.matter,
        other.project,
        other.accepted_at,
        _first_parties(other),
    )


def check_parties(parties: Sequence[Party], matter: Matter) -> None:
    if not 1 <= len(parties) <= matter.max_parties:
        raise InvalidError(
            Flaw("{0} parties, 1 to {1} needed", len(parties), matter.max_parties),
            code="CASE_PARTIES",
        )
    if len({(party.type, party.token) for party in parties}) != len(parties):
        raise InvalidError(Flaw("one party stands twice"), code="CASE_PARTIES")


def add_parties(case: Case, late: Sequence[Party], matter: Matter, *, by: Actor) -> Case:
    """Add parties that count for nothing until a second officer confirms them."""
    officer = _handler(case, by)
    _require_state(case, CaseState.OPEN, CaseState.PAUSED)
    added = tuple(
        replace(party, added_by=officer.id, confirmed_by=None, late=True) for party in late
    )
    check_parties(case.parties + added, matter)
    return replace(case, parties=case.parties + added)


def confirm_party(case: Case, subject: SubjectType, token: str, *, by: Actor) -> Case:
    officer = _handler(case, by)
    _require_state(case, CaseState.OPEN, CaseState.PAUSED)
    waiting = [
        party
        for party in case.parties
        if (party.type, party.token) == (subject, token) and not party.counts
    ]
    if not waiting:
        raise StateError("no such party waits for confirmation", code="CASE_STATE")
    if waiting[0].added_by == officer.id:
        raise NotAllowedError("SECOND_OFFICER", "confirmed by whoever added the party")
    return replace(
        case,
        parties=tuple(
            replace(party, confirmed_by=officer.id) if party is waiting[0] else party
            for party in case.parties
        ),
    )


def pause(case: Case, *, by: Actor) -> Case:
    _user(case, by)
    _require_state(case, CaseState.OPEN)
    return replace(case, state=CaseState.PAUSED)


def resume(case: Case, *, by: Actor) -> Case:
    _user(case, by)
    _require_state(case, CaseState.PAUSED)
    return replace(case, state=CaseState.OPEN)


def close(case: Case, *, by: Actor, outcome: str) -> Case:
    _user(case, by)
    _require_state(case, CaseState.OPEN, CaseState.PAUSED)
    if not outcome.strip():
        raise InvalidError(Flaw("the outcome with which the case is closed is missing"))
    return replace(case, state=CaseState.CLOSED, closed_with=outcome)


def reopen(case: Case, *, by: Actor, second: Actor) -> Case:
    """Open a closed case again; two officers of the department answer for it."""
    officer, other = _handler(case, by), _handler(case, second)
    if officer.id == other.id:
        raise NotAllowedError("SECOND_OFFICER", "one officer twice")
    _require_state(case, CaseState.CLOSED)
    return replace(case, state=CaseState.OPEN, closed_with="")


def _first_parties(case: Case) -> frozenset[tuple[SubjectType, str, str]]:
    return frozenset((p.type, p.token, p.role) for p in case.parties if not p.late)


def _handler(case: Case, by: Actor) -> Officer:
    """Return the acting officer of the case's department."""
    officer = require_officer(by)
    if officer.department != case.department:
        raise NotAllowedError("ROLE_MISSING", f"an officer of {case.department} needed")
    if Role.ADMINISTRATOR in officer.roles:
        raise NotAllowedError("ADMINISTRATOR_DECIDES_NOTHING")
    return officer


def _user(case: Case, by: Actor) -> None:
    """Raise unless the case's own system or an officer of its department acts."""
    if by.officer is not None:
        _handler(case, by)
    elif by.system is None or by.system.id != case.system:
        raise NotAllowedError("ROLE_MISSING", "the system that the case belongs to needed")


def _require_state(case: Case, *states: CaseState) -> None:
    if case.state not in states:
        raise StateError(
            f"the case is {case.state}, {' or '.join(states)} needed", code="CASE_STATE"
        )
