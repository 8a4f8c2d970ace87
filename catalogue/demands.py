"""Demands: what a department looked for in the catalogue and did not find. Decides only."""

from dataclasses import dataclass, replace
from datetime import datetime

from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Resource, Role

WORDS_CHARACTERS = 200
NEED_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """需求: filed by a department, seen by it and by the authority."""

    id: str
    department: str
    words: str
    """What was searched for."""
    need: str
    """What the data would be used for."""
    filed_by: str
    filed_at: datetime
    resource: str | None = None
    """Code of the resource that answers it; None until somebody answered."""
    answer: str | None = None
    """What was said with it; None as above."""
    answered_by: str | None = None
    answered_at: datetime | None = None


def file_demand(words: str, need: str, *, id_: str, by: Actor, at: datetime) -> Demand:
    """Return a demand of the actor's department. Raises NotAllowedError, InvalidError."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=by.department)
    if not words.strip() or len(words) > WORDS_CHARACTERS:
        raise InvalidError(
            Flaw("a demand names what is wanted, in at most {0} characters", WORDS_CHARACTERS)
        )
    if not need.strip() or len(need) > NEED_CHARACTERS:
        raise InvalidError(
            Flaw("a demand says what for, in at most {0} characters", NEED_CHARACTERS)
        )
    return Demand(
        id=id_,
        department=officer.department,
        words=words.strip(),
        need=need.strip(),
        filed_by=officer.id,
        filed_at=at,
    )


def answer_demand(
    held: Demand, resource: Resource, *, text: str, by: Actor, at: datetime
) -> Demand:
    """Answer a demand with a resource: the authority with any, a department with one of its own.

    Raises NotAllowedError, StateError, InvalidError.
    """
    if by.has(Role.AUTHORITY):
        officer = require_decider(by, Role.AUTHORITY)
    else:
        officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    if held.answered_at is not None:
        raise StateError(f"demand {held.id} was answered with {held.resource} already")
    if resource.state != "announced":
        raise StateError(f"resource {resource.code} is {resource.state}, announced needed")
    if len(text) > NEED_CHARACTERS:
        raise InvalidError(Flaw("an answer has at most {0} characters", NEED_CHARACTERS))
    return replace(
        held,
        resource=resource.code,
        answer=text.strip(),
        answered_by=officer.id,
        answered_at=at,
    )
