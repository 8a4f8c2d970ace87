"""What the documentation says is there is there, and what is there is in the documentation."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from exchange.cli.main import NOUNS, main
from exchange.settings import Settings
from exchange.words import all_words

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_NAMED = re.compile(r"^(?:\.venv/bin/)?exchange (?P<words>[a-z][^#|&\n]*)", re.MULTILINE)


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            held = command.get_command(context, name)
            assert held is not None, name
            yield from commands(held, (*path, name))
    else:
        yield path, command


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_of_the_readme_are_in_the_makefile(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def test_every_target_that_the_makefile_explains_exists() -> None:
    explained = re.findall(r'echo "make (\w+)', MAKEFILE)
    assert len(explained) >= 8
    for target in explained:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_every_command_says_what_it_does_and_each_option_what_it_takes(
    words: tuple[str, ...],
) -> None:
    command = COMMANDS[words]
    assert command.help, words
    assert command.help.strip().endswith("."), words
    names = [name for param in command.params for name in param.opts]
    assert len(names) == len(set(names)), f"{words}: an option is declared twice"


def test_every_command_that_the_readme_shows_exists_with_the_options_shown() -> None:
    shown = [found["words"].split() for found in _NAMED.finditer(README.replace("\\\n", " "))]
    assert len(shown) >= 8
    for words in shown:
        path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in COMMANDS), None)
        assert path is not None, words
        known = {name for param in COMMANDS[path].params for name in param.opts}
        used = {word for word in words if word.startswith("--")}
        assert used <= known | {"--help"}, (words, used - known)


def test_every_noun_is_explained_in_one_line() -> None:
    for noun, (_, line) in NOUNS.items():
        assert line, noun
        assert "\n" not in line


def test_every_setting_is_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for field in fields(Settings):
        assert f"`{field.name}`" in documented, field.name
        assert f"`EXCHANGE_{field.name.upper()}`" in documented, field.name


def test_every_code_is_in_the_documentation_with_both_texts() -> None:
    documented = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    for words in all_words():
        assert f"| `{words.code}` | {words.status} |" in documented, words.code
        assert words.zh in documented
        assert words.en in documented


def test_what_the_readme_imports_is_there() -> None:
    imported = re.findall(r"^from ([a-z.]+) import (\w+)$", README, re.MULTILINE)
    assert len(imported) >= 3
    for module, name in imported:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_every_link_between_the_documents_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target
