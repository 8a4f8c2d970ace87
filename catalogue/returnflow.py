"""Return flow (数据回流): what a higher level grants to a lower one is held to the lower one's own region."""

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.granted import RowRule
from catalogue.model import Department, Item, Resource, SharingClass

LEVELS = ("national", "province", "city", "district", "township", "village")
"""From above to below."""
CALLER_REGION = "$caller.region"
_TITLES = ("行政区划", "区划代码", "所属区域", "所在区县")
_NAMES = frozenset(
    {"region", "regioncode", "areacode", "districtcode", "divisioncode", "xzqh", "xzqhdm", "qhdm"}
)
_SIX = 6


def region_item(resource: Resource) -> Item | None:
    """Return the item that holds a record's region by its code (GB/T 2260); None where none says so."""
    for item in resource.items:
        plain = item.name.replace("_", "").replace("-", "").lower()
        listed = "2260" in item.code_list
        if listed or plain in _NAMES or any(title in item.title for title in _TITLES):
            return item
    return None


def return_flow(resource: Resource, provider: Department, consumer: Department) -> RowRule | None:
    """Return the condition that holds a grant to the consumer's region; None where none is needed.

    It is needed where the provider stands on a higher level. Raises InvalidError where conditional data
    names no region, or the consumer has none: then nobody could say which records are the consumer's.
    Unconditional data without a region is anybody's as it is.
    """
    if not _below(consumer.level, provider.level):
        return None
    item = region_item(resource)
    if item is None:
        if resource.sharing_class is SharingClass.UNCONDITIONAL:
            return None
        raise InvalidError(
            Flaw(
                "resource {0} names no region of its records, so it cannot flow back to a lower level:"
                " an item with the region's code (行政区划代码) needed",
                resource.code,
            )
        )
    if not consumer.region:
        raise InvalidError(
            Flaw("the requesting department has no region, a code of GB/T 2260 needed")
        )
    return RowRule(item=item.name, op="prefix", value=_value(consumer.region))


def _below(level: str, other: str) -> bool:
    """Whether a level is below another; one that is not known is below none."""
    if level not in LEVELS or other not in LEVELS:
        return False
    return LEVELS.index(level) > LEVELS.index(other)


def _value(region: str) -> str:
    """Return what the codes of a region begin with.

    The code of a province or a city ends with noughts which those of its districts do not have; all
    others are bound from the call.
    """
    plain = region[:_SIX]
    if len(region) == _SIX and plain.endswith("00"):
        return plain[:2] if plain.endswith("0000") else plain[:4]
    return CALLER_REGION
