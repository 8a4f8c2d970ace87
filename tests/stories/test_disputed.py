"""A wrong value: reported, marked for everybody who is given it meanwhile, and settled."""

from exchange.client.session import Answer
from exchange.demo import district
from tests.fakes.node import LICENCE, USAGE, Standing, lines

NAME = "营业执照查询"


def test_a_value_that_was_reported_as_wrong_is_given_with_a_mark_until_it_is_settled(
    here: Standing,
) -> None:
    claim = "query V($e: ID!) { verifyBusinessLicence(uscc: $e, claims: {valid: true}) { result } }"
    received = here.ask()
    made = here.act(
        "hall.operator",
        "correction.report",
        entry=received.entry["index"],
        resource="307/000001",
        item="status",
        type="enterprise",
        identifier=district.APPLICANT,
        words="登记状态与营业执照原件不符",
    )
    place = ["enterprise", "businessLicence", "status"]
    for answer in (here.ask(), by_rest(here)):
        line = lines(answer)["businessLicence"]
        assert (line["outcome"], line["disputed"], line["next"]) == (
            "disputed",
            [place],
            "accept-later",
        )
        assert (answer.data or {})["enterprise"]["businessLicence"]["status"] == "存续"
        assert here.entry(answer)["steps"][0]["outcome"] == "disputed"
    assert lines(here.ask(claim))["verifyBusinessLicence"]["outcome"] == "disputed"
    assert (here.ask(claim).data or {})["verifyBusinessLicence"]["result"] == "UNDETERMINED"
    # A value of another is not in doubt.
    assert lines(here.ask(e=district.DESIGNER))["businessLicence"]["disputed"] == []
    here.act("market.operator", "correction.accept", correction=made["id"], text="已核实")
    here.act("market.operator", "correction.close", correction=made["id"])
    assert lines(here.ask())["businessLicence"]["outcome"] == "given"
    assert (here.ask(claim).data or {})["verifyBusinessLicence"]["result"] == "MATCH"


def by_rest(here: Standing) -> Answer:
    here.act("hall.operator", "document.register", text=LICENCE, name=NAME)
    return here.as_system().document(NAME, {"e": district.APPLICANT}, usage=USAGE)
