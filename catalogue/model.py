"""What the catalogue holds: departments, systems, officers, resources, matters and cases."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from catalogue.materials import Material, MatterList, MatterType
from catalogue.metadata import (
    BaseData,
    Code,
    Contact,
    DataClass,
    Distribution,
    InformationFormat,
    Openness,
    Secrecy,
    Sensitivity,
    SharingMethod,
    UpdateCycle,
    Upstream,
)
from catalogue.readings import Reading


class SharingClass(StrEnum):
    """共享类型 (国发〔2016〕51号 art. 9, 国务院令第809号): unconditional, conditional, not shared."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NOT_SHARED = "not-shared"


class SubjectType(StrEnum):
    """Kinds of subject (当事人) that join resources of different departments."""

    ENTERPRISE = "enterprise"
    PERSON = "person"
    PROJECT = "project"
    PARCEL = "parcel"


class ItemType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    LONG = "long"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    BYTES = "bytes"


class Role(StrEnum):
    """Roles of officers; SEPARATED of them are never held by one person (三员分立)."""

    OPERATOR = "operator"  # 部门操作员: drafts, requests, answers
    HEAD = "head"  # 部门负责人: signs off
    AUTHORITY = "authority"  # 主管部门: announces, approves sources and matters
    POLICY_APPROVER = "policy-approver"  # 安全管理员
    AUDITOR = "auditor"  # 审计管理员
    ADMINISTRATOR = "administrator"  # 系统管理员
    SUPERVISOR = "supervisor"  # 监督人员: sees what a review is about, and holds no other role


SEPARATED = frozenset({Role.ADMINISTRATOR, Role.POLICY_APPROVER, Role.AUDITOR})


class CodeKind(StrEnum):
    USCC = "uscc"
    OTHER = "other"


class MatterKind(StrEnum):
    BASE = "base"
    IMPLEMENTATION = "implementation"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    code: str
    code_kind: CodeKind
    name: str
    name_en: str = ""
    level: str = "district"
    region: str = ""
    """GB/T 2260 code, six digits or more."""
    superior: str | None = None
    """Code of the department above; None means none is registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    id: str
    department: str
    name: str
    zone: str = "gov-extranet"
    state: str = "active"
    responsible: str | None = None
    """Officer id answering for unattended jobs; None means such jobs are refused."""
    intake: bool = False
    """Whether it is an intake platform, whose word attests the cases of other systems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemKey:
    """A system's public key. `id` is the RFC 7638 thumbprint and the `keyid` of its signatures."""

    id: str
    system: str
    algorithm: str
    """`ed25519` or `ecdsa-p256-sha256` (RFC 9421, 3.3)."""
    public: bytes
    """SubjectPublicKeyInfo, DER."""
    state: str = "active"
    not_after: datetime | None = None
    """None means until revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    id: str
    department: str
    staff_number: str
    name: str
    post: str = ""
    roles: frozenset[Role] = frozenset()
    clearance: int = 2
    state: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerKey:
    id: str
    officer: str
    public: bytes
    state: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAddress:
    """Where a department's data is read. The secret is sealed and never leaves the process."""

    name: str
    department: str
    kind: str
    """`sql`, `http`, `graphql` or `file`."""
    address: str
    """An SQLAlchemy URL without password, an http(s) URL, or a kept file's address."""
    secret: bytes | None = field(default=None, repr=False)
    """Sealed password or token; None means that the source asks for none."""
    zone: str = "Asia/Shanghai"
    """Zone of naive date-times."""
    timeout_ms: int = 2000
    write_reason: str | None = None
    """Why a login that can write was accepted; None means the login cannot write."""
    state: str = "active"
    description: str | None = None
    """The service's own description (OpenAPI, GraphQL SDL); None where a table describes itself."""
    rests_until: datetime | None = None
    """Until when the department keeps its source for maintenance; None: it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One 信息项. `name` is its stable code in questions, grants and entries; never reused."""

    ordinal: int
    name: str
    title: str
    column: str
    """Column or JSON member at the source; where the resource has a reading, the pointer into a record."""
    graphql_name: str
    type: ItemType = ItemType.TEXT
    sharing_class: SharingClass = SharingClass.CONDITIONAL
    level: int = 2
    """Data level 1 to 4 (分类分级)."""
    mask: str = "none"
    subject: SubjectType | None = None
    """The kind of subject that the item identifies; None where it identifies nobody."""
    key: bool = False
    match: bool = False
    """Whether it may be searched by and compared; filters of lists are named by the resource's listing."""
    unit: str = ""
    title_en: str = ""
    description: str = ""
    length: int | None = None
    """Characters or digits at most; None: not said."""
    data_element: str = ""
    """数据元: identifier of the standard's element that the item is; empty where it follows none."""
    code_list: str = ""
    """Name of the code list that its values come from (关联代码集), such as `GB/T 2261.1`."""
    codes: tuple[Code, ...] = ()
    """The values of that list where the entry gives them; empty: they stand in the standard."""
    sensitivity: Sensitivity = Sensitivity.ORDINARY
    basic: bool = False
    """Whether it is a basic item of base data (51号 art. 10)."""
    thresholds: tuple[str, ...] = ()
    """Values that it may be claimed to reach or not, from the lowest (catalogue/thresholds.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptName:
    """An announced item's ordinal and names: they belong together for ever, whatever becomes of the item."""

    ordinal: int
    name: str
    graphql_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """How a record's standing is read: the status item's words that mean *valid*, and its last day."""

    status_item: str | None
    valid_words: tuple[str, ...]
    until_item: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How the records of an unconditional resource are listed, as its publisher announced it."""

    items: tuple[str, ...] = ()
    """Items by which a list may be filtered and ordered; the source has an index on each."""
    unique: str | None = None
    """The item of which no two records share a value; None: the key, where a subject has one record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateMapping:
    """How the records of a resource are e-certificates of one type (catalogue/certificates.py)."""

    type_code: str
    """Code of the type (证照类型代码), as it stands in the identifiers of its certificates."""
    type_name: str
    roles: dict[str, str] = field(hash=False)
    """Field of every certificate → item that gives it."""
    statuses: dict[str, str] = field(default_factory=dict, hash=False)
    """Word of the status item → one of the seven statuses; any other word is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An announced or drafted data resource (数据资源) of one department."""

    code: str
    department: str
    name: str
    name_en: str
    type_name: str
    """GraphQL object type, unique and kept for ever."""
    field_name: str
    """Keyed root field and, for one record a subject, the field on the subject's type."""
    list_name: str
    """Field on the subject's type where a subject may have several records."""
    source: str
    table: str
    """Table or view (`schema.table`), or the path of an HTTP source."""
    items: tuple[Item, ...]
    sharing_class: SharingClass
    abstract: str = ""
    level: int = 2
    personal: bool = False
    consent: str = "none"
    single: bool = True
    """Whether a subject has at most one record."""
    protected: bool = False
    """Whether even the existence of a record is protected."""
    purposes: tuple[str, ...] = ()
    no_share_basis: tuple[str, ...] = ()
    conditions: str = ""
    validity: Validity | None = None
    """None means that the records do not expire."""
    state: str = "draft"
    """draft, returned, submitted, announced or withdrawn."""
    revision: int = 1
    emergency_items: tuple[str, ...] | None = None
    """Items that may be looked up in an emergency; None: none was announced for it."""
    reading: Reading | None = None
    """How a service is asked for a record; None where `table` says it all."""
    update_days: int | None = None
    """How many days its rows may be old; None: no cycle was announced."""
    listing: Listing | None = None
    """None: a list, where there is one, comes in the order of the key and is filtered by nothing."""
    certificate: CertificateMapping | None = None
    """None: the records are no e-certificates."""
    keywords: tuple[str, ...] = ()
    format: InformationFormat | None = None
    """信息资源格式; None: not said."""
    format_name: str = ""
    """The product or file format, such as `MySQL` or `csv`."""
    methods: tuple[SharingMethod, ...] = ()
    recipients: tuple[str, ...] = ()
    """Who may have conditional data: codes or names of departments; `*`: any whose duties need it."""
    openness: Openness | None = None
    """社会开放属性; None: not said."""
    open_conditions: str = ""
    update_cycle: UpdateCycle | None = None
    """None: not said; `update_days` is the age that the gateway holds rows to."""
    published_on: date | None = None
    """When it was first announced; None until then."""
    related: tuple[str, ...] = ()
    """Codes of related resources (关联资源代码)."""
    data_class: DataClass | None = None
    """数据分类 beside the level; None: not said."""
    base_data: BaseData | None = None
    """None: no base data."""
    secrecy: Secrecy = Secrecy.NONE
    distributions: tuple[Distribution, ...] = ()
    contact: Contact | None = None
    upstream: Upstream | None = None
    """Who above holds it and is not connected; None: the exchange reads it from `source`."""

    @property
    def key(self) -> Item:
        return next(item for item in self.items if item.key)

    @property
    def unique(self) -> Item | None:
        """The item that tells each record from all others; None: no item is known to."""
        if self.listing is not None and self.listing.unique is not None:
            return self.item(self.listing.unique)
        return self.key if self.single else None

    @property
    def listable(self) -> bool:
        """Whether records may be listed: open data only, and only where each has a place of its own."""
        unconditional = self.sharing_class is SharingClass.UNCONDITIONAL
        return unconditional and not self.personal and self.unique is not None

    def item(self, name: str) -> Item:
        return next(item for item in self.items if item.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """事项. `code` is kept exactly as the department gave it; None is a fact that nobody has stated."""

    code: str
    kind: MatterKind
    department: str
    name: str
    case_pattern: str = ""
    """Regular expression that a case number fits; empty means any of 1 to 64 characters."""
    max_parties: int = 5
    relations: tuple[str, ...] = ()
    """Links to subjects who are no party that the matter allows: `<resource>.<item>`."""
    resources: tuple[str, ...] = ()
    """Codes of resources that the matter lists as its materials."""
    state: str = "active"
    version: int | None = None
    """Counts from 1; None: registered before matters had versions, and never changed since."""
    type: MatterType | None = None
    lists: tuple[MatterList, ...] | None = None
    online_depth: int | None = None
    """网上办理深度, 1 to 4 (catalogue/materials.py)."""
    trips: int | None = None
    """How often an applicant comes to the hall; 0: never."""
    statutory_days: int | None = None
    """Working days in which the law has it decided."""
    promised_days: int | None = None
    """Working days in which the department promises to decide."""
    baseline_days: int | None = None
    """Working days that it took before data was shared: what speed-up is measured against."""
    materials: tuple[Material, ...] | None = None
    """None: nobody has listed them; empty: it asks for none."""

    @property
    def asked(self) -> tuple[Material, ...]:
        """The materials that are listed."""
        return self.materials or ()

    @property
    def listed(self) -> frozenset[str]:
        """Codes of every resource that it lists, by itself or through a material."""
        return frozenset((*self.resources, *(m.resource for m in self.asked if m.resource)))

    @property
    def certificates(self) -> frozenset[str]:
        """Type codes of the e-certificates that its materials name."""
        return frozenset(one.certificate for one in self.asked if one.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterVersion:
    """A matter as it stood until another version took its place. It is never changed."""

    id: str
    """`<code>@<version>`."""
    matter: str
    version: int
    held: Matter
    ended_at: datetime
    ended_by: str
    """Officer whose act made the next version."""


class CaseState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A subject of a case. `token` is a keyed digest of the normalised identifier, hex."""

    type: SubjectType
    token: str
    role: str
    added_by: str
    """Officer id, or system id for parties named when the case was opened."""
    confirmed_by: str | None = None
    """Second officer; None while a late party waits and counts for nothing."""
    late: bool = False

    @property
    def counts(self) -> bool:
        return not self.late or self.confirmed_by is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """办件. Numbers and parties are kept as keyed digests; only an open case gives access."""

    id: str
    number_token: str
    system: str
    department: str
    matter: str
    project: str
    state: CaseState
    accepted_at: datetime
    attested_by: str | None
    """System of the intake platform that confirmed the case; None means declared by the caller."""
    parties: tuple[Party, ...]
    closed_with: str = ""

    def party(self, subject: SubjectType, token: str) -> bool:
        named = [one for one in self.parties if one.token == token and one.type is subject]
        return bool([one for one in named if one.counts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: an authenticated officer, or a system for the acts that systems may do."""

    officer: Officer | None = None
    system: System | None = None
    auth: str = "key"
    """How the actor was established: `key`, `session`, `signature` or `bootstrap`."""

    @property
    def id(self) -> str:
        return self.officer.id if self.officer else self.system.id if self.system else ""

    @property
    def department(self) -> str:
        holder = self.officer or self.system
        return holder.department if holder else ""

    def has(self, role: Role) -> bool:
        return self.officer is not None and role in self.officer.roles


CODE_PATTERN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,127}")
