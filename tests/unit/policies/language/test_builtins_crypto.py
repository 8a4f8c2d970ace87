"""Digests and codes of texts, by their published vectors."""

import hmac
from typing import Any

import pytest

from policies.language.builtins import crypto
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS

# RFC 1321 (A.5), FIPS 180-2 (B.1).
DIGESTS = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
}
# RFC 2202 and 4231, the second case of each.
CODES = {
    "md5": "750c783e6ab0b503eaa86e310a5db738",
    "sha1": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    "sha256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest_is_the_published_one(name: str) -> None:
    assert called(f"crypto.{name}", "abc") == DIGESTS[name]


@pytest.mark.parametrize("name", CODES)
def test_a_code_is_the_published_one(name: str) -> None:
    found = called(f"crypto.hmac.{name}", "what do ya want for nothing?", "Jefe")
    assert found == CODES[name]


def test_codes_are_compared_whole_and_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return left == right

    assert called("crypto.hmac.equal", "码", "码") is True
    assert called("crypto.hmac.equal", "码", "") is False
    monkeypatch.setattr(hmac, "compare_digest", compare)
    called("crypto.hmac.equal", "a", "b")
    assert compared == [(b"a", b"b")]


@pytest.mark.parametrize("name", sorted(crypto.CRYPTO))
def test_what_is_no_text_has_no_digest(name: str) -> None:
    for other in OTHER_THAN_TEXTS:
        operands = [other] * crypto.CRYPTO[name].arity
        assert called(name, *operands) == FAILED
