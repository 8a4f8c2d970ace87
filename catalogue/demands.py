"""Demands: what a department looked for in the catalogue and did not find. Decides only."""

from dataclasses import dataclass
from datetime import datetime

from catalogue.errors import InvalidError
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role

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


def file_demand(words: str, need: str, *, id_: str, by: Actor, at: datetime) -> Demand:
    """Return a demand of the actor's department. Raises NotAllowedError, InvalidError."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=by.department)
    if not words.strip() or len(words) > WORDS_CHARACTERS:
        raise InvalidError(
            f"a demand names what is wanted, in at most {WORDS_CHARACTERS} characters"
        )
    if not need.strip() or len(need) > NEED_CHARACTERS:
        raise InvalidError(f"a demand says what for, in at most {NEED_CHARACTERS} characters")
    return Demand(
        id=id_,
        department=officer.department,
        words=words.strip(),
        need=need.strip(),
        filed_by=officer.id,
        filed_at=at,
    )
