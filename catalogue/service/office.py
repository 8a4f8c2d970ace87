"""Cases of the service halls: opened by systems, kept honest by second officers."""

from collections.abc import Callable, Sequence
from datetime import datetime

from catalogue import cases, store
from catalogue.cases import NamedParty
from catalogue.errors import NotAllowedError, StateError, UnknownError
from catalogue.model import Actor, Case, CaseState, Party, SubjectType
from catalogue.rows import CASE, MATTER, from_ms, number_token, to_ms
from catalogue.service.unit import Unit, UseCases


class Office(UseCases):
    """A case is named by its number and the system it belongs to: the actor's own unless one is given."""

    def open_case(
        self,
        number: str,
        *,
        by: Actor,
        matter: str,
        parties: Sequence[NamedParty],
        accepted_at: datetime,
        project: str = "",
        attested_by: Actor | None = None,
    ) -> Case:
        """Open a case of the acting system. Doing it again with the same contents changes nothing.

        It is *declared* by the caller, and *attested* only where an intake platform, authenticated as
        another system, stands behind it.
        """
        with self._unit(by) as unit:
            system = unit.actor().system
            if system is None or system.state != "active":
                raise NotAllowedError("ROLE_MISSING", "an active system needed")
            held = unit.need(MATTER, matter)
            cases.check_number(number, held)
            token = number_token(self._sealer, system.id, number)
            opened = cases.open_case(
                Case(
                    id=self._fresh_id("case"),
                    number_token=token,
                    system=system.id,
                    department=system.department,
                    matter=matter,
                    project=project,
                    state=CaseState.OPEN,
                    accepted_at=from_ms(to_ms(accepted_at)),
                    attested_by=None,
                    parties=self._parties(parties, added_by=system.id),
                ),
                held,
                system,
                attested_by=None if attested_by is None else unit.actor(attested_by),
            )
            before = store.case_key(unit.connection, token)
            if before is not None:
                existing = unit.need(CASE, before)
                if not cases.same_declaration(existing, opened):
                    raise StateError("a case of this number", code="CASE_CONFLICT")
                return existing
            _record_case(unit, "case.opened", opened, number=number)
        return opened

    def attest_case(self, number: str, *, system: str, by: Actor) -> Case:
        """An intake platform confirms a case that another system declared."""
        return self._change(number, "case.attested", cases.attest, by=by, system=system)

    def add_parties(
        self, number: str, parties: Sequence[NamedParty], *, by: Actor, system: str | None = None
    ) -> Case:
        """Add parties later; none counts until a second officer has confirmed it."""
        with self._unit(by) as unit:
            actor = unit.actor()
            case = self._find(unit, number, actor, system)
            late = self._parties(parties, added_by=actor.id)
            changed = cases.add_parties(case, late, unit.need(MATTER, case.matter), by=actor)
            _record_case(unit, "case.parties-added", changed, number=number)
        return changed

    def confirm_party(
        self, number: str, party: NamedParty, *, by: Actor, system: str | None = None
    ) -> Case:
        token = self._party_token(party)
        return self._change(
            number,
            "case.party-confirmed",
            lambda case, by: cases.confirm_party(case, party.type, token, by=by),
            by=by,
            system=system,
        )

    def pause_case(
        self, number: str, *, by: Actor, reason: str = "", system: str | None = None
    ) -> Case:
        return self._change(
            number, "case.paused", cases.pause, by=by, system=system, reason=reason, narrowing=True
        )

    def resume_case(
        self, number: str, *, by: Actor, reason: str = "", system: str | None = None
    ) -> Case:
        return self._change(
            number, "case.resumed", cases.resume, by=by, system=system, reason=reason
        )

    def close_case(
        self, number: str, *, by: Actor, outcome: str, system: str | None = None
    ) -> Case:
        return self._change(
            number,
            "case.closed",
            lambda case, by: cases.close(case, by=by, outcome=outcome),
            by=by,
            system=system,
            reason=outcome,
            narrowing=True,
        )

    def reopen_case(
        self,
        number: str,
        *,
        by: Actor,
        second: Actor,
        reason: str = "",
        system: str | None = None,
    ) -> Case:
        """Open a closed case again; both officers were authenticated."""
        with self._unit(by) as unit:
            actor, other = unit.actor(), unit.actor(second)
            case = self._find(unit, number, actor, system)
            changed = cases.reopen(case, by=actor, second=other)
            _record_case(
                unit,
                "case.reopened",
                changed,
                number=number,
                private={"reason": reason, "second": other.id},
            )
        return changed

    def _change(
        self,
        number: str,
        kind: str,
        decide: Callable[..., Case],
        *,
        by: Actor,
        system: str | None,
        reason: str = "",
        narrowing: bool = False,
    ) -> Case:
        with self._unit(by) as unit:
            actor = unit.actor()
            changed = decide(self._find(unit, number, actor, system), by=actor)
            _record_case(
                unit,
                kind,
                changed,
                number=number,
                narrowing=narrowing,
                private={"reason": reason} if reason else {},
            )
        return changed

    def _find(self, unit: Unit, number: str, actor: Actor, system: str | None) -> Case:
        owner = system or (actor.system.id if actor.system else "")
        key = store.case_key(unit.connection, number_token(self._sealer, owner, number))
        if key is None:
            # The number is personal in some matters; it stays out of the message.
            raise UnknownError(f"no such case of system {owner or '(none named)'}")
        return unit.need(CASE, key)

    def _parties(self, named: Sequence[NamedParty], *, added_by: str) -> tuple[Party, ...]:
        return tuple(
            Party(
                type=SubjectType(party.type),
                token=self._party_token(party),
                role=party.role,
                added_by=added_by,
            )
            for party in named
        )

    def _party_token(self, party: NamedParty) -> str:
        return self._sealer.token(party.type, party.normalised())


def _record_case(
    unit: Unit,
    kind: str,
    case: Case,
    *,
    number: str,
    narrowing: bool = False,
    private: dict[str, str] | None = None,
) -> None:
    unit.record(
        kind,
        (CASE, case),
        narrowing=narrowing,
        at_once=narrowing,
        facts={
            "system": case.system,
            "matter": case.matter,
            "state": case.state.value,
            "parties": len(case.parties),
            "attested": case.attested_by is not None,
        },
        private=private,
        case=number,
    )
