"""Decision points that answer as the test set them, and one that gives no answer."""

from collections.abc import Callable, Mapping

from policies.engine import UndecidedError
from policies.model import (
    DECISION_SCHEMA,
    QUESTION_SCHEMA,
    Decision,
    ItemVerdicts,
    Question,
    Reason,
    RequestFacts,
    RowFilter,
    Verdict,
)

REVISION = "rev-1"


def permitted(request: RequestFacts, *, grant: str = "grt_1") -> Verdict:
    return Verdict(
        allow=True,
        code="PERMITTED",
        resource=request.resource,
        reasons=[Reason(rule="sharing.granted", code="PERMITTED", legal_basis=[])],
        grant=grant,
        items=ItemVerdicts(allowed=list(request.items), masked={}, denied={}),
        row_filter=RowFilter(all=[]),
        max_rows=request.limit,
        obligations=[],
    )


def refused(request: RequestFacts, code: str) -> Verdict:
    reason = Reason(rule=f"test.{code.lower()}", code=code, legal_basis=[])
    return Verdict(allow=False, code=code, resource=request.resource, reasons=[reason])


class Decides:
    """Implements `policies.engine.DecisionPoint`: permits, but for the refs that the test set.

    `verdicts` maps a ref or a resource code to the function that makes its verdict.
    """

    def __init__(
        self,
        verdicts: Mapping[str, Callable[[RequestFacts], Verdict]] | None = None,
        *,
        expires: int = 2**40,
        schema: str = DECISION_SCHEMA,
    ) -> None:
        self._verdicts = verdicts or {}
        self._expires = expires
        self._schema = schema
        self.questions: list[Question] = []

    @property
    def revision(self) -> str:
        return REVISION

    async def decide(self, question: Question) -> Decision:
        if question.schema != QUESTION_SCHEMA:
            raise AssertionError(f"asked under {question.schema}")
        self.questions.append(question)
        verdicts = {request.ref: self._verdict(request) for request in question.requests}
        allowed = all(verdict.allow for verdict in verdicts.values())
        return Decision(
            schema=self._schema,
            revision=REVISION,
            expires=self._expires,
            allow=allowed,
            code="PERMITTED" if allowed else "PARTLY_PERMITTED",
            resources=verdicts,
            valid_until=self._expires,
        )

    def _verdict(self, request: RequestFacts) -> Verdict:
        made = self._verdicts.get(request.ref) or self._verdicts.get(request.resource)
        return made(request) if made is not None else permitted(request)


class Undecided:
    """Implements `policies.engine.DecisionPoint`: fails in the way that the test set."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error or UndecidedError("the engine is down")
        self.questions: list[Question] = []

    @property
    def revision(self) -> str:
        return REVISION

    async def decide(self, question: Question) -> Decision:
        self.questions.append(question)
        raise self._error
