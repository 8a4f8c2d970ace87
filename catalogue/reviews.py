"""Reviews (核查): what of the log supervisors may look at, by whose order, and what they found. Decides only.

A review widens what its officers see, so two have to say so: whoever proposes it, and an auditor who takes
no part in it. Identities stay closed until a second officer of the review agrees to one opening. Verdicts
are added and never edited: a later one stands beside the earlier.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider, require_other
from catalogue.model import Actor, Officer, Role, SubjectType
from catalogue.rules import rule
from catalogue.workdays import ZONE, Deadline, add_working_days

ANSWER_WITHIN = "review.answer"
"""Rule: so many working days a department has to answer where the question names none."""
ANSWER_MOST = 60
"""Working days that a question may give at most."""
LONGEST = timedelta(days=366)
"""A review is over at the latest so long after it was confirmed."""
TEXT_MOST = 500
"""Characters of a document's number, a reason, a question, an answer or a finding."""
NAMED_MOST = 50
"""Members of each bound of a scope, and entries of one question."""
REVIEWERS = frozenset({Role.SUPERVISOR, Role.AUDITOR})


class ReviewState(StrEnum):
    PROPOSED = "proposed"
    OPEN = "open"
    """Confirmed; what has expired keeps the state open and gives nothing all the same."""
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class ReviewVerdict(StrEnum):
    """What was found of one entry (核查结论)."""

    NORMAL = "normal"
    EXPLAINED = "explained"
    VIOLATION = "violation"
    REFERRED = "referred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of the log a review is about. An empty member bounds nothing; one at least is not empty."""

    departments: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    subjects: tuple[tuple[SubjectType, str], ...] = ()
    """Type and normalised identifier."""
    since: datetime
    """The first moment of the period under review."""
    until: datetime
    """The first moment after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReview:
    """A review before an id is given."""

    document: str
    """Number of the document that orders it."""
    reason: str
    scope: Scope
    officers: tuple[str, ...]
    """Ids of those who carry it out."""
    expires: datetime
    sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    id: str
    document: str
    reason: str
    departments: tuple[str, ...]
    systems: tuple[str, ...]
    resources: tuple[str, ...]
    matters: tuple[str, ...]
    cases: tuple[str, ...]
    subjects: tuple[tuple[SubjectType, str], ...]
    since: datetime
    until: datetime
    officers: tuple[str, ...]
    sealed: bool
    """Whether others learn of what is read under it the number alone."""
    expires: datetime
    """First moment at which it gives nothing any more."""
    state: ReviewState
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None = None
    """An auditor who takes no part in it; None until confirmed."""
    confirmed_at: datetime | None = None
    closed_by: str | None = None
    """None until closed or withdrawn."""
    closed_at: datetime | None = None
    conclusion: str = ""

    def runs(self, at: datetime) -> bool:
        """Whether its officers may look by it."""
        return self.state is ReviewState.OPEN and at < self.expires

    def serves(self, officer: str) -> bool:
        return officer in self.officers

    @property
    def in_the_clear(self) -> bool:
        """Whether entries say in the clear that they are inside: cases and subjects are only committed to."""
        return not self.cases and not self.subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSample:
    """A sample that was drawn, with all that draws it again (`audit/sampling.py`)."""

    id: str
    review: str
    seed: str
    """SHA-256, hex, of the words where some were given; random otherwise."""
    count: int
    """Entries asked for."""
    size: int
    """Entries of the log as it was drawn from."""
    population: int
    digest: str
    drawn: tuple[int, ...]
    drawn_by: str
    drawn_at: datetime
    words: str = ""
    """What the seed was made of; empty where it is random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityOpening:
    """Leave to open what one entry keeps closed."""

    id: str
    review: str
    about: int
    """Index of the entry."""
    names: tuple[str, ...]
    """Of the commitments."""
    reason: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None = None
    """A second officer of the review; None until confirmed."""
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQuestion:
    """A question to a department about entries that concern it, and its answer."""

    id: str
    review: str
    department: str
    about: tuple[int, ...]
    """Indexes of the entries."""
    text: str
    days: int
    """Working days given for the answer."""
    asked_by: str
    asked_at: datetime
    answer: str | None = None
    """None until answered."""
    answered_by: str | None = None
    answered_at: datetime | None = None

    def due(self) -> Deadline:
        """Return the last day on which an answer is in time."""
        return add_working_days(self.asked_at, self.days)

    def overdue(self, at: datetime) -> bool:
        """Whether the day is over without an answer, or was when the answer came."""
        return self.due().passed(self.answered_at or at)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryVerdict:
    """What an officer of the review found of one entry. Never changed; a later one is another row."""

    id: str
    review: str
    about: int
    """Index of the entry."""
    verdict: ReviewVerdict
    finding: str
    given_by: str
    given_at: datetime


def propose(
    wanted: NewReview,
    *,
    review_id: str,
    officers: Mapping[str, Officer],
    by: Actor,
    at: datetime,
) -> Review:
    """Return the review as the authority or a supervisor proposes it; nobody sees anything by it yet.

    Raises NotAllowedError, InvalidError with everything that is wrong.
    """
    proposer = require_decider(by, Role.AUTHORITY, Role.SUPERVISOR)
    findings = [
        *_text_findings(document=wanted.document, reason=wanted.reason),
        *_scope_findings(wanted.scope),
        *_officer_findings(wanted, officers),
    ]
    if not at < wanted.expires <= at + LONGEST:
        findings.append(Flaw("expires: later than now and within a year needed"))
    if findings:
        raise InvalidError(*findings)
    scope = wanted.scope
    return Review(
        id=review_id,
        document=wanted.document.strip(),
        reason=wanted.reason.strip(),
        departments=scope.departments,
        systems=scope.systems,
        resources=scope.resources,
        matters=scope.matters,
        cases=scope.cases,
        subjects=scope.subjects,
        since=scope.since,
        until=scope.until,
        officers=tuple(dict.fromkeys(wanted.officers)),
        sealed=wanted.sealed,
        expires=wanted.expires,
        state=ReviewState.PROPOSED,
        proposed_by=proposer.id,
        proposed_at=at,
    )


def confirm(review: Review, *, by: Actor, at: datetime) -> Review:
    """Open a review on an auditor's word, who neither proposed it nor takes part in it."""
    auditor = _auditor(by)
    _require(review, ReviewState.PROPOSED)
    if auditor.id == review.proposed_by or review.serves(auditor.id):
        raise NotAllowedError("SECOND_OFFICER", "an auditor who takes no part in it")
    if at >= review.expires:
        raise StateError("the review has expired before anybody confirmed it", code="REVIEW_STATE")
    return replace(review, state=ReviewState.OPEN, confirmed_by=auditor.id, confirmed_at=at)


def withdraw(review: Review, *, by: Actor, at: datetime) -> Review:
    """Take a proposed review back, or refuse it as an auditor."""
    if by.has(Role.AUDITOR):
        officer = _auditor(by)
    else:
        officer = require_decider(by, Role.AUTHORITY, Role.SUPERVISOR)
        if officer.id != review.proposed_by:
            raise NotAllowedError("ROLE_MISSING", "whoever proposed it, or an auditor")
    _require(review, ReviewState.PROPOSED)
    return replace(review, state=ReviewState.WITHDRAWN, closed_by=officer.id, closed_at=at)


def close(
    review: Review,
    *,
    conclusion: str,
    drawn: Iterable[int],
    judged: Collection[int],
    by: Actor,
    at: datetime,
) -> Review:
    """End a review with its conclusion. Each entry that was drawn needs a verdict first."""
    officer = need_reviewer(review, by=by)
    _require(review, ReviewState.OPEN)
    _check_texts(conclusion=conclusion)
    left = sorted(set(drawn) - set(judged))
    if left:
        more = "" if len(left) <= 10 else f" and {len(left) - 10} more"
        raise StateError(
            f"without a verdict: {', '.join(map(str, left[:10]))}{more}", code="REVIEW_STATE"
        )
    return replace(
        review,
        state=ReviewState.CLOSED,
        closed_by=officer.id,
        closed_at=at,
        conclusion=conclusion.strip(),
    )


def ask_identity(
    review: Review,
    *,
    opening_id: str,
    about: int,
    names: tuple[str, ...],
    reason: str,
    by: Actor,
    at: datetime,
) -> IdentityOpening:
    """Ask, as an officer of the review, to open what an entry keeps closed; nothing is opened yet."""
    officer = need_running(review, by=by, at=at)
    _check_texts(reason=reason)
    if not names:
        raise InvalidError(Flaw("names: at least one needed"))
    return IdentityOpening(
        id=opening_id,
        review=review.id,
        about=about,
        names=tuple(dict.fromkeys(names)),
        reason=reason.strip(),
        asked_by=officer.id,
        asked_at=at,
    )


def confirm_identity(
    review: Review, opening: IdentityOpening, *, by: Actor, at: datetime
) -> IdentityOpening:
    """Agree to an opening, as another officer of the review than who asked."""
    officer = need_running(review, by=by, at=at)
    if opening.confirmed_by is not None:
        raise StateError("the opening was confirmed before", code="REVIEW_STATE")
    if officer.id == opening.asked_by:
        raise NotAllowedError("SECOND_OFFICER", "another officer of the review")
    return replace(opening, confirmed_by=officer.id, confirmed_at=at)


def ask_department(
    review: Review,
    *,
    question_id: str,
    department: str,
    about: tuple[int, ...],
    text: str,
    days: int | None,
    by: Actor,
    at: datetime,
) -> ReviewQuestion:
    """Put a question to a department; `days` None gives it what the rule says."""
    officer = need_running(review, by=by, at=at)
    _check_texts(text=text)
    given = rule(ANSWER_WITHIN, on=at.astimezone(ZONE).date()).value if days is None else days
    findings = []
    if not 1 <= given <= ANSWER_MOST:
        findings.append(Flaw("days: {0}, 1 to {1} working days needed", given, ANSWER_MOST))
    if not 1 <= len(about) <= NAMED_MOST:
        findings.append(Flaw("about: {0} entries, 1 to {1} needed", len(about), NAMED_MOST))
    if findings:
        raise InvalidError(*findings)
    return ReviewQuestion(
        id=question_id,
        review=review.id,
        department=department,
        about=tuple(sorted(set(about))),
        text=text.strip(),
        days=given,
        asked_by=officer.id,
        asked_at=at,
    )


def answer(question: ReviewQuestion, *, text: str, by: Actor, at: datetime) -> ReviewQuestion:
    """Answer for the asked department, once; late is late, and still an answer."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=question.department)
    if question.answer is not None:
        raise StateError("the question is answered already", code="REVIEW_STATE")
    _check_texts(answer=text)
    return replace(question, answer=text.strip(), answered_by=officer.id, answered_at=at)


def judge(  # noqa: PLR0913 - what a verdict rests on
    review: Review,
    *,
    verdict_id: str,
    about: int,
    verdict: ReviewVerdict,
    finding: str,
    concerned: Collection[str],
    acted: Collection[str],
    by: Actor,
    at: datetime,
) -> EntryVerdict:
    """Write a verdict down. Whoever acted, and whoever is of a department concerned, does not judge it.

    `acted` are the officers whom the entry is by. All but 正常 need a finding in words.
    """
    officer = need_running(review, by=by, at=at)
    require_other(officer, *acted)
    if officer.department in concerned:
        raise NotAllowedError("OWN_REQUEST", "the entry concerns the reviewer's own department")
    if verdict is not ReviewVerdict.NORMAL or finding.strip():
        _check_texts(finding=finding)
    return EntryVerdict(
        id=verdict_id,
        review=review.id,
        about=about,
        verdict=verdict,
        finding=finding.strip(),
        given_by=officer.id,
        given_at=at,
    )


def need_running(review: Review, *, by: Actor, at: datetime) -> Officer:
    """Return the acting officer of a review that runs. Raises NotAllowedError, StateError."""
    officer = need_reviewer(review, by=by)
    _require(review, ReviewState.OPEN)
    if at >= review.expires:
        raise StateError("the review has expired", code="REVIEW_STATE")
    return officer


def need_reviewer(review: Review, *, by: Actor) -> Officer:
    """Return the acting officer, who carries the review out. Raises NotAllowedError."""
    officer = by.officer
    if officer is None or officer.state != "active" or not officer.roles & REVIEWERS:
        raise NotAllowedError("ROLE_MISSING", "a supervisor or an auditor needed")
    if not review.serves(officer.id):
        raise NotAllowedError("ROLE_MISSING", "an officer of this review needed")
    return officer


def newest(verdicts: Iterable[EntryVerdict]) -> dict[int, EntryVerdict]:
    """Return the verdict that stands for each entry: the one given last."""
    return {one.about: one for one in sorted(verdicts, key=lambda one: (one.given_at, one.id))}


def _auditor(by: Actor) -> Officer:
    """An auditor changes nothing: a review has them as its second word, and never as its first."""
    if by.officer is None or by.officer.state != "active" or not by.has(Role.AUDITOR):
        raise NotAllowedError("ROLE_MISSING", f"needs the role {Role.AUDITOR}")
    return by.officer


def _scope_findings(scope: Scope) -> list[Flaw]:
    bounds = {
        "departments": scope.departments,
        "systems": scope.systems,
        "resources": scope.resources,
        "matters": scope.matters,
        "cases": scope.cases,
        "subjects": scope.subjects,
    }
    findings = [
        Flaw("{0}: {1} named, {2} at most", name, len(held), NAMED_MOST)
        for name, held in bounds.items()
        if len(held) > NAMED_MOST
    ]
    findings += [Flaw("{0}: an empty one", name) for name, held in bounds.items() if "" in held]
    if not any(bounds.values()):
        findings.append(Flaw("a scope: at least one of {0} needed", ", ".join(bounds)))
    if scope.since >= scope.until:
        findings.append(Flaw("a period that ends before it begins"))
    return findings


def _officer_findings(wanted: NewReview, officers: Mapping[str, Officer]) -> list[Flaw]:
    if not wanted.officers:
        return [Flaw("officers: at least one needed")]
    findings = []
    for key in dict.fromkeys(wanted.officers):
        held = officers.get(key)
        if held is None or held.state != "active" or not held.roles & REVIEWERS:
            findings.append(Flaw("{0}: no active supervisor or auditor", key))
        elif held.department in wanted.scope.departments:
            findings.append(Flaw("{0}: of a department that is under review", key))
    return findings


def _text_findings(**texts: str) -> list[Flaw]:
    return [
        Flaw("{0}: {1} characters, 1 to {2} needed", name, len(text.strip()), TEXT_MOST)
        for name, text in texts.items()
        if not 1 <= len(text.strip()) <= TEXT_MOST
    ]


def _check_texts(**texts: str) -> None:
    findings = _text_findings(**texts)
    if findings:
        raise InvalidError(*findings)


def _require(review: Review, state: ReviewState) -> None:
    if review.state is not state:
        raise StateError(
            f"the review is {review.state.value}, {state.value} needed", code="REVIEW_STATE"
        )
