"""Two roads to one answer: our verification of signed requests against the stock library's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.identity.errors import IdentityError
from exchange.identity.keys import P256, read_public_der
from exchange.identity.signatures import DERIVED, TAG
from tests.fakes.identity import (
    AUTHORITY,
    ENVIRONMENT,
    HALL,
    KEYS,
    USAGE,
    Sent,
    a_request,
    verify,
)

# Where the library takes what we refuse, it is by one of these rules, never by the signature itself.
STRICTER = {
    "ALGORITHM_MISMATCH",
    "COMPONENT_MISSING",
    "COMPONENT_UNKNOWN",
    "DIGEST_MISMATCH",
    "HEADER_DUPLICATE",
    "HEADER_MALFORMED",
    "PATH_AMBIGUOUS",
    "SIGNATURE_EARLY",
    "SIGNATURE_EXPIRED",
    "SIGNATURE_LONG",
    "SIGNATURE_MALFORMED",
}


class _Fields:
    """Header lines as the library wants to see them."""

    def __init__(self, sent: Sent) -> None:
        self._lines = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in sent.headers]

    def items(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)


@dataclass
class _Message:
    method: str
    url: str
    headers: _Fields


class _Timeless(HTTPMessageVerifier):
    """The library reads the real clock; time is compared by tests of our own."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Leave time aside."""


def library_accepts(sent: Sent) -> bool:
    query = f"?{sent.query.decode('latin-1')}" if sent.query else ""
    url = f"http://{AUTHORITY}{sent.path.decode('latin-1')}{query}"
    public = {key.id: read_public_der(key.public) for key in KEYS.values()}
    named = next((key for key in KEYS.values() if key.id in str(sent.headers)), None)
    algorithm = ECDSA_P256_SHA256 if named is not None and named.algorithm == P256 else ED25519
    verifier = _Timeless(
        signature_algorithm=algorithm,
        key_resolver=MappingKeyResolver(public_keys=public, private_keys={}),
    )
    try:
        verifier.verify(
            _Message(sent.method, url, _Fields(sent)),
            max_age=None,
            expect_tag=TAG,
            require_components=(*DERIVED, "content-type", "content-digest"),
            body=sent.body,
        )
    except HTTPMessageSignaturesException:
        return False
    return True


def our_refusal(sent: Sent) -> str | None:
    """Our code; None where the request is taken."""
    try:
        verify(sent)
    except IdentityError as error:
        return error.code
    return None


REQUESTS = [
    a_request(),
    a_request(ENVIRONMENT, usage=None),
    a_request(ENVIRONMENT, method="PUT", target="/cases/2026-0117?a=1&b=%E5"),
    a_request(HALL, method="POST", target="/cases/建施2026/close", usage=USAGE),
]


@pytest.mark.parametrize("sent", REQUESTS)
def test_both_take_what_the_library_signed(sent: Sent) -> None:
    assert library_accepts(sent)
    assert our_refusal(sent) is None


def _another_letter(text: bytes, data: st.DataObject) -> bytes:
    place = data.draw(st.integers(0, max(len(text) - 1, 0)))
    letter = data.draw(st.integers(32, 126))
    return text[:place] + bytes([letter]) + text[place + 1 :]


def _change_header(sent: Sent, data: st.DataObject) -> Sent:
    place = data.draw(st.integers(0, len(sent.headers) - 1))
    name, value = sent.headers[place]
    lines = list(sent.headers)
    match data.draw(st.sampled_from(["letter", "drop", "twice", "space", "capitals"])):
        case "letter":
            lines[place] = (name, _another_letter(value, data))
        case "drop":
            del lines[place]
        case "twice":
            lines.append((name, value))
        case "space":
            lines[place] = (name, b" \t" + value + b" ")
        case _:
            lines[place] = (name.upper(), value)
    return replace(sent, headers=tuple(lines))


CHANGES: dict[str, Callable[[Sent, st.DataObject], Sent]] = {
    "nothing": lambda sent, _: sent,
    "header": _change_header,
    "body": lambda sent, data: replace(sent, body=_another_letter(sent.body, data)),
    "path": lambda sent, data: replace(sent, path=_another_letter(sent.path, data)),
    "query": lambda sent, data: replace(sent, query=_another_letter(sent.query, data)),
    "method": lambda sent, data: replace(
        sent, method=data.draw(st.sampled_from(["GET", "PUT", "post", "PATCH"]))
    ),
    "parameter": lambda sent, data: sent.with_header(
        "signature-input",
        sent.header("signature-input")
        + data.draw(st.sampled_from([';alg="ed25519"', ";more=1", ", b=()", ';tag="x"', " "])),
    ),
}


@given(st.sampled_from(REQUESTS), st.lists(st.sampled_from(sorted(CHANGES)), max_size=2), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_changed_both_refuse_unless_we_are_stricter_by_rule(
    sent: Sent, changes: list[str], data: st.DataObject
) -> None:
    for change in changes:
        sent = CHANGES[change](sent, data)
    refusal = our_refusal(sent)
    if library_accepts(sent):
        assert refusal is None or refusal in STRICTER
    else:
        assert refusal is not None
