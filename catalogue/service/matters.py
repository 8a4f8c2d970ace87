"""Matters, their versions and materials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalogue import lifecycle, matters, validation
from catalogue.errors import InvalidError, UnknownError
from catalogue.flaws import Flaw
from catalogue.materials import Material
from catalogue.matters import Difference, Misfit
from catalogue.model import Actor, Matter, Role
from catalogue.rows import DEPARTMENT, MATTER, MATTER_VERSION, RESOURCE
from catalogue.service.people import Taken, chunks
from catalogue.service.unit import ROWS_AN_ACT, Unit, UseCases

_AN_ACT = ROWS_AN_ACT // 2
"""A changed matter is two rows: the version that ends and the one that begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a list of materials does, and why it does nothing where anything does not fit."""

    differences: tuple[Difference, ...]
    misfits: tuple[Misfit, ...]
    taken: bool


class Matters(UseCases):
    def import_matters(self, rows: Sequence[Matter], *, by: Actor) -> Taken:
        """Register matters; one that differs becomes its next version. Codes are kept as given."""
        for row in rows:
            validation.check_matter(row)
        with self._unit(by) as unit:
            lifecycle.require_decider(unit.actor(), Role.AUTHORITY)
            known = unit.all(MATTER)
            departments = unit.all(DEPARTMENT)
            wanted: dict[str, Matter] = {}
            for row in rows:
                if row.department not in departments:
                    raise UnknownError(f"department {row.department} of matter {row.code}")
                if row.code not in known:
                    unit.find(MATTER, row.code)  # raises where the log does not vouch for it
                wanted[row.code] = matters.revised(known.get(row.code), row)
            self._record(unit, known, list(wanted.values()))
        return Taken(
            added=tuple(code for code in wanted if code not in known),
            changed=tuple(c for c, held in wanted.items() if known.get(c, held) != held),
            unchanged=tuple(c for c, held in wanted.items() if known.get(c) == held),
        )

    def list_materials(
        self, listed: Mapping[str, Sequence[Material]], *, by: Actor, dry_run: bool = False
    ) -> Listed:
        """Put lists of materials, whole and by matter, in place of those before.

        Nothing is taken where anything does not fit, and with `dry_run`; a list that changes nothing makes
        no new version. Raises InvalidError, NotAllowedError.
        """
        with self._unit(by) as unit:
            actor = unit.actor()
            known = unit.all(MATTER)
            found = list(self._misfits(unit, known, listed))
            wanted: list[Matter] = []
            differences: list[Difference] = []
            for code, materials in listed.items():
                held = known.get(code)
                if held is None:
                    continue
                matters.require_keeper(actor, held.department)
                row = validation.check_matter(replace(held, materials=tuple(materials)))
                wanted.append(matters.revised(held, row))
                differences.append(matters.difference(code, held.materials, materials))
            taken = not found and not dry_run
            if taken:
                self._record(unit, known, wanted)
        return Listed(differences=tuple(differences), misfits=tuple(found), taken=taken)

    def _misfits(
        self, unit: Unit, known: Mapping[str, Matter], listed: Mapping[str, Sequence[Material]]
    ) -> list[Misfit]:
        departments = unit.all(DEPARTMENT)
        named = {one.resource for materials in listed.values() for one in materials if one.resource}
        held = {code: unit.find(RESOURCE, code) for code in sorted(named)}
        resources = {code: one.resource for code, one in held.items() if one is not None}
        found: list[Misfit] = []
        for code, materials in listed.items():
            if code not in known:
                message = Flaw("no matter {0} is registered", code)
                found.append(Misfit(matter=code, material="", field="matter", message=message))
                continue
            found += matters.misfits(code, materials, departments=departments, resources=resources)
        return found

    def _record(self, unit: Unit, known: Mapping[str, Matter], wanted: Sequence[Matter]) -> None:
        """Record the matters that are not as they are known, each with the version that it ends."""
        by, at = unit.actor().id, self._now()
        if not by:
            raise InvalidError(Flaw("nobody acts"))
        differing = [row for row in wanted if known.get(row.code) != row]
        for chunk in chunks(differing, _AN_ACT):
            before = [known[row.code] for row in chunk if row.code in known]
            unit.record(
                "matter.registered",
                *((MATTER, row) for row in chunk),
                *((MATTER_VERSION, matters.ended(held, by=by, at=at)) for held in before),
                narrowing=bool(before),
                facts={"matters": len(chunk), "versions": len(before)}
                | ({"matter": chunk[0].code} if len(chunk) == 1 else {}),
            )
