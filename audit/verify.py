"""Checks receipts, exports and evidence without the exchange: this file, Python and `cryptography` suffice.

    python verify.py ANSWER.json --vkey KEY            an answer that carries its receipt
    python verify.py RECEIPT.json --answer ANSWER.json --request BODY --vkey KEY [--witness KEY]
    python verify.py EVIDENCE.zip --keys LIST          an evidence bundle, after a key was changed
    python verify.py --public DIR --policy FILE        an export: tree and signatures
    python verify.py --entries DIR --vkey KEY          an export with all its entries
    python verify.py --entries DIR --first N --end M …  a range of them
    python verify.py --entries DIR --samples …         were the samples of reviews drawn by their seeds?
    python verify.py RECEIPT.json … --public DIR …     does the log still hold what these receipts prove?
    python verify.py --entries DIR --after OLDER …     is this shard the one that follows those, oldest first?

It imports nothing of the exchange and repeats its arithmetic on purpose: whoever doubts the operator
reads one file. A receipt is *signed* when the log's key signed its checkpoint, *witnessed* when a
witness given by the reader cosigned it, or the quorum of the policy given (C2SP tlog-policy). With
`--tsa-root` it says when a time-stamping authority saw the checkpoint (RFC 3161). The exit status is 1
when the answer is no.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from heapq import heappush, heappushpop
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

TEXTS = {
    "RECEIPT_MALFORMED": ("回执格式不合规范", "The receipt is not what its format demands"),
    "KEY_MALFORMED": ("公钥格式不合规范", "A key is not what its format demands"),
    "CHECKPOINT_SIGNED": ("检查点由日志密钥签名", "The checkpoint is signed by the log's key"),
    "CHECKPOINT_WITNESSED": ("检查点经见证方联署", "The checkpoint is cosigned by a witness"),
    "CHECKPOINT_UNSIGNED": (
        "检查点没有所给日志密钥的签名",
        "The checkpoint bears no signature by a given key of this log",
    ),
    "SIGNATURE_FAILS": ("检查点上的签名不成立", "A signature on the checkpoint does not hold"),
    "LEAF_INCLUDED": ("日志条目在签名的树中", "The entry is a leaf of the signed tree"),
    "LEAF_OUTSIDE": ("日志条目不在签名的树中", "The entry is no leaf of the signed tree"),
    "OPENING_HOLDS": ("公开的值与条目一致", "An opened value is the one in the entry"),
    "OPENING_DIFFERS": ("公开的值与条目不一致", "An opened value is not the one in the entry"),
    "REQUEST_MATCHES": ("请求与记录一致", "The request is the one that was recorded"),
    "REQUEST_DIFFERS": ("请求与记录不一致", "The request is not the one that was recorded"),
    "REQUEST_NOT_OPENED": (
        "回执未公开请求摘要的盐值",
        "The receipt does not open the digest of the request",
    ),
    "ANSWER_MATCHES": ("这就是当时给出的内容", "This is what was given"),
    "ANSWER_DIFFERS": ("这不是当时给出的内容", "This is not what was given"),
    "ANSWER_NOT_OPENED": (
        "回执未公开答复摘要的盐值",
        "The receipt does not open the digest of the answer",
    ),
    "ANSWER_MALFORMED": ("答复文件格式不合规范", "The answer is not JSON with one `data` member"),
    "STEP_MATCHES": ("此步骤的数据与记录一致", "The data of this step is what was given"),
    "STEP_DIFFERS": ("此步骤的数据与记录不一致", "The data of this step is not what was given"),
    "ENTRY_DIFFERS": ("条目内容与其叶子不符", "An entry is not the one that its leaf was made of"),
    "ENTRY_MISSING": ("条目缺失", "An entry is missing"),
    "LEAF_MISSING": ("叶子缺失", "A leaf is missing"),
    "LEAF_TWICE": ("同一叶子出现两次", "A leaf stands twice in the log"),
    "SIZE_DIFFERS": ("条目数与检查点不符", "There are more or fewer entries than signed for"),
    "ROOT_DIFFERS": ("树根与检查点不符", "The root is not the signed one"),
    "TILE_DIFFERS": ("存储的树片与叶子不符", "A stored tile does not follow from the leaves"),
    "TILE_MISSING": ("缺少树片,或树片过短", "A tile is missing or too short"),
    "TREE_HOLDS": ("树片构成已签名的树", "The tiles are the signed tree"),
    "ENTRIES_HOLD": ("所有条目与其叶子一致", "Every entry is the one that its leaf was made of"),
    "PAST_HELD": (
        "此前签名的检查点是该日志的一段历史",
        "A checkpoint signed earlier is part of this log's past",
    ),
    "PAST_DIFFERS": (
        "该日志与此前签名的检查点不一致",
        "This log has another past than a checkpoint signed earlier",
    ),
    "LOG_SHORTER": (
        "该日志比此前签名的检查点短",
        "This log is shorter than a checkpoint signed earlier",
    ),
    "ENTRY_GONE": (
        "回执所证的条目不在该日志原处",
        "The entry of a receipt does not stand in this log where it stood",
    ),
    "SHARD_FOLLOWS": (
        "该分片接续前一分片的最终检查点，且由前一分片指名",
        "This shard follows the final checkpoint of the one before, which names it",
    ),
    "SHARD_GAP": (
        "该分片接续的不是所给的前一分片",
        "This shard follows another one than the one given before it",
    ),
    "SHARD_DIFFERS": (
        "该分片所载的前一分片最终检查点与其内容不符",
        "This shard holds another final checkpoint of the one before than that one leads to",
    ),
    "SHARD_GREW": (
        "前一分片封存之后又有增加",
        "The shard before has more entries than when it was frozen",
    ),
    "SHARD_UNNAMED": (
        "前一分片的最后条目未指名该分片及其密钥",
        "The last entry of the shard before does not name this one and its key",
    ),
    "SAMPLE_DRAWN": (
        "核查样本正是按其种子与范围应抽出的条目",
        "The sample of a review is the one that its seed and scope give",
    ),
    "SAMPLE_RECORDED": (
        "核查样本与日志所记一致,样本条目齐全",
        "The sample of a review is the recorded one, and all of it is enclosed",
    ),
    "SAMPLE_DIFFERS": (
        "核查样本与按其种子、范围应抽出的或日志所记的不一致",
        "The sample of a review is not the one that its seed and scope give, or not the recorded one",
    ),
    "POLICY_MALFORMED": (
        "见证策略文件格式不合规范",
        "The policy file is not what its format demands",
    ),
    "QUORUM_MET": ("检查点达到策略要求的见证法定数", "The checkpoint has the policy's quorum"),
    "QUORUM_MISSING": (
        "检查点未达到策略要求的见证法定数",
        "The checkpoint lacks the policy's quorum",
    ),
    "TIME_STAMPED": (
        "检查点在此时刻之前已存在",
        "The checkpoint existed at this time",
    ),
    "STAMP_FAILS": ("时间戳不成立", "The time stamp does not hold"),
    "STAMP_MISSING": ("没有时间戳", "There is no time stamp"),
    "EXPORT_MALFORMED": ("导出内容格式不合规范", "The export is not what its format demands"),
    "EVIDENCE_MALFORMED": (
        "证据包格式不合规范",
        "The evidence bundle is not what its format demands",
    ),
    "CASE_MATCHES": ("条目属于所称办件", "The entry is of the case that is claimed"),
    "CASE_DIFFERS": ("条目不属于所称办件", "The entry is not of the case that is claimed"),
    "LIST_COMPLETE": (
        "编号连续,其间没有遗漏",
        "The numbers are without a gap: nothing between them was left out",
    ),
    "LIST_GAP": ("编号有缺,列表有遗漏", "A number is missing: something was left out of the list"),
    "POLICY_HELD": (
        "所附策略包与清单一致",
        "The policy enclosed is the one listed",
    ),
    "POLICY_MISSING": (
        "缺少条目所依据的策略包",
        "The policy that entries were decided under is not enclosed",
    ),
}
"""What each finding says, in Chinese and English."""

GOOD = frozenset(
    (
        "CHECKPOINT_SIGNED",
        "CHECKPOINT_WITNESSED",
        "LEAF_INCLUDED",
        "OPENING_HOLDS",
        "REQUEST_MATCHES",
        "ANSWER_MATCHES",
        "STEP_MATCHES",
        "TREE_HOLDS",
        "ENTRIES_HOLD",
        "PAST_HELD",
        "QUORUM_MET",
        "TIME_STAMPED",
        "CASE_MATCHES",
        "LIST_COMPLETE",
        "POLICY_HELD",
        "SHARD_FOLLOWS",
        "SAMPLE_DRAWN",
        "SAMPLE_RECORDED",
    )
)
SIGNED = "signed"
WITNESSED = "witnessed"

_RECEIPT_MEMBERS = {"v", "entry", "index", "size", "proof", "checkpoint", "openings", "paths"}
_KEY_LENGTHS = {1: 32, 4: 32, 6: 1312}
_SIGNATURE_LENGTHS = {1: 64, 4: 72, 6: 2428}
_PATH_BOUND = 64
_ENTRY_VERSIONS = ("entry/1", "entry/0")
_RECEIPT_VERSIONS = ("receipt/1", "receipt/0")
_EVIDENCE_VERSION = "evidence/0"
_EVIDENCE_MEMBERS = {"v", "about", "checkpoint", "entries", "lists", "policies"}
_EVIDENCE_ENTRY = {"index", "entry", "proof", "openings", "asked"}
_TILE = 256
_READ_BOUND = 1 << 26
"""Bytes in any one file that is read; far above what the exchange writes."""

_RECEIPT_NEEDS = frozenset(("CHECKPOINT_SIGNED", "LEAF_INCLUDED"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked."""

    code: str
    name: str = ""
    """The commitment, step or key; empty where there is only one."""
    index: int | None = None
    """The leaf; None where the finding is about no single leaf."""
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.code in GOOD

    def __str__(self) -> str:
        place = "" if self.index is None else f"#{self.index}"
        about = " ".join(held for held in (self.name, place, self.detail) if held)
        return " · ".join(TEXTS[self.code]) + (f" [{about}]" if about else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was proved. Anything that was asked for and not found counts as a no."""

    findings: tuple[Finding, ...]
    needed: frozenset[str] = _RECEIPT_NEEDS
    """Codes without which nothing was proved."""

    @property
    def holds(self) -> bool:
        proved = {finding.code for finding in self.findings}
        return self.needed <= proved and all(finding.holds for finding in self.findings)

    @property
    def state(self) -> str:
        """`signed` or `witnessed`; empty where something does not hold."""
        if not self.holds:
            return ""
        codes = {finding.code for finding in self.findings}
        return WITNESSED if codes & {"CHECKPOINT_WITNESSED", "QUORUM_MET"} else SIGNED

    @property
    def fault(self) -> Finding | None:
        """The first finding that says no; None where all hold."""
        return next((finding for finding in self.findings if not finding.holds), None)


class FaultError(Exception):
    """A check that cannot go on."""

    def __init__(self, code: str, *, name: str = "", detail: str = "") -> None:
        super().__init__(code)
        self.finding = Finding(code=code, name=name, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose word counts: the log's keys, witnesses, the quorum of a policy, time-stamping authorities."""

    vkeys: Sequence[str] = ()
    witnesses: Sequence[str] = ()
    policy: str | None = None
    """Text of a C2SP tlog-policy; None: the log's own signature is enough."""
    tsa_roots: bytes | None = None
    """Root certificates, PEM; None: nothing is asked about time stamps."""


# Receipts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Receipt:
    body: bytes
    digests: Mapping[str, str]
    index: int
    size: int
    proof: Sequence[bytes]
    checkpoint: str
    openings: Mapping[str, Mapping[str, Any]] = field(repr=False)
    paths: Mapping[str, Sequence[str]]


def verify_receipt(
    receipt: bytes | Mapping[str, Any],
    *,
    vkeys: Sequence[str],
    witnesses: Sequence[str] = (),
    policy: str | None = None,
    answer: bytes | None = None,
    request: bytes | None = None,
) -> Report:
    """Check all that a receipt claims; `None` leaves the answer or the request out of the question.

    `receipt` is a receipt or a whole answer that carries one; `answer` is the whole response as
    received, `request` the body as sent; `policy` the text of a tlog-policy whose quorum is needed.
    """
    findings: list[Finding] = []
    try:
        read = _read_receipt(receipt)
        trust = Trust(vkeys=vkeys, witnesses=witnesses, policy=policy)
        findings += _check_checkpoint(read, trust=trust)
        findings += _check_openings(read)
        if request is not None:
            findings.append(_check_request(read, request))
        if answer is not None:
            findings += _check_answer(read, answer)
    except FaultError as fault:
        findings.append(fault.finding)
    return Report(findings=tuple(findings))


def receipt_in(document: bytes) -> Mapping[str, Any] | None:
    """Return the receipt that an answer carries; None where the document is no such answer."""
    try:
        extensions = _json(document).get("extensions")
    except (ValueError, AttributeError, RecursionError):
        return None
    receipt = extensions.get("receipt") if isinstance(extensions, dict) else None
    return receipt if isinstance(receipt, dict) else None


def _read_receipt(received: bytes | Mapping[str, Any]) -> _Receipt:
    try:
        members = received
        if isinstance(members, bytes):
            members = receipt_in(members) or _json(members)
        return _typed_receipt(members)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FaultError("RECEIPT_MALFORMED", detail=_plain(error)) from error


def _typed_receipt(members: Any) -> _Receipt:
    _need(isinstance(members, Mapping) and set(members) == _RECEIPT_MEMBERS, "eight members")
    _need(members["v"] in _RECEIPT_VERSIONS, _RECEIPT_VERSIONS[0])
    body = members["entry"].encode()
    entry = _json(body)
    _need(entry["v"] in _ENTRY_VERSIONS, _ENTRY_VERSIONS[0])
    digests = {str(name): str(digest) for name, digest in entry["digests"].items()}
    index, size = members["index"], members["size"]
    _need(type(index) is int and type(size) is int, "whole numbers for index and size")
    _need(type(members["proof"]) is list, "a list of hashes")
    _need(type(members["checkpoint"]) is str, "a checkpoint")
    openings, paths = members["openings"], members["paths"]
    _need(set(openings) <= set(digests), "openings of what the entry commits to")
    _need(set(paths) <= set(digests), "paths of what the entry commits to")
    for opening in openings.values():
        _need(set(opening) in ({"salt"}, {"salt", "value"}), "a salt, or a salt and a value")
        _need(len(_from_b64url(opening["salt"])) == 16, "salts of 16 bytes")
    for path in paths.values():
        _need(type(path) is list and len(path) <= _PATH_BOUND, "paths of at most 64 names")
        _need(all(type(key) is str for key in path), "paths of names")
    return _Receipt(
        body=body,
        digests=digests,
        index=index,
        size=size,
        proof=[_from_b64(held) for held in members["proof"]],
        checkpoint=members["checkpoint"],
        openings=openings,
        paths=paths,
    )


def _check_checkpoint(receipt: _Receipt, *, trust: Trust) -> list[Finding]:
    opened = _open_checkpoint(receipt.checkpoint, trust)
    if opened.size != receipt.size:
        raise FaultError("RECEIPT_MALFORMED", detail="another size than its checkpoint")
    return [*opened.findings, _check_leaf(receipt, root=opened.root)]


def _check_leaf(receipt: _Receipt, *, root: bytes) -> Finding:
    leaf = sha256(b"\0" + receipt.body).digest()
    index, size = receipt.index, receipt.size
    included = inclusion_root(leaf, index=index, size=size, proof=receipt.proof)
    code = "LEAF_INCLUDED" if included == root else "LEAF_OUTSIDE"
    return Finding(code=code, index=index)


def _check_openings(receipt: _Receipt) -> list[Finding]:
    findings = []
    for name, opening in receipt.openings.items():
        if "value" in opening:
            digest = commitment(opening["salt"], name, opening["value"])
            code = "OPENING_HOLDS" if digest == receipt.digests[name] else "OPENING_DIFFERS"
            findings.append(Finding(code=code, name=name))
    return findings


def _check_request(receipt: _Receipt, request: bytes) -> Finding:
    if "request" not in receipt.openings:
        raise FaultError("REQUEST_NOT_OPENED")
    matches = _commits_to(receipt, "request", request)
    return Finding(code="REQUEST_MATCHES" if matches else "REQUEST_DIFFERS")


def _check_answer(receipt: _Receipt, answer: bytes) -> list[Finding]:
    if "answer" not in receipt.openings:
        raise FaultError("ANSWER_NOT_OPENED")
    try:
        text = answer.decode()
        _json(answer)
        start, end = next((start, end) for key, start, end in _members_at(text, 0) if key == "data")
    except (ValueError, StopIteration, RecursionError) as error:
        raise FaultError("ANSWER_MALFORMED") from error
    whole = _commits_to(receipt, "answer", text[start:end].encode())
    findings = [Finding(code="ANSWER_MATCHES" if whole else "ANSWER_DIFFERS")]
    for name, path in receipt.paths.items():
        if name in receipt.openings:
            matches = _step_matches(receipt, name, text=text, start=start, path=path)
            findings.append(Finding(code="STEP_MATCHES" if matches else "STEP_DIFFERS", name=name))
    return findings


def _step_matches(
    receipt: _Receipt, name: str, *, text: str, start: int, path: Sequence[str]
) -> bool:
    content = "\n".join(text[first:end] for first, end in _spans(text, start, path))
    return _commits_to(receipt, name, content.encode())


def _commits_to(receipt: _Receipt, name: str, content: bytes) -> bool:
    salted = _from_b64url(receipt.openings[name]["salt"]) + content
    return _b64url(sha256(salted).digest()) == receipt.digests[name]


def commitment(salt: str, name: str, value: Any) -> str:
    """Return the digest of a value: SHA-256 of the base64url of the JSON [salt, name, value]."""
    try:
        text = json.dumps(
            _canonical([salt, name, value]), ensure_ascii=False, separators=(",", ":")
        )
        return _b64url(sha256(_b64url(text.encode()).encode()).digest())
    except (ValueError, RecursionError) as error:
        raise FaultError("RECEIPT_MALFORMED", name=name, detail=_plain(error)) from error


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _canonical(value[key]) for key in ordered}
    if isinstance(value, list):
        return [_canonical(held) for held in value]
    _need(not isinstance(value, float), "values without floats")
    _need(not isinstance(value, int) or -(2**53) < value < 2**53, "integers below 2^53")
    return value


# The tree


def inclusion_root(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root to which a proof leads (RFC 9162, 2.1.3.2); None where it has no such form."""
    if not 0 <= index < size or any(len(held) != 32 for held in proof):
        return None
    place, last = index, size - 1
    computed = leaf
    for sibling in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            computed = _node(sibling, computed)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            computed = _node(computed, sibling)
        place >>= 1
        last >>= 1
    return computed if last == 0 else None


def check_entries(
    bodies: Iterable[bytes | None], leaves: Iterable[bytes], *, size: int, root: bytes
) -> list[Finding]:
    """Check stored entries against their leaves and the signed root; name each index that is wrong.

    `None` stands for a body that is not there. An empty list means that all is as it was signed.
    """
    findings: list[Finding] = []
    seen: set[bytes] = set()
    peaks: list[tuple[int, bytes]] = []
    count = 0
    for index, (body, leaf) in enumerate(zip_longest(bodies, leaves)):
        count += 1
        if leaf is None:
            findings.append(Finding(code="LEAF_MISSING", index=index))
            continue
        if body is None:
            findings.append(Finding(code="ENTRY_MISSING", index=index))
        elif sha256(b"\0" + body).digest() != leaf:
            findings.append(Finding(code="ENTRY_DIFFERS", index=index))
        # Each entry has its own random id, so an equal leaf is a copy.
        if leaf in seen:
            findings.append(Finding(code="LEAF_TWICE", index=index))
        seen.add(leaf)
        _push(peaks, leaf)
    if count != size:
        findings.append(Finding(code="SIZE_DIFFERS", detail=f"{count}, {size} signed"))
    if _fold(peaks) != root:
        findings.append(Finding(code="ROOT_DIFFERS"))
    return findings


def check_tiles(leaves: Sequence[bytes], tiles: Iterable[tuple[int, int, bytes]]) -> list[Finding]:
    """Check stored tiles (level, number, hashes) against the leaves; name the first leaf under each fault.

    Together with `check_entries` it tells an edited entry from an edited tile, since each is there twice.
    """
    findings = []
    for level, n, hashes in tiles:
        width = 256**level
        for at in range(0, len(hashes), 32):
            index = (n * 256 + at // 32) * width
            under = leaves[index : index + width]
            peaks: list[tuple[int, bytes]] = []
            for leaf in under:
                _push(peaks, leaf)
            if len(under) != width or _fold(peaks) != hashes[at : at + 32]:
                name = f"tile/{level}/{n}"
                findings.append(Finding(code="TILE_DIFFERS", name=name, index=index))
    return findings


def _push(peaks: list[tuple[int, bytes]], leaf: bytes) -> None:
    height, subtree = 0, leaf
    while peaks and peaks[-1][0] == height:
        subtree = _node(peaks.pop()[1], subtree)
        height += 1
    peaks.append((height, subtree))


def _fold(peaks: Sequence[tuple[int, bytes]]) -> bytes:
    if not peaks:
        return sha256(b"").digest()
    root = peaks[-1][1]
    for _, peak in reversed(peaks[:-1]):
        root = _node(peak, root)
    return root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


# Notes and keys (C2SP signed-note, tlog-checkpoint, tlog-cosignature)


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return sha256(named).digest()[:4]


def _parse_vkey(vkey: str) -> _Key:
    try:
        name, identifier, encoded = vkey.split("+", 2)
        raw = _from_b64(encoded)
        _need(raw[:1] in (b"\1", b"\4", b"\6"), "a key of kind 1, 4 or 6")
        key = _Key(name, raw[0], raw[1:])
        _need(bool(name) and not re.search(r"\s", name), "a name without spaces")
        _need(len(key.public) == _KEY_LENGTHS[key.kind], "a key of its kind's length")
        _need(key.key_id.hex() == identifier, "the key id of this name and key")
    except ValueError as error:
        raise FaultError("KEY_MALFORMED", detail=_plain(error)) from error
    return key


@dataclass(frozen=True, slots=True)
class _Span:
    """A key of the log, and the sizes of the trees that it signs; no `last` is to this day."""

    key: _Key
    first: int = 0
    last: int | None = None

    def covers(self, size: int) -> bool:
        return self.first <= size and (self.last is None or size <= self.last)


def _parse_span(text: str) -> _Span:
    """Read a key alone, or a line of the list of a log's keys: key, first size, last size or `-`."""
    vkey, *sizes = text.split(" ")
    key = _parse_vkey(vkey)
    if not sizes:
        return _Span(key)
    try:
        _need(len(sizes) == 2, "a key, or a key with its first and last size")
        _need(bool(re.fullmatch(r"0|[1-9][0-9]{0,18}", sizes[0])), "a first size")
        _need(bool(re.fullmatch(r"0|[1-9][0-9]{0,18}|-", sizes[1])), "a last size or -")
    except ValueError as error:
        raise FaultError("KEY_MALFORMED", detail=_plain(error)) from error
    return _Span(key, int(sizes[0]), None if sizes[1] == "-" else int(sizes[1]))


def _check_unbroken(spans: Sequence[_Span]) -> None:
    """Refuse keys of one kind between which there are sizes that none of them signs."""
    for kind in (1, 6):
        ordered = sorted((s for s in spans if s.key.kind == kind), key=lambda span: span.first)
        for older, newer in pairwise(ordered):
            if older.last is not None and newer.first > older.last + 1:
                gap = f"no key signs {older.last + 1} to {newer.first - 1}"
                raise FaultError("KEY_MALFORMED", detail=gap)


def _sizes_of(signed: Sequence[_Span]) -> str:
    """Say which sizes the keys do sign that signed another one; empty where none did."""
    return " ".join(f"{s.first}–{'' if s.last is None else s.last}" for s in signed)


def _open_note(note: str, keys: Sequence[_Key]) -> tuple[str, set[_Key]]:
    known = {(key.name, key.key_id): key for key in keys}
    signers = set()
    above, blank, below = note.rpartition("\n\n")
    try:
        _need(bool(blank) and below.endswith("\n"), "signature lines below a blank line")
        _need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), "no control characters")
        for line in below[:-1].split("\n"):
            found = re.fullmatch("\u2014 ([^ ]+) ([^ ]+)", line)
            name, raw = (found[1], _from_b64(found[2])) if found else _refuse("signature lines")
            key = known.get((name, raw[:4]))
            if key:
                _check_signature(key, raw[4:], above + "\n")
                signers.add(key)
    except ValueError as error:
        raise FaultError("RECEIPT_MALFORMED", detail=_plain(error)) from error
    return above + "\n", signers


def _check_signature(key: _Key, signature: bytes, text: str) -> None:
    if len(signature) != _SIGNATURE_LENGTHS[key.kind]:
        raise FaultError("SIGNATURE_FAILS", name=key.name)
    try:
        if key.kind == 1:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
            return
        time = int.from_bytes(signature[:8], "big")
        if key.kind == 4:
            cosigned = f"cosignature/v1\ntime {time}\n{text}".encode()
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[8:], cosigned)
            return
        origin, size, root = _parse_checkpoint(text)
        names = [bytes([len(name.encode())]) + name.encode() for name in (key.name, origin)]
        subtree = b"subtree/v1\n\0" + names[0] + signature[:8] + names[1] + bytes(8)
        subtree += size.to_bytes(8, "big") + root
        MLDSA44PublicKey.from_public_bytes(key.public).verify(signature[8:], subtree)
    except InvalidSignature as error:
        raise FaultError("SIGNATURE_FAILS", name=key.name) from error


def _parse_checkpoint(text: str) -> tuple[str, int, bytes]:
    found = re.fullmatch(r"([^\s+]{1,255})\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n", text)
    try:
        _need(found is not None, "a checkpoint of origin, size and root")
        origin, size, root = found.groups() if found else _refuse("a checkpoint")
        _need(len(_from_b64(root)) == 32, "a root of 32 bytes")
    except ValueError as error:
        raise FaultError("RECEIPT_MALFORMED", detail=_plain(error)) from error
    return origin, int(size), _from_b64(root)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checkpoint:
    """A checkpoint whose signatures were checked, and what they say of it."""

    text: str
    size: int
    root: bytes
    findings: tuple[Finding, ...]


def _open_checkpoint(note: str, trust: Trust) -> _Checkpoint:
    """Check who signed a checkpoint. Raises FaultError unless a trusted key of its own log did."""
    policy = None if trust.policy is None else _parse_policy(trust.policy)
    spans = [_parse_span(vkey) for vkey in trust.vkeys]
    _check_unbroken(spans)
    spans += [_Span(key) for key in (policy.logs if policy else ())]
    logs = [span.key for span in spans]
    cosigners = [_parse_vkey(vkey) for vkey in trust.witnesses]
    witnesses = policy.witnesses if policy else {}
    text, signers = _open_note(note, [*logs, *cosigners, *witnesses.values()])
    origin, size, root = _parse_checkpoint(text)
    signed = [span for span in spans if span.key in signers and span.key.name == origin]
    if not any(span.covers(size) for span in signed if span.key.kind != 4):
        raise FaultError("CHECKPOINT_UNSIGNED", name=origin, detail=_sizes_of(signed))
    findings = [Finding(code="CHECKPOINT_SIGNED", name=origin, detail=f"{size}")]
    # The log is no witness of itself, and a plain signature is no cosignature.
    heard = {key for key in signers if key.kind != 1 and key.name != origin}
    findings += [
        Finding(code="CHECKPOINT_WITNESSED", name=key.name) for key in cosigners if key in heard
    ]
    if policy and policy.quorum != "none":
        cosigned = {name for name, key in witnesses.items() if key in heard}
        met = _meets(policy, policy.quorum, cosigned)
        code = "QUORUM_MET" if met else "QUORUM_MISSING"
        findings.append(Finding(code=code, name=policy.quorum, detail=" ".join(sorted(cosigned))))
    return _Checkpoint(text=text, size=size, root=root, findings=tuple(findings))


# Policies (C2SP tlog-policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    logs: tuple[_Key, ...]
    witnesses: Mapping[str, _Key]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    """How many of which witnesses and groups."""
    quorum: str
    """A witness, a group or `none`."""


def _parse_policy(text: str) -> _Policy:
    logs: list[_Key] = []
    witnesses: dict[str, _Key] = {}
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    quorums: list[str] = []
    try:
        for line in text.split("\n"):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            match words:
                case ["log", vkey] | ["log", vkey, _]:
                    logs.append(_parse_vkey(vkey))
                case ["witness", name, vkey] | ["witness", name, vkey, _]:
                    _need_new(name, witnesses, groups)
                    witnesses[name] = _parse_vkey(vkey)
                case ["group", name, threshold, *members]:
                    _need_new(name, witnesses, groups)
                    known = all(member in witnesses or member in groups for member in members)
                    _need(known and bool(members), "groups of what is named above them")
                    _need(len(set(members)) == len(members), "members that stand once")
                    groups[name] = (_threshold(threshold, len(members)), tuple(members))
                case ["quorum", name]:
                    known = name == "none" or name in witnesses or name in groups
                    _need(known, "a quorum of what is named above it")
                    quorums.append(name)
                case _:
                    _refuse("lines of log, witness, group and quorum")
        _need(len(quorums) == 1, "exactly one quorum")
        _need(len(set(witnesses.values())) == len(witnesses), "one key a witness")
    except ValueError as error:
        raise FaultError("POLICY_MALFORMED", detail=_plain(error)) from error
    return _Policy(logs=tuple(logs), witnesses=witnesses, groups=groups, quorum=quorums[0])


def _need_new(name: str, *named: Mapping[str, Any]) -> None:
    taken = name == "none" or any(name in held for held in named)
    _need(not taken, "names that stand once and are not none")


def _threshold(text: str, members: int) -> int:
    if text in ("any", "all"):
        return 1 if text == "any" else members
    _need(bool(re.fullmatch(r"[1-9][0-9]{0,3}", text)), "any, all or a number")
    _need(int(text) <= members, "a number of at most all members")
    return int(text)


def _meets(policy: _Policy, name: str, cosigned: set[str]) -> bool:
    if name not in policy.groups:
        return name in cosigned
    threshold, members = policy.groups[name]
    return sum(_meets(policy, member, cosigned) for member in members) >= threshold


# JSON as it stands in the file


_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')
_SCALAR = re.compile(r"[^\s,\]}]+")


def _spans(text: str, at: int, path: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Find where the values at a path stand; `*` is every element of a list, a null leads nowhere."""
    if not path:
        yield at, _end(text, at)
    elif path[0] == "*" and text[at] == "[":
        for start in _elements_at(text, at):
            yield from _spans(text, start, path[1:])
    elif text[at] == "{":
        for key, start, _ in _members_at(text, at):
            if key == path[0]:
                yield from _spans(text, start, path[1:])


def _members_at(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Yield key, start and end of each member of the object; the text is known to be JSON."""
    at = _past(text, at)
    _need(text[at] == "{", "an object")
    at = _past(text, at + 1)
    while text[at] != "}":
        key_end = _end(text, at)
        key = json.loads(text[at:key_end])
        start = _past(text, _past(text, key_end) + 1)
        end = _end(text, start)
        yield key, start, end
        at = _past(text, end)
        at = _past(text, at + 1) if text[at] == "," else at


def _elements_at(text: str, at: int) -> Iterator[int]:
    at = _past(text, at + 1)
    while text[at] != "]":
        yield at
        at = _past(text, _end(text, at))
        at = _past(text, at + 1) if text[at] == "," else at


def _past(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _end(text: str, at: int) -> int:
    """Where the value that starts here ends."""
    if text[at] not in "[{":
        scalar = (_STRING if text[at] == '"' else _SCALAR).match(text, at)
        return scalar.end() if scalar else _refuse("a value")
    depth = 0
    for found in _STRUCTURE.finditer(text, at):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if not depth:
            return found.end()
    # Not reached: the text was read as JSON before.
    return _refuse("a closed value")


def _json(data: bytes) -> Any:
    return json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    _need(len(members) == len(pairs), "keys that stand once")
    return members


class _NeededError(ValueError):
    """Its message says what was needed, and nothing of what was found."""


def _need(met: bool, needed: str) -> None:  # noqa: FBT001 -- reads as a sentence at each call
    if not met:
        _refuse(needed)


def _refuse(needed: str) -> NoReturn:
    raise _NeededError(f"needed: {needed}")


def _plain(error: Exception) -> str:
    return str(error) if isinstance(error, _NeededError) else type(error).__name__


def _from_b64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    _need(base64.b64encode(raw).decode() == text, "canonical base64")
    return raw


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_b64url(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    _need(_b64url(raw) == text, "canonical base64url")
    return raw


# Exports (C2SP tlog-tiles)


def verify_export(
    folder: Path,
    *,
    trust: Trust,
    entries: bool = False,
    span: tuple[int, int] | None = None,
    held: Sequence[bytes | Mapping[str, Any]] = (),
    samples: bool = False,
) -> Report:
    """Check an exported log: the checkpoint's signatures and that all tiles are the signed tree.

    `entries` holds every entry against its leaf, or those of the `span` [first, end). `held` are
    receipts: the log must lead to each of their checkpoints and have their entries where they stood.
    `samples` draws each sample of a review again, from the entries as they lie in the export.
    """
    needed = {"CHECKPOINT_SIGNED", "TREE_HOLDS"} | ({"ENTRIES_HOLD"} if entries else set())
    needed |= {"SAMPLE_DRAWN"} if samples else set()
    findings: list[Finding] = []
    try:
        opened = _open_checkpoint(_text_in(folder, "checkpoint"), trust)
        findings += opened.findings
        receipts = [_read_receipt(receipt) for receipt in held]
        findings += _check_export(folder, opened, trust=trust, receipts=receipts)
        if entries:
            findings += _check_bundles(folder, opened.size, span or (0, opened.size))
        if samples:
            findings += _check_samples(folder, opened.size)
    except FaultError as fault:
        findings.append(fault.finding)
    return Report(findings=tuple(findings), needed=frozenset(needed))


def _check_export(
    folder: Path, opened: _Checkpoint, *, trust: Trust, receipts: Sequence[_Receipt]
) -> Iterator[Finding]:
    leaves: list[bytes] = []
    found: list[Finding] = []
    for level, n, width in _tiles_of(opened.size):
        tile = _tile_in(folder, level, n, width)
        if tile is None:
            index = n * _TILE ** (level + 1)
            found.append(
                Finding(code="TILE_MISSING", name=_tile_name(level, n, width), index=index)
            )
        elif level:
            found += check_tiles(leaves, [(level, n, tile)])
        if level == 0:
            # A missing leaf is told as such, and as a tree that does not lead to its root.
            tile = tile or bytes(32 * width)
            leaves += [tile[at : at + 32] for at in range(0, len(tile), 32)]
    notes = _notes_in(folder)
    wanted = {opened.size, *(receipt.size for receipt in receipts), *notes}
    roots = _roots_at(leaves, wanted)
    found += _check_leaves(leaves, root=roots[opened.size], signed=opened.root)
    yield from found
    if not found:
        yield Finding(code="TREE_HOLDS", detail=f"{opened.size}")
    for receipt in receipts:
        yield from _check_past(receipt, leaves, roots=roots, trust=trust)
    if trust.tsa_roots is not None:
        yield from _check_stamps(folder, notes, roots=roots, trust=trust)


def _check_leaves(leaves: Sequence[bytes], *, root: bytes, signed: bytes) -> Iterator[Finding]:
    seen: dict[bytes, int] = {}
    for index, leaf in enumerate(leaves):
        if seen.setdefault(leaf, index) != index and any(leaf):
            yield Finding(code="LEAF_TWICE", index=index, detail=f"#{seen[leaf]}")
    if root != signed:
        yield Finding(code="ROOT_DIFFERS")


def _check_past(
    receipt: _Receipt, leaves: Sequence[bytes], *, roots: Mapping[int, bytes], trust: Trust
) -> Iterator[Finding]:
    """Hold the log against what a receipt proves of it: nothing may be gone, changed or moved since."""
    index = receipt.index
    past = _open_checkpoint(receipt.checkpoint, trust)
    leaf = _check_leaf(receipt, root=past.root)
    if not leaf.holds:
        yield leaf
        return
    if index >= len(leaves) or leaves[index] != sha256(b"\0" + receipt.body).digest():
        yield Finding(code="ENTRY_GONE", index=index)
    yield _past_finding(past, roots, size=len(leaves))


def _past_finding(past: _Checkpoint, roots: Mapping[int, bytes], *, size: int) -> Finding:
    if past.size > size:
        return Finding(code="LOG_SHORTER", detail=f"{size}, {past.size} signed")
    code = "PAST_HELD" if roots[past.size] == past.root else "PAST_DIFFERS"
    return Finding(code=code, detail=f"{past.size}")


def _roots_at(leaves: Sequence[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """Return the root that the log had at each of these sizes, as far as it reaches."""
    wanted = set(sizes)
    peaks: list[tuple[int, bytes]] = []
    roots = {0: _fold(peaks)}
    for size, leaf in enumerate(leaves, 1):
        _push(peaks, leaf)
        if size in wanted:
            roots[size] = _fold(peaks)
    return roots


def _check_bundles(folder: Path, size: int, span: tuple[int, int]) -> Iterator[Finding]:
    """Hold the entries of a span against their leaves."""
    first, end = span[0], min(span[1], size)
    if not 0 <= first < end and size:
        raise FaultError("EXPORT_MALFORMED", detail=f"no entries {first} to {span[1]} of {size}")
    sound = True
    for n in range(first // _TILE, -(-end // _TILE)):
        width = min(_TILE, size - n * _TILE)
        bodies = _bundle_in(folder, n, width)
        tile = _tile_in(folder, 0, n, width) or b""
        for index in range(max(first, n * _TILE), min(end, n * _TILE + width)):
            place = index % _TILE
            body = bodies[place] if place < len(bodies) else None
            leaf = tile[place * 32 : place * 32 + 32]
            if body is None or sha256(b"\0" + body).digest() != leaf:
                sound = False
                code = "ENTRY_MISSING" if body is None else "ENTRY_DIFFERS"
                yield Finding(code=code, index=index)
    if sound:
        yield Finding(code="ENTRIES_HOLD", detail=f"{first}–{end - 1}" if end else "0")


def _tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Name every tile that a tree of this size has: level, number and width; lowest level first."""
    level = 0
    while width := size >> 8 * level:
        for n in range(-(-width // _TILE)):
            yield level, n, min(_TILE, width - n * _TILE)
        level += 1


def _tile_name(level: int | str, n: int, width: int) -> str:
    number = f"{n % 1000:03d}"
    while n := n // 1000:
        number = f"x{n % 1000:03d}/{number}"
    return f"tile/{level}/{number}" + ("" if width == _TILE else f".p/{width}")


def _tile_in(folder: Path, level: int, n: int, width: int) -> bytes | None:
    """Return a tile's hashes; the full one serves where the partial one is gone (tlog-tiles)."""
    for wanted in dict.fromkeys((width, _TILE)):
        held = _file_in(folder, _tile_name(level, n, wanted))
        if held is not None and len(held) == 32 * wanted:
            return held[: 32 * width]
    return None


def _bundle_in(folder: Path, n: int, width: int) -> list[bytes]:
    """Return a bundle's entries as far as they can be read; each stands behind its length."""
    bodies: list[bytes] = []
    for wanted in dict.fromkeys((width, _TILE)):
        held = _file_in(folder, _tile_name("entries", n, wanted))
        if held is None:
            continue
        held, at = _unpacked(held), 0
        while at + 2 <= len(held) and len(bodies) < width:
            end = at + 2 + int.from_bytes(held[at : at + 2], "big")
            if end > len(held):
                break
            bodies.append(held[at + 2 : end])
            at = end
        break
    return bodies


def _notes_in(folder: Path) -> dict[int, str]:
    """Return the checkpoints that an export keeps with time stamps, by size."""
    notes = {}
    for path in sorted((folder / "checkpoints").glob("*")):
        if re.fullmatch(r"0|[1-9][0-9]{0,18}", path.name):
            notes[int(path.name)] = _text_in(folder, f"checkpoints/{path.name}")
    return notes


def _text_in(folder: Path, name: str) -> str:
    held = _file_in(folder, name)
    try:
        _need(held is not None, name)
        return (held or b"").decode()
    except ValueError as error:
        raise FaultError("EXPORT_MALFORMED", name=name, detail=_plain(error)) from error


def _file_in(folder: Path, name: str) -> bytes | None:
    path = folder / name
    if not path.is_file() or path.stat().st_size > _READ_BOUND:
        return None
    return path.read_bytes()


def _unpacked(held: bytes) -> bytes:
    """Return an entry bundle as it was before gzip; an entry begins with a brace, so none looks packed."""
    if held[:3] != b"\x1f\x8b\x08":
        return held
    try:
        return zlib.decompressobj(wbits=31).decompress(held, _READ_BOUND)
    except zlib.error:
        return b""


# Shards


def verify_shards(folders: Sequence[Path], *, trust: Trust, entries: bool = False) -> Report:
    """Check exported shards, the oldest first: each by itself, and that each follows the one before.

    The first is checked under the keys given; of a later one the keys count that are given or that the last
    entry before it names. The exports must hold entries: the two that make a link are read.
    """
    findings: list[Finding] = []
    needed = {"CHECKPOINT_SIGNED", "TREE_HOLDS"} | (
        {"SHARD_FOLLOWS"} if len(folders) > 1 else set()
    )
    older: _Shard | None = None
    try:
        for folder in folders:
            shard = _read_shard(folder, trust=trust, older=older)
            report = verify_export(folder, trust=shard.trust, entries=entries)
            findings += report.findings
            needed |= report.needed
            if older is not None:
                findings.append(_link(older, shard))
            older = shard
    except FaultError as fault:
        findings.append(fault.finding)
    return Report(findings=tuple(findings), needed=frozenset(needed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shard:
    origin: str
    size: int
    root: bytes
    before: int
    """Entries of all shards before it, as its first entry says."""
    first: Mapping[str, Any]
    last: Mapping[str, Any]
    trust: Trust
    """The keys of this shard alone."""
    named: Sequence[str]
    """Keys that its last entry names for the shard after it."""


def _read_shard(folder: Path, *, trust: Trust, older: _Shard | None) -> _Shard:
    note = _text_in(folder, "checkpoint")
    origin = note.partition("\n")[0]
    given = [vkey for vkey in trust.vkeys if vkey.split("+", 1)[0] == origin]
    if not given and older is not None:
        given = [vkey for vkey in older.named if vkey.split("+", 1)[0] == origin]
    own = replace(trust, vkeys=given)
    opened = _open_checkpoint(note, own)
    first, last = (_entry_in(folder, at, opened.size) for at in (0, opened.size - 1))
    try:
        before = first["facts"]["before"] if first.get("kind") == "shard-open" else 0
        named = last["facts"]["next"]["keys"] if last.get("kind") == "shard-freeze" else []
        _need(type(before) is int and before >= 0, "how many entries were before")
        _need(all(isinstance(vkey, str) for vkey in named), "keys of the shard that follows")
    except (KeyError, TypeError, ValueError) as error:
        raise FaultError("EXPORT_MALFORMED", name=origin, detail=_plain(error)) from error
    return _Shard(
        origin=origin,
        size=opened.size,
        root=opened.root,
        before=before,
        first=first,
        last=last,
        trust=own,
        named=named,
    )


def _entry_in(folder: Path, index: int, size: int) -> Mapping[str, Any]:
    """Read an entry of an export that is the leaf which its tile says."""
    n, place = divmod(index, _TILE)
    width = min(_TILE, size - n * _TILE)
    bodies = _bundle_in(folder, n, width) if index >= 0 else []
    if place >= len(bodies):
        raise FaultError("ENTRY_MISSING", name="", detail=f"#{index}")
    tile = _tile_in(folder, 0, n, width) or b""
    if sha256(b"\0" + bodies[place]).digest() != tile[place * 32 : place * 32 + 32]:
        raise FaultError("ENTRY_DIFFERS", detail=f"#{index}")
    try:
        members = _json(bodies[place])
        _need(isinstance(members, dict), "an entry")
    except ValueError as error:
        raise FaultError("EXPORT_MALFORMED", detail=f"#{index}: {_plain(error)}") from error
    return dict(members)


def _link(older: _Shard, shard: _Shard) -> Finding:
    """Hold the end of one shard and the beginning of the next together."""
    named = f"{older.origin} → {shard.origin}"
    facts = shard.first.get("facts")
    note = facts.get("previous") if isinstance(facts, dict) else None
    if shard.first.get("kind") != "shard-open" or not isinstance(note, str):
        return Finding(code="SHARD_GAP", name=named)
    if note.partition("\n")[0] != older.origin:
        return Finding(code="SHARD_GAP", name=named, detail=note.partition("\n")[0])
    final = _open_checkpoint(note, older.trust)
    if older.size > final.size:
        return Finding(code="SHARD_GREW", name=named, detail=f"{older.size}, {final.size} frozen")
    if (older.size, older.root) != (final.size, final.root):
        return Finding(
            code="SHARD_DIFFERS", name=named, detail=f"{older.size}, {final.size} frozen"
        )
    if shard.before != older.before + older.size:
        return Finding(code="SHARD_GAP", name=named, detail=f"{shard.before} entries before")
    if not set(older.named) & {vkey.split(" ")[0] for vkey in shard.trust.vkeys}:
        return Finding(code="SHARD_UNNAMED", name=named)
    return Finding(code="SHARD_FOLLOWS", name=named, detail=f"{final.size}")


# Evidence


def verify_evidence(files: Mapping[str, bytes], *, trust: Trust) -> Report:
    """Check an evidence bundle: every entry and opening, and that the lists it claims are complete."""
    needed = {"CHECKPOINT_SIGNED"}
    findings: list[Finding] = []
    try:
        evidence = _read_evidence(files)
        opened = _open_checkpoint(evidence["checkpoint"], trust)
        findings += opened.findings
        receipts = [_evidence_entry(entry, opened) for entry in evidence["entries"]]
        for receipt in receipts:
            findings.append(_check_leaf(receipt, root=opened.root))
            findings += _check_openings(receipt)
        findings += _check_case(evidence, receipts)
        findings += _check_reviewed(evidence, receipts)
        findings += [
            _check_list(each["counter"], each["first"], each["last"], receipts)
            for each in evidence["lists"]
        ]
        findings += _check_policies(files, evidence["policies"], receipts)
        if trust.tsa_roots is not None:
            findings.append(_check_stamp(files.get("checkpoint.tst"), opened, trust=trust))
    except FaultError as fault:
        findings.append(fault.finding)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        findings.append(Finding(code="EVIDENCE_MALFORMED", detail=_plain(error)))
    return Report(findings=tuple(findings), needed=frozenset(needed))


def evidence_in(path: Path) -> Mapping[str, bytes] | None:
    """Return the files of a bundle, packed or unpacked; None where the path leads to none."""
    if path.is_dir():
        return {
            held.relative_to(path).as_posix(): held.read_bytes()
            for held in sorted(path.rglob("*"))
            if held.is_file() and held.stat().st_size <= _READ_BOUND
        }
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as packed:
        return {
            held.filename: packed.read(held)
            for held in packed.infolist()
            if held.file_size <= _READ_BOUND
        }


def _read_evidence(files: Mapping[str, bytes]) -> Any:
    _need("evidence.json" in files, "evidence.json")
    evidence = _json(files["evidence.json"])
    _need(evidence["v"] == _EVIDENCE_VERSION, _EVIDENCE_VERSION)
    _need(set(evidence) == _EVIDENCE_MEMBERS, "six members")
    for entry in evidence["entries"]:
        _need(set(entry) == _EVIDENCE_ENTRY, "entries of five members")
    return evidence


def _evidence_entry(entry: Mapping[str, Any], opened: _Checkpoint) -> _Receipt:
    """Read one entry as the receipt that it would be under the bundle's checkpoint."""
    return _typed_receipt(
        {
            "v": _RECEIPT_VERSIONS[0],
            **{name: entry[name] for name in ("entry", "index", "proof", "openings")},
            "size": opened.size,
            "checkpoint": "",
            "paths": {},
        }
    )


def _check_case(evidence: Mapping[str, Any], receipts: Sequence[_Receipt]) -> Iterator[Finding]:
    """Check that what is said to be of the case commits to its number; nothing is claimed of the rest."""
    case = evidence["about"].get("case")
    if case is None:
        return
    for entry, receipt in zip(evidence["entries"], receipts, strict=True):
        if entry["asked"]:
            opening = receipt.openings.get("case", {})
            code = "CASE_MATCHES" if opening.get("value") == case else "CASE_DIFFERS"
            yield Finding(code=code, index=receipt.index)


def _check_list(counter: str, first: int, last: int, receipts: Sequence[_Receipt]) -> Finding:
    """Check that a counter's numbers from first to last are all there, once each, in the log's order."""
    name = f"n.{counter}"
    numbers = []
    for receipt in sorted(receipts, key=lambda each: each.index):
        if name in receipt.digests:
            number = receipt.openings.get(name, {}).get("value")
            if type(number) is not int:
                return Finding(code="LIST_GAP", name=counter, index=receipt.index)
            numbers.append(number)
    for wanted, found in zip_longest(range(first, last + 1), numbers):
        if wanted != found:
            return Finding(code="LIST_GAP", name=counter, detail=f"{wanted}, {found} found")
    return Finding(code="LIST_COMPLETE", name=counter, detail=f"{first}–{last}")


def _check_policies(
    files: Mapping[str, bytes], listed: Mapping[str, str], receipts: Sequence[_Receipt]
) -> Iterator[Finding]:
    """Check that the policy of each decided entry is enclosed, as the bundle lists it."""
    for revision, digest in sorted(listed.items()):
        archive = files.get(f"policy/{digest}.tar.gz")
        held = archive is not None and sha256(archive).hexdigest() == digest
        yield Finding(code="POLICY_HELD" if held else "POLICY_MISSING", name=revision)
    for receipt in receipts:
        revision = _json(receipt.body).get("policy")
        if revision and revision not in listed:
            yield Finding(code="POLICY_MISSING", name=revision, index=receipt.index)


# Samples of reviews (`sample/1`)

_CALL = "call"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class _Sample:
    """A sample as its entry says it, and as far as it was drawn again."""

    index: int
    """Of the entry that records it."""
    facts: Mapping[str, Any]
    scope: Mapping[str, Any]
    """The facts of the entry that opened its review."""
    turn: int
    """Which of the review's draws it is, from 1."""
    since: int
    until: int
    population: int = 0
    digest: Any = field(default_factory=sha256)
    lowest: list[tuple[int, int]] = field(default_factory=list)
    """The entries of the lowest ranks so far, the highest of them first: (-rank, -index)."""

    def meet(self, index: int, leaf: bytes, members: Mapping[str, Any]) -> None:
        """Draw from one more entry; they come in order."""
        if index >= self.facts["size"] or not self._covers(members):
            return
        self.population += 1
        self.digest.update(leaf)
        line = f"exchange sample/1\n{self.facts['seed']}\n".encode()
        ranked = (-int.from_bytes(sha256(line + leaf).digest()), -index)
        if len(self.lowest) < self.facts["count"]:
            heappush(self.lowest, ranked)
        else:
            heappushpop(self.lowest, ranked)

    def _covers(self, members: Mapping[str, Any]) -> bool:
        """Whether an entry is a call of the scope: all bounds hold together for one of its steps."""
        if members["kind"] != _CALL or not self.since <= members["ts"] < self.until:
            return False
        whole = members.get("facts") or {}
        consumer = members.get("consumer") or members.get("department")
        for step in members.get("steps") or [whole]:
            said = {
                "systems": {members.get("system") or whole.get("system") or ""},
                "matters": {members.get("matter") or whole.get("matter") or ""},
                "resources": {step.get("resource") or ""},
                "departments": {consumer or "", step.get("provider") or ""},
            }
            if all(not self.scope[name] or said[name] & {*self.scope[name]} for name in said):
                return True
        return False

    def finding(self) -> Finding:
        drawn = sorted(-index for _, index in self.lowest)
        again = (drawn, self.population, self.digest.hexdigest())
        kept = tuple(self.facts[name] for name in ("drawn", "population", "digest"))
        # Entries only commit to cases and subjects: a scope of these has no sample.
        bounded = self.scope["cases"] == self.scope["subjects"] == 0
        early = self.facts["size"] <= self.index
        return Finding(
            code="SAMPLE_DRAWN" if bounded and early and again == kept else "SAMPLE_DIFFERS",
            name=str(self.facts["review"]),
            index=self.index,
            detail=f"{len(drawn)} / {self.population}, draw {self.turn}",
        )


def _check_samples(folder: Path, size: int) -> Iterator[Finding]:
    """Draw every recorded sample again, with nothing of the exchange but what the log says."""
    opened: dict[str, Mapping[str, Any]] = {}
    samples: list[_Sample] = []
    try:
        for index, _, members in _entries_in(folder, size):
            facts = members.get("facts")
            if members["kind"] == "review.opened" and isinstance(facts, dict):
                # The first counts: a scope is not changed once it was confirmed.
                opened.setdefault(facts["review"], facts)
            elif members["kind"] == "review.sampled" and isinstance(facts, dict):
                scope = opened.get(facts["review"])
                if scope is None:
                    yield Finding(code="SAMPLE_DIFFERS", name=str(facts["review"]), index=index)
                    continue
                drawn = sum(one.facts["review"] == facts["review"] for one in samples)
                samples.append(
                    _Sample(
                        index=index,
                        facts=facts,
                        scope=scope,
                        turn=drawn + 1,
                        since=_epoch_ms(scope["since"]),
                        until=_epoch_ms(scope["until"]),
                    )
                )
        for index, leaf, members in _entries_in(folder, size) if samples else ():
            for sample in samples:
                sample.meet(index, leaf, members)
        yield from (sample.finding() for sample in samples)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FaultError("EXPORT_MALFORMED", detail=_plain(error)) from error


def _entries_in(folder: Path, size: int) -> Iterator[tuple[int, bytes, Any]]:
    """Yield index, leaf hash and members of every entry of an export."""
    for n in range(-(-size // _TILE)):
        width = min(_TILE, size - n * _TILE)
        bodies = _bundle_in(folder, n, width)
        if len(bodies) < width:
            raise FaultError("ENTRY_MISSING", detail=f"#{n * _TILE + len(bodies)}")
        for index, body in enumerate(bodies, n * _TILE):
            yield index, sha256(b"\0" + body).digest(), _json(body)


def _epoch_ms(moment: str) -> int:
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(milliseconds=1)


def _check_reviewed(evidence: Mapping[str, Any], receipts: Sequence[_Receipt]) -> Iterator[Finding]:
    """Check that each sample of a report is the recorded one, and that all that was drawn is enclosed."""
    review = evidence["about"].get("review")
    if review is None:
        return
    proven = {receipt.index: _json(receipt.body) for receipt in receipts}
    for sample in review["samples"]:
        recorded = proven.get(sample["entry"], {})
        facts = recorded.get("facts") or {}
        names = ("review", "seed", "count", "size", "population", "digest", "drawn")
        same = recorded.get("kind") == "review.sampled" and all(
            facts.get(name) == sample[name] for name in names
        )
        whole = {*sample["drawn"]} <= {
            entry["index"] for entry in evidence["entries"] if entry["asked"]
        }
        yield Finding(
            code="SAMPLE_RECORDED" if same and whole else "SAMPLE_DIFFERS",
            name=str(sample["review"]),
            index=sample["entry"],
        )


# Time stamps (RFC 3161, in the CMS of RFC 5652)

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE = bytes.fromhex("2a864886f70d010910022f")
_HASHES: Mapping[bytes, HashAlgorithm] = {
    bytes.fromhex("608648016503040201"): SHA256(),
    bytes.fromhex("608648016503040202"): SHA384(),
    bytes.fromhex("608648016503040203"): SHA512(),
}
_CHAIN = 4
"""Certificates between the authority's own and a root."""


def _check_stamps(
    folder: Path, notes: Mapping[int, str], *, roots: Mapping[int, bytes], trust: Trust
) -> Iterator[Finding]:
    """Check each stamped checkpoint of an export, and that the log leads to it."""
    if not notes:
        yield Finding(code="STAMP_MISSING")
    for size, note in notes.items():
        opened = _open_checkpoint(note, trust)
        if opened.size != size:
            raise FaultError("EXPORT_MALFORMED", name=f"checkpoints/{size}")
        yield _past_finding(opened, roots, size=max(roots))
        yield _check_stamp(_file_in(folder, f"checkpoints/{size}.tst"), opened, trust=trust)


def _check_stamp(token: bytes | None, opened: _Checkpoint, *, trust: Trust) -> Finding:
    if token is None:
        return Finding(code="STAMP_MISSING")
    try:
        moment = stamped_at(token, opened.text.encode(), roots=trust.tsa_roots or b"")
    except FaultError as fault:
        return fault.finding
    return Finding(code="TIME_STAMPED", name=moment.isoformat(), detail=f"{opened.size}")


def stamped_at(token: bytes, content: bytes, *, roots: bytes) -> datetime:
    """Return when a time-stamping authority saw this content. Raises FaultError STAMP_FAILS.

    `token` is a TimeStampToken (RFC 3161, 2.4.2) that encloses its certificates; `roots` are PEM.
    """
    try:
        info, signer, certificates = _open_token(token)
        _, _, imprint, _, moment, *_ = _der(_der(info)[0].content)
        algorithm, digest = _der(imprint.content)
        _need(digest.content == _digest_by(algorithm, content), "a stamp of this very checkpoint")
        found = re.fullmatch(rb"([0-9]{14})(?:\.[0-9]+)?Z", moment.content)
        at = datetime.strptime(found[1].decode() if found else "", "%Y%m%d%H%M%S").replace(
            tzinfo=UTC
        )
        own = _signer_certificate(signer, certificates, info)
        usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        only = list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
        # RFC 3161, 2.3: the key stamps time and does nothing else.
        _need(only and usage.critical, "a certificate for time-stamping alone")
        _check_chain(own, certificates, x509.load_pem_x509_certificates(roots), at=at)
    except (
        ValueError,
        LookupError,
        StopIteration,
        TypeError,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
    ) as error:
        raise FaultError("STAMP_FAILS", detail=_plain(error)) from error
    return at


def _open_token(token: bytes) -> tuple[bytes, list["_Der"], list[x509.Certificate]]:
    """Return the stamped information, its one signer and the enclosed certificates."""
    kind, wrapped = _der(_der(token)[0].content)
    _need(kind.content == _SIGNED_DATA, "signed data")
    _, _, enclosed, *rest = _der(_der(wrapped.content)[0].content)
    kind, wrapped = _der(enclosed.content)
    _need(kind.content == _TST_INFO, "a time stamp's information")
    signers = _der(rest[-1].content)
    _need(len(signers) == 1, "one signer")
    certificates = [
        x509.load_der_x509_certificate(each.whole)
        for part in rest[:-1]
        if part.tag == 0xA0
        for each in _der(part.content)
    ]
    return _der(wrapped.content)[0].content, _der(signers[0].content), certificates


def _signer_certificate(
    signer: Sequence["_Der"], certificates: Sequence[x509.Certificate], info: bytes
) -> x509.Certificate:
    """Return the certificate whose key signed; the attributes must name the information and it."""
    _, identified, algorithm, attributes, _, signature, *_ = signer
    issuer, serial = _der(identified.content)
    own = next(
        held
        for held in certificates
        if held.issuer.public_bytes() == issuer.whole
        and held.serial_number == int.from_bytes(serial.content, "big")
    )
    _need(attributes.tag == 0xA0, "signed attributes")
    signed = {}
    for attribute in _der(attributes.content):
        name, values = _der(attribute.content)
        signed[name.content] = _der(values.content)[0]
    _need(signed[_CONTENT_TYPE].content == _TST_INFO, "a signed content type")
    digest = _digest_by(algorithm, info)
    _need(signed[_MESSAGE_DIGEST].content == digest, "a signature over this information")
    if _SIGNING_CERTIFICATE in signed:
        _need(_names(signed[_SIGNING_CERTIFICATE], own), "a signature that names its certificate")
    # RFC 5652, 5.4: what is signed is the attributes as an explicit set.
    message = b"\x31" + attributes.whole[1:]
    _check_signed(own, signature.content, message, _HASHES[_der(algorithm.content)[0].content])
    return own


def _names(attribute: "_Der", own: x509.Certificate) -> bool:
    """Whether a signing-certificate attribute (RFC 5035) names this certificate."""
    first = _der(_der(_der(attribute.content)[0].content)[0].content)
    named = next(each.content for each in first if each.tag == 0x04)
    algorithm = _HASHES[_der(first[0].content)[0].content] if first[0].tag == 0x30 else SHA256()
    return own.fingerprint(algorithm) == named


def _check_signed(
    own: x509.Certificate, signature: bytes, message: bytes, algorithm: HashAlgorithm
) -> None:
    key = own.public_key()
    match key:
        case RSAPublicKey():
            key.verify(signature, message, PKCS1v15(), algorithm)
        case EllipticCurvePublicKey():
            key.verify(signature, message, ECDSA(algorithm))
        case Ed25519PublicKey():
            key.verify(signature, message)
        case _:
            _refuse("an RSA, elliptic-curve or Ed25519 key")


def _check_chain(
    own: x509.Certificate,
    certificates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    *,
    at: datetime,
) -> None:
    """Follow the issuers up to a given root; each must have been valid when the stamp was made."""
    current = own
    for _ in range(_CHAIN):
        valid = current.not_valid_before_utc <= at <= current.not_valid_after_utc
        _need(valid, "certificates that were valid then")
        if any(_issued(current, root) for root in roots):
            return
        current = next(
            held
            for held in certificates
            if held != current and _issued(current, held) and _is_ca(held)
        )
    _refuse("a chain up to a given root")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def _digest_by(algorithm: "_Der", content: bytes) -> bytes:
    named = _der(algorithm.content)[0].content
    _need(named in _HASHES, "SHA-256, SHA-384 or SHA-512")
    return hashlib.new(_HASHES[named].name, content).digest()


@dataclass(frozen=True, slots=True)
class _Der:
    tag: int
    whole: bytes
    content: bytes


def _der(data: bytes) -> list[_Der]:
    """Split DER (X.690) into its elements, one beside the other."""
    elements = []
    at = 0
    while at < len(data):
        _need(at + 2 <= len(data), "an element's tag and length")
        start, length = at + 2, data[at + 1]
        if length & 0x80:
            start += length & 0x7F
            _need(0x80 < length <= 0x84, "a definite length")
            length = int.from_bytes(data[at + 2 : start], "big")
        _need(start + length <= len(data), "a whole element")
        elements.append(_Der(data[at], data[at : start + length], data[start : start + length]))
        at = start + length
    return elements


# The command


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what is named; return 0 for yes and 1 for no."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.vkey and not options.policy and not options.keys:
        parser.error("--vkey, --keys or --policy: whose signature is to count?")
    try:
        listed = options.keys.read_text(encoding="utf-8").splitlines() if options.keys else []
        trust = Trust(
            vkeys=[*options.vkey, *listed],
            witnesses=options.witness,
            policy=options.policy.read_text(encoding="utf-8") if options.policy else None,
            tsa_roots=options.tsa_root.read_bytes() if options.tsa_root else None,
        )
        report = _checked(options, trust, parser)
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"{type(error).__name__}: {getattr(error, 'filename', '') or ''}")
    sys.stdout.write(_as_json(report) if options.json else _as_lines(report))
    return 0 if report.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Checks receipts, exports and evidence bundles of the exchange."
    )
    parser.add_argument(
        "receipt", type=Path, nargs="*", help="receipt, answer that carries one, or evidence bundle"
    )
    parser.add_argument("--vkey", action="append", default=[], help="key of the log (repeatable)")
    parser.add_argument("--keys", type=Path, help="the log's list of keys and the sizes they sign")
    parser.add_argument("--witness", action="append", default=[], help="key of a witness you trust")
    parser.add_argument("--policy", type=Path, help="C2SP tlog-policy: keys, and the quorum needed")
    parser.add_argument("--tsa-root", type=Path, help="root of a time-stamping authority, PEM")
    parser.add_argument("--answer", type=Path, help="the answer as received")
    parser.add_argument("--request", type=Path, help="the request body as sent")
    parser.add_argument("--public", type=Path, help="an exported log: check tree and signatures")
    parser.add_argument("--entries", type=Path, help="an exported log: check its entries, too")
    parser.add_argument(
        "--after",
        type=Path,
        action="append",
        default=[],
        help="an exported older shard (repeatable)",
    )
    parser.add_argument(
        "--samples", action="store_true", help="draw the samples of reviews again (with --entries)"
    )
    parser.add_argument("--first", type=int, help="first entry of a range")
    parser.add_argument("--end", type=int, help="first entry after the range")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _checked(options: argparse.Namespace, trust: Trust, parser: argparse.ArgumentParser) -> Report:
    named = options.receipt
    folder = options.entries or options.public
    if options.samples and (not options.entries or options.after):
        parser.error("--samples goes with --entries, for one export: a review lies in one shard")
    if folder and options.after:
        return verify_shards(
            [*options.after, folder], trust=trust, entries=options.entries is not None
        )
    if folder:
        ranged = options.first is not None or options.end is not None
        end = sys.maxsize if options.end is None else options.end
        return verify_export(
            folder,
            trust=trust,
            entries=options.entries is not None,
            span=(options.first or 0, end) if ranged else None,
            held=[path.read_bytes() for path in named],
            samples=options.samples,
        )
    if len(named) != 1:
        parser.error("one receipt or evidence bundle, or --public or --entries with an export")
    evidence = evidence_in(named[0])
    if evidence is not None:
        return verify_evidence(evidence, trust=trust)
    receipt = named[0].read_bytes()
    # An answer that carries its receipt is checked against it without being named twice.
    whole = receipt if receipt_in(receipt) else None
    return verify_receipt(
        receipt,
        vkeys=trust.vkeys,
        witnesses=trust.witnesses,
        policy=trust.policy,
        answer=options.answer.read_bytes() if options.answer else whole,
        request=options.request.read_bytes() if options.request else None,
    )


def _as_json(report: Report) -> str:
    findings = [
        {
            "code": finding.code,
            "holds": finding.holds,
            "name": finding.name,
            "index": finding.index,
            "detail": finding.detail,
            "zh": TEXTS[finding.code][0],
            "en": TEXTS[finding.code][1],
        }
        for finding in report.findings
    ]
    members = {"holds": report.holds, "state": report.state, "findings": findings}
    return json.dumps(members, ensure_ascii=False, indent=2) + "\n"


def _as_lines(report: Report) -> str:
    verdicts = {
        "": "否 · No",
        SIGNED: "是,已签名,未经见证 · Yes: signed, not witnessed",
        WITNESSED: "是,已签名并经见证 · Yes: signed and witnessed",
    }
    lines = [f"{'✓' if finding.holds else '✗'} {finding}" for finding in report.findings]
    return "\n".join([*lines, verdicts[report.state]]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
