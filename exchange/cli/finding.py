"""`exchange catalogue`: search it, say which words mean the same, file what is not found."""

import csv
import io
from pathlib import Path
from typing import Any

import click

from exchange.cli.interchange import export, import_
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page


@click.group()
def catalogue() -> None:
    """The catalogue: search, import, export, synonyms, demands."""


catalogue.add_command(export)
catalogue.add_command(import_)


@catalogue.command("search")
@click.argument("words", nargs=-1)
@click.option("--department", default="", help="Code of the department that provides it.")
@click.option(
    "--class",
    "sharing_class",
    type=click.Choice(["", "unconditional", "conditional", "not-shared"]),
    default="",
    show_default=False,
    help="Sharing class.",
)
@click.option("--first", default=20, help="Rows on a page, at most 1,000.")
@click.option("--page", default=1, help="Which page.")
@as_json
@with_office
def search(office: Office, words: tuple[str, ...], json_: bool, **wanted: Any) -> None:
    """Search names, codes, items and abstracts; what fits best stands first."""
    found = office.perform("catalogue.search", words=" ".join(words), **wanted)
    if json_:
        tell(found, json_=True)
    else:
        _say(found, wanted["page"])
    if not found["rows"]:
        raise SystemExit(1)


@catalogue.command("feed")
@click.option("--first", default=50, help="How many, at most 500.")
@as_json
@with_office
def feed(office: Office, first: int, json_: bool) -> None:
    """List what was announced, revised and withdrawn last."""
    rows = office.perform("catalogue.feed", first=first)
    shown = ("at", "kind", "resource", "revision", "name", "department")
    lines = [{name: row[name] for name in shown} for row in rows]
    tell(rows if json_ else lines or "nothing was announced yet", json_=json_, title="feed")


@catalogue.command("reindex")
@as_json
@with_office
def reindex(office: Office, json_: bool) -> None:
    """Make the search's index anew from the registered resources (authority)."""
    tell(office.perform("catalogue.reindex"), json_=json_)


@catalogue.command("demand")
@click.argument("words")
@click.option("--need", required=True, help="What the data would be used for.")
@as_json
@with_office
def demand(office: Office, words: str, need: str, json_: bool) -> None:
    """File what your department looked for and did not find."""
    tell(office.perform("demand.file", words=words, need=need), json_=json_)


@catalogue.command("answer-demand")
@click.argument("demand_id")
@click.argument("resource")
@click.option("--text", default="", help="What is said with it.")
@as_json
@with_office
def answer_demand(office: Office, demand_id: str, resource: str, text: str, json_: bool) -> None:
    """Answer a demand with an announced resource; the department that filed it is told."""
    told = office.perform("demand.answer", demand=demand_id, resource=resource, text=text)
    tell(told, json_=json_)


@catalogue.command("demands")
@click.option("--department", help="Of one department (authority).")
@click.option("--open", "open_only", is_flag=True, help="Only those that nobody answered.")
@spanned
@as_json
@with_office
def demands(office: Office, json_: bool, **wanted: Any) -> None:
    """List the demands of your department, or all for the authority."""
    tell_page(office.perform("demand.list", **wanted), json_=json_, title="demands")


@catalogue.group()
def synonyms() -> None:
    """Words that mean the same to the search."""


@synonyms.command("list")
@as_json
@with_office
def list_synonyms(office: Office, json_: bool) -> None:
    """List the groups of words that mean the same."""
    held = office.perform("synonym.list")
    if json_:
        tell(held, json_=True)
        return
    for group in held["groups"]:
        click.echo(",".join(group))


@synonyms.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@as_json
@with_office
def import_synonyms(office: Office, file: Path, json_: bool) -> None:
    """Put FILE in place of the list: a CSV file in UTF-8, a group a line (authority)."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: not UTF-8") from error
    rows = [[cell.strip() for cell in row if cell.strip()] for row in csv.reader(io.StringIO(text))]
    tell(office.perform("synonym.set", groups=[row for row in rows if row]), json_=json_)


def _say(found: dict[str, Any], page: int) -> None:
    for word, meant in found["corrected"].items():
        click.echo(f"no entry has {word}; shown instead: {', '.join(meant)}")
    if found["loose"] and found["rows"]:
        click.echo("nothing holds all of these words; these hold some of them")
    shown = ("code", "name", "department", "class", "state")
    tell([{name: row[name] for name in shown} for row in found["rows"]], json_=False, title="found")
    total = f"{found['counted']:,}+" if found["total"] > found["counted"] else found["total"]
    if found["more"]:
        click.echo(f"{len(found['rows'])} of {total}; more: --page {page + 1}")
