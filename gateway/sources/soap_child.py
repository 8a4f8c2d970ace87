"""Reads a WSDL, writes envelopes and reads answers, with zeep, in a process of its own.

It has no network: what it needs of a service's description comes with the first line, and whatever an
import names beside it is refused. What strangers' XML does to a reader ends this process and not the
exchange. A question is a line of JSON on standard input, its answer a line on standard output; an answer
with `error` says what was wrong, and never a value.
"""

import base64
import json
import logging
import re
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from lxml import etree
from zeep import Settings
from zeep.exceptions import Error as ZeepError
from zeep.loader import parse_xml
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap11Binding, SoapBinding
from zeep.wsse.username import UsernameToken
from zeep.xsd.const import xsi_ns
from zeep.xsd.types import builtins
from zeep.xsd.types.complex import ComplexType
from zeep.xsd.types.simple import AnySimpleType
from zeep.xsd.valueobjects import CompoundValue

MEMORY = 768 * 1024 * 1024
HOME = "/described/"
"""Where the documents of a description stand, as relative imports see it; there is no such folder."""
DEEPEST = 8
DECLARED = re.compile(r"^<\?xml[^>]*encoding\s*=\s*[\"']([^\"']+)[\"']")
FORBIDDEN = re.compile(r"<!(?:DOCTYPE|ENTITY)")

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})")
_FLOAT = re.compile(_NUMBER.pattern + r"(?:[eE][+-]?[0-9]{1,3})?")
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})$")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class UnfitError(ValueError):
    """The document, or the answer, is not one that is taken; says why without quoting it."""


NIL = object()
"""What `xsi:nil` says: a value that is null, and not one that is not there."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # zeep's own words quote what it read.
    logging.disable(logging.CRITICAL)
    # zeep turns what it cannot read into a null, and any word but two into `false`.
    AnySimpleType.parse_xmlelement = _strictly
    encode = msgspec.json.Encoder(decimal_format="number").encode
    service: _Service | None = None
    for line in sys.stdin.buffer:
        try:
            question = json.loads(line)
            told: Mapping[str, Any] = {"error": "no description was given"}
            if question["do"] == "open":
                service = _Service(question["description"])
                told = {"opened": True}
            elif service is not None:
                told = service.answer(question)
        except UnfitError as error:
            told = {"error": str(error)}
        except RecursionError:
            told = {"error": "nested too deep"}
        except Exception as error:  # noqa: BLE001  By its type alone: a message may hold data.
            told = {"error": f"not as the description says ({type(error).__name__})"}
        sys.stdout.buffer.write(encode(told) + b"\n")
        sys.stdout.buffer.flush()


class _Shelf:
    """Gives zeep the documents of one description, and no other: it stands in the place of its transport."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._documents = documents

    def load(self, url: Any) -> bytes:
        name = str(url).removeprefix(HOME)
        if name not in self._documents:
            raise UnfitError(
                f"the description imports {str(url)[:200]}, which does not stand beside it"
            )
        return checked_xml(self._documents[name])


def checked_xml(text: str) -> bytes:
    """Return a document's bytes. Raises UnfitError for one with a document type, or in another encoding."""
    if FORBIDDEN.search(text) or "\x00" in text:
        raise UnfitError("a document type or an entity: neither is taken")
    declared = DECLARED.match(text)
    if declared is not None and declared.group(1).lower() not in {"utf-8", "utf8"}:
        raise UnfitError("the document says that it is not in UTF-8")
    return text.encode()


def documents_of(description: str) -> tuple[str, dict[str, str]]:
    """Return the name of the WSDL and all documents by name: a WSDL alone, or a bundle of several."""
    if not description.lstrip().startswith("{"):
        return "service.wsdl", {"service.wsdl": description}
    try:
        bundle = json.loads(description)
        documents = {str(name): str(text) for name, text in bundle["documents"].items()}
        main_name = str(bundle["wsdl"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnfitError("neither a WSDL nor a bundle of documents") from None
    if main_name not in documents:
        raise UnfitError("the bundle does not hold its own WSDL")
    return main_name, documents


# What zeep raises for a description that is none: its own errors, and whatever a missing part trips.
_UNREADABLE = (
    ZeepError,
    etree.XMLSyntaxError,
    NotImplementedError,
    AttributeError,
    KeyError,
    OSError,
)


class _Service:
    def __init__(self, description: str) -> None:
        name, documents = documents_of(description)
        self._shelf = _Shelf(documents)
        self._settings = Settings(
            strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
        try:
            self._wsdl = Document(f"{HOME}{name}", self._shelf, settings=self._settings)
        except _UNREADABLE as error:
            raise UnfitError(f"the WSDL cannot be read: {type(error).__name__}") from None
        self._enumerations = dict(_enumerations(documents))
        if not list(self._operations()):
            raise UnfitError("the WSDL has no operation over SOAP")

    def answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        match question["do"]:
            case "operations":
                return {"operations": [name for name, _, _ in self._operations()]}
            case "describe":
                return self._described(question["operation"])
            case "write":
                return self._written(
                    question["operation"], question["arguments"], question.get("login")
                )
            case "read":
                return self._read(question["operation"], question["body"])
            case _:
                raise UnfitError("nothing that is asked here")

    def _operations(self) -> Iterator[tuple[str, SoapBinding, Any]]:
        for service in self._wsdl.services.values():
            for port in service.ports.values():
                if isinstance(port.binding, SoapBinding):
                    for operation in port.binding.all().values():
                        yield f"{port.name}.{operation.name}", port.binding, operation

    def _found(self, wanted: str) -> tuple[str, SoapBinding, Any]:
        found = [one for one in self._operations() if wanted in {one[0], one[0].partition(".")[2]}]
        if len(found) != 1:
            raise UnfitError(f"{len(found)} operations are called so, 1 needed: PORT.OPERATION")
        return found[0]

    # --- What an operation says about itself ------------------------------------------------------------

    def _described(self, wanted: str) -> Mapping[str, Any]:
        name, _binding, operation = self._found(wanted)
        if operation.output is None or operation.output.body is None:
            raise UnfitError("the operation has no answer")
        return {
            "operation": name,
            "asked": self._shape(operation.input.body, 0) if operation.input.body else None,
            "answer": self._shape(operation.output.body, 0),
        }

    def _shape(self, element: Any, depth: int) -> Mapping[str, Any]:
        """Tell an element: its name, how often it stands, its members or its type."""
        told = {
            "name": element.attr_name or element.name,
            "many": bool(element.accepts_multiple),
            "optional": bool(element.is_optional),
            "nullable": bool(getattr(element, "nillable", False)),
            "title": "",
        }
        kind = element.type
        if isinstance(kind, ComplexType):
            if depth >= DEEPEST:
                return {**told, "skipped": "nested too deep"}
            return {**told, "members": list(self._members(kind, depth))}
        if not isinstance(kind, AnySimpleType):
            return {**told, "skipped": "of any type"}
        return {**told, **_leaf(kind), "values": self._values(kind)}

    def _members(self, kind: ComplexType, depth: int) -> Iterator[Mapping[str, Any]]:
        for _name, group in kind.elements_nested:
            if getattr(group, "accepts_multiple", False) and not hasattr(group, "type"):
                yield {"name": _name, "skipped": "a group that repeats"}
        for _name, element in kind.elements:
            if hasattr(element, "type") and element.type is not None:
                yield self._shape(element, depth + 1)
        for name, attribute in kind.attributes:
            if name and isinstance(getattr(attribute, "type", None), AnySimpleType):
                yield {
                    "name": name,
                    "many": False,
                    "optional": not attribute.required,
                    "nullable": False,
                    "title": "",
                    **_leaf(attribute.type),
                    "values": self._values(attribute.type),
                }

    def _values(self, kind: AnySimpleType) -> list[str]:
        """Return the only texts that there are: zeep forgets them, so they are read beside it."""
        qname = getattr(kind, "qname", None)
        return self._enumerations.get(qname.localname, []) if qname is not None else []

    # --- A call -----------------------------------------------------------------------------------------

    def _written(
        self, wanted: str, arguments: Mapping[str, Any], login: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        _name, binding, operation = self._found(wanted)
        try:
            serialized = operation.create(**arguments)
            binding._set_http_headers(serialized, operation)  # noqa: SLF001  zeep's own client does so
        except (ZeepError, TypeError, ValueError):
            raise UnfitError("the operation does not take these arguments") from None
        if login is not None:
            # Never the password itself: a digest of it with a nonce and the time (UsernameToken 1.1, 3.1).
            token = UsernameToken(
                login["user"], login["password"], use_digest=True, zulu_timestamp=True
            )
            token.apply(serialized.content, serialized.headers)
        content = etree.tostring(serialized.content, xml_declaration=True, encoding="utf-8")
        return {
            "content": base64.b64encode(content).decode("ascii"),
            "headers": {str(name): str(value) for name, value in serialized.headers.items()},
        }

    def _read(self, wanted: str, body: str) -> Mapping[str, Any]:
        _name, binding, operation = self._found(wanted)
        try:
            text = base64.b64decode(body).decode("utf-8")
        except UnicodeDecodeError:
            raise UnfitError("the answer is not in UTF-8") from None
        try:
            document = parse_xml(checked_xml(text), self._shelf, settings=self._settings)
        except ZeepError:
            raise UnfitError("the answer is no XML") from None
        bodies = document.findall("soap-env:Body", namespaces=binding.nsmap)
        root = etree.QName(document.tag)
        if root.localname != "Envelope" or root.namespace != binding.nsmap["soap-env"]:
            raise UnfitError("the answer is no envelope of this binding")
        if len(bodies) != 1 or len(bodies[0]) != 1:
            raise UnfitError("an envelope with one body and one element in it needed")
        (element,) = bodies[0]
        if etree.QName(element.tag) == etree.QName(binding.nsmap["soap-env"], "Fault"):
            return {"fault": _fault(element, binding)}
        expected = operation.output.body
        if etree.QName(element.tag).text != expected.qname.text:
            raise UnfitError("the body is not the answer of this operation")
        try:
            found = expected.parse(element, self._wsdl.types)
        except ZeepError:
            raise UnfitError("the answer is not as the description says") from None
        value = _plain(found, 0)
        return {"value": {} if value is None else value}


def _enumerations(documents: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    schema = "{http://www.w3.org/2001/XMLSchema}"
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for text in documents.values():
        root = etree.fromstring(checked_xml(text), parser)
        for kind in root.iter(f"{schema}simpleType"):
            values = [one.get("value", "") for one in kind.iter(f"{schema}enumeration")]
            holder = kind.getparent()
            name = kind.get("name") or (holder.get("name") if holder is not None else None)
            if values and name:
                yield name, values


_WORDS: Sequence[tuple[tuple[type, ...], str, str]] = (
    ((builtins.Boolean,), "boolean", "BOOLEAN"),
    (
        (builtins.Long, builtins.UnsignedInt, builtins.NonNegativeInteger),
        "integer",
        "BIGINT",
    ),
    ((builtins.Integer,), "integer", "BIGINT"),
    ((builtins.Decimal, builtins.Float, builtins.Double), "number", "DECIMAL"),
    ((builtins.DateTime,), "string", "TIMESTAMP"),
    ((builtins.Date,), "string", "DATE"),
    ((builtins.Base64Binary, builtins.HexBinary), "string", "BYTEA"),
)
_SMALL = (builtins.Int, builtins.Short, builtins.Byte, builtins.UnsignedShort)


def _leaf(kind: AnySimpleType) -> Mapping[str, Any]:
    """Say what a simple type is: its JSON type, the word by which types are suggested, whether base64."""
    if isinstance(kind, _SMALL):
        return {"type": "integer", "declared": "INTEGER", "base64": False}
    for classes, json_type, word in _WORDS:
        if isinstance(kind, classes):
            return {"type": json_type, "declared": word, "base64": word == "BYTEA"}
    return {"type": "string", "declared": "TEXT", "base64": False}


def _strictly(
    self: AnySimpleType,
    xmlelement: Any,
    schema: Any = None,  # noqa: ARG001
    allow_none: bool = True,  # noqa: ARG001, FBT001, FBT002
    context: Any = None,  # noqa: ARG001
    schema_type: Any = None,  # noqa: ARG001
) -> Any:
    """Read one value as its type allows it. Raises UnfitError for any other text."""
    if xmlelement.get(xsi_ns("nil")) in {"true", "1"}:
        return NIL
    if any(etree.QName(inner).localname == "Include" for inner in xmlelement):
        raise UnfitError(
            "an attachment (XOP) where a value was described: it is needed in the message"
        )
    if len(xmlelement):
        raise UnfitError("elements where a value was described")
    return _value(self, xmlelement.text or "")


def _value(kind: AnySimpleType, text: str) -> Any:
    told = _leaf(kind)
    if told["type"] == "string" and told["declared"] == "TEXT":
        return text
    trimmed = text.strip(" \t\r\n")
    match told["type"], told["declared"]:
        case "boolean", _:
            if trimmed not in _BOOLEANS:
                raise UnfitError("no boolean")
            return _BOOLEANS[trimmed]
        case "integer", _:
            if not _INTEGER.fullmatch(trimmed):
                raise UnfitError("no integer")
            return int(trimmed)
        case "number", _:
            form = _FLOAT if isinstance(kind, (builtins.Float, builtins.Double)) else _NUMBER
            if not form.fullmatch(trimmed):
                raise UnfitError("no number")
            return Decimal(trimmed)
        case _, "DATE":
            # XML Schema lets a day have a zone; a day as it is written is what was meant.
            return _ZONE.sub("", trimmed)
        case _, "BYTEA":
            return _encoded(kind, trimmed)
        case _:
            return trimmed


def _encoded(kind: AnySimpleType, text: str) -> str:
    if not isinstance(kind, builtins.HexBinary):
        return "".join(text.split())
    try:
        return base64.b64encode(bytes.fromhex(text)).decode("ascii")
    except ValueError:
        raise UnfitError("no hexadecimal bytes") from None


def _plain(value: Any, depth: int) -> Any:
    """Return objects, lists and values: what is not there is left out, what is nil is null."""
    if depth > 2 * DEEPEST:
        raise UnfitError("nested too deep")
    if value is NIL:
        return None
    if isinstance(value, CompoundValue):
        members = value.__values__
        return {
            str(name): _plain(inner, depth + 1)
            for name, inner in members.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value if inner is not None]
    if isinstance(value, (str, int, Decimal)) or value is None:
        return value
    raise UnfitError("a value of no simple type")


def _fault(element: Any, binding: SoapBinding) -> Mapping[str, Any]:
    """Return a fault's code, without its prefix, and its detail by local names. Its text is not repeated."""
    if isinstance(binding, Soap11Binding):
        code, detail = element.findtext("faultcode"), element.find("detail")
    else:
        code = element.findtext("soap-env:Code/soap-env:Value", namespaces=binding.nsmap)
        detail = element.find("soap-env:Detail", namespaces=binding.nsmap)
    told = {} if detail is None else _by_name(detail, 0)
    return {"code": (code or "").strip().rpartition(":")[2], "detail": told}


def _by_name(element: Any, depth: int) -> Any:
    if not len(element) or depth >= DEEPEST:
        return (element.text or "").strip()
    members: dict[str, Any] = {}
    for child in element:
        if isinstance(child.tag, str):
            members.setdefault(etree.QName(child.tag).localname, _by_name(child, depth + 1))
    return members


if __name__ == "__main__":
    main()
