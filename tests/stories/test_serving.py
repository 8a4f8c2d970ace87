"""What a node opens when it is served."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from exchange.home import socket_path
from exchange.node import open_node
from exchange.serving import Serving
from tests.fakes.node import copied


def test_the_socket_for_acts_is_never_open_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied(tmp_path / "home")
    path = socket_path(settings.home)
    changed: list[Any] = []
    chmod = os.chmod

    def seen(target: Any, mode: int, **more: Any) -> None:
        changed.append(str(target))
        chmod(target, mode, **more)

    monkeypatch.setattr(os, "chmod", seen)
    serving = Serving(open_node(settings))
    serving.start()
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        # It was made so: what is opened and closed again was open.
        assert str(path) not in changed
    finally:
        serving.stop()
    assert not path.exists()
