"""Reads what was permitted: concurrently, within one deadline, links after the records they start from.

The only place that makes `Fetched` and `Failed`. A department that is down spoils its own part only.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.columns import Columns
from gateway.errors import BulkUnsupportedError, SourceError
from gateway.mask import Normalise, UnusableFilterError, admit, key_text, key_texts, meeting
from gateway.model import (
    Call,
    EveryKey,
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
from gateway.ports import Lister, PagedSource, Ports, ReadNow, Source

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
    done: dict[str, Carried] = field(default_factory=dict)
    """Steps that were carried out without waiting for anybody."""
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
    tasks = fetching.tasks
    try:
        for ruling in rulings:
            # A parent stands before its links in document order, so it is under way already.
            begun = _begin(ruling, fetching) if deadline_s > 0 else _carry_out(ruling, fetching)
            if isinstance(begun, (Fetched, Failed, Refused)):
                fetching.done[ruling.step.ref] = begun
            else:
                tasks[ruling.step.ref] = asyncio.create_task(begun)
        if not tasks:
            return tuple(
                fetching.done.values()
            )  # In the order of the rulings, each under its own ref.
        await asyncio.wait(tasks.values(), timeout=deadline_s)
    finally:
        if tasks:
            late = [task for task in tasks.values() if not task.done()]
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
    return tuple([_result(ruling, fetching) for ruling in rulings])


def _result(ruling: Ruling, fetching: _Fetching) -> Carried:
    task = fetching.tasks.get(ruling.step.ref)
    if task is None:
        return fetching.done[ruling.step.ref]
    return _timed_out(ruling) if task.cancelled() else task.result()


def _timed_out(ruling: Ruling) -> Carried:
    return ruling if isinstance(ruling, Refused) else Failed(ruling, SOURCE_TIMEOUT)


def _begin(ruling: Ruling, fetching: _Fetching) -> Carried | Coroutine[Any, Any, Carried]:
    """Carry out a ruling at once where nobody has to be waited for; else return what will do it."""
    if isinstance(ruling, Refused):
        return ruling
    key = ruling.step.key
    if isinstance(key, EveryKey):
        return _turn(ruling, key.after, fetching)
    if isinstance(key, GivenKey):
        keys: tuple[str, ...] = (key.value,)
    elif not isinstance(key, LinkedKey):
        return _carry_out(ruling, fetching)
    else:
        parent = fetching.done.get(key.parent)
        if parent is None:
            return _carry_out(ruling, fetching)
        reached = _reached(ruling, key, parent, fetching)
        if not isinstance(reached, tuple):
            return reached
        keys = reached
    at_once = _read_now(ruling, keys, fetching)
    return _read(ruling, keys, fetching) if at_once is None else at_once


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
        case EveryKey(after=after):
            return await _turn(ruling, after, fetching)


async def _follow(permitted: Permitted, link: LinkedKey, fetching: _Fetching) -> Carried:
    """Read the subjects to whom the parent's admitted records lead, if the decision lets us."""
    parent = fetching.done.get(link.parent)
    if parent is None:
        parent = await asyncio.shield(fetching.tasks[link.parent])
    reached = _reached(permitted, link, parent, fetching)
    if not isinstance(reached, tuple):
        return reached
    return await _read(permitted, reached, fetching)


def _reached(
    permitted: Permitted, link: LinkedKey, parent: Carried, fetching: _Fetching
) -> tuple[str, ...] | Refused | Failed:
    """Return whom a link leads to, or why nobody of them may be read."""
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
    return keys


def linked_keys(link: LinkedKey, rows: Sequence[Row], *, normalise: Normalise) -> tuple[str, ...]:
    """Return whom a parent's records lead to, each once, in the order of the records."""
    found = key_texts(link.parent_item, rows, normalise=normalise)
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


def _read_now(permitted: Permitted, keys: Sequence[str], fetching: _Fetching) -> Carried | None:
    """Read one step's records on the loop, where its source can; None where it has to be waited for."""
    name = permitted.step.resource.source
    if name not in fetching.sources or not keys:
        return None
    try:
        # Not as `_source`: each step of each call comes by.
        source = fetching.ports.sources.get(name)
        read_now: ReadNow | None = getattr(source, "read_now", None)
        if read_now is None:
            return None
        rows = read_now(permitted, keys=keys, call=fetching.call.number)
    except SourceError as error:
        return Failed(permitted, error.code, error.retryable, error.retry_after_s)
    except Exception:  # noqa: BLE001  As in `_read`.
        return Failed(permitted, SOURCE_UNAVAILABLE)
    return None if rows is None else _fetched(permitted, keys, rows, fetching)


async def _read(permitted: Permitted, keys: Sequence[str], fetching: _Fetching) -> Carried:
    """Read one step's records in one batch. No key, no read: an empty link is an empty answer."""
    if not keys:
        return Fetched(permitted, (), _epoch_ms(fetching.ports))
    try:
        source = _source(permitted, fetching)
        if source is None:
            return Failed(permitted, SOURCE_UNAVAILABLE)
        rows = await source.read(permitted, keys=keys, call=fetching.call.number)
    except SourceError as error:
        return Failed(permitted, error.code, error.retryable, error.retry_after_s)
    except Exception:  # noqa: BLE001  One department's defect must not spoil the others' answers.
        return Failed(permitted, SOURCE_UNAVAILABLE)
    return _fetched(permitted, keys, rows, fetching)


def _source(permitted: Permitted, fetching: _Fetching) -> Source | None:
    name = permitted.step.resource.source
    return fetching.ports.sources.get(name) if name in fetching.sources else None


def _fetched(
    permitted: Permitted, keys: Sequence[str], rows: Sequence[Row], fetching: _Fetching
) -> Carried:
    item = permitted.step.key.item
    # Mostly one record, under the very text that was asked for.
    asked_for = len(rows) == 1 and rows[0].get(item.name) in keys
    if not asked_for and not set(key_texts(item, rows, normalise=fetching.normalise)) <= set(keys):
        # Somebody else's record: the source does not do what it was asked.
        return Failed(permitted, SOURCE_INVALID, retryable=False)
    held = rows if type(rows) is Columns else tuple(rows)
    return Fetched(permitted, held, int(fetching.ports.now().timestamp() * 1000))


def _held(rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows that nobody changes any more."""
    return rows if type(rows) is Columns else tuple(rows)


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
    source = _source(permitted, fetching)
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
    filters = permitted.step.filters
    if filters and len(meeting(filters, rows)) != len(rows):
        # Records that nobody asked for: the source does not do what it was asked.
        return Failed(permitted, SOURCE_INVALID, retryable=False)
    return Fetched(permitted, _held(rows), _epoch_ms(fetching.ports))


async def _turn(permitted: Permitted, after: str | None, fetching: _Fetching) -> Carried:
    """Read one page of all records. A source that cannot be paged gives nothing, never a part."""
    source = _source(permitted, fetching)
    if source is None:
        return Failed(permitted, SOURCE_UNAVAILABLE)
    if not isinstance(source, PagedSource):
        return Failed(permitted, BulkUnsupportedError.code, retryable=False)
    try:
        rows, more = await source.page(permitted, after=after, call=fetching.call.number)
    except SourceError as error:
        return Failed(permitted, error.code, error.retryable)
    except Exception:  # noqa: BLE001  A source's defect is told as one, and as nothing else.
        return Failed(permitted, SOURCE_UNAVAILABLE)
    return Fetched(permitted, tuple(rows), _epoch_ms(fetching.ports), more)


def _epoch_ms(ports: Ports) -> int:
    return int(ports.now().timestamp() * 1000)
