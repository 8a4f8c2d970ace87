"""The management API's part on reviews of the log: from the order to the report."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types import Info

from audit.canonical import encode
from exchange.api import types
from exchange.api.fields import act, change, field
from exchange.api.types import made

_PARTS: Mapping[str, type[Any]] = {
    "samples": types.ReviewSample,
    "verdicts": types.ReviewVerdict,
    "openings": types.ReviewOpening,
    "questions": types.ReviewQuestion,
}


@strawberry.type
class ReviewingQuery:
    @field
    async def reviews(self, info: Info) -> list[types.Review] | None:
        told = await act(info, "review.list")
        return [_review(row) for row in told["reviews"]]

    @field
    async def review(self, info: Info, id: str) -> types.ReviewWhole | None:  # noqa: A002 - the word of the schema
        return _whole(await act(info, "review.show", review=id))

    @field
    async def review_questions(self, info: Info) -> list[types.ReviewQuestion] | None:
        told = await act(info, "review.questions")
        return [made(types.ReviewQuestion, row) for row in told["waiting"] + told["answered"]]

    @field
    async def review_report(self, info: Info, review: str) -> types.ReviewReport | None:
        """What was looked at and found, as an evidence bundle. Taking it is itself an entry."""
        told = await act(info, "review.report", review=review)
        return made(types.ReviewReport, told | {"report": _whole(told["report"])})


@strawberry.type
class ReviewingMutation:
    @change
    async def propose_review(self, info: Info, wanted: types.ReviewInput) -> types.Review | None:
        subjects = [(one.type, one.identifier) for one in wanted.subjects]
        told = await act(
            info,
            "review.propose",
            document=wanted.document,
            reason=wanted.reason,
            since=wanted.since.isoformat(),
            until=wanted.until.isoformat(),
            expires=wanted.expires.isoformat(),
            officers=wanted.officers,
            departments=wanted.departments,
            systems=wanted.systems,
            resources=wanted.resources,
            matters=wanted.matters,
            cases=wanted.cases,
            subjects=subjects,
            sealed=wanted.sealed,
        )
        return _review(told)

    @change
    async def confirm_review(self, info: Info, review: str) -> types.Review | None:
        return _review(await act(info, "review.confirm", review=review))

    @change
    async def withdraw_review(self, info: Info, review: str) -> types.Review | None:
        return _review(await act(info, "review.withdraw", review=review))

    @change
    async def close_review(self, info: Info, review: str, conclusion: str) -> types.Review | None:
        return _review(await act(info, "review.close", review=review, conclusion=conclusion))

    @change
    async def draw_sample(
        self, info: Info, review: str, count: int, seed: str | None = None
    ) -> types.ReviewSample | None:
        told = await act(info, "review.sample", review=review, count=count, seed=seed)
        return made(types.ReviewSample, told)

    @change
    async def check_sample(self, info: Info, sample: str) -> types.CheckedSample | None:
        """Draw a recorded sample again. Doing so is itself an entry, so that it is no query."""
        return made(types.CheckedSample, await act(info, "review.check-sample", sample=sample))

    @change
    async def judge_entry(
        self, info: Info, review: str, index: int, verdict: str, finding: str = ""
    ) -> types.ReviewVerdict | None:
        told = await act(
            info, "review.judge", review=review, index=index, verdict=verdict, finding=finding
        )
        return made(types.ReviewVerdict, told)

    @change
    async def ask_department(
        self,
        info: Info,
        review: str,
        department: str,
        entries: list[int],
        text: str,
        days: int | None = None,
    ) -> types.ReviewQuestion | None:
        told = await act(
            info,
            "review.ask",
            review=review,
            department=department,
            entries=entries,
            text=text,
            days=days,
        )
        return made(types.ReviewQuestion, told)

    @change
    async def answer_review(
        self, info: Info, question: str, text: str
    ) -> types.ReviewQuestion | None:
        told = await act(info, "review.answer", question=question, text=text)
        return made(types.ReviewQuestion, told)

    @change
    async def ask_identity(
        self, info: Info, review: str, index: int, names: list[str], reason: str
    ) -> types.ReviewOpening | None:
        told = await act(
            info, "review.ask-identity", review=review, index=index, names=names, reason=reason
        )
        return made(types.ReviewOpening, told)

    @change
    async def confirm_identity(self, info: Info, opening: str) -> types.ReviewOpening | None:
        return made(
            types.ReviewOpening, await act(info, "review.confirm-identity", opening=opening)
        )

    @change
    async def open_identity(self, info: Info, opening: str) -> types.OpenedIdentity | None:
        """Tell what was agreed to be opened, to an officer of the review. Each look is an entry first."""
        told = await act(info, "review.open-identity", opening=opening)
        opened = [
            types.OpenedValue(name=name, value=_text(value))
            for name, value in told["opened"].items()
        ]
        return made(types.OpenedIdentity, told | {"opened": opened})


def _review(told: Mapping[str, Any]) -> types.Review:
    return made(types.Review, {**told, **_moments(told)})


def _whole(told: Mapping[str, Any]) -> types.ReviewWhole:
    parts = {name: [made(kind, row) for row in told[name]] for name, kind in _PARTS.items()}
    return made(types.ReviewWhole, {**told, **parts, **_moments(told)})


def _moments(told: Mapping[str, Any]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(told[name]) for name in ("since", "until", "expires")}


def _text(value: Any) -> str:
    """A value as text: words as they are, anything else as canonical JSON."""
    return value if isinstance(value, str) else encode(value).decode()
