"""Every code has one owner and is worded in both languages; errors carry names, never values."""

import re

import pytest

from gateway import errors
from gateway.errors import GATEWAY_CODES, GatewayError, RefusedDocumentError, SourceError
from policies.reasons import REASONS


def test_every_code_is_worded_in_chinese_and_english() -> None:
    for code, wording in GATEWAY_CODES.items():
        assert re.fullmatch(r"[A-Z][A-Z_]+", code)
        assert re.search(r"[\u4e00-\u9fff].*。$", wording.zh), code
        assert re.fullmatch(r"[\x20-\x7e]+\.", wording.en), code


def test_no_code_has_two_owners() -> None:
    assert not set(GATEWAY_CODES) & set(REASONS)


def test_only_whole_calls_have_another_status_than_200() -> None:
    sources = {code for code in GATEWAY_CODES if code.startswith(("SOURCE_", "CIRCUIT_"))}
    assert {GATEWAY_CODES[code].status for code in {*sources, "LINK_UNREAD"}} == {200}
    assert GATEWAY_CODES["BODY_TOO_LARGE"].status == 413
    assert GATEWAY_CODES["REPLAYED"].status == 401
    assert GATEWAY_CODES["QUOTA_SPENT"].status == 429
    assert GATEWAY_CODES["LOG_UNAVAILABLE"].status == 503


def test_a_source_that_is_down_is_never_worded_as_absence() -> None:
    for code in ("SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT", "CIRCUIT_OPEN"):
        assert "不表示没有记录" in GATEWAY_CODES[code].zh
        assert GATEWAY_CODES[code].retryable


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, SourceError)
    ],
)
def test_every_failure_of_a_source_has_a_code_of_the_table(kind: type[SourceError]) -> None:
    error = kind()
    assert error.code in GATEWAY_CODES
    assert error.retryable is GATEWAY_CODES[error.code].retryable
    assert error.status == 200


def test_an_error_tells_its_facts_as_extensions() -> None:
    error = GatewayError("USAGE_MISSING", members=["case"])
    assert error.errors == ({"extensions": {"code": "USAGE_MISSING", "members": ["case"]}},)
    assert str(error) == "USAGE_MISSING: members ['case']"


def test_a_refused_document_tells_each_of_its_errors() -> None:
    several = ({"extensions": {"code": "NAME_UNKNOWN"}}, {"extensions": {"code": "NAME_UNKNOWN"}})
    assert RefusedDocumentError("DOCUMENT_INVALID", several).errors == several
    assert len(RefusedDocumentError("TOO_DEEP", found=13, allowed=12).errors) == 1
