"""A head is sealed over its one canonical form."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import b64, encode
from audit.errors import ProofError
from audit.startup import check_seal, seal_head
from audit.store import Head

KEY = b"k" * 32

integers = st.integers(-1, 2**53 - 1)
heads = st.builds(
    Head,
    origin=st.text(st.characters(codec="utf-8"), max_size=9),
    size=integers,
    root=st.binary(min_size=32, max_size=32),
    epoch=integers,
    barrier=integers,
    last_act=integers,
    ts=integers,
    seal=st.just(b""),
    note=st.just(""),
)


@given(heads)
def test_a_seal_is_the_keyed_digest_of_all_that_a_head_says_but_its_note(head: Head) -> None:
    said = [
        "seal/0",
        head.origin,
        head.epoch,
        head.size,
        b64(head.root),
        head.barrier,
        head.last_act,
        head.ts,
    ]
    sealed = seal_head(replace(head, note="another"), KEY)
    assert sealed.seal == hmac.new(KEY, encode(said), hashlib.sha256).digest()
    check_seal(sealed, KEY)
    with pytest.raises(ProofError):
        check_seal(replace(sealed, ts=head.ts + 1), KEY)
