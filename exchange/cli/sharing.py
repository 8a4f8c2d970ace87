"""Nouns of asking: request and basket."""

from collections.abc import Callable
from datetime import timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import click

from catalogue.requested import RequestState
from catalogue.sharing import REFUSAL_CODES
from exchange.cli.files import leave_upload
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page, values_of
from exchange.clock import now

SHOWN = ("id", "resource", "department", "items", "matters", "state", "acceptance", "clock")
"""What a list of requests has room for; `request show` says the rest."""


@click.group()
def request() -> None:
    """Requests: ask another department for data."""


_ASKED = (
    click.option(
        "--system", "systems", help="System that will call.", multiple=True, required=True
    ),
    click.option(
        "--matter", "matters", help="Matter for which it is needed.", multiple=True, required=True
    ),
    click.option("--purpose", "purposes", multiple=True, default=["administrative-basis"]),
    click.option("--channel", "channels", multiple=True, default=["query", "verify"]),
    click.option(
        "--basis", "legal_basis", required=True, help="Law, article: why it may be asked."
    ),
    click.option("--scenario", required=True, help="What it is used for, in words."),
    click.option("--days", default=365, help="How long it is needed."),
    click.option("--quota", "daily_quota", default=1000, help="Calls a day."),
    click.option("--volume", type=click.IntRange(1), help="Records expected in a month."),
)
_NAMED = (
    click.option("--item", "items", help="Item to be read, by its name.", multiple=True),
    click.option("--match", "match", multiple=True, help="Item to be compared: keys and claims."),
)


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what is asked, but not of which resource."""
    return reduce(lambda made, option: option(made), reversed(_ASKED), command)


def _naming(command: Callable[..., Any]) -> Callable[..., Any]:
    return reduce(lambda made, option: option(made), reversed(_NAMED), command)


def _wanted(*, days: int, **asked: Any) -> dict[str, Any]:
    begins = now()
    return {
        **asked,
        "not_before": begins.isoformat(),
        "not_after": (begins + timedelta(days=days)).isoformat(),
    }


@request.command("create")
@click.argument("resource")
@_naming
@_asking
@as_json
@with_office
def create(office: Office, json_: bool, **asked: Any) -> None:
    """Draft a request; a second officer of your department signs it."""
    tell(office.perform("request.create", wanted=_wanted(**asked)), json_=json_)


@request.command("revise")
@click.argument("request_id")
@click.argument("resource")
@_naming
@_asking
@as_json
@with_office
def revise(office: Office, request_id: str, json_: bool, **asked: Any) -> None:
    """Change a draft, or one that the head gave back; it says everything anew."""
    told = office.perform("request.revise", request=request_id, wanted=_wanted(**asked))
    tell(told, json_=json_)


@request.command("return")
@click.argument("request_id")
@click.option("--reasons", required=True, help="Every reason, at once.")
@as_json
@with_office
def give_back(office: Office, request_id: str, reasons: str, json_: bool) -> None:
    """Give a draft back as its head, or in the form check as the authority."""
    tell(office.perform("request.return", request=request_id, reasons=reasons), json_=json_)


@request.command("pass-form")
@click.argument("request_id")
@as_json
@with_office
def pass_form(office: Office, request_id: str, json_: bool) -> None:
    """Find a request's form in order (authority): the provider's clock begins."""
    tell(office.perform("request.pass-form", request=request_id), json_=json_)


@request.command("accept")
@click.argument("request_id")
@click.option("--contact", required=True, help="Who can be asked about it, and how.")
@as_json
@with_office
def accept(office: Office, request_id: str, contact: str, json_: bool) -> None:
    """Take a request up: it gets an acceptance number and a contact."""
    tell(office.perform("request.accept", request=request_id, contact=contact), json_=json_)


@request.command("hand-over")
@click.argument("request_id")
@click.option("--words", required=True, help="How, when and under which letter it came.")
@as_json
@with_office
def hand_over(office: Office, request_id: str, words: str, json_: bool) -> None:
    """Say how what is held above and not connected here was handed over."""
    tell(office.perform("request.hand-over", request=request_id, words=words), json_=json_)


@request.command("withdraw")
@click.argument("request_id")
@click.option("--reason", required=True, help="Why it is taken back.")
@as_json
@with_office
def withdraw(office: Office, request_id: str, reason: str, json_: bool) -> None:
    """Take your department's request back before it is decided."""
    tell(office.perform("request.withdraw", request=request_id, reason=reason), json_=json_)


@request.command("transfer")
@click.argument("request_id")
@click.argument("to")
@_naming
@click.option("--reason", required=True, help="Why another provider has to answer.")
@as_json
@with_office
def transfer(
    office: Office,
    request_id: str,
    to: str,
    items: tuple[str, ...],
    match: tuple[str, ...],
    reason: str,
    json_: bool,
) -> None:
    """Pass a request on to the provider of the resource TO; the clock goes on."""
    told = office.perform(
        "request.transfer",
        request=request_id,
        to=to,
        reason=reason,
        items=items or None,
        match=match or None,
    )
    tell(told, json_=json_)


@request.command("ask-extension")
@click.argument("request_id")
@click.option("--days", type=click.IntRange(1), required=True, help="More working days.")
@click.option("--reason", required=True, help="Why more time is needed.")
@as_json
@with_office
def ask_extension(office: Office, request_id: str, days: int, reason: str, json_: bool) -> None:
    """Ask the authority for more time to answer a request."""
    told = office.perform("request.ask-extension", request=request_id, days=days, reason=reason)
    tell(told, json_=json_)


@request.command("answer-extension")
@click.argument("request_id")
@click.option("--consent/--refuse", required=True, help="Whether more time is given.")
@click.option("--text", default="", help="In words; needed to refuse.")
@as_json
@with_office
def answer_extension(
    office: Office, request_id: str, consent: bool, text: str, json_: bool
) -> None:
    """Consent to more time, or not (authority); the requesting department is told."""
    told = office.perform(
        "request.answer-extension", request=request_id, consent=consent, text=text
    )
    tell(told, json_=json_)


@request.command("attach")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--request", "request_id", help="To one draft.")
@click.option("--basket", help="To every draft of a basket.")
@as_json
@with_office
def attach(
    office: Office, file: Path, request_id: str | None, basket: str | None, json_: bool
) -> None:
    """Attach a PDF or OFD file of at most 20 MB to drafts of your department."""
    if (request_id is None) == (basket is None):
        raise click.UsageError("either --request or --basket")
    told = office.perform(
        "request.attach",
        upload=leave_upload(office, file),
        name=file.name,
        request=request_id,
        basket=basket,
    )
    tell(told, json_=json_)


@click.group()
def basket() -> None:
    """Baskets: one request over several resources, under a common number."""


@basket.command("create")
@click.argument("wanted", nargs=-1, required=True)
@_asking
@as_json
@with_office
def create_basket(office: Office, wanted: tuple[str, ...], json_: bool, **asked: Any) -> None:
    """Draft one request a resource, each WANTED as RESOURCE=ITEM,ITEM; `~ITEM` is only compared."""
    pairs = [one.partition("=") for one in wanted]
    if any(not names for _resource, _, names in pairs):
        raise click.UsageError("RESOURCE=ITEM,ITEM needed")
    common = _wanted(**asked)
    told = office.perform(
        "basket.create",
        wanted=[
            {
                **common,
                "resource": resource,
                "items": [name for name in names.split(",") if not name.startswith("~")],
                "match": [name[1:] for name in names.split(",") if name.startswith("~")],
            }
            for resource, _, names in pairs
        ],
    )
    tell(told, json_=json_)


@basket.command("sign")
@click.argument("number")
@as_json
@with_office
def sign_basket(office: Office, number: str, json_: bool) -> None:
    """Sign off every draft of a basket; each goes to its own provider."""
    tell(office.perform("basket.sign", basket=number), json_=json_)


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
@click.option("--side", type=click.Choice(["made", "received", "all"]), help="Both otherwise.")
@click.option("--state", type=values_of(RequestState))
@click.option("--department", help="Code of the department on the other side.")
@click.option("--resource", help="Resource code.")
@click.option("--basket", help="Number of a basket.")
@spanned
@as_json
@with_office
def list_requests(office: Office, json_: bool, **wanted: Any) -> None:
    """List requests that you made or have to answer, newest first."""
    tell_page(office.perform("request.list", **wanted), json_=json_, title="requests", shown=SHOWN)
