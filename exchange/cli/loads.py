"""Newer files for tables that are there: `exchange resource load` and what goes with it."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from exchange.cli.files import leave_upload
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.files.model import DELIMITERS, ENCODINGS, Choices


@click.command("load")
@click.argument("resource")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Day whose state the rows tell.",
)
@click.option("--by-key", is_flag=True, help="The file's records replace their own, others stay.")
@click.option("--preview", is_flag=True, help="Only show what would change; nothing is kept.")
@click.option("--accept", is_flag=True, help="Take breaks of rules that you may take.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Guessed otherwise.")
@click.option("--delimiter", type=click.Choice(list(DELIMITERS)), help="Guessed otherwise.")
@click.option("--sheet", default="", help="Sheet of a workbook; the first one otherwise.")
@click.option("--header", type=click.IntRange(1), help="Row of the headings; guessed otherwise.")
@as_json
@with_office
def load(
    office: Office,
    resource: str,
    file: Path,
    as_of: datetime,
    by_key: bool,
    preview: bool,
    accept: bool,
    encoding: str | None,
    delimiter: str | None,
    sheet: str,
    header: int | None,
    json_: bool,
) -> None:
    """Put a newer file's rows under a resource, after showing what changes, in one transaction."""
    wanted: dict[str, Any] = {
        "resource": resource,
        "as_of": as_of.date(),
        "by_key": by_key,
        "choices": Choices(
            encoding=encoding or "", delimiter=delimiter or "", sheet=sheet, header=header or 0
        ),
    }
    upload = leave_upload(office, file)
    try:
        seen = office.perform("load.preview", upload=upload, **wanted)
        if not json_:
            _show(seen)
        if not preview:
            seen = office.perform(
                "load.make", upload=upload, content=seen["content"], accept=accept, **wanted
            )
    finally:
        office.perform("file.drop", upload=upload)
    if json_:
        tell(seen, json_=True)
    elif not preview:
        tell({"load": seen["load"], "rows": seen["rows"]}, json_=False)


@click.command("loads")
@click.argument("resource")
@as_json
@with_office
def list_loads(office: Office, resource: str, json_: bool) -> None:
    """List the loads of a resource that can come back."""
    tell(office.perform("load.list", resource=resource), json_=json_, title="loads")


@click.command("restore-load")
@click.argument("resource")
@click.argument("load_id")
@as_json
@with_office
def restore_load(office: Office, resource: str, load_id: str, json_: bool) -> None:
    """Bring one of the last loads of a resource back."""
    tell(office.perform("load.restore", resource=resource, load=load_id), json_=json_)


@click.command("due")
@click.option("--ahead-days", default=7, help="How far to look ahead.")
@as_json
@with_office
def list_due(office: Office, ahead_days: int, json_: bool) -> None:
    """List resources whose update cycle passes; ends with 1 where one has passed."""
    found = office.perform("load.due", ahead_days=ahead_days)
    tell(found, json_=json_, title="due")
    if any(one["overdue"] for one in found):
        raise click.exceptions.Exit(1)


COMMANDS = (load, list_loads, restore_load, list_due)


def _show(seen: dict[str, Any]) -> None:
    shown = ("before", "as_of", "rows", "added", "changed", "removed", "unchanged", "ignored")
    tell({name: seen[name] for name in shown}, json_=False)
    tell(seen["examples"], json_=False)
    tell(seen["breaks"], json_=False, title="rule breaks")
