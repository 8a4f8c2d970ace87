"""Which registered documents a system may ask for as plain resources, and at which addresses."""

from catalogue.documents import DocumentState, TrustedDocument
from catalogue.snapshot import Snapshot
from gateway.errors import RefusedRequestError
from gateway.limits import Limits
from gateway.openapi import Offered, describe
from gateway.schema import build_contract

DESCRIPTION = "openapi.json"
"""The one name below `/rest/` that no document can have."""
_PREFIX = "sha256:"


def find_document(named: str, snapshot: Snapshot, department: str) -> TrustedDocument:
    """Return a standing document of a department, by its name or by `sha256:` and its digest.

    Raises RefusedRequestError: DOCUMENT_AMBIGUOUS where several stand under one name.
    """
    if named.startswith(_PREFIX):
        held = snapshot.document(department, named.removeprefix(_PREFIX))
        found = [held] if held is not None else []
    else:
        found = [one for one in standing_documents(snapshot, department) if one.name == named]
    if not found:
        raise RefusedRequestError("DOCUMENT_UNKNOWN")
    if len(found) > 1:
        raise RefusedRequestError("DOCUMENT_AMBIGUOUS", documents=sorted(o.digest for o in found))
    return found[0]


def standing_documents(snapshot: Snapshot, department: str) -> list[TrustedDocument]:
    """Return the documents that stand for a department, by name and digest."""
    found = [
        one
        for one in snapshot.documents.values()
        if one.department == department and one.state is DocumentState.ACTIVE
    ]
    return sorted(found, key=lambda one: (one.name, one.digest))


def is_address(name: str) -> bool:
    """Say whether a name can stand in an address: the exchange takes no escaped slash or percent sign."""
    clean = not set(name) & set("/%\\") and name not in {".", "..", DESCRIPTION}
    return clean and name.isprintable() and not name.startswith(_PREFIX)


def addresses(name: str, digest: str) -> tuple[str, ...]:
    """Return the addresses of a document, the one by its name first where it can have one."""
    by_digest = Offered(name=None, title=name, digest=digest, text="").path
    if not is_address(name):
        return (by_digest,)
    return (Offered(name=name, title=name, digest=digest, text="").path, by_digest)


def description_of(system: str, department: str, snapshot: Snapshot, *, server: str) -> bytes:
    """Return the OpenAPI description of what a system may ask by `/rest/…`."""
    documents = standing_documents(snapshot, department)
    names = [one.name for one in documents]
    return describe(
        [
            Offered(
                name=one.name if names.count(one.name) == 1 and is_address(one.name) else None,
                title=one.name,
                digest=one.digest,
                text=one.text,
            )
            for one in documents
        ],
        build_contract(snapshot.contract(system)),
        server=server,
        limits=Limits(),
    )
