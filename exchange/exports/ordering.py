"""What a system may do with its exports: begin, look, cancel, fetch; recorded before it is answered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError

from audit.entry import Draft, IndexRow
from audit.log import Log
from exchange.clock import fresh_id
from exchange.exports import store
from exchange.exports.errors import ExportError
from exchange.exports.files import PageChangedError
from exchange.exports.formats import offered
from exchange.exports.manifest import manifest_digest
from exchange.exports.model import FORMATS, ID, RUNNING, Export, ExportState, Order, Part
from exchange.exports.working import FILE_CHANGED, Bench, over
from exchange.identity.establish import Established
from exchange.ledger import append_once
from gateway.bulk import BulkAsk, step_of
from gateway.errors import RefusedRequestError
from gateway.model import Call
from gateway.release import GIVEN, RELEASED, AskedFor, Parcel, release

BEGUN = "export.begun"
LOOKED = "export.looked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An export as it is asked for."""

    asked: BulkAsk
    format: str
    id: str | None = None
    """Chosen by the caller, so that asking twice begins one export; None: a new one."""


def read_wanted(members: Mapping[str, Any], asked: BulkAsk) -> Wanted:
    """Read the format and the id. Raises RefusedRequestError."""
    format_, id_ = members.get("format", "csv"), members.get("id")
    if not isinstance(format_, str) or format_ not in offered():
        # Parquet needs the extra `bulk`.
        raise RefusedRequestError("BODY_INVALID", member="format", needed=sorted(offered()))
    if id_ is not None and not (isinstance(id_, str) and ID.fullmatch(id_)):
        raise RefusedRequestError("BODY_INVALID", member="id", needed="exp_ and 8 to 64 characters")
    return Wanted(asked=asked, format=format_, id=id_)


async def begin(bench: Bench, call: Call, wanted: Wanted) -> Export:
    """Decide on an export and take it in; asked again under its id, return the one that is there.

    Raises DeniedError and what else `release` raises; ExportError EXPORT_DIFFERS.
    """
    id_ = wanted.id or fresh_id("exp")
    parcel = Parcel(
        kind=BEGUN,
        outcome="intended",
        facts={"export": id_, "format": wanted.format},
    )
    released = await release(
        call, _asked_for(wanted.asked), parcel, ports=bench.ports, terms=bench.terms
    )
    held = await asyncio.to_thread(find, bench, id_)
    if held is None:
        made = _made(bench, call, wanted, id_, terms=released.terms, entry=released.sequenced.index)
        held = await asyncio.to_thread(_added, bench, made)
    same = (held.system, held.format, held.order.asked.digest, held.order.usage)
    if same != (call.caller.system.id, wanted.format, wanted.asked.digest, call.usage):
        raise ExportError("EXPORT_DIFFERS", "the id belongs to an export of something else")
    return held


def find(bench: Bench, export_id: str) -> Export | None:
    """Return an export; None where there is none. Blocks."""
    with bench.engine.execution_options(reading=True).connect() as connection:
        return store.find(connection, export_id, bench.sealer)


def _added(bench: Bench, made: Export) -> Export:
    try:
        with bench.engine.begin() as tx:
            store.add(tx, made, bench.sealer, at_ms=made.created_ms)
    except IntegrityError:
        held = find(bench, made.id)
        if held is None:
            raise ExportError("EXPORT_DIFFERS", "the id is taken") from None
        return held
    return made


def _made(bench: Bench, call: Call, wanted: Wanted, id_: str, *, terms: str, entry: int) -> Export:
    caller = call.caller
    resource = bench.resource(wanted.asked.resource)
    return Export(
        id=id_,
        system=caller.system.id,
        department=caller.system.department,
        provider=resource.department,
        resource=resource.code,
        format=wanted.format,
        state=ExportState.READING,
        order=Order(
            asked=wanted.asked,
            usage=call.usage,
            body=call.body,
            key=caller.key,
            auth=caller.auth,
            base=caller.request_base,
            signature=caller.request_signature,
        ),
        terms=terms,
        created_ms=bench.at_ms(),
        entry=entry,
    )


def look(bench: Bench, log: Log, known: Established, export_id: str, *, at: str) -> Export:
    """Return a system's own export; that it looked is in the log. Blocks.

    Raises ExportError NOT_FOUND for another's and for none, alike; RefusedRequestError REPLAYED.
    """
    held = find(bench, export_id) if ID.fullmatch(export_id) else None
    mine = held is not None and held.system == known.system.id
    append_once(
        log,
        Draft(
            kind=LOOKED,
            clear={
                "consumer": known.system.department,
                "system": known.system.id,
                "facts": {"export": export_id if mine else "", "at": at, "given": mine},
            },
            index=(
                IndexRow(
                    consumer=known.system.department,
                    system=known.system.id,
                    decision="" if mine else "refused",
                ),
            ),
        ),
        nonce=known.nonce,
    )
    if held is None or not mine:
        raise ExportError("NOT_FOUND", "no export of yours has this id")
    return held


def give_up(bench: Bench, export: Export) -> Export:
    """Cancel an export that runs or is ready. Blocks. Raises ExportError EXPORT_STATE for another."""
    if export.state not in {*RUNNING, ExportState.READY}:
        raise ExportError("EXPORT_STATE", f"the export is {export.state.value} already")
    return over(bench, export, ExportState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A part that may be handed out: its entry is in the log."""

    part: Part
    media: str
    content: bytes = field(repr=False)
    entry: int


async def fetch_part(bench: Bench, export: Export, call: Call, number: int) -> HandedOut:
    """Decide anew whether a part may leave, record it, and return it.

    Raises DeniedError where the decision is another by now, ExportError EXPORT_STATE, NOT_FOUND or
    EXPORT_FILE_CHANGED, and what else `release` raises.
    """
    at_ms = bench.at_ms()
    if export.state is not ExportState.READY or (export.expires_ms or 0) <= at_ms:
        raise ExportError("EXPORT_STATE", f"the export is {export.state.value}, ready needed")
    part = next((one for one in export.parts if one.number == number), None)
    if part is None:
        raise ExportError("NOT_FOUND", f"the export has {len(export.parts)} parts")
    try:
        content = await asyncio.to_thread(bench.files(export).read, part)
    except PageChangedError as error:
        raise ExportError(FILE_CHANGED, str(error)) from error
    parcel = Parcel(
        kind=RELEASED,
        outcome=GIVEN,
        content=content,
        rows=part.rows,
        terms=export.terms,
        facts={
            "export": export.id,
            "part": part.number,
            "of": len(export.parts),
            "sha256": part.digest,
            "manifest": manifest_digest(export.manifest or ""),
        },
    )
    released = await release(
        call, _asked_for(export.order.asked), parcel, ports=bench.ports, terms=bench.terms
    )
    _ending, media = FORMATS[export.format]
    return HandedOut(part=part, media=media, content=content, entry=released.sequenced.index)


def _asked_for(ask: BulkAsk) -> AskedFor:
    return AskedFor(step=step_of(ask), operation=ask.digest)
