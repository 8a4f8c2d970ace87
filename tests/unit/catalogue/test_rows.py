"""Rows: what is written comes back, and personal columns never stand in the clear."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.bundles import BundleState
from catalogue.compatibility import kept_names
from catalogue.documents import DocumentState, TrustedDocument, document_id
from catalogue.emergency import EmergencyState, EmergencyVerdict
from catalogue.granted import RowRule
from catalogue.indicators import Target, Value
from catalogue.keeping import ErasureState
from catalogue.lifecycle import Invitation, Registration
from catalogue.loads import Load
from catalogue.materials import Material, MatterList, MatterType
from catalogue.metadata import (
    Code,
    Contact,
    Distribution,
    Sensitivity,
    SharingMethod,
    UpdateCycle,
    Upstream,
)
from catalogue.model import CertificateMapping, Listing, MatterVersion, OfficerKey, SubjectType
from catalogue.protected import row_digest
from catalogue.readings import (
    Absent,
    GraphqlReading,
    KeyPart,
    Member,
    Reading,
    RestReading,
)
from catalogue.reviews import (
    EntryVerdict,
    IdentityOpening,
    ReviewQuestion,
    ReviewSample,
    ReviewState,
    ReviewVerdict,
)
from catalogue.revisions import Revision
from catalogue.rows import KINDS, Kind, from_ms, to_ms
from catalogue.single_source import ItemSource
from catalogue.synonyms import ONLY, SynonymList
from catalogue.tables import metadata
from catalogue.trends import IndicatorDay
from catalogue.withdrawals import HitGrant, HitMatter, Impact, Withdrawal
from tests.fakes.catalogue import (
    TODAY,
    a_case,
    a_department,
    a_grant,
    a_hold,
    a_matter,
    a_party,
    a_policy_bundle,
    a_request,
    a_resource,
    a_review,
    a_source,
    a_system,
    a_system_key,
    an_emergency,
    an_erasure,
    an_officer,
)
from tests.fakes.sealer import FakeSealer
from tests.fakes.sharing_rows import SHARING_ROWS

SALT = b"0123456789abcdef"
MEMBERS = {"/name": Member(type="string", values=("a", "b"), optional=True)}
READINGS: tuple[Reading, ...] = (
    RestReading(
        method="GET",
        path="/licences/{uscc}",
        key_in="path",
        key_name="uscc",
        members=MEMBERS,
        absent=Absent(status=404, pointer="/code", value="NONE"),
    ),
    GraphqlReading(type_name="Licence", members=MEMBERS, key=(KeyPart(pointer="/uscc"),)),
)

A_DOCUMENT = TrustedDocument(
    id=document_id("hall", "0f" * 32),
    department="hall",
    digest="0f" * 32,
    name="营业执照查询",
    text="{ contract }",
    state=DocumentState.ACTIVE,
    registered_by="off_operator",
    registered_at=TODAY,
)
A_WHOLE_MATTER = a_matter(
    version=3,
    type=MatterType.LICENCE,
    lists=(MatterList.APPROVAL, MatterList.ONE_TRIP),
    online_depth=4,
    trips=0,
    statutory_days=20,
    promised_days=8,
    baseline_days=12,
    materials=(Material(code="1", name="营业执照", resource="MKT/licence", waived=True),),
)
EXAMPLES: dict[str, tuple[Any, ...]] = {
    "department": (a_department(), a_department(superior="X")),
    "system": (a_system(), a_system(responsible="off_1", intake=True)),
    "system_key": (a_system_key(), a_system_key(not_after=TODAY)),
    "officer": (an_officer(), an_officer(roles=frozenset(), post="科长")),
    "officer_key": (OfficerKey(id="k", officer="o", public=b"\x00\xff"),),
    "invitation": (Invitation(id="i", system="s", code_hash="00", expires=TODAY),),
    "source": (
        a_source(),
        a_source(secret=b"\x00", write_reason="视图由部门维护"),
        a_source(kind="graphql", description="type Query { a: Int }", rests_until=TODAY),
    ),
    "source_load": (
        Load(id="fil_1", source="market", address="x", loaded_by="off_1", loaded_at=TODAY),
    ),
    "resource": (
        Registration(resource=a_resource(), drafted_by="a", signed_by="b", announced_by="c"),
        Registration(resource=a_resource(emergency_items=("name",)), drafted_by="a"),
        Registration(
            resource=a_resource(),
            drafted_by="a",
            names=kept_names((), a_resource().items),
            before=a_resource(state="withdrawn"),
        ),
        Registration(
            resource=a_resource(
                certificate=CertificateMapping(
                    type_code="T1",
                    type_name="证",
                    roles={"number": "name"},
                    statuses={"a": "valid"},
                )
            ),
            drafted_by="a",
        ),
        Registration(
            resource=a_resource(listing=Listing(items=("name",), unique="uscc")), drafted_by="a"
        ),
        Registration(resource=a_resource(validity=None, items=()), drafted_by="a"),
        Registration(
            resource=a_resource(
                keywords=("执照",),
                update_cycle=UpdateCycle.MONTHLY,
                published_on=date(2026, 1, 5),
                contact=Contact(unit="数据科", telephone="0571-1"),
                distributions=(Distribution(method=SharingMethod.FILE),),
                upstream=Upstream(holder="省厅", way_to_ask="发函"),
                items=(
                    replace(
                        a_resource().items[0],
                        length=18,
                        codes=(Code(value="1", title="男", title_en="male"),),
                        sensitivity=Sensitivity.PERSONAL,
                    ),
                ),
            ),
            drafted_by="a",
        ),
        *(
            Registration(resource=a_resource(reading=reading, update_days=30), drafted_by="a")
            for reading in READINGS
        ),
    ),
    "matter": (a_matter(), a_matter(relations=("a.b",)), A_WHOLE_MATTER),
    "matter_version": (
        MatterVersion(
            id="001130001000@1",
            matter="001130001000",
            version=1,
            held=A_WHOLE_MATTER,
            ended_at=TODAY,
            ended_by="off",
        ),
    ),
    "sharing_request": (a_request(), a_request(signed_by=None, refusal="无依据")),
    "sharing_grant": (
        a_grant(masks={"phone": "phone"}, rows=(RowRule(item="a", op="in", value=["$x", 1]),)),
        a_grant(attested=True),
    ),
    "office_case": (
        a_case(),
        a_case(parties=(a_party(), a_party(role="agent", late=True, confirmed_by="off"))),
    ),
    "policy_bundle": (
        a_policy_bundle(),
        a_policy_bundle(
            state=BundleState.PAST,
            activated_by="b",
            activated_at=TODAY,
            proposal=4,
            activation=5,
            withdrawn_by="c",
        ),
    ),
    "emergency_access": (
        an_emergency(),
        an_emergency(
            state=EmergencyState.OPEN,
            confirmed_by="off_second",
            opened_at=TODAY,
            not_after=TODAY,
            case="case_1",
            grant="grt_1",
            reviewed_by="off_auditor",
            reviewed_at=TODAY,
            verdict=EmergencyVerdict.EXPLAINED,
            finding="值班记录在案",
        ),
    ),
    "erasure": (
        an_erasure(),
        an_erasure(
            state=ErasureState.APPROVED,
            proposal=7,
            approved_by="off_auditor",
            approved_at=TODAY,
            keys=("k1", "k2"),
            entries=3,
        ),
        an_erasure(state=ErasureState.WITHDRAWN, subject=None, withdrawn_by="off_auditor"),
    ),
    "legal_hold": (
        a_hold(),
        a_hold(everybody=True, subject_type=None, subject=None),
        a_hold(subject=None, lifted_by="off_auditor", lifted_at=TODAY),
    ),
    "trusted_document": (
        A_DOCUMENT,
        replace(A_DOCUMENT, state=DocumentState.WITHDRAWN, withdrawn_by="off_head"),
    ),
    "review": (
        a_review(),
        a_review(
            departments=(),
            cases=("SG-2026-0117",),
            subjects=((SubjectType.PERSON, "11010519491231002X"),),
            sealed=True,
            state=ReviewState.CLOSED,
            closed_by="off_supervisor",
            closed_at=TODAY,
            conclusion="未发现违规",
        ),
    ),
    "review_sample": (
        ReviewSample(
            id="smp_1",
            review="rev_1",
            seed="骰子 3 5 1",
            count=2,
            size=90,
            population=40,
            digest="00",
            drawn=(3, 8),
            drawn_by="off_1",
            drawn_at=TODAY,
        ),
    ),
    "identity_opening": (
        IdentityOpening(
            id="opn_1",
            review="rev_1",
            about=8,
            names=("case", "operator"),
            reason="须约谈",
            asked_by="off_1",
            asked_at=TODAY,
        ),
        IdentityOpening(
            id="opn_1",
            review="rev_1",
            about=8,
            names=("case",),
            reason="须约谈",
            asked_by="off_1",
            asked_at=TODAY,
            confirmed_by="off_2",
            confirmed_at=TODAY,
        ),
    ),
    "review_question": (
        ReviewQuestion(
            id="qst_1",
            review="rev_1",
            department="x",
            about=(8,),
            text="请说明",
            days=10,
            asked_by="off_1",
            asked_at=TODAY,
        ),
        ReviewQuestion(
            id="qst_1",
            review="rev_1",
            department="x",
            about=(8, 9),
            text="请说明",
            days=10,
            asked_by="off_1",
            asked_at=TODAY,
            answer="系核发所需",
            answered_by="off_3",
            answered_at=TODAY,
        ),
    ),
    "review_verdict": (
        EntryVerdict(
            id="vrd_1",
            review="rev_1",
            about=8,
            verdict=ReviewVerdict.REFERRED,
            finding="涉嫌违纪",
            given_by="off_1",
            given_at=TODAY,
        ),
    ),
    "search_synonyms": (
        SynonymList(
            id=ONLY,
            groups=(("低保", "最低生活保障"), ("驾照", "驾驶证", "driving licence")),
            set_by="off_authority",
            set_at=TODAY,
        ),
    ),
    **SHARING_ROWS,
    "resource_revision": (
        Revision(
            id="MKT/licence@2",
            resource="MKT/licence",
            revision=2,
            content=a_resource(keywords=("执照",)),
            announced_by="off_authority",
            announced_at=TODAY,
            restored_from=1,
        ),
    ),
    "withdrawal": (
        Withdrawal(
            id="MKT/licence@2",
            resource="MKT/licence",
            revision=2,
            name="营业执照",
            department="market",
            impact=Impact(
                grants=(HitGrant(grant="grt_1", department="hall", systems=("sys_hall",)),),
                matters=(HitMatter(matter="1", name="许可", department="hall"),),
            ),
            withdrawn_by="off_authority",
            withdrawn_at=TODAY,
        ),
    ),
    "item_source": (
        ItemSource(
            id="enterprise/企业名称",
            department="market",
            title="企业名称",
            reason="登记机关",
            designated_by="off_authority",
            designated_at=TODAY,
        ),
    ),
    "indicator_day": (
        IndicatorDay(
            id="2026-12-31",
            taken_at=TODAY,
            measured=(
                Value(indicator="speed-up", department=None, numerator=1, denominator=2, missing=0),
                Value(indicator="speed-up", department="d", numerator=0, denominator=0, missing=3),
            ),
        ),
    ),
    "indicator_target": (
        Target(
            id="speed-up@2026-12-31",
            indicator="speed-up",
            percent=15,
            due="2026-12-31",
            lead="dept",
            set_by="off",
            set_at=TODAY,
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_a_value_written_to_a_row_comes_back(kind: Kind[Any]) -> None:
    sealer = FakeSealer()
    for value in EXAMPLES[kind.table]:
        assert kind.read(kind.write(value, sealer), sealer) == value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_a_row_fills_every_column_of_its_table(kind: Kind[Any]) -> None:
    row = kind.write(EXAMPLES[kind.table][0], FakeSealer())
    parts = kind.parts
    columns = {column.name for column in metadata.tables[kind.table].columns}
    assert set(row) - {parts.field if parts else ""} == columns - {"entry", "salt"}
    assert all(
        value is None or type(value) in {str, int}
        for name, value in row.items()
        if parts is None or name != parts.field
    )
    if parts is not None:
        owned = {column.name for column in metadata.tables[parts.table].columns}
        assert {name for part in row[parts.field] for name in part} | {parts.owner} == owned


def test_an_entry_without_core_metadata_stands_as_it_stood_before_there_was_any() -> None:
    kind = next(kind for kind in KINDS if kind.table == "resource")
    bare = a_resource(methods=(), recipients=())
    row = kind.write(Registration(resource=bare, drafted_by="a"), FakeSealer())
    assert row["more"] is None
    assert all(item["more"] is None for item in row["items"])
    older = {name: value for name, value in row.items() if name != "more"}
    older["items"] = [
        {name: value for name, value in item.items() if name != "more"} for item in row["items"]
    ]
    key = bare.code
    assert row_digest("resource", key, row, SALT) == row_digest("resource", key, older, SALT)
    told = row | {"items": [row["items"][0] | {"more": "{}"}, *row["items"][1:]]}
    assert row_digest("resource", key, told, SALT) != row_digest("resource", key, row, SALT)


def test_personal_columns_are_sealed_and_each_sealing_differs() -> None:
    kind = next(kind for kind in KINDS if kind.table == "officer")
    sealer = FakeSealer()
    first, second = (kind.write(an_officer(name="许明镜"), sealer) for _ in range(2))
    assert "许明镜" not in str(first)
    assert "HALL-off_clerk" not in str(first)
    assert first["name"] != second["name"]
    assert first["staff_token"] == second["staff_token"]


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_times_are_kept_to_the_millisecond(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert moment - from_ms(to_ms(moment)) < timedelta(milliseconds=1)
    assert to_ms(from_ms(to_ms(moment))) == to_ms(moment)


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    kind = next(kind for kind in KINDS if kind.table == "sharing_grant")
    sealer = FakeSealer()
    grant = a_grant()
    shanghai = replace(grant, not_after=grant.not_after.astimezone())
    assert kind.read(kind.write(shanghai, sealer), sealer).not_after == grant.not_after
