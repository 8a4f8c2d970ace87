"""The test zone answers as the exchange would, about nobody, and leaves the exchange as it was."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from msgspec import structs

from catalogue.codes import check_resident_id, check_uscc, normalise_subject
from catalogue.model import SubjectType
from exchange.client.errors import RefusedError
from exchange.client.session import Answer, Exchange
from exchange.demo import district
from exchange.testzone.synthetic import MARK, Magic, magic_of, subject
from tests.fakes.node import JOINING, USAGE, Standing, codes, lines

LICENCE = """query L($e: ID!) { enterprise(uscc: $e) { businessLicence {
  entName legalRep phone status validUntil } } }"""
VERIFY = (
    """query V($e: ID!) { verifyBusinessLicence(uscc: $e, claims: {valid: true}) { result } }"""
)


def firm(magic: Magic) -> str:
    return subject(SubjectType.ENTERPRISE, magic)


def keys_of(here: Standing) -> list[str]:
    told = httpx.get(f"{here.url}/test/log/key", trust_env=False).text
    return [line.split()[0] for line in told.splitlines() if line and not line.startswith("#")]


def ask(here: Standing, document: str, e: str, *, system: str = JOINING, **usage: Any) -> Answer:
    """Ask the test zone as a system that nobody granted anything; the receipt is checked."""
    with Exchange(f"{here.url}/test", key=here.place.systems[system], vkey=keys_of(here)) as client:
        return client.query(document, {"e": e}, usage=structs.replace(USAGE, **usage))


def licence(answer: Answer) -> Mapping[str, Any]:
    assert answer.data is not None
    found = answer.data["enterprise"]["businessLicence"]
    assert isinstance(found, dict)
    return found


@pytest.mark.proves("E9")
def test_a_system_without_any_grant_is_answered_with_made_up_rows_and_a_receipt(
    here: Standing,
) -> None:
    size, reads = here.node.log.size, list(here.sources.reads)
    answer = ask(here, LICENCE, firm(Magic.GIVEN), case="anything", reason="联调")
    assert licence(answer)["entName"].startswith(MARK)
    assert licence(answer)["status"] in {"有效", "存续"}
    assert answer.state == "signed"
    assert answer.entry["origin"] == f"{here.node.settings.origin}/test"
    again = ask(here, LICENCE, firm(Magic.GIVEN))
    assert again.data == answer.data
    # The exchange's own log, its sources and its counts know nothing of it.
    assert here.node.log.size == size
    assert here.sources.reads == reads
    with pytest.raises(RefusedError):
        here.as_system(JOINING).receipt(int(answer.entry["index"]))


@pytest.mark.proves("E9")
def test_each_magic_subject_has_its_outcome(here: Standing) -> None:
    def line(magic: Magic) -> dict[str, Any]:
        return lines(ask(here, LICENCE, firm(magic)))["businessLicence"]

    assert line(Magic.GIVEN)["outcome"] == "given"
    assert line(Magic.NOT_FOUND)["outcome"] == "not-found"
    withheld = line(Magic.WITHHELD)
    assert withheld["outcome"] == "partly-given"
    assert set(withheld["refused"]) == {"entName"}
    assert {"legalRep", "validUntil"} & set(line(Magic.MASKED)["masked"])
    assert "legalRep" not in line(Magic.GIVEN)["masked"]
    refused = line(Magic.REFUSED)
    assert (refused["outcome"], refused["code"]) == ("refused", "SUBJECT_NOT_PARTY")
    down = line(Magic.SOURCE_DOWN)
    assert (down["outcome"], down["code"]) == ("unavailable", "SOURCE_UNAVAILABLE")
    ended = line(Magic.GRANT_EXPIRED)
    assert (ended["outcome"], ended["code"]) == ("refused", "GRANT_EXPIRED")
    doubtful = line(Magic.DISPUTED)
    assert doubtful["outcome"] == "disputed"
    assert ["enterprise", "businessLicence", "entName"] in doubtful["disputed"]
    assert line(Magic.GIVEN)["disputed"] == []
    expired = licence(ask(here, LICENCE, firm(Magic.EXPIRED)))
    assert (expired["status"], expired["validUntil"]) == ("过期", "2020-12-31")


def test_an_expired_certificate_is_told_from_a_valid_one_and_a_missing_one(here: Standing) -> None:
    def result(magic: Magic) -> Any:
        answer = ask(here, VERIFY, firm(magic))
        assert answer.data is not None
        return answer.data["verifyBusinessLicence"]["result"]

    assert result(Magic.GIVEN) == "MATCH"
    assert result(Magic.EXPIRED) == "NOT_VALID"
    assert result(Magic.NOT_FOUND) == "NOT_FOUND"
    assert result(Magic.DISPUTED) == "UNDETERMINED"


def test_nothing_is_ever_asked_about_a_real_subject(here: Standing) -> None:
    answer = ask(here, LICENCE, district.APPLICANT)
    assert codes(answer) == {"businessLicence": "SUBJECT_NOT_PARTY"}
    assert "栖筑" not in answer.raw.decode()


def test_the_policy_rules_as_it_does_outside(here: Standing) -> None:
    foreign = ask(here, LICENCE, firm(Magic.GIVEN), matter=district.FOREIGN_MATTER)
    assert codes(foreign)["businessLicence"] is not None
    with pytest.raises(RefusedError, match="USAGE_MISSING"):
        ask(here, LICENCE, firm(Magic.GIVEN), reason="")
    unsigned = httpx.post(f"{here.url}/test/graphql", json={"query": LICENCE}, trust_env=False)
    assert unsigned.status_code == 401


def test_every_announced_resource_can_be_tried_out(here: Standing) -> None:
    document = """query All($e: ID!) { enterprise(uscc: $e) {
      businessLicence { entName } planningPermit { permitNo } qualification { grade }
      environmentalApprovals { approvalNo validUntil } wageDeposit { amount paidOn } } }"""
    answer = ask(here, document, firm(Magic.GIVEN))
    assert set(codes(answer).values()) == {None}
    assert answer.data is not None
    assert len(answer.data["enterprise"]["environmentalApprovals"]) == 3


def test_the_log_of_the_test_zone_goes_on_after_a_restart(here: Standing) -> None:
    first = ask(here, LICENCE, firm(Magic.GIVEN))
    keys = keys_of(here)
    here.restart()
    second = ask(here, LICENCE, firm(Magic.GIVEN))
    assert keys_of(here) == keys
    assert int(second.entry["index"]) > int(first.entry["index"])
    assert keys != [here.node.vkey]
    note = httpx.get(f"{here.url}/test/log/checkpoint", trust_env=False).text
    assert note.startswith(f"{here.node.settings.origin}/test\n")
    assert json.loads(here.node.log.entry(here.node.log.size - 1))["kind"] != "call"


def test_synthetic_subjects_have_right_check_characters_and_stand_for_what_they_say() -> None:
    for magic in Magic:
        check_uscc(subject(SubjectType.ENTERPRISE, magic))
        check_resident_id(subject(SubjectType.PERSON, magic))
        for type_ in SubjectType:
            made = subject(type_, magic)
            assert normalise_subject(type_, made) == made
            assert magic_of(made) is magic
    assert magic_of(district.APPLICANT) is None
    assert magic_of(district.ENGINEER) is None
