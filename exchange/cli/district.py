"""Taking over what others publish: a district's departments and matters, or the catalogue of its portals."""

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from catalogue.district import DEPARTMENTS, ITEMS, read_district
from catalogue.errors import CatalogueError, InvalidError
from catalogue.flaws import Flaw
from catalogue.harvest import Harvest, read_harvest
from catalogue.imports import Finding
from catalogue.naming import ResourceNames
from catalogue.validation import check_resource
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell

CHUNK = 200


@click.command("import-district")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--region", default="", help="Region code of the district (GB/T 2260).")
@click.option("--dry-run", is_flag=True, help="Read and say what would be imported.")
@click.option("--as-authority", "authority", help="Name of the authority's key, for the matters.")
@as_json
@with_office
def import_district(
    office: Office, folder: Path, region: str, dry_run: bool, authority: str | None, json_: bool
) -> None:
    """Import FOLDER/departments.csv (as the administrator) and FOLDER/items.csv (as the authority)."""
    departments, matters = read_district(
        (folder / DEPARTMENTS).read_bytes(), (folder / ITEMS).read_bytes(), region=region
    )
    for finding in (*departments.findings, *matters.findings):
        click.echo(str(finding), err=True)
    counts = {
        "departments": len(departments.rows),
        "matters": len(matters.rows),
        "not_taken": len(departments.findings) + len(matters.findings),
    }
    if not dry_run:
        office.perform("department.import", rows=list(departments.rows))
        deciding = office.acting_as(authority) if authority else office
        _in_chunks(deciding, "matter.import", matters.rows, what="matters", quiet=json_)
    tell(counts, json_=json_)
    if counts["not_taken"]:
        raise SystemExit(1)


@click.command("import-catalogue")
@click.argument(
    "files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    nargs=-1,
    required=True,
    metavar="FILE…",
)
@click.option("--dry-run", is_flag=True, help="Read and say what would be taken over.")
@click.option("--as-authority", "authority", help="Name of the authority's key.")
@as_json
@with_office
def import_catalogue(
    office: Office, files: tuple[Path, ...], dry_run: bool, authority: str | None, json_: bool
) -> None:
    """Take FILEs over: a data set a line as JSON, also gzipped.

    The publishers become departments (as the administrator), their portals sources that wait and the data
    sets resources, all conditional (as the authority). Lines that are not taken are named; the others are.
    """
    deciding = office.acting_as(authority) if authority else office
    harvest, findings = read_files(files, kept=_kept(deciding))
    for finding in findings:
        click.echo(str(finding), err=True)
    said = {"departments": 0, "sources": 0, "resources": 0, "unchanged": 0}
    if not dry_run:
        for chief, act, rows in (
            (office, "department.import", harvest.departments),
            (deciding, "source.import", harvest.sources),
            (deciding, "resource.import", harvest.resources),
        ):
            what = act.partition(".")[0] + "s"
            for taken in _in_chunks(chief, act, rows, what=what, quiet=json_):
                said[what] += len(taken["added"])
                said["unchanged"] += len(taken["unchanged"])
    counts = {
        "read": len(harvest.resources),
        **({} if dry_run else said),
        "not_taken": len(findings),
    }
    tell(counts, json_=json_)
    if findings:
        raise SystemExit(1)


def read_files(
    files: Sequence[Path], *, kept: dict[str, ResourceNames] | None = None
) -> tuple[Harvest, list[Finding]]:
    """Read the lines that can be taken, and say of each other one in which file and row it stands, and why.

    `kept` holds the names that codes have already; None knows none. A code that stands twice is taken once.
    """
    good: list[bytes] = []
    findings: list[Finding] = []
    codes: set[str] = set()
    for file in files:
        for row, line in enumerate(_lines(file), 1):
            if not line.strip():
                continue
            try:
                (resource,) = read_harvest([line]).resources
                check_resource(resource)
                if resource.code in codes:
                    raise InvalidError(Flaw("the code of another line"))
            except CatalogueError as error:
                findings.append(_finding(file, row, error))
                continue
            codes.add(resource.code)
            good.append(line)
    return read_harvest(good, kept=kept), findings


def _lines(file: Path) -> Iterable[bytes]:
    """Raises InvalidError for a file that says it is gzipped and is not."""
    if file.suffix != ".gz":
        return file.read_bytes().splitlines()
    try:
        return gzip.decompress(file.read_bytes()).splitlines()
    except (OSError, EOFError) as error:
        raise InvalidError(
            Flaw("{0}: a gzip file needed", file.name), code="IMPORT_REFUSED"
        ) from error


def _finding(file: Path, row: int, error: CatalogueError) -> Finding:
    """The column is the member of the line that the reader could not take, as far as it says so."""
    message = error.detail.removeprefix("line 1: ")
    reason, _, path = message.partition(" - at `")
    return Finding(
        file=file.name,
        row=row,
        column=path.rstrip("`").removeprefix("$."),
        message=Flaw.quoted(reason),
    )


def _kept(office: Office) -> dict[str, ResourceNames]:
    """The GraphQL names that registered resources hold for ever."""
    kept: dict[str, ResourceNames] = {}
    after: str | None = None
    while True:
        page = office.perform("resource.names", after=after)
        for row in page["rows"]:
            code = row.pop("code")
            kept[code] = ResourceNames(**row)
        after = page["next"]
        if after is None:
            return kept


def _in_chunks(
    office: Office, act: str, rows: Sequence[Any], *, what: str, quiet: bool
) -> list[dict[str, Any]]:
    """Perform an import many rows at a time, with a bar on a terminal; returns what each part said."""
    said = []
    with Progress(transient=True, disable=quiet) as progress:
        bar = progress.add_task(what, total=len(rows))
        for first in range(0, len(rows), CHUNK):
            part = list(rows[first : first + CHUNK])
            said.append(office.perform(act, rows=part))
            progress.advance(bar, len(part))
    return said
