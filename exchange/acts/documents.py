"""Acts on trusted documents: register, withdraw, list."""

from typing import Any

from catalogue.documents import TrustedDocument
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.model import Actor, Role
from catalogue.rows import DOCUMENT
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node
from exchange.offered import addresses
from gateway.commitments import names_nobody
from gateway.errors import GatewayError
from gateway.limits import Limits
from gateway.parse import check_document


@act("document.register")
def register(node: Node, actor: Actor, *, text: str, name: str) -> dict[str, Any]:
    """Register what one's own systems send, byte for byte; whom it asks about belongs in variables."""
    try:
        check_document(text, limits=Limits())
    except GatewayError as error:
        raise InvalidError(
            Flaw("not a document that would be answered: {0}", error.code)
        ) from error
    if not names_nobody(text):
        raise InvalidError(
            Flaw("a document has no quoted texts and no long numbers: use variables")
        )
    return told(node.registry.register_document(text, name=name, by=actor))


@act("document.withdraw")
def withdraw(node: Node, actor: Actor, *, digest: str) -> dict[str, Any]:
    """Withdraw a document of one's own department; the next call that names it is refused."""
    return told(node.registry.withdraw_document(digest, by=actor))


@act("document.list")
def list_documents(
    node: Node,
    actor: Actor,
    *,
    department: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Documents of one's own department; the authority, auditors and providers' officers see all."""
    seen = {
        key: held
        for key, held in node.held(DOCUMENT).items()
        if may_see(held, actor) and department in {None, held.department}
    }
    return paged(
        cut(seen, Span(first=first, after=after, before=before)),
        told,
        counts=counted(held.state.value for held in seen.values()),
    )


@act("document.show")
def show(node: Node, actor: Actor, *, digest: str) -> dict[str, Any]:
    """One document with its text: a provider reads it before a grant names it."""
    found = [
        held
        for held in node.held(DOCUMENT).values()
        if held.digest == digest and may_see(held, actor)
    ]
    if not found:
        raise ActError("NOT_FOUND", f"no document {digest}")
    own = [held for held in found if held.department == actor.department]
    shown = (own or found)[0]
    return told(shown) | {"text": shown.text, "rest": list(addresses(shown.name, shown.digest))}


def may_see(document: TrustedDocument, actor: Actor) -> bool:
    """A document holds no data: whoever decides on grants may read what they would cover."""
    return document.department == actor.department or any(
        actor.has(role) for role in (Role.AUTHORITY, Role.AUDITOR, Role.HEAD, Role.OPERATOR)
    )


def told(document: TrustedDocument) -> dict[str, Any]:
    return {
        "digest": document.digest,
        "name": document.name,
        "department": document.department,
        "state": document.state.value,
        "registered_at": document.registered_at.isoformat(),
        "registered_by": document.registered_by,
    }
