"""Whom a clerk may ask about: the parties of the hall's own, open, attested case, and nobody else."""

from datetime import timedelta

import pytest

from catalogue.errors import NotAllowedError
from exchange.client.errors import RefusedError
from exchange.client.session import Party
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import CASE, SYSTEM, agree
from tests.fakes.node import PARTIES, Standing, codes
from tests.stories.test_items import request_for

ENGINEER = "query Engineer($e: ID!) { person(id: $e) { registeredEngineer { name certNo } } }"
LINKED = """query Linked($e: ID!) {
  enterprise(uscc: $e) { businessLicence { entName person { registeredEngineer { name certNo } } } }
}"""
STRANGER = Party(type="enterprise", identifier=district.STRANGER, role="co-applicant")


def open_case(
    here: Standing, number: str, *, matter: str = district.MATTER, system: str = SYSTEM
) -> None:
    here.as_system(system).put_case(
        number, matter=matter, parties=PARTIES, accepted_at=now() - timedelta(minutes=1)
    )


@pytest.mark.proves("C1")
def test_a_case_that_only_its_caller_declares_opens_no_personal_data(here: Standing) -> None:
    open_case(here, "SG-2026-0200")
    declared = here.ask(ENGINEER, e=district.ENGINEER, case="SG-2026-0200")
    assert codes(declared) == {"registeredEngineer": "CASE_DECLARED_ONLY"}
    assert here.sources.reads == []
    with pytest.raises(RefusedError):
        here.as_system().case_action("SG-2026-0200", "attest", system=SYSTEM)
    still = here.ask(ENGINEER, e=district.ENGINEER, case="SG-2026-0200")
    assert codes(still) == {"registeredEngineer": "CASE_DECLARED_ONLY"}
    here.as_system("hall.intake").case_action("SG-2026-0200", "attest", system=SYSTEM)
    attested = here.ask(ENGINEER, e=district.ENGINEER, case="SG-2026-0200")
    assert codes(attested) == {"registeredEngineer": None}


@pytest.mark.proves("C2")
def test_a_party_that_comes_late_counts_only_on_a_second_officers_word(here: Standing) -> None:
    added = here.as_system().case_action(CASE, "parties", parties=[STRANGER], operator="HALL-011")
    assert added["parties"] == 3
    assert codes(here.ask(e=district.STRANGER)) == {"businessLicence": "SUBJECT_NOT_PARTY"}
    confirmation = {
        "number": CASE,
        "system": SYSTEM,
        "type": "enterprise",
        "identifier": district.STRANGER,
    }
    with pytest.raises(NotAllowedError, match="SECOND_OFFICER"):
        here.act("hall.operator", "case.confirm-party", **confirmation)
    with pytest.raises(NotAllowedError, match="ROLE_MISSING"):
        here.act("market.head", "case.confirm-party", **confirmation)
    assert here.sources.reads == []
    here.act("hall.head", "case.confirm-party", **confirmation)
    assert codes(here.ask(e=district.STRANGER)) == {"businessLicence": None}


@pytest.mark.proves("C2")
def test_one_party_too_many_is_refused_at_once_and_later(here: Standing) -> None:
    many = [Party(type="project", identifier=f"P-{n}") for n in range(6)]
    with pytest.raises(RefusedError, match="CASE_PARTIES"):
        here.as_system().put_case(
            "SG-2026-0210", matter=district.MATTER, parties=many, accepted_at=now()
        )
    with pytest.raises(RefusedError, match="CASE_PARTIES"):
        here.as_system().case_action(CASE, "parties", parties=many[:3], operator="HALL-011")
    assert codes(here.ask()) == {"businessLicence": None}


@pytest.mark.proves("C4")
def test_no_case_is_opened_under_another_departments_matter(here: Standing) -> None:
    with pytest.raises(RefusedError, match="CASE_DEPARTMENT"):
        open_case(here, "SG-2026-0220", matter=district.FOREIGN_MATTER)
    missing = here.ask(case="SG-2026-0220", matter=district.FOREIGN_MATTER)
    assert codes(missing)["businessLicence"] is not None
    borrowed = here.ask(matter=district.FOREIGN_MATTER)
    assert codes(borrowed)["businessLicence"] is not None
    assert here.sources.reads == []


@pytest.mark.proves("C5")
def test_a_link_leads_to_parties_and_to_no_stranger(here: Standing) -> None:
    asked = request_for(
        here,
        SYSTEM,
        "307/000001",
        items=["entName", "status"],
        match=["uscc", "legalRepId"],
    )
    agree(here.place, asked, "307/000001")
    party = here.ask(LINKED)
    assert codes(party) == {"businessLicence": None, "registeredEngineer": None}
    assert party.data is not None
    linked = party.data["enterprise"]["businessLicence"]["person"]["registeredEngineer"]
    assert linked["name"] == "周砚"
    reads = len(here.sources.reads)
    # The designer's licence names somebody who is no party: the licence is given, the person is not.
    stranger = here.ask(LINKED, e=district.DESIGNER)
    assert codes(stranger) == {
        "businessLicence": None,
        "registeredEngineer": "SUBJECT_NOT_PARTY",
    }
    assert "白露" not in stranger.raw.decode()
    assert here.sources.reads[reads:] == ["market"]


@pytest.mark.parametrize(("action", "member"), [("pause", "reason"), ("close", "result")])
def test_a_case_that_is_not_open_opens_nothing_from_the_next_call_on(
    here: Standing, action: str, member: str
) -> None:
    assert codes(here.ask()) == {"businessLicence": None}
    here.as_system().case_action(CASE, action, parties=(), **{member: "按规定"})
    reads = len(here.sources.reads)
    assert codes(here.ask())["businessLicence"] is not None
    assert len(here.sources.reads) == reads


def test_a_refused_act_on_a_case_is_recorded_like_one_that_was_done(here: Standing) -> None:
    size = here.node.log.size
    with pytest.raises(RefusedError):
        open_case(here, "SG-2026-0221", matter=district.FOREIGN_MATTER)
    open_case(here, "SG-2026-0222")
    open_case_again = here.as_system().put_case
    with pytest.raises(RefusedError, match="CASE_CONFLICT"):
        open_case_again(
            "SG-2026-0222", matter=district.MATTER, parties=PARTIES[:1], accepted_at=now()
        )
    assert here.kinds(since=size) == ["case.refused", "case.opened", "case.refused"]
