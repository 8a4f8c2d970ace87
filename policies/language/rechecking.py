"""Asks again only what may have changed: the rules that read, themselves, a varying part of the input.

A decision is the solution of equations without cycles: each rule's value follows from what it reads of
the input and from the values of other rules. Where the rest of the input stayed as it was and each rule
that reads a varying path gives again the value it gave, the values that are kept satisfy every equation
of the new question; there is one solution, so they are it. Any other outcome says nothing, and the whole
is decided as usual.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.engine import UndecidedError
from policies.language.analysis import Group, Pattern, meets
from policies.language.program import Program
from policies.language.runtime import Budget, Path, State
from policies.language.values import Value, equal

Memo = Mapping[Any, Any]
EVERY_LEAF = -1
"""The bits of all leaves."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one evaluation leaves behind for the next."""

    leaves: tuple[tuple[int, Callable[..., Value], tuple[Value, ...], Value], ...]
    """Each use of a rule that reads a varying path: its bit, the rule, its arguments, the value it gave."""
    known: Memo
    """Values of the other rules that a leaf may ask for, so that it need not go further down."""


class Rechecker:
    """One document of a program, over inputs that differ in the `varying` paths alone.

    `varying` patterns begin with `input`; None stands for any step. Where one lies below another, the
    upper one stands for the kind of what lies there. Raises UndecidedError as `Program.evaluate` does.
    """

    def __init__(self, program: Program, path: str, *, varying: Sequence[Pattern]) -> None:
        self._program = program
        self._path = tuple(path.split("."))
        reached = _reached(program.groups, self._path)
        self.possible = not any(group.replaces for group in reached)
        """False where a rule in reach holds `with`: what then depends on what cannot be derived."""
        leaves = [group for group in reached if _varies(group, varying)]
        self.leaves = frozenset(group.name for group in leaves)
        self._leaves = {
            group.number: (1 << bit, program.function(group)) for bit, group in enumerate(leaves)
        }
        self._reading = [_bits(_reads(leaf, path) for leaf in leaves) for path in varying]
        self._looking = [_bits(_looks(leaf, path) for leaf in leaves) for path in varying]
        documents = {read for leaf in leaves for read in leaf.reads if read[0] == "data"}
        self._asked = {
            group.number
            for group in reached
            if group.number not in self._leaves
            and any(meets(read, group.path) for read in documents)
        }

    def evaluate(self, question: Value, *, budget: Budget) -> tuple[Any, Memo]:
        """Return the document as plain JSON (or UNDEFINED), and every value that led to it.

        `question` is an admitted value.
        """
        read = self._program.reading(self._path)

        def act(state: State) -> tuple[Any, Memo]:
            return read(state), state.memo

        found: tuple[Any, Memo] = self._program.run(act, question, budget=budget)
        return found

    def keep(self, memo: Memo) -> Kept:
        """Return what has to be known of an evaluation to recheck it."""
        leaves = []
        known: dict[Any, Any] = {}
        for key, value in memo.items():
            number, arguments, found = _instance(key, value)
            if number in self._leaves:
                leaves.append((*self._leaves[number], arguments, found))
            elif number in self._asked:
                known[key] = value
        return Kept(tuple(leaves), known)

    def asking(self, changed: Iterable[tuple[int, bool]]) -> int:
        """Return the bits of the leaves that read what changed.

        Each change is a position in `varying`, and whether kind or length changed with the value.
        """
        asked = 0
        for position, reshaped in changed:
            asked |= self._reading[position]
            if reshaped:
                asked |= self._looking[position]
        return asked

    def holds(
        self, kept: Kept, question: Value, *, asked: int = EVERY_LEAF, budget: Budget
    ) -> bool:
        """Whether each asked leaf gives for `question` what it gave; an error or a spent budget is a no.

        A leaf may be left out where nothing that it reads itself changed (`asking`).
        """

        def act(state: State) -> bool:
            state.memo.update(kept.known)
            for bit, function, arguments, value in kept.leaves:
                if asked & bit:
                    found = function(state, *arguments)
                    if found is not value and not equal(found, value):
                        return False
            return True

        try:
            held: bool = self._program.run(act, question, budget=budget)
        except UndecidedError:
            return False
        return held


def _instance(key: Any, value: Any) -> tuple[int, tuple[Value, ...], Value]:
    """Take an entry of the memo apart: a document by its number, a function with its arguments."""
    if type(key) is tuple:
        found, *arguments = value
        return key[0], tuple(arguments), found
    return key, (), value


def _reached(groups: Iterable[Group], path: Path) -> list[Group]:
    """Return the groups that the document at `path` may read, directly or by way of others."""
    waiting: set[Pattern] = {path}
    seen: set[Pattern] = set()
    left = {group.number: group for group in groups}
    reached: list[Group] = []
    while waiting:
        pattern = waiting.pop()
        seen.add(pattern)
        for group in [group for group in left.values() if meets(pattern, group.path)]:
            del left[group.number]
            reached.append(group)
            waiting |= {read for read in group.reads - seen if read[0] == "data"}
    return reached


def _varies(group: Group, varying: Iterable[Pattern]) -> bool:
    """Whether a rule of the group may itself read a varying path, or a shape that varies."""
    return any(_reads(group, path) or _looks(group, path) for path in varying)


def _reads(group: Group, path: Pattern) -> bool:
    return any(read[0] == path[0] and _alike(read, path) for read in group.reads)


def _looks(group: Group, path: Pattern) -> bool:
    return any(len(shape) >= len(path) and _alike(shape, path) for shape in group.shapes)


def _bits(chosen: Iterable[bool]) -> int:
    return sum(1 << bit for bit, held in enumerate(chosen) if held)


def _alike(left: Pattern, right: Pattern) -> bool:
    """Whether one path may lie on or below the other."""
    pairs = zip(left, right, strict=False)
    return all(one is None or other is None or one == other for one, other in pairs)
