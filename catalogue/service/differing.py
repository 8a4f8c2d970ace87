"""Where departments differ: wrong values reported and answered, disputes through their three tiers."""

from collections.abc import Callable, Mapping
from typing import Any

from catalogue import corrections, disputes
from catalogue.corrections import Correction, Received
from catalogue.disputes import About, Dispute
from catalogue.errors import DuplicateError, InvalidError
from catalogue.flaws import Flaw
from catalogue.model import Actor
from catalogue.notices import NoticeKind
from catalogue.rows import CORRECTION, DISPUTE, GRANT, REQUEST, RESOURCE, Kind
from catalogue.service.standing import Standing
from catalogue.service.unit import Unit

Informed = Mapping[str, tuple[int, ...]]
"""Department → the entries of its calls that gave the value."""


class Differing(Standing):
    def report_correction(
        self,
        received: Received,
        *,
        resource: str,
        item: str,
        words: str,
        informed: Informed,
        by: Actor,
    ) -> Correction:
        """Report a value as wrong; it is disputed from now on, and everybody who received it is told."""
        with self._unit(by) as unit:
            held = unit.need(RESOURCE, resource).resource
            same = [
                one
                for one in unit.all(CORRECTION).values()
                if one.state in corrections.OPEN
                and (one.resource, one.item, one.subject) == (resource, item, received.subject)
            ]
            if same:
                raise DuplicateError(f"correction {same[0].id} of the same value is open")
            reported = corrections.report(
                received,
                held,
                item,
                words=words,
                informed=tuple(sorted(set(informed) | {held.department})),
                id_=self._fresh_id("cor"),
                by=self._acting(unit),
                at=self._now(),
            )
            told = self._notices(
                reported.informed,
                NoticeKind.DISPUTED,
                reported.id,
                resource=resource,
                entries=dict(informed),
            )
            _record_correction(
                unit, "correction.reported", reported, *told, private={"words": words}
            )
        return reported

    def accept_correction(self, correction: str, *, by: Actor, text: str = "") -> Correction:
        return self._correct(
            correction,
            "correction.accepted",
            lambda held, by: corrections.accept(held, by=by, at=self._now(), text=text),
            by=by,
            private={"text": text} if text else {},
        )

    def refuse_correction(self, correction: str, *, by: Actor, text: str) -> Correction:
        return self._correct(
            correction,
            "correction.refused",
            lambda held, by: corrections.refuse(held, by=by, at=self._now(), text=text),
            by=by,
            private={"text": text},
        )

    def close_correction(self, correction: str, *, by: Actor) -> Correction:
        """End the mark on a value; everybody who was told that it is disputed is told that it is over."""
        with self._unit(by) as unit:
            closed = corrections.close(
                unit.need(CORRECTION, correction), by=self._acting(unit), at=self._now()
            )
            told = self._notices(
                closed.informed, NoticeKind.SETTLED, closed.id, resource=closed.resource
            )
            _record_correction(unit, "correction.closed", closed, *told)
        return closed

    def open_dispute(self, kind: str, about: str, *, by: Actor, text: str) -> Dispute:
        """Begin to negotiate over a request, a grant or a correction, as a head of one of its two sides."""
        with self._unit(by) as unit:
            opened = disputes.open_dispute(
                _about(unit, kind, about),
                text=text,
                id_=self._fresh_id("dsp"),
                by=self._acting(unit),
                at=self._now(),
            )
            if any(
                one.state == "open" and one.about == about for one in unit.all(DISPUTE).values()
            ):
                raise DuplicateError(f"a dispute about {about} is open")
            self._record_dispute(unit, "dispute.opened", opened)
        return opened

    def say_in_dispute(self, dispute: str, *, by: Actor, text: str) -> Dispute:
        return self._go_on(
            dispute,
            "dispute.said",
            lambda held, by: disputes.say(held, text=text, by=by, at=self._now()),
            by=by,
        )

    def raise_dispute(self, dispute: str, *, by: Actor, text: str) -> Dispute:
        return self._go_on(
            dispute,
            "dispute.raised",
            lambda held, by: disputes.raise_up(held, text=text, by=by, at=self._now()),
            by=by,
        )

    def decide_dispute(self, dispute: str, *, by: Actor, text: str, document: str = "") -> Dispute:
        return self._go_on(
            dispute,
            "dispute.decided",
            lambda held, by: disputes.decide(
                held, text=text, by=by, at=self._now(), document=document
            ),
            by=by,
        )

    def settle_dispute(self, dispute: str, *, by: Actor, text: str) -> Dispute:
        return self._go_on(
            dispute,
            "dispute.settled",
            lambda held, by: disputes.settle(held, text=text, by=by, at=self._now()),
            by=by,
        )

    def _correct(
        self,
        correction: str,
        kind: str,
        decide: Callable[[Correction, Actor], Correction],
        *,
        by: Actor,
        private: dict[str, str],
    ) -> Correction:
        with self._unit(by) as unit:
            decided = decide(unit.need(CORRECTION, correction), self._acting(unit))
            _record_correction(unit, kind, decided, private=private)
        return decided

    def _go_on(
        self,
        dispute: str,
        kind: str,
        decide: Callable[[Dispute, Actor], Dispute],
        *,
        by: Actor,
    ) -> Dispute:
        with self._unit(by) as unit:
            decided = decide(unit.need(DISPUTE, dispute), self._acting(unit))
            self._record_dispute(unit, kind, decided)
        return decided

    def _record_dispute(self, unit: Unit, kind: str, held: Dispute) -> None:
        last = held.steps[-1]
        told = self._notices(
            held.parties - {last.department}, NoticeKind.DISPUTE, held.id, resource=held.resource
        )
        unit.record(
            kind,
            (DISPUTE, held),
            *told,
            facts={
                "dispute": held.id,
                "about": held.about,
                "resource": held.resource,
                "consumer": held.claimant,
                "provider": held.respondent,
                "tier": held.tier.value,
                "state": held.state,
            },
            private={"text": last.text},
        )


def _about(unit: Unit, kind: str, key: str) -> About:
    match kind:
        case "request":
            request = unit.need(REQUEST, key)
            owner = unit.need(RESOURCE, request.resource).resource.department
            return About(
                kind=kind, id=key, resource=request.resource, parties=(request.department, owner)
            )
        case "grant":
            grant = unit.need(GRANT, key)
            parties = (grant.department, grant.provider)
            return About(kind=kind, id=key, resource=grant.resource, parties=parties)
        case "correction":
            held = unit.need(CORRECTION, key)
            parties = (held.department, held.provider)
            return About(kind=kind, id=key, resource=held.resource, parties=parties)
        case _:
            raise InvalidError(Flaw("{0!r}: a request, a grant or a correction is disputed", kind))


def _record_correction(
    unit: Unit,
    kind: str,
    held: Correction,
    *more: tuple[Kind[Any], Any],
    private: dict[str, str] | None = None,
) -> None:
    unit.record(
        kind,
        (CORRECTION, held),
        *more,
        facts={
            "correction": held.id,
            "resource": held.resource,
            "item": held.item,
            "provider": held.provider,
            "consumer": held.department,
            "call": held.number,
            "state": held.state.value,
        },
        private=private or {},
    )
