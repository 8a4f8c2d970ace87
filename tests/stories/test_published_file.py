"""A department has no database but a file: it becomes a table, an entry, and is asked like any other."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.canonical import decode_strict
from audit.errors import LogUnavailableError
from catalogue.errors import CatalogueError
from catalogue.rows import RESOURCE, SOURCE
from catalogue.validation import PURPOSES
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.setup import SYSTEM
from exchange.home import OFFICERS, write_private
from exchange.identity.keys import private_pem
from exchange.portal.session import COOKIE
from tests.fakes.files import CODE, FILE, LINES, NAME, register, upload
from tests.fakes.node import Standing, lines
from tests.stories.test_command_line import Terminal

KEY = "统一社会信用代码"


def draft(here: Standing, told: Any, **changed: Any) -> dict[str, Any]:
    """Draft the entry from what the table suggests, the phone masked as suggested."""
    seen = here.act(
        "market.operator",
        "resource.reflect",
        source=told["source"],
        table=told["table"],
        code=CODE,
        key=told["key"],
    )["resource"]
    given = {"name": "许可名单", "conditions": "许可部门", "purposes": ["administrative-basis"]}
    drafted = seen | given | changed
    for item in drafted["items"]:
        item["level"] = min(item["level"], 2)
    drafted["level"] = 2
    here.act("market.operator", "resource.draft", resource=drafted)
    return dict(drafted)


def announce(here: Standing) -> None:
    demo.examine(here.place, "market", CODE)
    here.act("market.head", "resource.submit", code=CODE)
    here.act("authority", "resource.announce", code=CODE)


def agree(here: Standing, items: list[str], *, match: str) -> None:
    """The hall asks for items, and the market bureau agrees."""
    asked = here.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": CODE,
            "systems": [SYSTEM],
            "items": items,
            "match": [match],
            "matters": [district.MATTER],
            "purposes": ["administrative-basis"],
            "channels": ["query"],
            "legal_basis": "《建筑法》第八条",
            "scenario": "核验申请人的许可",
            "not_before": (now() - timedelta(minutes=1)).isoformat(),
            "not_after": (now() + timedelta(days=365)).isoformat(),
            "daily_quota": 100,
        },
    )
    here.act("hall.head", "request.sign", request=asked["id"])
    here.act("market.head", "grant.give", request=asked["id"], terms={})


def entries(here: Standing, kind: str) -> list[dict[str, Any]]:
    bodies = here.node.log.entries(0, here.node.log.size)
    return [dict(entry) for entry in map(decode_strict, bodies) if entry["kind"] == kind]


def kept(here: Standing) -> list[Path]:
    folder = here.node.files / "tables"
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.proves("E2")
def test_a_file_becomes_a_source_of_its_department_and_what_it_holds_is_suggested(
    here: Standing,
) -> None:
    told = register(here)
    assert (told["table"], told["rows"], told["key"]) == ("market_permits", 2, KEY)
    source = here.node.held(SOURCE)[NAME]
    assert (source.kind, source.department) == ("file", district.MARKET.code)
    drafted = draft(here, told)
    by_title = {item["title"]: item for item in drafted["items"]}
    assert by_title[KEY]["key"]
    assert by_title[KEY]["subject"] == "enterprise"
    assert by_title["联系电话"]["mask"] == "phone"
    assert {title: item["type"] for title, item in by_title.items()} == {
        KEY: "text",
        "企业名称": "text",
        "联系电话": "text",
        "许可金额": "decimal",
        "发证日期": "date",
    }
    assert "2024-05-01" in drafted["abstract"]
    assert list((here.node.files / "uploads").iterdir()) == []


def test_the_log_says_who_registered_how_many_rows_and_no_value(here: Standing) -> None:
    register(here)
    (entry,) = [one for one in entries(here, "source.added") if one["facts"]["source"] == NAME]
    assert entry["facts"]["rows"] == 2
    assert entry["facts"]["as_of"] == "2024-05-01"
    assert set(entry["digests"]) >= {"officer", "content"}
    written = json.dumps(entry, ensure_ascii=False)
    assert not any(cell in written for line in LINES[1:] for cell in line.split(",")[:3])
    assert (here.node.files / "tables").stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o777 for path in kept(here)] == [0o600]


def test_a_second_file_under_the_same_name_is_refused_and_nothing_is_lost(here: Standing) -> None:
    register(here)
    before, tables = here.node.held(SOURCE)[NAME], [p.read_bytes() for p in kept(here)]
    with pytest.raises(CatalogueError, match="DUPLICATE"):
        register(here, FILE + b"9,9,9,9,2024-01-01\n")
    assert here.node.held(SOURCE)[NAME] == before
    assert [path.read_bytes() for path in kept(here)] == tables


@pytest.mark.parametrize("officer", ["auditor", "administrator"])
def test_only_officers_of_a_department_bring_its_files(here: Standing, officer: str) -> None:
    with pytest.raises(CatalogueError, match=r"ROLE_MISSING|AUDITOR|ADMINISTRATOR"):
        here.act(officer, "file.offer")


def test_an_upload_is_nobody_elses(here: Standing) -> None:
    held = upload(here)
    for officer in ("hall.operator", "market.head"):
        with pytest.raises(ActError, match="no upload of yours"):
            here.act(officer, "file.preview", upload=held)


def test_a_file_that_is_not_the_one_looked_over_is_refused(here: Standing) -> None:
    with pytest.raises(ActError, match="not the file that was looked over"):
        register(here, content="0" * 64)
    assert NAME not in here.node.held(SOURCE)
    assert kept(here) == []


def test_a_file_that_has_to_be_corrected_is_refused_by_row(here: Standing) -> None:
    with pytest.raises(ActError, match="row 4") as refused:
        register(here, FILE + "甲,乙\n".encode("gb18030"))
    assert refused.value.code == "FILE_REFUSED"
    assert kept(here) == []


def test_a_day_to_come_is_no_day_of_a_file(here: Standing) -> None:
    with pytest.raises(CatalogueError, match="a day to come"):
        register(here, as_of="2999-01-01")


def test_where_the_log_refuses_no_table_is_left(here: Standing) -> None:
    here.node.log.close()
    with pytest.raises(LogUnavailableError):
        register(here)
    assert kept(here) == []


def test_a_source_cannot_be_led_to_a_kept_table_by_hand(here: Standing) -> None:
    register(here)
    address = here.node.held(SOURCE)[NAME].address
    with pytest.raises(ActError, match="uploaded, not addressed"):
        here.act(
            "hall.operator",
            "source.add",
            name="mine",
            department=district.HALL.code,
            kind="file",
            address=address,
        )


def test_published_rows_are_asked_under_the_same_masks_and_receipts(here: Standing) -> None:
    drafted = draft(here, register(here))
    announce(here)
    assert here.node.held(RESOURCE)[CODE].resource.state == "announced"
    items = {item["title"]: item for item in drafted["items"]}
    document = (
        "query File($e: ID!) { enterprise(uscc: $e) { "
        f"{drafted['field_name']} {{ {' '.join(i['graphql_name'] for i in items.values())} }} }} }}"
    )
    # An announced resource joins the contract when it is first named; nothing is given without a grant.
    before = lines(here.ask(document))[drafted["field_name"]]
    assert (before["outcome"], before["code"]) == ("refused", "GRANT_MISSING")
    agree(here, [item["name"] for item in items.values()], match=items[KEY]["name"])
    answer = here.ask(document)
    line = lines(answer)[drafted["field_name"]]
    assert line["code"] is None
    assert line["outcome"] == "given"
    assert line["masked"] == [items["联系电话"]["name"]]
    record = (answer.data or {})["enterprise"][drafted["field_name"]]
    assert record[items["企业名称"]["graphql_name"]] == "云岫建设"
    assert record[items["许可金额"]["graphql_name"]] == "1200000.50"
    assert record[items["发证日期"]["graphql_name"]] == "2024-03-01"
    phone = record[items["联系电话"]["graphql_name"]]
    assert phone.startswith("138")
    assert "*" in phone
    assert answer.state == "signed"
    stranger = lines(here.ask(document, e=district.STRANGER))[drafted["field_name"]]
    assert stranger["code"] == "SUBJECT_NOT_PARTY"


def test_the_command_line_sees_and_keeps_the_same(here: Standing, tmp_path: Path) -> None:
    file = tmp_path / "名单 <b>.csv"
    file.write_bytes(FILE)
    home = here.node.settings.home
    write_private(
        home / OFFICERS / "publisher.pem", private_pem(here.place.keys["market.operator"])
    )
    terminal = Terminal(home)
    command = ("resource", "register-file", str(file), "--key-column", KEY)
    seen = terminal.told(*command, "--preview", officer="publisher")
    assert (seen["encoding"], seen["rows"], seen["header"]) == ("gb18030", 2, 1)
    assert NAME not in here.node.held(SOURCE)
    assert list((here.node.files / "uploads").iterdir()) == []
    options = ("--name", NAME, "--code", CODE, "--as-of", "2024-05-01", "--conditions", "许可部门")
    told = terminal.told(*command, *options, officer="publisher")
    assert (told["source"], told["rows"], told["state"]) == (NAME, 2, "draft")
    assert "DUPLICATE" in terminal.refused(*command, *options, officer="publisher")
    file.write_bytes(FILE + b"x\n")
    assert "row 4" in terminal.refused(*command, *options, officer="publisher")
    assert "--name" in terminal.refused(*command, officer="publisher")


def session_of(here: Standing, officer: str) -> str:
    """Sign an officer in; returns the cookie's secret."""
    officers = here.node.live.load().officers
    link = here.node.sign_in.offer_link(officers[here.place.ids[officer]], by=None)
    return here.node.sign_in.redeem_link(link, officers=officers).secret


class Visitor:
    """Sends forms as an officer's browser does, without a browser."""

    def __init__(self, here: Standing, officer: str) -> None:
        secret = session_of(here, officer)
        self.client = httpx.Client(
            base_url=here.url, cookies={COOKIE: secret}, headers={"origin": here.url}
        )
        self.csrf = here.node.sealer.token("portal-form", secret)

    def upload(
        self, content: bytes, *, called: str = "名单.csv", csrf: str | None = None
    ) -> httpx.Response:
        return self.client.post(
            "/publish/file",
            data={"csrf": self.csrf if csrf is None else csrf},
            files={"file": (called, content, "text/csv")},
        )

    def send(self, path: str, **fields: Any) -> httpx.Response:
        return self.client.post(path, data={"csrf": self.csrf, **fields})


@pytest.fixture
def visitor(here: Standing) -> Iterator[Visitor]:
    found = Visitor(here, "market.operator")
    yield found
    found.client.close()


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, name
    return found[1]


def where(page: httpx.Response) -> str:
    found = re.search(r'action="(/publish/file/[^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_the_portal_previews_keeps_and_goes_on(here: Standing, visitor: Visitor) -> None:
    page = visitor.upload(FILE, called='C:\\x\\<script>alert("1")</script>.csv')
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "script&gt;.csv" in page.text
    assert "GB18030" in page.text
    assert NAME not in here.node.held(SOURCE)
    fields = {name: hidden(page, name) for name in ("content", "looked", "called")}
    named = {"name": NAME, "as_of": "2024-05-01", "code": CODE}
    # The key was ticked after the preview: the new preview comes first.
    again = visitor.send(where(page), step="keep", key=KEY, **fields, **named)
    assert again.status_code == 400
    assert NAME not in here.node.held(SOURCE)
    fields["looked"] = hidden(again, "looked")
    done = visitor.send(where(page), step="keep", key=KEY, **fields, **named)
    assert done.status_code == 303
    assert here.node.held(SOURCE)[NAME].department == district.MARKET.code
    edit = visitor.client.get(done.headers["location"])
    assert "许可金额" in edit.text
    taken = visitor.send(where(visitor.upload(FILE)), step="keep", **fields, **named)
    assert taken.status_code == 400
    assert "该名称已被使用" in taken.text


def test_the_portal_takes_nothing_from_elsewhere_and_nothing_too_large(
    here: Standing, visitor: Visitor
) -> None:
    assert visitor.upload(FILE, csrf="0" * 64).status_code == 403
    assert visitor.client.post("/publish/file", headers={"origin": "http://x"}).status_code == 403
    assert visitor.send("/publish/file").status_code == 400
    assert visitor.upload(b"").status_code == 400
    large = visitor.upload(bytes(21 * 1024 * 1024))
    assert large.status_code == 400
    assert "20 MB" in large.text
    assert not (here.node.files / "uploads").exists()


def test_an_upload_given_up_is_gone(here: Standing, visitor: Visitor) -> None:
    page = visitor.upload(FILE)
    assert len(list((here.node.files / "uploads").iterdir())) == 1
    assert visitor.send(where(page), step="drop").status_code == 303
    assert list((here.node.files / "uploads").iterdir()) == []
    gone = visitor.send(where(page), step="look")
    assert gone.status_code == 400
    assert "重新上传" in gone.text


def test_an_entry_for_which_no_use_is_ticked_serves_every_use(
    here: Standing, visitor: Visitor
) -> None:
    told = register(here)
    query = {"source": NAME, "table": told["table"], "code": CODE, "key": KEY}
    page = visitor.client.get("/publish/edit", params=query)
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    fields |= dict(
        re.findall(
            r'<select[^>]*name="([^"]+)".*?<option value="([^"]*)" selected', page.text, re.DOTALL
        )
    )
    del fields["purposes"], fields["csrf"]
    fields = {name: value for name, value in fields.items() if not name.startswith("basic-")}
    fields |= {"step": "draft", "name": "许可", "conditions": "许可部门", "class": "conditional"}
    fields["secrecy"] = "none"
    done = visitor.send("/publish/edit", **fields)
    assert done.status_code == 303, done.text
    assert here.node.held(RESOURCE)[CODE].resource.purposes == PURPOSES
