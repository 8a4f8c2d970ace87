"""What is wrong with something that was entered: a sentence that can be said in both languages."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Self

from catalogue.chinese import SENTENCES

_TERMS: Mapping[str, str] = MappingProxyType(
    {
        "unconditional": "无条件",
        "conditional": "有条件",
        "not-shared": "不予",
        "text": "文本",
        "integer": "整数",
        "long": "长整数",
        "decimal": "小数",
        "boolean": "是否",
        "date": "日期",
        "datetime": "日期时间",
        "bytes": "二进制",
        "realtime": "实时",
        "daily": "每日",
        "weekly": "每周",
        "monthly": "每月",
        "quarterly": "每季度",
        "half-yearly": "每半年",
        "yearly": "每年",
        "irregular": "不定期",
        "interface": "接口",
        "table": "库表",
        "file": "文件",
        "person": "自然人",
        "organisation": "法人",
        "none": "无",
    }
)
"""Members of enumerations that sentences name. Text that somebody typed is never translated."""


class Flaw(str):
    """One sentence: the text is English, `zh` is Chinese.

    The template is a constant with numbered places, and a key of `catalogue.chinese`: a test lists others.
    """

    template: str
    values: tuple[object, ...]

    __slots__ = ("template", "values")

    def __new__(cls, template: str, /, *values: object) -> Self:
        one = super().__new__(cls, template.format(*values) if values else template)
        one.template = template
        one.values = values
        return one

    @classmethod
    def quoted(cls, text: str) -> Self:
        """Return what somebody else says, a compiler or a file: it is the same in either language."""
        return cls("{0}", text)

    @property
    def zh(self) -> str:
        told = SENTENCES.get(self.template, self.template)
        return told.format(*map(_chinese, self.values)) if self.values else told


def _chinese(value: object) -> object:
    if isinstance(value, Flaw):
        return value.zh
    if isinstance(value, Enum):
        return _TERMS.get(str(value.value), str(value.value))
    return value
