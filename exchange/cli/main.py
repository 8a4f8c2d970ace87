"""The group of commands; each noun's module is imported only when it is used."""

import importlib
from typing import Any

import click

# noun → (module, one line of help): `exchange --help` imports none of them.
NOUNS = {
    "init": ("home", "make an exchange home with keys and its first officers"),
    "serve": ("home", "serve the exchange"),
    "demo": ("demo", "tell the building-permit story in a fictional district, then serve"),
    "doctor": ("home", "look the home over and say what is wrong"),
    "department": ("catalogue", "departments"),
    "officer": ("catalogue", "officers and their keys"),
    "system": ("catalogue", "systems, invitations and keys"),
    "matter": ("catalogue", "matters"),
    "source": ("catalogue", "where departments' data is read"),
    "resource": ("catalogue", "data resources"),
    "request": ("sharing", "ask for data, sign off, refuse"),
    "grant": ("sharing", "agree, suspend, resume, revoke"),
    "import-district": ("district", "import a district's departments and matters"),
    "call": ("call", "send one governed query"),
    "audit": ("audit", "search the log, prove, verify"),
    "policy": ("policy", "lint, test and try the policy"),
    "docs": ("docs", "generate documentation"),
}


class LazyGroup(click.Group):
    """Lists the nouns from a table and imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in NOUNS:
            return None
        module = importlib.import_module(f"exchange.cli.{NOUNS[cmd_name][0]}")
        command: Any = getattr(module, cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(noun, text) for noun, (_module, text) in NOUNS.items()])


@click.command(cls=LazyGroup)
@click.version_option(package_name="district-data-exchange")
def main() -> None:
    """Share government data between departments: with a reason, a right and a trace."""
