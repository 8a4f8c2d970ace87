"""Times, digests and tokens, by genuine OPA and by ours: where ours answers, it is the same answer."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language import compile_modules
from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import called, called_by_opa, written
from tests.fakes.genuine import Genuine, needs_opa
from tests.fakes.tokens import a_token, a_token_by, public_jwk, public_pem

_NOT_OFFERED = "not offered"


@pytest.fixture(autouse=True)
def _opa() -> None:
    needs_opa()


def answers(name: str, *arguments: object) -> tuple[str, str]:
    """Return what ours and what genuine OPA say."""
    theirs = written(called_by_opa(name, *arguments))
    try:
        return written(called(name, *arguments)), theirs
    except NotOfferedError:
        return _NOT_OFFERED, theirs


def same(name: str, *arguments: object) -> None:
    """Fail where ours answers otherwise than genuine OPA, or refuses what is offered."""
    ours, theirs = answers(name, *arguments)
    assert ours == theirs, (name, arguments)


def never_otherwise(name: str, *arguments: object) -> None:
    ours, theirs = answers(name, *arguments)
    assert ours in {theirs, _NOT_OFFERED}, (name, arguments)


_ZONES = ["", "UTC", "Asia/Shanghai", "America/Los_Angeles", "Europe/Dublin", "Asia/Kolkata"]
_INSTANTS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2 * 10**18)
_ZONED = st.tuples(_INSTANTS, st.sampled_from(_ZONES)).map(list)
_LAYOUTS = st.sampled_from(
    (
        *("ANSIC", "UnixDate", "RubyDate", "RFC822", "RFC822Z", "RFC850", "RFC1123", "RFC1123Z"),
        *(
            "RFC3339",
            "RFC3339Nano",
            "2006年01月02日 15:04",
            "Jan _2 3:04:05.000PM",
            "06-1-2 __2 002",
        ),
        *("2006-01-02T15:04:05.999Z0700", "15h4m5s -07", "Monday 2 January .99 Mont -07:00:00"),
    )
)


@pytest.mark.proves("P5")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(_ZONED, _LAYOUTS, _ZONED)
def test_a_time_is_shown_as_by_opa(zoned: list[Any], layout: str, other: list[Any]) -> None:
    for name in ("time.date", "time.clock", "time.weekday", "time.format"):
        same(name, zoned)
    same("time.format", [*zoned, layout])
    same("time.diff", zoned, other)


_ADDED = st.integers(-40, 40)


@pytest.mark.proves("P5")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(_ZONED, _ADDED, _ADDED, st.integers(-800, 800))
def test_a_date_is_added_to_as_by_opa(zoned: list[Any], years: int, months: int, days: int) -> None:
    same("time.add_date", zoned, years, months, days)


@pytest.mark.proves("P5")
@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(-(2**62), 2**62), st.sampled_from(_ZONES), _LAYOUTS)
def test_a_time_that_was_written_is_read_as_by_opa(at: int, zone: str, layout: str) -> None:
    never_otherwise("time.parse_ns", layout, called("time.format", [at, zone, layout]))


@pytest.mark.proves("P5")
@pytest.mark.parametrize(
    ("layout", "shown"),
    [
        ("2006-01-02", "2024-02-30"),
        ("2006-01-02", "2023-02-29"),
        ("2006-01-02", "2024-2-3"),
        ("2006-1-2", "2024-2-3"),
        ("2006-01-02", "2024-02-29 "),
        ("2006-002", "2024-366"),
        ("2006-002", "2023-366"),
        ("15:04", "12:30"),
        ("2006-01-02 15:04:05", "2024-02-03 04:05:06.789"),
        ("2006-01-02 15:04:05.000", "2024-02-03 04:05:06.7890"),
        ("2006-01-02 3:04PM", "2024-02-03 12:05AM"),
        ("2006-01-02 3:04PM", "2024-02-03 13:05PM"),
        ("2006-01-02 -0700", "2024-02-03 +2500"),
        ("2006-01-02 Z07:00", "2024-02-03 Z"),
        ("2006-01-02 MST", "2024-02-03 CST"),
        ("2006-01-02 MST", "2024-02-03 UTC"),
        ("Jan 2 2006", "FEB  03 2024"),
        ("RFC1123Z", "Mon, 02 Jan 2023 15:04:05 -0330"),
        ("2006-01-02T15:04:05Z07:00", "1677-09-21T00:12:43.145224191-00:00"),
        ("", ""),
        ("2006", "２０２４"),
    ],
)
def test_a_written_time_is_read_or_refused_as_by_opa(layout: str, shown: str) -> None:
    never_otherwise("time.parse_ns", layout, shown)
    never_otherwise("time.parse_rfc3339_ns", shown)


_DURATIONS = st.from_regex(
    r"[-+]?([0-9]{0,12}(\.[0-9]{0,12})?(ns|us|µs|ms|s|m|h|d|w|y|D|)){0,3}", fullmatch=True
)


@pytest.mark.proves("P5")
@settings(max_examples=200, deadline=None, derandomize=True)
@given(_DURATIONS)
def test_a_duration_is_read_as_by_opa(shown: str) -> None:
    never_otherwise("time.parse_duration_ns", shown)
    if "." not in shown:
        same("time.parse_duration_ns", shown)


_WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "a", 1, 1.5, [], [1], ["a"], [1, 2], [1, "No/Where"], {}]
)


@pytest.mark.proves("P5")
@settings(max_examples=60, deadline=None, derandomize=True)
@given(_WRONG, _WRONG)
def test_what_is_no_time_and_no_text_is_refused_as_by_opa(first: Any, second: Any) -> None:
    for name in ("time.date", "time.format", "time.parse_duration_ns", "crypto.md5", "crypto.sha1"):
        never_otherwise(name, first)
    for name in ("time.diff", "time.parse_ns", "crypto.hmac.sha256", "io.jwt.verify_hs256"):
        never_otherwise(name, first, second)
    never_otherwise("io.jwt.decode", first)
    never_otherwise("io.jwt.decode_verify", first, second)
    never_otherwise("time.add_date", 0, first, second, 1)


@pytest.mark.proves("P5")
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(max_size=80), st.text(max_size=80))
def test_digests_and_codes_are_those_of_opa(message: str, secret: str) -> None:
    for name in ("md5", "sha1", "sha256"):
        same(f"crypto.{name}", message)
    for name in ("md5", "sha1", "sha256", "sha512"):
        same(f"crypto.hmac.{name}", message, secret)
    same("crypto.hmac.equal", message, secret)
    same("crypto.hmac.equal", message, message)


_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["HS256", "HS384", "none", "RS256", "", 1]),
        "kid": st.sampled_from(["k", "", None]),
        "typ": st.sampled_from(["JWT", 1]),
        "crit": st.sampled_from([[], ["x"], ["exp"], ["alg"], "x", [1]]),
        "x": st.just(1),
        "enc": st.just("A"),
    },
)
_TIMES = st.sampled_from([0, 5, 1000, 1000.5, -1, "1000", None])
_CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.sampled_from(["a", "b", ""]),
        "aud": st.sampled_from(["a", "b", ["a", "b"], [], [1, "a"], 3, ""]),
        "exp": _TIMES,
        "nbf": _TIMES,
    },
)
_GIVEN = st.fixed_dictionaries(
    {"time": st.sampled_from([0, 5 * 10**9, 10**12, 1000500000000, -1, "1"])},
    optional={
        "secret": st.sampled_from(["s", "t", "", 1]),
        "alg": st.sampled_from(["HS256", "RS256", ""]),
        "iss": st.sampled_from(["a", ""]),
        "aud": st.sampled_from(["a", ""]),
        "cert": st.sampled_from(['{"kty":"oct","k":"cw"}', '{"keys":[]}', "", "x"]),
        "other": st.just(1),
    },
)


@pytest.mark.proves("P5")
@settings(max_examples=300, deadline=None, derandomize=True)
@given(_HEADERS, _CLAIMS, _GIVEN)
def test_a_token_is_verified_under_constraints_as_by_opa(
    header: Any, claims: Any, given_: Any
) -> None:
    never_otherwise("io.jwt.decode_verify", a_token(header, claims), given_)
    never_otherwise("io.jwt.decode", a_token(header, claims))


@pytest.mark.proves("P5")
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text("AaZz09-_=.+/\n ", max_size=30), st.just(a_token({"alg": "HS256"}, {"a": 1}))
    ),
    st.sampled_from(["s", "", "t"]),
)
def test_a_broken_token_is_refused_as_by_opa(token: str, secret: str) -> None:
    never_otherwise("io.jwt.decode", token)
    for size in (256, 384, 512):
        never_otherwise(f"io.jwt.verify_hs{size}", token, secret)


_RSA = rsa.generate_private_key(65537, 2048)
_CURVES = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
}
_EDWARDS = ed25519.Ed25519PrivateKey.generate()
_BY_KEYS = {
    "RS256": a_token_by(_RSA, {"alg": "RS256"}, {"a": 1}),
    "RS256 by another name": a_token_by(_RSA, {"alg": "RS256", "kid": "k2"}, {"a": 1}),
    "PS256": a_token_by(_RSA, {"alg": "PS256"}, {"a": 1}, salt=32),
    "PS256 with a short salt": a_token_by(_RSA, {"alg": "PS256"}, {"a": 1}, salt=8),
    "ES256": a_token_by(_CURVES["ES256"], {"alg": "ES256"}, {"a": 1}),
    "ES256 by another curve": a_token_by(_CURVES["ES384"], {"alg": "ES256"}, {"a": 1}),
    "EdDSA": a_token_by(_EDWARDS, {"alg": "EdDSA"}, {"a": 1}),
    "HMAC by the public key": a_token({"alg": "HS256"}, {"a": 1}, secret=public_pem(_RSA)),
    "none": a_token({"alg": "none"}, {"a": 1}),
}
_PUBLIC = {
    **{f"RSA{end!r}": public_pem(_RSA) + end for end in ("", "\n", "x", public_pem(_RSA))},
    "before": "x\n" + public_pem(_RSA),
    "P-256": public_pem(_CURVES["ES256"]),
    "P-384": public_pem(_CURVES["ES384"]),
    "Ed25519": public_pem(_EDWARDS),
    "JWK": json.dumps(public_jwk(_RSA)),
    "JWK of PS256": json.dumps(public_jwk(_RSA, alg="PS256", kid="k1")),
    "set": json.dumps({"keys": [public_jwk(_RSA, alg="RS256", kid="k1")]}),
    "set by name": json.dumps({"keys": [{"kty": "oct", "k": "cw"}, public_jwk(_RSA, kid="k2")]}),
    "no key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "garbage": "no key at all",
}


@pytest.mark.proves("P5")
@pytest.mark.parametrize("key", _PUBLIC)
@pytest.mark.parametrize("token", _BY_KEYS)
def test_a_token_is_verified_by_a_key_as_by_opa(token: str, key: str) -> None:
    for algorithm in ("rs256", "ps256", "es256", "es384", "eddsa", "rs512"):
        never_otherwise(f"io.jwt.verify_{algorithm}", _BY_KEYS[token], _PUBLIC[key])
    never_otherwise("io.jwt.decode_verify", _BY_KEYS[token], {"cert": _PUBLIC[key], "time": 0})


_KEYS = [
    {"kty": "oct", "k": "c2VjcmV0"},
    {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
    {"kty": "oct", "k": ""},
    {"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
     "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    {"keys": []},
    {},
]  # fmt: skip


@pytest.mark.proves("P5")
@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "EdDSA", "RS256", "none", None])
def test_a_token_is_signed_as_by_opa(key: dict[str, Any], algorithm: str | None) -> None:
    header = {"typ": "JWT"} if algorithm is None else {"alg": algorithm, "typ": "JWT"}
    never_otherwise("io.jwt.encode_sign", header, {"a": "<&>", "b": [1, None]}, key)
    raw = json.dumps(header)
    never_otherwise("io.jwt.encode_sign_raw", raw, '{"a": 1}', json.dumps(key))
    never_otherwise("io.jwt.encode_sign_raw", raw, "no JSON", json.dumps(key))


_SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["integer", "number", "string", "object", "array", "null"]),
            "title": st.just("x"),
            "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "none"]),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "items": inner,
            "required": st.lists(st.sampled_from("abc"), max_size=2),
            "enum": st.just([1]),
        },
    ),
    max_leaves=4,
)
_DOCUMENTS = st.recursive(
    st.sampled_from([None, True, 0, 7, 1.5, "", "a", "[1]", '{"a": 1}', "{"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.proves("P5")
@settings(max_examples=300, deadline=None, derandomize=True)
@given(_DOCUMENTS, _SCHEMAS | st.sampled_from(["{}", "{", '{"type": "array"}', 1, []]))
def test_a_document_is_checked_by_a_schema_as_by_opa(document: Any, schema: Any) -> None:
    never_otherwise("json.match_schema", document, schema)
    never_otherwise("json.verify_schema", schema)


_WRITTEN = [
    *("1.0 + 1", "[1.0] == [1]", "2.50 * 2", "1e3 - 1", "[x | some x in [1e2, 2.0]; x > 2.0]"),
    *("{1: 1.0} == {1: 1}", "count({1, 1.0, 1e0})", "max([1, 1.50])", "sort([2.0, 1e0])"),
    *("1.0 in {1}", "sum([1.50, 1])", "{x | some x in [1, 1.0, 2]}", "[5, 6][n] if n := 1.0"),
    *("{1.0, 2} - {2}", "json.marshal([1.0 + 1])", "sprintf(`%v`, [1e6 * 2])"),
]


@pytest.mark.proves("P5")
@pytest.mark.parametrize("term", _WRITTEN)
def test_a_number_of_another_spelling_counts_as_by_opa(term: str) -> None:
    modules = {"t.rego": f"package t\n\np := {term}\n"}
    ours = compile_modules(modules).evaluate("data.t.p")
    assert json.loads(json.dumps(ours)) == Genuine(modules, {}).answer("t.p", {})["value"]
