"""`exchange policy`: what an author does with rules before anybody is governed by them."""

import difflib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
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


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found: as JSON, as lines, and whether all is well."""

    said: Any
    lines: tuple[str, ...]
    holds: bool

    def tell(self, *, json_: bool) -> None:
        """Print it. Raises SystemExit, with status 1, unless all is well."""
        if json_:
            tell(self.said, json_=True)
        else:
            self.print_lines()
        if not self.holds:
            raise SystemExit(1)

    def print_lines(self) -> None:
        for line in self.lines:
            click.echo(line)


@click.command
@folder_argument
@as_json
def lint(folder: Path | None, json_: bool) -> None:
    """Check FOLDER's modules, or the packaged ones, against the authoring rules."""
    linted(folder).tell(json_=json_)


def linted(folder: Path | None) -> Checked:
    """Return what breaks the authoring rules. Raises ClickException where the modules do not load."""
    modules = modules_of(folder)
    with telling():
        findings = find_faults(modules)
        if not findings:
            # What no rule of authors forbids may still be refused at load: an unknown name, a recursion.
            compile_modules(modules, default_bundle(expires=int(now().timestamp()) + FAR).data)
    return Checked(
        [msgspec.to_builtins(finding) for finding in findings],
        (*map(str, findings), f"{len(modules)} modules, {len(findings)} findings"),
        holds=not findings,
    )


@click.command
@folder_argument
@as_json
def test(folder: Path | None, json_: bool) -> None:
    """Run every `test_` rule of FOLDER's modules, or of the packaged ones; none found is a failure."""
    tested(folder).tell(json_=json_)


def tested(folder: Path | None) -> Checked:
    """Return which `test_` rules hold. Raises ClickException where the modules do not load."""
    with telling():
        bundle = default_bundle(expires=int(now().timestamp()) + FAR)
        program = compile_modules(modules_of(folder), bundle.data)
        results = []
        for rule in program.tests():
            said = program.evaluate(rule.path, budget=Budget(monotonic=monotonic))
            results.append({"test": rule.path, "place": str(rule.place), "holds": said is True})
    failed = [result for result in results if not result["holds"]]
    # The closing line of the runner: what ran, what failed.
    closing = f"policy: {len(results) - len(failed)} passed, {len(failed)} failed"
    lines = [f"{result['place']}: {result['test']} does not hold" for result in failed]
    return Checked(results, (*lines, closing), holds=bool(results) and not failed)


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
    layout(paths, write=not (check or diff), diff=diff).tell(json_=json_)


def layout(paths: tuple[Path, ...], *, write: bool, diff: bool = False) -> Checked:
    """Return which files are laid out otherwise, with `write` those that now no longer are.

    Raises ClickException where there is no file, or one that cannot be read.
    """
    files = _rego_files(paths or (PACKAGED,))
    if not files:
        raise click.ClickException(f"no .rego file in {', '.join(map(str, paths))}")
    with telling():
        read = {path: path.read_bytes().decode("utf-8") for path in files}
        laid = {path: format_module(str(path), source) for path, source in read.items()}
    changed = [path for path in files if laid[path] != read[path]]
    if write:
        for path in changed:
            path.write_bytes(laid[path].encode())
    verb = "changed" if write else "would change"
    lines = [
        _difference(path, read[path], laid[path]).removesuffix("\n") if diff else str(path)
        for path in changed
    ]
    return Checked(
        {"files": len(files), "changed": [str(path) for path in changed]},
        (*lines, f"policy fmt: {len(files)} modules, {len(changed)} {verb}"),
        holds=write or not changed,
    )


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
