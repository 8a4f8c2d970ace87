"""Chooses the decision point: the packaged policy embedded, or an OPA server that loads the same bundle."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from exchange.clock import monotonic, now
from exchange.settings import Settings, SettingsError
from policies.bundle import Bundle, build, default_bundle, load_archive
from policies.embedded import Embedded
from policies.engine import DecisionPoint, LoadError
from policies.language import Budget, compile_modules
from policies.model import Decision, Question
from policies.opa import OpaServer

BUNDLE = Path("bundles") / "exchange.tar.gz"
HOLDS = timedelta(days=30)
RENEWED_BEFORE = timedelta(days=7)


class Packaged:
    """The packaged policy on the embedded engine, renewed a week before it expires.

    Implements `policies.engine.DecisionPoint`. A decision is made under one revision: what is renewed while
    a decision is under way holds from the next one.
    """

    def __init__(self, renew: Callable[[], Bundle], *, clock: Callable[[], datetime] = now) -> None:
        self._renew = renew
        self._clock = clock
        self._load()

    @property
    def revision(self) -> str:
        return self._engine.revision

    async def decide(self, question: Question) -> Decision:
        if self._clock() >= self._renewed_at:
            self._load()
        return await self._engine.decide(question)

    def _load(self) -> None:
        bundle = self._renew()
        self._engine = Embedded(
            compile_modules(bundle.modules, bundle.data),
            revision=bundle.revision,
            expires=bundle.expires,
            budget=Budget(monotonic=monotonic),
        )
        self._renewed_at = (
            datetime.fromtimestamp(bundle.expires, self._clock().tzinfo) - RENEWED_BEFORE
        )


def open_policy(settings: Settings) -> DecisionPoint:
    """Return the decision point that the settings name. Raises LoadError, SettingsError."""
    if settings.policy == "embedded":
        return Packaged(lambda: kept_bundle(settings.home, at=now()))
    url = urlsplit(settings.policy)
    if url.scheme != "http" or url.hostname is None:
        raise SettingsError(f"policy is {settings.policy!r}, needs embedded or http://host:port")
    bundle = kept_bundle(settings.home, at=now())
    return OpaServer(
        host=url.hostname,
        port=url.port or 8181,
        revision=bundle.revision,
        expires=bundle.expires,
    )


def kept_bundle(home: Path, *, at: datetime) -> Bundle:
    """Return the packaged policy under the expiry that `bundles/exchange.tar.gz` says, or write it anew.

    An OPA server loads that file, so its expiry must not change at every start. Nothing else of the file is
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
    fresh = path.with_suffix(".new")
    fresh.write_bytes(build(bundle))
    fresh.replace(path)
    return bundle


def _expiry(path: Path) -> int | None:
    """Return the expiry that a bundle file claims; None where there is none or it cannot be read."""
    try:
        return load_archive(path.read_bytes()).expires
    except (OSError, LoadError):
        return None
