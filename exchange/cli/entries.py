"""Commands on entries beyond their registration: one source per item, checks, history, withdrawals."""

import hashlib
from pathlib import Path
from typing import Any

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
    type=click.Choice([one.value for one in CheckKind]),
    required=True,
    help="The check for secrets, or the assessment of personal information.",
)
@click.option("--conclusion", type=click.Choice([one.value for one in Conclusion]), required=True)
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


@click.command("impact")
@click.argument("code")
@as_json
@with_office
def impact(office: Office, code: str, json_: bool) -> None:
    """List the grants and matters that a withdrawal would hit."""
    _tell_impact(office.perform("resource.impact", code=code), json_=json_)


@click.command("withdraw")
@click.argument("code")
@click.option("--reason", default="", help="Kept sealed.")
@click.option("--yes", is_flag=True, help="Do not show the list of what it hits and ask.")
@as_json
@with_office
def withdraw(office: Office, code: str, reason: str, yes: bool, json_: bool) -> None:
    """Withdraw an announced resource, after showing which grants and matters that hits.

    Every department that is hit gets a notice.
    """
    seen: str | None = None
    if not yes and not json_:
        found = office.perform("resource.impact", code=code)
        _tell_impact(found, json_=False)
        click.confirm("withdraw it?", abort=True)
        seen = found["seen"]
    tell(
        office.perform("resource.withdraw", code=code, reason=reason, seen=seen)
        if json_
        else _short(office.perform("resource.withdraw", code=code, reason=reason, seen=seen)),
        json_=json_,
    )


def _short(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("code", "state", "notified")}


def _tell_impact(found: dict[str, Any], *, json_: bool) -> None:
    if json_:
        tell(found, json_=True)
        return
    tell(found["grants"] or "no grant rests on it", json_=False, title="grants")
    tell(found["matters"] or "no matter rests on it", json_=False, title="matters")


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


@click.command("register-upstream")
@click.argument("code")
@click.option("--name", required=True, help="Chinese title.")
@click.option("--name-en", default="", help="English title.")
@click.option("--holder", required=True, help="Who above holds it.")
@click.option("--way", "way_to_ask", required=True, help="How it is asked for there.")
@click.option("--letter", default="", help="Number of the letter by which it was asked for.")
@click.option("--item", "items", multiple=True, required=True, help="Title of an item; repeatable.")
@click.option(
    "--key-item",
    help="Title of the item by which a record is asked for; the first otherwise.",
)
@click.option("--abstract", default="", help="What it holds, in words.")
@click.option(
    "--conditions", default="", help="Who may have it and for what; its holder decides otherwise."
)
@as_json
@with_office
def register_upstream(
    office: Office,
    code: str,
    items: tuple[str, ...],
    key_item: str | None,
    json_: bool,
    **told: Any,
) -> None:
    """Draft a resource that a body above holds and that is not connected here.

    It is found and asked for like any other, and never served.
    """
    said = office.perform(
        "resource.register-upstream", code=code, items=list(items), key=key_item, **told
    )
    tell(said, json_=json_)


@click.command("drop-revision")
@click.argument("code")
@as_json
@with_office
def drop_revision(office: Office, code: str, json_: bool) -> None:
    """Give up the revision that is being prepared; what is announced stands."""
    tell(office.perform("resource.drop-revision", code=code), json_=json_)


COMMANDS = (
    drop_revision,
    register_upstream,
    collisions,
    designate,
    designated,
    examine,
    give_back,
    impact,
    withdraw,
    history,
    diff,
    restore,
)
