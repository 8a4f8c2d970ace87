"""Where signed acts of officers are taken in: by the admin socket, or by a command that holds the home."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalogue.emergency import TWO_FACTOR
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
    indicators,
    interchange,
    jobs,
    keeping,
    loads,
    materials,
    matters,
    people,
    policy,
    policy_past,
    presets,
    proving,
    quality,
    reconciling,
    resources,
    review_findings,
    review_report,
    reviews,
    rotating,
    searching,
    sharding,
    shards,
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
    jobs,
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
    proving,
    quality,
    showing,
    sources,
    upkeep,
    policy,
    policy_past,
    reconciling,
    rotating,
    sharding,
    shards,
    keeping,
    loads,
    materials,
    matters,
    indicators,
    archiving,
    reviews,
    review_findings,
    review_report,
)
"""Imported for what they declare."""


class Factors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Password and one-time code beside the key, for acts that need both. Never kept nor signed."""

    password: str
    code: str

    def __repr__(self) -> str:
        return "Factors(…)"


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed act as JSON."""

    act: str
    """The signed bytes, base64."""
    key: str
    created: int
    nonce: str
    signature: str
    factors: Factors | None = None
    """None where the officer's key alone speaks."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An envelope that was opened: the signed act, and the factors that came with it."""

    signed: SignedAct
    factors: Factors | None = None


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the signed bytes say."""

    act: str
    arguments: dict[str, Any]


def write_envelope(
    name: str,
    arguments: dict[str, Any],
    *,
    key: Ed25519PrivateKey,
    at: datetime,
    nonce: str,
    factors: Factors | None = None,
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
            factors=factors,
        )
    )


def read_envelope(body: bytes) -> Letter:
    """Raises ActError ACT_ARGUMENTS for anything but one envelope."""
    try:
        told = msgspec.json.decode(body, type=Envelope)
        signed = SignedAct(
            act=b64decode(told.act, validate=True),
            key=told.key,
            created_ms=told.created,
            nonce=told.nonce,
            signature=b64decode(told.signature, validate=True),
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise ActError("ACT_ARGUMENTS", "not an envelope of a signed act") from error
    return Letter(signed, told.factors)


class Desk:
    """Carries out signed acts on a node. Blocks; run it in a worker thread."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def perform(self, letter: Letter) -> Any:
        """Return what the act says. Raises IdentityError, ActError, or what the use case raises.

        The envelope's nonce is used up with the act's first entry; an act that makes none, a listing, may
        be asked again with the same envelope while it holds.
        """
        proven = self.prove(letter.signed)
        try:
            order = msgspec.json.decode(letter.signed.act, type=Order)
        except msgspec.DecodeError as error:
            raise ActError("ACT_ARGUMENTS", f"the signed act is no order: {error}") from error
        actor = Actor(officer=proven.officer, auth="key")
        if letter.factors is not None:
            self._node.sign_in.show_factors(
                proven.officer, password=letter.factors.password, code=letter.factors.code
            )
            actor = replace(actor, auth=TWO_FACTOR)
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
