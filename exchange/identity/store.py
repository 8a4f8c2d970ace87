"""What the sign-in tables are asked and told. Callers hold the transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from exchange.identity.tables import credential, link, session


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLink:
    digest: str
    officer: str
    expires_ms: int
    entry: int
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    digest: str
    officer: str
    opened_ms: int
    used_ms: int
    entry: int
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredential:
    officer: str
    password: str
    """argon2id hash."""
    totp: bytes
    """Sealed."""
    entry: int
    seal: str
    used_step: int = 0
    """Time step of the newest one-time code that was taken."""
    failures: int = 0
    """In a row."""
    failed_ms: int = 0
    """When the last of them was."""


def add_link(tx: Connection, row: StoredLink) -> None:
    tx.execute(
        insert(link).values(
            digest=row.digest,
            officer=row.officer,
            expires_ms=row.expires_ms,
            entry=row.entry,
            seal=row.seal,
        )
    )


def find_link(tx: Connection, *, digest: str) -> StoredLink | None:
    """Return the link whether or not its time is over; None if there is none."""
    row = tx.execute(select(link).where(link.c.digest == digest)).one_or_none()
    if row is None:
        return None
    return StoredLink(
        digest=row.digest,
        officer=row.officer,
        expires_ms=row.expires_ms,
        entry=row.entry,
        seal=row.seal,
    )


def take_link(tx: Connection, *, digest: str) -> bool:
    """Use a link up; False if it was used already."""
    return tx.execute(delete(link).where(link.c.digest == digest)).rowcount == 1


def drop_ended_links(tx: Connection, *, at_ms: int) -> None:
    tx.execute(delete(link).where(link.c.expires_ms <= at_ms))


def add_session(tx: Connection, row: StoredSession) -> None:
    tx.execute(
        insert(session).values(
            digest=row.digest,
            officer=row.officer,
            opened_ms=row.opened_ms,
            used_ms=row.used_ms,
            entry=row.entry,
            seal=row.seal,
        )
    )


def find_session(tx: Connection, *, digest: str) -> StoredSession | None:
    """Return the session whether or not its time is over; None if there is none."""
    row = tx.execute(select(session).where(session.c.digest == digest)).one_or_none()
    if row is None:
        return None
    return StoredSession(
        digest=row.digest,
        officer=row.officer,
        opened_ms=row.opened_ms,
        used_ms=row.used_ms,
        entry=row.entry,
        seal=row.seal,
    )


def touch_session(tx: Connection, *, digest: str, at_ms: int) -> None:
    tx.execute(update(session).where(session.c.digest == digest).values(used_ms=at_ms))


def drop_session(tx: Connection, *, digest: str) -> bool:
    return tx.execute(delete(session).where(session.c.digest == digest)).rowcount == 1


def drop_ended_sessions(tx: Connection, *, used_before_ms: int, opened_before_ms: int) -> None:
    tx.execute(
        delete(session).where(
            (session.c.used_ms < used_before_ms) | (session.c.opened_ms < opened_before_ms)
        )
    )


def put_credential(tx: Connection, row: StoredCredential) -> None:
    """Store an officer's credential in place of the one before."""
    tx.execute(delete(credential).where(credential.c.officer == row.officer))
    tx.execute(
        insert(credential).values(
            officer=row.officer,
            password=row.password,
            totp=row.totp,
            entry=row.entry,
            seal=row.seal,
            used_step=row.used_step,
            failures=row.failures,
            failed_ms=row.failed_ms,
        )
    )


def find_credential(tx: Connection, *, officer: str) -> StoredCredential | None:
    """Return an officer's credential; None where no password was set."""
    row = tx.execute(select(credential).where(credential.c.officer == officer)).one_or_none()
    if row is None:
        return None
    return StoredCredential(
        officer=row.officer,
        password=row.password,
        totp=row.totp,
        entry=row.entry,
        seal=row.seal,
        used_step=row.used_step,
        failures=row.failures,
        failed_ms=row.failed_ms,
    )


def take_step(tx: Connection, *, officer: str, step: int) -> bool:
    """Use a one-time code up and forget failures; False if it, or a later one, was used already."""
    return (
        tx.execute(
            update(credential)
            .where((credential.c.officer == officer) & (credential.c.used_step < step))
            .values(used_step=step, failures=0)
        ).rowcount
        == 1
    )


def count_failure(tx: Connection, *, officer: str, failures: int, at_ms: int) -> None:
    tx.execute(
        update(credential)
        .where(credential.c.officer == officer)
        .values(failures=failures, failed_ms=at_ms)
    )
