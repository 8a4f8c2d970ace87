"""Remembers what was made of the very same objects: what calls share is worked out once."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from catalogue.snapshot import Snapshot

Made = TypeVar("Made")

MOST = 4_096


class Remembered(Generic[Made]):
    """Values by the identity of the immutable objects that they were made of; the oldest go first.

    The objects are held as long as the value is, so that their identity cannot pass to others.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._held: dict[Hashable, tuple[tuple[object, ...], Made]] = {}

    def of(
        self,
        objects: tuple[object, ...],
        make: Callable[..., Made],
        *of_what: object,
        beside: Hashable = None,
    ) -> Made:
        """Return the value of these objects, made of `of_what` where it is not there.

        `beside` is compared by value.
        """
        key = (beside, *map(id, objects))
        held = self._held.get(key)
        if held is None:
            held = (objects, make(*of_what))
            while len(self._held) >= self._most:
                self._held.pop(next(iter(self._held)), None)
            self._held[key] = held
        return held[1]


def of_picture(snapshot: Snapshot, called: str) -> Remembered[Any]:
    """Return what is remembered of one picture of the registry alone: no older picture is held for it."""
    held: Remembered[Any] | None = snapshot.worked_out.get(called)
    if held is None:
        held = snapshot.worked_out.setdefault(called, Remembered())
    return held
