"""Runs OPA's own conformance cases: each is answered as OPA answers it, or refused with a reason.

A case is one JSON object in a line, as OPA keeps them: modules, data, input, query, and what OPA answers.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from policies.engine import LoadError, UndecidedError
from policies.language.ast import Term
from policies.language.errors import NoFunctionError, NotOfferedError, UnsupportedError
from policies.language.parser import parse_query
from policies.language.program import Program, compile_modules
from policies.language.references import fold
from policies.language.values import UNDEFINED, Value, admit, identity

State = Literal["passed", "refused", "wrong"]

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a few modules; `question` is UNDEFINED without an input.

    `term` is an input that is written in Rego, since it may hold sets; empty where there is none.
    `expected` holds the bindings of each solution, None where OPA ends in an error.
    """

    note: str
    family: str
    modules: Mapping[str, str]
    data: Any
    question: Any
    term: str
    query: str
    strict: bool
    unordered: bool
    expected: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case. `reason` is empty where it passed.

    `missing` is the function for whose absence it was refused, empty where every function is offered.
    """

    note: str
    family: str
    state: State
    reason: str = ""
    missing: str = ""

    @property
    def offered(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class Summary:
    """How many cases ended how; `offered` counts those whose functions are all offered."""

    total: int
    passed: int
    refused: int
    wrong: int
    offered: int
    offered_passed: int
    misses: Mapping[str, int]
    """Why cases were refused, the most frequent first: a function's name, or what was found."""
    families: Mapping[str, tuple[int, int]]
    """How many cases of a family passed, of how many."""

    @property
    def share(self) -> float:
        """The part of all cases that passed."""
        return self.passed / self.total if self.total else 0.0

    @property
    def offered_share(self) -> float:
        """The part that passed of those whose functions are all offered."""
        return self.offered_passed / self.offered if self.offered else 0.0


def read_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of a file of JSON lines, plain or packed by gzip.

    Raises LoadError with the line that holds no case, OSError where the file cannot be read.
    """
    with path.open("rb") as plain:
        packed = plain.read(2) == _GZIP
    with (gzip.open if packed else open)(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _read_case(line, f"{path.name}:{number}")


def _read_case(line: bytes, where: str) -> Case:
    try:
        case = json.loads(line)
        note = str(case["note"])
        modules = case.get("modules") or []
        fails = "want_error" in case or "want_error_code" in case
        return Case(
            note=note,
            family=str(case.get("file") or note).partition("/")[0],
            modules={f"m{number}.rego": text for number, text in enumerate(modules)},
            data=case.get("data") or {},
            question=case.get("input", UNDEFINED),
            term=str(case.get("input_term", "")),
            query=str(case["query"]),
            strict=bool(case.get("strict_error")),
            unordered=bool(case.get("sort_bindings")),
            expected=None if fails else tuple(case.get("want_result") or ()),
        )
    except (ValueError, KeyError, TypeError, AttributeError, LoadError) as error:
        raise LoadError(f"{where}: a conformance case needed: {type(error).__name__}") from error


def run_case(case: Case) -> Outcome:
    """Answer one case; what OPA answers otherwise is `wrong`, also where ours ends in an error."""
    try:
        program = compile_modules(case.modules, case.data, strict=case.strict)
        found = _bindings(program, case)
    except NoFunctionError as error:
        # Refused for want of a function: no proof that OPA's error was met.
        return Outcome(case.note, case.family, "refused", str(error), error.function)
    except (LoadError, NotOfferedError) as error:
        return _ended(case, "refused", str(error))
    except UndecidedError as error:
        return _ended(case, "wrong", f"failed where OPA answers: {error}")
    if case.expected is None:
        return Outcome(case.note, case.family, "wrong", "answered where OPA fails")
    if _counted(found, case) != _counted(case.expected, case):
        return Outcome(case.note, case.family, "wrong", "answered otherwise than OPA")
    return Outcome(case.note, case.family, "passed")


def _ended(case: Case, state: State, reason: str) -> Outcome:
    if case.expected is None:
        return Outcome(case.note, case.family, "passed")
    return Outcome(case.note, case.family, state, reason)


def _bindings(program: Program, case: Case) -> list[dict[str, Any]]:
    return program.query(case.query, _input(case.term) if case.term else case.question)


def _input(term: str) -> Value:
    """Return the value of a term that is written out whole."""
    expression = parse_query(term)[0].expression
    folded = fold(expression) if isinstance(expression, Term) else None
    if folded is None:
        raise UnsupportedError("an input that is computed")
    return folded[0]


def _counted(solutions: Iterable[Mapping[str, Any]], case: Case) -> Counter[Any]:
    return Counter(identity(_comparable(one, unordered=case.unordered)) for one in solutions)


def _comparable(bindings: Mapping[str, Any], *, unordered: bool) -> Value:
    """Return the bindings as values, each list in one order where OPA's case leaves it open."""
    admitted = admit(dict(bindings))
    if unordered:
        return {
            name: sorted(value, key=repr) if type(value) is list else value
            for name, value in admitted.items()
        }
    return admitted


def summarise(outcomes: Iterable[Outcome]) -> Summary:
    """Count the outcomes."""
    found = list(outcomes)
    states = Counter(one.state for one in found)
    offered = [one for one in found if one.offered]
    misses = Counter(one.missing or one.reason for one in found if one.state == "refused")
    totals = Counter(one.family for one in found)
    passed = Counter(one.family for one in found if one.state == "passed")
    return Summary(
        total=len(found),
        passed=states["passed"],
        refused=states["refused"],
        wrong=states["wrong"],
        offered=len(offered),
        offered_passed=sum(one.state == "passed" for one in offered),
        misses=dict(misses.most_common()),
        families={name: (passed[name], totals[name]) for name in sorted(totals)},
    )
