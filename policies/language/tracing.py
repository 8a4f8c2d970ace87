"""What was reached while a program decided: one cheap hook for each literal, only where it is asked for.

A traced program is the author's own: it belongs to one thread, and nothing is decided by it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from policies.language.ast import Body, Branch, Literal, Module, Place, Rule, Scalar, descend

TRACE = "TRACE"
"""The name by which generated code reaches the trace; without a trace it is not there."""


@dataclass(slots=True)
class _Spot:
    """Counts of one literal; `reached_at` and `passed_at` order the last of them in time."""

    place: Place
    reached: int = 0
    passed: int = 0
    held: int = 0
    reached_at: int = 0
    passed_at: int = 0
    held_at: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one literal. `held_at` orders the solutions of the body that it begins."""

    reached: int
    passed: int
    failed_last: bool
    """Whether it was reached and the last time did not pass."""
    held: int
    """How many solutions the body had that begins with this literal."""
    held_at: int


_NEVER = Seen(0, 0, failed_last=False, held=0, held_at=0)


@dataclass(slots=True)
class Trace:
    """Collects what a traced program reaches, until it is cleared.

    `clock` (seconds) makes it time the literals as well: what passes between two hooks is spent by the
    literal of the earlier one.
    """

    clock: Callable[[], float] | None = None
    sources: dict[str, str] = field(default_factory=dict)
    modules: tuple[Module, ...] = ()
    _spots: list[_Spot] = field(default_factory=list)
    _numbers: dict[Place, int] = field(default_factory=dict)
    _moment: int = 0
    _spent: dict[int, float] = field(default_factory=dict)
    _last: tuple[int, float] | None = None

    def watch(self, modules: Iterable[Module], sources: Mapping[str, str]) -> list[Module]:
        """Number the literals and return the modules as they are to be compiled.

        An empty body gets a literal of its own, so that its rule can be seen to hold.
        """
        watched = [explicit(module) for module in modules]
        self.sources.update(sources)
        self.modules = (*self.modules, *watched)
        for module in watched:
            for node in descend(module):
                if isinstance(node, Literal) and node.place not in self._numbers:
                    self._numbers[node.place] = len(self._spots)
                    self._spots.append(_Spot(node.place))
        return watched

    def number(self, literal: Literal) -> int | None:
        """Return the number of a literal that an author wrote, None for one that the compiler made."""
        return self._numbers.get(literal.place)

    def clear(self) -> None:
        """Forget what was seen; what is watched stays."""
        self._spots = [_Spot(spot.place) for spot in self._spots]
        self._spent.clear()
        self._last = None
        self._moment = 0

    # The hooks that generated code calls.

    def reached(self, number: int) -> None:
        self._tick(number)
        spot = self._spots[number]
        spot.reached += 1
        spot.reached_at = self._moment

    def passed(self, number: int) -> None:
        self._tick(number)
        spot = self._spots[number]
        spot.passed += 1
        spot.passed_at = self._moment

    def held(self, number: int) -> None:
        self._tick(number)
        spot = self._spots[number]
        spot.held += 1
        spot.held_at = self._moment

    def _tick(self, number: int) -> None:
        self._moment += 1
        if self.clock is None:
            return
        here = self.clock()
        if self._last is not None:
            earlier, since = self._last
            self._spent[earlier] = self._spent.get(earlier, 0.0) + here - since
        self._last = (number, here)

    def pause(self) -> None:
        """End the time of the last literal: what follows is not the program's."""
        self._last = None

    # What was seen.

    def seen(self, place: Place) -> Seen:
        """Return what became of the literal at a place; of one not watched, that it was never reached."""
        number = self._numbers.get(place)
        if number is None:
            return _NEVER
        spot = self._spots[number]
        failed = spot.reached_at > spot.passed_at
        return Seen(spot.reached, spot.passed, failed, spot.held, spot.held_at)

    def holds(self, branch: Branch) -> Seen:
        """Return what became of a branch's body, as its first literal tells it."""
        return self.seen(branch.body[0].place) if branch.body else _NEVER

    def by_rule(self) -> list[tuple[str, Place, float]]:
        """Return the seconds spent by each rule that took any: its name, its place, the seconds."""
        found = []
        for module in self.modules:
            for rule in module.rules:
                inside = {one.place for one in descend(rule) if isinstance(one, Literal)}
                spent = sum(self._spent.get(self._numbers[place], 0.0) for place in inside)
                if spent:
                    found.append((".".join((*module.package, rule.name)), rule.place, spent))
        return found


def explicit(module: Module) -> Module:
    """Return the module with `true` in each empty body but a default's."""
    return replace(module, rules=tuple(_explicit(rule) for rule in module.rules))


def _explicit(rule: Rule) -> Rule:
    if rule.default:
        return rule
    return replace(rule, branches=tuple(_with_body(branch) for branch in rule.branches))


def _with_body(branch: Branch) -> Branch:
    if branch.body:
        return branch
    true = Scalar(value=True, place=branch.place)
    body: Body = (Literal(true, negated=False, withs=(), place=branch.place),)
    return replace(branch, body=body)
