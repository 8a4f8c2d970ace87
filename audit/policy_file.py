"""Whose word makes a checkpoint count: logs, witnesses, groups and the quorum (C2SP tlog-policy).

Keys are told apart by their public key alone: one key under two names would count twice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.errors import MalformedError, ProofError
from audit.note import Kind, Opened, Verifier, open_note, parse_vkey

POLICY_BOUND = 1 << 18
"""Bytes in a policy: more than the thirty-two logs, witnesses and groups that all must take."""

NONE = "none"
_WORD = re.compile(r"[^\x00-\x20\x7f-\xa0\s]+")
_SPACES = re.compile(r"[ \t]+")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    key: Verifier
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessLine:
    """A witness; its name means something in this policy only."""

    name: str
    key: Verifier
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Has witnessed what at least `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a checkpoint must bear. Groups stand in an order in which each knows its members.

    Raises MalformedError for a name, key or quorum that the format does not allow.
    """

    logs: tuple[LogLine, ...] = ()
    witnesses: tuple[WitnessLine, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    def __post_init__(self) -> None:
        _check_keys(self.logs, kinds=(Kind.ED25519, Kind.SUBTREE), what="log")
        _check_keys(self.witnesses, kinds=(Kind.COSIGNATURE, Kind.SUBTREE), what="witness")
        own = {line.key.public_key for line in self.logs}
        if any(line.key.public_key in own for line in self.witnesses):
            raise MalformedError("a witness under the key of a log, which is no witness of itself")
        known: set[str] = set()
        for witness in self.witnesses:
            _check_new(witness.name, known)
        for group in self.groups:
            _check_group(group, known)
            _check_new(group.name, known)
        if self.quorum != NONE and self.quorum not in known:
            raise MalformedError(f"a quorum of {self.quorum!r}, which no line above it names")

    def met_by(self, cosigned: Iterable[str]) -> bool:
        """Say whether the named witnesses together are the quorum."""
        held = set(cosigned)
        if self.quorum == NONE:
            return True
        # A group knows only what stands above it, so one pass is enough.
        for group in self.groups:
            if sum(member in held for member in group.members) >= group.threshold:
                held.add(group.name)
            else:
                held.discard(group.name)
        return self.quorum in held

    def cosigners(self, opened: Opened) -> tuple[str, ...]:
        """Return the names of the witnesses whose cosignature an opened checkpoint bears."""
        keys = {held.verifier for held in opened.verified}
        return tuple(witness.name for witness in self.witnesses if witness.key in keys)


def check_witnessed(note: str, policy: Policy) -> Checkpoint:
    """Return what a checkpoint says if a log of the policy signed it and the quorum cosigned it.

    Raises ProofError saying which of the two is missing, MalformedError for what is no checkpoint.
    """
    keys = [line.key for line in policy.logs] + [line.key for line in policy.witnesses]
    opened = open_note(note, keys)
    checkpoint = parse_checkpoint(opened.text)
    signed = {held.verifier for held in opened.verified}
    if not any(line.key in signed and line.key.name == checkpoint.origin for line in policy.logs):
        raise ProofError(f"the checkpoint of {checkpoint.origin} bears no signature of its log")
    cosigned = policy.cosigners(opened)
    if not policy.met_by(cosigned):
        raise ProofError(
            f"cosigned by {', '.join(cosigned) or 'nobody'}, the quorum {policy.quorum} needed"
        )
    return checkpoint


def parse_policy(text: str) -> Policy:
    """Read a policy file. Raises MalformedError naming the line that is not one."""
    if len(text.encode("utf-8", "surrogateescape")) > POLICY_BOUND:
        raise MalformedError(f"a policy of more than {POLICY_BOUND} bytes")
    if text and not text.endswith("\n"):
        raise MalformedError("a policy whose last line does not end")
    reader = _Reader()
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        if any((held < " " and held != "\t") or held == "\x7f" for held in line):
            raise MalformedError(f"line {number}: a control character")
        words = [word for word in _SPACES.split(line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except MalformedError as error:
            raise MalformedError(f"line {number}: {error}") from error
    return reader.policy()


def format_policy(policy: Policy) -> str:
    """Write the one text of a policy: logs, witnesses, groups, quorum, one blank between words."""
    lines = [_line("log", held.key.vkey, held.url) for held in policy.logs]
    lines += [_line("witness", held.name, held.key.vkey, held.url) for held in policy.witnesses]
    lines += [
        _line("group", held.name, _format_threshold(held), *held.members) for held in policy.groups
    ]
    return "".join((*lines, _line("quorum", policy.quorum)))


class _Reader:
    """Gathers the lines; what a line names must stand above it."""

    def __init__(self) -> None:
        self._logs: list[LogLine] = []
        self._witnesses: list[WitnessLine] = []
        self._groups: list[Group] = []
        self._known: set[str] = set()
        self._quorum: str | None = None

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self._logs.append(LogLine(key=parse_vkey(vkey), url="".join(url)))
            case ["witness", name, vkey, *url] if len(url) < 2:
                _check_new(name, self._known)
                key = parse_vkey(vkey)
                self._witnesses.append(WitnessLine(name=name, key=key, url="".join(url)))
            case ["group", name, threshold, *members]:
                count = _parse_threshold(threshold, members=len(members))
                group = Group(name=name, threshold=count, members=tuple(members))
                _check_group(group, self._known)
                _check_new(name, self._known)
                self._groups.append(group)
            case ["quorum", name]:
                self._take_quorum(name)
            case _:
                raise MalformedError("a line of log, witness, group or quorum needed")

    def _take_quorum(self, name: str) -> None:
        if self._quorum is not None:
            raise MalformedError("a second quorum, exactly one needed")
        if name != NONE and name not in self._known:
            raise MalformedError(f"a quorum of {name!r}, which no line above it names")
        self._quorum = name

    def policy(self) -> Policy:
        if self._quorum is None:
            raise MalformedError("no quorum, exactly one needed")
        return Policy(
            logs=tuple(self._logs),
            witnesses=tuple(self._witnesses),
            groups=tuple(self._groups),
            quorum=self._quorum,
        )


def keys_by_origin(policy: Policy) -> Mapping[str, tuple[Verifier, ...]]:
    """Return the keys that each log of a policy may sign with."""
    found: dict[str, tuple[Verifier, ...]] = {}
    for line in policy.logs:
        found[line.key.name] = (*found.get(line.key.name, ()), line.key)
    return found


def _check_keys(
    lines: Iterable[LogLine | WitnessLine], *, kinds: tuple[Kind, ...], what: str
) -> None:
    seen: set[bytes] = set()
    for line in lines:
        if line.key.kind not in kinds:
            raise MalformedError(f"a {what} with a key of kind 0x{line.key.kind:02x}")
        if line.key.public_key in seen:
            raise MalformedError(f"a {what} key that stands twice: {line.key.name}")
        seen.add(line.key.public_key)
        if line.url and not _WORD.fullmatch(line.url):
            raise MalformedError(f"a {what} URL with a blank or control character")


def _check_new(name: str, known: set[str]) -> None:
    if not _WORD.fullmatch(name):
        raise MalformedError("a name with a blank or control character, or none")
    if name == NONE or name in known:
        raise MalformedError(f"the name {name!r} is taken")
    known.add(name)


def _check_group(group: Group, known: set[str]) -> None:
    unknown = [member for member in group.members if member not in known]
    if unknown:
        raise MalformedError(
            f"group {group.name!r} of {unknown[0]!r}, which no line above it names"
        )
    if len(set(group.members)) != len(group.members):
        raise MalformedError(f"group {group.name!r} names a member twice")
    if not 1 <= group.threshold <= len(group.members):
        raise MalformedError(
            f"group {group.name!r} needs {group.threshold} of {len(group.members)} members"
        )


def _parse_threshold(text: str, *, members: int) -> int:
    match text:
        case "any":
            return 1
        case "all":
            return members
        case _ if _THRESHOLD.fullmatch(text):
            return int(text)
        case _:
            raise MalformedError(f"{text[:24]!r} members, any, all or a decimal number needed")


def _format_threshold(group: Group) -> str:
    if group.threshold == len(group.members):
        return "all"
    return "any" if group.threshold == 1 else str(group.threshold)


def _line(*words: str) -> str:
    return " ".join(word for word in words if word) + "\n"
