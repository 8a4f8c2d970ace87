"""Acts on a department's exports: list them, look at one, end one. The files are for its systems alone."""

from typing import Any

import msgspec

from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role
from exchange.acts.listing import Span, counted, cut, paged
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.exports import store
from exchange.exports.bench import bench_of
from exchange.exports.errors import ExportError
from exchange.exports.model import ID, Export, told
from exchange.exports.ordering import find, give_up
from exchange.node import Node


@act("export.list")
def list_exports(
    node: Node,
    actor: Actor,
    *,
    state: str | None = None,
    first: int = 20,
    after: str | None = None,
    before: str | None = None,
) -> dict[str, Any]:
    """The exports of one's own department, newest first; with how many are in each state."""
    engine = node.databases.registry.execution_options(reading=True)
    with engine.connect() as connection:
        held = store.of_department(connection, actor.department, node.sealer)
    kept = {id_: one for id_, one in held.items() if state in {None, one.state.value}}
    # Ids chosen by callers do not sort by time.
    by_time = {f"{one.created_ms:015}-{id_}": one for id_, one in kept.items()}
    page = cut(by_time, Span(first=first, after=after, before=before), newest=True)
    return paged(page, told, states=counted(one.state.value for one in held.values()))


@act("export.show")
def show(node: Node, actor: Actor, *, export: str) -> dict[str, Any]:
    """One export of one's own department, with its manifest; that it was looked at is recorded."""
    held = _own(node, actor, export)
    record_read(node, actor, "export.looked", {"export": held.id, "at": "manifest"})
    manifest = None if held.manifest is None else msgspec.json.decode(held.manifest)
    return {**told(held), "manifest": manifest}


@act("export.cancel")
def cancel(node: Node, actor: Actor, *, export: str) -> dict[str, Any]:
    """End an export of one's own department and remove its files. Raises ActError EXPORT_STATE."""
    require_decider(actor, Role.OPERATOR, Role.HEAD, department=actor.department)
    held = _own(node, actor, export)
    record_read(node, actor, "export.looked", {"export": held.id, "at": "cancel"})
    try:
        return told(give_up(bench_of(node), held))
    except ExportError as error:
        raise ActError(error.code, str(error)) from error


def _own(node: Node, actor: Actor, export: str) -> Export:
    held = find(bench_of(node), export) if ID.fullmatch(export) else None
    if held is None or held.department != actor.department:
        raise ActError("NOT_FOUND", "no export of your department has this id")
    return held
