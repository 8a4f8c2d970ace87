"""Checks receipts and stored logs without the exchange: this file, Python and `cryptography` suffice.

    python verify.py ANSWER.json --vkey KEY            an answer that carries its receipt
    python verify.py RECEIPT.json --answer ANSWER.json --request BODY --vkey KEY [--witness KEY]

It imports nothing of the exchange and repeats its arithmetic on purpose: whoever doubts the operator
reads one file. A receipt is *signed* when the log's key signed its checkpoint, *witnessed* when a
witness given by the reader cosigned it. The exit status is 1 when the answer is no.
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

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
    )
)
SIGNED = "signed"
WITNESSED = "witnessed"

_RECEIPT_MEMBERS = {"v", "entry", "index", "size", "proof", "checkpoint", "openings", "paths"}
_KEY_LENGTHS = {1: 32, 4: 32, 6: 1312}
_SIGNATURE_LENGTHS = {1: 64, 4: 72, 6: 2428}
_PATH_BOUND = 64
_ENTRY_VERSION = "entry/0"
_RECEIPT_VERSION = "receipt/0"


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
    """What a receipt proves. Anything that was asked for and not found counts as a no."""

    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        proved = {finding.code for finding in self.findings}
        needed = {"CHECKPOINT_SIGNED", "LEAF_INCLUDED"}
        return needed <= proved and all(finding.holds for finding in self.findings)

    @property
    def state(self) -> str:
        """`signed` or `witnessed`; empty where the receipt does not hold."""
        if not self.holds:
            return ""
        codes = {finding.code for finding in self.findings}
        return WITNESSED if "CHECKPOINT_WITNESSED" in codes else SIGNED

    @property
    def fault(self) -> Finding | None:
        """The first finding that says no; None where all hold."""
        return next((finding for finding in self.findings if not finding.holds), None)


class FaultError(Exception):
    """A check that cannot go on."""

    def __init__(self, code: str, *, name: str = "", detail: str = "") -> None:
        super().__init__(code)
        self.finding = Finding(code=code, name=name, detail=detail)


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
    answer: bytes | None = None,
    request: bytes | None = None,
) -> Report:
    """Check all that a receipt claims; `None` leaves the answer or the request out of the question.

    `receipt` is a receipt or a whole answer that carries one; `answer` is the whole response as
    received, `request` the body as sent.
    """
    findings: list[Finding] = []
    try:
        read = _read_receipt(receipt)
        findings += _check_checkpoint(read, vkeys=vkeys, witnesses=witnesses)
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
    _need(members["v"] == _RECEIPT_VERSION, _RECEIPT_VERSION)
    body = members["entry"].encode()
    entry = _json(body)
    _need(entry["v"] == _ENTRY_VERSION, _ENTRY_VERSION)
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


def _check_checkpoint(
    receipt: _Receipt, *, vkeys: Sequence[str], witnesses: Sequence[str]
) -> list[Finding]:
    logs = [_parse_vkey(vkey) for vkey in vkeys]
    cosigners = [_parse_vkey(vkey) for vkey in witnesses]
    text, signers = _open_note(receipt.checkpoint, [*logs, *cosigners])
    origin, size, root = _parse_checkpoint(text)
    if not any(key in signers and key.name == origin for key in logs if key.kind != 4):
        raise FaultError("CHECKPOINT_UNSIGNED", name=origin)
    findings = [Finding(code="CHECKPOINT_SIGNED", name=origin)]
    findings += [
        Finding(code="CHECKPOINT_WITNESSED", name=key.name)
        for key in cosigners
        if key in signers and key.kind != 1 and key.name != origin
    ]
    if size != receipt.size:
        raise FaultError("RECEIPT_MALFORMED", detail="another size than its checkpoint")
    return [*findings, _check_leaf(receipt, root=root)]


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


# The command


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one receipt; return 0 for yes and 1 for no."""
    parser = argparse.ArgumentParser(description="Checks a receipt of the exchange.")
    parser.add_argument("receipt", type=Path, help="receipt, or an answer that carries one")
    parser.add_argument(
        "--vkey", action="append", required=True, help="key of the log (repeatable)"
    )
    parser.add_argument("--witness", action="append", default=[], help="key of a witness you trust")
    parser.add_argument("--answer", type=Path, help="the answer as received")
    parser.add_argument("--request", type=Path, help="the request body as sent")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    receipt = options.receipt.read_bytes()
    # An answer that carries its receipt is checked against it without being named twice.
    whole = receipt if receipt_in(receipt) else None
    report = verify_receipt(
        receipt,
        vkeys=options.vkey,
        witnesses=options.witness,
        answer=options.answer.read_bytes() if options.answer else whole,
        request=options.request.read_bytes() if options.request else None,
    )
    sys.stdout.write(_as_json(report) if options.json else _as_lines(report))
    return 0 if report.holds else 1


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
