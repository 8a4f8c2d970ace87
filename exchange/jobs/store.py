"""What the table of jobs is asked and told. Callers hold the transaction."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from catalogue.ports import Sealer
from exchange.jobs.model import Job, JobState
from exchange.jobs.tables import job


def add(tx: Connection, made: Job, sealer: Sealer) -> None:
    row = _row(made, sealer) | {"lease_ms": 0, "touched_ms": made.created_ms}
    tx.execute(insert(job).values(**row))


def save(tx: Connection, held: Job, sealer: Sealer, *, lease: str, at_ms: int) -> bool:
    """Keep what became of a job and give its lease back; False where the lease is not ours any more."""
    row = _row(held, sealer) | {"leased_by": None, "lease_ms": 0, "touched_ms": at_ms}
    changed = tx.execute(
        update(job).where(job.c.id == held.id, job.c.leased_by == lease).values(**row)
    )
    return changed.rowcount == 1


def give_back(tx: Connection, job_id: str, *, lease: str, at_ms: int) -> None:
    """Give a lease back with nothing done."""
    tx.execute(
        update(job)
        .where(job.c.id == job_id, job.c.leased_by == lease)
        .values(leased_by=None, lease_ms=0, touched_ms=at_ms)
    )


def release(tx: Connection) -> None:
    """Give all leases back: whoever held them lives no more."""
    tx.execute(update(job).where(job.c.leased_by.is_not(None)).values(leased_by=None, lease_ms=0))


def waiting(tx: Connection, *, at_ms: int) -> bool:
    """Say whether some job waits to be worked on."""
    found = tx.execute(
        select(job.c.id)
        .where(
            job.c.state == JobState.RUNNING.value,
            or_(job.c.leased_by.is_(None), job.c.lease_ms < at_ms),
        )
        .limit(1)
    )
    return found.first() is not None


def claim(tx: Connection, sealer: Sealer, *, lease: str, at_ms: int, until_ms: int) -> Job | None:
    """Lease the running job that waited longest; None where there is none to work on."""
    found = tx.execute(
        select(job)
        .where(
            job.c.state == JobState.RUNNING.value,
            or_(job.c.leased_by.is_(None), job.c.lease_ms < at_ms),
        )
        .order_by(job.c.touched_ms, job.c.id)
    )
    for row in found.mappings().all():
        held = _read(row, sealer)
        if held is None:
            continue
        take(tx, held.id, lease=lease, until_ms=until_ms)
        return held
    return None


def take(tx: Connection, job_id: str, *, lease: str, until_ms: int) -> None:
    """Lease one job whoever works on it."""
    tx.execute(update(job).where(job.c.id == job_id).values(leased_by=lease, lease_ms=until_ms))


def find(tx: Connection, job_id: str, sealer: Sealer) -> Job | None:
    """Return a job; None where there is none, or its row is not as it was written."""
    row = tx.execute(select(job).where(job.c.id == job_id)).mappings().one_or_none()
    return None if row is None else _read(row, sealer)


def all_jobs(tx: Connection, sealer: Sealer) -> dict[str, Job]:
    """Return the jobs by id, those whose rows are as they were written."""
    read = (_read(row, sealer) for row in tx.execute(select(job)).mappings().all())
    return {held.id: held for held in read if held is not None}


def _row(held: Job, sealer: Sealer) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": held.id,
        "errand": held.errand,
        "origin": held.origin,
        "officer": held.officer,
        "auth": held.auth,
        "arguments": _text(held.arguments),
        "created_ms": held.created_ms,
        "begun": held.begun,
        "state": held.state.value,
        "place": _text(held.place),
        "said": None if held.said is None else sealer.seal(_text(held.said)),
        "done": held.done,
        "total": held.total,
        "code": held.code,
        "why": held.why,
        "ended_ms": held.ended_ms,
        "ended": held.ended,
    }
    return row | {"seal": _seal(row, sealer)}


def _read(row: RowMapping, sealer: Sealer) -> Job | None:
    kept = {name: value for name, value in row.items() if name in _SEALED}
    if not hmac.compare_digest(_seal(kept, sealer), str(row["seal"])):
        return None
    return Job(
        id=row["id"],
        errand=row["errand"],
        origin=row["origin"],
        officer=row["officer"],
        auth=row["auth"],
        arguments=msgspec.json.decode(row["arguments"]),
        created_ms=row["created_ms"],
        begun=row["begun"],
        state=JobState(row["state"]),
        place=msgspec.json.decode(row["place"]),
        said=None if row["said"] is None else msgspec.json.decode(sealer.open(row["said"])),
        done=row["done"],
        total=row["total"],
        code=row["code"],
        why=row["why"],
        ended_ms=row["ended_ms"],
        ended=row["ended"],
    )


_SEALED = frozenset(
    column.name
    for column in job.columns
    if column.name not in {"leased_by", "lease_ms", "touched_ms", "seal"}
)


def _seal(row: Mapping[str, Any], sealer: Sealer) -> str:
    told = {
        name: b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
    }
    return sealer.token("job", _text(dict(sorted(told.items()))))


def _text(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(dict(value)).decode()
