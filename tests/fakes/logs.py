"""A log in a temporary home, on real databases and real keys, under a clock that tests turn."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit.entry import ByteCommit, Commit, Draft, IndexRow, RowDigest
from audit.keys import LogKeys, create_keys, load_keys
from audit.log import Log
from audit.note import Signer
from audit.vault import Vault
from exchange.storage import migrate, postgresql_engine
from tests.fakes.databases import a_database

ORIGIN = "log.example.gov.cn/2026"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SUBJECT = ("person", "11010519491231002X")


@dataclass(slots=True)
class TurnedClock:
    """Says what it was last set to."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


class RememberingSigner(Signer):
    """Signs for real, and keeps every note it ever signed in a file, one after the other."""

    def __init__(self, name: str, key: Ed25519PrivateKey, *, notes: Path) -> None:
        super().__init__(name, key)
        self._notes = notes

    def sign(self, text: str) -> str:
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(text + "\f")
        return super().sign(text)


def signed_roots(home: Path) -> dict[int, set[str]]:
    """Every root that was ever signed, by tree size."""
    roots: dict[int, set[str]] = {}
    path = home / "signed"
    texts = path.read_text(encoding="utf-8").split("\f") if path.exists() else []
    for text in filter(None, texts):
        _, size, root = text.splitlines()
        roots.setdefault(int(size), set()).add(root)
    return roots


def never_two_roots(home: Path) -> None:
    assert all(len(roots) == 1 for roots in signed_roots(home).values())


def pass_on(_: str) -> None:
    """Stand at no point of a commit."""


@dataclass(slots=True)
class LogHome:
    """A home with databases and keys; `open` starts a log on it, any number of times."""

    home: Path
    clock: TurnedClock = field(default_factory=TurnedClock)
    urls: Mapping[str, str] = field(default_factory=dict)
    """PostgreSQL databases by branch; a branch that has none is a SQLite file in the home."""
    seat: str = ""
    """Which of several gateways this is, each with a guard of its own."""
    keys: LogKeys = field(init=False)
    log_engine: Engine = field(init=False)
    vault_engine: Engine = field(init=False)
    vault: Vault = field(init=False)

    def __post_init__(self) -> None:
        (self.home / "backups").mkdir(exist_ok=True)
        folder = self.home / "keys"
        if not folder.exists():
            folder.mkdir()
            create_keys(folder, origin=ORIGIN, random=_seeded(1))
        keys = load_keys(folder)
        secret = Ed25519PrivateKey.from_private_bytes(_ed25519_seed(folder))
        signer = RememberingSigner(ORIGIN, secret, notes=self.home / "signed")
        self.keys = replace(keys, signer=signer)
        self.log_engine = self._engine("log")
        self.vault_engine = self._engine("vault")
        migrate(self.log_engine, "log", home=self.home, at=NOON)
        migrate(self.vault_engine, "vault", home=self.home, at=NOON)
        self.vault = Vault(self.vault_engine, self.keys.kek, now=self.clock, random=_fresh())

    @property
    def guard(self) -> Path:
        return self.home / f"guard{self.seat}"

    def _engine(self, branch: str) -> Engine:
        url = self.urls.get(branch)
        return postgresql_engine(url, branch) if url else a_database(self.home, branch)

    def open(self, **settings: Any) -> Log:
        return Log.open(
            self.log_engine,
            self.vault,
            self.keys,
            gateway=f"gw-1{self.seat}",
            now=self.clock,
            random=_fresh(),
            guard=self.guard,
            **settings,
        )

    @contextmanager
    def opened(self, **settings: Any) -> Iterator[Log]:
        log = self.open(**settings)
        try:
            yield log
        finally:
            log.close()

    def close(self) -> None:
        self.log_engine.dispose()
        self.vault_engine.dispose()


_generator = random.Random()  # noqa: S311 - stands in for os.urandom, which tests need not wait for


def _fresh() -> Callable[[int], bytes]:
    return _generator.randbytes


def _seeded(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes  # noqa: S311 - the same keys in every home of the tests


def _ed25519_seed(folder: Path) -> bytes:
    # The first key that `create_keys` draws, from the same seed.
    assert (folder / "log.ed25519").exists()
    return _seeded(1)(32)


def a_call(**changed: Any) -> Draft:
    """A call's draft, with one thing changed."""
    return Draft(
        **{
            "kind": "call",
            "clear": {"consumer": {"department": "D2", "system": "hall"}, "channel": "query"},
            "commits": (
                Commit(name="case", value="2026-0117"),
                Commit(name="reason", value="建筑工程施工许可核发"),
                Commit(name="officer", value="off_0001"),
                Commit(name="subject.s1", value=list(SUBJECT), subject=SUBJECT),
                ByteCommit(name="request", content=b'{"query":"{a}"}'),
                ByteCommit(name="answer", content=b'{"a":1}'),
            ),
            "counters": ("consumer:hall", "resource:MSA-001"),
            "index": (
                IndexRow(
                    step="s1",
                    consumer="D2",
                    system="hall",
                    provider="D1",
                    resource="MSA-001",
                    matter="M-1",
                    decision="given",
                    code="GRANTED",
                    officer="off_0001",
                    case="2026-0117",
                    subject=SUBJECT,
                ),
            ),
            "receipt": ("request", "answer", "n.consumer:hall"),
            **changed,
        }
    )


def an_act(
    table: str = "grant", key: str = "grt_1", digest: str | None = "d1", **changed: Any
) -> Draft:
    """An act that records one row."""
    return Draft(
        **{
            "kind": "grant.issued",
            "clear": {"department": "D1"},
            "commits": (Commit(name="officer", value="off_0002"),),
            "index": (IndexRow(consumer="D1", officer="off_0002"),),
            "rows": (RowDigest(table=table, key=key, digest=digest),),
            **changed,
        }
    )
