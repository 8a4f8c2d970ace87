"""Errors as HTTP answers: the status by the code, words in the asker's language, nothing of the inside."""

import json
import logging
from typing import Any

import pytest
from starlette.responses import Response

from audit.errors import LogBusyError, LogUnavailableError, StaleSnapshotError
from catalogue.errors import StateError
from exchange.acts.register import ActError
from exchange.identity.errors import IdentityError
from exchange.web.problems import code_of, graphql_problem, problem, token_problem
from gateway.errors import (
    GATEWAY_CODES,
    RefusedDocumentError,
    RefusedRequestError,
    SourceInvalidError,
    SourceUnavailableError,
)


def told_by(response: Response) -> Any:
    return json.loads(bytes(response.body))


SECRET = "510000199001011234"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LogUnavailableError("down"), 503, "LOG_UNAVAILABLE"),
        (LogBusyError("full"), 503, "LOG_BUSY"),
        (StaleSnapshotError("stale"), 503, "STALE_SNAPSHOT"),
        (IdentityError("SIGNATURE_INVALID"), 401, "SIGNATURE_INVALID"),
        (StateError("closed"), 409, "STATE"),
        (ActError("NOT_FOUND", "nothing"), 404, "NOT_FOUND"),
        (ActError("ACT_ARGUMENTS", "wrong"), 400, "ACT_ARGUMENTS"),
        (RefusedRequestError("BODY_TOO_LARGE", allowed=1), 413, "BODY_TOO_LARGE"),
        (RefusedRequestError("METHOD_NOT_ALLOWED"), 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_each_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    for answer in (graphql_problem, problem):
        response = answer(error, accept_language="")
        assert response.status_code == status
        told = told_by(response)
        assert (told.get("code") or told["errors"][0]["extensions"]["code"]) == code
        assert ("retry-after" in response.headers) == (status == 503)
        assert ("www-authenticate" in response.headers) == (status == 401)
    assert code_of(error) == code


@pytest.mark.parametrize("code", sorted(GATEWAY_CODES))
def test_an_answer_that_is_nothing_but_an_error_never_has_the_status_of_success(code: str) -> None:
    response = problem(RefusedRequestError(code), accept_language="")
    assert response.status_code >= 400
    assert told_by(response)["status"] == response.status_code
    assert ("retry-after" in response.headers) == (response.status_code in {429, 503})


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceUnavailableError(reason="the database cannot be reached"), 503),
        (SourceInvalidError(reason="no such column"), 502),
        (RefusedDocumentError("BULK_UNSUPPORTED"), 403),
    ],
)
def test_whose_fault_it_is_decides_the_status_of_what_is_nothing_but_an_error(
    error: Exception, status: int
) -> None:
    assert problem(error, accept_language="").status_code == status


def test_an_error_that_is_none_of_ours_is_told_by_nothing_but_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        response = problem(ValueError(SECRET), accept_language="en")
    assert response.status_code == 500
    assert told_by(response)["code"] == "INTERNAL"
    assert SECRET not in bytes(response.body).decode()
    assert SECRET not in caplog.text
    assert "ValueError" in caplog.text


def test_words_follow_the_askers_language_chinese_first() -> None:
    error = IdentityError("KEY_UNKNOWN")
    zh = told_by(problem(error, accept_language=""))["title"]
    en = told_by(problem(error, accept_language="en-GB,en;q=0.9"))["title"]
    assert not zh.isascii()
    assert en.isascii()


def test_the_token_endpoint_speaks_oauth() -> None:
    response = token_problem(IdentityError("KEY_UNKNOWN"))
    told = told_by(response)
    assert response.status_code == 400
    assert told["error"] == "invalid_client"
    assert told["code"] == "KEY_UNKNOWN"
