"""What every decision engine promises: a decision, or an exception that means refusal."""

from typing import Protocol

from policies.model import Decision, Question


class PolicyError(Exception):
    """Root of what goes wrong in `policies`; none of it ever permits anything."""


class LoadError(PolicyError):
    """A bundle or module cannot be used; says file, line, column and what was needed."""


class UndecidedError(PolicyError):
    """The engine gave no usable decision (down, slow, undefined, malformed, other revision)."""


class DecisionPoint(Protocol):
    """Decides one question for all requests of one operation."""

    @property
    def revision(self) -> str:
        """The revision of the policy that answers."""
        ...

    async def decide(self, question: Question) -> Decision:
        """Return the decision on every request of the question.

        Raises UndecidedError where there is none: the caller refuses every request.
        """
        ...
