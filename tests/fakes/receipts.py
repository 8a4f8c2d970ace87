"""A small log and the receipts it gives: valid as they are, so that a test changes one thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.canonical import b64url, commit_bytes, commit_value, encode
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.compose import VERSION
from audit.entry import Opening, Sequenced
from audit.merkle import inclusion_proof, leaf_hash, root_of
from audit.note import Cosigner, Signer
from audit.receipt import make_receipt

ORIGIN = "audit.example.gov.cn/log"
LOG = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"l" * 32))
WITNESS = Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))

REQUEST = b'{"query":"{enterprise(uscc:\\"91110000MA0000000X\\"){name}}"}'
LICENCE = '{"number":"营-1","status":"valid"}'
PERMITS = ('{"number":"规-1"}', "null", '{"number":"规-3"}')
DATA = (
    '{"enterprise":{"name":"甲公司","businessLicence":'
    + LICENCE
    + ',"projects":['
    + ",".join(f'{{"planningPermit":{permit}}}' for permit in PERMITS)
    + ']},"check":{"result":"match"},"refused":null}'
)
CONTENTS = {
    "request": REQUEST,
    "answer": DATA.encode(),
    "answer.s1": LICENCE.encode(),
    "answer.s2": "\n".join(PERMITS).encode(),
    "answer.s3": b'"match"',
    "answer.s4": b"",
}
VALUES = {"case": "2026-0117", "n.consumer:hall": 12}
PATHS = {
    "answer.s1": ("enterprise", "businessLicence"),
    "answer.s2": ("enterprise", "projects", "*", "planningPermit"),
    "answer.s3": ("check", "result"),
    "answer.s4": ("refused", "number"),
}


def a_salt(number: int) -> str:
    return b64url(number.to_bytes(16, "big"))


def a_body(
    number: int,
    *,
    values: Mapping[str, Any] | None = None,
    contents: Mapping[str, bytes] | None = None,
) -> tuple[bytes, Mapping[str, Opening]]:
    """One entry, and what opens its commitments."""
    openings: dict[str, Opening] = {}
    digests: dict[str, str] = {}
    for name, value in (values or {}).items():
        openings[name] = Opening(salt=a_salt(len(openings)), value=value)
        digests[name] = commit_value(openings[name].salt, name, value)
    for name, content in (contents or {}).items():
        openings[name] = Opening(salt=a_salt(len(openings)))
        digests[name] = commit_bytes(openings[name].salt, content)
    body = {
        "v": VERSION,
        "id": a_salt(number),
        "kind": "call",
        "ts": 1_764_000_000_000 + number,
        "gateway": "gw-1",
        "consumer": "service-hall",
        "digests": digests,
    }
    return encode(body), openings


def bodies_of(size: int) -> list[bytes]:
    return [a_body(number)[0] for number in range(size)]


def a_sequenced(
    *,
    index: int = 4,
    size: int = 11,
    values: Mapping[str, Any] = VALUES,
    contents: Mapping[str, bytes] = CONTENTS,
) -> Sequenced:
    """An entry among others in a signed tree."""
    body, openings = a_body(index, values=values, contents=contents)
    leaves = [leaf_hash(other) for other in bodies_of(size)]
    leaves[index] = leaf_hash(body)
    checkpoint = Checkpoint(ORIGIN, size, root_of(leaves))
    proof = inclusion_proof(
        index, size, lambda level, n: root_of(leaves[n << level : (n + 1) << level])
    )
    return Sequenced(
        index=index,
        size=size,
        body=body,
        proof=tuple(proof),
        checkpoint=LOG.sign(format_checkpoint(checkpoint)),
        openings=openings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a caller holds after a call."""

    receipt: dict[str, Any]
    answer: bytes
    request: bytes = REQUEST


def a_given(
    *, data: str = DATA, paths: Mapping[str, Sequence[str]] = PATHS, index: int = 4, size: int = 11
) -> Given:
    """An answer as sent, with its receipt."""
    receipt = make_receipt(a_sequenced(index=index, size=size), paths=paths)
    answer = b'{"data":' + data.encode() + b',"extensions":{"receipt":' + encode(receipt) + b"}}"
    return Given(receipt=receipt, answer=answer)
