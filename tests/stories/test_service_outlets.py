"""A resource behind a JSON service leaves by every outlet: by key, page by page, as files, as one file."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from audit.canonical import decode_strict
from exchange.client.session import Bulk
from exchange.client.signing import encode_usage
from exchange.demo import district
from exchange.demo import setup as demo
from tests.fakes.node import USAGE, Standing
from tests.fakes.outlets import begin, bulk_body, finished, get, grant_bulk, post

CODE = "307/000020"
DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "sources" / "licences.json"
KEYS = sorted([district.APPLICANT, district.DESIGNER, district.STRANGER])
ITEMS = ("uscc", "name", "status")


def a_record(key: str) -> dict[str, object]:
    number = KEYS.index(key)
    return {
        "uscc": key,
        "name": f"企业{number}",
        "status": "valid",
        "seal": "AP8=",
        "holder": {"id": f"p{number}", "name": "乙"},
    }


class Licences(BaseHTTPRequestHandler):
    """The service of docs/sources.md, over three records."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        key = parts.path.removeprefix("/licences").strip("/")
        if key:
            self._say(
                {"data": a_record(key)} if key in KEYS else {"code": "NOT_FOUND"}, key in KEYS
            )
            return
        after = asked.get("after", "")
        page = [a_record(one) for one in KEYS if one > after][
            : min(2, int(asked.get("limit", "0")))
        ]
        self._say({"data": page}, found=True)

    def do_HEAD(self) -> None:
        self._say({}, found=False)

    def _say(self, told: object, found: bool) -> None:
        body = json.dumps(told).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Licences)
    running = threading.Thread(target=server.serve_forever)
    running.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    running.join()
    server.server_close()


def announced(here: Standing, address: str, *, paged: bool) -> None:
    here.act(
        "market.head",
        "source.add",
        name="licences",
        department=district.MARKET.code,
        kind="http",
        address=address,
        description=DOCUMENT.read_text(encoding="utf-8"),
        write_reason="只读接口",
    )
    pages = {"operation": "GET /licences", "after": "after", "size": "limit"}
    seen = here.act(
        "market.operator",
        "resource.reflect",
        source="licences",
        table="GET /licences/{uscc}",
        code=CODE,
        choices={
            "absent": {"status": 404, "pointer": "/code", "value": "NOT_FOUND"},
            **({"pages": pages} if paged else {}),
        },
    )["resource"]
    items = [item | {"level": 2, "mask": "none", "match": item["key"]} for item in seen["items"]]
    resource = seen | {
        "name": "登记服务",
        "name_en": "Licences by service",
        "items": items,
        "level": 2,
        "sharing_class": "conditional",
        "conditions": "行政许可办理部门",
        "purposes": ["administrative-basis"],
    }
    here.act("market.operator", "resource.draft", resource=resource)
    demo.examine(here.place, "market", CODE)
    here.act("market.head", "resource.submit", code=CODE)
    here.act("authority", "resource.announce", code=CODE)


def test_a_service_with_an_operation_for_pages_leaves_by_every_outlet(
    here: Standing, service: str
) -> None:
    announced(here, service, paged=True)
    grant_bulk(here, CODE, items=(*ITEMS, "seal"))
    hall, size = here.as_system(), here.node.log.size
    pages = [hall.page(Bulk(resource=CODE, items=ITEMS), usage=USAGE)]
    while (place := (pages[-1].data or {})["next"]) is not None:
        pages.append(hall.page(Bulk(resource=CODE, items=ITEMS), usage=USAGE, after=place))
    read = [row for page in pages for row in (page.data or {})["rows"]]
    assert [row["uscc"] for row in read] == KEYS
    told = finished(here, begin(here, resource=CODE, items=ITEMS, format="jsonl")["id"])
    assert (told["state"], told["rows"]) == ("ready", 3)
    exported = hall.export_part(told["id"], 1).content.splitlines()
    assert [json.loads(line) for line in exported] == read
    offered = post(
        here,
        "/links",
        {
            "resource": CODE,
            "item": "seal",
            "key": district.APPLICANT,
            "extensions": {"usage": encode_usage(USAGE)},
        },
    )
    assert offered.status_code == 201, offered.text
    fetched = get(here, offered.json()["href"])
    assert fetched.content == b"\x00\xff"
    kinds = here.kinds(since=size)
    # Each page, each page of the export, and the file; a remote source is announced before it is asked.
    assert kinds.count("call") == len(pages) * 2 + 1


def test_a_service_without_one_says_what_is_needed_and_gives_nothing(
    here: Standing, service: str
) -> None:
    announced(here, service, paged=False)
    grant_bulk(here, CODE, items=ITEMS)
    size = here.node.log.size
    refused = post(here, "/pull", bulk_body(CODE, items=ITEMS))
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "BULK_UNSUPPORTED"
    assert "逐页读取" in refused.text
    told = finished(here, begin(here, resource=CODE, items=ITEMS)["id"])
    assert (told["state"], told["code"], told["rows"]) == ("stopped", "BULK_UNSUPPORTED", 0)
    codes = [
        step["code"]
        for body in here.node.log.entries(size, here.node.log.size)
        for step in decode_strict(body).get("steps", [])
        if step["outcome"] != "intended"
    ]
    assert set(codes) == {"BULK_UNSUPPORTED"}
