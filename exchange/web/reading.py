"""What a request to `/graphql` says over HTTP: method, media types, where it comes from, its members.

GraphQL over HTTP, with two things that it leaves open: GET is for documents that the exchange knows already
(the profile *development* takes any), and a browser that asks on another site's behalf is refused.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gateway.errors import RefusedRequestError
from gateway.parse import read_json

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
_TAKEN = (GRAPHQL, JSON)
_PARAMETERS = frozenset({"query", "operationName", "variables", "extensions", "documentId"})
_MOST_PARAMETERS = 8
_OWN_SITES = frozenset({"same-origin", "none"})

_LOOKED_AT = {
    name.encode("ascii"): name
    for name in (
        "accept",
        "accept-language",
        "content-type",
        "exchange-partial",
        "exchange-usage",
        "prefer",
        "sec-fetch-site",
    )
}

RawHeaders = list[tuple[bytes, bytes]]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a request: its method, query string and the header fields that are looked at here."""

    method: str
    query_string: bytes
    fields: Mapping[str, str]
    """Those that are looked at, by name in lower case; of one sent twice the values joined by commas."""

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Head":
        fields: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name = _LOOKED_AT.get(raw_name.lower())
            if name is not None:
                value = raw_value.decode("latin-1")
                fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return cls(method=scope["method"], query_string=scope["query_string"], fields=fields)

    def __repr__(self) -> str:
        return f"Head({self.method})"

    def get(self, name: str) -> str:
        """Return a field's value, empty where it was not sent."""
        return self.fields.get(name, "")


def check_method(head: Head, *, any_by_get: bool) -> None:
    """Refuse methods but POST, and GET for anything but a known document unless `any_by_get`.

    Raises RefusedRequestError METHOD_NOT_ALLOWED.
    """
    if head.method == "POST":
        return
    if head.method != "GET" or not (any_by_get or _names_document(head.query_string)):
        raise RefusedRequestError("METHOD_NOT_ALLOWED")


def check_site(head: Head) -> None:
    """Refuse what a browser sends on behalf of another site (Fetch Metadata). Raises RefusedRequestError."""
    site = head.get("sec-fetch-site").strip().lower()
    if site and site not in _OWN_SITES:
        raise RefusedRequestError("CROSS_SITE")


def choose_media(accept: str | None) -> str:
    """Choose the media type of the answer (GraphQL over HTTP, 4.1 and 6).

    Plain JSON where the client says nothing or takes anything; `None` means that nothing was sent.
    Raises RefusedRequestError NOT_ACCEPTABLE.
    """
    if accept is None or not accept.strip():
        return JSON
    weights = dict.fromkeys(_TAKEN, 0.0)
    wildcard = 0.0
    for part in accept.lower().split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        weight = _weight(parameters)
        if name in weights and _says_utf_8(parameters):
            weights[name] = max(weights[name], weight)
        elif name in {"*/*", "application/*"}:
            wildcard = max(wildcard, weight)
    if not any(weights.values()) and wildcard:
        return JSON
    best = max(_TAKEN, key=lambda media: weights[media])
    if not weights[best]:
        raise RefusedRequestError("NOT_ACCEPTABLE", offered=list(_TAKEN))
    return best


def check_content_type(head: Head) -> None:
    """Take bodies of JSON in UTF-8 only: no form of a page can send one. Raises RefusedRequestError."""
    name, *parameters = [piece.strip().lower() for piece in head.get("content-type").split(";")]
    if name != JSON or not _says_utf_8(parameters):
        raise RefusedRequestError("MEDIA_TYPE_UNSUPPORTED")


def read_parameters(query_string: bytes) -> dict[str, Any]:
    """Read the members of a request out of the query of a GET. Raises RefusedRequestError BODY_INVALID."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise RefusedRequestError("BODY_INVALID", needed="a query of a GraphQL request") from None
    members: dict[str, Any] = dict(pairs)
    if len(members) != len(pairs):
        raise RefusedRequestError("BODY_INVALID", needed="each parameter once")
    for name in ("variables", "extensions"):
        if name in members:
            members[name] = _object(name, members[name])
    return {name: members[name] for name in members if name in _PARAMETERS}


def _object(name: str, text: str) -> Any:
    try:
        return read_json(text.encode()) if text else None
    except RefusedRequestError:
        raise RefusedRequestError("BODY_INVALID", member=name, needed="an object") from None


def _names_document(query_string: bytes) -> bool:
    try:
        members = read_parameters(query_string)
    except RefusedRequestError:
        return False
    extensions = members.get("extensions")
    known = isinstance(extensions, dict) and "persistedQuery" in extensions
    return "query" not in members and (known or "documentId" in members)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def _says_utf_8(parameters: list[str]) -> bool:
    """Say whether no other character set is named."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8"}:
            return False
    return True
