"""RDF documents as statements: Turtle, RDF/XML and JSON-LD, bounded, and nothing is ever fetched for them."""

import json
import re
from typing import Any

import pyoxigraph

from catalogue.interchange.dcat_reading import Graph, Value
from catalogue.interchange.model import Report, Said

MOST_STATEMENTS = 600_000
DEEPEST = 64
"""How deep brackets may stand in each other; a catalogue needs a dozen."""
MOST_BRACKETS = 2_000_000

TURTLE, RDF_XML, JSON_LD = "turtle", "rdf-xml", "json-ld"
_FORMATS = {
    TURTLE: pyoxigraph.RdfFormat.TURTLE,
    RDF_XML: pyoxigraph.RdfFormat.RDF_XML,
    JSON_LD: pyoxigraph.RdfFormat.JSON_LD,
}
# Strings, IRIs and comments are passed over as one; what is left of interest are brackets.
_TURTLE_TOKENS = re.compile(
    rb'"""(?:[^"\\]++|\\.|"(?!""))*+"""|\'\'\'(?:[^\'\\]++|\\.|\'(?!\'\'))*+\'\'\'|"(?:[^"\\\n]++|\\.)*+"'
    rb"|'(?:[^'\\\n]++|\\.)*+'|<[^<>\n]*+>|#[^\n]*+|[\[\](){}]",
    re.DOTALL,
)
_JSON_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


_STEPS = {b"[": 1, b"(": 1, b"{": 1, b"]": -1, b")": -1, b"}": -1}


def too_deep(content: bytes, kind: str) -> int:
    """Return the line on which brackets stand too deep, or are too many; 0 where they nowhere are."""
    tokens = _TURTLE_TOKENS if kind == TURTLE else _JSON_TOKENS
    depth = count = 0
    for found in tokens.finditer(content):
        mark = found[0]
        step = _STEPS.get(mark)
        if step is None:
            continue
        depth += step
        count += 1
        if depth > DEEPEST or count > MOST_BRACKETS:
            return content.count(b"\n", 0, found.start()) + 1
    return 0


def parse(content: bytes, kind: str, report: Report) -> Graph | None:
    """Return the statements; None where the document cannot be read, and the report says in which line."""
    if not _is_safe(content, kind, report):
        return None
    graph = Graph()
    count = 0
    try:
        for quad in pyoxigraph.parse(content, _FORMATS[kind], base_iri="urn:x-relative:"):
            count += 1
            if count > MOST_STATEMENTS:
                report.note(Said(f"more than {MOST_STATEMENTS} statements"), "a smaller file")
                return None
            graph.add(_name(quad.subject), quad.predicate.value, _value(quad.object))
    except SyntaxError as error:
        said = re.sub(r"\s*\(.*line [0-9]+\)$", "", error.msg or "")
        report.note(Said(said[:200]), f"a well-formed document ({kind})", row=error.lineno or 0)
        return None
    return graph


def _is_safe(content: bytes, kind: str, report: Report) -> bool:
    if kind == RDF_XML:
        # An entity can unfold without end, and name files and addresses: no catalogue needs one.
        place = re.search(rb"<!(DOCTYPE|ENTITY)", content)
        if place is not None or b"\x00" in content[:4]:
            at = 0 if place is None else content.count(b"\n", 0, place.start()) + 1
            report.note(
                Said("a document type with entities"), "RDF/XML in UTF-8 without one", row=at
            )
            return False
        return True
    line = too_deep(content, kind)
    if line:
        report.note(
            Said("brackets too deep in each other, or too many"),
            f"at most {DEEPEST} deep",
            row=line,
        )
        return False
    return kind != JSON_LD or _context_is_own(content, report)


def _context_is_own(content: bytes, report: Report) -> bool:
    """Refuse contexts that would have to be fetched."""
    try:
        held: Any = json.loads(content)
    except (ValueError, RecursionError):
        return True  # the parser says what is wrong, and where
    waiting = [held]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            contexts = one.get("@context", [])
            for context in contexts if isinstance(contexts, list) else [contexts]:
                if isinstance(context, str) or (isinstance(context, dict) and "@import" in context):
                    row = content.count(b"\n", 0, max(content.find(b'"@context"'), 0)) + 1
                    report.note(
                        Said("a context to be fetched"),
                        "a context written out in the document",
                        row=row,
                        column="@context",
                    )
                    return False
            waiting += list(one.values())
    return True


def _name(term: Any) -> str:
    return f"_:{term.value}" if isinstance(term, pyoxigraph.BlankNode) else str(term.value)


def _value(term: Any) -> Value:
    if isinstance(term, pyoxigraph.Literal):
        return Value(term.value, language=term.language or "")
    return Value(_name(term), named=True)
