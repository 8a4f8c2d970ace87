"""Carries jobs out in the serving process: a page at a time, under a lease in the registry.

Each page is the command's own act, on the word of the officer who began the job, whose rights are asked for
anew each time. A process that dies leaves a lease that the next start gives back; a page that was done and
not kept is done, and recorded, again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Engine

from audit.entry import Commit, Draft, IndexRow, Sequenced
from audit.errors import AuditError, LogUnavailableError
from catalogue.model import Actor, Officer
from catalogue.ports import Sealer
from exchange.clock import fresh_id
from exchange.jobs import store
from exchange.jobs.errands import ERRANDS, kept
from exchange.jobs.model import LONGEST_MS, Job, JobState

LEASE_MS = 15 * 60_000
"""Longer than a page may take; after it another process goes on."""

PAUSE_S = 1.0
BEGUN = "job.begun"
ENDED = "job.ended"
OFFICER_GONE = "OFFICER_INACTIVE"
TOO_LONG = "JOB_TOO_LONG"
WHY_MOST = 500
"""Characters of an act's own words that are kept."""

_LOGGING = logging.getLogger("exchange.jobs")


class Appending(Protocol):
    """The part of the log that is needed here."""

    @property
    def before(self) -> int: ...

    def append(self, draft: Draft) -> Sequenced: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the work needs of a node."""

    engine: Engine
    sealer: Sealer
    log: Appending
    now: Callable[[], datetime]
    officer: Callable[[str], Officer | None]
    """An officer as the log vouches for them now; None where there is none."""
    perform: Callable[[Actor, str, Mapping[str, Any]], Any]
    """Carries out one act, as a command has it carried out."""
    code_of: Callable[[Exception], str]

    def at_ms(self) -> int:
        """Epoch milliseconds by the clock by which calls are ruled."""
        return int(self.now().timestamp() * 1000)


async def work(shop: Workshop) -> None:
    """Work for ever; cancelled when the process ends, once the page that it is at is done."""
    await asyncio.to_thread(_release, shop)
    while True:
        page = asyncio.create_task(asyncio.to_thread(_stepped, shop))
        try:
            worked = await asyncio.shield(page)
        except asyncio.CancelledError:
            # The thread goes on whatever we do: the log stays open until it has ended.
            await page
            raise
        if not worked:
            await asyncio.sleep(PAUSE_S)


def _stepped(shop: Workshop) -> bool:
    try:
        return step(shop)
    except AuditError as error:
        # Nothing is done while the log refuses; the lease was given back and the page is done again.
        _LOGGING.warning("a job waits for the log: %s", error.code)
    except Exception as error:  # noqa: BLE001 - one job's trouble must not end the work on others
        # By type alone: a message may hold data.
        _LOGGING.error("a job's step failed: %s", type(error).__name__)  # noqa: TRY400
    return False


def step(shop: Workshop) -> bool:
    """Do one page of the job that waited longest; False where there is nothing to do. Blocks."""
    lease = fresh_id("lse")
    claimed = _claim(shop, lease)
    if claimed is None:
        return False
    try:
        after = _carried_on(shop, claimed)
    except BaseException:
        with shop.engine.begin() as tx:
            store.give_back(tx, claimed.id, lease=lease, at_ms=shop.at_ms())
        raise
    with shop.engine.begin() as tx:
        taken = not store.save(tx, after, shop.sealer, lease=lease, at_ms=shop.at_ms())
    if taken:
        _LOGGING.info("job %s was ended meanwhile", after.id)
    return True


def cancel(shop: Workshop, job_id: str, *, by: Actor) -> Job | None:
    """End a job whoever is at work on it: what its pages did stays done. Blocks.

    None where it is over already.
    """
    lease = fresh_id("lse")
    with shop.engine.begin() as tx:
        held = store.find(tx, job_id, shop.sealer)
        if held is None or held.state is not JobState.RUNNING:
            return None
        # From here on a page that is being done cannot be kept.
        store.take(tx, job_id, lease=lease, until_ms=shop.at_ms() + LEASE_MS)
    ended = end(shop, held, JobState.CANCELLED, by=by)
    with shop.engine.begin() as tx:
        store.save(tx, ended, shop.sealer, lease=lease, at_ms=shop.at_ms())
    return ended


def end(
    shop: Workshop, job: Job, state: JobState, *, by: Actor, code: str = "", why: str = ""
) -> Job:
    """Record that a job is over; returns it as it is to be kept. Blocks."""
    ended = replace(job, state=state, code=code, why=why[:WHY_MOST], ended_ms=shop.at_ms())
    facts = {"state": state.value, "code": code, "done": job.done, "of": job.total}
    index = shop.log.append(recorded(ENDED, ended, by=by, facts=facts)).index
    return replace(ended, ended=shop.log.before + index)


def recorded(kind: str, job: Job, *, by: Actor, facts: Mapping[str, Any]) -> Draft:
    """Return the draft of the entry by which a job begins or ends."""
    return Draft(
        kind=kind,
        clear={
            "department": by.department,
            "auth": by.auth,
            "facts": {"job": job.id, "errand": job.errand, "shard": job.origin, **facts},
        },
        commits=(Commit(name="officer", value=by.id),),
        index=(IndexRow(consumer=by.department, officer=by.id),),
    )


def _carried_on(shop: Workshop, job: Job) -> Job:
    officer = shop.officer(job.officer)
    if officer is None or officer.state != "active":
        nobody = Actor(officer=officer, auth=job.auth)
        return end(shop, job, JobState.STOPPED, by=nobody, code=OFFICER_GONE)
    actor = Actor(officer=officer, auth=job.auth)
    if shop.at_ms() - job.created_ms >= LONGEST_MS:
        return end(shop, job, JobState.STOPPED, by=actor, code=TOO_LONG)
    errand = ERRANDS[job.errand]
    asked = {**job.arguments, "shard": job.origin, **job.place}
    try:
        page = shop.perform(actor, errand.act, asked)
    except LogUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the act refuses ends the job, and is told
        code = shop.code_of(error)
        # A message of ours holds no data; of another's nobody knows.
        why = "" if code == "INTERNAL" else str(error)
        if code == "INTERNAL":
            _LOGGING.error("job %s: %s", job.id, type(error).__name__)  # noqa: TRY400
        return end(shop, job, JobState.STOPPED, by=actor, code=code, why=why)
    turn = errand.fold(None if job.said is None else dict(job.said), page)
    turned = replace(job, said=kept(turn.said), done=turn.done, total=turn.total)
    if turn.place is None:
        return end(shop, turned, JobState.DONE, by=actor)
    return replace(turned, place=turn.place)


def _claim(shop: Workshop, lease: str) -> Job | None:
    at_ms = shop.at_ms()
    with shop.engine.execution_options(reading=True).connect() as connection:
        if not store.waiting(connection, at_ms=at_ms):
            return None
    with shop.engine.begin() as tx:
        return store.claim(tx, shop.sealer, lease=lease, at_ms=at_ms, until_ms=at_ms + LEASE_MS)


def _release(shop: Workshop) -> None:
    with shop.engine.begin() as tx:
        store.release(tx)
