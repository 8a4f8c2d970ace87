"""Which items of a record a permitted step needs: what is given, and what is compared on the way."""

import re
from collections.abc import Sequence
from functools import lru_cache

from catalogue.model import Item, ItemType
from gateway.errors import SourceInvalidError
from gateway.model import FoundKey, GivenKey, LinkedKey, Listed, Permitted
from gateway.remembered import Remembered

ANSWER_BYTES = 1_000_000
"""What the values of one answer may weigh."""
PAGE_BYTES = 8_000_000
"""The same of a page of all records."""
FILE_BYTES = 20_000_000
"""The same where the contents of files are asked for."""

_CALL = re.compile(r"call_[0-9A-Za-z-]{1,64}")


@lru_cache(maxsize=256)  # A call asks several sources.
def check_call_number(call: str) -> None:
    """Refuse what could end a comment or a header where the call number is sent to a source."""
    if not _CALL.fullmatch(call):
        raise SourceInvalidError(reason="a call number is `call_`, then letters, digits, hyphens")


def needed_items(permitted: Permitted) -> tuple[Item, ...]:
    """Return the items to read: those given, and whatever is compared on the way."""
    step = permitted.step
    key = step.key
    if step.claims or step.filters or not isinstance(key, (GivenKey, LinkedKey)):
        return _needed(permitted)
    # Calls that are ruled alike have the very same objects here, and so read the very same items.
    return _known.of(
        (permitted.verdict, step.resource, key.item, permitted.joins), lambda: _needed(permitted)
    )


_known: Remembered[tuple[Item, ...]] = Remembered(most=512)


def _needed(permitted: Permitted) -> tuple[Item, ...]:
    step, verdict = permitted.step, permitted.verdict
    compared = (*permitted.joins, *step.filtered, *step.ordered)
    wanted = {step.key.item.name, *(item.name for item in compared)}
    if isinstance(step.key, (FoundKey, Listed)):
        wanted.add(step.resource.key.name)  # Whose the record is.
    if verdict.items is not None:
        wanted |= set(verdict.items.allowed) | set(verdict.items.masked)
    if verdict.row_filter is not None:
        wanted |= {condition.item for condition in verdict.row_filter.all}
    if step.claims:
        wanted |= {claim.item.name for claim in step.claims if claim.item is not None}
        validity = step.resource.validity
        if validity is not None:
            wanted |= {
                name for name in (validity.status_item, validity.until_item) if name is not None
            }
    return tuple(item for item in step.resource.items if item.name in wanted)


def allowed_bytes(types: Sequence[ItemType], *, plain: int = ANSWER_BYTES) -> int:
    """Return what the values of items of these types may weigh in one answer."""
    return FILE_BYTES if ItemType.BYTES in types else plain
