"""Whoever asks another department's system has said so in the log before, and says afterwards what came."""

import json
from dataclasses import replace
from typing import Any

import pytest

from audit import canonical
from audit.errors import LogUnavailableError
from catalogue.model import SourceAddress
from catalogue.snapshot import Snapshot
from gateway.model import Masked, Refused
from gateway.pipeline import RefusedCallError
from policies.model import RequestFacts, Verdict
from tests.fakes.calls import PERSON, REASON, USCC, a_snapshot
from tests.fakes.decisions import Decides, permitted, refused
from tests.fakes.recorder import ListRecorder
from tests.fakes.sources import FailingSource
from tests.unit.gateway.test_pipeline import LINKED, QUERY, RESOURCES, THREE, Setting


def kept_here(snapshot: Snapshot, *names: str) -> Snapshot:
    """The same registry, in which the exchange itself keeps the tables of some sources."""

    def moved(source: SourceAddress) -> SourceAddress:
        return replace(source, kind="file") if source.name in names else source

    return replace(snapshot, sources={n: moved(s) for n, s in snapshot.sources.items()})


def entries(setting: Setting) -> list[dict[str, Any]]:
    return [json.loads(body) for body in setting.recorder.bodies]


def refuse_all(request: RequestFacts) -> Verdict:
    return refused(request, "GRANT_MISSING")


@pytest.mark.proves("W15")
async def test_an_intent_is_in_the_log_before_a_remote_source_is_asked() -> None:
    setting = Setting()
    setting.recorder.down_after = 0
    with pytest.raises(LogUnavailableError):
        await setting.answer()
    assert setting.reads() == 0


@pytest.mark.proves("W15")
async def test_the_call_names_its_intent_and_both_hold_why_and_about_whom() -> None:
    setting = Setting()
    await setting.answer()
    intent, call = entries(setting)
    assert (intent["kind"], call["kind"]) == ("intent", "call")
    assert call["intents"] == [0]
    assert intent["call"] == call["call"]
    (step,) = intent["steps"]
    assert (step["ref"], step["asked"]) == ("s1", call["steps"][0]["asked"])
    committed = {"case", "reason", "operator", "officer", "signature", "request", "subject.s1"}
    assert committed <= intent["digests"].keys()
    assert USCC not in str(intent)
    assert REASON not in str(intent)
    (row,) = setting.recorder.drafts[0].index
    assert row.subject == ("enterprise", USCC)


@pytest.mark.proves("W15")
async def test_rows_are_dropped_and_the_intent_stays_where_the_outcome_cannot_be_recorded() -> None:
    setting = Setting()
    setting.recorder.down_after = 1
    with pytest.raises(LogUnavailableError):
        await setting.answer()
    assert setting.reads() == 1
    assert [entry["kind"] for entry in entries(setting)] == ["intent"]


async def test_a_source_that_fails_is_an_outcome_too() -> None:
    failing = FailingSource(ConnectionError("gone"))
    setting = Setting(market_db=failing)
    await setting.answer()
    _intent, call = entries(setting)
    assert call["intents"] == [0]
    assert call["steps"][0]["outcome"] == "unavailable"


async def test_a_table_that_the_exchange_keeps_needs_one_entry() -> None:
    setting = Setting(snapshots=(kept_here(a_snapshot(RESOURCES), "market-db"),))
    await setting.answer()
    (call,) = entries(setting)
    assert "intents" not in call
    assert setting.recorder.drafts[0].nonce is not None


async def test_only_what_will_be_asked_of_others_stands_in_the_intent() -> None:
    snapshot = kept_here(a_snapshot(RESOURCES), "market-db")
    setting = Setting(decisions=Decides({"s3": refuse_all}), snapshots=(snapshot,))
    await setting.answer(THREE)
    intent, call = entries(setting)
    assert [step["ref"] for step in intent["steps"]] == ["s2"]
    assert [step["ref"] for step in call["steps"]] == ["s1", "s2", "s3"]


async def test_what_an_intent_gives_along_is_what_would_be_written() -> None:
    for asked in (QUERY, THREE, QUERY):
        setting = Setting()
        await setting.answer(asked)
        intent = setting.recorder.drafts[0]
        assert intent.kind == "intent"
        assert intent.forms == {"steps": canonical.encode(intent.clear["steps"])}


async def test_nobody_is_asked_and_nothing_intended_where_everything_is_refused() -> None:
    setting = Setting(decisions=Decides({"s1": refuse_all}))
    await setting.answer()
    (call,) = entries(setting)
    assert (call["kind"], "intents" in call) == ("call", False)


async def test_a_source_that_the_registry_does_not_know_counts_as_remote() -> None:
    snapshot = replace(a_snapshot(RESOURCES), sources={})
    setting = Setting(snapshots=(snapshot,))
    await setting.answer()
    assert [entry["kind"] for entry in entries(setting)] == ["intent", "call"]


async def test_whom_a_link_leads_to_stands_in_the_outcome() -> None:
    setting = Setting()
    await setting.answer(LINKED)
    intent, call = entries(setting)
    assert [step["ref"] for step in intent["steps"]] == ["s1", "s2"]
    assert "subject.s2" not in intent["digests"]
    assert "subject.s2" in call["digests"]
    assert PERSON not in str(intent)


@pytest.mark.parametrize(("instead", "code"), [("replayed", "REPLAYED"), ("quota", "GRANT_QUOTA")])
async def test_a_replay_or_a_spent_quota_asks_nobody(instead: str, code: str) -> None:
    setting = Setting(recorder=ListRecorder(instead=instead))
    answered = await setting.answer()
    assert setting.reads() == 0
    (only,) = entries(setting)
    assert only["kind"] == "call"
    assert [o.code for o in answered.recorded.outcomes if isinstance(o, Refused)] == [code]
    (error,) = answered.recorded.errors
    assert error["extensions"]["code"] == code


async def test_the_intent_uses_up_nonce_and_quota_and_the_outcome_neither() -> None:
    setting = Setting()
    await setting.answer()
    intent, call = setting.recorder.drafts
    assert (intent.nonce is None, call.nonce is None) == (False, True)
    assert [quota.spent for quota in intent.quotas] == [
        "quota",
        "calls-of-officer",
        "subjects-of-officer",
        "subjects-of-case",
    ]
    # How many records there are is known afterwards.
    assert [quota.spent for quota in call.quotas] == ["rows-of-officer"]


async def test_a_call_that_is_ruled_again_names_both_intents_and_counts_once() -> None:
    fresh = a_snapshot(RESOURCES, applied_index=9)
    recorder = ListRecorder(stale_at={1})
    setting = Setting(recorder=recorder, snapshots=(a_snapshot(RESOURCES), fresh))
    answered = await setting.answer()
    assert isinstance(answered.recorded.outcomes[0], Masked)
    first, second, call = entries(setting)
    assert [first["kind"], second["kind"]] == ["intent", "intent"]
    assert call["intents"] == [0, 1]
    drafts = setting.recorder.drafts
    assert [draft.nonce is None for draft in drafts] == [False, True, True, True]
    assert [len(draft.quotas) for draft in drafts] == [4, 1, 0, 1]


async def test_a_call_refused_at_its_second_ruling_still_ends_its_intent() -> None:
    setting = Setting(recorder=ListRecorder(stale_at={1}))
    setting.decisions = Decides({"s1": permitted_once()})
    setting.ports = replace(setting.ports, decisions=setting.decisions)
    await setting.answer()
    _intent, call = entries(setting)
    assert call["intents"] == [0]
    assert call["steps"][0]["code"] == "GRANT_MISSING"


async def test_a_caller_whose_key_was_taken_meanwhile_still_ends_its_intent() -> None:
    gone = replace(a_snapshot(RESOURCES), keys={})
    recorder = ListRecorder(stale_at={1})
    setting = Setting(recorder=recorder, snapshots=(a_snapshot(RESOURCES), gone, gone))
    with pytest.raises(RefusedCallError, match="NOT_AUTHENTICATED"):
        await setting.answer(QUERY)
    _intent, refusal = entries(setting)
    assert refusal["intents"] == [0]
    assert refusal["code"] == "NOT_AUTHENTICATED"


def permitted_once() -> Any:
    """A decision that permits the first time and refuses from then on."""
    asked: list[str] = []

    def decide(request: RequestFacts) -> Verdict:
        asked.append(request.resource)
        return permitted(request) if len(asked) == 1 else refused(request, "GRANT_MISSING")

    return decide
