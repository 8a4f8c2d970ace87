"""Which key signs which sizes: written, read back, and refused where a size is signed by nobody."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit import verify
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.errors import MalformedError, ProofError
from audit.key_spans import KeySpan, check_signed, format_span, format_spans, parse_spans
from audit.merkle import EMPTY_ROOT
from audit.note import Cosigner, Signer, SubtreeSigner, Verifier
from tests.fakes.logs import ORIGIN

SIGNERS = [Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in range(4)]
LATTICE = SubtreeSigner(ORIGIN, MLDSA44PrivateKey.from_seed_bytes(b"p" * 32))
WITNESS = Cosigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"w" * 32))


def a_span(n: int, first: int, last: int | None = None) -> KeySpan:
    return KeySpan(key=SIGNERS[n].verifier, first=first, last=last)


@st.composite
def lists(draw: st.DrawFn) -> tuple[KeySpan, ...]:
    """Keys that overlap or meet, in any order of lines."""
    firsts = sorted(draw(st.sets(st.integers(1, 2**62), min_size=0, max_size=3)))
    starts = [0, *firsts]
    spans = [
        a_span(n, first, draw(st.integers(starts[n + 1] - 1, 2**62)) if n < len(firsts) else None)
        for n, first in enumerate(starts)
    ]
    if draw(st.booleans()):
        spans.append(KeySpan(key=LATTICE.verifier, first=draw(st.integers(0, 99))))
    return tuple(draw(st.permutations(spans)))


@pytest.mark.proves("B5", "L12")
@given(lists())
def test_a_list_of_keys_is_read_back(spans: tuple[KeySpan, ...]) -> None:
    assert parse_spans(format_spans(spans)) == spans


@pytest.mark.proves("L12")
@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ([a_span(0, 0, 7), a_span(1, 9)], "no key signs the sizes 8 to 8"),
        ([a_span(0, 1)], "from the first entry on"),
        ([a_span(0, 0, 7)], "more than 7 entries"),
        ([a_span(0, 0), a_span(1, 0)], "two keys that sign from size 0"),
        ([a_span(0, 0, 7), a_span(0, 8)], "stands twice"),
        ([KeySpan(key=LATTICE.verifier)], "no Ed25519 key"),
        (
            [
                a_span(0, 0),
                KeySpan(key=Verifier("o.example", LATTICE.verifier.kind, bytes(1312)), first=0),
            ],
            "more than one log",
        ),
    ],
)
def test_a_list_with_a_gap_is_refused(spans: list[KeySpan], why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_spans(format_spans(spans))


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        format_span(a_span(0, 0)),
        f"{SIGNERS[0].vkey}\n",
        f"{SIGNERS[0].vkey} 0\n",
        f"{SIGNERS[0].vkey} 00 -\n",
        f"{SIGNERS[0].vkey}  0 -\n",
        f"{SIGNERS[0].vkey} 0 +1\n",
        f"{SIGNERS[0].vkey} 5 4\n",
        f"{WITNESS.vkey} 0 -\n",
        format_spans([a_span(0, 0)]) + "\n",
    ],
)
def test_what_is_no_list_of_keys_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_spans(text)


def signed(size: int, *signers: Signer) -> str:
    text = format_checkpoint(Checkpoint(ORIGIN, size, EMPTY_ROOT if not size else b"r" * 32))
    return signers[0].sign(text) + "".join(each.line(text) for each in signers[1:])


@pytest.mark.proves("L12")
def test_each_key_signs_its_own_sizes_and_no_others() -> None:
    spans = [a_span(0, 0, 9), a_span(1, 8)]
    vkeys = [format_span(span) for span in spans]
    old, new = SIGNERS[:2]
    for note, size in ((signed(9, old), 9), (signed(8, new), 8), (signed(9, old, new), 9)):
        assert check_signed(note, spans).size == size
        assert verify._open_checkpoint(note, verify.Trust(vkeys=vkeys)).size == size
    for note in (signed(10, old), signed(7, new)):
        with pytest.raises(ProofError, match="does not sign that size"):
            check_signed(note, spans)
        with pytest.raises(verify.FaultError, match="CHECKPOINT_UNSIGNED"):
            verify._open_checkpoint(note, verify.Trust(vkeys=vkeys))


@pytest.mark.proves("L12")
@pytest.mark.parametrize(
    "vkeys",
    [
        [format_span(a_span(0, 0, 7)), format_span(a_span(1, 9))],
        [f"{SIGNERS[0].vkey} 0"],
        [f"{SIGNERS[0].vkey} 0 x"],
        [f"{SIGNERS[0].vkey} 01 -"],
    ],
)
def test_the_verifier_refuses_keys_with_a_gap_or_in_another_form(vkeys: list[str]) -> None:
    with pytest.raises(verify.FaultError, match="KEY_MALFORMED"):
        verify._open_checkpoint(signed(3, SIGNERS[0]), verify.Trust(vkeys=vkeys))
