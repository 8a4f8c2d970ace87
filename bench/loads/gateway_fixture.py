"""The district in which the gateway's bench calls: firms, cases, grants, and three departments' tables.

*Local* means tables that the exchange itself keeps (published files): one entry a call. *Remote* means the
departments' own databases: an entry of intent before they are asked, and the call's own after.
"""

import csv
import hashlib
import io
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from bench.loads import gateway_rows, ungoverned
from bench.loads.gateway_rows import KEY, RESOURCES, field_of, graphql_name, items_of
from catalogue.cases import NamedParty
from catalogue.model import Actor, SubjectType
from catalogue.rows import MATTER, SYSTEM
from exchange.client.signing import SigningKey
from exchange.clock import now
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.district import Table
from exchange.demo.sources import write_table
from exchange.files.uploads import Uploads
from exchange.home import write_private
from exchange.identity.keys import private_pem
from exchange.node import create_home, open_node
from exchange.serving import Serving
from exchange.settings import Settings

SUBJECTS = gateway_rows.FIRMS
PARTIES = 5
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
    "bench/loads/gateway_rows.py",
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

    return build_with(home, lambda place: publish_services(place, urls))


def build(home: Path, *, local: bool) -> Fixture:
    return build_with(home, publish_files if local else publish_databases)


def build_with(home: Path, publish: Callable[[demo.District], None]) -> Fixture:
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
    serving = Serving(node)
    serving.start()
    try:
        demo.join_systems(place, base_url=settings.base_url, vkey=node.vkey, say=lambda _: None)
        publish(place)
        fixture = Fixture(home=home, key=place.systems[demo.SYSTEM])
        for source, table in gateway_rows.tables().items():
            ask(place, RESOURCES[source], items_of(table))
        register(place, fixture)
    finally:
        serving.stop()
    ungoverned.write_rows(home / ROWS, gateway_rows.tables().values())
    return fixture


def publish_databases(place: demo.District) -> None:
    """Each department keeps its own database."""
    folder = place.node.settings.home / "files" / "bench"
    folder.mkdir(parents=True)
    for name, table in gateway_rows.tables().items():
        write_table(folder / f"{name}.db", table)
        place.act(
            f"{demo.OWNERS[name].short}.head",
            "source.add",
            name=name,
            department=demo.OWNERS[name].code,
            kind="sql",
            address=f"sqlite:///{folder / name}.db",
        )
        announce(place, name, table)


def publish_files(place: demo.District) -> None:
    """The same resources from files that the departments have published."""
    for name, table in gateway_rows.tables().items():
        columns = [column for column, _kind, _title in table.columns]
        content = _csv([columns, *table.rows])
        operator = f"{demo.OWNERS[name].short}.operator"
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
        announce(place, name, table, held_as=kept["table"])


def publish_services(place: demo.District, urls: dict[str, str]) -> None:
    """The same resources from services of the departments, each described by its own SDL."""
    for name, table in gateway_rows.tables().items():
        field_name = field_of(table)
        items = " ".join(f"{item}: String" for item in items_of(table))
        type_name = field_name[0].upper() + field_name[1:]
        place.act(
            f"{demo.OWNERS[name].short}.head",
            "source.add",
            name=name,
            department=demo.OWNERS[name].code,
            kind="graphql",
            address=urls[field_name],
            description=f"type Query {{ {field_name}(uscc: ID!): {type_name} }}\n"
            f"type {type_name} {{ uscc: ID! {items} }}\n",
        )
        fields = {column: f"/{graphql_name(column)}" for column, _kind, _title in table.columns}
        announce(place, name, table, held_as=field_name, fields=fields)


def announce(
    place: demo.District,
    source: str,
    table: Table,
    *,
    held_as: str = "",
    fields: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Announce what a source holds under a table's names, as its department would.

    `held_as` is what the source itself calls the table, `fields` what it calls the columns.
    """
    entry = next(one for one in demo.PUBLISHED if one.code == RESOURCES[source])
    short = demo.OWNERS[source].short
    seen = place.act(
        f"{short}.operator",
        "resource.reflect",
        source=source,
        table=held_as or table.name,
        code=entry.code,
        key=fields.get(KEY, KEY),
        titles={fields.get(column, column): title for column, _kind, title in table.columns},
    )
    open_items = {"sharing_class": "unconditional", "level": 1, "mask": "none"}
    if entry.sharing_class == "unconditional":
        entry = replace(entry, items=dict.fromkeys(items_of(table), open_items))
    demo.announce(place, short, demo.finished(named(seen["resource"], table), entry))


def named(resource: dict[str, Any], table: Table) -> dict[str, Any]:
    """Give a kept table the GraphQL names that its database would have had."""
    field_name = field_of(table)
    return resource | {
        "type_name": field_name[0].upper() + field_name[1:],
        "field_name": field_name,
        "list_name": f"{field_name}s",
    }


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def ask(place: demo.District, resource: str, items: Sequence[str]) -> None:
    """As the demo asks, with a quota that no bench uses up."""
    begins = now()
    asked = place.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": resource,
            "systems": [demo.SYSTEM],
            # A list is in the order of its key, and who may see an order may see what orders.
            "items": [KEY, *items],
            "match": [KEY],
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


def register(place: demo.District, fixture: Fixture) -> None:
    """Open the cases in which the firms are parties, as the hall's system does."""
    node = place.node
    hall = Actor(system=node.held(SYSTEM)[demo.SYSTEM], auth="signature")
    assert node.held(MATTER)[district.MATTER].max_parties >= PARTIES
    firms = gateway_rows.firms()
    for number in range(len(firms) // PARTIES):
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
