"""Asking about one after the other ends in a refusal, however it is spread, and it says until when."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from catalogue.codes import complete_uscc
from catalogue.model import Resource
from catalogue.snapshot import Snapshot
from gateway.limits import Limits
from gateway.model import Refused
from gateway.pipeline import Answered, Contracts, Terms, answer
from gateway.ports import Ports
from tests.fakes.calls import (
    CASE,
    NOW,
    PERSON,
    USCC,
    a_call,
    a_caller,
    a_case,
    a_grant,
    a_household,
    a_resource,
    a_snapshot,
    a_usage,
    an_officer,
)
from tests.fakes.decisions import Decides
from tests.fakes.registry import FixedRegistry
from tests.fakes.shared_log import SharedLog
from tests.fakes.sources import FixedSource
from tests.unit.gateway.test_pipeline import LINKED

ONE = "query($e: ID!) { enterprise(uscc: $e) { businessLicence { name } } }"
NARROW = Limits(subjects_per_officer=3, subjects_per_case=100, rows_per_officer=0)


def firm(n: int) -> str:
    return complete_uscc(f"91330106MA{n:07d}")


FIRMS = [firm(n) for n in range(12)]


def a_row(uscc: str) -> Mapping[str, Any]:
    return {"uscc": uscc, "name": uscc[-4:], "status": "1", "legal_id": PERSON, "phone": "1"}


class Gateway:
    """One of several gateways: what they share is the log, and nothing else."""

    def __init__(
        self, log: SharedLog, *resources: Resource, limits: Limits = NARROW, **grant: Any
    ) -> None:
        resources = resources or (a_resource(),)
        granted = a_grant(resources[0], **{"id": "grt_1", "daily_quota": 1_000, **grant})
        snapshot = a_snapshot(resources, (granted,))
        second = replace(snapshot.systems["sys_permit"], id="sys_second")
        key = replace(snapshot.keys["key_1"], id="key_2", system="sys_second")
        self.snapshot: Snapshot = replace(
            snapshot,
            systems={**snapshot.systems, second.id: second},
            keys={**snapshot.keys, key.id: key},
        )
        cases = {
            (system, f"{CASE}-{n}"): a_case(id=f"cas_{n}", system=system)
            for system in ("sys_permit", "sys_second")
            for n in range(9)
        }
        self.source = FixedSource({uscc: [dict(a_row(uscc))] for uscc in (*FIRMS, USCC)})
        self.people = FixedSource({PERSON: [{"id": PERSON, "address": "某路"}]})
        self.limits = limits
        self.ports = Ports(
            decisions=Decides(),
            sources={"market-db": self.source, "police-db": self.people},
            recorder=log,
            registry=FixedRegistry(self.snapshot, cases=cases),
            quotas=log,
            now=lambda: NOW,
            monotonic=lambda: 0.0,
            fresh_id=lambda prefix: f"{prefix}1",
            gateway="gw",
        )

    async def ask(
        self,
        uscc: str,
        query: str = ONE,
        *,
        case: int = 0,
        system: str = "sys_permit",
        officer: str = "off_1",
    ) -> Answered:
        caller = a_caller(
            system=self.snapshot.systems[system],
            key="key_1" if system == "sys_permit" else "key_2",
            officer=an_officer(id=officer),
        )
        usage = a_usage(case=f"{CASE}-{case}")
        call = a_call(query, caller=caller, usage=usage, variables={"e": uscc})
        terms = Terms(zone=ZoneInfo("Asia/Shanghai"), limits=self.limits)
        return await answer(call, self.ports, terms=terms, contracts=Contracts())


def code(answered: Answered) -> str:
    """Return the code of the first error; empty where there is none."""
    errors = answered.recorded.errors
    return str(errors[0]["extensions"]["code"]) if errors else ""


@pytest.mark.proves("O7")
async def test_going_through_subjects_ends_over_all_systems_cases_and_gateways() -> None:
    log = SharedLog()
    gateways = [Gateway(log), Gateway(log)]
    codes = [
        code(
            await gateways[n % 2].ask(
                uscc, case=n % 5, system=("sys_permit", "sys_second")[n // 2 % 2]
            )
        )
        for n, uscc in enumerate(FIRMS)
    ]
    assert codes == [""] * 3 + ["QUOTA_SPENT"] * 9
    assert sum(len(gateway.source.reads) for gateway in gateways) == 3


@pytest.mark.proves("O7")
async def test_what_two_gateways_give_at_once_is_told_apart_by_the_batch() -> None:
    log = SharedLog()
    log.blind = True
    gateway = Gateway(log)
    answers = [await gateway.ask(uscc) for uscc in FIRMS[:5]]
    assert [one.status for one in answers] == [200, 200, 200, 429, 429]
    assert answers[3].recorded.data == b"null"
    (error,) = answers[3].recorded.errors
    assert error["extensions"] == {
        "code": "QUOTA_SPENT",
        "spent": "subjects-of-officer",
        "limit": 3,
        "freeOn": "2026-11-24",
    }
    # The sources that are not ours were asked about three only: the intent counts.
    assert len(gateway.source.reads) == 3


@pytest.mark.proves("O7")
async def test_a_grant_bounds_its_subjects_whoever_of_the_department_asks() -> None:
    log = SharedLog()
    gateway = Gateway(log, limits=Limits(), daily_subjects=4)
    codes = [code(await gateway.ask(u, officer=f"off_{n}")) for n, u in enumerate(FIRMS)]
    assert codes == [""] * 4 + ["QUOTA_SPENT"] * 8


@pytest.mark.proves("O7")
async def test_a_case_has_its_subjects_once_and_no_day_brings_them_back() -> None:
    gateway = Gateway(SharedLog(), limits=Limits(subjects_per_case=2))
    answers = [await gateway.ask(u, officer=f"off_{n}") for n, u in enumerate(FIRMS[:3])]
    assert [code(one) for one in answers] == ["", "", "QUOTA_SPENT"]
    facts = answers[2].recorded.errors[0]["extensions"]
    assert (facts["spent"], facts["limit"], facts["freeOn"]) == ("subjects-of-case", 2, None)
    assert code(await gateway.ask(FIRMS[3], case=1)) == ""


@pytest.mark.proves("O7")
async def test_whom_links_lead_to_counts_and_nothing_leaves_beyond() -> None:
    log = SharedLog()
    gateway = Gateway(log, a_resource(), a_household(), limits=Limits(subjects_per_officer=1))
    answered = await gateway.ask(FIRMS[0], LINKED)
    assert answered.recorded.data == b"null"
    assert [one.code for one in answered.recorded.outcomes if isinstance(one, Refused)] == [
        "QUOTA_SPENT",
        "QUOTA_SPENT",
    ]


async def test_the_same_subject_again_costs_nothing() -> None:
    log = SharedLog()
    gateway = Gateway(log)
    for n in range(6):
        assert code(await gateway.ask(FIRMS[0], case=n)) == ""
    assert log.standing.used["subjects-of-officer:off_1", "2026-11-23"] == 1
    assert [code(await gateway.ask(uscc)) for uscc in FIRMS[:4]] == ["", "", "", "QUOTA_SPENT"]
    # What was asked about before is no new subject.
    assert code(await gateway.ask(FIRMS[1])) == ""


async def test_who_asks_for_several_departments_about_one_subject_counts_one() -> None:
    log = SharedLog()
    twice = """query($e: ID!) { a: enterprise(uscc: $e) { businessLicence { name } }
      b: enterprise(uscc: $e) { businessLicence { status } } }"""
    assert code(await Gateway(log).ask(FIRMS[0], twice)) == ""
    assert log.standing.used["subjects-of-officer:off_1", "2026-11-23"] == 1


async def test_records_are_counted_as_they_are_given_and_none_is_given_beyond() -> None:
    log = SharedLog()
    gateway = Gateway(log, limits=Limits(), daily_rows=2)
    answers = [await gateway.ask(uscc) for uscc in FIRMS[:4]]
    assert [code(one) for one in answers] == ["", "", "QUOTA_SPENT", "QUOTA_SPENT"]
    assert answers[2].recorded.errors[0]["extensions"]["spent"] == "rows-of-grant"
    assert log.standing.used["rows-of-grant:grt_1", "2026-11-23"] == 2
    assert len(gateway.source.reads) == 2
    assert json.loads(answers[2].recorded.data)["enterprise"]["businessLicence"] is None


async def test_an_officer_has_so_many_calls_and_records_a_day() -> None:
    by_calls = Gateway(SharedLog(), limits=Limits(calls_per_officer=2))
    answers = [await by_calls.ask(FIRMS[0]) for _ in range(3)]
    assert [code(one) for one in answers] == ["", "", "QUOTA_SPENT"]
    assert answers[2].recorded.errors[0]["extensions"]["spent"] == "calls-of-officer"
    by_rows = Gateway(SharedLog(), limits=Limits(rows_per_officer=2))
    answers = [await by_rows.ask(FIRMS[0]) for _ in range(3)]
    assert answers[2].recorded.errors[0]["extensions"]["spent"] == "rows-of-officer"


async def test_a_job_is_counted_as_its_responsible_officer_and_no_identifier_is_kept() -> None:
    log = SharedLog()
    gateway = Gateway(log)
    system = replace(gateway.snapshot.systems["sys_permit"], responsible="off_1")
    gateway.snapshot = replace(
        gateway.snapshot, systems={**gateway.snapshot.systems, system.id: system}
    )
    await gateway.ask(FIRMS[0])
    caller = a_caller(system=system, officer=None, operator_auth="system-job")
    call = a_call(ONE, caller=caller, usage=a_usage(), variables={"e": FIRMS[1]})
    terms = Terms(zone=ZoneInfo("Asia/Shanghai"), limits=NARROW)
    await answer(call, gateway.ports, terms=terms, contracts=Contracts())
    assert log.standing.used["subjects-of-officer:off_1", "2026-11-23"] == 2
    assert not any(uscc in key for key, _ in log.standing.used for uscc in FIRMS)
    assert not any(CASE in key for key, _ in log.standing.used)


async def test_nothing_bounds_where_a_bound_is_none() -> None:
    log = SharedLog()
    none = Limits(
        calls_per_officer=0, rows_per_officer=0, subjects_per_officer=0, subjects_per_case=0
    )
    gateway = Gateway(log, limits=none)
    for uscc in FIRMS:
        assert code(await gateway.ask(uscc)) == ""
    assert {key.partition(":")[0] for key, _ in log.standing.used} == {"grant"}
