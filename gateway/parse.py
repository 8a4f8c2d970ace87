"""Bytes from a caller become a typed request, its usage information and a validated document.

Nothing here words an error: errors carry codes, places and names of the caller's own contract, never a
value of the document, and `respond` says them in the caller's language.
"""

import base64
import binascii
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn, get_args

import msgspec
from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FieldsOnCorrectTypeRule,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    KnownArgumentNamesRule,
    KnownTypeNamesRule,
    Lexer,
    Node,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule

from gateway.errors import RefusedDocumentError, RefusedRequestError
from gateway.limits import (
    Limits,
    Measure,
    check_body,
    check_measure,
    check_text,
    check_tokens,
)
from gateway.model import Usage
from gateway.schema import Contract
from policies.model import UsageFacts

# One list of purposes: the question's own (国务院令第809号).
PURPOSES: tuple[str, ...] = get_args(UsageFacts.__annotations__["purpose"])
REASON_CHARACTERS = 200
DIGEST_KEPT = 4_096
"""Characters of the longest document whose digest is kept."""
MOST_ERRORS = 5
"""Of one rule: who sends a document with many faults is not answered at many times its length."""

_OPERATOR = re.compile(r"(?:system:)?[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_REQUIRED = ("matter", "case", "purpose", "reason", "operator")


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a GraphQL request over HTTP."""

    query: str | None
    """None: the request names a document that the exchange knows, by `document`."""
    document: str | None = None
    """SHA-256, hex, of the document that is meant; None where only its text is given."""
    operation_name: str | None
    """None: the document has one operation."""
    variables: Mapping[str, Any]
    extensions: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"GraphQLRequest(document={self.document!r})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A document that is valid under one contract."""

    ast: DocumentNode = field(repr=False)
    digest: str
    """SHA-256, hex, of the document's text as received: what grants and entries name."""
    contract: Contract = field(repr=False)


def parse_request(body: bytes, *, limits: Limits) -> GraphQLRequest:
    """Read the body of a POST: one strict JSON object. Members that GraphQL does not name are ignored.

    Raises RefusedRequestError; `member` names the first member that has the wrong type.
    """
    check_body(body, limits=limits)
    members = read_json(body)
    if not isinstance(members, dict):
        # An array would be a batch: one request is one call, with one entry.
        raise RefusedRequestError("BODY_INVALID", needed="one JSON object")
    return read_request(members)


def read_request(members: Mapping[str, Any]) -> GraphQLRequest:
    """Read the members of a request, wherever they stood. Raises RefusedRequestError BODY_INVALID."""
    extensions = _object(members, "extensions")
    document = _document(members, extensions)
    query = members.get("query")
    if query is None and document is not None:
        query = None
    elif not isinstance(query, str) or not query:
        raise RefusedRequestError("BODY_INVALID", member="query", needed="text")
    elif document not in {None, operation_digest(query)}:
        raise RefusedRequestError("BODY_INVALID", member="query", needed="the document named")
    name = members.get("operationName")
    if name is not None and not isinstance(name, str):
        raise RefusedRequestError("BODY_INVALID", member="operationName", needed="text or null")
    return GraphQLRequest(
        query=query,
        document=document,
        operation_name=name,
        variables=_object(members, "variables"),
        extensions=extensions,
    )


_PREFIX = "sha256:"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _document(members: Mapping[str, Any], extensions: Mapping[str, Any]) -> str | None:
    """Return the digest by which a document is named; None where none is.

    `documentId` as GraphQL over HTTP has it, or `extensions.persistedQuery` as clients send it.
    """
    named = members.get("documentId")
    persisted = extensions.get("persistedQuery")
    if named is None and persisted is None:
        return None
    if persisted is not None:
        fits = isinstance(persisted, dict) and persisted.get("version") == 1
        digest = persisted.get("sha256Hash") if fits else None
        if named is not None and named != f"{_PREFIX}{digest}":
            raise RefusedRequestError("BODY_INVALID", member="documentId", needed="one document")
    else:
        digest = named.removeprefix(_PREFIX) if isinstance(named, str) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise RefusedRequestError("BODY_INVALID", member="documentId", needed="sha256:… in hex")
    return digest


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = members.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RefusedRequestError("BODY_INVALID", member=name, needed="an object or null")
    return found


def read_json(content: bytes) -> Any:
    """Read JSON as RFC 8259 and I-JSON have it: UTF-8 without mark, no name twice, no NaN, no surrogate.

    Raises RefusedRequestError, which never says what the content was.
    """
    try:
        read = _strict.decode(content.decode("utf-8"))
        if b"\\u" in content:
            # A lone surrogate has no bytes, so nothing that holds one could be digested or sent on.
            json.dumps(read, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # UnicodeError is a ValueError. The cause would carry what was sent into a traceback.
        raise RefusedRequestError("BODY_INVALID", needed="strict JSON") from None
    return read


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


_strict = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
)


def read_usage(extensions: Mapping[str, Any], header: str | None) -> Usage:
    """Read why the call is made, from `extensions.usage` or the header `Exchange-Usage`.

    Raises RefusedRequestError: USAGE_MISSING names all missing members at once, USAGE_INVALID all that
    are not well formed, USAGE_CONFLICT that both places are there and differ. `header` None: not sent.
    """
    inside = extensions.get("usage")
    outside = _read_header(header) if header is not None else None
    if inside is not None and outside is not None and inside != outside:
        raise RefusedRequestError("USAGE_CONFLICT")
    found = inside if inside is not None else outside
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise RefusedRequestError("USAGE_INVALID", members=["usage"])
    if _is_well_formed(found):
        return Usage(**found)
    missing = [name for name in _REQUIRED if found.get(name) is None or found[name] == ""]
    if missing:
        raise RefusedRequestError("USAGE_MISSING", members=missing)
    wrong = list(_wrong_members(found))
    if wrong:
        raise RefusedRequestError("USAGE_INVALID", members=wrong)
    return Usage(**{name: found[name] for name in _REQUIRED}, retry_of=found.get("retryOf"))


def _read_header(header: str) -> Any:
    """Read base64url of UTF-8 JSON; padding may be there or not, nothing else may differ."""
    text = header.strip(" \t").rstrip("=")
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise RefusedRequestError("USAGE_INVALID", members=["Exchange-Usage"]) from None
    try:
        return read_json(content)
    except RefusedRequestError:
        raise RefusedRequestError("USAGE_INVALID", members=["Exchange-Usage"]) from None


def _says_why(text: str) -> bool:
    return len(text) <= REASON_CHARACTERS and text.strip() != ""


_FITS: Mapping[str, Callable[[str], object]] = {
    "matter": _PLAIN.fullmatch,
    "case": _PLAIN.fullmatch,
    "purpose": PURPOSES.__contains__,
    "reason": _says_why,
    "operator": _OPERATOR.fullmatch,
}


def _is_well_formed(found: Mapping[str, Any]) -> bool:
    """Say whether these are the required members alone, all as they should be; else each is looked at."""
    if len(found) != len(_REQUIRED) or not _TEXTS.issuperset(map(type, found.values())):
        return False
    return all(name in found and fits(found[name]) for name, fits in _FITS.items())


_TEXTS = frozenset({str})


def _wrong_members(found: Mapping[str, Any]) -> Iterator[str]:
    for name, fits in _FITS.items():
        if not isinstance(found[name], str) or not fits(found[name]):
            yield name
    retry = found.get("retryOf")
    if retry is not None and (type(retry) is not int or not 0 <= retry < 2**53):
        yield "retryOf"
    # A member that is not known may be a misspelt one that matters.
    yield from sorted(set(found) - {*_REQUIRED, "retryOf"})


def parse_document(
    query: str, contract: Contract, *, limits: Limits, allow_introspection: bool = False
) -> Document:
    """Read, measure and validate a document. Raises RefusedDocumentError with one error each."""
    try:
        ast = check_document(query, limits=limits)
        errors = list(_validate(ast, contract, allow_introspection=allow_introspection))
    except RecursionError:
        # Fragments within fragments can nest deeper than any bracket.
        raise RefusedDocumentError("TOO_DEEP", allowed=limits.depth) from None
    if errors:
        raise _refused("DOCUMENT_INVALID", errors)
    return Document(ast=ast, digest=operation_digest(query), contract=contract)


def check_document(query: str, *, limits: Limits) -> DocumentNode:
    """Read and measure a document, whatever contract it is for. Raises RefusedDocumentError."""
    check_text(query, limits=limits)
    try:
        _check_tokens(query, limits=limits)
        ast = parse(query, no_location=False)
    except GraphQLError as error:
        # The parser's text quotes what it found, which may be an identifier.
        raise _refused("SYNTAX_INVALID", [_located("SYNTAX_INVALID", error)]) from None
    try:
        check_measure(measure(ast), limits=limits)
    except RecursionError:
        raise RefusedDocumentError("TOO_DEEP", allowed=limits.depth) from None
    return ast


def operation_digest(query: str) -> str:
    """Return the SHA-256, hex, of a document's text exactly as it was sent."""
    # Whoever sends a long one has it digested each time: what is kept must stay small.
    return _kept_digest(query) if len(query) <= DIGEST_KEPT else _digest(query)


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


_kept_digest = lru_cache(maxsize=256)(_digest)


def _refused(code: str, errors: list[Mapping[str, Any]]) -> RefusedDocumentError:
    return RefusedDocumentError(code, errors)


def _located(code: str, error: GraphQLError, **facts: Any) -> Mapping[str, Any]:
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return {"locations": places, "extensions": {"code": code, **facts}}


_OPENING = {TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L}
_CLOSING = {TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R}


def _check_tokens(query: str, *, limits: Limits) -> None:
    """Count tokens and open brackets before the parser, which recurses, sees the document."""
    lexer = Lexer(Source(query))
    tokens = nesting = deepest = 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        tokens += 1
        nesting += (token.kind in _OPENING) - (token.kind in _CLOSING)
        deepest = max(deepest, nesting)
        check_tokens(tokens=tokens, nesting=deepest, limits=limits)


# Rules whose errors would tell names apart that the contract does not have: unannounced, not shared and
# invented ones get the same bytes.
_NAMING: frozenset[type[ASTValidationRule]] = frozenset(
    {FieldsOnCorrectTypeRule, KnownTypeNamesRule, KnownArgumentNamesRule}
)
# Rules whose texts quote literals of the document.
_QUOTING: frozenset[type[ASTValidationRule]] = frozenset({ValuesOfCorrectTypeRule})


def _validate(
    ast: DocumentNode, contract: Contract, *, allow_introspection: bool
) -> Iterator[Mapping[str, Any]]:
    refused = [definition for definition in ast.definitions if _is_foreign(definition)]
    if refused:
        yield from _at("OPERATION_UNSUPPORTED", refused)
        return
    if not allow_introspection:
        introspecting = validate(contract.schema, ast, [NoSchemaIntrospectionCustomRule])
        if introspecting:
            yield from (_located("INTROSPECTION_REFUSED", error) for error in introspecting)
            return
    if validate(contract.schema, ast, max_errors=1):
        yield from _explain(ast, contract)


def _explain(ast: DocumentNode, contract: Contract) -> Iterator[Mapping[str, Any]]:
    """Validate again, rule by rule, because only so is it known which rule an error comes from."""
    for rule in specified_rules:
        for error in validate(contract.schema, ast, [rule], max_errors=MOST_ERRORS):
            if rule in _NAMING:
                yield _located("NAME_UNKNOWN", error)
            elif rule in _QUOTING or not error.locations:
                yield _located("DOCUMENT_INVALID", error)
            else:
                yield _located("DOCUMENT_INVALID", error, detail=_without_suggestion(error.message))


def _without_suggestion(message: str) -> str:
    return message.partition(" Did you mean")[0]


def _is_foreign(definition: DefinitionNode) -> bool:
    """Say whether a definition is neither a query nor a fragment."""
    if isinstance(definition, OperationDefinitionNode):
        return definition.operation is not OperationType.QUERY
    return not isinstance(definition, FragmentDefinitionNode)


def _at(code: str, nodes: Iterable[Node]) -> Iterator[Mapping[str, Any]]:
    for node in nodes:
        yield _located(code, GraphQLError("", node))


def measure(ast: DocumentNode) -> Measure:
    """Count what limits bound: along every fragment, each once in a selection set as GraphQL merges."""
    fragments = {
        definition.name.value: definition
        for definition in ast.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    sets = list(_selection_sets(ast))
    nodes = [node for selections in sets for node in selections.selections]
    operations = [
        definition
        for definition in ast.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    known: dict[str, int] = {}
    return Measure(
        aliases=len([node for node in nodes if isinstance(node, FieldNode) and node.alias]),
        selections=max((len(selections.selections) for selections in sets), default=0),
        directives=sum(_count_directives(node) for node in [*nodes, *ast.definitions]),
        fragments=len(fragments),
        repeats=max((_most_repeated(selections, fragments) for selections in sets), default=0),
        root_fields=max(
            (len(list(_merged(each.selection_set, fragments))) for each in operations), default=0
        ),
        depth=max((_depth(each.selection_set, fragments, known) for each in operations), default=0),
    )


def _count_directives(node: Node) -> int:
    return len(getattr(node, "directives", None) or ())


def _selection_sets(ast: DocumentNode) -> Iterator[SelectionSetNode]:
    waiting = [
        definition.selection_set
        for definition in ast.definitions
        if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode))
    ]
    while waiting:
        selections = waiting.pop()
        yield selections
        waiting += [
            node.selection_set
            for node in selections.selections
            if isinstance(node, (FieldNode, InlineFragmentNode)) and node.selection_set
        ]


Fragments = Mapping[str, FragmentDefinitionNode]


def _merged(selections: SelectionSetNode, fragments: Fragments) -> Iterator[FieldNode]:
    """Yield the fields of a selection set and of the fragments in it, each fragment once."""
    waiting: list[SelectionNode] = list(selections.selections)
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            waiting += node.selection_set.selections
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            if node.name.value in fragments:
                waiting += fragments[node.name.value].selection_set.selections


def _most_repeated(selections: SelectionSetNode, fragments: Fragments) -> int:
    keys = Counter(
        node.alias.value if node.alias else node.name.value
        for node in _merged(selections, fragments)
    )
    return max(keys.values(), default=0)


def _depth(selections: SelectionSetNode, fragments: Fragments, known: dict[str, int]) -> int:
    """Return how deep fields are nested. A fragment that contains itself counts once: it is invalid."""
    deepest = 0
    for node in selections.selections:
        if isinstance(node, FieldNode):
            # Introspection is deep by nature: where it is allowed, graphql-core's own rule bounds it.
            below = None if node.name.value.startswith("__") else node.selection_set
            deepest = max(deepest, 1 + (_depth(below, fragments, known) if below else 0))
        elif isinstance(node, InlineFragmentNode):
            deepest = max(deepest, _depth(node.selection_set, fragments, known))
        elif isinstance(node, FragmentSpreadNode):
            deepest = max(deepest, _fragment_depth(node.name.value, fragments, known))
    return deepest


def _fragment_depth(name: str, fragments: Fragments, known: dict[str, int]) -> int:
    if name not in known:
        known[name] = 0  # While it is being measured: a cycle ends here.
        if name in fragments:
            known[name] = _depth(fragments[name].selection_set, fragments, known)
    return known[name]
