"""The log goes on in a new shard: the old one is frozen and names it, the new one begins with its end."""

import json
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, delete, select, update

from audit import tables, verify
from audit.canonical import b64_decode, decode_strict
from audit.chain import COUNTERS, OPENED, read_freezing, read_opening
from audit.checkpoint import parse_checkpoint
from audit.compose import CARRIED, FROZEN
from audit.entry import Draft
from audit.erasure import affected
from audit.errors import FrozenError, ProofError
from audit.export import Export, Page
from audit.merkle import TILE_WIDTH, root_of
from audit.note import parse_note
from audit.tiles import parse_bundle
from audit.verify import verify_receipt
from catalogue.errors import UnknownError
from exchange.acts.register import ActError
from exchange.backups import restore, take_backup
from exchange.cli.main import main
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import CASE, SYSTEM
from exchange.home import locked
from exchange.node import opened
from exchange.shard_places import places_of
from exchange.shards import SHARDS, following_of, read_shards
from policies.bundle import build, default_bundle
from tests.fakes.node import Founded, Standing, copied, lines, standing
from tests.fakes.on_postgresql import copied_to
from tests.fakes.reviews import a_review
from tests.stories.test_command_line import Terminal
from tests.stories.test_emergency_pages import Browsing

YEARS_END = "年度更替"
LICENCE = "307/000001"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def here(origin: Founded, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Standing]:
    """A district whose log and vault are files of its home, and one whose are PostgreSQL databases."""
    found = Standing(copied_to(tmp_path / "home", request.param), origin=origin)
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def on_files(origin: Founded, tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        yield found


@contextmanager
def past_the_program(here: Standing, shard: int = 0) -> Iterator[Connection]:
    """Change a shard while the node is stopped, as whoever has its database can; then serve again."""
    here.serving.stop()
    engine = places_of(here.node.settings).open(here.node.shards[shard].file)
    with engine.begin() as connection:
        yield connection
    engine.dispose()
    here.serve(here.node.settings)


def turn(here: Standing) -> dict[str, object]:
    """End the shard and start anew."""
    said: dict[str, object] = here.act("administrator", "audit.shard-open", reason=YEARS_END)
    here.restart()
    return said


def test_a_new_shard_begins_with_the_final_checkpoint_of_the_one_before(here: Standing) -> None:
    old = here.node.log.origin
    said = turn(here)
    log, (frozen,) = here.node.log, here.node.older
    held = frozen.need()
    assert (log.origin, held.origin) == (said["next"], old)
    first = decode_strict(log.entry(0))
    assert first["kind"] == OPENED
    begun = read_opening(first)
    assert begun is not None
    assert begun.checkpoint == held.final == parse_checkpoint(parse_note(held.checkpoint).text)
    assert begun.before == log.before == held.size == said["size"]
    last = decode_strict(held.entry(held.size - 1))
    assert last["kind"] == FROZEN
    assert read_freezing(last).keys[0].vkey == log.keys.signer.vkey == said["vkey"]
    reason = log.open_disclosure(0, "reason")
    assert reason is not None
    assert reason.value == YEARS_END


def test_a_shard_that_was_ended_takes_nothing_more_and_no_call_is_answered(here: Standing) -> None:
    here.act("administrator", "audit.shard-open", reason=YEARS_END)
    size = here.node.log.size
    with pytest.raises(FrozenError):
        here.node.log.append(Draft(kind="test.written", clear={}))
    with pytest.raises(FrozenError):
        here.node.log.ready()
    reads = list(here.sources.reads)
    response = here.send(here.signed(here.write()))
    assert response.status_code == 503
    assert here.sources.reads == reads
    assert here.node.log.size == size


@pytest.mark.proves("R1")
@pytest.mark.proves("R2")
def test_every_registry_row_is_vouched_for_inside_the_new_shard(here: Standing) -> None:
    before = dict(here.node.ledger.rows())
    turn(here)
    standing_rows = {row: held for row, held in before.items() if held[1] is not None}
    assert dict(here.node.ledger.rows()) == standing_rows
    assert here.node.live.load().absent == ()
    assert CARRIED in here.kinds()
    assert lines(here.ask())["businessLicence"]["outcome"] == "given"
    here.raw_sql("UPDATE sharing_grant SET not_after = not_after + 1 WHERE resource = ?", LICENCE)
    assert [row.table for row in here.node.live.load().absent] == ["sharing_grant"]


def test_a_revocation_in_the_new_shard_holds_at_once(here: Standing) -> None:
    turn(here)
    assert lines(here.ask())["businessLicence"]["outcome"] == "given"
    # The newest act that took something away lies in the shard before, and no call is older than that.
    assert here.node.log.barrier < 0
    here.act("market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止")
    assert here.node.log.barrier > 0
    assert lines(here.ask())["businessLicence"]["outcome"] == "refused"
    here.restart()
    assert lines(here.ask())["businessLicence"]["outcome"] == "refused"
    assert here.node.live.load().absent == ()


def test_a_revocation_between_two_shards_holds_and_is_recorded_in_the_new_one(
    here: Standing,
) -> None:
    here.act("administrator", "audit.shard-open", reason=YEARS_END)
    here.act("market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止")
    here.restart()
    assert lines(here.ask())["businessLicence"]["outcome"] == "refused"
    assert here.kinds().count("grant.revoked") == 1
    assert here.node.live.load().absent == ()


@pytest.mark.proves("I6")
def test_a_request_from_before_cannot_be_sent_again_after_it(here: Standing) -> None:
    request = here.signed(here.write())
    assert here.send(request).status_code == 200
    said = here.act("administrator", "audit.shard-open", reason=YEARS_END)
    here.serving.stop()
    here.serve(here.node.settings)
    answer = here.send(request)
    assert said["next"] == here.node.log.origin
    assert "REPLAYED" in answer.text


def test_numbers_go_on_without_a_gap(here: Standing) -> None:
    before = here.ask()
    turn(here)
    after = here.ask()
    name = f"n.consumer:{SYSTEM}"
    numbers = [
        answer.receipt["openings"][name]["value"] for answer in (before, after) if answer.receipt
    ]
    counters = here.node.log.open_disclosure(0, COUNTERS)
    assert counters is not None
    assert counters.value[f"consumer:{SYSTEM}"] == numbers[0] < numbers[1]
    old = here.act("auditor", "audit.search", system=SYSTEM, shard="first")["numbers"]
    new = here.act("auditor", "audit.search", system=SYSTEM)["numbers"]
    assert (old["holds"], old["last"], new["holds"]) == (True, numbers[0], True)
    assert (new["first"], new["last"]) == (numbers[0] + 1, numbers[1])


def test_receipts_of_the_frozen_shard_still_verify(here: Standing) -> None:
    vkey = here.node.vkey
    answer = here.ask()
    turn(here)
    assert answer.receipt is not None
    assert verify_receipt(dict(answer.receipt), vkeys=[vkey]).fault is None
    held = here.node.older[0].need()
    index = int(answer.receipt["index"])
    assert held.entry(index) == answer.receipt["entry"].encode()
    assert held.prove(index, held.size)
    assert held.open_disclosure(index, "question") is not None


def test_keys_of_the_frozen_shard_are_gone_and_the_new_ones_are_told(here: Standing) -> None:
    home, old = here.node.settings.home, here.node.vkey
    turn(here)
    new = here.node.vkey
    assert new != old
    assert (home / "log.vkey").read_text(encoding="utf-8").strip() == new
    assert not (home / "keys" / "next").exists()
    assert old in read_shards(home, origin="")[0].keys[0]
    assert here.ask().state == "signed"


@pytest.mark.proves("L17")
def test_a_frozen_shard_that_grew_or_shrank_is_named_and_not_read(here: Standing) -> None:
    turn(here)
    with past_the_program(here) as database:
        database.exec_driver_sql(
            "INSERT INTO audit_entry SELECT idx + 1, body, leaf FROM audit_entry"
            " ORDER BY idx DESC LIMIT 1"
        )
    (frozen,) = here.node.older
    assert "was frozen with" in str(frozen.trouble)
    with pytest.raises(ProofError):
        frozen.need()
    listed = here.act("administrator", "audit.shard-list")["shards"]
    assert [one["state"] for one in listed] == ["broken", "written"]
    assert "shards" in here.act("administrator", "node.examine")["broken"]


@pytest.mark.proves("L17")
def test_a_frozen_shard_whose_head_was_put_back_is_named(here: Standing) -> None:
    with here.node.databases.log.connect() as connection:
        old = dict(connection.execute(select(tables.head)).mappings().one())
    turn(here)
    with past_the_program(here) as database:
        database.execute(update(tables.head).values(old))
        database.execute(delete(tables.entry).where(tables.entry.c.idx >= old["size"]))
    assert here.node.older[0].trouble is not None


def test_a_frozen_shard_put_back_to_an_older_state_is_named(
    on_files: Standing, tmp_path: Path
) -> None:
    here = on_files
    home = here.node.settings.home
    with sqlite3.connect(home / "log.db") as live, sqlite3.connect(tmp_path / "old.db") as copy:
        live.backup(copy)
    turn(here)
    here.serving.stop()
    for ending in ("", "-wal", "-shm"):
        (home / f"log.db{ending}").unlink(missing_ok=True)
    (tmp_path / "old.db").rename(home / "log.db")
    (home / "log.db").chmod(0o600)
    here.serve(here.node.settings)
    assert here.node.older[0].trouble is not None


def test_an_administrator_ends_a_shard_and_an_auditor_sees_that_it_was_done(here: Standing) -> None:
    with pytest.raises(ActError, match="administrator"):
        here.act("auditor", "audit.shard-open", reason=YEARS_END)
    with pytest.raises(ActError, match="reason"):
        here.act("administrator", "audit.shard-open", reason=" ")
    turn(here)
    listed = here.act("auditor", "audit.shard-list")
    assert [one["state"] for one in listed["shards"]] == ["frozen", "written"]
    assert listed["due"] is False


def test_a_year_that_has_turned_is_told_until_its_shard_is_open(here: Standing) -> None:
    assert "shard-year" not in here.act("administrator", "node.examine")["broken"]
    here.go_ahead(days=366)
    assert "shard-year" in here.act("administrator", "node.examine")["broken"]
    assert here.act("auditor", "audit.shard-list")["due"] is True


@pytest.mark.proves("T2")
@pytest.mark.parametrize(("seconds", "told"), [(-600, True), (-3, False), (600, False)])
def test_a_clock_behind_the_newest_entry_is_told(
    on_files: Standing, *, seconds: int, told: bool
) -> None:
    here = on_files
    here.ask()
    here.go_ahead(seconds=seconds)
    assert ("clock" in here.act("administrator", "node.examine")["broken"]) is told


def test_a_second_shard_of_a_year_has_a_name_of_its_own(here: Standing) -> None:
    year = turn(here)["next"]
    assert turn(here)["next"] == f"{year}-2"
    assert len(here.node.older) == 2
    assert [each.trouble for each in here.node.older] == [None, None]
    assert here.node.live.load().absent == ()
    first, second = (each.need() for each in here.node.older)
    assert here.node.log.before == first.size + second.size
    places = places_of(here.node.settings)
    assert following_of(here.node.shards, places, year=2999).origin.endswith("/log/2999")


def test_a_command_on_a_home_that_is_not_served_ends_and_opens_at_once(
    origin: Founded, tmp_path: Path
) -> None:
    settings = copied(tmp_path / "home")
    (settings.home / "files" / "officers").mkdir(parents=True, exist_ok=True)
    with opened(settings) as node:
        old = node.log.origin
    asked = ["audit", "shard", "open", "--home", str(settings.home), "--as", "administrator"]
    done = CliRunner().invoke(main, [*asked, "--reason", YEARS_END, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert (said["frozen"], said["opened"]) == (old, said["next"])
    listed = CliRunner().invoke(main, ["audit", "shard", "list", *asked[3:]])
    assert said["next"] in listed.output
    assert (settings.home / SHARDS).exists()


def test_entries_of_a_frozen_shard_are_searched_shown_proved_and_checked(here: Standing) -> None:
    vkey, answer = here.node.vkey, here.ask()
    turn(here)
    # Numbered entries stand in the new shard, too.
    here.ask()
    index = int(answer.entry["index"])
    rows = here.act("auditor", "audit.search", system=SYSTEM, shard="first")["entries"]
    assert index in {row["index"] for row in rows}
    shown = here.act("auditor", "audit.show", index=index, shard="first")
    assert shown["entry"]["kind"] == "call"
    assert shown["vkey"] == vkey
    proven = here.act("auditor", "audit.prove", index=index, shard="first")
    assert (
        parse_checkpoint(parse_note(proven["checkpoint"]).text) == here.node.older[0].need().final
    )
    for name in ("audit.verify-log", "audit.fsck"):
        assert here.act("auditor", name, shard="first")["holds"] is True
        assert here.act("auditor", name)["holds"] is True
    taken = here.act("auditor", "audit.evidence", case=CASE, shard="first")
    assert index in taken["entries"]
    read = decode_strict(here.node.log.entry(here.node.log.size - 1))
    assert read["facts"]["shard"] == here.node.older[0].shard.origin
    with pytest.raises(UnknownError, match="shard 1999"):
        here.act("auditor", "audit.show", index=0, shard="1999")


def test_an_auditor_reads_the_frozen_part_on_the_pages(here: Standing) -> None:
    auditor = Browsing(here, "auditor", two_factor=False)
    assert "Part of the log" not in auditor.go("/audit?lang=en")
    answer = here.ask()
    turn(here)
    auditor = Browsing(here, "auditor", two_factor=False)
    index, old = int(answer.entry["index"]), here.node.older[0].shard.origin
    listed = auditor.go(f"/audit?shard=first&system={SYSTEM}")
    assert f'href="/audit/entries/{index}?shard=first"' in listed
    # A number typed into the box is one of the part that is read.
    assert f"条目 {index}" in auditor.go(f"/audit?q={index}&shard=first")
    card = auditor.go(f"/audit/entries/{index}?shard=first")
    assert old in card
    assert f'href="/audit/entries/{index}/proof?shard=first"' in card
    proof = auditor.fetch(f"/audit/entries/{index}/proof?shard=first").decode()
    assert old in proof
    story = auditor.go(f"/audit/cases?number={CASE}&shard=first")
    assert f'href="/audit/entries/{index}?shard=first#proof"' in story
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        auditor.go("/audit?shard=1999")


def test_presets_look_at_the_frozen_part(here: Standing) -> None:
    here.act("market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止")
    for _ in range(30):
        here.ask()
    turn(here)
    now_written = here.act("auditor", "audit.find", preset="refusal-bursts")
    assert now_written["looked_at"] == 0
    found = here.act("auditor", "audit.find", preset="refusal-bursts", shard="first")
    assert [one["system"] for one in found["found"]] == [SYSTEM]
    page = Browsing(here, "auditor", two_factor=False).go("/audit/find/refusal-bursts?shard=first")
    assert f"/audit/entries/{found['found'][0]['entries'][0]}?shard=first" in page


@pytest.mark.proves("S11")
def test_last_years_counts_are_held_against_the_frozen_part(here: Standing) -> None:
    entry = here.entry(here.ask())
    source = here.node.live.load().resources[LICENCE].source
    turn(here)
    counts = {
        "source": source,
        "calls": [entry["call"], "past-the-gateway"],
        "times": [entry["ts"]] * 2,
    }
    said = here.act("auditor", "audit.reconcile-source", **counts)
    assert [one["call"] for one in said["unknown"]] == ["past-the-gateway"]
    cases = here.act("auditor", "audit.reconcile-cases", system=SYSTEM, numbers=[CASE])
    assert cases["never_opened"] == []
    strange = here.act("auditor", "audit.reconcile-cases", system=SYSTEM, numbers=["2026-none"])
    assert strange["unknown"][0]["first"]["shard"] == here.node.older[0].shard.origin


def test_a_system_fetches_its_receipts_of_a_frozen_shard(here: Standing) -> None:
    vkey, answer = here.node.vkey, here.ask()
    turn(here)
    index, origin = answer.entry["index"], here.node.older[0].shard.origin
    for query, status in ((f"?shard={origin}", 200), ("?shard=elsewhere", 404)):
        wanted = httpx.Request("GET", f"{here.url}/receipts/{index}{query}")
        response = here.send(here.signed(wanted))
        assert response.status_code == status, response.text
        if status == 200:
            assert verify_receipt(response.content, vkeys=[vkey]).fault is None


def test_no_act_is_shown_as_an_entry_of_another_shard(here: Standing) -> None:
    recorded = here.node.ledger.rows()
    number = recorded["sharing_grant", here.grants[LICENCE]][0]
    assert here.node.index_of(number) == number
    turn(here)
    assert here.node.ledger.rows()["sharing_grant", here.grants[LICENCE]][0] == number
    assert here.node.index_of(number) is None
    shown = here.act("market.head", "grant.show", grant=here.grants[LICENCE])
    assert shown["entry"] is None
    here.act("market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止")
    entry = here.act("market.head", "grant.show", grant=here.grants[LICENCE])["entry"]
    assert decode_strict(here.node.log.entry(entry))["kind"] == "grant.revoked"


def test_a_backup_holds_every_shard_and_puts_all_of_them_back(on_files: Standing) -> None:
    here = on_files
    turn(here)
    answer, home = here.ask(), here.node.settings.home
    folder, made = take_backup(home, at=now(), told=lambda *_: None)
    assert made.origin == here.node.log.origin
    assert {"log.db", here.node.shards[-1].file, SHARDS} <= {part.path for part in made.parts}
    here.serving.stop()
    restore(folder, home, at=now())
    here.serve(here.node.settings)
    assert here.node.log.entry(int(answer.entry["index"]))
    assert here.node.older[0].trouble is None
    assert here.node.live.load().absent == ()


def exported(here: Standing, folder: Path, *, shard: str | None) -> Path:
    begun = here.act("auditor", "audit.export-begin", shard=shard)
    run = Export.open(folder, origin=begun["origin"], entries=True)
    while run.first < begun["size"]:
        told = here.act(
            "auditor",
            "audit.export",
            first=run.first,
            size=begun["size"],
            entries=True,
            shard=shard,
        )
        leaves = b64_decode(told["leaves"])
        run.take(
            Page(
                first=told["first"],
                leaves=[leaves[at : at + 32] for at in range(0, len(leaves), 32)],
                bodies=[one for each in told["bundles"] for one in parse_bundle(b64_decode(each))],
            )
        )
    run.finish(begun["checkpoint"])
    return folder


def test_the_verifier_follows_exported_shards_from_the_first_key_on(
    here: Standing, tmp_path: Path
) -> None:
    vkey = here.node.vkey
    early = exported(here, tmp_path / "early", shard=None)
    turn(here)
    turn(here)
    middle_name = here.node.older[1].shard.name
    folders = [
        exported(here, tmp_path / "first", shard="first"),
        exported(here, tmp_path / "middle", shard=middle_name),
        exported(here, tmp_path / "last", shard=None),
    ]
    report = verify.verify_shards(folders, trust=verify.Trust(vkeys=[vkey]), entries=True)
    assert report.fault is None
    assert [one.code for one in report.findings].count("SHARD_FOLLOWS") == 2
    named = ["--vkey", vkey, "--entries", str(folders[2])]
    after = [word for folder in folders[:2] for word in ("--after", str(folder))]
    assert verify.main([*named, *after, "--json"]) == 0

    def fault(*chain: Path, keys: list[str]) -> str:
        found = verify.verify_shards(chain, trust=verify.Trust(vkeys=keys)).fault
        return "" if found is None else found.code

    newest = here.node.vkey
    # One left out, one that was shorter when it was exported, one that goes on after its end.
    assert fault(folders[0], folders[2], keys=[vkey, newest]) == "SHARD_GAP"
    middle = here.node.older[1].need().spans[0].key.vkey
    assert fault(early, folders[1], keys=[vkey, middle]) == "SHARD_DIFFERS"
    assert fault(folders[1], folders[0], keys=[vkey, middle]) == "SHARD_GAP"


def test_an_erasure_reaches_what_lies_in_frozen_shards(here: Standing) -> None:
    here.ask()
    subject = ("enterprise", district.APPLICANT)
    held = [key.key_id for key in here.node.vault.held_of(subject)]
    assert held
    turn(here)
    here.ask()
    touched = [
        len(affected(shard.indexed, held, first=0, end=shard.shown.size))
        for shard in here.node.of_all_shards()
    ]
    assert len(touched) == 2
    assert all(touched)


def test_a_shard_is_not_ended_under_an_open_review_and_a_closed_one_keeps_its_entries(
    here: Standing,
) -> None:
    answer = here.ask()
    review = a_review(here)
    drawn = here.act("supervisor", "review.sample", review=review, count=1)
    with pytest.raises(ActError, match="review"):
        turn(here)
    found = {"verdict": "normal", "finding": "无异常", "index": drawn["drawn"][0]}
    here.act("supervisor", "review.judge", review=review, **found)
    here.act("supervisor", "review.close", review=review, conclusion="未见异常")
    turn(here)
    here.ask()
    assert here.act("auditor", "review.check-sample", sample=drawn["id"])["holds"] is True
    shown = here.act("auditor", "review.show", review=review)
    assert [one["index"] for one in shown["entries"]] == drawn["drawn"]
    assert here.act("auditor", "review.report", review=review)["bundle"]
    assert here.act("auditor", "audit.show", index=int(answer.entry["index"]), shard="first")


def leaves_of(prefix: str, size: int) -> list[bytes]:
    """Fetch the leaves of a tree as anybody can, tile by tile."""
    full, rest = divmod(size, TILE_WIDTH)
    places = [f"{n:03}" for n in range(full)] + ([f"{full:03}.p/{rest}"] if rest else [])
    leaves: list[bytes] = []
    for place in places:
        got = httpx.get(f"{prefix}/tile/0/{place}", trust_env=False)
        assert got.headers["content-type"] == "application/octet-stream", got.text
        leaves += [got.content[at : at + 32] for at in range(0, len(got.content), 32)]
    return leaves


def test_the_first_shard_is_served_under_its_prefix_before_it_has_ended(on_files: Standing) -> None:
    here = on_files
    (listed,) = httpx.get(f"{here.url}/log/shards", trust_env=False).json()
    note = httpx.get(f"{here.url}{listed['prefix']}/checkpoint", trust_env=False)
    assert note.status_code == 200
    assert parse_checkpoint(parse_note(note.text).text).origin == listed["origin"]


def test_each_shard_is_served_to_anybody_under_a_prefix_of_its_own(here: Standing) -> None:
    vkey = here.node.vkey
    turn(here)
    url = f"{here.url}/log"
    listed = httpx.get(f"{url}/shards", trust_env=False).json()
    assert [(one["prefix"], one["frozen"]) for one in listed] == [
        ("/log/first", True),
        (f"/log/{here.node.shards[-1].name}", False),
    ]
    frozen = here.node.older[0].need()
    note = httpx.get(f"{url}/first/checkpoint", trust_env=False).text
    assert parse_checkpoint(parse_note(note).text) == frozen.final
    keys = httpx.get(f"{url}/first/key", trust_env=False).text
    assert vkey in keys
    assert root_of(leaves_of(f"{url}/first", frozen.final.size)) == frozen.final.root
    # The one that is written has both its own prefix and the one without a name.
    name = here.node.shards[-1].name
    for prefix in (url, f"{url}/{name}"):
        text = httpx.get(f"{prefix}/checkpoint", trust_env=False).text
        assert parse_checkpoint(parse_note(text).text).origin == here.node.log.origin
    for path in ("1999/checkpoint", "1999/key", "1999/tile/0/000.p/1", "first/tile/0/999"):
        assert httpx.get(f"{url}/{path}", trust_env=False).status_code == 404
    bundle = httpx.get(f"{url}/first/tile/entries/000.p/1", trust_env=False)
    assert bundle.status_code == 404


def test_a_frozen_shard_that_does_not_hold_is_not_served(here: Standing) -> None:
    turn(here)
    with past_the_program(here) as database:
        database.execute(delete(tables.head))
    for path in ("checkpoint", "key", "tile/0/000.p/1"):
        response = httpx.get(f"{here.url}/log/first/{path}", trust_env=False)
        assert response.status_code >= 500
    assert httpx.get(f"{here.url}/log/checkpoint", trust_env=False).status_code == 200


def fill(here: Standing) -> None:
    """Close a bundle of entries."""
    entering = Draft(kind="strangers.counted", clear={"codes": {}})
    pending = [here.node.log._enter(entering) for _ in range(TILE_WIDTH)]
    for each in pending:
        each.result()


@pytest.mark.proves("L13")
def test_a_frozen_shard_is_archived_and_restored_and_keeps_every_proof(here: Standing) -> None:
    answer = here.ask()
    index, later = int(answer.entry["index"]), now() + timedelta(days=1)
    fill(here)
    turn(here)
    fill(here)
    body = here.node.older[0].need().entry(index)
    first = here.act("administrator", "archive.run", before=later, shard="first")
    written = here.act("administrator", "archive.run", before=later)
    # Bundle 0 is another one in each shard, and each finds its own again.
    assert first["bundles"] >= 1
    assert written["bundles"] >= 1
    for shard in ("first", None):
        assert here.act("administrator", "archive.list", shard=shard)["closed"] == 0
    here.restart()
    assert here.node.older[0].trouble is None
    assert here.node.older[0].need().entry(index) == body
    for shard in ("first", None):
        assert here.act("auditor", "audit.fsck", shard=shard)["holds"] is True
    assert here.act("auditor", "policy.replay", entry=index, shard="first")["holds"] is True
    for shard in ("first", None):
        assert here.act("administrator", "archive.restore", shard=shard)["left"] == 0
        assert here.act("auditor", "audit.fsck", shard=shard)["holds"] is True
    members = [decode_strict(one) for one in here.node.log.entries(0, here.node.log.size)]
    moved = {"log.archived", "log.restored"}
    kinds = [(m["kind"], m["facts"].get("shard")) for m in members if m["kind"] in moved]
    origin = here.node.older[0].shard.origin
    assert kinds == [
        ("log.archived", origin),
        ("log.archived", None),
        ("log.restored", origin),
        ("log.restored", None),
    ]


def test_calls_of_a_frozen_shard_are_replayed_explained_and_tried_under_another_policy(
    here: Standing,
) -> None:
    index = int(here.ask().entry["index"])
    turn(here)
    assert here.act("auditor", "policy.replay")["calls"] == 0
    old = here.act("auditor", "policy.replay", shard="first")
    assert (old["calls"] > 0, old["equal"], old["holds"]) == (True, old["calls"], True)
    assert here.act("auditor", "policy.replay", entry=index, shard="first")["calls"] == 1
    bundle = b64encode(build(default_bundle(expires=2**40))).decode()
    tried = here.act("auditor", "policy.simulate", bundle=bundle, shard="first")
    assert (tried["calls"], tried["changed"]) == (old["calls"], 0)
    explained = here.act("auditor", "policy.explain-entry", index=index, shard="first")
    assert explained
    read = decode_strict(here.node.log.entry(here.node.log.size - 1))
    assert read["facts"]["shard"] == here.node.older[0].shard.origin


def test_archiving_and_replay_of_a_frozen_shard_go_by_command_too(here: Standing) -> None:
    here.ask()
    turn(here)
    with locked(here.node.settings.home):
        terminal = Terminal(here.node.settings.home)
        said = terminal.told("policy", "replay", "--shard", "first", officer="auditor")
        assert said["calls"] > 0
        asked = ("audit", "archive", "run", "--before", "2126-01-01", "--shard", "first")
        assert set(terminal.told(*asked, officer="administrator")) == {"bundles", "entries"}
        listed = ("audit", "archive", "list", "--shard", "1999")
        assert "1999" in terminal.refused(*listed, officer="administrator")
