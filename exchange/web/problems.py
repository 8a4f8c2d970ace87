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
from gateway.errors import GatewayError, RefusedDocumentError
from gateway.pipeline import RefusedCallError
from gateway.respond import prefers_english

_LOGGING = logging.getLogger("exchange.web")
RETRY_AFTER_S = 2


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
    code = code_of(error)
    told: dict[str, Any] = {
        "type": f"urn:exchange:code:{code}",
        "title": _message(code, accept_language),
        "status": status_of(error),
        "code": code,
    }
    if isinstance(error, IdentityError | CatalogueError | ActError | AuditError | ExportError):
        told["detail"] = str(error)
    if isinstance(error, GatewayError) and error.facts:
        told["facts"] = dict(error.facts)
    return _response(error, told, media="application/problem+json")


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
