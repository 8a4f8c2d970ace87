"""An administrator archives old entries: they leave the database, and everything about them still holds."""

from collections.abc import Iterator

import pytest

from audit.canonical import b64_decode
from audit.checkpoint import parse_checkpoint
from audit.entry import Draft
from audit.errors import AuditError
from audit.merkle import TILE_WIDTH, check_inclusion, leaf_hash
from audit.note import parse_note
from exchange.home import locked
from tests.fakes.node import Standing
from tests.stories.test_command_line import Terminal

LATER = "2126-01-01"


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    with locked(here.node.settings.home):
        yield Terminal(here.node.settings.home)


def fill(here: Standing) -> None:
    """Close the first bundle, and a little more."""
    pending = [
        here.node.log._enter(Draft(kind="strangers.counted", clear={"codes": {}}))
        for _ in range(TILE_WIDTH + 5)
    ]
    for each in pending:
        each.result()


def proven(here: Standing, index: int) -> bytes:
    """The body of an entry as it is served, once its proof was asked for and it is the proven leaf."""
    proof = here.act("auditor", "audit.prove", index=index)
    body = here.node.log.entry(index)
    hashes = [b64_decode(held) for held in proof["hashes"]]
    root = parse_checkpoint(parse_note(proof["checkpoint"]).text).root
    check_inclusion(leaf_hash(body), index=index, size=proof["size"], proof=hashes, root=root)
    return body


@pytest.mark.proves("L13")
def test_archived_entries_are_proved_searched_and_checked_as_before(
    here: Standing, terminal: Terminal
) -> None:
    index = int(here.ask().entry["index"])
    fill(here)
    before = proven(here, index)
    done = terminal.told("audit", "archive", "run", "--before", LATER, officer="administrator")
    assert done == {"bundles": 1, "entries": TILE_WIDTH}
    here.restart()
    assert proven(here, index) == before
    for check in ("audit.fsck", "audit.fsck-registry"):
        assert here.act("auditor", check)["holds"] is True
    assert here.act("auditor", "policy.replay", entry=index)["holds"] is True
    listed = terminal.told("audit", "archive", "list", officer="administrator")
    assert (listed["bundles"], listed["closed"]) == (1, 0)
    again = terminal.told("audit", "archive", "run", "--before", LATER, officer="administrator")
    assert again == {"bundles": 0, "entries": 0}
    back = terminal.told("audit", "archive", "restore", officer="administrator")
    assert back == done
    assert proven(here, index) == before
    assert here.act("auditor", "audit.fsck")["holds"] is True
    kinds = here.kinds()
    assert [kind for kind in kinds if kind in {"log.archived", "log.restored"}] == [
        "log.archived",
        "log.restored",
    ]


@pytest.mark.proves("L13")
def test_an_archive_that_lost_a_file_is_named_and_read_again_once_it_is_back(
    here: Standing, terminal: Terminal
) -> None:
    fill(here)
    terminal.told("audit", "archive", "run", "--before", LATER, officer="administrator")
    folder = here.node.settings.home / "archive"
    away = folder.rename(folder.with_name("elsewhere"))
    here.serving.stop()
    with pytest.raises(AuditError, match=r"body|missing|is not"):
        here.serve(here.node.settings)
    away.rename(folder)
    here.serve(here.node.settings)
    assert here.act("auditor", "audit.fsck")["holds"] is True


def test_nobody_but_an_administrator_archives_and_only_to_a_whole_path(
    here: Standing, terminal: Terminal
) -> None:
    refused = terminal.refused("audit", "archive", "run", "--before", LATER, officer="auditor")
    assert "ROLE_MISSING" in refused
    refused = terminal.refused(
        "audit", "archive", "run", "--before", LATER, "--folder", "here", officer="administrator"
    )
    assert "absolute path" in refused
