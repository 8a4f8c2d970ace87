"""Access tokens for stock clients: OAuth 2 client credentials by private_key_jwt, bound by DPoP.

A token bound to a key (RFC 9449) proves the caller at every call. A plain bearer token is whoever holds it:
its calls are marked `bearer`, carry no caller's signature, and the policy keeps personal items from them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from audit.entry import Nonce
from catalogue.model import SystemKey
from exchange.identity.errors import IdentityError
from exchange.identity.jws import Jws, check_jws, read_jws, whole_number, write_jws
from exchange.identity.keys import (
    PrivateKey,
    encode_base64url,
    read_public_der,
    read_public_jwk,
    thumbprint,
)
from exchange.identity.signatures import USUAL_WINDOW, Window, find_key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_TOKEN_S = 600
LONGEST_PROOF_S = 60

# RFC 6749, 5.2, and RFC 9449, 5: what the token endpoint calls our codes.
OAUTH_ERRORS: Mapping[str, str] = {
    "GRANT_TYPE_UNSUPPORTED": "unsupported_grant_type",
    "TOKEN_REQUEST_MALFORMED": "invalid_request",
    "DPOP_MALFORMED": "invalid_dpop_proof",
    "DPOP_INVALID": "invalid_dpop_proof",
    "DPOP_EXPIRED": "invalid_dpop_proof",
}
"""Every other code is `invalid_client`."""

_JTI = re.compile(r"[A-Za-z0-9_-]{16,64}")
_BEARER = re.compile(r"(?i:(?P<scheme>bearer|dpop)) (?P<token>[A-Za-z0-9_.-]+)")
_PARAMETERS = {"grant_type", "client_assertion_type", "client_assertion"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """The exchange as an authorization server: its base URL and the key that signs its tokens."""

    url: str
    key: PrivateKey = field(repr=False)

    @property
    def token_endpoint(self) -> str:
        return f"{self.url}/token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token, to be handed out once its entry is in the log."""

    access_token: str = field(repr=False)
    token_type: str
    """`DPoP` or `Bearer`."""
    expires_in: int
    key: SystemKey
    nonces: tuple[Nonce, ...]
    """Of the assertion and, where there is one, of the DPoP proof: each serves once."""

    def answer(self) -> dict[str, Any]:
        """The members of RFC 6749, 5.1."""
        return {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessed:
    """A call made with an access token of a system's key."""

    key: SystemKey
    auth: str
    """`dpop` or `bearer`."""
    nonce: Nonce
    base: bytes
    """What the caller signed for this call: the proof's signing input; for a bearer, its token's digest."""
    signature: bytes
    """Empty for a bearer: nobody signed the call."""


def read_token_request(body: bytes) -> dict[str, str]:
    """Read the form of a token request: exactly the three parameters, each once."""
    try:
        pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=8)
    except ValueError as error:
        raise IdentityError("TOKEN_REQUEST_MALFORMED", "not a form") from error
    form = dict(pairs)
    if "grant_type" in form and form["grant_type"] != "client_credentials":
        raise IdentityError("GRANT_TYPE_UNSUPPORTED")
    if len(form) != len(pairs) or form.keys() != _PARAMETERS:
        raise IdentityError(
            "TOKEN_REQUEST_MALFORMED", f"{', '.join(sorted(_PARAMETERS))} needed once, nothing else"
        )
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise IdentityError(
            "TOKEN_REQUEST_MALFORMED", f"client_assertion_type={ASSERTION_TYPE} needed"
        )
    return form


def issue_token(
    body: bytes,
    dpop: str | None,
    *,
    issuer: Issuer,
    keys: Mapping[str, SystemKey],
    now: datetime,
    fresh: str,
    window: Window = USUAL_WINDOW,
) -> Issued:
    """Answer `POST /token`: check the assertion, and the proof where `dpop` is not None.

    `fresh` is the new token's id. The caller records the issue with its nonces before handing it out.
    """
    form = read_token_request(body)
    key, nonce, made = _check_assertion(
        form["client_assertion"], issuer=issuer, keys=keys, now=now, window=window
    )
    _check_restore(made, window)
    at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer.url,
        "aud": issuer.url,
        "sub": key.system,
        "client_id": key.system,
        "key": key.id,
        "iat": at,
        "exp": at + LONGEST_TOKEN_S,
        "jti": fresh,
    }
    nonces: tuple[Nonce, ...] = (nonce,)
    if dpop is not None:
        proof = _check_proof(
            dpop, method="POST", url=issuer.token_endpoint, token=None, now=now, window=window
        )
        _check_restore(proof.claims["iat"], window)
        claims["cnf"] = {"jkt": _jkt(proof)}
        nonces = (nonce, _proof_nonce(proof, window))
    header = {"typ": "at+jwt", "kid": thumbprint(issuer.key.public_key())}
    return Issued(
        access_token=write_jws(claims, header=header, key=issuer.key),
        token_type="Bearer" if dpop is None else "DPoP",
        expires_in=LONGEST_TOKEN_S,
        key=key,
        nonces=nonces,
    )


def verify_access(  # noqa: PLR0913 - what a request brings, and what it is judged by
    authorization: str,
    dpop: str | None,
    *,
    method: str,
    url: str,
    issuer: Issuer,
    keys: Mapping[str, SystemKey],
    now: datetime,
    fresh: str,
    window: Window = USUAL_WINDOW,
) -> Accessed:
    """Return who calls with this token; raises IdentityError.

    `url` is the exchange's own address of the request, without query. `fresh` is the nonce that a bearer
    call gets, since it brings none. A token dies with the system key for which it was issued.
    """
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise IdentityError("TOKEN_MALFORMED", "Authorization is neither Bearer nor DPoP")
    token = match["token"]
    claims = _read_token(token, issuer=issuer, now=now)
    _check_restore(claims["iat"], window)
    key = find_key(claims["key"], keys=keys, now=now)
    if key.system != claims["sub"]:
        raise IdentityError("TOKEN_INVALID", "the key belongs to another system by now")
    bound = claims.get("cnf", {}).get("jkt")
    is_proof = match["scheme"].lower() == "dpop"
    if bound is None:
        if is_proof or dpop is not None:
            raise IdentityError("TOKEN_INVALID", "the token is bound to no key; use it as Bearer")
        digest = hashlib.sha256(token.encode()).hexdigest()
        return Accessed(
            key=key,
            auth="bearer",
            nonce=Nonce(key=f"bearer:{key.id}", nonce=fresh, expires=claims["exp"] * 1000),
            base=f"bearer\n{digest}".encode(),
            signature=b"",
        )
    if not is_proof or dpop is None:
        raise IdentityError("TOKEN_BOUND")
    proof = _check_proof(dpop, method=method, url=url, token=token, now=now, window=window)
    _check_restore(proof.claims["iat"], window)
    if _jkt(proof) != bound:
        raise IdentityError("DPOP_INVALID", "the proof was made with another key than the token's")
    return Accessed(
        key=key,
        auth="dpop",
        nonce=_proof_nonce(proof, window),
        base=proof.signed,
        signature=proof.signature,
    )


def _check_assertion(
    text: str, *, issuer: Issuer, keys: Mapping[str, SystemKey], now: datetime, window: Window
) -> tuple[SystemKey, Nonce, int]:
    """RFC 7523, 3, made narrower: kid, iat and jti are obligatory. Returns key, nonce, time made."""
    try:
        jws = read_jws(text)
        made, ends = whole_number(jws.claims, "iat"), whole_number(jws.claims, "exp")
    except ValueError as error:
        raise IdentityError("ASSERTION_MALFORMED") from error
    if jws.header.keys() - {"typ"} != {"alg", "kid"} or jws.header.get("typ", "JWT") != "JWT":
        raise IdentityError("ASSERTION_MALFORMED", "header members alg, kid and typ=JWT needed")
    key = find_key(str(jws.header["kid"]), keys=keys, now=now)
    check_jws(jws, key=read_public_der(key.public))
    claims = jws.claims
    if not claims.get("iss") == claims.get("sub") == key.system:
        raise IdentityError("ASSERTION_INVALID", "iss and sub must be the system of the key")
    if claims.get("aud") not in (issuer.token_endpoint, [issuer.token_endpoint]):
        raise IdentityError("ASSERTION_INVALID", "aud must be this token endpoint")
    at = now.timestamp()
    if made > at + window.skew_s or ends <= at or ends - made > window.longest_s:
        raise IdentityError(
            "ASSERTION_EXPIRED", f"made now and valid up to {window.longest_s} s needed"
        )
    if not _is_jti(claims.get("jti")):
        raise IdentityError("ASSERTION_MALFORMED", f"jti must match {_JTI.pattern}")
    held_until = (ends + window.skew_s) * 1000
    return key, Nonce(key=f"jwt:{key.id}", nonce=str(claims["jti"]), expires=held_until), made


def _read_token(token: str, *, issuer: Issuer, now: datetime) -> Mapping[str, Any]:
    try:
        jws = read_jws(token)
    except ValueError as error:
        raise IdentityError("TOKEN_MALFORMED") from error
    public = issuer.key.public_key()
    if jws.header.get("typ") != "at+jwt" or jws.header.get("kid") != thumbprint(public):
        raise IdentityError("TOKEN_INVALID", "not a token of this exchange's present key")
    check_jws(jws, key=public)
    # What our own key signed has our own members; only address and time are left to check.
    claims = jws.claims
    if claims["iss"] != issuer.url or claims["aud"] != issuer.url:
        raise IdentityError("TOKEN_INVALID", "issued for another address")
    if now.timestamp() >= claims["exp"]:
        raise IdentityError("TOKEN_EXPIRED")
    return claims


def _check_proof(
    text: str, *, method: str, url: str, token: str | None, now: datetime, window: Window
) -> Jws:
    """RFC 9449, 4.3. `token` None: a proof for the token endpoint, where there is no token yet."""
    try:
        jws = read_jws(text)
        made = whole_number(jws.claims, "iat")
    except ValueError as error:
        raise IdentityError("DPOP_MALFORMED") from error
    if jws.header.keys() != {"alg", "typ", "jwk"} or jws.header["typ"] != "dpop+jwt":
        raise IdentityError("DPOP_MALFORMED", "header members alg, jwk and typ=dpop+jwt needed")
    if not isinstance(jws.header["jwk"], dict):
        raise IdentityError("DPOP_MALFORMED", "jwk must be an object")
    try:
        check_jws(jws, key=read_public_jwk(jws.header["jwk"]))
    except IdentityError as error:
        raise IdentityError("DPOP_INVALID", "the proof's own signature does not hold") from error
    if jws.claims.get("htm") != method or jws.claims.get("htu") != url:
        raise IdentityError("DPOP_INVALID", "htm and htu must be the request's")
    if token is not None and jws.claims.get("ath") != access_token_hash(token):
        raise IdentityError("DPOP_INVALID", "ath must be the digest of the token")
    if not -window.skew_s <= now.timestamp() - made <= LONGEST_PROOF_S:
        raise IdentityError("DPOP_EXPIRED", f"made within {LONGEST_PROOF_S} s needed")
    if not _is_jti(jws.claims.get("jti")):
        raise IdentityError("DPOP_MALFORMED", f"jti must match {_JTI.pattern}")
    return jws


def access_token_hash(token: str) -> str:
    """`ath` of RFC 9449."""
    return encode_base64url(hashlib.sha256(token.encode("ascii")).digest())


def _jkt(proof: Jws) -> str:
    return thumbprint(read_public_jwk(proof.header["jwk"]))


def _proof_nonce(proof: Jws, window: Window) -> Nonce:
    until_s = proof.claims["iat"] + LONGEST_PROOF_S + window.skew_s
    return Nonce(key=f"dpop:{_jkt(proof)}", nonce=str(proof.claims["jti"]), expires=until_s * 1000)


def _is_jti(value: object) -> bool:
    return isinstance(value, str) and _JTI.fullmatch(value) is not None


def _check_restore(made_s: int, window: Window) -> None:
    if made_s * 1000 < window.not_before_ms:
        raise IdentityError("SIGNATURE_BEFORE_RESTORE")
