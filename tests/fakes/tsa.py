"""A time-stamping authority on loopback (RFC 3161): real tokens, under a root of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from audit.timestamp import ANSWER_TYPE, REQUEST_TYPE
from audit.verify import _der

_SHA256 = "608648016503040201"
_ECDSA_SHA256 = "2a8648ce3d040302"
_SIGNED_DATA = "2a864886f70d010702"
_TST_INFO = "2a864886f70d0109100104"
_CONTENT_TYPE = "2a864886f70d010903"
_MESSAGE_DIGEST = "2a864886f70d010904"
_SIGNING_CERTIFICATE = "2a864886f70d010910022f"
_POLICY = "2a0304"


def tlv(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def sequence(*contents: bytes) -> bytes:
    return tlv(0x30, *contents)


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(digits: str) -> bytes:
    return tlv(0x06, bytes.fromhex(digits))


def attribute(name: str, value: bytes) -> bytes:
    return sequence(oid(name), tlv(0x31, value))


class Authority:
    """A root, and the key of one authority below it."""

    def __init__(self, name: str = "TSA of the tests") -> None:
        self._root_key = generate_private_key(SECP256R1())
        self._key = generate_private_key(SECP256R1())
        self.root = self._certificate(f"{name}, root", self._root_key.public_key(), ca=True)
        self.certificate = self._certificate(name, self._key.public_key(), ca=False)

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def _certificate(self, name: str, key: object, *, ca: bool) -> x509.Certificate:
        issuer = (
            name if ca else self.root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(str(issuer)))
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self._root_key, hashes.SHA256())

    def answer(self, request: bytes, *, at: datetime, serial: int) -> bytes:
        """Grant what is asked, as TimeStampResp."""
        _, imprint, *rest = _der(_der(request)[0].content)
        nonces = [each.whole for each in rest if each.tag == 0x02]
        info = sequence(
            integer(1),
            oid(_POLICY),
            imprint.whole,
            integer(serial),
            tlv(0x18, f"{at.astimezone(UTC):%Y%m%d%H%M%S}Z".encode()),
            *nonces,
        )
        return sequence(sequence(integer(0)), self._token(info))

    def _token(self, info: bytes) -> bytes:
        algorithm = sequence(oid(_SHA256))
        own = self.certificate
        named = sequence(sequence(sequence(tlv(0x04, own.fingerprint(hashes.SHA256())))))
        attributes = b"".join(
            sorted(
                (
                    attribute(_CONTENT_TYPE, oid(_TST_INFO)),
                    attribute(_MESSAGE_DIGEST, tlv(0x04, sha256(info).digest())),
                    attribute(_SIGNING_CERTIFICATE, named),
                )
            )
        )
        signature = self._key.sign(tlv(0x31, attributes), ECDSA(hashes.SHA256()))
        signer = sequence(
            integer(1),
            sequence(own.issuer.public_bytes(), integer(own.serial_number)),
            algorithm,
            tlv(0xA0, attributes),
            sequence(oid(_ECDSA_SHA256)),
            tlv(0x04, signature),
        )
        signed = sequence(
            integer(3),
            tlv(0x31, algorithm),
            sequence(oid(_TST_INFO), tlv(0xA0, tlv(0x04, info))),
            tlv(0xA0, own.public_bytes(Encoding.DER)),
            tlv(0x31, signer),
        )
        return sequence(oid(_SIGNED_DATA), tlv(0xA0, signed))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(slots=True)
class StampingServer:
    """Answers over HTTP until it is stopped; `answers` is how each request is answered."""

    authority: Authority
    now: Callable[[], datetime]
    asked: int = 0
    answers: Callable[[bytes], tuple[int, bytes]] | None = None
    """Instead of the authority's own; None: it grants what is asked."""
    _server: ThreadingHTTPServer = field(init=False)
    _thread: Thread = field(init=False)

    def start(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fake.asked += 1
                status, told = fake.answer(body, kind=self.headers["content-type"])
                self.send_response(status)
                self.send_header("content-type", ANSWER_TYPE)
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                """Say nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def answer(self, body: bytes, *, kind: str | None) -> tuple[int, bytes]:
        assert kind == REQUEST_TYPE
        if self.answers is not None:
            return self.answers(body)
        return 200, self.authority.answer(body, at=self.now(), serial=self.asked)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/tsr"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
