"""Sabotages of the verifier: a log is held against receipts and exports, and nothing is missed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import audit.receipt
import audit.verify
from audit.entry import Sequenced
from tests.sabotage.kit import Sabotage, replaced


def _held(past: Any, *_: Any, **__: Any) -> audit.verify.Finding:
    return audit.verify.Finding(code="PAST_HELD", detail=f"{past.size}")


def _nothing(*_: Any, **__: Any) -> Iterator[audit.verify.Finding]:
    return iter(())


_MAKE_RECEIPT = audit.receipt.make_receipt
_BODIES: list[str] = []


def _with_the_call_before(sequenced: Sequenced, *, paths: Mapping[str, Sequence[str]]) -> Any:
    """Put into a receipt what lay beside its entry."""
    receipt = _MAKE_RECEIPT(sequenced, paths={**paths, "request": tuple(_BODIES[-1:])})
    _BODIES.append(sequenced.body.decode())
    return receipt


SABOTAGES = {
    "L19": Sabotage(
        why="a receipt holds the entry that was sequenced before its own",
        apply=lambda: replaced(_MAKE_RECEIPT, _with_the_call_before),
    ),
    "L2": Sabotage(
        why="a log that is shorter than what it signed is taken for its past",
        apply=lambda: replaced(audit.verify._check_past, _nothing),
    ),
    "L4": Sabotage(
        why="the roots that were signed before are not held against the leaves",
        apply=lambda: replaced(audit.verify._past_finding, _held),
    ),
}
