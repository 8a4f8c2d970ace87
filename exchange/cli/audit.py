"""`exchange audit`: search the log, prove entries, verify receipts, the log and the registry."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from audit import verify as verifier
from exchange.cli.audit_keeping import archive, erase, hold
from exchange.cli.audit_keys import acknowledge_rollback, retire_key, rotate_key
from exchange.cli.audit_proofs import evidence, export
from exchange.cli.audit_reconcile import reconcile
from exchange.cli.audit_review import review
from exchange.cli.audit_shards import SHARD, job, shard
from exchange.cli.audit_witness import witness
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.keylist import told_keys

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def audit() -> None:
    """The log: who asked for what, why, and what was given. Every read is itself recorded."""


for _command in (
    export,
    evidence,
    reconcile,
    witness,
    erase,
    hold,
    archive,
    review,
    rotate_key,
    retire_key,
    acknowledge_rollback,
    shard,
    job,
):
    audit.add_command(_command)


@audit.command("search")
@click.option("--case", help="Case number.")
@click.option("--department", help="Code of a consumer or provider.")
@click.option("--consumer", help="Code of the department that asked or acted.")
@click.option("--system")
@click.option("--officer", help="Id or staff number of whoever asked or acted.")
@click.option("--resource", help="Resource code.")
@click.option("--item", help="Name of an item; it needs --resource.")
@click.option("--matter", help="Code of a matter.")
@click.option(
    "--decision", help="given, partly-given, disputed, not-found, refused or unavailable."
)
@click.option("--code", help="Code of a refusal, such as SUBJECT_NOT_PARTY.")
@click.option("--kind", help="Kind of entry, such as call or grant.revoked.")
@click.option("--subject", nargs=2, help="TYPE IDENTIFIER, such as enterprise 91….")
@click.option("--since", type=click.DateTime(), help="From when on.")
@click.option("--until", type=click.DateTime(), help="Until before when.")
@click.option(
    "--counts", is_flag=True, help="Count what is found by department, outcome and so on."
)
@click.option("--first", default=20, help="Rows on a page, at most 1,000.")
@click.option("--after", nargs=2, type=int, help="What the page before gave as next.")
@click.option("--review", help="Id of a review that you carry out: its scope alone.")
@SHARD
@as_json
@with_office
def search(
    office: Office,
    subject: tuple[str, str] | None,
    after: tuple[int, int] | None,
    since: datetime | None,
    until: datetime | None,
    json_: bool,
    **facets: str | int | None,
) -> None:
    """Search the log, newest first: your department's calls, or all for an auditor."""
    page = office.perform(
        "audit.search",
        **facets,
        subject=list(subject) if subject else None,
        after=list(after) if after else None,
        since=_here(office, since),
        until=_here(office, until),
    )
    if json_:
        tell(page, json_=True)
        return
    tell(page["entries"], json_=False, title="entries")
    if page["next"]:
        click.echo(f"more: --after {page['next'][0]} {page['next'][1]}")
    for name, values in (page["counts"] or {"by": {}})["by"].items():
        for value, held in values.items():
            click.echo(f"{name} {value}: {held}")
    if page["numbers"]:
        _tell_numbers(page["numbers"])


@audit.command("find")
@click.argument("preset", required=False)
@click.option("--since", type=click.DateTime(), help="From when on; the last days otherwise.")
@click.option("--until", type=click.DateTime(), help="Until before when; now otherwise.")
@click.option("--review", "review_id", help="Id of a review that you carry out: its scope alone.")
@SHARD
@as_json
@with_office
def find(
    office: Office,
    preset: str | None,
    since: datetime | None,
    until: datetime | None,
    review_id: str | None,
    shard: str | None,
    json_: bool,
) -> None:
    """Carry out PRESET, such as refusal-bursts or closed-cases; without one, list them all.

    What a preset finds is where to look twice, and no verdict.
    """
    if preset is None:
        tell(office.perform("audit.presets"), json_=json_, title="presets")
        return
    said = office.perform(
        "audit.find",
        preset=preset,
        since=_here(office, since),
        until=_here(office, until),
        review=review_id,
        shard=shard,
    )
    if json_:
        tell(said, json_=True)
    else:
        _tell_found(said)


@audit.command("show")
@click.argument("index", type=int)
@click.option("--review", "review_id", help="Id of a review that you carry out.")
@SHARD
@as_json
@with_office
def show(office: Office, index: int, review_id: str | None, shard: str | None, json_: bool) -> None:
    """Show one entry with its proof."""
    said = office.perform("audit.show", index=index, review=review_id, shard=shard)
    tell(said, json_=json_)


@audit.command("prove")
@click.argument("index", type=int)
@click.option("--out", type=click.Path(path_type=Path), help="Write a C2SP .tlog-proof file.")
@SHARD
@as_json
@with_office
def prove(office: Office, index: int, out: Path | None, shard: str | None, json_: bool) -> None:
    """Prove that an entry is in the log."""
    proof = office.perform("audit.prove", index=index, shard=shard)
    if out is not None:
        out.write_text(proof["tlog_proof"], encoding="utf-8")
    tell(proof, json_=json_)


@audit.command("fsck")
@click.option("--registry", is_flag=True, help="Check the registry's rows against the log.")
@SHARD
@as_json
@with_office
def fsck(office: Office, registry: bool, shard: str | None, json_: bool) -> None:
    """Check the stored log and what lies beside it, or with --registry every protected row."""
    if registry:
        if shard is not None:
            raise click.UsageError("--registry goes without --shard: rows stand in the newest")
        _checked(office, "audit.fsck-registry", json_=json_)
    else:
        _checked(office, "audit.fsck", json_=json_, shard=shard)


@audit.command("verify")
@click.argument("receipt", type=FILE, required=False)
@click.option("--answer", type=FILE, help="The answer as received.")
@click.option("--request", type=FILE, help="The request body as sent.")
@click.option("--vkey", multiple=True, help="Key of the log; this home's otherwise.")
@click.option("--witness", multiple=True, help="Key of a witness that you trust.")
@click.option("--log", "log_", is_flag=True, help="Verify the whole stored log instead.")
@as_json
@with_office
def verify(
    office: Office,
    receipt: Path | None,
    answer: Path | None,
    request: Path | None,
    vkey: tuple[str, ...],
    witness: tuple[str, ...],
    log_: bool,
    json_: bool,
) -> None:
    """Verify RECEIPT offline: is this what was given? Or the whole log with --log."""
    if log_:
        _checked(office, "audit.verify-log", json_=json_)
        return
    if receipt is None:
        raise click.UsageError("a receipt file, or --log")
    keys = vkey or _home_keys(office)
    arguments = [str(receipt), *(part for key in keys for part in ("--vkey", key))]
    arguments += [part for key in witness for part in ("--witness", key)]
    arguments += ["--answer", str(answer)] if answer else []
    arguments += ["--request", str(request)] if request else []
    raise SystemExit(verifier.main([*arguments, *(["--json"] if json_ else [])]))


@audit.command("key")
@as_json
@with_office
def key(office: Office, json_: bool) -> None:
    """Print the log's public key, for verifiers elsewhere."""
    told = _home_keys(office)[0].split(" ")[0]
    tell({"vkey": told} if json_ else told, json_=json_)


def _checked(office: Office, act: str, *, json_: bool, **arguments: Any) -> None:
    said = office.perform(act, **arguments)
    if json_:
        tell(said, json_=True)
    else:
        tell(said["findings"], json_=False, title="findings")
        click.echo("holds" if said["holds"] else "DOES NOT HOLD")
    if not said["holds"]:
        raise SystemExit(1)


def _tell_numbers(said: dict[str, Any]) -> None:
    """Say whether the numbers of one system or resource run without a gap."""
    span = "none" if said["first"] is None else f"{said['first']}-{said['last']}"
    click.echo(f"numbers of {said['counter']}: {span}, {said['count']} of them")
    for lower, upper in said["gaps"]:
        click.echo(f"MISSING: {lower}-{upper}")
    for name in ("unopened", "disordered"):
        for index in said[name]:
            click.echo(f"{name.upper()}: entry {index}")


def _tell_found(said: dict[str, Any]) -> None:
    click.echo(said["why"])
    for rule in said["rules"]:
        click.echo(f"{rule['id']}: {rule['value']} {rule['unit']} ({rule['citation']})")
    if said["found"]:
        tell(said["found"], json_=False, title=said["title"])
    elif said["whole"]:
        click.echo(said["nothing"])
    if said["more"]:
        click.echo(f"{said['more']} more: name a shorter time")
    if not said["whole"]:
        click.echo(f"NOT WHOLE: {said['looked_at']} rows looked at; name a shorter time")


def _here(office: Office, moment: datetime | None) -> datetime | None:
    """Read a moment in the time zone of the exchange."""
    return None if moment is None else moment.replace(tzinfo=ZoneInfo(office.settings.zone))


def _home_keys(office: Office) -> tuple[str, ...]:
    keys = told_keys(office.settings.home)
    if not keys:
        raise click.UsageError("--vkey: no home here holds the log's key")
    return keys
