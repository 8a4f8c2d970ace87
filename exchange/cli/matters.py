"""`exchange matter` and `exchange evidence`: matters with their materials, and what proves a requirement."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from catalogue.imports import (
    MaterialRow,
    Read,
    by_matter,
    material_row,
    read_materials,
    read_matters,
)
from catalogue.materials import MatterList, MatterType
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page
from exchange.files.model import ENCODINGS
from exchange.files.plain import as_utf8

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_encoding = click.option(
    "--encoding", type=click.Choice(ENCODINGS), help="Encoding of the file; guessed otherwise."
)
_SHOWN = (
    "code",
    "name",
    "department",
    "version",
    "type",
    "online_depth",
    "trips",
    "materials",
    "again",
)


@click.group()
def matter() -> None:
    """Matters: what departments decide on."""


@matter.command("import")
@click.argument("file", type=FILE)
@_encoding
@as_json
@with_office
def import_matters(office: Office, file: Path, encoding: str | None, json_: bool) -> None:
    """Import matters from a CSV file: code,name,department and what else the matter has.

    One that differs becomes its next version; a column that the file lacks leaves the fact as it is.
    """
    content, guess = as_utf8(file.read_bytes(), file=file.name, encoding=encoding)
    if not json_:
        click.echo(f"{file.name}: read as {guess.encoding}, cells divided by {guess.delimiter}")
    rows = read_matters(content, file=file.name).whole()
    said = office.perform("matter.import", rows=list(rows))
    tell({"read_as": guess.told(), **said} if json_ else said, json_=json_)


@matter.command("list")
@click.option("--department", help="Code of the department that handles them.")
@click.option("--words", default="", help="Words that all stand in name or code.")
@click.option("--type", type=click.Choice([one.value for one in MatterType]), help="Type.")
@click.option(
    "--list", "on_list", type=click.Choice([one.value for one in MatterList]), help="List."
)
@click.option("--depth", type=click.IntRange(1, 4), help="Least depth on line.")
@click.option("--trips", type=click.IntRange(0), help="Most trips to the hall.")
@click.option("--again", is_flag=True, help="Only those that ask again for what sharing supplies.")
@spanned
@as_json
@with_office
def list_matters(office: Office, json_: bool, **wanted: Any) -> None:
    """List the matters in the order of their codes."""
    page = office.perform("matter.list", **wanted)
    if not json_:
        page["rows"] = [{name: row[name] for name in _SHOWN} for row in page["rows"]]
    tell_page(page, json_=json_, title="matters")


@matter.command("show")
@click.argument("code")
@click.option(
    "--version", type=click.IntRange(1), help="An earlier version; the one that holds otherwise."
)
@as_json
@with_office
def show_matter(office: Office, code: str, version: int | None, json_: bool) -> None:
    """Show a matter with its materials, and what of them sharing supplies."""
    said = office.perform("matter.show", code=code, version=version)
    if json_:
        tell(said, json_=True)
        return
    materials, versions = said.pop("materials"), said.pop("versions")
    tell(said, json_=False)
    shown = ("code", "name", "waived", "state", "supplied_by", "source", "again", "reason")
    tell(
        [{name: row.get(name) for name in shown} for row in materials],
        json_=False,
        title="materials",
    )
    tell(versions, json_=False, title="versions")


@matter.command("query")
@click.argument("code")
@click.option("--system", help="System that asks; the one that was granted most otherwise.")
@as_json
@with_office
def query(office: Office, code: str, system: str | None, json_: bool) -> None:
    """Print the query that asks for all of a matter's materials that sharing supplies."""
    said = office.perform("matter.query", code=code, system=system)
    if json_:
        tell(said, json_=True)
    elif said["document"] is None:
        tell(f"no query: {said['why']}", json_=False)
    else:
        click.echo(said["document"], nl=False)
        for one in said["resources"]:
            if not one["granted"]:
                click.echo(f"# no grant yet: {one['code']}", err=True)
    if said["document"] is None:
        raise SystemExit(1)


@matter.group()
def materials() -> None:
    """Materials: what a matter asks of an applicant."""


@materials.command("import")
@click.argument("file", type=FILE)
@_encoding
@click.option("--dry-run", is_flag=True, help="Say what would change, and take nothing.")
@click.option("--yes", is_flag=True, help="Take it without asking once more.")
@as_json
@with_office
def import_materials(
    office: Office, file: Path, encoding: str | None, dry_run: bool, yes: bool, json_: bool
) -> None:
    """Put the materials of FILE in place of those that its matters list: matter,name and what else it says.

    How the file is read and what would change is said first. A matter that the file does not name stays.
    """
    if json_ and not (dry_run or yes):
        raise click.UsageError("--json asks nothing: say --dry-run or --yes")
    content, guess = as_utf8(file.read_bytes(), file=file.name, encoding=encoding)
    read = read_materials(content, file=file.name)
    listed = by_matter(read.whole())
    said = office.perform("matter.materials", listed=listed, dry_run=True)
    misfits = _places(said.pop("misfits"), read, file.name)
    if not json_:
        _say(file.name, guess.told(), said, misfits)
    if misfits:
        if json_:
            tell({"read_as": guess.told(), **said, "not_taken": misfits}, json_=True)
        raise click.ClickException("nothing was taken: correct the rows and columns named")
    differs = bool(said["differences"])
    if differs and not dry_run and (yes or click.confirm("take it?")):
        said = office.perform("matter.materials", listed=listed)
        said.pop("misfits")
    if json_:
        tell({"read_as": guess.told(), **said, "not_taken": []}, json_=True)
    else:
        tell("taken" if said["taken"] else "nothing was taken", json_=False)


def _places(
    misfits: list[dict[str, Any]], read: Read[MaterialRow], file: str
) -> list[dict[str, Any]]:
    """Say in which row of the file each misfit stands."""
    return [
        {
            "file": file,
            "row": material_row(read, one["matter"], one["material"]),
            "column": one["field"],
            "message": one["message"],
        }
        for one in misfits
    ]


def _say(
    file: str, guess: Mapping[str, str], said: Mapping[str, Any], misfits: list[dict[str, Any]]
) -> None:
    click.echo(f"{file}: read as {guess['encoding']}, cells divided by {guess['delimiter']}")
    for one in misfits:
        click.echo("{file}:{row}:{column}: {message}".format(**one), err=True)
    for one in said["differences"]:
        click.echo(
            f"{one['matter']}: {len(one['added'])} added, {len(one['changed'])} changed, "
            f"{len(one['removed'])} removed, {one['unchanged']} unchanged"
        )
        for sign, codes in (("+", one["added"]), ("-", one["removed"])):
            for code in codes:
                click.echo(f"  {sign} {code}")
        for change in one["changed"]:
            click.echo(f"  ~ {change['code']} {change['name']}: {', '.join(change['fields'])}")
    if said["unchanged"]:
        click.echo(f"{len(said['unchanged'])} matters stay as they are")


@click.group()
def evidence() -> None:
    """Evidence: what proves a requirement, who holds it, and what is asked of applicants twice."""


@evidence.command("find")
@click.argument("words", nargs=-1, required=True)
@click.option("--matter", help="Code of the matter for which it is needed.")
@click.option("--system", help="System that would ask; the one that was granted most otherwise.")
@as_json
@with_office
def find(office: Office, words: tuple[str, ...], json_: bool, **wanted: Any) -> None:
    """Say what proves WORDS, who holds it, and whether your department may have it."""
    said = office.perform("evidence.find", words=" ".join(words), **wanted)
    if json_:
        tell(said, json_=True)
    else:
        shown = ("resource", "name", "certificate", "department", "class", "state")
        rows = [{name: row[name] for name in shown} for row in said["proofs"]]
        tell(rows, json_=False, title=f"what proves {said['words']}")
        if said["query"]["document"]:
            click.echo(said["query"]["document"], nl=False)
    if not said["proofs"]:
        raise SystemExit(1)


@evidence.command("duplicates")
@click.option("--department", help="Code of the department whose matters are looked at.")
@as_json
@with_office
def duplicates(office: Office, department: str | None, json_: bool) -> None:
    """List materials that applicants are asked for though sharing supplies them."""
    said = office.perform("evidence.duplicates", department=department)
    if json_:
        tell(said, json_=True)
        return
    rows = [
        {
            "department": one["asked_by"],
            "matter": one["matter"],
            "material": one["name"],
            "supplied_by": one["supplied_by"],
            "source": one["source"],
            "finding": "asked again" if one["again"] else "could be shared",
        }
        for held in said["departments"]
        for one in held["materials"]
    ]
    tell(rows, json_=False, title="asked of applicants though sharing supplies it")
    click.echo(f"{said['listed']} of {said['matters']} matters list their materials; {said['law']}")


@evidence.command("impact")
@click.argument("resource")
@as_json
@with_office
def impact(office: Office, resource: str, json_: bool) -> None:
    """Say what is hit when RESOURCE goes: materials, matters, grants, systems."""
    said = office.perform("evidence.impact", resource=resource)
    if json_:
        tell(said, json_=True)
        return
    shown = ("matter", "code", "name", "asked_by")
    rows = [{name: row[name] for name in shown} for row in said["materials"]]
    tell(rows, json_=False, title="materials that would have to be asked of applicants again")
    tell(
        {name: said[name] for name in ("matters", "grants", "systems", "departments")}, json_=False
    )
