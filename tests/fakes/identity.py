"""Keys of two departments' systems, and requests signed by the stock library: one thing is changed a test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalogue.model import Officer, SystemKey
from catalogue.ports import Act
from exchange.client.signing import SignatureAuth, SigningKey
from exchange.identity.keys import PrivateKey, algorithm_of, public_der, thumbprint
from exchange.identity.signatures import Signed, verify_request
from exchange.identity.tokens import Issuer
from gateway.model import Usage
from tests.fakes.ledger import FakeLedger, LedgerDownError

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
AUTHORITY = "exchange.example:8800"
URL = f"http://{AUTHORITY}"
BODY = b'{"query":"{ enterprise(uscc: \\"91110000MA0000000X\\") { name } }"}'

HALL = Ed25519PrivateKey.from_private_bytes(b"h" * 32)
ENVIRONMENT = derive_private_key(0xE0E0, SECP256R1())
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
ISSUER = Issuer(url=URL, key=Ed25519PrivateKey.from_private_bytes(b"i" * 32))

USAGE = Usage(
    matter="11440100MB2C0000XX",
    case="2026-0117",
    purpose="administrative-basis",
    reason="建筑工程施工许可核发",
    operator="1001",
)


def registered(key: PrivateKey, *, system: str, **changes: Any) -> SystemKey:
    public = key.public_key()
    held = SystemKey(
        id=thumbprint(public),
        system=system,
        algorithm=algorithm_of(key),
        public=public_der(public),
    )
    return replace(held, **changes)


HALL_KEY = registered(HALL, system="sys_hall")
ENVIRONMENT_KEY = registered(ENVIRONMENT, system="sys_environment")
KEYS: Mapping[str, SystemKey] = {key.id: key for key in (HALL_KEY, ENVIRONMENT_KEY)}


def clock_at(moment: datetime = NOW) -> Callable[[], datetime]:
    return lambda: moment


def nonces() -> Callable[[], str]:
    """Fresh, countable nonces."""
    count = 0

    def fresh() -> str:
        nonlocal count
        count += 1
        return f"nonce-{count:010d}"

    return fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request as the server receives it."""

    method: str = "POST"
    path: bytes = b"/graphql"
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = BODY

    def header(self, name: str) -> str:
        return next(v.decode() for n, v in self.headers if n == name.encode())

    def with_header(self, name: str, value: str | None) -> "Sent":
        """Put a header in the place of all of its name; None takes it away."""
        kept = tuple((n, v) for n, v in self.headers if n != name.encode())
        added = () if value is None else ((name.encode(), value.encode()),)
        return replace(self, headers=kept + added)


def a_request(
    key: PrivateKey = HALL,
    *,
    method: str = "POST",
    target: str = "/graphql",
    body: bytes = BODY,
    usage: Usage | None = USAGE,
    partial: str | None = None,
    created: datetime = NOW - timedelta(seconds=2),
) -> Sent:
    """A request signed as our client signs it, by http-message-signatures."""
    headers = {} if partial is None else {"exchange-partial": partial}
    request = httpx.Request(method, URL + target, content=body, headers=headers)
    SignatureAuth(SigningKey(key), usage=usage, now=clock_at(created), nonce=nonces()).sign(request)
    return received(request)


def received(request: httpx.Request) -> Sent:
    path, _, query = request.url.raw_path.partition(b"?")
    return Sent(
        method=request.method,
        path=path,
        query=query,
        headers=tuple((name.lower(), value) for name, value in request.headers.raw),
        body=request.content,
    )


def verify(sent: Sent, *, now: datetime = NOW, **changes: Any) -> Signed:
    """Verify as the exchange would at `now`."""
    settings: dict[str, Any] = {"keys": KEYS, "authority": AUTHORITY, **changes}
    authority = settings.pop("authority")
    return verify_request(
        sent.method, authority, sent.path, sent.query, sent.headers, sent.body, now=now, **settings
    )


def an_officer(**changes: Any) -> Officer:
    officer = Officer(
        id="off_1", department="11110000MB0000001A", staff_number="1001", name="周 正"
    )
    return replace(officer, **changes)


class SignInLedger(FakeLedger):
    """A ledger that also takes acts of sign-in, which vouch for no registry row."""

    def append(self, act: Act) -> int:
        if self.down:
            raise LedgerDownError
        if act.rows:
            raise AssertionError(f"{act.kind} is no act of sign-in: it vouches for rows")
        return self._put(act)


class Ticking:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)
