"""How commands speak: tables for people, JSON with --json, one line for what went wrong."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


def tell(value: Any, *, json_: bool, title: str = "") -> None:
    """Print a value: JSON as it is, lists of rows as a table, a row as lines."""
    if json_:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
        return
    if isinstance(value, Mapping):
        for name, held in value.items():
            click.echo(f"{name}: {_cell(held)}")
    elif isinstance(value, list):
        _table(value, title=title)
    else:
        click.echo(str(value))


def _table(rows: Sequence[Any], *, title: str) -> None:
    if not rows:
        click.echo(f"{title}: none" if title else "none")
        return
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200)
    if not isinstance(rows[0], Mapping):
        for row in rows:
            click.echo(str(row))
        return
    table = Table(title=title or None, box=None, header_style="bold")
    for name in rows[0]:
        table.add_column(str(name))
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in rows[0]))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
