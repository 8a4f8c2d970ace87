"""An entry's points: each criterion with its evidence, and what does not apply counts neither way."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from catalogue import quality
from catalogue.files import FileAddress, format_address
from catalogue.flags import DRIFTED, Flag
from catalogue.metadata import (
    Contact,
    Distribution,
    InformationFormat,
    Openness,
    SharingMethod,
    UpdateCycle,
    Upstream,
)
from catalogue.model import SharingClass, SourceAddress
from catalogue.quality import CRITERIA, WHOLE, Dimension, Facts, Grade
from tests.fakes.catalogue import TODAY, a_department, a_resource, a_source

AS_OF = date(2026, 3, 1)


def a_file(as_of: date = AS_OF) -> SourceAddress:
    address = FileAddress(
        id="fil_0190a5c1-0000-7000-8000-000000000000",
        as_of=as_of,
        rows=120,
        content="0" * 64,
        kept="1" * 64,
    )
    return a_source(kind="file", address=format_address(address))


def facts(*, source: SourceAddress | None = None, **changes: Any) -> Facts:
    """Everything of an entry that is well kept, but for what is changed."""
    whole: dict[str, Any] = {
        "code": "307001/000001",
        "abstract": "企业法人登记信息，用于核验申请人主体资格",
        "keywords": ("营业执照", "企业登记"),
        "format": InformationFormat.DATABASE,
        "format_name": "csv",
        "methods": (SharingMethod.INTERFACE, SharingMethod.FILE),
        "distributions": (Distribution(method=SharingMethod.FILE, media_type="text/csv"),),
        "openness": Openness.NOT_OPEN,
        "update_cycle": UpdateCycle.DAILY,
        "published_on": AS_OF,
        "contact": Contact(unit="数据科", telephone="0571-0"),
        "purposes": ("administrative-basis",),
    }
    return Facts(
        resource=a_resource(**(whole | changes)),
        department=a_department(),
        source=source or a_file(),
        flag=None,
        failing=False,
        answered_for=True,
        at=TODAY,
    )


def points(given: Facts, criterion: str) -> int | None:
    (mark,) = [mark for mark in quality.assess(given).marks if mark.criterion == criterion]
    return mark.points


def test_the_points_of_the_five_dimensions_are_those_of_the_assessment() -> None:
    by: dict[Dimension, int] = {}
    for one in CRITERIA:
        by[one.dimension] = by.get(one.dimension, 0) + one.most
    assert list(by.values()) == [100, 100, 110, 75, 20]
    assert sum(by.values()) == WHOLE
    assert len({one.id for one in CRITERIA}) == len(CRITERIA)


def test_an_entry_that_says_everything_has_all_points_with_evidence_for_each() -> None:
    score = quality.assess(facts())
    assert (score.points, score.most, score.grade) == (WHOLE, WHOLE, Grade.EXCELLENT)
    assert all(mark.evidence for mark in score.counted)


@pytest.mark.parametrize(
    ("changes", "criterion"),
    [
        ({"keywords": ()}, "keywords"),
        ({"code": "MKT/licence"}, "category"),
        ({"update_cycle": None}, "timely"),
        ({"abstract": " "}, "dcat"),
        ({"conditions": ""}, "conditions"),
        ({"openness": None}, "openness"),
        ({"purposes": ()}, "rights"),
        ({"published_on": None}, "issued"),
        ({"format": None}, "format-vocabulary"),
        ({"methods": (SharingMethod.FILE,), "format_name": "doc"}, "open-format"),
    ],
)
def test_what_an_entry_does_not_say_costs_its_criterion(
    changes: dict[str, Any], criterion: str
) -> None:
    assert not points(facts(**changes), criterion)
    if criterion != "timely":
        assert quality.assess(facts(**changes)).points < WHOLE


def test_what_does_not_apply_counts_neither_way() -> None:
    closed = facts(sharing_class=SharingClass.NOT_SHARED, no_share_basis=("《某法》第一条",))
    score = quality.assess(closed)
    assert score.of(Dimension.ACCESSIBILITY) == (0, 0)
    assert score.points == score.most < WHOLE
    assert points(closed, "conditions") == 20
    above = facts(upstream=Upstream(holder="省厅", way_to_ask="发函"))
    assert points(above, "access-answers") is None
    live = facts(source=a_source(), methods=(SharingMethod.INTERFACE,))
    assert [points(live, one) for one in ("size", "modified", "download")] == [None] * 3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"flag": Flag(resource="x", code=DRIFTED, items=(), seen_at=TODAY)}, DRIFTED),
        ({"failing": True}, "failing"),
        ({"source": None}, "no-source"),
        ({"source": replace(a_file(), state="waiting")}, "waiting"),
        ({"source": replace(a_file(), rests_until=TODAY + timedelta(hours=1))}, "resting"),
    ],
)
def test_a_source_that_does_not_answer_today_is_seen_and_said_why(
    changes: dict[str, Any], why: str
) -> None:
    given = replace(facts(), **changes)
    (live,) = [m for m in quality.assess(given).marks if m.dimension is Dimension.LIVE]
    assert (live.points, live.evidence) == (0, (why,))
    assert points(given, "access-answers") == 0


@pytest.mark.parametrize(
    ("as_of", "expected"), [(date(2026, 3, 1), 100), (date(2026, 2, 27), 0), (AS_OF, 100)]
)
def test_rows_older_than_their_cycle_are_late_on_the_day_after(as_of: date, expected: int) -> None:
    assert points(facts(source=a_file(as_of)), "timely") == expected


def test_an_irregular_cycle_and_rows_read_live_are_never_late() -> None:
    assert points(facts(update_cycle=UpdateCycle.IRREGULAR), "timely") is None
    assert points(facts(source=a_source()), "timely") is None


def test_what_to_mend_next_is_what_costs_most_and_names_the_entries() -> None:
    bare = quality.assess(facts(keywords=(), openness=None))
    assert [mark.criterion for mark in bare.next()][:2] == ["keywords", "openness"]
    found = quality.mends([bare, quality.assess(facts(openness=None))])
    assert [(one.criterion, len(one.entries), one.points) for one in found[:2]] == [
        ("keywords", 1, 30),
        ("openness", 2, 20),
    ]
    assert quality.mean_share([]) is None
