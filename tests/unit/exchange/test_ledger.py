"""Acts become entries with nothing personal in the clear, and use the request's nonce up with themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.canonical import decode_strict
from audit.entry import Draft, Nonce
from audit.log import Log
from catalogue.ports import Act, RowMark
from exchange.ledger import LogLedger, append_once, append_spending, draft_of, spending
from gateway.errors import RefusedRequestError
from tests.fakes.logs import NOON, LogHome

NONCE = Nonce(key="k1", nonce="nonce-0000000001", expires=int(NOON.timestamp() * 1000) + 60_000)
ROW = RowMark(table="sharing_grant", key="grt_1", digest="d" * 43)


def an_act(**changes: object) -> Act:
    members: dict[str, object] = {
        "kind": "grant.revoked",
        "actor": "off_1",
        "department": "11990106MB0A10025H",
        "auth": "key",
        "rows": (ROW,),
        "facts": {"provider": "11990106MB0A10025H", "resource": "307/000001"},
        "private": {"reason": "缘由-不入条目"},
    }
    return Act(**(members | changes))  # type: ignore[arg-type]  # a builder: the dataclass checks the names


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    home = LogHome(tmp_path)
    with home.opened() as opened:
        yield opened
    home.close()


def test_reasons_officers_and_cases_are_committed_to_and_never_told() -> None:
    draft = draft_of(an_act(case="SG-2026-0117", narrowing=True))
    told = str(draft.clear)
    assert "缘由" not in told
    assert "off_1" not in told
    assert "SG-2026-0117" not in told
    assert {commit.name for commit in draft.commits} == {"officer", "reason", "case"}
    assert draft.barrier
    (row,) = draft.index
    assert (row.provider, row.resource, row.officer) == (
        "11990106MB0A10025H",
        "307/000001",
        "off_1",
    )


def test_an_act_raises_the_barrier_only_where_it_narrows() -> None:
    assert not draft_of(an_act()).barrier


def test_a_recorded_row_is_vouched_for_until_its_act_is_void(log: Log) -> None:
    ledger = LogLedger(log)
    index = ledger.append(an_act())
    assert ledger.digest("sharing_grant", "grt_1") == (index, "d" * 43)
    assert dict(ledger.rows()) == {("sharing_grant", "grt_1"): (index, "d" * 43)}
    ledger.void(index, reason="the registry's commit failed")
    assert ledger.digest("sharing_grant", "grt_1") is None
    assert log.barrier == index + 1


def test_a_request_spends_its_nonce_with_its_first_act_and_only_once(log: Log) -> None:
    ledger = LogLedger(log)
    with spending(NONCE) as appended:
        first = ledger.append(an_act())
        second = ledger.append(an_act())
    assert appended == [first, second]
    with pytest.raises(RefusedRequestError, match="REPLAYED"), spending(NONCE) as again:
        ledger.append(an_act(rows=(RowMark(table="sharing_grant", key="grt_2", digest="e" * 43),)))
    assert again == []
    assert ledger.digest("sharing_grant", "grt_2") is None
    entry = decode_strict(log.entry(second + 1))
    assert (entry["kind"], entry["refused"], entry["code"]) == (
        "replay.refused",
        "grant.revoked",
        "REPLAYED",
    )


def test_outside_a_request_nothing_is_spent(log: Log) -> None:
    draft = Draft(kind="log.searched", clear={})
    with spending(NONCE):
        pass
    append_spending(log, draft)
    assert append_once(log, draft, nonce=NONCE) == 1
    assert append_once(log, draft, nonce=None) == 2
    with pytest.raises(RefusedRequestError):
        append_once(log, draft, nonce=NONCE)
