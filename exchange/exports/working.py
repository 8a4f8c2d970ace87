"""Works on exports in the serving process: a page or the files at a time, under a lease in the registry.

Each step is claimed, carried out and kept, so that several exports go on side by side and a process that
dies leaves nothing but a lease that runs out. What was read and not kept is read, and recorded, again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine

from audit.entry import Draft, IndexRow, Nonce, Sequenced
from audit.errors import AuditError
from catalogue.model import Resource
from catalogue.ports import Sealer
from catalogue.snapshot import Snapshot
from exchange.clock import fresh_id
from exchange.exports import store
from exchange.exports.cursors import BulkCursors
from exchange.exports.errors import ExportError
from exchange.exports.files import ExportFiles, PageChangedError, strays
from exchange.exports.formats import Column
from exchange.exports.manifest import manifest_digest, write_manifest
from exchange.exports.model import Export, ExportState, Mark, Page
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Established, Gate
from gateway.budgets import QUOTA_SPENT
from gateway.bulk import Turned, items_of, named_rows, terms_of, turn
from gateway.coded import CODE_UNKNOWN
from gateway.disputes import VALUE_DISPUTED
from gateway.errors import GATEWAY_CODES, GatewayError
from gateway.model import Call, Failed, Masked, Outcome, Refused
from gateway.pipeline import Terms
from gateway.ports import Ports

LEASE_MS = 120_000
"""Longer than a page may take; after it another process goes on."""

KEPT_MS = 24 * 3_600_000
"""How long files may be fetched."""

FAILURES_MOST = 5
"""Pages in a row that a source leaves unanswered before the export stops."""

PAUSE_S = 1.0
_PAGE_MS = 300_000
ENDED = "export.ended"
TERMS_CHANGED = "TERMS_CHANGED"
FILE_CHANGED = "EXPORT_FILE_CHANGED"
_LOGGING = logging.getLogger("exchange.exports")


class Appending(Protocol):
    """The part of the log that is needed here."""

    def append_async(self, draft: Draft) -> Awaitable[Sequenced]: ...

    def append(self, draft: Draft) -> Sequenced: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the work needs of a node."""

    home: Path
    engine: Engine
    sealer: Sealer
    gate: Gate
    log: Appending
    ports: Ports
    terms: Terms
    picture: Callable[[], Snapshot]
    """The latest picture of the registry."""

    @property
    def cursors(self) -> BulkCursors:
        return BulkCursors(self.ports.cursors)

    def resource(self, code: str) -> Resource:
        return self.picture().resources[code]

    def at_ms(self) -> int:
        """Epoch milliseconds by the clock by which calls are ruled."""
        return int(self.ports.now().timestamp() * 1000)

    def files(self, export: Export) -> ExportFiles:
        return ExportFiles(self.home, export.id)


class StoppedError(ExportError):
    """An export cannot go on; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code, code)


async def work(bench: Bench) -> None:
    """Work for ever; cancelled when the process ends."""
    while True:
        try:
            worked = await step(bench)
        except AuditError as error:
            # Nothing is read while the log refuses; the lease is given back and the page read again.
            _LOGGING.warning("an export waits for the log: %s", error.code)
            worked = False
        except Exception as error:  # noqa: BLE001 - one export's trouble must not end the work on others
            # By type alone: a message may hold data.
            _LOGGING.error("an export's step failed: %s", type(error).__name__)  # noqa: TRY400
            worked = False
        if not worked:
            await asyncio.sleep(PAUSE_S)


async def step(bench: Bench) -> bool:
    """Carry out one step of the export that waited longest; False where there is nothing to do."""
    lease = fresh_id("lse")
    claimed = await asyncio.to_thread(_claim, bench, lease)
    if claimed is None:
        return False
    try:
        after = await _stepped(bench, claimed)
    except BaseException:
        await asyncio.to_thread(_give_back, bench, claimed, lease)
        raise
    await asyncio.to_thread(_save, bench, after, lease)
    return True


async def _stepped(bench: Bench, export: Export) -> Export:
    try:
        return await _carried_on(bench, export)
    except StoppedError as error:
        return await asyncio.to_thread(end, bench, export, ExportState.STOPPED, code=error.code)


def end(bench: Bench, export: Export, state: ExportState, *, code: str = "") -> Export:
    """Record that an export is over and remove its files; returns it as it is to be kept. Blocks."""
    ended = replace(export, state=state, code=code, ended_ms=bench.at_ms(), parts=(), manifest=None)
    sequenced = bench.log.append(ending(ended, facts={}))
    bench.files(export).drop()
    return replace(ended, ended_entry=sequenced.index)


def ending(export: Export, *, facts: Mapping[str, Any]) -> Draft:
    """Return the draft of the entry by which an export ends."""
    return Draft(
        kind=ENDED,
        clear={
            "consumer": export.department,
            "system": export.system,
            "facts": {
                "export": export.id,
                "provider": export.provider,
                "resource": export.resource,
                "state": export.state.value,
                "code": export.code,
                "rows": export.rows,
                "pages": export.pages,
                **facts,
            },
        },
        index=(
            IndexRow(
                consumer=export.department,
                system=export.system,
                provider=export.provider,
                resource=export.resource,
                code=export.code,
            ),
        ),
    )


def sweep(bench: Bench) -> list[Export]:
    """Return the exports whose time is over, and remove folders that no export needs. Blocks."""
    with bench.engine.execution_options(reading=True).connect() as connection:
        known = store.with_files(connection)
        past = store.past(connection, bench.sealer, at_ms=bench.at_ms())
    for stray in strays(bench.home, known):
        ExportFiles(bench.home, stray).drop()
    return past


def expire(bench: Bench) -> int:
    """Remove what may not be fetched any more, each recorded; returns how many exports. Blocks."""
    past = sweep(bench)
    for export in past:
        over(bench, export, ExportState.EXPIRED)
    return len(past)


def over(bench: Bench, export: Export, state: ExportState) -> Export:
    """End an export whoever is at work on it: a page that is being read is not kept. Blocks."""
    lease = fresh_id("lse")
    _take(bench, export, lease)
    ended = end(bench, export, state)
    _save(bench, ended, lease)
    return ended


async def _carried_on(bench: Bench, export: Export) -> Export:
    if export.state is ExportState.WRITING:
        return await _finish(bench, export)
    call = await page_call(bench, export)
    try:
        turned = await turn(
            call,
            export.order.asked,
            after=export.after,
            ports=bench.ports,
            terms=bench.terms,
            sealer=bench.cursors,
        )
    except GatewayError as error:
        raise StoppedError(error.code) from error
    outcome = turned.outcome
    if _may_pass(outcome):
        if export.failures + 1 >= FAILURES_MOST:
            raise StoppedError(str(turned.code))
        return replace(export, failures=export.failures + 1)
    if not isinstance(outcome, Masked):
        raise StoppedError(str(turned.code))
    if terms_of(outcome.permitted.verdict) != export.terms:
        raise StoppedError(TERMS_CHANGED)
    rows, marks = named_rows(outcome), list(marks_of(outcome))
    return await asyncio.to_thread(_keep, bench, export, turned, rows, marks)


def _may_pass(outcome: Outcome) -> bool:
    """Say whether what was not answered may be answered when it is asked again."""
    match outcome:
        case Failed():
            return outcome.retryable
        case Refused():
            known = GATEWAY_CODES.get(outcome.code)
            # A budget is free again on another day: until then each try would be one more refusal.
            return known is not None and known.retryable and outcome.code != QUOTA_SPENT
        case Masked():
            return False


def marks_of(outcome: Masked) -> Iterator[Mark]:
    """Yield what a page's answer would say of its cells beside them, by record and item."""
    names = {item.name: item.graphql_name for item in outcome.permitted.step.items}
    for code, found in ((CODE_UNKNOWN, outcome.unread), (VALUE_DISPUTED, outcome.disputed)):
        for number, items in sorted(found.items()):
            for name in sorted(items & names.keys()):
                yield Mark(record=number + 1, item=names[name], code=code)


def _keep(
    bench: Bench,
    export: Export,
    turned: Turned,
    rows: Sequence[Mapping[str, Any]],
    marks: Sequence[Mark],
) -> Export:
    number = export.pages + 1
    page = Page(
        number=number,
        rows=len(rows),
        digest=bench.files(export).write_page(number, rows, marks),
        entry=turned.recorded.sequenced.index,
    )
    # A crash before this leaves a file that the page read again replaces.
    with bench.engine.begin() as tx:
        store.add_page(tx, export.id, page)
    return replace(
        export,
        pages=number,
        rows=export.rows + len(rows),
        after=turned.after,
        failures=0,
        state=ExportState.READING if turned.after is not None else ExportState.WRITING,
    )


async def _finish(bench: Bench, export: Export) -> Export:
    """Write the parts and the manifest, record them, and let them be fetched."""
    snapshot = await bench.ports.registry.snapshot()
    resource = snapshot.resources.get(export.resource)
    if resource is None:
        raise StoppedError("NAME_UNKNOWN")
    try:
        ready = await asyncio.to_thread(_written, bench, export, resource, snapshot)
    except PageChangedError as error:
        raise StoppedError(FILE_CHANGED) from error
    facts = {
        "manifest": manifest_digest(ready.manifest or ""),
        "parts": [part.digest for part in ready.parts[:50]],
        "files": len(ready.parts),
    }
    sequenced = await bench.log.append_async(ending(ready, facts=facts))
    return replace(ready, ended_entry=sequenced.index)


def _written(bench: Bench, export: Export, resource: Resource, snapshot: Snapshot) -> Export:
    with bench.engine.execution_options(reading=True).connect() as connection:
        pages = store.pages(connection, export.id)
    columns = columns_of(resource, export)
    files = bench.files(export)
    parts = files.write_parts(
        pages,
        format_=export.format,
        columns=columns,
        stem=export.resource.replace("/", "-"),
    )
    at_ms = bench.at_ms()
    ready = replace(
        export,
        state=ExportState.READY,
        parts=parts,
        ended_ms=at_ms,
        expires_ms=at_ms + KEPT_MS,
    )
    manifest = write_manifest(ready, pages, resource, snapshot, marks=files.marks(pages))
    files.drop_pages()
    return replace(ready, manifest=manifest)


def columns_of(resource: Resource, export: Export) -> tuple[Column, ...]:
    items = items_of(resource, export.order.asked.items)
    return tuple(Column(name=item.graphql_name, type=item.type) for item in items)


async def page_call(bench: Bench, export: Export) -> Call:
    """Return the call of an export's next page: whoever asked, established anew. Raises StoppedError."""
    snapshot = await bench.ports.registry.snapshot()
    order = export.order
    system, key = snapshot.systems.get(export.system), snapshot.keys.get(order.key)
    if system is None or key is None:
        raise StoppedError("NOT_AUTHENTICATED")
    at_ms = bench.at_ms()
    known = Established(
        system=system,
        key=key,
        auth=order.auth,
        # The request's own nonce was used up when the export began.
        nonce=Nonce(key=f"export:{export.id}", nonce=fresh_id("page"), expires=at_ms + _PAGE_MS),
        base=order.base,
        signature=order.signature,
    )
    try:
        caller = bench.gate.caller(known, order.usage.operator, snapshot=snapshot)
    except IdentityError as error:
        raise StoppedError(error.code) from error
    return Call(
        number=bench.ports.fresh_id("call"),
        caller=caller,
        usage=order.usage,
        case=None,
        body=order.body,
        query=order.asked.operation,
        operation_name=None,
        variables={},
        received_ms=at_ms,
    )


def _claim(bench: Bench, lease: str) -> Export | None:
    at_ms = bench.at_ms()
    with bench.engine.execution_options(reading=True).connect() as connection:
        if not store.waiting(connection, at_ms=at_ms):
            return None
    with bench.engine.begin() as tx:
        return store.claim(tx, bench.sealer, lease=lease, at_ms=at_ms, until_ms=at_ms + LEASE_MS)


def _take(bench: Bench, export: Export, lease: str) -> None:
    with bench.engine.begin() as tx:
        store.take(tx, export.id, lease=lease, until_ms=bench.at_ms() + LEASE_MS)


def _save(bench: Bench, export: Export, lease: str) -> None:
    with bench.engine.begin() as tx:
        kept = store.save(tx, export, bench.sealer, lease=lease, at_ms=bench.at_ms())
    if not kept:
        _LOGGING.info("export %s was taken over meanwhile", export.id)


def _give_back(bench: Bench, export: Export, lease: str) -> None:
    with bench.engine.begin() as tx:
        store.give_back(tx, export.id, lease=lease, at_ms=bench.at_ms())
