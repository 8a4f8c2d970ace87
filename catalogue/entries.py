"""What an entry must say, and what it may not: metadata, secrets, base data, and when it is complete.

`findings` are wrong in any draft. `missing` keeps a draft from being signed and announced. `gaps` are parts
of the core metadata that nobody filled in yet: they are shown, and keep nobody from anything.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from catalogue.classification import classify
from catalogue.flaws import Flaw
from catalogue.legal import check_basis
from catalogue.metadata import (
    ANY_DEPARTMENT,
    CYCLE_DAYS,
    Openness,
    Secrecy,
    Sensitivity,
    UpdateCycle,
)
from catalogue.model import CODE_PATTERN, Item, Resource, SharingClass, SubjectType
from catalogue.thresholds import check_thresholds

MOST_KEYWORDS = 20
MOST_CODES = 5_000
_KEYWORD = re.compile(r"[^\x00-\x1f\x7f]{1,50}")
_TELEPHONE = re.compile(r"[0-9+][0-9 ()-]{2,30}(转[0-9]{1,6})?")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_MARKING = re.compile(r"(绝密|机密|秘密)\s*★")
_SECRETS = {
    Secrecy.STATE_SECRET: Flaw("a state secret"),
    Secrecy.WORK_SECRET: Flaw("a work secret"),
}
_PERSONAL = frozenset({Sensitivity.PERSONAL, Sensitivity.SENSITIVE_PERSONAL})


def holds_personal(resource: Resource) -> bool:
    """Whether any of it is personal information, the link to a person included."""
    return resource.personal or any(
        item.sensitivity in _PERSONAL or item.subject is SubjectType.PERSON
        for item in resource.items
    )


def may_have(resource: Resource, department: str) -> bool:
    """Whether a department is among those who may have conditional data.

    Where the entry describes them in words (行政许可办理部门), who belongs to them is the provider's to say.
    """
    if resource.sharing_class is not SharingClass.CONDITIONAL or not resource.recipients:
        return True
    if ANY_DEPARTMENT in resource.recipients or department in resource.recipients:
        return True
    return any(not CODE_PATTERN.fullmatch(one) for one in resource.recipients)


def findings(resource: Resource) -> Iterator[Flaw]:
    yield from _secrets(resource)
    yield from _metadata(resource)
    yield from _upstream(resource)
    yield from _base_data(resource)
    for item in resource.items:
        yield from _item(item)


def missing(resource: Resource) -> Iterator[Flaw]:
    """Say what must be there before the entry is signed: conditions have a structure (809 art. 12)."""
    conditional = resource.sharing_class is SharingClass.CONDITIONAL
    if conditional and not resource.recipients:
        yield Flaw("conditional: who may have it is missing (departments, or * for any)")
    if conditional and not resource.purposes:
        yield Flaw("conditional: the purposes are missing")
    if conditional and not resource.conditions.strip():
        yield Flaw("conditional: the conditions in words are missing")
    if resource.sharing_class is not SharingClass.NOT_SHARED:
        if not resource.methods:
            yield Flaw("the sharing method is missing (interface, table, file)")
        closed = [item.name for item in resource.items if _closed(item)]
        if closed and not resource.no_share_basis:
            yield (
                Flaw(
                    "items {0} are not shared: document, article, text and level of the law needed",
                    ", ".join(closed),
                )
            )


def gaps(resource: Resource) -> tuple[str, ...]:
    """Return the names of the core metadata that the entry does not give, in the order of 1272号."""
    open_ = resource.openness is not None
    told = {
        "classification": classify(resource.code) is not None,
        "abstract": bool(resource.abstract.strip()),
        "keywords": bool(resource.keywords),
        "format": resource.format is not None,
        "methods": bool(resource.methods) or resource.sharing_class is SharingClass.NOT_SHARED,
        "openness": open_,
        "update_cycle": resource.update_cycle is not None,
        "data_class": resource.data_class is not None,
        "contact": resource.contact is not None
        and bool(resource.contact.telephone or resource.contact.email),
        "name_en": bool(resource.name_en.strip()),
        "item_titles_en": all(item.title_en.strip() for item in resource.items),
        "item_lengths": all(item.length is not None for item in resource.items),
    }
    return tuple(name for name, there in told.items() if not there)


def _closed(item: Item) -> bool:
    return item.sharing_class is SharingClass.NOT_SHARED


def _secrets(resource: Resource) -> Iterator[Flaw]:
    if resource.secrecy is not Secrecy.NONE:
        yield (
            Flaw(
                "declared to hold {0}: it is no government data and is not registered (809 art. 3)",
                _SECRETS[resource.secrecy],
            )
        )
    told = (resource.name, resource.abstract, resource.conditions)
    if any(_MARKING.search(text) for text in told):
        yield Flaw(
            "carries a mark of secrecy: it is no government data and is not registered (809 art. 3)"
        )


def _metadata(resource: Resource) -> Iterator[Flaw]:
    if len(resource.keywords) > MOST_KEYWORDS:
        yield Flaw("{0} keywords, {1} at most", len(resource.keywords), MOST_KEYWORDS)
    for word in resource.keywords:
        if not _KEYWORD.fullmatch(word) or not word.strip():
            yield Flaw("keyword {0!r}: 1 to 50 characters needed", word)
    for label, values in (
        (Flaw("keyword"), resource.keywords),
        (Flaw("sharing method"), resource.methods),
        (Flaw("recipient"), resource.recipients),
        (Flaw("related resource"), resource.related),
    ):
        for value in _twice(values):
            yield Flaw("{0} {1} stands twice", label, value)
    if ANY_DEPARTMENT in resource.recipients and len(resource.recipients) > 1:
        yield Flaw("recipients: * stands alone")
    if resource.code in resource.related:
        yield Flaw("related resource: itself")
    for method in dict.fromkeys(one.method for one in resource.distributions):
        if method not in resource.methods:
            yield Flaw("distribution by {0}, which is no sharing method of the resource", method)
    yield from _openness(resource)
    yield from _cycle(resource)
    yield from _contact(resource)


def _openness(resource: Resource) -> Iterator[Flaw]:
    if resource.openness is Openness.CONDITIONAL and not resource.open_conditions.strip():
        yield Flaw("open to the public on conditions: the conditions needed")
    shared = resource.sharing_class is SharingClass.UNCONDITIONAL
    if resource.openness is Openness.UNCONDITIONAL and not shared:
        yield Flaw(
            "open to the public without conditions, and {0} to departments", resource.sharing_class
        )


def _cycle(resource: Resource) -> Iterator[Flaw]:
    if resource.update_cycle is None or resource.update_days is None:
        return
    most = CYCLE_DAYS.get(resource.update_cycle)
    if most is not None and resource.update_days > most:
        yield (
            Flaw(
                "update cycle {0}: rows of {1} days, {2} at most",
                resource.update_cycle,
                resource.update_days,
                most,
            )
        )
    elif resource.update_cycle is UpdateCycle.IRREGULAR:
        yield Flaw(
            "update cycle irregular, and rows of {0} days at most: one of both",
            resource.update_days,
        )


def _contact(resource: Resource) -> Iterator[Flaw]:
    contact = resource.contact
    if contact is None:
        return
    if not contact.unit.strip():
        yield Flaw("contact: the unit needed")
    if contact.telephone and not _TELEPHONE.fullmatch(contact.telephone):
        yield Flaw("contact: the telephone number is none")
    if contact.email and not _EMAIL.fullmatch(contact.email):
        yield Flaw("contact: the e-mail address is none")


def _upstream(resource: Resource) -> Iterator[Flaw]:
    upstream = resource.upstream
    if upstream is None:
        return
    if not upstream.holder.strip():
        yield Flaw("upstream: who holds it is missing")
    if not upstream.way_to_ask.strip():
        yield Flaw("upstream: the way to ask is missing")
    if resource.source or resource.table:
        yield Flaw("upstream: not connected, so it has neither source nor table")
    if resource.sharing_class is SharingClass.UNCONDITIONAL:
        # Asking for unconditional data gives a grant at once, and nobody here could keep that promise.
        yield Flaw("upstream: what its holder decides on is conditional here")
    if resource.listing is not None or resource.emergency_items is not None:
        yield Flaw("upstream: nothing is served, so nothing is listed or looked up in an emergency")


def _base_data(resource: Resource) -> Iterator[Flaw]:
    """51号 art. 10: the basic items of base data are shared without conditions."""
    place = classify(resource.code)
    named = None if place is None else place.base_data
    if named is not None and resource.base_data is not named:
        yield Flaw("code {0} names base data: {1} needed", resource.code, named)
    basic = [item for item in resource.items if item.basic]
    if resource.base_data is None:
        if basic:
            yield Flaw("item {0}: basic, but the resource is no base data", basic[0].name)
        return
    if not basic:
        yield Flaw("base data: which items are basic is missing")
    for item in basic:
        if item.sharing_class is not SharingClass.UNCONDITIONAL:
            yield (
                Flaw(
                    "item {0}: a basic item of base data is {1}, unconditional needed (51号 art. 10)",
                    item.name,
                    item.sharing_class,
                )
            )


def _item(item: Item) -> Iterator[Flaw]:
    yield from check_thresholds(item)
    if item.length is not None and item.length < 1:
        yield Flaw("item {0}: length {1}, 1 or more needed", item.name, item.length)
    if len(item.codes) > MOST_CODES:
        yield Flaw("item {0}: {1} codes, {2:,} at most", item.name, len(item.codes), MOST_CODES)
    for value in _twice(code.value for code in item.codes):
        yield Flaw("item {0}: code {1!r} stands twice", item.name, value)
    if any(not code.value or not code.title.strip() for code in item.codes):
        yield Flaw("item {0}: each code needs a value and a title", item.name)
    if item.codes and item.length is not None:
        longest = max(len(code.value) for code in item.codes)
        if longest > item.length:
            yield Flaw(
                "item {0}: a code of {1} characters, its length is {2}",
                item.name,
                longest,
                item.length,
            )
    open_ = item.sharing_class is SharingClass.UNCONDITIONAL
    if open_ and item.sensitivity is Sensitivity.SENSITIVE_PERSONAL and not item.basic:
        yield Flaw("item {0}: sensitive personal information is unconditional", item.name)


def _twice(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def check_closed_basis(resource: Resource) -> Iterator[Flaw]:
    """Where anything is not shared, and a law is cited for it, it must be one that can keep it so."""
    if resource.sharing_class is SharingClass.NOT_SHARED or resource.no_share_basis:
        yield from check_basis(resource.no_share_basis)
