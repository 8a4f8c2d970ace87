"""Acts on files of materials: offered, looked over with every difference and misfit by row, then taken."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import msgspec

from catalogue import lifecycle
from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.imports import by_matter, material_row, read_materials
from catalogue.materials import Material
from catalogue.model import Actor, Officer, Role
from catalogue.service.matters import Listed
from exchange.acts.files import uploaded
from exchange.acts.listing import Told
from exchange.acts.register import act
from exchange.clock import now, random_bytes
from exchange.files.plain import Guess, as_utf8
from exchange.files.uploads import Uploads
from exchange.node import Node


@act("materials.offer")
def offer(node: Node, actor: Actor) -> Told:
    """Announce a file of materials: returns the name under which it may be left among the uploads."""
    officer = keeper(actor)
    return {"upload": Uploads(node.files).offer(officer.id, at=now(), random=random_bytes(16))}


@act("materials.drop")
def drop(node: Node, actor: Actor, *, upload: str) -> Told:
    """Give an upload up: it is removed at once."""
    Uploads(node.files).drop(upload, keeper(actor).id)
    return {"upload": upload, "state": "dropped"}


@act("materials.preview")
def preview(
    node: Node, actor: Actor, *, upload: str, file: str, encoding: str | None = None
) -> Told:
    """Say how an upload is read, what it would change, and by row whatever does not fit; take nothing."""
    return _looked_over(node, actor, upload=upload, file=file, encoding=encoding).told


@act("materials.take")
def take(
    node: Node,
    actor: Actor,
    *,
    upload: str,
    file: str,
    looked_at: str,
    encoding: str | None = None,
) -> Told:
    """Put the upload's lists in place of those before.

    Refused (STATE) where the file, how it is read or the catalogue is not what was looked at, and taken not
    at all where anything does not fit.
    """
    seen = _looked_over(node, actor, upload=upload, file=file, encoding=encoding)
    if seen.told["looked_at"] != looked_at:
        raise StateError("the file or the catalogue is not what was looked at")
    if seen.told["not_taken"]:
        return seen.told
    taken = node.registry.list_materials(seen.listed, by=actor)
    if taken.taken:
        Uploads(node.files).drop(upload, keeper(actor).id)
    return seen.told | {"taken": taken.taken}


def keeper(actor: Actor) -> Officer:
    """Who lists materials: a department's people, of its own matters, and the authority."""
    return lifecycle.require_decider(actor, Role.OPERATOR, Role.HEAD, Role.AUTHORITY)


_NOTHING = Listed(differences=(), misfits=(), taken=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    told: Told
    listed: Mapping[str, list[Material]]


def _looked_over(
    node: Node, actor: Actor, *, upload: str, file: str, encoding: str | None
) -> _Seen:
    content = uploaded(node, keeper(actor), upload)
    try:
        plain, guess = as_utf8(content, file=file, encoding=encoding)
    except InvalidError as error:
        unread = [_not_taken(file, 0, "", one) for one in error.findings]
        return _Seen(told=_told(None, _NOTHING, unread, ""), listed={})
    read = read_materials(plain, file=file)
    listed = by_matter(read.rows)
    not_taken = [_not_taken(file, one.row, one.column, one.message) for one in read.findings]
    said = _NOTHING
    if not not_taken:
        said = node.registry.list_materials(listed, by=actor, dry_run=True)
        not_taken = [
            _not_taken(file, material_row(read, one.matter, one.material), one.field, one.message)
            for one in said.misfits
        ]
    mark = sha256(msgspec.json.encode([listed, [asdict(one) for one in said.differences]]))
    return _Seen(told=_told(guess, said, not_taken, mark.hexdigest()), listed=listed)


def _told(guess: Guess | None, said: Listed, not_taken: list[Told], looked_at: str) -> Told:
    return {
        "read_as": None if guess is None else guess.told(),
        "differences": [asdict(one) for one in said.differences if one.differs],
        "unchanged": [one.matter for one in said.differences if not one.differs],
        "not_taken": not_taken,
        "looked_at": looked_at,
        "taken": False,
    }


def _not_taken(file: str, row: int, column: str, message: Flaw) -> dict[str, Any]:
    return {
        "file": file,
        "row": row,
        "column": column,
        "message": str(message),
        "message_zh": message.zh,
    }
