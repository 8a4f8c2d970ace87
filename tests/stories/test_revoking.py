"""A grant that is revoked opens nothing to any call that is answered afterwards, wherever it is ruled."""

import asyncio

import pytest

from exchange.live import LiveRegistry
from tests.fakes.node import Standing, codes

LICENCE = "307/000001"


@pytest.mark.proves("P7", "F9")
def test_the_call_after_a_revocation_is_refused(here: Standing) -> None:
    assert codes(here.ask()) == {"businessLicence": None}
    here.act("market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止")
    answer = here.ask()
    assert codes(answer) == {"businessLicence": "GRANT_REVOKED"}
    assert answer.data == {"enterprise": {"businessLicence": None}}


@pytest.mark.proves("P7", "F9")
def test_a_call_that_was_ruled_before_the_revocation_is_ruled_again_and_given_nothing(
    here: Standing,
) -> None:
    here.sources.meanwhile = lambda: here.act(
        "market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止"
    )
    answer = here.ask()
    # The source was read, under the grant that stood then; what was read is dropped.
    assert here.sources.reads == ["market"]
    assert codes(answer) == {"businessLicence": "GRANT_REVOKED"}
    assert answer.data == {"enterprise": {"businessLicence": None}}


@pytest.mark.proves("P7", "F9")
def test_another_gateway_on_the_same_registry_sees_the_revocation_at_its_next_look(
    here: Standing,
) -> None:
    other = LiveRegistry(
        here.node.databases.registry,
        ledger=here.node.ledger,
        sealer=here.node.sealer,
        alarm=lambda _: None,
    )
    try:
        before = asyncio.run(other.snapshot())
        here.act("market.head", "grant.revoke", grant=here.grants[LICENCE], reason="终止")
        after = asyncio.run(other.snapshot())
    finally:
        other.close()
    states = [one.grants[here.grants[LICENCE]].state.value for one in (before, after)]
    assert states == ["active", "revoked"]
    assert after.applied_index > before.applied_index
