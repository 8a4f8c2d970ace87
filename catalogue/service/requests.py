"""Requests and grants: who asks, who signs, who agrees, and how a grant ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from catalogue import lifecycle, sharing
from catalogue.model import (
    Actor,
    Grant,
    RequestState,
    Resource,
    SharingClass,
    SharingRequest,
)
from catalogue.rows import GRANT, MATTER, REQUEST, RESOURCE, SYSTEM
from catalogue.service.unit import Unit, UseCases
from catalogue.sharing import Refusal, Terms


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


class Sharing(UseCases):
    def request_sharing(self, wanted: Wanted, *, by: Actor) -> SharingRequest:
        """Draft a request of the acting officer's department; a second officer has to sign it."""
        with self._unit(by) as unit:
            actor = unit.actor()
            resource = unit.need(RESOURCE, wanted.resource).resource
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
            )
            asked = sharing.ask(request, resource, by=actor)
            _check(unit, asked, resource)
            _record_request(unit, "request.drafted", asked, resource)
        return asked

    def sign_request(self, request: str, *, by: Actor) -> tuple[SharingRequest, Grant | None]:
        """Sign off a colleague's request. Unconditional data is granted in the same act.

        The grant is None where the provider has to decide.
        """
        with self._unit(by) as unit:
            drafted = unit.need(REQUEST, request)
            resource = unit.need(RESOURCE, drafted.resource).resource
            signed = sharing.sign(drafted, by=unit.actor())
            _check(unit, signed, resource)
            if resource.sharing_class is not SharingClass.UNCONDITIONAL:
                _record_request(unit, "request.submitted", signed, resource)
                return signed, None
            agreed, grant = sharing.agree_by_law(signed, resource, grant_id=self._fresh_id("grt"))
            _record_grant(unit, "grant.issued", grant, agreed)
        return agreed, grant

    def grant(self, request: str, *, by: Actor, terms: Terms | None = None) -> Grant:
        """The provider's officer agrees, on these terms or on what was asked."""
        with self._unit(by) as unit:
            submitted = unit.need(REQUEST, request)
            resource = unit.need(RESOURCE, submitted.resource).resource
            agreed, grant = sharing.agree(
                submitted,
                resource,
                terms or Terms(),
                by=unit.actor(),
                grant_id=self._fresh_id("grt"),
            )
            _record_grant(unit, "grant.issued", grant, agreed)
        return grant

    def refuse(
        self,
        request: str,
        *,
        by: Actor,
        reason: str,
        code: str | None = None,
        legal_basis: str | None = None,
    ) -> SharingRequest:
        """Refuse in words; with a code the law is named apart."""
        refusal = Refusal(reason=reason, code=code, legal_basis=legal_basis)
        return self._decide(
            request,
            "request.refused",
            lambda held, resource, by: sharing.refuse(held, resource, by=by, refusal=refusal),
            by=by,
            private={"reason": reason}
            | ({} if code is None else {"code": code})
            | ({} if legal_basis is None else {"basis": legal_basis}),
        )

    def ask_once(self, request: str, *, by: Actor, question: str) -> SharingRequest:
        """Ask for supplements; the requesting department answers with `supplement`."""
        return self._decide(
            request,
            "request.supplement-asked",
            lambda held, resource, by: sharing.ask_once(held, resource, by=by, question=question),
            by=by,
            private={"question": question},
        )

    def supplement(self, request: str, *, by: Actor, answer: str) -> SharingRequest:
        return self._decide(
            request,
            "request.supplemented",
            lambda held, _resource, by: sharing.supplement(held, by=by, answer=answer),
            by=by,
            private={"answer": answer},
        )

    def _decide(
        self,
        request: str,
        kind: str,
        decide: Callable[[SharingRequest, Resource, Actor], SharingRequest],
        *,
        by: Actor,
        private: dict[str, str],
    ) -> SharingRequest:
        with self._unit(by) as unit:
            held = unit.need(REQUEST, request)
            resource = unit.need(RESOURCE, held.resource).resource
            decided = decide(held, resource, unit.actor())
            _record_request(unit, kind, decided, resource, private=private)
        return decided

    def suspend(self, grant: str, *, by: Actor, reason: str = "") -> Grant:
        return self._narrow(grant, "grant.suspended", sharing.suspend, by=by, reason=reason)

    def revoke(self, grant: str, *, by: Actor, reason: str = "") -> Grant:
        return self._narrow(grant, "grant.revoked", sharing.revoke, by=by, reason=reason)

    def resume(self, grant: str, *, by: Actor) -> Grant:
        with self._unit(by) as unit:
            suspended = unit.need(GRANT, grant)
            request = unit.need(REQUEST, suspended.request)
            resumed = sharing.resume(suspended, request, by=unit.actor())
            _record_grant(unit, "grant.resumed", resumed)
        return resumed

    def _narrow(
        self, grant: str, kind: str, decide: Callable[..., Grant], *, by: Actor, reason: str
    ) -> Grant:
        with self._unit(by) as unit:
            narrowed = decide(unit.need(GRANT, grant), by=unit.actor())
            _record_grant(unit, kind, narrowed, narrowing=True, reason=reason)
        return narrowed


def _check(unit: Unit, request: SharingRequest, resource: Resource) -> None:
    """The form check; done again at each step, for people and matters may have gone meanwhile."""
    matters = {code: unit.find(MATTER, code) for code in request.matters}
    systems = {name: unit.find(SYSTEM, name) for name in request.systems}
    sharing.check_request(
        request,
        resource,
        systems={name: system for name, system in systems.items() if system is not None},
        matters={code: held.department for code, held in matters.items() if held is not None},
    )


def _record_request(
    unit: Unit,
    kind: str,
    request: SharingRequest,
    resource: Resource,
    *,
    private: dict[str, str] | None = None,
) -> None:
    unit.record(
        kind,
        (REQUEST, request),
        facts={
            "request": request.id,
            "resource": request.resource,
            "provider": resource.department,
            "consumer": request.department,
            "state": request.state.value,
        },
        private=private or {},
    )


def _record_grant(
    unit: Unit,
    kind: str,
    grant: Grant,
    request: SharingRequest | None = None,
    *,
    narrowing: bool = False,
    reason: str = "",
) -> None:
    """Record a grant, with the request that it answers where that changes too."""
    rows = [(GRANT, grant)] if request is None else [(GRANT, grant), (REQUEST, request)]
    unit.record(
        kind,
        *rows,
        narrowing=narrowing,
        at_once=narrowing,
        facts={
            "grant": grant.id,
            "request": grant.request,
            "resource": grant.resource,
            "provider": grant.provider,
            "consumer": grant.department,
            "state": grant.state.value,
        },
        private={"reason": reason} if reason else {},
    )
