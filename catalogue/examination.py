"""What is looked at before an entry goes on: checks by its department, and what it is given back for.

Nothing is signed without the check for secrets (保密审查), and nothing that holds personal information
without its assessment (个人信息保护影响评估). Whoever gives an entry back says everything that is wrong
with it at once.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.entries import holds_personal
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.model import Officer, Resource

WORDS_CHARACTERS = 1_000
REASON_CHARACTERS = 500
MOST_REASONS = 50
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CheckKind(StrEnum):
    SECRECY = "secrecy"  # 保密审查
    PERSONAL = "personal"  # 个人信息保护影响评估


class Conclusion(StrEnum):
    CLEAR = "clear"  # 通过
    MEASURES = "measures"  # 采取措施后通过; of an assessment alone
    STOPPED = "stopped"  # 不通过


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Who looked at the entry, when, what came of it, and the file that says so."""

    kind: CheckKind
    by: str
    at: datetime
    conclusion: Conclusion
    words: str
    file: str
    """Name of the file with the conclusion; the department keeps the file."""
    digest: str
    """SHA-256 of the file, hex."""


class ReturnCode(StrEnum):
    """Why an entry is given back; several at once where several are so."""

    INCOMPLETE = "incomplete"
    WRONG = "wrong"
    CLASS = "class"
    BASIS = "basis"
    CONDITIONS = "conditions"
    DUPLICATE = "duplicate"
    SECRECY = "secrecy"
    PERSONAL = "personal"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnReason:
    code: ReturnCode
    about: str
    """Name of an item; empty where the whole entry is meant."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    by: str
    at: datetime
    state: str
    """Where the entry stood: draft (its head gave it back) or submitted (the authority did)."""
    revision: int
    reasons: tuple[ReturnReason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened to an entry on its way."""

    secrecy: Check | None = None
    """None until it was checked, and again once what was checked has changed."""
    assessment: Check | None = None
    """As above; needed where the entry holds personal information."""
    returns: tuple[Return, ...] = ()
    """Oldest first, of all revisions."""
    restored_from: int | None = None
    """The older revision whose content the draft has; None where it is somebody's own."""


NOTHING_YET = Course()


def examined(course: Course, check: Check) -> Course:
    """Return the course with a check. Raises InvalidError for one that says too little."""
    findings = []
    if not _DIGEST.fullmatch(check.digest):
        findings.append(Flaw("the file's digest is no SHA-256"))
    if not check.file.strip() or len(check.file) > 200:
        findings.append(Flaw("the name of the file with the conclusion is needed"))
    if len(check.words) > WORDS_CHARACTERS:
        findings.append(Flaw("a conclusion has at most {0} characters", WORDS_CHARACTERS))
    if check.conclusion is not Conclusion.CLEAR and not check.words.strip():
        findings.append(Flaw("what was found is needed in words"))
    if check.kind is CheckKind.SECRECY and check.conclusion is Conclusion.MEASURES:
        findings.append(
            Flaw("a check for secrets ends clear or stopped: no measure makes a secret none")
        )
    if findings:
        raise InvalidError(*findings)
    if check.kind is CheckKind.SECRECY:
        return replace(course, secrecy=check)
    return replace(course, assessment=check)


def unexamined(resource: Resource, course: Course) -> Iterator[Flaw]:
    """Say which check keeps the entry from being signed."""
    if course.secrecy is None:
        yield Flaw("the check for secrets is missing")
    elif course.secrecy.conclusion is Conclusion.STOPPED:
        yield Flaw("the check for secrets ended with: not to be registered")
    if holds_personal(resource):
        if course.assessment is None:
            yield Flaw("the assessment of personal information is missing")
        elif course.assessment.conclusion is Conclusion.STOPPED:
            yield Flaw("the assessment of personal information ended with: not to be shared")


def carried_on(course: Course, before: Resource, after: Resource) -> Course:
    """Return the course of the next draft: checks stand only for what was looked at."""
    if _looked_at(before) == _looked_at(after):
        return course
    return Course(returns=course.returns)


def given_back(
    course: Course,
    resource: Resource,
    reasons: Iterable[ReturnReason],
    *,
    by: Officer,
    at: datetime,
) -> Course:
    """Return the course with one more return, which names everything at once."""
    told = tuple(replace(one, text=one.text.strip()) for one in reasons)
    names = {item.name for item in resource.items}
    findings = []
    if not 1 <= len(told) <= MOST_REASONS:
        findings.append(Flaw("{0} reasons, 1 to {1} needed", len(told), MOST_REASONS))
    for one in told:
        if not one.text or len(one.text) > REASON_CHARACTERS:
            findings.append(
                Flaw("reason {0}: 1 to {1} characters needed", one.code, REASON_CHARACTERS)
            )
        if one.about and one.about not in names:
            findings.append(Flaw("reason {0}: no item {1}", one.code, one.about))
    if findings:
        raise InvalidError(*findings)
    made = Return(by=by.id, at=at, state=resource.state, revision=resource.revision, reasons=told)
    return replace(course, returns=(*course.returns, made))


def _looked_at(resource: Resource) -> Resource:
    """What a check is about: everything but where the entry stands on its way."""
    return replace(resource, state="", revision=0, published_on=None)
