"""Reads what was permitted: concurrently, within one deadline, links after the records they start from.

The only place that makes `Fetched` and `Failed`. A department that is down spoils its own part only.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.errors import SourceError
from gateway.mask import Normalise, UnusableFilterError, admit, key_text, meets
from gateway.model import (
    Call,
    Failed,
    Fetched,
    FoundKey,
    GivenKey,
    LinkedKey,
    Listed,
    Permitted,
    Refused,
    Row,
    Ruling,
)
from gateway.ports import Lister, Ports

SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
SOURCE_TIMEOUT = "SOURCE_TIMEOUT"
SOURCE_INVALID = "SOURCE_INVALID"
SOURCE_NOT_LISTABLE = "SOURCE_NOT_LISTABLE"
LINK_UNREAD = "LINK_UNREAD"
SUBJECT_MISSING = "SUBJECT_MISSING"
SUBJECT_NOT_PARTY = "SUBJECT_NOT_PARTY"
PROTECTED = "protect-existence"
TOO_MANY_SUBJECTS = "TOO_MANY_SUBJECTS"

Carried = Fetched | Failed | Refused


@dataclass(slots=True)
class _Fetching:
    """One call's fetch: what all its steps share."""

    call: Call
    ports: Ports
    sources: frozenset[str]
    normalise: Normalise
    subjects_left: int
    tasks: dict[str, asyncio.Task[Carried]] = field(default_factory=dict)


async def fetch(
    rulings: Sequence[Ruling],
    ports: Ports,
    *,
    call: Call,
    sources: frozenset[str],
    normalise: Normalise,
    deadline_s: float,
    linked_subjects: int = 60,
) -> tuple[Carried, ...]:
    """Carry out every ruling; refused steps send nothing to any source.

    `sources` are the names that the registry vouches for: another is not asked even if it is open.
    After `deadline_s` seconds whoever has not answered has failed. Cancelling cancels every read.
    """
    fetching = _Fetching(call, ports, sources, normalise, linked_subjects)
    for ruling in rulings:
        # A parent stands before its links in document order, so its task is there already.
        fetching.tasks[ruling.step.ref] = asyncio.create_task(_carry_out(ruling, fetching))
    tasks = list(fetching.tasks.values())
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=deadline_s)
    finally:
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
    return tuple(
        _timed_out(ruling) if task.cancelled() else task.result()
        for ruling, task in zip(rulings, tasks, strict=True)
    )


def _timed_out(ruling: Ruling) -> Carried:
    return ruling if isinstance(ruling, Refused) else Failed(ruling, SOURCE_TIMEOUT)


async def _carry_out(ruling: Ruling, fetching: _Fetching) -> Carried:
    if isinstance(ruling, Refused):
        return ruling
    match ruling.step.key:
        case GivenKey(value=value):
            return await _read(ruling, (value,), fetching)
        case LinkedKey() as link:
            return await _follow(ruling, link, fetching)
        case FoundKey(value=value):
            return await _find(ruling, value, fetching)
        case Listed():
            return await _list(ruling, fetching)


async def _follow(permitted: Permitted, link: LinkedKey, fetching: _Fetching) -> Carried:
    """Read the subjects to whom the parent's admitted records lead, if the decision lets us."""
    parent = await asyncio.shield(fetching.tasks[link.parent])
    step = permitted.step
    if isinstance(parent, Refused):
        return Refused(step, LINK_UNREAD, permitted.verdict)
    if isinstance(parent, Failed):
        return Failed(permitted, LINK_UNREAD, parent.retryable)
    try:
        rows = admit(parent.permitted, parent.rows, normalise=fetching.normalise)
    except UnusableFilterError:
        return Refused(step, LINK_UNREAD, permitted.verdict)
    keys = linked_keys(link, rows, normalise=fetching.normalise)
    if not all(_may_be_reached(permitted, key, fetching) for key in keys):
        return Refused(step, SUBJECT_NOT_PARTY, permitted.verdict)
    fetching.subjects_left -= len(keys)
    if fetching.subjects_left < 0:
        return Refused(step, TOO_MANY_SUBJECTS, permitted.verdict)
    return await _read(permitted, keys, fetching)


def linked_keys(link: LinkedKey, rows: Sequence[Row], *, normalise: Normalise) -> tuple[str, ...]:
    """Return whom a parent's records lead to, each once, in the order of the records."""
    item = link.parent_item
    found = (key_text(item, row.get(item.name), normalise=normalise) for row in rows)
    return tuple(dict.fromkeys(key for key in found if key is not None))


def _may_be_reached(permitted: Permitted, key: str, fetching: _Fetching) -> bool:
    """Say whether a subject met on the way is a party, where the decision demands that it is one."""
    demanded = any(one.type == "parties-only" for one in permitted.verdict.obligations)
    if not demanded:
        return True
    subject, case = permitted.step.subject, fetching.call.case
    if subject is None or case is None:
        return False
    return case.party(subject, fetching.ports.registry.token(subject.value, key))


async def _read(permitted: Permitted, keys: Sequence[str], fetching: _Fetching) -> Carried:
    """Read one step's records in one batch. No key, no read: an empty link is an empty answer."""
    ports, resource = fetching.ports, permitted.step.resource
    if not keys:
        return Fetched(permitted, (), _epoch_ms(ports))
    source = ports.sources.get(resource.source) if resource.source in fetching.sources else None
    if source is None:
        return Failed(permitted, SOURCE_UNAVAILABLE)
    try:
        rows = await source.read(permitted, keys=keys, call=fetching.call.number)
    except SourceError as error:
        return Failed(permitted, error.code, error.retryable)
    except Exception:  # noqa: BLE001  One department's defect must not spoil the others' answers.
        return Failed(permitted, SOURCE_UNAVAILABLE)
    item = permitted.step.key.item
    wanted = set(keys)
    if any(
        key_text(item, row.get(item.name), normalise=fetching.normalise) not in wanted
        for row in rows
    ):
        # Somebody else's record: the source does not do what it was asked.
        return Failed(permitted, SOURCE_INVALID, retryable=False)
    return Fetched(permitted, tuple(rows), _epoch_ms(ports))


async def _find(permitted: Permitted, value: str, fetching: _Fetching) -> Carried:
    """Read a record by a number of its own, and give it only where its holder may be reached."""
    step, verdict = permitted.step, permitted.verdict
    if step.resource.protected or any(one.type == PROTECTED for one in verdict.obligations):
        # To find out whose it is would tell that it is there.
        return Refused(step, SUBJECT_MISSING, verdict)
    read = await _read(permitted, (value,), fetching)
    if not isinstance(read, Fetched):
        return read
    key = step.resource.key
    holders = [key_text(key, row.get(key.name), normalise=fetching.normalise) for row in read.rows]
    if not all(_may_be_reached(permitted, holder or "", fetching) for holder in holders):
        return Refused(step, SUBJECT_NOT_PARTY, verdict)
    return read


async def _list(permitted: Permitted, fetching: _Fetching) -> Carried:
    """Read one page of a list, and one record more: whether there is a next page."""
    ports, resource = fetching.ports, permitted.step.resource
    source = ports.sources.get(resource.source) if resource.source in fetching.sources else None
    if source is None:
        return Failed(permitted, SOURCE_UNAVAILABLE)
    if not isinstance(source, Lister):
        return Failed(permitted, SOURCE_NOT_LISTABLE, retryable=False)
    try:
        rows = await source.read_list(permitted, call=fetching.call.number)
    except SourceError as error:
        return Failed(permitted, error.code, error.retryable)
    except Exception:  # noqa: BLE001  One department's defect must not spoil the others' answers.
        return Failed(permitted, SOURCE_UNAVAILABLE)
    if not all(meets(permitted.step.filters, row) for row in rows):
        # Records that nobody asked for: the source does not do what it was asked.
        return Failed(permitted, SOURCE_INVALID, retryable=False)
    return Fetched(permitted, tuple(rows), _epoch_ms(ports))


def _epoch_ms(ports: Ports) -> int:
    return int(ports.now().timestamp() * 1000)
