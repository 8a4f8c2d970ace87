"""The management API's part on sharing: clocks, grants' ends, corrections, disputes, supervision."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types import Info

from exchange.api import types
from exchange.api.fields import act, change, field, paged
from exchange.api.types import made

PAGE = 20


def asked(row: Mapping[str, Any]) -> types.SharingRequest:
    """Return a request with its clock."""
    clock = None if row["clock"] is None else made(types.Clock, row["clock"])
    return made(types.SharingRequest, {**row, "clock": clock})


@strawberry.type
class SharingQuery:
    @field
    async def request(self, info: Info, id: str) -> types.SharingRequest | None:  # noqa: A002 - the word of the schema
        return asked(await act(info, "request.show", request=id))

    @field
    async def amendments(self, info: Info, grant: str) -> list[types.Amendment] | None:
        told = await act(info, "grant.show", grant=grant)
        return [made(types.Amendment, row) for row in told["amendments"]]

    @field
    async def corrections(
        self, info: Info, state: str | None = None, first: int = PAGE, after: str | None = None
    ) -> list[types.Correction] | None:
        told = await act(info, "correction.list", state=state, first=first, after=after)
        return [_correction(row) for row in told["rows"]]

    @field
    async def disputes(
        self, info: Info, state: str | None = None, first: int = PAGE, after: str | None = None
    ) -> list[types.Dispute] | None:
        told = await act(info, "dispute.list", state=state, first=first, after=after)
        return [_dispute(row) for row in told["rows"]]

    @field
    async def violations(
        self,
        info: Info,
        kind: str | None = None,
        department: str | None = None,
        since: str | None = None,
        until: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.Violation] | None:
        told = await act(
            info,
            "supervision.violations",
            kind=kind,
            department=department,
            since=since,
            until=until,
            first=first,
            after=after,
        )
        return [
            made(types.Violation, {**row, "entry": _text(row["entry"])}) for row in told["rows"]
        ]

    @field
    async def demands(
        self,
        info: Info,
        department: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.Demand] | None:
        return await paged(
            info, types.Demand, "demand.list", department=department, first=first, after=after
        )

    @field
    async def notices(
        self, info: Info, *, unseen: bool = False, first: int = PAGE, after: str | None = None
    ) -> list[types.Notice] | None:
        return await paged(
            info, types.Notice, "notice.list", unseen=unseen, first=first, after=after
        )

    @field
    async def deputies(self, info: Info) -> list[types.Deputy] | None:
        return [made(types.Deputy, row) for row in await act(info, "deputy.list")]

    @field
    async def rules(self, info: Info) -> list[types.LawRule] | None:
        return [made(types.LawRule, row) for row in await act(info, "rule.list")]


@strawberry.input
class _Changed:
    """What a grant is to be; what is left out stays as it is."""

    items: list[str] | None = None
    match: list[str] | None = None
    matters: list[str] | None = None
    systems: list[str] | None = None
    max_rows: int | None = None
    daily_quota: int | None = None
    daily_rows: int | None = None
    daily_subjects: int | None = None
    not_after: datetime | None = None

    def given(self) -> dict[str, Any]:
        return {name: held for name, held in strawberry.asdict(self).items() if held is not None}


@strawberry.input
class NarrowInput(_Changed):
    """What is left of a grant."""


@strawberry.input
class ChangeInput(_Changed):
    """What a grant is to be once both sides have signed it."""

    unbounded: list[str] | None = None
    """Of `daily_rows` and `daily_subjects`, what it is to have no bound of."""


@strawberry.type
class SharingMutation:
    @change
    async def create_basket(
        self, info: Info, wanted: list[types.RequestInput]
    ) -> list[types.RequestState] | None:
        told = await act(info, "basket.create", wanted=[strawberry.asdict(one) for one in wanted])
        return [made(types.RequestState, row) for row in told["requests"]]

    @change
    async def sign_basket(self, info: Info, basket: str) -> list[types.RequestState] | None:
        told = await act(info, "basket.sign", basket=basket)
        return [made(types.RequestState, row) for row in told["requests"]]

    @change
    async def revise_request(
        self, info: Info, request: str, wanted: types.RequestInput
    ) -> types.RequestState | None:
        given = strawberry.asdict(wanted)
        return await _request(info, "request.revise", request=request, wanted=given)

    @change
    async def return_request(
        self, info: Info, request: str, reasons: str
    ) -> types.RequestState | None:
        return await _request(info, "request.return", request=request, reasons=reasons)

    @change
    async def pass_form(self, info: Info, request: str) -> types.RequestState | None:
        return await _request(info, "request.pass-form", request=request)

    @change
    async def hand_over_request(
        self, info: Info, request: str, words: str
    ) -> types.RequestState | None:
        return await _request(info, "request.hand-over", request=request, words=words)

    @change
    async def accept_request(
        self, info: Info, request: str, contact: str
    ) -> types.RequestState | None:
        return await _request(info, "request.accept", request=request, contact=contact)

    @change
    async def withdraw_request(
        self, info: Info, request: str, reason: str
    ) -> types.RequestState | None:
        return await _request(info, "request.withdraw", request=request, reason=reason)

    @change
    async def transfer_request(
        self,
        info: Info,
        request: str,
        to: str,
        reason: str,
        items: list[str] | None = None,
        match: list[str] | None = None,
    ) -> types.RequestState | None:
        return await _request(
            info,
            "request.transfer",
            request=request,
            to=to,
            reason=reason,
            items=items,
            match=match,
        )

    @change
    async def ask_extension(
        self, info: Info, request: str, days: int, reason: str
    ) -> types.RequestState | None:
        return await _request(
            info, "request.ask-extension", request=request, days=days, reason=reason
        )

    @change
    async def answer_extension(
        self, info: Info, request: str, *, consent: bool, text: str = ""
    ) -> types.RequestState | None:
        return await _request(
            info, "request.answer-extension", request=request, consent=consent, text=text
        )

    @change
    async def narrow_grant(
        self, info: Info, grant: str, to: NarrowInput, reason: str
    ) -> types.Grant | None:
        told = await act(info, "grant.narrow", grant=grant, to=to.given(), reason=reason)
        return made(types.Grant, told)

    @change
    async def propose_amendment(
        self, info: Info, grant: str, to: ChangeInput, reason: str
    ) -> types.Amendment | None:
        given = to.given()
        told = await act(info, "grant.propose-amendment", grant=grant, to=given, reason=reason)
        return made(types.Amendment, told)

    @change
    async def sign_amendment(self, info: Info, amendment: str) -> types.Amendment | None:
        told = await act(info, "grant.sign-amendment", amendment=amendment)
        return made(types.Amendment, told)

    @change
    async def end_grant(
        self, info: Info, grant: str, reason: str, words: str = ""
    ) -> types.Grant | None:
        told = await act(info, "grant.end", grant=grant, reason=reason, words=words)
        return made(types.Grant, told)

    @change
    async def confirm_destruction(
        self, info: Info, grant: str, statement: str
    ) -> types.Grant | None:
        told = await act(info, "grant.confirm-destruction", grant=grant, statement=statement)
        return made(types.Grant, told)

    @change
    async def report_correction(
        self,
        info: Info,
        entry: str,
        resource: str,
        item: str,
        type: str,  # noqa: A002 - the word of the schema
        identifier: str,
        words: str,
    ) -> types.Correction | None:
        told = await act(
            info,
            "correction.report",
            entry=int(entry) if entry.isdecimal() else -1,
            resource=resource,
            item=item,
            type=type,
            identifier=identifier,
            words=words,
        )
        return _correction(told)

    @change
    async def answer_correction(
        self, info: Info, correction: str, *, accept: bool, text: str = ""
    ) -> types.Correction | None:
        name = "correction.accept" if accept else "correction.refuse"
        return _correction(await act(info, name, correction=correction, text=text))

    @change
    async def close_correction(self, info: Info, correction: str) -> types.Correction | None:
        return _correction(await act(info, "correction.close", correction=correction))

    @change
    async def open_dispute(
        self, info: Info, kind: str, about: str, text: str
    ) -> types.Dispute | None:
        return _dispute(await act(info, "dispute.open", kind=kind, about=about, text=text))

    @change
    async def step_dispute(
        self, info: Info, dispute: str, step: str, text: str, document: str = ""
    ) -> types.Dispute | None:
        """`step` is say, raise, decide or settle."""
        more = {"document": document} if step == "decide" else {}
        return _dispute(await act(info, f"dispute.{step}", dispute=dispute, text=text, **more))

    @change
    async def answer_demand(
        self, info: Info, demand: str, resource: str, text: str = ""
    ) -> types.Demand | None:
        told = await act(info, "demand.answer", demand=demand, resource=resource, text=text)
        return made(types.Demand, told)

    @change
    async def see_notice(self, info: Info, notice: str) -> types.Notice | None:
        return made(types.Notice, await act(info, "notice.see", notice=notice))

    @change
    async def name_deputy(
        self, info: Info, deputy: str, post: str, begins: datetime, ends: datetime
    ) -> types.Deputy | None:
        told = await act(info, "deputy.name", deputy=deputy, post=post, begins=begins, ends=ends)
        return made(types.Deputy, told)

    @change
    async def end_deputy(self, info: Info, deputy: str) -> types.Deputy | None:
        return made(types.Deputy, await act(info, "deputy.end", deputy=deputy))


async def _request(info: Info, name: str, /, **arguments: Any) -> types.RequestState:
    return made(types.RequestState, await act(info, name, **arguments))


def _correction(row: Mapping[str, Any]) -> types.Correction:
    return made(types.Correction, {**row, "entry": _text(row["entry"])})


def _dispute(row: Mapping[str, Any]) -> types.Dispute:
    steps = [made(types.DisputeStep, one) for one in row["steps"]]
    return made(types.Dispute, {**row, "steps": steps})


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
