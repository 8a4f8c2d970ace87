"""Where signed acts of officers are taken in: by the admin socket, or by a command that holds the home."""

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalogue.model import Actor, OfficerKey
from catalogue.rows import OFFICER, OFFICER_KEY
from exchange.acts import (
    archiving,
    attaching,
    bulk,
    bundling,
    casework,
    contracts,
    designating,
    differing,
    documents,
    emergency,
    entries,
    evidence,
    exporting,
    exports,
    files,
    finding,
    granting,
    history,
    interchange,
    keeping,
    loads,
    people,
    policy,
    policy_past,
    presets,
    reconciling,
    resources,
    review_findings,
    review_report,
    reviews,
    rotating,
    searching,
    sharding,
    sharing,
    showing,
    sources,
    supervision,
    upkeep,
    violations,
)
from exchange.acts.register import ActError, perform
from exchange.clock import now
from exchange.identity.keys import read_public_der, thumbprint
from exchange.identity.officers import Proven, SignedAct, sign_act, verify_act
from exchange.ledger import spending
from exchange.node import Node

ACT_MODULES = (
    people,
    bulk,
    bundling,
    documents,
    contracts,
    emergency,
    files,
    finding,
    interchange,
    resources,
    entries,
    designating,
    history,
    sharing,
    attaching,
    granting,
    casework,
    supervision,
    violations,
    differing,
    evidence,
    exporting,
    exports,
    searching,
    presets,
    showing,
    sources,
    upkeep,
    policy,
    policy_past,
    reconciling,
    rotating,
    sharding,
    keeping,
    loads,
    archiving,
    reviews,
    review_findings,
    review_report,
)
"""Imported for what they declare."""


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed act as JSON."""

    act: str
    """The signed bytes, base64."""
    key: str
    created: int
    nonce: str
    signature: str


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the signed bytes say."""

    act: str
    arguments: dict[str, Any]


def write_envelope(
    name: str, arguments: dict[str, Any], *, key: Ed25519PrivateKey, at: datetime, nonce: str
) -> bytes:
    """Sign an act with an officer's key, ready for the socket."""
    order = msgspec.json.encode({"act": name, "arguments": arguments})
    signed = sign_act(key, order, created=at, nonce=nonce)
    return msgspec.json.encode(
        Envelope(
            act=b64encode(signed.act).decode(),
            key=signed.key,
            created=signed.created_ms,
            nonce=signed.nonce,
            signature=b64encode(signed.signature).decode(),
        )
    )


def read_envelope(body: bytes) -> SignedAct:
    """Raises ActError ACT_ARGUMENTS for anything but one envelope."""
    try:
        told = msgspec.json.decode(body, type=Envelope)
        return SignedAct(
            act=b64decode(told.act, validate=True),
            key=told.key,
            created_ms=told.created,
            nonce=told.nonce,
            signature=b64decode(told.signature, validate=True),
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise ActError("ACT_ARGUMENTS", "not an envelope of a signed act") from error


class Desk:
    """Carries out signed acts on a node. Blocks; run it in a worker thread."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def perform(self, signed: SignedAct) -> Any:
        """Return what the act says. Raises IdentityError, ActError, or what the use case raises.

        The envelope's nonce is used up with the act's first entry; an act that makes none, a listing, may
        be asked again with the same envelope while it holds.
        """
        proven = self.prove(signed)
        try:
            order = msgspec.json.decode(signed.act, type=Order)
        except msgspec.DecodeError as error:
            raise ActError("ACT_ARGUMENTS", f"the signed act is no order: {error}") from error
        actor = Actor(officer=proven.officer, auth="key")
        with spending(proven.nonce):
            return perform(self._node, actor, order.act, order.arguments)

    def prove(self, signed: SignedAct) -> Proven:
        """Return whose word it is. Raises IdentityError."""
        keys: dict[str, OfficerKey] = {
            thumbprint(read_public_der(key.public)): key
            for key in self._node.held(OFFICER_KEY).values()
        }
        return verify_act(
            signed,
            keys=keys,
            officers=self._node.held(OFFICER),
            now=now(),
            window=self._node.gate.window,
        )
