"""Which items of a record a permitted step needs: what is given, and what is compared on the way."""

import re

from catalogue.model import Item
from gateway.errors import SourceInvalidError
from gateway.model import FoundKey, Listed, Permitted

_CALL = re.compile(r"call_[0-9A-Za-z-]{1,64}")


def check_call_number(call: str) -> None:
    """Refuse what could end a comment or a header where the call number is sent to a source."""
    if not _CALL.fullmatch(call):
        raise SourceInvalidError(reason="a call number is `call_`, then letters, digits, hyphens")


def needed_items(permitted: Permitted) -> tuple[Item, ...]:
    """Return the items to read: those given, and whatever is compared on the way."""
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
