"""Every code that a decision can carry: its texts, its legal basis, who must act, and what to do next.

The Rego names a code and finds rule, legal basis and priority in `rego/exchange/reasons/data.json`; a test
keeps both tables equal. Texts are never written in Rego.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Actor = Literal["caller", "consumer", "provider", "authority", "operator", "nobody"]
Next = Literal["correct", "ask", "wait", "accept-paper", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonText:
    """One code. `rule` is the Rego rule that decides it; `basis` what the law says, in its own name."""

    code: str
    rule: str
    zh: str
    en: str
    basis: tuple[str, ...]
    actor: Actor
    """Who must act before the same call can be permitted."""
    next: Next
    """What the asking officer does meanwhile."""
    retryable: bool = False
    """Whether the same call may be permitted later without anybody changing anything."""


_REGULATION = "国务院令第809号"
_MEASURES = "国发〔2016〕51号"
_USE = (f"{_REGULATION}第二十五条", f"{_MEASURES}第十四条")
_CLASSES = (f"{_MEASURES}第九条",)
_SHARING = (_REGULATION, *_CLASSES)
_PERSONAL = ("个人信息保护法第六条", "个人信息保护法第三十四条")
_SECURITY = ("数据安全法第二十一条", "数据安全法第二十七条")


def _reason(code: str, rule: str, zh: str, en: str) -> "_Draft":
    return _Draft(code=code, rule=rule, zh=zh, en=en)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A code and its texts, waiting for its basis and for who must act."""

    code: str
    rule: str
    zh: str
    en: str

    def by(self, actor: Actor, following: Next, *basis: str, retryable: bool = False) -> ReasonText:
        return ReasonText(
            code=self.code,
            rule=self.rule,
            zh=self.zh,
            en=self.en,
            basis=basis,
            actor=actor,
            next=following,
            retryable=retryable,
        )


_TABLE = (
    _reason("PERMITTED", "authz.permitted", "允许。", "Permitted.").by("nobody", "none", *_SHARING),
    _reason(
        "PARTLY_PERMITTED", "authz.code", "部分请求被允许。", "Some of the requests are permitted."
    ).by("nobody", "none", *_SHARING),
    _reason("REFUSED", "authz.code", "请求被拒绝。", "Refused.").by("caller", "correct", *_SHARING),
    _reason(
        "QUESTION_INCOMPLETE",
        "question.complete",
        "决策所需的事实不完整,按规则拒绝。",
        "A fact that the decision needs is missing, so nothing is permitted.",
    ).by("operator", "wait", _REGULATION),
    _reason(
        "RESOURCE_UNKNOWN",
        "guards.resource_known",
        "目录中没有这项已公告的数据资源。",
        "No announced resource of this code is in the catalogue.",
    ).by("caller", "correct", _REGULATION),
    _reason(
        "RESOURCE_WITHDRAWN",
        "guards.resource_announced",
        "该数据资源已从目录撤回,不再提供。",
        "The resource was withdrawn from the catalogue and is not served any more.",
    ).by("provider", "accept-paper", _REGULATION),
    _reason(
        "NOT_SHARED",
        "guards.shared",
        "该数据资源属于不予共享类,任何授权都不能改变。",
        "The resource is not shared; no grant changes that.",
    ).by("nobody", "accept-paper", *_CLASSES),
    _reason(
        "GRANT_MISSING",
        "sharing.candidates",
        "贵部门尚未获得该数据资源的授权,请提交共享申请。",
        "Your department has no grant on this resource: send a sharing request.",
    ).by("consumer", "ask", *_SHARING),
    _reason(
        "GRANT_REVOKED",
        "sharing.not_revoked",
        "授权已被撤销,如仍需要请重新申请。",
        "The grant was revoked for good: ask anew if it is still needed.",
    ).by("consumer", "ask", *_SHARING),
    _reason(
        "GRANT_EXPIRED",
        "sharing.unexpired",
        "授权已到期,请申请续期。",
        "The grant has ended: ask for a new one.",
    ).by("consumer", "ask", *_SHARING),
    _reason(
        "GRANT_SUSPENDED",
        "sharing.not_suspended",
        "授权已被提供部门暂停,恢复前不可使用。",
        "The provider suspended the grant; it holds again when the provider resumes it.",
    ).by("provider", "wait", *_SHARING, retryable=True),
    _reason(
        "GRANT_NOT_YET",
        "sharing.begun",
        "授权尚未生效。",
        "The grant does not hold yet.",
    ).by("nobody", "wait", *_SHARING, retryable=True),
    _reason(
        "GRANT_CALLER",
        "sharing.caller",
        "授权属于其他部门。",
        "The grant is another department's.",
    ).by("consumer", "ask", *_USE),
    _reason(
        "GRANT_SYSTEM",
        "sharing.system",
        "授权不包含此业务系统。",
        "The grant does not name this system.",
    ).by("consumer", "ask", *_USE),
    _reason(
        "GRANT_CHANNEL",
        "sharing.channel",
        "授权不包含此调用方式(查询、核验或批量)。",
        "The grant does not allow this way of asking (query, verify or bulk).",
    ).by("consumer", "ask", *_SHARING),
    _reason(
        "GRANT_MATTER",
        "sharing.matter",
        "授权不适用于此事项。",
        "The grant does not hold for this matter.",
    ).by("consumer", "ask", *_USE),
    _reason(
        "GRANT_PURPOSE",
        "sharing.purpose",
        "授权不包含此用途。",
        "The grant does not allow this purpose.",
    ).by("consumer", "ask", *_USE),
    _reason(
        "GRANT_OPERATION",
        "sharing.operation",
        "授权仅限已登记的查询语句。",
        "The grant covers registered documents only, and this is none of them.",
    ).by("consumer", "ask", *_USE),
    _reason(
        "GRANT_QUOTA",
        "sharing.quota",
        "授权的当日调用次数已用完。",
        "The grant's calls for today are spent.",
    ).by("nobody", "wait", *_SHARING, retryable=True),
    _reason(
        "MATTER_UNKNOWN",
        "matters.known",
        "调用所填的事项不存在。",
        "The matter that the call names is not registered.",
    ).by("caller", "correct", *_USE),
    _reason(
        "MATTER_INACTIVE",
        "matters.active",
        "该事项已停用。",
        "The matter is not in use any more.",
    ).by("authority", "correct", *_USE),
    _reason(
        "MATTER_DEPARTMENT",
        "matters.department",
        "该事项不属于贵部门。",
        "The matter belongs to another department.",
    ).by("caller", "correct", *_USE),
    _reason(
        "PURPOSE_NOT_ALLOWED",
        "guards.purpose",
        "该数据资源不允许用于此用途。",
        "The resource may not be used for this purpose.",
    ).by("caller", "correct", *_USE),
    _reason(
        "CASE_MISSING",
        "matters.case",
        "调用有条件共享或个人信息数据必须指明办件。",
        "Conditional or personal data needs a case that is known to the exchange.",
    ).by("caller", "correct", *_USE, *_PERSONAL),
    _reason(
        "CASE_NOT_OPEN",
        "matters.case_open",
        "办件已暂停或办结,不能再调用数据。",
        "The case is paused or closed; only an open case gives access.",
    ).by("caller", "correct", *_USE),
    _reason(
        "CASE_MATTER",
        "matters.case_matter",
        "办件不属于所填的事项。",
        "The case is of another matter than the call.",
    ).by("caller", "correct", *_USE),
    _reason(
        "CASE_SYSTEM",
        "matters.case_system",
        "办件由其他业务系统登记。",
        "The case was opened by another system.",
    ).by("caller", "correct", *_USE),
    _reason(
        "CASE_DECLARED_ONLY",
        "sharing.attested",
        "授权要求办件经收件平台或申请人确认,仅由调用方申报不够。",
        "The grant wants a case that the intake platform or the applicant attested.",
    ).by("caller", "wait", *_USE, *_PERSONAL, retryable=True),
    _reason(
        "SUBJECT_MISSING",
        "guards.subject_named",
        "调用有条件共享或个人信息数据必须指明当事人。",
        "Conditional or personal data is given about a named subject only.",
    ).by("caller", "correct", *_PERSONAL),
    _reason(
        "SUBJECT_NOT_PARTY",
        "guards.subject_party",
        "被查询人不是该办件的当事人。",
        "The subject is no party of the case.",
    ).by("caller", "correct", *_USE, *_PERSONAL),
    _reason(
        "CONSENT_MISSING",
        "guards.consent",
        "尚无当事人对使用该数据资源的同意。",
        "The subject's consent to this resource is not in force.",
    ).by("caller", "accept-paper", "个人信息保护法第十三条", "个人信息保护法第二十九条"),
    _reason(
        "ZONE_UNTRUSTED",
        "guards.zone",
        "该级别的数据不得在此网络区域提供。",
        "Data of this level is not given in this network zone.",
    ).by("operator", "correct", *_SECURITY),
    _reason(
        "AUTHN_TOO_LOW",
        "guards.authn",
        "经办人的身份核验强度不足。",
        "The officer's sign-in is not strong enough for this level of data.",
    ).by("caller", "correct", *_SECURITY),
    _reason(
        "BEARER_TOKEN",
        "guards.bound_token",
        "未绑定密钥的令牌不能读取有条件共享或个人信息数据。",
        "A token that is bound to no key never reads conditional or personal data.",
    ).by("caller", "correct", *_SECURITY),
    _reason(
        "OWN_RECORD",
        "guards.own_record",
        "经办人不得查询本人的记录。",
        "Officers do not read their own records.",
    ).by("caller", "correct", "公务员法第七十六条"),
    _reason(
        "FACT_MISSING",
        "guards.department_facts",
        "提供部门的规则需要的事实缺失。",
        "A fact that the publishing department's own rule reads is missing.",
    ).by("caller", "correct", _REGULATION),
    _reason(
        "DEPARTMENT_DENIED",
        "departments.deny",
        "提供部门的规则不允许此次调用。",
        "The publishing department's own rule refuses the call.",
    ).by("provider", "ask", _REGULATION),
    _reason(
        "ITEM_NOT_MATCHABLE",
        "items.matchable",
        "未获授权以该信息项作为查询键或核验条件。",
        "An item used as key, filter or claim is not granted for matching.",
    ).by("consumer", "ask", *_SHARING),
    _reason(
        "ITEM_NOT_FILTERABLE",
        "items.filterable",
        "用于筛选或排序的信息项未获授权完整提供，或按规定须脱敏。",
        "An item that filters or orders is not granted in full, or its publisher masks it.",
    ).by("consumer", "ask", _REGULATION, "个人信息保护法第六条"),
    _reason(
        "ITEM_UNKNOWN",
        "items.catalogued",
        "该数据资源没有此信息项。",
        "The resource has no such item.",
    ).by("caller", "correct", _REGULATION),
    _reason(
        "ITEM_NOT_SHARED",
        "items.shared",
        "此信息项不予共享。",
        "The item is not shared.",
    ).by("nobody", "accept-paper", *_CLASSES),
    _reason(
        "ITEM_NOT_GRANTED",
        "items.granted",
        "授权不包含此信息项。",
        "The grant does not name the item.",
    ).by("consumer", "ask", *_SHARING, "个人信息保护法第六条"),
    _reason(
        "ITEM_MASK_UNKNOWN",
        "items.maskable",
        "此信息项所要求的脱敏方式未知。",
        "The item demands a mask that is not known.",
    ).by("operator", "wait", _REGULATION),
    _reason(
        "ITEMS_NONE",
        "items.remaining",
        "所请求的信息项均不可提供。",
        "None of the items that were asked for may be given.",
    ).by("consumer", "ask", *_SHARING),
    _reason(
        "ROW_FILTER_UNBOUND",
        "rows.conditions",
        "授权的行过滤条件无法计算。",
        "The grant's row filter cannot be computed for this call.",
    ).by("operator", "wait", *_SHARING),
)

REASONS: Mapping[str, ReasonText] = MappingProxyType({row.code: row for row in _TABLE})
"""By code, in no particular order: the order in which reasons are told is the policy's."""
