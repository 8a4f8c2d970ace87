"""Entries as DCAT-AP 3.0.1: a dataset each, a distribution for each way to get it, its terms in ODRL.

What DCAT has no word for is said in our own vocabulary (`x:`), so that the whole entry can be read back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from catalogue.interchange.fields import (
    ENTRY_FIELDS,
    ITEM,
    SHARING,
    Field,
    Kind,
)
from catalogue.interchange.model import Told
from catalogue.interchange.odrl import offer
from catalogue.interchange.rdf import Iri, Listed, Literal, Node, Term
from catalogue.model import Department

PROFILE = "http://data.europa.eu/r5r/"
_FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/"
_ACCESS = "http://publications.europa.eu/resource/authority/access-right/"
_LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
_MEDIA = "https://www.iana.org/assignments/media-types/"

FREQUENCIES: Mapping[str, str] = MappingProxyType(
    {
        "realtime": f"{_FREQUENCY}CONT",
        "daily": f"{_FREQUENCY}DAILY",
        "weekly": f"{_FREQUENCY}WEEKLY",
        "monthly": f"{_FREQUENCY}MONTHLY",
        "quarterly": f"{_FREQUENCY}QUARTERLY",
        "half-yearly": f"{_FREQUENCY}ANNUAL_2",
        "yearly": f"{_FREQUENCY}ANNUAL",
        "irregular": f"{_FREQUENCY}IRREG",
    }
)
ACCESS: Mapping[str, str] = MappingProxyType(
    {
        "unconditional": f"{_ACCESS}PUBLIC",
        "conditional": f"{_ACCESS}RESTRICTED",
        "not-open": f"{_ACCESS}NON_PUBLIC",
    }
)
STANDARD = frozenset(
    {
        "code",
        "name",
        "name_en",
        "department",
        "abstract",
        "keywords",
        "contact_unit",
        "contact_telephone",
        "contact_email",
        "no_share_basis",
        "openness",
        "update_cycle",
        "published_on",
        "distributions",
    }
)
"""Fields that DCAT-AP has properties for; the others are said in our own vocabulary."""

XSD_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "text": "string",
        "integer": "integer",
        "long": "long",
        "decimal": "decimal",
        "boolean": "boolean",
        "date": "date",
        "datetime": "dateTime",
        "bytes": "base64Binary",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who publishes the catalogue, and where it stands."""

    base: str
    """Address of the exchange, without a stroke at its end."""
    name: str = "政务数据共享交换平台"
    name_en: str = "Government data exchange"
    departments: Mapping[str, Department] = field(default_factory=dict)

    def entry(self, code: str) -> str:
        return f"{self.base}/catalogue/{quote(code, safe='/')}"

    def department(self, code: str) -> str:
        return f"{self.base}/departments/{quote(code, safe='')}"


@cache
def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def property_of(known: Field) -> str:
    return f"x:{camel(known.name)}"


def concept(known: Field, value: str) -> str:
    return f"x:{camel(known.name)}-{value}"


def catalogue(told: Iterable[Told], publisher: Publisher) -> Iterator[Node]:
    """Yield the catalogue's subjects, entry by entry."""
    yield from _head(publisher)
    named: set[str] = set()
    for one in told:
        code = str(one.fields.get("department", ""))
        if code and code not in named:
            named.add(code)
            yield _agent(code, publisher)
        yield from _dataset(one, publisher)


def _head(publisher: Publisher) -> Iterator[Node]:
    home = Iri(f"{publisher.base}/catalogue")
    scheme = Iri("x:sharing")
    yield Node(
        home,
        (
            ("rdf:type", Iri("dcat:Catalog")),
            ("dct:title", Literal(f"{publisher.name}目录", "zh")),
            ("dct:title", Literal(f"Catalogue of the {publisher.name_en}", "en")),
            (
                "dct:description",
                Literal("各部门可共享的政务数据资源及其共享条件。", "zh"),
            ),
            (
                "dct:description",
                Literal("Data resources that departments share, and on what terms.", "en"),
            ),
            ("dct:publisher", Iri(f"{publisher.base}/")),
            ("dct:language", Iri(f"{_LANGUAGE}ZHO")),
            ("dct:language", Iri(f"{_LANGUAGE}ENG")),
            ("dct:conformsTo", Iri(PROFILE)),
            ("dcat:themeTaxonomy", scheme),
        ),
    )
    yield Node(
        Iri(f"{publisher.base}/"),
        (
            ("rdf:type", Iri("foaf:Agent")),
            ("foaf:name", Literal(publisher.name, "zh")),
            ("foaf:name", Literal(publisher.name_en, "en")),
        ),
    )
    for language in ("ZHO", "ENG"):
        yield Node(Iri(_LANGUAGE + language), (("rdf:type", Iri("dct:LinguisticSystem")),))
    yield Node(Iri(PROFILE), (("rdf:type", Iri("dct:Standard")),))
    for address in FREQUENCIES.values():
        yield Node(Iri(address), (("rdf:type", Iri("dct:Frequency")),))
    for address in ACCESS.values():
        yield Node(Iri(address), (("rdf:type", Iri("dct:RightsStatement")),))
    yield Node(
        scheme,
        (
            ("rdf:type", Iri("skos:ConceptScheme")),
            ("dct:title", Literal("共享类型", "zh")),
            ("dct:title", Literal("Sharing classes", "en")),
        ),
    )
    english = {
        "unconditional": "Unconditional",
        "conditional": "Conditional",
        "not-shared": "Not shared",
    }
    for value, zh in SHARING.items():
        yield Node(
            Iri(concept(ENTRY_FIELDS["sharing_class"], value)),
            (
                ("rdf:type", Iri("skos:Concept")),
                ("skos:inScheme", scheme),
                ("skos:topConceptOf", scheme),
                ("skos:notation", Literal(value)),
                ("skos:prefLabel", Literal(zh, "zh")),
                ("skos:prefLabel", Literal(english[value], "en")),
            ),
        )


def _agent(code: str, publisher: Publisher) -> Node:
    held = publisher.departments.get(code)
    names = [("foaf:name", Literal(held.name if held is not None else code, "zh"))]
    if held is not None and held.name_en:
        names.append(("foaf:name", Literal(held.name_en, "en")))
    return Node(
        Iri(publisher.department(code)),
        (("rdf:type", Iri("foaf:Agent")), *names, ("dct:identifier", Literal(code))),
    )


def _dataset(told: Told, publisher: Publisher) -> Iterator[Node]:
    fields = told.fields
    address = publisher.entry(told.code)
    said: list[tuple[str, Term]] = [
        ("rdf:type", Iri("dcat:Dataset")),
        ("x:whole", Literal("true", datatype="xsd:boolean")),
        ("dct:identifier", Literal(told.code)),
        ("dct:title", Literal(str(fields["name"]), "zh")),
    ]
    if fields.get("name_en"):
        said.append(("dct:title", Literal(str(fields["name_en"]), "en")))
    # A dataset of DCAT-AP has a description; an entry without one is described by its name.
    said.append(("dct:description", Literal(str(fields.get("abstract") or fields["name"]), "zh")))
    if not fields.get("abstract"):
        said.append(("x:abstract", Literal("")))
    if fields.get("department"):
        said.append(("dct:publisher", Iri(publisher.department(str(fields["department"])))))
    said += [("dcat:keyword", Literal(word, "zh")) for word in fields.get("keywords", ())]
    if fields.get("published_on"):
        said.append(("dct:issued", Literal(str(fields["published_on"]), datatype="xsd:date")))
    if fields.get("update_cycle"):
        said.append(("dct:accrualPeriodicity", Iri(FREQUENCIES[str(fields["update_cycle"])])))
    if fields.get("openness"):
        said.append(("dct:accessRights", Iri(ACCESS[str(fields["openness"])])))
    said += _contact(fields)
    own = [one for name, one in ENTRY_FIELDS.items() if name not in STANDARD]
    for known in own:
        said += said_of(known, fields.get(known.name, known.empty))
    said += [("dct:relation", Iri(publisher.entry(code))) for code in fields.get("related", ())]
    more: list[Node] = []
    for place, form in enumerate(fields.get("distributions") or _usual(fields), 1):
        given = bool(fields.get("distributions"))
        found, media = _distribution(address, place, form, told, publisher, given=given)
        said.append(("dcat:distribution", Iri(f"{address}#distribution-{place}")))
        more += [*found, *media]
    basis = fields.get("no_share_basis") or ()
    if basis:
        said.append(("dcatap:applicableLegislation", Iri(f"{address}#law")))
        more.append(_law(f"{address}#law", basis))
    said.append(("odrl:hasPolicy", Iri(f"{address}#offer")))
    if told.items is not None:
        said.append(("x:structure", _structure(told.items)))
    yield Node(Iri(address), tuple(said))
    yield Node(Iri(f"{publisher.base}/catalogue"), (("dcat:dataset", Iri(address)),))
    yield from more
    yield offer(
        told,
        address=address,
        assigner=publisher.department(str(fields.get("department", ""))),
        department=publisher.department,
    )


def said_of(known: Field, value: Any) -> list[tuple[str, Term]]:  # noqa: PLR0911 - one for each kind
    """Return a field in our own vocabulary; an empty one is not said."""
    name = property_of(known)
    if known.kind is Kind.FLAG:
        return [(name, Literal("true" if value else "false", datatype="xsd:boolean"))]
    if value in (None, "", [], ()):
        return []
    match known.kind:
        case Kind.TEXT | Kind.DAY:
            return [(name, Literal(str(value)))]
        case Kind.WORD:
            return [(name, Iri(concept(known, str(value))))]
        case Kind.WORDS:
            return [(name, Iri(concept(known, str(one)))) for one in value]
        case Kind.LIST:
            return [(name, Literal(str(one))) for one in value]
        case Kind.NUMBER:
            return [(name, Literal(str(value), datatype="xsd:integer"))]
        case Kind.BASIS:
            return [(name, Listed([Literal(str(one)) for one in value]))]
        case Kind.CODES | Kind.FORMS:
            return [
                (
                    name,
                    Listed(
                        [
                            Node(
                                None,
                                tuple(
                                    (f"x:{camel(key)}", Literal(held)) for key, held in one.items()
                                ),
                            )
                            for one in value
                        ]
                    ),
                )
            ]


def _contact(fields: Mapping[str, Any]) -> list[tuple[str, Term]]:
    unit, telephone, email = (
        str(fields.get(f"contact_{name}", "")) for name in ("unit", "telephone", "email")
    )
    if not (unit or telephone or email):
        return []
    said: list[tuple[str, Term]] = [
        ("rdf:type", Iri("vcard:Kind")),
        ("rdf:type", Iri("vcard:Organization")),
    ]
    if unit:
        said.append(("vcard:fn", Literal(unit)))
    if telephone:
        said.append(("vcard:hasTelephone", Iri(f"tel:{quote(telephone, safe='+-()')}")))
    if email:
        said.append(("vcard:hasEmail", Iri(f"mailto:{quote(email, safe='@+')}")))
    return [("dcat:contactPoint", Node(None, tuple(said)))]


def _usual(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    """A distribution for each way of sharing, where the entry names none."""
    if fields.get("sharing_class") == "not-shared":
        return []
    return [{"method": one, "title": "", "media_type": ""} for one in fields.get("methods", ())]


def _distribution(
    address: str,
    place: int,
    form: Mapping[str, str],
    told: Told,
    publisher: Publisher,
    *,
    given: bool,
) -> tuple[list[Node], list[Node]]:
    method = form["method"]
    known = ENTRY_FIELDS["methods"]
    said: list[tuple[str, Term]] = [
        ("rdf:type", Iri("dcat:Distribution")),
        ("dcat:accessURL", Iri(address)),
        ("x:method", Iri(concept(known, method))),
        ("x:order", Literal(str(place), datatype="xsd:integer")),
        ("x:given", Literal("true" if given else "false", datatype="xsd:boolean")),
        (
            "dct:title",
            Literal(form.get("title") or f"{told.fields['name']}（{known.words[method]}）", "zh"),
        ),
    ]
    if form.get("title"):
        said.append(("x:title", Literal(form["title"])))
    media = []
    if form.get("media_type"):
        where = _MEDIA + quote(form["media_type"], safe="/+.-")
        said.append(("dcat:mediaType", Iri(where)))
        said.append(("x:mediaType", Literal(form["media_type"])))
        media.append(Node(Iri(where), (("rdf:type", Iri("dct:MediaType")),)))
    nodes = []
    if method == "interface":
        service = f"{address}#service-{place}"
        said.append(("dcat:accessService", Iri(service)))
        nodes.append(
            Node(
                Iri(service),
                (
                    ("rdf:type", Iri("dcat:DataService")),
                    ("dct:title", Literal(f"{told.fields['name']} GraphQL", "zh")),
                    ("dcat:endpointURL", Iri(f"{publisher.base}/graphql")),
                    ("dcat:endpointDescription", Iri(f"{publisher.base}/contract.graphql")),
                    ("dcat:servesDataset", Iri(address)),
                ),
            )
        )
    return [Node(Iri(f"{address}#distribution-{place}"), tuple(said)), *nodes], media


def _law(address: str, basis: Iterable[str]) -> Node:
    document, article, text, level = basis
    return Node(
        Iri(address),
        (
            ("rdf:type", Iri("eli:LegalResource")),
            ("dct:title", Literal(document)),
            ("x:article", Literal(article)),
            ("x:text", Literal(text)),
            ("x:legalLevel", Literal(level)),
        ),
    )


def _structure(items: Iterable[Mapping[str, Any]]) -> Node:
    """The items as a CSVW schema: a column each, what CSVW has no word for in our own vocabulary."""
    return Node(
        None,
        (
            ("rdf:type", Iri("csvw:Schema")),
            ("csvw:column", Listed([_column(item) for item in items])),
        ),
    )


def _column(item: Mapping[str, Any]) -> Node:
    said: list[tuple[str, Term]] = [
        ("rdf:type", Iri("csvw:Column")),
        ("csvw:title", Literal(str(item.get("title", "")), "zh")),
    ]
    if item.get("name"):
        said.append(("csvw:name", Literal(str(item["name"]))))
    if item.get("title_en"):
        said.append(("csvw:title", Literal(str(item["title_en"]), "en")))
    if item.get("description"):
        said.append(("dct:description", Literal(str(item["description"]), "zh")))
    if item.get("type"):
        said.append(("csvw:datatype", Iri(f"xsd:{XSD_TYPES[str(item['type'])]}")))
    for known in ITEM:
        if known.name not in {"title", "title_en", "name", "description", "type"}:
            said += said_of(known, item.get(known.name, known.empty))
    return Node(None, tuple(said))
