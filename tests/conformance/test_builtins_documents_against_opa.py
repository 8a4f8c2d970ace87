"""Certificates, signed requests and templates, by genuine OPA and by ours: no answer of ours is another."""

import base64
import datetime as dt
import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language.errors import NotOfferedError
from tests.conformance.test_builtins_crypto_against_opa import never_otherwise, same
from tests.fakes.builtin_calls import FAILED, called, called_by_opa
from tests.fakes.genuine import needs_opa

_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_CURVE = ec.generate_private_key(ec.SECP256R1())
_EDWARDS = ed25519.Ed25519PrivateKey.generate()
_FIRST, _LAST = (
    dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    dt.datetime(2060, 1, 1, tzinfo=dt.UTC),
)
_PARSE = "crypto.x509.parse_certificates"
_PARSE_REQUEST = "crypto.x509.parse_certificate_request"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@pytest.fixture(autouse=True)
def _opa() -> None:
    needs_opa()


def _name(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs])


_PLAIN_NAME = _name((NameOID.COUNTRY_NAME, "CN"), (NameOID.COMMON_NAME, "住房局"))


def a_certificate(
    *extensions: tuple[x509.ExtensionType, bool],
    key: Key = _CURVE,
    subject: x509.Name = _PLAIN_NAME,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_PLAIN_NAME)
        .serial_number(2**100 + 7)
        .not_valid_before(_FIRST)
        .not_valid_after(_LAST)
        .public_key(key.public_key())
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    method = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, method)


def _pem(found: x509.Certificate | x509.CertificateSigningRequest) -> str:
    return found.public_bytes(Encoding.PEM).decode()


def _base64(found: x509.Certificate) -> str:
    return base64.b64encode(found.public_bytes(Encoding.DER)).decode()


def _usage(*held: str) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in held for name in names})


_EXTENSIONS: dict[str, Sequence[tuple[x509.ExtensionType, bool]]] = {
    "none": [],
    "an authority": [(x509.BasicConstraints(ca=True, path_length=0), True)],
    "an authority over two": [(x509.BasicConstraints(ca=True, path_length=2), True)],
    "an authority over any": [(x509.BasicConstraints(ca=True, path_length=None), False)],
    "no authority": [(x509.BasicConstraints(ca=False, path_length=None), True)],
    "usages": [(_usage("digital_signature", "key_cert_sign", "crl_sign"), True)],
    "the last usage": [(_usage("key_agreement", "decipher_only"), True)],
    "purposes": [
        (
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]
            ),
            False,
        )
    ],
    "names": [
        (
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("a.example"),
                    x509.RFC822Name("a@a.example"),
                    x509.UniformResourceIdentifier("https://a.example/b/c"),
                    x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
                    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
                ]
            ),
            True,
        )
    ],
    "keys": [
        (x509.SubjectKeyIdentifier.from_public_key(_CURVE.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(_CURVE.public_key()), False),
    ],
    "policies": [
        (
            x509.CertificatePolicies(
                [
                    x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None),
                    x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), ["https://a"]),
                ]
            ),
            False,
        )
    ],
    "places": [
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP,
                        x509.UniformResourceIdentifier("http://o.example"),
                    ),
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS,
                        x509.UniformResourceIdentifier("http://i.example/c"),
                    ),
                ]
            ),
            False,
        ),
        (
            x509.CRLDistributionPoints(
                [
                    x509.DistributionPoint(
                        [x509.UniformResourceIdentifier("http://r.example/l")], None, None, None
                    )
                ]
            ),
            False,
        ),
    ],
    "one that nobody knows": [
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), False)
    ],
}  # fmt: skip

_LEFT_ALONE: dict[str, Sequence[tuple[x509.ExtensionType, bool]]] = {
    "one that nobody knows and that is critical": [
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), True)
    ],
    "constraints on names": [(x509.NameConstraints([x509.DNSName("a.example")], None), True)],
    "a name of another kind": [
        (x509.SubjectAlternativeName([x509.DirectoryName(_PLAIN_NAME)]), False)
    ],
    "a URI of another form": [
        (
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:a:b")]),
            False,
        )
    ],
    "a purpose that nobody knows": [
        (x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.2.3.4.6")]), False)
    ],
}


@pytest.mark.parametrize("name", _EXTENSIONS)
def test_a_certificate_is_shown_as_by_opa(name: str) -> None:
    found = a_certificate(*_EXTENSIONS[name])
    same(_PARSE, _pem(found))
    same(_PARSE, _base64(found))


@pytest.mark.parametrize("name", _LEFT_ALONE)
def test_what_is_not_read_in_a_certificate_is_refused(name: str) -> None:
    with pytest.raises(NotOfferedError):
        called(_PARSE, _pem(a_certificate(*_LEFT_ALONE[name])))


@pytest.mark.parametrize("key", [_RSA, _CURVE, _EDWARDS, ec.generate_private_key(ec.SECP521R1())])
def test_a_key_is_shown_as_by_opa(key: Key) -> None:
    same(_PARSE, _pem(a_certificate(key=key)))


def test_every_part_of_a_name_is_shown_as_by_opa() -> None:
    parts = [
        NameOID.LOCALITY_NAME, NameOID.STATE_OR_PROVINCE_NAME, NameOID.ORGANIZATION_NAME,
        NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.SERIAL_NUMBER, NameOID.POSTAL_CODE,
        NameOID.STREET_ADDRESS, NameOID.COMMON_NAME, NameOID.GIVEN_NAME, NameOID.DOMAIN_COMPONENT,
    ]  # fmt: skip
    named = _name(*((kind, f"Part {number}") for number, kind in enumerate((*parts, *parts))))
    same(_PARSE, _pem(a_certificate(subject=named)))
    same(_PARSE, _pem(a_certificate(subject=x509.Name([]))))


def test_several_certificates_are_shown_in_their_order() -> None:
    found = [a_certificate(), a_certificate(key=_RSA)]
    same(_PARSE, "".join(map(_pem, found)))
    same(_PARSE, base64.b64encode("".join(map(_pem, found)).encode()).decode())
    joined = b"".join(one.public_bytes(Encoding.DER) for one in found)
    same(_PARSE, base64.b64encode(joined).decode())


def test_a_request_for_a_certificate_is_shown_as_by_opa() -> None:
    for key in (_RSA, _CURVE):
        found = x509.CertificateSigningRequestBuilder().subject_name(_PLAIN_NAME)
        same(_PARSE_REQUEST, _pem(found.sign(key, hashes.SHA256())))


@pytest.mark.parametrize("written", ["foobar", "YmFkc3RyaW5n", "-----BEGIN nothing", "", 1, None])
def test_what_is_no_certificate_is_never_shown(written: object) -> None:
    for name in (_PARSE, _PARSE_REQUEST):
        never_otherwise(name, written)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_certificate_with_another_octet_is_never_shown_otherwise(place: int, octet: int) -> None:
    names = _EXTENSIONS["names"]
    content = bytearray(a_certificate(*names, *_EXTENSIONS["usages"]).public_bytes(Encoding.DER))
    content[place % len(content)] = octet
    written = base64.b64encode(content).decode()
    never_otherwise(_PARSE, written)


def test_private_keys_are_shown_as_by_opa() -> None:
    forms = (PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8)
    written = [_RSA.private_bytes(Encoding.PEM, form, NoEncryption()).decode() for form in forms]
    for text in (*written, "".join(written), "nope", "", 1):
        same("crypto.parse_private_keys", text)


# Signed requests.

_CONFIGURATION = {
    "aws_service": "s3",
    "aws_access_key": "KEY",
    "aws_secret_access_key": "SECRET",
    "aws_region": "cn-north-1",
}
_REQUEST = {"method": "get", "url": "https://a.example/b?c=d"}
_TIME = 1_451_311_705_000_000_000
_SIGN = "providers.aws.sign_req"


@pytest.mark.parametrize(
    ("request_", "configuration", "time"),
    [
        ({}, {}, 0),
        ({"headers": {"B": "c", "a": "d", "User-Agent": "x", "Authorization": "y"}}, {}, 0),
        ({"headers": {"x-amzn-trace-id": "x", "X-Amz-Date": "mine", "Host": "b.example"}}, {}, 0),
        ({"body": {"b": [1, None, "é<>&"], "a": True}}, {}, 1),
        ({"body": "text"}, {"disable_payload_signing": True}, 1),
        ({"raw_body": "文", "body": {}}, {"aws_service": "glacier"}, 1),
        ({"raw_body": 1}, {"aws_service": "execute-api"}, 1),
        ({}, {"aws_session_token": "TOKEN"}, 10**18),
        ({}, {"aws_session_token": ""}, 10**18),
        ({"url": "http://a.example"}, {}, 0),
        ({"url": "http://a.example:8080/"}, {}, 0),
        ({"url": "http://a.example/?"}, {}, 0),
        ({"unknown": 1}, {}, 0),
        ({"headers": 1}, {}, 0),
        ({}, {"aws_region": 1}, 0),
        ({}, {"disable_payload_signing": "yes"}, 0),
        ({}, {}, 2**63),
        ({"timeout": "5s", "cache": True}, {}, 0),
    ],
    ids=str,
)
def test_a_request_is_signed_as_by_opa(
    request_: dict[str, Any], configuration: dict[str, Any], time: int
) -> None:
    same(_SIGN, _REQUEST | request_, _CONFIGURATION | configuration, _TIME + time)


def test_a_request_without_what_it_needs_is_an_error() -> None:
    for name in _CONFIGURATION:
        left = {one: value for one, value in _CONFIGURATION.items() if one != name}
        same(_SIGN, _REQUEST, left, _TIME)
    same(_SIGN, {"method": "get"}, _CONFIGURATION, _TIME)
    same(_SIGN, {"url": "http://a"}, _CONFIGURATION, _TIME)


@pytest.mark.parametrize("time", [-1, 1.5, 2**63 - 1, "1", None])
def test_a_request_is_never_signed_otherwise_at_another_time(time: object) -> None:
    never_otherwise(_SIGN, _REQUEST, _CONFIGURATION, time)


@pytest.mark.parametrize("url", ["http://a.example/b c", "http://u:p@a.example", "http://a/%41", 1])
def test_a_url_that_is_not_plain_is_refused(url: object) -> None:
    never_otherwise(_SIGN, _REQUEST | {"url": url}, _CONFIGURATION, _TIME)


# Templates.

_VARIABLES = {
    "a": 1, "f": 1.5, "s": "x<y", "t": True, "no": False, "n": None, "z": 0, "e": "",
    "l": [1, "b", None, True], "o": {"k": 1, "j": "q", "文": 2}, "el": [], "eo": {},
    "big": 12345678901234567890123, "deep": {"o": {"l": [0, 1]}},
}  # fmt: skip
_RENDER = "strings.render_template"


@pytest.mark.parametrize(
    "template",
    [
        "{{.a}} {{.f}} {{.s}} {{.t}} {{.no}} {{.n}} {{.big}} {{ .a }}",
        "{{.o.k}} {{.o.x}} {{.o.x.y}} {{.q}} {{$.a}}",
        *(f"{{{{if .{name}}}}}A{{{{else}}}}B{{{{end}}}}" for name in _VARIABLES),
        "{{if .q}}A{{else}}B{{end}}",
        *(f"{{{{range .{name}}}}}[{{{{.}}}}]{{{{else}}}}none{{{{end}}}}" for name in ("l", "o", "el")),
        "{{range .eo}}x{{else}}none{{end}}{{range .n}}x{{else}}none{{end}}{{range .q}}x{{end}}",
        "{{range $i, $v := .l}}{{if $i}},{{end}}{{$i}}={{$v}}{{end}}",
        "{{range $k, $v := .o}}{{$k}}={{$v}};{{end}}",
        "{{range $v := .l}}{{$v}}{{.}}{{$.a}}{{end}}",
        "{{range .deep.o.l}}{{if .}}A{{else}}B{{end}}{{end}}",
        "{{range $i, $v := .l}}{{range $i, $w := $.deep.o.l}}{{$i}}{{$w}}{{end}}{{$i}}{{end}}",
        "} }} { {x} {{.a}}}",
        "",
    ],
)  # fmt: skip
def test_a_template_is_rendered_as_by_opa(template: str) -> None:
    same(_RENDER, template, _VARIABLES)


@pytest.mark.parametrize(
    "template",
    [
        "{{.a.b}}", "{{.n.k}}", "{{.l.k}}", "{{range .s}}x{{end}}", "{{.a", "{{end}}", "{{else}}",
        "{{if .a}}", "{{if .a}}{{else}}{{else}}{{end}}", "{{$i}}", "{{range $i, $v := .l}}{{end}}{{$i}}",
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_rendered_is_an_error(template: str) -> None:
    assert called_by_opa(_RENDER, template, _VARIABLES) == FAILED
    never_otherwise(_RENDER, template, _VARIABLES)


_PIECES = st.sampled_from(
    [
        "{{.a}}", "{{.l}}", "{{.o}}", "{{.}}", "{{$}}", "{{- .a -}}", "{{/* c */}}", "{{if .z}}", "{{if .e}}",
        "{{range .l}}", "{{range $i, $v := .o}}", "{{else}}", "{{else if .a}}", "{{end}}", "{{with .o}}",
        "{{$v}}", "{{$i}}", "{{len .l}}", '{{"x"}}', "{{1}}", "{{.a .s}}", "{{}}", "{{", "}}", " ", "x", "\n",
        "{{range .a}}", "{{break}}", "{{.a | len}}", "{{$x := .a}}", "{{\n.a}}", "{{nil}}", "{{true}}",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=7).map("".join))
def test_a_template_by_chance_is_never_rendered_otherwise(template: str) -> None:
    never_otherwise(_RENDER, template, _VARIABLES)
