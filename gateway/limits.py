"""How large a request may be; checked before anything is validated, planned or asked.

The numbers are GATEWAY.md's: what they bound was measured against attacks on graphql-core.
"""

from dataclasses import dataclass

from gateway.errors import RefusedDocumentError, RefusedRequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Equal ones are one and the same object nearly always, so little of them is hashed."""

    body_bytes: int = 1_000_000
    document_bytes: int = 16_384
    tokens: int = 2_000
    nesting: int = 32
    """Open brackets of any kind, checked before parsing: the parser recurses."""
    aliases: int = 30
    repeats: int = 8
    """The same response key within one merged selection set."""
    selections: int = 200
    directives: int = 20
    fragments: int = 50
    depth: int = 12
    root_fields: int = 20
    steps: int = 24
    """Resources read by one operation, each place in the answer counted: so many fit into one entry."""
    first: int = 1_000
    """Records that one list may be asked for."""
    cells: int = 100_000
    """What one operation could read at most, items times records (`gateway.cost`)."""
    key_characters: int = 128
    claim_characters: int = 256
    claims_a_case: int = 3
    """Values of one item of one subject that may be verified within one case."""
    claims_a_day: int = 10
    """The same over all cases, systems and gateways."""
    calls_per_officer: int = 20_000
    """Calls of one officer in one day; 0: not bounded. So below."""
    rows_per_officer: int = 100_000
    """Records given to one officer in one day."""
    subjects_per_officer: int = 1_000
    """Different subjects that one officer may ask about in one day, over all cases and systems."""
    subjects_per_case: int = 200
    """Different subjects that may be asked about within one case, ever."""

    def __hash__(self) -> int:
        return hash((self.document_bytes, self.tokens, self.steps, self.first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What was counted in a parsed document, fragments followed."""

    aliases: int
    repeats: int
    selections: int
    directives: int
    fragments: int
    depth: int
    root_fields: int


def check_body(body: bytes, *, limits: Limits) -> None:
    if len(body) > limits.body_bytes:
        raise RefusedRequestError("BODY_TOO_LARGE", found=len(body), allowed=limits.body_bytes)


def check_text(document: str, *, limits: Limits) -> None:
    size = len(document.encode())
    if size > limits.document_bytes:
        raise RefusedDocumentError("DOCUMENT_TOO_LARGE", found=size, allowed=limits.document_bytes)


def check_tokens(*, tokens: int, nesting: int, limits: Limits) -> None:
    """Refuse a document by what its lexer found so far."""
    if tokens > limits.tokens:
        raise RefusedDocumentError("TOO_MANY_TOKENS", found=tokens, allowed=limits.tokens)
    if nesting > limits.nesting:
        raise RefusedDocumentError("TOO_DEEP", found=nesting, allowed=limits.nesting)


def check_measure(measure: Measure, *, limits: Limits) -> None:
    for code, found, allowed in (
        ("TOO_MANY_ALIASES", measure.aliases, limits.aliases),
        ("TOO_MANY_SELECTIONS", measure.selections, limits.selections),
        ("TOO_MANY_DIRECTIVES", measure.directives, limits.directives),
        ("TOO_MANY_FRAGMENTS", measure.fragments, limits.fragments),
        ("TOO_MANY_REPEATS", measure.repeats, limits.repeats),
        ("TOO_DEEP", measure.depth, limits.depth),
        ("TOO_MANY_ROOT_FIELDS", measure.root_fields, limits.root_fields),
    ):
        if found > allowed:
            raise RefusedDocumentError(code, found=found, allowed=allowed)


def check_steps(steps: int, *, limits: Limits) -> None:
    if steps > limits.steps:
        raise RefusedDocumentError("TOO_MANY_STEPS", found=steps, allowed=limits.steps)
