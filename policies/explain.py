"""Why a question was decided as it was: for the officer in words, for the author with the line.

Nothing here decides anew. The policy itself runs once more, traced, on no more of the question than the
verdict needs; a question that is narrowed so far that its verdict changes is not used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from policies.bundle import Bundle
from policies.causes import Attempt, Causes, Condition
from policies.embedded import ENTRYPOINT
from policies.engine import UndecidedError
from policies.language import UNDEFINED, Budget, Program, compile_modules
from policies.language.tracing import Trace
from policies.model import Decision, Question, Reason, RequestFacts, RowCondition, Verdict
from policies.reasons import REASONS


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason: its words, its basis in law, and the rules that would have cleared it."""

    code: str
    rule: str
    zh: str
    en: str
    legal_basis: tuple[str, ...]
    actor: str
    next: str
    condition: Condition | None
    """The first condition that failed in the definition that came closest; None where none is known."""
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class DeniedItem:
    item: str
    ground: Ground


@dataclass(frozen=True, slots=True)
class MaskedItem:
    """`ruled` is the branch that gave the mask; None where the policy does not say it by a rule."""

    item: str
    mask: str
    ruled: Attempt | None


@dataclass(frozen=True, slots=True)
class RefusalExplained:
    ref: str
    resource: str
    code: str
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class PermitExplained:
    ref: str
    resource: str
    grant: str
    allowed: tuple[str, ...]
    masked: tuple[MaskedItem, ...]
    denied: tuple[DeniedItem, ...]
    filters: tuple[RowCondition, ...]
    max_rows: int | None
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    code: str
    zh: str
    en: str
    requests: tuple[PermitExplained | RefusalExplained, ...]

    def only(self, ref: str) -> "Explanation":
        """Return what is said of one request. Raises LookupError where there is none of that ref."""
        found = tuple(one for one in self.requests if one.ref == ref)
        if not found:
            refs = ", ".join(one.ref for one in self.requests) or "none"
            raise LookupError(f"no request {ref!r} in the question; it has {refs}")
        return Explanation(self.code, self.zh, self.en, found)


class TracedPolicy:
    """A policy that can say why. It is traced: for one thread, and slower than the one that decides.

    `budget` bounds each of the decisions that an explanation takes.
    """

    def __init__(self, bundle: Bundle, *, budget: Budget | None = None) -> None:
        trace = Trace()
        self._program: Program = compile_modules(bundle.modules, bundle.data, trace=trace)
        self._trace = trace
        self._budget = budget
        self.causes = Causes(trace)

    def decide(self, question: Question) -> Decision:
        """Decide, and leave in `causes` what decided. Raises UndecidedError."""
        self._trace.clear()
        plain = msgspec.to_builtins(question)
        raw = self._program.evaluate(ENTRYPOINT, plain, budget=self._budget)
        if raw is UNDEFINED:
            raise UndecidedError(f"{ENTRYPOINT} is undefined")
        try:
            return msgspec.convert(raw, Decision, strict=True)
        except msgspec.ValidationError as error:
            raise UndecidedError(f"the answer is no decision: {error}") from error


def explain(policy: TracedPolicy, question: Question) -> Explanation:
    """Return why the policy decides the question as it does.

    Raises UndecidedError where it gives no decision at all.
    """
    told = _Telling(policy, question)
    decision = policy.decide(question)
    requests = tuple(
        told.request(asked, decision.resources[asked.ref])
        for asked in question.requests
        if asked.ref in decision.resources
    )
    words = REASONS.get(decision.code, REASONS["REFUSED"])
    return Explanation(decision.code, words.zh, words.en, requests)


class _Telling:
    """Explains the verdicts on one question."""

    def __init__(self, policy: TracedPolicy, question: Question) -> None:
        self._decide = policy.decide
        self._causes = policy.causes
        self._question = question

    def request(self, asked: RequestFacts, verdict: Verdict) -> PermitExplained | RefusalExplained:
        if verdict.allow and verdict.items is not None:
            return self._permitted(asked, verdict)
        grounds = tuple(self._refusal(asked, verdict, reason) for reason in verdict.reasons)
        denied = _denied_within(verdict)
        more = tuple(self._denied(asked, item, code).ground for item, code in denied.items())
        return RefusalExplained(asked.ref, asked.resource, verdict.code, (*grounds, *more))

    def _refusal(self, asked: RequestFacts, verdict: Verdict, reason: Reason) -> Ground:
        codes = [one.code for one in verdict.reasons]

        def alike(found: Verdict) -> bool:
            return [one.code for one in found.reasons] == codes

        self._settle(asked, verdict, alike)
        return self._ground(reason.code, reason)

    def _permitted(self, asked: RequestFacts, verdict: Verdict) -> PermitExplained:
        items = verdict.items
        assert items is not None  # noqa: S101 - a permit has items: `request` looked
        return PermitExplained(
            ref=asked.ref,
            resource=asked.resource,
            grant=verdict.grant or "",
            allowed=tuple(items.allowed),
            masked=tuple(
                self._masked(asked, verdict, item, mask) for item, mask in items.masked.items()
            ),
            denied=tuple(self._denied(asked, item, code) for item, code in items.denied.items()),
            filters=tuple(verdict.row_filter.all) if verdict.row_filter else (),
            max_rows=verdict.max_rows,
            obligations=tuple(duty.type for duty in verdict.obligations),
        )

    def _denied(self, asked: RequestFacts, item: str, code: str) -> DeniedItem:
        def alike(found: Verdict) -> bool:
            return _denied_within(found).get(item) == code

        one = msgspec.structs.replace(asked, items=[item])
        self._settle(one, None, alike)
        return DeniedItem(item, self._ground(code, None))

    def _masked(self, asked: RequestFacts, verdict: Verdict, item: str, mask: str) -> MaskedItem:
        def alike(found: Verdict) -> bool:
            return found.items is not None and found.items.masked.get(item) == mask

        one = msgspec.structs.replace(asked, items=[item])
        self._settle(one, verdict, alike)
        return MaskedItem(item, mask, self._causes.reading({"mask", "masks"}))

    def _settle(
        self, asked: RequestFacts, verdict: Verdict | None, alike: Callable[[Verdict], bool]
    ) -> None:
        """Run the policy on as little of the question as gives the same verdict."""
        for narrowed in self._narrowed(asked, _grant_of(verdict)):
            found = self._decide(narrowed).resources.get(asked.ref)
            if found is not None and alike(found):
                return
        self._decide(self._question)

    def _narrowed(self, asked: RequestFacts, grant: str | None) -> Iterator[Question]:
        question = self._question
        catalogue = {
            code: facts for code, facts in question.catalogue.items() if code == asked.resource
        }
        alone = msgspec.structs.replace(question, requests=[asked], catalogue=catalogue)
        near = [one for one in question.grants if one.resource == asked.resource]
        if grant is not None:
            named = [one for one in near if one.id == grant]
            yield msgspec.structs.replace(alone, grants=named)
        yield msgspec.structs.replace(alone, grants=near)
        yield alone
        yield msgspec.structs.replace(question, requests=[asked])

    def _ground(self, code: str, reason: Reason | None) -> Ground:
        words = REASONS.get(code, REASONS["DEPARTMENT_DENIED"])
        attempts = self._causes.of(code)
        return Ground(
            code=code,
            rule=words.rule if reason is None else reason.rule,
            zh=words.zh,
            en=words.en,
            legal_basis=words.basis if reason is None else tuple(reason.legal_basis),
            actor=words.actor,
            next=words.next,
            condition=attempts[0].cause if attempts else None,
            attempts=attempts,
        )


def _grant_of(verdict: Verdict | None) -> str | None:
    """The grant that the verdict speaks of; None where it names none."""
    if verdict is None:
        return None
    if verdict.grant is not None:
        return verdict.grant
    for reason in verdict.reasons:
        match reason.detail:
            case {"grant": str(grant)}:
                return grant
            case _:
                pass
    return None


def _denied_within(verdict: Verdict) -> dict[str, str]:
    """The items that a verdict denies, each with its code, also where that refuses the request."""
    if verdict.items is not None:
        return dict(verdict.items.denied)
    for reason in verdict.reasons:
        match reason.detail:
            case {"items": dict(denied)}:
                return {str(item): str(code) for item, code in denied.items()}
            case _:
                pass
    return {}
