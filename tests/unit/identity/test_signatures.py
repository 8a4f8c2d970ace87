"""Signed requests: what is taken, and every way in which one is not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from catalogue.model import SystemKey
from exchange.client.signing import usage_header
from exchange.identity.errors import IdentityError
from exchange.identity.keys import PrivateKey
from exchange.identity.nonces import RecentNonces
from exchange.identity.signatures import COMPONENTS, Window, check_path, content_digest
from gateway.errors import RefusedRequestError
from gateway.model import Usage
from gateway.parse import read_usage
from tests.examples import examples
from tests.fakes.identity import (
    AUTHORITY,
    BODY,
    ENVIRONMENT,
    ENVIRONMENT_KEY,
    HALL,
    HALL_KEY,
    KEYS,
    NOW,
    STRANGER,
    USAGE,
    Sent,
    a_request,
    registered,
    verify,
)

AT_MS = int(NOW.timestamp() * 1000)


def refusal(sent: Sent, **changes: Any) -> str:
    with pytest.raises(IdentityError) as caught:
        verify(sent, **changes)
    return caught.value.code


@pytest.mark.parametrize("key", [HALL, ENVIRONMENT], ids=["ed25519", "p256"])
@pytest.mark.parametrize("usage", [USAGE, None], ids=["usage", "no-usage"])
def test_a_request_signed_by_the_stock_library_is_taken(
    key: PrivateKey, usage: Usage | None
) -> None:
    signed = verify(a_request(key, usage=usage))
    assert signed.key in KEYS.values()
    assert signed.base.startswith(b'"@method": POST\n"@authority": ' + AUTHORITY.encode())


def test_a_request_without_a_body_needs_no_digest_unless_it_sends_one() -> None:
    sent = a_request(method="GET", target="/receipts/7", body=b"", usage=None)
    assert verify(sent).key == HALL_KEY
    added = sent.with_header("content-digest", content_digest(b""))
    assert refusal(added) == "COMPONENT_MISSING"
    assert refusal(replace(sent, body=b"{}")) == "COMPONENT_MISSING"
    assert refusal(replace(sent, method="POST")) == "COMPONENT_MISSING"


@pytest.mark.proves("I1")
def test_a_request_without_a_signature_is_refused() -> None:
    sent = Sent(headers=((b"content-type", b"application/json"),))
    assert refusal(sent) == "SIGNATURE_MISSING"


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_one_signature_header_without_the_other_is_refused(name: str) -> None:
    assert refusal(a_request().with_header(name, None)) == "SIGNATURE_MISSING"


@pytest.mark.proves("I2")
@pytest.mark.parametrize("registered_key", [HALL_KEY, ENVIRONMENT_KEY], ids=["ed25519", "p256"])
def test_a_signature_by_another_key_than_the_named_one_is_refused(
    registered_key: SystemKey,
) -> None:
    stranger = registered(STRANGER, system="sys_stranger")
    text = a_request(STRANGER).header("signature-input")
    named = text.replace(stranger.id, registered_key.id)
    assert refusal(a_request(STRANGER).with_header("signature-input", named)) == "SIGNATURE_INVALID"


def test_a_key_that_nobody_registered_is_refused() -> None:
    assert refusal(a_request(STRANGER)) == "KEY_UNKNOWN"


@pytest.mark.proves("I3")
@pytest.mark.parametrize(
    ("seconds", "code"),
    [(61, "SIGNATURE_EXPIRED"), (3600, "SIGNATURE_EXPIRED"), (-6, "SIGNATURE_EARLY")],
)
def test_a_signature_is_refused_outside_its_time(seconds: int, code: str) -> None:
    assert refusal(a_request(created=NOW - timedelta(seconds=seconds))) == code


@pytest.mark.proves("I3")
def test_a_signature_that_claims_to_hold_longer_than_allowed_is_refused() -> None:
    assert refusal(a_request(), window=Window(longest_s=59)) == "SIGNATURE_LONG"


def test_a_clock_five_seconds_fast_is_forgiven() -> None:
    assert verify(a_request(created=NOW + timedelta(seconds=5))).key == HALL_KEY


@pytest.mark.proves("I4")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "revoked"}, "KEY_REVOKED"),
        ({"not_after": NOW}, "KEY_EXPIRED"),
        ({"not_after": NOW - timedelta(days=1)}, "KEY_EXPIRED"),
    ],
)
def test_a_key_that_was_revoked_or_is_over_is_refused(
    changes: dict[str, object], code: str
) -> None:
    held = registered(HALL, system="sys_hall", **changes)
    assert refusal(a_request(), keys={held.id: held}) == code


@pytest.mark.proves("I5")
def test_a_department_cannot_sign_as_another_departments_system() -> None:
    own = a_request(ENVIRONMENT)
    text = own.header("signature-input").replace(ENVIRONMENT_KEY.id, HALL_KEY.id)
    assert verify(own).key.system == "sys_environment"
    assert refusal(own.with_header("signature-input", text)) == "SIGNATURE_INVALID"


@pytest.mark.proves("I6")
def test_the_same_signature_serves_once() -> None:
    seen = RecentNonces()
    first, again = verify(a_request()), verify(a_request())
    assert seen.is_first_use(first.nonce, at_ms=AT_MS)
    assert not seen.is_first_use(again.nonce, at_ms=AT_MS + 1)


def test_a_nonce_is_held_as_long_as_its_signature_could_be_taken() -> None:
    sent = a_request()
    nonce = verify(sent).nonce
    assert nonce.key == HALL_KEY.id
    last = NOW + timedelta(seconds=57)
    assert verify(sent, now=last).nonce == nonce
    assert refusal(sent, now=last + timedelta(seconds=1)) == "SIGNATURE_EXPIRED"
    assert nonce.expires >= int(last.timestamp() * 1000) + 5000


def test_remembered_nonces_are_bounded_and_the_first_to_end_are_forgotten() -> None:
    seen = RecentNonces(most=3)
    nonce = verify(a_request()).nonce
    for number in range(5):
        assert seen.is_first_use(
            structs.replace(nonce, nonce=str(number), expires=AT_MS + number), at_ms=AT_MS - 10
        )
    assert len(seen) == 3
    assert not seen.is_first_use(
        structs.replace(nonce, nonce="4", expires=AT_MS + 4), at_ms=AT_MS - 10
    )
    assert seen.is_first_use(structs.replace(nonce, nonce="9"), at_ms=AT_MS + 5)
    assert len(seen) == 1


@pytest.mark.proves("I7")
@given(st.binary(max_size=60).filter(lambda body: body != BODY))
@settings(max_examples=examples(50))
def test_another_body_than_the_signed_one_is_refused(body: bytes) -> None:
    sent = replace(a_request(), body=body)
    assert refusal(sent) == "DIGEST_MISMATCH"
    redone = sent.with_header("content-digest", content_digest(body))
    assert refusal(redone) == "SIGNATURE_INVALID"


@pytest.mark.proves("I8")
def test_usage_that_was_not_signed_is_refused() -> None:
    sent = a_request(usage=None).with_header("exchange-usage", usage_header(USAGE))
    assert refusal(sent) == "COMPONENT_MISSING"


@pytest.mark.proves("I8")
def test_usage_that_differs_between_header_and_body_is_refused() -> None:
    inside = {
        "matter": USAGE.matter,
        "case": "2026-0118",
        "purpose": USAGE.purpose,
        "reason": USAGE.reason,
        "operator": USAGE.operator,
    }
    with pytest.raises(RefusedRequestError) as caught:
        read_usage({"usage": inside}, usage_header(USAGE))
    assert caught.value.code == "USAGE_CONFLICT"
    same = {**inside, "case": USAGE.case}
    assert read_usage({"usage": same}, usage_header(USAGE)) == USAGE


@pytest.mark.parametrize(
    "name",
    [
        "signature",
        "signature-input",
        "content-digest",
        "content-type",
        "exchange-usage",
        "exchange-partial",
    ],
)
def test_a_header_that_occurs_twice_is_refused(name: str) -> None:
    sent = a_request(partial="deny")
    twice = (name.upper().encode(), sent.header(name).encode())
    assert refusal(replace(sent, headers=(*sent.headers, twice))) == "HEADER_DUPLICATE"


@pytest.mark.parametrize("value", ["", "application/json\n", "文", "a\x00b", "a\tb"])
def test_a_covered_header_with_other_characters_never_verifies(value: str) -> None:
    assert refusal(a_request().with_header("content-type", value)) in {
        "HEADER_MALFORMED",
        "SIGNATURE_INVALID",
    }


AMBIGUOUS = [
    b"/cases/../systems/x",
    b"/./graphql",
    b"//graphql",
    b"/graphql/%2e%2e/x",
    b"/graphql%00",
    b"/cases/a%2Fb",
    b"/cases/a%5Cb",
    b"/cases/%61",
    b"/cases/%e5%bb%ba",
    b"/cases/%252F",
    b"/cases/%C0%AF",
    b"/cases/\xe5\xbb\xba",
    b"/cases/a b",
    b"/cases/%4",
    b"graphql",
    b"",
]


@pytest.mark.proves("I10")
@pytest.mark.parametrize("path", AMBIGUOUS)
def test_a_path_that_could_be_read_as_another_is_refused(path: bytes) -> None:
    assert refusal(replace(a_request(), path=path)) == "PATH_AMBIGUOUS"


def test_an_escape_that_is_needed_is_taken() -> None:
    sent = a_request(method="PUT", target="/cases/建施〔2026〕0117号")
    assert b"%E5" in sent.path
    assert verify(sent).key == HALL_KEY
    check_path(b"/cases/2026-0117/close", b"a=%E5&b")


@pytest.mark.parametrize("query", [b"a b", b"a=\xe5", b"a#b", b"%4"])
def test_a_query_with_loose_characters_is_refused(query: bytes) -> None:
    assert refusal(replace(a_request(), query=query)) == "PATH_AMBIGUOUS"


CHANGED = {
    "@method": lambda sent: replace(sent, method="PUT"),
    "@authority": lambda sent: sent,
    "@path": lambda sent: replace(sent, path=b"/graphql/"),
    "@query": lambda sent: replace(sent, query=b"a=1"),
    "content-type": lambda sent: sent.with_header("content-type", "application/graphql"),
    "content-digest": lambda sent: replace(sent, body=b"{}").with_header(
        "content-digest", content_digest(b"{}")
    ),
    "exchange-usage": lambda sent: sent.with_header(
        "exchange-usage", usage_header(structs.replace(USAGE, case="2026-0118"))
    ),
    "exchange-partial": lambda sent: sent.with_header("exchange-partial", "allow"),
}


@pytest.mark.proves("I16")
@pytest.mark.parametrize("component", COMPONENTS)
def test_a_change_of_any_covered_component_is_refused(component: str) -> None:
    authority = "evil.example" if component == "@authority" else AUTHORITY
    assert (
        refusal(CHANGED[component](a_request(partial="deny")), authority=authority)
        == "SIGNATURE_INVALID"
    )


@pytest.mark.proves("I16")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (";created=", ";created=1"),
        ("nonce-0000000001", "nonce-0000000002"),
        (f'keyid="{HALL_KEY.id}"', f'keyid="{HALL_KEY.id}";alg="ed25519"'),
        ('"@method" "@authority"', '"@authority" "@method"'),
    ],
)
def test_a_change_of_any_signed_parameter_is_refused(old: str, new: str) -> None:
    sent = a_request()
    text = sent.header("signature-input")
    assert old in text
    changed = (
        text.replace(old + text.split(old)[1][:10], old + f"{int(NOW.timestamp()) - 3}")
        if old == ";created="
        else text.replace(old, new)
    )
    assert refusal(sent.with_header("signature-input", changed)) == "SIGNATURE_INVALID"


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_list_that_lacks_one_is_refused(component: str) -> None:
    sent = a_request(partial="deny")
    text = sent.header("signature-input")
    lacking = text.replace(f'"{component}" ', "").replace(f' "{component}"', "")
    assert refusal(sent.with_header("signature-input", lacking)) == "COMPONENT_MISSING"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"@method"', '"@method" "date"', "COMPONENT_UNKNOWN"),
        ('"@method"', '"@method" "@method"', "SIGNATURE_MALFORMED"),
        ('"@method"', '"@method";req', "SIGNATURE_MALFORMED"),
        ('"@method"', ' "@method"', "SIGNATURE_MALFORMED"),
        ("sig=", "other=", "SIGNATURE_MALFORMED"),
        ("sig=", 'one=("@method");created=1, sig=', "SIGNATURE_MALFORMED"),
        ('tag="exchange/1"', 'tag="exchange/2"', "SIGNATURE_MALFORMED"),
        (';tag="exchange/1"', "", "SIGNATURE_MALFORMED"),
        (';tag="exchange/1"', ';tag="exchange/1";tag="exchange/1"', "SIGNATURE_MALFORMED"),
        (';tag="exchange/1"', ';tag="exchange/1";more="1"', "SIGNATURE_MALFORMED"),
        (';tag="exchange/1"', ';tag="exchange/1";alg="hmac-sha256"', "ALGORITHM_MISMATCH"),
        ("nonce-0000000001", "short", "SIGNATURE_MALFORMED"),
        (";created=", ";created=0", "SIGNATURE_MALFORMED"),
        (";created=", ';created="', "SIGNATURE_MALFORMED"),
    ],
)
def test_another_form_of_signature_input_is_refused(old: str, new: str, code: str) -> None:
    sent = a_request()
    text = sent.header("signature-input")
    assert old in text
    changed = sent.with_header("signature-input", text.replace(old, new, 1))
    assert refusal(changed) == code


@pytest.mark.parametrize(
    "value", ["sig=", "sig=::", "sig=:AAAA:", "sig=1", "sig=:" + "A" * 88 + ":", "sig=:" + "A" * 85]
)
def test_another_form_of_signature_is_refused(value: str) -> None:
    assert refusal(a_request().with_header("signature", value)) == "SIGNATURE_MALFORMED"


@pytest.mark.parametrize("value", ["", "sha-256=x", "sha-512=:AAAA:", "md5=:AAAA:"])
def test_another_digest_than_one_sha_256_is_refused(value: str) -> None:
    assert refusal(a_request().with_header("content-digest", value)) == "DIGEST_MISMATCH"


def test_a_signature_older_than_a_restore_is_refused() -> None:
    assert refusal(a_request(), window=Window(not_before_ms=AT_MS)) == "SIGNATURE_BEFORE_RESTORE"
    assert verify(a_request(), window=Window(not_before_ms=AT_MS - 2000)).key == HALL_KEY


@given(st.data())
@settings(max_examples=examples(100))
def test_no_other_byte_in_a_signature_header_verifies(data: st.DataObject) -> None:
    sent = a_request()
    name = data.draw(st.sampled_from(["signature", "signature-input"]))
    text = sent.header(name)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(IdentityError):
            verify(sent.with_header(name, changed))


LINES = st.lists(
    st.tuples(
        st.sampled_from([b"signature", b"Signature-Input", b"content-digest", b"host", b"x"]),
        st.binary(max_size=40) | st.sampled_from([v for _, v in a_request().headers]),
    ),
    max_size=6,
)


@given(LINES, st.binary(max_size=12), st.binary(max_size=12), st.text(max_size=5))
@settings(max_examples=examples(100))
def test_whatever_is_sent_is_refused_by_name(
    lines: list[tuple[bytes, bytes]], path: bytes, query: bytes, method: str
) -> None:
    """No input makes verification fail in any other way than by an IdentityError."""
    assume(method != a_request().method)
    for sent in (
        Sent(method=method, path=path, query=query, headers=tuple(lines)),
        replace(a_request(), path=path + b"x", query=query),
        replace(a_request(), method=method),
    ):
        refusal(sent)
