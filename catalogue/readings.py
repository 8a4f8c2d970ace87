"""How a record is read where no table is: a service's operation, and the place of each item in its answer.

A reading is made once from the service's own description (OpenAPI, GraphQL SDL, WSDL) and kept with the
resource; nothing is asked of the service to find it out again. Readings are stored: a struct gets new
members with a default only, and what is written today stays readable.
"""

from typing import Any, Literal

import msgspec

JsonType = Literal["string", "integer", "number", "boolean", "scalar"]
"""A JSON type; `scalar` is a text or a number, of which a description says no more."""

POINTER = r"(/([^~/]|~[01])*)*"
"""A JSON Pointer (RFC 6901)."""


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the description says about one value of a record."""

    type: JsonType
    optional: bool = False
    """Whether a record may lack it: then it is null."""
    nullable: bool = False
    base64: bool = False
    """Whether the text is padded base64 (OpenAPI's format `byte`)."""
    values: tuple[str, ...] = ()
    """The only texts that there are; empty where any text may stand."""


class Absent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a service says that there is no record, beside an empty list: a status and a value in its body.

    The status alone says nothing: a wrong path has it too.
    """

    status: int
    pointer: str
    value: str


class RestReading(
    msgspec.Struct, frozen=True, kw_only=True, tag="rest", forbid_unknown_fields=True
):
    """One operation of a JSON service, asked once a key."""

    method: Literal["GET", "POST"]
    path: str
    """Below the source's address, with `{name}` where the key goes if it goes into the path."""
    key_in: Literal["path", "query", "body"]
    key_name: str
    """The parameter's name; in a body, the pointer of its place."""
    members: dict[str, Member]
    """By the pointer into a record: the `column` of an item."""
    records: str = ""
    """Pointer into the answer, to a list of records or to the one record; empty is the whole answer."""
    nothing: bool = False
    """Whether a null in the place of the record says that there is none."""
    query: dict[str, str] = {}
    """Parameters that are always the same."""
    body: dict[str, str] = {}
    """Values of the body, by pointer, that are always the same."""
    absent: Absent | None = None
    """None: an empty list, or null, is the only way to say that there is no record."""
    pages: "Pages | None" = None
    """How all records are read; None: only by their keys."""


class KeyPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of a federated entity's key."""

    pointer: str
    place: int = 0
    """Which part of the step's key, split at the separator, stands here."""
    constant: str | None = None
    """A value that is always the same; None takes it from the step's key."""


class GraphqlReading(
    msgspec.Struct, frozen=True, kw_only=True, tag="graphql", forbid_unknown_fields=True
):
    """One query field of a GraphQL service, or one entity type of a federated subgraph."""

    type_name: str
    members: dict[str, Member]
    """By the pointer into a record: the `column` of an item."""
    field: str = ""
    """The query field; empty for `_entities`."""
    argument: str = ""
    argument_type: str = ""
    many: bool = False
    """Whether the argument takes a list of keys."""
    key: tuple[KeyPart, ...] = ()
    """The entity's key; empty for a query field."""
    separator: str = ""
    """Between the parts of a compound key; empty where it has one part."""
    pages: "Pages | None" = None
    """How all records are read; None: only by their keys."""


class SoapReading(
    msgspec.Struct, frozen=True, kw_only=True, tag="soap", forbid_unknown_fields=True
):
    """One operation of a SOAP service, asked once a key. Places run from the element in the body."""

    operation: str
    """`Port.Operation`, as the WSDL names them."""
    key_name: str
    """Pointer of the key's place in the question."""
    members: dict[str, Member]
    """By the pointer into a record: the `column` of an item."""
    records: str = ""
    """Pointer into the answer, to the records or the one record; empty is the whole element."""
    nothing: bool = False
    """Whether that place may be empty, which then says that there is no record."""
    body: dict[str, str] = {}
    """Values of the question, by pointer, that are always the same."""
    absent: Absent | None = None
    """The fault that says that there is no record, by its `/code` or a place in its `/detail`."""
    pages: "Pages | None" = None
    """How all records are read; None: only by their keys."""


class Pages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation that gives records in the order of their key, so many at a time, from a place on."""

    reading: RestReading | GraphqlReading | SoapReading
    """How it is asked; what takes the key there takes the key after which the page begins, or is left out."""
    size: str
    """The parameter, argument or pointer that takes how many."""
    size_type: str = ""
    """Of an argument."""


Reading = RestReading | GraphqlReading | SoapReading

KINDS: dict[str, type[Any]] = {
    "http": RestReading,
    "graphql": GraphqlReading,
    "soap": SoapReading,
}
"""Which reading a resource on a source of this kind has; one on `http` may do without."""


def key_pointers(reading: Reading) -> frozenset[str]:
    """Return the places in a record at which the parts of a compound key stand; empty for a plain key."""
    if isinstance(reading, GraphqlReading) and reading.separator:
        return frozenset(part.pointer for part in reading.key if part.constant is None)
    return frozenset()


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Return a pointer's tokens, unescaped (RFC 6901, 4)."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def join_pointer(*tokens: str) -> str:
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)
