"""What a department is given, item by item: asked over HTTP of five departments' real sources."""

from datetime import timedelta
from typing import Any

import pytest

from audit.verify import verify_receipt
from catalogue.model import Resource
from exchange.client.errors import RefusedError
from exchange.clock import now
from exchange.demo import district
from exchange.demo.setup import DEPOSIT, SYSTEM, agree
from exchange.identity.keys import decode_base64url
from tests.fakes.node import DEPARTMENTS, JOINING, LICENCE, PARTIES, Standing, codes, lines

SEVERAL = """query Licence($e: ID!) {
  enterprise(uscc: $e) { businessLicence { entName legalRepId capital phone uscc __typename } }
}"""
ALIASED = """query Licence($e: ID!, $more: Boolean!) {
  one: enterprise(uscc: $e) { ...Firm }
  two: enterprise(uscc: $e) { businessLicence { worth: capital @include(if: $more) } }
}
fragment Firm on Enterprise { licence: businessLicence { ...Inner } }
fragment Inner on BusinessLicence { entName capital @skip(if: $more) rep: legalRepId }"""


def own_case(here: Standing, system: str, number: str = "SG-2026-0300") -> str:
    """A case of another of the hall's systems, with the same parties."""
    here.as_system(system).put_case(
        number,
        matter=district.MATTER,
        parties=PARTIES,
        accepted_at=now() - timedelta(minutes=1),
    )
    return number


def wanted(system: str, resource: str, **changes: Any) -> dict[str, Any]:
    """What the hall asks for one of its systems."""
    return {
        "resource": resource,
        "systems": [system],
        "items": ["permitNo"] if resource == "308/000001" else ["entName"],
        "match": ["uscc"],
        "matters": [district.MATTER],
        "purposes": ["administrative-basis"],
        "channels": ["query"],
        "legal_basis": "《建筑法》第八条",
        "scenario": "核发建筑工程施工许可证",
        "not_before": (now() - timedelta(minutes=1)).isoformat(),
        "not_after": (now() + timedelta(days=300)).isoformat(),
    } | changes


def request_for(here: Standing, system: str, resource: str, **changes: Any) -> str:
    """The hall asks for a resource, signed off by its head; returns the request's id."""
    asked = here.act("hall.operator", "request.create", wanted=wanted(system, resource, **changes))
    here.act("hall.head", "request.sign", request=asked["id"])
    return str(asked["id"])


@pytest.mark.proves("F1")
def test_a_system_without_any_right_gets_a_code_and_no_source_is_asked(here: Standing) -> None:
    answer = here.ask(system=JOINING, case=own_case(here, JOINING))
    assert answer.data == {"enterprise": {"businessLicence": None}}
    line = lines(answer)["businessLicence"]
    assert (line["outcome"], line["code"], line["next"]) == ("refused", "GRANT_MISSING", "ask")
    assert answer.errors[0]["extensions"]["code"] == "GRANT_MISSING"
    assert here.sources.reads == []


@pytest.mark.proves("F4")
def test_one_item_without_right_is_left_out_and_the_others_are_given(here: Standing) -> None:
    answer = here.ask(
        "query L($e: ID!) { enterprise(uscc: $e) { businessLicence { entName capital } } }"
    )
    assert answer.data is not None
    assert answer.data["enterprise"]["businessLicence"] == {
        "entName": "云岫栖筑建设有限公司",
        "capital": None,
    }
    assert lines(answer)["businessLicence"]["refused"] == {"capital": "ITEM_NOT_GRANTED"}


@pytest.mark.proves("F5", "E7")
def test_a_step_of_which_nothing_may_be_given_names_each_item_and_asks_no_source(
    here: Standing,
) -> None:
    answer = here.ask(
        "query L($e: ID!) { enterprise(uscc: $e) { businessLicence { legalRepId capital } } }"
    )
    line = lines(answer)["businessLicence"]
    assert (line["outcome"], line["code"], line["next"]) == ("refused", "ITEMS_NONE", "ask")
    assert line["refused"] == {"legalRepId": "ITEM_NOT_GRANTED", "capital": "ITEM_NOT_GRANTED"}
    assert here.sources.reads == []


@pytest.mark.proves("F5", "F10")
def test_every_item_without_right_is_named_and_the_entry_says_what_was_asked_given_and_masked(
    here: Standing,
) -> None:
    answer = here.ask(SEVERAL)
    line = lines(answer)["businessLicence"]
    assert set(line["refused"]) == {"legalRepId", "capital"}
    assert line["masked"] == ["phone"]
    resource = here.node.live.load().resources["307/000001"]
    (step,) = here.entry(answer)["steps"]
    assert _named(step["asked"], resource) >= {"entName", "legalRepId", "capital", "phone"}
    assert not _named(step["given"], resource) & {"legalRepId", "capital"}
    assert "entName" in _named(step["given"], resource)
    assert _named(step["masked"], resource) == {"phone"}
    assert _named(step["refused"], resource) == {"legalRepId", "capital"}
    assert step["rows"] == 1


@pytest.mark.proves("F10")
def test_the_entry_of_a_call_that_found_nobody_names_the_items_all_the_same(
    here: Standing,
) -> None:
    # A party of the case whom the planning bureau has no permit for.
    answer = here.ask(
        "query P($e: ID!) { enterprise(uscc: $e) { planningPermit { permitNo } } }",
        e=district.DESIGNER,
    )
    assert lines(answer)["planningPermit"]["outcome"] == "not-found"
    resource = here.node.live.load().resources["308/000001"]
    (step,) = here.entry(answer)["steps"]
    assert (step["outcome"], step["rows"]) == ("not-found", 0)
    assert "permitNo" in _named(step["asked"], resource)


@pytest.mark.proves("F11")
@pytest.mark.parametrize("more", [True, False])
def test_no_alias_fragment_or_directive_leads_around_a_refused_item(
    here: Standing, *, more: bool
) -> None:
    answer = here.ask(ALIASED, variables={"e": district.APPLICANT, "more": more})
    assert answer.data is not None
    licence = answer.data["one"]["licence"]
    assert licence["entName"] == "云岫栖筑建设有限公司"
    assert licence["rep"] is None
    assert licence.get("capital") is None
    assert (answer.data["two"]["businessLicence"] or {}).get("worth") is None
    assert b"500.00" not in answer.raw
    assert district.ENGINEER.encode() not in answer.raw
    refused = {name for line in answer.outcomes for name in line["refused"]}
    # Where nothing but refused items was asked of a step, its code says so.
    nothing_left = {line["code"] for line in answer.outcomes} - {None}
    assert "legalRepId" in refused
    assert nothing_left == ({"ITEMS_NONE"} if more else set())


@pytest.mark.proves("F11")
def test_introspection_and_batches_are_refused(here: Standing) -> None:
    with pytest.raises(RefusedError, match="INTROSPECTION_REFUSED"):
        here.ask(
            "query Names($e: ID!) { __schema { types { name } } enterprise(uscc: $e) { uscc } }"
        )
    batch = here.write()
    batched = here.signed(
        type(batch)("POST", batch.url, content=b"[" + batch.content + b"]", headers=_json())
    )
    assert here.send(batched).status_code == 400
    assert here.sources.reads == []


@pytest.mark.proves("F18")
def test_two_systems_of_one_department_have_contracts_of_their_own(here: Standing) -> None:
    # While the matter lists the licence, both see that it exists.
    assert codes(here.ask(system=JOINING, case=own_case(here, JOINING))) == {
        "businessLicence": "GRANT_MISSING"
    }
    (matter,) = [m for m in here.node.live.load().matters.values() if m.code == district.MATTER]
    bare = {name: getattr(matter, name) for name in ("code", "kind", "department", "name")}
    here.act(
        "authority",
        "matter.import",
        rows=[bare | {"case_pattern": matter.case_pattern, "materials": []}],
    )
    # Now only the one that was granted it has it in its contract; the other may name it, and is told to ask.
    assert codes(here.ask()) == {"businessLicence": None}
    assert "BusinessLicence" in here.as_system(SYSTEM).contract()
    assert "BusinessLicence" not in here.as_system(JOINING).contract()
    assert codes(here.ask(system=JOINING, case="SG-2026-0300")) == {
        "businessLicence": "GRANT_MISSING"
    }


@pytest.mark.proves("F21")
def test_one_department_answers_while_two_say_why_not_and_what_to_do(here: Standing) -> None:
    case = own_case(here, JOINING)
    request_for(here, JOINING, "308/000001")
    ending = request_for(
        here,
        JOINING,
        DEPOSIT,
        items=["amount"],
        not_after=(now() + timedelta(days=10)).isoformat(),
    )
    agree(here.place, ending, DEPOSIT)
    here.go_ahead(days=20)
    answer = here.ask(
        """query Three($e: ID!) { enterprise(uscc: $e) {
          planningPermit { permitNo } wageDeposit { amount } qualification { grade }
        } }""",
        system=JOINING,
        case=case,
    )
    assert answer.data is not None
    record = answer.data["enterprise"]
    assert record["planningPermit"]["permitNo"]
    assert (record["wageDeposit"], record["qualification"]) == (None, None)
    told = {name: (line["code"], line["next"]) for name, line in lines(answer).items()}
    assert told["planningPermit"] == (None, None)
    assert told["wageDeposit"][0] == "GRANT_EXPIRED"
    assert told["qualification"] == ("GRANT_MISSING", "ask")
    assert told["wageDeposit"][1] == "ask"
    assert set(here.sources.reads) == {"planning"}
    messages = {str(e["path"][-1]): e["message"] for e in answer.errors}
    assert messages["wageDeposit"] != messages["qualification"]


@pytest.mark.proves("P8", "F9")
def test_a_grant_holds_from_its_first_moment_until_its_last_and_not_beyond(
    here: Standing,
) -> None:
    case = own_case(here, JOINING)
    coming = request_for(
        here,
        JOINING,
        DEPOSIT,
        items=["amount"],
        not_before=(now() + timedelta(days=2)).isoformat(),
        not_after=(now() + timedelta(days=4)).isoformat(),
    )
    agree(here.place, coming, DEPOSIT)
    document = "query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { amount } } }"
    said = []
    for days in (0, 3, 5):
        here.go_ahead(days=days)
        said.append(codes(here.ask(document, system=JOINING, case=case))["wageDeposit"])
    assert said[1] is None
    assert said[0] not in {None, said[2]}
    assert said[2] == "GRANT_EXPIRED"


@pytest.mark.proves("F10")
def test_a_whole_answer_is_checked_again_offline_with_nothing_but_its_receipt(
    here: Standing,
) -> None:
    answer = here.ask(DEPARTMENTS)
    assert answer.receipt is not None
    report = verify_receipt(
        answer.receipt, vkeys=[here.node.vkey], answer=answer.raw, request=answer.request
    )
    assert report.holds
    assert here.entry(answer)["system"] == SYSTEM
    assert LICENCE.encode() not in here.node.log.entry(int(answer.entry["index"]))


def _json() -> dict[str, str]:
    return {"content-type": "application/json"}


def _named(bitmap: str, resource: Resource) -> set[str]:
    """Read the items of a bitmap: bit n stands for the item with ordinal n (docs/log-format.md)."""
    bits = int.from_bytes(decode_base64url(bitmap), "little")
    return {item.name for item in resource.items if bits >> item.ordinal & 1}


@pytest.mark.proves("F9")
def test_a_right_that_was_added_holds_at_the_next_call(here: Standing) -> None:
    case = own_case(here, JOINING)
    deposit = "query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { amount } } }"
    assert codes(here.ask(deposit, system=JOINING, case=case)) == {"wageDeposit": "GRANT_MISSING"}
    agree(here.place, request_for(here, JOINING, DEPOSIT, items=["amount"]), DEPOSIT)
    assert codes(here.ask(deposit, system=JOINING, case=case)) == {"wageDeposit": None}


@pytest.mark.proves("F15")
def test_who_has_no_right_cannot_tell_whether_there_is_a_record(here: Standing) -> None:
    case = own_case(here, JOINING)
    permit = "query P($e: ID!) { enterprise(uscc: $e) { planningPermit { permitNo } } }"
    # The planning bureau has a permit for the first and none for the second.
    answers = [
        here.ask(permit, e, system=JOINING, case=case)
        for e in (district.APPLICANT, district.DESIGNER)
    ]
    there, missing = ({"data": one.data, "errors": one.errors} for one in answers)
    assert there == missing
    assert [lines(one)["planningPermit"]["code"] for one in answers] == ["GRANT_MISSING"] * 2
    assert here.sources.reads == []


@pytest.mark.proves("O6")
@pytest.mark.parametrize(
    "document",
    [
        "query Q($e: ID!) { enterprise(uscc: $e) " + "{ a " * 40 + "}" * 40 + " }",
        "query Q($e: ID!) {"
        + " ".join(f"a{n}: enterprise(uscc: $e) {{ uscc }}" for n in range(100))
        + "}",
        "query Q($e: ID!) { enterprise(uscc: $e) {" + " uscc" * 5_000 + " } }",
        "query Q($e: ID!) { enterprise(uscc: $e) { ...A } }"
        + " ".join(f"fragment A{n} on Enterprise {{ ...A{n + 1} }}" for n in range(60)),
    ],
    ids=["deep", "aliases", "wide", "fragments"],
)
def test_a_query_made_to_cost_is_refused_before_any_department_is_asked(
    here: Standing, document: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        here.ask(document)
    assert refused.value.status == 400
    assert here.sources.reads == []


LICENCES = "307/000001"
CLAIMED = """query V($e: ID!, $c: BusinessLicenceClaims!) {
  verifyBusinessLicence(uscc: $e, claims: $c) { result }
}"""


def granted(here: Standing, **changes: Any) -> str:
    """Another of the hall's systems is granted business licences as said; returns its case."""
    agree(here.place, request_for(here, JOINING, LICENCES, **changes), LICENCES)
    return own_case(here, JOINING)


@pytest.mark.proves("F2")
def test_a_required_argument_that_is_not_permitted_refuses_the_step_and_asks_nobody(
    here: Standing,
) -> None:
    case = granted(here, match=[])
    answer = here.ask(LICENCE, system=JOINING, case=case)
    line = lines(answer)["businessLicence"]
    assert (line["outcome"], line["code"]) == ("refused", "ITEM_NOT_MATCHABLE")
    assert here.sources.reads == []


@pytest.mark.proves("F3")
def test_an_optional_argument_that_is_not_permitted_is_refused_only_where_it_is_used(
    here: Standing,
) -> None:
    case = granted(here, match=["uscc"], channels=["query", "verify"])

    def claimed(claims: dict[str, Any]) -> dict[str, Any]:
        variables = {"e": district.APPLICANT, "c": claims}
        answer = here.ask(CLAIMED, system=JOINING, case=case, variables=variables)
        return lines(answer)["verifyBusinessLicence"]

    refused = claimed({"valid": True, "legalRepId": "110101194912310021"})
    assert (refused["outcome"], refused["code"]) == ("refused", "ITEM_NOT_MATCHABLE")
    assert here.sources.reads == []
    assert claimed({"valid": True})["outcome"] == "given"


@pytest.mark.proves("F6")
def test_of_a_group_that_is_partly_permitted_the_permitted_part_is_given_and_the_entry_tells_both(
    here: Standing,
) -> None:
    case = granted(here)
    group = """query G($e: ID!) { enterprise(uscc: $e) { ...Group } }
      fragment Group on Enterprise {
        businessLicence { entName capital } planningPermit { permitNo } qualification { grade }
      }"""
    answer = here.ask(group, system=JOINING, case=case)
    assert answer.data is not None
    assert answer.data["enterprise"] == {
        "businessLicence": {"entName": "云岫栖筑建设有限公司", "capital": None},
        "planningPermit": None,
        "qualification": None,
    }
    assert codes(answer) == {
        "businessLicence": None,
        "planningPermit": "GRANT_MISSING",
        "qualification": "GRANT_MISSING",
    }
    outcomes = [step["outcome"] for step in here.entry(answer)["steps"]]
    assert outcomes == ["partly-given", "refused", "refused"]
