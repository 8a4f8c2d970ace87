"""Entries of the catalogue: drafted, signed, announced, withdrawn; each item with one source."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalogue import lifecycle, revisions, single_source, store, validation
from catalogue.errors import DuplicateError, InvalidError
from catalogue.examination import Check, CheckKind, Conclusion, ReturnReason
from catalogue.flaws import Flaw
from catalogue.lifecycle import Registration
from catalogue.metadata import ANY_DEPARTMENT
from catalogue.model import Actor, Resource, Role
from catalogue.notices import NoticeKind
from catalogue.rows import (
    DEPARTMENT,
    GRANT,
    ITEM_SOURCE,
    MATTER,
    RESOURCE,
    REVISION,
    SOURCE,
    WITHDRAWAL,
    Kind,
)
from catalogue.service.standing import Standing
from catalogue.service.unit import Unit
from catalogue.single_source import Collision, ItemSource
from catalogue.withdrawals import Withdrawal, check_seen, impact
from catalogue.workdays import ZONE


class Entries(Standing):
    def draft_resource(self, resource: Resource, *, by: Actor) -> Resource:
        validation.check_resource(resource)
        with self._unit(by) as unit:
            resource = _with_codes(unit, resource)
            before = unit.find(RESOURCE, resource.code)
            drafted = lifecycle.draft(resource, by=unit.actor(), before=before)
            if resource.upstream is None:
                source = unit.need(SOURCE, resource.source)
                if source.department != resource.department:
                    raise InvalidError(
                        Flaw("source {0} belongs to another department", resource.source)
                    )
                validation.check_reading(resource, source)
            _check_names(unit, resource)
            _record_resource(unit, "resource.drafted", drafted)
        return drafted.latest.resource

    def drop_revision(self, code: str, *, by: Actor) -> Registration:
        """Give up the revision that is being prepared of what is announced."""
        with self._unit(by) as unit:
            before = unit.need(RESOURCE, code)
            held = lifecycle.drop_prepared(before, by=unit.actor())
            dropped = before.latest.resource.revision
            _record_resource(unit, "resource.revision-dropped", held, more={"dropped": dropped})
        return held

    def submit_resource(self, code: str, *, by: Actor) -> Resource:
        """The department's head signs off what somebody else drafted."""
        with self._unit(by) as unit:
            signed = lifecycle.submit(unit.need(RESOURCE, code), by=self._acting(unit))
            validation.check_complete(signed.latest.resource)
            _record_resource(unit, "resource.submitted", signed)
        return signed.latest.resource

    def announce_resource(self, code: str, *, by: Actor) -> Resource:
        """The authority announces; from now on the resource can be asked for."""
        with self._unit(by) as unit:
            today = self._now().astimezone(ZONE).date()
            before = unit.need(RESOURCE, code)
            announced = lifecycle.announce(before, by=self._acting(unit), on=today)
            validation.check_complete(announced.resource)
            found = _collisions(unit, announced.resource)
            designated = {one.meaning: unit.find(ITEM_SOURCE, one.meaning) for one in found}
            single_source.check_designated(
                found, {key: held for key, held in designated.items() if held is not None}
            )
            made = revisions.made(announced, at=self._now())
            if unit.find(REVISION, made.id) is not None:
                raise DuplicateError(f"revision {made.revision} of resource {code}")
            # A revision may take items away, so no call is ruled by what stood before once it is recorded.
            _record_resource(
                unit,
                "resource.announced",
                announced,
                narrowing=before.resource.state == "announced",
                rows=((REVISION, made),),
            )
        return announced.resource

    def withdraw_resource(
        self, code: str, *, by: Actor, reason: str = "", seen: str | None = None
    ) -> Withdrawal:
        """Withdraw an entry, keep what that hits, and tell each department that is hit.

        `seen` is the mark of the list that the officer was shown; None: none was. Raises StateError
        IMPACT_CHANGED where it is another one by now.
        """
        with self._unit(by) as unit:
            actor = self._acting(unit)
            withdrawn = lifecycle.withdraw(unit.need(RESOURCE, code), by=actor)
            resource = withdrawn.resource
            found = impact(
                resource,
                grants=unit.all(GRANT).values(),
                matters=unit.all(MATTER).values(),
                at=self._now(),
            )
            check_seen(found, seen)
            made = Withdrawal(
                id=revisions.revision_id(code, resource.revision),
                resource=code,
                revision=resource.revision,
                name=resource.name,
                department=resource.department,
                impact=found,
                withdrawn_by=actor.id,
                withdrawn_at=self._now(),
            )
            told = self._notices(
                {*found.departments} - {resource.department},
                NoticeKind.WITHDRAWN,
                code,
                resource=code,
            )
            _record_resource(
                unit,
                "resource.withdrawn",
                withdrawn,
                about=resource,
                narrowing=True,
                at_once=True,
                reason=reason,
                rows=((WITHDRAWAL, made), *told),
                more={"grants": len(found.grants), "matters": len(found.matters)},
            )
        return made

    def restore_resource(self, code: str, number: int, *, by: Actor) -> Resource:
        """Draft the content of an older revision anew; it goes the whole way again, as a new revision."""
        with self._unit(by) as unit:
            before = unit.need(RESOURCE, code)
            held = unit.need(REVISION, revisions.revision_id(code, number))
            content = revisions.restored(held, before.resource)
            validation.check_resource(content)
            drafted = lifecycle.draft(content, by=unit.actor(), before=before)
            drafted = lifecycle.said_restored(drafted, held.revision)
            if content.upstream is None:
                validation.check_reading(content, unit.need(SOURCE, content.source))
            _record_resource(
                unit, "resource.restored", drafted, more={"restored_from": held.revision}
            )
        return drafted.latest.resource

    def examine_resource(
        self,
        code: str,
        kind: CheckKind,
        conclusion: Conclusion,
        *,
        words: str,
        file: str,
        digest: str,
        by: Actor,
    ) -> Registration:
        """Keep what came of the check for secrets, or of the assessment of personal information."""
        with self._unit(by) as unit:
            officer = lifecycle.require_officer(unit.actor())
            check = Check(
                kind=kind,
                by=officer.id,
                at=self._now(),
                conclusion=conclusion,
                words=words,
                file=file,
                digest=digest,
            )
            held = lifecycle.examine(unit.need(RESOURCE, code), check, by=unit.actor())
            _record_resource(
                unit,
                "resource.examined",
                held,
                more={"check": kind.value, "conclusion": conclusion.value},
                private={"file": digest, "words": words},
            )
        return held

    def return_resource(
        self, code: str, reasons: Sequence[ReturnReason], *, by: Actor
    ) -> Registration:
        """Give an entry back for correction, with everything that is wrong at once."""
        with self._unit(by) as unit:
            held = lifecycle.give_back(
                unit.need(RESOURCE, code), reasons, by=self._acting(unit), at=self._now()
            )
            _record_resource(
                unit,
                "resource.returned",
                held,
                more={"reasons": len(reasons)},
                private={"reasons": [[one.code.value, one.about, one.text] for one in reasons]},
            )
        return held

    def designate_source(
        self, meaning: str, department: str, *, reason: str, by: Actor
    ) -> ItemSource:
        """The authority says which of the departments that registered an item is its source."""
        with self._unit(by) as unit:
            actor = self._acting(unit)
            lifecycle.require_decider(actor, Role.AUTHORITY)
            wanted = {meaning.partition("/")[2]}
            codes = store.codes_with(unit.connection, wanted, plain=single_source.plain_title)
            held = [unit.need(RESOURCE, code).resource for code in codes]
            made = single_source.designate(
                meaning,
                department,
                reason=reason,
                holders=single_source.holders_of(meaning, held),
                by=actor,
                at=self._now(),
            )
            unit.record(
                "item.source-designated",
                (ITEM_SOURCE, made),
                facts={"provider": department, "items": 1},
                private={"meaning": meaning, "reason": made.reason},
            )
        return made


def _with_codes(unit: Unit, resource: Resource) -> Resource:
    """Write recipients by their codes where they are registered departments' names."""
    if set(resource.recipients) <= {ANY_DEPARTMENT}:
        return resource
    codes = {held.name: code for code, held in unit.all(DEPARTMENT).items()}
    named = dict.fromkeys(codes.get(one, one) for one in resource.recipients)
    return replace(resource, recipients=tuple(named))


def _collisions(unit: Unit, resource: Resource) -> tuple[Collision, ...]:
    """What the entry's items share with items that other departments registered."""
    wanted = single_source.titles(resource)
    codes = store.codes_with(unit.connection, wanted, plain=single_source.plain_title)
    return single_source.collisions(
        resource, (unit.need(RESOURCE, code).resource for code in codes if code != resource.code)
    )


def _check_names(unit: Unit, resource: Resource) -> None:
    """GraphQL names belong to one resource for ever, also to a withdrawn one."""
    wanted = {resource.field_name, resource.list_name}
    for code, (type_name, *fields) in store.resource_names(unit.connection).items():
        if code == resource.code:
            continue
        if type_name == resource.type_name or wanted.intersection(fields):
            raise DuplicateError(f"the GraphQL names of resource {code}")


def _record_resource(  # noqa: PLR0913 - what an act records, named one by one
    unit: Unit,
    kind: str,
    registration: Registration,
    *,
    about: Resource | None = None,
    narrowing: bool = False,
    at_once: bool = False,
    reason: str = "",
    rows: tuple[tuple[Kind[Any], Any], ...] = (),
    more: Mapping[str, object] | None = None,
    private: Mapping[str, object] | None = None,
) -> None:
    resource = about or registration.latest.resource
    unit.record(
        kind,
        (RESOURCE, registration),
        *rows,
        narrowing=narrowing,
        at_once=at_once,
        facts={
            "resource": resource.code,
            "provider": resource.department,
            "revision": resource.revision,
            "class": resource.sharing_class.value,
            "state": resource.state,
            **(more or {}),
        },
        private={**({"reason": reason} if reason else {}), **(private or {})},
    )
