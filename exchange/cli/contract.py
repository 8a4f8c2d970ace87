"""`exchange contract`: what a system may name, as GraphQL says it."""

from pathlib import Path

import click
import httpx

from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.client.errors import ClientError
from exchange.client.session import Exchange
from exchange.client.signing import SigningKey
from exchange.identity.errors import IdentityError


@click.group()
def contract() -> None:
    """Contracts: the schema of each calling system."""


@contract.command("show")
@click.argument("system")
@as_json
@with_office
def show(office: Office, system: str, json_: bool) -> None:
    """Print the contract of one of your department's systems (SDL)."""
    said = office.perform("contract.show", system=system)
    if json_:
        tell(said, json_=True)
        return
    click.echo(said["sdl"], nl=False)
    for why in said["left_out"]:
        click.echo(f"# left out: {why}", err=True)


@contract.command("fetch")
@click.option("--key", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--url", default="http://127.0.0.1:8800")
def fetch(key: Path, url: str) -> None:
    """Fetch the contract of the system whose key this is, as its program would (SDL)."""
    try:
        with Exchange(url, key=SigningKey.read(key), vkey=()) as exchange:
            click.echo(exchange.contract(), nl=False)
    except (ClientError, IdentityError, httpx.HTTPError) as error:
        raise click.ClickException(str(error)) from error
