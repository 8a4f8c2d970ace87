"""Sabotages of what the catalogue proves."""

from dataclasses import replace
from typing import Any

from catalogue import cases, emergency, lifecycle, store
from catalogue.model import Actor, Case, Party
from catalogue.ports import Act
from catalogue.service.unit import Unit
from exchange import ledger
from tests.sabotage.kit import Sabotage, replaced


def _nothing(*_given: Any, **_more: Any) -> None:
    return None


def _any_officer(by: Actor, *_roles: Any, **_more: Any) -> Any:
    return by.officer


def _attested(case: Case, *, by: Actor) -> Case:
    return replace(case, attested_by=by.id)


def _unconfirmed(case: Case, late: tuple[Party, ...], *_given: Any, **_more: Any) -> Case:
    return replace(case, parties=case.parties + late)


def _opened(case: Case, *_given: Any, **_more: Any) -> Case:
    return case


def _never(*_given: Any, **_more: Any) -> bool:
    return False


def _known_officer(by: Actor, **_more: Any) -> Any:
    return by.officer


def _unrecorded(*_given: Any, **_more: Any) -> int:
    """An act that leaves no entry."""
    return 0


def _waits(unit: Unit, act: Act, **_more: Any) -> int:
    """Whatever an act takes away, it waits for the log."""
    return unit._ledger.append(act)


SABOTAGES: dict[str, Sabotage] = {
    "G1": Sabotage(
        why="nobody is ever counted among the requesting chain",
        apply=lambda: replaced(lifecycle.require_other, _nothing),
    ),
    "G2": Sabotage(
        why="deciding takes an officer, of whatever role",
        apply=lambda: replaced(lifecycle.require_decider, _any_officer),
    ),
    "G8": Sabotage(
        why="any roles fit in one person",
        apply=lambda: replaced(lifecycle.check_roles, lambda roles: roles),
    ),
    "X1": Sabotage(
        why="however an officer came, and whoever it is, an emergency is opened",
        apply=lambda: replaced(emergency.require_two_factor, _known_officer),
    ),
    "X2": Sabotage(
        why="an emergency is opened without an entry",
        apply=lambda: replaced(ledger.append_spending, _unrecorded),
    ),
    "X3": Sabotage(
        why="nobody ever misses a review",
        apply=lambda: replaced(emergency.stopped, _never),
    ),
    "R1": Sabotage(
        why="every row is taken for what was recorded",
        apply=lambda: replaced(store._doubt, _nothing),
    ),
    "R2": Sabotage(
        why="every row, and every gap, is taken for what was recorded",
        apply=lambda: replaced(store._doubt, _nothing),
    ),
    "W14": Sabotage(
        why="a revoke fails while the log is down",
        apply=lambda: replaced(Unit._appended, _waits),
    ),
    "C1": Sabotage(
        why="anybody's word attests a case",
        apply=lambda: replaced(cases.attest, _attested),
    ),
    "C2": Sabotage(
        why="late parties count as if they had been named at the start, in any number",
        apply=lambda: replaced(cases.add_parties, _unconfirmed),
    ),
    "C4": Sabotage(
        why="a case is opened under any matter",
        apply=lambda: replaced(cases.open_case, _opened),
    ),
}
