"""Asking the exchange: one class for plain code, one for asyncio, the same requests and checks."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

import httpx
import msgspec

from exchange import clock
from exchange.client.authorities import public_authorities
from exchange.client.errors import (
    Fault,
    MalformedAnswerError,
    RefusedError,
    UnfitArgumentError,
    UnreachableError,
)
from exchange.client.receipts import check_answer, check_file
from exchange.client.signing import SignatureAuth, SigningKey, encode_usage
from gateway.model import Usage

TIMEOUT_S = 30.0
CASE_ACTIONS = frozenset({"attest", "parties", "pause", "resume", "close", "reopen"})
_EXPORT = re.compile(r"exp_[A-Za-z0-9-]{8,64}")
_UNESCAPED = "!$&'()*+,;=:@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A subject of a case as the caller names it."""

    type: str
    """`enterprise`, `person`, `project` or `parcel`."""
    identifier: str = field(repr=False)
    role: str = "applicant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the exchange gave, already checked against its receipt unless `state` is empty."""

    data: Mapping[str, Any] | None = field(repr=False)
    errors: Sequence[Mapping[str, Any]]
    outcomes: Sequence[Mapping[str, Any]]
    """One line a step: path, department, resource, outcome, masked and refused items, next."""
    entry: Mapping[str, Any]
    receipt: Mapping[str, Any] | None = field(repr=False)
    """None where only its index was asked for."""
    state: str
    """`signed`, `witnessed`; empty where the receipt was left for later."""
    raw: bytes = field(repr=False)
    """The answer exactly as received: keep it with the case file."""
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What is read in bulk: a resource, items by their GraphQL names, records a page."""

    resource: str
    items: Sequence[str]
    first: int = 1_000

    def body(self, usage: Usage) -> dict[str, Any]:
        return {
            "resource": self.resource,
            "items": list(self.items),
            "first": self.first,
            "extensions": {"usage": encode_usage(usage)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedFile:
    """A file of an export, checked against the entry that it was released by."""

    content: bytes = field(repr=False)
    entry: int
    state: str
    """`signed` or `witnessed`."""


class _Asking:
    """What both clients share: how requests are written and answers are read."""

    def __init__(
        self, base_url: str, *, vkey: str | Sequence[str], witnesses: Sequence[str]
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._vkeys = (vkey,) if isinstance(vkey, str) else tuple(vkey)
        self._witnesses = tuple(witnesses)

    def write_query(
        self,
        document: str,
        variables: Mapping[str, Any] | None,
        *,
        usage: Usage,
        operation_name: str | None,
        whole_receipt: bool,
    ) -> httpx.Request:
        members: dict[str, Any] = {"query": document, "variables": variables or {}}
        if operation_name is not None:
            members["operationName"] = operation_name
        members["extensions"] = {"usage": encode_usage(usage)}
        headers = {
            "Accept": "application/graphql-response+json, application/json;q=0.9",
            "Content-Type": "application/json",
        }
        if not whole_receipt:
            headers["Prefer"] = "receipt=index"
        return httpx.Request(
            "POST",
            f"{self.base_url}/graphql",
            content=msgspec.json.encode(members),
            headers=headers,
        )

    def write_document(
        self, document: str, parameters: Mapping[str, Any], *, usage: Usage
    ) -> httpx.Request:
        url = f"{self.base_url}/rest/{_segment(document, what='a document')}"
        body = {"parameters": parameters, "extensions": {"usage": encode_usage(usage)}}
        return self._json("POST", url, body)

    def read_answer(self, response: httpx.Response, *, request: bytes, whole: bool) -> Answer:
        """Check and read an answer; a whole answer is never returned unchecked."""
        raw = response.content
        members = _object(raw, response)
        if "data" not in members:
            raise _refusal(response, members)
        extensions = members.get("extensions")
        if not isinstance(extensions, dict):
            raise MalformedAnswerError("the answer has no extensions, entry and outcomes needed")
        state = ""
        if whole:
            report = check_answer(
                raw, request=request, vkeys=self._vkeys, witnesses=self._witnesses
            )
            state = report.state
        return Answer(
            data=members["data"],
            errors=tuple(members.get("errors", ())),
            outcomes=tuple(extensions.get("outcomes", ())),
            entry=extensions.get("entry", {}),
            receipt=extensions.get("receipt") if whole else None,
            state=state,
            raw=raw,
            request=request,
        )

    def write_case(
        self,
        number: str,
        *,
        matter: str,
        parties: Sequence[Party],
        accepted_at: datetime,
        project: str,
    ) -> httpx.Request:
        body = {
            "matter": matter,
            "project": project,
            "acceptedAt": _moment(accepted_at),
            "parties": [_party(party) for party in parties],
        }
        return self._json("PUT", self._case(number), body)

    def write_case_action(
        self, number: str, action: str, *, parties: Sequence[Party], members: Mapping[str, Any]
    ) -> httpx.Request:
        if action not in CASE_ACTIONS:
            raise UnfitArgumentError(
                f"no action of a case; one of {', '.join(sorted(CASE_ACTIONS))} needed"
            )
        named = {"parties": [_party(party) for party in parties]} if parties else {}
        return self._json("POST", f"{self._case(number)}/{action}", {**members, **named})

    def write_registration(self, key: SigningKey, invitation: str) -> httpx.Request:
        body = key.registration(invitation, base_url=self.base_url)
        return self._json("POST", f"{self.base_url}/systems/register", body)

    def write_page(self, wanted: Bulk, *, usage: Usage, after: str | None) -> httpx.Request:
        place = {} if after is None else {"after": after}
        return self._json("POST", f"{self.base_url}/pull", wanted.body(usage) | place)

    def write_export(
        self, wanted: Bulk, *, usage: Usage, format_: str, export_id: str | None
    ) -> httpx.Request:
        members = {"format": format_} | ({} if export_id is None else {"id": export_id})
        return self._json("POST", f"{self.base_url}/exports", wanted.body(usage) | members)

    def write_export_act(self, export_id: str, act: str = "") -> httpx.Request:
        if not _EXPORT.fullmatch(export_id):
            raise UnfitArgumentError(
                "the id of an export needed, exp_ and letters, digits, hyphens"
            )
        url = f"{self.base_url}/exports/{export_id}"
        if act == "cancel":
            return self._json("POST", f"{url}/cancel", {})
        return httpx.Request("GET", f"{url}/{act}" if act else url)

    def read_part(self, response: httpx.Response) -> tuple[bytes, int]:
        """Return a file and where its release is in the log."""
        if not response.is_success:
            raise _refusal(response, _object(response.content, response))
        place = response.headers.get("exchange-entry", "")
        if not (place.isascii() and place.isdecimal()):
            raise MalformedAnswerError("a file without the entry that it was released by")
        return response.content, int(place)

    def check_part(self, content: bytes, receipt: Mapping[str, Any]) -> str:
        return check_file(
            content, receipt=receipt, vkeys=self._vkeys, witnesses=self._witnesses
        ).state

    def write_receipt_request(self, index: int) -> httpx.Request:
        return httpx.Request("GET", f"{self.base_url}/receipts/{index}")

    def write_contract_request(self) -> httpx.Request:
        return httpx.Request("GET", f"{self.base_url}/contract.graphql")

    def write_openapi_request(self) -> httpx.Request:
        return httpx.Request("GET", f"{self.base_url}/rest/openapi.json")

    def read_text(self, response: httpx.Response) -> str:
        if response.status_code != 200:
            raise _refusal(response, _object(response.content, response))
        return response.text

    def read_object(self, response: httpx.Response) -> Mapping[str, Any]:
        members = _object(response.content, response)
        if not response.is_success:
            raise _refusal(response, members)
        return members

    def _case(self, number: str) -> str:
        return f"{self.base_url}/cases/{_segment(number, what='a case number')}"

    def _json(self, method: str, url: str, body: Mapping[str, Any]) -> httpx.Request:
        return httpx.Request(
            method,
            url,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )


class Exchange:
    """A system's connection to an exchange. `language` is that of its texts: `zh` or `en`.

    `vkey` is the log's public key in C2SP form, got from a place that the operator does not control; every
    whole answer is checked against it before it is returned.
    """

    def __init__(  # noqa: PLR0913 - what a connection is made of, most of it with a default
        self,
        base_url: str,
        *,
        key: SigningKey | None = None,
        auth: httpx.Auth | None = None,
        vkey: str | Sequence[str],
        witnesses: Sequence[str] = (),
        language: str = "zh",
        timeout: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._asking = _Asking(base_url, vkey=vkey, witnesses=witnesses)
        self._language = language
        self._now = now
        self._http = httpx.Client(
            auth=_auth(key, auth, now=now),
            timeout=timeout,
            transport=transport,
            trust_env=False,
            verify=public_authorities(),
        )

    def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        usage: Usage,
        operation_name: str | None = None,
        whole_receipt: bool = True,
    ) -> Answer:
        """Ask; the answer's receipt is checked, or with `whole_receipt=False` left for later.

        Raises RefusedError where the whole request is refused (a refused step is an outcome, not an error),
        ReceiptError where the answer is not proven, UnreachableError where there is none.
        """
        request = self._asking.write_query(
            document,
            variables,
            usage=usage,
            operation_name=operation_name,
            whole_receipt=whole_receipt,
        )
        response = self._send(request)
        return self._asking.read_answer(response, request=request.content, whole=whole_receipt)

    def document(
        self, document: str, parameters: Mapping[str, Any] | None = None, *, usage: Usage
    ) -> Answer:
        """Ask by a registered document, by its name or `sha256:` and digest; checked as `query` is.

        A call of which no part was given has an answer too: its outcomes say why, its receipt proves it.
        """
        request = self._asking.write_document(document, parameters or {}, usage=usage)
        response = self._send(request)
        return self._asking.read_answer(response, request=request.content, whole=True)

    def put_case(
        self,
        number: str,
        *,
        matter: str,
        parties: Sequence[Party],
        accepted_at: datetime | None = None,
        project: str = "",
    ) -> Mapping[str, Any]:
        """Open a case, or say again what was said of it; `accepted_at` None means now."""
        request = self._asking.write_case(
            number,
            matter=matter,
            parties=parties,
            accepted_at=accepted_at or self._now(),
            project=project,
        )
        return self._asking.read_object(self._send(request))

    def case_action(
        self, number: str, action: str, *, parties: Sequence[Party] = (), **members: Any
    ) -> Mapping[str, Any]:
        """`parties`, `pause`, `resume`, `close` or `reopen` a case.

        `members` are the reason, the result and the staff numbers that the action asks for.
        """
        request = self._asking.write_case_action(number, action, parties=parties, members=members)
        return self._asking.read_object(self._send(request))

    def register(self, key: SigningKey, *, invitation: str) -> Mapping[str, Any]:
        """Register a key by the invitation that the administrator gave; nothing is signed as a system yet."""
        request = self._asking.write_registration(key, invitation)
        return self._asking.read_object(self._send(request, auth=None))

    def page(self, wanted: Bulk, *, usage: Usage, after: str | None = None) -> Answer:
        """Read one page of all records; `data` has `columns`, `rows` and `next`. Raises as `query`."""
        request = self._asking.write_page(wanted, usage=usage, after=after)
        response = self._send(request)
        return self._asking.read_answer(response, request=request.content, whole=True)

    def begin_export(
        self, wanted: Bulk, *, usage: Usage, format_: str = "csv", export_id: str | None = None
    ) -> Mapping[str, Any]:
        """Begin an export, or find the one that was begun under `export_id`. It goes on by itself."""
        request = self._asking.write_export(
            wanted, usage=usage, format_=format_, export_id=export_id
        )
        return self._asking.read_object(self._send(request))

    def export(self, export_id: str, act: str = "") -> Mapping[str, Any]:
        """How far an export is; with `act` its `manifest`, or what is left after a `cancel`."""
        return self._asking.read_object(self._send(self._asking.write_export_act(export_id, act)))

    def export_part(self, export_id: str, number: int) -> ReleasedFile:
        """Fetch one file; its receipt is checked. Raises RefusedError, ReceiptError."""
        request = self._asking.write_export_act(export_id, f"parts/{number}")
        content, entry = self._asking.read_part(self._send(request))
        state = self._asking.check_part(content, self.receipt(entry))
        return ReleasedFile(content=content, entry=entry, state=state)

    def receipt(self, index: int) -> Mapping[str, Any]:
        return self._asking.read_object(self._send(self._asking.write_receipt_request(index)))

    def contract(self) -> str:
        """Return what this system may name: its schema (SDL)."""
        return self._asking.read_text(self._send(self._asking.write_contract_request()))

    def openapi(self) -> Mapping[str, Any]:
        """Return the description (OpenAPI 3.1) of what this system may ask by `document`."""
        return self._asking.read_object(self._send(self._asking.write_openapi_request()))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(
        self, request: httpx.Request, *, auth: Any = httpx.USE_CLIENT_DEFAULT
    ) -> httpx.Response:
        request.headers.setdefault("Accept-Language", self._language)
        try:
            return self._http.send(request, auth=auth)
        except httpx.TransportError as error:
            raise _unreachable(request, error) from error


class AsyncExchange:
    """`Exchange` for asyncio: the same arguments, answers and errors."""

    def __init__(  # noqa: PLR0913 - what a connection is made of, most of it with a default
        self,
        base_url: str,
        *,
        key: SigningKey | None = None,
        auth: httpx.Auth | None = None,
        vkey: str | Sequence[str],
        witnesses: Sequence[str] = (),
        language: str = "zh",
        timeout: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._asking = _Asking(base_url, vkey=vkey, witnesses=witnesses)
        self._language = language
        self._now = now
        self._http = httpx.AsyncClient(
            auth=_auth(key, auth, now=now),
            timeout=timeout,
            transport=transport,
            trust_env=False,
            verify=public_authorities(),
        )

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        usage: Usage,
        operation_name: str | None = None,
        whole_receipt: bool = True,
    ) -> Answer:
        request = self._asking.write_query(
            document,
            variables,
            usage=usage,
            operation_name=operation_name,
            whole_receipt=whole_receipt,
        )
        response = await self._send(request)
        return self._asking.read_answer(response, request=request.content, whole=whole_receipt)

    async def document(
        self, document: str, parameters: Mapping[str, Any] | None = None, *, usage: Usage
    ) -> Answer:
        request = self._asking.write_document(document, parameters or {}, usage=usage)
        response = await self._send(request)
        return self._asking.read_answer(response, request=request.content, whole=True)

    async def put_case(
        self,
        number: str,
        *,
        matter: str,
        parties: Sequence[Party],
        accepted_at: datetime | None = None,
        project: str = "",
    ) -> Mapping[str, Any]:
        request = self._asking.write_case(
            number,
            matter=matter,
            parties=parties,
            accepted_at=accepted_at or self._now(),
            project=project,
        )
        return self._asking.read_object(await self._send(request))

    async def case_action(
        self, number: str, action: str, *, parties: Sequence[Party] = (), **members: Any
    ) -> Mapping[str, Any]:
        request = self._asking.write_case_action(number, action, parties=parties, members=members)
        return self._asking.read_object(await self._send(request))

    async def register(self, key: SigningKey, *, invitation: str) -> Mapping[str, Any]:
        request = self._asking.write_registration(key, invitation)
        return self._asking.read_object(await self._send(request, auth=None))

    async def page(self, wanted: Bulk, *, usage: Usage, after: str | None = None) -> Answer:
        request = self._asking.write_page(wanted, usage=usage, after=after)
        response = await self._send(request)
        return self._asking.read_answer(response, request=request.content, whole=True)

    async def begin_export(
        self, wanted: Bulk, *, usage: Usage, format_: str = "csv", export_id: str | None = None
    ) -> Mapping[str, Any]:
        request = self._asking.write_export(
            wanted, usage=usage, format_=format_, export_id=export_id
        )
        return self._asking.read_object(await self._send(request))

    async def export(self, export_id: str, act: str = "") -> Mapping[str, Any]:
        return self._asking.read_object(
            await self._send(self._asking.write_export_act(export_id, act))
        )

    async def export_part(self, export_id: str, number: int) -> ReleasedFile:
        request = self._asking.write_export_act(export_id, f"parts/{number}")
        content, entry = self._asking.read_part(await self._send(request))
        state = self._asking.check_part(content, await self.receipt(entry))
        return ReleasedFile(content=content, entry=entry, state=state)

    async def receipt(self, index: int) -> Mapping[str, Any]:
        return self._asking.read_object(await self._send(self._asking.write_receipt_request(index)))

    async def contract(self) -> str:
        return self._asking.read_text(await self._send(self._asking.write_contract_request()))

    async def openapi(self) -> Mapping[str, Any]:
        return self._asking.read_object(await self._send(self._asking.write_openapi_request()))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _send(
        self, request: httpx.Request, *, auth: Any = httpx.USE_CLIENT_DEFAULT
    ) -> httpx.Response:
        request.headers.setdefault("Accept-Language", self._language)
        try:
            return await self._http.send(request, auth=auth)
        except httpx.TransportError as error:
            raise _unreachable(request, error) from error


def _unreachable(request: httpx.Request, error: httpx.TransportError) -> UnreachableError:
    url = request.url
    return UnreachableError(
        f"no answer from {url.scheme}://{url.netloc.decode()} ({type(error).__name__})"
    )


def _auth(
    key: SigningKey | None, auth: httpx.Auth | None, *, now: Callable[[], datetime]
) -> httpx.Auth | None:
    """Signed requests by `key`, or what is given (`TokenAuth`); None only registers keys."""
    if key is not None and auth is not None:
        raise ValueError("a key to sign with or an auth, not both")
    return SignatureAuth(key, now=now) if key is not None else auth


def _segment(name: str, *, what: str) -> str:
    # The exchange refuses escaped slashes and percent signs: two readers could see two paths.
    if "/" in name or "%" in name or "\\" in name or name in {"", ".", ".."}:
        raise UnfitArgumentError(f"{what} without slash, backslash and percent sign needed")
    return quote(name, safe=_UNESCAPED)


def _object(raw: bytes, response: httpx.Response) -> dict[str, Any]:
    try:
        members = json.loads(raw)
    except ValueError as error:
        raise MalformedAnswerError(f"{response.status_code} with a body that is no JSON") from error
    if not isinstance(members, dict):
        raise MalformedAnswerError(f"{response.status_code} with JSON that is no object")
    return members


def _refusal(response: httpx.Response, members: Mapping[str, Any]) -> RefusedError:
    """Read GraphQL errors without data, or a problem of RFC 9457."""
    errors = members.get("errors")
    found = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    if found:
        return RefusedError(response.status_code, [Fault.of(one) for one in found])
    facts = members.get("facts")
    problem = Fault(
        code=str(members.get("code", "")),
        text=str(members.get("title", "")),
        where=str(members.get("detail", "")),
        facts=facts if isinstance(facts, dict) else {},
    )
    return RefusedError(response.status_code, [problem])


def _party(party: Party) -> dict[str, str]:
    return {"type": party.type, "identifier": party.identifier, "role": party.role}


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise UnfitArgumentError("a time with its zone needed")
    return moment.isoformat(timespec="milliseconds")
