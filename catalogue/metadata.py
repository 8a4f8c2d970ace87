"""What an entry of the catalogue says beside its items: the core metadata of 1272号 and what 809 adds."""

from dataclasses import dataclass
from enum import StrEnum


class InformationFormat(StrEnum):
    """信息资源格式 (1272号)."""

    DOCUMENT = "document"  # 电子文件
    SPREADSHEET = "spreadsheet"  # 电子表格
    DATABASE = "database"  # 数据库
    IMAGE = "image"  # 图形图像
    STREAM = "stream"  # 流媒体
    SELF_DESCRIBED = "self-described"  # 自描述格式


class SharingMethod(StrEnum):
    """共享方式: how whoever is granted the data gets it."""

    INTERFACE = "interface"  # 接口
    TABLE = "table"  # 库表
    FILE = "file"  # 文件


class Openness(StrEnum):
    """社会开放属性: whether the public may have it, too."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NOT_OPEN = "not-open"


class UpdateCycle(StrEnum):
    """更新周期."""

    REALTIME = "realtime"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half-yearly"
    YEARLY = "yearly"
    IRREGULAR = "irregular"


CYCLE_DAYS = {
    UpdateCycle.REALTIME: 1,
    UpdateCycle.DAILY: 1,
    UpdateCycle.WEEKLY: 7,
    UpdateCycle.MONTHLY: 31,
    UpdateCycle.QUARTERLY: 92,
    UpdateCycle.HALF_YEARLY: 184,
    UpdateCycle.YEARLY: 366,
}
"""Days between two updates at most, by cycle; irregular ones promise nothing."""


def cycle_of(days: int | None) -> UpdateCycle:
    """Return the shortest cycle that allows rows of this age; irregular where none was promised."""
    if days is None:
        return UpdateCycle.IRREGULAR
    fits = (cycle for cycle, most in CYCLE_DAYS.items() if days <= most)
    if days == 1:
        return UpdateCycle.DAILY
    return next(fits, UpdateCycle.IRREGULAR)


class DataClass(StrEnum):
    """数据分类 by whom the data is about (GB/T 43697-2024)."""

    PUBLIC = "public"  # 公共数据
    ORGANISATION = "organisation"  # 组织数据
    PERSONAL = "personal"  # 个人信息


class Sensitivity(StrEnum):
    """敏感程度 of one item."""

    ORDINARY = "ordinary"
    TRADE_SECRET = "trade-secret"  # noqa: S105 - 商业秘密, no password
    PERSONAL = "personal"  # 个人信息
    SENSITIVE_PERSONAL = "sensitive-personal"  # 敏感个人信息
    IMPORTANT = "important"  # 重要数据


class Secrecy(StrEnum):
    """What is declared of secrets; only what holds none is government data (809 art. 3)."""

    NONE = "none"
    STATE_SECRET = "state-secret"  # noqa: S105 - 国家秘密, no password
    WORK_SECRET = "work-secret"  # noqa: S105 - 工作秘密, no password


class BaseData(StrEnum):
    """基础数据, whose basic items are shared without conditions (51号 art. 10)."""

    POPULATION = "population"
    LEGAL_PERSONS = "legal-persons"
    SPACE = "space"
    CERTIFICATES = "certificates"


ANY_DEPARTMENT = "*"
"""Among those who may have conditional data: any department whose duties need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One value of an item's code list (关联代码集)."""

    value: str
    title: str
    title_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One form in which the resource is given out."""

    method: SharingMethod
    title: str = ""
    media_type: str = ""
    """IANA media type of a file; empty where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to ask about the resource: a post, not a person."""

    unit: str
    telephone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A resource that a superior body holds and that is not connected here."""

    holder: str
    way_to_ask: str
    letter: str = ""
    """Number of the letter by which it was asked for (函号); empty while nobody has."""
