"""`exchange quality`: how well the entries of the catalogue are kept, and what to mend next."""

from typing import Any

import click

from catalogue.quality import Grade
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page


@click.group()
def quality() -> None:
    """Quality: points for each entry, with the evidence, and what to mend next."""


@quality.command("list")
@click.option("--department", help="Code of the department whose entries are looked at.")
@click.option("--grade", type=click.Choice([one.value for one in Grade]), help="Only this grade.")
@spanned
@as_json
@with_office
def list_scores(office: Office, json_: bool, **wanted: Any) -> None:
    """List the announced entries with their points, the worst first."""
    page = office.perform("quality.list", **wanted)
    if not json_:
        shown = ("resource", "department", "points", "most", "share", "grade")
        page["rows"] = [{name: row[name] for name in shown} for row in page["rows"]]
    tell_page(page, json_=json_, title="quality")


@quality.command("show")
@click.argument("code")
@as_json
@with_office
def show_score(office: Office, code: str, json_: bool) -> None:
    """Show one entry with each criterion, its evidence and what to mend first."""
    said = office.perform("quality.show", code=code)
    if json_:
        tell(said, json_=True)
        return
    marks, dimensions = said.pop("marks"), said.pop("dimensions")
    tell(said, json_=False)
    tell([{"dimension": name, **held} for name, held in dimensions.items()], json_=False)
    rows = [
        mark | {"points": "does not apply" if mark["points"] is None else mark["points"]}
        for mark in marks
    ]
    tell(rows, json_=False, title="criteria")


@quality.command("departments")
@as_json
@with_office
def list_departments(office: Office, json_: bool) -> None:
    """Compare the departments, the worst first, and say what each mends next."""
    said = office.perform("quality.departments")
    if json_:
        tell(said, json_=True)
        return
    rows = [
        {
            "department": row["department"] or "all",
            "entries": row["entries"],
            "share": row["share"],
            "next": ", ".join(f"{one['criterion']} ({one['count']})" for one in row["next"][:3]),
        }
        for row in (said["all"], *said["departments"])
    ]
    tell(rows, json_=False, title="quality")
