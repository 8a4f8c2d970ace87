"""Every code has words in two languages, one meaning, and a line in the table that is published."""

from collections import Counter
from pathlib import Path

import pytest

from audit.errors import (
    AuditError,
    LogBusyError,
    LogUnavailableError,
    MalformedError,
    ProofError,
    StaleSnapshotError,
    StartRefusedError,
)
from exchange.words import all_words, table, texts, words_of
from gateway.errors import GATEWAY_CODES

DOCS = Path(__file__).parents[3] / "docs"


def test_the_published_table_is_the_programs_own() -> None:
    assert (DOCS / "codes.md").read_text(encoding="utf-8") == table(), "run `make docs`"


def test_no_two_packages_say_different_things_by_one_code() -> None:
    told = Counter(words.code for words in all_words())
    assert [code for code, times in told.items() if times > 1] == []


def test_every_code_has_whole_words_in_both_languages() -> None:
    for words in all_words():
        assert words.code == words.code.upper()
        assert words.zh.strip(), words.code
        assert words.en.strip(), words.code
        assert not words.zh.isascii(), words.code
        assert words.en.isascii(), words.code
        assert 200 <= words.status < 600, words.code
        assert "|" not in words.zh + words.en, words.code


def test_an_unknown_code_is_told_as_an_internal_error_and_tells_nothing() -> None:
    assert words_of("NO_SUCH_CODE").code == "INTERNAL"
    assert texts("NO_SUCH_CODE") == texts("INTERNAL")


@pytest.mark.parametrize(
    "error", [LogBusyError, LogUnavailableError, StaleSnapshotError, StartRefusedError]
)
def test_what_the_log_says_to_callers_and_operators_has_words(error: type[AuditError]) -> None:
    assert words_of(error.code).code == error.code


@pytest.mark.parametrize("error", [AuditError, MalformedError, ProofError])
def test_what_only_an_intruder_or_a_fault_of_ours_can_cause_is_told_as_internal(
    error: type[AuditError],
) -> None:
    assert words_of(error.code).code == "INTERNAL"


def test_a_log_that_refuses_is_a_matter_of_coming_again() -> None:
    for code in ("LOG_UNAVAILABLE", "LOG_BUSY"):
        assert GATEWAY_CODES[code].status == 503
        assert words_of(code).retryable
