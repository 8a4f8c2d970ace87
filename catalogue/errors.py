"""What goes wrong in the catalogue, each with a code and words in Chinese and English."""

from collections.abc import Mapping
from types import MappingProxyType

from catalogue.flaws import Flaw

CATALOGUE_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ADMINISTRATOR_DECIDES_NOTHING": (
            "系统管理员不得审批或决定任何申请（三员分立）",
            "An administrator approves and decides nothing (separated roles)",
        ),
        "AUDITOR_CHANGES_NOTHING": (
            "审计管理员只能查阅，不得变更任何内容",
            "An auditor looks and changes nothing",
        ),
        "BUNDLE_EXPIRED": (
            "策略包已过有效期，不能提交或启用",
            "The policy bundle has expired: it can neither be proposed nor put in force",
        ),
        "BUNDLE_REFUSED": (
            "策略包未通过检查（签名、规则或测试），未作任何变更",
            "The policy bundle did not pass (signature, rules or tests): nothing was changed",
        ),
        "BUNDLE_SERIAL": (
            "策略包序号不大于已启用过的最大序号，须以更大的序号重新签署",
            "The bundle's serial is not above every one that was in force: sign it anew with a higher one",
        ),
        "CASE_CONFLICT": (
            "该办件号已登记，内容与本次提交不一致",
            "The case number is registered already with other contents",
        ),
        "CASE_DEPARTMENT": (
            "事项不属于本部门，不能据此登记办件",
            "The matter belongs to another department: no case can be opened under it",
        ),
        "CASE_NUMBER": (
            "办件号不符合该事项的编号规则",
            "The case number does not have the form that the matter prescribes",
        ),
        "CASE_PARTIES": (
            "当事人数量超出该事项的上限，或未列当事人",
            "The case has no party, or more parties than the matter allows",
        ),
        "CASE_STATE": (
            "办件当前状态不允许此操作",
            "The case is not in a state in which this can be done",
        ),
        "ENTRY_UNEXAMINED": (
            "未完成保密审查或个人信息保护影响评估，或审查评估未通过，不得签发",
            "The check for secrets or the assessment of personal information is missing or ended against it",
        ),
        "ERASURE_NAMED": (
            "经办人在拟清除的日志条目中出现，不得提出或批准本次清除",
            "An officer named in an entry that is to be erased can neither ask for nor approve it",
        ),
        "ITEM_SOURCE_OPEN": (
            "信息项已由其他部门登记，须由主管部门确定数据源部门后方可发布（一数一源）",
            "Another department registered the item: the authority designates its source first",
        ),
        "LEGAL_HOLD": (
            "存在未解除的法律保全，不得清除",
            "A legal hold that was not lifted forbids erasing",
        ),
        "TERM_RUNNING": (
            "保存期限未满，没有可以清除的内容",
            "The retention term is not over: nothing can be erased yet",
        ),
        "CODE_INVALID": (
            "编码格式或校验码不正确",
            "The code does not have the right form or check character",
        ),
        "DUPLICATE": ("该对象已存在", "This exists already"),
        "EMERGENCY_STATE": (
            "该应急查询当前状态不允许此操作",
            "The emergency access is not in a state in which this can be done",
        ),
        "EMERGENCY_STOPPED": (
            "本部门有应急查询逾期未核查，应急查询已停用，核查完成后恢复",
            "An emergency access was not reviewed in time: the department may open none until it is",
        ),
        "EMERGENCY_TWO_FACTOR": (
            "应急查询须以口令和动态验证码登录后办理",
            "Emergency access needs officers signed in by password and one-time code",
        ),
        "IMPACT_CHANGED": (
            "撤回所影响的授权或事项已有变化，请重新查看清单后再撤回",
            "What the withdrawal hits has changed: look at the list again before withdrawing",
        ),
        "IMPORT_REFUSED": (
            "导入文件有未被接受的内容，请按行列更正后重新导入",
            "The file holds parts that cannot be taken: correct the rows and columns named",
        ),
        "INVALID": (
            "填报内容不完整或不合规则",
            "What was entered is incomplete or against the rules",
        ),
        "INVITATION_INVALID": (
            "邀请码无效、已使用或已过期",
            "The invitation is unknown, used or expired",
        ),
        "NOT_EMPTY": (
            "登记库已有内容，不能再次初始化",
            "The registry holds something already and cannot be bootstrapped again",
        ),
        "OWN_REQUEST": (
            "不得审批本人提出或签署的事项",
            "Nobody decides on what they asked for or signed themselves",
        ),
        "OWN_ROLES": ("不得变更本人的角色", "Nobody changes their own roles"),
        "REVIEW_STATE": (
            "该核查当前状态不允许此操作",
            "The review is not in a state in which this can be done",
        ),
        "ROLE_MISSING": (
            "当前人员没有办理此事所需的角色或不属于相应部门",
            "The actor lacks the role, or the department, that this act needs",
        ),
        "ROW_NOT_RECORDED": (
            "登记库记录与日志不一致，已停用，请立即报告审计管理员",
            "A registry row is not what the log recorded; it is not used: tell the auditor at once",
        ),
        "SECOND_OFFICER": (
            "此操作须由另一名经办人确认",
            "This needs a second officer, another than the first",
        ),
        "SEPARATED_ROLES": (
            "系统管理员、安全管理员、审计管理员不得由同一人兼任，监督人员不得兼任其他角色",
            "Administrator, policy approver and auditor are never one person, a supervisor is nothing else",
        ),
        "STATE": ("当前状态不允许此操作", "This cannot be done in the present state"),
        "UNKNOWN": ("未找到所指对象", "What was named is not registered"),
    }
)


class CatalogueError(Exception):
    """Root of the errors of `catalogue`. The detail says what was found and needed, never who."""

    code: str
    findings: tuple[Flaw, ...] = ()
    """What was found, where it can be said in both languages."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail or CATALOGUE_CODES[code][1]}")

    def text(self, language: str) -> str:
        """Return the code's words in `zh` or `en`."""
        return CATALOGUE_CODES[self.code][0 if language == "zh" else 1]


class CodeError(CatalogueError, ValueError):
    """A code or identifier has the wrong form, check character or date."""

    def __init__(self, detail: Flaw) -> None:
        self.findings = (detail,)
        super().__init__("CODE_INVALID", detail)


class InvalidError(CatalogueError):
    """Something obligatory is missing or against the rules; all findings are named at once."""

    def __init__(self, *findings: Flaw, code: str = "INVALID") -> None:
        self.findings = findings
        super().__init__(code, "; ".join(findings))


class UnknownError(CatalogueError):
    """Nothing of that name is registered."""

    def __init__(self, detail: str) -> None:
        super().__init__("UNKNOWN", detail)


class DuplicateError(CatalogueError):
    """Something of that name is registered already."""

    def __init__(self, detail: str) -> None:
        super().__init__("DUPLICATE", detail)


class StateError(CatalogueError):
    """The object's state does not allow the act."""

    def __init__(self, detail: str, *, code: str = "STATE") -> None:
        super().__init__(code, detail)


class NotAllowedError(CatalogueError):
    """The actor may not do this."""


class SeparatedRolesError(NotAllowedError):
    """One person would hold two of the roles that check each other."""

    def __init__(self, detail: str) -> None:
        super().__init__("SEPARATED_ROLES", detail)


class OwnRequestError(NotAllowedError):
    """The actor belongs to the chain of persons that the act is meant to check."""

    def __init__(self, detail: str) -> None:
        super().__init__("OWN_REQUEST", detail)


class UnrecordedRowError(CatalogueError):
    """A row on which the act would rest is not what the log recorded."""

    def __init__(self, table: str, key: str, why: str) -> None:
        self.table = table
        self.key = key
        self.why = why
        super().__init__("ROW_NOT_RECORDED", f"{table} {key}: {why}")
