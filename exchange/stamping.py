"""Has a time-stamping authority (RFC 3161) say when the newest checkpoint was there, at most hourly.

An authority that is away is waited for like a witness: first in silence, then with a warning, then, where the
settings say so, no call is answered any more. A log to which nothing was added needs no new stamp.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from sqlalchemy import Engine

from audit.canonical import decode_strict
from audit.checkpoint import parse_checkpoint
from audit.entry import Draft
from audit.errors import AuditError, LogUnavailableError, ProofError
from audit.log import Log
from audit.note import parse_note
from audit.stamps import keep_stamp, stamped_checkpoints
from audit.timestamp import (
    ANSWER_BOUND,
    ANSWER_TYPE,
    REQUEST_TYPE,
    TimeStamp,
    ask,
    read_answer,
    read_roots,
)
from audit.verify import FaultError, stamped_at
from exchange.client.authorities import public_authorities
from exchange.settings import Settings, SettingsError

_LOGGING = logging.getLogger("exchange")
EVERY = timedelta(hours=1)
AGAIN = timedelta(minutes=5)
"""After a stamp that was not given."""

WAIT_S = 10.0


class StampMissingError(LogUnavailableError):
    """For longer than the settings allow nothing was stamped."""


class StampError(AuditError):
    """The authority gave no stamp."""

    code = "STAMP_ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Who stamps, under which roots, and how long a stamp may be missing; no `stop` is for ever."""

    url: str
    roots: bytes
    warn: timedelta
    stop: timedelta | None

    def trusted(self) -> Sequence[x509.Certificate]:
        return read_roots(self.roots)


class Stamping:
    """What a node does about time stamps. Rounds run on one thread at a time; `ready` on any."""

    def __init__(
        self,
        log: Log,
        engine: Engine,
        *,
        stamps: Stamps | None,
        newest: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        """`newest` returns the published checkpoint to stamp; no `stamps`: nobody is asked.

        Raises LogUnavailableError where what was stamped before cannot be read.
        """
        self._log = log
        self._engine = engine
        self._stamps = stamps
        self._newest = newest
        self._now = now
        self._http = httpx.Client(trust_env=False, verify=public_authorities(), timeout=WAIT_S)
        self._size = -1
        """Of the newest tree that is stamped."""
        self._since: datetime | None = None
        """When entries without a stamp were first noticed; None: there were none."""
        self._ask_at: datetime | None = None
        self._stale = False
        if stamps is not None:
            self._begin(stamps)

    def close(self) -> None:
        self._http.close()

    @property
    def trouble(self) -> str | None:
        """What is wrong with the time stamps; None: nothing, or not for long."""
        if self._stamps is None or self._missing() <= self._stamps.warn:
            return None
        return f"no time stamp for {self._missing() // timedelta(minutes=1)} minutes"

    def ready(self) -> None:
        """Raise StampMissingError where no call may be answered. Never blocks."""
        stop = None if self._stamps is None else self._stamps.stop
        if stop is not None and self._missing() > stop:
            raise StampMissingError(
                f"no time stamp for more than {stop // timedelta(minutes=1)} minutes"
            )

    def due(self) -> bool:
        """Say whether the authority is to be asked now."""
        if self._stamps is None or not self._waiting():
            return False
        return self._ask_at is None or self._now() >= self._ask_at

    def round(self) -> None:
        """Have the newest published checkpoint stamped and keep the token with it. Blocks.

        Raises LogUnavailableError where the log can be neither read nor written.
        """
        if self._stamps is None:
            return
        note = self._newest()
        size = parse_checkpoint(parse_note(note).text).size
        self._ask_at = self._now() + AGAIN
        if size != self._size:
            try:
                stamp = self._stamp(note, self._stamps)
            except (StampError, ProofError) as error:
                _LOGGING.warning("nothing was stamped: %s", error)
            else:
                keep_stamp(self._engine, size, stamp.token)
                self._size, self._since = size, None
                self._ask_at = self._now() + EVERY
        self._tell()

    def _stamp(self, note: str, stamps: Stamps) -> TimeStamp:
        asked = ask(note)
        try:
            with self._http.stream(
                "POST", stamps.url, content=asked.body, headers={"content-type": REQUEST_TYPE}
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise StampError(f"{stamps.url} answers {answer.status_code}")
                if answer.headers.get("content-type", "").partition(";")[0] != ANSWER_TYPE:
                    raise StampError(f"{stamps.url} does not answer with {ANSWER_TYPE}")
                told = b""
                for part in answer.iter_bytes():
                    told += part
                    if len(told) > ANSWER_BOUND:
                        raise StampError(f"{stamps.url} answers more than {ANSWER_BOUND} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StampError(f"{stamps.url}: {type(error).__name__}") from error
        return read_answer(told, asked=asked, roots=stamps.trusted())

    def _begin(self, stamps: Stamps) -> None:
        """Go on from the newest stamp that holds: a restart does not renew the grace."""
        kept = stamped_checkpoints(self._engine, most=self._log.size)
        for stamped in reversed(kept):
            text = parse_note(stamped.note).text
            try:
                at = stamped_at(stamped.token, text.encode(), roots=stamps.roots)
            except FaultError:
                continue
            self._size = parse_checkpoint(text).size
            self._ask_at = min(self._now(), at) + EVERY
            if self._size < self._log.size:
                # The oldest entry that no stamp covers says since when one is missing.
                ts = int(decode_strict(self._log.entry(self._size))["ts"])
                self._since = datetime.fromtimestamp(ts / 1000, UTC)
            return

    def _waiting(self) -> bool:
        """Notice whether there are entries without a stamp."""
        self._missing()
        return self._since is not None

    def _missing(self) -> timedelta:
        """How long there have been entries without a stamp."""
        if self._log.size == self._size:
            self._since = None
            return timedelta()
        if self._since is None:
            self._since = self._now()
        return self._now() - self._since

    def _tell(self) -> None:
        """Record once that stamps are missing for too long, and once that they are there again."""
        stale = self.trouble is not None
        if stale == self._stale:
            return
        self._stale = stale
        if stale:
            _LOGGING.warning("time stamps: %s", self.trouble)
        self._log.append(Draft(kind="stamp.away" if stale else "stamp.back", clear={"facts": {}}))


def read_stamps(settings: Settings) -> Stamps | None:
    """Read who stamps; None where the settings name nobody.

    Raises SettingsError for one without roots, or with roots that are none.
    """
    if not settings.tsa_url:
        return None
    if not settings.tsa_url.startswith(("http://", "https://")):
        raise SettingsError("tsa_url: an http(s) URL needed")
    path = Path(settings.home / settings.tsa_roots)
    try:
        pem = path.read_bytes()
        found = read_roots(pem)
    except (OSError, AuditError) as error:
        raise SettingsError(f"tsa_roots {path}: {error}") from error
    if not found:
        raise SettingsError(f"tsa_roots {path}: no certificate in it")
    stop = settings.tsa_stop_min
    return Stamps(
        url=settings.tsa_url,
        roots=pem,
        warn=timedelta(minutes=settings.tsa_warn_min),
        stop=timedelta(minutes=stop) if stop else None,
    )
