"""`exchange indicator`: by how much a district's targets are reached, with the lists behind."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from catalogue.trends import Span
from exchange.circular import NO_DATA, WRITERS
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell


@click.group()
def indicator() -> None:
    """Indicators: shares computed from what is registered and recorded, never typed in."""


@indicator.command("list")
@click.option("--department", help="Code of a department; all of them otherwise.")
@as_json
@with_office
def list_indicators(office: Office, department: str | None, json_: bool) -> None:
    """List the indicators with their numerators, denominators and targets."""
    said = office.perform("indicator.list", department=department)
    if json_:
        tell(said, json_=True)
        return
    rows = [
        {
            "indicator": one["id"],
            "title": one["title_en"],
            "share": _share(one["share"]),
            "of": f"{one['numerator']}/{one['denominator']}",
            "not known": one["missing"],
            "targets": ", ".join(
                f"{held['percent']} % by {held['due']}: {_reached(held['reached'])}"
                for held in one["targets"]
            ),
        }
        for one in said["indicators"]
    ]
    tell(rows, json_=False, title="indicators")


@indicator.command("show")
@click.argument("indicator_id", metavar="INDICATOR")
@click.option("--department", help="Only what stands behind this department's share.")
@spanned
@as_json
@with_office
def show_indicator(office: Office, indicator_id: str, json_: bool, **wanted: Any) -> None:
    """Show one indicator by department, with its definition and the list behind it."""
    said = office.perform("indicator.show", indicator=indicator_id, **wanted)
    if json_:
        tell(said, json_=True)
        return
    click.echo(f"{said['title_en']}: {said['definition_en']}")
    rows = [
        {
            "department": one["department"] or "all",
            "share": _share(one["share"]),
            "of": f"{one['numerator']}/{one['denominator']}",
            "not known": one["missing"],
        }
        for one in (*said["departments"], said["all"])
    ]
    tell(rows, json_=False, title=said["id"])
    tell(said["behind"]["rows"], json_=False, title="behind it")
    if said["behind"]["next"] is not None:
        click.echo(f"{said['behind']['total']} in all; more: --after {said['behind']['next']}")


@indicator.command("trend")
@click.argument("indicator_id", metavar="INDICATOR")
@click.option("--department", help="Code of a department; all of them together otherwise.")
@click.option(
    "--by",
    type=click.Choice([one.value for one in Span]),
    default=Span.DAY.value,
    help="By day, or by month: then its last kept day.",
)
@as_json
@with_office
def trend(office: Office, indicator_id: str, department: str | None, by: str, json_: bool) -> None:
    """Show what INDICATOR was, the oldest first; one record a day is kept and never changed."""
    said = office.perform("indicator.trend", indicator=indicator_id, department=department, by=by)
    if json_:
        tell(said, json_=True)
        return
    rows = [
        {
            "day": one["day"],
            "share": _share(one["share"]),
            "of": f"{one['numerator']}/{one['denominator']}",
            "not known": one["missing"],
        }
        for one in said["points"]
    ]
    tell(rows, json_=False, title=f"{said['id']} by {by}")


@indicator.command("report")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", help="Of the headings.")
@as_json
@with_office
def report(office: Office, file: Path, language: str, json_: bool) -> None:
    """Write the table for circulation to FILE, by its ending: .xlsx, .csv or .json."""
    kind = file.suffix.removeprefix(".").lower()
    if kind not in WRITERS:
        raise click.UsageError(f"{file.name}: one of .{', .'.join(WRITERS)} needed")
    table = office.perform("indicator.table")
    names = {
        row["code"]: row["name_en"] or row["name"] if language == "en" else row["name"]
        for row in office.perform("department.list")
    }
    content = WRITERS[kind][0](table, language=language, named=lambda code: names.get(code, code))
    file.write_bytes(content)
    tell({"file": str(file), "departments": len(table["rows"]) - 1}, json_=json_)


@indicator.group()
def target() -> None:
    """Targets: what an indicator is to reach by a day, and which department leads."""


@target.command("set")
@click.argument("indicator_id", metavar="INDICATOR")
@click.argument("percent", type=click.IntRange(0, 100))
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day: YYYY-MM-DD.")
@click.option("--lead", required=True, help="Code of the department in the lead.")
@as_json
@with_office
def set_target(
    office: Office, indicator_id: str, percent: int, due: datetime, lead: str, json_: bool
) -> None:
    """Set that INDICATOR is to reach PERCENT by a day (authority)."""
    said = office.perform(
        "target.set",
        indicator=indicator_id,
        percent=percent,
        due=due.date().isoformat(),
        lead=lead,
    )
    tell(said, json_=json_)


@target.command("list")
@as_json
@with_office
def list_targets(office: Office, json_: bool) -> None:
    """List the targets, withdrawn ones too."""
    tell(office.perform("target.list"), json_=json_, title="targets")


@target.command("withdraw")
@click.argument("target_id", metavar="TARGET")
@as_json
@with_office
def withdraw_target(office: Office, target_id: str, json_: bool) -> None:
    """Withdraw a target (authority)."""
    tell(office.perform("target.withdraw", target=target_id), json_=json_)


def _share(share: float | None) -> str:
    return NO_DATA["en"] if share is None else f"{share:.1%}"


def _reached(reached: bool | None) -> str:
    return NO_DATA["en"] if reached is None else "reached" if reached else "not reached"
