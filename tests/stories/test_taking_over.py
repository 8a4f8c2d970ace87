"""A published catalogue is taken over from the command line, and what waits in it is opened, or is not."""

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.canonical import decode_strict
from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.rows import SOURCE
from exchange.acts.register import ActError
from exchange.cli.district import read_files
from exchange.demo import district
from exchange.portal.session import COOKIE
from gateway.errors import SourceError
from tests.fakes.node import Standing, standing
from tests.stories.test_command_line import Terminal, enrol
from tests.stories.test_command_line import terminal as terminal  # noqa: PLC0414 - a fixture

HOST = "data.example.org"


def a_line(number: int, **changes: Any) -> bytes:
    """A data set of a portal as its catalogue lists it."""
    told = {
        "id": f"aaaa-{number:04}",
        "title": f"Street trees {number}",
        "host": HOST,
        "publisher": "Parks Department",
        "columns": [["tree_id", "Tree id", "text"], ["height", "Height", "number"]],
    }
    return json.dumps(told | changes).encode()


def written(path: Path, *lines: bytes) -> str:
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def test_a_catalogue_is_taken_over_and_what_is_not_taken_is_named_by_its_place(
    terminal: Terminal, tmp_path: Path
) -> None:
    enrol(terminal, tmp_path)
    whole = written(tmp_path / "one.jsonl.gz", a_line(1), a_line(2), b"", a_line(3))
    unfit = written(
        tmp_path / "two.jsonl", a_line(4), b"{}", a_line(5, title=7), a_line(1), b"no json"
    )
    command = ("import-catalogue", whole, unfit, "--as-authority", "authority", "--json")
    dry = terminal.run(*command, "--dry-run", officer="administrator")
    assert dry.exit_code == 1
    assert json.loads(dry.stdout) == {"read": 4, "not_taken": 4}
    for place in ("two.jsonl:2::", "two.jsonl:3:title:", "two.jsonl:4::", "two.jsonl:5::"):
        assert place in dry.stderr
    assert terminal.told("resource", "list", officer="authority")["total"] == 0

    done = terminal.run(*command, officer="administrator")
    assert json.loads(done.stdout) == {
        "read": 4,
        "departments": 1,
        "sources": 1,
        "resources": 4,
        "unchanged": 0,
        "not_taken": 4,
    }
    again = terminal.run(*command, officer="administrator")
    assert json.loads(again.stdout)["resources"] == 0

    first = terminal.told("resource", "list", "--first", "3", officer="authority")
    assert (len(first["rows"]), first["total"]) == (3, 4)
    rest = terminal.told("resource", "list", "--after", first["next"], officer="authority")
    assert [one["code"] for one in rest["rows"]] == [f"{HOST}/aaaa-0004"]
    assert rest["next"] is None
    said = terminal.said("resource", "list", "--first", "3", officer="authority")
    assert f"3 of 4; more: --after {first['next']}" in said
    (waits,) = terminal.told("source", "list", "--state", "waiting", officer="authority")["rows"]
    assert waits["address"] == f"https://{HOST}/resource"


def test_nobody_but_the_authority_takes_a_catalogue_over(
    terminal: Terminal, tmp_path: Path
) -> None:
    enrol(terminal, tmp_path)
    file = written(tmp_path / "one.jsonl", a_line(1))
    refused = terminal.refused("import-catalogue", file, officer="administrator")
    assert "ROLE_MISSING" in refused


def test_a_file_that_is_no_gzip_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl.gz"
    file.write_bytes(b"plain")
    with pytest.raises(InvalidError, match="gzip"):
        read_files([file])


@pytest.fixture
def here(tmp_path: Path) -> Any:
    """The district of the story, with a source of the market bureau that waits."""
    with standing(tmp_path / "home") as found:
        row = {
            "name": "market.old",
            "department": district.MARKET.code,
            "kind": "http",
            "address": f"https://{HOST}/resource",
            "state": "waiting",
        }
        found.act("authority", "source.import", rows=[row])
        yield found


def opening(here: Standing, **changes: Any) -> dict[str, Any]:
    market = here.node.held(SOURCE)["market"]
    return {
        "name": "market.old",
        "kind": "sql",
        "address": market.address,
        "reason": "信息中心告知",
    } | changes


def test_a_source_that_waits_is_opened_by_the_authority_alone_once_and_with_a_reason(
    here: Standing,
) -> None:
    for handle in ("market.head", "market.operator", "administrator", "auditor"):
        with pytest.raises(NotAllowedError):
            here.act(handle, "source.open", **opening(here))
    with pytest.raises(InvalidError):
        here.act("authority", "source.open", **opening(here, reason=" "))
    with pytest.raises(SourceError):
        here.act(
            "authority", "source.open", **opening(here, address="sqlite:////nowhere/at/all.db")
        )
    with pytest.raises(StateError):
        here.act("authority", "source.open", **opening(here, name="market"))
    assert here.node.held(SOURCE)["market.old"].state == "waiting"

    before = here.node.log.size
    opened = here.act("authority", "source.open", **opening(here))
    assert here.kinds(since=before) == ["source.opened"]
    body = here.node.log.entry(opened["entry"])
    assert decode_strict(body)["facts"]["source"] == "market.old"
    assert "信息中心".encode() not in body
    disclosed = here.node.log.open_disclosure(opened["entry"], "reason")
    assert disclosed is not None
    assert disclosed.value == "信息中心告知"
    with pytest.raises(StateError):
        here.act("authority", "source.open", **opening(here))
    assert here.act("auditor", "audit.fsck-registry")["holds"]


def test_what_waits_is_seen_by_its_department_and_the_authority(here: Standing) -> None:
    assert here.act("market.head", "source.show", name="market.old")["resources"] == []
    with pytest.raises(ActError, match="no source"):
        here.act("hall.head", "source.show", name="market.old")
    for handle, seen in (("authority", True), ("market.head", True), ("hall.head", False)):
        told = page(here, handle, "/inbox?view=sources")
        assert ("market.old" in told) is seen
        assert ("没有待开通的数据源" in told) is not seen
    assert 'name="address"' in page(here, "authority", "/inbox/sources/market.old")
    assert 'name="address"' not in page(here, "market.head", "/inbox/sources/market.old")
    assert 'href="/inbox?view=sources"' in page(here, "authority", "/")


def page(here: Standing, handle: str, path: str) -> str:
    officers = here.node.live.load().officers
    link = here.node.sign_in.offer_link(officers[here.place.ids[handle]], by=None)
    secret = here.node.sign_in.redeem_link(link, officers=officers).secret
    answer = httpx.get(f"{here.url}{path}", cookies={COOKIE: secret}, trust_env=False)
    assert answer.status_code == 200
    return answer.text
