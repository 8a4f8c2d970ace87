"""A system fetches what it may name, its officers read the same, and nobody else does."""

import httpx
import pytest

from exchange.acts.register import ActError
from exchange.demo.setup import SYSTEM
from tests.fakes.node import JOINING, Standing


def test_a_system_fetches_its_own_contract_signed_and_recorded(here: Standing) -> None:
    told = here.as_system(SYSTEM).contract()
    assert "type BusinessLicence" in told
    with httpx.Client(trust_env=False) as stranger:
        assert stranger.get(f"{here.url}/contract.graphql").status_code == 401
    found = here.act("auditor", "audit.search", kind="contract.read")
    assert found


def test_officers_of_the_department_read_it_too_and_others_do_not(here: Standing) -> None:
    said = here.act("hall.operator", "contract.show", system=SYSTEM)
    assert said["sdl"] == here.as_system(SYSTEM).contract()
    with pytest.raises(ActError):
        here.act("market.operator", "contract.show", system=SYSTEM)


def test_an_announced_resource_that_a_system_never_asked_for_says_how_to_ask(
    here: Standing,
) -> None:
    assert here.as_system(JOINING).contract()
    answer = here.ask(system=JOINING)
    assert [one["extensions"]["code"] for one in answer.errors] == ["GRANT_MISSING"]
