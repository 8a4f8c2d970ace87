"""`exchange policy`: what an author does with rules before anybody is governed by them."""

import difflib
import json
from importlib import resources
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
from policies.language.formatter import format_module
from policies.lint import lint as find_faults
from policies.model import Question

FAR = 30 * 86_400
PACKAGED = Path(str(resources.files("policies"))) / "rego"

folder_argument = click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False
)


@click.command
@folder_argument
@as_json
def lint(folder: Path | None, json_: bool) -> None:
    """Check FOLDER's modules, or the packaged ones, against the authoring rules."""
    modules = modules_of(folder)
    with telling():
        findings = find_faults(modules)
        if not findings:
            # What no rule of authors forbids may still be refused at load: an unknown name, a recursion.
            compile_modules(modules, default_bundle(expires=int(now().timestamp()) + FAR).data)
    if json_:
        tell([msgspec.to_builtins(finding) for finding in findings], json_=True)
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo(f"{len(modules)} modules, {len(findings)} findings")
    if findings:
        raise SystemExit(1)


@click.command
@folder_argument
@as_json
def test(folder: Path | None, json_: bool) -> None:
    """Run every `test_` rule of FOLDER's modules, or of the packaged ones; none found is a failure."""
    with telling():
        bundle = default_bundle(expires=int(now().timestamp()) + FAR)
        program = compile_modules(modules_of(folder), bundle.data)
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
        typed = read_question(question)
        engine = Embedded(
            program,
            revision=bundle.revision,
            expires=bundle.expires,
            budget=Budget(monotonic=monotonic),
        )
        tell(msgspec.to_builtins(engine.decide_now(typed)), json_=json_)


def read_question(file: BinaryIO) -> Question:
    """Return the question in a file. Raises ClickException where it holds none."""
    try:
        return msgspec.convert(json.loads(file.read()), Question, strict=True)
    except msgspec.ValidationError as error:
        raise click.ClickException(f"no question of exchange.input/1: {error}") from error
    except ValueError as error:
        raise click.ClickException("no question of exchange.input/1: no JSON") from error


@click.command
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--check", is_flag=True, help="Change nothing; exit 1 where a file would change.")
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
@as_json
def fmt(paths: tuple[Path, ...], check: bool, diff: bool, json_: bool) -> None:
    """Lay out modules in one way: files, or every .rego below folders; the packaged ones without any."""
    files = _rego_files(paths or (PACKAGED,))
    if not files:
        raise click.ClickException(f"no .rego file in {', '.join(map(str, paths))}")
    with telling():
        read = {path: path.read_bytes().decode("utf-8") for path in files}
        laid = {path: format_module(str(path), source) for path, source in read.items()}
    changed = [path for path in files if laid[path] != read[path]]
    if not (check or diff):
        for path in changed:
            path.write_bytes(laid[path].encode())
    if json_:
        tell({"files": len(files), "changed": [str(path) for path in changed]}, json_=True)
    else:
        for path in changed:
            click.echo(
                _difference(path, read[path], laid[path]) if diff else str(path), nl=not diff
            )
        verb = "would change" if check or diff else "changed"
        click.echo(f"policy fmt: {len(files)} modules, {len(changed)} {verb}")
    if changed and (check or diff):
        raise SystemExit(1)


def _rego_files(paths: tuple[Path, ...]) -> list[Path]:
    found = [
        inner
        for path in paths
        for inner in (sorted(path.rglob("*.rego")) if path.is_dir() else [path])
    ]
    return list(dict.fromkeys(found))


def _difference(path: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), str(path)
    )
    return "".join(lines)


def modules_of(folder: Path | None) -> dict[str, str]:
    """Return the modules below a folder with their tests, or the packaged ones."""
    if folder is None:
        return packaged_modules(tests=True)
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.rego"))
    }
