"""Acts on files that a department publishes: offered, looked over, registered, given up."""

from datetime import date

from catalogue import lifecycle
from catalogue.codes import plain_code
from catalogue.errors import DuplicateError, InvalidError
from catalogue.files import KIND, FileAddress, format_address
from catalogue.flaws import Flaw
from catalogue.model import Actor, Officer, Role, SourceAddress
from catalogue.rows import SOURCE
from exchange.acts.register import ActError, act
from exchange.clock import fresh_id, now, random_bytes
from exchange.files import keeping
from exchange.files.looking import Table, look_over, looked_over
from exchange.files.model import Choices, Preview
from exchange.files.uploads import UploadGoneError, Uploads
from exchange.files.words import told
from exchange.node import Node


@act("file.offer")
def offer(node: Node, actor: Actor) -> dict[str, object]:
    """Announce a file: returns the name under which it may be left in the home's uploads, for an hour.

    An earlier upload of the same officer goes.
    """
    officer = publisher(actor)
    return {"upload": Uploads(node.files).offer(officer.id, at=now(), random=random_bytes(16))}


@act("file.preview")
def preview(node: Node, actor: Actor, *, upload: str, choices: Choices | None = None) -> Preview:
    """Look an upload over; nothing is kept. `choices` None leaves everything to the guess."""
    return look_over(uploaded(node, publisher(actor), upload), choices or Choices())


@act("file.register")
def register(
    node: Node,
    actor: Actor,
    *,
    upload: str,
    content: str,
    name: str,
    as_of: date,
    choices: Choices | None = None,
) -> dict[str, object]:
    """Keep an upload's rows as a table and register it as a source of the officer's department.

    `content` is the SHA-256 of the file that was looked over: another file is refused. Refused as well is a
    name that is taken; what stands under it is not touched. Raises ActError FILE_REFUSED, UPLOAD_GONE.
    """
    officer = publisher(actor)
    plain_code(name)
    if as_of > now().astimezone(node.zone).date():
        raise InvalidError(Flaw("as of a day to come: the day whose state the rows tell is needed"))
    if node.held(SOURCE).get(name) is not None:
        raise DuplicateError(f"source {name}")
    with looked_over(uploaded(node, officer, upload), choices or Choices()) as table:
        seen = table.preview
        if seen.content != content:
            raise ActError("UPLOAD_GONE", "the upload is not the file that was looked over")
        if seen.stopped:
            stops = [told(finding) for finding in seen.findings if finding.stops]
            raise ActError("FILE_REFUSED", " ".join(stops))
        source = _keep(node, actor, table, name=name, as_of=as_of)
    Uploads(node.files).drop(upload, officer.id)
    return {
        "source": source.name,
        "table": keeping.table_name(name),
        "key": next((column.heading for column in seen.columns if column.key), None),
        "rows": seen.rows,
        "columns": len(seen.columns),
        "content": seen.content,
        "as_of": as_of,
    }


@act("file.drop")
def drop(node: Node, actor: Actor, *, upload: str) -> dict[str, object]:
    """Give an upload up: it is removed at once."""
    Uploads(node.files).drop(upload, publisher(actor).id)
    return {"upload": upload, "state": "dropped"}


def _keep(node: Node, actor: Actor, table: Table, *, name: str, as_of: date) -> SourceAddress:
    """Write the table, then register it.

    The registration is the commit point. A crash before it leaves a table that no source names and nothing
    reads; whatever refuses it takes the table away again.
    """
    id_ = fresh_id("fil")
    path = keeping.path_of(node.files, name, id_)
    written = keeping.keep(path, keeping.table_name(name), table.preview.columns, table.rows())
    source = SourceAddress(
        name=name,
        department=actor.department,
        kind=KIND,
        address=format_address(
            FileAddress(
                id=id_,
                as_of=as_of,
                rows=written.rows,
                content=table.preview.content,
                kept=written.digest,
            )
        ),
        zone=node.settings.zone,
    )
    try:
        return node.registry.add_source(source, by=actor)
    except BaseException:
        held = node.held(SOURCE).get(name)
        if held is None or held.address != source.address:
            keeping.discard(path)
        raise


def publisher(actor: Actor) -> Officer:
    """Only who may register a department's sources may bring a file of it."""
    return lifecycle.require_decider(actor, Role.OPERATOR, Role.HEAD, department=actor.department)


def uploaded(node: Node, officer: Officer, upload: str) -> bytes:
    try:
        return Uploads(node.files).read(upload, officer.id, at=now())
    except UploadGoneError:
        raise ActError("UPLOAD_GONE", "no upload of yours has this name, or not any more") from None
