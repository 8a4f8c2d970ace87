"""What of a question may differ from call to call while its permit stands, and which permits stand.

Two questions under one standing key are equal but for their per-call members. What those decide is
asked again at every call (`policies.language.rechecking`); everything else was decided when the permit
was kept. A member that PER_CALL does not name is standing: to forget one costs time, never a right.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple, get_args, get_type_hints

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

# Integers that every reader of JSON takes exactly.
_EXACT = 2**53
_COMPARED = frozenset({str, int, bool, type(None)})


class _Fits:
    """Stands for a member that is of the wire type that it should be."""


_FITS = _Fits()


class _Split:
    """The members of a wire type, apart: those that stand, and the facts that are per call.

    A per-call member that is a wire type itself is a fact for its kind and one for each of its members.
    """

    def __init__(self, kind: type[msgspec.Struct], *steps: str | None) -> None:
        varying = _named("input", *steps)
        lists = {str(path[1]) for path in PER_CALL if len(path) > 2 and not steps}
        left_out = {*varying, *lists}
        if foreign := left_out - set(kind.__struct_fields__):
            raise ValueError(f"{kind.__name__} has no member {sorted(foreign)}")
        self.standing_of = _members(
            tuple(name for name in kind.__struct_fields__ if name not in left_out)
        )
        hints = get_type_hints(kind)
        self._members = [(name, *_wire_type(hints[name])) for name in varying]
        self.facts: list[tuple[str, ...]] = []
        """The path of each fact from the holder, in the order of `take`."""
        for name, inner, _ in self._members:
            below = () if inner is None else inner.__struct_encode_fields__
            self.facts += [(name,), *((name, member) for member in below)]

    def take(self, holder: Any, found: list[Any]) -> None:
        """Append the holder's facts, in the order of `facts`."""
        for name, inner, members_of in self._members:
            value = getattr(holder, name)
            if inner is None:
                found.append(value)
            elif type(value) is inner:
                found.append(_FITS)
                found += members_of(value)
            else:
                found.append(_frozen(value))
                found += (None,) * len(inner.__struct_fields__)


def _named(*steps: str | None) -> tuple[str, ...]:
    """Return the last steps of the per-call paths that go on from `steps` by one."""
    return tuple(last for *before, last in PER_CALL if tuple(before) == steps and last is not None)


def _members(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the members of these names, always as a tuple."""
    if len(names) == 1:
        single = attrgetter(names[0])
        return lambda holder: (single(holder),)
    return attrgetter(*names)


def _wire_type(hint: Any) -> tuple[type[msgspec.Struct] | None, Callable[[Any], tuple[Any, ...]]]:
    """Return the wire type that a member is (None where it is a plain value), and what takes it apart."""
    for kind in get_args(hint) or (hint,):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind, _members(kind.__struct_fields__)
    return None, lambda _: ()


_question = _Split(Question)
_request = _Split(RequestFacts, "requests", None)
_grant = _Split(GrantFacts, "grants", None)

VARYING: tuple[tuple[str | None, ...], ...] = (
    *(("input", *fact) for fact in _question.facts),
    *(("input", "requests", None, *fact) for fact in _request.facts),
    *(("input", "grants", None, *fact) for fact in _grant.facts),
)
"""The path of each per-call fact: PER_CALL with the members of its wire types."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A permit with what it takes to know that it still is the decision."""

    decision: Decision
    until: int
    """First second (epoch) at which it stands no more."""
    question: Value
    """The admitted question on which it was made."""
    kept: Kept
    facts: tuple[Any, ...]
    """Its per-call facts, as `facts_of` gives them."""


def standing_key(question: Question, revision: str) -> bytes:
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


def facts_of(question: Question) -> tuple[Any, ...]:
    """Return the per-call facts as values that nobody can change: scalars, and JSON for anything else.

    Raises TypeError or ValueError for what is no JSON.
    """
    return tuple(fact if fact is _FITS else _frozen(fact) for fact in _taken(question))


def _taken(question: Question) -> list[Any]:
    found: list[Any] = []
    _question.take(question, found)
    for request in question.requests:
        _request.take(request, found)
    for grant in question.grants:
        _grant.take(grant, found)
    return found


def _frozen(value: Any) -> Any:
    kind = type(value)
    if (
        value is None
        or kind is bool
        or (kind is int and -_EXACT < value < _EXACT)
        or (kind is str and value.isascii())
    ):
        return value
    return _encoder.encode(value)


class Change(NamedTuple):
    """A per-call fact that is another one in a new question."""

    fact: int
    """Its path, by its position in VARYING."""
    place: tuple[str | int, ...]
    value: Any
    reshaped: bool
    """Whether its kind or its length is another as well."""


def changes(kept: tuple[Any, ...], question: Question) -> list[Change]:
    """Return how the per-call facts of a question under the same standing key differ from kept ones.

    Raises TypeError or ValueError for what is no JSON.
    """
    found: list[Change] = []
    position = -1
    for was, value in zip(kept, _taken(question), strict=True):
        position += 1
        if value is was:
            continue
        kind = type(value)
        # Only a value of the very same type compares in Python as in Rego.
        if kind is type(was) and kind in _COMPARED and value == was:
            continue
        now = value if value is _FITS else _frozen(value)
        if type(now) is bytes and now == was:
            continue
        fact, place = _places(len(question.requests), len(question.grants))[position]
        found.append(Change(fact, place, now, _reshaped(was, now)))
    return found


def _reshaped(was: Any, now: Any) -> bool:
    kind = type(now)
    if kind is not type(was) or kind is bytes:
        return True
    return kind is str and len(now) != len(was)


@functools.lru_cache(maxsize=MOST_KEPT)
def _places(requests: int, grants: int) -> tuple[tuple[int, tuple[str | int, ...]], ...]:
    """Return, for each fact in the order of `_taken`, its path in VARYING and its place in a question."""
    first, second = len(_question.facts), len(_question.facts) + len(_request.facts)
    found: list[tuple[int, tuple[str | int, ...]]] = list(enumerate(_question.facts))
    for number in range(requests):
        found += [(first + n, ("requests", number, *f)) for n, f in enumerate(_request.facts)]
    for number in range(grants):
        found += [(second + n, ("grants", number, *f)) for n, f in enumerate(_grant.facts)]
    return tuple(found)


def renewed(kept: Value, question: Question, changed: Iterable[Change]) -> Value:
    """Return what the new question is when admitted: the kept one with what changed.

    Raises TypeError or ValueError for what is no JSON.
    """
    found = kept
    for change in changed:
        value = change.value
        if change.fact in _KINDS:
            return admitted(question)  # A member came, went or is of another kind.
        if type(value) is bytes:
            value = _decoder.decode(value)
        found = holder = found.copy()
        *way, last = change.place
        for step in way:
            below = holder[step].copy()
            holder[step] = below
            holder = below
        holder[last] = value
    return found


_KINDS = frozenset(
    number for number, path in enumerate(VARYING) if any(path == one[:-1] for one in VARYING)
)
"""Facts that are the kind of a member: whether there is one, and of its wire type."""


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
