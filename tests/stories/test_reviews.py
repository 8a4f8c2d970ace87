"""A review (核查) in the words of those who carry it out: ordered, drawn, asked, judged, closed."""

import io
import json
import zipfile
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit import verify
from audit.canonical import decode_strict
from audit.sampling import Frame, draw
from catalogue.errors import CatalogueError, NotAllowedError, StateError, UnrecordedRowError
from catalogue.rows import REVIEW_VERDICT
from catalogue.workdays import add_working_days
from exchange.acts.register import ActError
from exchange.client.session import Answer
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import CASE, SYSTEM
from tests.fakes.node import DEPARTMENTS, Standing
from tests.fakes.reviews import DOCUMENT, HALL, a_proposed, a_review
from tests.stories.test_searching import in_log

MARKET, HOUSING = district.MARKET.code, district.HOUSING.code


def index_of(answer: Answer) -> int:
    return int(answer.entry["index"])


def found(said: Mapping[str, Any]) -> list[int]:
    return list(dict.fromkeys(row["index"] for row in said["entries"]))


def last(here: Standing) -> dict[str, Any]:
    return dict(decode_strict(here.node.log.entry(here.node.log.size - 1)))


class TestOpened:
    @pytest.mark.proves("G2")
    def test_a_review_holds_from_an_auditors_word_on_and_not_before(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_proposed(here)["id"]
        assert here.act("supervisor", "audit.search")["entries"] == []
        opened = here.act("auditor", "review.confirm", review=review)
        assert (opened["state"], opened["document"]) == ("open", DOCUMENT)
        assert asked in found(here.act("supervisor", "audit.search", first=100))

    @pytest.mark.proves("G1")
    def test_whoever_carries_it_out_does_not_confirm_it(self, here: Standing) -> None:
        review = a_proposed(here, officers=["AUDIT-001"])["id"]
        with pytest.raises(NotAllowedError, match="SECOND_OFFICER"):
            here.act("auditor", "review.confirm", review=review)
        with pytest.raises(NotAllowedError, match="ROLE_MISSING"):
            here.act("supervisor", "review.confirm", review=review)

    @pytest.mark.proves("G2")
    def test_an_auditor_and_a_department_order_none(self, here: Standing) -> None:
        for officer in ("auditor", "hall.head", "administrator"):
            with pytest.raises(NotAllowedError):
                a_proposed(here, by=officer)
        assert a_proposed(here, by="authority")["state"] == "proposed"

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"departments": []}, "a scope"),
            ({"departments": [""]}, "an empty one"),
            ({"officers": []}, "officers"),
            ({"officers": ["HALL-011"]}, "no active supervisor"),
            ({"departments": [district.AUDIT.code]}, "under review"),
            ({"document": " "}, "document"),
            ({"expires": (now() - timedelta(days=1)).isoformat()}, "expires"),
            ({"expires": (now() + timedelta(days=400)).isoformat()}, "expires"),
            ({"until": (now() - timedelta(hours=2)).isoformat()}, "period"),
        ],
        ids=lambda held: held if isinstance(held, str) else "+".join(held),
    )
    def test_what_is_wrong_with_a_review_is_named(
        self, here: Standing, changes: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(CatalogueError, match=said):
            a_proposed(here, **changes)

    def test_it_is_recorded_with_its_scope_and_without_its_words(self, here: Standing) -> None:
        a_review(here, cases=[CASE], subjects=[["enterprise", district.APPLICANT]])
        entry = last(here)
        assert entry["kind"] == "review.opened"
        assert entry["facts"]["departments"] == [HALL]
        assert (entry["facts"]["cases"], entry["facts"]["subjects"]) == (1, 1)
        body = json.dumps(entry, ensure_ascii=False)
        for word in (DOCUMENT, CASE, district.APPLICANT, "群众反映"):
            assert word not in body
        held = here.row("review", "document <> ''")
        for word in (DOCUMENT, CASE, district.APPLICANT, "群众反映"):
            assert word not in json.dumps(held, ensure_ascii=False)

    def test_a_proposed_one_is_refused_or_taken_back_and_gives_nothing(
        self, here: Standing
    ) -> None:
        for officer in ("auditor", "supervisor"):
            review = a_proposed(here)["id"]
            assert here.act(officer, "review.withdraw", review=review)["state"] == "withdrawn"
            with pytest.raises(StateError):
                here.act("auditor", "review.confirm", review=review)


class TestSight:
    @pytest.mark.proves("G2")
    def test_without_a_review_a_supervisor_finds_nothing_at_all(self, here: Standing) -> None:
        asked = index_of(here.ask())
        assert here.act("supervisor", "audit.search", first=100)["entries"] == []
        assert here.act("supervisor", "audit.find", preset="refusal-bursts")["found"] == []
        assert here.act("supervisor", "audit.case", number=CASE)["entries"] == []
        for act in ("audit.show", "audit.prove"):
            with pytest.raises(ActError, match="no entry"):
                here.act("supervisor", act, index=asked)
        with pytest.raises(ActError, match="auditor"):
            here.act("supervisor", "audit.evidence", case=CASE)

    def test_a_review_shows_its_scope_and_no_more(self, here: Standing) -> None:
        asked = index_of(here.ask(DEPARTMENTS))
        a_review(here, departments=[HALL], matters=[district.MATTER])
        rows = here.act("supervisor", "audit.search", first=100)["entries"]
        assert {row["index"] for row in rows} >= {asked}
        assert {row["matter"] for row in rows} == {district.MATTER}
        shown = here.act("supervisor", "audit.show", index=asked)
        assert len(shown["told"]["steps"]) == 4
        outside = here.node.log.size - 1
        with pytest.raises(ActError, match="no entry"):
            here.act("supervisor", "audit.show", index=outside)
        assert last(here)["kind"] == "log.entry-refused"

    @pytest.mark.parametrize(
        ("scope", "sees"),
        [
            ({"systems": [SYSTEM]}, True),
            ({"systems": ["hall.intake"]}, False),
            ({"resources": ["307/000001"]}, True),
            ({"resources": ["307/000001"], "departments": [HOUSING]}, False),
            ({"departments": [MARKET]}, True),
            ({"cases": [CASE]}, True),
            ({"cases": ["SG-2026-9999"]}, False),
            ({"subjects": [["enterprise", district.APPLICANT]]}, True),
            ({"subjects": [["enterprise", district.STRANGER]]}, False),
            ({"departments": [HALL], "until": (now() - timedelta(minutes=30)).isoformat()}, False),
        ],
        ids=lambda held: "+".join(held) if isinstance(held, dict) else "",
    )
    def test_each_bound_of_a_scope_holds(
        self, here: Standing, scope: dict[str, Any], sees: bool
    ) -> None:
        asked = index_of(here.ask())
        a_review(here, **({"departments": []} | scope))
        assert (asked in found(here.act("supervisor", "audit.search", first=100))) is sees
        if sees:
            assert here.act("supervisor", "audit.show", index=asked)["entry"] is not None
        else:
            with pytest.raises(ActError, match="no entry"):
                here.act("supervisor", "audit.show", index=asked)

    def test_it_ends_with_its_day_and_when_it_is_closed(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here, expires=(now() + timedelta(days=2)).isoformat())
        assert asked in found(here.act("supervisor", "audit.search", first=100))
        here.act("supervisor", "review.close", review=review, conclusion="未发现问题")
        assert here.act("supervisor", "audit.search")["entries"] == []
        a_review(here, expires=(now() + timedelta(days=2)).isoformat())
        here.go_ahead(days=3)
        assert here.act("supervisor", "audit.search")["entries"] == []
        with pytest.raises(ActError, match="no entry"):
            here.act("supervisor", "audit.show", index=asked)

    def test_another_officer_finds_nothing_by_it(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here, officers=["AUDIT-002"])
        assert here.act("supervisor.second", "audit.search")["entries"] == []
        with pytest.raises(ActError, match="not yours"):
            here.act("supervisor.second", "audit.show", index=asked, review=review)

    def test_under_a_review_the_auditor_sees_its_scope_alone(self, here: Standing) -> None:
        here.ask()
        review = a_review(here, systems=["hall.intake"], officers=["AUDIT-002"])
        with pytest.raises(ActError, match="not yours"):
            here.act("auditor", "audit.search", review=review)
        assert here.act("auditor", "audit.search", kind="call")["entries"]

    @pytest.mark.proves("L14")
    def test_a_row_of_the_search_moved_into_the_scope_opens_nothing(self, here: Standing) -> None:
        asked = index_of(here.ask())
        a_review(here, departments=[], systems=["hall.intake"])
        in_log(here, "INSERT INTO audit_word VALUES (9999, 'system', 'hall.intake')")
        assert in_log(here, "UPDATE audit_index SET system = 9999 WHERE idx = ?", asked)
        with pytest.raises(ActError, match="no entry"):
            here.act("supervisor", "audit.show", index=asked)


class TestSealed:
    @pytest.mark.proves("G4")
    def test_what_is_read_under_a_sealed_review_is_a_number_to_others(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here, sealed=True)
        here.act("supervisor", "audit.show", index=asked)
        read = here.node.log.size - 1
        here.act("supervisor", "review.sample", review=review, count=1)
        for index in (read, here.node.log.size - 1):
            assert decode_strict(here.node.log.entry(index))["sealed"] is True
            for other in ("auditor", "supervisor.second"):
                rows = here.act(other, "audit.search", first=200)["entries"]
                told = [row for row in rows if row["index"] == index]
                assert all(
                    {name for name, value in row.items() if value} == {"index", "sealed"}
                    for row in told
                )
            shown = here.act("auditor", "audit.show", index=index)
            assert shown["entry"] is None
            assert shown["told"]["kind"] == ""

    @pytest.mark.proves("G4")
    def test_a_sealed_review_is_known_to_those_who_have_a_part_and_counted_for_the_auditor(
        self, here: Standing
    ) -> None:
        review = a_review(here, sealed=True, officers=["AUDIT-002"])
        assert [one["id"] for one in here.act("auditor", "review.list")["reviews"]] == [review]
        for other in ("authority", "supervisor.second", "hall.head"):
            said = here.act(other, "review.list")
            assert said["reviews"] == []
            assert said["sealed"] == (1 if other == "authority" else None)
            with pytest.raises(ActError, match="no review"):
                here.act(other, "review.show", review=review)


class TestSample:
    def test_anyone_with_the_entries_draws_the_sample_again(self, here: Standing) -> None:
        calls = [index_of(here.ask()) for _ in range(6)]
        review = a_review(here)
        kept = here.act("supervisor", "review.sample", review=review, count=3)
        assert kept["population"] == len(calls)
        assert len(kept["drawn"]) == 3
        assert set(kept["drawn"]) <= set(calls)
        recorded = decode_strict(here.node.log.entry(kept["entry"]))["facts"]
        opened = here.act("supervisor", "review.list")["reviews"][0]
        moments = [
            int(datetime.fromisoformat(opened[name]).timestamp() * 1000)
            for name in ("since", "until")
        ]
        again = draw(
            enumerate(here.node.log.entries(0, recorded["size"])),
            Frame(departments=frozenset([HALL]), since=moments[0], until=moments[1]),
            seed=recorded["seed"],
            count=recorded["count"],
        )
        assert list(again.indexes) == recorded["drawn"] == kept["drawn"]
        assert again.digest == recorded["digest"]
        assert here.act("supervisor", "review.check-sample", sample=kept["id"])["holds"] is True

    def test_the_same_seed_draws_the_same_and_another_seed_another(self, here: Standing) -> None:
        for _ in range(8):
            here.ask()
        review = a_review(here)
        kept = [
            here.act("supervisor", "review.sample", review=review, count=4, seed=seed)["drawn"]
            for seed in ("骰子 3 5 1", "骰子 3 5 1", "骰子 6 6 6")
        ]
        assert kept[0] == kept[1]
        assert kept[0] != kept[2]

    def test_every_draw_is_kept(self, here: Standing) -> None:
        here.ask()
        review = a_review(here)
        for seed in ("一", "二"):
            here.act("supervisor", "review.sample", review=review, count=1, seed=seed)
        shown = here.act("supervisor", "review.show", review=review)
        assert [one["words"] for one in shown["samples"]] == ["一", "二"]
        seeds = [sha256(word.encode()).hexdigest() for word in ("一", "二")]
        assert [one["seed"] for one in shown["samples"]] == seeds
        kept = here.node.log.entry(shown["samples"][0]["entry"])
        assert seeds[0].encode() in kept
        assert "一".encode() not in kept

    @pytest.mark.parametrize(
        "wrong", [{"count": 0}, {"count": 501}, {"seed": ""}, {"seed": "a\nb"}]
    )
    def test_a_seed_or_a_number_that_cannot_be_is_refused(
        self, here: Standing, wrong: dict[str, Any]
    ) -> None:
        here.ask()
        review = a_review(here)
        with pytest.raises(ActError, match=r"a sample of|not a seed"):
            here.act("supervisor", "review.sample", review=review, **({"count": 1} | wrong))

    def test_where_cases_bound_it_nothing_is_drawn(self, here: Standing) -> None:
        review = a_review(here, cases=[CASE])
        with pytest.raises(StateError, match="look at all"):
            here.act("supervisor", "review.sample", review=review, count=1)


class TestIdentities:
    @pytest.mark.proves("G3")
    def test_an_identity_opens_on_two_officers_word_and_each_look_is_an_entry(
        self, here: Standing
    ) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        closed = here.act("supervisor", "review.entry", review=review, index=asked)["closed"]
        assert {"case", "operator", "reason"} <= set(closed)
        wanted = {"review": review, "index": asked, "names": ["operator", "case"]}
        opening = here.act("supervisor", "review.ask-identity", reason="须约谈经办人", **wanted)[
            "id"
        ]
        with pytest.raises(StateError, match="second officer"):
            here.act("supervisor", "review.open-identity", opening=opening)
        with pytest.raises(NotAllowedError, match="SECOND_OFFICER"):
            here.act("supervisor", "review.confirm-identity", opening=opening)
        here.act("supervisor.second", "review.confirm-identity", opening=opening)
        before = here.node.log.size
        said = here.act("supervisor", "review.open-identity", opening=opening)
        assert said["opened"] == {"operator": "HALL-011", "case": CASE}
        assert said["gone"] == []
        (entry,) = [decode_strict(body) for body in here.node.log.entries(before, before + 9)]
        assert entry["kind"] == "review.identity-opened"
        assert entry["facts"]["names"] == ["operator", "case"]
        assert "HALL-011" not in json.dumps(entry)

    def test_nobody_but_the_reviews_officers_opens_any(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        wanted = {"review": review, "index": asked, "names": ["case"], "reason": "核实"}
        opening = here.act("supervisor", "review.ask-identity", **wanted)["id"]
        here.act("supervisor.second", "review.confirm-identity", opening=opening)
        for other in ("auditor", "authority", "hall.head", "administrator"):
            with pytest.raises((ActError, CatalogueError)):
                here.act(other, "review.open-identity", opening=opening)
            with pytest.raises((ActError, CatalogueError)):
                here.act(other, "review.ask-identity", **wanted)

    @pytest.mark.parametrize("name", ["question", "n.consumer:hall.permit", "answer", "nobody"])
    def test_what_is_no_identity_is_not_opened(self, here: Standing, name: str) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        with pytest.raises(ActError, match="closed"):
            here.act(
                "supervisor",
                "review.ask-identity",
                review=review,
                index=asked,
                names=[name],
                reason="核实",
            )

    @pytest.mark.proves("R1")
    def test_an_agreement_written_by_sql_opens_nothing_and_is_named(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        wanted = {"review": review, "index": asked, "names": ["case"], "reason": "核实"}
        opening = here.act("supervisor", "review.ask-identity", **wanted)["id"]
        second = here.place.ids["supervisor.second"]
        assert here.raw_sql(
            "UPDATE identity_opening SET confirmed_by = ?, confirmed_at = 1 WHERE id = ?",
            second,
            opening,
        )
        with pytest.raises(ActError, match="no opening"):
            here.act("supervisor", "review.open-identity", opening=opening)
        told = here.act("auditor", "audit.fsck-registry")
        assert [one["where"] for one in told["findings"]] == [f"identity_opening {opening}"]
        assert "registry.alarm" in here.kinds(since=asked)


class TestQuestions:
    def test_a_department_answers_a_question_by_its_due_day(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        question = here.act(
            "supervisor",
            "review.ask",
            review=review,
            department=HALL,
            entries=[asked],
            text="请说明本次查询与办件的关系",
            days=5,
        )
        assert question["due"] == add_working_days(now(), 5).day.isoformat()
        inbox = here.act("hall.operator", "review.questions")
        assert [one["id"] for one in inbox["waiting"]] == [question["id"]]
        assert here.act("market.operator", "review.questions")["waiting"] == []
        told = here.act("hall.head", "review.answer", question=question["id"], text="系核发所需")
        assert told["answer"] == "系核发所需"
        assert told["overdue"] is False
        with pytest.raises(StateError, match="answered"):
            here.act("hall.head", "review.answer", question=question["id"], text="再答")
        shown = here.act("supervisor", "review.show", review=review)
        assert shown["questions"][0]["answer"] == "系核发所需"

    def test_one_that_is_late_says_so_and_can_still_be_answered(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here, expires=(now() + timedelta(days=90)).isoformat())
        question = here.act(
            "supervisor",
            "review.ask",
            review=review,
            department=HALL,
            entries=[asked],
            text="请说明",
        )
        here.go_ahead(days=40)
        assert here.act("hall.operator", "review.questions")["waiting"][0]["overdue"] is True
        assert question["overdue"] is False

    def test_no_other_department_answers_it_and_none_is_asked_about_what_is_not_its(
        self, here: Standing
    ) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        wanted = {"review": review, "entries": [asked], "text": "请说明"}
        question = here.act("supervisor", "review.ask", department=HALL, **wanted)["id"]
        with pytest.raises(CatalogueError, match="UNKNOWN"):
            here.act("market.head", "review.answer", question=question, text="代答")
        with pytest.raises(ActError, match="does not concern"):
            here.act("supervisor", "review.ask", department=HOUSING, **wanted)


class TestVerdicts:
    def test_a_verdict_is_added_and_the_earlier_one_stays(self, here: Standing) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        for verdict, finding in (("violation", "无办件依据"), ("explained", "已补充依据")):
            here.act(
                "supervisor",
                "review.judge",
                review=review,
                index=asked,
                verdict=verdict,
                finding=finding,
            )
        shown = here.act("supervisor", "review.show", review=review)
        assert [one["verdict"] for one in shown["verdicts"]] == ["violation", "explained"]
        assert [one["verdict"] for one in shown["entries"]] == ["explained"]

    def test_a_call_that_a_closed_review_found_against_stands_on_the_supervision_console(
        self, here: Standing
    ) -> None:
        asked = index_of(here.ask())
        review = a_review(here)
        judged = {"review": review, "index": asked, "finding": "无办件依据"}

        def listed(officer: str) -> list[dict[str, Any]]:
            kind = "use-outside-purpose"
            told = here.act(officer, "supervision.violations", kind=kind, first=100)
            return [one for one in told["rows"] if one["key"] == str(asked)]

        here.act("supervisor", "review.judge", verdict="violation", **judged)
        assert listed("authority") == []
        here.act("supervisor", "review.close", review=review, conclusion="查实一起违规使用")
        (one,) = listed("hall.head")
        assert (one["department"], one["entry"]) == (HALL, asked)
        assert review in one["detail"]
        assert review in one["detail_zh"]
        assert "无办件依据" not in json.dumps(one, ensure_ascii=False)

    @pytest.mark.parametrize("verdict", ["normal", "explained", "violation", "referred"])
    def test_all_but_in_order_need_words(self, here: Standing, verdict: str) -> None:
        asked = index_of(here.ask())
        wanted = {"review": a_review(here), "index": asked, "verdict": verdict}
        if verdict == "normal":
            assert here.act("supervisor", "review.judge", **wanted)["finding"] == ""
        else:
            with pytest.raises(CatalogueError, match="finding"):
                here.act("supervisor", "review.judge", **wanted)

    def test_one_closes_after_everything_drawn_was_judged(self, here: Standing) -> None:
        for _ in range(2):
            here.ask()
        review = a_review(here)
        drawn = here.act("supervisor", "review.sample", review=review, count=2)["drawn"]
        with pytest.raises(StateError, match="without a verdict"):
            here.act("supervisor", "review.close", review=review, conclusion="已核")
        for index in drawn:
            here.act("supervisor", "review.judge", review=review, index=index, verdict="normal")
        closed = here.act("supervisor", "review.close", review=review, conclusion="均属正常")
        assert closed["state"] == "closed"
        with pytest.raises(StateError):
            here.act("supervisor", "review.judge", review=review, index=drawn[0], verdict="normal")


class TestForged:
    """The registry's owner widens a review past the log."""

    @pytest.mark.proves("R1")
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("departments", "[]"),
            ("officers", '["off_x"]'),
            ("state", "open"),
            ("expires", 9_999_999_999_999),
            ("until", 9_999_999_999_999),
            ("sealed", 1),
        ],
    )
    def test_a_widened_review_gives_nothing_and_is_named(
        self, here: Standing, column: str, value: object
    ) -> None:
        here.ask()
        review = a_proposed(here)["id"] if column == "state" else a_review(here)
        before = here.node.log.size
        assert here.raw_sql(f'UPDATE review SET "{column}" = ? WHERE id = ?', value, review)
        assert here.act("supervisor", "audit.search")["entries"] == []
        with pytest.raises((ActError, UnrecordedRowError)):
            here.act("supervisor", "review.sample", review=review, count=1)
        assert "registry.alarm" in here.kinds(since=before)
        told = here.act("auditor", "audit.fsck-registry")
        assert [one["where"] for one in told["findings"]] == [f"review {review}"]

    @pytest.mark.proves("R1")
    def test_a_review_that_was_never_recorded_gives_nothing(self, here: Standing) -> None:
        here.ask()
        held = here.row("review", "id = ?", a_review(here, systems=["hall.intake"]))
        forged = held | {"id": "rev_forged", "systems": "[]"}
        names = ", ".join(f'"{name}"' for name in forged)
        marks = ", ".join("?" for _ in forged)
        here.raw_sql(f"INSERT INTO review ({names}) VALUES ({marks})", *forged.values())
        assert here.act("supervisor", "audit.search", kind="call")["entries"] == []
        told = here.act("auditor", "audit.fsck-registry")
        assert [one["where"] for one in told["findings"]] == ["review rev_forged"]

    @pytest.mark.proves("R2")
    def test_a_closed_review_put_back_gives_nothing(self, here: Standing) -> None:
        here.ask()
        review = a_review(here)
        before = here.row("review", "id = ?", review)
        here.act("supervisor", "review.close", review=review, conclusion="已核")
        for name, value in before.items():
            here.raw_sql(f'UPDATE review SET "{name}" = ? WHERE id = ?', value, review)
        assert here.act("supervisor", "audit.search")["entries"] == []
        told = here.act("auditor", "audit.fsck-registry")
        assert [one["where"] for one in told["findings"]] == [f"review {review}"]

    @pytest.mark.proves("R2")
    def test_a_verdict_that_was_changed_or_deleted_is_named(self, here: Standing) -> None:
        asked = [index_of(here.ask()) for _ in range(2)]
        review = a_review(here)
        verdicts = [
            here.act(
                "supervisor",
                "review.judge",
                review=review,
                index=index,
                verdict="violation",
                finding="无依据",
            )["id"]
            for index in asked
        ]
        here.raw_sql("UPDATE review_verdict SET verdict = 'normal' WHERE id = ?", verdicts[0])
        here.raw_sql("DELETE FROM review_verdict WHERE id = ?", verdicts[1])
        told = here.act("auditor", "audit.fsck-registry")
        assert {one["where"] for one in told["findings"]} == {
            f"review_verdict {one}" for one in verdicts
        }
        assert here.node.held(REVIEW_VERDICT) == {}


class TestReport:
    @pytest.fixture
    def reviewed(self, here: Standing) -> str:
        """A review carried out whole: drawn, asked, answered, opened, judged, closed."""
        for _ in range(3):
            here.ask()
        review = a_review(here)
        drawn = here.act("supervisor", "review.sample", review=review, count=2)["drawn"]
        question = here.act(
            "supervisor",
            "review.ask",
            review=review,
            department=HALL,
            entries=drawn[:1],
            text="请说明用途",
        )["id"]
        here.act("hall.head", "review.answer", question=question, text="系核发施工许可所需")
        opening = here.act(
            "supervisor",
            "review.ask-identity",
            review=review,
            index=drawn[0],
            names=["operator"],
            reason="须约谈",
        )["id"]
        here.act("supervisor.second", "review.confirm-identity", opening=opening)
        here.act("supervisor", "review.open-identity", opening=opening)
        for index, verdict in zip(drawn, ("explained", "normal"), strict=True):
            here.act(
                "supervisor",
                "review.judge",
                review=review,
                index=index,
                verdict=verdict,
                finding="已说明" if verdict == "explained" else "",
            )
        here.act("supervisor", "review.close", review=review, conclusion="未发现违规")
        return review

    def test_the_report_is_proved_without_the_exchange(
        self, here: Standing, reviewed: str, tmp_path: Path
    ) -> None:
        said = here.act("supervisor", "review.report", review=reviewed)
        bundle = tmp_path / "report.zip"
        bundle.write_bytes(b64decode(said["bundle"]))
        assert verify.main([str(bundle), "--vkey", here.node.vkey]) == 0
        with zipfile.ZipFile(bundle) as packed:
            evidence = json.loads(packed.read("evidence.json"))
        told = evidence["about"]["review"]
        assert (told["document"], told["conclusion"]) == (DOCUMENT, "未发现违规")
        kinds = [json.loads(one["entry"])["kind"] for one in evidence["entries"]]
        assert kinds.count("call") == 2
        for kind in (
            "review.proposed",
            "review.opened",
            "review.sampled",
            "review.asked",
            "review.answered",
            "review.identity-asked",
            "review.identity-confirmed",
            "review.identity-opened",
            "review.judged",
            "review.closed",
        ):
            assert kind in kinds, kind
        opened = {
            name: held["value"]
            for one in evidence["entries"]
            for name, held in one["openings"].items()
            if json.loads(one["entry"])["kind"].startswith("review.")
        }
        assert opened["document"] == DOCUMENT
        assert opened["answer_text"] == "系核发施工许可所需"

    def test_no_identity_is_in_it(self, here: Standing, reviewed: str) -> None:
        bundle = b64decode(here.act("supervisor", "review.report", review=reviewed)["bundle"])
        with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
            text = packed.read("evidence.json").decode()
        for word in ("HALL-011", CASE, district.APPLICANT):
            assert word not in text
        evidence = json.loads(text)
        names = {name for one in evidence["entries"] for name in one["openings"]}
        assert not names & {"operator", "officer", "case", "arguments"}

    def test_a_changed_verdict_breaks_it(
        self, here: Standing, reviewed: str, tmp_path: Path
    ) -> None:
        bundle = b64decode(here.act("supervisor", "review.report", review=reviewed)["bundle"])
        changed = tmp_path / "changed.zip"
        with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(changed, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "evidence.json":
                    content = content.replace(
                        rb"\"verdict\":\"explained\"", rb"\"verdict\":\"normal\""
                    )
                    assert content != old.read(name)
                new.writestr(name, content)
        assert verify.main([str(changed), "--vkey", here.node.vkey]) == 1

    @pytest.mark.parametrize("way", ["another seed", "another entry", "not enclosed"])
    def test_a_report_that_tells_another_sample_than_the_recorded_one_is_named(
        self, here: Standing, reviewed: str, way: str
    ) -> None:
        bundle = b64decode(here.act("supervisor", "review.report", review=reviewed)["bundle"])
        with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
            files = {name: packed.read(name) for name in packed.namelist()}
        trust = verify.Trust(vkeys=[here.node.vkey])
        whole = verify.verify_evidence(files, trust=trust)
        assert whole.holds
        assert "SAMPLE_RECORDED" in {one.code for one in whole.findings}
        told = json.loads(files["evidence.json"])
        (sample,) = told["about"]["review"]["samples"]
        if way == "another seed":
            sample["seed"] = "chosen afterwards"
        elif way == "another entry":
            sample["drawn"][0] += 1
        else:
            gone = sample["drawn"][0]
            told["entries"] = [one for one in told["entries"] if one["index"] != gone]
        files["evidence.json"] = json.dumps(told).encode()
        fault = verify.verify_evidence(files, trust=trust).fault
        assert fault is not None
        assert fault.code == "SAMPLE_DIFFERS"

    def test_others_do_not_get_it(self, here: Standing, reviewed: str) -> None:
        assert here.act("auditor", "review.report", review=reviewed)["enclosed"] >= 10
        for other in ("authority", "hall.head"):
            with pytest.raises(ActError):
                here.act(other, "review.report", review=reviewed)
