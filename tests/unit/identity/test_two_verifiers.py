"""Callers' signatures are verified by libsodium: what it takes, the library of the auditors takes too."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from exchange.identity.errors import IdentityError
from exchange.identity.keys import check_signature

seeds = st.binary(min_size=32, max_size=32)
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def taken(signature: bytes, message: bytes, seed: bytes) -> tuple[bool, bool]:
    """Whether we take a signature, and whether the auditors' library does."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    try:
        check_signature(public, signature, message=message)
        ours = True
    except IdentityError:
        ours = False
    try:
        public.verify(signature, message)
        theirs = True
    except InvalidSignature:
        theirs = False
    return ours, theirs


@given(seeds, st.binary(max_size=200))
def test_an_honest_signature_is_taken_by_both(seed: bytes, message: bytes) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    assert taken(signature, message, seed) == (True, True)


@given(seeds, st.binary(max_size=60), st.integers(0, 511), st.booleans())
def test_an_altered_signature_or_message_is_taken_by_neither(
    seed: bytes, message: bytes, bit: int, in_message: bool
) -> None:
    signature = bytearray(Ed25519PrivateKey.from_private_bytes(seed).sign(message))
    if in_message:
        assert taken(bytes(signature), message + b"\0", seed) == (False, False)
        return
    signature[bit // 8] ^= 1 << bit % 8
    assert taken(bytes(signature), message, seed) == (False, False)


@given(seeds, st.binary(max_size=60))
def test_a_second_spelling_of_a_signature_is_taken_by_neither(seed: bytes, message: bytes) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    scalar = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    spelled = signature[:32] + scalar.to_bytes(32, "little")
    assert taken(spelled, message, seed) == (False, False)


def test_a_key_of_low_order_signs_nothing() -> None:
    neutral = (1).to_bytes(32, "little")
    public = Ed25519PublicKey.from_public_bytes(neutral)
    # R is the neutral element and S is zero: the equation holds for every message.
    with pytest.raises(IdentityError):
        check_signature(public, neutral + bytes(32), message=b"anything")
