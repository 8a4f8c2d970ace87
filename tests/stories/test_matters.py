"""Matters and their materials: what applicants are still asked for, and what the exchange answers instead."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from catalogue.errors import NotAllowedError
from catalogue.rows import OFFICER
from exchange.acts.register import ActError
from exchange.cli.main import main
from exchange.demo import district
from exchange.demo.setup import DEPOSIT, LICENCE, SYSTEM
from exchange.portal.render import COOKIE as LANGUAGE_COOKIE
from exchange.portal.session import COOKIE
from tests.fakes.node import JOINING, USAGE, Founded, Standing, codes, copied, standing

MATTER = district.MATTER
PLANNING = "001115014000"


@pytest.fixture(scope="module")
def place(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    assert origin.grants
    with standing(tmp_path_factory.mktemp("matters") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def home(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The district's home while nobody serves it: commands open it themselves."""
    assert origin.grants
    return copied(tmp_path_factory.mktemp("matters-home") / "home").home


def run(home: Path, *words: str, officer: str) -> Result:
    told = {"EXCHANGE_HOME": str(home)}
    return CliRunner().invoke(main, [*words, "--as", officer], env=told)


def said(home: Path, *words: str, officer: str) -> Any:
    result = run(home, *words, "--json", officer=officer)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_changed_matter_is_a_new_version_and_the_calls_entry_says_which_one_held(
    place: Standing,
) -> None:
    before = place.act("hall.operator", "matter.show", code=MATTER)
    first = place.entry(place.ask())
    assert (first["matter"], first["matter_version"]) == (MATTER, before["version"])
    row = place.node.live.load().matters[MATTER]
    changed = {
        "code": MATTER,
        "kind": row.kind,
        "department": row.department,
        "name": row.name,
        "case_pattern": row.case_pattern,
        "resources": list(row.resources),
        "promised_days": 3,
    }
    taken = place.act("authority", "matter.import", rows=[changed])
    again = place.act("authority", "matter.import", rows=[changed])
    assert (list(taken["changed"]), list(again["unchanged"])) == ([MATTER], [MATTER])
    after = place.act("hall.operator", "matter.show", code=MATTER)
    assert (after["version"], after["promised_days"]) == (before["version"] + 1, 3)
    assert place.entry(place.ask())["matter_version"] == after["version"]
    past = place.act("hall.operator", "matter.show", code=MATTER, version=before["version"])
    assert (past["promised_days"], past["holds"]) == (4, False)
    assert [one["name"] for one in past["materials"]] == [one["name"] for one in after["materials"]]
    assert [one["version"] for one in after["versions"]] == list(range(after["version"], 0, -1))
    with pytest.raises(ActError, match="no version 99"):
        place.act("hall.operator", "matter.show", code=MATTER, version=99)


@pytest.mark.proves("E5")
def test_the_ready_made_query_of_a_matter_is_answered_by_the_gateway(place: Standing) -> None:
    ready = place.act("hall.operator", "matter.query", code=MATTER, system=SYSTEM)
    assert ready["why"] is None
    assert {one["code"] for one in ready["resources"] if not one["granted"]} == {DEPOSIT}
    values = {"enterprise": district.APPLICANT, "person": district.ENGINEER}
    assert set(ready["variables"]) == set(values)
    answer = place.as_system(SYSTEM).query(ready["document"], values, usage=USAGE)
    assert {name for name, code in codes(answer).items() if code is None} == {
        "businessLicence",
        "planningPermit",
        "environmentalApprovals",
        "qualification",
        "registeredEngineer",
    }
    assert codes(answer)["wageDeposit"] == "GRANT_MISSING"


def test_a_department_without_a_system_is_told_why_there_is_no_query(place: Standing) -> None:
    told = place.act("market.operator", "matter.query", code=district.FOREIGN_MATTER)
    assert (told["document"], told["why"]) == (None, "no-system")
    with pytest.raises(ActError):
        place.act("market.operator", "matter.query", code=MATTER, system=SYSTEM)


@pytest.mark.parametrize("words", ["营业执照副本复印件", "Copy of the business licence"])
def test_what_proves_this_names_the_resource_its_department_and_whether_we_have_it(
    place: Standing, words: str
) -> None:
    told = place.act("hall.operator", "evidence.find", words=words, matter=MATTER)
    first = told["proofs"][0]
    assert (first["resource"], first["department"]) == (LICENCE, district.MARKET.code)
    assert (first["state"], bool(first["grant"])) == ("supplied", True)
    assert "businessLicence" in told["query"]["document"]
    assert MATTER in first["matters"]
    others = place.act("planning.operator", "evidence.find", words=words)
    assert (others["proofs"][0]["state"], others["query"]["why"]) == ("not-asked", "no-system")


def test_what_is_asked_again_though_sharing_supplies_it_is_reported_by_department(
    home: Path,
) -> None:
    told = said(home, "evidence", "duplicates", officer="authority")
    found = {one["department"]: one for one in told["departments"]}
    hall, planning = found[district.HALL.code], found[district.PLANNING.code]
    assert (hall["again"], planning["again"], planning["avoidable"]) == (1, 0, 2)
    assert [one["name"] for one in hall["materials"] if one["again"]] == ["项目负责人注册证书"]
    assert "第七条" in told["law"]
    assert "第十九条" in told["law"]
    assert {(one["matter"], one["resource"]) for one in told["likely"]} == {
        (PLANNING, "310/000001")
    }
    own = said(
        home, "evidence", "duplicates", "--department", district.HALL.code, officer="auditor"
    )
    assert [one["department"] for one in own["departments"]] == [district.HALL.code]


def test_materials_are_shown_before_they_are_taken_and_a_second_time_changes_nothing(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "materials.csv"
    rows = (
        "事项编码,材料编号,材料名称,共享资源代码,是否免提交",
        f"{PLANNING},1,营业执照,{LICENCE},否",
        f"{PLANNING},2,建设工程设计方案,,否",
    )
    file.write_bytes("\n".join(rows).encode("gb18030"))
    words = ("matter", "materials", "import", str(file))
    tried = said(home, *words, "--dry-run", officer="planning.operator")
    assert tried["read_as"] == {"encoding": "gb18030", "delimiter": "comma"}
    assert tried["taken"] is False
    (differs,) = tried["differences"]
    assert (differs["added"], differs["removed"]) == ([], ["3"])
    assert [one["code"] for one in differs["changed"]] == ["1", "2"]
    asked = run(home, *words, officer="planning.operator")
    assert asked.exit_code == 1
    assert "read as gb18030" in asked.output
    before = said(home, "matter", "show", PLANNING, officer="planning.operator")["version"]
    assert said(home, *words, "--yes", officer="planning.operator")["taken"] is True
    again = said(home, *words, "--yes", officer="planning.operator")
    assert (again["differences"], again["unchanged"]) == ([], [PLANNING])
    after = said(home, "matter", "show", PLANNING, officer="planning.operator")
    assert after["version"] == before + 1


def test_a_material_that_names_what_is_not_there_is_named_by_row_and_nothing_is_taken(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "materials.csv"
    file.write_text(
        "matter,code,name,resource\n"
        f"{PLANNING},1,营业执照,{LICENCE}\n"
        f"{PLANNING},2,批文,999/000009\n"
        "000000000000,1,批文,\n",
        encoding="utf-8",
    )
    result = run(
        home, "matter", "materials", "import", str(file), "--yes", officer="planning.operator"
    )
    assert result.exit_code == 1
    assert "materials.csv:3:resource" in result.output
    assert "materials.csv:4:matter" in result.output


def test_another_department_says_nothing_of_what_a_matter_asks_for(place: Standing) -> None:
    size = place.node.log.size
    for officer in ("market.head", "auditor", "administrator"):
        with pytest.raises(NotAllowedError):
            place.act(officer, "matter.materials", listed={PLANNING: []})
    with pytest.raises(NotAllowedError):
        place.act("hall.head", "matter.import", rows=[])
    assert place.node.log.size == size


def a_browser(place: Standing, officer: str, language: str) -> httpx.Client:
    node = place.node
    officers = node.held(OFFICER)
    link = node.sign_in.offer_link(officers[place.place.ids[officer]], by=None)
    secret = node.sign_in.redeem_link(link, officers=officers).secret
    return httpx.Client(
        base_url=place.url,
        cookies={COOKIE: secret, LANGUAGE_COOKIE: language},
        headers={"sec-fetch-site": "same-origin"},
        timeout=60,
        trust_env=False,
    )


LATER = f"""事项编码,材料编号,材料名称,共享资源代码,是否免提交
{PLANNING},1,营业执照,{LICENCE},是
{PLANNING},7,现场照片,,否
"""
WRONG = f"""事项编码,材料编号,材料名称,共享资源代码,是否免提交
{PLANNING},1,营业执照,{LICENCE},也许
{PLANNING},2,批文,,
"""


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, name
    return found[1]


def uploaded(browser: httpx.Client, content: bytes) -> httpx.Response:
    first = browser.get("/matters/materials/import")
    return browser.post(
        "/matters/materials/import",
        data={"csrf": hidden(first.text, "csrf")},
        files={"file": ("材料.csv", content, "text/csv")},
    )


def sent(browser: httpx.Client, looked: httpx.Response, **given: str) -> httpx.Response:
    action = re.search(r'action="(/matters/materials/import/[^"]+)"', looked.text)
    assert action is not None
    kept = {name: hidden(looked.text, name) for name in ("csrf", "called", "looked_at")}
    return browser.post(action[1], data={**kept, **given})


def version_of(place: Standing, matter: str) -> int:
    return int(place.act("hall.operator", "matter.show", code=matter)["version"])


@pytest.mark.parametrize(
    ("language", "changes", "taken"),
    [("zh", "现场照片", "个事项已形成新版本"), ("en", "Added", "have their next version")],
)
def test_a_page_shows_what_a_file_of_materials_changes_before_anything_is_taken(
    place: Standing, language: str, changes: str, taken: str
) -> None:
    content = LATER.replace("7,现场", f"{7 + len(language)}{language},现场").encode("gb18030")
    before = version_of(place, PLANNING)
    with a_browser(place, "planning.operator", language) as browser:
        looked = uploaded(browser, content)
        assert looked.status_code == 200, looked.text
        assert "GB18030" in looked.text
        assert f"{7 + len(language)}{language}" in looked.text
        assert version_of(place, PLANNING) == before
        done = sent(browser, looked, step="take")
        assert done.status_code == 200, done.text
        assert taken in done.text
        assert version_of(place, PLANNING) == before + 1
        again = uploaded(browser, content)
        assert 'value="take"' not in again.text
    assert changes


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "不是此列允许的词或数字"), ("en", "not one of the words or numbers that stand here")],
)
def test_a_page_names_row_and_column_of_what_does_not_fit_and_takes_nothing(
    place: Standing, language: str, said: str
) -> None:
    before = version_of(place, PLANNING)
    with a_browser(place, "planning.operator", language) as browser:
        looked = uploaded(browser, WRONG.encode())
        assert looked.status_code == 200
        assert re.search(r'<td class="govuk-table__cell">2</td>', looked.text)
        assert said in looked.text
        assert 'value="take"' not in looked.text
        forced = sent(browser, looked, step="take")
        assert forced.status_code == 200
        assert said in forced.text
        assert uploaded(browser, b"").status_code == 400
        assert uploaded(browser, b"a,b\n\x00").status_code == 200
    assert version_of(place, PLANNING) == before


def test_a_page_takes_only_what_was_looked_at_and_only_of_one_s_own_matters(
    place: Standing,
) -> None:
    before = version_of(place, PLANNING)
    with a_browser(place, "planning.operator", "en") as browser:
        looked = uploaded(browser, LATER.replace("现场照片", "申请表").encode())
        stale = sent(browser, looked, step="take", looked_at="0" * 64)
        assert stale.status_code == 400
        assert "STATE" in stale.text
        dropped = sent(browser, looked, step="drop")
        assert dropped.headers["location"] == "/matters"
        assert sent(browser, looked, step="look").status_code == 400
    with a_browser(place, "market.operator", "en") as browser:
        foreign = uploaded(browser, LATER.encode())
        assert foreign.status_code == 400
        assert "ROLE_MISSING" in foreign.text
    with a_browser(place, "auditor", "en") as browser:
        assert 'type="file"' not in browser.get("/matters/materials/import").text
    assert version_of(place, PLANNING) == before


def test_when_a_resource_goes_it_is_said_before_and_seen_after(place: Standing) -> None:
    told = place.act("market.head", "evidence.impact", resource=LICENCE)
    assert MATTER in told["matters"]
    assert set(told["systems"]) == {SYSTEM}
    assert {(one["matter"], one["name"]) for one in told["materials"]} >= {
        (MATTER, "营业执照"),
        (district.FOREIGN_MATTER, "营业执照"),
    }
    with pytest.raises(ActError):
        place.act("planning.head", "evidence.impact", resource=LICENCE)
    place.act("market.head", "resource.withdraw", code=LICENCE)
    shown = place.act("hall.operator", "matter.show", code=MATTER)
    (licence,) = [one for one in shown["materials"] if one["code"] == "1"]
    assert (licence["state"], licence["broken"]) == ("withdrawn", True)
    ready = place.act("hall.operator", "matter.query", code=MATTER, system=JOINING)
    assert LICENCE in ready["left_out"]
    assert "businessLicence" not in ready["document"]
