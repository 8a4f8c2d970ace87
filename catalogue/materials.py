"""What a matter is and what it asks of an applicant: its type, its lists, its materials and their sources."""

from dataclasses import dataclass
from enum import StrEnum


class MatterType(StrEnum):
    """事项类型, as the national list of matters has it (GB/T 39554.1-2020)."""

    LICENCE = "licence"
    PENALTY = "penalty"
    COERCION = "coercion"
    LEVY = "levy"
    BENEFIT = "benefit"
    INSPECTION = "inspection"
    CONFIRMATION = "confirmation"
    REWARD = "reward"
    ADJUDICATION = "adjudication"
    OTHER_POWER = "other-power"
    PUBLIC_SERVICE = "public-service"


class MatterList(StrEnum):
    """A list on which a district keeps a matter (清单); one matter may stand on several."""

    APPROVAL = "approval"  # 审批事项清单
    PUBLIC_SERVICE = "public-service"  # 公共服务事项清单
    ONE_TRIP = "one-trip"  # 最多跑一次清单


class Origin(StrEnum):
    """Who makes a material (材料来源渠道)."""

    APPLICANT = "applicant"  # 申请人自备
    GOVERNMENT = "government"  # 政府部门核发
    THIRD_PARTY = "third-party"  # 中介机构或其他单位


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One 申请材料 of a matter. It is stored in the matter's row: new members need a default."""

    code: str
    """Its own within the matter; kept as the department gave it."""
    name: str
    name_en: str = ""
    required: bool = True
    origin: Origin = Origin.APPLICANT
    resource: str = ""
    """Code of the shared resource that supplies it; empty: none is named."""
    certificate: str = ""
    """Type code of the e-certificate that supplies it; empty: none is named."""
    department: str = ""
    """Code of the source department; empty: none is named."""
    waived: bool = False
    """免提交: the applicant is not asked for it any more."""
    reason: str = ""
    """Why the applicant is asked all the same, in the department's words; empty: it said nothing."""

    @property
    def linked(self) -> bool:
        """Whether anybody said what supplies it."""
        return bool(self.resource or self.certificate)


TYPES: dict[str, MatterType] = {
    "01": MatterType.LICENCE,
    "行政许可": MatterType.LICENCE,
    "02": MatterType.PENALTY,
    "行政处罚": MatterType.PENALTY,
    "03": MatterType.COERCION,
    "行政强制": MatterType.COERCION,
    "04": MatterType.LEVY,
    "行政征收": MatterType.LEVY,
    "05": MatterType.BENEFIT,
    "行政给付": MatterType.BENEFIT,
    "06": MatterType.INSPECTION,
    "行政检查": MatterType.INSPECTION,
    "07": MatterType.CONFIRMATION,
    "行政确认": MatterType.CONFIRMATION,
    "08": MatterType.REWARD,
    "行政奖励": MatterType.REWARD,
    "09": MatterType.ADJUDICATION,
    "行政裁决": MatterType.ADJUDICATION,
    "10": MatterType.OTHER_POWER,
    "其他行政权力": MatterType.OTHER_POWER,
    "20": MatterType.PUBLIC_SERVICE,
    "公共服务": MatterType.PUBLIC_SERVICE,
}
"""What directories write for a type: the national code or its name."""

LISTS: dict[str, MatterList] = {
    "审批": MatterList.APPROVAL,
    "审批事项": MatterList.APPROVAL,
    "公共服务": MatterList.PUBLIC_SERVICE,
    "公共服务事项": MatterList.PUBLIC_SERVICE,
    "最多跑一次": MatterList.ONE_TRIP,
}

ORIGINS: dict[str, Origin] = {
    "申请人自备": Origin.APPLICANT,
    "政府部门核发": Origin.GOVERNMENT,
    "其他": Origin.THIRD_PARTY,
    "中介机构": Origin.THIRD_PARTY,
}

DEPTHS: dict[str, int] = {
    "Ⅰ级": 1,
    "Ⅱ级": 2,
    "Ⅲ级": 3,
    "Ⅳ级": 4,
    "I": 1,
    "II": 2,
    "III": 3,
    "IV": 4,
}
"""网上办理深度: 1 consulting, 2 applying, 3 accepting, 4 deciding on line."""


def type_of(text: str) -> MatterType | None:
    """Return the type that a directory's word or code means; None for one that nobody knows."""
    plain = text.strip()
    if plain.isascii() and plain.isdecimal():
        plain = plain.zfill(2)
    return TYPES.get(plain) or next((one for one in MatterType if one.value == plain), None)


def list_of(text: str) -> MatterList | None:
    plain = text.strip()
    return LISTS.get(plain) or next((one for one in MatterList if one.value == plain), None)


def origin_of(text: str) -> Origin | None:
    plain = text.strip()
    return ORIGINS.get(plain) or next((one for one in Origin if one.value == plain), None)


def depth_of(text: str) -> int | None:
    plain = text.strip()
    if plain in DEPTHS:
        return DEPTHS[plain]
    return int(plain) if plain in {"1", "2", "3", "4"} else None
