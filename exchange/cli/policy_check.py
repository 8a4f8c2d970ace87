"""`exchange policy check`: all that an author wants to know before a rule is proposed, in one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from exchange.cli.policy_measure import covered, least_option
from exchange.cli.policy_rules import Checked, folder_argument, layout, linted, tested
from exchange.cli.say import as_json, tell


@click.command
@folder_argument
@least_option
@as_json
def check(folder: Path | None, least: float, json_: bool) -> None:
    """Lint, fmt --check, test and coverage of FOLDER's modules, or the packaged ones, in this order.

    Each prints what it prints alone; the first that fails is the last that is run. As JSON they are
    members of one object, null where they were not run.
    """
    checks: dict[str, Callable[[], Checked]] = {
        "lint": lambda: linted(folder),
        "fmt": lambda: layout((folder,) if folder else (), write=False),
        "test": lambda: tested(folder),
        "coverage": lambda: covered(folder, least=least),
    }
    said: dict[str, Any] = dict.fromkeys(checks)
    holds = True
    for name, run in checks.items():
        checked = run()
        said[name], holds = checked.said, checked.holds
        if not json_:
            checked.print_lines()
        if not holds:
            break
    if json_:
        tell(said, json_=True)
    if not holds:
        raise SystemExit(1)
