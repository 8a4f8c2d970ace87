"""How commands speak: tables for people, JSON with --json, one line for what went wrong."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
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


def spanned(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --first and --after, which say what page of a list is printed."""
    first = click.option("--first", default=20, help="Rows on a page, at most 1,000.")
    after = click.option("--after", help="What the page before gave as next.")
    return first(after(command))


def tell_page(page: Mapping[str, Any], *, json_: bool, title: str) -> None:
    """Print a page of a list: JSON with its total and `next`, or a table and how to go on."""
    if json_:
        tell({name: page[name] for name in ("rows", "total", "next")}, json_=True)
        return
    tell(page["rows"], json_=False, title=title)
    if page["next"] is not None:
        click.echo(f"{len(page['rows'])} of {page['total']}; more: --after {page['next']}")


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


def values_of(kind: type[StrEnum]) -> click.Choice[str]:
    """Offer the members of an enumeration by their values: click itself would offer their names in Python."""
    return click.Choice([one.value for one in kind])
