"""Reviews: proposed, confirmed by an auditor, carried out, closed. Each act is recorded first."""

from collections.abc import Collection
from typing import Any

from catalogue import reviews
from catalogue.errors import InvalidError, UnknownError
from catalogue.flaws import Flaw
from catalogue.model import Actor
from catalogue.reviews import (
    EntryVerdict,
    IdentityOpening,
    NewReview,
    Review,
    ReviewQuestion,
    ReviewSample,
    ReviewVerdict,
)
from catalogue.rows import (
    DEPARTMENT,
    IDENTITY_OPENING,
    OFFICER,
    REVIEW,
    REVIEW_QUESTION,
    REVIEW_SAMPLE,
    REVIEW_VERDICT,
    Kind,
)
from catalogue.service.unit import Unit, UseCases


class Reviewing(UseCases):
    """Raises NotAllowedError, StateError, InvalidError, UnknownError; UnrecordedRowError for a forged row."""

    def propose_review(self, wanted: NewReview, *, by: Actor) -> Review:
        with self._unit(by) as unit:
            proposed = reviews.propose(
                wanted,
                review_id=self._fresh_id("rev"),
                officers=unit.all(OFFICER),
                by=unit.actor(),
                at=self._now(),
            )
            _record(unit, "review.proposed", proposed)
        return proposed

    def confirm_review(self, review: str, *, by: Actor) -> Review:
        with self._unit(by) as unit:
            confirmed = reviews.confirm(unit.need(REVIEW, review), by=unit.actor(), at=self._now())
            _record(unit, "review.opened", confirmed)
        return confirmed

    def withdraw_review(self, review: str, *, by: Actor) -> Review:
        with self._unit(by) as unit:
            withdrawn = reviews.withdraw(unit.need(REVIEW, review), by=unit.actor(), at=self._now())
            _record(unit, "review.withdrawn", withdrawn)
        return withdrawn

    def close_review(self, review: str, *, conclusion: str, by: Actor) -> Review:
        with self._unit(by) as unit:
            held = unit.need(REVIEW, review)
            drawn = {index for one in _of(unit, REVIEW_SAMPLE, review) for index in one.drawn}
            judged = {one.about for one in _of(unit, REVIEW_VERDICT, review)}
            closed = reviews.close(
                held,
                conclusion=conclusion,
                drawn=drawn,
                judged=judged,
                by=unit.actor(),
                at=self._now(),
            )
            _record(unit, "review.closed", closed)
        return closed

    def record_sample(self, sample: ReviewSample, *, by: Actor) -> ReviewSample:
        """Keep a sample that was drawn; id, officer and time are given here."""
        with self._unit(by) as unit:
            held = unit.need(REVIEW, sample.review)
            at = self._now()
            officer = reviews.need_running(held, by=unit.actor(), at=at)
            kept = ReviewSample(
                id=self._fresh_id("smp"),
                review=sample.review,
                seed=sample.seed,
                count=sample.count,
                size=sample.size,
                population=sample.population,
                digest=sample.digest,
                drawn=sample.drawn,
                drawn_by=officer.id,
                drawn_at=at,
                words=sample.words,
            )
            unit.record(
                "review.sampled",
                (REVIEW_SAMPLE, kept),
                facts={
                    "review": held.id,
                    "seed": kept.seed,
                    "count": kept.count,
                    "size": kept.size,
                    "population": kept.population,
                    "digest": kept.digest,
                    "drawn": list(kept.drawn),
                },
                private={"seed_words": kept.words} if kept.words else {},
                sealed=held.sealed,
            )
        return kept

    def ask_identity(
        self, review: str, *, about: int, names: tuple[str, ...], reason: str, by: Actor
    ) -> IdentityOpening:
        with self._unit(by) as unit:
            held = unit.need(REVIEW, review)
            asked = reviews.ask_identity(
                held,
                opening_id=self._fresh_id("opn"),
                about=about,
                names=names,
                reason=reason,
                by=unit.actor(),
                at=self._now(),
            )
            _record_opening(unit, "review.identity-asked", held, asked)
        return asked

    def confirm_identity(self, opening: str, *, by: Actor) -> IdentityOpening:
        with self._unit(by) as unit:
            asked = unit.need(IDENTITY_OPENING, opening)
            held = unit.need(REVIEW, asked.review)
            confirmed = reviews.confirm_identity(held, asked, by=unit.actor(), at=self._now())
            _record_opening(unit, "review.identity-confirmed", held, confirmed)
        return confirmed

    def ask_department(
        self,
        review: str,
        *,
        department: str,
        about: tuple[int, ...],
        text: str,
        days: int | None,
        by: Actor,
    ) -> ReviewQuestion:
        with self._unit(by) as unit:
            held = unit.need(REVIEW, review)
            if unit.find(DEPARTMENT, department) is None:
                raise InvalidError(Flaw("department: {0} is not registered", department))
            asked = reviews.ask_department(
                held,
                question_id=self._fresh_id("qst"),
                department=department,
                about=about,
                text=text,
                days=days,
                by=unit.actor(),
                at=self._now(),
            )
            _record_question(
                unit, "review.asked", held, asked, private={"question_text": asked.text}
            )
        return asked

    def answer_review(self, question: str, *, text: str, by: Actor) -> ReviewQuestion:
        with self._unit(by) as unit:
            asked = unit.need(REVIEW_QUESTION, question)
            actor = unit.actor()
            if actor.department != asked.department:
                # Whether another department is asked anything is not theirs to learn.
                raise UnknownError(f"review_question {question}")
            answered = reviews.answer(asked, text=text, by=actor, at=self._now())
            held = unit.need(REVIEW, asked.review)
            private = {"answer_text": answered.answer}
            _record_question(unit, "review.answered", held, answered, private=private)
        return answered

    def judge_entry(
        self,
        review: str,
        *,
        about: int,
        verdict: ReviewVerdict,
        finding: str,
        concerned: Collection[str],
        acted: Collection[str],
        by: Actor,
    ) -> EntryVerdict:
        """`concerned` are the departments of the entry, `acted` the officers whom it is by."""
        with self._unit(by) as unit:
            held = unit.need(REVIEW, review)
            given = reviews.judge(
                held,
                verdict_id=self._fresh_id("vrd"),
                about=about,
                verdict=verdict,
                finding=finding,
                concerned=concerned,
                acted=acted,
                by=unit.actor(),
                at=self._now(),
            )
            unit.record(
                "review.judged",
                (REVIEW_VERDICT, given),
                facts={"review": held.id, "about": about, "verdict": verdict.value},
                private={"finding": given.finding} if given.finding else {},
                sealed=held.sealed,
            )
        return given


def _of(unit: Unit, kind: Kind[Any], review: str) -> list[Any]:
    return [one for one in unit.all(kind).values() if one.review == review]


def _record(unit: Unit, act: str, review: Review) -> None:
    """Cases and subjects of the scope stand in no entry: their number alone does."""
    texts = {
        "document": review.document,
        "reason": review.reason,
        "conclusion": review.conclusion,
    }
    unit.record(
        act,
        (REVIEW, review),
        facts={
            "review": review.id,
            "state": review.state.value,
            "departments": list(review.departments),
            "systems": list(review.systems),
            "resources": list(review.resources),
            "matters": list(review.matters),
            "cases": len(review.cases),
            "subjects": len(review.subjects),
            "since": review.since.isoformat(),
            "until": review.until.isoformat(),
            "expires": review.expires.isoformat(),
            "officers": len(review.officers),
        },
        private={name: text for name, text in texts.items() if text},
        sealed=review.sealed,
    )


def _record_opening(unit: Unit, act: str, review: Review, opening: IdentityOpening) -> None:
    unit.record(
        act,
        (IDENTITY_OPENING, opening),
        facts={
            "review": review.id,
            "opening": opening.id,
            "about": opening.about,
            "names": list(opening.names),
        },
        private={"reason": opening.reason},
        sealed=review.sealed,
    )


def _record_question(
    unit: Unit, act: str, review: Review, question: ReviewQuestion, *, private: dict[str, Any]
) -> None:
    """The asked department is named: it learns of a sealed review too, for it has to answer."""
    unit.record(
        act,
        (REVIEW_QUESTION, question),
        facts={
            "review": review.id,
            "question": question.id,
            "department": question.department,
            "about": list(question.about),
            "due": question.due().day.isoformat(),
        },
        private=private,
        sealed=review.sealed,
    )
