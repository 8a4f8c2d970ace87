"""`exchange audit export` and `exchange audit evidence`: the log for people outside."""

import sys
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import Progress

from audit.export import Export, Page, Stamped
from audit.note import open_note, parse_vkey
from audit.tiles import parse_bundle
from exchange.cli.audit_shards import SHARD
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.keylist import told_keys

_HASH = 32


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--entries", is_flag=True, help="The entries too; that takes an auditor.")
@click.option("--gzip", "packed", is_flag=True, help="Write entry bundles packed by gzip.")
@SHARD
@as_json
@with_office
def export(
    office: Office, folder: Path, entries: bool, packed: bool, shard: str | None, json_: bool
) -> None:
    """Write the log into FOLDER as static files (C2SP tlog-tiles), going on where it ended before."""
    begun = office.perform("audit.export-begin", shard=shard)
    keys = begun["keys"] if shard is not None else told_keys(office.settings.home)
    if keys:
        open_note(begun["checkpoint"], [parse_vkey(line.split(" ")[0]) for line in keys])
    run = Export.open(folder, origin=begun["origin"], entries=entries, packed=packed)
    began, size = run.first, begun["size"]
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("exporting", total=max(size - began, 0))
        while run.first < size:
            run.take(_page(office, run.first, size=size, entries=entries, shard=shard))
            progress.update(bar, completed=run.first - began)
    stamps = [
        Stamped(note=each["note"], token=b64decode(each["token"])) for each in begun["stamps"]
    ]
    checkpoint = run.finish(begun["checkpoint"], stamped=stamps)
    said: dict[str, Any] = {
        "folder": str(folder),
        "origin": checkpoint.origin,
        "from": began,
        "size": checkpoint.size,
        "entries": entries,
        "stamps": len(stamps),
        "files": run.written,
    }
    tell(said, json_=json_)


@click.command("evidence")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--case", help="Number of a case: all of its calls and acts.")
@click.option("--system", help="All calls of one system.")
@click.option("--resource", help="All calls that concern one resource.")
@click.option("--since", type=click.DateTime(), help="With --system or --resource: from when on.")
@click.option("--until", type=click.DateTime(), help="And until before when.")
@SHARD
@as_json
@with_office
def evidence(
    office: Office,
    out: Path,
    case: str | None,
    system: str | None,
    resource: str | None,
    since: datetime | None,
    until: datetime | None,
    shard: str | None,
    json_: bool,
) -> None:
    """Write OUT, a self-contained evidence bundle: entries, proofs, policies and the verifier."""
    if [case, system, resource].count(None) != 2:
        raise click.UsageError("one of --case, --system and --resource: what is it to be about?")
    if case is not None and (since or until):
        raise click.UsageError(
            "--since and --until go with --system or --resource: a case is whole"
        )
    zone = ZoneInfo(office.settings.zone)
    said = office.perform(
        "audit.evidence",
        case=case,
        system=system,
        resource=resource,
        since=since.replace(tzinfo=zone) if since else None,
        until=until.replace(tzinfo=zone) if until else None,
        shard=shard,
    )
    bundle = b64decode(said.pop("bundle"))
    fresh = out.with_name(f".{out.name}.new")
    fresh.write_bytes(bundle)
    fresh.replace(out)
    tell({"file": str(out), "bytes": len(bundle), **said}, json_=json_)


def _page(office: Office, first: int, *, size: int, entries: bool, shard: str | None) -> Page:
    said = office.perform("audit.export", first=first, size=size, entries=entries, shard=shard)
    leaves = b64decode(said["leaves"])
    bundles = said["bundles"]
    return Page(
        first=said["first"],
        leaves=[leaves[at : at + _HASH] for at in range(0, len(leaves), _HASH)],
        bodies=None
        if bundles is None
        else [body for bundle in bundles for body in parse_bundle(b64decode(bundle))],
    )
