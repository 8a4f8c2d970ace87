"""Acts on jobs: long work on a shard begun, looked at and stopped; each page is the command's own act."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from audit.errors import AuditError
from catalogue.errors import CatalogueError
from catalogue.model import Actor, Officer
from catalogue.rows import OFFICER
from exchange.acts.archiving import list_archived
from exchange.acts.listing import Span, counted, cut, paged
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act, perform
from exchange.clock import fresh_id
from exchange.jobs import store, working
from exchange.jobs.errands import ERRANDS, Errand
from exchange.jobs.model import Job, JobState
from exchange.jobs.working import BEGUN, Workshop
from exchange.ledger import append_spending
from exchange.node import Node
from exchange.past import span

LOOKED = "job.looked"


@act("job.begin")
def begin_job(
    node: Node,
    actor: Actor,
    *,
    errand: str,
    shard: str | None = None,
    before: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """Have a shard archived, replayed or checked by the serving process, a page at a time.

    `before` is of an archive, `since` and `until` of a replay. Raises ActError JOB_NOTHING where there is
    nothing to do, JOB_STATE where the same is being done.
    """
    wanted = _errand(errand)
    _need(actor, wanted)
    at = node.of_shard(shard)
    origin = at.shown.origin
    arguments, total = _asked(node, actor, errand, origin, before=before, since=since, until=until)
    for one in _held(node).values():
        if (one.errand, one.origin, one.state) == (errand, origin, JobState.RUNNING):
            raise ActError("JOB_STATE", f"the same is being done already: {one.id}")
    shop = workshop_of(node)
    job = Job(
        id=fresh_id("job"),
        errand=errand,
        origin=origin,
        officer=actor.id,
        auth=actor.auth,
        arguments=arguments,
        created_ms=shop.at_ms(),
        begun=-1,
        # What an archive has to do is known before: a first page that is done twice is so counted once.
        said={"bundles": 0, "entries": 0, "of": total} if errand == "archive" else None,
        total=total,
    )
    # Recorded before anything is done. A crash before the row is kept leaves an entry, and nothing done.
    draft = working.recorded(BEGUN, job, by=actor, facts={**arguments, "of": total})
    begun = node.log.before + append_spending(node.log, draft)
    job = replace(job, begun=begun)
    with node.databases.registry.begin() as tx:
        store.add(tx, job, node.sealer)
    return _told(node, job)


@act("job.list")
def list_jobs(
    node: Node,
    actor: Actor,
    *,
    shard: str | None = None,
    first: int = 20,
    after: str | None = None,
    before: str | None = None,
) -> dict[str, Any]:
    """The jobs that the officer's roles are shown, newest first; of one shard, or of all."""
    origin = None if shard is None else _origin(node, shard)
    held = {
        # Ids of two jobs of one moment sort as they were made.
        f"{one.created_ms:015}-{key}": one
        for key, one in _held(node).items()
        if _reads(actor, one) and origin in {None, one.origin}
    }
    page = cut(held, Span(first=first, after=after, before=before), newest=True)
    states = counted(one.state.value for one in held.values())
    return paged(page, lambda one: _told(node, one), states=states)


@act("job.show")
def show_job(node: Node, actor: Actor, *, job: str) -> dict[str, Any]:
    """One job and what its pages said; where that tells of entries, that it was looked at is recorded."""
    held = _one(node, actor, job)
    errand = ERRANDS[held.errand]
    if errand.tells_of_entries and held.said is not None and held.state is not JobState.RUNNING:
        record_read(node, actor, LOOKED, {"job": held.id})
    return {**_told(node, held), "said": held.said}


@act("job.cancel")
def cancel_job(node: Node, actor: Actor, *, job: str) -> dict[str, Any]:
    """Stop a job that runs; what its pages did stays done. Raises ActError JOB_STATE for one that is over."""
    held = _one(node, actor, job)
    _need(actor, ERRANDS[held.errand])
    ended = working.cancel(workshop_of(node), held.id, by=actor)
    if ended is None:
        raise ActError("JOB_STATE", f"the job is {held.state.value} already")
    return _told(node, ended)


def workshop_of(node: Node) -> Workshop:
    """Put together what the work needs of a node."""

    def officer(key: str) -> Officer | None:
        return node.held(OFFICER).get(key)

    def carried_out(actor: Actor, name: str, arguments: Mapping[str, Any]) -> Any:
        return perform(node, actor, name, arguments)

    return Workshop(
        engine=node.databases.registry,
        sealer=node.sealer,
        log=node.log,
        now=node.ports.now,
        officer=officer,
        perform=carried_out,
        code_of=_code_of,
    )


def _code_of(error: Exception) -> str:
    """Return the code of a refusal; of what is none of ours, INTERNAL."""
    match error:
        case ActError() | AuditError() | CatalogueError():
            return error.code
        case _:
            return "INTERNAL"


def _asked(
    node: Node,
    actor: Actor,
    errand: str,
    origin: str,
    *,
    before: datetime | None,
    since: datetime | None,
    until: datetime | None,
) -> tuple[dict[str, str], int]:
    """Return what each page is asked with, and how much there is to do."""
    if (before is not None) != (errand == "archive"):
        raise ActError("ACT_ARGUMENTS", "a moment `before` which is archived, and for nothing else")
    if errand != "replay" and (since, until) != (None, None):
        raise ActError("ACT_ARGUMENTS", "`since` and `until` bound a replay, and nothing else")
    at = node.of_shard(origin)
    match errand:
        case "archive":
            if before is None or before > node.ports.now():
                raise ActError("ACT_ARGUMENTS", "a moment that has passed needed")
            total = list_archived(node, actor, before=before, shard=origin)["closed"]
            if not total:
                raise ActError("JOB_NOTHING", f"no closed bundle is older than {before}")
            return {"before": before.isoformat()}, total
        case "replay":
            first, end = span(at.shown, since=since, until=until)
            if first == end:
                raise ActError("JOB_NOTHING", "no entry was made in that time")
            told = {"since": since, "until": until}
            return {name: one.isoformat() for name, one in told.items() if one}, end - first
        case _:
            return {}, at.shown.size


def _errand(name: str) -> Errand:
    if name not in ERRANDS:
        raise ActError("ACT_ARGUMENTS", f"no errand {name!r}; known: {', '.join(sorted(ERRANDS))}")
    return ERRANDS[name]


def _need(actor: Actor, errand: Errand) -> None:
    if not any(actor.has(role) for role in errand.begins):
        roles = " or ".join(sorted(role.value for role in errand.begins))
        raise ActError("ROLE_MISSING", f"{errand.act} is for: {roles}")


def _reads(actor: Actor, job: Job) -> bool:
    return any(actor.has(role) for role in ERRANDS[job.errand].reads)


def _held(node: Node) -> dict[str, Job]:
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        return store.all_jobs(connection, node.sealer)


def _one(node: Node, actor: Actor, key: str) -> Job:
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        held = store.find(connection, key, node.sealer)
    if held is None or not _reads(actor, held):
        raise ActError("NOT_FOUND", f"no job {key} that is shown to you")
    return held


def _origin(node: Node, shard: str) -> str:
    at = node.of_shard(shard)
    return (at.shards[-1] if at.read_from is None else at.read_from.shard).origin


def _told(node: Node, job: Job) -> dict[str, Any]:
    called = {one.origin: one.called for one in node.shards}
    return {
        "id": job.id,
        "errand": job.errand,
        "shard": called.get(job.origin, job.origin),
        "arguments": dict(job.arguments),
        "officer": job.officer,
        "state": job.state.value,
        "created_at": _moment(job.created_ms),
        "begun": _place(node, job.begun),
        "ended_at": None if job.ended_ms is None else _moment(job.ended_ms),
        "ended": None if job.ended is None else _place(node, job.ended),
        "done": job.done,
        "total": job.total,
        "code": job.code or None,
        "why": job.why or None,
    }


def _place(node: Node, number: int) -> dict[str, Any] | None:
    """Return where an act's entry lies; None where its shard cannot be read."""
    try:
        at = node.of_number(number)
    except AuditError:
        return None
    shard = at.shards[-1] if at.read_from is None else at.read_from.shard
    return {"shard": shard.called, "index": number - at.shown.before}


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
