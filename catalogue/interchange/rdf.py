"""RDF as this exchange writes it: subject by subject, as Turtle and as JSON-LD, never the whole at once."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "csvw": "http://www.w3.org/ns/csvw#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "x": "urn:x-district-data-exchange:catalogue#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""`x` is our own, for what the standards have no word for: without a host, alike in every installation."""

_UNFIT = re.compile(r"[\x00-\x20<>\"{}|\\^`]")
_LOCAL = re.compile(r"[A-Za-z_][0-9A-Za-z_-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'[\\"\n\r\t\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class Iri:
    """An absolute IRI, or a prefixed name of `PREFIXES`."""

    name: str

    @property
    def full(self) -> str:
        return _full(self.name)


@lru_cache(maxsize=4_096)
def _full(name: str) -> str:
    prefix, mark, local = name.partition(":")
    if mark and prefix in PREFIXES and _LOCAL.fullmatch(local):
        return PREFIXES[prefix] + local
    return _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", name)


@dataclass(frozen=True, slots=True)
class Literal:
    text: str
    language: str = ""
    datatype: str = ""
    """Prefixed name; empty is a plain text."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An RDF list."""

    parts: Sequence["Term"]


@dataclass(frozen=True, slots=True)
class Node:
    """A subject with what is said of it; one without a name is blank and stands where it is said."""

    name: Iri | None
    said: Sequence[tuple[str, "Term"]] = field(default_factory=tuple)
    """Prefixed name of a property, and its value."""


Term = Iri | Literal | Listed | Node


def turtle(nodes: Iterable[Node]) -> Iterator[str]:
    """Yield a Turtle document piece by piece."""
    for prefix, base in sorted(PREFIXES.items()):
        yield f"@prefix {prefix}: <{base}> .\n"
    for node in nodes:
        yield f"\n{_turtle_subject(node)}\n"


def json_ld(nodes: Iterable[Node]) -> Iterator[str]:
    """Yield a JSON-LD document piece by piece; its context stands in it, so that nobody fetches one."""
    yield f'{{"@context":{json.dumps(PREFIXES, separators=(",", ":"))},"@graph":['
    for place, node in enumerate(nodes):
        yield ("," if place else "") + "\n" + _dumped(_json_node(node))
    yield "\n]}\n"


def _turtle_subject(node: Node) -> str:
    if node.name is None:
        raise ValueError("a subject of a document has a name")
    return f"{_turtle_term(node.name)} {_turtle_said(node)} ."


def _turtle_said(node: Node) -> str:
    return " ;\n  ".join(
        f"{'a' if name == 'rdf:type' else name} {_turtle_term(term)}" for name, term in node.said
    )


def _turtle_term(term: Term) -> str:
    match term:
        case Iri():
            return _written(term.name)
        case Literal(text, language, datatype):
            quoted = f'"{_ESCAPED.sub(_escape, text)}"'
            if language:
                return f"{quoted}@{language}"
            return f"{quoted}^^{datatype}" if datatype else quoted
        case Listed(parts):
            return f"( {' '.join(map(_turtle_term, parts))} )"
        case Node(name=None):
            return f"[ {_turtle_said(term)} ]" if term.said else "[]"
        case Node():
            raise ValueError("a node with a name is a subject of its own")


@lru_cache(maxsize=4_096)
def _written(name: str) -> str:
    full = _full(name)
    return name if full != name and not _UNFIT.search(name) else f"<{full}>"


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], f"\\u{ord(found[0]):04X}")


def _json_node(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {} if node.name is None else {"@id": _json_iri(node.name)}
    for name, term in node.said:
        if name == "rdf:type" and isinstance(term, Iri):
            told.setdefault("@type", []).append(_json_iri(term))
        else:
            told.setdefault(name, []).append(_json_term(term))
    return told


def _json_term(term: Term) -> Any:
    match term:
        case Iri():
            return {"@id": _json_iri(term)}
        case Literal(text, language, datatype):
            more = {"@language": language} if language else {"@type": datatype} if datatype else {}
            return {"@value": text, **more}
        case Listed(parts):
            return {"@list": [_json_term(part) for part in parts]}
        case Node():
            return _json_node(term)


def _json_iri(iri: Iri) -> str:
    return iri.full


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
