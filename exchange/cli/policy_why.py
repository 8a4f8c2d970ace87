"""`exchange policy explain`: why a question was decided so, in words and by line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from exchange.cli.office import Office, with_office
from exchange.cli.policy_rules import FAR, read_question
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
from exchange.clock import monotonic, now
from policies.bundle import default_bundle
from policies.explain import TracedPolicy
from policies.explain import explain as explain_question
from policies.language import Budget

Plain = Mapping[str, Any]


@click.command
@click.argument("question", type=click.File("rb"), required=False)
@click.option("--entry", type=int, help="A recorded call instead of a QUESTION: its entry's index.")
@click.option("--ref", help="Only this request of the question.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Words in one language only.")
@click.option("--home", type=click.Path(path_type=Path), help="With --entry: the home.")
@click.option("--as", "as_", help="With --entry: the officer on whose word it is read.")
@click.option(
    "--key", type=click.Path(path_type=Path, exists=True), help="With --entry: a key, PEM."
)
@as_json
def explain(
    question: BinaryIO | None,
    entry: int | None,
    ref: str | None,
    lang: str | None,
    home: Path | None,
    as_: str | None,
    key: Path | None,
    json_: bool,
) -> None:
    """Say why the packaged policy decides QUESTION (a JSON file, or -) as it does."""
    if (question is None) == (entry is None):
        raise click.UsageError("one of QUESTION and --entry needed: a file, or a recorded call")
    said = _of_question(question) if question else _of_entry(entry, home=home, as_=as_, key=key)
    requests = [one for one in said["requests"] if ref in {None, one["ref"]}]
    if ref is not None and not requests:
        refs = ", ".join(one["ref"] for one in said["requests"]) or "none"
        raise click.ClickException(f"no request {ref} in the question; it has: {refs}")
    if json_:
        tell({**said, "requests": requests}, json_=True)
        return
    for line in _told({**said, "requests": requests}, lang):
        click.echo(line)


def _of_question(question: BinaryIO) -> Plain:
    with telling():
        bundle = default_bundle(expires=int(now().timestamp()) + FAR)
        policy = TracedPolicy(bundle, budget=Budget(monotonic=monotonic))
        found: Plain = msgspec.to_builtins(explain_question(policy, read_question(question)))
    return found


def _of_entry(entry: int | None, **who: Any) -> Plain:
    said: list[Plain] = []

    def ask(office: Office) -> None:
        answer = office.perform("policy.explain-entry", index=entry)
        said.append(msgspec.to_builtins(answer))

    with_office(ask)(**who)
    return said[0]


def _told(said: Plain, lang: str | None) -> Iterator[str]:
    yield f"{said['code']}: {_words(said, lang)}"
    if not said["requests"]:
        yield "no requests: there is nothing to be explained"
    for one in said["requests"]:
        yield ""
        if "grounds" in one:
            yield f"{one['ref']} {one['resource']}: {one['code']}"
            for ground in one["grounds"]:
                yield from _ground(ground, lang, indent="  ")
        else:
            yield from _permit(one, lang)


def _words(said: Plain, lang: str | None) -> str:
    return f"{said['zh']} {said['en']}" if lang is None else str(said[lang])


def _ground(ground: Plain, lang: str | None, *, indent: str) -> Iterator[str]:
    yield f"{indent}{ground['code']}: {_words(ground, lang)}"
    yield f"{indent}  {'; '.join(ground['legal_basis']) or '-'}"
    if ground["condition"] is None:
        yield f"{indent}  no rule of the policy that was tried names this code"
    for attempt in ground["attempts"]:
        yield from _attempt(attempt, indent=f"{indent}  ")


def _attempt(attempt: Plain, *, indent: str) -> Iterator[str]:
    held = "held" if attempt["held"] else f"{attempt['passed']} of {attempt['literals']} held"
    yield f"{indent}{_place(attempt['head']['place'])}: {attempt['head']['text']} ({held})"
    for depth, cause in enumerate(attempt["causes"], start=1):
        yield f"{indent}{'  ' * depth}{_place(cause['place'])}: {cause['text']}"


def _permit(one: Plain, lang: str | None) -> Iterator[str]:
    yield f"{one['ref']} {one['resource']}: PERMITTED, grant {one['grant']}"
    yield f"  allowed: {', '.join(one['allowed']) or '-'}"
    for masked in one["masked"]:
        yield f"  masked: {masked['item']} by {masked['mask']}"
        if masked["ruled"] is not None:
            yield from _attempt(masked["ruled"], indent="    ")
    for denied in one["denied"]:
        yield f"  denied: {denied['item']}"
        yield from _ground(denied["ground"], lang, indent="    ")
    for row in one["filters"]:
        value = json.dumps(row["value"], ensure_ascii=False)
        yield f"  only rows where {row['item']} {row['op']} {value}"
    yield f"  at most {one['max_rows']} rows"
    yield f"  obligations: {', '.join(one['obligations']) or '-'}"


def _place(place: Plain) -> str:
    return f"{place['file']}:{place['line']}:{place['column']}"
