"""A department exports what it may in bulk: masked, recorded page by page, and decided anew when fetched."""

import hashlib
import json
import stat
from pathlib import Path

import pytest

from audit.canonical import decode_strict
from exchange.client.session import Bulk
from exchange.demo import district
from exchange.demo.setup import INTAKE, SYSTEM
from exchange.exports.bench import bench_of
from exchange.exports.working import expire
from tests.fakes.node import USAGE, Standing
from tests.fakes.outlets import ITEMS, LICENCES, begin, bulk_body, finished, get, grant_bulk, post
from tests.stories.test_emergency_pages import Browsing


def test_an_export_gives_every_record_masked_and_is_recorded_page_by_page(here: Standing) -> None:
    grant_bulk(here, max_rows=20)
    size = here.node.log.size
    told = finished(here, begin(here, format="jsonl")["id"])
    assert (told["state"], told["rows"], told["pages"]) == ("ready", 63, 4)
    assert len(told["parts"]) == 1
    fetched = get(here, f"/exports/{told['id']}/parts/1")
    assert fetched.status_code == 200
    rows = [json.loads(line) for line in fetched.content.splitlines()]
    assert len({row["uscc"] for row in rows}) == 63
    assert all("****" in row["phone"] for row in rows)
    kinds = here.kinds(since=size)
    assert kinds.count("call") == 4
    assert kinds.count("export.released") == 1
    assert hashlib.sha256(fetched.content).hexdigest() == told["parts"][0]["sha256"]
    entry = decode_strict(here.node.log.entry(int(fetched.headers["exchange-entry"])))
    assert entry["facts"]["sha256"] == told["parts"][0]["sha256"]
    assert entry["channel"] == "bulk"


def test_what_leaves_in_bulk_counts_against_the_budgets_of_its_grant(here: Standing) -> None:
    grant_bulk(here, max_rows=20, daily_rows=45)
    hall, size = here.as_system(), here.node.log.size
    wanted = Bulk(resource=LICENCES, items=ITEMS, first=20)
    first = hall.page(wanted, usage=USAGE)
    second = hall.page(wanted, usage=USAGE, after=(first.data or {})["next"])
    spent = (second.data or {})["next"]
    third = hall.page(wanted, usage=USAGE, after=spent)
    assert third.data is None
    assert [line["code"] for line in third.outcomes] == ["QUOTA_SPENT"]
    told = finished(here, begin(here, format="jsonl")["id"])
    assert (told["state"], told["code"], told["parts"]) == ("stopped", "QUOTA_SPENT", [])
    codes = [
        step["code"]
        for body in here.node.log.entries(size, here.node.log.size)
        for step in decode_strict(body).get("steps", [])
    ]
    assert codes.count("QUOTA_SPENT") == 2


def test_without_the_channel_bulk_nothing_is_exported(here: Standing) -> None:
    refused = post(here, "/exports", bulk_body())
    assert refused.status_code == 403
    assert refused.json()["code"] == "GRANT_CHANNEL"
    assert here.sources.reads == []


@pytest.mark.proves("W13")
def test_what_was_exported_is_not_given_after_a_revocation(here: Standing) -> None:
    grant = grant_bulk(here)
    told = finished(here, begin(here)["id"])
    here.act("market.head", "grant.revoke", grant=grant, reason="终止")
    refused = get(here, f"/exports/{told['id']}/parts/1")
    assert refused.status_code == 403
    assert refused.json()["code"] in {"GRANT_CHANNEL", "GRANT_REVOKED"}


@pytest.mark.proves("W13")
def test_another_system_finds_no_export_of_this_one(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    for path in ("", "/parts/1", "/manifest"):
        other = get(here, f"/exports/{told['id']}{path}", system=INTAKE)
        assert other.status_code == 404
    assert get(here, f"/exports/{told['id']}/manifest").json()["what"]["resource"] == LICENCES


@pytest.mark.proves("W13")
def test_what_was_exported_is_not_given_once_the_grant_gives_or_masks_otherwise(
    here: Standing,
) -> None:
    grant = grant_bulk(here)
    told = finished(here, begin(here)["id"])
    here.act("market.head", "grant.revoke", grant=grant, reason="收窄")
    grant_bulk(here, masks={"entName": "name"})
    refused = get(here, f"/exports/{told['id']}/parts/1")
    assert (refused.status_code, refused.json()["code"]) == (403, "TERMS_CHANGED")


def test_a_revocation_stops_an_export_at_its_next_page_and_removes_its_files(
    here: Standing,
) -> None:
    grant = grant_bulk(here, max_rows=20)
    here.sources.meanwhile = lambda: here.act(
        "market.head", "grant.revoke", grant=grant, reason="终止"
    )
    told = finished(here, begin(here)["id"])
    # The page that was being read when the grant ended was ruled anew and dropped.
    assert (told["state"], told["code"], told["rows"]) == ("stopped", "GRANT_REVOKED", 0)
    assert not folder(here, told["id"]).exists()


def test_an_export_goes_on_where_a_stopped_process_left_it(here: Standing) -> None:
    grant_bulk(here, max_rows=2)
    told = begin(here, format="jsonl")
    here.restart()
    told = finished(here, told["id"])
    assert (told["state"], told["rows"], told["pages"]) == ("ready", 63, 32)
    content = get(here, f"/exports/{told['id']}/parts/1").content
    keys = [json.loads(line)["uscc"] for line in content.splitlines()]
    assert len(keys) == len(set(keys)) == 63


def test_a_cancelled_export_leaves_no_file(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    ended = post(here, f"/exports/{told['id']}/cancel", {})
    assert ended.json()["state"] == "cancelled"
    assert not folder(here, told["id"]).exists()
    assert get(here, f"/exports/{told['id']}/parts/1").json()["code"] == "EXPORT_STATE"
    again = post(here, f"/exports/{told['id']}/cancel", {})
    assert (again.status_code, again.json()["code"]) == (409, "EXPORT_STATE")


def test_files_are_their_owners_alone_and_go_by_the_clock(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    held = folder(here, told["id"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in held.iterdir()] == [0o600]
    assert stat.S_IMODE(held.stat().st_mode) == 0o700
    here.go_ahead(hours=25)
    refused = get(here, f"/exports/{told['id']}/parts/1")
    assert refused.json()["code"] == "EXPORT_STATE"
    assert expire(bench_of(here.node)) == 1
    assert not held.exists()
    assert here.kinds()[-1] == "export.ended"


def test_a_file_that_was_changed_on_the_disk_is_not_given(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    (part,) = folder(here, told["id"]).iterdir()
    part.write_bytes(part.read_bytes().replace(b"****", b"8888"))
    refused = get(here, f"/exports/{told['id']}/parts/1")
    assert (refused.status_code, refused.json()["code"]) == (409, "EXPORT_FILE_CHANGED")


@pytest.mark.proves("R1")
def test_an_export_put_to_another_system_by_sql_is_nobodys(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    assert here.raw_sql("UPDATE export SET system = ? WHERE id = ?", INTAKE, told["id"]) == 1
    for system in (SYSTEM, INTAKE):
        assert get(here, f"/exports/{told['id']}/parts/1", system=system).status_code == 404


def test_nothing_that_names_a_person_stands_in_the_row_of_an_export(here: Standing) -> None:
    grant_bulk(here, max_rows=20)
    told = begin(here)
    row = repr(here.row("export", "id = ?", told["id"]))
    finished(here, told["id"])
    row += repr(here.row("export", "id = ?", told["id"]))
    for secret in (USAGE.case, USAGE.reason, USAGE.operator, district.APPLICANT):
        assert secret not in row


@pytest.mark.proves("W1")
def test_a_download_is_refused_while_the_log_cannot_be_written(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    here.node.log.close()
    refused = get(here, f"/exports/{told['id']}/parts/1")
    assert refused.status_code == 503
    assert "retry-after" in refused.headers


def test_officers_see_their_exports_and_end_them_on_pages_without_scripts(here: Standing) -> None:
    grant_bulk(here)
    told = finished(here, begin(here)["id"])
    clerk = Browsing(here, "hall.operator", two_factor=False)
    assert f"/bulk/{told['id']}" in clerk.go("/bulk")
    shown = clerk.go(f"/bulk/{told['id']}")
    assert told["parts"][0]["sha256"] in shown
    assert USAGE.reason in shown
    stranger = Browsing(here, "market.operator", two_factor=False)
    assert told["id"] not in stranger.go("/bulk")
    ended = clerk.send(f"/bulk/{told['id']}", {}, to=f"/bulk/{told['id']}/cancel")
    assert ended.status_code == 200
    assert not folder(here, told["id"]).exists()


def folder(here: Standing, export_id: str) -> Path:
    return here.node.settings.home / "exports" / export_id
