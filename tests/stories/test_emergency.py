"""Emergency access: two officers, one subject, an hour at most, and a review or no more of it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from audit.errors import LogUnavailableError
from catalogue.emergency import EmergencyAccess, EmergencyVerdict, check_offer
from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.model import Actor, SharingClass
from catalogue.rows import EMERGENCY
from exchange.client.session import Answer
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from tests.fakes.catalogue import a_resource
from tests.fakes.emergencies import ITEMS, ask, by, confirmed, licence, offer, short_of
from tests.fakes.node import LICENCE, USAGE, Standing, codes


def given(answer: Answer) -> Any:
    """The licence as it was answered; None where the step was refused."""
    assert answer.data is not None
    return answer.data["enterprise"]["businessLicence"]


def look(here: Standing, access: EmergencyAccess, subject: str = district.DESIGNER) -> Answer:
    document = "query($e: ID!) { enterprise(uscc: $e) { businessLicence { entName status } } }"
    return here.ask(document, subject, case=access.id)


@pytest.mark.proves("X1")
def test_one_officer_alone_opens_nothing(here: Standing) -> None:
    offer(here, *ITEMS)
    asked = ask(here)
    assert codes(look(here, asked)) == {"businessLicence": "CASE_MISSING"}
    with pytest.raises(NotAllowedError, match="SECOND_OFFICER"):
        here.node.registry.confirm_emergency(asked.id, by=by(here, "hall.operator"))
    assert here.node.held(EMERGENCY)[asked.id].opened_at is None


@pytest.mark.proves("X1")
@pytest.mark.parametrize("auth", ["session", "key", "signature"])
def test_neither_officer_comes_without_two_factors(here: Standing, auth: str) -> None:
    offer(here, *ITEMS)
    with pytest.raises(NotAllowedError, match="EMERGENCY_TWO_FACTOR"):
        ask(here, auth=auth)
    asked = ask(here)
    with pytest.raises(NotAllowedError, match="EMERGENCY_TWO_FACTOR"):
        here.node.registry.confirm_emergency(asked.id, by=by(here, "hall.head", auth=auth))


def test_two_officers_see_the_announced_items_of_the_named_subject(here: Standing) -> None:
    offer(here, *ITEMS)
    access = confirmed(here)
    answer = look(here, access)
    assert given(answer)["entName"]
    clear = here.entry(answer)
    assert clear["policy"]
    # Another subject is no party of it, and another officer has no part in it.
    assert codes(look(here, access, district.APPLICANT)) == {"businessLicence": "SUBJECT_NOT_PARTY"}


def test_the_case_of_an_emergency_lends_its_party_to_no_standing_grant(here: Standing) -> None:
    offer(here, *ITEMS)
    access = confirmed(here)
    document = "query($e: ID!) { enterprise(uscc: $e) { planningPermit { permitNo } } }"
    answer = here.ask(document, district.DESIGNER, case=access.id)
    assert codes(answer) == {"planningPermit": "GRANT_MISSING"}


def test_an_item_that_was_not_announced_or_not_asked_for_is_not_given(here: Standing) -> None:
    with pytest.raises(InvalidError, match="not announced"):
        ask(here)
    offer(here, *ITEMS)
    access = confirmed(here)
    answer = here.ask(LICENCE, district.DESIGNER, case=access.id)
    assert given(answer)["phone"] is None
    offer(here, "status")
    answer = look(here, access)
    assert given(answer)["entName"] is None


def test_what_is_shared_with_nobody_is_never_announced() -> None:
    shared = a_resource()
    name = shared.items[1].name
    items = tuple(
        replace(item, sharing_class=SharingClass.NOT_SHARED) if item.name == name else item
        for item in shared.items
    )
    with pytest.raises(InvalidError, match="not shared"):
        check_offer(replace(shared, items=items), (name,))


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"minutes": 61}, "1 to 60"),
        ({"minutes": 0}, "1 to 60"),
        ({"reason": "  "}, "reason"),
        ({"items": ()}, "at least one item"),
        ({"purpose": "data-mining"}, "purpose"),
    ],
)
def test_an_access_that_is_not_whole_is_refused(
    here: Standing, changes: dict[str, Any], needed: str
) -> None:
    offer(here, *ITEMS)
    with pytest.raises(InvalidError, match=needed):
        ask(here, **changes)


@pytest.mark.proves("X2")
def test_with_the_log_down_nothing_is_confirmed_and_nothing_released(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(here, *ITEMS)
    asked = ask(here)
    opened = confirmed(here)

    def unavailable(*_: object, **__: object) -> None:
        raise LogUnavailableError("the disk is gone")

    monkeypatch.setattr(here.node.log, "append", unavailable)
    monkeypatch.setattr(here.node.log, "append_async", unavailable)
    with pytest.raises(LogUnavailableError):
        here.node.registry.confirm_emergency(asked.id, by=by(here, "hall.head"))
    assert here.node.held(EMERGENCY)[asked.id].opened_at is None
    request = here.signed(here.write(e=district.DESIGNER, usage=_usage(opened)))
    response = here.send(request)
    assert response.status_code == 503
    assert "businessLicence" not in response.text


def test_it_ends_by_itself_and_by_word(here: Standing) -> None:
    offer(here, *ITEMS)
    access = confirmed(here)
    here.node.registry.end_emergency(access.id, by=by(here, "hall.operator", auth="session"))
    assert given(look(here, access)) is None
    other = confirmed(here)
    here.go_ahead(minutes=31)
    assert given(look(here, other)) is None


@pytest.mark.proves("X3")
def test_unreviewed_after_its_term_the_right_stops_until_it_is_reviewed(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(here, *ITEMS)
    late = confirmed(here)
    registry = here.node.registry
    monkeypatch.setattr(registry, "_clock", lambda: now() + timedelta(days=10))
    with pytest.raises(NotAllowedError, match="EMERGENCY_STOPPED"):
        ask(here)
    registry.review_emergency(
        late.id,
        verdict=EmergencyVerdict.NORMAL,
        finding="",
        by=by(here, "auditor", auth="session"),
    )
    monkeypatch.undo()
    access = confirmed(here)
    assert given(look(here, access))["entName"]


@pytest.mark.proves("X3")
def test_one_access_that_is_overdue_stops_another_that_is_open(here: Standing) -> None:
    offer(here, *ITEMS)
    first, second = confirmed(here), confirmed(here)
    snapshot = here.node.live.load()
    case = asyncio.run(here.node.live.case(SYSTEM, second.id))
    officer = here.place.ids["hall.operator"]

    def put_forward(at: datetime) -> list[str]:
        found = snapshot.candidates(SYSTEM, second.resource, case=case, officer=officer, at=at)
        return [grant.state.value for grant in found]

    assert put_forward(now()) == ["active"]
    overdue = replace(first, not_after=now() - timedelta(days=10))
    snapshot = replace(snapshot, emergencies={**snapshot.emergencies, first.id: overdue})
    assert put_forward(now()) == ["suspended"]


def test_a_review_is_written_once_by_an_auditor_after_the_end(here: Standing) -> None:
    offer(here, *ITEMS)
    access = confirmed(here)
    auditor = by(here, "auditor", auth="session")
    registry = here.node.registry

    def review(actor: Actor) -> EmergencyAccess:
        return registry.review_emergency(
            access.id, verdict=EmergencyVerdict.EXPLAINED, finding="值班记录在案", by=actor
        )

    with pytest.raises(StateError, match="EMERGENCY_STATE"):
        review(auditor)
    registry.end_emergency(access.id, by=by(here, "hall.head"))
    with pytest.raises(NotAllowedError):
        review(by(here, "hall.head"))
    assert review(auditor).verdict is EmergencyVerdict.EXPLAINED
    with pytest.raises(StateError, match="EMERGENCY_STATE"):
        review(auditor)


def test_department_provider_and_auditor_are_told_and_the_log_names_it(here: Standing) -> None:
    offer(here, *ITEMS)
    access = confirmed(here)
    provider = short_of(here, licence(here))
    for officer in ("hall.operator", f"{provider}.operator", "auditor"):
        told = here.act(officer, "emergency.list")["accesses"]
        assert [one["id"] for one in told] == [access.id]
        assert "reason" not in told[0]
    assert {"emergency.offered", "emergency.asked", "emergency.opened"} <= set(here.kinds())


def _usage(access: EmergencyAccess) -> Any:
    return structs.replace(USAGE, case=access.id)
