"""Which announced resources a document names: they join the caller's contract for that call.

A system that never asked for a resource must learn how to ask for it, and not that the name is unknown. What
is not announced, not shared or invented is named by nobody here, and stays an unknown name.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from catalogue.model import Resource, SharingClass
from catalogue.snapshot import Snapshot
from gateway import names

MOST_JOINING = 24
"""Resources beyond the contract that one document may name: as many as a call may read."""

_WORD = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_PREFIXES = ("verify", "list")
_SUFFIXES = ("Claims", "Connection", "Edge", "Where", "Order")


@lru_cache(maxsize=1_024)
def words(document: str) -> frozenset[str]:
    """Return the names of a document, and those that derived names are made of."""
    found = set(_WORD.findall(document))
    stems = {word.removeprefix(prefix) for word in found for prefix in _PREFIXES}
    stems |= {word.removesuffix(suffix) for word in found for suffix in _SUFFIXES}
    return frozenset(found | stems)


class Announced:
    """Announced, shareable resources by every name of theirs, of the newest snapshot that was asked about."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._by_name: dict[str, Resource] = {}

    def contract(self, snapshot: Snapshot, system: str, document: str) -> tuple[Resource, ...]:
        """Return the resources of a system's contract with those that the document names, by code."""
        own = snapshot.contract(system)
        if snapshot is not self._snapshot:
            self._by_name = dict(_named(snapshot))
            self._snapshot = snapshot
        known = {resource.code for resource in own}
        found = {
            self._by_name[word].code: self._by_name[word]
            for word in words(document) & self._by_name.keys()
            if self._by_name[word].code not in known
        }
        if not found or len(found) > MOST_JOINING:
            return own
        return tuple(sorted((*own, *found.values()), key=lambda resource: resource.code))


def _named(snapshot: Snapshot) -> Iterator[tuple[str, Resource]]:
    for resource in snapshot.resources.values():
        shared = resource.sharing_class is not SharingClass.NOT_SHARED
        if resource.state == "announced" and shared and resource.upstream is None:
            yield resource.type_name, resource
            yield names.record_field(resource), resource
