"""`exchange audit shard`: ending the log's shard, opening the next, and which there are."""

import click

from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.home import HeldError, locked
from exchange.node import opened

SHARD = click.option(
    "--shard", help="Of a frozen shard, by its name (`first` for the first of all) or its origin."
)


@click.group()
def shard() -> None:
    """The log's shards: one a year, each begun with the final checkpoint of the one before."""


@shard.command("open")
@click.option("--reason", required=True, help="Why this one ends: a new year, a key that got out.")
@as_json
@with_office
def open_(office: Office, reason: str, json_: bool) -> None:
    """End the shard that is written, and open the next under keys of its own.

    Where the home is served, the serving process takes no call from then on: start it anew.
    """
    said = office.perform("audit.shard-open", reason=reason)
    try:
        with locked(office.settings.home), opened(office.settings) as node:
            said |= {"opened": node.log.origin, "start_anew": False}
    except HeldError:
        said |= {"opened": None, "start_anew": True}
    tell(said, json_=json_)
    if said["start_anew"] and not json_:
        click.echo(f"{said['frozen']} is frozen: start the serving process anew to go on.")


@shard.command("list")
@as_json
@with_office
def list_(office: Office, json_: bool) -> None:
    """List the shards, the oldest first, and whether each is as it was frozen."""
    said = office.perform("audit.shard-list")
    if json_:
        tell(said, json_=True)
        return
    shown = ("shard", "origin", "state", "first_number", "size", "trouble")
    tell(
        [{name: one[name] for name in shown} for one in said["shards"]], json_=False, title="shards"
    )
    if said["due"]:
        click.echo("The year has turned: open its shard with `exchange audit shard open`.")


@shard.command("show")
@click.argument("name", metavar="SHARD")
@as_json
@with_office
def show(office: Office, name: str, json_: bool) -> None:
    """Show SHARD: how it holds, what was last checked, what is archived, held and erased in it."""
    tell(office.perform("audit.shard-show", shard=name), json_=json_)


@click.group()
def job() -> None:
    """Archiving, replays and checks that were begun on the pages, and how far they are."""


@job.command("list")
@SHARD
@as_json
@with_office
def list_jobs(office: Office, shard: str | None, json_: bool) -> None:
    """List jobs, the newest first."""
    said = office.perform("job.list", shard=shard)
    if json_:
        tell(said, json_=True)
        return
    shown = ("id", "errand", "shard", "state", "done", "total", "code")
    tell([{name: one[name] for name in shown} for one in said["rows"]], json_=False, title="jobs")


@job.command("show")
@click.argument("job_id", metavar="JOB")
@as_json
@with_office
def show_job(office: Office, job_id: str, json_: bool) -> None:
    """Show how far JOB is, and what it found."""
    tell(office.perform("job.show", job=job_id), json_=json_)


@job.command("stop")
@click.argument("job_id", metavar="JOB")
@as_json
@with_office
def stop_job(office: Office, job_id: str, json_: bool) -> None:
    """Stop JOB; what it did stays done."""
    tell(office.perform("job.cancel", job=job_id), json_=json_)
