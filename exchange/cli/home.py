"""`exchange init`, `serve` and `doctor`: making a home, serving it, looking it over."""

from pathlib import Path

import click

from catalogue import codes
from catalogue.model import Actor, Department, Role
from catalogue.service import NewOfficer
from exchange import loops
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
from exchange.home import OFFICERS, check_home, locked, write_private
from exchange.identity.keys import create_private_key, private_pem, public_der
from exchange.node import create_home, open_node, opened
from exchange.serving import serve_alone
from exchange.settings import environment, read_settings

HOME = click.option(
    "--home", type=click.Path(path_type=Path), help="The home; else $EXCHANGE_HOME."
)


@click.command()
@HOME
@click.option("--department-code", required=True, help="Code of the department that runs the node.")
@click.option("--department-name", required=True)
@click.option("--region", default="", help="Region code (GB/T 2260).")
@click.option("--staff-number", required=True, help="Of the first administrator.")
@click.option("--name", required=True, help="Of the first administrator.")
@as_json
def init(
    home: Path | None,
    department_code: str,
    department_name: str,
    region: str,
    staff_number: str,
    name: str,
    json_: bool,
) -> None:
    """Make a home: folders, keys, databases, the first department and its administrator's key."""
    with telling():
        settings = read_settings(environment(), home=home)
        vkey = create_home(settings)
        private = create_private_key()
        path = settings.home / OFFICERS / "administrator.pem"
        write_private(path, private_pem(private))
        with locked(settings.home), opened(settings) as node:
            code, kind = codes.department_code(department_code)
            officer, _key = node.registry.bootstrap(
                Department(code=code, code_kind=kind, name=department_name, region=region),
                NewOfficer(
                    department=code,
                    staff_number=staff_number,
                    name=name,
                    post="系统管理员",
                    roles=frozenset({Role.ADMINISTRATOR}),
                ),
                public_key=public_der(private.public_key()),
                by=Actor(auth="bootstrap"),
            )
        said = {
            "home": str(settings.home),
            "log_key": vkey,
            "administrator": officer.id,
            "key": str(path),
        }
        tell(said, json_=json_)


@click.command()
@HOME
@click.option("--host", help="Address to listen on; the settings' otherwise.")
@click.option("--port", type=int, help="Port; the settings' otherwise.")
@click.option("--workers", type=int, default=1, help="Processes; an embedded node is one.")
def serve(home: Path | None, host: str | None, port: int | None, workers: int) -> None:
    """Serve the exchange until interrupted."""
    with telling():
        if workers > 1:
            raise click.UsageError(
                f"--workers {workers} needs PostgreSQL: on SQLite one process holds the log"
            )
        told = {
            **environment(),
            **({"EXCHANGE_HOST": host} if host else {}),
            **({"EXCHANGE_PORT": str(port)} if port else {}),
        }
        settings = read_settings(told, home=home)
        check_home(settings.home)
        with locked(settings.home):
            node = open_node(settings)
            click.echo(f"serving {settings.base_url} from {settings.home} on {loops.NAME}")
            serve_alone(node)


@click.command()
@as_json
@with_office
def doctor(office: Office, json_: bool) -> None:
    """Look the home over: permissions, log, witnesses, policy, registry rows, sources that can be written.

    Exits with 1 where anything is broken.
    """
    check_home(office.settings.home)
    said = office.perform("node.examine")
    tell(said, json_=json_)
    if said["broken"] or said["rows_left_out"] or said["sources"]:
        raise SystemExit(1)
