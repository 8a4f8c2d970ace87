"""One of each row of sharing, for the tests of rows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from catalogue.corrections import Correction, CorrectionState
from catalogue.demands import Demand
from catalogue.deputies import Deputy
from catalogue.disputes import Dispute, DisputeStep, Tier
from catalogue.granted import GrantCourse
from catalogue.granting import Amendment
from catalogue.model import Role, SubjectType
from catalogue.notices import Notice, NoticeKind
from catalogue.requested import Attachment, Course, Extension, Move, RequestState, Said
from catalogue.rules import EnactedRule
from catalogue.workdays import ImportedYear
from tests.fakes.catalogue import (
    HALL,
    HALL_SYSTEM,
    LICENCE,
    MARKET,
    MATTER,
    TODAY,
    TOMORROW,
    a_grant,
    a_request,
)

SAID = Said(by="off_head", at=TODAY, text="请补充办件依据")
A_COURSE = Course(
    basket="bsk_1",
    volume=300,
    attachments=(
        Attachment(name="依据.pdf", digest="0f" * 32, size=1024, media="application/pdf"),
    ),
    returned=SAID,
    received_at=TODAY,
    accepted=SAID,
    acceptance="SL20260302-00000001",
    contact="登记科 0571-00000000",
    moves=(Move(resource=LICENCE, provider=MARKET, said=SAID),),
    extension=Extension(days=5, asked=SAID, answered=SAID, consented=True),
    decided_at=TOMORROW,
    delivered_entry=7,
)


def a_correction(**changes: Any) -> Correction:
    """The hall reports the state of a licence as wrong."""
    members: dict[str, Any] = {
        "id": "cor_1",
        "number": 7,
        "resource": LICENCE,
        "item": "status",
        "provider": MARKET,
        "department": HALL,
        "subject_type": SubjectType.ENTERPRISE,
        "subject": "0f" * 32,
        "words": "已于上月注销",
        "state": CorrectionState.REPORTED,
        "reported_by": "off_clerk",
        "reported_at": TODAY,
        "informed": (HALL, MARKET),
    }
    return Correction(**(members | changes))


SHARING_ROWS: dict[str, tuple[Any, ...]] = {
    "sharing_request": (
        a_request(),
        replace(a_request(), state=RequestState.PARTLY_AGREED, course=A_COURSE),
    ),
    "sharing_grant": (
        a_grant(),
        a_grant(
            course=GrantCourse(
                revision=2,
                resumes_at=TOMORROW,
                return_flow="region",
                ended_for="expired",
                went_out=("export",),
                destroyed=False,
            )
        ),
    ),
    "grant_amendment": (
        Amendment(
            id="amd_1",
            grant="grt_1",
            base=1,
            items=("name",),
            match=(),
            matters=(MATTER,),
            systems=(HALL_SYSTEM,),
            daily_quota=10,
            not_after=TOMORROW,
            reason="不再需要电话",
            state="proposed",
            proposed_by="off_clerk",
            proposed_side=HALL,
            proposed_at=TODAY,
        ),
        Amendment(
            id="amd_2",
            grant="grt_1",
            base=2,
            items=("name",),
            match=(),
            matters=(MATTER,),
            systems=(HALL_SYSTEM,),
            daily_quota=10,
            not_after=TOMORROW,
            reason="核减",
            state="in-force",
            proposed_by="off_clerk",
            proposed_side=HALL,
            proposed_at=TODAY,
            settled_at=TODAY,
            max_rows=100,
            daily_rows=None,
            daily_subjects=20,
            changes=("daily_rows", "daily_subjects"),
        ),
    ),
    "deputy": (
        Deputy(
            id="dpt_1",
            department=HALL,
            post=Role.HEAD,
            principal="off_head",
            deputy="off_clerk",
            begins=TODAY,
            ends=TODAY + timedelta(days=7),
            named_at=TODAY,
        ),
    ),
    "law_rule": (
        EnactedRule(
            id="law_1",
            rule="request.answer",
            value=5,
            unit="working day",
            citation="某省公共数据共享管理办法第十二条",
            first_day="2026-03-01",
            last_day=None,
            provisional=True,
            enacted_by="off_authority",
            enacted_at=TODAY,
        ),
    ),
    "workday_year": (
        ImportedYear(
            id="2027",
            notice="国务院办公厅关于2027年部分节假日安排的通知",
            holidays=("2027-01-01",),
            made_up=("2027-01-09",),
            imported_by="off_authority",
            imported_at=TODAY,
        ),
    ),
    "correction": (a_correction(), a_correction(state=CorrectionState.CLOSED, corrected=True)),
    "dispute": (
        Dispute(
            id="dsp_1",
            about_kind="correction",
            about="cor_1",
            resource=LICENCE,
            claimant=HALL,
            respondent=MARKET,
            tier=Tier.AUTHORITY,
            state="open",
            opened_by="off_head",
            opened_at=TODAY,
            steps=(
                DisputeStep(
                    tier=Tier.NEGOTIATE,
                    kind="opened",
                    by="off_head",
                    department=HALL,
                    at=TODAY,
                    text="登记状态与执照不符",
                ),
            ),
        ),
    ),
    "demand": (
        Demand(
            id="dmd_1",
            department=HALL,
            words="船员证",
            need="核验船员资格",
            filed_by="off_operator",
            filed_at=TODAY,
            resource=LICENCE,
            answer="见营业执照",
            answered_by="off_authority",
            answered_at=TODAY,
        ),
        Demand(
            id="dmd_2",
            department=HALL,
            words="船员证",
            need="核验船员资格",
            filed_by="off_operator",
            filed_at=TODAY,
        ),
    ),
    "notice": (
        Notice(
            id="ntc_1",
            department=HALL,
            kind=NoticeKind.DISPUTED,
            about="cor_1",
            resource=LICENCE,
            entries=(3, 9),
            at=TODAY,
        ),
    ),
}
