"""Disputes: an entry that says we called must open our own signature, or the operator invented it."""

from collections.abc import Mapping
from typing import Any

import pytest

from audit.canonical import b64url
from exchange.client.errors import ReceiptError
from exchange.client.receipts import OwnCall, check_own_call
from exchange.identity.jws import read_jws, write_jws
from exchange.identity.keys import check_signature, public_jwk, sign
from exchange.identity.signatures import content_digest
from tests.fakes.exchange_server import an_opening, disclosed
from tests.fakes.identity import BODY, ENVIRONMENT, HALL, HALL_KEY, STRANGER, a_request, verify

PUBLIC = HALL.public_key()


def a_proof(key: Any = HALL, **header: Any) -> dict[str, str]:
    claims = {"jti": "proof-0000000001", "htm": "POST", "htu": "http://x/graphql", "iat": 1}
    head = {"typ": "dpop+jwt", "jwk": public_jwk(key.public_key())} | header
    proof = read_jws(write_jws(claims, header=head, key=key))
    return {
        "key": HALL_KEY.id,
        "base": b64url(proof.signed),
        "signature": b64url(proof.signature),
    }


def check(own: Mapping[str, Any], **changes: Any) -> OwnCall:
    entry, opening = an_opening(own)
    return check_own_call(entry, opening={**opening, **changes}, public=PUBLIC)


def test_a_call_that_we_signed_is_ours() -> None:
    signed = verify(a_request())
    assert check(disclosed(signed)) == OwnCall(
        key=HALL_KEY.id, nonce=signed.nonce.nonce, content_digest=content_digest(BODY)
    )
    bodiless = verify(a_request(method="GET", target="/receipts/7", body=b"", usage=None))
    assert check(disclosed(bodiless)).content_digest == ""


def test_a_call_proven_by_dpop_is_ours() -> None:
    assert check(a_proof()).nonce == "proof-0000000001"


INVENTED = {
    "signed by another": disclosed(verify(a_request(ENVIRONMENT))),
    "our name, another's signature": {
        **disclosed(verify(a_request())),
        "signature": b64url(sign(STRANGER, verify(a_request()).base)),
    },
    "our signature over another text": {
        **disclosed(verify(a_request())),
        "base": b64url(verify(a_request()).base.replace(b"/graphql", b"/graphqm")),
    },
    "a proof by another": a_proof(STRANGER),
    "a proof for another's key": a_proof(STRANGER, jwk=public_jwk(PUBLIC)),
}


@pytest.mark.proves("I13")
@pytest.mark.parametrize("value", INVENTED.values(), ids=INVENTED)
def test_a_call_that_the_operator_invented_is_not_ours(value: Mapping[str, Any]) -> None:
    with pytest.raises(ReceiptError) as caught:
        check(value)
    assert caught.value.step == "signature"


@pytest.mark.parametrize(
    "value",
    [
        {"key": HALL_KEY.id, "base": b64url(b"bearer\nabc"), "signature": ""},
        {"key": HALL_KEY.id, "base": "", "signature": ""},
        {"key": HALL_KEY.id},
        {"key": HALL_KEY.id, "base": 1, "signature": 2},
        a_proof(typ="JWT"),
    ],
)
def test_a_call_without_a_proof_of_ours_is_not_ours(value: Mapping[str, Any]) -> None:
    with pytest.raises(ReceiptError):
        check(value)


def test_our_signature_over_something_else_is_no_call() -> None:
    text = b'"greeting": hello'
    check_signature(PUBLIC, sign(HALL, text), message=text)
    with pytest.raises(ReceiptError):
        check({"key": HALL_KEY.id, "base": b64url(text), "signature": b64url(sign(HALL, text))})


def test_a_disclosure_that_the_entry_does_not_commit_to_proves_nothing() -> None:
    own, other = disclosed(verify(a_request())), disclosed(verify(a_request(target="/graphql?a=1")))
    for changes in ({"value": other}, {"salt": "AAAA"}, {"value": None}):
        with pytest.raises(ReceiptError):
            check(own, **changes)
    with pytest.raises(ReceiptError):
        check_own_call(b"{}", opening={}, public=PUBLIC)
