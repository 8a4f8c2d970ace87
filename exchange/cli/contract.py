"""`exchange contract`: what a system may name, as GraphQL says it."""

import json
from pathlib import Path

import click
import httpx

from exchange.cli.call import as_system
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
@click.option("--openapi", is_flag=True, help="Its documents as plain resources (OpenAPI 3.1).")
@as_json
@with_office
def show(office: Office, system: str, openapi: bool, json_: bool) -> None:
    """Print the contract of one of your department's systems (SDL)."""
    if openapi:
        click.echo(
            json.dumps(office.perform("contract.openapi", system=system), ensure_ascii=False)
        )
        return
    said = office.perform("contract.show", system=system)
    if json_:
        tell(said, json_=True)
        return
    click.echo(said["sdl"], nl=False)
    for why in said["left_out"]:
        click.echo(f"# left out: {why}", err=True)


@contract.command("fetch")
@as_system
@click.option("--openapi", is_flag=True, help="Its documents as plain resources (OpenAPI 3.1).")
def fetch(key: Path, url: str, language: str, openapi: bool) -> None:
    """Fetch the contract of the system whose key this is, as its program would (SDL)."""
    try:
        with Exchange(url, key=SigningKey.read(key), vkey=(), language=language) as exchange:
            if openapi:
                click.echo(json.dumps(exchange.openapi(), ensure_ascii=False))
                return
            click.echo(exchange.contract(), nl=False)
    except (ClientError, IdentityError, httpx.HTTPError) as error:
        raise click.ClickException(str(error)) from error
