"""Patches of the policy compiler."""

from policies.language import program
from tests.sabotage.kit import Sabotage, replaced

_FUNCTIONS = program._functions


def _lenient(*, strict: bool) -> dict[str, object]:
    """Offer the built-ins of the lenient mode, whatever was asked for."""
    del strict
    return _FUNCTIONS(strict=False)


SABOTAGES: dict[str, Sabotage] = {
    "P12": Sabotage(
        why="an error of a built-in makes its expression undefined and nothing more",
        apply=lambda: replaced(_FUNCTIONS, _lenient),
    ),
}
