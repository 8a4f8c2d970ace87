"""From a request to the end of a grant, a wrong value and its correction, and what supervision sees."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue.errors import DuplicateError, NotAllowedError
from exchange.acts.register import ActError
from exchange.acts.supervision import run_clocks
from exchange.demo import district
from exchange.demo.setup import DEPOSIT, SYSTEM, agree
from exchange.files.uploads import Uploads
from exchange.home import locked
from tests.fakes.node import Standing, lines, standing
from tests.fakes.outlets import bulk_body, grant_bulk, post
from tests.stories.test_command_line import Terminal
from tests.stories.test_items import request_for, wanted

LICENCE = "307/000001"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """One district for the stories here; each makes requests and reports of its own."""
    with standing(tmp_path_factory.mktemp("sharing") / "home") as found:
        yield found


def attached(here: Standing, content: bytes, name: str, **to: str) -> dict[str, object]:
    upload = here.act("hall.operator", "file.offer")["upload"]
    Uploads(here.node.files).write(upload, content)
    return dict(here.act("hall.operator", "request.attach", upload=upload, name=name, **to))


@pytest.mark.proves("E8")
def test_every_wait_shows_its_clock_and_the_first_call_ends_the_delivery(shared: Standing) -> None:
    here = shared
    key = request_for(here, SYSTEM, LICENCE, items=["entName", "capital"], match=["uscc"])
    waiting = here.act("market.head", "request.show", request=key)
    assert waiting["clock"]["rule"] == "request.answer"
    assert waiting["clock"]["left"] == 10
    accepted = here.act("market.operator", "request.accept", request=key, contact="登记科 87001")
    assert accepted["acceptance"].startswith("SL")
    grant = agree(here.place, key, LICENCE)
    clock = here.act("hall.head", "request.show", request=key)["clock"]
    assert (clock["stage"], clock["left"]) == ("delivery", 20)
    run_clocks(here.node)
    assert here.act("hall.head", "request.show", request=key)["state"] in {
        "agreed",
        "partly-agreed",
    }
    answer = here.ask(
        "query L($e: ID!) { enterprise(uscc: $e) { businessLicence { entName capital } } }"
    )
    assert lines(answer)["businessLicence"]["outcome"] == "given"
    run_clocks(here.node)
    delivered = here.act("hall.head", "request.show", request=key)
    assert here.entry(answer)["steps"][0]["grant"] == grant
    assert delivered["state"] == "delivered"
    assert delivered["delivered_entry"] == int(answer.entry["index"])


@pytest.fixture
def terminal(shared: Standing) -> Iterator[Terminal]:
    """A terminal beside the serving process, which holds the home."""
    with locked(shared.node.settings.home):
        yield Terminal(shared.node.settings.home)


def test_a_spent_budget_is_amended_by_both_departments_and_the_next_call_is_answered(
    shared: Standing, terminal: Terminal
) -> None:
    here, asked = shared, "query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { state } } }"

    def amend(*terms: str) -> tuple[str, ...]:
        return ("grant", "amend", grant, *terms, "--reason", "业务量增加")

    key = request_for(here, SYSTEM, DEPOSIT, items=["amount", "state"], match=["uscc"])
    grant = terminal.told("grant", "give", key, "--rows-a-day", "1", officer="labour.head")["id"]
    assert lines(here.ask(asked))["wageDeposit"]["outcome"] == "given"
    both = amend("--rows-a-day", "5", "--unbounded", "rows-a-day")
    assert "INVALID" in terminal.refused(*both, officer="hall.operator")
    wanted = amend("--rows-a-day", "5", "--subjects-a-day", "3")
    proposed = terminal.told(*wanted, officer="hall.operator")
    assert proposed["changes"] == ["daily_rows", "daily_subjects"]
    for officer in ("hall.head", "labour.head"):
        spent = lines(here.ask(asked))["wageDeposit"]
        assert (spent["outcome"], spent["code"]) == ("refused", "QUOTA_SPENT")
        terminal.said("grant", "sign-amendment", proposed["id"], officer=officer)
    answer = here.ask(asked)
    assert lines(answer)["wageDeposit"]["outcome"] == "given"
    assert here.entry(answer)["steps"][0]["grant"] == grant
    shown = terminal.told("grant", "show", grant, officer="labour.operator")
    assert (shown["daily_rows"], shown["daily_subjects"], shown["revision"]) == (5, 3, 2)


def test_a_file_is_attached_by_what_it_is_and_read_by_both_sides(shared: Standing) -> None:
    here = shared
    drafted = here.act("hall.operator", "request.create", wanted=wanted(SYSTEM, LICENCE))
    with pytest.raises(ActError, match="neither a whole PDF nor"):
        attached(here, b"MZ\x90\x00", "依据.pdf", request=drafted["id"])
    told = attached(here, PDF, "C:\\公文\\依据.pdf", request=drafted["id"])
    assert (told["name"], told["media"]) == ("依据.pdf", "application/pdf")
    here.act("hall.head", "request.sign", request=drafted["id"])
    read = here.act(
        "market.head", "request.attachment", request=drafted["id"], digest=told["digest"]
    )
    assert read["name"] == "依据.pdf"
    with pytest.raises(ActError):
        here.act(
            "planning.head", "request.attachment", request=drafted["id"], digest=told["digest"]
        )


def test_a_draft_of_others_is_not_seen_by_its_provider(shared: Standing) -> None:
    here = shared
    drafted = here.act("hall.operator", "request.create", wanted=wanted(SYSTEM, LICENCE))
    with pytest.raises(ActError):
        here.act("market.head", "request.show", request=drafted["id"])
    listed = here.act("market.head", "request.list", side="received", first=1000)
    assert drafted["id"] not in {one["id"] for one in listed["rows"]}


def test_a_wrong_value_is_reported_by_its_receipt_and_whoever_received_it_is_told(
    shared: Standing,
) -> None:
    here = shared
    answer = here.ask()
    entry = int(answer.entry["index"])
    report = {
        "entry": entry,
        "resource": LICENCE,
        "item": "status",
        "type": "enterprise",
        "identifier": district.APPLICANT,
        "words": "已于上月注销，见注销通知书",
    }
    with pytest.raises(ActError, match="no such value"):
        here.act("hall.operator", "correction.report", **report | {"item": "capital"})
    with pytest.raises(ActError, match="no such value"):
        here.act("hall.operator", "correction.report", **report | {"identifier": district.STRANGER})
    with pytest.raises(ActError, match="of your department"):
        here.act("housing.head", "correction.report", **report)
    made = here.act("hall.operator", "correction.report", **report)
    with pytest.raises(DuplicateError):
        here.act("hall.operator", "correction.report", **report)
    token = here.node.sealer.token("enterprise", district.APPLICANT)
    assert here.node.live.load().disputed_items(LICENCE, token) == {"status"}
    told = here.act("hall.operator", "notice.list", unseen=True)["rows"]
    mine = next(one for one in told if one["about"] == made["id"])
    assert entry in mine["entries"]
    here.act("hall.operator", "notice.see", notice=mine["id"])
    with pytest.raises(NotAllowedError):
        here.act("hall.operator", "correction.accept", correction=made["id"])
    here.act("market.operator", "correction.accept", correction=made["id"], text="已核实")
    here.act("market.operator", "correction.close", correction=made["id"])
    assert here.node.live.load().disputed == {}
    leaf = here.node.log.entries(entry, here.node.log.size)
    assert not any("注销".encode() in body for body in leaf)


def test_the_console_lists_a_refusal_without_a_law_and_a_use_outside_its_purpose(
    shared: Standing, tmp_path: Path
) -> None:
    here = shared
    key = request_for(here, SYSTEM, LICENCE, items=["capital"], match=["uscc"])
    here.act("market.head", "request.refuse", request=key, reason="不便提供")
    here.ask(purpose="work-reference")
    listed = here.act("authority", "supervision.violations", first=1000)
    kinds = {(one["kind"], one["key"]) for one in listed["rows"]}
    assert ("refusal-without-basis", key) in kinds
    assert "use-outside-purpose" in listed["kinds"]
    assert all(isinstance(one["entry"], int) for one in listed["rows"])
    own = here.act("market.head", "supervision.violations", first=1000)["rows"]
    assert {one["department"] for one in own} == {district.MARKET.code}
    with pytest.raises(ActError):
        here.act("market.operator", "supervision.violations")
    written = here.act("authority", "supervision.violations-csv", kind="refusal-without-basis")
    assert written["csv"].startswith("\ufeffkind,department,")
    assert key in written["csv"]


@pytest.mark.proves("G6")
def test_an_officer_who_leaves_leaves_requests_that_others_finish(shared: Standing) -> None:
    here = shared
    drafted = here.act("hall.operator", "request.create", wanted=wanted(SYSTEM, LICENCE))
    operator = here.place.ids["hall.operator"]
    here.act("administrator", "officer.roles", officer=operator, roles=[])
    try:
        with pytest.raises(NotAllowedError):
            here.act("hall.operator", "request.withdraw", request=drafted["id"], reason="不再需要")
        signed = here.act("hall.head", "request.sign", request=drafted["id"])
        assert signed["state"] == "submitted"
    finally:
        here.act("administrator", "officer.roles", officer=operator, roles=["operator"])


def test_copies_that_left_in_bulk_have_to_be_destroyed_when_the_grant_ends(
    shared: Standing,
) -> None:
    here = shared
    grant = grant_bulk(here)
    assert post(here, "/pull", bulk_body()).status_code == 200
    ended = here.act(
        "hall.head", "grant.end", grant=grant, reason="purpose-achieved", words="核对完毕"
    )
    assert (ended["state"], ended["went_out"], ended["destroyed"]) == ("revoked", ["pull"], False)
    confirmed = here.act(
        "hall.head", "grant.confirm-destruction", grant=grant, statement="已从业务库清除"
    )
    assert confirmed["destroyed"]


def test_a_grant_under_which_nothing_left_leaves_nothing_to_destroy(shared: Standing) -> None:
    here = shared
    key = request_for(here, SYSTEM, "310/000001", items=["certNo"], match=["uscc"])
    grant = agree(here.place, key, "310/000001")
    ended = here.act("hall.head", "grant.end", grant=grant, reason="purpose-achieved", words="办结")
    assert (ended["went_out"], ended["destroyed"]) == ([], None)


def test_it_is_all_done_by_command_too(shared: Standing, tmp_path: Path) -> None:
    terminal = Terminal(shared.node.settings.home)
    asking = (
        "--system", SYSTEM, "--matter", district.MATTER, "--basis", "《建筑法》第八条",
        "--scenario", "核发施工许可", "--volume", "300",
    )  # fmt: skip
    paper = tmp_path / "依据.pdf"
    paper.write_bytes(PDF)
    basket = terminal.told(
        "basket", "create", f"{LICENCE}=entName,~uscc", "309/000001=approvalNo,~uscc", *asking,
        officer="hall.operator",
    )  # fmt: skip
    number = basket["basket"]
    attached = terminal.told(
        "request", "attach", str(paper), "--basket", number, officer="hall.operator"
    )
    assert len(attached["requests"]) == 2
    signed = terminal.told("basket", "sign", number, officer="hall.head")
    licence = signed["requests"][0]["id"]
    terminal.said("request", "accept", licence, "--contact", "登记科", officer="market.head")
    terminal.said(
        "request", "ask-extension", licence, "--days", "5", "--reason", "核对",
        officer="market.head",
    )  # fmt: skip
    terminal.said("request", "answer-extension", licence, "--consent", officer="authority")
    shown = terminal.told("request", "show", licence, officer="hall.head")
    assert (shown["volume"], shown["clock"]["left"]) == (300, 15)
    out = tmp_path / "违规.csv"
    told = terminal.told("supervision", "violations", "--csv", str(out), officer="authority")
    assert out.read_bytes().startswith(b"\xef\xbb\xbfkind,")
    listed = terminal.told("supervision", "violations", "--first", "1000", officer="authority")
    assert told["rows"] == listed["total"]
    assert "ROLE_MISSING" in terminal.refused("supervision", "violations", officer="hall.operator")
    rules = terminal.told("rule", "list", "--on", "2026-03-02", officer="hall.head")
    assert {"request.answer", "request.delivery"} <= {one["rule"] for one in rules}


@pytest.mark.proves("G5")
def test_the_next_years_notice_is_imported_and_a_wrong_one_is_refused_whole(
    shared: Standing, tmp_path: Path
) -> None:
    terminal = Terminal(shared.node.settings.home)
    empty = tmp_path / "2031.json"
    empty.write_text('{"year": 2031, "papers": [], "days": []}', encoding="utf-8")
    assert "INVALID" in terminal.refused("workdays", "import", str(empty), officer="authority")
    notice = tmp_path / "2031.csv"
    notice.write_text("date,off\n2031-01-01,1\n2031-01-04,0\n", encoding="utf-8")
    given = ("workdays", "import", str(notice), "--year", "2031", "--notice", "2031年放假通知")
    assert "ROLE_MISSING" in terminal.refused(*given, officer="hall.head")
    told = terminal.told(*given, officer="authority")
    assert (told["year"], told["off"], told["made_up"]) == (2031, 1, 1)
    years = terminal.told("workdays", "list", officer="hall.head")
    assert 2031 in {one["year"] for one in years}
    notice.write_text("date,off\n2031-01-01,maybe\n", encoding="utf-8")
    assert "1 or 0 needed" in terminal.refused(*given, officer="authority")
