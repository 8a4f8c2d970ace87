"""Nouns where departments differ: correction and dispute."""

from typing import Any

import click

from catalogue.corrections import CorrectionState
from catalogue.disputes import Tier
from catalogue.model import SubjectType
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page, values_of


@click.group()
def correction() -> None:
    """Corrections: a wrong value reported against the entry of the call that gave it."""


@correction.command("report")
@click.argument("entry", type=click.IntRange(0))
@click.option("--resource", required=True, help="Resource code.")
@click.option("--item", required=True, help="Item, by its name.")
@click.option("--type", "type_", type=values_of(SubjectType), required=True)
@click.option("--subject", "identifier", required=True, help="Whose value it is.")
@click.option("--words", required=True, help="What is wrong, and what proves it.")
@as_json
@with_office
def report(office: Office, entry: int, type_: str, json_: bool, **given: Any) -> None:
    """Report a value of ENTRY as wrong: it is disputed, and everybody who received it is told."""
    tell(office.perform("correction.report", entry=entry, type=type_, **given), json_=json_)


@correction.command("accept")
@click.argument("correction_id")
@click.option("--text", default="", help="How it will be put right.")
@as_json
@with_office
def accept(office: Office, correction_id: str, text: str, json_: bool) -> None:
    """Agree, as the provider, that the value is wrong."""
    tell(office.perform("correction.accept", correction=correction_id, text=text), json_=json_)


@correction.command("refuse")
@click.argument("correction_id")
@click.option("--text", required=True, help="Why the value stands.")
@as_json
@with_office
def refuse(office: Office, correction_id: str, text: str, json_: bool) -> None:
    """Say, as the provider, why the value stands."""
    tell(office.perform("correction.refuse", correction=correction_id, text=text), json_=json_)


@correction.command("close")
@click.argument("correction_id")
@as_json
@with_office
def close(office: Office, correction_id: str, json_: bool) -> None:
    """End the mark: the provider what it put right, the reporter what was refused."""
    tell(office.perform("correction.close", correction=correction_id), json_=json_)


@correction.command("list")
@click.option("--state", type=values_of(CorrectionState))
@click.option("--resource", help="Resource code.")
@spanned
@as_json
@with_office
def list_corrections(office: Office, json_: bool, **wanted: Any) -> None:
    """List corrections that concern your department, newest first."""
    tell_page(office.perform("correction.list", **wanted), json_=json_, title="corrections")


@correction.command("show")
@click.argument("correction_id")
@as_json
@with_office
def show(office: Office, correction_id: str, json_: bool) -> None:
    """Show one correction."""
    tell(office.perform("correction.show", correction=correction_id), json_=json_)


@click.group()
def dispute() -> None:
    """Disputes: departments negotiate, then the authority decides, then the government."""


@dispute.command("open")
@click.argument("kind", type=click.Choice(["request", "grant", "correction"]))
@click.argument("about")
@click.option("--text", required=True, help="What you differ over.")
@as_json
@with_office
def open_dispute(office: Office, kind: str, about: str, text: str, json_: bool) -> None:
    """Begin to negotiate over a request, a grant or a correction, as a head."""
    tell(office.perform("dispute.open", kind=kind, about=about, text=text), json_=json_)


def _step(verb: str, help_: str) -> click.Command:
    @dispute.command(verb, help=help_)
    @click.argument("dispute_id")
    @click.option("--text", required=True, help="In words.")
    @as_json
    @with_office
    def step(office: Office, dispute_id: str, text: str, json_: bool) -> None:
        tell(office.perform(f"dispute.{verb}", dispute=dispute_id, text=text), json_=json_)

    return step


_step("say", "Say something on the tier that a dispute is on.")
_step("raise", "Bring a dispute before the next tier; none is skipped.")
_step("settle", "End a dispute as its claimant.")


@dispute.command("decide")
@click.argument("dispute_id")
@click.option("--text", required=True, help="The decision, in words.")
@click.option("--document", default="", help="Number of the government's document.")
@as_json
@with_office
def decide(office: Office, dispute_id: str, text: str, document: str, json_: bool) -> None:
    """Decide as the authority, or enter the government's decision."""
    told = office.perform("dispute.decide", dispute=dispute_id, text=text, document=document)
    tell(told, json_=json_)


@dispute.command("list")
@click.option("--tier", type=values_of(Tier))
@click.option("--state", type=click.Choice(["open", "settled"]))
@spanned
@as_json
@with_office
def list_disputes(office: Office, json_: bool, **wanted: Any) -> None:
    """List the disputes of your department; for the authority those brought before it."""
    tell_page(office.perform("dispute.list", **wanted), json_=json_, title="disputes")


@dispute.command("show")
@click.argument("dispute_id")
@as_json
@with_office
def show_dispute(office: Office, dispute_id: str, json_: bool) -> None:
    """Show one dispute with each of its steps."""
    tell(office.perform("dispute.show", dispute=dispute_id), json_=json_)
