"""The reading half of CKAN's action API (version 3), so that its clients find what is announced here."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from catalogue.finding import Narrowed
from catalogue.interchange.dcat import Publisher
from catalogue.interchange.documents import organization, package
from catalogue.interchange.entries import told_of
from catalogue.model import Resource, SharingClass
from catalogue.snapshot import Snapshot
from exchange.acts.finding import DEEPEST
from exchange.node import Node

ROWS = 10
MOST_ROWS = 1_000
_FILTER = re.compile(r"\+?(?P<name>[a-z_]+):(?P<quote>\"?)(?P<value>[^\"\s]+)(?P=quote)")
_FILTERS = ("organization", "owner_org", "sharing_class")


class ActionError(Exception):
    """An action cannot be carried out as asked; told as CKAN tells it."""

    def __init__(self, kind: str, message: str, *, status: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status

    def told(self) -> dict[str, str]:
        return {"__type": self.kind, "message": str(self)}


def answer(node: Node, snapshot: Snapshot, name: str, asked: Mapping[str, Any]) -> Any:
    """Carry out an action over announced entries. Raises ActionError. Blocks."""
    found = ACTIONS.get(name)
    if found is None:
        known = ", ".join(sorted(ACTIONS))
        raise ActionError("Not Found Error", f"no action {name[:40]!r}; known: {known}", status=404)
    return found(node, snapshot, asked)


def _package_search(node: Node, snapshot: Snapshot, asked: Mapping[str, Any]) -> Any:
    rows = _number(asked, "rows", ROWS, most=MOST_ROWS)
    start = _number(asked, "start", 0, most=10**6)
    words = _text(asked, "q").strip()
    filters = _filters(_text(asked, "fq"))
    department = filters.get("organization") or filters.get("owner_org") or ""
    sharing = filters.get("sharing_class", "")
    held = {
        code: one
        for code, one in _announced(snapshot).items()
        if department in {"", one.department} and sharing in {"", one.sharing_class.value}
    }
    if words in {"", "*", "*:*"}:
        codes, total = sorted(held), len(held)
        shown = codes[start : start + rows]
    else:
        if start + rows > DEEPEST:
            raise _invalid("start", f"at most {DEEPEST} found entries are paged through")
        found = node.registry.find_resources(
            words,
            Narrowed(
                own="",
                department=department,
                sharing_class=sharing,
                hidden=tuple(row.key for row in snapshot.absent if row.table == "resource"),
            ),
            first=max(rows, 1),
            offset=start,
        )
        shown, total = [code for code in found.codes[:rows] if code in held], found.total
    publisher = _publisher(node, snapshot)
    return {
        "count": total,
        "sort": "name asc" if words in {"", "*", "*:*"} else "score desc",
        "facets": {},
        "search_facets": {},
        "results": [package(told_of(held[code]), publisher) for code in shown],
    }


def _package_show(node: Node, snapshot: Snapshot, asked: Mapping[str, Any]) -> Any:
    code = _text(asked, "id") or _text(asked, "name_or_id")
    if not code:
        raise _invalid("id", "Missing value")
    held = _announced(snapshot).get(code)
    if held is None:
        raise ActionError("Not Found Error", "Not found", status=404)
    return package(told_of(held), _publisher(node, snapshot))


def _package_list(_node: Node, snapshot: Snapshot, asked: Mapping[str, Any]) -> Any:
    start = _number(asked, "offset", 0, most=10**6)
    codes = sorted(_announced(snapshot))
    limit = _number(asked, "limit", len(codes), most=10**6)
    return codes[start : start + limit]


def _organization_list(node: Node, snapshot: Snapshot, asked: Mapping[str, Any]) -> Any:
    counts = Counter(one.department for one in _announced(snapshot).values())
    if str(asked.get("all_fields", "")).lower() not in {"true", "1"}:
        return sorted(counts)
    publisher = _publisher(node, snapshot)
    return [
        organization(code, publisher) | {"package_count": counts[code]} for code in sorted(counts)
    ]


def _organization_show(node: Node, snapshot: Snapshot, asked: Mapping[str, Any]) -> Any:
    code = _text(asked, "id")
    count = sum(one.department == code for one in _announced(snapshot).values())
    if not count:
        raise ActionError("Not Found Error", "Not found", status=404)
    return organization(code, _publisher(node, snapshot)) | {"package_count": count}


def _tag_list(_node: Node, snapshot: Snapshot, _asked: Mapping[str, Any]) -> Any:
    return sorted({word for one in _announced(snapshot).values() for word in one.keywords})


def _status_show(node: Node, _snapshot: Snapshot, _asked: Mapping[str, Any]) -> Any:
    return {"site_url": node.settings.base_url, "ckan_version": "2.10", "extensions": []}


Action = Callable[[Node, Snapshot, Mapping[str, Any]], Any]
ACTIONS: Mapping[str, Action] = {
    "package_search": _package_search,
    "package_show": _package_show,
    "package_list": _package_list,
    "organization_list": _organization_list,
    "organization_show": _organization_show,
    "tag_list": _tag_list,
    "status_show": _status_show,
}


def _announced(snapshot: Snapshot) -> dict[str, Resource]:
    return {code: one for code, one in snapshot.resources.items() if one.state == "announced"}


def _publisher(node: Node, snapshot: Snapshot) -> Publisher:
    return Publisher(base=node.settings.base_url, departments=snapshot.departments)


def _filters(text: str) -> dict[str, str]:
    """Read `fq`: terms of the filters that are known. Raises ActionError for anything else."""
    found = {}
    for term in text.split():
        match = _FILTER.fullmatch(term)
        if match is None or match["name"] not in _FILTERS:
            raise _invalid("fq", f"terms of {', '.join(_FILTERS)} needed, as organization:CODE")
        found[match["name"]] = match["value"]
    if found.get("sharing_class", "conditional") not in set(SharingClass):
        raise _invalid("fq", f"sharing_class: one of {', '.join(SharingClass)}")
    return found


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 500:
        raise _invalid(name, "a text of at most 500 characters needed")
    return value


def _number(asked: Mapping[str, Any], name: str, otherwise: int, *, most: int) -> int:
    value = asked.get(name, otherwise)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    if type(value) is not int or value < 0:
        raise _invalid(name, "a whole number needed")
    return min(value, most)


def _invalid(name: str, message: str) -> ActionError:
    return ActionError("Validation Error", f"{name}: {message}", status=409)
