"""Nouns of supervision: working days, the rule table, deputies, notices, and the console."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from catalogue.rules import UNITS
from catalogue.violations import Violation
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page, values_of


@click.group()
def workdays() -> None:
    """Working days as the State Council arranges them, year by year."""


@workdays.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--notice", help="Title or address of the notice; else what FILE names.")
@click.option("--year", type=int, help="Which year; else what FILE names.")
@as_json
@with_office
def import_workdays(
    office: Office, file: Path, notice: str | None, year: int | None, json_: bool
) -> None:
    """Take a year's notice over (authority): JSON of year, papers and days, or CSV of date and off."""
    told = _read_notice(file)
    given = {
        "year": year or told["year"],
        "notice": notice or told["notice"],
        "days": told["days"],
    }
    if not given["year"]:
        raise click.UsageError("--year: the file does not say which year it arranges")
    tell(office.perform("workdays.import", **given), json_=json_)


@workdays.command("list")
@as_json
@with_office
def list_workdays(office: Office, json_: bool) -> None:
    """List the years whose working days are known."""
    tell(office.perform("workdays.list"), json_=json_, title="years")


@click.group()
def rule() -> None:
    """The rule table: what the law says in numbers, by which text, from when to when."""


@rule.command("list")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="What holds on a day.")
@as_json
@with_office
def list_rules(office: Office, on: datetime | None, json_: bool) -> None:
    """List the rows of the table, or what holds on a day."""
    day = on.date().isoformat() if on else None
    tell(office.perform("rule.list", on=day), json_=json_, title="rules")


@rule.command("enact")
@click.argument("rule_id")
@click.argument("value", type=click.IntRange(1))
@click.option("--unit", type=click.Choice(UNITS), default="working day", show_default=True)
@click.option("--citation", required=True, help="Document and article that set it.")
@click.option("--from", "first_day", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--to", "last_day", type=click.DateTime(["%Y-%m-%d"]), help="Last day.")
@click.option("--provisional", is_flag=True, help="The text could not be confirmed.")
@as_json
@with_office
def enact(
    office: Office,
    rule_id: str,
    value: int,
    first_day: datetime,
    last_day: datetime | None,
    json_: bool,
    **row: Any,
) -> None:
    """Add a row to the table (authority): a shorter limit, or a changed law."""
    told = office.perform(
        "rule.enact",
        rule=rule_id,
        value=value,
        first_day=first_day.date().isoformat(),
        last_day=last_day.date().isoformat() if last_day else None,
        **row,
    )
    tell(told, json_=json_)


@click.group()
def deputy() -> None:
    """Deputies: who decides in a head's or the authority's place, from when until when."""


@deputy.command("name")
@click.argument("officer")
@click.option("--post", type=click.Choice(["head", "authority"]), default="head")
@click.option("--from", "begins", type=click.DateTime(), required=True, help="First moment.")
@click.option("--until", "ends", type=click.DateTime(), required=True, help="When it ends.")
@as_json
@with_office
def name_deputy(
    office: Office, officer: str, post: str, begins: datetime, ends: datetime, json_: bool
) -> None:
    """Name OFFICER, by id or staff number, as who decides in your place."""
    told = office.perform(
        "deputy.name",
        deputy=officer,
        post=post,
        begins=begins.astimezone(),
        ends=ends.astimezone(),
    )
    tell(told, json_=json_)


@deputy.command("end")
@click.argument("deputy_id")
@as_json
@with_office
def end_deputy(office: Office, deputy_id: str, json_: bool) -> None:
    """Take a deputy back before the time."""
    tell(office.perform("deputy.end", deputy=deputy_id), json_=json_)


@deputy.command("list")
@as_json
@with_office
def list_deputies(office: Office, json_: bool) -> None:
    """List the deputies of your department."""
    tell(office.perform("deputy.list"), json_=json_, title="deputies")


@click.group()
def notice() -> None:
    """Notices: what your department was told because it concerns it."""


@notice.command("list")
@click.option("--unseen", is_flag=True, help="Only those that nobody has seen.")
@spanned
@as_json
@with_office
def list_notices(office: Office, json_: bool, **wanted: Any) -> None:
    """List what your department was told, newest first."""
    tell_page(office.perform("notice.list", **wanted), json_=json_, title="notices")


@notice.command("see")
@click.argument("notice_id")
@as_json
@with_office
def see_notice(office: Office, notice_id: str, json_: bool) -> None:
    """Take note of a notice for your department."""
    tell(office.perform("notice.see", notice=notice_id), json_=json_)


@click.group()
def supervision() -> None:
    """The supervision console: what is late, and who broke a rule."""


@supervision.command("run-clocks")
@as_json
@with_office
def run_clocks(office: Office, json_: bool) -> None:
    """Carry out now what the calendar alone decides, as is done every minute (authority)."""
    tell(office.perform("supervision.run-clocks"), json_=json_)


@supervision.command("violations")
@click.option("--kind", type=values_of(Violation), help="Of one kind.")
@click.option("--department", help="By one department.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From a day on.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Up to a day.")
@click.option("--csv", "file", type=click.Path(path_type=Path), help="Write all to a CSV file.")
@spanned
@as_json
@with_office
def violations(
    office: Office,
    since: datetime | None,
    until: datetime | None,
    file: Path | None,
    first: int,
    after: str | None,
    json_: bool,
    **wanted: Any,
) -> None:
    """List breaches of the law that the records show, each with the record behind it."""
    days = {"since": since, "until": until}
    given = wanted | {name: day.date().isoformat() for name, day in days.items() if day}
    if file is not None:
        told = office.perform("supervision.violations-csv", **given)
        file.write_text(told["csv"], encoding="utf-8", newline="")
        tell({"file": str(file), "rows": told["rows"]}, json_=json_)
        return
    page = office.perform("supervision.violations", **given, first=first, after=after)
    tell_page(page, json_=json_, title="violations")


def _read_notice(file: Path) -> dict[str, Any]:
    """Read a notice as it is published by others (JSON), or written by hand (CSV, date and off)."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: not UTF-8") from error
    if file.suffix.lower() == ".csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        if not rows or not {"date", "off"} <= set(rows[0]):
            raise click.ClickException(f"{file}: the columns date and off are needed")
        days = [
            {"date": row["date"].strip(), "off": _yes(row["off"], at=f"{file}:{line}")}
            for line, row in enumerate(rows, start=2)
        ]
        return {"year": None, "notice": "", "days": days}
    try:
        held = json.loads(text)
        days = [{"date": one["date"], "off": one["isOffDay"]} for one in held["days"]]
        papers = held.get("papers") or [""]
        return {"year": held.get("year"), "notice": papers[0], "days": days}
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(
            f"{file}: JSON with year, papers and days of date and isOffDay needed"
        ) from error


def _yes(text: str, *, at: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    found = known.get((text or "").strip().lower())
    if found is None:
        raise click.ClickException(f"{at}: off is {text!r}, 1 or 0 needed")
    return found
