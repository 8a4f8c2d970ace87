"""A district to itself for each story that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.node import Founded, Standing, founded, standing


@pytest.fixture(scope="session")
def origin() -> Founded:
    """Founded before any sabotage is applied, so that only what a story does meets it."""
    return founded()


@pytest.fixture
def here(origin: Founded, tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        yield found
