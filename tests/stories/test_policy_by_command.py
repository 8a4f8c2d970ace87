"""A bundle's whole way by command: built, signed away from the gateway, proposed, put in force, put back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import now
from exchange.demo import district
from exchange.home import locked
from exchange.settings import read_settings
from tests.fakes.bundles import closing
from tests.fakes.node import Standing, codes
from tests.stories.test_command_line import Terminal

EXPIRES = (now() + timedelta(days=60)).date().isoformat()


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    """A terminal at the home of a district that serves: acts go over its socket."""
    with locked(here.node.settings.home):
        yield Terminal(here.node.settings.home)


def a_key(terminal: Terminal, tmp_path: Path, key_id: str) -> Path:
    path = tmp_path / f"{key_id}.pem"
    terminal.said("policy", "key", "--out", str(path))
    terminal.said("policy", "trust", key_id, f"{path}.pub")
    return path


def told_trust(here: Standing) -> list[dict[str, Any]]:
    """What the log says of trusted keys, newest first."""
    log = here.node.log
    entries = [json.loads(log.entry(index)) for index in reversed(range(log.size))]
    return [one["facts"] for one in entries if one["kind"] == "policy.keys-trusted"]


def test_from_the_approvers_desk_into_force_and_back(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    key = a_key(terminal, tmp_path, "desk")
    assert key.stat().st_mode & 0o777 == 0o600
    trusted = read_settings({}, home=terminal.home).policy_keys
    assert [one.partition("=")[0] for one in trusted.split()] == ["approver-1", "desk"]
    here.serving.stop()
    here.serve(replace(here.node.settings, policy_keys=trusted))
    (named, _founded) = told_trust(here)
    assert (named["added"], named["removed"]) == (["desk"], [])
    assert set(named["keys"]) == {"approver-1", "desk"}
    here.restart()
    assert len(told_trust(here)) == 2

    (name, source) = next(iter(closing(district.MARKET.code).items()))
    rules = tmp_path / "rules" / name
    rules.parent.mkdir(parents=True)
    rules.write_text(source, encoding="utf-8")
    first, second = tmp_path / "first.tar.gz", tmp_path / "second.tar.gz"
    digests = []
    for serial, file, more in (
        (1, first, []),
        (2, second, ["--departments", str(tmp_path / "rules")]),
    ):
        terminal.said(
            "policy", "build", "--serial", str(serial), "--expires", EXPIRES, *more,
            "--out", str(file),
        )  # fmt: skip
        terminal.said("policy", "sign", str(file), "--key", str(key), "--key-id", "desk")
        verified = terminal.told("policy", "verify", str(file), "--trust", f"desk={key}.pub")
        said = terminal.told("policy", "propose", str(file), officer="approver")
        assert said["digest"] == verified["digest"]
        assert verified["signed_by"] == said["signed_by"] == "desk"
        assert "SECOND_OFFICER" in terminal.refused(
            "policy", "activate", said["digest"], officer="approver"
        )
        terminal.said("policy", "activate", said["digest"], officer="approver.second")
        digests.append(said["digest"])
    assert codes(here.ask()) == {"businessLicence": "MARKET_CLOSED"}

    back = tmp_path / "back.tar.gz"
    terminal.said(
        "policy", "rollback", digests[0], "--serial", "3", "--expires", EXPIRES,
        "--out", str(back), officer="approver",
    )  # fmt: skip
    terminal.said("policy", "sign", str(back), "--key", str(key), "--key-id", "desk")
    again = terminal.told("policy", "propose", str(back), officer="approver.second")["digest"]
    compared = terminal.said("policy", "compare", again, officer="auditor")
    assert f"removed: departments/{district.MARKET.code}/rules.rego" in compared
    terminal.said("policy", "activate", again, officer="approver")
    assert codes(here.ask()) == {"businessLicence": None}

    shown = terminal.told("policy", "show", officer="auditor")
    assert shown["in_force"]["serial"] == 3
    assert [row["serial"] for row in shown["past"]] == [2, 1]
    assert "decides: exchange-" in terminal.said("policy", "show", officer="auditor")


def test_an_earlier_archive_is_built_upon(terminal: Terminal, tmp_path: Path) -> None:
    first, next_ = tmp_path / "1.tar.gz", tmp_path / "2.tar.gz"
    one = terminal.told(
        "policy", "build", "--serial", "1", "--expires", EXPIRES, "--out", str(first)
    )
    two = terminal.told(
        "policy", "build", "--from", str(first), "--serial", "2", "--expires", EXPIRES,
        "--out", str(next_),
    )  # fmt: skip
    assert two["revision"].removesuffix(".2") == one["revision"].removesuffix(".1")


def test_what_is_wrong_is_said_in_one_line(terminal: Terminal, tmp_path: Path) -> None:
    key = a_key(terminal, tmp_path, "desk")
    file = tmp_path / "bundle.tar.gz"
    build = ["policy", "build", "--serial", "1", "--out", str(file)]
    assert "needs YYYY-MM-DD" in terminal.refused(*build, "--expires", "soon")
    terminal.said(*build, "--expires", EXPIRES)
    trusted = ("--trust", f"desk={key}.pub")
    assert "exactly one signature" in terminal.refused("policy", "verify", str(file), *trusted)
    assert "ID=PUB.pem needed" in terminal.refused("policy", "verify", str(file), "--trust", "x")
    refused = terminal.refused("policy", "propose", str(file), officer="approver")
    assert "BUNDLE_REFUSED" in refused
    assert "no unencrypted private key" in terminal.refused(
        "policy", "sign", str(file), "--key", f"{key}.pub", "--key-id", "desk"
    )
    assert "never written over" in terminal.refused("policy", "key", "--out", str(key))
    assert "UNKNOWN" in terminal.refused("policy", "activate", "0" * 64, officer="approver.second")
    assert "decides" in terminal.said("policy", "show", officer="approver")
