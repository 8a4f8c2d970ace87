"""A real catalogue of 33 portals: taken over by the authority, opened by a publisher, asked under a grant."""

import gzip
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from catalogue.errors import DuplicateError, InvalidError, NotAllowedError, StateError
from catalogue.examination import CheckKind, Conclusion
from catalogue.harvest import Harvest, read_harvest
from catalogue.model import Actor, ItemType, Resource, Role, SharingClass
from catalogue.rows import OFFICER, RESOURCE
from catalogue.service import NewOfficer
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import SYSTEM, found_district
from exchange.node import create_home, open_node
from exchange.settings import Settings
from tests.fakes.node import Standing, lines, say_nothing

FILE = Path(__file__).parents[3] / "shared/data/d06-us-open-data-catalogue/catalogue.jsonl.gz"
HOSPITALS = "data.cityofnewyork.us/22b5-sytd"
WIDEST = 426
VALUES = {ItemType.DECIMAL: "12.50", ItemType.DATETIME: "2026-01-05 08:00:00", ItemType.BOOLEAN: 1}


@pytest.fixture(scope="module")
def published() -> list[bytes]:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    return gzip.decompress(FILE.read_bytes()).splitlines()


@pytest.fixture(scope="module")
def sample(published: list[bytes]) -> Harvest:
    """Every 180th data set, the widest table, and the one that the story asks for."""
    wide = max(published, key=lambda line: len(json.loads(line)["columns"]))
    hospitals = next(line for line in published if b'"22b5-sytd"' in line)
    return read_harvest(dict.fromkeys([hospitals, wide, *published[::180]]))


def take_over(here: Standing, sample: Harvest) -> None:
    here.act("administrator", "department.import", rows=sample.departments)
    here.act("authority", "source.import", rows=sample.sources)
    said = here.act("authority", "resource.import", rows=sample.resources)
    assert len(said["added"]) == len(sample.resources)


def officer(here: Standing, handle: str) -> Actor:
    return Actor(officer=here.node.held(OFFICER)[here.place.ids[handle]], auth="key")


def open_source(here: Standing, resource: Resource, path: Path) -> None:
    """The publisher makes a table of made-up rows, and the authority opens the waiting source on it."""
    rows = [
        [
            f"row {number}" if item.key else VALUES.get(item.type, f"made up {number}")
            for item in resource.items
        ]
        for number in range(3)
    ]
    columns = [item.column for item in resource.items]
    connection = sqlite3.connect(path)
    with connection:
        names = ", ".join(f'"{name}"' for name in columns)
        connection.execute(f'CREATE TABLE "{resource.table}" ({names})')
        marks = ", ".join("?" * len(columns))
        connection.executemany(f'INSERT INTO "{resource.table}" VALUES ({marks})', rows)
    connection.close()
    waits = here.act("authority", "source.list", state="waiting", first=1_000)["rows"]
    assert resource.source in {one["name"] for one in waits}
    opened = here.act(
        "authority",
        "source.open",
        name=resource.source,
        kind="sql",
        address=f"sqlite:///{path}",
        reason="其信息中心来函告知",
    )
    assert (opened["state"], opened["can_write"]) == ("active", [])


def announce_as_open(here: Standing, resource: Resource) -> None:
    """The publisher's own chain, three people: what the authority only listed becomes open data."""
    here.act(
        "administrator",
        "officer.import",
        rows=[
            NewOfficer(
                department=resource.department,
                staff_number=f"PUB-{role}",
                name=f"A. {role}",
                roles=frozenset({role}),
            )
            for role in (Role.OPERATOR, Role.HEAD)
        ],
    )
    own = {
        next(iter(held.roles)): Actor(officer=held, auth="key")
        for held in here.node.held(OFFICER).values()
        if held.department == resource.department
    }
    opened = replace(
        resource,
        sharing_class=SharingClass.UNCONDITIONAL,
        level=1,
        items=tuple(
            replace(item, sharing_class=SharingClass.UNCONDITIONAL, level=1, mask="none")
            for item in resource.items
        ),
    )
    here.act("authority", "resource.withdraw", code=resource.code, reason="to be opened")
    here.node.registry.draft_resource(opened, by=own[Role.OPERATOR])
    for kind in CheckKind:
        here.node.registry.examine_resource(
            resource.code,
            kind,
            Conclusion.CLEAR,
            words="",
            file=f"{kind}.pdf",
            digest="0f" * 32,
            by=own[Role.OPERATOR],
        )
    here.node.registry.submit_resource(resource.code, by=own[Role.HEAD])
    here.act("authority", "resource.announce", code=resource.code)


def ask_for(here: Standing, resource: Resource, items: Sequence[str]) -> str | None:
    """The hall asks and its head signs; returns the grant that the law gives, None where it gives none."""
    begins = now()
    wanted = {
        "resource": resource.code,
        "systems": [SYSTEM],
        "items": list(items),
        "match": [resource.key.name],
        "matters": [district.MATTER],
        "purposes": ["administrative-basis"],
        "channels": ["query"],
        "legal_basis": "《建筑法》第八条",
        "scenario": "核验",
        "not_before": (begins - timedelta(minutes=1)).isoformat(),
        "not_after": (begins + timedelta(days=30)).isoformat(),
        "daily_quota": 100,
    }
    asked = here.act("hall.operator", "request.create", wanted=wanted)
    signed = here.act("hall.head", "request.sign", request=asked["id"])
    return None if signed["grant"] is None else str(signed["grant"])


def test_a_listed_data_set_gives_nothing_until_its_publisher_announces_and_opens_it(
    here: Standing, sample: Harvest, tmp_path: Path
) -> None:
    take_over(here, sample)
    assert here.node.live.load().absent == ()
    resource = next(r for r in sample.resources if r.code == HOSPITALS)
    field = resource.field_name
    items = [item for item in resource.items if not item.key][:3]
    question = (
        f"query Hospital($k: ID!) {{ {field}({resource.key.graphql_name}: $k) "
        f"{{ {' '.join(item.graphql_name for item in items)} }} }}"
    )
    assert ask_for(here, resource, [item.name for item in items]) is None
    listed = here.ask(question, variables={"k": "row 1"})
    assert lines(listed)[field]["outcome"] == "refused"
    announce_as_open(here, resource)
    assert ask_for(here, resource, [item.name for item in items]) is not None
    waiting = here.ask(question, variables={"k": "row 1"})
    assert lines(waiting)[field]["outcome"] == "unavailable"
    open_source(here, resource, tmp_path / "publisher.db")
    given = here.ask(question, variables={"k": "row 1"})
    assert lines(given)[field]["outcome"] == "given"
    assert given.data is not None
    assert given.data[field] == {item.graphql_name: "made up 1" for item in items}
    assert given.state == "signed"
    nobody = here.ask(question, variables={"k": "row 9"})
    assert lines(nobody)[field]["outcome"] == "not-found"


def test_every_row_of_the_catalogue_is_vouched_for_and_one_edited_is_left_out(
    here: Standing, sample: Harvest
) -> None:
    take_over(here, sample)
    said = here.act("auditor", "audit.fsck-registry")
    assert said["holds"], said["findings"][:3]
    touched = here.raw_sql("UPDATE resource_item SET mask = 'x' WHERE resource = ?", HOSPITALS)
    assert touched > 0
    loaded = here.node.live.load()
    assert HOSPITALS not in loaded.resources
    assert [(row.table, row.key) for row in loaded.absent] == [("resource", HOSPITALS)]
    assert len(loaded.resources) >= len(sample.resources) - 1


def test_the_widest_table_has_its_426_items_with_their_names(sample: Harvest) -> None:
    widest = max(sample.resources, key=lambda resource: len(resource.items))
    assert len(widest.items) in {WIDEST, WIDEST + 1}
    assert len({item.graphql_name for item in widest.items}) == len(widest.items)


def test_taken_over_again_nothing_changes_and_what_differs_is_refused(
    here: Standing, sample: Harvest
) -> None:
    take_over(here, sample)
    again = here.act("authority", "resource.import", rows=sample.resources)
    assert (len(again["added"]), len(again["unchanged"])) == (0, len(sample.resources))
    before = here.node.log.size
    renamed = replace(sample.resources[0], name="something else")
    with pytest.raises(StateError):
        here.act("authority", "resource.import", rows=[renamed])
    assert "resource.listed" not in here.kinds(since=before)


def test_only_the_authority_takes_a_catalogue_over_and_only_what_waits(
    here: Standing, sample: Harvest
) -> None:
    here.act("administrator", "department.import", rows=sample.departments)
    for handle in ("administrator", "market.head", "auditor"):
        with pytest.raises(NotAllowedError):
            here.act(handle, "source.import", rows=sample.sources[:1])
        with pytest.raises(NotAllowedError):
            here.act(handle, "resource.import", rows=sample.resources[:1])
    with pytest.raises(InvalidError):
        here.act("authority", "resource.import", rows=sample.resources[:1])
    open_ = replace(sample.sources[0], state="active")
    with pytest.raises(InvalidError):
        here.act("authority", "source.import", rows=[open_])
    foreign = replace(sample.sources[0], name="market")
    with pytest.raises(DuplicateError):
        here.act("authority", "source.import", rows=[foreign])


def test_a_name_that_another_resource_holds_is_refused(here: Standing, sample: Harvest) -> None:
    here.act("administrator", "department.import", rows=sample.departments)
    here.act("authority", "source.import", rows=sample.sources)
    held = next(iter(here.node.held(RESOURCE).values())).resource
    taken = replace(sample.resources[0], type_name=held.type_name)
    with pytest.raises(DuplicateError):
        here.act("authority", "resource.import", rows=[taken])


@pytest.mark.slow
def test_the_whole_catalogue_is_registered_and_every_row_is_recorded(
    published: list[bytes], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    settings = Settings(home=home, origin="catalogue.example/log", demo=True)
    create_home(settings)
    node = open_node(settings)
    place = found_district(node, say=say_nothing)
    whole = read_harvest(published)
    place.act("administrator", "department.import", rows=whole.departments)
    place.act("authority", "source.import", rows=whole.sources)
    for first in range(0, len(whole.resources), 1_000):
        place.act("authority", "resource.import", rows=whole.resources[first : first + 1_000])
    try:
        loaded = node.live.load()
        assert loaded.absent == ()
        assert len(loaded.resources) == len(published) == 7_187
        assert {r.code: r.items for r in whole.resources} == {
            code: r.items for code, r in loaded.resources.items()
        }
    finally:
        node.live.close()
        node.log.close()
        node.databases.close()
