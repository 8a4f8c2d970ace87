"""What of a question may differ from call to call while its permit stands, and which permits stand.

Two questions under one standing key are equal but for their per-call members. What those decide is
asked again at every call (`policies.language.rechecking`); everything else was decided when the permit
was kept. A member that PER_CALL does not name is standing: to forget one costs time, never a right.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from policies.language.numbers import read_number
from policies.language.rechecking import Kept
from policies.language.values import Value
from policies.model import Decision, GrantFacts, Question, RequestFacts

PER_CALL: tuple[tuple[str | None, ...], ...] = (
    ("input", "now"),
    ("input", "hour"),
    ("input", "network"),
    ("input", "officer"),
    ("input", "case"),
    ("input", "requests", None, "subject"),
    ("input", "grants", None, "used_today"),
)
"""Members of the question, and of the elements of its lists (None stands for every element)."""

MOST_KEPT = 2_048

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(float_hook=read_number)


class _Split:
    """The members of a wire type, apart: those that stand and those that are per call."""

    def __init__(self, kind: type[msgspec.Struct], *steps: str | None) -> None:
        self.varying = _named("input", *steps)
        self.varying_of = _members(self.varying)
        lists = {str(path[1]) for path in PER_CALL if len(path) > 2 and not steps}
        foreign = {*self.varying, *lists} - set(kind.__struct_fields__)
        if foreign:
            raise ValueError(f"{kind.__name__} has no member {sorted(foreign)}")
        left_out = {*self.varying, *lists}
        self.standing_of = _members(
            tuple(name for name in kind.__struct_fields__ if name not in left_out)
        )


def _named(*steps: str | None) -> tuple[str, ...]:
    """Return the last steps of the per-call paths that go on from `steps` by one."""
    return tuple(last for *before, last in PER_CALL if tuple(before) == steps and last is not None)


def _members(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the members of these names, always as a tuple."""
    if len(names) == 1:
        single = attrgetter(names[0])
        return lambda holder: (single(holder),)
    return attrgetter(*names)


_question = _Split(Question)
_request = _Split(RequestFacts, "requests", None)
_grant = _Split(GrantFacts, "grants", None)


@dataclass(frozen=True, slots=True)
class Standing:
    """A permit with what it takes to know that it still is the decision."""

    decision: Decision
    until: int
    """First second (epoch) at which it stands no more."""
    question: Value
    """The admitted question on which it was made."""
    kept: Kept


def standing_key(question: Question, *, revision: str) -> bytes:
    """Return a digest of the revision and of all members that are not per call.

    Raises TypeError or ValueError for what is no JSON.
    """
    standing = (
        revision,
        _question.standing_of(question),
        [*map(_request.standing_of, question.requests)],
        [*map(_grant.standing_of, question.grants)],
    )
    return hashlib.sha256(_encoder.encode(standing)).digest()


def admitted(question: Question) -> Value:
    """Return the question as a compiled policy reads it: the JSON that OPA gets, its numbers exact.

    Raises TypeError or ValueError for what is no JSON.
    """
    return _decoder.decode(_encoder.encode(question))


def renewed(kept: Value, question: Question) -> Value:
    """Return an admitted question with the per-call members of another under the same standing key."""
    members, requests, grants = _decoder.decode(
        _encoder.encode(
            (
                _question.varying_of(question),
                [*map(_request.varying_of, question.requests)],
                [*map(_grant.varying_of, question.grants)],
            )
        )
    )
    return {
        **kept,
        **dict(zip(_question.varying, members, strict=True)),
        "requests": _put(kept["requests"], _request.varying, requests),
        "grants": _put(kept["grants"], _grant.varying, grants),
    }


def _put(kept: list[Any], names: tuple[str, ...], found: list[list[Any]]) -> list[Any]:
    """Return the kept elements with their varying members replaced."""
    if len(names) == 1:
        (name,) = names
        return [{**element, name: value} for element, (value,) in zip(kept, found, strict=True)]
    return [
        {**element, **dict(zip(names, values, strict=True))}
        for element, values in zip(kept, found, strict=True)
    ]


class StandingPermits:
    """Permits by their standing key, the latest used last; at most `most` of them."""

    def __init__(self, *, most: int = MOST_KEPT) -> None:
        self._most = most
        self._held: dict[bytes, Standing] = {}

    def __len__(self) -> int:
        return len(self._held)

    def at(self, key: bytes, *, now: int) -> Standing | None:
        """Return the permit under the key, None where there is none or its time is over."""
        found = self._held.pop(key, None)
        if found is None or now >= found.until:
            return None
        self._held[key] = found
        return found

    def keep(self, key: bytes, standing: Standing) -> None:
        self._held.pop(key, None)
        self._held[key] = standing
        while len(self._held) > self._most:
            self._held.pop(next(iter(self._held)), None)
