"""Officers sign in by one-time links and stay in server-side sessions; every sign-in is in the log."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from catalogue.model import Officer
from catalogue.ports import Act, Clock, Ledger, Sealer
from exchange.identity import store
from exchange.identity.errors import IdentityError
from exchange.identity.keys import encode_base64url

LINK_MS = 10 * 60_000
IDLE_MS = 30 * 60_000
LONGEST_MS = 10 * 3_600_000
_TOUCH_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new session. The secret goes into the officer's cookie and is nowhere kept."""

    officer: Officer
    secret: str = field(repr=False)
    entry: int


class SignIn:
    """Use cases of sign-in. Plain `def`: run them in a worker thread."""

    def __init__(
        self,
        engine: Engine,
        *,
        ledger: Ledger,
        sealer: Sealer,
        now: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)
        self._ledger = ledger
        self._sealer = sealer
        self._now = now
        self._random = random

    def offer_link(self, officer: Officer, *, by: Officer | None) -> str:
        """Return the secret of a link that signs the officer in once, within ten minutes.

        `by` is who asked for it; None means the demo, the only profile that may ask by itself.
        """
        _check_active(officer)
        secret = self._secret()
        digest = _digest("link", secret)
        expires_ms = self._at_ms() + LINK_MS
        private = {"by": by.id if by else "demo"}
        with self._writing() as (tx, record):
            store.drop_ended_links(tx, at_ms=self._at_ms())
            entry = record(_act("link.offered", officer, auth="link", private=private))
            seal = self._seal("link", digest, officer.id, expires_ms, entry)
            store.add_link(
                tx,
                store.StoredLink(
                    digest=digest, officer=officer.id, expires_ms=expires_ms, entry=entry, seal=seal
                ),
            )
        return secret

    def redeem_link(self, secret: str, *, officers: Mapping[str, Officer]) -> Opened:
        """Use a link up and open a session; raises IdentityError LINK_UNUSABLE.

        The session does not exist unless its entry is in the log.
        """
        at_ms = self._at_ms()
        cookie = self._secret()
        digest = _digest("session", cookie)
        with self._writing() as (tx, record):
            officer = self._take_link(tx, _digest("link", secret), officers=officers, at_ms=at_ms)
            store.drop_ended_sessions(
                tx, used_before_ms=at_ms - IDLE_MS, opened_before_ms=at_ms - LONGEST_MS
            )
            entry = record(_act("session.opened", officer, auth="link"))
            seal = self._seal("session", digest, officer.id, at_ms, entry)
            store.add_session(
                tx,
                store.StoredSession(
                    digest=digest,
                    officer=officer.id,
                    opened_ms=at_ms,
                    used_ms=at_ms,
                    entry=entry,
                    seal=seal,
                ),
            )
        return Opened(officer=officer, secret=cookie, entry=entry)

    def check_session(self, secret: str, *, officers: Mapping[str, Officer]) -> Officer:
        """Return who is signed in; raises IdentityError when the session's time is over."""
        at_ms = self._at_ms()
        digest = _digest("session", secret)
        with self._reading.connect() as tx:
            found = store.find_session(tx, digest=digest)
        if found is None or _is_over(found, at_ms=at_ms):
            raise IdentityError("SESSION_UNKNOWN")
        seal = self._seal("session", digest, found.officer, found.opened_ms, found.entry)
        if not hmac.compare_digest(seal, found.seal):
            raise IdentityError("SESSION_UNKNOWN")
        officer = _active(found.officer, officers)
        # Use is noted to the minute, so that looking at pages does not write at every click.
        if at_ms - found.used_ms >= _TOUCH_MS:
            with self._engine.begin() as tx:
                store.touch_session(tx, digest=digest, at_ms=at_ms)
        return officer

    def end_session(self, secret: str, *, officers: Mapping[str, Officer]) -> None:
        """Sign out; a session that is not there any more is no error."""
        digest = _digest("session", secret)
        with self._writing() as (tx, record):
            found = store.find_session(tx, digest=digest)
            officer = officers.get(found.officer) if found else None
            if store.drop_session(tx, digest=digest) and officer:
                record(_act("session.ended", officer, auth="session"))

    def _take_link(
        self, tx: Connection, digest: str, *, officers: Mapping[str, Officer], at_ms: int
    ) -> Officer:
        found = store.find_link(tx, digest=digest)
        if found is None or found.expires_ms <= at_ms:
            raise IdentityError("LINK_UNUSABLE")
        seal = self._seal("link", digest, found.officer, found.expires_ms, found.entry)
        if not hmac.compare_digest(seal, found.seal) or not store.take_link(tx, digest=digest):
            raise IdentityError("LINK_UNUSABLE")
        return _active(found.officer, officers)

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, Callable[[Act], int]]]:
        """One transaction; acts recorded in it are voided if it does not come about."""
        recorded: list[int] = []

        def record(act: Act) -> int:
            recorded.append(self._ledger.append(act))
            return recorded[-1]

        try:
            with self._engine.begin() as tx:
                yield tx, record
        except Exception:
            for index in recorded:
                self._ledger.void(index, reason="the registry's commit failed")
            raise

    def _seal(self, kind: str, digest: str, officer: str, at_ms: int, entry: int) -> str:
        # Sessions come and go too fast to be vouched for row by row in the log, as grants are; a key that
        # is not in the database vouches for them instead.
        return self._sealer.token(f"identity-{kind}", f"{digest}\n{officer}\n{at_ms}\n{entry}")

    def _secret(self) -> str:
        return encode_base64url(self._random(32))

    def _at_ms(self) -> int:
        return int(self._now().timestamp() * 1000)


def _act(
    kind: str, officer: Officer, *, auth: str, private: Mapping[str, str] | None = None
) -> Act:
    """An act of sign-in; `private` None commits to nothing but the officer."""
    return Act(
        kind=kind,
        actor=officer.id,
        department=officer.department,
        auth=auth,
        rows=(),
        private=private or {},
    )


def _active(officer_id: str, officers: Mapping[str, Officer]) -> Officer:
    officer = officers.get(officer_id)
    if officer is None:
        raise IdentityError("OFFICER_INACTIVE")
    _check_active(officer)
    return officer


def _check_active(officer: Officer) -> None:
    if officer.state != "active":
        raise IdentityError("OFFICER_INACTIVE")


def _is_over(found: store.StoredSession, *, at_ms: int) -> bool:
    return at_ms - found.used_ms >= IDLE_MS or at_ms - found.opened_ms >= LONGEST_MS


def _digest(kind: str, secret: str) -> str:
    return hashlib.sha256(f"{kind}\n{secret}".encode()).hexdigest()
