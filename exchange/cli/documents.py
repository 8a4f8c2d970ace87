"""`exchange document`: the operations that a department's systems send, registered by their digest."""

from pathlib import Path
from typing import Any

import click

from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page


@click.group()
def document() -> None:
    """Trusted documents: register, withdraw, list."""


@document.command("register")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", required=True, help="What it is called in lists.")
@as_json
@with_office
def register(office: Office, file: Path, name: str, json_: bool) -> None:
    """Register FILE byte for byte as your systems send it; says the digest."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: not UTF-8") from error
    tell(office.perform("document.register", text=text, name=name), json_=json_)


@document.command("withdraw")
@click.argument("digest")
@as_json
@with_office
def withdraw(office: Office, digest: str, json_: bool) -> None:
    """Withdraw a document of your department: the next call that names it is refused."""
    tell(office.perform("document.withdraw", digest=digest), json_=json_)


@document.command("show")
@click.argument("digest")
@as_json
@with_office
def show(office: Office, digest: str, json_: bool) -> None:
    """Show one document with its text."""
    tell(office.perform("document.show", digest=digest), json_=json_)


@document.command("list")
@click.option("--department", help="Code of the department that registered them.")
@spanned
@as_json
@with_office
def list_documents(office: Office, json_: bool, **wanted: Any) -> None:
    """List trusted documents."""
    tell_page(office.perform("document.list", **wanted), json_=json_, title="documents")
