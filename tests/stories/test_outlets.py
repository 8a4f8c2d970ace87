"""One question through every way out: the same cells, masked alike, recorded; refused on one and on all."""

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec import to_builtins
from python_calamine import CalamineWorkbook
from sqlalchemy import create_engine

from audit.canonical import decode_strict
from audit.verify import verify_receipt
from catalogue.metadata import Code
from exchange.client.errors import RefusedError
from exchange.client.pulling import PullError, pull
from exchange.client.session import Answer, Bulk
from exchange.demo import district
from exchange.demo import setup as demo
from gateway.model import Usage
from tests.fakes.node import USAGE, Standing
from tests.fakes.outlets import (
    ITEMS,
    LICENCES,
    begin,
    bulk_body,
    finished,
    get,
    grant_bulk,
    job,
    post,
    registered,
)
from tests.unit.exchange.test_portal_rooms import Portal

Cells = dict[str, Any]
"""Item → the cell as a query's answer writes it."""

QUERY = """query Licence($e: ID!) {
  enterprise(uscc: $e) { businessLicence { uscc entName legalRep phone status validUntil } }
}"""


class RefusedThereError(Exception):
    """An outlet gave nothing; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked(here: Standing, answer: Answer) -> Answer:
    """The receipt again, by the verifier that needs no server."""
    report = verify_receipt(answer.raw, vkeys=[here.node.vkey], answer=answer.raw)
    assert report.holds
    return answer


def by_query(here: Standing, _: Path, usage: Usage) -> Cells:
    asked = here.as_system().query(QUERY, {"e": district.APPLICANT}, usage=usage)
    (line,) = checked(here, asked).outcomes
    if line["code"] is not None:
        raise RefusedThereError(line["code"])
    return dict((asked.data or {})["enterprise"]["businessLicence"])


def by_rest(here: Standing, _: Path, usage: Usage) -> Cells:
    named = registered(here, QUERY, "企业登记核对")
    answer = checked(here, here.as_system().document(named, {"e": district.APPLICANT}, usage=usage))
    (line,) = answer.outcomes
    if line["code"] is not None:
        told = json.loads(answer.raw)
        assert told["code"] == line["code"]
        raise RefusedThereError(told["code"])
    return dict((answer.data or {})["enterprise"]["businessLicence"])


def by_page(here: Standing, _: Path, usage: Usage) -> Cells:
    answer = here.as_system().page(Bulk(resource=LICENCES, items=ITEMS), usage=usage)
    (line,) = checked(here, answer).outcomes
    if line["code"] is not None:
        raise RefusedThereError(line["code"])
    return applicant((answer.data or {})["rows"])


def by_pull(here: Standing, folder: Path, usage: Usage) -> Cells:
    engine = create_engine(f"sqlite:///{folder / 'own.db'}")
    try:
        pull(
            here.as_system(),
            Bulk(resource=LICENCES, items=ITEMS, first=20),
            usage=usage,
            engine=engine,
            table="licence",
        )
    except PullError as error:
        raise RefusedThereError(error.code) from error
    finally:
        engine.dispose()
    with sqlite3.connect(folder / "own.db") as connection:
        found = connection.execute(f"SELECT {', '.join(ITEMS)} FROM licence").fetchall()
    return applicant([dict(zip(ITEMS, row, strict=True)) for row in found])


def exported(here: Standing, usage: Usage, format_: str) -> bytes:
    response = post(here, "/exports", bulk_body(usage=usage, format=format_))
    if response.status_code != 202:
        raise RefusedThereError(response.json()["code"])
    told = finished(here, response.json()["id"])
    if told["state"] != "ready":
        raise RefusedThereError(told["code"])
    released = here.as_system().export_part(told["id"], 1)
    entry = decode_strict(here.node.log.entry(released.entry))
    assert entry["facts"]["export"] == told["id"]
    return released.content


def by_csv(here: Standing, _: Path, usage: Usage) -> Cells:
    text = exported(here, usage, "csv").decode("utf-8-sig")
    return applicant(list(csv.DictReader(io.StringIO(text))))


def by_jsonl(here: Standing, _: Path, usage: Usage) -> Cells:
    lines = exported(here, usage, "jsonl").splitlines()
    return applicant([json.loads(line) for line in lines])


def by_xlsx(here: Standing, _: Path, usage: Usage) -> Cells:
    content = exported(here, usage, "xlsx")
    names, *rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    )
    return applicant([dict(zip(map(str, names), row, strict=True)) for row in rows])


def by_parquet(here: Standing, _: Path, usage: Usage) -> Cells:
    rows = pq.read_table(io.BytesIO(exported(here, usage, "parquet"))).to_pylist()
    return applicant([row | {"validUntil": row["validUntil"].isoformat()} for row in rows])


def applicant(rows: list[Mapping[str, Any]]) -> Cells:
    (found,) = (dict(row) for row in rows if row["uscc"] == district.APPLICANT)
    return found


Outlet = Callable[[Standing, Path, Usage], Cells]
OUTLETS: Mapping[str, Outlet] = {
    "query": by_query,
    "rest": by_rest,
    "page": by_page,
    "pull": by_pull,
    "csv": by_csv,
    "jsonl": by_jsonl,
    "xlsx": by_xlsx,
    "parquet": by_parquet,
}
RECORDED = dict.fromkeys(("query", "rest", "page", "pull"), "call")
"""Kind of the entry by which an outlet's answer left; a file's is `export.released`."""

each = pytest.mark.parametrize("outlet", OUTLETS)
RECORDS_WITH_OTHER_WORDS = 63
"""Of the district's licences, those whose status is not the one word of the list that a test announces."""


@pytest.mark.proves("F10")
@each
def test_every_outlet_gives_the_same_cells_masked_alike_and_is_recorded(
    here: Standing, tmp_path: Path, outlet: str
) -> None:
    grant_bulk(here)
    size = here.node.log.size
    cells = OUTLETS[outlet](here, tmp_path, USAGE)
    assert cells == by_query(here, tmp_path, USAGE)
    assert list(cells) == list(ITEMS)
    assert cells["entName"] == "云岫栖筑建设有限公司"
    assert "****" in cells["phone"]
    assert RECORDED.get(outlet, "export.released") in here.kinds(since=size)
    released = [
        decode_strict(body)
        for body in here.node.log.entries(size, here.node.log.size)
        if decode_strict(body)["kind"] in {"call", "export.released"}
    ]
    steps = [entry["steps"][0] for entry in released]
    # Masked and refused alike in every entry, whichever way it left. (A key that a query names is told back
    # and not read, so that what is given differs by it.)
    assert len({(step["masked"], step["refused"]) for step in steps}) == 1
    assert all(step["rows"] > 0 and step["outcome"] == "given" for step in steps)


def with_codes(here: Standing) -> None:
    """The provider announces a code list for the status that lacks the word of most records."""
    held = here.node.live.latest().resources[LICENCES]
    listed = tuple(
        replace(item, codes=(Code(value="注销", title="注销"),)) if item.name == "status" else item
        for item in held.items
    )
    here.act("market.operator", "resource.draft", resource=to_builtins(replace(held, items=listed)))
    demo.examine(here.place, "market", LICENCES)
    here.act("market.head", "resource.submit", code=LICENCES)
    here.act("authority", "resource.announce", code=LICENCES)


def in_errors(answer: Answer) -> int:
    errors = answer.errors or []
    return sum(
        one["extensions"]["code"] == "CODE_UNKNOWN" and one["path"][-1] == "status"
        for one in errors
    )


def in_manifest(here: Standing, format_: str) -> int:
    told = finished(here, begin(here, format=format_)["id"])
    cells = get(here, f"/exports/{told['id']}/manifest").json()["cells"]
    named = [one for one in cells["named"] if one["item"] == "status"]
    content = here.as_system().export_part(told["id"], 1).content
    if format_ == "jsonl":
        # A record's number is its place in the file.
        rows = [json.loads(line) for line in content.splitlines()]
        nulls = [number for number, row in enumerate(rows, 1) if row["status"] is None]
        assert [one["record"] for one in named] == nulls
    assert cells["counted"] == {"CODE_UNKNOWN": len(named)}
    return len(named)


def told_of_unknown_words(here: Standing, outlet: str, folder: Path) -> int:
    """How many values an outlet says to have left out because no code list has their word."""
    hall, asked = here.as_system(), Bulk(resource=LICENCES, items=ITEMS)
    match outlet:
        case "query":
            return in_errors(hall.query(QUERY, {"e": district.APPLICANT}, usage=USAGE))
        case "rest":
            named = registered(here, QUERY, "企业登记核对")
            return in_errors(hall.document(named, {"e": district.APPLICANT}, usage=USAGE))
        case "page":
            return in_errors(hall.page(asked, usage=USAGE))
        case "pull":
            engine = create_engine(f"sqlite:///{folder / 'told.db'}")
            pulled = pull(hall, asked, usage=USAGE, engine=engine, table="licence")
            engine.dispose()
            return pulled.unknown
        case _:
            return in_manifest(here, outlet)


@each
def test_a_word_that_no_code_list_has_leaves_by_no_outlet_and_each_says_so(
    here: Standing, tmp_path: Path, outlet: str
) -> None:
    grant_bulk(here)
    with_codes(here)
    cells = OUTLETS[outlet](here, tmp_path, USAGE)
    assert (cells["status"] or None) is None
    assert cells["entName"] == "云岫栖筑建设有限公司"
    told = told_of_unknown_words(here, outlet, tmp_path)
    assert told == (1 if outlet in {"query", "rest"} else RECORDS_WITH_OTHER_WORDS)


def test_a_file_whose_values_are_under_correction_says_which(here: Standing) -> None:
    grant_bulk(here)
    received = here.ask()
    here.act(
        "hall.operator",
        "correction.report",
        entry=received.entry["index"],
        resource=LICENCES,
        item="status",
        type="enterprise",
        identifier=district.APPLICANT,
        words="登记状态与营业执照原件不符",
    )
    told = finished(here, begin(here, format="jsonl")["id"])
    cells = get(here, f"/exports/{told['id']}/manifest").json()["cells"]
    content = here.as_system().export_part(told["id"], 1).content
    rows = [json.loads(line) for line in content.splitlines()]
    (mark,) = cells["named"]
    assert (mark["item"], mark["code"]) == ("status", "VALUE_DISPUTED")
    assert rows[mark["record"] - 1]["uscc"] == district.APPLICANT
    assert rows[mark["record"] - 1]["status"] == "存续"
    with Portal(standing=here).browser("hall.operator", "en") as browser:
        page = browser.get(f"/bulk/{told['id']}").text
    assert "Values with a remark" in page
    assert "VALUE_DISPUTED" in page


def revoked(here: Standing) -> Usage:
    grant = grant_bulk(here)
    for one in (grant, here.grants[LICENCES]):
        here.act("market.head", "grant.revoke", grant=one, reason="终止")
    return USAGE


def no_case(here: Standing) -> Usage:
    grant_bulk(here)
    return job(case="SG-2026-9999")


def another_purpose(here: Standing) -> Usage:
    grant_bulk(here)
    return job(purpose="work-reference")


def another_matter(here: Standing) -> Usage:
    grant_bulk(here)
    return job(matter=district.FOREIGN_MATTER)


def refused_by(outlet: Outlet, here: Standing, folder: Path, usage: Usage) -> str:
    try:
        outlet(here, folder, usage)
    except (RefusedThereError, RefusedError) as error:
        return error.code
    return "given"


REFUSALS: Mapping[str, Callable[[Standing], Usage]] = {
    "GRANT_REVOKED": revoked,
    "CASE_MISSING": no_case,
    "GRANT_PURPOSE": another_purpose,
    "MATTER_DEPARTMENT": another_matter,
}


@pytest.mark.parametrize("code", REFUSALS)
def test_what_one_outlet_refuses_all_refuse_alike_and_no_source_is_asked(
    here: Standing, tmp_path: Path, code: str
) -> None:
    usage = REFUSALS[code](here)
    size = here.node.log.size
    found = {}
    for name, outlet in OUTLETS.items():
        found[name] = refused_by(outlet, here, tmp_path, usage)
    assert found == dict.fromkeys(OUTLETS, code)
    assert here.sources.reads == []
    entries = [decode_strict(body) for body in here.node.log.entries(size, here.node.log.size)]
    refusals = [entry for entry in entries if entry["kind"] != "document.registered"]
    assert [entry["steps"][0]["code"] for entry in refusals] == [code] * len(OUTLETS)


@pytest.mark.proves("F19")
@pytest.mark.parametrize("path", ["/pull", "/exports"])
def test_what_is_not_shared_and_what_is_invented_are_one_error_in_bulk_too(
    here: Standing, path: str
) -> None:
    answers = [
        post(here, path, bulk_body(resource=code, items=["uscc"]))
        for code in ("999/999999", "无此资源")
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert answers[0].content == answers[1].content
    assert "NAME_UNKNOWN" in answers[0].text


@pytest.mark.parametrize("path", ["/pull", "/exports"])
def test_an_item_that_nobody_has_is_told_by_its_place(here: Standing, path: str) -> None:
    grant_bulk(here)
    refused = post(here, path, bulk_body(items=[*ITEMS, "nosuch"]))
    told = refused.json()
    facts = (
        {"code": told["code"], **told["facts"]}
        if "code" in told
        else told["errors"][0]["extensions"]
    )
    assert (refused.status_code, facts) == (
        400,
        {"code": "NAME_UNKNOWN", "member": "items", "at": [len(ITEMS)]},
    )
    assert "nosuch" not in refused.text


@pytest.mark.parametrize("path", ["/pull", "/exports"])
def test_without_the_key_that_pages_are_ordered_by_it_is_named(here: Standing, path: str) -> None:
    grant_bulk(here, items=[item for item in ITEMS if item != "uscc"])
    told = post(here, path, bulk_body(items=[item for item in ITEMS if item != "uscc"])).json()
    facts = told["facts"] if "facts" in told else told["errors"][0]["extensions"]
    assert "ITEM_NOT_FILTERABLE" in {told.get("code"), facts.get("code")}
    assert facts["items"] == "uscc"


def test_a_cursor_serves_only_the_system_and_the_question_that_got_it(here: Standing) -> None:
    grant_bulk(here)
    hall = here.as_system()
    first = hall.page(Bulk(resource=LICENCES, items=ITEMS, first=20), usage=USAGE)
    cursor = (first.data or {})["next"]
    assert district.APPLICANT not in cursor
    for wrong in (
        bulk_body(items=["uscc"], after=cursor),
        bulk_body(after=cursor[:-4] + "AAAA"),
        bulk_body(after=7),
    ):
        refused = post(here, "/pull", wrong)
        assert refused.status_code == 400
        assert "CURSOR_INVALID" in refused.text


def test_an_export_begun_twice_under_one_id_is_one(here: Standing) -> None:
    grant_bulk(here)
    told = [begin(here, id="exp_of-the-hall-0001") for _ in range(2)]
    assert told[0]["id"] == told[1]["id"]
    finished(here, told[0]["id"])
    other = post(here, "/exports", bulk_body(id="exp_of-the-hall-0001", items=["uscc", "status"]))
    assert (other.status_code, other.json()["code"]) == (409, "EXPORT_DIFFERS")
    assert get(here, "/exports/exp_of-nobody-0001").status_code == 404
