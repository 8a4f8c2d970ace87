"""`exchange policy replay`, `simulate`, `who-can`: what was decided, and what would have been."""

import hashlib
import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from exchange.cli.audit_shards import SHARD
from exchange.cli.office import Office, with_office
from exchange.cli.paging import page_by_page
from exchange.cli.say import as_json, tell
from exchange.clock import now
from exchange.jobs.errands import replayed
from policies.bundle import ROOTS, build, compose, default_bundle, load_directory
from policies.engine import LoadError
from policies.simulate import Row, together

FAR = 30 * 86_400
_AGO = re.compile(r"([1-9][0-9]{0,4})([dh])")
_UNITS = {"d": "days", "h": "hours"}

since_option = click.option(
    "--since",
    help="30d, 12h, or a date: where the time begins; 30d otherwise, of a frozen shard its begin.",
)
until_option = click.option("--until", help="7d, 12h, or a date: where it ends; now otherwise.")


@click.command
@since_option
@until_option
@click.option("--entry", type=int, help="Only the call of this entry.")
@SHARD
@as_json
@with_office
def replay(
    office: Office,
    since: str | None,
    until: str | None,
    entry: int | None,
    shard: str | None,
    json_: bool,
) -> None:
    """Decide recorded questions again, under their recorded revision, and compare the answers."""
    asked: dict[str, Any] = {"shard": shard}
    asked |= {"entry": entry} if entry is not None else _time(office, since, until, shard=shard)
    said = page_by_page(office, "policy.replay", replayed, what="replaying", **asked)
    seconds = said.pop("seconds")
    said["replay_per_s"] = _rate(said["calls"], seconds)
    if json_:
        tell(said, json_=True)
    else:
        _tell_replay(said)
    if not said["holds"]:
        raise SystemExit(1)


@click.command
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@since_option
@until_option
@SHARD
@as_json
@with_office
def simulate(
    office: Office,
    bundle: Path,
    since: str | None,
    until: str | None,
    shard: str | None,
    json_: bool,
) -> None:
    """Decide recorded questions under BUNDLE, an archive or a folder of modules: what would change."""
    asked: dict[str, Any] = {"bundle": b64encode(_candidate(bundle)).decode(), "shard": shard}
    asked |= _time(office, since, until, shard=shard)
    pages = list(_pages(office, "policy.simulate", asked, what="simulating"))
    said = _added(pages, "calls", "changed", "wider", "narrower", "unanswered", "unreadable")
    rows = msgspec.convert([row for page in pages for row in page["rows"]], list[Row])
    said |= {
        "candidate": pages[-1]["candidate"],
        "rows": msgspec.to_builtins(together(rows)),
        "lost": [one for page in pages for one in page["lost"]],
    }
    if json_:
        tell(said, json_=True)
    else:
        _tell_simulation(said)


@click.command("who-can")
@click.argument("resource")
@click.option("--item", help="Only this item.")
@as_json
@with_office
def who_can(office: Office, resource: str, item: str | None, json_: bool) -> None:
    """Who can see RESOURCE now, for which matters, masked how, until when: asked of the policy."""
    said = office.perform("policy.who-can", resource=resource, item=item)
    if json_:
        tell(said, json_=True)
        return
    tell(said["sights"], json_=False, title="sights")
    click.echo(f"{len(said['sights'])} ways to see it, under {said['revision']}")


def _pages(
    office: Office, act: str, asked: dict[str, Any], *, what: str
) -> Iterator[dict[str, Any]]:
    """Carry out an act page by page, with a bar where somebody looks on."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(what, total=None)
        place: dict[str, Any] = {}
        first = None
        while True:
            page = office.perform(act, **asked, **place)
            first = page["first"] if first is None else first
            done = page["end"] if page["next"] is None else page["next"]
            progress.update(bar, total=page["end"] - first, completed=done - first)
            yield page
            if page["next"] is None:
                return
            place = {"after": page["next"], "end": page["end"]}


def _added(pages: list[dict[str, Any]], *names: str) -> dict[str, Any]:
    """Add up the pages' counts; the rate is null where nothing was there to be decided."""
    seconds = sum(page["seconds"] for page in pages)
    said: dict[str, Any] = {name: sum(page[name] for page in pages) for name in names}
    rate = _rate(said["calls"], seconds)
    return {"first": pages[0]["first"], "end": pages[-1]["end"], **said, "replay_per_s": rate}


def _rate(calls: int, seconds: float) -> float | None:
    return round(calls / seconds, 1) if calls and seconds else None


def _tell_replay(said: dict[str, Any]) -> None:
    for one in said["differing"]:
        click.echo(f"entry {one['index']} differs (revision {one['revision']}):")
        for part in one["differences"]:
            click.echo(f"  {part['path'] or '/'}: {part['recorded']} → {part['replayed']}")
    for one in said["lost"]:
        click.echo(f"entry {one['index']} cannot be replayed: {one['why']}")
    for revision, count in said["without_bundle"].items():
        click.echo(f"{count} calls of revision {revision}: its bundle is not kept here")
    if said["unanswered"]:
        click.echo(f"{said['unanswered']} calls were refused because no engine answered then")
    rate = f", {said['replay_per_s']:g} a second" if said["replay_per_s"] else ""
    click.echo(f"entries {said['first']} to {said['end']}: {said['calls']} calls{rate}")
    click.echo(f"{said['equal']} equal, {said['different']} different")
    click.echo("holds" if said["holds"] else "DOES NOT HOLD")


def _tell_simulation(said: dict[str, Any]) -> None:
    shown = ("change", "department", "matter", "resource", "item", "rule", "detail", "count")
    if said["rows"]:
        rows = [
            {name: row[name] for name in shown}
            | {"entries": " ".join(str(index) for index in row["examples"])}
            for row in said["rows"]
        ]
        tell(rows, json_=False, title=f"under {said['candidate']}")
    for one in said["lost"]:
        click.echo(f"entry {one['index']} cannot be simulated: {one['why']}")
    click.echo(
        f"{said['calls']} calls, {said['changed']} would change: "
        f"{said['wider']} wider, {said['narrower']} narrower"
    )
    if not said["rows"]:
        click.echo("no decision would change")


def _time(
    office: Office, since: str | None, until: str | None, *, shard: str | None
) -> dict[str, Any]:
    zone = ZoneInfo(office.settings.zone)
    begin = since if since is not None or shard is not None else "30d"
    return {
        "since": None if begin is None else _moment(begin, zone=zone).isoformat(),
        "until": None if until is None else _moment(until, zone=zone).isoformat(),
    }


def _moment(text: str, *, zone: ZoneInfo) -> datetime:
    """Read `30d`, `12h`, a date or a time; where no zone is said, it is the exchange's own."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is no time: 30d, 12h, 2026-11-01 needed") from error
    return read if read.tzinfo is not None else read.replace(tzinfo=zone)


def _candidate(path: Path) -> bytes:
    """Return a candidate's archive: a file as it is, a folder with a manifest, or modules alone.

    Modules alone are put together with the packaged reference data, under a revision of their content.
    """
    if path.is_file():
        return path.read_bytes()
    if (path / ".manifest").exists():
        return build(load_directory(path))
    modules = {
        file.relative_to(path).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(path.rglob("*.rego"))
        if not file.name.endswith("_test.rego")
    }
    if not any(name.split("/")[0] in ROOTS for name in modules):
        raise LoadError(f"{path} holds no modules under {' or '.join(ROOTS)}")
    digest = hashlib.sha256(json.dumps(modules, sort_keys=True).encode()).hexdigest()[:16]
    expires = int(now().timestamp()) + FAR
    shipped = default_bundle(expires=expires)
    return build(compose(modules, shipped.data, revision=f"candidate-{digest}", expires=expires))
