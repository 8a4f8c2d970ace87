"""`exchange import-district`: the departments and matters of a whole district, from its hall's directory."""

from pathlib import Path

import click
from rich.progress import Progress

from catalogue.district import DEPARTMENTS, ITEMS, read_district
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
        with Progress(transient=True, disable=json_) as progress:
            bar = progress.add_task("matters", total=len(matters.rows))
            for first in range(0, len(matters.rows), CHUNK):
                rows = list(matters.rows[first : first + CHUNK])
                deciding.perform("matter.import", rows=rows)
                progress.advance(bar, len(rows))
    tell(counts, json_=json_)
    if counts["not_taken"]:
        raise SystemExit(1)
