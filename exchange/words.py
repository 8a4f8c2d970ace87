"""What people are told about a code, whichever package owns it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalogue.errors import CATALOGUE_CODES
from exchange.identity.errors import IDENTITY_CODES
from gateway.errors import GATEWAY_CODES
from policies.reasons import REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    code: str
    status: int
    zh: str
    en: str
    actor: str
    retryable: bool
    next: str
    owner: str
    """The package whose table the code stands in."""


ACT_CODES: Mapping[str, tuple[str, str]] = {
    "ACT_UNKNOWN": ("没有这种操作。", "There is no such act."),
    "ACT_ARGUMENTS": ("操作参数不正确。", "The arguments of the act do not fit it."),
    "KEY_STATE": (
        "日志密钥目前不能作此更换。",
        "The log's keys cannot be changed that way now.",
    ),
    "SHARD_FROZEN": (
        "日志的当前分片已封存，重新启动后续写下一分片。",
        "The log's shard is frozen: start anew, and the next one goes on.",
    ),
    "SHARD_STATE": (
        "日志目前不能开启新的分片。",
        "No new shard of the log can be opened now.",
    ),
    "JOB_NOTHING": (
        "按所填时间没有可处理的内容。",
        "There is nothing to do for the time that was given.",
    ),
    "JOB_STATE": (
        "此项任务正在进行或已结束，不能如此办理。",
        "This is being done already, or it is over.",
    ),
    "JOB_TOO_LONG": (
        "任务超过一天未完成，已停止；已完成的部分有效，可重新发起。",
        "It took more than a day and was stopped; what was done stays done. Begin it anew.",
    ),
    "LOG_START_REFUSED": (
        "所存日志与其自身的过去不符，拒绝启动。",
        "The stored log is not its own past: the start is refused.",
    ),
    "NOT_FOUND": ("此处没有内容。", "There is nothing here."),
    "FILE_REFUSED": (
        "文件有须先更正之处，未保存。请按所列行列更正。",
        "Parts of the file have to be corrected first; nothing was kept. See the rows and columns named.",
    ),
    "DESCRIPTION_REFUSED": (
        "服务描述文件（OpenAPI、GraphQL SDL、WSDL）无法按要求使用。",
        "The service's description (OpenAPI, GraphQL SDL, WSDL) cannot be used as asked.",
    ),
    "LOAD_REFUSED": (
        "数据文件与目录登记不符，未作更新。请按所列更正。",
        "The file does not keep to the catalogue entry; nothing was loaded. See what is named.",
    ),
    "FORM_FOREIGN": (
        "表单不是从本页面提交的，或登录已更换。请返回后重试。",
        "The form was not sent from its own page, or another has signed in since. Go back and try again.",
    ),
    "SOURCE_WRITABLE": (
        "数据源登录账号有写权限，须换用只读账号或说明理由。",
        "The login can write at the source: use one that only reads, or give a reason.",
    ),
    "EXPORT_DIFFERS": (
        "该编号已用于另一项导出。",
        "This id belongs to an export of something else.",
    ),
    "EXPORT_FILE_CHANGED": (
        "导出文件与生成时不符，不予提供，请重新导出。",
        "The export's file is not what was written, so it is not given; begin anew.",
    ),
    "EXPORT_STATE": (
        "导出目前的状态不允许此操作。",
        "The export is not in a state for that now.",
    ),
    "UPLOAD_GONE": (
        "上传的文件已不在：超过一小时、已保存、已放弃或被新的上传取代。请重新上传。",
        "The upload is gone: after an hour, once kept or given up, or when another came. Upload it again.",
    ),
    "INTERNAL": (
        "系统内部错误，已中止且未提供任何数据。",
        "Something went wrong; nothing was given.",
    ),
}


def all_words() -> Iterator[Words]:
    """Yield every code there is, by package and name."""
    for code, gateway in sorted(GATEWAY_CODES.items()):
        yield Words(
            code=code,
            status=gateway.status,
            zh=gateway.zh,
            en=gateway.en,
            actor=gateway.actor,
            retryable=gateway.retryable,
            next=gateway.next,
            owner="gateway",
        )
    for code, reason in sorted(REASONS.items()):
        yield Words(
            code=code,
            status=200,
            zh=reason.zh,
            en=reason.en,
            actor=reason.actor,
            retryable=reason.retryable,
            next=reason.next,
            owner="policies",
        )
    for owner, table, status, actor in (
        ("catalogue", CATALOGUE_CODES, 409, "caller"),
        ("exchange.identity", IDENTITY_CODES, 401, "caller"),
        ("exchange", ACT_CODES, 400, "caller"),
    ):
        for code, (zh, en) in sorted(table.items()):
            yield Words(
                code=code,
                status=_STATUS.get(code, status),
                zh=zh,
                en=en,
                actor=actor,
                retryable=False,
                next="correct",
                owner=owner,
            )


_STATUS: Mapping[str, int] = {
    "NOT_FOUND": 404,
    "FORM_FOREIGN": 403,
    "INTERNAL": 500,
    "KEY_STATE": 409,
    "JOB_NOTHING": 409,
    "JOB_STATE": 409,
    "JOB_TOO_LONG": 409,
    "EXPORT_DIFFERS": 409,
    "EXPORT_FILE_CHANGED": 409,
    "EXPORT_STATE": 409,
    "SHARD_FROZEN": 503,
    "SHARD_STATE": 409,
    "LOG_START_REFUSED": 503,
}
WORDS: Mapping[str, Words] = {words.code: words for words in reversed(list(all_words()))}


def words_of(code: str) -> Words:
    """Return what is told about a code; an unknown one is told as INTERNAL."""
    return WORDS.get(code) or WORDS["INTERNAL"]


def texts(code: str) -> tuple[str, str]:
    """Return (zh, en)."""
    words = words_of(code)
    return words.zh, words.en


def table() -> str:
    """Write `docs/codes.md`."""
    lines = [
        "# Codes",
        "",
        "Generated by `make docs` from the packages' tables. A denial or a source's failure is HTTP 200:",
        "its part of the answer is null, the error carries the code, and the other departments answer.",
        "",
        "| code | HTTP | who must act | retry | next | 中文 | English |",
        "|---|---|---|---|---|---|---|",
    ]
    owner = ""
    for words in all_words():
        if words.owner != owner:
            owner = words.owner
            lines.append(f"| **{owner}** | | | | | | |")
        retry = "yes" if words.retryable else "no"
        lines.append(
            f"| `{words.code}` | {words.status} | {words.actor} | {retry} | {words.next} "
            f"| {words.zh} | {words.en} |"
        )
    return "\n".join(lines) + "\n"
