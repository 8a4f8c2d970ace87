"""`exchange audit rotate-key`, `retire-key` and `acknowledge-rollback`: what changes how the log goes on."""

from pathlib import Path

import click

from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
from exchange.home import HomeError, check_home, locked
from exchange.node import answer_for_rollback
from exchange.settings import environment, read_settings


@click.command("rotate-key")
@as_json
@with_office
def rotate_key(office: Office, json_: bool) -> None:
    """Make new keys that sign the log beside the old ones, until those are retired."""
    tell(office.perform("audit.rotate-key"), json_=json_)


@click.command("retire-key")
@as_json
@with_office
def retire_key(office: Office, json_: bool) -> None:
    """End the overlap: the older keys sign no more and are destroyed."""
    tell(office.perform("audit.retire-key"), json_=json_)


@click.command("acknowledge-rollback")
@click.option("--home", type=click.Path(path_type=Path), help="Else $EXCHANGE_HOME.")
@click.option("--reason", required=True, help="Why entries that were signed are gone.")
@click.option("--by", required=True, help="Who answers for it: name and post.")
@as_json
def acknowledge_rollback(home: Path | None, reason: str, by: str, json_: bool) -> None:
    """Answer for a log that is older than what is known of it, so that it can start again.

    The answer is the first entry after the copy that was put back. The home must not be served.
    """
    with telling():
        settings = read_settings(environment(), home=home)
        check_home(settings.home)
        with locked(settings.home):
            said = answer_for_rollback(settings, reason=reason, by=by)
        if said["index"] is None:
            raise HomeError(
                "this log leads to all that is known of it: there is nothing to answer for"
            )
        tell(said, json_=json_)
