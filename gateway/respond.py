"""Writes the answer: recorded data as it is, errors and outcomes in the caller's language, the receipt.

Takes `Recorded` and nothing less. Not a byte of `data` is changed here: its digest is in the log.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from catalogue.model import Department
from gateway.disputes import VALUE_DISPUTED
from gateway.errors import Wording
from gateway.formats import format_epoch_ms
from gateway.model import Failed, Masked, Outcome, Recorded, Refused, Step
from gateway.outcomes import code_of, denied_items, masked_items, outcome_of
from gateway.remembered import Remembered

Words = Callable[[str], Wording]
"""What is told about a code, whichever package owns it."""


def respond(
    recorded: Recorded,
    *,
    departments: Mapping[str, Department],
    words: Words,
    languages: str = "",
    receipt: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the body of the answer (GraphQL over HTTP, 6.2).

    `languages` is the header Accept-Language, empty where it was not sent. `receipt` None leaves it to
    be fetched later (`Prefer: receipt=index`).
    """
    english = prefers_english(languages)
    lines = [
        _line(outcome, departments=departments, words=words, english=english)
        for outcome in recorded.outcomes
    ]
    answer: dict[str, Any] = {"data": msgspec.Raw(recorded.data)}
    if recorded.errors:
        answer["errors"] = worded(_timed(recorded), words=words, english=english)
    answer["extensions"] = {
        "outcomes": lines,
        "entry": {"origin": _origin(recorded), "index": recorded.sequenced.index},
    }
    if receipt is not None:
        answer["extensions"]["receipt"] = receipt
    return msgspec.json.encode(answer)


def _timed(recorded: Recorded) -> tuple[Mapping[str, Any], ...]:
    """Return the errors; each of a step that knows when to ask again says so."""
    known = {
        (outcome.permitted.step.resource.code, outcome.code): outcome.retry_after_s
        for outcome in recorded.outcomes
        if isinstance(outcome, Failed) and outcome.retry_after_s is not None
    }
    return tuple(
        error
        if (seconds := known.get((facts.get("resource"), facts["code"]))) is None
        else {**error, "extensions": {**facts, "retryAfter": seconds}}
        for error in recorded.errors
        for facts in [error["extensions"]]
    )


def worded(
    errors: tuple[Mapping[str, Any], ...], *, words: Words, english: bool
) -> list[dict[str, Any]]:
    """Give each error its text and, where it does not say itself, whether and how to go on."""
    spoken = []
    for error in errors:
        facts = error["extensions"]
        wording = words(facts["code"])
        told = {"retryable": wording.retryable, "next": wording.next, **facts}
        message = wording.en if english else wording.zh
        spoken.append({"message": message, **error, "extensions": told})
    return spoken


def _line(
    outcome: Outcome, *, departments: Mapping[str, Department], words: Words, english: bool
) -> dict[str, Any]:
    """Say of one step what came of it; every member is always there, null where it does not apply."""
    as_of, disputed = None, _UNDISPUTED
    if isinstance(outcome, Masked):
        step, as_of = outcome.permitted.step, format_epoch_ms(outcome.as_of_ms)
        # What is masked and refused of an answered step is the verdict's: the same for many calls.
        told = _told.of(
            (step.resource, step.items, outcome.permitted.verdict, departments, words),
            lambda: _tell(outcome, departments=departments, words=words, english=english),
            beside=english,
        )
        if outcome.disputed:
            disputed = _disputed(outcome, words=words)
    else:
        step = _step(outcome)
        told = _tell(outcome, departments=departments, words=words, english=english)
    return {
        "step": step.ref,
        "path": step.path,
        **told,
        "outcome": outcome_of(outcome),
        **disputed,
        "asOf": as_of,
    }


_UNDISPUTED: Mapping[str, Any] = {"disputed": []}


def _disputed(outcome: Masked, *, words: Words) -> Mapping[str, Any]:
    """Say where disputed values stand, and what the officer does who was given one."""
    step = outcome.permitted.step
    marks = outcome.marks
    if not marks and step.claims:
        marks = (step.path,)
    if not marks:
        # A page: its rows stand in the answer as they do here.
        names = {item.name: item.graphql_name for item in step.items}
        marks = tuple(
            (*step.path, number, names[name])
            for number, found in outcome.disputed.items()
            for name in sorted(found & names.keys())
        )
    return {"disputed": marks, "next": words(VALUE_DISPUTED).next}


_told: Remembered[dict[str, Any]] = Remembered()


def _tell(
    outcome: Outcome, *, departments: Mapping[str, Department], words: Words, english: bool
) -> dict[str, Any]:
    """Say whose step it is, and what of it was not given and why."""
    step = _step(outcome)
    asked = {item.name for item in step.items}
    masked = masked_items(outcome) if isinstance(outcome, Masked) else {}
    refused = {name: code for name, code in denied_items(outcome).items() if name in asked}
    code = code_of(outcome)
    return {
        "department": {
            "code": step.resource.department,
            "name": _name(departments.get(step.resource.department), english=english),
        },
        "resource": step.resource.code,
        "code": code,
        "masked": sorted(name for name in masked if name in asked),
        "refused": dict(sorted(refused.items())),
        "next": _next(code, refused, words=words),
        "retryAfter": outcome.retry_after_s if isinstance(outcome, Failed) else None,
    }


def _step(outcome: Outcome) -> Step:
    match outcome:
        case Refused():
            return outcome.step
        case Masked() | Failed():
            return outcome.permitted.step


def _name(department: Department | None, *, english: bool) -> str:
    if department is None:
        return ""
    return department.name_en if english and department.name_en else department.name


def _next(code: str | None, refused: Mapping[str, str], *, words: Words) -> str | None:
    """Return what the asking officer does about what was not given; None where all was."""
    codes = [code] if code is not None else sorted(refused.values())
    return words(codes[0]).next if codes else None


def _origin(recorded: Recorded) -> str:
    """Return the log's name: the first line of a checkpoint (C2SP tlog-checkpoint)."""
    return recorded.sequenced.checkpoint.partition("\n")[0]


@lru_cache(maxsize=256)
def prefers_english(languages: str) -> bool:
    """Say whether a caller wants English (RFC 9110, 12.5.4). Chinese where nothing says otherwise."""
    weights = {"zh": 0.0, "en": 0.0}
    for entry in reversed(languages.lower().split(",")):
        tag, _, parameter = entry.partition(";")
        language = tag.strip().partition("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _weight(parameter))
    if weights["en"] == weights["zh"] > 0:
        return languages.lower().find("en") < languages.lower().find("zh")
    return weights["en"] > weights["zh"]


def _weight(parameter: str) -> float:
    """Read a quality of the header; what cannot be read weighs nothing."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
