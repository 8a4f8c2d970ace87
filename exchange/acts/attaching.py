"""Acts on the files that support a request: attached to drafts, read by both sides."""

from base64 import b64encode

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.model import Actor
from catalogue.requested import Attachment, RequestState
from catalogue.rows import REQUEST
from exchange.acts.files import publisher, uploaded
from exchange.acts.listing import Told
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.sharing import brief, visible
from exchange.files import attachments
from exchange.files.attachments import AttachmentError
from exchange.files.uploads import Uploads
from exchange.node import Node


@act("request.attach")
def attach(
    node: Node,
    actor: Actor,
    *,
    upload: str,
    name: str,
    request: str | None = None,
    basket: str | None = None,
) -> Told:
    """Attach an upload (`file.offer`) to one draft, or to every draft of a basket.

    A PDF or OFD file of at most 20 MB. It is kept under its digest, which the act records.
    """
    officer = publisher(actor)
    keys = _drafts(node, actor, request=request, basket=basket)
    content = uploaded(node, officer, upload)
    try:
        attachment = Attachment(
            name=attachments.shown_name(name),
            media=attachments.media_of(content),
            digest=attachments.keep(node.files, content),
            size=len(content),
        )
    except AttachmentError as error:
        raise ActError(error.code, str(error)) from error
    attached = node.registry.attach(keys, attachment, by=actor)
    Uploads(node.files).drop(upload, officer.id)
    return {
        "name": attachment.name,
        "digest": attachment.digest,
        "size": attachment.size,
        "media": attachment.media,
        "requests": [brief(one) for one in attached],
    }


@act("request.attachment")
def read_attachment(node: Node, actor: Actor, *, request: str, digest: str) -> Told:
    """One attached file, for both sides of its request and the authority; that it was read is recorded."""
    held = visible(node, actor, request)
    for one in held.way.attachments:
        if one.digest == digest:
            try:
                content = attachments.read(node.files, digest)
            except AttachmentError as error:
                raise ActError(error.code, str(error)) from error
            record_read(
                node, actor, "request.attachment-read", {"request": held.id, "digest": digest}
            )
            return {
                "name": one.name,
                "media": one.media,
                "digest": digest,
                "content": b64encode(content).decode(),
            }
    raise ActError("NOT_FOUND", "the request has no such file")


def _drafts(node: Node, actor: Actor, *, request: str | None, basket: str | None) -> list[str]:
    if (request is None) == (basket is None):
        raise InvalidError(Flaw("a request or a basket is named"))
    if request is not None:
        return [visible(node, actor, request).id]
    found = [
        key
        for key, held in sorted(node.held(REQUEST).items())
        if held.way.basket == basket
        and held.department == actor.department
        and held.state in {RequestState.DRAFT, RequestState.RETURNED}
    ]
    if not found:
        raise ActError("NOT_FOUND", "no draft of your department is in this basket")
    return found
