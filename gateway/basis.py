"""What a call's entry rests on: the registry as it stood, the decision, and what is in the log already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from catalogue.snapshot import Snapshot
from gateway.rule import Asked
from policies.model import Decision, Question


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be sent, byte for byte."""

    data: bytes
    step_bytes: Mapping[str, bytes]
    errors: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        return f"Given({len(self.data)} bytes, {len(self.errors)} errors)"


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcomes of a call rest on."""

    snapshot: Snapshot
    asked: Asked
    decision: Decision | None
    """None where no engine gave one, or there was nothing to decide."""
    revision: str
    """Of the policy that decided."""
    operation: str
    """SHA-256 of the document, hex."""
    day: str
    """YYYY-MM-DD where the exchange stands: the day of the quotas."""
    shape: object | None = None
    """As in `gateway.rule.Facts`."""

    @property
    def question(self) -> Question:
        return self.asked.question


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a call has in the log already: entries of intent, made before anybody was asked."""

    intents: tuple[int, ...] = ()
    """Their indices; the first has used up the nonce."""
    counted: frozenset[tuple[str, str]] = frozenset()
    """The marks of the quotas that were counted with them."""


NOT_BEGUN = Begun()

Subjects = Mapping[str, tuple[tuple[str, str], ...]]
"""By `ref` of a step: whom it is about, each as type and normalised identifier."""
