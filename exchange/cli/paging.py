"""Carries an act out page by page, for who waits at the terminal, and adds the pages up."""

import sys
from typing import Any

from rich.console import Console
from rich.progress import Progress

from exchange.cli.office import Office
from exchange.jobs.errands import Fold, Said


def page_by_page(office: Office, act: str, fold: Fold, *, what: str, **arguments: Any) -> Said:
    """Return what all pages said as one, with a bar where somebody looks on."""
    console = Console(stderr=True)
    said: Said | None = None
    place: Said = {}
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(what, total=None)
        while True:
            turn = fold(said, office.perform(act, **arguments, **place))
            progress.update(bar, total=turn.total, completed=turn.done)
            if turn.place is None:
                return turn.said
            said, place = turn.said, turn.place
