"""Keys: only two kinds, read strictly, named by thumbprint, proven to be held."""

from collections.abc import Callable
from functools import partial

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.client.signing import SigningKey
from exchange.identity.errors import IDENTITY_CODES, IdentityError
from exchange.identity.keys import (
    ED25519,
    P256,
    PrivateKey,
    check_possession,
    check_signature,
    create_private_key,
    decode_base64url,
    encode_base64url,
    private_pem,
    public_der,
    public_jwk,
    public_pem,
    read_private_pem,
    read_public_der,
    read_public_jwk,
    read_public_pem,
    sign,
    thumbprint,
)
from tests.examples import examples
from tests.fakes.identity import ENVIRONMENT, HALL, STRANGER, URL

BOTH = pytest.mark.parametrize("key", [HALL, ENVIRONMENT], ids=[ED25519, P256])


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(IdentityError) as caught:
        act()
    return caught.value.code


@BOTH
def test_what_is_written_of_a_key_reads_back(key: PrivateKey) -> None:
    public = key.public_key()
    name = thumbprint(public)
    assert thumbprint(read_public_der(public_der(public))) == name
    assert thumbprint(read_public_pem(public_pem(public))) == name
    assert thumbprint(read_public_jwk(public_jwk(public))) == name
    assert thumbprint(read_private_pem(private_pem(key)).public_key()) == name


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(read_public_jwk(jwk)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("algorithm", [ED25519, P256])
def test_new_keys_sign_what_their_public_half_verifies(algorithm: str) -> None:
    key = create_private_key(algorithm)
    check_signature(key.public_key(), sign(key, b"text"), message=b"text")
    assert (
        refusal(lambda: check_signature(key.public_key(), sign(key, b"text"), message=b"other"))
        == "SIGNATURE_INVALID"
    )


@BOTH
@given(st.binary(max_size=80))
@settings(max_examples=examples(30))
def test_only_64_bytes_are_a_signature(key: PrivateKey, content: bytes) -> None:
    assert (
        refusal(lambda: check_signature(key.public_key(), content, message=b"text"))
        == "SIGNATURE_INVALID"
    )


def test_other_kinds_of_key_are_refused() -> None:
    p384 = generate_private_key(SECP384R1())
    ed448 = Ed448PrivateKey.generate()
    for key in (p384, ed448):
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        assert refusal(partial(read_private_pem, pem)) == "KEY_UNSUITABLE"
        assert refusal(partial(read_public_pem, public)) == "KEY_UNSUITABLE"
    assert refusal(lambda: create_private_key("rsa")) == "KEY_UNSUITABLE"
    assert refusal(lambda: read_public_der(b"no key")) == "KEY_UNSUITABLE"
    assert refusal(lambda: read_private_pem(b"no key")) == "KEY_UNSUITABLE"


@BOTH
@pytest.mark.parametrize(
    "change", [{"d": "AA"}, {"kid": "1"}, {"x": "AA"}, {"x": "=="}, {"x": 1}, {"crv": "P-384"}]
)
def test_a_jwk_with_anything_more_or_wrong_is_refused(
    key: PrivateKey, change: dict[str, object]
) -> None:
    jwk = {**public_jwk(key.public_key()), **change}
    assert refusal(lambda: read_public_jwk(jwk)) == "KEY_UNSUITABLE"


def test_a_point_that_is_not_on_the_curve_is_refused() -> None:
    jwk = public_jwk(ENVIRONMENT.public_key())
    assert refusal(lambda: read_public_jwk({**jwk, "y": jwk["x"]})) == "KEY_UNSUITABLE"


@BOTH
def test_a_key_is_registered_by_whoever_holds_it(key: PrivateKey) -> None:
    body = SigningKey(key).registration("invite-1", base_url=URL)
    proven = check_possession(
        invitation="invite-1", key=body["jwk"], signature=body["signature"], audience=URL
    )
    pem = public_pem(key.public_key()).decode()
    assert proven == check_possession(
        invitation="invite-1", key=pem, signature=body["signature"], audience=URL
    )
    assert proven.id == thumbprint(key.public_key())


def test_a_key_held_by_another_or_for_another_invitation_is_not_registered() -> None:
    body = SigningKey(HALL).registration("invite-1", base_url=URL)
    stranger = public_jwk(STRANGER.public_key())
    for key, invitation, signature, audience in (
        (stranger, "invite-1", body["signature"], URL),
        (body["jwk"], "invite-2", body["signature"], URL),
        (body["jwk"], "invite-1", body["signature"], "http://other.example"),
        (body["jwk"], "invite-1", "", URL),
        (body["jwk"], "invite-1", "=", URL),
        (body["jwk"], "invite\n1", body["signature"], URL),
    ):
        with pytest.raises(IdentityError) as caught:
            check_possession(invitation=invitation, key=key, signature=signature, audience=audience)
        assert caught.value.code == "POSSESSION_UNPROVEN"


@given(st.binary(max_size=50))
def test_base64url_reads_back(content: bytes) -> None:
    assert decode_base64url(encode_base64url(content)) == content
    assert encode_base64url(content) == jwt.utils.base64url_encode(content).decode()


@given(st.text(max_size=12))
def test_base64url_takes_only_what_it_writes(text: str) -> None:
    try:
        content = decode_base64url(text)
    except ValueError:
        return
    assert encode_base64url(content) == text


def test_every_code_has_both_languages() -> None:
    for code, (zh, en) in IDENTITY_CODES.items():
        assert code == code.upper()
        assert not zh.isascii()
        assert en.isascii()
        assert IdentityError(code).status == 401
