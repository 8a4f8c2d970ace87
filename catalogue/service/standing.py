"""What the use cases of sharing rest on: the law as the registry has it, deputies, and notices."""

from collections.abc import Iterable

from catalogue.deputies import standing_for
from catalogue.model import Actor
from catalogue.notices import Notice, NoticeKind
from catalogue.rows import DEPUTY, LAW_RULE, NOTICE, OFFICER, WORKDAY_YEAR, Kind
from catalogue.service.unit import Unit, UseCases
from catalogue.statutes import Statutes, statutes

__all__ = ["BY_RULE", "Standing"]

BY_RULE = Actor(auth="rule")
"""Acts where the law or an earlier decision itself acts: nobody chooses anything."""


class Standing(UseCases):
    def _acting(self, unit: Unit) -> Actor:
        """Return who acts, with the posts that they stand in for; what is recorded then names the deputy."""
        actor = unit.actor()
        mine = [one for one in unit.all(DEPUTY).values() if one.deputy == actor.id]
        principals = (unit.find(OFFICER, one.principal) for one in mine)
        acting, standing = standing_for(
            actor, mine, [one for one in principals if one is not None], at=self._now()
        )
        unit.standing = tuple(sorted(one.id for one in standing))
        return acting

    def _law(self, unit: Unit) -> Statutes:
        return statutes(unit.all(LAW_RULE).values(), unit.all(WORKDAY_YEAR).values())

    def _notices(
        self,
        departments: Iterable[str],
        kind: NoticeKind,
        about: str,
        *,
        resource: str = "",
        entries: dict[str, tuple[int, ...]] | None = None,
    ) -> list[tuple[Kind[Notice], Notice]]:
        """Return a notice a department, as rows of the act that gives the reason for it."""
        return [
            (
                NOTICE,
                Notice(
                    id=self._fresh_id("ntc"),
                    department=department,
                    kind=kind,
                    about=about,
                    resource=resource,
                    entries=(entries or {}).get(department, ()),
                    at=self._now(),
                ),
            )
            for department in sorted(set(departments) - {""})
        ]
