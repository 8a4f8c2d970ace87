"""Commands on entries beyond their registration: one source per item, checks, history, withdrawals."""

import hashlib
from pathlib import Path

import click

from catalogue.examination import CheckKind, Conclusion, ReturnCode
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell


@click.command("collisions")
@as_json
@with_office
def collisions(office: Office, json_: bool) -> None:
    """List items that another department registered, too, and that wait for the authority's word."""
    rows = office.perform("item.collisions")
    if json_:
        tell(rows, json_=True)
        return
    lines = [
        {"meaning": row["meaning"], "title": row["title"], **holder}
        for row in rows
        for holder in row["holders"]
    ]
    tell(lines or "no item waits for its source", json_=False, title="items with several sources")


@click.command("designate")
@click.argument("meaning")
@click.option("--department", required=True, help="Code of the department that is the source.")
@click.option("--reason", required=True, help="Why it is; kept sealed.")
@as_json
@with_office
def designate(office: Office, meaning: str, department: str, reason: str, json_: bool) -> None:
    """Say which department is the source of an item, by its meaning in `collisions` (authority)."""
    tell(
        office.perform("item.designate", meaning=meaning, department=department, reason=reason),
        json_=json_,
    )


@click.command("sources")
@as_json
@with_office
def designated(office: Office, json_: bool) -> None:
    """List the designated sources of items."""
    tell(office.perform("item.sources"), json_=json_, title="sources of items")


@click.command("examine")
@click.argument("code")
@click.option(
    "--kind",
    type=click.Choice([*CheckKind]),
    required=True,
    help="The check for secrets, or the assessment of personal information.",
)
@click.option("--conclusion", type=click.Choice([*Conclusion]), required=True)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The file with the conclusion: its SHA-256 is kept, the file stays with you.",
)
@click.option("--words", default="", help="What was found; needed unless it is clear.")
@as_json
@with_office
def examine(office: Office, code: str, file: Path, json_: bool, **told: str) -> None:
    """Keep what came of a check of a draft; nothing is signed without them."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    said = office.perform("resource.examine", code=code, file=file.name, digest=digest, **told)
    tell(said, json_=json_)


@click.command("return")
@click.argument("code")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    required=True,
    metavar="CODE[:ITEM]=TEXT",
    help=f"Repeatable; name all of them at once. Codes: {', '.join(ReturnCode)}.",
)
@as_json
@with_office
def give_back(office: Office, code: str, reasons: tuple[str, ...], json_: bool) -> None:
    """Give a draft (its head) or a signed entry (the authority) back for correction."""
    told = [_reason(one) for one in reasons]
    tell(office.perform("resource.return", code=code, reasons=told), json_=json_)


def _reason(text: str) -> dict[str, str]:
    head, mark, said = text.partition("=")
    code, _, about = head.partition(":")
    if not mark or code not in set(ReturnCode):
        raise click.BadParameter(
            f"{text!r}: CODE[:ITEM]=TEXT needed, CODE one of {', '.join(ReturnCode)}"
        )
    return {"code": code, "about": about, "text": said}


@click.command("history")
@click.argument("code")
@as_json
@with_office
def history(office: Office, code: str, json_: bool) -> None:
    """List the announced revisions of an entry, newest first."""
    said = office.perform("resource.history", code=code)
    if json_:
        tell(said, json_=True)
    else:
        tell(said["rows"] or "never announced", json_=False, title=f"{code} {said['name']}")


@click.command("diff")
@click.argument("code")
@click.option("--older", type=int, help="Number of a revision; the one announced before otherwise.")
@click.option("--newer", type=int, help="Number of a revision; the entry as it stands otherwise.")
@as_json
@with_office
def diff(office: Office, code: str, json_: bool, **which: int | None) -> None:
    """Say what differs between two revisions; the exit code is 1 where anything does."""
    said = office.perform("resource.diff", code=code, **which)
    if json_:
        tell(said, json_=True)
    elif not said["changes"]:
        tell("nothing differs", json_=False)
    else:
        lines = [
            {
                "item": one["title"],
                "member": f"{one['words']['zh']} {one['words']['en']}"
                if one["member"]
                else one["kind"],
                "was": one["was"],
                "becomes": one["becomes"],
            }
            for one in said["changes"]
        ]
        tell(lines, json_=False, title=f"{code}: revision {said['older']} to {said['newer']}")
    if said["changes"]:
        raise SystemExit(1)


@click.command("restore")
@click.argument("code")
@click.argument("revision", type=int)
@as_json
@with_office
def restore(office: Office, code: str, revision: int, json_: bool) -> None:
    """Draft an older revision's content anew; once announced it is a new revision."""
    tell(office.perform("resource.restore", code=code, revision=revision), json_=json_)


COMMANDS = (
    collisions,
    designate,
    designated,
    examine,
    give_back,
    history,
    diff,
    restore,
)
