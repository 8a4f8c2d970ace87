"""A built-in that signs an HTTP request for a cloud (AWS Signature Version 4); nothing is sent.

The time of the signature is an argument: no clock is read.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from policies.language.builtins.documents import DOCUMENTS
from policies.language.builtins.operands import Builtin, mapping, number
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_CONFIGURED = ("aws_service", "aws_access_key", "aws_secret_access_key", "aws_region")
_IGNORED = frozenset({"authorization", "user-agent", "x-amzn-trace-id"})
# What reads alike in every reader of URLs: no user, no escape, no fragment.
_URL = re.compile(
    r"https?://([A-Za-z0-9.-]+(?::[0-9]+)?)((?:/[A-Za-z0-9._~-]*)*)(\?[A-Za-z0-9._~=&-]*)?"
)
_MEMBERS = frozenset(
    {
        "method", "url", "body", "raw_body", "headers", "enable_redirect", "force_json_decode",
        "force_yaml_decode", "tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file",
        "tls_ca_cert_env_variable", "tls_client_cert", "tls_client_cert_file",
        "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file",
        "tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout",
        "cache", "force_cache", "force_cache_duration_seconds", "raise_error", "caching_mode",
        "max_retry_attempts", "cache_ignored_headers",
    }
)  # fmt: skip
_ALGORITHM = "AWS4-HMAC-SHA256"
_HASHED_SERVICES = frozenset({"s3", "glacier"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63


def _sign(request: Value, configuration: Value, time: Value) -> dict[Any, Value]:
    asked, config = mapping(request), mapping(configuration)
    for name in _CONFIGURED:
        if type(config.get(name)) is not str:
            raise BuiltinError(f"`{name}` needed to sign a request")
    when = _instant(time)
    host, path, query = _place(asked)
    headers = _headers(asked)
    unsigned = config.get("disable_payload_signing", False)
    if type(unsigned) is not bool:
        raise BuiltinError("`disable_payload_signing` that is a boolean needed")
    content = "UNSIGNED-PAYLOAD" if unsigned else hashlib.sha256(_body(asked)).hexdigest()
    added = {"host": host, "x-amz-date": when}
    if config["aws_service"] in _HASHED_SERVICES:
        added["x-amz-content-sha256"] = content
    token = config.get("aws_session_token", "")
    if type(token) is str and token:
        added["x-amz-security-token"] = token
    signed = added | {
        name.lower(): value for name, value in headers.items() if name.lower() not in _IGNORED
    }
    lines = [_method(asked), path, query, *(f"{name}:{signed[name]}" for name in sorted(signed))]
    names = ";".join(sorted(signed))
    canonical = "\n".join([*lines, "", names, content])
    authorization = _authorization(config, when, names, canonical)
    return {**asked, "headers": {**headers, "Authorization": authorization, **added}}


def _authorization(config: Mapping[str, str], when: str, names: str, canonical: str) -> str:
    scope = [when[:8], config["aws_region"], config["aws_service"], "aws4_request"]
    key = f"AWS4{config['aws_secret_access_key']}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    credential = "/".join(scope)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    written = f"{_ALGORITHM}\n{when}\n{credential}\n{digest}"
    signature = hmac.digest(key, written.encode(), "sha256").hex()
    named = f"{config['aws_access_key']}/{credential}"
    return f"{_ALGORITHM} Credential={named},SignedHeaders={names},Signature={signature}"


def _instant(time: Value) -> str:
    nanoseconds = number(time)
    if type(nanoseconds) is not int or nanoseconds >= _LARGEST:
        raise BuiltinError("a time in nanoseconds since 1970 needed")
    if nanoseconds < 0:
        # OPA takes one that is written out and none with an exponent.
        raise NotOfferedError("a time before 1970 to sign a request at")
    return f"{_EPOCH + timedelta(seconds=nanoseconds // 10**9):%Y%m%dT%H%M%SZ}"


def _place(asked: Mapping[Any, Value]) -> tuple[str, str, str]:
    """Return host, path and query of the request's URL."""
    if not asked.keys() >= {"method", "url"} or not asked.keys() <= _MEMBERS:
        raise BuiltinError("a request with method, URL and known members needed")
    url = asked["url"]
    found = _URL.fullmatch(url) if type(url) is str else None
    if found is None:
        raise NotOfferedError("a URL to be signed that is not of the plain form")
    return found[1], found[2], (found[3] or "?")[1:]


def _method(asked: Mapping[Any, Value]) -> str:
    method = asked["method"]
    if type(method) is not str:
        raise NotOfferedError("a method that is no text")
    return method


def _headers(asked: Mapping[Any, Value]) -> dict[str, str]:
    headers = asked.get("headers", {})
    if type(headers) is not dict:
        raise BuiltinError("headers that are an object needed")
    if not all(type(part) is str for pair in headers.items() for part in pair):
        raise NotOfferedError("a header that is no text")
    if len({name.lower() for name in headers}) < len(headers):
        raise NotOfferedError("a header that is named twice")
    return headers


def _body(asked: Mapping[Any, Value]) -> bytes:
    if "raw_body" in asked:
        raw = asked["raw_body"]
        return raw.encode() if type(raw) is str else b""
    if "body" not in asked:
        return b""
    written: str = DOCUMENTS["json.marshal"].function(asked["body"])
    return written.encode()


REQUESTS: Mapping[str, Builtin] = {"providers.aws.sign_req": Builtin(_sign, 3)}
