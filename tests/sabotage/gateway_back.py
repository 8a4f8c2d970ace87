"""How the back half of the gateway could be broken, one way for each thing that it promises."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gateway.clear
import gateway.compile
import gateway.fetch
import gateway.intent
import gateway.mask
import gateway.pipeline
import gateway.record
import gateway.rule
import gateway.sources.sql
from audit.entry import Draft, Sequenced
from gateway.model import Call, Failed, Fetched, Masked, Outcome, Permitted, Recorded, Refused
from gateway.ports import Recorder
from tests.sabotage.kit import Sabotage, replaced

_original_step_facts = gateway.clear.step_facts
_original_attempt = gateway.pipeline._Attempt.carry_out
_original_read = gateway.fetch._read


def _permit_everything() -> AbstractContextManager[None]:
    def ruling(step: Any, steps: Any, verdict: Any) -> Any:
        return Permitted(step, verdict)

    return replaced(gateway.rule._ruling, ruling)


def _give_every_item() -> AbstractContextManager[None]:
    every = SimpleNamespace(one=lambda row: row, all=lambda rows: rows, watched=())
    return replaced(gateway.mask._giving, lambda _step, _verdict: every)


def _ignore_the_log() -> AbstractContextManager[None]:
    async def carry_out(attempt: gateway.pipeline._Attempt) -> Any:
        attempt._ports = replace(attempt._ports, recorder=_NeverAsked(attempt._ports.recorder))
        return await _original_attempt(attempt)

    return replaced(_original_attempt, carry_out)


def _intend_nothing() -> AbstractContextManager[None]:
    return replaced(gateway.intent.remote_steps, lambda _rulings, _snapshot: ())


class _NeverAsked:
    """A log that is only written to, and never asked beforehand whether it can be."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def ready(self) -> None:
        return

    async def append(self, draft: Draft) -> Sequenced:
        return await self._recorder.append(draft)


def _answer_unrecorded() -> AbstractContextManager[None]:
    async def record(call: Call, outcomes: Any, given: Any, **_: Any) -> Recorded:
        return Recorded(call, tuple(outcomes), given.data, given.errors, None)  # type: ignore[arg-type]

    return replaced(gateway.record.record, record)


def _say_nothing_of_steps() -> AbstractContextManager[None]:
    def facts(seen: Any) -> dict[str, Any]:
        return {**_original_step_facts(seen), "given": "", "refused": "", "outcome": "given"}

    return replaced(gateway.clear.step_facts, facts)


def _take_down_for_absent() -> AbstractContextManager[None]:
    async def read(permitted: Permitted, *others: Any) -> Any:
        carried = await _original_read(permitted, *others)
        return Fetched(permitted, (), 0) if isinstance(carried, Failed) else carried

    return replaced(gateway.fetch._read, read)


def _one_refusal_refuses_all() -> AbstractContextManager[None]:
    def settle(steps: Any, outcomes: Any) -> tuple[Outcome, ...]:
        if all(isinstance(outcome, Masked) for outcome in outcomes):
            return tuple(outcomes)
        return tuple(Refused(step, "GRANT_MISSING", None) for step in steps)

    return replaced(gateway.pipeline._settle, settle)


@contextmanager
def _write_whatever_is_there() -> Iterator[None]:
    with (
        replaced(gateway.compile._checked, lambda _type, _variable: iter(())),
        replaced(gateway.compile._checked_values, lambda values, _type: values),
    ):
        yield


def _reach_anybody() -> AbstractContextManager[None]:
    return replaced(gateway.fetch._may_be_reached, lambda *_: True)


def _trust_every_login() -> AbstractContextManager[None]:
    return replaced(gateway.sources.sql._sqlite_rights, lambda _: [])


SABOTAGES: dict[str, Sabotage] = {
    "W1": Sabotage(why="the call is answered without its entry", apply=_answer_unrecorded),
    "W15": Sabotage(why="others' systems are asked before the log says so", apply=_intend_nothing),
    "W16": Sabotage(why="the policy is asked while the log is down", apply=_ignore_the_log),
    "F1": Sabotage(why="every verdict counts as a permit", apply=_permit_everything),
    "F4": Sabotage(why="denied items are given", apply=_give_every_item),
    "F5": Sabotage(why="denied items are given", apply=_give_every_item),
    "F6": Sabotage(why="one refusal takes the others with it", apply=_one_refusal_refuses_all),
    "F10": Sabotage(why="the entry forgets what was refused", apply=_say_nothing_of_steps),
    "F15": Sabotage(why="every verdict counts as a permit", apply=_permit_everything),
    "F17": Sabotage(
        why="the compiled road writes what a value's type does not", apply=_write_whatever_is_there
    ),
    "F21": Sabotage(why="one refusal takes the others with it", apply=_one_refusal_refuses_all),
    "S1": Sabotage(why="a source that is down looks empty", apply=_take_down_for_absent),
    "S7": Sabotage(why="a source that is down looks empty", apply=_take_down_for_absent),
    "S10": Sabotage(why="no login is found to write", apply=_trust_every_login),
    "C5": Sabotage(why="whoever a link leads to may be read", apply=_reach_anybody),
}
