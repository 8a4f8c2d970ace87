"""Access tokens: issued on an assertion, bound by DPoP, dead with the key for which they were issued."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.client.signing import SigningKey, TokenAuth
from exchange.identity.errors import IdentityError
from exchange.identity.jws import jws_algorithm, read_jws, write_jws
from exchange.identity.keys import PrivateKey, public_jwk
from exchange.identity.nonces import RecentNonces
from exchange.identity.signatures import Window
from exchange.identity.tokens import (
    ASSERTION_TYPE,
    OAUTH_ERRORS,
    Accessed,
    Issued,
    Issuer,
    access_token_hash,
    issue_token,
    verify_access,
)
from tests.examples import examples
from tests.fakes.identity import (
    ENVIRONMENT,
    ENVIRONMENT_KEY,
    HALL,
    HALL_KEY,
    ISSUER,
    KEYS,
    NOW,
    STRANGER,
    URL,
    clock_at,
    nonces,
)

AT = int(NOW.timestamp())
GRAPHQL = f"{URL}/graphql"
BOTH = pytest.mark.parametrize(
    ("key", "held"), [(HALL, HALL_KEY), (ENVIRONMENT, ENVIRONMENT_KEY)], ids=["ed25519", "p256"]
)


def an_assertion(key: PrivateKey = HALL, *, header: Any = None, **claims: Any) -> str:
    """Signed by PyJWT, as a stock OAuth client would."""
    held = HALL_KEY if key is HALL else ENVIRONMENT_KEY
    members = {
        "iss": held.system,
        "sub": held.system,
        "aud": ISSUER.token_endpoint,
        "iat": AT,
        "exp": AT + 60,
        "jti": "assertion-000001",
        **claims,
    }
    kept = {name: value for name, value in members.items() if value is not None}
    return jwt.encode(
        kept, key, algorithm=jws_algorithm(key), headers={"kid": held.id} | (header or {})
    )


def a_form(assertion: str, **changes: str) -> bytes:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    } | changes
    return urlencode(form).encode()


def a_proof(
    key: PrivateKey = HALL, *, token: str | None = None, header: Any = None, **claims: Any
) -> str:
    members = {"jti": "proof-0000000001", "htm": "POST", "htu": GRAPHQL, "iat": AT}
    if token is not None:
        members["ath"] = access_token_hash(token)
    head = {"typ": "dpop+jwt", "jwk": public_jwk(key.public_key())} | (header or {})
    return write_jws(members | claims, header=head, key=key)


def issue(body: bytes, dpop: str | None = None, **changes: Any) -> Issued:
    arguments: dict[str, Any] = {"issuer": ISSUER, "keys": KEYS, "now": NOW, "fresh": "token-1"}
    return issue_token(body, dpop, **(arguments | changes))


def access(authorization: str, dpop: str | None = None, **changes: Any) -> Accessed:
    arguments: dict[str, Any] = {
        "method": "POST",
        "url": GRAPHQL,
        "issuer": ISSUER,
        "keys": KEYS,
        "now": NOW,
        "fresh": "bearer-call-1",
    }
    return verify_access(authorization, dpop, **(arguments | changes))


def bound(key: PrivateKey = HALL) -> str:
    return issue(a_form(an_assertion(key)), a_proof(key, htu=ISSUER.token_endpoint)).access_token


def plain() -> str:
    return issue(a_form(an_assertion())).access_token


def refusal(act: Any, *arguments: Any, **changes: Any) -> str:
    with pytest.raises(IdentityError) as caught:
        act(*arguments, **changes)
    return caught.value.code


@BOTH
def test_a_bound_token_and_its_proof_are_taken(key: PrivateKey, held: Any) -> None:
    token = bound(key)
    accessed = access(f"DPoP {token}", a_proof(key, token=token))
    assert (accessed.key, accessed.auth) == (held, "dpop")
    assert accessed.base.count(b".") == 1
    assert len(accessed.signature) == 64


@pytest.mark.proves("I14")
def test_a_plain_bearer_is_marked_as_one_and_carries_no_signature_of_the_caller() -> None:
    accessed = access(f"Bearer {plain()}")
    assert accessed.auth == "bearer"
    assert accessed.signature == b""
    assert plain().encode() not in accessed.base


@pytest.mark.proves("I14")
def test_a_bound_token_without_its_proof_is_no_bearer_token() -> None:
    token = bound()
    assert refusal(access, f"Bearer {token}") == "TOKEN_BOUND"
    assert refusal(access, f"DPoP {token}") == "TOKEN_BOUND"
    assert refusal(access, f"Bearer {token}", a_proof(token=token)) == "TOKEN_BOUND"


def test_a_plain_token_is_not_made_better_by_a_proof() -> None:
    token = plain()
    assert refusal(access, f"DPoP {token}", a_proof(token=token)) == "TOKEN_INVALID"
    assert refusal(access, f"Bearer {token}", a_proof(token=token)) == "TOKEN_INVALID"


def test_the_answer_is_that_of_rfc_6749() -> None:
    issued = issue(a_form(an_assertion()))
    assert issued.answer().keys() == {"access_token", "token_type", "expires_in"}
    assert issued.token_type == "Bearer"
    assert issued.expires_in <= 600
    assert issued.key == HALL_KEY


def test_assertion_and_proof_serve_once() -> None:
    seen = RecentNonces()
    body, proof = a_form(an_assertion()), a_proof(htu=ISSUER.token_endpoint)
    for expected in (True, False):
        for nonce in issue(body, proof).nonces:
            assert seen.is_first_use(nonce, at_ms=AT * 1000) is expected
    token = bound()
    call = access(f"DPoP {token}", a_proof(token=token, jti="proof-0000000002")).nonce
    again = access(f"DPoP {token}", a_proof(token=token, jti="proof-0000000002")).nonce
    assert seen.is_first_use(call, at_ms=AT * 1000)
    assert not seen.is_first_use(again, at_ms=AT * 1000)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "sys_environment"}, "ASSERTION_INVALID"),
        ({"sub": "sys_environment"}, "ASSERTION_INVALID"),
        ({"iss": "sys_other", "sub": "sys_other"}, "ASSERTION_INVALID"),
        ({"aud": URL}, "ASSERTION_INVALID"),
        ({"aud": [ISSUER.token_endpoint, "http://other.example"]}, "ASSERTION_INVALID"),
        ({"exp": AT}, "ASSERTION_EXPIRED"),
        ({"exp": AT + 301}, "ASSERTION_EXPIRED"),
        ({"iat": AT + 6}, "ASSERTION_EXPIRED"),
        ({"iat": AT - 400, "exp": AT + 1}, "ASSERTION_EXPIRED"),
        ({"jti": "short"}, "ASSERTION_MALFORMED"),
        ({"jti": None}, "ASSERTION_MALFORMED"),
        ({"iat": None}, "ASSERTION_MALFORMED"),
        ({"exp": None}, "ASSERTION_MALFORMED"),
        ({"exp": AT + 0.5}, "ASSERTION_MALFORMED"),
        ({"header": {"crit": ["x"]}}, "ASSERTION_MALFORMED"),
        ({"header": {"typ": "dpop+jwt"}}, "ASSERTION_MALFORMED"),
        ({"header": {"kid": "nobody"}}, "KEY_UNKNOWN"),
        ({"header": {"kid": ENVIRONMENT_KEY.id}}, "ALGORITHM_MISMATCH"),
    ],
)
def test_an_assertion_with_one_thing_wrong_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refusal(issue, a_form(an_assertion(**changes))) == code


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256", "EdDSA"])
def test_the_algorithm_is_the_registered_keys_whatever_the_header_says(algorithm: str) -> None:
    header, payload, signature = an_assertion(ENVIRONMENT).split(".")
    head = jwt.utils.base64url_encode(
        f'{{"alg":"{algorithm}","kid":"{HALL_KEY.id}"}}'.encode()
    ).decode()
    code = refusal(issue, a_form(f"{head}.{payload}.{signature}"))
    assert code in {"ALGORITHM_MISMATCH", "SIGNATURE_INVALID"}
    assert header != head


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "TOKEN_REQUEST_MALFORMED"),
        (b"\xff", "TOKEN_REQUEST_MALFORMED"),
        (a_form("x", grant_type="password"), "GRANT_TYPE_UNSUPPORTED"),
        (a_form("x", client_assertion_type="other"), "TOKEN_REQUEST_MALFORMED"),
        (a_form("x", client_id="sys_hall"), "TOKEN_REQUEST_MALFORMED"),
        (a_form("x") + b"&client_assertion=y", "TOKEN_REQUEST_MALFORMED"),
        (a_form("x"), "ASSERTION_MALFORMED"),
        (a_form("x.y.z"), "ASSERTION_MALFORMED"),
        (a_form("e30.e30."), "ASSERTION_MALFORMED"),
    ],
)
def test_a_token_request_of_another_form_is_refused(body: bytes, code: str) -> None:
    assert refusal(issue, body) == code
    assert OAUTH_ERRORS.get(code, "invalid_client").islower()


def test_a_member_that_occurs_twice_is_refused() -> None:
    def part(text: str) -> str:
        return jwt.utils.base64url_encode(text.encode()).decode()

    deep = '{"a":' + "[" * 2500 + "]" * 2500 + "}"
    for payload in ('{"a":1,"a":2}', '{"a":NaN}', "[]", "1", deep):
        with pytest.raises(ValueError):
            read_jws(f"{part('{}')}.{part(payload)}.AA")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"htm": "GET"}, "DPOP_INVALID"),
        ({"htu": f"{URL}/graphql?x=1"}, "DPOP_INVALID"),
        ({"htu": "http://other.example/graphql"}, "DPOP_INVALID"),
        ({"ath": "other"}, "DPOP_INVALID"),
        ({"iat": AT - 61}, "DPOP_EXPIRED"),
        ({"iat": AT + 6}, "DPOP_EXPIRED"),
        ({"iat": "now"}, "DPOP_MALFORMED"),
        ({"jti": "short"}, "DPOP_MALFORMED"),
        ({"header": {"typ": "JWT"}}, "DPOP_MALFORMED"),
        ({"header": {"kid": "1"}}, "DPOP_MALFORMED"),
        ({"header": {"jwk": "text"}}, "DPOP_MALFORMED"),
        ({"header": {"jwk": public_jwk(STRANGER.public_key())}}, "DPOP_INVALID"),
        ({"key": STRANGER}, "DPOP_INVALID"),
    ],
)
def test_a_proof_with_one_thing_wrong_is_refused(changes: dict[str, Any], code: str) -> None:
    token = bound()
    assert refusal(access, f"DPoP {token}", a_proof(token=token, **changes)) == code


def test_a_proof_for_one_token_does_not_serve_another() -> None:
    token, other = bound(), bound(ENVIRONMENT)
    assert refusal(access, f"DPoP {other}", a_proof(ENVIRONMENT, token=token)) == "DPOP_INVALID"


@pytest.mark.parametrize("value", ["", "Basic abc", "Bearer", "Bearer a b", "Bearer ..", "DPoP x"])
def test_another_form_of_authorization_is_refused(value: str) -> None:
    assert refusal(access, value) == "TOKEN_MALFORMED"


def test_a_token_that_another_key_signed_is_refused() -> None:
    other = Issuer(url=URL, key=STRANGER)
    foreign = issue(a_form(an_assertion()), issuer=other).access_token
    assert refusal(access, f"Bearer {foreign}") == "TOKEN_INVALID"
    claims = read_jws(plain()).claims
    header = {"typ": "at+jwt", "kid": read_jws(plain()).header["kid"]}
    forged = write_jws({**claims, "sub": "sys_environment"}, header=header, key=STRANGER)
    assert refusal(access, f"Bearer {forged}") == "SIGNATURE_INVALID"


def test_a_token_for_another_address_is_refused() -> None:
    elsewhere = Issuer(url="http://other.example", key=ISSUER.key)
    assert refusal(access, f"Bearer {plain()}", issuer=elsewhere) == "TOKEN_INVALID"


def test_a_token_ends_after_ten_minutes() -> None:
    token = plain()
    last = NOW + timedelta(seconds=599)
    assert access(f"Bearer {token}", now=last).key == HALL_KEY
    assert refusal(access, f"Bearer {token}", now=last + timedelta(seconds=1)) == "TOKEN_EXPIRED"


@pytest.mark.proves("I4")
def test_a_token_dies_with_the_key_for_which_it_was_issued() -> None:
    revoked = {HALL_KEY.id: replace(HALL_KEY, state="revoked")}
    assert refusal(access, f"Bearer {plain()}", keys=revoked) == "KEY_REVOKED"
    assert refusal(issue, a_form(an_assertion()), keys=revoked) == "KEY_REVOKED"


def test_what_is_older_than_a_restore_is_refused() -> None:
    token = bound()
    later = Window(not_before_ms=(AT + 1) * 1000)
    for act in (
        lambda: access(f"DPoP {token}", a_proof(token=token), window=later),
        lambda: access(f"Bearer {plain()}", window=later),
        lambda: issue(a_form(an_assertion()), window=later),
    ):
        assert refusal(act) == "SIGNATURE_BEFORE_RESTORE"


@pytest.mark.parametrize("is_bound", [True, False])
def test_the_clients_token_auth_gets_a_token_once_and_uses_it(is_bound: bool) -> None:
    asked: list[str] = []
    seen: list[Accessed] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        dpop = request.headers.get("dpop")
        if request.url.path == "/token":
            return httpx.Response(200, json=issue(request.content, dpop).answer())
        seen.append(access(request.headers["authorization"], dpop))
        return httpx.Response(200, json={})

    auth = TokenAuth(
        SigningKey(HALL),
        system="sys_hall",
        base_url=URL,
        bound=is_bound,
        now=clock_at(),
        nonce=nonces(),
    )
    with httpx.Client(auth=auth, transport=httpx.MockTransport(serve)) as client:
        client.post(f"{GRAPHQL}?a=1", content=b"{}")
        client.post(GRAPHQL, content=b"{}")
    assert asked == ["/token", "/graphql", "/graphql"]
    assert {call.auth for call in seen} == {"dpop" if is_bound else "bearer"}
    assert (seen[0].nonce != seen[1].nonce) is is_bound


@given(st.text(max_size=30), st.text(max_size=30) | st.none())
@settings(max_examples=examples(60))
def test_whatever_is_sent_as_a_token_is_refused_by_name(text: str, dpop: str | None) -> None:
    token = bound()
    for authorization in (text, f"Bearer {text}", f"DPoP {text}.{text}.{text}", f"DPoP {token}"):
        with pytest.raises(IdentityError):
            access(authorization, dpop)
    with pytest.raises(IdentityError):
        issue(text.encode())
    with pytest.raises(IdentityError):
        issue(a_form(text), dpop)
