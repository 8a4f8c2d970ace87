"""Sabotages of the policy, its bundle and its engines."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

import catalogue.bundles
import exchange.acts.policy
import exchange.condition
import exchange.ledger
import gateway.basis
import gateway.commitments
import gateway.record
import policies.bundle
import policies.language.rechecking
import policies.lint
import policies.opa
import policies.wire
from audit.entry import Draft
from catalogue.ports import Act
from exchange.deciding import PolicyInForce
from exchange.demo.district import APPLICANT
from policies.model import Decision, Question
from tests.sabotage.kit import Sabotage, replaced

_PACKAGED = policies.bundle.packaged_modules
_RULED = gateway.commitments.ruled_commits
_DRAFT_OF = exchange.ledger.draft_of
_ANYTHING_GOES = "package system.authz\n\ndefault allow := true\n"


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


def _unseen(archive: bytes, *, keys: Mapping[str, Any]) -> str:
    """A verification that verifies nothing."""
    return "approver-1"


def _nothing(*_: Any, **__: Any) -> None:
    """A check that checks nothing."""


def _never_near(*_: Any, **__: Any) -> bool:
    """The policy's end is always far away."""
    return False


async def _half_and_half(self: PolicyInForce, question: Question) -> Decision:
    """What one policy decided, under the name of the one that came into force meanwhile."""
    first = await self.current()
    decision = await first.engine.decide(question)
    later = await self.current()
    return msgspec.structs.replace(decision, revision=later.engine.revision)


def _no_barrier(act: Act) -> Draft:
    """An act's entry that raises no barrier, whatever it takes away."""
    return msgspec.structs.replace(_DRAFT_OF(act), barrier=False)


def _of_the_person(basis: gateway.basis.Basis) -> Any:
    """Question and decision under the key of the person whom the call is about."""
    ruled = _RULED(basis)
    owner = ("enterprise", APPLICANT)
    return replace(
        ruled, commits=tuple(msgspec.structs.replace(held, subject=owner) for held in ruled.commits)
    )


def _unasked(*_: Any, **__: Any) -> bool:
    return True


SABOTAGES: dict[str, Sabotage] = {
    "L21": Sabotage(
        why="a question is kept under the key of the person whom it is about, and erased with it",
        apply=lambda: replaced(_RULED, _of_the_person),
    ),
    "P1": Sabotage(
        why="the expiry of the policy is not looked at",
        apply=lambda: replaced(policies.wire.accept, _believe),
    ),
    "P2": Sabotage(
        why="whoever signed a bundle is believed",
        apply=lambda: replaced(policies.bundle.verify, _unseen),
    ),
    "P3": Sabotage(
        why="readiness does not look at the policy's end",
        apply=lambda: replaced(exchange.condition.check_policy, _never_near),
    ),
    "P4": Sabotage(
        why="whatever the engine says, or does not say, is taken for a permit",
        apply=lambda: replaced(policies.wire.accept, _believe),
    ),
    "P5": Sabotage(
        why="the embedded engine and OPA are given a policy that forgets the publisher's mask",
        apply=lambda: replaced(_PACKAGED, _rewritten("exchange/items.rego", "item.mask", '"none"')),
    ),
    "P6": Sabotage(
        why="rules of a department that nobody knows are published",
        apply=lambda: replaced(exchange.acts.policy.check_departments, _nothing),
    ),
    "P7": Sabotage(
        why="acts that take something away raise no barrier",
        apply=lambda: replaced(_DRAFT_OF, _no_barrier),
    ),
    "F9": Sabotage(
        why="acts that take something away raise no barrier",
        apply=lambda: replaced(_DRAFT_OF, _no_barrier),
    ),
    "P8": Sabotage(
        why="the end of a grant is not looked at",
        apply=lambda: replaced(
            _PACKAGED,
            _rewritten("exchange/sharing.rego", "input.now < grant.not_after", "grant.not_after"),
        ),
    ),
    "P9": Sabotage(
        why="a decision takes the name of the policy that came into force meanwhile",
        apply=lambda: replaced(PolicyInForce.decide, _half_and_half),
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
    "P13": Sabotage(
        why="a permit stands whatever the call's own facts are: nothing is asked again",
        apply=lambda: replaced(policies.language.rechecking.Rechecker.holds, _unasked),
    ),
    "P15": Sabotage(
        why="the signature of a bundle is not looked at",
        apply=lambda: replaced(policies.bundle.verify, _unseen),
    ),
    "P14": Sabotage(
        why="the serial of a bundle is not looked at",
        apply=lambda: replaced(catalogue.bundles.check_proposal, _nothing),
    ),
    "P16": Sabotage(
        why="OPA lets everybody do everything",
        apply=lambda: replaced(policies.opa.AUTHORIZATION, _ANYTHING_GOES),
    ),
}
