"""Trusted documents: what a department's systems send, registered by its SHA-256. Decides only.

A grant can name the digests that it covers, the entry of each call carries the same one, and a production
exchange can refuse every other document.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role

NAME_CHARACTERS = 100


class DocumentState(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocument:
    """One document that a department registered; its text holds no identifier of anybody."""

    id: str
    """Department and digest: two departments may register the same text."""
    department: str
    digest: str
    """SHA-256, hex, of the text exactly as it is sent."""
    name: str
    text: str = field(repr=False)
    state: DocumentState
    registered_by: str
    registered_at: datetime
    withdrawn_by: str | None = None
    """None as long as it stands."""


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def document_id(department: str, digest: str) -> str:
    return f"{department}/{digest}"


def register(
    text: str, *, name: str, by: Actor, at: datetime, held: TrustedDocument | None
) -> TrustedDocument:
    """Return the document as registered for the actor's department; a withdrawn one stands again.

    Raises NotAllowedError, InvalidError, StateError where it stands already.
    """
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=by.department)
    if not name.strip() or len(name) > NAME_CHARACTERS:
        raise InvalidError(Flaw("a document has a name of at most {0} characters", NAME_CHARACTERS))
    if held is not None and held.state is DocumentState.ACTIVE:
        raise StateError(f"document {held.digest} is registered already")
    digest = digest_of(text)
    return TrustedDocument(
        id=document_id(officer.department, digest),
        department=officer.department,
        digest=digest,
        name=name.strip(),
        text=text,
        state=DocumentState.ACTIVE,
        registered_by=officer.id,
        registered_at=at,
    )


def withdraw(document: TrustedDocument, *, by: Actor) -> TrustedDocument:
    """End it for the calls that follow. Raises NotAllowedError, StateError."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=document.department)
    if document.state is DocumentState.WITHDRAWN:
        raise StateError(f"document {document.digest} is withdrawn already")
    return replace(document, state=DocumentState.WITHDRAWN, withdrawn_by=officer.id)
