"""Officers sign in by link or by password and code, into sessions kept here; every sign-in is in the log."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from sqlalchemy import Connection, Engine

from catalogue.model import Officer
from catalogue.ports import Act, Clock, Ledger, Sealer
from exchange.identity import passwords, store
from exchange.identity.errors import IdentityError
from exchange.identity.keys import encode_base64url

LINK_MS = 10 * 60_000
IDLE_MS = 30 * 60_000
LONGEST_MS = 10 * 3_600_000
_TOUCH_MS = 60_000
_SESSION_KINDS: Mapping[str, str] = {"session": "session", "session-two-factor": "two-factor"}
"""What a session is sealed as → how an actor is then said to be established."""
ATTEMPTS = 5
WAIT_MS = 15 * 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new session. The secret goes into the officer's cookie and is nowhere kept."""

    officer: Officer
    secret: str = field(repr=False)
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is signed in, and how: `two-factor` by password and one-time code, `session` by a link."""

    officer: Officer
    auth: str


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
        hasher: PasswordHasher = passwords.HASHER,
    ) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)
        self._ledger = ledger
        self._sealer = sealer
        self._now = now
        self._random = random
        self._hasher = hasher

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
        with self._writing() as (tx, record):
            officer = self._take_link(tx, _digest("link", secret), officers=officers, at_ms=at_ms)
            return self._open(tx, record, officer, auth="link")

    def set_password(self, officer: Officer, password: str, *, by: Officer) -> str:
        """Store a password and a fresh one-time secret; returns the authenticator's address, told once.

        Raises IdentityError PASSWORD_WEAK, OFFICER_INACTIVE.
        """
        _check_active(officer)
        if len(password) < passwords.SHORTEST or officer.staff_number in password:
            raise IdentityError("PASSWORD_WEAK")
        hashed = passwords.hash_password(password, random=self._random, hasher=self._hasher)
        secret = passwords.make_totp_secret(self._random)
        with self._writing() as (tx, record):
            entry = record(_act("password.set", officer, auth="key", private={"by": by.id}))
            store.put_credential(
                tx,
                store.StoredCredential(
                    officer=officer.id,
                    password=hashed,
                    totp=self._sealer.seal(secret),
                    entry=entry,
                    seal=self._credential_seal(officer.id, hashed, secret, entry),
                ),
            )
        return passwords.totp_address(secret, account=officer.staff_number)

    def enter(
        self, officer_id: str | None, *, password: str, code: str, officers: Mapping[str, Officer]
    ) -> Opened:
        """Open a session by password and one-time code; raises IdentityError SIGN_IN_REFUSED.

        `officer_id` None means that nobody has the staff number: it takes as long and says the same. After
        five failures in a row nothing is compared for fifteen minutes. Failures are recorded, too.
        """
        with self._proving(officers.get(officer_id or ""), password, code) as (officer, tx, record):
            return self._open(tx, record, officer, auth="password")

    def show_factors(self, officer: Officer, *, password: str, code: str) -> None:
        """Record that an officer who acts by key gave password and code besides; opens no session.

        Raises IdentityError as `enter` does; failures count together with those of signing in.
        """
        with self._proving(officer, password, code) as (proven, _tx, record):
            record(_act("factors.shown", proven, auth="key"))

    def check_session(self, secret: str, *, officers: Mapping[str, Officer]) -> Officer:
        """Return who is signed in; raises IdentityError when the session's time is over."""
        return self.visitor(secret, officers=officers).officer

    def visitor(self, secret: str, *, officers: Mapping[str, Officer]) -> Visitor:
        """Return who is signed in and how they came; raises IdentityError as `check_session` does."""
        at_ms = self._at_ms()
        digest = _digest("session", secret)
        with self._reading.connect() as tx:
            found = store.find_session(tx, digest=digest)
        if found is None or _is_over(found, at_ms=at_ms):
            raise IdentityError("SESSION_UNKNOWN")
        auth = self._opened_by(found)
        officer = _active(found.officer, officers)
        # Use is noted to the minute, so that looking at pages does not write at every click.
        if at_ms - found.used_ms >= _TOUCH_MS:
            with self._engine.begin() as tx:
                store.touch_session(tx, digest=digest, at_ms=at_ms)
        return Visitor(officer=officer, auth=auth)

    def end_session(self, secret: str, *, officers: Mapping[str, Officer]) -> None:
        """Sign out; a session that is not there any more is no error."""
        digest = _digest("session", secret)
        with self._writing() as (tx, record):
            found = store.find_session(tx, digest=digest)
            officer = officers.get(found.officer) if found else None
            if store.drop_session(tx, digest=digest) and officer:
                record(_act("session.ended", officer, auth="session"))

    def _opened_by(self, found: store.StoredSession) -> str:
        """Return how a session was opened: the seal says it, so that no row can claim more than it is."""
        for kind, auth in _SESSION_KINDS.items():
            seal = self._seal(kind, found.digest, found.officer, found.opened_ms, found.entry)
            if hmac.compare_digest(seal, found.seal):
                return auth
        raise IdentityError("SESSION_UNKNOWN")

    def _open(
        self, tx: Connection, record: Callable[[Act], int], officer: Officer, *, auth: str
    ) -> Opened:
        at_ms = self._at_ms()
        cookie = self._secret()
        digest = _digest("session", cookie)
        store.drop_ended_sessions(
            tx, used_before_ms=at_ms - IDLE_MS, opened_before_ms=at_ms - LONGEST_MS
        )
        kind = "session" if auth == "link" else "session-two-factor"
        entry = record(_act("session.opened", officer, auth=auth))
        store.add_session(
            tx,
            store.StoredSession(
                digest=digest,
                officer=officer.id,
                opened_ms=at_ms,
                used_ms=at_ms,
                entry=entry,
                seal=self._seal(kind, digest, officer.id, at_ms, entry),
            ),
        )
        return Opened(officer=officer, secret=cookie, entry=entry)

    @contextmanager
    def _proving(
        self, officer: Officer | None, password: str, code: str
    ) -> Iterator[tuple[Officer, Connection, Callable[[Act], int]]]:
        """One transaction for an officer whose password and code are right; the code is used up in it."""
        found, step = self._compare(officer, password=password, code=code)
        if found is None or officer is None:
            raise IdentityError("SIGN_IN_REFUSED")
        if step is None:
            self._note_failure(officer)
            raise IdentityError("SIGN_IN_REFUSED")
        with self._writing() as (tx, record):
            # Two who send the same code at the same moment: the second one finds it used.
            if not store.take_step(tx, officer=officer.id, step=step):
                raise IdentityError("SIGN_IN_REFUSED")
            yield officer, tx, record

    def _compare(
        self, officer: Officer | None, *, password: str, code: str
    ) -> tuple[store.StoredCredential | None, int | None]:
        """Return the credential, None where there is nobody to fail, and the step of a right answer."""
        found = None
        if officer is not None and officer.state == "active":
            with self._reading.connect() as tx:
                found = store.find_credential(tx, officer=officer.id)
        if found is None:
            passwords.is_password(password, hashed=passwords.NOBODY)
            return None, None
        if found.failures >= ATTEMPTS and self._at_ms() - found.failed_ms < WAIT_MS:
            return found, None
        secret = self._sealer.open(found.totp)
        seal = self._credential_seal(found.officer, found.password, secret, found.entry)
        if not hmac.compare_digest(seal, found.seal):
            return found, None
        right = passwords.is_password(password, hashed=found.password)
        step = passwords.find_step(code, secret=secret, at_ms=self._at_ms(), after=found.used_step)
        return found, step if right else None

    def _note_failure(self, officer: Officer) -> None:
        """Count a failure, each with its entry, until nothing is compared any more."""
        at_ms = self._at_ms()
        with self._writing() as (tx, record):
            found = store.find_credential(tx, officer=officer.id)
            if found is None:
                return
            waiting = found.failures >= ATTEMPTS and at_ms - found.failed_ms < WAIT_MS
            # While waiting nothing was compared: guessing on neither prolongs the wait nor fills the log.
            if waiting:
                return
            failures = 1 if found.failures >= ATTEMPTS else found.failures + 1
            store.count_failure(tx, officer=officer.id, failures=failures, at_ms=at_ms)
            record(_act("session.refused", officer, auth="password"))

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

    def _credential_seal(self, officer: str, hashed: str, secret: str, entry: int) -> str:
        """A password put in by SQL, or another officer's moved over, signs nobody in."""
        return self._sealer.token("identity-credential", f"{officer}\n{hashed}\n{secret}\n{entry}")

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
