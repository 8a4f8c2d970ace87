"""Commands on entries beyond their registration: one source per item, checks, history, withdrawals."""

import click

from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell


@click.command("collisions")
@as_json
@with_office
def collisions(office: Office, json_: bool) -> None:
    """List items that another department registered, too, and that wait for the authority's word."""
    rows = office.perform("item.collisions")
    if json_:
        tell(rows, json_=True)
        return
    lines = [
        {"meaning": row["meaning"], "title": row["title"], **holder}
        for row in rows
        for holder in row["holders"]
    ]
    tell(lines or "no item waits for its source", json_=False, title="items with several sources")


@click.command("designate")
@click.argument("meaning")
@click.option("--department", required=True, help="Code of the department that is the source.")
@click.option("--reason", required=True, help="Why it is; kept sealed.")
@as_json
@with_office
def designate(office: Office, meaning: str, department: str, reason: str, json_: bool) -> None:
    """Say which department is the source of an item, by its meaning in `collisions` (authority)."""
    tell(
        office.perform("item.designate", meaning=meaning, department=department, reason=reason),
        json_=json_,
    )


@click.command("sources")
@as_json
@with_office
def designated(office: Office, json_: bool) -> None:
    """List the designated sources of items."""
    tell(office.perform("item.sources"), json_=json_, title="sources of items")


COMMANDS = (collisions, designate, designated)
