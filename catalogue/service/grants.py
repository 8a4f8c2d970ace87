"""Grants after they were given: paused, narrowed, amended by both sides, ended, copies destroyed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from catalogue import granting
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.granted import Grant
from catalogue.granting import Amended, Amendment, Narrower
from catalogue.model import Actor
from catalogue.notices import NoticeKind
from catalogue.rows import AMENDMENT, GRANT, MATTER, REQUEST, RESOURCE, SYSTEM, Kind
from catalogue.service.requests import record_grant
from catalogue.service.standing import Standing
from catalogue.service.unit import Unit


class Granting(Standing):
    def suspend(
        self, grant: str, *, by: Actor, reason: str = "", resumes_at: datetime | None = None
    ) -> Grant:
        """Pause a grant; with a moment it resumes by itself."""
        return self._narrow(
            grant,
            "grant.suspended",
            lambda held, by: granting.suspend(held, by=by, resumes_at=resumes_at),
            by=by,
            reason=reason,
        )

    def revoke(self, grant: str, *, by: Actor, reason: str = "") -> Grant:
        return self._narrow(
            grant,
            "grant.revoked",
            lambda held, by: granting.revoke(held, by=by),
            by=by,
            reason=reason,
        )

    def narrow(self, grant: str, wanted: Narrower, *, by: Actor, reason: str) -> Grant:
        """Take a part away at once: it holds for every call that arrives afterwards."""
        if not reason.strip():
            raise InvalidError(Flaw("why a part of the grant is taken away is said in words"))
        return self._narrow(
            grant,
            "grant.narrowed",
            lambda held, by: granting.narrow(held, wanted, by=by),
            by=by,
            reason=reason,
        )

    def resume(self, grant: str, *, by: Actor) -> Grant:
        with self._unit(by) as unit:
            suspended = unit.need(GRANT, grant)
            request = unit.need(REQUEST, suspended.request)
            resumed = granting.resume(suspended, request, by=self._acting(unit))
            record_grant(unit, "grant.resumed", resumed)
        return resumed

    def end_grant(
        self,
        grant: str,
        *,
        by: Actor,
        reason: str,
        went_out: tuple[str, ...] = (),
        words: str = "",
    ) -> Grant:
        """End a grant whose purpose is achieved or whose law changed.

        `went_out` says how copies left under it; they have to be destroyed, and the consumer is told.
        """
        with self._unit(by) as unit:
            held = unit.need(GRANT, grant)
            ended = granting.end(
                held, reason=reason, went_out=went_out, by=self._acting(unit), at=self._now()
            )
            told = self._notices(
                [held.department, held.provider],
                NoticeKind.ENDED,
                held.id,
                resource=held.resource,
            )
            record_grant(
                unit,
                "grant.ended",
                ended,
                None,
                *told,
                narrowing=True,
                reason=words,
                facts={"ended_for": reason, "went_out": list(went_out)},
            )
        return ended

    def confirm_destruction(self, grant: str, *, by: Actor, statement: str) -> Grant:
        """Confirm, as the consumer's head, that every copy of what was given is destroyed."""
        with self._unit(by) as unit:
            confirmed = granting.confirm_destruction(
                unit.need(GRANT, grant),
                statement=statement,
                by=self._acting(unit),
                at=self._now(),
            )
            record_grant(unit, "grant.destruction-confirmed", confirmed, reason=statement)
        return confirmed

    def propose_amendment(
        self, grant: str, wanted: Amended, *, by: Actor, reason: str
    ) -> Amendment:
        """Propose other terms, as either side; both sides' heads have to sign them."""
        with self._unit(by) as unit:
            held = unit.need(GRANT, grant)
            resource = unit.need(RESOURCE, held.resource).resource
            proposed = granting.propose_amendment(
                held,
                resource,
                wanted,
                id_=self._fresh_id("amd"),
                by=self._acting(unit),
                at=self._now(),
                reason=reason,
            )
            _check_callers(unit, proposed, held)
            _record_amendment(
                unit,
                "grant.amendment-proposed",
                proposed,
                held,
                *self._notices(
                    {held.department, held.provider} - {proposed.proposed_side},
                    NoticeKind.AMENDED,
                    held.id,
                    resource=held.resource,
                ),
                private={"reason": reason},
            )
        return proposed

    def sign_amendment(self, amendment: str, *, by: Actor) -> tuple[Amendment, Grant | None]:
        """Sign for the officer's side; with both signatures the grant's next revision stands."""
        with self._unit(by) as unit:
            proposed = unit.need(AMENDMENT, amendment)
            held = unit.need(GRANT, proposed.grant)
            resource = unit.need(RESOURCE, held.resource).resource
            _check_callers(unit, proposed, held)
            signed, amended = granting.sign_amendment(
                proposed, held, resource, by=self._acting(unit), at=self._now()
            )
            if amended is None:
                _record_amendment(unit, "grant.amendment-signed", signed, held)
                return signed, None
            told = self._notices(
                [held.department, held.provider],
                NoticeKind.AMENDED,
                held.id,
                resource=held.resource,
            )
            # An amendment may take away as well as give: no call is ruled by what stood before.
            unit.record(
                "grant.amended",
                (GRANT, amended),
                (AMENDMENT, signed),
                *told,
                narrowing=True,
                facts=_facts(signed, held) | {"revision": amended.way.revision},
            )
        return signed, amended

    def withdraw_amendment(self, amendment: str, *, by: Actor) -> Amendment:
        """Take an amendment back, or refuse the other side's."""
        with self._unit(by) as unit:
            proposed = unit.need(AMENDMENT, amendment)
            held = unit.need(GRANT, proposed.grant)
            withdrawn = granting.withdraw_amendment(
                proposed, held, by=self._acting(unit), at=self._now()
            )
            _record_amendment(unit, "grant.amendment-withdrawn", withdrawn, held)
        return withdrawn

    def _narrow(
        self,
        grant: str,
        kind: str,
        decide: Callable[[Grant, Actor], Grant],
        *,
        by: Actor,
        reason: str,
    ) -> Grant:
        with self._unit(by) as unit:
            narrowed = decide(unit.need(GRANT, grant), unit.actor())
            record_grant(unit, kind, narrowed, narrowing=True, reason=reason)
        return narrowed


def _check_callers(unit: Unit, amendment: Amendment, grant: Grant) -> None:
    """Systems and matters are the consumer's own, as in any request."""
    findings = []
    for name in amendment.systems:
        system = unit.find(SYSTEM, name)
        if system is None or system.department != grant.department:
            findings.append(Flaw("system {0} is none of the requesting department", name))
    for code in amendment.matters:
        matter = unit.find(MATTER, code)
        if matter is None or matter.department != grant.department:
            findings.append(Flaw("matter {0} is none of the requesting department", code))
    if findings:
        raise InvalidError(*findings)


def _facts(amendment: Amendment, grant: Grant) -> dict[str, object]:
    return {
        "amendment": amendment.id,
        "grant": grant.id,
        "resource": grant.resource,
        "provider": grant.provider,
        "consumer": grant.department,
        "state": amendment.state,
    }


def _record_amendment(
    unit: Unit,
    kind: str,
    amendment: Amendment,
    grant: Grant,
    *more: tuple[Kind[Any], Any],
    private: dict[str, str] | None = None,
) -> None:
    unit.record(
        kind,
        (AMENDMENT, amendment),
        *more,
        facts=_facts(amendment, grant),
        private=private or {},
    )
