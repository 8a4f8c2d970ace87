"""Which lines of the policy its tests and its table of cases never pass: what nobody has yet asked."""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.embedded import ENTRYPOINT
from policies.engine import LoadError, UndecidedError
from policies.language import UNDEFINED, Budget, Program
from policies.language.ast import Literal, Module, Place, descend
from policies.language.tracing import Trace

_PACKAGED = Path(__file__).parent / "cases"
_QUESTIONS = "questions.jsonl"


@dataclass(frozen=True, slots=True)
class TableCase:
    """One line of the table: its sentence and its question, plain, as engines get it."""

    name: str
    question: Any


@dataclass(frozen=True, slots=True)
class Missed:
    """A literal that never passed. `reached` says whether it was tried at all."""

    place: Place
    text: str
    reached: bool


@dataclass(frozen=True, slots=True)
class FileCoverage:
    file: str
    literals: int
    passed: int
    missed: tuple[Missed, ...]

    @property
    def percent(self) -> float:
        """A file without any literal has nothing that could be missed."""
        return 100.0 * self.passed / self.literals if self.literals else 100.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What passed of every module but the tests; `tests` and `cases` are how many were run."""

    files: tuple[FileCoverage, ...]
    tests: int
    cases: int

    @property
    def literals(self) -> int:
        return sum(file.literals for file in self.files)

    @property
    def passed(self) -> int:
        return sum(file.passed for file in self.files)

    @property
    def percent(self) -> float:
        return 100.0 * self.passed / self.literals if self.literals else 100.0


def packaged_cases() -> dict[str, str]:
    """Return the shipped table of cases: file name → JSON lines."""
    return {
        file.name: file.read_text(encoding="utf-8") for file in sorted(_PACKAGED.glob("*.jsonl"))
    }


def read_cases(files: Mapping[str, str]) -> list[TableCase]:
    """Return the cases of a table, each question with the changes of its line.

    Raises LoadError with file and line where one cannot be read.
    """
    questions = {
        row["question"]: row["value"] for _, row in _rows(_QUESTIONS, files.get(_QUESTIONS, ""))
    }
    found = []
    for name, text in sorted(files.items()):
        if name == _QUESTIONS:
            continue
        for number, row in _rows(name, text):
            try:
                question = changed(questions[row["question"]], row["changes"])
                found.append(TableCase(str(row["case"]), question))
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                message = f"{name}:{number}: a case with a question and changes that fit it needed"
                raise LoadError(message) from error
    return found


def changed(question: Any, changes: Mapping[str, Any]) -> Any:
    """Return a copy with values put at JSON pointers (RFC 6901); `/-` appends."""
    copied = copy.deepcopy(question)
    for pointer, value in changes.items():
        *steps, last = [
            part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]
        ]
        holder = copied
        for step in steps:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        if isinstance(holder, list) and last == "-":
            holder.append(value)
        else:
            holder[int(last) if isinstance(holder, list) else last] = value
    return copied


def _rows(name: str, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise LoadError(f"{name}:{number}: a line of JSON needed") from error
        if not isinstance(row, dict):
            raise LoadError(f"{name}:{number}: an object needed")
        yield number, row


def measure(
    program: Program, trace: Trace, cases: Iterable[TableCase], *, budget: Budget | None = None
) -> Coverage:
    """Run each `test_` rule and decide each case, and return what passed.

    `program` is the one that `trace` watches. A case or test that fails is not judged here: what it
    passed until then counts.
    """
    tests = program.tests()
    for test in tests:
        _try(program, test.path, UNDEFINED, budget)
    count = 0
    for case in cases:
        count += 1
        _try(program, ENTRYPOINT, case.question, budget)
    judged = [module for module in trace.modules if not module.name.endswith("_test.rego")]
    return Coverage(tuple(_file(module, trace) for module in judged), len(tests), count)


def _try(program: Program, path: str, question: object, budget: Budget | None) -> None:
    try:
        program.evaluate(path, question, budget=budget)
    except UndecidedError:
        return


def _file(module: Module, trace: Trace) -> FileCoverage:
    literals = [node for node in descend(module) if isinstance(node, Literal)]
    lines = trace.sources[module.name].splitlines()
    missed = [
        Missed(one.place, lines[one.place.line - 1].strip(), trace.seen(one.place).reached > 0)
        for one in literals
        if trace.seen(one.place).passed == 0
    ]
    return FileCoverage(module.name, len(literals), len(literals) - len(missed), tuple(missed))
