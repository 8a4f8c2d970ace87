"""Sabotages of the policy, its bundle and its engines."""

from collections.abc import Mapping
from typing import Any

import msgspec

import policies.bundle
import policies.lint
import policies.wire
from policies.model import Decision, Question
from tests.sabotage.kit import Sabotage, replaced

_PACKAGED = policies.bundle.packaged_modules


def _believe(raw: Any, question: Question, *, revision: str, expires: int) -> Decision:
    """Take whatever came for a decision that permits, as a careless client does."""
    if isinstance(raw, dict) and raw.get("schema"):
        return msgspec.convert({**raw, "allow": True}, Decision)
    return Decision(
        schema="exchange.decision/1",
        revision=revision,
        expires=expires,
        allow=True,
        code="PERMITTED",
        resources={},
        valid_until=expires,
    )


def _rewritten(file: str, found: str, put: str) -> Any:
    """The shipped modules with one line of one of them changed."""

    def modules(*, tests: bool = False) -> dict[str, str]:
        shipped = _PACKAGED(tests=tests)
        if found not in shipped[file]:
            raise LookupError(f"{file} holds no {found!r}: the sabotage would do nothing")
        return {**shipped, file: shipped[file].replace(found, put)}

    return modules


def _quiet(modules: Mapping[str, str]) -> list[Any]:
    return []


def _unseen(archive: bytes, *, keys: Mapping[str, Any]) -> None:
    """A verification that verifies nothing."""


SABOTAGES: dict[str, Sabotage] = {
    "P1": Sabotage(
        why="the expiry of the policy is not looked at",
        apply=lambda: replaced(policies.wire.accept, _believe),
    ),
    "P4": Sabotage(
        why="whatever the engine says, or does not say, is taken for a permit",
        apply=lambda: replaced(policies.wire.accept, _believe),
    ),
    "P5": Sabotage(
        why="the embedded engine and OPA are given a policy that forgets the publisher's mask",
        apply=lambda: replaced(_PACKAGED, _rewritten("exchange/items.rego", "item.mask", '"none"')),
    ),
    "P8": Sabotage(
        why="the end of a grant is not looked at",
        apply=lambda: replaced(
            _PACKAGED,
            _rewritten("exchange/sharing.rego", "input.now < grant.not_after", "grant.not_after"),
        ),
    ),
    "P10": Sabotage(
        why="an incomplete question is decided like a complete one",
        apply=lambda: replaced(
            _PACKAGED,
            _rewritten(
                "exchange/question.rego",
                "complete if {\n",
                "complete if {\n\ttrue\n}\n\nwhole if {\n",
            ),
        ),
    ),
    "P11": Sabotage(
        why="the linter finds nothing",
        apply=lambda: replaced(policies.lint.lint, _quiet),
    ),
    "P15": Sabotage(
        why="the signature of a bundle is not looked at",
        apply=lambda: replaced(policies.bundle.verify, _unseen),
    ),
}
