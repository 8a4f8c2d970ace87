"""`exchange policy`: what an author does with rules before anybody is governed by them."""

import json
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from exchange.cli.office import telling
from exchange.cli.say import as_json, tell
from exchange.clock import monotonic, now
from policies.bundle import default_bundle, packaged_modules
from policies.embedded import Embedded
from policies.language import Budget, compile_modules
from policies.lint import lint as find_faults
from policies.model import Question

FAR = 30 * 86_400


@click.command
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False
)
@as_json
def lint(folder: Path | None, json_: bool) -> None:
    """Check FOLDER's modules, or the packaged ones, against the authoring rules."""
    modules = _modules(folder)
    with telling():
        findings = find_faults(modules)
    if json_:
        tell([msgspec.to_builtins(finding) for finding in findings], json_=True)
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo(f"{len(modules)} modules, {len(findings)} findings")
    if findings:
        raise SystemExit(1)


@click.command
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False
)
@as_json
def test(folder: Path | None, json_: bool) -> None:
    """Run every `test_` rule of FOLDER's modules, or of the packaged ones; none found is a failure."""
    with telling():
        bundle = default_bundle(expires=int(now().timestamp()) + FAR)
        program = compile_modules(_modules(folder), bundle.data)
        results = []
        for rule in program.tests():
            said = program.evaluate(rule.path, budget=Budget(monotonic=monotonic))
            results.append({"test": rule.path, "place": str(rule.place), "holds": said is True})
    failed = [result for result in results if not result["holds"]]
    if json_:
        tell(results, json_=True)
    else:
        for result in failed:
            click.echo(f"{result['place']}: {result['test']} does not hold")
        # The closing line of the runner: what ran, what failed.
        click.echo(f"policy: {len(results) - len(failed)} passed, {len(failed)} failed")
    if failed or not results:
        raise SystemExit(1)


@click.command("eval")
@click.argument("question", type=click.File("rb"))
@as_json
def evaluate(question: BinaryIO, json_: bool) -> None:
    """Decide one QUESTION (a JSON file, or - for standard input) by the packaged policy."""
    with telling():
        bundle = default_bundle(expires=int(now().timestamp()) + FAR)
        program = compile_modules(bundle.modules, bundle.data)
        asked = json.loads(question.read())
        try:
            typed = msgspec.convert(asked, Question, strict=True)
        except msgspec.ValidationError as error:
            raise click.ClickException(f"no question of exchange.input/1: {error}") from error
        engine = Embedded(
            program,
            revision=bundle.revision,
            expires=bundle.expires,
            budget=Budget(monotonic=monotonic),
        )
        tell(msgspec.to_builtins(engine.decide_now(typed)), json_=json_)


def _modules(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return packaged_modules(tests=True)
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.rego"))
    }
