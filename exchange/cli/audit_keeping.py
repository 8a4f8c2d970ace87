"""`exchange audit erase` and `exchange audit hold`: what lies beside the tree, and who may let it go."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from catalogue.model import SubjectType
from exchange.cli.audit_shards import SHARD
from exchange.cli.office import Office, with_office
from exchange.cli.paging import page_by_page
from exchange.cli.say import as_json, tell
from exchange.jobs.errands import archived

TYPE = click.Choice([kind.value for kind in SubjectType])


@click.group()
def erase() -> None:
    """Erase a subject's disclosures whose term is over; asked by the authority, approved by an auditor."""


@erase.command("plan")
@click.argument("type_", metavar="TYPE", type=TYPE)
@click.argument("identifier")
@as_json
@with_office
def plan(office: Office, type_: str, identifier: str, json_: bool) -> None:
    """Say what erasing a subject would erase now, in counts; nothing is changed."""
    tell(office.perform("erasure.plan", type=type_, identifier=identifier), json_=json_)


@erase.command("propose")
@click.argument("type_", metavar="TYPE", type=TYPE)
@click.argument("identifier")
@click.option("--basis", required=True, help="Legal basis: document and article.")
@click.option("--document", required=True, help="Number of the order or application.")
@as_json
@with_office
def propose(
    office: Office, type_: str, identifier: str, basis: str, document: str, json_: bool
) -> None:
    """Ask, for the authority, that a subject be erased; nothing is erased yet."""
    said = office.perform(
        "erasure.propose",
        type=type_,
        identifier=identifier,
        legal_basis=basis,
        document=document,
    )
    tell(said, json_=json_)


@erase.command("approve")
@click.argument("erasure")
@click.option("--yes", is_flag=True, help="Do not ask again: keys cannot be brought back.")
@as_json
@with_office
def approve(office: Office, erasure: str, yes: bool, json_: bool) -> None:
    """Approve, as an auditor, and destroy the keys for ever."""
    if not yes:
        click.confirm("Destroy the keys? No one can bring them back.", abort=True, err=True)
    tell(office.perform("erasure.approve", erasure=erasure), json_=json_)


@erase.command("withdraw")
@click.argument("erasure")
@as_json
@with_office
def withdraw(office: Office, erasure: str, json_: bool) -> None:
    """Take back, or as an auditor refuse, an erasure that waits."""
    tell(office.perform("erasure.withdraw", erasure=erasure), json_=json_)


@erase.command("finish")
@click.argument("erasure")
@as_json
@with_office
def finish(office: Office, erasure: str, json_: bool) -> None:
    """Carry out an approved erasure that was cut short."""
    tell(office.perform("erasure.finish", erasure=erasure), json_=json_)


@erase.command("list")
@as_json
@with_office
def list_erasures(office: Office, json_: bool) -> None:
    """List erasures, what waits for a second officer first."""
    _listed(office, "waiting", "past", json_=json_)


@click.group()
def hold() -> None:
    """Forbid erasing a subject, or anybody, until the hold is lifted."""


@hold.command("set")
@click.option("--subject", nargs=2, type=(TYPE, str), help="TYPE IDENTIFIER; everybody otherwise.")
@click.option("--reason", required=True, help="Why.")
@click.option("--document", required=True, help="Number of the document that orders it.")
@as_json
@with_office
def set_hold(
    office: Office, subject: tuple[str, str] | None, reason: str, document: str, json_: bool
) -> None:
    """Set a hold, for the authority."""
    about = {} if subject is None else {"type": subject[0], "identifier": subject[1]}
    tell(office.perform("hold.set", reason=reason, document=document, **about), json_=json_)


@hold.command("lift")
@click.argument("hold_id", metavar="HOLD")
@as_json
@with_office
def lift_hold(office: Office, hold_id: str, json_: bool) -> None:
    """Lift a hold, as another officer than who set it."""
    tell(office.perform("hold.lift", hold=hold_id), json_=json_)


@hold.command("list")
@as_json
@with_office
def list_holds(office: Office, json_: bool) -> None:
    """List the holds, those that stand first."""
    _listed(office, "holds", "lifted", json_=json_)


@click.group()
def archive() -> None:
    """Move the bodies of old entries into files, and back; no proof changes."""


@archive.command("run")
@click.option("--before", type=click.DateTime(), required=True, help="Only what is older.")
@click.option("--folder", help="Absolute path; the home's archive otherwise.")
@SHARD
@as_json
@with_office
def run(
    office: Office, before: datetime, folder: str | None, shard: str | None, json_: bool
) -> None:
    """Archive every closed bundle that is older, as an administrator."""
    moment = before.replace(tzinfo=ZoneInfo(office.settings.zone))
    said = page_by_page(
        office,
        "archive.run",
        archived,
        what="bundles",
        before=moment,
        folder=folder,
        shard=shard,
    )
    _tell_moved(said, json_=json_)


@archive.command("restore")
@SHARD
@as_json
@with_office
def restore(office: Office, shard: str | None, json_: bool) -> None:
    """Put everything that was archived back into the database; the files stay."""
    said = page_by_page(office, "archive.restore", archived, what="bundles", shard=shard)
    _tell_moved(said, json_=json_)


@archive.command("move")
@click.argument("folder")
@SHARD
@as_json
@with_office
def move(office: Office, folder: str, shard: str | None, json_: bool) -> None:
    """Read from FOLDER (an absolute path), to which the files were copied."""
    tell(office.perform("archive.move", folder=folder, shard=shard), json_=json_)


@archive.command("list")
@SHARD
@as_json
@with_office
def list_archived(office: Office, shard: str | None, json_: bool) -> None:
    """Say what lies in files, and how many bundles could follow."""
    tell(office.perform("archive.list", shard=shard), json_=json_)


def _tell_moved(said: dict[str, Any], *, json_: bool) -> None:
    tell({name: said[name] for name in ("bundles", "entries")}, json_=json_)


def _listed(office: Office, *names: str, json_: bool) -> None:
    said: dict[str, Any] = office.perform("erasure.list")
    if json_:
        tell({name: said[name] for name in names}, json_=True)
        return
    for name in names:
        tell(said[name], json_=False, title=name)
