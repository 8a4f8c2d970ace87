"""Errors as HTTP: the only place that turns one into a status."""

import logging
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from audit.errors import AuditError, LogUnavailableError, StaleSnapshotError
from catalogue.errors import CatalogueError
from exchange.acts.register import ActError
from exchange.exports.errors import ExportError
from exchange.identity.errors import IdentityError
from exchange.identity.tokens import OAUTH_ERRORS
from exchange.web.reading import GRAPHQL, JSON
from exchange.words import words_of
from gateway.errors import GatewayError, RefusedDocumentError, SourceError
from gateway.model import Failed, Masked
from gateway.pipeline import Answered, RefusedCallError
from gateway.respond import prefers_english
from gateway.whole import PARTIAL_DENIED

_LOGGING = logging.getLogger("exchange.web")
RETRY_AFTER_S = 2
PROBLEM = "application/problem+json"


def code_of(error: Exception) -> str:
    """Return the code by which an error is known; INTERNAL where it is none of ours."""
    match error:
        case GatewayError() | IdentityError() | CatalogueError() | ActError() | AuditError():
            return error.code
        case ExportError():
            return error.code
        case _:
            return "INTERNAL"


def status_of(error: Exception) -> int:
    match error:
        case GatewayError() | IdentityError():
            return error.status
        case LogUnavailableError() | StaleSnapshotError():
            return 503
        case _:
            return words_of(code_of(error)).status


def status_alone(error: Exception) -> int:
    """Return the status of an answer that is nothing but this error: never one of success.

    Of some codes the status is that of an answer of which other parts were given.
    """
    status = status_of(error)
    if status >= 400:
        return status
    if words_of(code_of(error)).retryable:
        return 503
    return 502 if isinstance(error, SourceError) else 403


def graphql_problem(error: Exception, *, accept_language: str, media: str = GRAPHQL) -> Response:
    """Answer a whole call that was not answered: GraphQL errors, no `data`.

    As plain JSON a document that cannot be executed is answered with 200 (GraphQL over HTTP, 6.1): such
    clients read the errors out of the body.
    """
    code = code_of(error)
    facts: tuple[Mapping[str, Any], ...] = ()
    if isinstance(error, GatewayError):
        facts = error.errors
    errors = [_worded(fact, accept_language=accept_language) for fact in facts] or [
        {"message": _message(code, accept_language), "extensions": {"code": code}}
    ]
    status = 200 if media == JSON and _is_of_document(error) else None
    return _response(error, {"errors": errors}, media=media, status=status)


def _is_of_document(error: Exception) -> bool:
    """Say whether a well-formed request was refused for its document; a replay of one was not."""
    cause = error.__cause__ if isinstance(error, RefusedCallError) else error
    return isinstance(cause, RefusedDocumentError) and code_of(error) == cause.code


def problem(error: Exception, *, accept_language: str) -> Response:
    """RFC 9457 for everything that is not GraphQL."""
    code, status = code_of(error), status_alone(error)
    told: dict[str, Any] = {
        "type": f"urn:exchange:code:{code}",
        "title": _message(code, accept_language),
        "status": status,
        "code": code,
    }
    if isinstance(error, IdentityError | CatalogueError | ActError | AuditError | ExportError):
        told["detail"] = str(error)
    if isinstance(error, GatewayError) and error.facts:
        told["facts"] = dict(error.facts)
    if isinstance(error, RefusedDocumentError) or isinstance(error.__cause__, RefusedDocumentError):
        found = error.errors if isinstance(error, GatewayError) else ()
        told["errors"] = [_worded(fact, accept_language=accept_language) for fact in found]
    return _response(error, told, media=PROBLEM, status=status)


def rest_answer(answered: Answered, *, accept_language: str, whole_receipt: bool) -> Response:
    """Answer a call to a document as a plain resource.

    Where a part was given, it is the answer that `/graphql` gives. Where none was, the same members stand in
    a problem: what was refused is as provable as what was given.
    """
    content = answered.write(words=words_of, languages=accept_language, whole_receipt=whole_receipt)
    fault = _nothing_given(answered)
    headers = {"vary": "accept, accept-language"}
    if fault is None:
        return Response(content, status_code=answered.status, media_type=JSON, headers=headers)
    code, status = fault
    told = {
        "type": f"urn:exchange:code:{code}",
        "title": _message(code, accept_language),
        "status": status,
        "code": code,
    }
    if status in {429, 503}:
        known = [one.retry_after_s for one in _failed(answered) if one.retry_after_s is not None]
        headers["retry-after"] = str(max(known, default=RETRY_AFTER_S))
    # Not a byte of `data` is changed: its digest is in the log.
    joined = msgspec.json.encode(told)[:-1] + b"," + content[1:]
    return Response(joined, status_code=status, media_type=PROBLEM, headers=headers)


def _nothing_given(answered: Answered) -> tuple[str, int] | None:
    """Return the code and status of a call of which no step was answered; None where one was."""
    outcomes = answered.recorded.outcomes
    codes = [fact["extensions"]["code"] for fact in answered.recorded.errors]
    given = any(isinstance(outcome, Masked) for outcome in outcomes)
    verified = any(isinstance(one, Failed) and one.permitted.step.claims for one in outcomes)
    if not codes or ((given or verified) and answered.status == 200):
        return None
    # What only went with another part is not the reason.
    code = next((one for one in codes if one != PARTIAL_DENIED), codes[0])
    if answered.status != 200:
        return code, answered.status
    failed = {one.code: one for one in _failed(answered)}
    if code not in failed:
        return code, 403
    return code, 503 if failed[code].retryable else 502


def _failed(answered: Answered) -> list[Failed]:
    return [one for one in answered.recorded.outcomes if isinstance(one, Failed)]


def _worded(fact: Mapping[str, Any], *, accept_language: str) -> dict[str, Any]:
    code = str(fact.get("extensions", {}).get("code", "INTERNAL"))
    return {"message": _message(code, accept_language), **fact}


def _message(code: str, accept_language: str) -> str:
    words = words_of(code)
    return words.en if prefers_english(accept_language) else words.zh


def _response(
    error: Exception, told: Mapping[str, Any], *, media: str, status: int | None = None
) -> Response:
    """Write the answer; `status` None takes the error's own."""
    status = status or status_of(error)
    if code_of(error) == "INTERNAL":
        # By type and place alone: a message may hold data.
        places = traceback.format_tb(error.__traceback__)
        _LOGGING.error("internal error %s at %s", type(error).__name__, "".join(places))
    headers = {"retry-after": str(RETRY_AFTER_S)} if status in {429, 503} else {}
    if status == 405:
        headers["allow"] = "POST, GET"
    if status == 401:
        headers["www-authenticate"] = 'Signature, DPoP algs="EdDSA ES256"'
    return Response(
        msgspec.json.encode(told), status_code=status, media_type=media, headers=headers
    )


def token_problem(error: Exception) -> Response:
    """RFC 6749, 5.2: errors of the token endpoint, with our code beside OAuth's."""
    code = code_of(error)
    told = {
        "error": OAUTH_ERRORS.get(code, "invalid_client"),
        "error_description": words_of(code).en,
        "code": code,
    }
    status = status_of(error)
    return _response(error, told, media="application/json", status=400 if status == 401 else status)
