"""The classification of resources (1272号, 目录编制指南): 类, 项, 目 and 细目, read from a resource's code.

A resource's code is its classification, a stroke, and a number of its own. The classification is one digit,
two, three, and any more. Codes of other catalogues do not follow it; they are kept as they are and classified
nowhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catalogue.metadata import BaseData

_CODE = re.compile(r"([1-3])([0-9]{2})([0-9]{3})?([0-9]*)/[^/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Where a resource stands in the directory."""

    category: str
    """类: one digit."""
    group: str
    """项: two digits."""
    subgroup: str = ""
    """目: three digits; empty where the code stops before it."""
    detail: str = ""
    """细目: the digits that remain."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The codes of its levels, each with all above it: 3, 307, 307001."""
        levels = (self.category, self.group, self.subgroup, self.detail)
        return tuple("".join(levels[: place + 1]) for place, level in enumerate(levels) if level)

    @property
    def base_data(self) -> BaseData | None:
        """The base data that it names; None outside them."""
        return BASE_GROUPS.get(self.category + self.group)


BASE_GROUPS: Mapping[str, BaseData] = MappingProxyType(
    {
        "101": BaseData.POPULATION,
        "102": BaseData.LEGAL_PERSONS,
        "103": BaseData.SPACE,
        "105": BaseData.CERTIFICATES,
    }
)
"""Groups of 类 1 whose basic items 51号 art. 10 has shared without conditions."""

NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "1": ("基础信息资源", "Base data"),
        "101": ("人口基础信息资源", "Population"),
        "102": ("法人单位基础信息资源", "Legal persons"),
        "103": ("自然资源和空间地理基础信息资源", "Natural resources and space"),
        "104": ("社会信用基础信息资源", "Social credit"),
        "105": ("电子证照基础信息资源", "E-certificates"),
        "2": ("主题信息资源", "Themes"),
        "201": ("全民健康保障", "Public health"),
        "202": ("全民住房保障", "Housing security"),
        "203": ("全民社会保障", "Social security"),
        "204": ("药品安全监管", "Drug safety"),
        "205": ("食品安全监管", "Food safety"),
        "206": ("安全生产监管", "Work safety"),
        "207": ("市场价格监管", "Market prices"),
        "208": ("金融监管", "Financial supervision"),
        "209": ("能源安全保障", "Energy security"),
        "210": ("信用体系建设", "Credit system"),
        "211": ("生态环境保护", "Environment"),
        "212": ("应急维稳保障", "Emergency and stability"),
        "213": ("行政执法监督", "Supervision of enforcement"),
        "214": ("民主法治建设", "Democracy and rule of law"),
        "215": ("执政能力建设", "Capacity to govern"),
        "3": ("部门信息资源", "Departments"),
    }
)
"""Names of levels, zh and en. What stands under 3 is named by each place for its own departments."""


def classify(code: str) -> Classification | None:
    """Read a resource's code; None where it follows another scheme."""
    found = _CODE.fullmatch(code)
    if found is None:
        return None
    category, group, subgroup, detail = found.groups()
    return Classification(
        category=category, group=group, subgroup=subgroup or "", detail=detail or ""
    )


def level_name(prefix: str, *, language: str) -> str:
    """Return the name of a level in `zh` or `en`; its code where the table has none."""
    zh, en = NAMES.get(prefix, (prefix, prefix))
    return zh if language == "zh" else en
