"""`exchange audit review`: reviews of the log, their samples, questions, verdicts and reports."""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from audit.errors import MalformedError
from audit.export import unpacked
from audit.merkle import TILE_WIDTH
from audit.sampling import SAMPLE_MOST, Frame, draw
from audit.tiles import parse_bundle, tile_path
from catalogue.model import SubjectType
from catalogue.reviews import ReviewVerdict
from catalogue.rows import to_ms
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling

VERDICT = click.Choice([one.value for one in ReviewVerdict])
COUNT = click.IntRange(1, SAMPLE_MOST)
_LISTED = {
    "reviews": ("id", "document", "state", "sealed", "expires"),
    "samples": ("id", "seed", "count", "population", "drawn", "entry"),
    "entries": ("index", "verdict"),
    "verdicts": ("about", "verdict", "finding", "given_at", "entry"),
    "openings": ("id", "about", "names", "reason", "confirmed_at"),
    "questions": ("id", "about", "due", "overdue", "text", "answer"),
}
"""Columns of each list as people read it; --json tells all."""


@click.group()
def review() -> None:
    """Reviews of the log: who may look at what by whose order, and what was found."""


@review.command("propose")
@click.option("--document", required=True, help="Number of the document that orders it.")
@click.option("--reason", required=True, help="What it is about, in words.")
@click.option("--since", type=click.DateTime(), required=True, help="First day under review.")
@click.option("--until", type=click.DateTime(), required=True, help="Last day under review.")
@click.option("--expires", type=click.DateTime(), required=True, help="Last day of the review.")
@click.option(
    "--officer", "officers", multiple=True, required=True, help="Id or staff number; repeatable."
)
@click.option("--department", "departments", multiple=True, help="Asking or asked; repeatable.")
@click.option("--system", "systems", multiple=True, help="Asking system; repeatable.")
@click.option("--resource", "resources", multiple=True, help="Resource code; repeatable.")
@click.option("--matter", "matters", multiple=True, help="Code of a matter; repeatable.")
@click.option("--case", "cases", multiple=True, help="Case number; repeatable.")
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    nargs=2,
    type=(click.Choice([kind.value for kind in SubjectType]), str),
    help="TYPE IDENTIFIER; repeatable.",
)
@click.option("--sealed", is_flag=True, help="Others learn of its reads the number alone.")
@as_json
@with_office
def propose(
    office: Office,
    since: datetime,
    until: datetime,
    expires: datetime,
    subjects: tuple[tuple[str, str], ...],
    sealed: bool,
    json_: bool,
    document: str,
    reason: str,
    **bounds: tuple[str, ...],
) -> None:
    """Propose a review, for the authority or as a supervisor; an auditor confirms it."""
    zone = ZoneInfo(office.settings.zone)
    said = office.perform(
        "review.propose",
        document=document,
        reason=reason,
        since=_midnight(since, zone),
        until=_midnight(until, zone, days=1),
        expires=_midnight(expires, zone, days=1),
        subjects=[list(one) for one in subjects],
        sealed=sealed,
        **{name: list(held) for name, held in bounds.items()},
    )
    tell(said, json_=json_)


@review.command("confirm")
@click.argument("review_id", metavar="REVIEW")
@as_json
@with_office
def confirm(office: Office, review_id: str, json_: bool) -> None:
    """Open a proposed review, as an auditor who takes no part in it."""
    tell(office.perform("review.confirm", review=review_id), json_=json_)


@review.command("withdraw")
@click.argument("review_id", metavar="REVIEW")
@as_json
@with_office
def withdraw(office: Office, review_id: str, json_: bool) -> None:
    """Take back, or as an auditor refuse, a proposed review."""
    tell(office.perform("review.withdraw", review=review_id), json_=json_)


@review.command("list")
@as_json
@with_office
def list_reviews(office: Office, json_: bool) -> None:
    """List the reviews, those that wait or run first."""
    said = office.perform("review.list")
    if json_:
        tell(said, json_=True)
        return
    _tell_rows("reviews", said["reviews"], title="reviews")
    if said["sealed"]:
        click.echo(f"sealed reviews of others: {said['sealed']}")


@review.command("show")
@click.argument("review_id", metavar="REVIEW")
@as_json
@with_office
def show(office: Office, review_id: str, json_: bool) -> None:
    """Show one review whole: scope, samples, verdicts, openings and questions."""
    said = office.perform("review.show", review=review_id)
    if json_:
        tell(said, json_=True)
        return
    tell({name: held for name, held in said.items() if name not in _LISTED}, json_=False)
    for name in _LISTED:
        if said.get(name):
            _tell_rows(name, said[name], title=name)


@review.command("sample")
@click.argument("review_id", metavar="REVIEW")
@click.option("--count", type=COUNT, required=True, help="Calls to draw.")
@click.option("--seed", help="Words, such as what dice showed; random otherwise.")
@as_json
@with_office
def sample(office: Office, review_id: str, count: int, seed: str | None, json_: bool) -> None:
    """Draw calls of the scope by a seed; the draw is recorded."""
    tell(office.perform("review.sample", review=review_id, count=count, seed=seed), json_=json_)


@review.command("check-sample")
@click.argument("sample_id", metavar="SAMPLE")
@as_json
@with_office
def check_sample(office: Office, sample_id: str, json_: bool) -> None:
    """Draw a recorded sample again from the log; ends with 1 where it differs."""
    said = office.perform("review.check-sample", sample=sample_id)
    tell(said, json_=json_)
    if not said["holds"]:
        raise SystemExit(1)


@review.command("draw")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seed", required=True, help="As the entry of the draw says it.")
@click.option("--count", type=COUNT, required=True, help="Calls that were asked for.")
@click.option("--size", type=int, required=True, help="Entries of the log as it was drawn from.")
@click.option("--since", required=True, help="Moment with zone, as the review's entry says it.")
@click.option("--until", required=True, help="Moment with zone, as the review's entry says it.")
@click.option("--department", "departments", multiple=True, help="Of the scope; repeatable.")
@click.option("--system", "systems", multiple=True, help="Of the scope; repeatable.")
@click.option("--resource", "resources", multiple=True, help="Of the scope; repeatable.")
@click.option("--matter", "matters", multiple=True, help="Of the scope; repeatable.")
@as_json
def draw_again(
    folder: Path,
    seed: str,
    count: int,
    size: int,
    since: str,
    until: str,
    json_: bool,
    **bounds: tuple[str, ...],
) -> None:
    """Draw a sample again from FOLDER, an export with entries; no home and no rights are needed.

    The seed, the size and the scope stand in the clear in the entries `review.sampled` and
    `review.opened`. That FOLDER is the log as it was signed, `verify.py --entries FOLDER` says.
    """
    frame = Frame(
        **{name: frozenset(held) for name, held in bounds.items()},
        since=_moment(since, "--since"),
        until=_moment(until, "--until"),
    )
    with telling():
        drawn = draw(_exported(folder, size), frame, seed=seed, count=count)
    said: dict[str, Any] = {
        "population": drawn.population,
        "digest": drawn.digest,
        "drawn": list(drawn.indexes),
    }
    tell(said, json_=json_)


@review.command("entry")
@click.argument("review_id", metavar="REVIEW")
@click.argument("index", type=int)
@as_json
@with_office
def entry(office: Office, review_id: str, index: int, json_: bool) -> None:
    """Show one entry of the scope, and what of it can be opened."""
    tell(office.perform("review.entry", review=review_id, index=index), json_=json_)


@review.command("ask-identity")
@click.argument("review_id", metavar="REVIEW")
@click.argument("index", type=int)
@click.option("--name", "names", multiple=True, required=True, help="What to open; repeatable.")
@click.option("--reason", required=True, help="Why it has to be opened.")
@as_json
@with_office
def ask_identity(
    office: Office, review_id: str, index: int, names: tuple[str, ...], reason: str, json_: bool
) -> None:
    """Ask to open what an entry keeps closed; a second officer of the review agrees."""
    said = office.perform(
        "review.ask-identity", review=review_id, index=index, names=list(names), reason=reason
    )
    tell(said, json_=json_)


@review.command("confirm-identity")
@click.argument("opening")
@as_json
@with_office
def confirm_identity(office: Office, opening: str, json_: bool) -> None:
    """Agree to an opening, as a second officer of the review."""
    tell(office.perform("review.confirm-identity", opening=opening), json_=json_)


@review.command("open-identity")
@click.argument("opening")
@as_json
@with_office
def open_identity(office: Office, opening: str, json_: bool) -> None:
    """Say what an agreed opening opens; each look is recorded first."""
    tell(office.perform("review.open-identity", opening=opening), json_=json_)


@review.command("ask")
@click.argument("review_id", metavar="REVIEW")
@click.option("--department", required=True, help="Code of the department that is asked.")
@click.option("--entry", "entries", type=int, multiple=True, required=True, help="Repeatable.")
@click.option("--text", required=True, help="The question.")
@click.option("--days", type=int, help="Working days for the answer; what the rule says otherwise.")
@as_json
@with_office
def ask(
    office: Office,
    review_id: str,
    department: str,
    entries: tuple[int, ...],
    text: str,
    days: int | None,
    json_: bool,
) -> None:
    """Ask a department about entries that concern it."""
    said = office.perform(
        "review.ask",
        review=review_id,
        department=department,
        entries=list(entries),
        text=text,
        days=days,
    )
    tell(said, json_=json_)


@review.command("questions")
@as_json
@with_office
def questions(office: Office, json_: bool) -> None:
    """List the questions to one's department, the nearest due day first."""
    said = office.perform("review.questions")
    if json_:
        tell(said, json_=True)
        return
    for name in ("waiting", "answered"):
        _tell_rows("questions", said[name], title=name)


@review.command("answer")
@click.argument("question")
@click.option("--text", required=True, help="The answer.")
@as_json
@with_office
def answer(office: Office, question: str, text: str, json_: bool) -> None:
    """Answer a question for one's department, once."""
    tell(office.perform("review.answer", question=question, text=text), json_=json_)


@review.command("judge")
@click.argument("review_id", metavar="REVIEW")
@click.argument("index", type=int)
@click.argument("verdict", type=VERDICT)
@click.option("--finding", default="", help="What was found; needed unless it is normal.")
@as_json
@with_office
def judge(
    office: Office, review_id: str, index: int, verdict: str, finding: str, json_: bool
) -> None:
    """Add a verdict on an entry; an earlier one stays beside it."""
    said = office.perform(
        "review.judge", review=review_id, index=index, verdict=verdict, finding=finding
    )
    tell(said, json_=json_)


@review.command("close")
@click.argument("review_id", metavar="REVIEW")
@click.option("--conclusion", required=True, help="What came of it.")
@as_json
@with_office
def close(office: Office, review_id: str, conclusion: str, json_: bool) -> None:
    """End a review, once each entry that was drawn has a verdict."""
    tell(office.perform("review.close", review=review_id, conclusion=conclusion), json_=json_)


@review.command("report")
@click.argument("review_id", metavar="REVIEW")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@with_office
def report(office: Office, review_id: str, out: Path, json_: bool) -> None:
    """Write OUT, the report as a bundle that verify.py checks without the exchange."""
    said = office.perform("review.report", review=review_id)
    bundle = b64decode(said.pop("bundle"))
    fresh = out.with_name(f".{out.name}.new")
    fresh.write_bytes(bundle)
    fresh.replace(out)
    if not json_:
        del said["report"]
    tell({"file": str(out), "bytes": len(bundle), **said}, json_=json_)


def _tell_rows(kind: str, rows: Sequence[Mapping[str, Any]], *, title: str) -> None:
    tell([{name: one[name] for name in _LISTED[kind]} for one in rows], json_=False, title=title)


def _exported(folder: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield index and bytes of the first `size` entries of an export, plain or packed."""
    index = 0
    while index < size:
        for body in parse_bundle(_bundle(folder, index // TILE_WIDTH, size)):
            if index == size:
                break
            yield index, body
            index += 1


def _bundle(folder: Path, n: int, size: int) -> bytes:
    """Return an entry bundle that reaches far enough; the export may have grown since."""
    needed = min(TILE_WIDTH, size - n * TILE_WIDTH)
    for width in (TILE_WIDTH, *range(needed, TILE_WIDTH)):
        path = folder / tile_path("entries", n, width)
        if path.is_file():
            return unpacked(path.read_bytes())
    raise MalformedError(f"entries {n * TILE_WIDTH} to {size - 1} are not in {folder}")


def _midnight(day: datetime, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """Return when a day begins where the exchange stands, or so many days later."""
    return datetime.combine(day.date() + timedelta(days=days), time(), tzinfo=zone)


def _moment(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            "a moment such as 2026-11-01T00:00:00+08:00", param_hint=option
        ) from error
    if moment.tzinfo is None:
        raise click.BadParameter("its zone is missing", param_hint=option)
    return to_ms(moment)
