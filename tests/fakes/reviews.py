"""Reviews on a district that serves: ordered, and carried out as far as a test needs."""

from datetime import timedelta
from functools import cache
from typing import Any

from exchange.clock import now
from exchange.demo import district
from tests.fakes.node import Standing

HALL = district.HALL.code
DOCUMENT = "云监核〔2026〕7号"
SUPERVISORS = ["AUDIT-002", "AUDIT-003"]


def a_proposed(here: Standing, *, by: str = "supervisor", **changes: Any) -> dict[str, Any]:
    """A review of the hall's calls of the last hour, with what is changed."""
    wanted: dict[str, Any] = {
        "document": DOCUMENT,
        "reason": "群众反映审批系统越权查询企业登记信息",
        "since": (now() - timedelta(hours=1)).isoformat(),
        "until": (now() + timedelta(hours=1)).isoformat(),
        "officers": SUPERVISORS,
        "expires": (now() + timedelta(days=30)).isoformat(),
        "departments": [HALL],
    }
    return dict(here.act(by, "review.propose", **(wanted | changes)))


def a_review(here: Standing, **changes: Any) -> str:
    """The same, confirmed by the auditor."""
    review = str(a_proposed(here, **changes)["id"])
    here.act("auditor", "review.confirm", review=review)
    return review


@cache
def under_way(here: Standing) -> dict[str, Any]:
    """A review with a sample, a verdict, a question and an opening that waits; made once a district."""
    review = a_review(here)
    drawn = here.act("supervisor", "review.sample", review=review, count=2)["drawn"]
    first = {"review": review, "index": drawn[0]}
    here.act("supervisor", "review.judge", verdict="explained", finding="已补充说明", **first)
    question = here.act(
        "supervisor",
        "review.ask",
        review=review,
        department=HALL,
        entries=drawn[:1],
        text="请说明本次查询与办件的关系",
    )["id"]
    here.act("supervisor", "review.ask-identity", names=["operator"], reason="须约谈", **first)
    return {"review": review, "index": drawn[0], "question": question}
