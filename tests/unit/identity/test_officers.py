"""Acts signed with an officer's key: one act, one officer, just now, once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.model import OfficerKey
from exchange.identity.errors import IdentityError
from exchange.identity.keys import public_der, thumbprint
from exchange.identity.nonces import RecentNonces
from exchange.identity.officers import SignedAct, act_text, sign_act, verify_act
from exchange.identity.signatures import Window
from tests.examples import examples
from tests.fakes.identity import HALL, NOW, STRANGER, an_officer

OFFICER = an_officer()
KEY = OfficerKey(
    id=thumbprint(HALL.public_key()), officer=OFFICER.id, public=public_der(HALL.public_key())
)
ACT = b'{"act":"grant.revoke","grant":"grt_1"}'


def signed(**changes: Any) -> SignedAct:
    arguments: dict[str, Any] = {"created": NOW, "nonce": "nonce-0000000001"}
    return sign_act(HALL, ACT, **(arguments | changes))


def verified(act: SignedAct, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "keys": {KEY.id: KEY},
        "officers": {OFFICER.id: OFFICER},
        "now": NOW,
    }
    return verify_act(act, **(arguments | changes))


def refusal(act: SignedAct, **changes: Any) -> str:
    with pytest.raises(IdentityError) as caught:
        verified(act, **changes)
    return caught.value.code


def test_an_officer_is_known_by_the_act_they_signed() -> None:
    assert verified(signed()).officer == OFFICER


def test_a_signed_act_serves_once() -> None:
    seen = RecentNonces()
    nonce = verified(signed()).nonce
    assert seen.is_first_use(nonce, at_ms=0)
    assert not seen.is_first_use(verified(signed()).nonce, at_ms=0)
    assert nonce.expires > signed().created_ms + 300_000


@pytest.mark.parametrize(
    "change",
    [
        {"act": b'{"act":"grant.revoke","grant":"grt_2"}'},
        {"created_ms": int(NOW.timestamp() * 1000) + 1},
        {"nonce": "nonce-0000000002"},
        {"nonce": "nonce\n00000000002"},
        {"signature": bytes(64)},
        {"signature": b""},
    ],
)
def test_an_act_with_anything_changed_is_refused(change: Mapping[str, Any]) -> None:
    assert refusal(replace(signed(), **change)) == "ACT_INVALID"


def test_an_act_by_another_key_is_refused() -> None:
    act = sign_act(STRANGER, ACT, created=NOW, nonce="nonce-0000000001")
    assert refusal(act) == "KEY_UNKNOWN"
    assert refusal(replace(act, key=KEY.id)) == "ACT_INVALID"


def test_a_revoked_key_or_an_officer_who_left_is_refused() -> None:
    assert refusal(signed(), keys={KEY.id: replace(KEY, state="revoked")}) == "KEY_REVOKED"
    left = {OFFICER.id: replace(OFFICER, state="left")}
    assert refusal(signed(), officers=left) == "OFFICER_INACTIVE"
    assert refusal(signed(), officers={}) == "OFFICER_INACTIVE"


@pytest.mark.parametrize("seconds", [-6, 300, 3600])
def test_an_act_is_refused_unless_signed_just_now(seconds: int) -> None:
    assert refusal(signed(created=NOW - timedelta(seconds=seconds))) == "ACT_EXPIRED"


def test_an_act_older_than_a_restore_is_refused() -> None:
    later = Window(not_before_ms=int(NOW.timestamp() * 1000) + 1)
    assert refusal(signed(), window=later) == "SIGNATURE_BEFORE_RESTORE"


@given(st.binary(max_size=40), st.binary(max_size=40))
@settings(max_examples=examples(50))
def test_two_acts_never_have_one_signed_text(one: bytes, other: bytes) -> None:
    texts = [
        act_text(act, key=KEY.id, created_ms=at, nonce="nonce-0000000001")
        for act in (one, other)
        for at in (1, 12)
    ]
    assert len(set(texts)) == (2 if one == other else 4)
