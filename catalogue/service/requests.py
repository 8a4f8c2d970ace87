"""Requests on the side of whoever asks: drafted, revised, signed off, checked, supplemented, withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalogue import completeness, lifecycle, sharing
from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.granted import Grant
from catalogue.model import Actor, Department, Resource, Role, SharingClass
from catalogue.requested import Attachment, Course, RequestState, SharingRequest
from catalogue.rows import DEPARTMENT, GRANT, MATTER, REQUEST, RESOURCE, SYSTEM, Kind
from catalogue.rules import FORM_CHECK
from catalogue.service.standing import Standing
from catalogue.service.unit import Unit
from catalogue.terms import Sides

BASKET_MOST = 40
"""Resources in one basket: an act's entry holds so many rows."""
ATTACHMENTS_MOST = 10
ASKERS = (Role.OPERATOR, Role.HEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a consumer asks for, before an id and a creator are given."""

    resource: str
    systems: tuple[str, ...]
    items: tuple[str, ...]
    match: tuple[str, ...]
    matters: tuple[str, ...]
    purposes: tuple[str, ...]
    legal_basis: str
    scenario: str
    not_before: datetime
    not_after: datetime
    channels: tuple[str, ...] = ("query",)
    daily_quota: int = 1000
    volume: int | None = None
    """Records that are expected to be asked for in a month; None: not said."""


class Sharing(Standing):
    def request_sharing(self, wanted: Wanted, *, by: Actor) -> SharingRequest:
        """Draft a request of the acting officer's department; a second officer has to sign it."""
        with self._unit(by) as unit:
            asked, resource = self._drafted(unit, wanted)
            check(unit, asked, resource)
            record_request(unit, "request.drafted", asked, resource)
        return asked

    def request_basket(self, wanted: Sequence[Wanted], *, by: Actor) -> list[SharingRequest]:
        """Draft one request a resource, under a common number. Nothing is drafted unless all are whole.

        Raises InvalidError with everything that is missing, each finding after its resource's code.
        """
        codes = [one.resource for one in wanted]
        if not 1 <= len(codes) <= BASKET_MOST:
            raise InvalidError(Flaw("{0} resources, 1 to {1} needed", len(codes), BASKET_MOST))
        if len(set(codes)) < len(codes):
            raise InvalidError(Flaw("each resource stands in a basket once"))
        number = self._fresh_id("bsk")
        with self._unit(by) as unit:
            drafted: list[tuple[SharingRequest, Resource]] = []
            findings: list[Flaw] = []
            for one in wanted:
                asked, resource = self._drafted(unit, one, basket=number)
                found = _findings(unit, asked, resource)
                findings += [Flaw("{0}: {1}", one.resource, finding) for finding in found]
                drafted.append((asked, resource))
            if findings:
                raise InvalidError(*findings)
            unit.record(
                "basket.drafted",
                *((REQUEST, asked) for asked, _ in drafted),
                fresh=True,
                facts={
                    "basket": number,
                    "consumer": drafted[0][0].department,
                    "requests": [asked.id for asked, _ in drafted],
                },
            )
        return [asked for asked, _ in drafted]

    def revise_request(self, request: str, wanted: Wanted, *, by: Actor) -> SharingRequest:
        """Change a draft, or one that was given back."""
        with self._unit(by) as unit:
            held = unit.need(REQUEST, request)
            asked, resource = self._drafted(unit, wanted)
            revised = sharing.revise(held, asked, resource, by=self._acting(unit))
            check(unit, revised, resource)
            record_request(unit, "request.revised", revised, resource)
        return revised

    def attach(
        self, requests: Sequence[str], attachment: Attachment, *, by: Actor
    ) -> list[SharingRequest]:
        """Attach a kept file to drafts of the actor's department: to one, or to those of a basket."""
        with self._unit(by) as unit:
            attached = []
            for key in requests:
                held = unit.need(REQUEST, key)
                lifecycle.require_decider(unit.actor(), *ASKERS, department=held.department)
                if held.state not in {RequestState.DRAFT, RequestState.RETURNED}:
                    raise StateError(f"request {held.id} is {held.state}, draft needed")
                kept = (*held.way.attachments, attachment)
                if len(kept) > ATTACHMENTS_MOST:
                    raise InvalidError(
                        Flaw("{0} files, at most {1} attached", len(kept), ATTACHMENTS_MOST)
                    )
                attached.append(replace(held, course=replace(held.way, attachments=kept)))
            unit.record(
                "request.attached",
                *((REQUEST, one) for one in attached),
                facts={
                    "requests": [one.id for one in attached],
                    "consumer": attached[0].department,
                    "digest": attachment.digest,
                    "size": attachment.size,
                },
                private={"name": attachment.name},
            )
        return attached

    def sign_request(self, request: str, *, by: Actor) -> tuple[SharingRequest, Grant | None]:
        """Sign off a colleague's request. Unconditional data is granted in the same act.

        The grant is None where the provider has to decide, or the authority checks the form first.
        """
        with self._unit(by) as unit:
            return self._sign(unit, request)

    def sign_basket(self, basket: str, *, by: Actor) -> list[tuple[SharingRequest, Grant | None]]:
        """Sign off every draft of a basket; each goes to its own provider."""
        with self._unit(by) as unit:
            mine = [
                key
                for key, held in sorted(unit.all(REQUEST).items())
                if held.way.basket == basket
                and held.state is RequestState.DRAFT
                and held.department == by.department
            ]
            if not mine:
                raise StateError(f"basket {basket}: no draft of your department waits in it")
            return [self._sign(unit, key) for key in mine]

    def return_request(self, request: str, *, by: Actor, reasons: str) -> SharingRequest:
        """Give a draft back as the department's head, or in the form check as the authority."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            returned = sharing.give_back(
                held, by=self._acting(unit), at=self._now(), reasons=reasons
            )
            record_request(
                unit, "request.returned", returned, resource, private={"reasons": reasons}
            )
        return returned

    def pass_form(self, request: str, *, by: Actor) -> SharingRequest:
        """Find a request's form in order, as the authority: the provider's clock begins."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            passed = sharing.pass_form(held, by=self._acting(unit), at=self._now())
            record_request(unit, "request.submitted", passed, resource)
        return passed

    def supplement(self, request: str, *, by: Actor, answer: str) -> SharingRequest:
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            given = sharing.supplement(held, by=self._acting(unit), answer=answer, at=self._now())
            record_request(
                unit, "request.supplemented", given, resource, private={"answer": answer}
            )
        return given

    def withdraw_request(self, request: str, *, by: Actor, reason: str) -> SharingRequest:
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            withdrawn = sharing.withdraw(held, by=self._acting(unit), at=self._now(), reason=reason)
            record_request(
                unit, "request.withdrawn", withdrawn, resource, private={"reason": reason}
            )
        return withdrawn

    def _drafted(
        self, unit: Unit, wanted: Wanted, *, basket: str | None = None
    ) -> tuple[SharingRequest, Resource]:
        actor = unit.actor()
        resource = unit.need(RESOURCE, wanted.resource).resource
        told = wanted.volume is not None or basket is not None
        request = SharingRequest(
            id=self._fresh_id("req"),
            resource=wanted.resource,
            department=lifecycle.require_officer(actor).department,
            systems=wanted.systems,
            items=wanted.items,
            match=wanted.match,
            matters=wanted.matters,
            purposes=wanted.purposes,
            channels=wanted.channels,
            legal_basis=wanted.legal_basis,
            scenario=wanted.scenario,
            not_before=wanted.not_before,
            not_after=wanted.not_after,
            daily_quota=wanted.daily_quota,
            state=RequestState.DRAFT,
            created_by=actor.id,
            created_at=self._now(),
            course=Course(basket=basket, volume=wanted.volume) if told else None,
        )
        return sharing.ask(request, resource, by=actor), resource

    def _sign(self, unit: Unit, request: str) -> tuple[SharingRequest, Grant | None]:
        drafted, resource = need_request(unit, request)
        now = self._now()
        conditional = resource.sharing_class is not SharingClass.UNCONDITIONAL
        checked = conditional and self._law(unit).has(FORM_CHECK, on=now)
        signed = sharing.sign(drafted, by=self._acting(unit), at=now, checked=checked)
        check(unit, signed, resource)
        if conditional:
            kind = "request.to-be-checked" if checked else "request.submitted"
            record_request(unit, kind, signed, resource)
            return signed, None
        agreed, grant = sharing.agree_by_law(
            signed,
            resource,
            grant_id=self._fresh_id("grt"),
            at=now,
            sides=sides_of(unit, signed, resource),
        )
        record_grant(unit, "grant.issued", grant, agreed)
        return agreed, grant


def need_request(unit: Unit, request: str) -> tuple[SharingRequest, Resource]:
    """Return a request with the resource that it asks for. Raises UnknownError."""
    held = unit.need(REQUEST, request)
    return held, unit.need(RESOURCE, held.resource).resource


def sides_of(unit: Unit, request: SharingRequest, resource: Resource) -> Sides:
    def of(code: str) -> Department:
        return unit.need(DEPARTMENT, code)

    return Sides(provider=of(resource.department), consumer=of(request.department))


def check(unit: Unit, request: SharingRequest, resource: Resource) -> None:
    """The form check; done again at each step, for people and matters may have gone meanwhile."""
    findings = _findings(unit, request, resource)
    if findings:
        raise InvalidError(*findings)


def _findings(unit: Unit, request: SharingRequest, resource: Resource) -> list[Flaw]:
    matters = {code: unit.find(MATTER, code) for code in request.matters}
    systems = {name: unit.find(SYSTEM, name) for name in request.systems}
    return completeness.findings_of(
        request,
        resource,
        systems={name: system for name, system in systems.items() if system is not None},
        matters={code: held.department for code, held in matters.items() if held is not None},
    )


def record_request(
    unit: Unit,
    kind: str,
    request: SharingRequest,
    resource: Resource,
    *more: tuple[Kind[Any], Any],
    private: dict[str, str] | None = None,
    facts: dict[str, object] | None = None,
) -> None:
    """Record a request as it stands now, with further rows that change by the same act."""
    unit.record(
        kind,
        (REQUEST, request),
        *more,
        facts={
            "request": request.id,
            "resource": request.resource,
            "provider": resource.department,
            "consumer": request.department,
            "state": request.state.value,
            **(facts or {}),
        },
        private=private or {},
    )


def record_grant(
    unit: Unit,
    kind: str,
    grant: Grant,
    request: SharingRequest | None = None,
    *more: tuple[Kind[Any], Any],
    narrowing: bool = False,
    reason: str = "",
    facts: dict[str, object] | None = None,
) -> None:
    """Record a grant, with the request that it answers where that changes too."""
    rows: list[tuple[Kind[Any], Any]] = [(GRANT, grant)]
    if request is not None:
        rows.append((REQUEST, request))
    unit.record(
        kind,
        *rows,
        *more,
        narrowing=narrowing,
        at_once=narrowing,
        facts={
            "grant": grant.id,
            "request": grant.request,
            "resource": grant.resource,
            "provider": grant.provider,
            "consumer": grant.department,
            "state": grant.state.value,
            **(facts or {}),
        },
        private={"reason": reason} if reason else {},
    )
