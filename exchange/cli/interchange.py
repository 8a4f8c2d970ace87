"""`exchange catalogue export` and `import`: entries out in every form, and in, differences first."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from catalogue.granted import Grant
from catalogue.interchange.dcat import Publisher
from catalogue.interchange.model import Told, Wanted
from catalogue.model import Department
from exchange.acts.register import ActError
from exchange.cli.fetching import fetch, is_address
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.files.model import DELIMITERS, ENCODINGS, MOST_BYTES
from exchange.files.uploads import Uploads
from exchange.home import FILES
from exchange.interchange.parsing import KINDS, Asked
from exchange.interchange.writing import FORMS, Content, write

PAGE = 200


@click.command("export")
@click.option("--format", "form", type=click.Choice(list(FORMS)), required=True)
@click.option("--code", "codes", multiple=True, help="Only this entry; repeatable.")
@click.option("--department", default="", help="Only entries of this department.")
@click.option("--drafts", is_flag=True, help="With your own department's drafts.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@as_json
@with_office
def export(
    office: Office,
    form: str,
    codes: tuple[str, ...],
    department: str,
    drafts: bool,
    file: Path,
    json_: bool,
) -> None:
    """Write announced entries to FILE, `-` for standard output."""
    wanted = {"codes": list(codes) or None, "department": department, "own_drafts": drafts}
    first = _page(office, wanted, after=None)
    if not first["entries"] and form != "workbook":
        raise ActError("NOT_FOUND", "no entry is to be exported")
    count = [0]
    departments: dict[str, Department] = {}
    content = Content(
        told=_entries(office, wanted, first, departments, count),
        publisher=Publisher(base=first["base"], departments=departments),
        needs=msgspec.convert(first["needs"], list[Wanted]),
        grants=_grants(office, codes) if form == "odrl" else (),
        alone=len(codes) == 1,
    )
    if str(file) == "-":
        for piece in write(form, content):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with file.open("wb") as written:
        for piece in write(form, content):
            written.write(piece)
    tell({"file": str(file), "format": form, "entries": count[0]}, json_=json_)


def _page(office: Office, wanted: dict[str, Any], *, after: str | None) -> dict[str, Any]:
    page: dict[str, Any] = office.perform("catalogue.entries", **wanted, first=PAGE, after=after)
    return page


def _entries(
    office: Office,
    wanted: dict[str, Any],
    page: dict[str, Any],
    departments: dict[str, Department],
    count: list[int],
) -> Iterator[Told]:
    while True:
        departments |= msgspec.convert(page["departments"], dict[str, Department])
        for told in msgspec.convert(page["entries"], list[Told]):
            count[0] += 1
            yield told
        if page["next"] is None:
            return
        page = _page(office, wanted, after=page["next"])


def _grants(office: Office, codes: tuple[str, ...]) -> list[Grant]:
    held = msgspec.convert(office.perform("catalogue.grants"), list[Grant])
    return [one for one in held if not codes or one.resource in codes]


@click.command("import")
@click.argument("file")
@click.option("--format", "kind", type=click.Choice(KINDS), help="Guessed otherwise.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Of CSV; guessed otherwise.")
@click.option("--delimiter", type=click.Choice(list(DELIMITERS)), help="Of CSV; guessed otherwise.")
@click.option(
    "--commit/--dry-run", default=False, help="Take it; without, only the differences are shown."
)
@as_json
@with_office
def import_(
    office: Office,
    file: str,
    kind: str | None,
    encoding: str | None,
    delimiter: str | None,
    commit: bool,
    json_: bool,
) -> None:
    """Compare FILE, or what is at an address, with your department's entries; with --commit take it.

    A survey workbook, CSV, DCAT (Turtle, RDF/XML, JSON-LD), CKAN's JSON or an export of ours. Exits with 1
    where anything is not taken: the report names file, row and column.
    """
    content, name = _content(file, ckan=kind == "ckan")
    asked = Asked(file=name, kind=kind or "", encoding=encoding or "", delimiter=delimiter or "")
    upload = str(office.perform("file.offer")["upload"])
    Uploads(office.settings.home / FILES).write(upload, content)
    try:
        told = office.perform("catalogue.preview-import", upload=upload, asked=asked)
        if commit:
            told = office.perform(
                "catalogue.import", upload=upload, asked=asked, looked_at=told["looked_at"]
            )
    finally:
        office.perform("file.drop", upload=upload)
    _show(told, json_=json_)
    if told["not_taken"]:
        raise SystemExit(1)


def _content(file: str, *, ckan: bool) -> tuple[bytes, str]:
    if is_address(file):
        return fetch(file, ckan=ckan)
    path = Path(file)
    if not path.is_file():
        raise click.UsageError(f"{file}: a file or an address needed")
    if path.stat().st_size > MOST_BYTES:
        raise ActError("FILE_REFUSED", f"{path.name} is larger than {MOST_BYTES} bytes")
    return path.read_bytes(), path.name


def _show(told: dict[str, Any], *, json_: bool) -> None:
    if json_:
        tell(told, json_=True)
        return
    tell(told["seen"] | told["counts"], json_=False)
    lines = []
    for one in told["differences"]:
        changed = [
            f"{field['item'] + '.' if field['item'] else ''}{field['field']}:"
            f" {_short(field['before'])} → {_short(field['after'])}"
            for field in one["fields"]
        ]
        lines.append(
            {
                "change": one["change"],
                "code": one["code"],
                "name": one["name"],
                "fields": "\n".join(changed),
            }
        )
    tell(lines, json_=False, title="differences")
    if told["needs"]:
        tell(
            [{"words": one["words"], "need": one["need"]} for one in told["needs"]],
            json_=False,
            title="demands to be filed",
        )
    for note in told["notes"]:
        click.echo(note)
    for one in told["not_taken"]:
        sheet = f"[{one['sheet']}]" if one["sheet"] else ""
        click.echo(
            f"{one['file']}{sheet}:{one['row']}:{one['column']}: {one['found']} found,"
            f" {one['needed']} needed",
            err=True,
        )
    click.echo("taken" if told["committed"] else "nothing was taken (--commit takes it)")


def _short(value: Any) -> str:
    text = "—" if value in (None, "", []) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
