"""`exchange policy coverage`, `bench`, `conformance`: what the policy and its language were measured at."""

import statistics
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from exchange.cli.policy_rules import (
    FAR,
    Checked,
    folder_argument,
    modules_of,
    read_question,
)
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
from exchange.clock import monotonic, now
from policies import coverage as covering
from policies.bundle import default_bundle
from policies.embedded import ENTRYPOINT
from policies.engine import LoadError
from policies.language import Budget, compile_modules
from policies.language.conformance import (
    Case,
    Outcome,
    Summary,
    read_cases,
    run_case,
    summarise,
)
from policies.language.tracing import Trace

_FEW = 20
_ROUNDS = 15

least_option = click.option(
    "--least",
    type=click.FloatRange(0, 100),
    default=100.0,
    show_default=True,
    help="Percent of conditions covered.",
)


@click.command
@folder_argument
@least_option
@as_json
def coverage(folder: Path | None, least: float, json_: bool) -> None:
    """Which conditions of FOLDER's modules, or the packaged ones, no test and no case ever passed.

    Runs every `test_` rule, and every line of the table of cases: FOLDER's `cases/*.jsonl`, or the
    packaged ones.
    """
    covered(folder, least=least).tell(json_=json_)


def covered(folder: Path | None, *, least: float) -> Checked:
    """Return what no test and no case passed. Raises ClickException where there is nothing to be covered."""
    with telling():
        found = _covered(folder)
    if not found.literals:
        raise click.ClickException(f"no rule in {folder}: nothing to be covered")
    return Checked(
        _coverage_told(found), tuple(_coverage_lines(found)), holds=found.percent >= least
    )


def _covered(folder: Path | None) -> covering.Coverage:
    cases = covering.packaged_cases()
    if folder is not None:
        files = sorted((folder / "cases").glob("*.jsonl"))
        cases = {file.name: file.read_text(encoding="utf-8") for file in files}
    data = default_bundle(expires=int(now().timestamp()) + FAR).data
    trace = Trace()
    program = compile_modules(modules_of(folder), data, trace=trace)
    budget = Budget(monotonic=monotonic)
    return covering.measure(program, trace, covering.read_cases(cases), budget=budget)


def _coverage_told(found: covering.Coverage) -> Any:
    files = [
        {**msgspec.to_builtins(file), "percent": round(file.percent, 1)} for file in found.files
    ]
    return {
        "percent": round(found.percent, 1),
        "literals": found.literals,
        "passed": found.passed,
        "tests": found.tests,
        "cases": found.cases,
        "files": files,
    }


def _coverage_lines(found: covering.Coverage) -> Iterator[str]:
    for file in found.files:
        for one in file.missed:
            why = "never held" if one.reached else "never reached"
            yield f"{one.place.file}:{one.place.line}:{one.place.column}: {why}: {one.text}"
    ran = f"{found.tests} tests, {found.cases} cases"
    yield f"policy coverage: {found.percent:.1f} %, {found.passed} of {found.literals} conditions; {ran}"


@click.command
@click.argument("question", type=click.File("rb"), required=False)
@click.option("--rounds", type=click.IntRange(3, 1000), default=_ROUNDS, show_default=True)
@as_json
def bench(question: BinaryIO | None, rounds: int, json_: bool) -> None:
    """What a decision costs: of QUESTION (a JSON file, or -), or of every line of the packaged cases."""
    with telling():
        if question is None:
            rows = covering.read_cases(covering.packaged_cases())
            asked = [case.question for case in rows]
        else:
            asked = [msgspec.to_builtins(read_question(question))]
        said = _measured(asked, rounds)
    if json_:
        tell(said, json_=True)
        return
    spread = f"{said['fastest_us']} to {said['slowest_us']}"
    click.echo(
        f"{said['median_us']} µs a decision (median of {rounds} rounds over {len(asked)} questions; {spread})"
    )
    tell(said["rules"][:_FEW], json_=False, title="rules by cost")


def _measured(asked: list[Any], rounds: int) -> dict[str, Any]:
    bundle = default_bundle(expires=int(now().timestamp()) + FAR)
    program = compile_modules(bundle.modules, bundle.data)
    times = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        for question in asked:
            program.evaluate(ENTRYPOINT, question)
        times.append((time.perf_counter() - begun) * 1e6 / len(asked))
    # The first round only warms up.
    times = times[1:]
    return {
        "median_us": round(statistics.median(times), 1),
        "fastest_us": round(min(times), 1),
        "slowest_us": round(max(times), 1),
        "rounds": rounds,
        "questions": len(asked),
        "rules": _by_cost(asked, rounds),
    }


def _by_cost(asked: list[Any], rounds: int) -> list[dict[str, Any]]:
    """The share of each rule in a decision; a traced program is slower, so shares and no times."""
    bundle = default_bundle(expires=int(now().timestamp()) + FAR)
    trace = Trace(clock=time.perf_counter)
    program = compile_modules(bundle.modules, bundle.data, trace=trace)
    for _ in range(rounds):
        for question in asked:
            program.evaluate(ENTRYPOINT, question)
            trace.pause()
    spent = trace.by_rule()
    total = sum(seconds for _, _, seconds in spent) or 1.0
    return [
        {
            "rule": name,
            "place": f"{place.file}:{place.line}",
            "percent": round(100 * seconds / total, 1),
        }
        for name, place, seconds in sorted(spent, key=lambda one: -one[2])
    ]


@click.command
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--misses", is_flag=True, help="List every case that did not pass, with its reason.")
@as_json
def conformance(file: Path, misses: bool, json_: bool) -> None:
    """Answer OPA's conformance cases in FILE (JSON lines, plain or .gz), and say which we refuse."""
    with telling():
        try:
            cases = list(read_cases(file))
        except (OSError, EOFError, zlib.error) as error:
            message = f"{file.name}: JSON lines needed, plain or gzip ({type(error).__name__})"
            raise LoadError(message) from error
        if not cases:
            raise LoadError(f"{file.name}: no case found, at least one line needed")
        outcomes = _run_all(cases)
    summary = summarise(outcomes)
    missed = [one for one in outcomes if one.state != "passed"]
    if json_:
        listed = missed if misses else [one for one in missed if one.state == "wrong"]
        said = {
            **msgspec.to_builtins(summary),
            "cases": [msgspec.to_builtins(one) for one in listed],
        }
        tell(said, json_=True)
    else:
        _tell_conformance(summary, missed, all_=misses)
    if summary.wrong:
        raise SystemExit(1)


def _run_all(cases: list[Case]) -> list[Outcome]:
    console = Console(file=sys.stderr)
    found = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("cases", total=len(cases))
        for case in cases:
            found.append(run_case(case))
            progress.advance(bar)
    return found


def _tell_conformance(summary: Summary, missed: list[Outcome], *, all_: bool) -> None:
    for one in missed:
        if all_ or one.state == "wrong":
            click.echo(f"{one.state}: {one.note}: {one.reason}")
    if not all_ and summary.misses:
        click.echo("refused most often (--misses lists every case):")
        for reason, count in list(summary.misses.items())[:_FEW]:
            click.echo(f"  {count:4} {reason}")
    offered = f"{summary.offered_passed} of {summary.offered} whose functions are offered"
    click.echo(
        f"conformance: {summary.passed} of {summary.total} passed ({100 * summary.share:.1f} %), "
        f"{summary.refused} refused, {summary.wrong} wrong; {offered} "
        f"({100 * summary.offered_share:.1f} %)"
    )
