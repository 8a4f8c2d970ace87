"""Appending to the log and reading from it, on real files and with real keys."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from audit.canonical import commit_bytes, commit_value
from audit.checkpoint import parse_checkpoint
from audit.entry import Alternatives, Commit, Draft, Nonce, Quota, Sequenced
from audit.errors import (
    LogBusyError,
    LogUnavailableError,
    MalformedError,
    ProofError,
    StaleSnapshotError,
)
from audit.log import Log, check_stored
from audit.merkle import check_inclusion, leaf_hash
from audit.note import open_note, parse_note
from tests.fakes.logs import NOON, SUBJECT, LogHome, a_call, an_act

REFUSED = a_call(clear={"code": "REPLAYED"}, commits=(), index=(), receipt=())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    made = LogHome(tmp_path)
    yield made
    made.close()


@pytest.fixture
def log(home: LogHome) -> Iterator[Log]:
    with home.opened() as opened:
        yield opened


def body_of(sequenced: Sequenced) -> dict[str, object]:
    body: dict[str, object] = json.loads(sequenced.body)
    return body


def check_proven(sequenced: Sequenced, home: LogHome) -> None:
    opened = open_note(sequenced.checkpoint, [home.keys.signer.verifier])
    checkpoint = parse_checkpoint(opened.text)
    assert checkpoint.size == sequenced.size
    check_inclusion(
        leaf_hash(sequenced.body),
        index=sequenced.index,
        size=sequenced.size,
        proof=sequenced.proof,
        root=checkpoint.root,
    )


def test_an_entry_is_proven_under_a_signed_checkpoint_when_it_is_appended_and_ever_after(
    log: Log, home: LogHome
) -> None:
    for _ in range(9):
        check_proven(log.append(a_call()), home)
    for index in range(9):
        again = log.receipt_of(index, names=["case"])
        check_proven(again, home)
        assert again.body == log.entry(index)
        assert again.openings["case"].value == "2026-0117"


def test_proofs_hold_across_full_tiles_and_a_restart(home: LogHome) -> None:
    count = 300
    with home.opened() as log:
        enter_together(log, [a_call() for _ in range(count)])
    with home.opened() as log:
        check_proven(log.append(a_call()), home)
        for index in (0, 254, 255, 256, 299, 300):
            check_proven(log.receipt_of(index), home)
        old = log.prove(3, size=256)
        assert len(old) == 8
        assert len(log.tile(0, 0, width=256)) == 256
        assert len(log.tile(0, 1, width=45)) == 45
        assert len(log.tile(1, 0, width=1)) == 1
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []


def enter_together(log: Log, drafts: list[Draft]) -> list[Sequenced]:
    """Append so that drafts share batches."""

    async def everything() -> list[Sequenced]:
        return await asyncio.gather(*(log.append_async(draft) for draft in drafts))

    return asyncio.run(everything())


def test_drafts_that_wait_together_share_one_signature(home: LogHome) -> None:
    held, entered = threading.Event(), threading.Event()

    def at(point: str) -> None:
        if point == "keyed":
            entered.set()
            assert held.wait(30)

    with home.opened(at=at) as log:
        first = threading.Thread(target=log.append, args=(a_call(),))
        first.start()
        assert entered.wait(30)
        others = [log._enter(a_call()) for _ in range(50)]
        held.set()
        sizes = {other.result().size for other in others}
        first.join()
    assert sizes == {51}


def test_values_and_bytes_are_committed_to_and_open_again(log: Log) -> None:
    sequenced = log.append(a_call())
    digests = log.digests(sequenced.index)
    case = log.open_disclosure(sequenced.index, "case")
    answer = sequenced.openings["answer"]
    assert case is not None
    assert digests["case"] == commit_value(case.salt, "case", "2026-0117")
    assert digests["answer"] == commit_bytes(answer.salt, b'{"a":1}')
    subject = log.open_disclosure(sequenced.index, "subject.s1")
    assert subject is not None
    assert subject.value == list(SUBJECT)
    assert log.open_disclosure(sequenced.index, "invented") is None


def test_the_caller_gets_the_openings_it_asked_for_and_no_others(log: Log) -> None:
    assert set(log.append(a_call()).openings) == {"request", "answer", "n.consumer:hall"}


def test_numbers_have_no_gaps_also_where_drafts_are_refused_between(log: Log) -> None:
    log.append(an_act(barrier=True))
    drafts = []
    for _ in range(20):
        drafts += [a_call(), a_call(applied=-1), a_call(clear={"x": "y" * 20_000})]
    results = [attempt(log, draft) for draft in drafts]
    numbers = [
        result.openings["n.consumer:hall"].value
        for result in results
        if isinstance(result, Sequenced)
    ]
    assert numbers == list(range(1, 21))


def attempt(log: Log, draft: Draft) -> Sequenced | Exception:
    try:
        return log.append(draft)
    except (StaleSnapshotError, MalformedError) as error:
        return error


def test_a_nonce_is_good_once_and_the_replay_is_recorded_instead(log: Log) -> None:
    nonce = Nonce(key="key_1", nonce="abc", expires=10**13)
    draft = a_call(nonce=nonce, otherwise={"replayed": REFUSED})
    assert log.append(draft).instead is None
    replayed = log.append(draft)
    assert replayed.instead == "replayed"
    assert body_of(replayed)["code"] == "REPLAYED"
    other = structs.replace(draft, nonce=structs.replace(nonce, key="key_2"))
    assert log.append(other).instead is None


def test_two_of_one_nonce_in_one_batch_are_a_replay(log: Log) -> None:
    nonce = Nonce(key="key_1", nonce="abc", expires=10**13)
    draft = a_call(nonce=nonce, otherwise={"replayed": REFUSED})
    found = enter_together(log, [draft] * 8)
    assert sorted(str(one.instead) for one in found) == ["None"] + ["replayed"] * 7


def test_a_nonce_is_held_across_a_restart_and_forgotten_once_expired(home: LogHome) -> None:
    expires = int(NOON.timestamp() * 1000) + 60_000
    nonce = Nonce(key="key_1", nonce="abc", expires=expires)
    draft = a_call(nonce=nonce, otherwise={"replayed": REFUSED})
    with home.opened() as log:
        log.append(draft)
    with home.opened() as log:
        assert log.append(draft).instead == "replayed"
        home.clock.turn(minutes=3)
        log.append(a_call())
        assert log.append(draft).instead is None


def test_a_quota_ends_in_a_recorded_refusal_and_never_goes_over(log: Log) -> None:
    quota = Quota(key="grt_1", day="2026-11-23", amount=2, most=5)
    draft = a_call(quotas=(quota,), otherwise={"quota": REFUSED})
    found = enter_together(log, [draft] * 4)
    assert [one.instead for one in found] == [None, None, "quota", "quota"]
    assert log.quota_used("grt_1", "2026-11-23") == 4
    next_day = structs.replace(quota, day="2026-11-24")
    assert log.append(structs.replace(draft, quotas=(next_day,))).instead is None


def test_different_members_are_counted_once_each_in_one_batch_and_over_batches(log: Log) -> None:
    def about(*members: str) -> Draft:
        quotas = tuple(
            Quota(key="k", day="2026-11-23", amount=1, most=2, member=member, spent="subjects")
            for member in members
        )
        return a_call(quotas=quotas, otherwise={"subjects": REFUSED})

    found = enter_together(log, [about("a", "a"), about("b"), about("c"), about("a")])
    assert [one.instead for one in found] == [None, None, "subjects", None]
    assert log.append(about("b", "c")).instead == "subjects"
    assert log.append(about("b", "a")).instead is None
    assert log.quota_used("k", "2026-11-23") == 2


def test_a_call_refused_for_its_quota_cannot_be_sent_again(log: Log) -> None:
    quota = Quota(key="grt_1", day="2026-11-23", amount=1, most=0)
    draft = a_call(
        nonce=Nonce(key="key_1", nonce="abc", expires=10**13),
        quotas=(quota,),
        otherwise={"quota": REFUSED, "replayed": REFUSED},
    )
    assert [log.append(draft).instead for _ in range(2)] == ["quota", "replayed"]


def instead(draft: Draft, **said: Any) -> Alternatives:
    told = {"kind": draft.kind, "counters": draft.counters, "subjects": [SUBJECT], **said}
    return Alternatives(["replayed"], lambda _: draft, **told)


def test_an_alternative_is_made_only_where_it_is_appended(log: Log) -> None:
    made: list[Draft] = []

    def make(name: str) -> Draft:
        assert name == "replayed"
        made.append(REFUSED)
        return REFUSED

    others = Alternatives(
        ["replayed"], make, kind="call", counters=REFUSED.counters, subjects=[SUBJECT]
    )
    nonce = Nonce(key="key_1", nonce="abc", expires=10**13)
    draft = a_call(nonce=nonce, counters=("consumer:hall",), otherwise=others)
    assert log.append(draft).instead is None
    assert made == []
    replayed = log.append(draft)
    assert (replayed.instead, made) == ("replayed", [REFUSED])
    # What it draws from was known beforehand: no number is skipped and none is drawn twice.
    drawn = log.open_disclosure(replayed.index, "n.resource:MSA-001")
    assert drawn is not None
    assert drawn.value == 1


@pytest.mark.parametrize(
    "said", [{"kind": "intent"}, {"counters": ("consumer:hall",)}, {"subjects": []}]
)
def test_an_alternative_that_goes_beyond_what_was_said_of_it_is_not_appended(
    log: Log, said: dict[str, Any]
) -> None:
    nonce = Nonce(key="key_1", nonce="abc", expires=10**13)
    draft = a_call(nonce=nonce, otherwise=instead(a_call(), **said))
    log.append(draft)
    size = log.size
    with pytest.raises(MalformedError, match="goes beyond"):
        log.append(draft)
    assert log.size == size


def test_a_draft_without_something_to_append_instead_is_refused(log: Log) -> None:
    nonce = Nonce(key="key_1", nonce="abc", expires=1)
    quota = Quota(key="grt_1", day="2026-11-23", amount=1, most=5)
    for draft in (a_call(nonce=nonce), a_call(quotas=(quota,)), a_call(kind="act-void")):
        with pytest.raises(MalformedError):
            log.append(draft)


def test_a_call_ruled_before_the_barrier_is_stale_and_one_ruled_after_is_not(log: Log) -> None:
    log.append(a_call(applied=-1))
    barrier = log.append(an_act(barrier=True)).index
    assert log.barrier == barrier == 1
    with pytest.raises(StaleSnapshotError):
        log.append(a_call(applied=0))
    assert body_of(log.append(a_call(applied=1)))["applied"] == 1


@pytest.mark.parametrize(
    "draft",
    [
        a_call(clear={"x": "y" * 20_000}),
        a_call(clear={"digests": {}}),
        a_call(commits=(Commit(name="a", value=1), Commit(name="a", value=2)), receipt=()),
        a_call(receipt=("invented",)),
        a_call(clear={"x": 1.5}),
    ],
    ids=["too long", "a member of ours", "one name twice", "unknown receipt", "a float"],
)
def test_a_draft_that_cannot_be_an_entry_harms_no_other(log: Log, draft: Draft) -> None:
    with pytest.raises(MalformedError):
        log.append(draft)
    log.ready()
    assert log.append(a_call()).index == 0


def test_time_never_runs_backwards_in_the_log(home: LogHome) -> None:
    with home.opened() as log:
        first = body_of(log.append(a_call()))["ts"]
        home.clock.turn(minutes=-10)
        assert body_of(log.append(a_call()))["ts"] == first
    with home.opened() as log:
        assert body_of(log.append(a_call()))["ts"] == first


def test_the_newest_digest_of_each_row_holds_also_after_a_restart(home: LogHome) -> None:
    with home.opened() as log:
        log.append(an_act(key="grt_1", digest="one"))
        log.append(a_call())
        log.append(an_act(key="grt_2", digest="two"))
        log.append(an_act(key="grt_1", digest=None))
        rows = dict(log.registry_rows())
        assert rows == {("grant", "grt_1"): (3, None), ("grant", "grt_2"): (2, "two")}
    with home.opened() as log:
        assert log.registry_rows() == rows
        assert log.last_act_index() == 3


def test_a_voided_act_gives_the_row_its_former_digest_back(home: LogHome) -> None:
    with home.opened() as log:
        log.append(an_act(digest="one"))
        voided = log.append(an_act(digest="two")).index
        fresh = log.append(an_act(key="grt_2", digest="new")).index
        for index in (voided, fresh):
            log.append(Draft(kind="act-void", clear={"voids": index}, barrier=True))
        rows = dict(log.registry_rows())
        assert rows == {("grant", "grt_1"): (0, "one")}
        assert log.barrier == 4
    with home.opened() as log:
        assert log.registry_rows() == rows


def test_a_picture_of_the_rows_does_not_change_under_its_reader(log: Log) -> None:
    log.append(an_act(digest="one"))
    before = log.registry_rows()
    log.append(an_act(digest="two"))
    assert before[("grant", "grt_1")] == (0, "one")
    assert log.registry_rows()[("grant", "grt_1")] == (1, "two")


def test_published_checkpoints_come_once_a_second_and_bear_both_signatures(
    log: Log, home: LogHome
) -> None:
    published = home.keys.published_signer
    assert published is not None
    log.append(a_call())
    first = log.published()
    verifiers = [home.keys.signer.verifier, published.verifier]
    assert len(open_note(first, verifiers).verified) == 2
    log.append(a_call())
    assert log.published() == first
    home.clock.turn(seconds=1)
    assert parse_checkpoint(parse_note(log.published()).text).size == 2


def test_the_line_is_bounded_and_a_full_one_refuses_at_once(home: LogHome) -> None:
    held, entered = threading.Event(), threading.Event()

    def at(point: str) -> None:
        if point == "keyed":
            entered.set()
            assert held.wait(30)

    with home.opened(at=at, limit=2) as log:
        first = log._enter(a_call())
        assert entered.wait(30)
        waiting = [log._enter(a_call()) for _ in range(2)]
        with pytest.raises(LogBusyError):
            log.append(a_call())
        with pytest.raises(LogBusyError):
            log.ready()
        held.set()
        assert [future.result().index for future in (first, *waiting)] == [0, 1, 2]
        log.ready()


async def test_a_caller_that_went_away_while_waiting_is_not_appended(home: LogHome) -> None:
    held, entered = threading.Event(), threading.Event()

    def at(point: str) -> None:
        if point == "keyed":
            entered.set()
            assert held.wait(30)

    log = home.open(at=at)
    first = log._enter(a_call())
    assert entered.wait(30)
    gone = asyncio.ensure_future(log.append_async(a_call()))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    held.set()
    assert first.result().index == 0
    log.close()
    assert log.size == 1


def test_a_closed_log_takes_nothing(home: LogHome) -> None:
    log = home.open()
    log.close()
    log.close()
    for refused in (log.ready, lambda: log.append(a_call())):
        with pytest.raises(LogUnavailableError):
            refused()


def test_there_is_no_entry_and_no_proof_outside_the_log(log: Log) -> None:
    log.append(a_call())
    for question in (
        lambda: log.entry(1),
        lambda: log.entry(-1),
        lambda: log.prove(1),
        lambda: log.prove(0, size=2),
    ):
        with pytest.raises(ProofError):
            question()
