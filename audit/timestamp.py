"""Asks a time-stamping authority when a checkpoint was there, and reads its answer (RFC 3161).

What is stamped is the text of the checkpoint, which every signature under it signs: a token stays good
whoever cosigns later. `audit.verify` reads tokens on its own road.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.errors import MalformedError, ProofError
from audit.note import parse_note

REQUEST_TYPE = "application/timestamp-query"
ANSWER_TYPE = "application/timestamp-reply"
ANSWER_BOUND = 1 << 16
"""Bytes in an answer: a token with its chain of certificates is a few thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question on its way to the authority."""

    content: bytes
    request: TimeStampRequest

    @property
    def body(self) -> bytes:
        """What is posted, as `application/timestamp-query`."""
        return self.request.as_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamp:
    """What the authority answered, verified."""

    token: bytes
    """DER of the TimeStampToken."""
    at: datetime


def read_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read the root certificates that are trusted for time stamps. Raises MalformedError."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise MalformedError("the roots for time stamps are no PEM certificates") from error


def ask(note: str) -> Asked:
    """Write the question for a checkpoint: SHA-256, with a nonce, certificates wanted along."""
    content = parse_note(note).text.encode()
    builder = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
    return Asked(content=content, request=builder.cert_request(cert_request=True).build())


def read_answer(answer: bytes, *, asked: Asked, roots: Sequence[x509.Certificate]) -> TimeStamp:
    """Verify an answer under the roots. Raises ProofError unless it stamps just what was asked."""
    if len(answer) > ANSWER_BOUND:
        raise ProofError(f"a time stamp of {len(answer)} bytes, {ANSWER_BOUND} allowed")
    builder = VerifierBuilder.from_request(asked.request)
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        response = decode_timestamp_response(answer)
        builder.build().verify_message(response, asked.content)
        return TimeStamp(token=response.time_stamp_token(), at=response.tst_info.gen_time)
    except (VerificationError, ValueError) as error:
        raise ProofError(f"the time stamp does not hold ({type(error).__name__})") from error
