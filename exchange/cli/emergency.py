"""`exchange emergency`: two officers ask and confirm, each with key, password and one-time code."""

from typing import Any

import click

from catalogue.emergency import EmergencyVerdict
from catalogue.model import SubjectType
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.desk import Factors


def with_factors(command: Any) -> Any:
    """Give a command --password and --code; what is missing is asked for, unseen."""
    code = click.option(
        "--code", prompt="One-time code", help="Six digits of your authenticator; asked for else."
    )
    password = click.option(
        "--password",
        prompt=True,
        hide_input=True,
        envvar="EXCHANGE_OFFICER_PASSWORD",
        show_envvar=True,
        help="Your password; asked for else.",
    )
    return password(code(command))


@click.group()
def emergency() -> None:
    """Emergency access: one subject, announced items, an hour at most, two officers."""


@emergency.command("offer")
@click.argument("resource")
@click.option("--item", "items", multiple=True, help="Item that may be looked up; none: no more.")
@as_json
@with_office
def offer(office: Office, resource: str, items: tuple[str, ...], json_: bool) -> None:
    """Announce which items of your department's RESOURCE may be looked up in an emergency."""
    tell(office.perform("emergency.offer", resource=resource, items=items), json_=json_)


@emergency.command("ask")
@click.argument("resource")
@click.argument("identifier")
@click.option(
    "--subject",
    "subject_type",
    type=click.Choice([one.value for one in SubjectType]),
    default=SubjectType.ENTERPRISE.value,
    show_default=True,
    help="What IDENTIFIER identifies.",
)
@click.option("--system", required=True, help="System that will call.")
@click.option("--matter", required=True, help="Matter for which it is needed.")
@click.option("--purpose", default="administrative-basis", show_default=True)
@click.option("--item", "items", multiple=True, required=True, help="Item to be read, by its name.")
@click.option("--reason", required=True, help="Why it cannot wait, at most 200 characters.")
@click.option("--minutes", default=60, show_default=True, help="How long, at most an hour.")
@with_factors
@as_json
@with_office
def ask(
    office: Office,
    identifier: str,
    subject_type: str,
    password: str,
    code: str,
    json_: bool,
    **sought: Any,
) -> None:
    """Ask to look IDENTIFIER up in RESOURCE; nothing is given before a second officer confirms."""
    proven = office.with_factors(Factors(password=password, code=code))
    asked = proven.perform("emergency.ask", sought=sought, type=subject_type, identifier=identifier)
    tell(asked, json_=json_)


@emergency.command("confirm")
@click.argument("access")
@with_factors
@as_json
@with_office
def confirm(office: Office, access: str, password: str, code: str, json_: bool) -> None:
    """Confirm a colleague's access: from now on it holds, and its number is the case of the calls."""
    proven = office.with_factors(Factors(password=password, code=code))
    tell(proven.perform("emergency.confirm", access=access), json_=json_)


@emergency.command("end")
@click.argument("access")
@as_json
@with_office
def end(office: Office, access: str, json_: bool) -> None:
    """End an access before its time, or withdraw what nobody confirmed."""
    tell(office.perform("emergency.end", access=access), json_=json_)


@emergency.command("review")
@click.argument("access")
@click.option(
    "--verdict", type=click.Choice([one.value for one in EmergencyVerdict]), required=True
)
@click.option("--finding", default="", help="What was found, in words.")
@as_json
@with_office
def review(office: Office, access: str, verdict: str, finding: str, json_: bool) -> None:
    """Give the auditor's verdict on an access that is over: once, and for good."""
    said = office.perform("emergency.review", access=access, verdict=verdict, finding=finding)
    tell(said, json_=json_)


@emergency.command("list")
@as_json
@with_office
def list_accesses(office: Office, json_: bool) -> None:
    """List emergency access that concerns you, what waits for a review first."""
    said = office.perform("emergency.list")
    if json_:
        tell(said, json_=True)
        return
    if said["stopped"]:
        click.echo("your department may ask for nothing more: an access was not reviewed in time")
    shown = ("id", "state", "resource", "department", "not_after")
    rows = [
        {name: one[name] for name in shown} | {"review by": one["review_due"]}
        for one in said["accesses"]
    ]
    tell(rows, json_=False, title="emergency access")
