"""A log in memory that signs what it is told to, and a witness on a real state file."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.checkpoint import Checkpoint, format_checkpoint
from audit.merkle import consistency_proof, leaf_hash, root_of
from audit.note import Cosigner, Signer, SubtreeSigner
from audit.witness import Request, Witness, format_request
from audit.witness_state import FileStates
from tests.fakes.logs import ORIGIN, TurnedClock

LOG_KEY = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"l" * 32))
WITNESS = "witness.market.example"
COSIGNERS = (
    Cosigner(WITNESS, Ed25519PrivateKey.from_private_bytes(b"w" * 32)),
    SubtreeSigner(WITNESS, MLDSA44PrivateKey.from_seed_bytes(b"w" * 32)),
)
WITNESS_KEYS = tuple(held.verifier for held in COSIGNERS)


def leaves(count: int, *, history: str = "true") -> list[bytes]:
    return [leaf_hash(f"{history} {n}".encode()) for n in range(count)]


def a_note(hashes: Sequence[bytes], *, signer: Signer = LOG_KEY, origin: str = ORIGIN) -> str:
    checkpoint = Checkpoint(origin, len(hashes), root_of(hashes))
    return signer.sign(format_checkpoint(checkpoint))


def a_proof(old: int, hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    def node(level: int, n: int) -> bytes:
        return root_of(hashes[n << level : (n + 1) << level])

    return tuple(consistency_proof(old, len(hashes), node)) if old else ()


def a_request(old: int, hashes: Sequence[bytes], *, note: str = "") -> bytes:
    proof = a_proof(old, hashes) if old <= len(hashes) else ()
    return format_request(Request(old=old, proof=proof, note=note or a_note(hashes)))


def a_witness(states: FileStates, *, clock: TurnedClock | None = None) -> Witness:
    return Witness(
        logs={ORIGIN: [LOG_KEY.verifier]},
        cosigners=COSIGNERS,
        states=states,
        now=clock or TurnedClock(),
    )


def some_states(folder: Path) -> FileStates:
    return FileStates(folder / "witness" / "state")
