"""A policy file is read strictly, written in one way, and says whose word is enough."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, format_checkpoint
from audit.errors import MalformedError, ProofError
from audit.note import Cosigner, Kind, Signer, SubtreeSigner, Verifier, add_signatures
from audit.policy_file import (
    Group,
    LogLine,
    Policy,
    WitnessLine,
    check_witnessed,
    format_policy,
    parse_policy,
)

ORIGIN = "log.example"
ROOT = hashlib.sha256(b"some tree").digest()
TEXT = format_checkpoint(Checkpoint(ORIGIN, 7, ROOT))


def a_signer(seed: int = 1, *, name: str = ORIGIN) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def a_cosigner(seed: int) -> Cosigner:
    return Cosigner(f"w{seed}.example", Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


WITNESSES = tuple(
    WitnessLine(name=f"W{seed}", key=a_cosigner(seed).verifier) for seed in (11, 12, 13, 14)
)


def a_policy(*, groups: tuple[Group, ...] = (), quorum: str = "W11") -> Policy:
    logs = (LogLine(key=a_signer().verifier),)
    return Policy(logs=logs, witnesses=WITNESSES, groups=groups, quorum=quorum)


def cosigned(*seeds: int) -> str:
    lines = [a_cosigner(seed).line(TEXT, time=1_700_000_000) for seed in seeds]
    return add_signatures(a_signer().sign(TEXT), lines)


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")),
    min_size=1,
    max_size=8,
).filter(lambda word: word != "none")
urls = st.just("") | words


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    names = draw(st.lists(words, min_size=1, max_size=6, unique=True))
    cut = draw(st.integers(1, len(names)))
    witnesses = tuple(
        WitnessLine(
            name=name,
            key=Verifier(f"w{at}.example", Kind.COSIGNATURE, bytes([at + 1]) * 32),
            url=draw(urls),
        )
        for at, name in enumerate(names[:cut])
    )
    groups = []
    for at, name in enumerate(names[cut:], start=cut):
        members = draw(st.lists(st.sampled_from(names[:at]), min_size=1, unique=True))
        threshold = draw(st.integers(1, len(members)))
        groups.append(Group(name=name, threshold=threshold, members=tuple(members)))
    log = LogLine(key=Verifier(ORIGIN, Kind.ED25519, bytes([200]) * 32), url=draw(urls))
    return Policy(
        logs=(log,),
        witnesses=witnesses,
        groups=tuple(groups),
        quorum=draw(st.sampled_from([*names, "none"])),
    )


@pytest.mark.proves("B5")
@settings(deadline=None)
@given(policies())
def test_a_policy_is_read_back(policy: Policy) -> None:
    assert parse_policy(format_policy(policy)) == policy


@settings(deadline=None)
@given(policies(), st.data())
def test_blanks_and_comments_change_nothing(policy: Policy, data: st.DataObject) -> None:
    lines = format_policy(policy).splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines)))
    added = data.draw(st.sampled_from(["\n", " \t\n", "# 见证方\n", "\t#log\n"]))
    loose = [line.replace(" ", " \t ") for line in lines]
    assert parse_policy("".join([*loose[:at], added, *loose[at:]])) == policy


KEY = a_cosigner(11).vkey
OTHER = a_cosigner(12).vkey
LOG = a_signer().vkey


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum"),
        ("quorum none", "does not end"),
        ("quorum none\nquorum none\n", "second quorum"),
        ("quorum W\n", "no line above"),
        (f"quorum W\nwitness W {KEY}\n", "no line above"),
        (f"witness none {KEY}\nquorum none\n", "taken"),
        (f"witness W {KEY}\nwitness W {OTHER}\nquorum none\n", "taken"),
        (f"witness W {KEY}\nwitness V {KEY}\nquorum none\n", "twice"),
        (f"witness W {KEY}\ngroup W any W\nquorum none\n", "taken"),
        (f"witness W {KEY}\ngroup G any W W\nquorum none\n", "twice"),
        (f"witness W {KEY}\ngroup G 2 W\nquorum none\n", "needs 2 of 1"),
        (f"witness W {KEY}\ngroup G 0 W\nquorum none\n", "decimal"),
        (f"witness W {KEY}\ngroup G 01 W\nquorum none\n", "decimal"),
        (f"witness W {KEY}\ngroup G ١ W\nquorum none\n", "decimal"),
        (f"witness W {KEY}\ngroup G all\nquorum none\n", "needs 0 of 0"),
        (f"witness W {KEY}\ngroup G any none\nquorum none\n", "no line above"),
        (f"witness W {KEY}\ngroup G any G\nquorum none\n", "no line above"),
        (f"log {KEY}\nquorum none\n", "kind 0x04"),
        (f"witness W {LOG}\nquorum none\n", "kind 0x01"),
        (f"log {LOG}\nlog {LOG}\nquorum none\n", "twice"),
        (f"log {LOG} u v\nquorum none\n", "a line of"),
        ("Quorum none\n", "a line of"),
        ("quorum none\r\n", "control"),
        ("quorum\x0bnone\n", "control"),
        ("quorum none\x7f\n", "control"),
        ("quorum\u00a0none\n", "a line of"),
        ("quorum none # so be it\n", "a line of"),
    ],
)
def test_what_is_no_policy_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_policy(text)


def test_the_log_is_no_witness_of_itself() -> None:
    own = Verifier("another.example", Kind.COSIGNATURE, a_signer().verifier.public_key)
    text = f"log {LOG}\nwitness W {own.vkey}\nquorum W\n"
    with pytest.raises(MalformedError, match="no witness of itself"):
        parse_policy(text)


TWO_LEVELS = (
    Group(name="departments", threshold=2, members=("W11", "W12", "W13")),
    Group(name="both", threshold=2, members=("departments", "W14")),
)


@pytest.mark.parametrize(
    ("held", "met"),
    [
        ((11, 12, 14), True),
        ((11, 12, 13, 14), True),
        ((11, 12, 13), False),
        ((11, 14), False),
        ((), False),
    ],
)
def test_groups_count_their_members(held: tuple[int, ...], met: bool) -> None:
    policy = a_policy(groups=TWO_LEVELS, quorum="both")
    assert policy.met_by(f"W{seed}" for seed in held) is met


def test_a_group_cannot_be_claimed_instead_of_cosigned() -> None:
    assert not a_policy(groups=TWO_LEVELS, quorum="both").met_by(["both", "departments"])


@pytest.mark.proves("L7")
def test_a_history_signed_with_the_stolen_key_alone_is_rejected_under_a_quorum() -> None:
    with pytest.raises(ProofError, match="cosigned by nobody, the quorum W11 needed"):
        check_witnessed(cosigned(), a_policy())


@pytest.mark.proves("L7")
def test_cosignatures_of_strangers_make_no_quorum() -> None:
    with pytest.raises(ProofError, match="cosigned by W12"):
        check_witnessed(cosigned(12, 15), a_policy())


@pytest.mark.proves("L7")
def test_the_logs_own_second_line_is_no_cosignature() -> None:
    own = SubtreeSigner(ORIGIN, MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
    note = add_signatures(a_signer().sign(TEXT), [own.line(TEXT, time=1)])
    with pytest.raises(ProofError, match="cosigned by nobody"):
        check_witnessed(note, a_policy())


def test_what_the_quorum_cosigned_is_taken() -> None:
    assert check_witnessed(cosigned(11), a_policy()) == Checkpoint(ORIGIN, 7, ROOT)


def test_witnesses_alone_do_not_replace_the_log() -> None:
    lines = [a_cosigner(11).line(TEXT, time=1)]
    stranger = a_signer(2).sign(TEXT)
    with pytest.raises(ProofError, match="no signature of its log"):
        check_witnessed(add_signatures(stranger, lines), a_policy())


def test_a_log_of_the_policy_cannot_speak_for_another_origin() -> None:
    text = format_checkpoint(Checkpoint("other.example", 7, ROOT))
    note = add_signatures(a_signer().sign(text), [a_cosigner(11).line(text, time=1)])
    with pytest.raises(ProofError, match=r"other\.example bears no signature of its log"):
        check_witnessed(note, a_policy())
