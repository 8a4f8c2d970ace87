"""A department's open register, its database, and an exchange in which a system lists it."""

import functools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from catalogue.granted import Grant
from catalogue.model import ItemType, Listing, Resource, SharingClass, SubjectType
from exchange.cursoring import SealedCursors
from gateway.pipeline import Answered, Contracts, Terms, answer
from gateway.ports import Lister, Ports, Source
from gateway.sources.sql import SqlSource, open_engine
from policies.bundle import compose, default_bundle
from policies.embedded import Embedded
from policies.language import Budget, compile_modules
from tests.fakes.calls import (
    CASE,
    NOW,
    a_call,
    a_caller,
    a_case,
    a_grant,
    a_resource,
    a_snapshot,
    an_item,
)
from tests.fakes.questions import EXPIRES
from tests.fakes.recorder import ListRecorder
from tests.fakes.registry import FixedQuotas, FixedRegistry

OPEN = SharingClass.UNCONDITIONAL
Parcel = tuple[str, str | None, int | None, str | None, str]
"""Number, name, area, since, owner's telephone."""


def a_register(**changes: Any) -> Resource:
    """Parcels: open, each under a number of its own; the owner's telephone is masked."""
    members: dict[str, Any] = {
        "code": "205003/parcel",
        "department": "land",
        "name": "宗地",
        "name_en": "Parcel",
        "type_name": "LandParcel",
        "field_name": "landParcel",
        "list_name": "landParcels",
        "source": "land-db",
        "table": "parcel",
        "sharing_class": OPEN,
        "level": 1,
        "items": (
            an_item(
                "no",
                0,
                key=True,
                match=True,
                subject=SubjectType.PARCEL,
                sharing_class=OPEN,
                level=1,
            ),
            an_item("name", 1, match=True, sharing_class=OPEN, level=1),
            an_item(
                "area", 2, match=True, sharing_class=OPEN, level=1, type=ItemType.INTEGER, unit="㎡"
            ),
            an_item("since", 3, match=True, sharing_class=OPEN, level=1, type=ItemType.DATE),
            an_item("phone", 4, match=True, mask="phone", sharing_class=OPEN, level=3),
        ),
        "listing": Listing(items=("name", "area", "since")),
    }
    return a_resource(**members | changes)


@contextmanager
def a_land_office(folder: Path, parcels: Sequence[Parcel]) -> Iterator[SqlSource]:
    path = folder / "land.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE parcel (no TEXT, name TEXT, area INTEGER, since TEXT, phone TEXT)"
    )
    connection.executemany("INSERT INTO parcel VALUES (?, ?, ?, ?, ?)", parcels)
    connection.commit()
    connection.close()
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=5.0), zone=UTC)
    try:
        yield source
    finally:
        source._threads.shutdown(wait=True)
        source._engine.dispose()


class Lists:
    """An exchange under the policy that is shipped; what it reads is counted."""

    def __init__(
        self, source: Source, resource: Resource | None = None, *others: Resource, **grant: Any
    ) -> None:
        self.resource = resource or a_register()
        granted: Grant = a_grant(self.resource, **{"max_rows": 1_000, **grant})
        self.recorder = ListRecorder()
        self.contracts = Contracts()
        self.source: Any = _Counting(source) if isinstance(source, Lister) else source
        grants = (granted, *(a_grant(one, id=f"grt_{one.type_name}") for one in others))
        snapshot = a_snapshot((self.resource, *others), grants)
        numbers = count()
        self.ports = Ports(
            decisions=_policy(),
            sources={self.resource.source: self.source},
            recorder=self.recorder,
            registry=FixedRegistry(snapshot, cases={("sys_permit", CASE): a_case()}),
            quotas=FixedQuotas(),
            now=lambda: NOW,
            monotonic=lambda: 0.0,
            fresh_id=lambda prefix: f"{prefix}{next(numbers)}",
            gateway="gw",
            cursors=SealedCursors(b"k" * 32),
        )

    async def answer(self, query: str, **variables: Any) -> Answered:
        call = a_call(query, case=None, caller=a_caller(), variables=variables)
        terms = Terms(zone=ZoneInfo("Asia/Shanghai"))
        return await answer(call, self.ports, terms=terms, contracts=self.contracts)

    async def data(self, query: str, **variables: Any) -> Any:
        return json.loads((await self.answer(query, **variables)).recorded.data)

    async def codes(self, query: str, **variables: Any) -> list[str]:
        recorded = (await self.answer(query, **variables)).recorded
        return [error["extensions"]["code"] for error in recorded.errors]


class _Counting:
    """A source that says how often it was asked."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.asked = 0

    async def read(self, *args: Any, **named: Any) -> Any:
        self.asked += 1
        return await self._source.read(*args, **named)

    async def read_list(self, *args: Any, **named: Any) -> Any:
        self.asked += 1
        return await self._source.read_list(*args, **named)

    async def close(self) -> None:
        await self._source.close()


@functools.cache
def _policy() -> Embedded:
    shipped = default_bundle(expires=EXPIRES)
    bundle = compose(shipped.modules, shipped.data, revision="lists", expires=EXPIRES)
    return Embedded(
        compile_modules(bundle.modules, bundle.data),
        revision=bundle.revision,
        expires=bundle.expires,
        budget=Budget(),
    )
