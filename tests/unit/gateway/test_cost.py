"""What an operation could read at most is known from its plan, before any department is asked."""

import pytest
from msgspec.structs import replace

from gateway.cost import check_cost, cost
from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.model import LinkedKey
from tests.fakes.documents import a_plan

ONE = '{ enterprise(uscc: "91330106MA2CFRAW10") { businessLicence { name status } } }'


def test_a_step_costs_its_records_times_its_items_and_looking_for_each() -> None:
    (step,) = a_plan(ONE).steps
    assert cost([step]) == 3
    assert cost([replace(step, limit=100)]) == 300
    assert cost([]) == 0


def test_what_hangs_on_a_list_costs_as_often_as_the_list_has_records() -> None:
    (parent,) = a_plan(ONE).steps
    listed = replace(parent, limit=100)
    key = LinkedKey(item=parent.items[0], parent=parent.ref, parent_item=parent.items[1])
    child = replace(parent, ref="s2", key=key, limit=50)
    assert cost([listed, child]) == 100 * 3 + 100 * 50 * 3


def test_just_what_is_allowed_passes_and_not_one_cell_more() -> None:
    (step,) = a_plan(ONE).steps
    check_cost([step], limits=Limits(cells=3))
    with pytest.raises(RefusedDocumentError) as caught:
        check_cost([step], limits=Limits(cells=2))
    assert (caught.value.code, caught.value.facts) == (
        "COST_EXCEEDED",
        {"found": 3, "allowed": 2},
    )
