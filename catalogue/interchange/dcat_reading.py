"""DCAT as entries: our own whole, those of other catalogues as far as they say what an entry says."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from catalogue.interchange.dcat import (
    ACCESS,
    FREQUENCIES,
    STANDARD,
    XSD_TYPES,
    camel,
    concept,
    property_of,
)
from catalogue.interchange.entries import code_for
from catalogue.interchange.fields import ENTRY_FIELDS, ITEM, Field, Kind
from catalogue.interchange.model import Report, Told
from catalogue.interchange.rdf import PREFIXES, Iri

_FIRST, _REST, _NIL = (f"{PREFIXES['rdf']}{name}" for name in ("first", "rest", "nil"))
_TYPE = f"{PREFIXES['rdf']}type"
_MOST_LISTED = 5_000


@dataclass(frozen=True, slots=True)
class Value:
    """The object of a statement."""

    text: str
    """Lexical form, IRI or the label of a blank node."""
    named: bool = False
    """Whether it is a node and no literal."""
    language: str = ""


@dataclass(slots=True)
class Graph:
    """Statements by subject and property."""

    said: dict[str, dict[str, list[Value]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, subject: str, name: str, value: Value) -> None:
        self.said[subject][name].append(value)

    def all(self, subject: str, name: str) -> list[Value]:
        return self.said[subject].get(Iri(name).full, []) if subject in self.said else []

    def one(self, subject: str, name: str) -> Value | None:
        return next(iter(self.all(subject, name)), None)

    def text(self, subject: str, name: str) -> str:
        found = self.one(subject, name)
        return "" if found is None else found.text

    def listed(self, head: str) -> Iterator[Value]:
        """Yield the members of an RDF list; one that runs in a circle ends."""
        seen: set[str] = set()
        while head != _NIL and head not in seen and len(seen) < _MOST_LISTED:
            seen.add(head)
            held = self.said.get(head, {})
            yield from held.get(_FIRST, [])[:1]
            rest = held.get(_REST, [])
            head = rest[0].text if rest else _NIL

    def subjects(self, kind: str) -> Iterator[str]:
        wanted = Iri(kind).full
        for subject, said in self.said.items():
            if any(value.text == wanted for value in said.get(_TYPE, ())):
                yield subject


def read_datasets(graph: Graph, report: Report) -> list[Told]:
    """Return an entry a dataset, in the order of their codes."""
    found: dict[str, Told] = {}
    for subject in list(graph.subjects("dcat:Dataset")):
        told = _told(graph, subject, report)
        if told is None:
            continue
        if told.code in found:
            report.note(told.code, "a dct:identifier that no other dataset has", code=told.code)
            continue
        found[told.code] = told
    return [found[code] for code in sorted(found)]


def _told(graph: Graph, subject: str, report: Report) -> Told | None:
    identifier = graph.text(subject, "dct:identifier") or subject
    titles = graph.all(subject, "dct:title")
    if not titles:
        report.note(identifier, "a dct:title", column="dct:title", code=code_for(identifier))
        return None
    whole = graph.text(subject, "x:whole") in {"true", "1"}
    code = code_for(identifier)
    fields: dict[str, Any] = {"code": code, **_names(titles, "name", "name_en")}
    notes = [] if code == identifier else [f"identifier {identifier} is no code"]
    fields["abstract"] = _abstract(graph, subject)
    _put(fields, "keywords", sorted({one.text for one in graph.all(subject, "dcat:keyword")}))
    _put(fields, "published_on", graph.text(subject, "dct:issued")[:10])
    _put(fields, "update_cycle", _word(graph, subject, "dct:accrualPeriodicity", FREQUENCIES))
    _put(fields, "openness", _word(graph, subject, "dct:accessRights", ACCESS))
    publisher = graph.one(subject, "dct:publisher")
    if publisher is not None and publisher.named:
        _put(fields, "department", graph.text(publisher.text, "dct:identifier"))
    fields |= _contact(graph, subject)
    for name, known in ENTRY_FIELDS.items():
        if name not in STANDARD:
            value = _own(graph, subject, known)
            if value is not None:
                fields[name] = value
    _put(fields, "distributions", _distributions(graph, subject, whole=whole))
    _put(fields, "no_share_basis", _law(graph, subject))
    structure = graph.one(subject, "x:structure")
    items = None if structure is None else tuple(_items(graph, structure.text))
    if whole:
        fields = {name: fields.get(name, known.empty) for name, known in ENTRY_FIELDS.items()}
        items = items or ()
    return Told(code=code, fields=fields, items=items, notes=tuple(notes))


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """What is not there is not said: nothing is emptied by it."""
    if value not in (None, "", []):
        fields[name] = value


def _names(values: Iterable[Value], zh: str, en: str) -> dict[str, str]:
    """Sort titles by their languages; the Chinese one first, else the plain one, else any."""
    by_language = {
        value.language.lower().split("-")[0]: value.text for value in reversed(list(values))
    }
    first = next(
        (by_language[one] for one in ("zh", "", "en") if one in by_language),
        next(iter(by_language.values())),
    )
    named = {zh: first}
    if "en" in by_language and (by_language.keys() & {"zh", ""} or by_language["en"] != first):
        named[en] = by_language["en"]
    return named


def _abstract(graph: Graph, subject: str) -> str:
    own = graph.one(subject, "x:abstract")
    if own is not None:
        return own.text
    said = graph.all(subject, "dct:description")
    return _names(said, "text", "other")["text"] if said else ""


def _word(graph: Graph, subject: str, name: str, words: Mapping[str, str]) -> str | None:
    known = {address: value for value, address in words.items()}
    return next((known[one.text] for one in graph.all(subject, name) if one.text in known), None)


def _contact(graph: Graph, subject: str) -> dict[str, str]:
    point = graph.one(subject, "dcat:contactPoint")
    if point is None:
        return {}
    found: dict[str, str] = {}
    _put(found, "contact_unit", graph.text(point.text, "vcard:fn"))
    for name, prefix, key in (
        ("hasTelephone", "tel:", "telephone"),
        ("hasEmail", "mailto:", "email"),
    ):
        address = graph.text(point.text, f"vcard:{name}")
        if not address.startswith(prefix):
            address = graph.text(address, "vcard:hasValue")
        _put(found, f"contact_{key}", unquote(address.removeprefix(prefix)))
    return found


def _own(graph: Graph, subject: str, known: Field) -> Any:  # noqa: PLR0911 - one line for each kind of value
    """Return a field said in our own vocabulary; None where it is not said."""
    values = graph.all(subject, property_of(known))
    if not values:
        return None
    concepts = _concepts(known)
    match known.kind:
        case Kind.TEXT | Kind.DAY:
            return values[0].text
        case Kind.WORD:
            return concepts.get(values[0].text, values[0].text)
        case Kind.WORDS:
            return sorted({concepts.get(one.text, one.text) for one in values})
        case Kind.LIST:
            return sorted({one.text for one in values})
        case Kind.NUMBER:
            return int(values[0].text) if _is_number(values[0].text) else values[0].text
        case Kind.FLAG:
            return {"true": True, "1": True, "false": False, "0": False}.get(
                values[0].text, values[0].text
            )
        case Kind.BASIS:
            return [one.text for one in graph.listed(values[0].text)]
        case Kind.CODES | Kind.FORMS:
            names = (
                ("value", "title", "title_en")
                if known.kind is Kind.CODES
                else ("method", "title", "media_type")
            )
            return [
                {name: graph.text(one.text, f"x:{camel(name)}") for name in names}
                for one in graph.listed(values[0].text)
            ]


_BY_FIELD: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}


def _concepts(known: Field) -> dict[str, str]:
    """Return by address the values that a field's concepts stand for."""
    key = (known.name, tuple(known.words))
    if key not in _BY_FIELD:
        _BY_FIELD[key] = {Iri(concept(known, value)).full: value for value in known.words}
    return _BY_FIELD[key]


def _distributions(graph: Graph, subject: str, *, whole: bool) -> list[dict[str, str]]:
    found: list[tuple[int, dict[str, str]]] = []
    methods = ENTRY_FIELDS["methods"]
    concepts = _concepts(methods)
    for place, one in enumerate(graph.all(subject, "dcat:distribution")):
        node = one.text
        if whole and graph.text(node, "x:given") == "false":
            continue
        order = graph.text(node, "x:order")
        method = concepts.get(graph.text(node, "x:method"))
        if method is None:
            service = graph.one(node, "dcat:accessService") is not None
            method = "interface" if service else "file"
        media = graph.text(node, "x:mediaType")
        title = graph.text(node, "x:title")
        if not whole:
            media = media or _media(graph.text(node, "dcat:mediaType"))
            title = title or graph.text(node, "dct:title")
        form = {"method": method, "title": title, "media_type": media}
        found.append((int(order) if _is_number(order) else place, form))
    return [form for _order, form in sorted(found, key=lambda pair: pair[0])]


def _media(address: str) -> str:
    found = unquote(address.rpartition("/media-types/")[2])
    return found if found.count("/") == 1 and len(found) < 100 else ""


def _law(graph: Graph, subject: str) -> list[str]:
    law = graph.one(subject, "dcatap:applicableLegislation")
    if law is None or graph.one(law.text, "x:article") is None:
        return []
    return [
        graph.text(law.text, "dct:title"),
        graph.text(law.text, "x:article"),
        graph.text(law.text, "x:text"),
        graph.text(law.text, "x:legalLevel"),
    ]


def _items(graph: Graph, structure: str) -> Iterator[dict[str, Any]]:
    columns = graph.one(structure, "csvw:column")
    types = {Iri(f"xsd:{xsd}").full: value for value, xsd in XSD_TYPES.items()}
    for one in graph.listed(columns.text) if columns is not None else ():
        node = one.text
        item: dict[str, Any] = {known.name: known.empty for known in ITEM}
        titles = graph.all(node, "csvw:title")
        if titles:
            item |= _names(titles, "title", "title_en")
        item["name"] = graph.text(node, "csvw:name")
        item["description"] = graph.text(node, "dct:description")
        item["type"] = types.get(graph.text(node, "csvw:datatype"))
        for known in ITEM:
            if known.name not in {"title", "title_en", "name", "description", "type"}:
                value = _own(graph, node, known)
                if value is not None:
                    item[known.name] = value
        yield item


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
