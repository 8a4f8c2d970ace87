"""`exchange backup`: take, list, check, put back and throw away copies of a home."""

import sys
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from exchange.backups import (
    KEEP_DAYS,
    Backup,
    list_backups,
    read_backup,
    restore,
    take_backup,
    throw_away,
    too_old,
)
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
from exchange.clock import now
from exchange.home import check_home, locked
from exchange.settings import environment, read_settings

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
HOME = click.option("--home", type=click.Path(path_type=Path), help="Else $EXCHANGE_HOME.")


@click.group()
def backup() -> None:
    """Copies of the databases and files that belong together. Keys are in no copy."""


@backup.command("make")
@as_json
@with_office
def make(office: Office, json_: bool) -> None:
    """Take a backup into the home's backups/, also while it is served; recorded before and after."""
    office.perform("backup.begin")
    console = Console(stderr=True)
    quiet = json_ or not sys.stderr.isatty()
    with Progress(console=console, transient=True, disable=quiet) as progress:
        bar = progress.add_task("copying", total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total)

        folder, made = take_backup(office.settings.home, at=now(), told=told)
    office.perform("backup.finish", name=made.name, size=made.size, root=made.root)
    tell(_told(folder, made), json_=json_)


@backup.command("list")
@HOME
@as_json
def list_(home: Path | None, json_: bool) -> None:
    """List the home's backups, newest first."""
    with telling():
        settings = read_settings(environment(), home=home)
        rows = [_told(folder, made) for folder, made in list_backups(settings.home)]
    tell(rows, json_=json_, title="backups")


@backup.command("check")
@click.argument("folder", type=FOLDER)
@as_json
def check(folder: Path, json_: bool) -> None:
    """Check every file of the backup in FOLDER against its list."""
    with telling():
        tell(_told(folder, read_backup(folder)), json_=json_)


@backup.command("restore")
@click.argument("folder", type=FOLDER)
@HOME
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def put_back(folder: Path, home: Path | None, yes: bool, json_: bool) -> None:
    """Put the backup in FOLDER back into a home that is not served.

    The home keeps its keys. What it held is moved to backups/displaced-…. Entries younger than the backup
    are then missing: the next start says so and refuses until that is acknowledged.
    """
    with telling():
        settings = read_settings(environment(), home=home)
        check_home(settings.home)
        with locked(settings.home):
            held = read_backup(folder)
            if not yes:
                click.confirm(
                    f"Put back the log of {held.origin} at {held.size} entries?", abort=True
                )
            _, displaced = restore(folder, settings.home, at=now())
    said = {**_told(folder, held), "displaced": str(displaced)}
    tell(said, json_=json_)
    if not json_:
        click.echo("Erasures made after this backup must be made again.")


@backup.command("prune")
@HOME
@click.option("--days", type=click.IntRange(min=1), default=KEEP_DAYS, show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@as_json
def prune(home: Path | None, days: int, dry_run: bool, json_: bool) -> None:
    """Throw away what lies in backups/ and is older: it holds keys that erasing was to destroy."""
    with telling():
        settings = read_settings(environment(), home=home)
        old = too_old(settings.home, at=now(), days=days)
        if not dry_run:
            for path in old:
                throw_away(path)
    tell({"older_than_days": days, "dry_run": dry_run, "gone": [p.name for p in old]}, json_=json_)


def _told(folder: Path, made: Backup) -> dict[str, object]:
    return {
        "folder": str(folder),
        "made_at": datetime.fromtimestamp(made.made_at / 1000).astimezone().isoformat(),
        "log": made.origin,
        "entries": made.size,
        "root": made.root,
        "bytes": sum(part.bytes for part in made.parts),
        "files": len(made.parts),
    }
