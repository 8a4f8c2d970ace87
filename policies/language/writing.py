"""The text of generated Python, and what its names may be: nothing in it was written by an author."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from policies.language.values import RegoSet, Value


class Pending(Enum):
    """A variable without a value: of this body, or of one around it."""

    HERE = "here"
    OUTSIDE = "outside"


Env = dict[str, "str | Pending"]
"""What each variable is called in the generated code."""


OnSolution = Callable[[Env], None]
"""Writes what is done with each solution of a body."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the writer stood, to go back to when a literal cannot be run yet."""

    lines: int
    indent: int
    env: Mapping[str, "str | Pending"]


@dataclass(frozen=True, slots=True)
class Defined:
    """A name whose value is there: where it was written, and how far indented."""

    name: str
    indent: int
    line: int


@dataclass(slots=True)
class Namespace:
    """Everything that generated code refers to by name, and a source of fresh names."""

    held: dict[str, Any]
    inlines: bool = True
    """Whether small functions are written where they are called."""
    _fresh: int = 0
    _constants: dict[str, str] = field(default_factory=dict)
    _parts: dict[tuple[str, ...], str] = field(default_factory=dict)
    _beside: dict[tuple[str, str], str] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def fresh(self, prefix: str) -> str:
        self._fresh += 1
        return f"{prefix}{self._fresh}"

    def constant(self, value: Value) -> str:
        """Return an expression for a constant; what is no plain literal is held by name."""
        kind = type(value)
        if value is None or kind is bool or kind is int or kind is str:
            return repr(value)
        text = f"{kind.__name__}:{value!r}"
        if text not in self._constants:
            name = self.fresh("C")
            self._constants[text] = name
            self._known.add(name)
            self.held[name] = value
        return self._constants[text]

    def known_set(self, expression: str) -> RegoSet | None:
        """Return the set that an expression is a constant for, None where it is none."""
        held = self.held[expression] if expression in self._known else None
        return held if type(held) is RegoSet else None

    def beside(self, constant: str, what: str, value: Any) -> str:
        """Return a name for what follows from a constant: worked out once, when the rules are loaded."""
        if (constant, what) not in self._beside:
            name = self.fresh(f"{constant}_")
            self._beside[constant, what] = name
            self.held[name] = value
        return self._beside[constant, what]

    def part(self, path: tuple[str, ...], value: Value) -> str:
        """Return a name for the part of the base data that lies at `path`."""
        if path not in self._parts:
            self._parts[path] = self.fresh("D")
            self.held[self._parts[path]] = value
        return self._parts[path]


class Writer:
    """Lines of Python at an indentation."""

    def __init__(self, names: Namespace) -> None:
        self.names = names
        self.lines: list[str] = []
        self.indent = 0
        self.fail = "continue"
        """What a literal does when it fails: go on with the loop around it, or end it."""
        self._written_at = 0
        self._defined: dict[str, Defined] = {}

    def write(self, line: str) -> None:
        self._forget_closed()
        self.lines.append("    " * self.indent + line)

    def stop_if(self, condition: str) -> None:
        """Write that the literal fails where the condition holds."""
        self.write(f"if {condition}: {self.fail}")

    def charge(self, meter: str, steps: str) -> None:
        """Write that the decision pays for so many steps."""
        self.write(f"{meter}.left -= {steps}")
        self.write(f"if {meter}.left < {meter}.next_check: {meter}.check()")

    def defined(self, expression: str) -> str:
        """Return a name for the value of an expression; where it has none, the body fails.

        Written once for the block and those inside it: the same text gives the same value.
        """
        self._forget_closed()
        if expression not in self._defined:
            line = len(self.lines)
            name = self.let(expression)
            self._defined[expression] = Defined(name, self.indent, line)
            self.stop_if(f"{name} is U")
        return self._defined[expression].name

    def let(self, expression: str, prefix: str = "v") -> str:
        """Give the expression a name, and return it."""
        name = self.names.fresh(prefix)
        self.write(f"{name} = {expression}")
        return name

    def _forget_closed(self) -> None:
        """Forget what was computed in blocks that have ended: it may not have been computed at all."""
        if self.indent < self._written_at:
            self._defined = {
                text: one for text, one in self._defined.items() if one.indent <= self.indent
            }
        self._written_at = self.indent

    def mark(self, env: Env) -> Mark:
        return Mark(len(self.lines), self.indent, dict(env))

    def go_back(self, mark: Mark, env: Env) -> None:
        del self.lines[mark.lines :]
        self._defined = {text: one for text, one in self._defined.items() if one.line < mark.lines}
        self.indent = mark.indent
        env.clear()
        env.update(mark.env)
