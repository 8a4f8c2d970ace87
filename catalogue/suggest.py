"""What a table's columns suggest to the publisher: class, level, mask, subject, key. A person decides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from catalogue.metadata import InformationFormat, Sensitivity
from catalogue.model import Item, ItemType, SharingClass, SubjectType
from catalogue.naming import name_items, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as the source describes it."""

    name: str
    type: str
    """The source's word for the type, such as `VARCHAR(18)`."""
    nullable: bool = True
    primary_key: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a name gives away. The first hint that fits a column is taken."""

    english: tuple[str, ...]
    """Words that stand in the column's name, as runs of whole words."""
    chinese: tuple[str, ...]
    """Parts of the column's comment or name."""
    sharing_class: SharingClass
    level: int
    mask: str = "none"
    subject: SubjectType | None = None
    sensitivity: Sensitivity = Sensitivity.ORDINARY


_OPEN = SharingClass.UNCONDITIONAL
_CONDITIONAL = SharingClass.CONDITIONAL

# From the most telling to the least: `法定代表人身份证号` is a number before it is a name.
HINTS: tuple[Hint, ...] = (
    Hint(
        english=("id no", "id card", "idcard", "identity no", "rep id", "person id", "sfzh"),
        chinese=("身份证", "公民身份号码", "证件号"),
        sharing_class=_CONDITIONAL,
        level=3,
        mask="id",
        sensitivity=Sensitivity.SENSITIVE_PERSONAL,
        subject=SubjectType.PERSON,
    ),
    Hint(
        english=("uscc", "credit code", "tyshxydm"),
        chinese=("统一社会信用代码", "统一信用代码"),
        sharing_class=_OPEN,
        level=1,
        subject=SubjectType.ENTERPRISE,
    ),
    Hint(
        english=("project code", "xmdm"),
        chinese=("项目代码", "项目编码"),
        sharing_class=_OPEN,
        level=1,
        subject=SubjectType.PROJECT,
    ),
    Hint(
        english=("parcel no", "parcel number", "zdh"),
        chinese=("宗地号", "不动产单元号", "地块编号"),
        sharing_class=_OPEN,
        level=1,
        subject=SubjectType.PARCEL,
    ),
    Hint(
        english=("phone", "mobile", "tel", "telephone"),
        chinese=("电话", "手机"),
        sharing_class=_CONDITIONAL,
        level=3,
        mask="phone",
        sensitivity=Sensitivity.PERSONAL,
    ),
    Hint(
        english=("bank account", "account no", "account"),
        chinese=("银行账号", "账号", "账户"),
        sharing_class=_CONDITIONAL,
        level=3,
        mask="tail4",
        sensitivity=Sensitivity.SENSITIVE_PERSONAL,
    ),
    Hint(
        english=("birth", "birthday", "birth date"),
        chinese=("出生日期", "生日"),
        sharing_class=_CONDITIONAL,
        level=3,
        mask="year",
        sensitivity=Sensitivity.PERSONAL,
    ),
    Hint(
        english=("home address", "address", "addr"),
        chinese=("住址", "家庭地址", "地址", "住所"),
        sharing_class=_CONDITIONAL,
        level=2,
        mask="address",
    ),
    Hint(
        english=("ent name", "company name", "firm name", "project name"),
        chinese=("企业名称", "单位名称", "机构名称", "项目名称"),
        sharing_class=_OPEN,
        level=1,
    ),
    Hint(
        english=("legal rep", "person name", "contact name", "name"),
        chinese=("姓名", "法定代表人", "联系人", "负责人"),
        sharing_class=_CONDITIONAL,
        level=2,
        mask="name",
        sensitivity=Sensitivity.PERSONAL,
    ),
    Hint(
        english=("status", "state", "valid until", "valid from", "issued on", "no", "number"),
        chinese=("状态", "有效期", "证书编号", "文号", "发证日期"),
        sharing_class=_OPEN,
        level=1,
    ),
)
_OTHERWISE = Hint(english=(), chinese=(), sharing_class=_CONDITIONAL, level=2)

_TYPES: tuple[tuple[str, ItemType], ...] = (
    (r"BOOL", ItemType.BOOLEAN),
    (r"BIGINT|INT8|LONG", ItemType.LONG),
    (r"INT|SERIAL", ItemType.INTEGER),
    (r"NUMERIC|DECIMAL|NUMBER|MONEY|REAL|FLOAT|DOUBLE", ItemType.DECIMAL),
    (r"TIMESTAMP|DATETIME", ItemType.DATETIME),
    (r"DATE", ItemType.DATE),
    (r"BLOB|BYTEA|BINARY", ItemType.BYTES),
)


def suggest_items(
    columns: Sequence[Column], *, key: str | None = None, kept: Sequence[Item] = ()
) -> tuple[Item, ...]:
    """Return an item a column. `key` names the key's column; None lets the columns tell.

    `kept` are the items of the resource as it is registered: their columns keep their names.
    What no hint fits is conditional, level 2: nothing is opened by a guess.
    """
    hints = [_hint(column) for column in columns]
    chosen = key if key is not None else _key(columns, hints)
    held = {item.column: item for item in kept}
    names = name_items(
        [column.name for column in columns], kept={item.column: item.name for item in kept}
    )
    return tuple(
        Item(
            ordinal=ordinal,
            name=name,
            title=column.comment.strip() or column.name,
            column=column.name,
            graphql_name=held[column.name].graphql_name if column.name in held else name,
            type=item_type(column.type),
            sharing_class=hint.sharing_class,
            level=hint.level,
            mask=hint.mask,
            subject=hint.subject,
            sensitivity=hint.sensitivity,
            key=column.name == chosen,
            match=column.name == chosen,
        )
        for ordinal, (column, hint, name) in enumerate(zip(columns, hints, names, strict=True))
    )


def suggest_class(items: Sequence[Item]) -> SharingClass:
    """Return the strictest class that the items, the key apart, need."""
    others = [item for item in items if not item.key]
    if any(item.sharing_class is not SharingClass.UNCONDITIONAL for item in others):
        return SharingClass.CONDITIONAL
    return SharingClass.UNCONDITIONAL


def suggest_format(source_kind: str) -> InformationFormat:
    """Return the format of what a kind of source holds."""
    kinds = {"sql": InformationFormat.DATABASE, "file": InformationFormat.SPREADSHEET}
    return kinds.get(source_kind, InformationFormat.SELF_DESCRIBED)


def is_personal(items: Sequence[Item]) -> bool:
    """Whether a record is about a person: its key identifies one."""
    return any(item.key and item.subject is SubjectType.PERSON for item in items)


def item_type(declared: str) -> ItemType:
    for pattern, kind in _TYPES:
        if re.search(pattern, declared.upper()):
            return kind
    return ItemType.TEXT


def _hint(column: Column) -> Hint:
    run = f" {' '.join(words(column.name))} "
    label = column.comment + column.name
    for hint in HINTS:
        if any(part in label for part in hint.chinese):
            return hint
    # A comment says more than a name: only a column without a telling comment is judged by its name.
    for hint in HINTS:
        if any(f" {english} " in run for english in hint.english):
            return hint
    return _OTHERWISE


def _key(columns: Sequence[Column], hints: Sequence[Hint]) -> str | None:
    """The column that identifies a subject, the primary key first; None where there is neither."""
    primary = [column.name for column in columns if column.primary_key]
    subjects = [
        column.name for column, hint in zip(columns, hints, strict=True) if hint.subject is not None
    ]
    both = [name for name in primary if name in subjects]
    return next(iter(both + subjects + primary), None)
