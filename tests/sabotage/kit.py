"""How a sabotage is described and carried out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

OURS = ("exchange", "gateway", "catalogue", "policies", "audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One patch at one seam. While `apply` is entered, the tests of the id must fail."""

    why: str
    apply: Callable[[], AbstractContextManager[None]]


@contextmanager
def replaced(original: Any, substitute: Any) -> Iterator[None]:
    """Put `substitute` wherever a module, or a class in it, of ours holds `original`."""
    places: list[tuple[Any, str]] = []
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] not in OURS:
            continue
        for attribute, value in list(vars(module).items()):
            if value is original:
                places.append((module, attribute))
            elif isinstance(value, type) and value.__module__.split(".")[0] in OURS:
                places += [
                    (value, member)
                    for member, held in list(vars(value).items())
                    if held is original
                ]
    if not places:
        message = f"{original!r} is held nowhere: the sabotage would do nothing"
        raise LookupError(message)
    for holder, attribute in places:
        setattr(holder, attribute, substitute)
    try:
        yield
    finally:
        for holder, attribute in places:
            setattr(holder, attribute, original)
