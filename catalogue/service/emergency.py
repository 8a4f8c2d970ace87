"""Emergency access: announced, asked for, confirmed by a second officer, ended and reviewed."""

from dataclasses import replace

from catalogue import emergency, lifecycle
from catalogue.cases import NamedParty
from catalogue.emergency import EmergencyAccess, EmergencyState, EmergencyVerdict, Sought
from catalogue.errors import StateError
from catalogue.granted import Grant, GrantState
from catalogue.lifecycle import Registration
from catalogue.model import Actor, Case, CaseState, Role
from catalogue.rows import (
    CASE,
    EMERGENCY,
    GRANT,
    MATTER,
    RESOURCE,
    SYSTEM,
    Kind,
    number_token,
)
from catalogue.service.unit import Unit, UseCases


class Emergencies(UseCases):
    def offer_for_emergencies(
        self, resource: str, items: tuple[str, ...], *, by: Actor
    ) -> Registration:
        """A head of the publishing department announces items for emergencies; none takes it back.

        Raises NotAllowedError, InvalidError, StateError.
        """
        with self._unit(by) as unit:
            actor = unit.actor()
            held = unit.need(RESOURCE, resource)
            department = held.resource.department
            lifecycle.require_decider(actor, Role.HEAD, department=department)
            if held.resource.state != "announced":
                raise StateError(f"resource {resource} is {held.resource.state}, announced needed")
            offered = emergency.check_offer(held.resource, items)
            changed = replace(
                held, resource=replace(held.resource, emergency_items=offered or None)
            )
            before = set(held.resource.emergency_items or ())
            unit.record(
                "emergency.offered",
                (RESOURCE, changed),
                narrowing=not before <= set(offered),
                facts={"resource": resource, "provider": department, "items": list(offered)},
            )
        return changed

    def ask_emergency(self, sought: Sought, subject: NamedParty, *, by: Actor) -> EmergencyAccess:
        """The first officer asks; nothing is given before a second one confirms.

        Raises NotAllowedError, InvalidError, UnknownError, CodeError for the subject's identifier.
        """
        with self._unit(by) as unit:
            actor = unit.actor()
            asked = emergency.ask(
                sought,
                unit.need(RESOURCE, sought.resource).resource,
                unit.need(SYSTEM, sought.system),
                unit.need(MATTER, sought.matter),
                access_id=self._fresh_id(emergency.PREFIX.rstrip("_")),
                subject=(subject.type, self._sealer.token(subject.type, subject.normalised())),
                by=actor,
                at=self._now(),
                known=unit.all(EMERGENCY).values(),
            )
            _record(unit, "emergency.asked", asked, private={"reason": asked.reason})
        return asked

    def confirm_emergency(self, access: str, *, by: Actor) -> EmergencyAccess:
        """A second officer opens it: access, grant and case stand in one act.

        Its number is the id of the access: that is what calls name as their case.
        """
        with self._unit(by) as unit:
            asked = unit.need(EMERGENCY, access)
            opened, grant, case = emergency.confirm(
                asked,
                unit.need(RESOURCE, asked.resource).resource,
                grant_id=self._fresh_id("grt"),
                case_id=self._fresh_id("case"),
                number_token=number_token(self._sealer, asked.system, asked.id),
                by=unit.actor(),
                at=self._now(),
                known=unit.all(EMERGENCY).values(),
            )
            _record(unit, "emergency.opened", opened, (GRANT, grant), (CASE, case))
        return opened

    def end_emergency(self, access: str, *, by: Actor) -> EmergencyAccess:
        """End it before its time, or withdraw what nobody confirmed."""
        with self._unit(by) as unit:
            held = unit.need(EMERGENCY, access)
            ended = emergency.end(held, by=unit.actor(), at=self._now())
            if ended.state is EmergencyState.WITHDRAWN:
                _record(unit, "emergency.withdrawn", ended)
            else:
                _record(unit, "emergency.ended", ended, *_closed(unit, ended), narrowing=True)
        return ended

    def review_emergency(
        self, access: str, *, verdict: EmergencyVerdict, finding: str, by: Actor
    ) -> EmergencyAccess:
        """The auditor's verdict, once and for good; with it the department's right stands again."""
        with self._unit(by) as unit:
            reviewed = emergency.review(
                unit.need(EMERGENCY, access),
                verdict=verdict,
                finding=finding,
                by=unit.actor(),
                at=self._now(),
            )
            private = {"finding": reviewed.finding} if reviewed.finding else {}
            _record(unit, "emergency.reviewed", reviewed, *_closed(unit, reviewed), private=private)
        return reviewed


def _closed(
    unit: Unit, access: EmergencyAccess
) -> list[tuple[Kind[Grant], Grant] | tuple[Kind[Case], Case]]:
    """What stood for the access, ended: its grant is revoked and its case closed."""
    grant = unit.need(GRANT, access.grant or "")
    case = unit.need(CASE, access.case or "")
    return [
        (GRANT, replace(grant, state=GrantState.REVOKED)),
        (CASE, replace(case, state=CaseState.CLOSED, closed_with="emergency")),
    ]


def _record(
    unit: Unit,
    kind: str,
    access: EmergencyAccess,
    *more: tuple[Kind[Grant], Grant] | tuple[Kind[Case], Case],
    narrowing: bool = False,
    private: dict[str, str] | None = None,
) -> None:
    unit.record(
        kind,
        (EMERGENCY, access),
        *more,
        narrowing=narrowing,
        facts={
            "emergency": access.id,
            "resource": access.resource,
            "provider": access.provider,
            "system": access.system,
            "matter": access.matter,
            "items": list(access.items),
            "minutes": access.minutes,
            "state": access.state.value,
            "verdict": "" if access.verdict is None else access.verdict.value,
        },
        private=private,
        case=access.id,
    )
