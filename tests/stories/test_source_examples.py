"""The commands of docs/sources.md that describe and register services, as they stand there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from exchange.cli.main import main
from exchange.cli.services import read_choices
from gateway.sources.descriptions import describe, operations

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").replace("\\\n", " ")
SHOWN = [
    shlex.split(line.replace("11…", "11"))
    for line in re.findall(r"^exchange (.+)$", TEXT, re.MULTILINE)
]


def parsed(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return a command's name and its arguments, read by the command itself."""
    command: Any = main
    names: list[str] = []
    while hasattr(command, "get_command"):
        names.append(words[len(names)])
        command = command.get_command(None, names[-1])
        assert command is not None, words
    context = command.make_context("x", words[len(names) :])
    return " ".join(names), context.params


def test_every_command_that_is_shown_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert len(SHOWN) >= 8
    for words in SHOWN:
        parsed(words)


def test_the_services_that_are_shown_register_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    sources: dict[str, tuple[str, str]] = {}
    registered = []
    for words in SHOWN:
        name, given = parsed(words)
        if name == "source add" and given["description"] is not None:
            sources[given["name"]] = (given["kind"], given["description"].read_text("utf-8"))
        elif name == "resource register" and given["source_name"] in sources:
            kind, text = sources[given["source_name"]]
            assert given["table"] in operations(kind, text)
            options = {
                option: given[option]
                for option in given
                if option in {"ask_by", "records", "fixed", "omit", "absent", "separator"}
                or option.startswith("pages")
            }
            choices = read_choices(key_item=given["key_column"], **options)
            found = describe(kind, text, given["table"], choices)
            registered.append((found.operation, found.reading.pages is not None))
    assert registered == [
        ("GET /licences/{uscc}", False),
        ("GET /licences/{uscc}", True),
        ("permit", False),
        ("Enterprise", False),
        ("Filings.Find", False),
    ]
