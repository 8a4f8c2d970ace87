"""A system's key at the caller's end, and the `httpx.Auth` that signs each request with it."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import (
    ECDSA_P256_SHA256,
    ED25519,
    HTTPSignatureAlgorithm,
)

from exchange import clock
from exchange.identity.jws import write_jws
from exchange.identity.keys import (
    P256,
    PrivateKey,
    algorithm_of,
    create_private_key,
    encode_base64url,
    possession_text,
    public_jwk,
    read_private_pem,
    sign,
    thumbprint,
)
from exchange.identity.signatures import DERIVED, FIELDS, TAG, content_digest
from exchange.identity.tokens import ASSERTION_TYPE, access_token_hash
from gateway.model import Usage

HOLDS = timedelta(seconds=60)
"""How long a signature holds: enough for a slow network, short enough to lose its worth."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A system's private key. `id` is the thumbprint under which the public half is registered."""

    private: PrivateKey = field(repr=False)

    @classmethod
    def create(cls) -> "SigningKey":
        return cls(create_private_key())

    @classmethod
    def read(cls, path: Path) -> "SigningKey":
        """Read an unencrypted PEM file; raises IdentityError for other kinds of key."""
        return cls(read_private_pem(path.read_bytes()))

    @property
    def id(self) -> str:
        return thumbprint(self.private.public_key())

    def registration(self, invitation: str, *, base_url: str) -> dict[str, Any]:
        """The body of `POST /systems/register`: the public key and the proof that we hold its other half."""
        text = possession_text(invitation=invitation, key_id=self.id, audience=base_url)
        return {
            "invitation": invitation,
            "jwk": public_jwk(self.private.public_key()),
            "signature": encode_base64url(sign(self.private, text)),
        }


def encode_usage(usage: Usage) -> dict[str, Any]:
    """Usage as it travels in `extensions.usage` or, base64url, in the header `Exchange-Usage`."""
    members: dict[str, Any] = {
        "matter": usage.matter,
        "case": usage.case,
        "purpose": usage.purpose,
        "reason": usage.reason,
        "operator": usage.operator,
    }
    if usage.retry_of is not None:
        members["retryOf"] = usage.retry_of
    return members


def usage_header(usage: Usage) -> str:
    return urlsafe_b64encode(msgspec.json.encode(encode_usage(usage))).rstrip(b"=").decode()


class SignatureAuth(httpx.Auth):
    """Signs each request (RFC 9421), so that a stock client such as `gql` can call the exchange.

    With `usage` every request carries the header `Exchange-Usage`, for clients that cannot set extensions.
    """

    requires_request_body = True

    def __init__(
        self,
        key: SigningKey,
        *,
        usage: Usage | None = None,
        now: Callable[[], datetime] = clock.now,
        nonce: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._key_id = key.id
        self._usage = usage
        self._now = now
        self._nonce = nonce
        self._signer = HTTPMessageSigner(
            signature_algorithm=_library_algorithm(key.private), key_resolver=_OneKey(key.private)
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self.sign(request)
        yield request

    def sign(self, request: httpx.Request) -> None:
        """Add the headers to a request whose body was read. Each call makes a new nonce."""
        if self._usage is not None:
            request.headers["Exchange-Usage"] = usage_header(self._usage)
        if request.content or request.method in {"POST", "PUT", "PATCH"}:
            request.headers.setdefault("Content-Type", "application/json")
            request.headers["Content-Digest"] = content_digest(request.content)
        created = self._now()
        self._signer.sign(
            request,
            key_id=self._key_id,
            created=created,
            expires=created + HOLDS,
            nonce=self._nonce(),
            label="sig",
            tag=TAG,
            include_alg=False,
            use_existing_digest="Content-Digest" in request.headers,
            covered_component_ids=[
                *DERIVED,
                *(name for name in FIELDS if name in request.headers),
            ],
        )


class TokenAuth(httpx.Auth):
    """Gets access tokens by `POST /token` and proves possession at every call (DPoP).

    For clients whose stack cannot sign whole requests. `bound=False` asks for a plain bearer token, to which
    the exchange gives neither conditional nor personal items.
    """

    requires_response_body = True

    def __init__(
        self,
        key: SigningKey,
        *,
        system: str,
        base_url: str,
        usage: Usage | None = None,
        bound: bool = True,
        now: Callable[[], datetime] = clock.now,
        nonce: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._key = key
        self._system = system
        self._url = base_url.rstrip("/")
        self._usage = usage
        self._bound = bound
        self._now = now
        self._nonce = nonce
        self._token = ""
        self._ends = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._now().timestamp() >= self._ends:
            self._keep((yield self.token_request()))
        if self._usage is not None:
            request.headers["Exchange-Usage"] = usage_header(self._usage)
        scheme = "DPoP" if self._bound else "Bearer"
        request.headers["Authorization"] = f"{scheme} {self._token}"
        if self._bound:
            url = str(request.url.copy_with(query=None, fragment=None))
            request.headers["DPoP"] = self._proof(request.method, url, token=self._token)
        yield request

    def token_request(self) -> httpx.Request:
        endpoint = f"{self._url}/token"
        at = int(self._now().timestamp())
        assertion = write_jws(
            {
                "iss": self._system,
                "sub": self._system,
                "aud": endpoint,
                "iat": at,
                "exp": at + int(HOLDS.total_seconds()),
                "jti": self._nonce(),
            },
            header={"typ": "JWT", "kid": self._key.id},
            key=self._key.private,
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        headers = {"DPoP": self._proof("POST", endpoint, token=None)} if self._bound else {}
        return httpx.Request("POST", endpoint, data=form, headers=headers)

    def _keep(self, response: httpx.Response) -> None:
        response.raise_for_status()
        issued = response.json()
        self._token = str(issued["access_token"])
        # A little early, so that a token never ends on its way.
        self._ends = self._now().timestamp() + int(issued["expires_in"]) - HOLDS.total_seconds()

    def _proof(self, method: str, url: str, *, token: str | None) -> str:
        claims: dict[str, Any] = {
            "jti": self._nonce(),
            "htm": method,
            "htu": url,
            "iat": int(self._now().timestamp()),
        }
        if token is not None:
            claims["ath"] = access_token_hash(token)
        header = {"typ": "dpop+jwt", "jwk": public_jwk(self._key.private.public_key())}
        return write_jws(claims, header=header, key=self._key.private)


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> PrivateKey:  # noqa: ARG002 - the library's port
        return self._key


def _library_algorithm(key: PrivateKey) -> type[HTTPSignatureAlgorithm]:
    return ECDSA_P256_SHA256 if algorithm_of(key) == P256 else ED25519
