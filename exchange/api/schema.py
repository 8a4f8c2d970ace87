"""The schema of `/manage/graphql`: every field is one act, carried out as the officer who asks."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar, cast

import strawberry
from strawberry.extensions import (
    DisableIntrospection,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
    SchemaExtension,
)
from strawberry.types import ExecutionContext, Info

from exchange.acts.listing import Span, cut
from exchange.api import types
from exchange.api.fields import act, change, field, paged
from exchange.api.guard import Asking
from exchange.api.interchange import ImportedEntries, imported
from exchange.api.measures import MeasuringMutation, MeasuringQuery
from exchange.api.reviewing import ReviewingMutation, ReviewingQuery
from exchange.api.sharing import SharingMutation, SharingQuery, asked
from exchange.api.types import made

T = TypeVar("T")
PAGE = 20
TOKENS = 2_000
DEPTH = 8
ALIASES = 20


async def _listed(
    info: Info, kind: type[T], name: str, *, first: int, after: str | None, key: str
) -> list[T]:
    """Return a page of a short listing, which its act tells whole, in the order of its key."""
    rows: Sequence[Mapping[str, Any]] = await act(info, name)
    page = cut({str(row[key]): row for row in rows}, Span(first=first, after=after))
    return [made(kind, row) for row in page.rows]


@strawberry.type
class Query(SharingQuery, MeasuringQuery, ReviewingQuery):
    """Root fields may be null: one that is refused leaves the others standing."""

    @field
    async def departments(
        self, info: Info, first: int = PAGE, after: str | None = None
    ) -> list[types.Department] | None:
        return await _listed(
            info, types.Department, "department.list", first=first, after=after, key="code"
        )

    @field
    async def systems(
        self, info: Info, first: int = PAGE, after: str | None = None
    ) -> list[types.System] | None:
        return await _listed(info, types.System, "system.list", first=first, after=after, key="id")

    @field
    async def resources(
        self,
        info: Info,
        department: str | None = None,
        state: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.ResourceLine] | None:
        return await paged(
            info,
            types.ResourceLine,
            "resource.list",
            department=department,
            state=state,
            first=first,
            after=after,
        )

    @field
    async def resource(self, info: Info, code: str) -> types.Resource | None:
        told = await act(info, "resource.show", code=code)
        return made(types.Resource, told | _nested(told))

    @field
    async def resource_impact(self, info: Info, code: str) -> types.Impact | None:
        return _impact(await act(info, "resource.impact", code=code))

    @field
    async def catalogue_feed(self, info: Info, first: int = PAGE) -> list[types.News] | None:
        return [made(types.News, row) for row in await act(info, "catalogue.feed", first=first)]

    @field
    async def resource_history(self, info: Info, code: str) -> list[types.Revision] | None:
        told = await act(info, "resource.history", code=code)
        return [made(types.Revision, row) for row in told["rows"]]

    @field
    async def resource_diff(
        self, info: Info, code: str, older: int | None = None, newer: int | None = None
    ) -> list[types.Change] | None:
        told = await act(info, "resource.diff", code=code, older=older, newer=newer)
        return [
            made(
                types.Change,
                one | {f"member_{language}": word for language, word in one["words"].items()},
            )
            for one in told["changes"]
        ]

    @field
    async def item_collisions(self, info: Info) -> list[types.ItemCollision] | None:
        return [
            made(
                types.ItemCollision,
                row | {"holders": [made(types.ItemHolder, one) for one in row["holders"]]},
            )
            for row in await act(info, "item.collisions")
        ]

    @field
    async def catalogue_search(
        self,
        info: Info,
        words: str = "",
        department: str = "",
        sharing_class: str = "",
        first: int = PAGE,
        page: int = 1,
    ) -> types.CatalogueSearch | None:
        told = await act(
            info,
            "catalogue.search",
            words=words,
            department=department,
            sharing_class=sharing_class,
            first=first,
            page=page,
        )
        counts = {
            name: [types.Count(value=value, count=count) for value, count in told[name].items()]
            for name in ("classes", "departments")
        }
        rows = [made(types.FoundResource, row) for row in told["rows"]]
        return made(types.CatalogueSearch, told | counts | {"rows": rows})

    @field
    async def requests(
        self,
        info: Info,
        side: str | None = None,
        state: str | None = None,
        department: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.SharingRequest] | None:
        told = await act(
            info,
            "request.list",
            side=side,
            state=state,
            department=department,
            first=first,
            after=after,
        )
        return [asked(row) for row in told["rows"]]

    @field
    async def grants(
        self,
        info: Info,
        side: str | None = None,
        state: str | None = None,
        department: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.Grant] | None:
        return await paged(
            info,
            types.Grant,
            "grant.list",
            side=side,
            state=state,
            department=department,
            first=first,
            after=after,
        )

    @field
    async def cases(
        self,
        info: Info,
        state: str | None = None,
        matter: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.Case] | None:
        return await paged(
            info, types.Case, "case.list", state=state, matter=matter, first=first, after=after
        )

    @field
    async def log_search(  # noqa: PLR0913, PLR0917 - the facets of a search, by name for those who ask
        self,
        info: Info,
        case: str | None = None,
        department: str | None = None,
        resource: str | None = None,
        system: str | None = None,
        decision: str | None = None,
        code: str | None = None,
        kind: str | None = None,
        review: str | None = None,
        first: int = 20,
        after: list[str] | None = None,
    ) -> types.LogPage | None:
        place = [int(one) for one in after if one.isdecimal()] if after else None
        told = await act(
            info,
            "audit.search",
            case=case,
            department=department,
            resource=resource,
            system=system,
            decision=decision,
            code=code,
            kind=kind,
            review=review,
            first=first,
            after=place,
        )
        return types.LogPage(
            entries=[made(types.LogEntry, row) for row in told["entries"]],
            next=[str(one) for one in told["next"]] if told["next"] else None,
        )


@strawberry.type
class Mutation(SharingMutation, MeasuringMutation, ReviewingMutation):
    @change
    async def import_entries(
        self,
        info: Info,
        file: str,
        content: str,
        kind: str | None = None,
        encoding: str | None = None,
        looked_at: str | None = None,
    ) -> ImportedEntries | None:
        """Look a file of entries over (`content` in base64); with `lookedAt` of that look, take it."""
        return await imported(
            partial(act, info),
            cast("Asking", info.context),
            file=file,
            content=content,
            kind=kind,
            encoding=encoding,
            looked_at=looked_at,
        )

    @change
    async def create_request(
        self, info: Info, wanted: types.RequestInput
    ) -> types.RequestState | None:
        return await _request(info, "request.create", wanted=strawberry.asdict(wanted))

    @change
    async def sign_request(self, info: Info, request: str) -> types.RequestState | None:
        return await _request(info, "request.sign", request=request)

    @change
    async def refuse_request(
        self,
        info: Info,
        request: str,
        reason: str,
        code: str | None = None,
        legal_basis: str | None = None,
    ) -> types.RequestState | None:
        return await _request(
            info,
            "request.refuse",
            request=request,
            reason=reason,
            code=code,
            legal_basis=legal_basis,
        )

    @change
    async def ask_once(self, info: Info, request: str, question: str) -> types.RequestState | None:
        return await _request(info, "request.ask-once", request=request, question=question)

    @change
    async def supplement(self, info: Info, request: str, answer: str) -> types.RequestState | None:
        return await _request(info, "request.supplement", request=request, answer=answer)

    @change
    async def give_grant(
        self, info: Info, request: str, terms: types.TermsInput | None = None
    ) -> types.Grant | None:
        given = {} if terms is None else strawberry.asdict(terms)
        if terms is not None:
            given["masks"] = {one.item: one.mask for one in terms.masks}
        return await _grant(info, "grant.give", request=request, terms=given)

    @change
    async def suspend_grant(self, info: Info, grant: str, reason: str = "") -> types.Grant | None:
        return await _grant(info, "grant.suspend", grant=grant, reason=reason)

    @change
    async def resume_grant(self, info: Info, grant: str) -> types.Grant | None:
        return await _grant(info, "grant.resume", grant=grant)

    @change
    async def revoke_grant(self, info: Info, grant: str, reason: str = "") -> types.Grant | None:
        return await _grant(info, "grant.revoke", grant=grant, reason=reason)

    @change
    async def draft_resource(
        self, info: Info, resource: types.ResourceInput
    ) -> types.ResourceState | None:
        items = [
            {**strawberry.asdict(item), "ordinal": ordinal}
            for ordinal, item in enumerate(resource.items)
        ]
        drafted = {**strawberry.asdict(resource), "items": items}
        return await _resource(info, "resource.draft", resource=drafted)

    @change
    async def register_upstream(
        self, info: Info, resource: types.UpstreamResourceInput
    ) -> types.ResourceState | None:
        told = strawberry.asdict(resource)
        return await _resource(info, "resource.register-upstream", **told)

    @change
    async def examine_resource(
        self,
        info: Info,
        code: str,
        kind: str,
        conclusion: str,
        file: str,
        digest: str,
        words: str = "",
    ) -> types.Examined | None:
        told = await act(
            info,
            "resource.examine",
            code=code,
            kind=kind,
            conclusion=conclusion,
            file=file,
            digest=digest,
            words=words,
        )
        return made(types.Examined, told)

    @change
    async def restore_resource(
        self, info: Info, code: str, revision: int
    ) -> types.ResourceState | None:
        return await _resource(info, "resource.restore", code=code, revision=revision)

    @change
    async def return_resource(
        self, info: Info, code: str, reasons: list[types.ReturnReasonInput]
    ) -> types.ResourceState | None:
        told = [strawberry.asdict(one) for one in reasons]
        return await _resource(info, "resource.return", code=code, reasons=told)

    @change
    async def submit_resource(self, info: Info, code: str) -> types.ResourceState | None:
        return await _resource(info, "resource.submit", code=code)

    @change
    async def announce_resource(self, info: Info, code: str) -> types.ResourceState | None:
        return await _resource(info, "resource.announce", code=code)

    @change
    async def drop_revision(self, info: Info, code: str) -> types.ResourceState | None:
        return await _resource(info, "resource.drop-revision", code=code)

    @change
    async def withdraw_resource(
        self, info: Info, code: str, reason: str = "", seen: str | None = None
    ) -> types.Impact | None:
        return _impact(await act(info, "resource.withdraw", code=code, reason=reason, seen=seen))

    @change
    async def designate_item_source(
        self, info: Info, meaning: str, department: str, reason: str
    ) -> types.ItemSource | None:
        told = await act(
            info, "item.designate", meaning=meaning, department=department, reason=reason
        )
        return made(types.ItemSource, told)


def _nested(told: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an entry that are types of their own."""
    items = [
        made(types.Item, item | {"codes": [made(types.Code, code) for code in item["codes"]]})
        for item in told["items"]
    ]
    contact, upstream = told["contact"], told["upstream"]
    checks = {
        name: None if told.get(name) is None else made(types.Check, told[name])
        for name in ("secrecy", "assessment")
    }
    returns = told.get("returns")
    return {
        "items": items,
        **checks,
        "returns": None if returns is None else [_return(one) for one in returns],
        "distributions": [made(types.Distribution, one) for one in told["distributions"]],
        "contact": None if contact is None else made(types.Contact, contact),
        "upstream": None if upstream is None else made(types.Upstream, upstream),
    }


def _impact(told: Mapping[str, Any]) -> types.Impact:
    return made(
        types.Impact,
        {
            **told,
            "grants": [made(types.HitGrant, one) for one in told["grants"]],
            "matters": [made(types.HitMatter, one) for one in told["matters"]],
        },
    )


def _return(told: Mapping[str, Any]) -> types.Return:
    reasons = [made(types.ReturnReason, one) for one in told["reasons"]]
    return made(types.Return, {**told, "reasons": reasons})


async def _request(info: Info, name: str, /, **arguments: Any) -> types.RequestState:
    return made(types.RequestState, await act(info, name, **arguments))


async def _grant(info: Info, name: str, /, **arguments: Any) -> types.Grant:
    return made(types.Grant, await act(info, name, **arguments))


async def _resource(info: Info, name: str, /, **arguments: Any) -> types.ResourceState:
    return made(types.ResourceState, await act(info, name, **arguments))


class ManagementSchema(strawberry.Schema):
    """The schema; unlike the library's it writes no error, with the document around it, into the log file."""

    def process_errors(
        self, errors: list[Any], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave errors to the endpoint."""


@cache
def build_schema(*, introspection: bool) -> strawberry.Schema:
    """Return the schema. Without `introspection`, which is for development alone, its names are not told."""
    extensions: list[Callable[[], SchemaExtension]] = [
        lambda: QueryDepthLimiter(max_depth=DEPTH),
        lambda: MaxAliasesLimiter(max_alias_count=ALIASES),
        lambda: MaxTokensLimiter(max_token_count=TOKENS),
    ]
    if not introspection:
        extensions.append(DisableIntrospection)
    return ManagementSchema(query=Query, mutation=Mutation, extensions=extensions)
