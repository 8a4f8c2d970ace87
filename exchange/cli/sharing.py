"""Nouns of sharing: request and grant."""

from datetime import datetime, timedelta
from typing import Any

import click

from catalogue.model import GrantState, RequestState
from catalogue.sharing import REFUSAL_CODES, Terms
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page
from exchange.clock import now


@click.group()
def request() -> None:
    """Requests: ask another department for data."""


@request.command("create")
@click.argument("resource")
@click.option("--system", "systems", help="System that will call.", multiple=True, required=True)
@click.option("--item", "items", help="Item to be read, by its name.", multiple=True, required=True)
@click.option("--match", "match", multiple=True, help="Item to be compared: keys and claims.")
@click.option(
    "--matter", "matters", help="Matter for which it is needed.", multiple=True, required=True
)
@click.option("--purpose", "purposes", multiple=True, default=["administrative-basis"])
@click.option("--channel", "channels", multiple=True, default=["query", "verify"])
@click.option("--basis", "legal_basis", required=True, help="Law, article: why it may be asked.")
@click.option("--scenario", required=True, help="What it is used for, in words.")
@click.option("--days", default=365, help="How long it is needed.")
@click.option("--quota", "daily_quota", default=1000, help="Calls a day.")
@as_json
@with_office
def create(office: Office, days: int, json_: bool, **wanted: Any) -> None:
    """Draft a request; a second officer of your department signs it."""
    begins = now()
    asked = {
        **wanted,
        "not_before": begins.isoformat(),
        "not_after": (begins + timedelta(days=days)).isoformat(),
    }
    tell(office.perform("request.create", wanted=asked), json_=json_)


@request.command("sign")
@click.argument("request_id")
@as_json
@with_office
def sign(office: Office, request_id: str, json_: bool) -> None:
    """Sign off a colleague's request; unconditional data is granted at once."""
    tell(office.perform("request.sign", request=request_id), json_=json_)


@request.command("refuse")
@click.argument("request_id")
@click.option("--reason", required=True, help="Reason in words.")
@click.option("--code", type=click.Choice(REFUSAL_CODES), help="Reason as a code.")
@click.option("--basis", "legal_basis", help="Law, article; needed with --code.")
@as_json
@with_office
def refuse(
    office: Office,
    request_id: str,
    reason: str,
    code: str | None,
    legal_basis: str | None,
    json_: bool,
) -> None:
    """Refuse a request to your department, with the reason."""
    said = office.perform(
        "request.refuse", request=request_id, reason=reason, code=code, legal_basis=legal_basis
    )
    tell(said, json_=json_)


@request.command("ask-once")
@click.argument("request_id")
@click.option("--question", required=True, help="Everything that is to be supplemented.")
@as_json
@with_office
def ask_once(office: Office, request_id: str, question: str, json_: bool) -> None:
    """Ask the requesting department for supplements: once, and everything at once."""
    tell(office.perform("request.ask-once", request=request_id, question=question), json_=json_)


@request.command("supplement")
@click.argument("request_id")
@click.option("--answer", required=True, help="What the provider asked for.")
@as_json
@with_office
def supplement(office: Office, request_id: str, answer: str, json_: bool) -> None:
    """Answer the provider's one question; the request goes back to be decided."""
    tell(office.perform("request.supplement", request=request_id, answer=answer), json_=json_)


@request.command("show")
@click.argument("request_id")
@as_json
@with_office
def show(office: Office, request_id: str, json_: bool) -> None:
    """Show one request whole, with the index of its newest entry."""
    tell(office.perform("request.show", request=request_id), json_=json_)


@request.command("list")
@click.option("--side", type=click.Choice(["made", "received"]), help="Both otherwise.")
@click.option("--state", type=click.Choice(list(RequestState)))
@click.option("--department", help="Code of the department on the other side.")
@click.option("--resource", help="Resource code.")
@spanned
@as_json
@with_office
def list_requests(office: Office, json_: bool, **wanted: Any) -> None:
    """List requests that you made or have to answer, newest first."""
    tell_page(office.perform("request.list", **wanted), json_=json_, title="requests")


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
@click.option("--state", type=click.Choice(list(GrantState)))
@click.option("--department", help="Code of the department on the other side.")
@click.option("--resource", help="Resource code.")
@click.option("--ends-within", type=int, help="Days in which a grant in force ends.")
@spanned
@as_json
@with_office
def list_grants(office: Office, json_: bool, **wanted: Any) -> None:
    """List grants that you have or gave, newest first."""
    tell_page(office.perform("grant.list", **wanted), json_=json_, title="grants")


def _ending(verb: str, text: str) -> click.Command:
    @grant.command(verb, help=text)
    @click.argument("grant_id")
    @click.option("--reason", default="", help="Kept as a disclosure of the act.")
    @as_json
    @with_office
    def ending(office: Office, grant_id: str, reason: str, json_: bool) -> None:
        tell(office.perform(f"grant.{verb}", grant=grant_id, reason=reason), json_=json_)

    return ending


_ending("suspend", "Suspend a grant for a time.")
_ending("revoke", "Revoke a grant for good: the next call is refused.")


@grant.command("resume")
@click.argument("grant_id")
@as_json
@with_office
def resume(office: Office, grant_id: str, json_: bool) -> None:
    """Let a suspended grant hold again."""
    tell(office.perform("grant.resume", grant=grant_id), json_=json_)
