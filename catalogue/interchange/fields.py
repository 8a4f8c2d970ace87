"""What is exchanged of an entry and of its items: one table, out of which every form is written and read.

Left out is how the exchange itself reads a resource (source, table, columns, GraphQL names): it concerns
nobody else, and an import never changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from catalogue import words as written


class Kind(StrEnum):
    """What values a field has, as JSON has them."""

    TEXT = "text"
    WORD = "word"
    """One of the field's words, or null."""
    WORDS = "words"
    """Some of them, in no order."""
    LIST = "list"
    """Texts in no order."""
    NUMBER = "number"
    """A whole number, or null."""
    FLAG = "flag"
    DAY = "day"
    """YYYY-MM-DD, or null."""
    BASIS = "basis"
    """Document, article, text and level of a law; or an empty list."""
    CODES = "codes"
    """Objects of value, title and title_en, in their order."""
    FORMS = "forms"
    """Objects of method, title and media_type, in their order."""


NO_ORDER = frozenset({Kind.WORDS, Kind.LIST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    zh: str
    en: str
    kind: Kind = Kind.TEXT
    words: Mapping[str, str] = field(default_factory=dict)
    """Value → the Chinese word that people write for it."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Further words that people write → value."""
    obligatory: bool = False
    always: bool = False
    """Whether every entry has a value: an empty one then says nothing."""
    _values: Mapping[str, str] = field(init=False, repr=False, compare=False)

    @property
    def empty(self) -> object:
        """What stands where nothing is said."""
        match self.kind:
            case Kind.TEXT:
                return ""
            case Kind.WORD | Kind.NUMBER | Kind.DAY:
                return None
            case Kind.FLAG:
                return False
            case _:
                return []

    def word(self, text: str) -> str | None:
        """Return the value that a word stands for; None where it stands for none."""
        return self._values.get(written.fold(text).strip())

    def __post_init__(self) -> None:
        values = {written.fold(zh): value for value, zh in self.words.items()}
        values |= {written.fold(value): value for value in self.words}
        values |= {written.fold(other): value for other, value in self.others.items()}
        object.__setattr__(self, "_values", values)


SHARING = MappingProxyType(
    {"unconditional": "无条件共享", "conditional": "有条件共享", "not-shared": "不予共享"}
)
_SHARING_TOO = {
    "无条件": "unconditional",
    "普遍共享": "unconditional",
    "无条件共享类": "unconditional",
    "有条件": "conditional",
    "有条件共享类": "conditional",
    "依申请共享": "conditional",
    "不共享": "not-shared",
    "不予共享类": "not-shared",
}
METHODS = MappingProxyType({"interface": "接口", "table": "库表", "file": "文件"})
_METHODS_TOO = {
    "服务接口": "interface",
    "接口方式": "interface",
    "api": "interface",
    "数据库": "table",
    "库表交换": "table",
    "文件下载": "file",
    "文件交换": "file",
}
OPENNESS = MappingProxyType({"unconditional": "是", "conditional": "有条件开放", "not-open": "否"})
_OPENNESS_TOO = {
    "无条件开放": "unconditional",
    "开放": "unconditional",
    "依申请开放": "conditional",
    "有条件": "conditional",
    "不予开放": "not-open",
    "不开放": "not-open",
}
FORMATS = MappingProxyType(
    {
        "document": "电子文件",
        "spreadsheet": "电子表格",
        "database": "数据库",
        "image": "图形图像",
        "stream": "流媒体",
        "self-described": "自描述格式",
    }
)
_FORMATS_TOO = {"数据库类": "database", "电子表格类": "spreadsheet", "图形图像类": "image"}
CYCLES = MappingProxyType(
    {
        "realtime": "实时",
        "daily": "每日",
        "weekly": "每周",
        "monthly": "每月",
        "quarterly": "每季度",
        "half-yearly": "每半年",
        "yearly": "每年",
        "irregular": "不定期",
    }
)
_CYCLES_TOO = {
    "实时更新": "realtime",
    "日": "daily",
    "天": "daily",
    "每天": "daily",
    "周": "weekly",
    "月": "monthly",
    "季度": "quarterly",
    "季": "quarterly",
    "每季": "quarterly",
    "半年": "half-yearly",
    "年": "yearly",
    "年度": "yearly",
    "不定时": "irregular",
    "其他": "irregular",
}
DATA_CLASSES = MappingProxyType(
    {"public": "公共数据", "organisation": "组织数据", "personal": "个人信息"}
)
BASE_DATA = MappingProxyType(
    {
        "population": "人口",
        "legal-persons": "法人单位",
        "space": "自然资源和空间地理",
        "certificates": "电子证照",
    }
)
SECRECY = MappingProxyType(
    {"none": "不涉密", "state-secret": "国家秘密", "work-secret": "工作秘密"}
)
_SECRECY_TOO = {"否": "none", "无": "none", "不涉及": "none"}
PURPOSE_WORDS = MappingProxyType(
    {
        "administrative-basis": "行政依据",
        "work-reference": "工作参考",
        "data-checking": "数据校核",
        "business-coordination": "业务协同",
    }
)
CONSENT = MappingProxyType({"none": "不需要", "required": "需要"})
TYPES = MappingProxyType(
    {
        "text": "字符型",
        "integer": "整型",
        "long": "长整型",
        "decimal": "数值型",
        "boolean": "逻辑型",
        "date": "日期型",
        "datetime": "日期时间型",
        "bytes": "二进制型",
    }
)
_TYPES_TOO = {
    "字符型c": "text",
    "c": "text",
    "字符": "text",
    "字符串": "text",
    "字符串型": "text",
    "文本": "text",
    "备注型": "text",
    "备注型m": "text",
    "varchar": "text",
    "char": "text",
    "string": "text",
    "整型i": "integer",
    "i": "integer",
    "整数": "integer",
    "整数型": "integer",
    "int": "integer",
    "bigint": "long",
    "数值型n": "decimal",
    "n": "decimal",
    "数值": "decimal",
    "数字": "decimal",
    "数字型": "decimal",
    "货币型": "decimal",
    "货币型y": "decimal",
    "浮点型": "decimal",
    "浮点型f": "decimal",
    "双精度型": "decimal",
    "双精度型b": "decimal",
    "number": "decimal",
    "numeric": "decimal",
    "逻辑型l": "boolean",
    "布尔型": "boolean",
    "bool": "boolean",
    "日期型d": "date",
    "d": "date",
    "日期": "date",
    "日期时间型t": "datetime",
    "t": "datetime",
    "日期时间": "datetime",
    "时间型": "datetime",
    "timestamp": "datetime",
    "二进制": "bytes",
    "通用型g": "bytes",
    "通用型": "bytes",
    "blob": "bytes",
}
SENSITIVITY = MappingProxyType(
    {
        "ordinary": "一般",
        "trade-secret": "商业秘密",
        "personal": "个人信息",
        "sensitive-personal": "敏感个人信息",
        "important": "重要数据",
    }
)
SUBJECTS = MappingProxyType(
    {"enterprise": "企业", "person": "自然人", "project": "项目", "parcel": "宗地"}
)
MASKS = MappingProxyType(
    {
        "none": "不脱敏",
        "name": "姓名",
        "id": "证件号",
        "phone": "电话",
        "tail4": "仅留后四位",
        "address": "地址",
        "year": "仅留年份",
        "null": "不显示",
    }
)

ENTRY: tuple[Field, ...] = (
    Field(name="code", zh="信息资源代码", en="Resource code", obligatory=True),
    Field(name="name", zh="信息资源名称", en="Resource name", obligatory=True),
    Field(name="name_en", zh="信息资源英文名称", en="English name"),
    Field(name="department", zh="提供方代码", en="Provider code"),
    Field(name="abstract", zh="信息资源摘要", en="Abstract"),
    Field(name="keywords", zh="关联分类", en="Related themes", kind=Kind.LIST),
    Field(name="contact_unit", zh="内设部门名称", en="Unit"),
    Field(name="contact_telephone", zh="联系电话", en="Telephone"),
    Field(name="contact_email", zh="电子邮箱", en="E-mail"),
    Field(
        name="format", zh="格式分类", en="Format", kind=Kind.WORD, words=FORMATS,
        others=_FORMATS_TOO,
    ),
    Field(name="format_name", zh="格式类型", en="Format name"),
    Field(
        name="sharing_class", always=True, zh="共享类型", en="Sharing class", kind=Kind.WORD, words=SHARING,
        others=_SHARING_TOO,
    ),
    Field(name="conditions", zh="共享条件", en="Conditions"),
    Field(name="no_share_basis", zh="不予共享依据", en="Legal basis", kind=Kind.BASIS),
    Field(
        name="methods", zh="共享方式", en="Sharing methods", kind=Kind.WORDS, words=METHODS,
        others=_METHODS_TOO,
    ),
    Field(name="recipients", zh="共享对象", en="Recipients", kind=Kind.LIST),
    Field(name="purposes", zh="共享用途", en="Purposes", kind=Kind.WORDS, words=PURPOSE_WORDS),
    Field(
        name="openness", zh="是否向社会开放", en="Open to the public", kind=Kind.WORD,
        words=OPENNESS, others=_OPENNESS_TOO,
    ),
    Field(name="open_conditions", zh="开放条件", en="Conditions of opening"),
    Field(
        name="update_cycle", zh="更新周期", en="Update cycle", kind=Kind.WORD, words=CYCLES,
        others=_CYCLES_TOO,
    ),
    Field(name="update_days", zh="更新天数", en="Days between updates", kind=Kind.NUMBER),
    Field(name="published_on", zh="发布日期", en="Published on", kind=Kind.DAY),
    Field(name="related", zh="关联资源代码", en="Related resources", kind=Kind.LIST),
    Field(
        name="data_class", zh="数据分类", en="Data class", kind=Kind.WORD, words=DATA_CLASSES
    ),
    Field(name="level", always=True, zh="数据级别", en="Data level", kind=Kind.NUMBER),
    Field(name="personal", zh="含个人信息", en="About persons", kind=Kind.FLAG),
    Field(name="consent", always=True, zh="本人同意", en="Consent", kind=Kind.WORD, words=CONSENT),
    Field(name="base_data", zh="基础数据", en="Base data", kind=Kind.WORD, words=BASE_DATA),
    Field(
        name="secrecy", always=True, zh="涉密情况", en="Secrecy", kind=Kind.WORD, words=SECRECY,
        others=_SECRECY_TOO,
    ),
    Field(name="distributions", zh="提供形式", en="Distributions", kind=Kind.FORMS),
    Field(name="upstream_holder", zh="上级持有单位", en="Held above by"),
    Field(name="upstream_way_to_ask", zh="上级获取方式", en="Way to ask"),
    Field(name="upstream_letter", zh="函号", en="Letter number"),
)  # fmt: skip

ITEM: tuple[Field, ...] = (
    Field(name="title", zh="信息项名称", en="Item name", obligatory=True),
    Field(name="name", zh="信息项代码", en="Item code"),
    Field(name="title_en", zh="信息项英文名称", en="English item name"),
    Field(name="description", zh="信息项说明", en="Item description"),
    Field(name="data_element", zh="数据元", en="Data element"),
    Field(name="code_list", zh="关联代码集", en="Code list"),
    Field(name="codes", zh="代码值", en="Codes", kind=Kind.CODES),
    Field(
        name="type", always=True, zh="数据类型", en="Data type", kind=Kind.WORD,
        words=TYPES, others=_TYPES_TOO,
    ),
    Field(name="length", zh="数据长度", en="Length", kind=Kind.NUMBER),
    Field(name="unit", zh="计量单位", en="Unit of measure"),
    Field(
        name="sharing_class", always=True, zh="信息项共享类型", en="Item sharing class", kind=Kind.WORD,
        words=SHARING, others=_SHARING_TOO,
    ),
    Field(name="level", always=True, zh="信息项级别", en="Item level", kind=Kind.NUMBER),
    Field(
        name="sensitivity", always=True, zh="敏感程度", en="Sensitivity", kind=Kind.WORD, words=SENSITIVITY
    ),
    Field(name="mask", always=True, zh="脱敏方式", en="Mask", kind=Kind.WORD, words=MASKS),
    Field(name="subject", zh="标识主体", en="Identifies", kind=Kind.WORD, words=SUBJECTS),
    Field(name="key", zh="是否主键", en="Key", kind=Kind.FLAG),
    Field(name="match", zh="是否可比对", en="Can be compared", kind=Kind.FLAG),
    Field(name="basic", zh="是否基本项", en="Basic item", kind=Kind.FLAG),
)  # fmt: skip

ENTRY_FIELDS: Mapping[str, Field] = MappingProxyType({one.name: one for one in ENTRY})
ITEM_FIELDS: Mapping[str, Field] = MappingProxyType({one.name: one for one in ITEM})
