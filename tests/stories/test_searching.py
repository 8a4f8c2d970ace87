"""Who finds what in the log: by every facet, each within their rights, and nothing is hidden unseen."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.canonical import decode_strict
from audit.entry import Commit, Draft, IndexRow
from catalogue.rows import OFFICER
from exchange.acts.presets import PRESETS
from exchange.acts.register import ActError
from exchange.client.session import Answer
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import CASE, SYSTEM
from exchange.home import locked
from tests.fakes.node import DEPARTMENTS, PARTIES, Standing
from tests.stories.test_cases import STRANGER
from tests.stories.test_command_line import Terminal

HALL, MARKET = district.HALL.code, district.MARKET.code
LICENCE_CODE = "307/000001"


def index_of(answer: Answer) -> int:
    return int(answer.entry["index"])


def found(said: dict[str, Any]) -> list[int]:
    """The entries of an answer, newest first."""
    return list(dict.fromkeys(row["index"] for row in said["entries"]))


def in_log(here: Standing, statement: str, *values: Any) -> int:
    """Change the log's database past the program, as whoever has its file can."""
    with closing(sqlite3.connect(here.node.settings.home / "log.db")) as connection, connection:
        return connection.execute(statement, values).rowcount


def a_sealed_read(here: Standing, handle: str) -> int:
    """Record a reading under a sealed review by this officer."""
    officer = here.node.held(OFFICER)[here.place.ids[handle]]
    draft = Draft(
        kind="log.searched",
        clear={"department": officer.department, "auth": "session", "sealed": True},
        commits=(Commit(name="officer", value=officer.id),),
        index=(IndexRow(consumer=officer.department, officer=officer.id),),
    )
    return here.node.log.append(draft).index


@pytest.mark.parametrize(
    "facets",
    [
        {"case": CASE},
        {"department": MARKET},
        {"consumer": HALL},
        {"system": SYSTEM},
        {"officer": "hall.operator"},
        {"resource": LICENCE_CODE},
        {"resource": LICENCE_CODE, "item": "phone"},
        {"subject": ["enterprise", district.APPLICANT]},
        {"matter": district.MATTER},
        {"decision": "given"},
        {"kind": "call"},
        {"kind": "call", "system": SYSTEM, "resource": LICENCE_CODE, "consumer": HALL},
    ],
    ids="+".join,
)
def test_a_call_is_found_by_each_of_its_facets(here: Standing, facets: dict[str, Any]) -> None:
    asked = index_of(here.ask())
    if "officer" in facets:
        facets = {"officer": here.node.held(OFFICER)[here.place.ids["hall.operator"]].staff_number}
    assert asked in found(here.act("auditor", "audit.search", first=100, **facets))


@pytest.mark.parametrize(
    "facets",
    [
        {"case": "SG-2026-9999"},
        {"consumer": MARKET, "kind": "call"},
        {"system": "hall.intake", "kind": "call"},
        {"resource": LICENCE_CODE, "item": "legalPersonId"},
        {"subject": ["enterprise", district.STRANGER]},
        {"code": "GRANT_MISSING"},
        {"decision": "refused"},
    ],
    ids="+".join,
)
def test_a_call_is_not_found_by_what_it_is_not(here: Standing, facets: dict[str, Any]) -> None:
    items = {one.name for one in here.node.live.load().resources[LICENCE_CODE].items}
    if "item" in facets:
        facets = facets | {"item": min(items - {"entName", "phone", "status", "uscc"})}
    asked = index_of(here.ask())
    assert asked not in found(here.act("auditor", "audit.search", first=100, **facets))


def test_a_refusal_is_found_by_its_code_and_counted(here: Standing) -> None:
    refused = index_of(here.ask(e=district.STRANGER))
    said = here.act("auditor", "audit.search", code="SUBJECT_NOT_PARTY", counts=True)
    assert found(said) == [refused]
    assert said["counts"]["entries"] == 1
    assert said["counts"]["whole"] is True
    assert said["counts"]["by"]["decision"] == {"refused": 1}
    assert said["counts"]["by"]["consumer"] == {HALL: 1}


@pytest.mark.parametrize(
    "facets",
    [
        {"item": "phone"},
        {"item": "phone", "resource": "307/999999"},
        {"item": "no-such-item", "resource": LICENCE_CODE},
        {"subject": ["enterprise"]},
        {"subject": ["planet", "x"]},
    ],
)
def test_a_facet_that_means_nothing_is_refused_and_not_left_out(
    here: Standing, facets: dict[str, Any]
) -> None:
    with pytest.raises(ActError, match=r"ACT_ARGUMENTS|item|subject"):
        here.act("auditor", "audit.search", **facets)


@pytest.mark.proves("G3")
def test_a_search_names_its_facets_in_the_clear_and_commits_to_their_values(
    here: Standing,
) -> None:
    here.act(
        "auditor", "audit.search", case=CASE, subject=["enterprise", district.APPLICANT], first=5
    )
    log = here.node.log
    body = log.entry(log.size - 1)
    members = decode_strict(body)
    assert members["kind"] == "log.searched"
    assert members["facts"] == {"facets": ["case", "subject"], "first": 5}
    assert CASE.encode() not in body
    assert district.APPLICANT.encode() not in body
    opened = log.open_disclosure(log.size - 1, "wanted")
    assert opened is not None
    assert opened.value == {"case": CASE, "subject": ["enterprise", district.APPLICANT]}


@pytest.mark.proves("G3")
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_recorded_like_any_search(here: Standing, preset: str) -> None:
    before = here.node.log.size
    here.act("auditor", "audit.find", preset=preset)
    log = here.node.log
    (recorded,) = [
        members
        for body in log.entries(before, log.size)
        if (members := decode_strict(body))["kind"] == "log.searched"
    ]
    assert recorded["facts"] == {"facets": ["since"], "preset": preset}


class TestRights:
    def test_a_provider_sees_who_asked_it_for_what_and_no_others_step(self, here: Standing) -> None:
        asked = index_of(here.ask(DEPARTMENTS))
        said = here.act("market.operator", "audit.search", kind="call")
        rows = [row for row in said["entries"] if row["index"] == asked]
        assert [row["provider"] for row in rows] == [MARKET]
        assert {row["consumer"] for row in rows} == {HALL}
        shown = here.act("market.operator", "audit.show", index=asked)
        assert shown["entry"] is None
        assert [step["provider"]["code"] for step in shown["told"]["steps"]] == [MARKET]

    def test_a_department_searches_by_its_own_officers_alone(self, here: Standing) -> None:
        here.ask()
        clerk = here.place.ids["hall.operator"]
        assert found(here.act("hall.head", "audit.search", officer=clerk))
        with pytest.raises(ActError, match="no such officer"):
            here.act("market.operator", "audit.search", officer=clerk)

    def test_an_act_is_opened_by_the_departments_that_it_names_narrowed(
        self, here: Standing
    ) -> None:
        grant = here.grants[LICENCE_CODE]
        here.act("market.head", "grant.suspend", grant=grant, reason="核查中")
        index = here.node.log.size - 1
        told = here.act("hall.operator", "audit.show", index=index)
        assert told["entry"] is None
        assert told["raw"] is None
        assert told["told"]["facts"]["grant"] == grant
        assert told["told"]["facts"]["state"] == "suspended"
        assert told["told"]["digests"] == []
        assert here.act("market.operator", "audit.show", index=index)["entry"] is not None
        with pytest.raises(ActError, match=r"NOT_FOUND|no entry"):
            here.act("housing.operator", "audit.show", index=index)

    def test_the_case_of_an_entry_is_told_without_its_number_to_those_who_see_it_whole(
        self, here: Standing
    ) -> None:
        asked = index_of(here.ask())
        story = here.act("auditor", "audit.case", of=asked)
        assert story["number"] is None
        assert asked in [one["index"] for one in story["entries"]]
        assert story["entries"] == here.act("auditor", "audit.case", number=CASE)["entries"]
        with pytest.raises(ActError, match="no entry"):
            here.act("market.operator", "audit.case", of=asked)


class TestSealed:
    @pytest.mark.proves("G4")
    def test_of_a_sealed_entry_others_see_its_number_alone(self, here: Standing) -> None:
        sealed = a_sealed_read(here, "hall.head")
        for handle in ("auditor", "hall.operator"):
            rows = here.act(handle, "audit.search")["entries"]
            (row,) = [row for row in rows if row["index"] == sealed]
            assert {name for name, value in row.items() if value} == {"index", "sealed"}
            shown = here.act(handle, "audit.show", index=sealed)
            assert shown["entry"] is None
            assert shown["raw"] is None
            assert shown["told"]["kind"] == ""
            assert shown["told"]["sealed"] is True
            assert shown["proof"]["index"] == sealed

    @pytest.mark.proves("G4")
    @pytest.mark.parametrize("facets", [{"kind": "log.searched"}, {"consumer": HALL}])
    def test_no_facet_tells_anything_of_a_sealed_entry(
        self, here: Standing, facets: dict[str, str]
    ) -> None:
        sealed = a_sealed_read(here, "hall.head")
        said = here.act("auditor", "audit.search", first=200, counts=True, **facets)
        assert sealed not in found(said)
        mine = here.act("hall.head", "audit.search", first=200, **facets)
        assert sealed in found(mine)

    @pytest.mark.proves("G4")
    def test_sealed_entries_are_counted_for_the_auditor_and_for_nobody_else(
        self, here: Standing
    ) -> None:
        for _ in range(3):
            a_sealed_read(here, "hall.head")
        assert here.act("auditor", "audit.search", kind="call")["sealed"] == 3
        assert here.act("hall.operator", "audit.search", kind="call")["sealed"] is None


class TestHidden:
    """The database's owner takes rows out of the search index."""

    @pytest.fixture
    def calls(self, here: Standing) -> list[int]:
        """Five calls. Each is numbered twice: as it was about to be asked, and as it came out."""
        return [index_of(here.ask()) for _ in range(5)]

    @pytest.fixture(params=[{"system": SYSTEM}, {"resource": LICENCE_CODE}])
    def facets(self, request: pytest.FixtureRequest) -> dict[str, str]:
        return dict(request.param)

    @pytest.mark.proves("L14")
    @pytest.mark.usefixtures("calls")
    def test_a_whole_list_says_that_nothing_is_missing(
        self, here: Standing, facets: dict[str, str]
    ) -> None:
        said = here.act("auditor", "audit.search", first=100, **facets)["numbers"]
        assert (said["first"], said["last"], said["count"], said["gaps"]) == (1, 10, 10, [])
        assert said["holds"] is True

    @pytest.mark.proves("L14")
    @pytest.mark.parametrize("hidden", [0, 2, 4], ids=["oldest", "middle", "newest"])
    def test_a_row_hidden_from_the_search_is_shown_by_the_numbers(
        self, here: Standing, calls: list[int], facets: dict[str, str], hidden: int
    ) -> None:
        assert in_log(here, "DELETE FROM audit_index WHERE idx = ?", calls[hidden])
        said = here.act("auditor", "audit.search", first=100, **facets)
        assert calls[hidden] not in found(said)
        assert said["numbers"]["gaps"] == [[2 * hidden + 2] * 2]
        assert said["numbers"]["holds"] is False

    @pytest.mark.proves("L14")
    def test_a_row_hidden_between_two_pages_is_shown_too(
        self, here: Standing, calls: list[int], facets: dict[str, str]
    ) -> None:
        in_log(here, "DELETE FROM audit_index WHERE idx = ?", calls[2])
        newest = here.act("auditor", "audit.search", first=4, **facets)
        assert newest["numbers"]["holds"] is True
        rest = here.act("auditor", "audit.search", first=100, after=newest["next"], **facets)
        assert rest["numbers"]["gaps"] == [[6, 6]]

    @pytest.mark.proves("L14")
    def test_a_row_moved_to_another_system_is_missed_where_it_belongs(
        self, here: Standing, calls: list[int]
    ) -> None:
        in_log(here, "INSERT INTO audit_word VALUES (9999, 'system', 'other')")
        in_log(here, "UPDATE audit_index SET system = 9999 WHERE idx = ?", calls[1])
        said = here.act("auditor", "audit.search", first=100, system=SYSTEM)["numbers"]
        assert said["gaps"] == [[4, 4]]

    @pytest.mark.proves("L14")
    def test_a_time_begins_where_the_entry_before_it_ends(
        self, here: Standing, calls: list[int]
    ) -> None:
        at = decode_strict(here.node.log.entry(calls[3]))["ts"] / 1000
        since = datetime.fromtimestamp(at, tz=now().tzinfo).isoformat()
        whole = here.act("auditor", "audit.search", system=SYSTEM, since=since)["numbers"]
        assert whole["holds"] is True
        in_log(here, "DELETE FROM audit_index WHERE idx = ?", calls[3])
        said = here.act("auditor", "audit.search", system=SYSTEM, since=since)["numbers"]
        assert said["gaps"] == [[8, 8]]

    @pytest.mark.proves("L14")
    def test_the_preset_names_the_counters_with_gaps_and_no_others(
        self, here: Standing, calls: list[int]
    ) -> None:
        assert here.act("auditor", "audit.find", preset="number-gaps")["found"] == []
        in_log(here, "DELETE FROM audit_index WHERE idx = ?", calls[2])
        said = here.act("auditor", "audit.find", preset="number-gaps")["found"]
        assert {(one["system"], one["resource"], one["amount"]) for one in said} == {
            (SYSTEM, "", 1),
            ("", LICENCE_CODE, 1),
        }

    @pytest.mark.proves("L14")
    @pytest.mark.usefixtures("calls")
    def test_all_rows_of_a_system_hidden_are_missed(self, here: Standing) -> None:
        word = "SELECT id FROM audit_word WHERE facet = 'system' AND value = ?"
        assert in_log(here, f"DELETE FROM audit_index WHERE system = ({word})", SYSTEM)
        said = here.act("auditor", "audit.search", system=SYSTEM)
        assert said["entries"] == []
        assert said["numbers"]["gaps"] == [[1, 10]]

    @pytest.mark.usefixtures("calls")
    def test_numbers_are_told_to_those_whose_they_are(self, here: Standing) -> None:
        own = here.act("market.operator", "audit.search", resource=LICENCE_CODE)["numbers"]
        assert own["counter"] == f"resource:{LICENCE_CODE}"
        assert own["holds"] is True
        assert here.act("hall.operator", "audit.search", system=SYSTEM)["numbers"]["holds"] is True
        assert here.act("hall.operator", "audit.search", resource=LICENCE_CODE)["numbers"] is None
        assert here.act("market.operator", "audit.search", system=SYSTEM)["numbers"] is None
        both = here.act("auditor", "audit.search", system=SYSTEM, decision="given")
        assert both["numbers"] is None


class TestPresets:
    def look(self, here: Standing, preset: str, *, officer: str = "auditor") -> list[Any]:
        said = here.act(officer, "audit.find", preset=preset)
        assert said["whole"] is True
        return list(said["found"])

    @pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"off-hours", "closed-cases"}))
    def test_where_nothing_happened_nothing_is_found(self, here: Standing, preset: str) -> None:
        here.ask()
        assert self.look(here, preset) == []

    @pytest.mark.proves("C3")
    def test_a_case_opened_looked_at_and_closed_is_listed(self, here: Standing) -> None:
        number = "SG-2026-0777"
        before = here.node.log.size
        hall = here.as_system()
        hall.put_case(
            number,
            matter=district.MATTER,
            parties=PARTIES,
            accepted_at=now() - timedelta(minutes=1),
        )
        here.as_system("hall.intake").case_action(number, "attest", system=SYSTEM)
        asked = index_of(here.ask(case=number))
        hall.case_action(number, "close", reason="已办结", result="issued")
        (listed,) = self.look(here, "closed-cases")
        assert listed["consumer"] == HALL
        assert asked in listed["entries"]
        assert min(listed["entries"]) >= before
        assert listed["amount"] == 0

    @pytest.mark.proves("C3")
    def test_a_case_that_nobody_looked_at_or_that_is_still_open_is_not(
        self, here: Standing
    ) -> None:
        hall = here.as_system()
        hall.put_case(
            "SG-2026-0778",
            matter=district.MATTER,
            parties=PARTIES,
            accepted_at=now() - timedelta(minutes=1),
        )
        hall.case_action("SG-2026-0778", "close", reason="撤回", result="withdrawn")
        here.ask()
        assert self.look(here, "closed-cases") == []

    def test_ten_refusals_within_minutes_are_a_burst(self, here: Standing) -> None:
        calls = [index_of(here.ask(e=district.STRANGER)) for _ in range(10)]
        (burst,) = self.look(here, "refusal-bursts")
        assert burst["entries"] == calls
        assert (burst["consumer"], burst["system"]) == (HALL, SYSTEM)
        assert burst["amount"] == 10

    def test_calls_that_do_not_match_their_case_are_grouped_by_code(self, here: Standing) -> None:
        calls = [index_of(here.ask(e=district.STRANGER)) for _ in range(2)]
        (group,) = self.look(here, "case-mismatch")
        assert (group["entries"], group["code"]) == (calls, "SUBJECT_NOT_PARTY")

    def test_a_party_added_just_before_a_call_is_listed(self, here: Standing) -> None:
        here.as_system().case_action(CASE, "parties", parties=[STRANGER], operator="HALL-011")
        asked = index_of(here.ask(e=district.STRANGER))
        (late,) = self.look(here, "late-parties")
        assert late["entries"][-1] == asked
        assert late["amount"] == 1

    def test_an_intent_without_an_outcome_is_listed_and_a_finished_one_is_not(
        self, here: Standing
    ) -> None:
        here.ask()
        left = here.node.log.append(
            Draft(
                kind="intent",
                clear={"consumer": HALL, "system": SYSTEM, "call": "call_lost", "steps": []},
                index=(IndexRow(consumer=HALL, system=SYSTEM),),
            )
        ).index
        here.ask()
        (unfinished,) = self.look(here, "unfinished")
        assert unfinished["entries"] == [left]

    def test_a_department_finds_its_own_and_an_uninvolved_one_nothing(self, here: Standing) -> None:
        here.ask(e=district.STRANGER)
        assert len(self.look(here, "case-mismatch", officer="market.operator")) == 1
        assert self.look(here, "case-mismatch", officer="housing.operator") == []

    def test_an_unknown_preset_is_refused_by_name(self, here: Standing) -> None:
        with pytest.raises(ActError, match="unknown preset"):
            here.act("auditor", "audit.find", preset="guess")


class TestAtATerminal:
    """The same searches as commands."""

    @pytest.fixture
    def terminal(self, here: Standing) -> Iterator[Terminal]:
        """A terminal beside the process that serves the home, and so holds its lock."""
        with locked(here.node.settings.home):
            yield Terminal(here.node.settings.home)

    def test_a_preset_that_finds_nothing_says_what_that_means(self, terminal: Terminal) -> None:
        nothing = terminal.said("audit", "find", "refusal-bursts", officer="auditor")
        assert PRESETS["refusal-bursts"].why in nothing
        assert PRESETS["refusal-bursts"].nothing in nothing
        assert "watch.refusals: 10 call" in nothing

    def test_what_a_preset_finds_is_printed_for_programs(
        self, here: Standing, terminal: Terminal
    ) -> None:
        calls = [index_of(here.ask(e=district.STRANGER)) for _ in range(10)]
        (burst,) = terminal.told("audit", "find", "refusal-bursts", officer="auditor")["found"]
        assert burst["entries"] == calls

    def test_all_presets_are_listed(self, terminal: Terminal) -> None:
        listed = terminal.told("audit", "find", officer="auditor")
        assert [one["preset"] for one in listed] == list(PRESETS)

    @pytest.mark.proves("L14")
    def test_a_search_says_which_numbers_are_missing(
        self, here: Standing, terminal: Terminal
    ) -> None:
        asked = index_of(here.ask())
        whole = terminal.said("audit", "search", "--system", SYSTEM, officer="auditor")
        assert "1-2, 2 of them" in whole
        assert "MISSING" not in whole
        in_log(here, "DELETE FROM audit_index WHERE idx = ?", asked)
        said = terminal.said("audit", "search", "--system", SYSTEM, officer="auditor")
        assert "MISSING: 2-2" in said

    def test_facets_and_counts_are_options(self, here: Standing, terminal: Terminal) -> None:
        asked = index_of(here.ask())
        arguments = ["--resource", LICENCE_CODE, "--item", "phone", "--since", "2020-01-01"]
        said = terminal.told("audit", "search", *arguments, "--counts", officer="auditor")
        assert asked in found(said)
        assert said["counts"]["by"]["system"] == {SYSTEM: 1}
