"""An entry as people read it: every code has a name, and what has none stays what it is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import bitmap
from exchange.acts.reading import tell_brief, tell_entry
from tests.fakes.catalogue import HALL, HALL_SYSTEM, HOUSING, LICENCE, MARKET, MATTER, a_snapshot

NAMES = a_snapshot()


def a_step(**changes: Any) -> dict[str, Any]:
    """A step of which the phone was masked and a sixth item refused."""
    return {
        "ref": "s1",
        "provider": MARKET,
        "resource": LICENCE,
        "revision": 1,
        "class": "conditional",
        "asked": bitmap([1, 4, 5]),
        "matched": bitmap([0]),
        "given": bitmap([1]),
        "masked": bitmap([4]),
        "refused": bitmap([5]),
        "grant": "grt_1",
        "rows": 1,
        "outcome": "partly-given",
        "code": "",
        **changes,
    }


def an_entry(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "call",
        "ts": 1_764_000_000_123,
        "consumer": HALL,
        "system": HALL_SYSTEM,
        "matter": MATTER,
        "steps": list(steps),
        "digests": {"case": "x", "answer": "y"},
    }


def test_bitmaps_are_told_as_the_titles_of_items() -> None:
    step = tell_entry(an_entry(a_step()), names=NAMES)["steps"][0]
    titles = {
        name: [item["title"] for item in step[name]] for name in ("given", "masked", "refused")
    }
    assert titles == {
        "given": ["企业名称"],
        "masked": ["联系电话"],
        "refused": ["法定代表人证件号"],
    }


def test_an_item_or_resource_that_nobody_knows_any_more_stays_a_number_or_a_code() -> None:
    step = tell_entry(an_entry(a_step(given=bitmap([1, 99]))), names=NAMES)["steps"][0]
    assert [item["title"] for item in step["given"]] == ["企业名称", "#99"]
    step = tell_entry(an_entry(a_step(resource="gone/1")), names=NAMES)["steps"][0]
    assert step["resource"] == {"code": "gone/1", "name": "gone/1", "name_en": "gone/1"}
    assert [item["title"] for item in step["given"]] == ["#1"]


@given(st.sets(st.integers(0, 400), max_size=40))
def test_no_item_is_lost_in_telling(ordinals: set[int]) -> None:
    step = tell_entry(an_entry(a_step(asked=bitmap(ordinals))), names=NAMES)["steps"][0]
    assert [item["ordinal"] for item in step["asked"]] == sorted(ordinals)


def test_of_an_act_the_department_and_matter_are_named() -> None:
    act = {"kind": "case.opened", "ts": 0, "department": HALL, "facts": {"matter": MATTER}}
    told = tell_entry(act, names=NAMES)
    assert told["consumer"]["name"] == NAMES.departments[HALL].name
    assert told["matter"]["name"] == NAMES.matters[MATTER].name
    assert told["steps"] == told["digests"] == []


def test_a_provider_is_told_only_its_own_steps_of_anothers_call() -> None:
    entry = an_entry(a_step(), a_step(ref="s2", provider=HOUSING, resource="HSG/1"))

    def providers(department: str | None) -> list[str]:
        told = tell_brief(entry, names=NAMES, department=department)
        return [step["provider"]["code"] for step in told["steps"]]

    assert providers(MARKET) == [MARKET]
    assert providers(HALL) == providers(None) == [MARKET, HOUSING]


def test_an_asked_department_is_told_its_own_steps_and_counts_the_others() -> None:
    entry = an_entry(a_step(), a_step(ref="s2", provider=HOUSING, code="GRANT_MISSING"))
    told = tell_entry(entry | {"code": "X", "operation": "f00"}, names=NAMES, department=MARKET)
    assert [step["ref"] for step in told["steps"]] == ["s1"]
    assert told["others"] == 1
    assert (told["code"], told["operation"], told["digests"]) == ("", "", [])


def test_whoever_asked_is_told_all_and_an_auditor_too() -> None:
    entry = an_entry(a_step(), a_step(ref="s2", provider=HOUSING))
    for department in (None, HALL):
        told = tell_entry(entry, names=NAMES, department=department)
        assert ([step["ref"] for step in told["steps"]], told["others"]) == (["s1", "s2"], 0)
        assert told["digests"]


@given(st.lists(st.sampled_from((MARKET, HOUSING)), max_size=6))
def test_told_and_counted_steps_are_always_all_of_them(providers: list[str]) -> None:
    steps = [a_step(ref=f"s{n}", provider=one) for n, one in enumerate(providers)]
    told = tell_entry(an_entry(*steps), names=NAMES, department=MARKET)
    assert len(told["steps"]) + told["others"] == len(providers)
    assert all(step["provider"]["code"] == MARKET for step in told["steps"])
