"""Several gateways on one log: each takes in what the others wrote before it writes itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from audit import tables
from audit.errors import LogUnavailableError, StaleSnapshotError
from audit.keys import LogKeys, create_fresh_keys, load_keys
from audit.log import Log, check_stored
from audit.merkle import EMPTY_ROOT
from audit.note import open_note, parse_note
from audit.receipt import make_receipt
from audit.rotation import retirement_draft, rotation_draft
from audit.search import newest_number
from audit.verify import verify_receipt
from tests.fakes.logs import ORIGIN, LogHome, a_call, an_act, never_two_roots, signed_roots
from tests.faults.kit import ROOT, broken, failing, urls

CALLS = 10_000
ROUNDS = 10


@pytest.fixture(params=["sqlite", "postgresql"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LogHome]:
    made = LogHome(tmp_path, urls=urls(request.param))
    yield made
    made.close()


@pytest.fixture
def second(home: LogHome) -> Iterator[LogHome]:
    made = replace_seat(home, "b")
    yield made
    made.close()


def replace_seat(home: LogHome, seat: str) -> LogHome:
    return LogHome(home.home, clock=home.clock, urls=home.urls, seat=seat)


@pytest.fixture
def both(home: LogHome, second: LogHome) -> Iterator[tuple[Log, Log]]:
    with home.opened(shared=True) as one, second.opened(shared=True) as other:
        yield one, other


def check_whole(home: LogHome) -> None:
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)


@pytest.mark.slow
@pytest.mark.proves("W9")
def test_ten_thousand_calls_over_two_gateways_are_neither_lost_nor_doubled(
    home: LogHome, request: pytest.FixtureRequest
) -> None:
    sabotage = request.config.getoption("--sabotage") or ""
    home.close()
    with ExitStack() as stack:
        children = [
            stack.enter_context(start_child(home, seat, sabotage=str(sabotage))) for seat in "ab"
        ]
        assert [hear(child) for child in children] == ["open"] * 2
        given: list[list[int]] = [[], []]
        for _ in range(ROUNDS):
            for child in children:
                begin(child)
            for child, indices in zip(children, given, strict=True):
                indices += [int(index) for index in hear(child).split()]
        told = [child.communicate() for child in children]
    assert [child.returncode for child in children] == [0, 0], told
    assert sorted(given[0] + given[1]) == list(range(CALLS))
    assert all(len(each) == CALLS // 2 for each in given)
    with home.opened() as log:
        assert log.size == CALLS
        bodies = log.entries(0, CALLS)
        assert len({json.loads(body)["id"] for body in bodies}) == CALLS
        by = [json.loads(body)["gateway"] for body in bodies]
        assert {by[index] for index in given[0]} == {"gw-1a"}
        # Both wrote in each round, and not one after the other.
        assert sum(one != next_one for one, next_one in pairwise(by)) >= ROUNDS
        numbers = [log.open_disclosure(index, "n.consumer:hall") for index in (0, CALLS - 1)]
        assert [opening.value for opening in numbers if opening] == [1, CALLS]
    assert newest_number(home.log_engine, "resource:MSA-001") == CALLS
    check_whole(home)


def begin(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("begin\n")
    child.stdin.flush()


def hear(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip("\n")


def start_child(home: LogHome, seat: str, *, sabotage: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.faults.inline_child"),
            *(str(home.home), seat, str(CALLS // 2 // ROUNDS), f"--sabotage={sabotage}"),
            *(f"--{branch}={url}" for branch, url in home.urls.items()),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.proves("W9")
def test_each_goes_on_where_the_other_ended_and_every_receipt_holds(
    home: LogHome, both: tuple[Log, Log]
) -> None:
    given = [log.append(a_call()) for log in (*both, *both, both[1], both[1], both[0])]
    assert [sequenced.index for sequenced in given] == list(range(7))
    assert [sequenced.size for sequenced in given] == list(range(1, 8))
    vkeys = [home.keys.signer.vkey]
    for sequenced in given:
        receipt = make_receipt(sequenced, paths={})
        assert verify_receipt(receipt, vkeys=vkeys).fault is None
    check_whole(home)


@pytest.mark.proves("W9")
def test_what_one_recorded_the_other_knows_before_it_vouches_for_rows(
    both: tuple[Log, Log],
) -> None:
    one, other = both
    one.append(an_act(key="grt_1", digest="d1"))
    one.append(a_call())
    one.append(an_act(key="grt_2", digest="d2"))
    assert other.registry_rows() == {("grant", "grt_1"): (0, "d1"), ("grant", "grt_2"): (2, "d2")}
    assert other.last_act_index() == 2
    voided = other.append(an_act(kind="act-void", clear={"voids": 2}, rows=(), barrier=True))
    assert one.registry_rows() == {("grant", "grt_1"): (0, "d1")}
    assert one.barrier == voided.index


@pytest.mark.proves("P7", "W9")
def test_a_barrier_raised_at_one_holds_at_the_other(both: tuple[Log, Log]) -> None:
    one, other = both
    assert other.append(a_call(applied=-1)).index == 0
    one.append(an_act(barrier=True))
    with pytest.raises(StaleSnapshotError):
        other.append(a_call(applied=-1))
    assert other.append(a_call(applied=1)).index == 2


@pytest.mark.proves("L16", "W11")
def test_a_batch_of_unknown_fate_is_found_under_what_another_wrote_since(
    home: LogHome, both: tuple[Log, Log]
) -> None:
    one, other = both
    one.append(a_call())

    def kept(connection: Any) -> None:
        connection.connection.driver_connection.commit()
        # Now the other goes on, before the one has looked what became of its batch.
        assert other.append(an_act()).index == 2
        broken()

    with failing(home, "commit", kept):
        given = one.append(a_call())
    assert given.index == 1
    assert one.append(a_call()).index == 3
    assert ("grant", "grt_1") in one.registry_rows()
    check_whole(home)


@pytest.mark.proves("L16")
def test_a_batch_that_was_lost_leaves_room_for_the_others(
    home: LogHome, both: tuple[Log, Log]
) -> None:
    one, other = both
    with failing(home, "commit", broken), pytest.raises(LogUnavailableError):
        one.append(a_call())
    assert other.append(an_act()).index == 0
    assert one.append(a_call()).index == 1
    assert set(signed_roots(home.home)) == {0, 1, 2}
    check_whole(home)


@pytest.mark.parametrize(
    "changed", [{"leaf": b"x" * 32}, {"body": b"{}"}], ids=["leaf", "body of an act"]
)
def test_what_does_not_lead_to_the_sealed_root_is_not_taken_in(
    home: LogHome, both: tuple[Log, Log], changed: dict[str, bytes]
) -> None:
    one, other = both
    one.append(an_act())
    with home.log_engine.begin() as connection:
        connection.execute(update(tables.entry).values(**changed))
    with pytest.raises(LogUnavailableError, match="ProofError"):
        other.append(a_call())
    assert other.size == 0
    assert set(signed_roots(home.home)) == {0, 1}


def test_a_head_without_the_seal_is_not_followed(home: LogHome, both: tuple[Log, Log]) -> None:
    one, other = both
    one.append(a_call())
    with home.log_engine.begin() as connection:
        connection.execute(update(tables.head).values(size=0, root=EMPTY_ROOT, seal=b"s" * 32))
    with pytest.raises(LogUnavailableError, match="ProofError"):
        other.append(a_call())


def test_one_that_shares_is_shut_out_by_one_that_does_not(
    home: LogHome, both: tuple[Log, Log]
) -> None:
    one, other = both
    one.append(a_call())
    third = replace_seat(home, "c")
    with third.opened() as alone:
        for log in (one, other):
            with pytest.raises(LogUnavailableError, match="another sequencer"):
                log.append(a_call())
        assert alone.append(a_call()).index == 1
    third.close()
    check_whole(home)


def test_two_that_start_on_an_empty_database_begin_one_log(
    home: LogHome, both: tuple[Log, Log]
) -> None:
    assert [log.append(a_call()).index for log in both] == [0, 1]
    assert {log.origin for log in both} == {home.keys.origin}


def files(home: LogHome) -> LogKeys:
    """What the key files hold by now; the first key remembers what it signed."""
    loaded = load_keys(home.home / "keys")
    return replace(loaded, signer=home.keys.signer)


@pytest.mark.proves("L12")
def test_a_change_of_keys_at_one_is_noticed_by_the_other_before_it_signs(
    home: LogHome, second: LogHome
) -> None:
    with (
        home.opened(shared=True) as one,
        second.opened(shared=True, reload_keys=partial(files, second)) as other,
    ):
        other.append(a_call())
        fresh = create_fresh_keys(home.home / "keys", one.keys, random=os.urandom)
        one.append(rotation_draft(one.keys, fresh))
        one.renew_keys(files(home))
        both_sign = other.append(a_call())
        new = fresh.signer.verifier
        assert set(open_note(both_sign.checkpoint, [home.keys.signer.verifier, new]).names) == {
            ORIGIN
        }
        assert len(parse_note(both_sign.checkpoint).signatures) == 2
        one.append(retirement_draft(one.keys))
        one.renew_keys(files(home))
        after = other.append(a_call())
        # Only the new key signs: the old one does not any more, at either.
        assert [line.key_id for line in parse_note(after.checkpoint).signatures] == [new.key_id]
        assert one.append(a_call()).index == after.index + 1
        assert check_stored(home.log_engine, one.keys, guard=home.guard) == []


@pytest.mark.proves("L12")
def test_whoever_has_no_file_of_the_new_key_writes_nothing_under_the_old_one(
    home: LogHome, second: LogHome
) -> None:
    without = home.keys
    with (
        home.opened(shared=True) as one,
        second.opened(shared=True, reload_keys=lambda: without) as other,
    ):
        fresh = create_fresh_keys(home.home / "keys", one.keys, random=os.urandom)
        size = one.append(rotation_draft(one.keys, fresh)).size
        one.renew_keys(files(home))
        for _ in range(2):
            with pytest.raises(LogUnavailableError, match="no key file holds it"):
                other.append(a_call())
        assert one.append(a_call()).index == size
