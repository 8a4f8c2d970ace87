"""Sabotages of what the catalogue proves."""

from dataclasses import replace
from typing import Any

from catalogue import cases, lifecycle, store
from catalogue.model import Actor, Case, Party
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
    "R1": Sabotage(
        why="every row is taken for what was recorded",
        apply=lambda: replaced(store._doubt, _nothing),
    ),
    "R2": Sabotage(
        why="every row, and every gap, is taken for what was recorded",
        apply=lambda: replaced(store._doubt, _nothing),
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
