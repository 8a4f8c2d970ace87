"""A review from the command line: ordered, drawn, drawn again by a stranger, judged and reported."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit import verify
from exchange.clock import now
from exchange.demo import district
from tests.fakes.node import Standing
from tests.stories.test_command_line import Terminal

HALL = district.HALL.code


def a_review(terminal: Terminal) -> str:
    today = now().date()
    told = terminal.told(
        "audit", "review", "propose", "--document", "云监核〔2026〕7号", "--reason", "例行抽查",
        "--since", (today - timedelta(days=1)).isoformat(),
        "--until", (today + timedelta(days=1)).isoformat(),
        "--expires", (today + timedelta(days=20)).isoformat(),
        "--officer", "AUDIT-002", "--officer", "AUDIT-003", "--department", HALL,
        officer="authority",
    )  # fmt: skip
    terminal.said("audit", "review", "confirm", told["id"], officer="auditor")
    return str(told["id"])


@pytest.fixture
def terminal(here: Standing) -> Terminal:
    return Terminal(here.node.settings.home)


def test_a_stranger_with_the_export_draws_the_recorded_sample_again(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    for _ in range(5):
        here.ask()
    review = a_review(terminal)
    kept = terminal.told("audit", "review", "sample", review, "--count", "3", officer="supervisor")
    checked = terminal.told("audit", "review", "check-sample", kept["id"], officer="supervisor")
    assert checked["holds"] is True
    held = terminal.told("audit", "review", "show", review, officer="supervisor")
    wanted = ["--seed", kept["seed"], "--count", "3", "--department", HALL]
    wanted += ["--since", held["since"], "--until", held["until"]]
    stranger = Terminal(tmp_path / "nowhere")
    for packed in ([], ["--gzip"]):
        folder = str(tmp_path / f"export{len(packed)}")
        terminal.said("audit", "export", folder, "--entries", *packed, officer="auditor")
        again = ["audit", "review", "draw", folder, *wanted]
        drawn = stranger.told(*again, "--size", str(kept["size"]))
        assert (drawn["drawn"], drawn["digest"]) == (kept["drawn"], kept["digest"])
        # The verifier reads seed and scope from the log itself.
        named = ["--vkey", here.node.vkey, "--entries", folder, "--samples"]
        assert verify.main(named) == 0
        assert "are not in" in stranger.refused(*again, "--size", "10000")


def test_a_review_is_carried_out_by_command(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    here.ask()
    review = a_review(terminal)
    (index,) = terminal.told(
        "audit", "review", "sample", review, "--count", "1", officer="supervisor"
    )["drawn"]
    found = terminal.told("audit", "search", "--review", review, officer="supervisor")
    assert index in {row["index"] for row in found["entries"]}
    assert (
        terminal.told("audit", "find", "refusal-bursts", "--review", review, officer="supervisor")[
            "found"
        ]
        == []
    )
    assert terminal.told("audit", "show", str(index), "--review", review, officer="supervisor")
    question = terminal.told(
        "audit", "review", "ask", review, "--department", HALL, "--entry", str(index),
        "--text", "请说明用途", "--days", "3", officer="supervisor",
    )["id"]  # fmt: skip
    assert question in terminal.said("audit", "review", "questions", officer="hall.head")
    terminal.said(
        "audit", "review", "answer", question, "--text", "系核发所需", officer="hall.head"
    )
    opening = terminal.told(
        "audit", "review", "ask-identity", review, str(index), "--name", "operator",
        "--reason", "须约谈", officer="supervisor",
    )["id"]  # fmt: skip
    terminal.said("audit", "review", "confirm-identity", opening, officer="supervisor.second")
    opened = terminal.told("audit", "review", "open-identity", opening, officer="supervisor")
    assert opened["opened"] == {"operator": "HALL-011"}
    assert "REVIEW_STATE" in terminal.refused(
        "audit", "review", "close", review, "--conclusion", "已核", officer="supervisor"
    )
    terminal.said(
        "audit", "review", "judge", review, str(index), "explained", "--finding", "已说明",
        officer="supervisor",
    )  # fmt: skip
    terminal.said(
        "audit", "review", "close", review, "--conclusion", "未发现违规", officer="supervisor"
    )
    report = tmp_path / "report.zip"
    terminal.said("audit", "review", "report", review, str(report), officer="supervisor")
    assert verify.main([str(report), "--vkey", here.node.vkey]) == 0
    listed = terminal.said("audit", "review", "list", officer="auditor")
    assert "closed" in listed
    assert "explained" in terminal.said("audit", "review", "show", review, officer="auditor")
    proposed = a_review(terminal)
    assert proposed != review
    assert "REVIEW_STATE" in terminal.refused(
        "audit", "review", "withdraw", proposed, officer="auditor"
    )
    entry = ["audit", "review", "entry", proposed, str(index)]
    assert terminal.told(*entry, officer="supervisor")["closed"]
