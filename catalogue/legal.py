"""Whether what is cited for not sharing can be a basis: its form, and the level of the law (51号 art. 9).

Only a law, an administrative regulation or a State Council decision will do. The level is not believed
because it is declared: a local notice does not become a law by being called one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from catalogue.flaws import Flaw

LEVELS = ("law", "administrative-regulation", "state-council-decision")
"""法律, 行政法规, 国务院决定."""
_NEEDED = Flaw("a law, an administrative regulation or a State Council decision needed")

_ARTICLE = re.compile(
    r"第[一二三四五六七八九十百零〇0-9]+条(之[一二三四五六七八九十]+)?.*|(art\.|article)\s*[0-9]+.*",
    re.IGNORECASE,
)
_STATE_COUNCIL = re.compile(r"国务院|国(办)?(发|函)〔[0-9]{4}〕[0-9]+号")
_ORDER = re.compile(r"国务院令第[0-9]+号")
# Who issues local rules and departments' own rules. A law's own name may hold 自治区 or 特别行政区.
_LOCAL = re.compile(
    r"^《?[\u4e00-\u9fff]{2,12}?(?<!自治)(省|市|县|区|州|盟|旗|镇|乡|街道)"
    r"(人民政府|人民代表大会|人大|委员会|办公室|[\u4e00-\u9fff]{0,12}(局|委|办))?"
)
_NATIONAL_NAMES = ("中华人民共和国", "全国人民代表大会", "国务院")
_BUREAU = re.compile(r"(局|厅|处|科|办公室|委员会|部)(关于|印发|发布)")
_INTERNAL = re.compile(
    r"内部|保密工作制度|管理制度|工作制度|工作规程|操作规程|internal rule", re.IGNORECASE
)
_KINDS = {
    Flaw("a notice"): re.compile(r"通知|通告|公告|notice\b", re.IGNORECASE),
    Flaw("an opinion"): re.compile(r"意见|opinion\b", re.IGNORECASE),
    Flaw("a letter or minutes"): re.compile(
        r"函》?$|复函|批复|会议纪要|纪要|minutes\b", re.IGNORECASE
    ),
    Flaw("a plan or scheme"): re.compile(r"方案|计划|规划|要点"),
    Flaw("implementing rules"): re.compile(r"实施细则|细则|指南|指引|规范》?$|标准》?$"),
}
_LAW_NAME = re.compile(r"(法|法典|条例|决定|解释|law|act|code)》?(（[^）]*）)?$", re.IGNORECASE)
_REGULATION_NAME = re.compile(
    r"(条例|规定|办法|实施细则|regulations?|rules|measures)》?(（[^）]*）)?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis:
    """The law that keeps data from being shared."""

    document: str
    article: str
    text: str
    level: str
    """One of `LEVELS`."""


def read_basis(parts: tuple[str, ...]) -> LegalBasis | None:
    """Return the basis that a resource names; None where a part of it is missing."""
    if len(parts) != 4 or not all(part.strip() for part in parts):
        return None
    document, article, text, level = (part.strip() for part in parts)
    return LegalBasis(document=document, article=article, text=text, level=level)


def check_basis(parts: tuple[str, ...]) -> Iterator[Flaw]:
    """Say what keeps a cited basis from being one: what was found, and what was needed."""
    basis = read_basis(parts)
    if basis is None:
        yield Flaw("not shared: document, article, text and level of the law needed")
        return
    if basis.level not in LEVELS:
        yield Flaw("not shared: basis of level {0!r}, {1} needed", basis.level, ", ".join(LEVELS))
    unfit = _unfit(basis)
    if unfit is not None:
        yield Flaw("not shared: {0} is {1}; {2}", basis.document, unfit, _NEEDED)
    if not _ARTICLE.fullmatch(basis.article):
        yield Flaw("not shared: article {0!r}, one as 第十二条 needed", basis.article)


def _unfit(basis: LegalBasis) -> str | None:
    """What a document is, where it is none of the three; None where it may be what it is called."""
    name = basis.document.strip().removeprefix("《")
    if _INTERNAL.search(name):
        return Flaw("an internal rule")
    national = name.startswith(_NATIONAL_NAMES) or _ORDER.search(name) is not None
    if not national and _LOCAL.match(name):
        return Flaw("a local document")
    if not national and _BUREAU.search(name):
        return Flaw("a department's own document")
    if basis.level == "state-council-decision":
        return None if _STATE_COUNCIL.search(name) else Flaw("not issued by the State Council")
    if not _ORDER.search(name):
        for said, kind in _KINDS.items():
            # The implementing rules of a law are a regulation where the State Council issued them.
            if kind.search(name) and not (
                basis.level == "administrative-regulation"
                and name.endswith(("实施细则", "实施细则》"))
            ):
                return said
    wanted = _LAW_NAME if basis.level == "law" else _REGULATION_NAME
    if basis.level in LEVELS and not wanted.search(_ORDER.sub("", name).rstrip("（）() ")):
        return (
            Flaw("no name that a law has")
            if basis.level == "law"
            else Flaw("no name that a regulation has")
        )
    return None
