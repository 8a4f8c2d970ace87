"""What goes wrong in Rego, before and during a decision.

LoadError                       refused before it can decide anything
└── SyntaxLoadError, UnsafeError, UnsupportedError …  all say file:line:column
UndecidedError
├── ConflictError               two values where the language allows one
├── BuiltinError                a built-in was given what it cannot take
├── NotOfferedError             a value that would not be treated as OPA does
└── ExhaustedError              the budget of steps or time is spent
"""

from policies.engine import LoadError, UndecidedError
from policies.language.ast import Place


class SyntaxLoadError(LoadError):
    """The text is not Rego v1 as this compiler reads it."""


class UnsafeError(LoadError):
    """A variable has no value where it is needed, in whatever order the body is run."""


class UnsupportedError(LoadError):
    """Rego that genuine OPA takes and this compiler does not offer."""


class NoFunctionError(UnsupportedError):
    """A call of a function that neither the modules nor the table of built-ins have."""

    def __init__(self, place: Place, function: str) -> None:
        super().__init__(at(place, f"`{function}` is no function that is offered"))
        self.function = function


class IllegalError(LoadError):
    """A module that genuine OPA refuses as well: a conflict, recursion, a wrong arity."""


class ConflictError(UndecidedError):
    """Two values came out where the language allows one."""


class BuiltinError(UndecidedError):
    """A built-in was given what it cannot take."""


class NotOfferedError(UndecidedError):
    """A value was met that this engine would not treat as OPA does; fails in either mode."""


class ExhaustedError(UndecidedError):
    """The decision took more steps or time than its budget allows."""


def at(place: Place, message: str) -> str:
    """Put the place in front of the message, as `file:line:column: message`."""
    return f"{place.file}:{place.line}:{place.column}: {message}"
