"""A district whose hall may read business licences in bulk, and every way in which it can ask for them."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
from msgspec import structs

from catalogue.documents import digest_of
from exchange.client.signing import encode_usage
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from gateway.model import Usage
from tests.fakes.node import USAGE, Standing

LICENCES = "307/000001"
ITEMS = ("uscc", "entName", "legalRep", "phone", "status", "validUntil")
WAIT_S = 30.0


def grant_bulk(
    here: Standing,
    resource: str = LICENCES,
    *,
    items: Sequence[str] = ITEMS,
    owner: str = "market",
    channels: Sequence[str] = ("query", "bulk"),
    system: str = SYSTEM,
    **terms: Any,
) -> str:
    """The hall asks for a resource in bulk and its provider agrees; returns the grant."""
    begins = now()
    asked = here.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": resource,
            "systems": [system],
            "items": list(items),
            "match": ["uscc"],
            "matters": [district.MATTER],
            "purposes": ["administrative-basis"],
            "channels": list(channels),
            "legal_basis": "《建筑法》第八条",
            "scenario": "施工许可核发前成批核对企业登记状态",
            "not_before": (begins - timedelta(minutes=1)).isoformat(),
            "not_after": (begins + timedelta(days=30)).isoformat(),
            "daily_quota": 500,
        },
    )
    here.act("hall.head", "request.sign", request=asked["id"])
    given = here.act(f"{owner}.head", "grant.give", request=asked["id"], terms=terms)
    return str(given["id"])


def bulk_body(
    resource: str = LICENCES,
    *,
    items: Sequence[str] = ITEMS,
    usage: Usage | None = USAGE,
    **members: Any,
) -> dict[str, Any]:
    """What is asked in bulk, as it goes over the wire; `usage` None leaves it out."""
    body: dict[str, Any] = {"resource": resource, "items": list(items), **members}
    if usage is not None:
        body["extensions"] = {"usage": encode_usage(usage)}
    return body


def post(
    here: Standing, path: str, body: Mapping[str, Any], *, system: str = SYSTEM
) -> httpx.Response:
    request = httpx.Request("POST", f"{here.url}{path}", json=dict(body))
    return here.send(here.signed(request, system=system))


def get(here: Standing, path: str, *, system: str = SYSTEM) -> httpx.Response:
    return here.send(here.signed(httpx.Request("GET", f"{here.url}{path}"), system=system))


def registered(here: Standing, text: str, name: str) -> str:
    """Register a document of the hall, once; returns its name."""
    digest = digest_of(text)
    standing = here.act("hall.operator", "document.list")["rows"]
    if digest not in {one["digest"] for one in standing if one["state"] == "active"}:
        here.act("hall.operator", "document.register", text=text, name=name)
    return name


def begin(here: Standing, **members: Any) -> dict[str, Any]:
    """Begin an export; returns what is told of it."""
    response = post(here, "/exports", bulk_body(**members))
    if response.status_code != 202:
        raise AssertionError(f"{response.status_code}: {response.text}")
    return dict(response.json())


def finished(here: Standing, export_id: str) -> dict[str, Any]:
    """Wait until an export is over, one way or the other; returns what is told of it."""
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        told = get(here, f"/exports/{export_id}").json()
        if told["state"] not in {"reading", "writing"}:
            return dict(told)
        time.sleep(0.05)
    raise AssertionError(f"the export did not end in {WAIT_S} s")


def job(**changes: Any) -> Usage:
    return structs.replace(USAGE, **changes)
