"""`exchange audit reconcile`: other people's counts against the log."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.files.model import Choices, Findings, TroubleError
from exchange.files.opening import opened

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_CALL = ("call", "调用编号")
_AT = ("at", "时间")
_CASE = ("case", "办件编号")


@click.command("reconcile")
@click.argument("counts", type=FILE)
@click.option("--source", help="The source whose own log COUNTS is: columns call and at.")
@click.option(
    "--cases", "system", help="The system whose own list of cases COUNTS is: column case."
)
@as_json
@with_office
def reconcile(
    office: Office, counts: Path, source: str | None, system: str | None, json_: bool
) -> None:
    """Hold COUNTS, a count of one's own, against the log, and name what was seen that the log has not."""
    if (source is None) == (system is None):
        raise click.UsageError("either --source or --cases: whose count is it?")
    if source is not None:
        calls, times = _seen(counts, zone=ZoneInfo(office.settings.zone))
        said = office.perform("audit.reconcile-source", source=source, calls=calls, times=times)
    else:
        numbers = [cells[0] for _, cells in _rows(counts, (_CASE,)) if cells[0]]
        said = office.perform("audit.reconcile-cases", system=system, numbers=numbers)
    if json_:
        tell(said, json_=True)
    else:
        _tell(said)
    if not said["holds"]:
        raise SystemExit(1)


def _tell(said: Mapping[str, Any]) -> None:
    for name, count in said["counts"].items():
        tell(said[name], json_=False, title=name.replace("_", " "))
        if count > len(said[name]):
            click.echo(f"{name}: {count - len(said[name])} more")
    click.echo("holds" if said["holds"] else "DOES NOT HOLD")


def _seen(path: Path, *, zone: ZoneInfo) -> tuple[list[str], list[int]]:
    calls, times = [], []
    for row, (call, at) in _rows(path, (_CALL, _AT)):
        calls.append(call)
        times.append(_milliseconds(at, zone=zone, where=f"{path}: row {row}"))
    return calls, times


def _milliseconds(text: str, *, zone: ZoneInfo, where: str) -> int:
    """Read a time as ISO 8601; without an offset it is that of the exchange's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"{where}: not a time: {text[:40]!r}") from error
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return int(aware.timestamp() * 1000)


def _rows(path: Path, columns: Sequence[Sequence[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield row number and wanted cells; a file is read in whatever encoding it turns out to be."""
    try:
        with opened(path.read_bytes(), Choices(), Findings()) as file:
            lines = iter(file.lines)
            header = next(lines, None)
            titles = [] if header is None else [cell.strip() for cell in header.cells]
            places = [_place(titles, names, path=path) for names in columns]
            for line in lines:
                cells = [cell.strip() for cell in line.cells]
                if any(cells):
                    wanted = [cells[at] if at < len(cells) else "" for at in places]
                    yield line.number, wanted
    except TroubleError as error:
        raise click.UsageError(f"{path}: {error.trouble.value}, row {error.row}") from error


def _place(titles: Sequence[str], names: Sequence[str], *, path: Path) -> int:
    for at, title in enumerate(titles):
        if title.lower() in names:
            return at
    raise click.UsageError(f"{path}: a column {' or '.join(names)} needed in the first row")
