"""Commands on services: described by their documents, kept for maintenance, held against their entries."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from catalogue.readings import Absent
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from gateway.sources.described import Choices, DescriptionError, PageChoices
from gateway.sources.wsdl import bundle

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_ABSENT = re.compile(r"(?P<status>[1-5][0-9]{2}):(?P<pointer>/[^=]*)=(?P<value>.+)")


@click.command("describe")
@click.argument("name")
@click.argument("file", type=FILE)
@as_json
@with_office
def describe_source(office: Office, name: str, file: Path, json_: bool) -> None:
    """Keep a service's own description: an OpenAPI document, a GraphQL SDL or a WSDL."""
    text = read_description(file)
    tell(office.perform("source.describe", name=name, description=text), json_=json_)


def read_description(file: Path) -> str:
    """Return a description as it is kept: of a WSDL with all that it imports from beside it."""
    try:
        if file.suffix.lower() in {".wsdl", ".xml"}:
            return bundle(file)
        return file.read_text(encoding="utf-8")
    except (DescriptionError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from error


@click.command("tables")
@click.argument("name")
@as_json
@with_office
def list_tables(office: Office, name: str, json_: bool) -> None:
    """List the tables of a source, or what a described service offers."""
    tell(office.perform("source.tables", source=name), json_=json_, title="offered")


@click.command("check")
@click.argument("name")
@as_json
@with_office
def check_source(office: Office, name: str, json_: bool) -> None:
    """Hold a source against its entries: what it lacks is flagged, what it has again is not."""
    said = office.perform("source.check", name=name)
    tell(said if json_ else said["resources"], json_=json_, title=name)
    if any(one["drifted"] for one in said["resources"]):
        raise click.exceptions.Exit(1)


@click.command("rest")
@click.argument("name")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M"]),
    required=True,
    help="End of the maintenance, local time.",
)
@click.option("--reason", required=True, help="Why; kept as a disclosure of the act.")
@as_json
@with_office
def rest_source(office: Office, name: str, until: datetime, reason: str, json_: bool) -> None:
    """Keep a source for maintenance: nothing is sent, its steps say until when."""
    said = office.perform(
        "source.rest", name=name, until=until.astimezone().isoformat(), reason=reason
    )
    tell(said, json_=json_)


@click.command("resume")
@click.argument("name")
@click.option("--reason", required=True, help="Why; kept as a disclosure of the act.")
@as_json
@with_office
def resume_source(office: Office, name: str, reason: str, json_: bool) -> None:
    """End a source's maintenance: the next call reads it."""
    tell(office.perform("source.resume", name=name, reason=reason), json_=json_)


@click.command("key")
@as_json
@with_office
def show_key(office: Office, json_: bool) -> None:
    """Show the public key by which departments check that it is the exchange that asks."""
    tell(office.perform("source.key"), json_=json_)


COMMANDS = (describe_source, list_tables, check_source, rest_source, resume_source, show_key)


def choosing(command: F) -> F:
    """Add the options that say how an operation of a described service is read."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[F], F], ...] = (
    click.option(
        "--ask-by",
        default="",
        help="Parameter, argument or body pointer of the key; of an entity the fields of its @key.",
    ),
    click.option("--records", help="Pointer of the records in the answer."),
    click.option(
        "--fixed", multiple=True, metavar="NAME=VALUE", help="What is always asked alike."
    ),
    click.option("--omit", multiple=True, help="Pointer of a value that is no item."),
    click.option(
        "--absent",
        metavar="STATUS:POINTER=VALUE",
        help="How the service says that there is no record, such as 404:/code=NOT_FOUND.",
    ),
    click.option(
        "--pages",
        metavar="OPERATION",
        help="Operation that gives all records in the order of their key, for use in bulk.",
    ),
    click.option("--pages-after", help="What takes the key there after which a page begins."),
    click.option("--pages-size", help="What takes there how many records."),
    click.option("--pages-records", help="Pointer of the records in its answer."),
    click.option(
        "--pages-fixed", multiple=True, metavar="NAME=VALUE", help="What is always asked alike."
    ),
    click.option("--separator", default="", help="Between the parts of a compound key; | else."),
)


def read_choices(
    *,
    ask_by: str,
    key_item: str | None,
    records: str | None,
    fixed: tuple[str, ...],
    omit: tuple[str, ...],
    absent: str | None,
    separator: str,
    pages: str | None = None,
    pages_after: str | None = None,
    pages_size: str | None = None,
    pages_records: str | None = None,
    pages_fixed: tuple[str, ...] = (),
) -> Choices:
    """Return the choices that options make. Raises UsageError."""
    paged = None
    if pages is not None:
        if pages_after is None or pages_size is None:
            raise click.UsageError("--pages: --pages-after and --pages-size are needed too")
        paged = PageChoices(
            operation=pages,
            after=pages_after,
            size=pages_size,
            records=pages_records,
            fixed=_pairs(pages_fixed, option="--pages-fixed"),
        )
    elif pages_after or pages_size or pages_records or pages_fixed:
        raise click.UsageError("--pages: the operation that gives pages is needed")
    said = None if absent is None else _ABSENT.fullmatch(absent)
    if absent is not None and said is None:
        raise click.UsageError("--absent: STATUS:POINTER=VALUE needed, such as 404:/code=NOT_FOUND")
    return Choices(
        key=ask_by,
        key_item=key_item or "",
        records=records,
        fixed=_pairs(fixed, option="--fixed"),
        omit=omit,
        absent=None
        if said is None
        else Absent(status=int(said["status"]), pointer=said["pointer"], value=said["value"]),
        separator=separator,
        pages=paged,
    )


def _pairs(told: tuple[str, ...], *, option: str) -> tuple[tuple[str, str], ...]:
    pairs = [one.partition("=") for one in told]
    if any(not mark for _name, mark, _value in pairs):
        raise click.UsageError(f"{option}: NAME=VALUE needed")
    return tuple((name, value) for name, _mark, value in pairs)
