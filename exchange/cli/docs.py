"""`exchange docs`: documentation that is generated from the program."""

import click

from exchange.words import table


@click.group()
def docs() -> None:
    """Generate documentation."""


@docs.command("codes")
def codes() -> None:
    """Print docs/codes.md: every code with its status, texts and who must act."""
    click.echo(table(), nl=False)
