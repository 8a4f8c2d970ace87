"""What generated code works with while one question is decided."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.language.errors import ConflictError, ExhaustedError
from policies.language.values import (
    UNDEFINED,
    RegoSet,
    Value,
    elements,
    equal,
    key,
    ordered_keys,
    pairs,
    step,
    unkey,
)

MISSING = object()
ONCE = (0,)
_CHECK_TIME_EVERY = 256

Path = tuple[str, ...]
Function = Callable[..., Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one decision may cost. `seconds` counts on `monotonic`."""

    steps: int = 200_000
    seconds: float = 1.0
    monotonic: Callable[[], float] | None = None


class Meter:
    """Counts down the steps of one decision."""

    __slots__ = ("_deadline", "_monotonic", "left", "next_check")

    def __init__(self, budget: Budget) -> None:
        self.left = budget.steps
        self._monotonic = budget.monotonic
        self._deadline = budget.monotonic() + budget.seconds if budget.monotonic else 0.0
        self.next_check = max(0, self.left - _CHECK_TIME_EVERY)

    def charge(self, steps: int) -> None:
        self.left -= steps
        if self.left < self.next_check:
            self.check()

    def check(self) -> None:
        if self.left < 0:
            raise ExhaustedError("the decision needs more steps than its budget allows")
        if self._monotonic is not None and self._monotonic() > self._deadline:
            raise ExhaustedError("the decision needs more time than its budget allows")
        self.next_check = max(0, self.left - _CHECK_TIME_EVERY)


@dataclass(slots=True)
class PackageNode:
    """One name in the tree of packages and rules; `rule` computes the document that stands there."""

    path: Path
    children: dict[str, "PackageNode"] = field(default_factory=dict)
    rule: Function | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """One `with`: what is replaced (`input`, `data` or a function), where, and by what."""

    kind: str
    path: Path
    value: Value


class State:
    """One question under one set of replacements: its input, its data and what is known so far."""

    __slots__ = ("data", "hidden", "input", "memo", "meter", "mocks", "root")

    def __init__(self, root: PackageNode, question: Value, data: Value, meter: Meter) -> None:
        self.root = root
        self.input = question
        self.data = data
        self.meter = meter
        self.memo: dict[Any, Any] = {}
        self.hidden: tuple[Path, ...] = ()
        self.mocks: Mapping[str, Function | tuple[Value]] = {}

    def under(self, replacements: tuple[Replacement, ...]) -> "State":
        """Return the state in which a literal with `with` is decided; it knows nothing yet."""
        other = State(self.root, self.input, self.data, self.meter)
        other.hidden = self.hidden
        mocks = dict(self.mocks)
        for replacement in replacements:
            if replacement.kind == "input":
                other.input = _put(other.input, replacement.path, replacement.value)
            elif replacement.kind == "data":
                other.data = _put(other.data, replacement.path, replacement.value)
                other.hidden = (*other.hidden, replacement.path)
            elif callable(replacement.value):
                mocks[replacement.path[0]] = replacement.value
            else:
                mocks[replacement.path[0]] = (replacement.value,)
        other.mocks = mocks
        return other

    def hides(self, path: Path) -> bool:
        """Whether `with data.… as` replaced what the rules at `path` would say."""
        return any(path[: len(hidden)] == hidden for hidden in self.hidden)

    def base(self, path: Path) -> Value:
        found = self.data
        for name in path:
            found = step(found, name)
        return found

    def pairs(self, collection: Value) -> Any:
        self.meter.charge(len(collection) if type(collection) in _COUNTED else 1)
        return pairs(collection)

    def each(self, collection: Value) -> Any:
        """Return the values alone, as `pairs` orders them."""
        kind = type(collection)
        held = collection.members if kind is RegoSet else collection
        size = len(held) if kind in _COUNTED else 1
        meter = self.meter
        meter.left -= size
        if meter.left < meter.next_check:
            meter.check()
        # One element is in order, be it that of an object or that of a set.
        return held.values() if size == 1 and kind in _NAMED else elements(collection)

    def mocked(self, name: str, original: Function, arguments: tuple[Value, ...]) -> Value:
        """Call a function that some `with` of this program replaces."""
        mock = self.mocks.get(name)
        if mock is None:
            return original(self, *arguments)
        if isinstance(mock, tuple):
            return mock[0]
        # The replacement may itself call what it replaces: there, the original answers.
        inner = State(self.root, self.input, self.data, self.meter)
        inner.hidden = self.hidden
        inner.mocks = {held: value for held, value in self.mocks.items() if held != name}
        return mock(inner, *arguments)

    # Documents of packages: rules and data merged, computed only where they are asked for.

    def document(self, path: Path) -> "Document":
        node = self.root
        for name in path:
            node = node.children[name]
        return Document(self, node)


_COUNTED = frozenset({list, dict, RegoSet})
_NAMED = frozenset({dict, RegoSet})


class Document:
    """The document at a package: what its rules say, over the data that lies there."""

    __slots__ = ("_node", "_state")

    def __init__(self, state: State, node: PackageNode) -> None:
        self._state = state
        self._node = node

    def get(self, index: Value) -> "Value | Document":
        child = self._node.children.get(index) if type(index) is str else None
        if child is None:
            return base_step(self._state.base(self._node.path), index)
        return _at(self._state, child)

    def keys(self) -> list[Value]:
        base = self._state.base(self._node.path)
        found: dict[Any, None] = dict.fromkeys(self._node.children)
        if type(base) is dict:
            found |= dict.fromkeys(base)
        return [unkey(held) for held in ordered_keys(found)]

    def whole(self) -> Value:
        if self._state.hides(self._node.path):
            return self._state.base(self._node.path)
        found = {}
        for name in self.keys():
            value = settle(self.get(name))
            if value is not UNDEFINED:
                found[key(name)] = value
        return found


def _at(state: State, node: PackageNode) -> "Value | Document":
    if state.hides(node.path):
        return state.base(node.path)
    if node.rule is not None:
        return node.rule(state)
    return Document(state, node)


def settle(found: "Value | Document") -> Value:
    """Return a value: a package's document is computed as a whole."""
    return found.whole() if type(found) is Document else found


def walk(found: "Value | Document", index: Value) -> "Value | Document":
    """Return `found[index]` without computing more of a package than is asked for."""
    return found.get(index) if type(found) is Document else base_step(found, index)


def base_step(found: Value, index: Value) -> Value:
    """Return `found[index]` in base data, where OPA's store takes a number for its text."""
    value = step(found, index)
    if value is UNDEFINED and type(found) is dict and type(index) is int:
        return found.get(str(index), UNDEFINED)
    return value


def walk_pairs(state: State, found: "Value | Document") -> Any:
    if type(found) is not Document:
        return state.pairs(found)
    names = found.keys()
    state.meter.charge(len(names))
    return ((name, part) for name in names if (part := found.get(name)) is not UNDEFINED)


def _put(document: Value, path: Path, value: Value) -> Value:
    """Return the document with `value` at `path`; what is no object on the way is replaced."""
    if not path:
        return value
    copied = dict(document) if type(document) is dict else {}
    copied[path[0]] = _put(copied.get(path[0], UNDEFINED), path[1:], value)
    return copied


def agree(known: Value, found: Value, name: str) -> Value:
    """Return the one value of a complete rule or function."""
    if known is UNDEFINED or equal(known, found):
        return found
    raise ConflictError(f"{name} has two values")


class Collected:
    """A partial object in the making: only what was made here is ever added to."""

    __slots__ = ("_made", "_name", "value")

    def __init__(self, name: str) -> None:
        self.value: dict[Any, Value] = {}
        self._name = name
        self._made: set[int] = set()

    def put(self, path: tuple[Value, ...], value: Value) -> None:
        holder = self.value if len(path) == 1 else self._holder(path)
        last = path[-1] if type(path[-1]) is str else key(path[-1])
        known = holder.get(last, MISSING)
        if known is not MISSING and not equal(known, value):
            raise ConflictError(f"{self._name} has two values under one key")
        holder[last] = value

    def put_member(self, path: tuple[Value, ...], value: Value) -> None:
        holder = self.value if len(path) == 1 else self._holder(path)
        last = path[-1] if type(path[-1]) is str else key(path[-1])
        members = holder.get(last, MISSING)
        if members is MISSING:
            members = holder[last] = RegoSet()
            self._made.add(id(members))
        elif id(members) not in self._made:
            raise ConflictError(f"{self._name} has a set and another value under one key")
        members.add(value)

    def _holder(self, path: tuple[Value, ...]) -> dict[Any, Value]:
        holder = self.value
        for index in path[:-1]:
            index_key = key(index)
            inner = holder.get(index_key, MISSING)
            if inner is MISSING:
                inner = holder[index_key] = {}
                self._made.add(id(inner))
            elif id(inner) not in self._made or type(inner) is not dict:
                raise ConflictError(f"{self._name} has an object and another value under one key")
            holder = inner
        return holder


def put(holder: dict[Any, Value], index: Value, value: Value, name: str) -> None:
    """Enter a value into an object in the making, of which no member is one itself."""
    held = index if type(index) is str else key(index)
    known = holder.get(held, MISSING)
    if known is not MISSING and not equal(known, value):
        raise ConflictError(f"{name} has two values under one key")
    holder[held] = value


def make_object(name: str, *members: tuple[Value, Value]) -> dict[Any, Value]:
    """Return an object written with computed keys."""
    made: dict[Any, Value] = {}
    for index, value in members:
        put(made, index, value, name)
    return made
