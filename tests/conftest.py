"""Selecting tests by the id they prove, and running them under a sabotage."""

import gc
import importlib
import os
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

import tests.sabotage
from exchange.deciding import compiled
from policies.embedded import rechecker_of
from policies.language import parse_module
from tests.sabotage.kit import Sabotage

REMEMBERED = (compiled, parse_module, rechecker_of)
"""What a process keeps of a policy, and may have made before a sabotage."""

# The collector looked through whatever was imported again and again, for a tenth of the time. As many new
# objects as this still fit into a processor's cache.
gc.set_threshold(10_000, 50, 100)

UNAPPLIED = 64
"""Exit status where a sabotage could not be applied; none of pytest's own."""

# No deadline: it would be an assertion on wall-clock time. What stops a release is decided alike each time;
# `make fuzz` looks for what nobody wrote before.
settings.register_profile("exchange", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("quick", deadline=None, max_examples=20, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=400, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "exchange"))


def sabotages() -> dict[str, list[Sabotage]]:
    """Every sabotage there is, by the id that it attacks; two parts may each attack one id."""
    found: dict[str, list[Sabotage]] = {}
    for module in pkgutil.iter_modules(tests.sabotage.__path__):
        if module.name in {"kit", "run"}:
            continue
        part = importlib.import_module(f"tests.sabotage.{module.name}")
        for name, sabotage in part.SABOTAGES.items():
            found.setdefault(name, []).append(sabotage)
    return found


def chosen(named: str) -> list[Sabotage]:
    """Return the sabotages of an id, `L5`, or one of several, `L5/2`."""
    claim, _, number = named.partition("/")
    found = sabotages()[claim]
    return [found[int(number) - 1]] if number else found


def proven(item: pytest.Item) -> set[str]:
    return {str(name) for mark in item.iter_markers("proves") for name in mark.args}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--proves", help="run only the tests that prove this id")
    parser.addoption(
        "--sabotage",
        help="run the tests of this id under its sabotage, or the second of several, L5/2: they must fail",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--sabotage") or config.getoption("--proves")
    if wanted:
        wanted = str(wanted).partition("/")[0]
        kept = [item for item in items if wanted in proven(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _sabotaged(request: pytest.FixtureRequest) -> Iterator[None]:
    wanted = request.config.getoption("--sabotage")
    if not wanted:
        yield
        return
    for remembered in REMEMBERED:
        remembered.cache_clear()
    with ExitStack() as patches:
        for sabotage in chosen(str(wanted)):
            try:
                patches.enter_context(sabotage.apply())
            except LookupError as error:
                # Its seam is gone: a test that fails for that would look like a sabotage that was caught.
                pytest.exit(f"{wanted}: {error}", returncode=UNAPPLIED)
        yield
