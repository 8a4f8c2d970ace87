"""`exchange export …` and `exchange pull`: a system's own acts, signed by its key."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from exchange.cli.call import as_system, fetch_keys
from exchange.cli.say import as_json, tell
from exchange.client.errors import ClientError
from exchange.client.pulling import default_table
from exchange.client.pulling import pull as carry_out
from exchange.client.session import Bulk, Exchange
from exchange.client.signing import SigningKey
from exchange.identity.errors import IdentityError
from gateway.model import Usage

POLL_S = 0.5
RUNNING = {"reading", "writing"}
Command = Callable[..., Any]


def with_usage(command: Command) -> Command:
    """Give a command the usage information that every call in bulk needs; it takes `usage`."""

    @click.option("--matter", required=True, help="Matter code.")
    @click.option("--case", required=True, help="Case number.")
    @click.option("--purpose", default="administrative-basis", help="Purpose of the use.")
    @click.option("--reason", required=True, help="用证事由, at most 200 characters.")
    @click.option("--operator", required=True, help="Staff number, or system:NAME for a job.")
    @wraps(command)
    def carry_on(
        *given: Any, matter: str, case: str, purpose: str, reason: str, operator: str, **more: Any
    ) -> Any:
        usage = Usage(matter=matter, case=case, purpose=purpose, reason=reason, operator=operator)
        return command(*given, usage=usage, **more)

    return carry_on


def with_exchange(command: Command) -> Command:
    """Give a command the connection of its system; it takes `exchange`."""

    @as_system
    @click.option("--vkey", help="Key of the log; fetched from the exchange otherwise.")
    @wraps(command)
    def carry_on(
        *given: Any, key: Path, url: str, vkey: str | None, language: str, **more: Any
    ) -> Any:
        with (
            told_plainly(),
            Exchange(
                url, key=SigningKey.read(key), vkey=vkey or fetch_keys(url), language=language
            ) as exchange,
        ):
            return command(*given, exchange=exchange, **more)

    return carry_on


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what goes wrong into one line and an exit code."""
    try:
        yield
    except (ClientError, IdentityError, httpx.HTTPError, SQLAlchemyError) as error:
        told = str(error)
        if isinstance(error, SQLAlchemyError):
            # A driver's message may quote the values of a row, so only its kind is told.
            told = f"the database to pull into failed ({type(error).__name__}): what was read before is kept"
        raise click.ClickException(told) from error


@click.group()
def export() -> None:
    """Exports: all records of a resource as files, as far as a grant of the channel bulk reaches."""


@export.command("begin")
@click.argument("resource")
@click.option("--item", "items", multiple=True, required=True, help="Item, by its GraphQL name.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl", "xlsx", "parquet"]),
    default="csv",
    help="Of the files.",
)
@click.option("--id", "export_id", help="An id of your own: the same again finds the same export.")
@click.option("--page", "first", default=1_000, help="Records read at a time.")
@click.option("--wait", is_flag=True, help="Wait until the files are ready.")
@as_json
@with_usage
@with_exchange
def begin(
    exchange: Exchange,
    resource: str,
    items: tuple[str, ...],
    format_: str,
    export_id: str | None,
    first: int,
    usage: Usage,
    *,
    wait: bool,
    json_: bool,
) -> None:
    """Begin an export of RESOURCE; it goes on in the exchange by itself."""
    told = exchange.begin_export(
        Bulk(resource=resource, items=items, first=first),
        usage=usage,
        format_=format_,
        export_id=export_id,
    )
    if wait:
        told = _waited(exchange, str(told["id"]))
    _tell(told, json_=json_)


@export.command("show")
@click.argument("export_id")
@click.option("--wait", is_flag=True, help="Wait until it is over.")
@as_json
@with_exchange
def show(exchange: Exchange, export_id: str, *, wait: bool, json_: bool) -> None:
    """Say how far an export is."""
    _tell(_waited(exchange, export_id) if wait else exchange.export(export_id), json_=json_)


@export.command("cancel")
@click.argument("export_id")
@as_json
@with_exchange
def cancel(exchange: Exchange, export_id: str, *, json_: bool) -> None:
    """End an export and have its files removed."""
    _tell(exchange.export(export_id, "cancel"), json_=json_)


@export.command("fetch")
@click.argument("export_id")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the files and the manifest.",
)
@as_json
@with_exchange
def fetch(exchange: Exchange, export_id: str, into: Path, *, json_: bool) -> None:
    """Fetch the files of an export with its manifest; the receipt of each is checked."""
    manifest = exchange.export(export_id, "manifest")
    into.mkdir(parents=True, exist_ok=True)
    (into / "manifest.json").write_text(
        json.dumps(manifest, ensure_ascii=False, indent=2), encoding="utf-8"
    )
    rows = []
    for part in manifest["parts"]:
        released = exchange.export_part(export_id, int(part["part"]))
        name = Path(str(part["name"])).name
        (into / name).write_bytes(released.content)
        rows.append(
            {"file": name, "rows": part["rows"], "entry": released.entry, "receipt": released.state}
        )
    tell(rows, json_=json_, title="Files")
    for code, count in manifest.get("cells", {}).get("counted", {}).items():
        click.echo(f"{code}: {count} values, named in manifest.json", err=True)


@click.command()
@click.argument("resource")
@click.option("--into", "into", required=True, help="Database, as an SQLAlchemy URL.")
@click.option("--table", help="Table in it; named after the resource otherwise.")
@click.option("--item", "items", multiple=True, required=True, help="Item, by its GraphQL name.")
@click.option("--page", "first", default=1_000, help="Records read at a time.")
@as_json
@with_usage
@with_exchange
def pull(
    exchange: Exchange,
    resource: str,
    into: str,
    table: str | None,
    items: tuple[str, ...],
    first: int,
    usage: Usage,
    *,
    json_: bool,
) -> None:
    """Keep a table like RESOURCE: goes on where it was cut off, and drops what is gone there."""
    engine = _engine(into)
    try:
        with _progress() as progress:
            pulled = carry_out(
                exchange,
                Bulk(resource=resource, items=items, first=first),
                usage=usage,
                engine=engine,
                table=table or default_table(resource),
                progress=progress,
            )
    finally:
        engine.dispose()
    names = type(pulled).__dataclass_fields__
    tell({name: getattr(pulled, name) for name in names}, json_=json_)


def _engine(url: str) -> Engine:
    try:
        return create_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        # The URL may hold a password, so it is not repeated.
        raise click.BadParameter(
            f"no database can be opened by this URL ({type(error).__name__}), "
            "one such as sqlite:////data/copy.db or postgresql+psycopg://host/name needed",
            param_hint="--into",
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far it is; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _pages, _rows: None
        return
    with console.status("pulling …") as status:

        def tell_progress(pages: int, rows: int) -> None:
            status.update(f"{pages} pages, {rows} records")

        yield tell_progress


def _waited(exchange: Exchange, export_id: str) -> Any:
    told = exchange.export(export_id)
    while told["state"] in RUNNING:
        click.echo(f"{told['state']}: {told['pages']} pages, {told['rows']} records", err=True)
        time.sleep(POLL_S)
        told = exchange.export(export_id)
    return told


def _tell(told: Any, *, json_: bool) -> None:
    """Print an export; one that stopped is no success."""
    if json_:
        tell(told, json_=True)
    else:
        shown = ("id", "state", "code", "resource", "format", "pages", "rows", "entry")
        tell({name: told[name] for name in shown}, json_=False)
        tell(told["parts"], json_=False, title="Files")
    if told["state"] == "stopped":
        raise click.exceptions.Exit(1)
