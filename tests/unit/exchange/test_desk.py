"""The desk takes an act on the word of the officer who signed it, once, and on nobody else's."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.canonical import decode_strict
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.desk import Desk, Letter, read_envelope, write_envelope
from exchange.identity.errors import IdentityError
from exchange.node import Node, open_node
from gateway.errors import RefusedRequestError
from tests.fakes.node import Founded, copied, founded

pytestmark = pytest.mark.slow  # a founded node; left to `make test`
FIRST = "nonce-of-the-first-act"
GRANT = "307/000001"


@pytest.fixture(scope="module")
def origin() -> Founded:
    return founded()


@pytest.fixture
def node(origin: Founded, tmp_path: Path) -> Iterator[Node]:
    opened = open_node(copied(tmp_path / "home"))
    yield opened
    asyncio.run(opened.close())


def envelope(
    key: Ed25519PrivateKey,
    name: str,
    arguments: dict[str, Any] | None = None,
    *,
    at: datetime | None = None,
    nonce: str = FIRST,
) -> bytes:
    return write_envelope(name, arguments or {}, key=key, at=at or now(), nonce=nonce)


def revoking(origin: Founded, officer: str = "market.head", **changes: Any) -> bytes:
    arguments = {"grant": origin.grants[GRANT], "reason": "终止"}
    return envelope(origin.keys[officer], "grant.revoke", arguments, **changes)


def test_an_act_is_carried_out_and_recorded_in_the_signers_name(
    node: Node, origin: Founded
) -> None:
    said = Desk(node).perform(read_envelope(revoking(origin)))
    assert said["state"] == "revoked"
    entry = decode_strict(node.log.entry(node.log.size - 1))
    assert (entry["kind"], entry["auth"]) == ("grant.revoked", "key")
    opened = node.log.open_disclosure(node.log.size - 1, "officer")
    assert opened is not None
    assert opened.value == origin.ids["market.head"]


def test_one_envelope_makes_one_act(node: Node, origin: Founded) -> None:
    desk, body = Desk(node), revoking(origin)
    suspend = {"grant": origin.grants[GRANT]}
    first = envelope(origin.keys["market.head"], "grant.suspend", suspend)
    desk.perform(read_envelope(first))
    resume = envelope(
        origin.keys["market.head"], "grant.resume", suspend, nonce="nonce-of-another1"
    )
    desk.perform(read_envelope(resume))
    with pytest.raises(RefusedRequestError, match="REPLAYED"):
        desk.perform(read_envelope(first))
    # The same nonce in another envelope of the same key is no fresh one either.
    with pytest.raises(RefusedRequestError, match="REPLAYED"):
        desk.perform(read_envelope(body))
    assert node.live.load().grants[origin.grants[GRANT]].state == "active"
    kinds = [decode_strict(body)["kind"] for body in node.log.entries(0, node.log.size)]
    assert kinds[-2:] == ["replay.refused", "replay.refused"]


def test_a_listing_may_be_asked_again(node: Node, origin: Founded) -> None:
    asked = read_envelope(envelope(origin.keys["market.head"], "grant.list"))
    assert Desk(node).perform(asked) == Desk(node).perform(asked)


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(hours=-1)])
def test_an_act_signed_long_ago_or_ahead_of_time_is_refused(
    node: Node, origin: Founded, age: timedelta
) -> None:
    with pytest.raises(IdentityError, match="ACT_EXPIRED"):
        Desk(node).perform(read_envelope(revoking(origin, at=now() - age)))


def test_a_changed_act_and_an_unknown_key_are_refused_and_nothing_happens(
    node: Node, origin: Founded
) -> None:
    size = node.log.size
    signed = read_envelope(revoking(origin)).signed
    changed = replace(signed, act=signed.act.replace(b"revoke", b"resume"))
    with pytest.raises(IdentityError, match="ACT_INVALID"):
        Desk(node).perform(Letter(changed))
    stranger = envelope(Ed25519PrivateKey.generate(), "grant.list")
    with pytest.raises(IdentityError, match="KEY_UNKNOWN"):
        Desk(node).perform(read_envelope(stranger))
    assert node.log.size == size


def test_a_signed_act_that_is_no_order_or_does_not_exist_is_refused(
    node: Node, origin: Founded
) -> None:
    with pytest.raises(ActError) as unknown:
        Desk(node).perform(read_envelope(envelope(origin.keys["market.head"], "no.act")))
    assert unknown.value.code == "ACT_UNKNOWN"
    with pytest.raises(ActError) as wrong:
        Desk(node).perform(
            read_envelope(envelope(origin.keys["market.head"], "grant.revoke", {"grant": 7}))
        )
    assert wrong.value.code == "ACT_ARGUMENTS"


@pytest.mark.parametrize(
    "change",
    [
        {"act": "not base64!"},
        {"created": "now"},
        {"unknown": 1},
        {"signature": None},
    ],
)
def test_bytes_that_are_no_envelope_are_refused(origin: Founded, change: dict[str, Any]) -> None:
    told = json.loads(revoking(origin)) | change
    with pytest.raises(ActError, match="not an envelope"):
        read_envelope(json.dumps(told).encode())
    with pytest.raises(ActError, match="not an envelope"):
        read_envelope(b"[]")
