"""Intents that no call names: another department's system may have been asked, and nothing says what came."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audit.canonical import decode_strict
from audit.reading import LogReader
from gateway.intent import KIND

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An intent without an outcome. It may still be under way: `at` (epoch ms) says since when."""

    index: int
    at: int
    call: str
    consumer: str
    system: str
    asked: tuple[tuple[str, str], ...]
    """Department and resource of each step that was about to be asked."""


def unfinished(log: LogReader, first: int, end: int) -> list[Unfinished]:
    """Return the intents among the entries [first, end) that no entry up to the log's end names.

    The entries after `end` are read too: an outcome may follow much later. Raises the log's errors.
    """
    waiting: dict[int, Unfinished] = {}
    for index, members in _members(log, first):
        if members["kind"] == KIND and index < end:
            waiting[index] = _told(index, members)
        for named in members.get("intents", ()):
            waiting.pop(named, None)
        if index >= end and not waiting:
            break
    return list(waiting.values())


def _members(log: LogReader, first: int) -> Iterator[tuple[int, dict[str, Any]]]:
    size = log.size
    for at in range(first, size, _CHUNK):
        for index, body in enumerate(log.entries(at, min(at + _CHUNK, size)), at):
            yield index, decode_strict(body)


def _told(index: int, members: dict[str, Any]) -> Unfinished:
    return Unfinished(
        index=index,
        at=members["ts"],
        call=members["call"],
        consumer=members["consumer"],
        system=members["system"],
        asked=tuple((step["provider"], step["resource"]) for step in members["steps"]),
    )
