"""Requests and grants from end to end in a real registry: who may do what, in which order, recorded how."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from catalogue import store
from catalogue.errors import InvalidError, NotAllowedError, OwnRequestError, StateError
from catalogue.granted import Grant, GrantState
from catalogue.granting import Amended, Narrower, sign_amendment
from catalogue.model import Resource, Role
from catalogue.notices import Notice
from catalogue.requested import Attachment, RequestState
from catalogue.rows import GRANT, NOTICE, REQUEST, RESOURCE, Kind
from catalogue.rules import FORM_CHECK, Rule
from catalogue.service.supervision import FirstCall, Ran, due_now
from catalogue.terms import Terms
from tests.fakes.catalogue import (
    HALL,
    HOUSING,
    LICENCE,
    MARKET,
    TODAY,
    a_department,
    a_resource,
    a_source,
    an_item,
    licence_items,
)
from tests.fakes.district import District, a_registry_database

T = TypeVar("T")
OTHER = "HSG/qualification"
REGIONS = "MKT/regions"


class Later(District):
    """A district whose clock can be put on."""

    at: datetime = TODAY

    def __post_init__(self) -> None:
        super().__post_init__()
        self.registry._clock = lambda: self.at


@pytest.fixture
def district(tmp_path: Path) -> Later:
    made = Later(a_registry_database(tmp_path))
    made.found()
    made.announce()
    return made


def held(district: Later, kind: Kind[T], key: str) -> T:
    with district.engine.connect() as connection:
        found = store.find(
            connection, kind, key, recorded=district.ledger.digest, sealer=district.sealer
        )
    assert found is not None
    return found


def run(district: Later, **first_calls: FirstCall) -> Ran:
    requests, grants = everything(district, REQUEST), everything(district, GRANT)
    resources = {key: one.resource for key, one in everything(district, RESOURCE).items()}
    law = district.registry.law()
    due = due_now(requests, grants, resources, law, first_calls=first_calls, at=district.at)
    return district.registry.run_clocks(
        due, first_calls=first_calls, went_out=lambda _grant: (), authorities=[HALL]
    )


def everything(district: Later, kind: Kind[T]) -> dict[str, T]:
    with district.engine.connect() as connection:
        return store.find_all(
            connection, kind, recorded=district.ledger.rows(), sealer=district.sealer
        )[0]


def draft(district: Later) -> str:
    hall = district.by("hall.operator")
    return district.registry.request_sharing(district.wanted(), by=hall).id


def test_a_head_gives_a_draft_back_with_every_reason_and_it_is_found_and_sent_again(
    district: Later,
) -> None:
    registry, key = district.registry, draft(district)
    with pytest.raises(NotAllowedError):
        registry.return_request(key, by=district.by("hall.operator"), reasons="不行")
    back = registry.return_request(key, by=district.by("hall.head"), reasons="依据不具体；期限过长")
    assert back.state is RequestState.RETURNED
    assert back.way.returned is not None
    assert back.way.returned.text == "依据不具体；期限过长"
    assert "依据" not in str(district.ledger.acts[-1].facts)
    with pytest.raises(StateError):
        registry.sign_request(key, by=district.by("hall.head"))
    wanted = district.wanted(items=("uscc", "name"), volume=300)
    revised = registry.revise_request(key, wanted, by=district.by("hall.second"))
    assert (revised.state, revised.items) == (RequestState.DRAFT, ("uscc", "name"))
    signed, _ = registry.sign_request(key, by=district.by("hall.head"))
    assert (signed.state, signed.way.received_at) == (RequestState.SUBMITTED, TODAY)


def test_an_accepted_request_has_a_number_and_somebody_to_ask(district: Later) -> None:
    request, provider = district.ask(), district.by("market.operator")
    with pytest.raises(InvalidError, match="contact"):
        district.registry.accept_request(request.id, by=provider, contact=" ")
    accepted = district.registry.accept_request(request.id, by=provider, contact="登记科 87001234")
    assert accepted.state is RequestState.ACCEPTED
    assert accepted.way.acceptance.startswith("SL20260302-")
    with pytest.raises(StateError, match="already"):
        district.registry.accept_request(request.id, by=provider, contact="另一人")
    assert district.registry.grant(request.id, by=provider).state is GrantState.ACTIVE


def test_a_basket_is_drafted_whole_or_not_at_all_and_each_provider_decides_its_own(
    district: Later,
) -> None:
    registry, hall = district.registry, district.by("hall.operator")
    a_second_resource(district)
    bad = [district.wanted(legal_basis=" "), district.wanted(resource=OTHER, items=("nothing",))]
    with pytest.raises(InvalidError) as refused:
        registry.request_basket(bad, by=hall)
    assert f"{LICENCE}: legal_basis is missing" in refused.value.findings
    assert f"{OTHER}: resource {OTHER} has no item nothing" in refused.value.findings
    assert district.snapshot().asked == frozenset()
    good = [
        district.wanted(),
        district.wanted(resource=OTHER, items=("uscc", "grade"), match=("uscc",)),
    ]
    drafted = registry.request_basket(good, by=hall)
    (number,) = {one.way.basket for one in drafted}
    paper = Attachment(name="依据.pdf", digest="0f" * 32, size=9, media="application/pdf")
    registry.attach([one.id for one in drafted], paper, by=hall)
    signed = registry.sign_basket(str(number), by=district.by("hall.head"))
    assert [one.state for one, _ in signed] == [RequestState.SUBMITTED] * 2
    assert all(one.way.attachments == (paper,) for one, _ in signed)
    licence, qualification = drafted
    registry.refuse(licence.id, by=district.by("market.operator"), reason="依据不足")
    registry.grant(qualification.id, by=district.by("housing.operator"))
    assert held(district, REQUEST, licence.id).state is RequestState.REFUSED
    with pytest.raises(StateError):
        registry.attach([licence.id], paper, by=hall)


def a_second_resource(district: Later) -> Resource:
    """The housing department's qualifications, with its people."""
    registry = district.registry
    registry.add_department(a_department(HOUSING), by=district.by("administrator"))
    district.enrol("housing.operator", HOUSING, Role.OPERATOR)
    district.enrol("housing.head", HOUSING, Role.HEAD)
    registry.add_source(a_source("housing", department=HOUSING), by=district.by("housing.operator"))
    drafted = registry.draft_resource(
        a_resource(
            OTHER,
            department=HOUSING,
            source="housing",
            type_name="Qualification",
            field_name="qualification",
            list_name="qualifications",
            items=(
                licence_items()[0],
                an_item("name", 1, match=True),
                an_item("grade", 2),
                an_item("status", 3),
                an_item("validUntil", 4),
            ),
        ),
        by=district.by("housing.operator"),
    )
    district.examine(drafted.code, by="housing.operator")
    registry.submit_resource(drafted.code, by=district.by("housing.head"))
    return registry.announce_resource(drafted.code, by=district.by("authority"))


def test_a_transferred_request_is_anothers_to_answer_in_what_is_left_of_the_time(
    district: Later,
) -> None:
    registry, request = district.registry, district.ask(items=("uscc", "name"))
    a_second_resource(district)
    with pytest.raises(InvalidError, match="has no item phone"):
        registry.transfer_request(
            request.id,
            to=OTHER,
            by=district.by("market.operator"),
            reason="资质由住建局掌握",
            items=("uscc", "phone"),
        )
    moved = registry.transfer_request(
        request.id, to=OTHER, by=district.by("market.operator"), reason="资质由住建局掌握"
    )
    assert (moved.state, moved.resource) == (RequestState.TRANSFERRED, OTHER)
    assert moved.way.received_at == TODAY
    with pytest.raises(NotAllowedError):
        registry.grant(request.id, by=district.by("market.operator"))
    assert registry.grant(request.id, by=district.by("housing.operator")).provider == HOUSING


def test_a_request_is_withdrawn_until_it_is_decided(district: Later) -> None:
    registry, request = district.registry, district.ask()
    with pytest.raises(NotAllowedError):
        registry.withdraw_request(request.id, by=district.by("market.head"), reason="不要了")
    withdrawn = registry.withdraw_request(
        request.id, by=district.by("hall.operator"), reason="改用核验"
    )
    assert withdrawn.state is RequestState.WITHDRAWN
    with pytest.raises(StateError):
        registry.grant(request.id, by=district.by("market.operator"))


def test_where_the_table_has_the_form_check_the_authority_passes_it_first(
    district: Later,
) -> None:
    registry, authority = district.registry, district.by("authority")
    registry.enact_rule(
        Rule(
            id=FORM_CHECK,
            value=2,
            unit="working day",
            citation="高平市公共数据共享细则",
            first_day=TODAY.date(),
        ),
        by=authority,
    )
    request = district.ask()
    assert request.state is RequestState.CHECKING
    with pytest.raises(StateError):
        registry.grant(request.id, by=district.by("market.operator"))
    passed = registry.pass_form(request.id, by=authority)
    assert passed.state is RequestState.SUBMITTED
    assert registry.grant(request.id, by=district.by("market.operator")).resource == LICENCE


@pytest.mark.proves("G7")
def test_what_nobody_answers_becomes_overdue_is_told_to_the_authority_and_grants_nothing(
    district: Later,
) -> None:
    registry, request = district.registry, district.ask()
    district.at = TODAY + timedelta(days=14)
    assert run(district).overdue == ()
    district.at = TODAY + timedelta(days=15)
    assert run(district).overdue == (request.id,)
    assert run(district) == Ran()
    late = held(district, REQUEST, request.id)
    assert (late.state, late.decided_by) == (RequestState.OVERDUE, None)
    assert district.snapshot().grants == {}
    told = [one for one in notices(district) if one.kind == "overdue"]
    assert {one.department for one in told} == {HALL, MARKET}
    act = next(act for act in reversed(district.ledger.acts) if act.kind == "request.overdue")
    assert act.facts["due"] == "2026-03-16"
    registry.grant(request.id, by=district.by("market.operator"))
    assert held(district, REQUEST, request.id).way.overdue_at is not None


def notices(district: Later) -> list[Notice]:
    return list(everything(district, NOTICE).values())


def test_more_time_is_the_authoritys_to_give_and_the_requester_is_told(
    district: Later,
) -> None:
    registry, request = district.registry, district.ask()
    registry.ask_extension(
        request.id, days=5, by=district.by("market.operator"), reason="档案在核对"
    )
    with pytest.raises(NotAllowedError):
        registry.answer_extension(request.id, consent=True, by=district.by("market.head"))
    extended = registry.answer_extension(request.id, consent=True, by=district.by("authority"))
    assert extended.way.extension is not None
    assert extended.way.extension.consented
    assert HALL in {one.department for one in notices(district) if one.kind == "extension"}
    district.at = TODAY + timedelta(days=15)
    assert run(district).overdue == ()


def test_the_first_call_ends_the_delivery_and_the_end_of_the_grant_ends_the_request(
    district: Later,
) -> None:
    grant = district.grant(Terms(items=("uscc", "name")))
    assert held(district, REQUEST, grant.request).state is RequestState.PARTLY_AGREED
    first = FirstCall(entry=42, at=TODAY)
    assert run(district, **{grant.id: first}).delivered == (grant.request,)
    delivered = held(district, REQUEST, grant.request)
    assert (delivered.state, delivered.way.delivered_entry) == (RequestState.DELIVERED, 42)
    district.registry.revoke(grant.id, by=district.by("market.head"), reason="用途已变")
    assert run(district).ended == (grant.request,)
    ended = held(district, REQUEST, grant.request)
    assert ended.state is RequestState.ENDED
    assert ended.way.ended is not None
    assert ended.way.ended.text == "revoked"


def test_a_suspension_with_a_day_resumes_by_itself(district: Later) -> None:
    grant = district.grant()
    until = TODAY + timedelta(days=3)
    district.registry.suspend(grant.id, by=district.by("market.head"), resumes_at=until)
    assert run(district).resumed == ()
    district.at = until
    assert run(district).resumed == (grant.id,)
    assert district.snapshot().grants[grant.id].state is GrantState.ACTIVE


def test_narrowing_takes_away_at_once_and_never_gives(district: Later) -> None:
    registry, provider, grant = district.registry, district.by("market.head"), district.grant()
    with pytest.raises(InvalidError, match="legalRepId is not in the grant"):
        registry.narrow(
            grant.id, Narrower(items=("name", "legalRepId")), by=provider, reason="只需名称"
        )
    with pytest.raises(InvalidError, match="more than before"):
        registry.narrow(grant.id, Narrower(daily_quota=9999), by=provider, reason="多些")
    with pytest.raises(NotAllowedError):
        registry.narrow(
            grant.id, Narrower(items=("name",)), by=district.by("hall.head"), reason="少些"
        )
    narrowed = registry.narrow(
        grant.id, Narrower(items=("name",), daily_quota=10), by=provider, reason="只需名称"
    )
    assert (narrowed.items, narrowed.daily_quota) == (("name",), 10)
    assert district.ledger.acts[-1].narrowing


def test_an_amendment_holds_once_the_heads_of_both_sides_have_signed_it(
    district: Later,
) -> None:
    registry, grant = district.registry, district.grant(Terms(items=("uscc", "name")))
    proposed = registry.propose_amendment(
        grant.id,
        Amended(items=("uscc", "name", "status")),
        by=district.by("hall.operator"),
        reason="还须核验登记状态",
    )
    with pytest.raises(NotAllowedError):
        registry.sign_amendment(proposed.id, by=district.by("hall.operator"))
    _signed, amended = registry.sign_amendment(proposed.id, by=district.by("hall.head"))
    assert amended is None
    assert district.snapshot().grants[grant.id].items == ("uscc", "name")
    with pytest.raises(StateError, match="signed for this side"):
        registry.sign_amendment(proposed.id, by=district.by("hall.head"))
    _signed, amended = registry.sign_amendment(proposed.id, by=district.by("market.head"))
    assert amended is not None
    assert (amended.items, amended.way.revision) == (("uscc", "name", "status"), 2)
    stale = registry.propose_amendment(
        grant.id, Amended(daily_quota=5), by=district.by("market.operator"), reason="减量"
    )
    registry.withdraw_amendment(stale.id, by=district.by("hall.operator"))
    with pytest.raises(StateError, match="withdrawn"):
        registry.sign_amendment(stale.id, by=district.by("market.head"))


def amended(district: Later, grant: str, wanted: Amended, *, by: str = "hall.operator") -> Grant:
    """Propose other terms, and have the heads of both sides sign them."""
    registry = district.registry
    proposed = registry.propose_amendment(grant, wanted, by=district.by(by), reason="业务量变化")
    registry.sign_amendment(proposed.id, by=district.by("hall.head"))
    _signed, found = registry.sign_amendment(proposed.id, by=district.by("market.head"))
    assert found is not None
    return found


@pytest.mark.parametrize("by", ["hall.operator", "market.operator"])
def test_each_budget_is_amended_up_and_down_and_lifted_as_either_side_proposes(
    district: Later, by: str
) -> None:
    grant = district.grant(Terms(daily_rows=100, daily_subjects=10)).id
    more = amended(district, grant, Amended(daily_rows=500, daily_subjects=50, max_rows=200), by=by)
    assert (more.daily_rows, more.daily_subjects, more.max_rows) == (500, 50, 200)
    lifted = amended(district, grant, Amended(unbounded=("daily_subjects",)), by=by)
    assert (lifted.daily_rows, lifted.daily_subjects, lifted.max_rows) == (500, None, 200)
    bounded = amended(district, grant, Amended(daily_subjects=5, daily_rows=50), by=by)
    assert (bounded.daily_rows, bounded.daily_subjects, bounded.way.revision) == (50, 5, 4)
    assert district.ledger.acts[-1].narrowing
    assert held(district, GRANT, grant) == bounded


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Amended(daily_rows=0), "records a day: at least 1 needed"),
        (Amended(daily_subjects=-1), "different subjects a day: at least 1 needed"),
        (Amended(max_rows=0), "records of one answer: at least 1 needed"),
        (Amended(daily_quota=0), "calls a day: at least 1 needed"),
        (Amended(daily_subjects=10**9), "different subjects a day: at most 999999999"),
        (Amended(unbounded=("daily_quota",)), "calls a day cannot be without a bound"),
        (Amended(unbounded=("matters",)), "matters cannot be without a bound"),
        (
            Amended(daily_rows=5, unbounded=("daily_rows",)),
            "records a day: a number and no bound at once",
        ),
        (Amended(unbounded=("daily_rows",)), "nothing would change"),
        (Amended(daily_subjects=10), "nothing would change"),
        (Amended(items=("name", "uscc")), "nothing would change"),
        (Amended(items=("uscc", "nothing")), "has no item nothing"),
    ],
)
def test_an_amendment_that_could_not_be_is_not_proposed(
    district: Later, wanted: Amended, said: str
) -> None:
    grant = district.grant(Terms(items=("uscc", "name"), daily_subjects=10))
    before = len(district.ledger.acts)
    with pytest.raises(InvalidError, match=said):
        district.registry.propose_amendment(
            grant.id, wanted, by=district.by("hall.operator"), reason="业务量变化"
        )
    assert len(district.ledger.acts) == before


def test_an_amendment_changes_what_it_names_alone_so_that_what_was_narrowed_meanwhile_stays(
    district: Later,
) -> None:
    registry, head = district.registry, district.by("market.head")
    grant = district.grant(Terms(items=("uscc", "name"), daily_quota=100))
    proposed = registry.propose_amendment(
        grant.id, Amended(daily_subjects=50), by=district.by("hall.operator"), reason="明确范围"
    )
    assert proposed.changes == ("daily_subjects",)
    narrower = Narrower(items=("uscc",), daily_quota=10, daily_rows=20)
    registry.narrow(grant.id, narrower, by=head, reason="只需代码")
    registry.sign_amendment(proposed.id, by=district.by("hall.head"))
    _signed, found = registry.sign_amendment(proposed.id, by=head)
    assert found is not None
    assert (found.items, found.daily_quota, found.daily_rows) == (("uscc",), 10, 20)
    assert found.daily_subjects == 50


def test_an_amendment_of_before_the_budgets_changes_its_six_terms_and_no_budget(
    district: Later,
) -> None:
    grant = district.grant(Terms(items=("uscc", "name"), daily_rows=30))
    registry = district.registry
    proposed = registry.propose_amendment(
        grant.id, Amended(daily_quota=5), by=district.by("hall.operator"), reason="减量"
    )
    of_before = replace(proposed, changes=None, max_rows=None, daily_rows=None)
    resource = held(district, RESOURCE, grant.resource).resource
    signed, _none = sign_amendment(
        of_before, grant, resource, by=district.by("hall.head"), at=TODAY
    )
    _signed, found = sign_amendment(
        signed, grant, resource, by=district.by("market.head"), at=TODAY
    )
    assert found is not None
    assert (found.daily_quota, found.daily_rows, found.max_rows) == (5, 30, grant.max_rows)


def test_copies_that_went_out_have_to_be_confirmed_as_destroyed(district: Later) -> None:
    registry, grant = district.registry, district.grant()
    with pytest.raises(NotAllowedError):
        registry.end_grant(
            grant.id, by=district.by("market.head"), reason="purpose-achieved", went_out=()
        )
    ended = registry.end_grant(
        grant.id,
        by=district.by("hall.head"),
        reason="purpose-achieved",
        went_out=("export",),
        words="专项工作结束",
    )
    assert (ended.state, ended.way.destroyed) == (GrantState.REVOKED, False)
    with pytest.raises(NotAllowedError):
        registry.confirm_destruction(grant.id, by=district.by("market.head"), statement="已销毁")
    confirmed = registry.confirm_destruction(
        grant.id, by=district.by("hall.head"), statement="三份导出文件已从业务库清除"
    )
    assert confirmed.way.destroyed
    assert run(district).ended == (grant.request,)
    assert held(district, GRANT, grant.id).way.ended_for == "purpose-achieved"


def test_what_flows_back_to_a_lower_level_is_held_to_its_own_region(district: Later) -> None:
    registry = district.registry
    registry.import_departments(
        [a_department(MARKET, level="city", region="990100")], by=district.by("administrator")
    )
    with pytest.raises(InvalidError, match="names no region"):
        district.grant()
    items = (*licence_items(), an_item("xzqhdm", 6, title="行政区划代码"))
    named = a_resource(
        REGIONS,
        items=items,
        type_name="RegionalLicence",
        field_name="regionalLicence",
        list_name="regionalLicences",
    )
    district.announce(named)
    grant = district.grant(resource=REGIONS)
    (row,) = grant.rows
    assert (row.item, row.op, row.value) == ("xzqhdm", "prefix", "$caller.region")
    assert grant.way.return_flow == "xzqhdm"


def test_a_deputy_signs_for_the_head_from_one_moment_to_another_and_the_act_names_it(
    district: Later,
) -> None:
    registry, second = district.registry, district.by("hall.second")
    key = draft(district)
    with pytest.raises(NotAllowedError):
        registry.sign_request(key, by=second)
    with pytest.raises(NotAllowedError):
        registry.name_deputy(
            second.id,
            post=Role.HEAD,
            begins=TODAY,
            ends=TODAY + timedelta(days=7),
            by=district.by("hall.operator"),
        )
    named = registry.name_deputy(
        second.id,
        post=Role.HEAD,
        begins=TODAY,
        ends=TODAY + timedelta(days=7),
        by=district.by("hall.head"),
    )
    signed, _ = registry.sign_request(key, by=second)
    assert signed.state is RequestState.SUBMITTED
    assert district.ledger.acts[-1].facts["deputies"] == [named.id]
    district.at = TODAY + timedelta(days=7)
    with pytest.raises(NotAllowedError):
        registry.sign_request(draft(district), by=second)


@pytest.mark.proves("G1")
def test_a_deputy_never_signs_their_own_request_and_passes_the_post_on_to_nobody(
    district: Later,
) -> None:
    registry, second = district.registry, district.by("hall.second")
    week = TODAY + timedelta(days=7)
    named = registry.name_deputy(
        second.id, post=Role.HEAD, by=district.by("hall.head"), begins=TODAY, ends=week
    )
    own = registry.request_sharing(district.wanted(), by=second)
    with pytest.raises(OwnRequestError):
        registry.sign_request(own.id, by=second)
    with pytest.raises(NotAllowedError):
        registry.name_deputy(
            district.by("hall.operator").id, post=Role.HEAD, by=second, begins=TODAY, ends=week
        )
    for unfit in ("auditor", "market.head", "hall.head"):
        with pytest.raises(InvalidError):
            registry.name_deputy(
                district.by(unfit).id,
                post=Role.HEAD,
                by=district.by("hall.head"),
                begins=TODAY,
                ends=week,
            )
    registry.end_deputy(named.id, by=district.by("hall.head"))
    with pytest.raises(NotAllowedError):
        registry.sign_request(draft(district), by=second)
