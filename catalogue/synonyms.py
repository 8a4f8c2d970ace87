"""Words that mean the same: what people say beside what entries are called."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role
from catalogue.words import fold, runs

USUAL: tuple[tuple[str, ...], ...] = (
    ("房产证", "房产", "产权证", "不动产权证", "不动产登记"),
    ("低保", "最低生活保障"),
    ("驾照", "驾驶证", "driver licence", "driving licence"),
    ("工商执照", "营业执照"),
    ("公积金", "住房公积金"),
    ("医保", "医疗保险"),
    ("社保", "社会保险", "养老保险", "医疗保险", "失业保险", "工伤保险"),
    ("社保养老", "养老保险"),
    ("危化品", "危险化学品"),
    ("户口", "户籍", "户口簿"),
    ("结婚登记", "婚姻登记"),
    ("身份证", "居民身份证"),
    ("信用代码", "统一社会信用代码"),
    ("准生证", "生育登记"),
    ("license", "licence"),
    ("real estate", "property"),
)
"""What the search knows where the authority has put in no list of its own."""

ONLY = "catalogue"
"""Id of the one list there is."""
MOST_GROUPS = 500
MOST_IN_A_GROUP = 20
LONGEST = 40
"""Characters of a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynonymList:
    """The authority's own list, in place of `USUAL`."""

    id: str
    groups: tuple[tuple[str, ...], ...]
    set_by: str
    set_at: datetime


def set_list(groups: Sequence[Sequence[str]], *, by: Actor, at: datetime) -> SynonymList:
    """Return the list as the authority sets it, whole. Raises NotAllowedError, InvalidError."""
    officer = require_decider(by, Role.AUTHORITY)
    if len(groups) > MOST_GROUPS:
        raise InvalidError(
            Flaw("{0} groups of synonyms, at most {1} needed", len(groups), MOST_GROUPS)
        )
    return SynonymList(
        id=ONLY,
        groups=tuple(_checked(group, number) for number, group in enumerate(groups, 1)),
        set_by=officer.id,
        set_at=at,
    )


def by_word(groups: Iterable[Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
    """Return folded word → folded words of the same meaning, itself first."""
    meant: dict[str, dict[str, None]] = {}
    for group in groups:
        folded = [fold(word).strip() for word in group]
        for word in folded:
            meant.setdefault(word, {word: None}).update(dict.fromkeys(folded))
    return {word: tuple(others) for word, others in meant.items()}


def _checked(group: Sequence[str], number: int) -> tuple[str, ...]:
    if not 2 <= len(group) <= MOST_IN_A_GROUP:
        raise InvalidError(
            Flaw("group {0} has {1} words, 2 to {2} needed", number, len(group), MOST_IN_A_GROUP)
        )
    for word in group:
        if len(word) > LONGEST or not list(runs(fold(word))):
            raise InvalidError(
                Flaw("group {0}: words of 1 to {1} characters needed", number, LONGEST)
            )
    return tuple(word.strip() for word in group)
