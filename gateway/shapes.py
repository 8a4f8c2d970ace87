"""What a contract schema holds, said once and by names alone: objects, inputs, enums, interfaces, scalars.

Two builders make a schema of it (`schema` by graphene, `raw` by graphql-core), and both make the same one.
A shape does not say how a field is answered: values come from `assemble`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from catalogue.certificates import CertificateStatus
from catalogue.model import Item, ItemType, Resource, SubjectType
from gateway import coded, names
from gateway.outcomes import VerificationResult

DEFAULT_FIRST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of a field, or a field of an input."""

    name: str
    type: str
    """As GraphQL writes it: `[ID!]!`."""
    description: str = ""
    default: Any = None
    """None: it has none."""
    key: str = ""
    """Member of the read arguments that holds its value; empty: its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    type: str
    description: str = ""
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    name: str
    description: str
    of: ItemType


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    name: str
    values: tuple[tuple[str, str], ...]
    """(value, description)."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    name: str
    fields: tuple[Field, ...]
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    name: str
    fields: tuple[Argument, ...]
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    name: str
    fields: tuple[Field, ...]
    description: str = ""
    interfaces: tuple[Interface, ...] = ()


Shape = Object | Interface | Input | Enumeration | Scalar

BUILT_IN = ("String", "Int", "Boolean", "ID")
SCALARS: Mapping[ItemType, str] = MappingProxyType(
    {
        ItemType.TEXT: "String",
        ItemType.INTEGER: "Int",
        ItemType.BOOLEAN: "Boolean",
        ItemType.LONG: "Long",
        ItemType.DECIMAL: "Decimal",
        ItemType.DATE: "Date",
        ItemType.DATETIME: "DateTime",
        ItemType.BYTES: "Bytes",
    }
)
_SCALAR_WORDS: Mapping[ItemType, str] = MappingProxyType(
    {
        ItemType.LONG: "64-bit integer as a JSON string.",
        ItemType.DECIMAL: "Exact decimal as a JSON string.",
        ItemType.DATE: "YYYY-MM-DD.",
        ItemType.DATETIME: "RFC 3339, UTC, milliseconds, Z.",
        ItemType.BYTES: "base64url without padding.",
    }
)

CLAIM_VALID = "valid"
"""The member of a parsed claims argument that claims the record to stand."""


def claim_attribute(item: Item) -> str:
    """Return the member of a parsed claims or where argument that speaks of an item."""
    return f"c{item.ordinal}"


def contract_shapes(resources: Sequence[Resource]) -> tuple[Shape, ...]:
    """Return all types of the contract over some resources, each once; `Query` comes last."""
    subjects = _subjects(resources)
    certificates = tuple(_certificate_shapes()) if any(r.certificate for r in resources) else ()
    listed = any(
        beside is coded.Beside.LIST
        for resource in resources
        for _, beside in coded.fields(resource).values()
    )
    own = [shape for resource in resources for shape in resource_shapes(resource)]
    return (
        *_shared(),
        *certificates,
        *((_code_entry(),) if listed else ()),
        *own,
        *subjects,
        _query(resources, {shape.name for shape in subjects}),
    )


def _shared() -> Iterator[Shape]:
    for type_, words in _SCALAR_WORDS.items():
        yield Scalar(name=SCALARS[type_], description=words, of=type_)
    yield Enumeration(
        name=names.VERIFICATION_RESULT,
        values=tuple((result.name, "") for result in VerificationResult),
        description="核验结果。",
    )
    yield Object(
        name=names.VERIFICATION,
        fields=(Field(name="result", type=names.VERIFICATION_RESULT),),
        description="只回答是否，不给出数据。",
    )
    yield Object(
        name=names.PAGE_INFO,
        fields=(
            Field(name="endCursor", type="String", description="本页末条的位置"),
            Field(name="hasNextPage", type="Boolean", description="其后是否还有记录"),
        ),
    )
    for type_, name in names.FILTERS.items():
        yield _filter(name, type_)


def _filter(name: str, type_: ItemType) -> Input:
    scalar = SCALARS[type_]
    ranged = ("prefix",) if type_ is ItemType.TEXT else ("ge", "gt", "le", "lt")
    fields = [("eq", scalar), ("in", f"[{scalar}!]"), *((op, scalar) for op in ranged)]
    return Input(name=name, fields=tuple(Argument(name=op, type=kind) for op, kind in fields))


CERTIFICATE = Interface(
    name=names.CERTIFICATE,
    fields=(
        Field(name="identifier", type="String", description="电子证照标识"),
        Field(name="typeCode", type="String", description="证照类型代码"),
        Field(name="typeName", type="String", description="证照类型名称"),
        Field(name="number", type="String", description="证照编号"),
        Field(name="holderName", type="String", description="持证主体名称"),
        Field(name="issuer", type="String", description="颁发机构"),
        Field(name="issuedOn", type="Date", description="颁发日期"),
        Field(name="validFrom", type="Date", description="有效期起始日期"),
        Field(name="validUntil", type="Date", description="有效期截止日期"),
        Field(name="status", type=names.CERTIFICATE_STATUS, description="证照状态"),
    ),
    description="电子证照",
)
_STATUS_WORDS: Mapping[CertificateStatus, str] = MappingProxyType(
    {
        CertificateStatus.VALID: "有效",
        CertificateStatus.WITHHELD: "暂扣",
        CertificateStatus.REVOKED: "撤销",
        CertificateStatus.CANCELLED: "注销",
        CertificateStatus.EXPIRED: "失效",
        CertificateStatus.TRANSFERRED: "转移",
        CertificateStatus.FORFEITED: "吊销",
        CertificateStatus.UNKNOWN: "未知：提供部门未作对应的状态，不视为有效",
    }
)


def _certificate_shapes() -> Iterator[Shape]:
    yield Enumeration(
        name=names.CERTIFICATE_STATUS,
        values=tuple((status.name, words) for status, words in _STATUS_WORDS.items()),
    )
    yield CERTIFICATE
    yield Enumeration(
        name=names.HOLDER_SCHEME, values=tuple((scheme, "") for scheme in names.SCHEMES.values())
    )
    yield Input(
        name=names.HOLDER,
        fields=(
            Argument(name="scheme", type=f"{names.HOLDER_SCHEME}!", description="证件种类"),
            Argument(name="code", type="ID!", description="证件号码"),
        ),
        description="持证主体",
    )


def _certificate_fields() -> Iterator[Field]:
    yield Field(
        name=names.ONE_CERTIFICATE,
        type=names.CERTIFICATE,
        arguments=(_required("identifier", "电子证照标识"),),
    )
    yield Field(
        name=names.CERTIFICATES,
        type=f"[{names.CERTIFICATE}]",
        description="须指明持证主体，或证照类型与编号",
        arguments=(
            Argument(name="typeCode", type="String", description="证照类型代码"),
            Argument(name="holder", type=names.HOLDER),
            Argument(name="number", type="String", description="证照编号"),
            _FIRST,
        ),
    )


def resource_shapes(resource: Resource) -> Iterator[Shape]:
    """Yield the types that belong to one resource; they depend on nothing else."""
    own = (*_item_fields(resource), *_link_fields(resource))
    named = {field.name for field in own}
    certified = resource.certificate is not None
    also = tuple(one for one in CERTIFICATE.fields if certified and one.name not in named)
    for item in resource.items:
        if coded.is_enumeration(resource, item):
            yield Enumeration(
                name=coded.enumeration(resource, item),
                values=tuple((one.value, one.title) for one in item.codes),
                description=item.title,
            )
    yield Object(
        name=resource.type_name,
        fields=(*own, *also),
        interfaces=(CERTIFICATE,) if certified else (),
        description=f"{resource.name}（{resource.code}，第{resource.revision}版）",
    )
    if names.is_verifiable(resource):
        yield _claims(resource)
    if resource.listable:
        yield from _listing_shapes(resource)


def _item_fields(resource: Resource) -> Iterator[Field]:
    for item in resource.items:
        enum = coded.is_enumeration(resource, item)
        type_ = coded.enumeration(resource, item) if enum else SCALARS[item.type]
        yield Field(name=item.graphql_name, type=type_, description=described(item))
    for name, (item, beside) in coded.fields(resource).items():
        yield Field(
            name=name,
            type=f"[{coded.ENTRY}!]" if beside is coded.Beside.LIST else "String",
            description=f"{item.title}{_BESIDE[beside]}",
        )


_BESIDE: Mapping[coded.Beside, str] = MappingProxyType(
    {
        coded.Beside.NAME: "的名称",
        coded.Beside.NAME_EN: "的英文名称",
        coded.Beside.LIST: "的代码集",
    }
)


def _code_entry() -> Object:
    words = ("代码", "名称", "英文名称")
    return Object(
        name=coded.ENTRY,
        fields=tuple(
            Field(name=name, type="String", description=said)
            for name, said in zip(coded.ENTRY_FIELDS, words, strict=True)
        ),
        description="代码集中的一项",
    )


def _link_fields(resource: Resource) -> Iterator[Field]:
    for name, item in names.links(resource).items():
        if item.subject is not None:
            yield Field(
                name=name,
                type=names.SUBJECT_TYPES[item.subject],
                description=f"{item.title}所指的当事人",
            )


def described(item: Item) -> str:
    unit = f"，单位：{item.unit}" if item.unit else ""
    return f"{item.title}（{item.name}{unit}{coded.told(item)}）"


_BOUNDS: Mapping[str, str] = MappingProxyType({"ge": "不低于", "lt": "低于（早于）", "gt": "晚于"})


def _claims(resource: Resource) -> Input:
    fields = [
        Argument(
            name=item.graphql_name,
            type="String",
            description=described(item),
            key=claim_attribute(item),
        )
        for item in names.claimable(resource)
    ]
    fields += [
        Argument(
            name=name,
            type="String",
            description=f"{item.title}{_BOUNDS[bound]}，取值：{'、'.join(item.thresholds)}",
            key=name,
        )
        for name, (item, bound) in names.bounded(resource).items()
    ]
    if resource.validity is not None:
        fields.append(Argument(name=CLAIM_VALID, type="Boolean", description="在有效期内"))
    return Input(name=names.claims_type(resource), fields=tuple(fields))


def _listing_shapes(resource: Resource) -> Iterator[Shape]:
    compared = names.compared(resource)
    if compared:
        yield Input(
            name=names.where_type(resource),
            fields=tuple(
                Argument(
                    name=item.graphql_name,
                    type=names.FILTERS[item.type],
                    description=described(item),
                    key=claim_attribute(item),
                )
                for item in compared
            ),
            description="所列条件须同时满足。",
        )
        yield Enumeration(
            name=names.order_type(resource),
            values=tuple(
                (value, f"{item.title}{'降序' if descends else '升序'}")
                for value, (item, descends) in names.order_values(resource).items()
            ),
        )
    yield Object(
        name=names.edge_type(resource),
        fields=(
            Field(name="cursor", type="String", description="本条的位置"),
            Field(name="node", type=resource.type_name),
        ),
    )
    yield Object(
        name=names.connection_type(resource),
        fields=(
            Field(name="nodes", type=f"[{resource.type_name}!]"),
            Field(name="edges", type=f"[{names.edge_type(resource)}!]"),
            Field(name="pageInfo", type=names.PAGE_INFO),
        ),
        description=f"{resource.name}的一页",
    )


def _subjects(resources: Sequence[Resource]) -> tuple[Object, ...]:
    named = {item.subject for resource in resources for item in resource.items}
    return tuple(
        Object(
            name=names.SUBJECT_TYPES[subject],
            fields=(
                Field(name=names.SUBJECT_KEYS[subject], type="String"),
                *(
                    _records_field(resource, ())
                    for resource in resources
                    if resource.key.subject is subject
                ),
            ),
        )
        for subject in SubjectType
        if subject in named
    )


def _records_field(resource: Resource, arguments: tuple[Argument, ...]) -> Field:
    """Return the field that reads a resource's records: one, or a bounded list. Always nullable."""
    record = resource.type_name
    return Field(
        name=names.record_field(resource),
        type=record if resource.single else f"[{record}!]",
        description=resource.name,
        arguments=arguments if resource.single else (*arguments, _FIRST),
    )


_FIRST = Argument(name="first", type="Int", default=DEFAULT_FIRST)


def _query(resources: Sequence[Resource], subjects: set[str]) -> Object:
    keyed = {resource.key.subject for resource in resources}
    fields = [Field(name=names.CONTRACT, type="ID!")]
    fields += [
        _subject_field(subject)
        for subject in SubjectType
        if subject in keyed and names.SUBJECT_TYPES[subject] in subjects
    ]
    if any(resource.certificate for resource in resources):
        fields += _certificate_fields()
    for resource in resources:
        fields += _root_fields(resource)
    return Object(name=names.QUERY, fields=tuple(fields))


def _subject_field(subject: SubjectType) -> Field:
    type_, key = names.SUBJECT_TYPES[subject], names.SUBJECT_KEYS[subject]
    return Field(name=subject.value, type=type_, arguments=(_required(key, f"{type_}.{key}"),))


def _required(name: str, description: str) -> Argument:
    return Argument(name=name, type="ID!", description=description)


def _root_fields(resource: Resource) -> Iterator[Field]:
    key = _required(resource.key.graphql_name, described(resource.key))
    yield _records_field(resource, (key,))
    if names.is_verifiable(resource):
        claims = Argument(name="claims", type=f"{names.claims_type(resource)}!")
        yield Field(
            name=names.verify_field(resource),
            type=names.VERIFICATION,
            description=f"核验{resource.name}",
            arguments=(key, claims),
        )
    if resource.listable:
        yield Field(
            name=names.list_field(resource),
            type=names.connection_type(resource),
            description=f"{resource.name}列表",
            arguments=tuple(_list_arguments(resource)),
        )


def _list_arguments(resource: Resource) -> Iterator[Argument]:
    yield _FIRST
    yield Argument(name="after", type="String", description="上一页的 endCursor")
    if names.compared(resource):
        yield Argument(name="where", type=names.where_type(resource))
        yield Argument(name="orderBy", type=f"[{names.order_type(resource)}!]")
