"""A command that offers a choice offers the words that are typed, and takes each of them."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

import click
import pytest

from exchange.cli.main import main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def choices() -> Iterator[tuple[str, click.Parameter, Any]]:
    for path, command in commands(main):
        for parameter in command.params:
            if isinstance(parameter.type, click.Choice):
                yield f"{path} {parameter.opts[0]}", parameter, parameter.type


FOUND = sorted(choices(), key=lambda one: one[0])


def test_there_are_choices_to_look_at() -> None:
    assert len(FOUND) > 20
    assert any("--type" in where for where, _parameter, _choice in FOUND)


@pytest.mark.parametrize(
    ("parameter", "choice"), [one[1:] for one in FOUND], ids=[one[0] for one in FOUND]
)
def test_each_word_that_help_offers_is_taken_and_is_the_value(
    parameter: click.Parameter, choice: Any
) -> None:
    context = click.Context(click.Command("probe"))
    offered = parameter.make_metavar(context)
    for one in choice.choices:
        word = str(one.value) if isinstance(one, Enum) else str(one)
        taken = choice.convert(word, parameter, context)
        told = taken.value if isinstance(taken, Enum) else taken
        assert told == word
        if parameter.metavar is None and len(choice.choices) <= 12:
            assert word in offered, offered
    with pytest.raises(click.BadParameter) as refused:
        choice.convert("no such word", parameter, context)
    assert all(
        (str(one.value) if isinstance(one, Enum) else str(one)) in str(refused.value)
        for one in choice.choices
    )
