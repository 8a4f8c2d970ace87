"""What the sign-in tables are asked and told. Callers hold the transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from exchange.identity.tables import link, session


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
