"""Quality and indicators over a district that stands: shares with what is behind them, targets, the table."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from catalogue.errors import NotAllowedError, StateError, UnrecordedRowError
from catalogue.indicators import INDICATORS
from catalogue.rows import INDICATOR_DAY
from exchange.acts.indicators import keep_today
from exchange.acts.register import ActError
from exchange.cli.main import main
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import DEPOSIT, LICENCE, ask_for
from exchange.portal.session import COOKIE
from tests.fakes.node import Founded, Standing, copied, standing


@pytest.fixture(scope="module")
def place(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    assert origin.grants
    with standing(tmp_path_factory.mktemp("indicators") / "home") as found:
        yield found


def value(place: Standing, indicator: str, department: str | None = None) -> dict[str, Any]:
    told = place.act("authority", "indicator.list", department=department)
    (one,) = [held for held in told["indicators"] if held["id"] == indicator]
    return dict(one)


def browser(place: Standing, officer: str, language: str = "zh") -> httpx.Client:
    node = place.node
    officers = node.live.load().officers
    link = node.sign_in.offer_link(officers[place.place.ids[officer]], by=None)
    secret = node.sign_in.redeem_link(link, officers=officers).secret
    return httpx.Client(
        base_url=place.url,
        cookies={COOKIE: secret, "exchange_language": language},
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=True,
        trust_env=False,
    )


def test_each_share_is_what_its_list_adds_up_to(place: Standing) -> None:
    for indicator in INDICATORS:
        told = place.act("auditor", "indicator.show", indicator=indicator, first=1000)
        known = [line for line in told["behind"]["rows"] if not line["missing"]]
        whole = told["all"]
        assert whole["numerator"] == sum(line["numerator"] for line in known), indicator
        assert whole["denominator"] == sum(line["denominator"] for line in known), indicator
        assert whole["missing"] == len(told["behind"]["rows"]) - len(known)
        assert sum(one["denominator"] for one in told["departments"]) == whole["denominator"]
        assert (whole["share"] is None) is (whole["denominator"] == 0)


def test_what_is_missing_is_no_data_and_not_nought(place: Standing) -> None:
    housing = district.HOUSING.code
    assert value(place, "materials-shared", housing)["share"] is None
    assert value(place, "materials-shared", housing)["missing"] == 2
    assert value(place, "entries-up-to-date")["share"] is None
    assert value(place, "departments-connected")["numerator"] == 6


def test_the_quality_of_an_entry_is_told_with_its_evidence(place: Standing) -> None:
    told = place.act("market.operator", "quality.show", code=LICENCE)
    marks = {mark["criterion"]: mark for mark in told["marks"]}
    assert marks["access-answers"]["points"] == 50
    assert marks["size"]["points"] is None
    assert told["next"] == ["items"]
    until = (now() + timedelta(hours=1)).isoformat()
    place.act("market.head", "source.rest", name="market", until=until, reason="升级")
    again = place.act("market.operator", "quality.show", code=LICENCE)
    assert {"access-answers", "answers"} <= set(again["next"])
    whole = place.act("authority", "quality.departments")
    worst = whole["departments"][0]
    assert (worst["department"], worst["next"][0]["criterion"]) == (
        district.MARKET.code,
        "access-answers",
    )


@pytest.mark.proves("G7")
def test_a_request_that_nobody_answers_in_time_counts_against_its_provider(
    place: Standing,
) -> None:
    labour = district.LABOUR.code
    assert value(place, "answers-on-time", labour)["share"] is None
    ask_for(place.place, DEPOSIT)
    assert value(place, "answers-on-time", labour)["share"] is None
    place.go_ahead(days=40)
    late = value(place, "answers-on-time", labour)
    # A day of a year without an arrangement is never late for certain, and then there is no data yet.
    assert (late["numerator"], late["denominator"]) in {(0, 1), (0, 0)}


def test_a_target_is_set_by_the_authority_recorded_and_told_with_how_it_stands(
    place: Standing,
) -> None:
    given = {"indicator": "matters-one-trip", "percent": 95, "due": "2027-06-30"}
    before = place.node.log.size
    for officer in ("hall.head", "auditor", "administrator"):
        with pytest.raises(NotAllowedError):
            place.act(officer, "target.set", **given, lead=district.HALL.code)
    target = place.act("authority", "target.set", **given, lead=district.HALL.code)
    assert place.kinds(since=before) == ["target.set"]
    (told,) = value(place, "matters-one-trip")["targets"]
    assert (told["percent"], told["lead"], told["reached"]) == (95, district.HALL.code, False)
    place.act("authority", "target.withdraw", target=target["id"])
    assert value(place, "matters-one-trip")["targets"] == []
    with pytest.raises(StateError):
        place.act("authority", "target.withdraw", target=target["id"])
    with pytest.raises(ActError):
        place.act("authority", "indicator.show", indicator="happiness")


def test_a_target_put_in_with_sql_is_not_there(place: Standing) -> None:
    changed = place.raw_sql(
        "UPDATE indicator_target SET percent = 1 WHERE indicator = ?", "speed-up"
    )
    assert changed == 1
    assert value(place, "speed-up")["targets"] == []


def test_the_page_sets_a_target_and_names_the_field_that_is_wrong(place: Standing) -> None:
    with browser(place, "authority") as authority:
        page = authority.get("/indicators").text
        token = page.split('name="csrf" value="')[1].split('"')[0]
        wrong = authority.post(
            "/indicators/targets",
            data={"csrf": token, "indicator": "speed-up", "percent": "many", "due": "never"},
        )
        assert wrong.status_code == 400
        assert 'href="#percent"' in wrong.text
        assert 'href="#due"' in wrong.text
        right = authority.post(
            "/indicators/targets",
            data={
                "csrf": token,
                "indicator": "materials-shared",
                "percent": "60",
                "due": "2027-12-31",
                "lead": district.HALL.code,
            },
        )
        assert right.status_code == 200
        assert "60%" in right.text
    with browser(place, "hall.operator") as other:
        assert "/indicators/targets" not in other.get("/indicators").text


def test_the_table_is_a_workbook_a_csv_and_json_that_say_the_same(place: Standing) -> None:
    with browser(place, "hall.operator", "en") as officer:
        book = officer.get("/indicators/report.xlsx").content
        sheet = officer.get("/indicators/report.csv").content.decode("utf-8-sig")
        told = officer.get("/indicators/report.json").json()
        assert officer.get("/indicators/report.exe").status_code == 404
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(book))
    assert workbook.sheet_names == ["Table", "Indicators"]
    rows = workbook.get_sheet_by_name("Table").to_python()
    lines = list(csv.reader(io.StringIO(sheet)))
    assert rows[0] == lines[0]
    assert [row[0] for row in rows] == [line[0] for line in lines]
    assert rows[-1][0] == "All departments"
    assert len(rows) == len(told["rows"]) + 1 == len(district.DEPARTMENTS) + 2
    place_of = rows[0].index("Materials supplied by sharing %")
    by_name = {row[0]: row[place_of] for row in rows}
    assert by_name[district.HOUSING.name_en] == "no data"
    assert by_name[district.HALL.name_en] == 50.0


def test_the_command_line_tells_the_same_and_writes_the_table(
    origin: Founded, tmp_path: Path
) -> None:
    assert origin.grants
    home = copied(tmp_path / "home").home
    runner, env = CliRunner(), {"EXCHANGE_HOME": str(home)}

    def said(*words: str) -> Any:
        result = runner.invoke(main, [*words, "--json", "--as", "authority"], env=env)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    told = said("indicator", "list", "--department", district.HALL.code)
    assert {one["id"] for one in told["indicators"]} == set(INDICATORS)
    written = said("indicator", "report", str(tmp_path / "table.xlsx"))
    assert written["departments"] == len(district.DEPARTMENTS)
    assert (tmp_path / "table.xlsx").read_bytes().startswith(b"PK")
    said(
        *("indicator", "target", "set", "speed-up", "20"),
        *("--due", "2027-12-31", "--lead", district.DATA.code),
    )
    assert {one["percent"] for one in said("indicator", "target", "list")} >= {15, 20}
    assert said("quality", "list", "--department", district.HOUSING.code)["total"] == 2


def test_what_the_indicators_were_is_kept_once_a_day_and_never_changed(place: Standing) -> None:
    node = place.node
    keep_today(node)
    held = node.held(INDICATOR_DAY)
    day = held[max(held)]
    told = place.act("auditor", "indicator.trend", indicator="departments-connected")
    assert [one["day"] for one in told["points"]][-1] == day.id
    size = node.log.size
    assert not keep_today(node)
    assert not node.registry.keep_indicators(replace(day, measured=()))
    assert node.log.size == size
    assert node.held(INDICATOR_DAY)[day.id] == day
    earlier = replace(day, id="2020-01-31")
    assert node.registry.keep_indicators(earlier)
    assert place.kinds(since=size) == ["indicators.kept"]
    told = place.act("auditor", "indicator.trend", indicator="departments-connected")
    days = [one["day"] for one in told["points"]]
    assert days == sorted(days)
    assert {"2020-01-31", day.id} <= set(days)
    month = place.act(
        "auditor",
        "indicator.trend",
        indicator="departments-connected",
        department=district.HALL.code,
        by="month",
    )
    assert {one["share"] for one in month["points"]} == {1.0}
    with pytest.raises(ActError, match="no indicator nothing"):
        place.act("auditor", "indicator.trend", indicator="nothing")


@pytest.mark.parametrize(("language", "said"), [("zh", "历史走势"), ("en", "How it was")])
def test_the_page_shows_the_days_that_were_kept(place: Standing, language: str, said: str) -> None:
    keep_today(place.node)
    day = max(place.node.held(INDICATOR_DAY))
    with browser(place, "market.operator", language) as client:
        by_day = client.get("/indicators/departments-connected").text
        by_month = client.get("/indicators/departments-connected?by=month").text
        query = '{ indicatorTrend(indicator: "departments-connected") { day numerator share } }'
        asked = client.post("/manage/graphql", json={"query": query}).json()
    for text in (by_day, by_month):
        assert said in text
        assert re.search(rf'id="trend-table".*>{day}<', text, re.DOTALL)
    assert asked["data"]["indicatorTrend"][-1]["day"] == day


def test_a_day_that_was_edited_past_the_program_is_not_in_the_trend_nor_written_over(
    place: Standing,
) -> None:
    node = place.node
    keep_today(node)
    held = node.held(INDICATOR_DAY)
    other = replace(held[max(held)], id="2019-05-31")
    assert node.registry.keep_indicators(other)
    changed = "UPDATE indicator_day SET measured = '[]' WHERE id = ?"
    assert place.raw_sql(changed, other.id) == 1
    assert other.id not in node.held(INDICATOR_DAY)
    size = node.log.size
    with pytest.raises(UnrecordedRowError):
        node.registry.keep_indicators(other)
    assert node.log.size == size
