"""Entries go out and come in as files: what changes is seen first, and nothing is done by halves."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalogue.errors import CatalogueError
from catalogue.rows import DEMAND, OFFICER, RESOURCE, SOURCE
from exchange.acts.register import ActError
from exchange.demo import district
from exchange.home import OFFICERS, write_private
from exchange.identity.keys import private_pem
from exchange.portal.render import COOKIE as LANGUAGE_COOKIE
from exchange.portal.session import COOKIE
from tests.fakes.files import upload
from tests.fakes.node import Founded, Standing, standing
from tests.fakes.surveys import AUDITS, PERMITS, a_survey
from tests.stories.test_command_line import Terminal

OPERATOR = "market.operator"
LICENCE = "307/000001"


@pytest.fixture(scope="module")
def town(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """One district for all that is told here; each story leaves it as the next one may find it."""
    with standing(tmp_path_factory.mktemp("town") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def terminal(town: Standing) -> Terminal:
    home = town.node.settings.home
    folder = home / OFFICERS
    folder.mkdir(parents=True, exist_ok=True)
    for name, key in town.place.keys.items():
        path = folder / f"{name}.pem"
        if not path.exists():
            write_private(path, private_pem(key))
    return Terminal(home)


def preview(
    town: Standing, content: bytes, name: str = "survey.xlsx", officer: str = OPERATOR
) -> Any:
    held = upload(town, content, officer=officer)
    return town.act(officer, "catalogue.preview-import", upload=held, asked={"file": name})


def take(town: Standing, content: bytes, name: str = "survey.xlsx", officer: str = OPERATOR) -> Any:
    held = upload(town, content, officer=officer)
    asked = {"file": name}
    seen = town.act(officer, "catalogue.preview-import", upload=held, asked=asked)
    return town.act(
        officer, "catalogue.import", upload=held, asked=asked, looked_at=seen["looked_at"]
    )


def test_a_survey_is_looked_at_and_taken_and_a_second_time_changes_nothing(town: Standing) -> None:
    before = town.node.log.size
    content = a_survey()
    seen = preview(town, content)
    assert (seen["counts"]["added"], seen["not_taken"], seen["committed"]) == (2, [], False)
    assert town.node.log.size == before
    assert "307001/000101" not in town.node.held(RESOURCE)

    taken = take(town, content)
    assert taken["committed"]
    assert town.kinds(since=before) == ["source.listed", "resource.imported", "demand.filed"]
    drafted = town.node.held(RESOURCE)["307001/000101"].resource
    assert (drafted.state, drafted.department) == ("draft", district.MARKET.code)
    assert town.node.held(SOURCE)[drafted.source].state == "waiting"
    assert any(one.words == "婚姻登记信息" for one in town.node.held(DEMAND).values())

    size = town.node.log.size
    again = take(town, content)
    assert (again["counts"]["unchanged"], again["counts"]["added"]) == (2, 0)
    assert (again["differences"], again["needs"]) == (
        [one for one in again["differences"] if one["change"] == "missing"],
        [],
    )
    assert town.node.log.size == size


def test_a_survey_that_was_changed_shows_exactly_what_it_changes(town: Standing) -> None:
    take(town, a_survey())
    permits = [list(line) for line in PERMITS]
    permits[0][8] = "本区食品经营许可证的发放与注销信息"
    permits[1][16] = "20"
    seen = take(town, a_survey(permits, AUDITS))
    changed = [one for one in seen["differences"] if one["change"] == "changed"]
    assert [
        (field["field"], field["before"], field["after"])
        for one in changed
        for field in one["fields"]
    ] == [
        ("abstract", "本区食品经营许可证的发放信息", "本区食品经营许可证的发放与注销信息"),
        ("length", 18, 20),
    ]
    missing = [one["code"] for one in seen["differences"] if one["change"] == "missing"]
    assert LICENCE in missing or missing


def test_a_hostile_file_leaves_nothing_behind(town: Standing) -> None:
    size, held = town.node.log.size, set(town.node.held(RESOURCE))
    deep = b'{"format": "exchange-catalogue/1", "entries": ' + b"[" * 100_000
    for content, name in ((a_survey()[:-300], "survey.xlsx"), (deep, "deep.json")):
        told = take(town, content, name)
        assert told["not_taken"][0]["file"] == name
        assert told["counts"]["added"] == told["counts"]["changed"] == 0
    assert (town.node.log.size, set(town.node.held(RESOURCE))) == (size, held)


def test_a_table_that_is_registered_under_an_imported_code_keeps_what_the_survey_said(
    town: Standing,
) -> None:
    code = "307001/000130"
    lines = [[*line] for line in PERMITS]
    lines[0][5], lines[0][6] = code, "企业登记信息"
    lines[1][12] = "ent_name"
    take(town, a_survey(lines, needs=()))
    imported = town.node.held(RESOURCE)[code].resource
    seen = town.act(
        OPERATOR, "resource.reflect", source="market", table="business_licence", code=code
    )
    entry = seen["resource"]
    assert (entry["name"], entry["abstract"]) == (imported.name, imported.abstract)
    assert (entry["source"], entry["table"]) == ("market", "business_licence")
    names = {item["column"]: item["name"] for item in entry["items"]}
    assert names["ent_name"] == next(one.name for one in imported.items if one.title == "ent_name")
    assert any("许可证有效期至" in one for one in seen["skipped"])
    town.act(OPERATOR, "resource.draft", resource=entry)
    assert town.node.held(RESOURCE)[code].resource.source == "market"


def test_what_is_not_taken_is_told_and_the_rest_of_the_file_is_taken(town: Standing) -> None:
    audits = [[*line] for line in AUDITS]
    audits[0][5], audits[0][18] = "307001/000110", "《云岫区数据管理制度》第三条 内部资料"
    permits = [[*line] for line in PERMITS]
    permits[0][5] = "307001/000111"
    told = take(town, a_survey(permits, audits, needs=()))
    assert "307001/000111" in town.node.held(RESOURCE)
    assert "307001/000110" not in town.node.held(RESOURCE)
    (refused, *_more) = told["not_taken"]
    assert (refused["code"], refused["row"], refused["file"]) == ("307001/000110", 7, "survey.xlsx")
    assert "a law" in refused["needed"]


def test_a_need_that_no_demand_has_room_for_is_told(town: Standing) -> None:
    needs = (("1", "很长的名称" * 50, "", "", "", "", "", "核验", ""),)
    told = take(town, a_survey(PERMITS, needs=needs))
    assert [(one["column"], one["found"]) for one in told["not_taken"]] == [
        ("所需资源名称", "250 characters")
    ]
    assert told["needs"] == []


def test_nobody_imports_another_departments_entries(town: Standing) -> None:
    entry = {"code": "307/7777", "name": "别家的", "department": district.HALL.code}
    content = json.dumps(
        {"format": "exchange-catalogue/1", "needs": [], "entries": [entry]}
    ).encode()
    told = take(town, content, "theirs.json")
    assert [one["code"] for one in told["not_taken"]] == ["307/7777"]
    assert "307/7777" not in town.node.held(RESOURCE)
    with pytest.raises(CatalogueError, match="ROLE_MISSING"):
        preview(town, content, "theirs.json", officer="authority")


def test_an_announced_entry_is_not_changed_behind_the_authoritys_back(town: Standing) -> None:
    announced = next(
        one.resource
        for one in town.node.held(RESOURCE).values()
        if one.resource.department == district.MARKET.code and one.resource.state == "announced"
    )
    entry = {"code": announced.code, "name": announced.name, "abstract": "改"}
    content = json.dumps(
        {"format": "exchange-catalogue/1", "needs": [], "entries": [entry]}
    ).encode()
    told = take(town, content, "changed.json")
    assert told["not_taken"] == []
    held = town.node.held(RESOURCE)[announced.code]
    assert (held.resource.state, held.resource.abstract) == ("announced", announced.abstract)
    drafted = held.latest.resource
    assert (drafted.state, drafted.abstract) == ("draft", "改")
    assert drafted.revision == announced.revision + 1
    again = preview(town, content, "changed.json")
    assert (again["counts"]["changed"], again["counts"]["unchanged"]) == (0, 1)
    town.act(OPERATOR, "resource.drop-revision", code=announced.code)


def test_what_was_looked_at_is_what_is_taken_or_nothing_is(town: Standing) -> None:
    content = a_survey(
        [["9", "", "", "", "", "307001/000120", "另一资源", *PERMITS[0][7:]]], needs=()
    )
    held = upload(town, content)
    asked = {"file": "survey.xlsx"}
    seen = town.act(OPERATOR, "catalogue.preview-import", upload=held, asked=asked)
    size = town.node.log.size
    with pytest.raises(CatalogueError, match="STATE"):
        town.act(OPERATOR, "catalogue.import", upload=held, asked=asked, looked_at="0" * 64)
    assert town.node.log.size == size
    town.act(OPERATOR, "catalogue.import", upload=held, asked=asked, looked_at=seen["looked_at"])
    with pytest.raises(ActError, match="no upload"):
        town.act(
            OPERATOR, "catalogue.import", upload=held, asked=asked, looked_at=seen["looked_at"]
        )


def a_browser(town: Standing, language: str, officer: str = OPERATOR) -> httpx.Client:
    node = town.node
    officers = node.held(OFFICER)
    link = node.sign_in.offer_link(officers[town.place.ids[officer]], by=None)
    secret = node.sign_in.redeem_link(link, officers=officers).secret
    return httpx.Client(
        base_url=town.url,
        cookies={COOKIE: secret, LANGUAGE_COOKIE: language},
        headers={"sec-fetch-site": "same-origin"},
        timeout=60,
        trust_env=False,
    )


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, name
    return found[1]


@pytest.mark.parametrize(
    ("language", "changed", "needed"),
    [
        ("zh", "信息资源摘要：", "以下之一：实时、每日"),
        ("en", "Abstract: ", "one of 实时、每日"),
    ],
)
def test_the_page_shows_the_differences_and_what_is_not_taken_before_anything_is(
    town: Standing, language: str, changed: str, needed: str
) -> None:
    take(town, a_survey(needs=()))
    permits = [list(line) for line in PERMITS]
    permits[0][8] = f"摘要<script>alert(1)</script>{language}"
    audits = [list(line) for line in AUDITS]
    audits[0][21] = "偶尔"
    with a_browser(town, language) as browser:
        first = browser.get("/publish/import")
        looked = browser.post(
            "/publish/import",
            data={"csrf": hidden(first.text, "csrf")},
            files={"file": ("survey.xlsx", a_survey(permits, audits, needs=()))},
        )
        assert looked.status_code == 200
        assert changed in looked.text
        assert "<script>alert" not in looked.text
        assert needed in looked.text
        assert town.node.held(RESOURCE)["307001/000101"].resource.abstract != permits[0][8]
        action = re.search(r'action="(/publish/import/[^"]+)"', looked.text)
        assert action is not None
        given = {name: hidden(looked.text, name) for name in ("csrf", "called", "looked_at")}
        taken = browser.post(action[1], data={**given, "step": "take"})
        assert taken.status_code == 200
    assert town.node.held(RESOURCE)["307001/000101"].resource.abstract == permits[0][8]


def test_the_management_api_looks_a_file_over_and_takes_what_was_looked_at(town: Standing) -> None:
    entry = {"code": "307/000140", "name": "由接口导入", "items": [{"title": "名称"}]}
    content = json.dumps({"format": "exchange-catalogue/1", "needs": [], "entries": [entry]})
    asked = {"file": "a.json", "content": b64encode(content.encode()).decode()}
    query = """mutation I($file: String!, $content: String!, $lookedAt: String) {
      importEntries(file: $file, content: $content, lookedAt: $lookedAt) {
        added committed lookedAt differences { code change } notTaken { row needed } } }"""

    def ask(**variables: Any) -> Any:
        with a_browser(town, "en") as browser:
            answer = browser.post(
                "/manage/graphql", json={"query": query, "variables": asked | variables}
            )
        return answer.json()

    seen = ask()["data"]["importEntries"]
    assert (seen["added"], seen["committed"]) == (1, False)
    assert "307/000140" not in town.node.held(RESOURCE)
    taken = ask(lookedAt=seen["lookedAt"])["data"]["importEntries"]
    assert taken["committed"]
    assert town.node.held(RESOURCE)["307/000140"].resource.name == "由接口导入"
    assert ask(content="not base64")["errors"][0]["extensions"]["code"] == "ACT_ARGUMENTS"


def test_an_auditor_is_shown_why_nothing_can_be_imported(town: Standing) -> None:
    with a_browser(town, "en", "auditor") as browser:
        page = browser.get("/publish/import")
    assert "your role only reads" in page.text
    assert 'type="file"' not in page.text


@pytest.mark.parametrize("form", ["json", "csv", "workbook", "dcat", "jsonld"])
def test_what_the_command_exports_changes_nothing_when_it_is_imported(
    town: Standing, terminal: Terminal, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"catalogue.{form}"
    told = terminal.told(
        "catalogue", "export", "--format", form, "--drafts", "--department", district.MARKET.code,
        str(file), officer=OPERATOR,
    )  # fmt: skip
    assert told["entries"] >= 1
    seen = terminal.told("catalogue", "import", str(file), officer=OPERATOR)
    assert seen["counts"]["added"] == seen["counts"]["changed"] == 0
    assert seen["counts"]["unchanged"] == told["entries"]
    assert not seen["committed"]


def test_the_command_says_file_row_and_column_of_what_is_not_taken(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("信息资源代码,信息资源名称,更新周期\n307/1,甲,偶尔\n", encoding="gb18030")
    said = terminal.refused("catalogue", "import", str(file), "--commit", officer=OPERATOR)
    assert "bad.csv:2:更新周期: '偶尔' found, one of 实时" in said


@pytest.mark.parametrize(
    ("form", "member"),
    [
        ("tableschema", "fields"),
        ("csvw", "tableSchema"),
        ("jsonschema", "properties"),
        ("odrl", "@graph"),
    ],
)
def test_the_items_and_the_terms_of_one_entry_are_exported_in_the_standards_forms(
    town: Standing, terminal: Terminal, tmp_path: Path, form: str, member: str
) -> None:
    code = next(
        code for code, one in town.node.held(RESOURCE).items() if one.resource.state == "announced"
    )
    file = tmp_path / "entry.json"
    terminal.said(
        "catalogue", "export", "--format", form, "--code", code, str(file), officer=OPERATOR
    )
    assert json.loads(file.read_text(encoding="utf-8"))[member]
