"""Who can see an item: asked of the policy by made-up questions, and read off its answers.

Nothing here knows what a grant means. A question is put under the best circumstances that a call can have;
each circumstance is then made worse, and what no longer holds is what the call needs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from policies.engine import UndecidedError
from policies.model import CaseFacts, Decision, Question, RowCondition, Verdict

Decide = Callable[[Question], Decision]
"""Raises UndecidedError where there is no decision: nobody sees anything then."""

BEST_AUTHN, BEST_CLEARANCE = 3, 4
_TOKEN = "tok_subject"  # noqa: S105 - the token of a made-up subject
_OFFICER = "tok_officer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one system can see, for one matter, purpose and channel."""

    ref: str
    department: str
    system: str
    matter: str
    purpose: str
    channel: str
    grant: str
    items: dict[str, str]
    """Item → its mask, `none` where it is given as it is; what is compared only is `match`."""
    uncleared: dict[str, str]
    """The same for an officer of no clearance: what the publisher demands to be masked is, then."""
    rows: list[RowCondition]
    max_rows: int
    until: int
    """First second at which the grant ends (epoch seconds); the decision's own end where none is named."""
    needs: list[str] = field(default_factory=list)
    """What the call must have besides: a case, an attested one, the subject as a party, a consent, …"""


def at_best(question: Question) -> Question:
    """Return a question as good as it gets: an attested case, a party, consent, sign-in, clearance."""
    case = CaseFacts(
        state="open",
        matter=question.usage.matter,
        system=question.caller.system,
        attested=True,
        parties=1,
    )
    requests = [
        msgspec.structs.replace(
            request,
            subject=None
            if request.subject is None
            else msgspec.structs.replace(
                request.subject,
                digest=_TOKEN,
                relation="party",
                consents=sorted(question.catalogue),
            ),
        )
        for request in question.requests
    ]
    officer = msgspec.structs.replace(
        question.officer, digest=_OFFICER, authn_level=BEST_AUTHN, clearance=BEST_CLEARANCE
    )
    return msgspec.structs.replace(question, case=case, requests=requests, officer=officer)


def sights(question: Question, decide: Decide) -> list[Sight]:
    """Return what a question's caller is given under the best circumstances, request by request."""
    best = at_best(question)
    decision = _decided(best, decide)
    if decision is None:
        return []
    return [
        _sight(best, ref, verdict, decision, decide)
        for ref, verdict in sorted(decision.resources.items())
        if _given(best, ref, verdict)
    ]


def _sight(best: Question, ref: str, verdict: Verdict, decision: Decision, decide: Decide) -> Sight:
    granted = next((one for one in best.grants if one.id == verdict.grant), None)
    return Sight(
        ref=ref,
        department=best.caller.department,
        system=best.caller.system,
        matter=best.usage.matter,
        purpose=best.usage.purpose,
        channel=best.channel,
        grant=verdict.grant or "",
        items=_given(best, ref, verdict),
        uncleared=_given_at(_with_officer(best, clearance=0), ref, decide),
        rows=[] if verdict.row_filter is None else verdict.row_filter.all,
        max_rows=verdict.max_rows or 0,
        until=granted.not_after if granted is not None else decision.valid_until,
        needs=_needs(best, ref, _given(best, ref, verdict), decide),
    )


def _given(question: Question, ref: str, verdict: Verdict | None) -> dict[str, str]:
    """Return what a verdict gives or lets be compared; empty where it is nothing."""
    if verdict is None or not verdict.allow or verdict.items is None:
        return {}
    request = next(one for one in question.requests if one.ref == ref)
    if not request.items:
        return dict.fromkeys(request.matched, "match")
    return {**dict.fromkeys(verdict.items.allowed, "none"), **verdict.items.masked}


def _needs(best: Question, ref: str, given: dict[str, str], decide: Decide) -> list[str]:
    """Return what the call cannot do without: each is taken away alone, and something is missing then."""
    found = [name for name, worse in _worse(best) if _less(worse, ref, given, decide)]
    for name, most in (("authn_level", BEST_AUTHN), ("clearance", BEST_CLEARANCE)):
        least = next(
            level
            for level in range(most + 1)
            if level == most or not _less(_with_officer(best, **{name: level}), ref, given, decide)
        )
        if least > 0:
            found.append(f"{name}>={least}")
    return found


def _less(question: Question, ref: str, given: dict[str, str], decide: Decide) -> bool:
    """Whether a question gives less, or otherwise masked, than `given`."""
    return _given_at(question, ref, decide) != given


def _given_at(question: Question, ref: str, decide: Decide) -> dict[str, str]:
    decision = _decided(question, decide)
    return _given(question, ref, None if decision is None else decision.resources.get(ref))


def _worse(best: Question) -> Iterator[tuple[str, Question]]:
    replace = msgspec.structs.replace
    yield "case", replace(best, case=None)
    if best.case is not None:
        yield "attested-case", replace(best, case=replace(best.case, attested=False))
    yield "party", _with_subjects(best, relation="stranger")
    yield "consent", _with_subjects(best, consents=[])
    yield "bound-key", replace(best, caller=replace(best.caller, auth="bearer"))


def _with_subjects(question: Question, **changes: object) -> Question:
    requests = [
        request
        if request.subject is None
        else msgspec.structs.replace(
            request, subject=msgspec.structs.replace(request.subject, **changes)
        )
        for request in question.requests
    ]
    return msgspec.structs.replace(question, requests=requests)


def _with_officer(question: Question, **changes: int) -> Question:
    return msgspec.structs.replace(
        question, officer=msgspec.structs.replace(question.officer, **changes)
    )


def _decided(question: Question, decide: Decide) -> Decision | None:
    try:
        return decide(question)
    except UndecidedError:
        return None


def gathered(found: Sequence[Sight]) -> list[tuple[Sight, list[str], list[str]]]:
    """Put sights together that differ in purpose and channel alone: (one of them, purposes, channels)."""
    groups: dict[bytes, list[Sight]] = {}
    for sight in found:
        alike = msgspec.json.encode(
            [
                sight.system,
                sight.matter,
                sight.grant,
                sight.items,
                sight.uncleared,
                sight.rows,
                sight.max_rows,
                sight.needs,
            ]
        )
        groups.setdefault(alike, []).append(sight)
    return [
        (
            group[0],
            list(dict.fromkeys(one.purpose for one in group)),
            list(dict.fromkeys(one.channel for one in group)),
        )
        for group in groups.values()
    ]
