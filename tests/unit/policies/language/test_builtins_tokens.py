"""Signed tokens: believed by the right key alone, under constraints, and by no clock."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from policies.language.builtins.table import BUILTINS
from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS
from tests.fakes.tokens import a_token, a_token_by, public_jwk, public_pem

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
UNVERIFIED = [False, {}, {}]
HEADER = {"alg": "HS256"}


def test_a_token_is_taken_apart_without_belief() -> None:
    header, claims, signature = called("io.jwt.decode", a_token(HEADER, {"iss": "a"}))
    assert (header, claims) == (HEADER, {"iss": "a"})
    assert len(signature) == 64


@pytest.mark.parametrize(
    "token",
    [
        *("", "a", "a.b", "a.b.c.d", "..", "e30.e30.=", "W10.e30.", "e3.e30.", "é.é."),
        a_token({"enc": "A128GCM"}, {}),
        a_token({"cty": 1}, {}),
        *OTHER_THAN_TEXTS,
    ],
)
def test_what_is_no_signed_token_fails(token: Any) -> None:
    assert called("io.jwt.decode", token) == FAILED
    assert called("io.jwt.verify_rs256", token, public_pem(RSA)) == FAILED


@pytest.mark.parametrize("size", [256, 384, 512])
def test_a_secret_verifies_what_it_signed_and_nothing_else(size: int) -> None:
    token = a_token(HEADER, {"a": 1}, size=size)
    name = f"io.jwt.verify_hs{size}"
    assert called(name, token, "s") is True
    assert called(name, token, "t") is False
    assert called(name, token[:-3] + "AAA", "s") is False


@pytest.mark.parametrize(
    ("name", "token", "right", "wrong"),
    [
        ("rs256", a_token_by(RSA, {}, {}), public_pem(RSA), public_pem(OTHER_RSA)),
        ("rs256", a_token_by(RSA, {}, {}), json.dumps(public_jwk(RSA)), public_pem(CURVE)),
        ("ps256", a_token_by(RSA, {}, {}, salt=32), public_pem(RSA), public_pem(OTHER_RSA)),
        ("es256", a_token_by(CURVE, {}, {}), public_pem(CURVE), public_pem(RSA)),
        ("eddsa", a_token_by(EDWARDS, {}, {}), public_pem(EDWARDS), public_pem(CURVE)),
    ],
    ids=["rs256", "rs256-jwk", "ps256", "es256", "eddsa"],
)
def test_a_public_key_verifies_what_its_private_key_signed(
    name: str, token: str, right: str, wrong: str
) -> None:
    assert called(f"io.jwt.verify_{name}", token, right) is True
    assert called(f"io.jwt.verify_{name}", token, wrong) is False
    assert called(f"io.jwt.verify_{name}", token.replace(".", ".e30", 1), right) in {False, FAILED}


def test_the_key_that_a_token_names_is_the_only_one_tried() -> None:
    keys = [public_jwk(RSA, kid="old"), public_jwk(OTHER_RSA, kid="new")]
    for name, verified in (("old", True), ("new", False), ("none", True)):
        token = a_token_by(RSA, {"alg": "RS256", "kid": name}, {})
        assert called("io.jwt.verify_rs256", token, json.dumps({"keys": keys})) is verified


def test_a_public_key_is_never_taken_for_a_secret() -> None:
    token = a_token(HEADER, {"iss": "a"}, secret=public_pem(RSA))
    assert called("io.jwt.decode_verify", token, {"cert": public_pem(RSA)}) == UNVERIFIED


@pytest.mark.parametrize("algorithm", ["none", "NONE", "hs256", "", "RS256"])
def test_an_algorithm_that_is_unknown_or_of_another_key_verifies_nothing(algorithm: str) -> None:
    token = a_token({"alg": algorithm}, {})
    assert called("io.jwt.decode_verify", token, {"secret": "s"}) == UNVERIFIED


def test_what_a_header_calls_critical_must_be_understood() -> None:
    token = a_token({"alg": "HS256", "crit": ["b64"], "b64": True}, {})
    assert called("io.jwt.decode_verify", token, {"secret": "s"}) == UNVERIFIED


@pytest.mark.parametrize(
    ("claims", "given", "verified"),
    [
        ({}, {}, True),
        ({}, {"alg": "HS256"}, True),
        ({}, {"alg": "HS512"}, False),
        ({"iss": "a"}, {"iss": "a"}, True),
        ({"iss": "b"}, {"iss": "a"}, False),
        ({}, {"iss": "a"}, False),
        ({"aud": ["b", "a"]}, {"aud": "a"}, True),
        ({"aud": "b"}, {"aud": "a"}, False),
        ({"aud": "a"}, {}, False),
        ({}, {"aud": "a"}, False),
        ({"exp": 5}, {"time": 4_999_999_999}, True),
        ({"exp": 5}, {"time": 5_000_000_000}, False),
        ({"nbf": 5}, {"time": 5_000_000_000}, True),
        ({"nbf": 5}, {"time": 4_999_999_999}, False),
        ({"nbf": 5.5}, {"time": 5_400_000_000}, False),
    ],
)
def test_a_token_meets_its_constraints_or_is_unverified(
    claims: dict[str, Any], given: dict[str, Any], *, verified: bool
) -> None:
    found = called("io.jwt.decode_verify", a_token(HEADER, claims), {"secret": "s", **given})
    assert found == ([True, HEADER, claims] if verified else UNVERIFIED)


@pytest.mark.parametrize("claims", [{"exp": 1}, {"nbf": 1}])
def test_no_clock_is_read_for_a_token_that_says_when_it_holds(claims: dict[str, int]) -> None:
    with pytest.raises(NotOfferedError, match="`time` needed"):
        called("io.jwt.decode_verify", a_token(HEADER, claims), {"secret": "s"})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"secret": ""},
        {"secret": "s", "cert": "{}"},
        {"cert": "nothing"},
        {"secret": "s", "sub": "a"},
        {"secret": "s", "time": -1},
        {"secret": "s", "time": "now"},
        {"secret": 1},
        None,
    ],
)
def test_constraints_that_are_unclear_fail(given: Any) -> None:
    assert called("io.jwt.decode_verify", a_token(HEADER, {}), given) == FAILED


def test_a_nested_token_is_verified_at_each_level() -> None:
    inner = a_token(HEADER, {"iss": "a"})
    head = {"alg": "HS256", "cty": "JWT"}
    # The payload of the outer token is the inner token itself, not JSON.
    outer = a_token_of(head, inner)
    assert called("io.jwt.decode_verify", outer, {"secret": "s"}) == [True, HEADER, {"iss": "a"}]
    forged = a_token_of(head, a_token(HEADER, {"iss": "a"}, secret="t"))
    assert called("io.jwt.decode_verify", forged, {"secret": "s"}) == UNVERIFIED


def a_token_of(header: dict[str, str], payload: str) -> str:
    key = {"kty": "oct", "k": "cw"}
    raw = json.dumps({"typ": "text", **header})
    return str(called("io.jwt.encode_sign_raw", raw, payload, json.dumps(key)))


def test_what_is_signed_verifies() -> None:
    token = called("io.jwt.encode_sign", HEADER, {"iss": "<a>"}, {"kty": "oct", "k": "cw"})
    found = called("io.jwt.decode_verify", token, {"secret": "s"})
    assert found == [True, HEADER, {"iss": "<a>"}]


@pytest.mark.parametrize(("algorithm", "kind"), [("ES256", "EC"), ("PS256", "RSA")])
def test_a_signature_that_is_another_each_time_is_not_offered(algorithm: str, kind: str) -> None:
    with pytest.raises(NotOfferedError, match="another each time"):
        called("io.jwt.encode_sign", {"alg": algorithm}, {}, {"kty": kind})


def test_a_private_key_is_not_taken_where_a_public_one_is_needed() -> None:
    key = json.dumps({**public_jwk(RSA), "d": "AA"})
    with pytest.raises(NotOfferedError, match="private JWK"):
        called("io.jwt.verify_rs256", a_token_by(RSA, {}, {}), key)


def test_no_error_holds_a_secret() -> None:
    for name, arguments in {
        "io.jwt.encode_sign": ({"alg": "RS256"}, {}, {"kty": "oct", "k": "c2VjcmV0"}),
        "io.jwt.verify_rs256": (a_token(HEADER, {}), "c2VjcmV0"),
    }.items():
        with pytest.raises(Exception, match="key") as caught:
            BUILTINS[name].function(*arguments)
        assert "c2VjcmV0" not in str(caught.value)
