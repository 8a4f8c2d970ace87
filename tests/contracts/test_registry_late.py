"""What is taken away while the log is down holds at once, and nobody but the program has it recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalogue.errors import UnrecordedRowError
from catalogue.granted import Grant
from catalogue.ports import UnrecordableError
from catalogue.service import unrecorded
from tests.fakes.district import District, a_registry_database


@pytest.fixture
def district(tmp_path: Path) -> District:
    made = District(a_registry_database(tmp_path))
    made.found()
    made.announce()
    return made


@pytest.fixture
def grant(district: District) -> Grant:
    return district.grant()


def waiting(district: District) -> int:
    with district.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM unrecorded_act").scalar_one()
    return int(found)


def revoke_with_the_log_down(district: District, grant: Grant) -> None:
    district.ledger.down = True
    district.registry.revoke(grant.id, by=district.by("market.head"), reason="数据停用")
    district.ledger.down = False


@pytest.mark.proves("W14")
def test_a_revoke_holds_at_once_and_is_recorded_when_the_log_is_back(
    district: District, grant: Grant
) -> None:
    before = len(district.ledger.acts)
    revoke_with_the_log_down(district, grant)
    assert grant.id not in district.snapshot().grants
    assert len(district.ledger.acts) == before
    assert district.registry.record_late() == 1
    act = district.ledger.acts[-1]
    assert (act.kind, act.narrowing) == ("grant.revoked", True)
    assert act.private == {"reason": "数据停用"}
    assert act.actor == district.by("market.head").id
    snapshot = district.snapshot()
    assert snapshot.absent == ()
    assert snapshot.applied_index == max(district.ledger.entries)
    assert grant.id not in snapshot.grants or snapshot.grants[grant.id].state == "revoked"
    assert waiting(district) == 0
    assert district.registry.record_late() == 0


@pytest.mark.proves("W14")
def test_nothing_that_widens_takes_effect_while_the_log_is_down(
    district: District, grant: Grant
) -> None:
    by = district.by("market.head")
    district.registry.suspend(grant.id, by=by)
    district.ledger.down = True
    with pytest.raises(UnrecordableError):
        district.registry.resume(grant.id, by=by)
    assert waiting(district) == 0


@pytest.mark.proves("W14")
def test_what_waits_is_recorded_in_the_order_in_which_it_was_done(
    district: District, grant: Grant
) -> None:
    key = "key_hall"
    district.ledger.down = True
    district.registry.revoke_system_key(key, by=district.by("administrator"))
    district.registry.revoke(grant.id, by=district.by("market.head"))
    assert waiting(district) == 2
    with pytest.raises(UnrecordableError):
        district.registry.record_late()
    assert waiting(district) == 2
    district.ledger.down = False
    assert district.registry.record_late() == 2
    assert set(district.ledger.kinds[-2:]) == {"system.key-revoked", "grant.revoked"}
    assert district.snapshot().absent == ()


@pytest.mark.proves("R1")
@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE unrecorded_act SET mac = 'x'",
        "UPDATE unrecorded_act SET sealed = 'AAAA'",
        "UPDATE unrecorded_act SET id = 'other'",
        "INSERT INTO unrecorded_act VALUES ('a', 0, 'AAAA', 'b')",
    ],
    ids=["mac", "sealed", "id", "inserted"],
)
def test_an_act_that_a_hand_put_there_is_never_recorded(
    district: District, grant: Grant, forged: str
) -> None:
    revoke_with_the_log_down(district, grant)
    with district.engine.begin() as connection:
        connection.exec_driver_sql(forged)
    before = len(district.ledger.acts)
    with pytest.raises(UnrecordedRowError, match="not kept by this program"):
        district.registry.record_late()
    assert len(district.ledger.acts) == before
    assert grant.id not in district.snapshot().grants


@pytest.mark.proves("R2")
def test_an_act_that_was_recorded_already_is_dropped_when_a_hand_puts_it_back(
    district: District, grant: Grant
) -> None:
    by = district.by("market.head")
    district.ledger.down = True
    district.registry.suspend(grant.id, by=by)
    district.ledger.down = False
    with district.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM unrecorded_act").one()
    district.registry.record_late()
    district.registry.resume(grant.id, by=by)
    with district.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO unrecorded_act VALUES (?, ?, ?, ?)", tuple(kept))
    before = len(district.ledger.acts)
    district.registry.record_late()
    assert len(district.ledger.acts) == before
    assert district.snapshot().grants[grant.id].state == "active"


@pytest.mark.proves("W14")
def test_a_registry_that_fails_after_the_late_entry_declares_it_void_and_tries_again(
    district: District, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke_with_the_log_down(district, grant)
    fail_once(monkeypatch)
    with pytest.raises(OSError, match="disk"):
        district.registry.record_late()
    assert waiting(district) == 1
    assert grant.id not in district.snapshot().grants
    assert district.registry.record_late() == 1
    assert district.ledger.kinds[-1] == "grant.revoked"
    assert district.snapshot().absent == ()


def fail_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = unrecorded.name_entry

    def name_entry(*arguments: Any, **more: Any) -> None:
        monkeypatch.setattr(unrecorded, "name_entry", real)
        raise OSError("disk")

    monkeypatch.setattr(unrecorded, "name_entry", name_entry)
