"""Values under correction: given with a mark where they stand, and no verification says yes to them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from catalogue.model import Resource, Validity
from gateway.assemble import assemble
from gateway.compile import put_together
from gateway.disputes import disputes_of, marked
from gateway.mask import mask
from gateway.model import Claim, EveryKey, Fetched, Masked, Row, Step
from gateway.outcomes import outcome_of
from gateway.parse import parse_document
from gateway.plan import Plan
from gateway.planned import Plans
from gateway.schema import build_contract
from policies.model import ItemVerdicts
from tests.fakes.calls import NOW, OTHER_USCC, USCC, a_household, a_permit, a_resource, a_step
from tests.fakes.documents import LIMITS, normalise

RESOURCE = a_resource(
    validity=Validity(status_item="status", valid_words=("存续",), until_item=None)
)
ROW = {"uscc": USCC, "name": "甲公司", "status": "存续", "phone": "13800000000", "legal_id": None}


class Picture:
    """Implements `gateway.disputes.Picture`, and complains where it is asked though nothing is disputed."""

    def __init__(self, disputed: Mapping[tuple[str, str], frozenset[str]]) -> None:
        self.disputed = disputed

    def disputed_items(self, resource: str, token: str) -> frozenset[str]:
        if not self.disputed:
            raise AssertionError("asked though nothing is disputed")
        return self.disputed.get((resource, token), frozenset())


def token(kind: str, value: str) -> str:
    return f"{kind}:{value}"


def disputing(*items: str, of: str = USCC, resource: Resource = RESOURCE) -> Any:
    place = (resource.code, token("enterprise", of))
    return disputes_of(Picture({place: frozenset(items)}), token)


def masked(step: Step, rows: list[Row], disputed: Any, **verdict: Any) -> Masked:
    items = verdict or {"allowed": [item.name for item in step.items], "masked": {}, "denied": {}}
    permitted = a_permit(step, items=ItemVerdicts(**items))
    found = mask(Fetched(permitted, rows, 0), now=NOW, normalise=normalise, disputed=disputed)
    assert isinstance(found, Masked)
    return found


def planned(query: str, *resources: Resource) -> Plan:
    document = parse_document(query, build_contract(resources or (RESOURCE,)), limits=LIMITS)
    return Plans().plan(
        document, operation_name=None, variables={}, normalise=normalise, limits=LIMITS
    )


def test_nothing_is_looked_up_while_nothing_is_disputed() -> None:
    assert disputes_of(Picture({}), token) is None


def test_a_disputed_value_is_given_and_marked_at_its_place_whatever_it_is_called() -> None:
    plan = planned(
        f'{{ a: businessLicence(uscc: "{USCC}") {{ n: name status again: name }}'
        f' b: businessLicence(uscc: "{OTHER_USCC}") {{ name }} }}'
    )
    disputed = disputing("name", "phone")
    first, second = plan.steps
    outcomes = [
        masked(first, [ROW], disputed),
        masked(second, [{**ROW, "uscc": OTHER_USCC}], disputed),
    ]
    assert [outcome_of(one) for one in outcomes] == ["disputed", "given"]
    found = put_together(plan, outcomes)
    assert found == assemble(plan, outcomes)
    plain = [msgspec.structs.replace(one, disputed={}) for one in outcomes]
    assert found.data == put_together(plan, plain).data
    assert found.disputed == {first.ref: (("a", "n"), ("a", "again"))}
    noted = marked(outcomes, found.disputed)
    assert isinstance(noted[0], Masked)
    assert noted[0].marks == (("a", "n"), ("a", "again"))
    assert noted[1] is outcomes[1]


def test_what_is_not_given_tells_nothing_of_a_dispute() -> None:
    step = a_step(RESOURCE, items=(RESOURCE.item("name"), RESOURCE.item("phone")))
    verdict = {"allowed": ["phone"], "masked": {}, "denied": {"name": "ITEM_NOT_GRANTED"}}
    found = masked(step, [ROW], disputing("name", "status"), **verdict)
    assert found.disputed == {}
    assert outcome_of(found) == "partly-given"


def test_a_page_of_everybody_marks_the_rows_of_whom_it_is_disputed() -> None:
    step = a_step(
        RESOURCE,
        items=(RESOURCE.item("uscc"), RESOURCE.item("status")),
        key=EveryKey(item=RESOURCE.key),
        path=("rows",),
        many=True,
        limit=10,
    )
    rows: list[Row] = [{**ROW, "uscc": OTHER_USCC}, ROW]
    found = masked(step, rows, disputing("status"))
    assert found.disputed == {1: frozenset({"status"})}


VALID = Claim(item=None)
NAMED = Claim(item=RESOURCE.item("name"), value="甲公司")
WRONG = Claim(item=RESOURCE.item("name"), value="乙公司")


@pytest.mark.proves("F14")
@pytest.mark.parametrize(
    ("claim", "disputed", "rows", "protected", "result", "outcome"),
    [
        (NAMED, ("name",), [ROW], False, "UNDETERMINED", "disputed"),
        (WRONG, ("name",), [ROW], False, "UNDETERMINED", "disputed"),
        # The record's standing is a part of every answer.
        (NAMED, ("status",), [ROW], False, "UNDETERMINED", "disputed"),
        (VALID, ("status",), [ROW], False, "UNDETERMINED", "disputed"),
        (NAMED, ("phone",), [ROW], False, "MATCH", "given"),
        (VALID, ("name",), [ROW], False, "MATCH", "given"),
        (NAMED, ("name",), [], False, "NOT_FOUND", "not-found"),
        # Where existence is protected a dispute would tell that there is a record.
        (NAMED, ("name",), [ROW], True, "MISMATCH", "given"),
        (NAMED, ("name",), [], True, "MISMATCH", "given"),
    ],
)
def test_no_verification_says_yes_to_a_disputed_value(
    claim: Claim,
    disputed: tuple[str, ...],
    rows: list[Row],
    protected: bool,
    result: str,
    outcome: str,
) -> None:
    resource = replace(RESOURCE, protected=protected)
    step = a_step(resource, items=(), claims=(claim,))
    found = masked(step, rows, disputing(*disputed), allowed=[], masked={}, denied={})
    assert (found.verified, outcome_of(found)) == (result, outcome)
    if protected:
        assert found.disputed == {}


def test_a_record_reached_by_a_link_is_marked_of_its_own_subject() -> None:
    household = a_household()
    plan = planned(
        f'{{ businessLicence(uscc: "{USCC}") {{ person {{ household {{ address }} }} }} }}',
        RESOURCE,
        household,
    )
    parent, child = plan.steps
    person = "A1"
    place = (household.code, token("person", normalise(household.key.subject, person)))  # type: ignore[arg-type]
    disputed = disputes_of(Picture({place: frozenset({"address"})}), token)
    permitted = a_permit(parent, ["legal_id"], items=ItemVerdicts(allowed=[], masked={}, denied={}))
    above = mask(
        Fetched(permitted, [{**ROW, "legal_id": person}], 0),
        now=NOW,
        normalise=normalise,
        disputed=disputed,
    )
    assert isinstance(above, Masked)
    below = masked(child, [{"id": person, "address": "某街道"}], disputed)
    found = put_together(plan, [above, below])
    assert found.disputed == {child.ref: (("businessLicence", "person", "household", "address"),)}
    assert msgspec.json.decode(found.data)["businessLicence"]["person"] is not None
