"""Values under correction (校核): somebody who received one says that it is wrong, and that is not settled.

Such a value is given as it stands, with a mark in its place, and no verification says yes to it. Nothing is
looked up while nothing at all is disputed.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from catalogue.model import Resource
from gateway.attempts import KeyedToken
from gateway.mask import Disputed
from gateway.model import Masked, Outcome, Where

VALUE_DISPUTED = "VALUE_DISPUTED"


class Picture(Protocol):
    """What is asked of the registry's picture (catalogue/snapshot.py)."""

    @property
    def disputed(self) -> Mapping[tuple[str, str], frozenset[str]]: ...

    def disputed_items(self, resource: str, token: str) -> frozenset[str]: ...


def disputes_of(snapshot: Picture, token: KeyedToken) -> Disputed | None:
    """Return what says which values are disputed; None where none is at all."""
    if not snapshot.disputed:
        return None

    def disputed(resource: Resource, identifier: str) -> frozenset[str]:
        subject = resource.key.subject
        if subject is None:
            return frozenset()
        return snapshot.disputed_items(resource.code, token(subject.value, identifier))

    return disputed


def marked(
    outcomes: Sequence[Outcome], found: Mapping[str, Sequence[Where]]
) -> tuple[Outcome, ...]:
    """Return the outcomes with the places in the answer at which disputed values stand, by `ref`."""
    if not found:
        return tuple(outcomes)
    return tuple(
        replace(one, marks=tuple(found.get(one.permitted.step.ref, ())))
        if isinstance(one, Masked) and one.disputed
        else one
        for one in outcomes
    )
