"""The policy in force: what the register says, loaded whole or not at all, and swapped between decisions.

Until the first activation it is the packaged policy, renewed by itself. From then on it is the archive whose
activation is the newest act, decided by the embedded engine or by an OPA server that loads the same archive.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from catalogue.bundles import PolicyBundle
from catalogue.snapshot import Snapshot
from exchange.archives import Archives, Opened
from exchange.clock import monotonic, now
from exchange.settings import Settings, SettingsError
from policies.bundle import (
    PACKAGED_SERIAL,
    Bundle,
    build,
    claims,
    default_bundle,
    digest_of,
)
from policies.embedded import Embedded
from policies.engine import DecisionPoint, LoadError, UndecidedError
from policies.language import Budget, Program, compile_modules
from policies.model import Decision, Question
from policies.opa import OpaServer

BUNDLE = Path("bundles") / "exchange.tar.gz"
TOKEN = Path("keys") / "opa.token"
"""By which an OPA server knows this gateway; a server that asks for none needs no such file."""
HOLDS = timedelta(days=30)
RENEWED_BEFORE = timedelta(days=7)
WAIT_S = 2.0
"""A call waits as long for another policy to be loaded; then it is decided by the last good one."""
AGAIN_S = 5.0
"""What could not be loaded is tried again after so many seconds."""
_LOGGING = logging.getLogger("exchange.policy")

Engine = Callable[[Bundle], DecisionPoint]
"""Makes what decides under a bundle. Raises LoadError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A policy that can decide, with the archive it was loaded from."""

    archive: bytes
    digest: str
    bundle: Bundle
    engine: DecisionPoint

    @property
    def ends(self) -> datetime:
        return datetime.fromtimestamp(self.bundle.expires, tz=now().tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How it stands with the policy."""

    held: Held | None
    """What decides; None where nothing does and every call is refused."""
    problem: str
    """Why it is not what the register says, or cannot be renewed; empty where all is well."""


class PolicyInForce:
    """Implements `policies.engine.DecisionPoint`: each decision is one engine's, from first to last.

    `picture` returns the newest picture of the register and never waits. What the register puts in force
    is loaded in a thread; while that fails, the last good policy decides until it expires. `server` is the
    one that the engines ask, opened and closed with this; None where they ask nobody.
    """

    def __init__(
        self,
        *,
        picture: Callable[[], Snapshot],
        archives: Archives,
        packaged: Callable[[], Bundle],
        engine: Engine,
        server: OpaServer | None = None,
        clock: Callable[[], datetime] = now,
        ticks: Callable[[], float] = monotonic,
        wait_s: float = WAIT_S,
    ) -> None:
        self._picture = picture
        self._archives = archives
        self._packaged = packaged
        self._engine = engine
        self._server = server
        self._clock = clock
        self._ticks = ticks
        self._wait_s = wait_s
        self._held: Held | None = None
        self._prepared: dict[str, Held] = {}
        self._problem = ""
        self._again_at = float("-inf")
        self._loading: Future[None] | None = None
        self._lock = threading.Lock()

    @property
    def revision(self) -> str:
        """The revision that decides; empty where none does."""
        held = self.condition().held
        return "" if held is None else held.engine.revision

    def condition(self) -> Condition:
        """Return how it stands. Blocks where nothing was loaded yet."""
        if self._held is None and not self._problem:
            self.load()
        return Condition(held=self._held, problem=self._problem)

    async def open(self) -> None:
        """Load the policy, and open the session with the server where there is one."""
        if self._server is not None:
            await self._server.open()
        await asyncio.to_thread(self.load)

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def decide(self, question: Question) -> Decision:
        """Return the decision on every request of the question, all under one bundle.

        Raises UndecidedError where no policy can be relied on.
        """
        held = await self.current()
        return await held.engine.decide(question)

    async def current(self) -> Held:
        """Return what decides a call that begins now; what comes into force later is for later calls.

        Raises UndecidedError where no policy can be relied on.
        """
        picture = self._picture()
        if picture.policy_in_doubt:
            raise UndecidedError("the register does not say for certain which policy is in force")
        if not self._follows(picture.policy):
            await self._follow()
        held = self._held
        if held is None:
            raise UndecidedError(self._problem or "no policy is loaded")
        return held

    def _follows(self, wanted: PolicyBundle | None) -> bool:
        held = self._held
        if held is None:
            return False
        if wanted is not None:
            return held.digest == wanted.digest
        return self._clock() < held.ends - RENEWED_BEFORE

    async def _follow(self) -> None:
        """Have it loaded, once for all who wait, and wait a while for it."""
        with self._lock:
            loading = self._loading
            if loading is None or loading.done():
                if self._problem and self._ticks() < self._again_at:
                    return
                loading = self._loading = _in_a_thread(self.load)
        if not self._renews():
            await asyncio.wait({asyncio.wrap_future(loading)}, timeout=self._wait_s)

    def _renews(self) -> bool:
        """Whether the packaged policy is only made to last longer, and decides meanwhile."""
        held = self._held
        return held is not None and self._picture().policy is None and self._clock() < held.ends

    def catch_up(self) -> Condition:
        """Return how it stands once what the newest picture puts in force is loaded, or cannot be. Blocks."""
        if not self._follows(self._picture().policy):
            self.load()
        return self.condition()

    def load(self) -> None:
        """Load what the register puts in force, or say why that cannot be done. Blocks; never raises."""
        wanted = self._picture().policy
        try:
            held = self._fresh() if wanted is None else self._of(wanted)
        except (LoadError, OSError) as error:
            self._note(str(error))
            return
        self._held, self._problem = held, ""
        self._prepared = {}

    def prepare(self, wanted: PolicyBundle) -> None:
        """Load a bundle before it comes into force, so that the first call under it need not wait.

        Raises LoadError where it cannot be loaded.
        """
        self._prepared = {wanted.digest: self._made(self._archives.registered(wanted))}

    def _of(self, wanted: PolicyBundle) -> Held:
        held = self._held
        if held is not None and wanted.serial < held.bundle.serial:
            raise LoadError(
                f"serial {wanted.serial} is registered, {held.bundle.serial} decides already"
            )
        prepared = self._prepared.get(wanted.digest)
        return prepared or self._made(self._archives.registered(wanted))

    def _made(self, opened: Opened) -> Held:
        return Held(
            archive=opened.archive,
            digest=opened.digest,
            bundle=opened.bundle,
            engine=self._engine(opened.bundle),
        )

    def _fresh(self) -> Held:
        held = self._held
        if held is not None and held.bundle.serial > PACKAGED_SERIAL:
            raise LoadError("the register names no policy any more, and one was in force")
        bundle = self._packaged()
        archive = build(bundle)
        return Held(
            archive=archive,
            digest=digest_of(archive),
            bundle=bundle,
            engine=self._engine(bundle),
        )

    def _note(self, problem: str) -> None:
        self._again_at = self._ticks() + AGAIN_S
        if problem != self._problem:
            self._problem = problem
            _LOGGING.error("the policy in force cannot be loaded: %s", problem)


def embedded(bundle: Bundle) -> Embedded:
    """Return the embedded engine under a bundle. Raises LoadError."""
    modules = tuple(sorted(bundle.modules.items()))
    return Embedded(
        compiled(modules, msgspec.json.encode(bundle.data, order="sorted")),
        revision=bundle.revision,
        expires=bundle.expires,
        budget=Budget(monotonic=monotonic),
    )


@lru_cache(maxsize=8)
def compiled(modules: tuple[tuple[str, str], ...], data: bytes) -> Program:
    """Compile modules (file name, source) over their data, JSON; the same once in a process.

    Engines share the program, which keeps nothing of what it decided. Raises LoadError.
    """
    return compile_modules(dict(modules), msgspec.json.decode(data))


def server_of(settings: Settings) -> OpaServer | None:
    """Return the OPA server that the settings name, not open yet; None where the engine is embedded.

    Raises SettingsError.
    """
    if settings.policy == "embedded":
        return None
    url = urlsplit(settings.policy)
    if url.scheme != "http" or url.hostname is None:
        raise SettingsError(f"policy is {settings.policy!r}, needs embedded or http://host:port")
    token = settings.home / TOKEN
    return OpaServer(
        host=url.hostname,
        port=url.port or 8181,
        revision="",
        expires=0,
        token=token.read_text(encoding="ascii").strip() if token.exists() else None,
    )


def open_policy(
    settings: Settings, *, picture: Callable[[], Snapshot], archives: Archives
) -> PolicyInForce:
    """Return the policy in force, loaded when it is opened or first asked about. Raises SettingsError."""
    server = server_of(settings)
    return PolicyInForce(
        picture=picture,
        archives=archives,
        packaged=lambda: kept_bundle(settings.home, at=now()),
        engine=embedded if server is None else _answered_by(server),
        server=server,
    )


def _answered_by(server: OpaServer) -> Engine:
    return lambda bundle: server.under(revision=bundle.revision, expires=bundle.expires)


def _in_a_thread(work: Callable[[], None]) -> "Future[None]":
    """Run in a daemon thread: a disk that never answers must not keep the process from ending."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="policy", daemon=True).start()
    return done


def kept_bundle(home: Path, *, at: datetime) -> Bundle:
    """Return the packaged policy under the expiry that `bundles/exchange.tar.gz` says, or write it anew.

    An OPA server loads it, so its expiry must not change at every start. Nothing else of the file is
    believed: it is taken only where it is, byte for byte, what would be written under its expiry.
    """
    path = home / BUNDLE
    kept = _expiry(path)
    if (
        kept is not None
        and at + RENEWED_BEFORE < datetime.fromtimestamp(kept, at.tzinfo) <= at + HOLDS
    ):
        bundle = default_bundle(expires=kept)
        if build(bundle) == path.read_bytes():
            return bundle
    bundle = default_bundle(expires=int((at + HOLDS).timestamp()))
    _keep_other(path, than=bundle.revision)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(build(bundle))
    fresh.replace(path)
    return bundle


def _keep_other(path: Path, *, than: str) -> None:
    """Keep what an earlier program wrote under its digest, so that its decisions can be shown again."""
    with suppress(OSError, LoadError):
        archive = path.read_bytes()
        if claims(archive).revision != than:
            path.with_name(f"{digest_of(archive)}.tar.gz").write_bytes(archive)


def _expiry(path: Path) -> int | None:
    """Return the expiry that a bundle file claims; None where there is none or it cannot be read."""
    with suppress(OSError, LoadError):
        return claims(path.read_bytes()).expires
    return None
