"""What goes wrong between the socket and the answer, and the one table of its codes.

The tree: GatewayError ─ RefusedRequestError ─ RefusedDocumentError and RateLimitedError, ─ DeniedError, and
─ SourceError ─ SourceUnavailableError (CircuitOpenError), SourceMaintenanceError, SourceBusyError,
SourceTimeoutError, SourceInvalidError, SourceDriftError, SourceNotListableError, BulkUnsupportedError,
KeyTooWideError.
Denials are owned by `policies.reasons`; the codes of the log by `audit.errors`, worded here because
callers see them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol


class Wording(Protocol):
    """What is told about a code, whoever owns it."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def retryable(self) -> bool: ...
    @property
    def next(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code: its HTTP status, its texts, who must act, and what the asking officer does next."""

    status: int
    zh: str
    en: str
    actor: str
    """`caller`, `provider`, `operator` (of the exchange) or `nobody`."""
    retryable: bool = False
    next: str = "correct"
    """`correct` (the request), `wait`, `ask`, `accept-later` or `accept-paper`."""


def _caller(status: int, zh: str, en: str) -> Code:
    return Code(status=status, zh=zh, en=en, actor="caller")


def _source(zh: str, en: str, *, retryable: bool, following: str) -> Code:
    # A department that is down never spoils the answers of the others: the call itself is 200.
    return Code(status=200, zh=zh, en=en, actor="provider", retryable=retryable, next=following)


def _operator(status: int, zh: str, en: str) -> Code:
    return Code(status=status, zh=zh, en=en, actor="operator", retryable=True, next="wait")


GATEWAY_CODES: Mapping[str, Code] = MappingProxyType(
    {
        "BODY_INVALID": _caller(
            400,
            "请求体不是有效的 JSON 请求对象。",
            "The body is not one strict JSON object with the members of a GraphQL request.",
        ),
        "BODY_TOO_LARGE": _caller(413, "请求体过大。", "The body is too large."),
        "BODY_SLOW": _caller(
            408, "请求体未在时限内送达。", "The body did not arrive in the time allowed."
        ),
        "METHOD_NOT_ALLOWED": _caller(
            405,
            "此地址只接受 POST 方法；GET 仅用于已登记的查询文档。",
            "This address takes POST requests, and GET only for registered documents.",
        ),
        "CROSS_SITE": _caller(
            403,
            "不接受浏览器代其他网站发出的请求。",
            "A request that a browser sends on behalf of another site is not taken.",
        ),
        "RATE_LIMITED": Code(
            status=429,
            zh="本系统的调用过多，请按 Retry-After 稍后重试。",
            en="The system has too many calls under way; try again after the time that Retry-After names.",
            actor="caller",
            retryable=True,
            next="wait",
        ),
        "PARTIAL_INVALID": _caller(
            400,
            "Exchange-Partial 报文头只能是 allow 或 deny。",
            "The header Exchange-Partial is allow or deny, sent once.",
        ),
        "PARTIAL_DENIED": Code(
            # Of a step that could have been given: what stood in its way is told at the other steps.
            status=200,
            zh="按要求须全部提供方可提供，因其他部分未能提供，本部分不予提供。",
            en="All or nothing was asked for and another part could not be given, so this one is not either.",
            actor="caller",
            next="correct",
        ),
        "DOCUMENT_UNKNOWN": _caller(
            400,
            "没有登记过此摘要的查询文档。",
            "No document of this digest is registered for the caller's department.",
        ),
        "DOCUMENT_AMBIGUOUS": _caller(
            400,
            "本部门以此名称登记的查询文档不止一份，请改用摘要。",
            "Several documents of the caller's department have this name: ask by the digest.",
        ),
        "DOCUMENT_UNTRUSTED": _caller(
            400,
            "平台只接受已登记的查询文档，请先登记。",
            "Only registered documents are answered here: register this one first.",
        ),
        "COST_EXCEEDED": _caller(
            400,
            "查询可能读取的数据量过大，请减少 first 或拆分查询。",
            "The operation could read more than one call may; ask for fewer records or fewer items.",
        ),
        "MEDIA_TYPE_UNSUPPORTED": _caller(
            415,
            "请求内容类型必须是 application/json。",
            "The content type must be application/json.",
        ),
        "NOT_ACCEPTABLE": _caller(
            406,
            "无法提供所要求的内容类型。",
            "None of the media types that the request accepts can be given.",
        ),
        "USAGE_MISSING": _caller(
            400,
            "缺少用证信息，所缺成员已列出。",
            "Usage information is missing; the members needed are listed.",
        ),
        "USAGE_INVALID": _caller(
            400,
            "用证信息不符合规定，有误成员已列出。",
            "Usage information is not well formed; the members in question are listed.",
        ),
        "USAGE_CONFLICT": _caller(
            400,
            "请求体与请求头中的用证信息不一致。",
            "The usage information in the body and in the header differ.",
        ),
        "DOCUMENT_TOO_LARGE": _caller(
            400, "查询文档过大。", "The document is larger than allowed."
        ),
        "TOO_MANY_TOKENS": _caller(
            400, "查询文档的词元过多。", "The document has more tokens than allowed."
        ),
        "TOO_DEEP": _caller(400, "查询嵌套过深。", "The document is nested deeper than allowed."),
        "TOO_MANY_ALIASES": _caller(
            400, "查询的别名过多。", "The document has more aliases than allowed."
        ),
        "TOO_MANY_REPEATS": _caller(
            400, "同一响应键重复过多。", "One response key is repeated more often than allowed."
        ),
        "TOO_MANY_SELECTIONS": _caller(
            400, "一个选择集的字段过多。", "One selection set is larger than allowed."
        ),
        "TOO_MANY_DIRECTIVES": _caller(
            400, "查询的指令过多。", "The document has more directives than allowed."
        ),
        "TOO_MANY_FRAGMENTS": _caller(
            400, "查询的片段过多。", "The document has more fragments than allowed."
        ),
        "TOO_MANY_ROOT_FIELDS": _caller(
            400, "查询的根字段过多。", "The operation has more root fields than allowed."
        ),
        "TOO_MANY_STEPS": _caller(
            400, "一次调用涉及的资源过多。", "The operation reads more resources than allowed."
        ),
        "TOO_MANY_SUBJECTS": Code(
            # Of one step: what other steps read is given.
            status=200,
            zh="关联记录涉及的对象过多，请缩小查询范围。",
            en="The records lead to more subjects than one call may read; ask for fewer records.",
            actor="caller",
        ),
        "SYNTAX_INVALID": _caller(
            400, "查询文档有语法错误。", "The document is not valid GraphQL syntax."
        ),
        "DOCUMENT_INVALID": _caller(
            400, "查询文档未通过校验。", "The document does not fit the contract."
        ),
        "NAME_UNKNOWN": _caller(
            400,
            "此处的名称不在本系统的契约之内。",
            "The name at this place is not part of this system's contract.",
        ),
        "INTROSPECTION_REFUSED": _caller(
            400, "此处不提供内省查询。", "Introspection is not offered here."
        ),
        "OPERATION_UNKNOWN": _caller(
            400,
            "文档中没有所指的操作，或有多个操作而未指明。",
            "The document lacks the operation that was named, or has several and none was named.",
        ),
        "OPERATION_UNSUPPORTED": _caller(
            400, "只接受查询操作。", "Only query operations are answered."
        ),
        "VARIABLES_INVALID": _caller(
            400, "变量与查询文档不符。", "The variables do not fit the document."
        ),
        "ARGUMENT_INVALID": _caller(
            400, "参数值不在允许范围内。", "An argument is outside of what is allowed."
        ),
        "CURSOR_INVALID": _caller(
            400,
            "翻页位置无效，或不属于本系统的此项列表、筛选与排序。",
            "The cursor was not given out for this list, filter and order of this system.",
        ),
        "KEY_INVALID": _caller(
            400,
            "标识号码不符合编码规则（长度、字符或校验位）。",
            "The identifier breaks the rules of its code (length, characters or check digit).",
        ),
        "NOT_AUTHENTICATED": _caller(
            401, "未能确认调用系统的身份。", "The calling system could not be established."
        ),
        "REPLAYED": _caller(
            401,
            "该签名请求已使用过，请重新签名。",
            "This signed request was used before; sign a new one.",
        ),
        "QUOTA_SPENT": Code(
            status=429,
            zh="调用额度已用完。",
            en="The budget of calls is spent.",
            actor="caller",
            retryable=True,
            next="wait",
        ),
        "DEADLINE_PASSED": _operator(
            503, "处理超时，请稍后重试。", "The call took longer than allowed; try again later."
        ),
        "STALE_SNAPSHOT": _operator(
            503,
            "授权信息正在更新，请稍后重试。",
            "What is granted is just changing; try again later.",
        ),
        "LOG_UNAVAILABLE": _operator(
            503,
            "日志暂不可用，期间不提供任何数据。",
            "The log cannot be written now; until it can, nothing is answered.",
        ),
        "LOG_BUSY": _operator(503, "日志繁忙，请稍后重试。", "The log is busy; try again later."),
        "POLICY_UNAVAILABLE": Code(
            status=200,
            zh="决策服务未给出可用的决定，按规定不予提供。",
            en="The decision point gave no usable decision; without one nothing is given.",
            actor="operator",
            retryable=True,
            next="wait",
        ),
        "OBLIGATION_UNKNOWN": Code(
            status=200,
            zh="决定所要求的脱敏或过滤无法执行，不予提供。",
            en="The decision demands a mask or filter that cannot be carried out; nothing is given.",
            actor="operator",
            next="ask",
        ),
        "SOURCE_UNAVAILABLE": _source(
            "提供部门的数据源暂不可用，这不表示没有记录。",
            "The department's source cannot be reached; this does not mean that there is no record.",
            retryable=True,
            following="accept-later",
        ),
        "SOURCE_TIMEOUT": _source(
            "提供部门的数据源未在时限内应答，这不表示没有记录。",
            "The department's source did not answer in time; this does not mean that there is no record.",
            retryable=True,
            following="wait",
        ),
        "CIRCUIT_OPEN": _source(
            "提供部门的数据源近期多次失败，暂停访问，这不表示没有记录。",
            "The department's source failed repeatedly and is left alone for a while; this does not mean "
            "that there is no record.",
            retryable=True,
            following="accept-later",
        ),
        "SOURCE_MAINTENANCE": _source(
            "提供部门正在维护数据源，恢复时间见 retryAfter，这不表示没有记录。",
            "The department keeps its source for maintenance, until the time in retryAfter; this does not "
            "mean that there is no record.",
            retryable=True,
            following="accept-later",
        ),
        "SOURCE_BUSY": _source(
            "对提供部门数据源的并发查询已达上限，请稍后重试，这不表示没有记录。",
            "As many reads of the department's source are under way as it may have; try again. This does not "
            "mean that there is no record.",
            retryable=True,
            following="wait",
        ),
        "SOURCE_INVALID": _source(
            "提供部门的数据源应答不符合登记的格式。",
            "The department's source answered with something else than it registered.",
            retryable=False,
            following="accept-paper",
        ),
        "SOURCE_DRIFT": _source(
            "提供部门的数据源结构已变化，与登记不符。",
            "The department's source lacks what it registered.",
            retryable=False,
            following="accept-paper",
        ),
        "VERIFY_SPENT": Code(
            # Of one step: what other steps ask is answered.
            status=200,
            zh="对该对象此信息项的核验次数已用完（每个办件三次，每日十次）。",
            en="No verification of this item of this subject is left: three a case, ten a day.",
            actor="caller",
            next="ask",
        ),
        "SOURCE_NOT_LISTABLE": _source(
            "该数据源只能按标识查询，不能列出记录。",
            "The source is read by keys alone and cannot list its records.",
            retryable=False,
            following="ask",
        ),
        "BULK_UNSUPPORTED": _source(
            "该数据资源不能批量提供：须为数据表，或目录条目已登记按标识顺序逐页读取的接口操作且每个主体一条记录，"
            "并且其存在与否不受保护。",
            "The resource cannot be given in bulk: it needs a table, or an operation of its service that "
            "gives records in the order of their key, one a subject, and no protected existence.",
            retryable=False,
            following="ask",
        ),
        "BULK_KEY_WIDE": _source(
            "同一标识下的记录多于一页所许，请申请更大的每次条数。",
            "One key has more records than a page may hold; ask for a grant of more rows a call.",
            retryable=False,
            following="ask",
        ),
        "FILE_ABSENT": _caller(
            404,
            "没有可提供的文件：无此记录、未附文件或文件须隐去。",
            "There is no file to give: no record, none attached to it, or one that is masked.",
        ),
        "LINK_INVALID": _caller(
            404, "链接无效，或属于其他系统。", "The link is none, or belongs to another system."
        ),
        "LINK_EXPIRED": _caller(
            410, "链接已过期，请重新申请。", "The link's time is over; ask for another."
        ),
        "LINK_USED": _caller(
            410,
            "链接只能使用一次，请重新申请。",
            "The link was used before, and serves once; ask for another.",
        ),
        "TERMS_CHANGED": Code(
            status=200,
            zh="文件生成后授权内容已变化，不能再按原内容提供，请重新导出。",
            en="What is granted changed since this was put together; begin anew.",
            actor="caller",
        ),
        "LINK_UNREAD": _source(
            "所依据的上一条记录未能读取，因此未查询。",
            "The record that this one is reached from could not be read, so nothing was asked.",
            retryable=True,
            following="wait",
        ),
        "VALUE_DISPUTED": _source(
            "该值正在校核，可能有误，核验不予确认。",
            "The value is being corrected and may be wrong; no verification confirms it.",
            retryable=False,
            following="accept-later",
        ),
        "CODE_UNKNOWN": _source(
            "该信息项的值不在登记的代码集内，未予提供。",
            "The source has a word for the item that its code list has not; it is not given.",
            retryable=False,
            following="accept-paper",
        ),
        "VALUE_INVALID": _source(
            "该信息项的值不符合登记的类型。",
            "The item's value does not have the type that was registered.",
            retryable=False,
            following="accept-paper",
        ),
    }
)


class GatewayError(Exception):
    """Root of the errors of `gateway`; `code` is a key of GATEWAY_CODES.

    `facts` go to the caller as members of the error's extensions: names and numbers, never values.
    """

    code = "SOURCE_UNAVAILABLE"

    def __init__(self, code: str | None = None, **facts: Any) -> None:
        if code is not None:
            self.code = code
        self.facts: Mapping[str, Any] = facts
        detail = ", ".join(f"{name} {value}" for name, value in facts.items())
        super().__init__(f"{self.code}: {detail}" if detail else self.code)

    @property
    def status(self) -> int:
        """The HTTP status of the whole answer."""
        return GATEWAY_CODES[self.code].status

    @property
    def errors(self) -> tuple[Mapping[str, Any], ...]:
        """GraphQL errors without their texts, which `respond` adds in the caller's language."""
        return ({"extensions": {"code": self.code, **self.facts}},)


class RefusedRequestError(GatewayError):
    """The request is not one that can be answered, before or after its document was read."""


class RateLimitedError(RefusedRequestError):
    """The system has to wait: too many of its calls are under way, or too many documents were new."""

    def __init__(self, why: str, *, allowed: int) -> None:
        super().__init__("RATE_LIMITED", why=why, allowed=allowed)


class RefusedDocumentError(RefusedRequestError):
    """The document cannot be planned; `errors` says where and why, one by one."""

    def __init__(
        self, code: str, errors: Sequence[Mapping[str, Any]] | None = None, **facts: Any
    ) -> None:
        super().__init__(code, **facts)
        self._errors = tuple(errors) if errors else None

    @property
    def errors(self) -> tuple[Mapping[str, Any], ...]:
        return super().errors if self._errors is None else self._errors


class DeniedError(GatewayError):
    """The decision point denies the whole of it; the code is its own, or the gateway's."""

    def __init__(self, code: str, *, entry: int, **facts: Any) -> None:
        super().__init__(code, **facts)
        self.entry = entry
        """Where the refusal is in the log."""

    @property
    def status(self) -> int:
        return 403


class SourceError(GatewayError):
    """A department's source gave no usable answer. Never the same as an empty answer."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(None, **facts)

    @property
    def retryable(self) -> bool:
        return GATEWAY_CODES[self.code].retryable

    @property
    def retry_after_s(self) -> int | None:
        """Seconds after which asking again may help; None where nobody knows."""
        told = self.facts.get("retry_after_s")
        return told if isinstance(told, int) else None


class SourceUnavailableError(SourceError):
    """The source refused the connection, is unknown, or failed."""

    code = "SOURCE_UNAVAILABLE"


class CircuitOpenError(SourceUnavailableError):
    """The source failed so often that it is not asked for a while."""

    code = "CIRCUIT_OPEN"


class SourceMaintenanceError(SourceError):
    """Its department keeps the source for maintenance; `retry_after_s` says how long still."""

    code = "SOURCE_MAINTENANCE"


class SourceBusyError(SourceError):
    """As many reads of the source wait or are under way as may."""

    code = "SOURCE_BUSY"


class SourceTimeoutError(SourceError):
    code = "SOURCE_TIMEOUT"


class SourceInvalidError(SourceError):
    """The answer does not have the registered form."""

    code = "SOURCE_INVALID"


class SourceNotListableError(SourceError):
    """The source reads by keys alone."""

    code = "SOURCE_NOT_LISTABLE"


class BulkUnsupportedError(SourceError):
    """The source cannot be read page by page."""

    code = "BULK_UNSUPPORTED"


class KeyTooWideError(SourceError):
    """One key has more records than a page of the permitted size."""

    code = "BULK_KEY_WIDE"


class SourceDriftError(SourceError):
    """A registered table, column or member is gone."""

    code = "SOURCE_DRIFT"
