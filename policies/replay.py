"""Decides recorded questions again: the same question under the same policy has the same answer.

What the log commits to of a call is the question and the decision, each as the one text that `written`
makes of it. A replay compares those texts, byte for byte, and says path by path where they part.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from policies.engine import PolicyError
from policies.model import DECISION_SCHEMA, QUESTION_SCHEMA, Decision, Question

T = TypeVar("T", Question, Decision)

LATER = frozenset({"filters", "orders"})
"""Members that the requests of a question did not have at first."""


class UnreadableError(PolicyError):
    """A recorded text is no question or no decision of a version that is known here."""


class Compared(StrEnum):
    """How a recorded decision stands to the one made now."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNANSWERED = "unanswered"
    """No engine answered then, and every step was refused; what it would have said cannot be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two decisions part; a text is JSON, None where the path leads nowhere."""

    path: str
    recorded: str | None
    replayed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    compared: Compared
    differences: tuple[Difference, ...] = ()


def written(value: Question | Decision | None) -> str:
    """Return the one text of a question or decision: JSON, members sorted; `null` for no decision.

    Not RFC 8785: a row condition may hold a number that entries may not.
    """
    return _json(msgspec.to_builtins(value))


def read_question(text: str) -> Question:
    """Read what `written` made of a question. Raises UnreadableError.

    A question of before lists filtered or ordered anything is read as one that did neither: its policy
    reads no more of it than then.
    """
    return _read(_completed(text), Question, QUESTION_SCHEMA)


def _completed(text: str) -> str:
    try:
        question = json.loads(text)
        for request in question["requests"]:
            if request.keys() & LATER == set():
                request |= {name: [] for name in LATER}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text  # What is no question is told as such where it is read.
    return _json(question) if text == _json(json.loads(text)) else text


def read_decision(text: str) -> Decision | None:
    """Read what `written` made of a decision; None: no engine gave one. Raises UnreadableError."""
    return None if text == "null" else _read(text, Decision, DECISION_SCHEMA)


def replay(question: Question, recorded: str, decided: Decision | None) -> Replayed:
    """Compare a recorded decision, as its text, with the one made now; None: there is none now.

    Raises UnreadableError where the recorded text is no decision.
    """
    then = read_decision(recorded)
    now = written(decided if question.requests else None)
    if recorded == now:
        return Replayed(compared=Compared.EQUAL)
    if then is None and question.requests:
        return Replayed(compared=Compared.UNANSWERED)
    return Replayed(
        compared=Compared.DIFFERENT,
        differences=tuple(differences(json.loads(recorded), json.loads(now))),
    )


def differences(recorded: Any, replayed: Any, *, path: str = "") -> Iterator[Difference]:
    """Yield every place where two JSON values part, by JSON pointer (RFC 6901), in order."""
    match recorded, replayed:
        case dict(), dict():
            for name in sorted(recorded.keys() | replayed.keys()):
                below = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
                yield from _at(below, _members(recorded, name), _members(replayed, name))
        case list(), list():
            for at in range(max(len(recorded), len(replayed))):
                below = f"{path}/{at}"
                yield from _at(below, recorded[at : at + 1], replayed[at : at + 1])
        case _ if _json(recorded) != _json(replayed):
            yield Difference(path=path, recorded=_json(recorded), replayed=_json(replayed))
        case _:
            pass


def _at(path: str, recorded: Sequence[Any], replayed: Sequence[Any]) -> Iterator[Difference]:
    """Compare what stands at a path: a list of one, or of none where the path leads nowhere."""
    if recorded and replayed:
        yield from differences(recorded[0], replayed[0], path=path)
        return
    yield Difference(
        path=path,
        recorded=_json(recorded[0]) if recorded else None,
        replayed=_json(replayed[0]) if replayed else None,
    )


def _members(held: dict[str, Any], name: str) -> list[Any]:
    return [held[name]] if name in held else []


def _read(text: str, kind: type[T], schema: str) -> T:
    try:
        read = msgspec.convert(json.loads(text), kind, strict=True)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise UnreadableError(f"a recorded text is no {schema}") from error
    if read.schema != schema:
        raise UnreadableError(f"a recorded text of another schema, {schema} needed")
    if written(read) != text:
        raise UnreadableError(f"a recorded text is not as {schema} is written")
    return read


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
