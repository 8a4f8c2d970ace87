"""The registry's owner as attacker: whatever is done to it by raw SQL is named and counts for nothing."""

import base64
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue import store
from catalogue.cases import NamedParty
from catalogue.errors import UnrecordedRowError
from catalogue.lifecycle import NewOfficer
from catalogue.model import Actor, Officer, SubjectType
from catalogue.rows import OFFICER
from catalogue.tables import metadata
from exchange.storage import sqlite_engine
from tests.fakes.catalogue import FIRM, LICENCE, PERSON
from tests.fakes.district import APPLICANT, NUMBER, District, a_registry_database
from tests.fakes.ledger import FakeLedger

# One row of each protected table that widens a decision or authenticates, as the district holds it.
IN_SNAPSHOT = (
    "department",
    "system",
    "system_key",
    "officer",
    "source",
    "resource",
    "matter",
    "sharing_request",
    "sharing_grant",
)
EDITS = (
    ("department", "region", "000000"),
    ("system", "zone", "internet"),
    ("system", "intake", 1),
    ("system_key", "public", "AAAA"),
    ("system_key", "not_after", 99),
    ("system_key", "system", "sys_other"),
    ("officer", "roles", '["administrator"]'),
    ("officer", "clearance", 4),
    ("officer", "staff_token", "00"),
    ("source", "address", "sqlite:///elsewhere.db"),
    ("source", "secret", "AAAA"),
    ("resource", "sharing_class", "unconditional"),
    ("resource", "personal", 1),
    ("resource", "announced_by", "off_9"),
    ("resource", "validity", None),
    ("matter", "relations", '["x.y"]'),
    ("matter", "case_pattern", "("),
    ("sharing_request", "systems", '["sys_other"]'),
    ("sharing_request", "signed_by", "off_9"),
    ("sharing_grant", "items", '["uscc","legalRepId"]'),
    ("sharing_grant", "masks", "not JSON"),
    ("sharing_grant", "not_after", 4102444800000),
    ("sharing_grant", "not_after", "soon"),
    ("sharing_grant", "max_rows", 1.5),
    ("sharing_grant", "items", b"\x00\xff"),
    ("sharing_grant", "salt", "AAAA"),
    ("sharing_grant", "salt", b"\xff"),
    ("sharing_grant", "entry", 0),
    ("sharing_grant", "entry", "x"),
)


class Hand:
    """Raw SQL on the registry's file, past the program."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self._path)
        try:
            rows = connection.execute(sql, values).fetchall()
            connection.commit()
        finally:
            connection.close()
        return rows

    def key(self, table: str) -> tuple[str, str]:
        """Return the key column and the newest key of a table."""
        column = next(iter(metadata.tables[table].primary_key.columns)).name
        return column, str(self(f"SELECT max({column}) FROM {table}")[0][0])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FakeLedger]:
    folder = tmp_path_factory.mktemp("vouched")
    district = District(a_registry_database(folder))
    district.found()
    district.announce()
    district.grant()
    district.open_case()
    district.engine.dispose()
    return folder / "registry.db", district.ledger


@pytest.fixture
def district(template: tuple[Path, FakeLedger], tmp_path: Path) -> Iterator[District]:
    shutil.copy(template[0], tmp_path / "registry.db")
    engine = sqlite_engine(tmp_path / "registry.db")
    ledger = FakeLedger()
    ledger.entries |= template[1].entries
    for _ in template[1].entries:
        ledger.skip()
    yield District(engine, ledger=ledger, first=1000)
    engine.dispose()


@pytest.fixture
def hand(district: District, tmp_path: Path) -> Hand:
    return Hand(tmp_path / "registry.db")


def people(district: District) -> dict[str, Officer]:
    """Officers by the handle that the district gave them."""
    with district.engine.connect() as connection:
        officers, _absent = store.find_all(
            connection, OFFICER, recorded=district.ledger.rows(), sealer=district.sealer
        )
    return {o.staff_number.removeprefix("N-"): o for o in officers.values()}


def named(district: District) -> set[tuple[str, str]]:
    return {(absent.table, absent.key) for absent in district.snapshot().absent}


def test_an_untouched_registry_is_whole(district: District) -> None:
    assert district.snapshot().absent == ()
    assert set(district.snapshot().grants) != set()


@pytest.mark.proves("R1")
@pytest.mark.parametrize(("table", "column", "value"), EDITS)
def test_a_row_edited_by_hand_is_absent_and_named(
    district: District, hand: Hand, table: str, column: str, value: object
) -> None:
    key_column, key = hand.key(table)
    hand(f'UPDATE {table} SET "{column}" = ? WHERE {key_column} = ?', value, key)
    snapshot = district.snapshot()
    assert (table, key) in named(district)
    held = {
        "department": snapshot.departments,
        "system": snapshot.systems,
        "system_key": snapshot.keys,
        "officer": snapshot.officers,
        "source": snapshot.sources,
        "resource": snapshot.resources,
        "matter": snapshot.matters,
        "sharing_request": {},
        "sharing_grant": snapshot.grants,
    }[table]
    assert key not in held
    if table == "sharing_request":
        assert snapshot.grants == {}


@pytest.mark.proves("R1")
@pytest.mark.parametrize(
    ("column", "value"),
    [("mask", "none"), ("sharing_class", "unconditional"), ("match", 1), ("column", "other")],
)
def test_an_item_edited_by_hand_takes_the_whole_resource_away(
    district: District, hand: Hand, column: str, value: object
) -> None:
    hand(f'UPDATE resource_item SET "{column}" = ? WHERE name = ?', value, "phone")
    assert ("resource", LICENCE) in named(district)
    assert district.snapshot().resources == {}


@pytest.mark.proves("R1")
def test_an_item_added_or_taken_by_hand_takes_the_whole_resource_away(
    district: District, hand: Hand
) -> None:
    hand("DELETE FROM resource_item WHERE name = 'phone'")
    assert ("resource", LICENCE) in named(district)
    hand(
        "INSERT INTO resource_item SELECT resource, 9, 'more', title, \"column\", 'more', type,"
        " sharing_class, level, mask, subject, 0, 0, unit, NULL FROM resource_item WHERE ordinal = 1"
    )
    assert ("resource", LICENCE) in named(district)


@pytest.mark.proves("R1")
@pytest.mark.parametrize("table", [*IN_SNAPSHOT])
@pytest.mark.parametrize("entry", ["entry", "999"])
def test_a_row_inserted_by_hand_is_absent_and_named(
    district: District, hand: Hand, table: str, entry: str
) -> None:
    """A copy of a row that stands, under another key: with the entry of the first, or an invented one."""
    key_column, key = hand.key(table)
    own = {"type_name": "'T2'", "field_name": "'f2'", "list_name": "'l2'", "staff_token": "'t2'"}
    columns = [column.name for column in metadata.tables[table].columns]
    values = [
        "'inserted'" if c == key_column else entry if c == "entry" else own.get(c, f'"{c}"')
        for c in columns
    ]
    names = ", ".join(f'"{c}"' for c in columns)
    hand(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table}"
        f" WHERE {key_column} = ?",
        key,
    )
    absent = {(a.table, a.key): a.why for a in district.snapshot().absent}
    assert absent == {(table, "inserted"): "never recorded"}


@pytest.mark.proves("R2")
@pytest.mark.parametrize("table", IN_SNAPSHOT)
def test_a_row_deleted_by_hand_is_named(district: District, hand: Hand, table: str) -> None:
    key_column, key = hand.key(table)
    if table == "resource":
        hand("DELETE FROM resource_item WHERE resource = ?", key)
    hand(f"DELETE FROM {table} WHERE {key_column} = ?", key)
    whys = {(a.table, a.key): a.why for a in district.snapshot().absent}
    assert whys[table, key].startswith("deleted")


@pytest.mark.proves("R2")
def test_a_grant_put_back_after_its_revocation_is_named_and_gives_nothing(
    district: District, hand: Hand
) -> None:
    _column, key = hand.key("sharing_grant")
    (old,) = hand("SELECT state, entry, salt FROM sharing_grant WHERE id = ?", key)
    head = people(district)["market.head"]
    district.registry.revoke(key, by=Actor(officer=head))
    assert named(district) == set()
    hand("UPDATE sharing_grant SET state = ?, entry = ?, salt = ? WHERE id = ?", *old, key)
    (absent,) = district.snapshot().absent
    assert (absent.table, absent.key) == ("sharing_grant", key)
    assert "earlier state" in absent.why
    assert district.snapshot().grants == {}
    with pytest.raises(UnrecordedRowError):
        district.registry.resume(key, by=Actor(officer=head))


@pytest.mark.proves("R2")
@pytest.mark.parametrize("table", ["officer_key", "invitation", "office_case"])
def test_rows_outside_the_snapshot_are_compared_too(
    district: District, hand: Hand, table: str
) -> None:
    key_column, key = hand.key(table)
    hand(f"DELETE FROM {'case_party' if table == 'office_case' else table}")
    hand(f"DELETE FROM {table} WHERE {key_column} = ?", key)
    with district.engine.connect() as connection:
        present = store.row_digests(connection)
    recorded = {row: digest for row, (_index, digest) in district.ledger.rows().items()}
    assert set(recorded) - set(present) == {(table, key)}


@pytest.mark.proves("R1")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE office_case SET attested_by = 'sys_x'",
        "UPDATE office_case SET state = 'paused'",
        "UPDATE case_party SET token = 'ff'",
        "INSERT INTO case_party SELECT case_id, 1, type, 'ff', role, added_by, NULL, 0 FROM case_party",
        "DELETE FROM case_party",
    ],
)
def test_a_case_or_party_changed_by_hand_is_no_case(
    district: District, hand: Hand, sql: str
) -> None:
    assert district.case() is not None
    hand(sql)
    assert district.case() is None


@pytest.mark.proves("R1")
def test_what_rests_on_a_row_that_is_absent_goes_with_it(district: District, hand: Hand) -> None:
    hand("UPDATE system SET zone = 'x'")
    snapshot = district.snapshot()
    assert (snapshot.systems, snapshot.keys) == ({}, {})
    assert {absent.table for absent in snapshot.absent} == {"system", "system_key"}


@pytest.mark.proves("R1")
def test_no_act_rests_on_a_row_changed_by_hand(district: District, hand: Hand) -> None:
    """An officer who makes herself administrator by SQL is nobody to the use cases either."""
    clerk = people(district)["hall.operator"]
    hand("UPDATE officer SET roles = '[\"administrator\"]' WHERE id = ?", clerk.id)
    acts = len(district.ledger.acts)
    with pytest.raises(UnrecordedRowError) as raised:
        district.registry.register_officer_key(clerk.id, b"key", by=Actor(officer=clerk))
    assert (raised.value.table, raised.value.key) == ("officer", clerk.id)
    assert len(district.ledger.acts) == acts


SEEDS = (
    "CANARY-NAME",
    "CANARY-STAFF",
    "CANARY-CASE",
    "CANARY-REASON",
    "CANARY-OUTCOME",
    PERSON,
    FIRM,
)


@pytest.mark.proves("L11")
def test_no_personal_data_lies_readable_in_the_registrys_files(
    district: District, tmp_path: Path
) -> None:
    by = {handle: Actor(officer=o) for handle, o in people(district).items()}
    planted = "PLANTED-TO-BE-FOUND"
    district.registry.add_officer(
        NewOfficer(
            department=by["administrator"].department,
            staff_number="CANARY-STAFF",
            name="CANARY-NAME",
            post=planted,
        ),
        by=by["administrator"],
    )
    drafted = district.registry.request_sharing(
        district.wanted(scenario="CANARY-REASON"), by=by["hall.operator"]
    )
    district.registry.sign_request(drafted.id, by=by["hall.head"])
    district.registry.refuse(drafted.id, by=by["market.head"], reason="CANARY-REASON")
    system = district.snapshot().systems["sys_hall"]
    person = NamedParty(type=SubjectType.PERSON, identifier=PERSON, role="engineer")
    actor = Actor(system=system)
    district.people["system"] = actor
    district.open_case("CANARY-CASE", parties=[APPLICANT, person])
    district.registry.close_case("CANARY-CASE", by=actor, outcome="CANARY-OUTCOME")
    # The files are read while the database is open, so that the write-ahead log is among them.
    files = [path for path in tmp_path.iterdir() if path.name.startswith("registry.db")]
    assert {path.name for path in files} >= {"registry.db", "registry.db-wal"}
    content = b"".join(path.read_bytes() for path in files)
    assert finds(content, planted)
    assert [seed for seed in (*SEEDS, NUMBER) if finds(content, seed)] == []


def finds(content: bytes, seed: str) -> bool:
    """Whether a text stands in bytes, as UTF-8, UTF-16, hex or base64 at any of its three offsets."""
    plain = seed.encode()
    shapes = {plain, seed.encode("utf-16-le"), seed.encode("utf-16-be"), plain.hex().encode()}
    for pad in range(3):
        whole = base64.b64encode(b"\0" * pad + plain).rstrip(b"=")
        shapes.add(whole[(0, 2, 3)[pad] : len(whole) - 1])
    return any(shape in content for shape in shapes)


def test_the_search_for_seeds_finds_them_in_every_shape() -> None:
    for shape in (
        b"CANARY-X",
        "CANARY-X".encode("utf-16-le"),
        *(base64.b64encode(b"a" * n + b"CANARY-X tail") for n in range(3)),
    ):
        assert finds(b"junk" + shape + b"junk", "CANARY-X")
    assert not finds(b"CANARY-Y", "CANARY-X")
