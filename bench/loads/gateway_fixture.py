"""The district in which the gateway's bench calls: firms, cases, grants, and three departments' tables.

*Local* means tables that the exchange itself keeps (published files): one entry a call. *Remote* means the
departments' own databases: an entry of intent before they are asked, and the call's own after.
"""

import csv
import hashlib
import io
import secrets
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from bench.loads import ungoverned
from catalogue.cases import NamedParty
from catalogue.codes import complete_uscc
from catalogue.model import Actor, SubjectType
from catalogue.rows import MATTER, SYSTEM
from exchange.client.signing import SigningKey
from exchange.clock import now
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.sources import LabourService
from exchange.files.uploads import Uploads
from exchange.home import write_private
from exchange.identity.keys import private_pem
from exchange.node import create_home, open_node
from exchange.serving import Serving
from exchange.settings import Settings

SUBJECTS = 1_000
PARTIES = 5
RESOURCES = ("307/000001", "308/000001", "310/000001")
QUOTA = 100_000_000
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "bench"
ROWS = "rows.db"
"""The same rows in the home, for servers that govern nothing."""


@dataclass(slots=True)
class Fixture:
    """A home of the demo's district in which 1,000 firms are parties of 200 cases."""

    home: Path
    key: SigningKey
    subjects: list[tuple[str, str]] = field(default_factory=list)
    """(case number, uscc)."""


def kept_fixture(home: Path, *, local: bool) -> Fixture:
    """Return a fixture in `home`: copied from what this very code has built before, or built now."""
    kept = CACHE / f"gateway-{_digest_of_code()}-{'local' if local else 'remote'}"
    told = kept / "fixture.json"
    if not told.exists():
        shutil.rmtree(kept, ignore_errors=True)
        built = build(kept / "home", local=local)
        write_private(kept / "hall.pem", private_pem(built.key.private))
        told.write_bytes(msgspec.json.encode(built.subjects))
    shutil.copytree(kept / "home", home)
    subjects = msgspec.json.decode(told.read_bytes(), type=list[tuple[str, str]])
    return Fixture(home=home, key=SigningKey.read(kept / "hall.pem"), subjects=subjects)


SHAPING = (
    "bench/loads/gateway_fixture.py",
    "bench/loads/ungoverned.py",
    "catalogue",
    "exchange/acts",
    "exchange/demo",
    "exchange/files",
    "exchange/migrations",
)
"""What a home is shaped by; how it is read and added to afterwards may change."""


def _digest_of_code() -> str:
    """Name what was built by the code that shapes it."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for place in SHAPING:
        found = root / place
        for path in sorted(found.rglob("*.py")) if found.is_dir() else [found]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def services_fixture(home: Path, urls: dict[str, str]) -> Fixture:
    """Build a home whose three resources are read from GraphQL services, by field and address."""

    def publish(place: demo.District, _firms: Sequence[str]) -> None:
        publish_services(place, urls)

    return build_with(home, publish)


def build(home: Path, *, local: bool) -> Fixture:
    return build_with(home, publish_files if local else publish_databases)


def build_with(home: Path, publish: Callable[[demo.District, Sequence[str]], None]) -> Fixture:
    """Make a home with everything that the bench's calls need; nobody serves it on return."""
    settings = Settings(
        home=home,
        port=free_port(),
        origin="bench.example/log",
        demo=True,
        calls_per_officer=QUOTA,
        rows_per_officer=QUOTA,
        subjects_per_officer=QUOTA,
        subjects_per_case=QUOTA,
    )
    create_home(settings)
    node = open_node(settings)
    place = demo.found_district(node, say=lambda _: None)
    firms = [complete_uscc(f"91{district.REGION}MA8K{n:05d}") for n in range(SUBJECTS)]
    serving = Serving(node)
    serving.start()
    try:
        demo.join_systems(place, base_url=settings.base_url, vkey=node.vkey, say=lambda _: None)
        publish(place, firms)
        fixture = Fixture(home=home, key=place.systems[demo.SYSTEM])
        for resource in RESOURCES:
            ask(place, resource)
        register(place, fixture, firms)
    finally:
        serving.stop()
    write_plainly(home / ROWS, firms)
    return fixture


def publish_databases(place: demo.District, firms: Sequence[str]) -> None:
    """As in the demonstration: each department keeps its own database."""
    labour = LabourService(token=secrets.token_urlsafe(12))
    labour.start()
    url = f"http://127.0.0.1:{labour.port}"
    try:
        demo.publish(place, labour_url=url, token=labour.token, say=lambda _: None)
    finally:
        labour.stop()
    for name, records in rows_of(firms).items():
        table = district.tables()[name].name
        marks = ", ".join("?" for _ in records[0])
        path = place.node.settings.home / "files" / "demo" / f"{name}.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', records)


def publish_files(place: demo.District, firms: Sequence[str]) -> None:
    """The same resources from files that the departments have published."""
    entries = {entry.source: entry for entry in demo.PUBLISHED if entry.code in RESOURCES}
    for name, records in rows_of(firms).items():
        columns = district.tables()[name].columns
        content = _csv([[column for column, _kind, _title in columns], *records])
        short = demo.OWNERS[name].short
        operator = f"{short}.operator"
        upload = str(place.act(operator, "file.offer")["upload"])
        Uploads(place.node.files).write(upload, content)
        kept = place.act(
            operator,
            "file.register",
            upload=upload,
            content=hashlib.sha256(content).hexdigest(),
            name=name,
            as_of=now().astimezone(place.node.zone).date().isoformat(),
            choices={"key": ["uscc"], "text": ["uscc", "phone", "contact_phone"]},
        )
        seen = place.act(
            operator,
            "resource.reflect",
            source=name,
            table=kept["table"],
            code=entries[name].code,
            key="uscc",
            titles={column: title for column, _kind, title in columns},
        )
        demo.announce(place, short, demo.finished(named(seen["resource"], name), entries[name]))


def publish_services(place: demo.District, urls: dict[str, str]) -> None:
    """The same resources from services of the departments, each described by its own SDL."""
    entries = {entry.source: entry for entry in demo.PUBLISHED if entry.code in RESOURCES}
    for field_name, url in urls.items():
        source = next(
            name for name in entries if graphql_name(district.tables()[name].name) == field_name
        )
        columns = district.tables()[source].columns
        short = demo.OWNERS[source].short
        names = [graphql_name(column) for column, _kind, _title in columns]
        items = " ".join(f"{name}: String" for name in names if name != "uscc")
        type_name = field_name[0].upper() + field_name[1:]
        place.act(
            f"{short}.head",
            "source.add",
            name=source,
            department=demo.OWNERS[source].code,
            kind="graphql",
            address=url,
            description=f"type Query {{ {field_name}(uscc: ID!): {type_name} }}\n"
            f"type {type_name} {{ uscc: ID! {items} }}\n",
        )
        seen = place.act(
            f"{short}.operator",
            "resource.reflect",
            source=source,
            table=field_name,
            code=entries[source].code,
            key="/uscc",
            titles={f"/{graphql_name(column)}": title for column, _kind, title in columns},
        )
        demo.announce(place, short, demo.finished(named(seen["resource"], source), entries[source]))


def named(resource: dict[str, Any], source: str) -> dict[str, Any]:
    """Give a kept table the GraphQL names that its database would have had."""
    field_name = graphql_name(district.tables()[source].name)
    return resource | {
        "type_name": field_name[0].upper() + field_name[1:],
        "field_name": field_name,
        "list_name": f"{field_name}s",
    }


def rows_of(firms: Sequence[str]) -> dict[str, list[tuple[object, ...]]]:
    """Give every firm a record in each of the three departments' tables, in the order of their columns."""
    return {
        "market": [
            (u, f"企业{i}", "周砚", None, f"1990001{i:04d}", "100.00", "存续", "2046-05-20")
            for i, u in enumerate(firms)
        ],
        "planning": [
            (f"建字第{i:05d}号", u, f"综合楼{i}", "3000.50", "有效", "2028-06-30")
            for i, u in enumerate(firms)
        ],
        "housing": [
            (u, f"D8{i:05d}", "一级", f"1990002{i:04d}", "有效", "2029-12-31")
            for i, u in enumerate(firms)
        ],
    }


def records_of(table: str) -> list[dict[str, Any]]:
    """Return every firm's record of a table, by GraphQL name."""
    firms = [complete_uscc(f"91{district.REGION}MA8K{n:05d}") for n in range(SUBJECTS)]
    source = next(name for name, held in district.tables().items() if held.name == table)
    names = [graphql_name(column) for column, _kind, _title in district.tables()[source].columns]
    return [dict(zip(names, values, strict=True)) for values in rows_of(firms)[source]]


def write_plainly(path: Path, firms: Sequence[str]) -> None:
    """Write the same rows for those who govern nothing, under the names that the query asks for."""
    tables = district.tables()
    columns = {
        tables[name].name: [graphql_name(column) for column, _kind, _title in tables[name].columns]
        for name in rows_of(firms)
    }
    ungoverned.write_rows(
        path, columns, {tables[name].name: rows for name, rows in rows_of(firms).items()}
    )


def graphql_name(column: str) -> str:
    head, *rest = column.split("_")
    return head + "".join(part.title() for part in rest)


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def ask(place: demo.District, resource: str) -> None:
    """As the demo asks, with a quota that no bench uses up."""
    begins = now()
    asked = place.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": resource,
            "systems": [demo.SYSTEM],
            # A list is in the order of its key, and who may see an order may see what orders.
            "items": ["uscc", *demo.ASKED[resource]],
            "match": list(demo.MATCHED.get(resource, ("uscc",))),
            "matters": [district.MATTER],
            "purposes": ["administrative-basis"],
            "channels": ["query"],
            "legal_basis": "《建筑法》第八条",
            "scenario": "bench",
            "not_before": (begins - timedelta(minutes=1)).isoformat(),
            "not_after": (begins + timedelta(days=365)).isoformat(),
            "daily_quota": QUOTA,
        },
    )
    signed = place.act("hall.head", "request.sign", request=asked["id"])
    if signed["grant"] is None:
        demo.agree(place, asked["id"], resource)


def register(place: demo.District, fixture: Fixture, firms: Sequence[str]) -> None:
    """Open the cases in which the firms are parties, as the hall's system does."""
    node = place.node
    hall = Actor(system=node.held(SYSTEM)[demo.SYSTEM], auth="signature")
    assert node.held(MATTER)[district.MATTER].max_parties >= PARTIES
    for number in range(SUBJECTS // PARTIES):
        case = f"SG-2027-{number:04d}"
        named = firms[number * PARTIES : (number + 1) * PARTIES]
        node.registry.open_case(
            case,
            by=hall,
            matter=district.MATTER,
            parties=[
                NamedParty(type=SubjectType.ENTERPRISE, identifier=uscc, role="applicant")
                for uscc in named
            ],
            accepted_at=now() - timedelta(minutes=5),
        )
        fixture.subjects += [(case, uscc) for uscc in named]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
