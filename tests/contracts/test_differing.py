"""Wrong values and disputes in a real registry: who may say what, in which order, and what is marked."""

from pathlib import Path

import pytest

from catalogue.corrections import CorrectionState, Received
from catalogue.disputes import Tier
from catalogue.errors import DuplicateError, InvalidError, NotAllowedError, StateError
from catalogue.model import CodeKind, Role, SubjectType
from tests.fakes.catalogue import FIRM, HALL, LICENCE, a_department
from tests.fakes.district import District, a_registry_database
from tests.fakes.sealer import FakeSealer

TOKEN = FakeSealer().token(SubjectType.ENTERPRISE, FIRM)
RECEIVED = Received(number=7, subject_type=SubjectType.ENTERPRISE, subject=TOKEN)
OTHERS = {HALL: (3, 7)}


@pytest.fixture
def district(tmp_path: Path) -> District:
    made = District(a_registry_database(tmp_path))
    made.found()
    made.announce()
    return made


def reported(district: District, *, item: str = "status", by: str = "hall.operator") -> str:
    return district.registry.report_correction(
        RECEIVED,
        resource=LICENCE,
        item=item,
        words="已于上月注销，见注销通知书",
        informed=OTHERS,
        by=district.by(by),
    ).id


def test_a_reported_value_is_disputed_until_the_correction_is_closed(district: District) -> None:
    registry, key = district.registry, reported(district)
    snapshot = district.snapshot()
    assert snapshot.disputed_items(LICENCE, TOKEN) == {"status"}
    assert snapshot.disputed_items(LICENCE, "0" * 64) == frozenset()
    act = next(act for act in district.ledger.acts if act.kind == "correction.reported")
    assert "注销" not in str(act.facts)
    assert TOKEN not in str(act.facts)
    with pytest.raises(StateError):
        registry.close_correction(key, by=district.by("market.head"))
    registry.accept_correction(key, by=district.by("market.operator"))
    assert district.snapshot().disputed_items(LICENCE, TOKEN) == {"status"}
    closed = registry.close_correction(key, by=district.by("market.operator"))
    assert (closed.state, closed.corrected) == (CorrectionState.CLOSED, True)
    assert district.snapshot().disputed == {}


def test_what_the_provider_refuses_only_the_other_side_closes(district: District) -> None:
    registry, key = district.registry, reported(district)
    with pytest.raises(NotAllowedError):
        registry.refuse_correction(key, by=district.by("hall.head"), text="不认可")
    with pytest.raises(InvalidError):
        registry.refuse_correction(key, by=district.by("market.head"), text=" ")
    registry.refuse_correction(key, by=district.by("market.head"), text="登记簿仍为存续")
    with pytest.raises(NotAllowedError):
        registry.close_correction(key, by=district.by("market.operator"))
    closed = registry.close_correction(key, by=district.by("hall.operator"))
    assert closed.corrected is False


def test_one_value_has_one_open_correction_and_nobody_corrects_their_own_by_report(
    district: District,
) -> None:
    reported(district)
    with pytest.raises(DuplicateError):
        reported(district)
    reported(district, item="name")
    with pytest.raises(InvalidError, match="at its source"):
        reported(district, item="phone", by="market.operator")
    with pytest.raises(NotAllowedError):
        reported(district, item="phone", by="auditor")


def a_neutral_authority(district: District) -> None:
    """An authority of a department that is no party to it."""
    registry = district.registry
    code = "SJJ"
    registry.add_department(
        a_department(code, code_kind=CodeKind.OTHER), by=district.by("administrator")
    )
    district.enrol("data", code, Role.AUTHORITY)


def test_a_dispute_goes_through_its_tiers_and_skips_none(district: District) -> None:
    registry, hall, market = district.registry, district.by("hall.head"), district.by("market.head")
    a_neutral_authority(district)
    key = reported(district)
    with pytest.raises(NotAllowedError):
        registry.open_dispute("correction", key, by=district.by("hall.operator"), text="不一致")
    dispute = registry.open_dispute("correction", key, by=hall, text="登记状态与通知书不符").id
    with pytest.raises(StateError, match="both departments"):
        registry.raise_dispute(dispute, by=hall, text="请主管部门裁定")
    with pytest.raises(StateError, match="nobody has brought it"):
        registry.decide_dispute(dispute, by=district.by("data"), text="以登记簿为准")
    registry.say_in_dispute(dispute, by=market, text="登记簿仍为存续")
    raised = registry.raise_dispute(dispute, by=hall, text="请主管部门裁定")
    assert raised.tier is Tier.AUTHORITY
    with pytest.raises(StateError, match="not decided yet"):
        registry.raise_dispute(dispute, by=hall, text="请政府裁定")
    with pytest.raises(NotAllowedError, match="OWN_REQUEST"):
        registry.decide_dispute(dispute, by=district.by("authority"), text="以登记簿为准")
    registry.decide_dispute(dispute, by=district.by("data"), text="以登记簿为准")
    registry.raise_dispute(dispute, by=hall, text="请政府裁定")
    with pytest.raises(InvalidError, match="document"):
        registry.decide_dispute(dispute, by=district.by("data"), text="予以更正")
    settled = registry.decide_dispute(
        dispute, by=district.by("data"), text="予以更正", document="云政函〔2026〕7号"
    )
    assert (settled.state, settled.tier) == ("settled", Tier.GOVERNMENT)
    kinds = [one.kind for one in settled.steps]
    assert kinds == ["opened", "said", "raised", "decided", "raised", "decided"]
    acts = [act for act in district.ledger.acts if act.kind.startswith("dispute.")]
    assert len(acts) == len(kinds)
    assert not any("登记" in str(act.facts) for act in acts)


def test_who_is_content_with_what_was_negotiated_ends_the_dispute(district: District) -> None:
    registry, grant = district.registry, district.grant()
    dispute = registry.open_dispute(
        "grant", grant.id, by=district.by("hall.head"), text="每日次数不足"
    ).id
    with pytest.raises(DuplicateError):
        registry.open_dispute("grant", grant.id, by=district.by("market.head"), text="已够用")
    with pytest.raises(NotAllowedError):
        registry.settle_dispute(dispute, by=district.by("market.head"), text="就这样")
    settled = registry.settle_dispute(dispute, by=district.by("hall.head"), text="已协商一致")
    assert settled.state == "settled"
    with pytest.raises(StateError):
        registry.say_in_dispute(dispute, by=district.by("market.head"), text="再说")


def test_a_demand_is_answered_with_a_resource_by_who_provides_it(district: District) -> None:
    registry = district.registry
    demand = registry.file_demand("企业登记", need="核验主体资格", by=district.by("hall.operator"))
    with pytest.raises(NotAllowedError):
        registry.answer_demand(demand.id, LICENCE, by=district.by("hall.head"))
    answered = registry.answer_demand(
        demand.id, LICENCE, by=district.by("market.operator"), text="见营业执照"
    )
    assert answered.resource == LICENCE
    with pytest.raises(StateError, match="already"):
        registry.answer_demand(demand.id, LICENCE, by=district.by("authority"))
