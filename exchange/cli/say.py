"""How commands speak: tables for people, JSON with --json, one line for what went wrong."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import click
from rich.console import Console
from rich.table import Table

_NOTHING = {"-", "", "[]", "{}"}
"""How a member is told that says nothing; a nought and a no say something."""

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


def tell(value: Any, *, json_: bool, title: str = "") -> None:
    """Print a value: JSON as it is, lists of rows as a table, a row as lines and the lists in it below."""
    if json_:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
        return
    if isinstance(value, Mapping):
        lists = {name: held for name, held in value.items() if _are_rows(held)}
        for name, held in value.items():
            if name not in lists:
                click.echo(f"{name}: {_cell(held)}")
        for name, rows in lists.items():
            _table([_said(row, among=rows) for row in rows], title=name)
    elif isinstance(value, list):
        _table(value, title=title)
    else:
        click.echo(str(value))


def spanned(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --first and --after, which say what page of a list is printed."""
    first = click.option("--first", default=20, help="Rows on a page, at most 1,000.")
    after = click.option("--after", help="What the page before gave as next.")
    return first(after(command))


def tell_page(
    page: Mapping[str, Any], *, json_: bool, title: str, shown: Sequence[str] = ()
) -> None:
    """Print a page of a list: JSON with its total and `next`, or a table and how to go on.

    `shown` names the members that a table has room for; empty: all of them.
    """
    if json_:
        tell({name: page[name] for name in ("rows", "total", "next")}, json_=True)
        return
    rows = [{name: row[name] for name in shown or row} for row in page["rows"]]
    tell(rows, json_=False, title=title)
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
        # What a row is called by is typed again, and so is never cut.
        whole = max(len(_cell(row.get(name))) for row in rows) if name == "id" else None
        table.add_column(str(name), min_width=whole, no_wrap=name == "id")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in rows[0]))
    console.print(table)


def _are_rows(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def _said(row: Mapping[str, Any], *, among: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return of a row the members of which any of the rows says something."""
    told = [name for name in among[0] if {_cell(one.get(name)) for one in among} - _NOTHING]
    return {name: row.get(name) for name in told}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def values_of(kind: type[StrEnum]) -> click.Choice[str]:
    """Offer the members of an enumeration by their values: click itself would offer their names in Python."""
    return click.Choice([one.value for one in kind])
