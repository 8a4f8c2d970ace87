"""Why somebody was not taken for whom they said they were. Every code here is HTTP 401."""

from collections.abc import Mapping

IDENTITY_CODES: Mapping[str, tuple[str, str]] = {
    "AUTHENTICATION_MISSING": (
        "请求未附签名或访问令牌。",
        "The request carries neither a signature nor an access token.",
    ),
    "AUTHENTICATION_AMBIGUOUS": (
        "请求同时附有签名和访问令牌，只能取其一。",
        "The request carries both a signature and an access token; it must carry one.",
    ),
    "HEADER_DUPLICATE": (
        "参与签名的报文头出现了不止一次。",
        "A header that the signature is about occurs more than once.",
    ),
    "HEADER_MALFORMED": (
        "报文头含有不允许的字符。",
        "A header holds characters that are not allowed.",
    ),
    "SIGNATURE_MISSING": (
        "请求缺少 Signature 或 Signature-Input 报文头。",
        "The Signature or the Signature-Input header is missing.",
    ),
    "SIGNATURE_MALFORMED": (
        "签名报文头格式不正确。",
        "The signature headers are not written as RFC 9421 and this exchange demand.",
    ),
    "SIGNATURE_INVALID": (
        "签名与请求内容或登记的公钥不符。",
        "The signature does not fit the request and the registered key.",
    ),
    "SIGNATURE_EXPIRED": (
        "签名已过有效期。",
        "The signature's time is over.",
    ),
    "SIGNATURE_EARLY": (
        "签名时间晚于平台当前时间，请校准时钟。",
        "The signature was made in the future: the clocks differ.",
    ),
    "SIGNATURE_LONG": (
        "签名有效期超过允许的最长时间。",
        "The signature claims to hold longer than is allowed.",
    ),
    "SIGNATURE_BEFORE_RESTORE": (
        "签名早于平台最近一次恢复，请重新签名。",
        "The signature is older than the exchange's last restore; sign anew.",
    ),
    "COMPONENT_MISSING": (
        "签名未覆盖必须覆盖的内容。",
        "The signature does not cover all that it must.",
    ),
    "COMPONENT_UNKNOWN": (
        "签名覆盖了平台不接受的内容。",
        "The signature covers a component that this exchange does not take.",
    ),
    "ALGORITHM_MISMATCH": (
        "声明的算法与登记公钥的算法不符。",
        "The algorithm that is named is not the registered key's.",
    ),
    "DIGEST_MISMATCH": (
        "请求内容与 Content-Digest 不符。",
        "The body does not have the digest that Content-Digest names.",
    ),
    "PATH_AMBIGUOUS": (
        "请求路径的写法可能产生歧义。",
        "The path is written in a way that others could read as another path.",
    ),
    "KEY_UNKNOWN": ("公钥未登记。", "The key is not registered."),
    "KEY_REVOKED": ("公钥已撤销。", "The key was revoked."),
    "KEY_EXPIRED": ("公钥已过有效期。", "The key's time is over."),
    "KEY_UNSUITABLE": (
        "公钥类型不受支持，只接受 Ed25519 或 P-256。",
        "The key is of a kind that is not taken; Ed25519 and P-256 are.",
    ),
    "POSSESSION_UNPROVEN": (
        "未能证明持有所登记公钥对应的私钥。",
        "It was not proven that the private key of the registered key is held.",
    ),
    "SYSTEM_INACTIVE": (
        "业务系统不存在或已停用。",
        "The system does not exist or is not active.",
    ),
    "OPERATOR_UNKNOWN": (
        "经办人不是本部门在岗人员，或无人值守任务没有负责人。",
        "The operator is no active officer of the department, or the job has nobody responsible.",
    ),
    "TOKEN_MALFORMED": ("访问令牌格式不正确。", "The access token is malformed."),
    "TOKEN_INVALID": (
        "访问令牌不是本平台签发的。",
        "The access token was not issued by this exchange for this use.",
    ),
    "TOKEN_EXPIRED": ("访问令牌已过有效期。", "The access token's time is over."),
    "TOKEN_BOUND": (
        "访问令牌绑定了密钥，须附 DPoP 证明使用。",
        "The access token is bound to a key and must be used with its DPoP proof.",
    ),
    "ASSERTION_MALFORMED": (
        "客户端断言格式不正确。",
        "The client assertion is malformed.",
    ),
    "ASSERTION_INVALID": (
        "客户端断言未通过核验。",
        "The client assertion does not hold.",
    ),
    "ASSERTION_EXPIRED": (
        "客户端断言已过有效期。",
        "The client assertion's time is over or not yet there.",
    ),
    "GRANT_TYPE_UNSUPPORTED": (
        "只支持 client_credentials。",
        "Only the grant type client_credentials is supported.",
    ),
    "TOKEN_REQUEST_MALFORMED": (
        "令牌请求的参数缺失、重复或不正确。",
        "Parameters of the token request are missing, repeated or wrong.",
    ),
    "DPOP_MALFORMED": ("DPoP 证明格式不正确。", "The DPoP proof is malformed."),
    "DPOP_INVALID": (
        "DPoP 证明与请求或令牌不符。",
        "The DPoP proof does not fit the request, the token or its key.",
    ),
    "DPOP_EXPIRED": (
        "DPoP 证明不在允许的时间内。",
        "The DPoP proof was not made just now.",
    ),
    "ACT_INVALID": (
        "操作签名与操作内容或登记的公钥不符。",
        "The act's signature does not fit the act and the officer's key.",
    ),
    "ACT_EXPIRED": (
        "操作签名不在允许的时间内。",
        "The act was not signed just now.",
    ),
    "OFFICER_INACTIVE": (
        "经办人不存在或已停用。",
        "The officer does not exist or is not active.",
    ),
    "SESSION_UNKNOWN": (
        "未登录或会话已结束。",
        "Not signed in, or the session has ended.",
    ),
    "SIGN_IN_REFUSED": (
        "部门、工号、密码或动态口令不正确；连续五次不正确后须等待十五分钟。",
        "Department, staff number, password or code is not right; after five in a row, wait 15 minutes.",
    ),
    "PASSWORD_WEAK": (
        "密码至少十二个字符，且不得包含工号。",
        "A password needs twelve characters at least, and not the staff number in it.",
    ),
    "LINK_UNUSABLE": (
        "登录链接无效、已使用或已过期。",
        "The sign-in link is unknown, used or expired.",
    ),
}
"""Code → (zh, en)."""


class IdentityError(Exception):
    """Somebody's claim to be somebody does not hold. `code` is one of IDENTITY_CODES.

    The message says what was found and what was needed; it holds nothing that a caller sent but names of
    headers, components and parameters.
    """

    status = 401

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail or IDENTITY_CODES[code][1]
        super().__init__(f"{code}: {self.detail}")
