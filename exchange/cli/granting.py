"""The noun grant: what was agreed, how it changes and how it ends."""

from collections.abc import Callable
from datetime import datetime
from functools import reduce
from typing import Any

import click

from catalogue.granted import GrantState
from catalogue.granting import LAW_CHANGED, PURPOSE_ACHIEVED
from catalogue.terms import Terms
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page, values_of

SHOWN = (
    "id",
    "resource",
    "department",
    "systems",
    "items",
    "matters",
    "daily_quota",
    "until",
    "state",
)
"""What a list of grants has room for; `grant show` says the rest."""


@click.group()
def grant() -> None:
    """Grants: what was agreed, and how it ends."""


@grant.command("give")
@click.argument("request_id")
@click.option("--item", "items", multiple=True, help="Only these items; all asked otherwise.")
@click.option("--mask", "masks", multiple=True, help="ITEM=RULE, such as phone=tail4.")
@click.option(
    "--operation", "operations", multiple=True, help="Only this trusted document, by its SHA-256."
)
@click.option("--max-rows", default=100, help="Records of one step.")
@click.option("--rows-a-day", type=click.IntRange(1), help="Records of one day.")
@click.option("--subjects-a-day", type=click.IntRange(1), help="Different subjects of one day.")
@click.option("--until", type=click.DateTime(), help="Earlier end than asked.")
@as_json
@with_office
def give(
    office: Office,
    request_id: str,
    items: tuple[str, ...],
    masks: tuple[str, ...],
    operations: tuple[str, ...],
    max_rows: int,
    rows_a_day: int | None,
    subjects_a_day: int | None,
    until: datetime | None,
    json_: bool,
) -> None:
    """Agree to a request; it takes effect on the next call."""
    pairs = [mask.partition("=") for mask in masks]
    if any(not rule for _item, _, rule in pairs):
        raise click.UsageError("--mask needs ITEM=RULE")
    terms = Terms(
        items=items or None,
        masks={item: rule for item, _, rule in pairs},
        max_rows=max_rows,
        operations=operations,
        not_after=until.astimezone() if until else None,
        daily_rows=rows_a_day,
        daily_subjects=subjects_a_day,
    )
    tell(office.perform("grant.give", request=request_id, terms=terms), json_=json_)


@grant.command("list")
@click.option("--side", type=click.Choice(["have", "gave", "others"]), help="All otherwise.")
@click.option("--state", type=values_of(GrantState))
@click.option("--department", help="Code of the department on the other side.")
@click.option("--resource", help="Resource code.")
@click.option("--ends-within", type=int, help="Days in which a grant in force ends.")
@spanned
@as_json
@with_office
def list_grants(office: Office, json_: bool, **wanted: Any) -> None:
    """List grants that you have or gave, newest first."""
    tell_page(office.perform("grant.list", **wanted), json_=json_, title="grants", shown=SHOWN)


def _ending(verb: str, text: str) -> click.Command:
    @grant.command(verb, help=text)
    @click.argument("grant_id")
    @click.option("--reason", default="", help="Kept as a disclosure of the act.")
    @as_json
    @with_office
    def ending(office: Office, grant_id: str, reason: str, json_: bool) -> None:
        tell(office.perform(f"grant.{verb}", grant=grant_id, reason=reason), json_=json_)

    return ending


@grant.command("suspend")
@click.argument("grant_id")
@click.option("--reason", default="", help="Kept as a disclosure of the act.")
@click.option("--until", type=click.DateTime(), help="When it resumes by itself.")
@as_json
@with_office
def suspend(
    office: Office, grant_id: str, reason: str, until: datetime | None, json_: bool
) -> None:
    """Suspend a grant for a time; with --until it resumes by itself."""
    told = office.perform(
        "grant.suspend",
        grant=grant_id,
        reason=reason,
        resumes_at=until.astimezone() if until else None,
    )
    tell(told, json_=json_)


_ending("revoke", "Revoke a grant for good: the next call is refused.")


@grant.command("resume")
@click.argument("grant_id")
@as_json
@with_office
def resume(office: Office, grant_id: str, json_: bool) -> None:
    """Let a suspended grant hold again."""
    tell(office.perform("grant.resume", grant=grant_id), json_=json_)


_CHANGED = (
    click.option("--item", "items", multiple=True, help="Items that it has then."),
    click.option("--match", multiple=True, help="Items that may be compared then."),
    click.option("--matter", "matters", multiple=True, help="Matters that it serves then."),
    click.option("--system", "systems", multiple=True, help="Systems that may use it then."),
    click.option("--max-rows", type=click.IntRange(1), help="Records of one answer then."),
    click.option("--quota", "daily_quota", type=click.IntRange(1), help="Calls a day then."),
    click.option("--rows-a-day", "daily_rows", type=click.IntRange(1), help="Records a day then."),
    click.option(
        "--subjects-a-day",
        "daily_subjects",
        type=click.IntRange(1),
        help="Different subjects a day then.",
    ),
    click.option("--until", type=click.DateTime(), help="When it ends then."),
    click.option("--reason", required=True, help="Why, in words."),
)

_UNBOUNDED = {"rows-a-day": "daily_rows", "subjects-a-day": "daily_subjects"}


def _changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what a grant is to be; what is not named stays."""
    return reduce(lambda made, option: option(made), reversed(_CHANGED), command)


def _changed(*, until: datetime | None, **named: Any) -> dict[str, Any]:
    ends = {"not_after": until.astimezone().isoformat()} if until else {}
    return {name: value for name, value in named.items() if value} | ends


@grant.command("narrow")
@click.argument("grant_id")
@_changing
@as_json
@with_office
def narrow(office: Office, grant_id: str, reason: str, json_: bool, **named: Any) -> None:
    """Take a part of a grant away at once; what is not named stays."""
    told = office.perform("grant.narrow", grant=grant_id, to=_changed(**named), reason=reason)
    tell(told, json_=json_)


@grant.command("amend")
@click.argument("grant_id")
@click.option(
    "--unbounded",
    multiple=True,
    type=click.Choice(sorted(_UNBOUNDED)),
    help="What it has no bound of its own on then.",
)
@_changing
@as_json
@with_office
def amend(
    office: Office,
    grant_id: str,
    unbounded: tuple[str, ...],
    reason: str,
    json_: bool,
    **named: Any,
) -> None:
    """Propose other terms; the heads of both sides have to sign them."""
    named["unbounded"] = [_UNBOUNDED[name] for name in unbounded]
    told = office.perform(
        "grant.propose-amendment", grant=grant_id, to=_changed(**named), reason=reason
    )
    tell(told, json_=json_)


@grant.command("sign-amendment")
@click.argument("amendment_id")
@as_json
@with_office
def sign_amendment(office: Office, amendment_id: str, json_: bool) -> None:
    """Sign an amendment for your side, as its head."""
    tell(office.perform("grant.sign-amendment", amendment=amendment_id), json_=json_)


@grant.command("withdraw-amendment")
@click.argument("amendment_id")
@as_json
@with_office
def withdraw_amendment(office: Office, amendment_id: str, json_: bool) -> None:
    """Take an amendment back, or refuse the other side's."""
    tell(office.perform("grant.withdraw-amendment", amendment=amendment_id), json_=json_)


@grant.command("end")
@click.argument("grant_id")
@click.option(
    "--reason", type=click.Choice([PURPOSE_ACHIEVED, LAW_CHANGED]), required=True, help="Why."
)
@click.option("--words", default="", help="In words; kept as a disclosure of the act.")
@as_json
@with_office
def end(office: Office, grant_id: str, reason: str, words: str, json_: bool) -> None:
    """End a grant for good; copies that left under it have to be destroyed."""
    tell(office.perform("grant.end", grant=grant_id, reason=reason, words=words), json_=json_)


@grant.command("confirm-destruction")
@click.argument("grant_id")
@click.option("--statement", required=True, help="What was destroyed, where and how.")
@as_json
@with_office
def confirm_destruction(office: Office, grant_id: str, statement: str, json_: bool) -> None:
    """Confirm, as the consumer's head, that every copy is destroyed."""
    told = office.perform("grant.confirm-destruction", grant=grant_id, statement=statement)
    tell(told, json_=json_)


@grant.command("show")
@click.argument("grant_id")
@as_json
@with_office
def show(office: Office, grant_id: str, json_: bool) -> None:
    """Show one grant whole, with its amendments."""
    tell(office.perform("grant.show", grant=grant_id), json_=json_)
