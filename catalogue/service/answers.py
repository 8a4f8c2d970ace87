"""Requests on the side of whoever answers: accepted, asked about, passed on, agreed to, refused."""

from catalogue import sharing
from catalogue.granted import Grant
from catalogue.model import Actor
from catalogue.notices import NoticeKind
from catalogue.requested import SharingRequest
from catalogue.rows import RESOURCE
from catalogue.service.requests import (
    check,
    need_request,
    record_grant,
    record_request,
    sides_of,
)
from catalogue.service.standing import Standing
from catalogue.sharing import Refusal
from catalogue.terms import Terms
from catalogue.workdays import ZONE

_TAIL = 8


class Answering(Standing):
    def accept_request(self, request: str, *, by: Actor, contact: str) -> SharingRequest:
        """Take a request up: it gets an acceptance number, and somebody who can be asked about it."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            day = self._now().astimezone(ZONE)
            accepted = sharing.accept(
                held,
                resource,
                by=self._acting(unit),
                at=self._now(),
                acceptance=f"SL{day:%Y%m%d}-{held.id[-_TAIL:].upper()}",
                contact=contact,
            )
            record_request(
                unit,
                "request.accepted",
                accepted,
                resource,
                facts={"acceptance": accepted.way.acceptance},
                private={"contact": contact},
            )
        return accepted

    def grant(self, request: str, *, by: Actor, terms: Terms | None = None) -> Grant:
        """The provider's officer agrees, on these terms or on what was asked."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            agreed, grant = sharing.agree(
                held,
                resource,
                terms or Terms(),
                by=self._acting(unit),
                grant_id=self._fresh_id("grt"),
                at=self._now(),
                sides=sides_of(unit, held, resource),
            )
            record_grant(unit, "grant.issued", grant, agreed)
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
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            refused = sharing.refuse(
                held, resource, by=self._acting(unit), refusal=refusal, at=self._now()
            )
            told = {"reason": reason, "code": code, "basis": legal_basis}
            private = {name: value for name, value in told.items() if value is not None}
            record_request(unit, "request.refused", refused, resource, private=private)
        return refused

    def ask_once(self, request: str, *, by: Actor, question: str) -> SharingRequest:
        """Ask for supplements; the requesting department answers with `supplement`."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            asked = sharing.ask_once(
                held, resource, by=self._acting(unit), question=question, at=self._now()
            )
            private = {"question": question}
            record_request(unit, "request.supplement-asked", asked, resource, private=private)
        return asked

    def hand_over(self, request: str, *, by: Actor, words: str) -> SharingRequest:
        """Say how what is held above came to the requesting department, which is told."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            over = sharing.hand_over(
                held, resource, by=self._acting(unit), at=self._now(), words=words
            )
            private = {"words": words.strip()}
            record_request(unit, "request.handed-over", over, resource, private=private)
        return over

    def transfer_request(
        self,
        request: str,
        *,
        to: str,
        by: Actor,
        reason: str,
        items: tuple[str, ...] | None = None,
        match: tuple[str, ...] | None = None,
    ) -> SharingRequest:
        """Pass a request on to the provider of another resource; the clock goes on as it stood."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            other = unit.need(RESOURCE, to).resource
            moved = sharing.transfer(
                held,
                resource,
                other,
                items=items,
                match=match,
                by=self._acting(unit),
                at=self._now(),
                reason=reason,
            )
            check(unit, moved, other)
            told = self._notices(
                [moved.department], NoticeKind.TRANSFERRED, moved.id, resource=moved.resource
            )
            record_request(
                unit,
                "request.transferred",
                moved,
                other,
                *told,
                facts={"from": held.resource},
                private={"reason": reason},
            )
        return moved

    def ask_extension(self, request: str, *, days: int, by: Actor, reason: str) -> SharingRequest:
        """Ask the authority for more working days to answer."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            asked = sharing.ask_longer(
                held,
                resource,
                self._law(unit),
                days=days,
                by=self._acting(unit),
                at=self._now(),
                reason=reason,
            )
            record_request(
                unit,
                "request.extension-asked",
                asked,
                resource,
                facts={"days": days},
                private={"reason": reason},
            )
        return asked

    def answer_extension(
        self, request: str, *, consent: bool, by: Actor, text: str = ""
    ) -> SharingRequest:
        """Consent to more time, or not, as the authority; the requesting department is told."""
        with self._unit(by) as unit:
            held, resource = need_request(unit, request)
            answered = sharing.answer_longer(
                held,
                consent=consent,
                by=self._acting(unit),
                at=self._now(),
                text=text,
            )
            told = self._notices(
                [held.department, resource.department],
                NoticeKind.EXTENSION,
                held.id,
                resource=held.resource,
            )
            kind = "request.extended" if consent else "request.extension-refused"
            record_request(
                unit, kind, answered, resource, *told, private={"text": text} if text else {}
            )
        return answered
