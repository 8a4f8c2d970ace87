"""A certificate's own file by a link: for one system, once, for ten minutes, marked and recorded."""

import io
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas

from audit.canonical import commit_bytes, decode_strict
from exchange.client.signing import encode_usage
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.setup import INTAKE, SYSTEM
from tests.fakes.node import USAGE, Standing
from tests.fakes.outlets import get, grant_bulk, post

SCANS = "307/000009"
PLAIN = b"\x00\x01 a scan in some other format"


def a_pdf() -> bytes:
    drawn = io.BytesIO()
    canvas = Canvas(drawn)
    canvas.drawString(80, 700, "Business licence")
    canvas.showPage()
    canvas.drawString(80, 700, "Second page")
    canvas.save()
    return drawn.getvalue()


@pytest.fixture
def scans(here: Standing, tmp_path: Path) -> str:
    """Market supervision registers the scans of its licences; returns the hall's grant."""
    path = tmp_path / "scans.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE scan (uscc TEXT PRIMARY KEY, cert_no TEXT, scan BLOB)")
        connection.executemany(
            "INSERT INTO scan VALUES (?, ?, ?)",
            [
                (district.APPLICANT, "1", a_pdf()),
                (district.DESIGNER, "2", PLAIN),
                (district.STRANGER, "3", a_pdf()),
            ],
        )
    here.act(
        "market.head",
        "source.add",
        name="scans",
        department=district.MARKET.code,
        kind="sql",
        address=f"sqlite:///{path}",
    )
    seen = here.act(
        "market.operator",
        "resource.reflect",
        source="scans",
        table="scan",
        code=SCANS,
        key="uscc",
        titles={"uscc": "统一社会信用代码", "cert_no": "证书编号", "scan": "证照文件"},
    )["resource"]
    items = [item | {"level": 2, "mask": "none", "match": item["key"]} for item in seen["items"]]
    resource = seen | {
        "name": "营业执照扫描件",
        "name_en": "Scan of the licence",
        "items": items,
        "level": 2,
        "sharing_class": "conditional",
        "conditions": "行政许可办理部门",
        "purposes": ["administrative-basis"],
    }
    here.act("market.operator", "resource.draft", resource=resource)
    demo.examine(here.place, "market", SCANS)
    here.act("market.head", "resource.submit", code=SCANS)
    here.act("authority", "resource.announce", code=SCANS)
    return grant_bulk(here, SCANS, items=("certNo", "scan"), channels=("query",))


def offered(here: Standing, key: str = district.APPLICANT, **members: Any) -> httpx.Response:
    body = {
        "resource": SCANS,
        "item": "scan",
        "key": key,
        "extensions": {"usage": encode_usage(USAGE)},
    }
    return post(here, "/links", body | members)


def href(here: Standing, key: str = district.APPLICANT) -> str:
    answer = offered(here, key)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["href"])


@pytest.mark.usefixtures("scans")
def test_a_file_leaves_marked_and_its_very_bytes_are_committed_to(here: Standing) -> None:
    link = href(here)
    assert district.APPLICANT not in link
    size = here.node.log.size
    fetched = get(here, link)
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, "application/pdf")
    pages = PdfReader(io.BytesIO(fetched.content)).pages
    assert len(pages) == 2
    for page in pages:
        text = page.extract_text()
        for told in (USAGE.case, USAGE.reason, district.HALL.name):
            assert told in text
    assert "Business licence" in pages[0].extract_text()
    index = int(fetched.headers["exchange-entry"])
    entry = decode_strict(here.node.log.entry(index))
    assert here.kinds(since=size) == ["intent", "call"]
    assert (entry["kind"], entry["steps"][0]["outcome"]) == ("call", "given")
    receipt = here.as_system().receipt(index)
    salt = receipt["openings"]["answer"]["salt"]
    assert commit_bytes(salt, fetched.content) == entry["digests"]["answer"]


@pytest.mark.usefixtures("scans")
def test_a_link_serves_once_also_after_a_restart(here: Standing) -> None:
    link = href(here)
    assert get(here, link).status_code == 200
    reads = len(here.sources.reads)
    again = get(here, link)
    assert (again.status_code, again.json()["code"]) == (410, "LINK_USED")
    assert len(here.sources.reads) == reads
    here.restart()
    later = get(here, link)
    assert later.json()["code"] == "LINK_USED"


@pytest.mark.usefixtures("scans")
def test_a_link_is_of_one_system_and_ends_after_ten_minutes(here: Standing) -> None:
    link = href(here)
    other = get(here, link, system=INTAKE)
    assert (other.status_code, other.json()["code"]) == (404, "LINK_INVALID")
    assert get(here, f"{link[:-4]}AAAA").json()["code"] == "LINK_INVALID"
    here.go_ahead(minutes=10)
    late = get(here, link, system=SYSTEM)
    assert (late.status_code, late.json()["code"]) == (410, "LINK_EXPIRED")
    assert here.sources.reads == []


@pytest.mark.proves("W13")
def test_a_link_after_a_revocation_gives_nothing(here: Standing, scans: str) -> None:
    link = href(here)
    here.act("market.head", "grant.revoke", grant=scans, reason="终止")
    refused = get(here, link)
    assert (refused.status_code, refused.json()["code"]) == (403, "GRANT_REVOKED")
    assert here.sources.reads == []


@pytest.mark.usefixtures("scans")
def test_a_stranger_to_the_case_has_no_link(here: Standing) -> None:
    refused = offered(here, district.STRANGER)
    assert (refused.status_code, refused.json()["code"]) == (403, "SUBJECT_NOT_PARTY")


@pytest.mark.usefixtures("scans")
def test_a_file_that_is_no_pdf_passes_as_it_is(here: Standing) -> None:
    fetched = get(here, href(here, district.DESIGNER))
    assert fetched.content == PLAIN
    assert fetched.headers["content-type"] == "application/octet-stream"


@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize(("kind", "pages"), [("PNG", 1), ("WEBP", 1), ("TIFF", 3)])
def test_a_picture_leaves_marked_on_the_pages_of_a_pdf(
    here: Standing, tmp_path: Path, kind: str, pages: int
) -> None:
    drawn, picture = io.BytesIO(), Image.new("RGB", (600, 400), (200, 30, 30))
    several = {"save_all": True, "append_images": [picture] * (pages - 1)} if pages > 1 else {}
    picture.save(drawn, kind, **several)
    with sqlite3.connect(tmp_path / "scans.db") as connection:
        connection.execute(
            "UPDATE scan SET scan = ? WHERE uscc = ?", (drawn.getvalue(), district.APPLICANT)
        )
    fetched = get(here, href(here))
    assert fetched.headers["content-type"] == "application/pdf"
    given = PdfReader(io.BytesIO(fetched.content)).pages
    assert len(given) == pages
    for page in given:
        for told in (USAGE.case, USAGE.reason, district.HALL.name):
            assert told in page.extract_text()
    index = int(fetched.headers["exchange-entry"])
    salt = here.as_system().receipt(index)["openings"]["answer"]["salt"]
    entry = decode_strict(here.node.log.entry(index))
    assert commit_bytes(salt, fetched.content) == entry["digests"]["answer"]


@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize("item", ["certNo", "nothing"])
def test_only_an_item_that_holds_a_file_has_links(here: Standing, item: str) -> None:
    refused = offered(here, item=item)
    assert (refused.status_code, refused.json()["code"]) == (400, "NAME_UNKNOWN")
    assert refused.json()["facts"] == {"member": "item"}
