"""Guessing a value by verification ends, whoever guesses, in whatever case, at whichever gateway."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from catalogue.model import Resource, Validity
from gateway.attempts import EVER
from gateway.errors import SourceUnavailableError
from gateway.pipeline import Answered, Contracts, Terms, answer
from gateway.ports import Ports
from tests.fakes.calls import (
    CASE,
    NOW,
    USCC,
    a_call,
    a_caller,
    a_case,
    a_resource,
    a_snapshot,
    a_usage,
)
from tests.fakes.decisions import Decides
from tests.fakes.registry import FixedRegistry
from tests.fakes.shared_log import SharedLog
from tests.fakes.sources import FailingSource, FixedSource


class Gateway:
    def __init__(
        self,
        log: SharedLog,
        source: FixedSource | None = None,
        resource: Resource | None = None,
    ) -> None:
        row = {"uscc": USCC, "name": "某某", "status": "存续", "legal_id": "1", "phone": "1"}
        self.source = source or FixedSource({USCC: [row]})
        cases = {
            (system, f"{CASE}-{n}"): a_case(id=f"cas_{system}_{n}", system=system)
            for system in ("sys_permit", "sys_second")
            for n in range(9)
        }
        snapshot = a_snapshot((resource or a_resource(),))
        second = replace(snapshot.systems["sys_permit"], id="sys_second")
        key = replace(snapshot.keys["key_1"], id="key_2", system="sys_second")
        self.snapshot = replace(
            snapshot,
            systems={**snapshot.systems, second.id: second},
            keys={**snapshot.keys, key.id: key},
        )
        self.ports = Ports(
            decisions=Decides(),
            sources={"market-db": self.source},
            recorder=log,
            registry=FixedRegistry(self.snapshot, cases=cases),
            quotas=log,
            now=lambda: NOW,
            monotonic=lambda: 0.0,
            fresh_id=lambda prefix: f"{prefix}1",
            gateway="gw",
        )

    async def guess(self, *names: str, case: int = 0, system: str = "sys_permit") -> Answered:
        return await self.ask(*(f'name: "{name}"' for name in names), case=case, system=system)

    async def ask(self, *claims: str, case: int = 0, system: str = "sys_permit") -> Answered:
        fields = " ".join(
            f'v{n}: verifyBusinessLicence(uscc: "{USCC}", claims: {{{claim}}}) {{ result }}'
            for n, claim in enumerate(claims)
        )
        caller = a_caller(
            system=self.snapshot.systems[system],
            key="key_1" if system == "sys_permit" else "key_2",
        )
        call = a_call(
            f"{{ {fields} }}", caller=caller, usage=a_usage(case=f"{CASE}-{case}"), variables={}
        )
        terms = Terms(zone=ZoneInfo("Asia/Shanghai"))
        return await answer(call, self.ports, terms=terms, contracts=Contracts())


def told(answered: Answered) -> list[str]:
    recorded = answered.recorded
    results = [one["result"] for one in (json.loads(recorded.data) or {}).values() if one]
    return results + [error["extensions"]["code"] for error in recorded.errors]


@pytest.mark.proves("F20")
async def test_the_fourth_value_within_a_case_is_refused_and_the_source_is_not_asked() -> None:
    gateway = Gateway(SharedLog())
    for name in ("甲", "乙", "丙"):
        assert told(await gateway.guess(name)) == ["MISMATCH"]
    asked = len(gateway.source.reads)
    assert told(await gateway.guess("某某")) == ["VERIFY_SPENT"]
    assert len(gateway.source.reads) == asked
    assert told(await gateway.guess("某某", case=1)) == ["MATCH"]


@pytest.mark.proves("F20")
async def test_a_search_spread_over_systems_cases_and_gateways_ends_after_ten_values() -> None:
    log = SharedLog()
    gateways = [Gateway(log), Gateway(log)]
    results = [
        told(
            await gateways[n % 2].guess(
                f"名{n}", case=n // 4, system=("sys_permit", "sys_second")[n % 2]
            )
        )
        for n in range(16)
    ]
    assert results[:10] == [["MISMATCH"]] * 10
    assert results[10:] == [["VERIFY_SPENT"]] * 6
    assert sum(len(gateway.source.reads) for gateway in gateways) == 10


@pytest.mark.proves("F20")
async def test_guesses_of_one_call_count_together() -> None:
    gateway = Gateway(SharedLog())
    assert told(await gateway.guess("甲", "乙", "丙", "丁")) == ["VERIFY_SPENT"] * 4
    assert gateway.source.reads == []
    assert told(await gateway.guess("甲", "乙", "丙")) == ["MISMATCH"] * 3


@pytest.mark.proves("F20")
async def test_guesses_that_come_at_once_are_told_apart_by_the_batch_before_the_fetch() -> None:
    log = SharedLog()
    log.blind = True
    gateway = Gateway(log)
    results = [await gateway.guess(f"名{n}") for n in range(5)]
    assert [one.status for one in results] == [200, 200, 200, 429, 429]
    assert len(gateway.source.reads) == 3
    assert results[3].recorded.data == b"null"


async def test_a_guess_counts_where_the_source_was_down_too() -> None:
    log = SharedLog()
    down = Gateway(log, FailingSource(SourceUnavailableError()))
    for _ in range(3):
        assert told(await down.guess("甲")) == ["UNDETERMINED"]
    assert told(await Gateway(log).guess("甲")) == ["VERIFY_SPENT"]


async def test_what_is_counted_holds_no_identifier_and_a_case_has_its_guesses_once() -> None:
    log = SharedLog()
    await Gateway(log).guess("甲")
    keys = [place for place in log.standing.used if place[0].startswith("verify")]
    assert {day for _, day in keys} == {EVER, "2026-11-23"}
    assert not any(USCC in key or "甲" in key or CASE in key for key, _ in keys)


async def test_a_claim_that_a_record_stands_is_no_guess() -> None:
    standing = Validity(status_item="status", valid_words=("存续",), until_item=None)
    gateway = Gateway(SharedLog(), resource=a_resource(validity=standing))
    for _ in range(5):
        assert told(await gateway.ask("valid: true")) == ["MATCH"]
