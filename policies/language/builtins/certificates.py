"""Built-ins that read X.509 certificates, requests for them, and private keys (RFC 5280, 2986, 8017).

They are shown member by member as OPA shows them. What stands in a certificate and is not read here, or is
read differently by different readers, is refused. Nothing is verified: that would need a clock.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from policies.language.builtins.der import Element, children, element, oid, whole
from policies.language.builtins.keys import pem_block
from policies.language.builtins.operands import Builtin, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_Members = dict[str, Value]

_SIGNATURES: Mapping[str, int] = {
    "1.2.840.113549.1.1.4": 2, "1.2.840.113549.1.1.5": 3, "1.2.840.113549.1.1.11": 4,
    "1.2.840.113549.1.1.12": 5, "1.2.840.113549.1.1.13": 6, "1.2.840.10045.4.1": 9,
    "1.2.840.10045.4.3.2": 10, "1.2.840.10045.4.3.3": 11, "1.2.840.10045.4.3.4": 12,
    "1.3.101.112": 16,
}  # fmt: skip
_PURPOSES: Mapping[str, int] = {
    "2.5.29.37.0": 0, "1.3.6.1.5.5.7.3.1": 1, "1.3.6.1.5.5.7.3.2": 2, "1.3.6.1.5.5.7.3.3": 3,
    "1.3.6.1.5.5.7.3.4": 4, "1.3.6.1.5.5.7.3.5": 5, "1.3.6.1.5.5.7.3.6": 6,
    "1.3.6.1.5.5.7.3.7": 7, "1.3.6.1.5.5.7.3.8": 8, "1.3.6.1.5.5.7.3.9": 9,
    "1.3.6.1.4.1.311.10.3.3": 10, "2.16.840.1.113730.4.1": 11,
}  # fmt: skip
_IN_NAMES: Mapping[str, str] = {
    "2.5.4.6": "Country", "2.5.4.7": "Locality", "2.5.4.8": "Province", "2.5.4.9": "StreetAddress",
    "2.5.4.10": "Organization", "2.5.4.11": "OrganizationalUnit", "2.5.4.17": "PostalCode",
}  # fmt: skip
_ONCE_IN_NAMES: Mapping[str, str] = {"2.5.4.3": "CommonName", "2.5.4.5": "SerialNumber"}
_TEXTS: Mapping[int, str] = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,./:=?*&-]*")
_URI = re.compile(r"([a-z][a-z0-9+.-]*)://([A-Za-z0-9.-]+)((?:/[A-Za-z0-9._~-]*)*)")

_NOT_SHOWN = (
    "ExcludedDNSDomains", "ExcludedEmailAddresses", "ExcludedIPRanges", "ExcludedURIDomains",
    "PermittedDNSDomains", "PermittedEmailAddresses", "PermittedIPRanges", "PermittedURIDomains",
    "PolicyMappings", "ExtraExtensions", "UnhandledCriticalExtensions", "AuthorityKeyId",
    "CRLDistributionPoints", "DNSNames", "EmailAddresses", "ExtKeyUsage", "Extensions",
    "IPAddresses", "IssuingCertificateURL", "OCSPServer", "Policies", "PolicyIdentifiers",
    "SubjectKeyId", "URIs", "URIStrings", "UnknownExtKeyUsage",
)  # fmt: skip
_PLAIN: _Members = {
    **dict.fromkeys(_NOT_SHOWN),
    **dict.fromkeys(("InhibitAnyPolicy", "InhibitPolicyMapping", "RequireExplicitPolicy"), 0),
    **dict.fromkeys(
        ("InhibitAnyPolicyZero", "InhibitPolicyMappingZero", "RequireExplicitPolicyZero"), False
    ),
    "BasicConstraintsValid": False,
    "IsCA": False,
    "KeyUsage": 0,
    "MaxPathLen": 0,
    "MaxPathLenZero": False,
    "PermittedDNSDomainsCritical": False,
}
"""A certificate without extensions."""


def _shown(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _arcs(dotted: str) -> list[int]:
    return [int(arc) for arc in dotted.split(".")]


def _octets(written: str, kind: str) -> Iterator[bytes]:
    """Yield the content of each PEM block of a kind, or the one content that is base64."""
    if not written.startswith("-----BEGIN"):
        try:
            content = base64.b64decode(re.sub(r"[\r\n]", "", written), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BuiltinError("neither PEM nor base64") from error
        if not content.startswith(b"-----BEGIN"):
            yield content
            return
        written = content.decode("ascii", errors="replace").replace("\r\n", "\n")
    rest = written
    while rest.strip():
        block = pem_block(rest)
        if block is None or block[0] != kind:
            raise NotOfferedError(f"PEM with other content than {kind}")
        yield block[1]
        rest = block[2]


def _certificates(value: Value) -> list[Value]:
    found: list[Value] = []
    for content in _octets(text(value), "CERTIFICATE"):
        found += _read(_in_a_row, content)
    if not found:
        raise NotOfferedError("no certificate at all")
    return found


def _request(value: Value) -> Value:
    found = list(_octets(text(value), "CERTIFICATE REQUEST"))
    if len(found) != 1:
        raise NotOfferedError("one request for a certificate needed")
    return _read(_certificate_request, found[0])


def _in_a_row(content: bytes) -> list[_Members]:
    found = []
    while content:
        one = element(content).whole
        found.append(_certificate(one))
        content = content[len(one) :]
    return found


def _read(act: Callable[[bytes], Value], content: bytes) -> Any:
    try:
        return act(content)
    except (ValueError, TypeError, LookupError, UnsupportedAlgorithm) as error:
        # What one reader takes for broken, another may take.
        raise NotOfferedError("a structure that is not read here") from error


def _certificate(content: bytes) -> _Members:
    read = x509.load_der_x509_certificate(content)
    signed, algorithm, signature = children(whole(content))
    parts = children(signed)
    version = 1
    if parts[0].tag == 0xA0:
        version = read.version.value + 1
        parts = parts[1:]
    serial, inner, issuer, _, subject, key, *further = parts
    if inner.whole != algorithm.whole or serial.content[0] & 0x80:
        raise NotOfferedError("a certificate whose parts differ")
    return {
        **_PLAIN,
        **_extensions(read, [one for one in further if one.tag == 0xA3]),
        **_key(read.public_key(), key),
        **_signed(content, algorithm, signature),
        "Issuer": _name(issuer),
        "NotAfter": _time(read.not_valid_after_utc),
        "NotBefore": _time(read.not_valid_before_utc),
        "RawIssuer": _shown(issuer.whole),
        "RawSubject": _shown(subject.whole),
        "RawTBSCertificate": _shown(signed.whole),
        "SerialNumber": read.serial_number,
        "Subject": _name(subject),
        "Version": version,
    }


def _certificate_request(content: bytes) -> _Members:
    read = x509.load_der_x509_csr(content)
    signed, algorithm, signature = children(whole(content))
    version, subject, key, *attributes = children(signed)
    if any(one.content for one in attributes):
        raise NotOfferedError("a request for a certificate with attributes")
    names = ("DNSNames", "EmailAddresses", "Extensions", "ExtraExtensions", "IPAddresses", "URIs")
    return {
        **dict.fromkeys((*names, "Attributes")),
        **_key(read.public_key(), key),
        **_signed(content, algorithm, signature),
        "RawSubject": _shown(subject.whole),
        "RawTBSCertificateRequest": _shown(signed.whole),
        "Subject": _name(subject),
        "Version": int.from_bytes(version.content),
    }


def _signed(content: bytes, algorithm: Element, signature: Element) -> _Members:
    name = oid(children(algorithm)[0])
    if name not in _SIGNATURES or signature.content[0] != 0:
        raise NotOfferedError("a signature of another algorithm")
    return {
        "Raw": _shown(content),
        "Signature": _shown(signature.content[1:]),
        "SignatureAlgorithm": _SIGNATURES[name],
    }


def _key(key: object, written: Element) -> _Members:
    shown: Value
    match key:
        case rsa.RSAPublicKey():
            numbers = key.public_numbers()
            kind, shown = 1, {"N": numbers.n, "E": numbers.e}
        case ec.EllipticCurvePublicKey() if key.curve.name in {
            "secp256r1",
            "secp384r1",
            "secp521r1",
        }:
            point = key.public_numbers()
            kind, shown = 3, {"Curve": {}, "X": point.x, "Y": point.y}
        case Ed25519PublicKey():
            kind, shown = 4, _shown(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
        case _:
            raise NotOfferedError("a public key of another kind")
    return {
        "PublicKey": shown,
        "PublicKeyAlgorithm": kind,
        "RawSubjectPublicKeyInfo": _shown(written.whole),
    }


def _name(written: Element) -> _Members:
    lists: dict[str, list[Value] | None] = dict.fromkeys(_IN_NAMES.values())
    single = dict.fromkeys(_ONCE_IN_NAMES.values(), "")
    names: list[Value] = []
    for several in children(written):
        for pair in children(several):
            kind, value = children(pair)
            said, name = _text(value), oid(kind)
            names.append({"Type": _arcs(name), "Value": said})
            if name in _IN_NAMES:
                lists[_IN_NAMES[name]] = [*(lists[_IN_NAMES[name]] or ()), said]
            elif name in _ONCE_IN_NAMES:
                single[_ONCE_IN_NAMES[name]] = said
    return {**lists, **single, "ExtraNames": None, "Names": names or None}


def _text(value: Element) -> str:
    if value.tag not in _TEXTS:
        raise NotOfferedError("a name in another kind of text")
    said = value.content.decode(_TEXTS[value.tag])
    if value.tag == 0x13 and not _PRINTABLE.fullmatch(said):
        raise NotOfferedError("a name with a character that is not printable")
    return said


def _time(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


# Extensions.


def _extensions(read: x509.Certificate, further: list[Element]) -> _Members:
    if not further:
        return {}
    (sequence,) = children(further[0])
    found: _Members = {"Extensions": [_extension(one) for one in children(sequence)]}
    for extension in read.extensions:
        if (act := _ACTS.get(type(extension.value))) is not None:
            found |= act(extension.value)
        elif extension.critical or extension.oid.dotted_string in _UNREAD:
            raise NotOfferedError("an extension of a certificate that is not read here")
    return found


def _extension(written: Element) -> Value:
    name, *critical, value = children(written)
    return {
        "Critical": bool(critical),
        "Id": _arcs(oid(name)),
        "Value": _shown(value.content),
    }


def _usage(value: x509.KeyUsage) -> _Members:
    bits = [
        value.digital_signature, value.content_commitment, value.key_encipherment,
        value.data_encipherment, value.key_agreement, value.key_cert_sign, value.crl_sign,
        value.key_agreement and value.encipher_only, value.key_agreement and value.decipher_only,
    ]  # fmt: skip
    return {"KeyUsage": sum(1 << number for number, held in enumerate(bits) if held)}


def _constraints(value: x509.BasicConstraints) -> _Members:
    length = -1 if value.path_length is None else value.path_length
    if length >= 0 and not value.ca:
        raise NotOfferedError("a length of path where there is no authority")
    return {
        "BasicConstraintsValid": True,
        "IsCA": value.ca,
        "MaxPathLen": length,
        "MaxPathLenZero": length == 0,
    }


def _alternatives(value: x509.SubjectAlternativeName) -> _Members:
    names = [str(one) for one in value.get_values_for_type(x509.DNSName)]
    mails = [str(one) for one in value.get_values_for_type(x509.RFC822Name)]
    places = [str(one) for one in value.get_values_for_type(x509.UniformResourceIdentifier)]
    addresses = [str(one) for one in value.get_values_for_type(x509.IPAddress)]
    if len(names) + len(mails) + len(places) + len(addresses) < len(list(value)):
        raise NotOfferedError("an alternative name of another kind")
    return {
        "DNSNames": names or None,
        "EmailAddresses": mails or None,
        "IPAddresses": addresses or None,
        "URIs": [_uri(one) for one in places] or None,
        "URIStrings": places or None,
    }


def _uri(written: str) -> Value:
    found = _URI.fullmatch(written)
    if found is None:
        raise NotOfferedError("a URI in a certificate that is not of the plain form")
    empty = dict.fromkeys(("Fragment", "Opaque", "RawFragment", "RawPath", "RawQuery"), "")
    shown = {"Scheme": found[1], "Host": found[2], "Path": found[3], "User": None}
    return {**empty, **shown, "ForceQuery": False, "OmitHost": False}


def _purposes(value: x509.ExtendedKeyUsage) -> _Members:
    names = [one.dotted_string for one in value]
    known = [_PURPOSES[name] for name in names if name in _PURPOSES]
    if len(known) < len(names):
        raise NotOfferedError("a purpose of a certificate that is unknown")
    return {"ExtKeyUsage": known}


def _subject_key(value: x509.SubjectKeyIdentifier) -> _Members:
    return {"SubjectKeyId": _shown(value.digest)}


def _authority_key(value: x509.AuthorityKeyIdentifier) -> _Members:
    found = value.key_identifier
    return {"AuthorityKeyId": None if found is None else _shown(found)}


def _policies(value: x509.CertificatePolicies) -> _Members:
    names = [one.policy_identifier.dotted_string for one in value]
    return {"Policies": list(names), "PolicyIdentifiers": [_arcs(name) for name in names]}


def _information(value: x509.AuthorityInformationAccess) -> _Members:
    found: dict[str, list[Value]] = {"OCSPServer": [], "IssuingCertificateURL": []}
    for one in value:
        if isinstance(one.access_location, x509.UniformResourceIdentifier):
            name = _ACCESS.get(one.access_method.dotted_string)
            if name is not None:
                found[name].append(one.access_location.value)
    return {name: places or None for name, places in found.items()}


def _distribution(value: x509.CRLDistributionPoints) -> _Members:
    found: list[Value] = []
    for one in value:
        for name in one.full_name or ():
            if not isinstance(name, x509.UniformResourceIdentifier):
                raise NotOfferedError("a place of revocation lists that is no URI")
            found.append(name.value)
    return {"CRLDistributionPoints": found or None}


_ACCESS = {"1.3.6.1.5.5.7.48.1": "OCSPServer", "1.3.6.1.5.5.7.48.2": "IssuingCertificateURL"}
# Name constraints, mappings and constraints of policies, and any policy.
_UNREAD = frozenset({"2.5.29.30", "2.5.29.33", "2.5.29.36", "2.5.29.54"})
_ACTS: Mapping[type, Callable[[Any], _Members]] = {
    x509.KeyUsage: _usage,
    x509.BasicConstraints: _constraints,
    x509.SubjectAlternativeName: _alternatives,
    x509.ExtendedKeyUsage: _purposes,
    x509.SubjectKeyIdentifier: _subject_key,
    x509.AuthorityKeyIdentifier: _authority_key,
    x509.CertificatePolicies: _policies,
    x509.AuthorityInformationAccess: _information,
    x509.CRLDistributionPoints: _distribution,
}


# Private keys.


def _private_keys(value: Value) -> Value:
    written = text(value)
    if not written:
        return None
    if "-----" not in written:
        if len(written) > 64:
            raise NotOfferedError("private keys that are not in PEM")
        return []
    found = []
    while written.strip():
        block = pem_block(written)
        if block is None or block[0] not in {"RSA PRIVATE KEY", "PRIVATE KEY"}:
            raise NotOfferedError("PEM with other content than private RSA keys")
        found.append(_read(_private_key, block[1]))
        written = block[2]
    return found


def _private_key(content: bytes) -> _Members:
    key = load_der_private_key(content, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NotOfferedError("a private key of another kind than RSA")
    numbers = key.private_numbers()
    return {
        "D": numbers.d,
        "E": numbers.public_numbers.e,
        "N": numbers.public_numbers.n,
        "Precomputed": {
            "CRTValues": [],
            "Dp": numbers.dmp1,
            "Dq": numbers.dmq1,
            "Qinv": numbers.iqmp,
        },
        "Primes": [numbers.p, numbers.q],
    }


CERTIFICATES: Mapping[str, Builtin] = {
    "crypto.x509.parse_certificates": Builtin(_certificates, 1),
    "crypto.x509.parse_certificate_request": Builtin(_request, 1),
    "crypto.parse_private_keys": Builtin(_private_keys, 1),
}
