"""A file becomes a table and a draft: the same look, the same findings as on the portal's page."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from catalogue.validation import PURPOSES
from exchange.acts.register import ActError
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.files.model import DELIMITERS, ENCODINGS, MOST_BYTES, Choices, Preview
from exchange.files.uploads import Uploads
from exchange.files.words import place, sentence, told
from exchange.home import FILES


@click.command("register-file")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", help="Name under which the table is kept, for ever.")
@click.option("--code", help="Resource code, kept for ever.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Day whose state the rows tell.")
@click.option("--title", help="Chinese title; the table's name otherwise.")
@click.option("--conditions", help="Who may have it and for what; a conditional resource says it.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Guessed otherwise.")
@click.option("--delimiter", type=click.Choice(list(DELIMITERS)), help="Guessed otherwise.")
@click.option("--sheet", default="", help="Sheet of a workbook; the first one otherwise.")
@click.option("--header", type=click.IntRange(1), help="Row of the headings; guessed otherwise.")
@click.option(
    "--key-column", "keys", multiple=True, help="Heading of a key column; the first finds."
)
@click.option("--text-column", "texts", multiple=True, help="Heading of a column that stays text.")
@click.option("--preview", is_flag=True, help="Only show what is seen; nothing is kept.")
@as_json
@with_office
def register_file(
    office: Office,
    file: Path,
    name: str | None,
    code: str | None,
    as_of: datetime | None,
    title: str | None,
    conditions: str | None,
    encoding: str | None,
    delimiter: str | None,
    sheet: str,
    header: int | None,
    keys: tuple[str, ...],
    texts: tuple[str, ...],
    preview: bool,
    json_: bool,
) -> None:
    """Look a file over, keep its rows as a table of your department, and draft the resource."""
    if not preview and (name is None or code is None or as_of is None):
        raise click.UsageError("--name, --code and --as-of are needed, or --preview")
    choices = Choices(
        encoding=encoding or "",
        delimiter=delimiter or "",
        sheet=sheet,
        header=header or 0,
        key=keys,
        text=texts,
    )
    upload = leave_upload(office, file)
    try:
        seen = office.perform("file.preview", upload=upload, choices=choices)
        if preview:
            _show(seen, json_=json_)
            return
        _check(msgspec.convert(seen, Preview))
        kept = office.perform(
            "file.register",
            upload=upload,
            content=seen["content"],
            name=name,
            as_of=as_of.date() if as_of else None,
            choices=choices,
        )
        drafted = _draft(office, kept, code=code or "", title=title, conditions=conditions)
    finally:
        office.perform("file.drop", upload=upload)
    tell({**kept, **drafted}, json_=json_)


def leave_upload(office: Office, file: Path) -> str:
    """Leave the file among the home's uploads, as the portal does. Nothing is left of one too large."""
    if file.stat().st_size > MOST_BYTES:
        raise ActError("FILE_REFUSED", f"the file is larger than {MOST_BYTES} bytes")
    upload = str(office.perform("file.offer")["upload"])
    Uploads(office.settings.home / FILES).write(upload, file.read_bytes())
    return upload


def _check(seen: Preview) -> None:
    stops = [told(finding) for finding in seen.findings if finding.stops]
    if stops:
        raise ActError("FILE_REFUSED", " ".join(stops))


def _draft(
    office: Office, kept: dict[str, Any], *, code: str, title: str | None, conditions: str | None
) -> dict[str, Any]:
    reflected = office.perform(
        "resource.reflect",
        source=kept["source"],
        table=kept["table"],
        code=code,
        key=kept["key"],
    )["resource"]
    reflected["name"] = title or reflected["name"]
    reflected["purposes"] = list(PURPOSES)
    reflected["conditions"] = conditions or reflected["conditions"]
    said: dict[str, Any] = office.perform("resource.draft", resource=reflected)
    return said


def _show(seen: dict[str, Any], *, json_: bool) -> None:
    if json_:
        tell(seen, json_=True)
        return
    shown = ("kind", "encoding", "delimiter", "sheet", "header", "rows")
    tell({name: seen[name] for name in shown}, json_=False)
    tell(seen["columns"], json_=False, title="columns")
    headings = [column["heading"] for column in seen["columns"]]
    rows = [dict(zip(headings, row, strict=True)) for row in seen["first"]]
    tell(rows, json_=False, title="first rows")
    findings = msgspec.convert(seen, Preview).findings
    tell(
        [
            {
                "stops": finding.stops,
                "where": place(finding, "zh"),
                "中文": sentence(finding, "zh"),
                "English": sentence(finding, "en"),
            }
            for finding in findings
        ],
        json_=False,
        title="findings",
    )
