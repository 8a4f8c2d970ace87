"""Nouns of the catalogue: department, officer, system, source, resource."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import click
import msgspec

from catalogue.imports import read_departments, read_officers
from catalogue.metadata import CYCLE_DAYS, SharingMethod, UpdateCycle
from catalogue.model import CertificateMapping
from catalogue.validation import PURPOSES
from exchange.cli import entries, loads
from exchange.cli.files import register_file
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, spanned, tell, tell_page
from exchange.cli.services import COMMANDS, choosing, read_choices, read_description
from exchange.home import OFFICERS, write_private
from exchange.identity.keys import create_private_key, private_pem, public_der
from exchange.settings import environment

KINDS = ("sql", "http", "graphql", "soap")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def department() -> None:
    """Departments: whoever holds data or asks for it."""


@department.command("import")
@click.argument("file", type=FILE)
@as_json
@with_office
def import_departments(office: Office, file: Path, json_: bool) -> None:
    """Import departments from a CSV file: code,name,name_en,level,region,superior."""
    rows = read_departments(file.read_bytes(), file=file.name).whole()
    tell(office.perform("department.import", rows=list(rows)), json_=json_)


@department.command("list")
@as_json
@with_office
def list_departments(office: Office, json_: bool) -> None:
    """List the registered departments."""
    tell(office.perform("department.list"), json_=json_, title="departments")


@click.group()
def officer() -> None:
    """Officers: the people who act, their roles and keys."""


@officer.command("import")
@click.argument("file", type=FILE)
@as_json
@with_office
def import_officers(office: Office, file: Path, json_: bool) -> None:
    """Import officers from a CSV file: department,staff_number,name,post,roles,clearance."""
    rows = read_officers(file.read_bytes(), file=file.name).whole()
    tell(office.perform("officer.import", rows=list(rows)), json_=json_)


@officer.command("list")
@as_json
@with_office
def list_officers(office: Office, json_: bool) -> None:
    """List officers: your department's, or all for the administrator."""
    tell(office.perform("officer.list"), json_=json_, title="officers")


@officer.command("key")
@click.argument("officer_id")
@click.option("--name", required=True, help="Name of the key file to be made for --as.")
@as_json
@with_office
def make_key(office: Office, officer_id: str, name: str, json_: bool) -> None:
    """Make a key for an officer, in the home's files/officers, and register it."""
    private = create_private_key()
    path = office.settings.home / OFFICERS / f"{name}.pem"
    write_private(path, private_pem(private))
    public = b64encode(public_der(private.public_key())).decode()
    said = office.perform("officer.key", officer=officer_id, public=public)
    tell({**said, "file": str(path)}, json_=json_)


@officer.command("password")
@click.argument("officer_id")
@click.password_option(help="Asked for where it is not given.")
@as_json
@with_office
def set_password(office: Office, officer_id: str, password: str, json_: bool) -> None:
    """Set an officer's password; tells the address for the authenticator, once."""
    tell(office.perform("officer.password", officer=officer_id, password=password), json_=json_)


@officer.command("roles")
@click.argument("officer_id")
@click.argument("roles", nargs=-1)
@as_json
@with_office
def assign_roles(office: Office, officer_id: str, roles: tuple[str, ...], json_: bool) -> None:
    """Say which roles an officer holds; none takes all away."""
    tell(office.perform("officer.roles", officer=officer_id, roles=list(roles)), json_=json_)


@click.group()
def system() -> None:
    """Systems: programs of departments that call, each with a key of its own."""


@system.command("add")
@click.argument("system_id")
@click.option("--department", required=True)
@click.option("--name", required=True)
@click.option("--responsible", help="Officer id answering for unattended jobs.")
@click.option("--intake", is_flag=True, help="An intake platform: its word attests cases.")
@as_json
@with_office
def add_system(office: Office, system_id: str, json_: bool, **options: Any) -> None:
    """Register a system of a department."""
    tell(office.perform("system.add", id=system_id, **options), json_=json_)


@system.command("invite")
@click.argument("system_id")
@as_json
@with_office
def invite_system(office: Office, system_id: str, json_: bool) -> None:
    """Make a one-time invitation with which the system registers its key."""
    tell(office.perform("system.invite", system=system_id), json_=json_)


@system.command("revoke-key")
@click.argument("key_id")
@click.option("--reason", default="")
@as_json
@with_office
def revoke_key(office: Office, key_id: str, reason: str, json_: bool) -> None:
    """Revoke a system's key: its next request is refused."""
    tell(office.perform("system.revoke-key", key=key_id, reason=reason), json_=json_)


@system.command("list")
@as_json
@with_office
def list_systems(office: Office, json_: bool) -> None:
    """List the systems and their keys."""
    tell(office.perform("system.list"), json_=json_, title="systems")


@click.group()
def source() -> None:
    """Sources: where departments' data is read."""


@source.command("add")
@click.argument("name")
@click.option("--department", required=True)
@click.option("--kind", type=click.Choice(KINDS), default="sql")
@click.option("--address", required=True, help="SQLAlchemy URL without password, or base URL.")
@click.option("--description", type=FILE, help="A service's OpenAPI document, SDL or WSDL.")
@click.option("--timeout-ms", type=click.IntRange(1, 60_000), default=2000, show_default=True)
@click.option("--secret-env", help="Variable that holds the password or token.")
@click.option("--secret-file", type=FILE, help="File that holds the password or token.")
@click.option("--secret", "ask", is_flag=True, help="Ask for the password or token.")
@click.option("--zone", default="Asia/Shanghai", help="Zone of date-times without one.")
@click.option("--write-reason", help="Why a login that can write is accepted.")
@as_json
@with_office
def add_source(
    office: Office,
    name: str,
    description: Path | None,
    secret_env: str | None,
    secret_file: Path | None,
    ask: bool,
    json_: bool,
    **options: Any,
) -> None:
    """Register a source after reading it once; the secret is kept sealed and never printed."""
    secret = read_secret(secret_env, secret_file, ask=ask)
    told = None if description is None else read_description(description)
    said = office.perform("source.add", name=name, secret=secret, description=told, **options)
    tell(said, json_=json_)


@source.command("list")
@click.option("--department")
@click.option(
    "--state", type=click.Choice(["active", "waiting"]), help="Those that wait are not read."
)
@spanned
@as_json
@with_office
def list_sources(office: Office, json_: bool, **wanted: Any) -> None:
    """List the sources, without their secrets."""
    tell_page(office.perform("source.list", **wanted), json_=json_, title="sources")


@source.command("show")
@click.argument("name")
@as_json
@with_office
def show_source(office: Office, name: str, json_: bool) -> None:
    """Show a source and the resources that stand on it."""
    tell(office.perform("source.show", name=name), json_=json_)


@source.command("open")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--address", required=True, help="SQLAlchemy URL without password, or base URL.")
@click.option("--reason", required=True, help="Who said how it is read, and where.")
@click.option("--secret-env", help="Variable that holds the password or token.")
@click.option("--secret-file", type=FILE, help="File that holds the password or token.")
@click.option("--secret", "ask", is_flag=True, help="Ask for the password or token.")
@click.option("--zone", default="Asia/Shanghai", help="Zone of date-times without one.")
@click.option("--write-reason", help="Why a login that can write is accepted.")
@as_json
@with_office
def open_source(
    office: Office,
    name: str,
    secret_env: str | None,
    secret_file: Path | None,
    ask: bool,
    json_: bool,
    **options: Any,
) -> None:
    """Open a source that waits, after reading it once (authority)."""
    secret = read_secret(secret_env, secret_file, ask=ask)
    tell(office.perform("source.open", name=name, secret=secret, **options), json_=json_)


for _command in COMMANDS:
    source.add_command(_command)


@click.group()
def resource() -> None:
    """Resources: tables and interfaces that departments register."""


for _command in (register_file, *loads.COMMANDS, *entries.COMMANDS):
    resource.add_command(_command)


@resource.command("register")
@click.argument("source_name")
@click.argument("table")
@click.option("--code", required=True, help="Resource code, kept for ever.")
@click.option("--name", help="Chinese title; the table's name otherwise.")
@click.option("--key-column", help="Column of the key, or its pointer in a record.")
@click.option("--update-days", type=int, help="How many days old its rows may be.")
@choosing
@click.option("--conditions", help="Who may have it and for what; a conditional resource says it.")
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    type=click.Choice(PURPOSES),
    default=PURPOSES,
    help="Use that it may be put to; repeatable, every use otherwise.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    help="Item by which the list of an unconditional resource is filtered and ordered; repeatable.",
)
@click.option(
    "--unique", help="Item that no two records share; the key where there is one record each."
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file that maps the items to an e-certificate: type_code, type_name, roles, statuses.",
)
@click.option("--keyword", "keywords", multiple=True, help="Keyword; repeatable.")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    help="Department that may have conditional data; repeatable, any whose duties need it otherwise.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    type=click.Choice([one.value for one in SharingMethod]),
    help="How it is handed over; repeatable, by interface otherwise.",
)
@click.option(
    "--update-cycle",
    type=click.Choice([one.value for one in UpdateCycle]),
    help="How often it is updated.",
)
@click.option(
    "--metadata",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with further members of the entry (docs/publishing.md): contact, openness, items …",
)
@click.option("--edit", is_flag=True, help="Open the suggestion in your editor first.")
@click.option("--dry-run", is_flag=True, help="Only show what would be drafted.")
@as_json
@with_office
def register(
    office: Office,
    source_name: str,
    table: str,
    code: str,
    name: str | None,
    key_column: str | None,
    conditions: str | None,
    purposes: tuple[str, ...],
    update_days: int | None,
    filters: tuple[str, ...],
    unique: str | None,
    certificate: Path | None,
    keywords: tuple[str, ...],
    recipients: tuple[str, ...],
    methods: tuple[str, ...],
    update_cycle: str | None,
    metadata: Path | None,
    edit: bool,
    dry_run: bool,
    json_: bool,
    **options: Any,
) -> None:
    """Look at a table, or at an operation that a service describes, and draft the resource.

    Class, sensitivity and subject of each item are suggested.
    """
    seen = office.perform(
        "resource.reflect",
        source=source_name,
        table=table,
        code=code,
        key=key_column,
        choices=read_choices(key_item=key_column, **options),
    )
    drafted = seen["resource"]
    drafted["update_days"] = update_days
    drafted["purposes"] = list(purposes)
    if name:
        drafted["name"] = name
    if conditions:
        drafted["conditions"] = conditions
    if filters or unique:
        _make_listable(drafted, filters, unique)
    if certificate is not None:
        _certify(drafted, certificate)
    told = {"keywords": keywords, "recipients": recipients, "methods": methods}
    drafted |= {name: list(given) for name, given in told.items() if given}
    if update_cycle is not None:
        drafted["update_cycle"] = update_cycle
        if update_days is None:
            drafted["update_days"] = CYCLE_DAYS.get(UpdateCycle(update_cycle))
    if metadata is not None:
        _describe(drafted, metadata)
    if edit:
        text = msgspec.json.format(msgspec.json.encode(drafted)).decode()
        edited = click.edit(text, extension=".json")
        if edited is None:
            raise click.ClickException("nothing was saved in the editor, nothing is drafted")
        drafted = msgspec.json.decode(edited)
    said: dict[str, Any] = {} if dry_run else office.perform("resource.draft", resource=drafted)
    if json_:
        tell({"resource": drafted, **said}, json_=True)
        return
    shown = ("name", "title", "type", "sharing_class", "level", "mask", "subject", "key", "match")
    tell(
        [{name: item[name] for name in shown} for item in drafted["items"]],
        json_=False,
        title=f"{code} {drafted['name']}: {drafted['sharing_class']}",
    )
    if seen["skipped"]:
        tell(seen["skipped"], json_=False, title="no items")
    tell(said or "nothing was drafted (--dry-run)", json_=False)


def _make_listable(drafted: dict[str, Any], filters: tuple[str, ...], unique: str | None) -> None:
    """Mark the items of a list, which may then be compared by whoever is granted that."""
    for item in drafted["items"]:
        if item["name"] in {*filters, unique}:
            item["match"] = True
    drafted["listing"] = {"items": list(filters), "unique": unique}


def _describe(drafted: dict[str, Any], file: Path) -> None:
    """Take further members from a file; `items` there is an object of members by the item's name."""
    try:
        told = msgspec.json.decode(file.read_bytes(), type=dict[str, Any], strict=True)
        by_name = msgspec.convert(told.pop("items", {}), type=dict[str, dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"{file}: no metadata of an entry: {error}") from error
    unknown = sorted(set(by_name) - {item["name"] for item in drafted["items"]})
    if unknown:
        raise click.ClickException(f"{file}: no items {', '.join(unknown)}")
    drafted |= told
    drafted["items"] = [item | by_name.get(item["name"], {}) for item in drafted["items"]]


def _certify(drafted: dict[str, Any], file: Path) -> None:
    """Take the mapping from its file; records then stand by the status and last day that it names."""
    try:
        mapping = msgspec.json.decode(file.read_bytes(), type=CertificateMapping, strict=True)
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"{file}: no mapping of a certificate: {error}") from error
    drafted["certificate"] = msgspec.to_builtins(mapping)
    drafted["validity"] = {
        "status_item": mapping.roles.get("status"),
        "valid_words": [word for word, meant in mapping.statuses.items() if meant == "valid"],
        "until_item": mapping.roles.get("validUntil"),
    }


def _step(verb: str, text: str) -> click.Command:
    @resource.command(verb, help=text)
    @click.argument("code")
    @as_json
    @with_office
    def step(office: Office, code: str, json_: bool) -> None:
        tell(office.perform(f"resource.{verb}", code=code), json_=json_)

    return step


_step("submit", "Sign off a draft as head of the department and send it to the authority.")
_step("announce", "Announce a submitted resource to all departments (authority).")


@resource.command("show")
@click.argument("code")
@click.option("--prepared", is_flag=True, help="The revision that is being prepared instead.")
@as_json
@with_office
def show_resource(office: Office, code: str, prepared: bool, json_: bool) -> None:
    """Show a resource with its items."""
    tell(office.perform("resource.show", code=code, prepared=prepared), json_=json_)


@resource.command("check")
@click.argument("code")
@as_json
@with_office
def check(office: Office, code: str, json_: bool) -> None:
    """Say what announcing a draft would break: items, grants and trusted documents."""
    said = office.perform("resource.check", code=code)
    if json_:
        tell(said, json_=True)
    elif not said["breaks"]:
        tell("nothing that was announced before breaks", json_=False)
    else:
        tell(said["breaks"], json_=False, title=f"{code}: breaks against revision {said['before']}")
        tell(said["grants"] or "no grant rests on it", json_=False, title="grants")
    if said["breaks"]:
        raise SystemExit(1)


@resource.command("list")
@click.option("--department")
@click.option(
    "--state", type=click.Choice(["draft", "returned", "submitted", "announced", "withdrawn"])
)
@spanned
@as_json
@with_office
def list_resources(office: Office, json_: bool, **wanted: Any) -> None:
    """List announced resources and your own drafts."""
    tell_page(office.perform("resource.list", **wanted), json_=json_, title="resources")


def read_secret(variable: str | None, file: Path | None, *, ask: bool) -> str | None:
    """Return a secret from where the command said; None where it said nothing: the source asks for none."""
    if variable is not None:
        value = environment().get(variable)
        if value is None:
            raise click.UsageError(f"--secret-env: {variable} is not set")
        return value
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    return click.prompt("secret", hide_input=True) if ask else None
