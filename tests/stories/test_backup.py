"""A home is copied while it serves and put back: all three databases belong together, nothing is invented."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner

from exchange.backups import (
    MANIFEST,
    BackupError,
    list_backups,
    read_backup,
    restore,
    take_backup,
    throw_away,
    too_old,
)
from exchange.cli.main import main
from exchange.client.errors import RefusedError
from exchange.client.session import Answer
from exchange.clock import now
from exchange.desk import Desk, read_envelope, write_envelope
from exchange.home import StorageError
from exchange.identity.errors import IdentityError
from exchange.node import Node, opened
from exchange.settings import read_settings
from exchange.storage import BRANCHES, open_databases
from tests.fakes.node import Standing, a_free_port, copied, standing

CALLS = 40


def silent(_what: str, _done: int, _total: int) -> None:
    """Stand in for a progress bar."""


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that nobody serves."""
    return copied(tmp_path / "home").home


def take(home: Path) -> Path:
    return take_backup(home, at=now(), told=silent)[0]


def bare(home: Path, target: Path) -> Path:
    """A machine that has only the home's keys and settings: the rest burnt with the old one."""
    target.mkdir(mode=0o700)
    shutil.copytree(home / "keys", target / "keys")
    for name in ("run", "backups", "bundles", "files", "exports"):
        (target / name).mkdir(mode=0o700)
    for name in ("log.vkey", "exchange.toml"):
        shutil.copy(home / name, target / name)
    return target


def holds(node: Node) -> None:
    """The log is its own past, and it vouches for every row of the registry."""
    assert node.log.checkpoint
    assert node.live.load().absent == ()


def asked_until_answered(district: Standing) -> Answer:
    """Ask as a system does: what is refused for a moment only is asked again."""
    for _ in range(20):
        try:
            return district.ask()
        except RefusedError as refusal:
            if refusal.status != 503:
                raise
    return district.ask()


@pytest.mark.proves("U3")
def test_a_backup_during_writes_restores_consistent(district: Standing, tmp_path: Path) -> None:
    answers: list[Answer] = []
    enough = Event()

    def keep_calling() -> None:
        for at in range(CALLS):
            answers.append(asked_until_answered(district))
            if at == CALLS // 8:
                enough.set()

    def keep_acting() -> None:
        enough.wait()
        for at in range(4):
            grant = next(iter(district.grants.values()))
            district.act(
                "market.head", "grant.suspend" if at % 2 == 0 else "grant.resume", grant=grant
            )

    callers = [Thread(target=keep_calling), Thread(target=keep_acting)]
    for caller in callers:
        caller.start()
    enough.wait()
    folder, backup = take_backup(district.node.settings.home, at=now(), told=silent)
    for caller in callers:
        caller.join()
    assert len(answers) == CALLS
    assert backup.size < district.node.log.size, "the node served on while it was copied"
    fresh = bare(district.node.settings.home, tmp_path / "fresh")
    restore(folder, fresh, at=now())
    settings = replace(district.node.settings, home=fresh, port=a_free_port())
    with opened(settings) as node:
        assert node.log.size > backup.size, "the restore is an entry of its own"
        holds(node)
        for index in range(backup.size):
            assert node.log.entry(index) == district.node.log.entry(index)
        newest = json.loads(node.log.entry(backup.size))
        assert newest["kind"] == "home.restored"
    acknowledged = [int(answer.entry["index"]) for answer in answers]
    assert min(acknowledged) < backup.size < max(acknowledged)


@pytest.mark.proves("I15")
def test_what_was_signed_before_a_restore_is_refused_after_it(
    district: Standing, tmp_path: Path
) -> None:
    folder = take(district.node.settings.home)
    request = district.signed(district.write())
    assert district.send(request).status_code == 200
    home = district.node.settings.home
    fresh = bare(home, tmp_path / "fresh")
    officer = write_envelope(
        "department.list",
        {},
        key=district.place.keys["administrator"],
        at=now(),
        nonce="a-nonce-of-the-administrator",
    )
    district.serving.stop()
    restore(folder, fresh, at=now() + timedelta(seconds=1))
    district.serve(replace(district.node.settings, home=fresh))
    answer = district.send(request)
    assert answer.status_code == 401
    assert "SIGNATURE_BEFORE_RESTORE" in answer.text
    with pytest.raises(IdentityError) as refused:
        Desk(district.node).perform(read_envelope(officer))
    assert refused.value.code == "SIGNATURE_BEFORE_RESTORE"


@pytest.mark.proves("U2")
@pytest.mark.parametrize("branch", BRANCHES)
def test_a_database_of_a_newer_program_is_refused_and_left_as_it_is(
    home: Path, branch: str
) -> None:
    path = home / f"{branch}.db"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=f"{branch}: revision 9999 is of a newer program"):
        open_databases(home, at=now())
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["log.db", "vault.db", MANIFEST])
def test_a_changed_backup_is_not_put_back(home: Path, tmp_path: Path, name: str) -> None:
    folder = take(home)
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    fresh = bare(home, tmp_path / "fresh")
    with pytest.raises(BackupError):
        restore(folder, fresh, at=now())
    assert not list(fresh.glob("*.db"))


def test_a_file_too_many_or_too_few_is_named(home: Path) -> None:
    folder = take(home)
    (folder / "extra").write_text("x")
    with pytest.raises(BackupError, match="extra is not listed"):
        read_backup(folder)
    (folder / "extra").unlink()
    (folder / "vault.db").unlink()
    with pytest.raises(BackupError, match=r"vault\.db is missing"):
        read_backup(folder)


def test_keys_are_in_no_backup(home: Path) -> None:
    folder = take(home)
    secrets = [path.read_bytes() for path in (home / "keys").iterdir()]
    secrets += [path.read_bytes() for path in (home / "files").rglob("*.pem")]
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret.strip() in content for secret in secrets), path.name


def test_what_a_restore_displaces_can_be_put_back_too(home: Path) -> None:
    folder = take(home)
    newer = (home / "log.db").read_bytes() + b""
    _, displaced = restore(folder, home, at=now())
    assert (displaced / "log.db").read_bytes() == newer
    assert (home / "files" / "officers").is_dir(), "officers' keys stay in the home"


def test_a_backup_of_another_log_is_refused(home: Path, tmp_path: Path) -> None:
    folder = take(home)
    other = bare(home, tmp_path / "other")
    (other / "log.vkey").write_text("another.example/log+00000000+AAAA\n")
    with pytest.raises(BackupError, match=r"this home keeps another\.example/log"):
        restore(folder, other, at=now())


def test_old_copies_are_thrown_away_by_their_age(home: Path) -> None:
    folder = take(home)
    migrated = home / "backups" / "vault-0001-20200101T000000Z.db"
    migrated.write_bytes(b"")
    kept = home / "backups" / "notes.txt"
    kept.write_text("not of ours")
    assert too_old(home, at=now()) == [migrated]
    later = datetime.now(UTC) + timedelta(days=31)
    assert set(too_old(home, at=later)) == {migrated, folder}
    for path in too_old(home, at=later):
        throw_away(path)
    assert list_backups(home) == []
    assert kept.exists()


def test_an_administrator_takes_and_checks_one_by_command(home: Path) -> None:
    run = CliRunner().invoke
    made = run(main, ["backup", "make", "--home", str(home), "--as", "administrator", "--json"])
    assert made.exit_code == 0, made.output
    folder = json.loads(made.output)["folder"]
    checked = run(main, ["backup", "check", folder, "--json"])
    assert json.loads(checked.output)["entries"] == json.loads(made.output)["entries"]
    listed = run(main, ["backup", "list", "--home", str(home), "--json"])
    assert [row["folder"] for row in json.loads(listed.output)] == [folder]
    refused = run(main, ["backup", "make", "--home", str(home), "--as", "auditor"])
    assert refused.exit_code != 0
    assert len(list_backups(home)) == 1
    back = run(main, ["backup", "restore", folder, "--home", str(home), "--yes", "--json"])
    assert back.exit_code == 0, back.output
    assert Path(json.loads(back.output)["displaced"]).is_dir()
    pruned = run(main, ["backup", "prune", "--home", str(home), "--dry-run", "--json"])
    assert json.loads(pruned.output)["gone"] == []


def test_the_copy_says_how_far_the_log_in_it_had_come(home: Path) -> None:
    _, backup = take_backup(home, at=now(), told=silent)
    with opened(read_settings({}, home=home)) as node:
        assert node.log.size == backup.size
