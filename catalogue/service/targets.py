"""Targets of indicators, set and withdrawn by the authority, and what the indicators were day by day."""

from dataclasses import replace
from datetime import date

from catalogue import indicators
from catalogue.errors import StateError
from catalogue.indicators import Target
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role
from catalogue.rows import DEPARTMENT, INDICATOR_DAY, TARGET
from catalogue.service.standing import BY_RULE
from catalogue.service.unit import UseCases
from catalogue.trends import IndicatorDay


class Targets(UseCases):
    def keep_indicators(self, day: IndicatorDay) -> bool:
        """Keep what the indicators were on a day; False where that day is kept already, and stays so."""
        with self._unit(BY_RULE) as unit:
            if unit.find(INDICATOR_DAY, day.id) is not None:
                return False
            unit.record(
                "indicators.kept",
                (INDICATOR_DAY, day),
                fresh=True,
                facts={"day": day.id, "values": len(day.measured)},
            )
        return True

    def set_target(
        self, indicator: str, percent: int, *, due: date, lead: str, by: Actor
    ) -> Target:
        """Set what is to be reached by a day; another one of the same day takes its place."""
        with self._unit(by) as unit:
            wanted = indicators.set_target(
                indicator,
                percent,
                due=due,
                lead=lead,
                departments=unit.all(DEPARTMENT),
                by=unit.actor(),
                at=self._now(),
            )
            unit.record(
                "target.set",
                (TARGET, wanted),
                facts={
                    "indicator": indicator,
                    "percent": percent,
                    "due": wanted.due,
                    "provider": lead,
                },
            )
        return wanted

    def withdraw_target(self, target: str, *, by: Actor) -> Target:
        with self._unit(by) as unit:
            require_decider(unit.actor(), Role.AUTHORITY)
            held = unit.need(TARGET, target)
            if held.state != "active":
                raise StateError(f"target {target} is {held.state} already")
            withdrawn = replace(held, state="withdrawn")
            unit.record(
                "target.withdrawn",
                (TARGET, withdrawn),
                facts={"indicator": held.indicator, "due": held.due, "provider": held.lead},
            )
        return withdrawn
