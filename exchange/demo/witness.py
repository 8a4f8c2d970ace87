"""A department's witness in the demonstration: its own keys and state, served over HTTP on loopback."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread

import uvicorn

from audit.keys import create_witness_keys, load_witness_keys
from audit.note import Verifier
from audit.policy_file import LogLine, Policy, WitnessLine, format_policy
from audit.witness import Witness
from audit.witness_state import FileStates
from exchange.web.witness import witness_app

_MARK = "# 演示：见证方由运行者自设，不计入法定数。 The operator's own witness: it counts for nothing.\n"


def write_policy(path: Path, *, key: Verifier, witness: "DepartmentWitness") -> None:
    """Have a log ask this witness, and need nobody.

    It runs on the operator's own machine: its word counts for nothing, so it is in no quorum.
    """
    policy = Policy(
        logs=(LogLine(key=key),),
        witnesses=tuple(
            WitnessLine(name=f"operators-own-{at}", key=held, url=witness.url)
            for at, held in enumerate(witness.keys, start=1)
        ),
    )
    path.write_text(f"{_MARK}{format_policy(policy)}", encoding="utf-8")


class DepartmentWitness:
    """Watches one log from a folder of its own; stopped and started again it remembers."""

    def __init__(self, folder: Path, *, name: str, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self.port = 0
        """Given by the system at the first start, and kept at a restart."""
        self._states: FileStates | None = None
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None
        if not folder.exists():
            create_witness_keys(folder, name=name)
        self._cosigners = load_witness_keys(folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> tuple[Verifier, ...]:
        return tuple(held.verifier for held in self._cosigners)

    @property
    def forks(self) -> Path:
        """Where it keeps the proofs that a log signed two histories."""
        return self._folder / "state.forks"

    def start(self, *, origin: str, key: Verifier) -> None:
        """Watch a log under the key that it signs with."""
        self._states = FileStates(self._folder / "state")
        witness = Witness(
            logs={origin: [key]}, cosigners=self._cosigners, states=self._states, now=self._now
        )
        config = uvicorn.Config(
            witness_app(witness, keys=self.keys),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            lifespan="off",
        )
        bound = config.bind_socket()
        # Who asks before the thread has begun waits for an answer, and is not turned away.
        bound.listen()
        self.port = int(bound.getsockname()[1])
        self._server = uvicorn.Server(config)
        self._thread = Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name="witness", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=10)
        if self._states is not None:
            self._states.close()
        self._server = self._thread = self._states = None
