"""Checking a stored log and the registry against it: whoever edits the database is found out by name."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.errors import StartRefusedError
from audit.fsck import Finding, What, check_log, check_registry
from audit.log import check_stored
from audit.merkle import leaf_hash, root_of
from audit.sqlstore import SqlStore
from audit.startup import check_seal
from tests.fakes.logs import LogHome, a_call, an_act

SIZE = 270
"""One full tile and a part of another."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a log's database: acts among calls."""
    folder = tmp_path_factory.mktemp("written")
    home = LogHome(folder)
    with home.opened() as log:
        futures = [
            log._enter(an_act(key=f"grt_{n}", digest=f"d{n}") if n % 50 == 0 else a_call())
            for n in range(SIZE)
        ]
        assert [future.result().index for future in futures] == list(range(SIZE))
    home.close()
    home_files = {name: (folder / name).read_bytes() for name in ("log.db", "vault.db", "guard")}
    _FILES.update(home_files)
    return home_files["log.db"]


_FILES: dict[str, bytes] = {}


@pytest.fixture
def home(tmp_path: Path, written: bytes) -> Iterator[LogHome]:
    for name, content in _FILES.items():
        (tmp_path / name).write_bytes(content)
    made = LogHome(tmp_path)
    yield made
    made.close()


def tamper(home: LogHome, *statements: tuple[str, Any]) -> None:
    """Do as a database administrator would, with a client of his own."""
    connection = sqlite3.connect(home.home / "log.db")
    with connection:
        for statement, values in statements:
            connection.execute(statement, values)
    connection.close()


def check(home: LogHome) -> list[Finding]:
    return check_stored(home.log_engine, home.keys, guard=home.guard)


def indices(findings: list[Finding]) -> set[int | None]:
    return {finding.index for finding in findings}


def flipped(home: LogHome, query: str, values: tuple[int, ...], at: int) -> bytes:
    connection = sqlite3.connect(home.home / "log.db")
    (content,) = connection.execute(query, values).fetchone()
    connection.close()
    return bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


def test_a_log_that_nobody_touched_has_no_findings(home: LogHome) -> None:
    assert check(home) == []


def test_an_empty_log_has_no_findings(tmp_path: Path) -> None:
    home = LogHome(tmp_path)
    assert check(home) == []
    home.open().close()
    assert check(home) == []
    home.close()


@pytest.mark.proves("L1")
@pytest.mark.parametrize("index", [0, 1, 100, 255, 256, 269])
def test_one_flipped_byte_of_an_entry_is_found_and_the_entry_named(
    home: LogHome, index: int
) -> None:
    for at in (0, 17, -1):
        body = flipped(home, "SELECT body FROM audit_entry WHERE idx=?", (index,), at)
        tamper(home, ("UPDATE audit_entry SET body=? WHERE idx=?", (body, index)))
        assert index in indices(check(home))


@pytest.mark.proves("L1")
@pytest.mark.parametrize("index", [3, 260])
def test_an_entry_changed_with_its_leaf_is_found_all_the_same(home: LogHome, index: int) -> None:
    body = b'{"v":"entry/0"}'
    tamper(
        home,
        ("UPDATE audit_entry SET body=?, leaf=? WHERE idx=?", (body, leaf_hash(body), index)),
    )
    findings = check(home)
    # In the part that has no full tile yet nothing but the root is left to tell.
    assert index in indices(findings) if index < 256 else findings
    assert What.ROOT in {finding.what for finding in findings}


@pytest.mark.proves("L1")
@pytest.mark.parametrize("place", [0, 7, 255])
def test_one_flipped_byte_of_a_tile_is_found_and_the_entry_named(home: LogHome, place: int) -> None:
    hashes = flipped(home, "SELECT hashes FROM audit_tile WHERE n=?", (0,), place * 32 + 5)
    tamper(home, ("UPDATE audit_tile SET hashes=?", (hashes,)))
    assert indices(check(home)) == {place}


@pytest.mark.proves("L1")
def test_a_changed_tile_root_a_missing_tile_and_a_short_one_are_named(home: LogHome) -> None:
    tamper(home, ("UPDATE audit_tile SET root=?", (b"r" * 32,)))
    assert [str(found) for found in check(home)] == [
        "tile 0/0: its root is not that of its entries"
    ]
    tamper(home, ("UPDATE audit_tile SET hashes=?", (b"h",)))
    assert [found.what for found in check(home)] == [What.CHANGED]
    tamper(home, ("DELETE FROM audit_tile", ()))
    assert [str(found) for found in check(home)] == ["tile 0/0: is missing"]


@pytest.mark.proves("L3")
@pytest.mark.parametrize("index", [0, 100, 255, 260])
def test_an_entry_deleted_from_the_middle_is_named(home: LogHome, index: int) -> None:
    tamper(home, ("DELETE FROM audit_entry WHERE idx=?", (index,)))
    missing = [found.index for found in check(home) if found.what is What.MISSING]
    assert missing == [index]


@pytest.mark.proves("L3")
def test_an_entry_deleted_and_the_rest_moved_up_is_found(home: LogHome) -> None:
    tamper(
        home,
        ("DELETE FROM audit_entry WHERE idx=100", ()),
        ("UPDATE audit_entry SET idx=idx-1 WHERE idx>100", ()),
    )
    assert 100 in indices(check(home))
    with pytest.raises(StartRefusedError):
        home.open()


def test_two_entries_that_changed_places_are_both_named(home: LogHome) -> None:
    tamper(
        home,
        ("UPDATE audit_entry SET idx=-1 WHERE idx=10", ()),
        ("UPDATE audit_entry SET idx=10 WHERE idx=20", ()),
        ("UPDATE audit_entry SET idx=20 WHERE idx=-1", ()),
    )
    assert {10, 20} <= indices(check(home))


@pytest.mark.proves("L8")
@pytest.mark.parametrize(("copied", "over"), [(3, 200), (258, 259), (0, 269)])
def test_an_entry_that_stands_twice_is_named(home: LogHome, copied: int, over: int) -> None:
    tamper(
        home,
        (
            (
                "UPDATE audit_entry SET (body, leaf) = "
                "(SELECT body, leaf FROM audit_entry WHERE idx=?) WHERE idx=?"
            ),
            (copied, over),
        ),
    )
    copies = [found for found in check(home) if found.what is What.DUPLICATE]
    assert [found.index for found in copies] == [over]
    assert f"copy of entry {copied}" in copies[0].detail


def test_the_newest_entries_deleted_with_the_head_moved_back_miss_the_guard(home: LogHome) -> None:
    tamper(
        home,
        ("DELETE FROM audit_entry WHERE idx>=260", ()),
        ("UPDATE audit_head SET size=260", ()),
    )
    assert {What.MISSING, What.UNSEALED} <= {found.what for found in check(home)}
    with pytest.raises(StartRefusedError):
        home.open()


@pytest.mark.proves("L17")
def test_rows_appended_while_stopped_are_found_and_the_start_is_refused(home: LogHome) -> None:
    body = b'{"v":"entry/0"}'
    tamper(home, ("INSERT INTO audit_entry VALUES (?,?,?)", (SIZE, body, leaf_hash(body))))
    assert indices(check(home)) == {SIZE}
    with pytest.raises(StartRefusedError, match="sealed head ends at 269"):
        home.open()


@pytest.mark.proves("L17")
def test_rows_appended_with_a_well_formed_tree_and_head_lack_the_seal(home: LogHome) -> None:
    forged, body = forge_head(home)
    tamper(
        home,
        ("INSERT INTO audit_entry VALUES (?,?,?)", (SIZE, body, leaf_hash(body))),
        ("UPDATE audit_head SET size=?, root=?", (SIZE + 1, forged)),
    )
    assert What.UNSEALED in {found.what for found in check(home)}
    with pytest.raises(StartRefusedError, match="seal"):
        home.open()


def forge_head(home: LogHome) -> tuple[bytes, bytes]:
    """The root that the tree would have with one more entry, which nobody sequenced."""
    body = b'{"v":"entry/0"}'
    leaves = SqlStore(home.log_engine).leaves(0, SIZE)
    return root_of([*leaves, leaf_hash(body)]), body


@pytest.mark.proves("L17")
@pytest.mark.parametrize("column", ["barrier", "last_act", "epoch", "ts"])
def test_no_member_of_the_head_is_changed_unseen(home: LogHome, column: str) -> None:
    tamper(home, (f"UPDATE audit_head SET {column} = {column} - 1", ()))
    assert What.UNSEALED in {found.what for found in check(home)}
    with pytest.raises(StartRefusedError, match="seal"):
        home.open()


def test_an_act_cannot_be_hidden_from_the_next_start(home: LogHome) -> None:
    body = flipped(home, "SELECT body FROM audit_entry WHERE idx=?", (50,), 30)
    tamper(home, ("UPDATE audit_entry SET body=?, leaf=? WHERE idx=50", (body, leaf_hash(body))))
    with pytest.raises(StartRefusedError, match="entry 50, an act"):
        home.open()


def test_a_tile_changed_below_an_act_refuses_the_start(home: LogHome) -> None:
    hashes = flipped(home, "SELECT hashes FROM audit_tile WHERE n=?", (0,), 9)
    tamper(home, ("UPDATE audit_tile SET hashes=?", (hashes,)))
    with pytest.raises(StartRefusedError, match="tile 0/0"):
        home.open()


def test_a_log_without_head_or_under_other_keys_does_not_start(home: LogHome) -> None:
    tamper(home, ("UPDATE audit_head SET origin='other.example/log'", ()))
    with pytest.raises(StartRefusedError, match=r"other\.example"):
        home.open()
    tamper(home, ("DELETE FROM audit_head", ()))
    assert [found.what for found in check(home)] == [What.MISSING]
    with pytest.raises(StartRefusedError, match="no head"):
        home.open()


def test_an_older_copy_of_the_database_does_not_start(tmp_path: Path) -> None:
    home = LogHome(tmp_path)
    with home.opened() as log:
        log.append(a_call())
    home.close()
    old = (tmp_path / "log.db").read_bytes()
    home = LogHome(tmp_path)
    with home.opened() as log:
        log.append(a_call())
    home.close()
    (tmp_path / "log.db").write_bytes(old)
    home = LogHome(tmp_path)
    with pytest.raises(StartRefusedError, match="older copy"):
        home.open()
    home.close()


@pytest.mark.parametrize("guard", ["", "x", "not\n\na note\n"])
def test_a_guard_that_is_damaged_refuses_the_start_and_an_empty_one_is_as_none(
    home: LogHome, guard: str
) -> None:
    home.guard.write_text(guard)
    if guard:
        with pytest.raises(StartRefusedError):
            home.open()
    else:
        home.open().close()


def test_checkpoints_that_the_entries_do_not_lead_to_are_named(home: LogHome) -> None:
    findings = check_log(
        SqlStore(home.log_engine),
        check_head=lambda head: check_seal(head, home.keys.seal),
        checkpoints=[
            Checkpoint("o", 100, b"x" * 32),
            Checkpoint("o", 256, b"y" * 32),
            Checkpoint("o", 999, b"z" * 32),
        ],
    )
    named = {finding.where: finding.what for finding in findings}
    assert named == {
        "checkpoint 100": What.ROOT,
        "checkpoint 256": What.ROOT,
        "checkpoint 999": What.MISSING,
    }


rows = st.tuples(st.sampled_from(["grant", "system_key"]), st.sampled_from("abcd"))
digests = st.sampled_from(["d1", "d2"])
recorded_rows = st.dictionaries(rows, st.tuples(st.integers(0, 9), st.none() | digests))
present_rows = st.dictionaries(rows, digests)


@given(recorded=recorded_rows, present=present_rows)
def test_exactly_the_rows_that_differ_from_the_log_are_named(
    recorded: dict[tuple[str, str], tuple[int, str | None]], present: dict[tuple[str, str], str]
) -> None:
    standing = {row: digest for row, (_, digest) in recorded.items() if digest is not None}
    differing = {
        " ".join(row)
        for row in standing.keys() | present.keys()
        if standing.get(row) != present.get(row)
    }
    assert {finding.where for finding in check_registry(recorded, present)} == differing


@pytest.mark.parametrize(
    ("recorded", "present", "what"),
    [
        ({}, {("grant", "g"): "d"}, What.INSERTED),
        ({("grant", "g"): (4, "d")}, {}, What.DELETED),
        ({("grant", "g"): (4, None)}, {("grant", "g"): "d"}, What.RESTORED),
        ({("grant", "g"): (4, "d2")}, {("grant", "g"): "d1"}, What.EDITED),
    ],
)
def test_a_finding_says_what_was_done_to_the_row(
    recorded: dict[tuple[str, str], tuple[int, str | None]],
    present: dict[tuple[str, str], str],
    what: What,
) -> None:
    (finding,) = check_registry(recorded, present)
    assert (finding.what, finding.where) == (what, "grant g")
