"""What the supervision console lists: each breach is found from its record, and nothing else is."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from catalogue.evidence import Supplied, Supply
from catalogue.flags import DRIFTED, Flag
from catalogue.granted import GrantCourse, GrantState
from catalogue.materials import Material
from catalogue.requested import Course, RequestState, SharingRequest
from catalogue.statutes import Statutes
from catalogue.violations import Finding, Records, Violation, find_all
from tests.fakes.catalogue import (
    HALL,
    LICENCE,
    MARKET,
    MATTER,
    TODAY,
    a_grant,
    a_matter,
    a_request,
    a_resource,
    an_item,
    licence_items,
)
from tests.fakes.sharing_rows import a_correction

LAW = Statutes()
LATER = TODAY + timedelta(days=60)


def records(**changes: Any) -> Records:
    """A resource, a matter and a grant in use; a test adds what breaks a rule."""
    members: dict[str, Any] = {
        "requests": {},
        "grants": {},
        "resources": {LICENCE: a_resource()},
        "matters": {MATTER: a_matter()},
        "corrections": {},
        "flags": {},
        "fresh": {},
        "used": {},
    }
    return Records(**(members | changes))


def found(held: Records, *, at: datetime = LATER) -> list[tuple[Violation, str, str]]:
    return [(one.kind, one.department, one.key) for one in find_all(held, LAW, at=at)]


def asked(state: RequestState, **way: Any) -> SharingRequest:
    return a_request(state=state, course=Course(received_at=TODAY, **way))


def test_where_everything_is_in_order_nothing_is_listed() -> None:
    in_time = TODAY + timedelta(days=5)
    held = asked(RequestState.DELIVERED, decided_at=in_time, delivered_at=in_time)
    used = {"grt_1": LATER - timedelta(days=1)}
    assert found(records(requests={"req_1": held}, grants={"grt_1": a_grant()}, used=used)) == []


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (asked(RequestState.SUBMITTED), Violation.ANSWER_LATE),
        (
            asked(
                RequestState.DELIVERED, decided_at=TODAY + timedelta(days=20), delivered_at=LATER
            ),
            Violation.ANSWER_LATE,
        ),
        (
            asked(RequestState.AGREED, decided_at=TODAY + timedelta(days=1)),
            Violation.DELIVERY_LATE,
        ),
        (
            replace(asked(RequestState.REFUSED, decided_at=TODAY), refusal="不便提供"),
            Violation.REFUSED_WITHOUT_BASIS,
        ),
    ],
)
def test_what_a_provider_does_late_or_without_a_law_is_listed_with_its_request(
    request_: SharingRequest, kind: Violation
) -> None:
    assert (kind, MARKET, "req_1") in found(records(requests={"req_1": request_}))


def test_a_late_answer_names_the_day_it_was_due_and_the_rule() -> None:
    held = records(requests={"req_1": asked(RequestState.SUBMITTED)})
    (one,) = find_all(held, LAW, at=LATER)
    assert isinstance(one, Finding)
    assert (one.on, one.rule) == (date(2026, 3, 16), "request.answer")
    assert one.text("en") == "due on 2026-03-16, not done yet"
    assert one.text("zh") == "应于 2026-03-16 前办理，尚未办理"


def test_a_condition_that_the_entry_does_not_announce_is_invented() -> None:
    refused = replace(
        asked(RequestState.REFUSED, decided_at=TODAY),
        refusal_code="CONDITION_UNMET",
        refusal_basis="809号第二十条",
    )
    requests = {"req_1": refused}
    assert found(records(requests=requests)) == []
    bare = {LICENCE: a_resource(conditions="")}
    assert found(records(requests=requests, resources=bare)) == [
        (Violation.CONDITION_INVENTED, MARKET, "req_1")
    ]


def test_a_catalogue_entry_is_late_by_its_own_cycle_and_by_a_source_that_changed() -> None:
    weekly = {LICENCE: a_resource(update_days=7)}
    fresh = {LICENCE: LATER - timedelta(days=7)}
    assert found(records(resources=weekly, fresh=fresh)) == []
    assert found(records(resources=weekly, fresh={LICENCE: TODAY})) == [
        (Violation.NOT_UPDATED, MARKET, LICENCE)
    ]
    flag = Flag(resource=LICENCE, code=DRIFTED, items=("phone",), seen_at=TODAY)
    assert found(records(flags={LICENCE: flag})) == [(Violation.NOT_UPDATED, MARKET, LICENCE)]
    assert found(records(flags={LICENCE: flag}), at=TODAY + timedelta(days=5)) == []


def test_a_correction_that_nobody_answers_is_late() -> None:
    held = {"cor_1": a_correction()}
    assert found(records(corrections=held)) == [(Violation.CORRECTION_LATE, MARKET, "cor_1")]
    answered = {"cor_1": a_correction(answered_at=TODAY + timedelta(days=3))}
    assert found(records(corrections=answered)) == []


def test_a_department_that_keeps_what_is_shared_with_it_collects_it_again() -> None:
    own = a_resource(
        "HALL/firms",
        department=HALL,
        items=(licence_items()[0], an_item("tel", 1, title="联系电话")),
    )
    held = records(
        resources={LICENCE: a_resource(), "HALL/firms": own},
        grants={"grt_1": a_grant()},
        used={"grt_1": LATER},
    )
    assert found(held) == [(Violation.COLLECTED_AGAIN, HALL, "grt_1")]
    narrower = {"grt_1": a_grant(items=("name", "status"))}
    assert found(replace(held, grants=narrower)) == []


def test_a_matter_that_asks_applicants_for_what_sharing_supplies_is_listed() -> None:
    material = Material(code="M1", name="营业执照", resource=LICENCE)
    supplied = Supplied(
        matter=MATTER,
        department=HALL,
        material=material,
        state=Supply.SUPPLIED,
        resource=LICENCE,
        source=MARKET,
        grant="grt_1",
    )
    assert found(records(asked_again=(supplied,))) == [(Violation.COLLECTED_AGAIN, HALL, MATTER)]
    waived = replace(supplied, material=replace(material, waived=True))
    without = replace(supplied, state=Supply.NOT_ASKED)
    assert found(records(asked_again=(waived, without))) == []


def test_an_internal_rule_is_no_law_to_refuse_by() -> None:
    held = replace(
        asked(RequestState.REFUSED, decided_at=TODAY),
        refusal_code="LAW_FORBIDS",
        refusal_basis="本局内部规定第三条",
    )
    assert found(records(requests={"req_1": held})) == [
        (Violation.REFUSED_WITHOUT_BASIS, MARKET, "req_1")
    ]
    lawful = replace(held, refusal_basis="《中华人民共和国个人信息保护法》第十三条")
    assert found(records(requests={"req_1": lawful})) == []


def test_a_grant_that_outlives_its_purpose_is_listed() -> None:
    grants, used = {"grt_1": a_grant()}, {"grt_1": LATER}
    gone = {MATTER: a_matter(state="withdrawn")}
    listed = [(Violation.NOT_ENDED, HALL, "grt_1")]
    assert found(records(grants=grants, used=used, matters=gone)) == listed
    assert found(records(grants=grants, used={"grt_1": TODAY - timedelta(days=200)})) == listed
    assert found(records(grants={"grt_1": a_grant(state=GrantState.REVOKED)})) == []
    copies = GrantCourse(ended_for="expired", ended_at=TODAY, went_out=("export",), destroyed=False)
    left = {"grt_1": a_grant(state=GrantState.REVOKED, course=copies)}
    assert found(records(grants=left)) == listed
    gone_too = {"grt_1": a_grant(state=GrantState.REVOKED, course=replace(copies, destroyed=True))}
    assert found(records(grants=gone_too)) == []
