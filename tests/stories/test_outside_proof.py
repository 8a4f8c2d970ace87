"""The log for people outside: exports, evidence bundles, and other people's counts held against it."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit import verify
from audit.canonical import decode_strict
from exchange.demo import district
from exchange.demo.setup import CASE, SYSTEM
from exchange.home import locked
from tests.fakes.node import DEPARTMENTS, JOINING, Standing
from tests.stories.test_command_line import Terminal, written

LICENCE_CODE = "307/000001"


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    """A terminal beside the process that serves the home, and so holds its lock."""
    with locked(here.node.settings.home):
        yield Terminal(here.node.settings.home)


def checked(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the verifier as somebody outside does: one file, in a process of its own."""
    done = subprocess.run(
        [sys.executable, verify.__file__, *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


class TestExport:
    def test_anyone_exports_the_hashes_and_the_verifier_says_yes(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        folder = tmp_path / "public"
        here.ask()
        said = terminal.told("audit", "export", str(folder), officer="housing.operator")
        assert (said["from"], said["entries"]) == (0, False)
        status, report = checked("--public", str(folder), "--vkey", here.node.vkey)
        assert (status, report["state"]) == (0, "signed")
        held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert SYSTEM.encode() not in held

    def test_the_next_export_goes_on_where_the_last_one_ended(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        folder = tmp_path / "log"
        first = terminal.told("audit", "export", str(folder), "--entries", officer="auditor")
        here.ask()
        here.node.log._published = None  # a checkpoint is published at most once a second
        again = terminal.told("audit", "export", str(folder), "--entries", officer="auditor")
        assert again["size"] > first["size"]
        assert again["from"] <= first["size"]
        status, report = checked("--entries", str(folder), "--vkey", here.node.vkey)
        assert status == 0, report
        assert "log.exported" in here.kinds(since=first["size"])

    def test_entries_take_an_auditor_and_a_refusal_leaves_no_checkpoint(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        folder = tmp_path / "log"
        said = terminal.refused(
            "audit", "export", str(folder), "--entries", officer="market.operator"
        )
        assert "auditor needed" in said
        assert not (folder / "checkpoint").exists()


class TestEvidence:
    def bundle(self, terminal: Terminal, tmp_path: Path, *arguments: str) -> Path:
        out = tmp_path / "evidence.zip"
        terminal.said("audit", "evidence", str(out), *arguments, officer="auditor")
        return out

    def test_a_case_is_handed_out_and_proved_by_the_file_in_the_bundle(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        asked = int(here.ask().entry["index"])
        out = self.bundle(terminal, tmp_path, "--case", CASE)
        with zipfile.ZipFile(out) as packed:
            packed.extractall(tmp_path / "unpacked")
        assert (tmp_path / "unpacked/verify.py").read_bytes() == Path(verify.__file__).read_bytes()
        status, report = checked(str(out), "--vkey", here.node.vkey)
        assert status == 0, report
        evidence = json.loads((tmp_path / "unpacked/evidence.json").read_bytes())
        assert asked in [entry["index"] for entry in evidence["entries"] if entry["asked"]]
        assert [each["counter"] for each in evidence["lists"]] == [f"consumer:{SYSTEM}"]
        opened = {name for entry in evidence["entries"] for name in entry["openings"]}
        assert not opened & {"officer", "operator", "subject", "reason"}, "identities stay closed"
        assert district.APPLICANT not in json.dumps(evidence, ensure_ascii=False)

    @pytest.mark.proves("L14")
    def test_an_entry_left_out_of_a_bundle_leaves_a_gap_in_the_numbers(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        for _ in range(3):
            here.ask()
        out = self.bundle(terminal, tmp_path, "--system", SYSTEM)
        files = dict(verify.evidence_in(out) or {})
        trust = verify.Trust(vkeys=[here.node.vkey])
        assert verify.verify_evidence(files, trust=trust).holds
        evidence = json.loads(files["evidence.json"])
        del evidence["entries"][1]
        files["evidence.json"] = json.dumps(evidence).encode()
        fault = verify.verify_evidence(files, trust=trust).fault
        assert fault is not None
        assert fault.code.startswith("LIST_")

    def test_a_changed_opening_is_refused(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        here.ask()
        files = dict(
            verify.evidence_in(self.bundle(terminal, tmp_path, "--resource", LICENCE_CODE)) or {}
        )
        evidence = json.loads(files["evidence.json"])
        opening = next(
            entry["openings"][name]
            for entry in evidence["entries"]
            for name in entry["openings"]
            if "value" in entry["openings"][name]
        )
        opening["value"] = 999 if isinstance(opening["value"], int) else "else"
        files["evidence.json"] = json.dumps(evidence).encode()
        report = verify.verify_evidence(files, trust=verify.Trust(vkeys=[here.node.vkey]))
        assert report.fault is not None
        assert report.fault.code == "OPENING_DIFFERS"

    def test_it_takes_an_auditor_and_says_when_there_is_nothing(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        out = str(tmp_path / "evidence.zip")
        arguments = ("audit", "evidence", out, "--case")
        assert "auditor" in terminal.refused(*arguments, CASE, officer="market.operator")
        assert "nothing of it" in terminal.refused(*arguments, "no-such-case", officer="auditor")
        assert not Path(out).exists()


class TestReconcile:
    """A department's own count of calls, and an approval system's list of cases."""

    def counted(self, here: Standing, tmp_path: Path, *others: tuple[str, str]) -> tuple[str, str]:
        entry = here.entry(here.ask(DEPARTMENTS))
        at = _at(entry)
        rows = [f"{entry['call']},{at}", *(f"{call},{moment or at}" for call, moment in others)]
        source = here.node.live.load().resources[LICENCE_CODE].source
        assert source is not None
        return source, written(tmp_path / "counts.csv", "调用编号,时间", *rows)

    def test_a_count_that_agrees_holds(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        source, counts = self.counted(here, tmp_path)
        said = terminal.told("audit", "reconcile", counts, "--source", source, officer="auditor")
        assert said["holds"]
        assert said["counts"] == {"unknown": 0, "refused": 0, "late": 0, "unseen": 0}
        assert "source.reconciled" in here.kinds()

    @pytest.mark.proves("S11")
    def test_a_call_past_the_gateway_is_named(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        source, counts = self.counted(here, tmp_path, ("call_past_the_gateway", ""))
        result = terminal.run(
            "audit", "reconcile", counts, "--source", source, "--json", officer="auditor"
        )
        assert result.exit_code == 1
        said = json.loads(result.stdout)
        assert [each["call"] for each in said["unknown"]] == ["call_past_the_gateway"]

    @pytest.mark.proves("S11")
    def test_a_number_used_again_at_another_time_is_named(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        entry = here.entry(here.ask())
        source, counts = self.counted(here, tmp_path, (entry["call"], "2026-01-02T03:04:05+08:00"))
        result = terminal.run("audit", "reconcile", counts, "--source", source, officer="auditor")
        assert result.exit_code == 1
        assert "DOES NOT HOLD" in result.output
        assert entry["call"] in result.output

    def test_another_department_s_source_is_not_even_confirmed(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        source, counts = self.counted(here, tmp_path)
        arguments = ("audit", "reconcile", counts, "--source", source)
        assert "no source" in terminal.refused(*arguments, officer="housing.operator")
        assert "holds" in terminal.said(*arguments, officer="market.operator")

    def test_cases_of_a_list_and_cases_of_the_log_are_held_against_each_other(
        self, here: Standing, terminal: Terminal, tmp_path: Path
    ) -> None:
        here.ask()
        arguments = ("--cases", SYSTEM, "--json")
        whole = written(tmp_path / "cases.csv", "case", CASE)
        result = terminal.run("audit", "reconcile", whole, *arguments, officer="auditor")
        assert json.loads(result.stdout)["counts"]["never_opened"] == 0
        other = written(tmp_path / "others.csv", "办件编号", "2026-none")
        result = terminal.run("audit", "reconcile", other, *arguments, officer="auditor")
        said = json.loads(result.stdout)
        assert result.exit_code == 1
        assert said["never_opened"] == [{"case": "2026-none"}]
        assert said["counts"]["unknown"] >= 1

    def test_a_file_that_is_no_count_is_refused_with_its_row(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        file = written(tmp_path / "counts.csv", "call,at", "c1,yesterday")
        said = terminal.refused("audit", "reconcile", file, "--source", "x", officer="auditor")
        assert "row 2" in said
        assert "not a time" in said


@pytest.mark.proves("L19")
def test_a_receipt_reveals_nothing_of_others_calls(here: Standing) -> None:
    own = here.ask()
    other = here.ask(system=JOINING)
    after = here.ask()
    for receipt in (own.receipt, after.receipt):
        said = json.dumps(receipt, ensure_ascii=False)
        entry = decode_strict(here.node.log.entry(int(other.entry["index"])))
        for text in (JOINING, entry["call"], entry["id"], *entry["digests"].values()):
            assert text not in said


def _at(entry: dict[str, Any]) -> str:
    return datetime.fromtimestamp(entry["ts"] / 1000, UTC).isoformat()
