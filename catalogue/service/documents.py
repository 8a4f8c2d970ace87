"""Trusted documents: registered and withdrawn by the department whose systems send them."""

from catalogue import documents
from catalogue.documents import TrustedDocument
from catalogue.model import Actor
from catalogue.rows import DOCUMENT
from catalogue.service.unit import Unit, UseCases


class Documents(UseCases):
    def register_document(self, text: str, *, name: str, by: Actor) -> TrustedDocument:
        """Raises NotAllowedError, InvalidError, StateError. Whether it is a document was checked before."""
        with self._unit(by) as unit:
            actor = unit.actor()
            key = documents.document_id(actor.department, documents.digest_of(text))
            held = unit.find(DOCUMENT, key)
            registered = documents.register(text, name=name, by=actor, at=self._now(), held=held)
            _record(unit, "document.registered", registered)
        return registered

    def withdraw_document(self, digest: str, *, by: Actor) -> TrustedDocument:
        """Raises UnknownError, NotAllowedError, StateError."""
        with self._unit(by) as unit:
            actor = unit.actor()
            held = unit.need(DOCUMENT, documents.document_id(actor.department, digest))
            withdrawn = documents.withdraw(held, by=actor)
            _record(unit, "document.withdrawn", withdrawn, narrowing=True)
        return withdrawn


def _record(unit: Unit, act: str, document: TrustedDocument, *, narrowing: bool = False) -> None:
    unit.record(
        act,
        (DOCUMENT, document),
        narrowing=narrowing,
        facts={"document": document.digest, "department": document.department},
        private={"name": document.name},
    )
