"""Rules of the house that no linter ships with: who makes which stage, who reads clocks, who commits."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("exchange", "gateway", "catalogue", "policies", "audit")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAKERS = {
    "Permitted": {"gateway/rule.py"},
    "Fetched": {"gateway/fetch.py"},
    "Failed": {"gateway/fetch.py"},
    "Masked": {"gateway/mask.py", "gateway/compile.py"},
    "Recorded": {"gateway/record.py"},
}
CLOCKS = {
    "datetime.now",
    "datetime.datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
}
MAY_BEGIN = ("catalogue/service", "audit/", "exchange/")


@pytest.fixture(params=MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def module(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def name(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


@dataclass(frozen=True, slots=True)
class Written:
    """What the rules want to know of a module."""

    docstring: str | None
    calls: tuple[str, ...]


@cache
def written(module: Path) -> Written:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return Written(ast.get_docstring(tree), tuple(map(ast.unparse, called)))


def calls(module: Path) -> tuple[str, ...]:
    return written(module).calls


def test_a_module_says_in_one_sentence_what_it_is_for(module: Path) -> None:
    docstring = written(module).docstring
    assert docstring
    assert docstring.split("\n\n")[0].rstrip().endswith((".", ":"))


def test_a_stage_is_made_by_its_own_module_only(module: Path) -> None:
    made = {call.rpartition(".")[2] for call in calls(module)}
    foreign = {stage for stage, makers in MAKERS.items() if name(module) not in makers} & made
    assert not foreign


def test_only_the_exchange_reads_the_clock(module: Path) -> None:
    if not name(module).startswith("exchange/"):
        assert not CLOCKS & set(calls(module))


def test_only_use_cases_and_the_log_begin_and_commit_transactions(module: Path) -> None:
    if not name(module).startswith(MAY_BEGIN):
        assert not [call for call in calls(module) if call.endswith((".begin", ".commit"))]


def test_the_rules_would_see_a_stage_that_is_made_elsewhere(tmp_path: Path) -> None:
    offender = tmp_path / "offender.py"
    offender.write_text("model.Permitted(step, verdict); time.time(); engine.begin()")
    assert set(calls(offender)) == {"model.Permitted", "time.time", "engine.begin"}
