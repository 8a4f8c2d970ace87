"""What can go wrong at the caller's end.

The tree: ClientError ─ UnfitArgumentError, UnreachableError, RefusedError, MalformedAnswerError,
ReceiptError.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class ClientError(Exception):
    """Root of the errors of `exchange.client`."""


class UnfitArgumentError(ClientError, ValueError):
    """What was given cannot be written as a request; nothing was sent."""


class UnreachableError(ClientError):
    """The exchange did not answer; nothing is known of the call. Ask again, signed anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request, as the exchange says it."""

    code: str
    """One of docs/codes.md."""
    text: str
    where: str = ""
    """`line 1, column 62` of the document, or response keys from the root: `enterprise.permits`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was found and what was needed, by name."""

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> "Fault":
        """Read one error of GraphQL; its place is one of the document, or of the answer asked for."""
        extensions = error.get("extensions")
        facts = dict(extensions) if isinstance(extensions, dict) else {}
        path, places = error.get("path"), error.get("locations")
        where = ".".join(map(str, path)) if isinstance(path, list) else ""
        if isinstance(places, list) and places and isinstance(places[0], dict):
            where = f"line {places[0].get('line')}, column {places[0].get('column')}"
        code = str(facts.pop("code", ""))
        return cls(code=code, text=str(error.get("message", "")), where=where, facts=facts)

    def __str__(self) -> str:
        told = [f"{name}: {_plain(value)}" for name, value in self.facts.items()]
        beside = "; ".join(filter(None, (self.where, ", ".join(told))))
        said = ": ".join(filter(None, (self.code, self.text))) or "no reason told"
        return said + (f" ({beside})" if beside else "")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class RefusedError(ClientError):
    """The exchange refused the whole request. `code` and `text` are those of the first of its faults."""

    def __init__(self, status: int, faults: Sequence[Fault]) -> None:
        self.status = status
        self.faults = tuple(faults)
        self.code = self.faults[0].code
        self.text = self.faults[0].text
        super().__init__(f"{status} " + "; ".join(map(str, self.faults)))


class MalformedAnswerError(ClientError):
    """The answer is not what GraphQL over HTTP demands."""


class ReceiptError(ClientError):
    """The receipt does not prove this answer to this request: do not use the answer.

    `step` says what failed: `missing`, `request`, `answer`, `leaf`, `checkpoint`, `opening`, `signature`,
    `malformed`, or `answer.<ref>` for one step's data.
    """

    def __init__(self, step: str, text: str) -> None:
        self.step = step
        super().__init__(f"{step}: {text}")
