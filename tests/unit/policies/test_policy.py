"""The policy's own tests in Rego, on both engines, and what its texts promise of the decision."""

import itertools

import pytest

from policies.bundle import default_bundle, packaged_modules
from policies.language import compile_modules
from tests.fakes.engines import raw_embedded
from tests.fakes.opa_server import GenuineOpa, require_opa
from tests.fakes.questions import (
    EXPIRES,
    a_grant,
    a_question,
    a_request,
    an_officer,
    plain,
)

BUNDLE = default_bundle(expires=EXPIRES)
PROGRAM = compile_modules(packaged_modules(tests=True), BUNDLE.data)
TESTS = sorted(str(test.path) for test in PROGRAM.tests())


def test_there_are_tests_in_rego() -> None:
    assert len(TESTS) >= 10


@pytest.mark.parametrize("path", TESTS)
def test_the_policy_s_own_tests_pass_on_the_embedded_engine(path: str) -> None:
    assert PROGRAM.evaluate(path) is True


@pytest.mark.parametrize("path", TESTS)
def test_the_policy_s_own_tests_pass_on_genuine_opa(path: str) -> None:
    require_opa()
    opa = GenuineOpa(default_bundle(expires=EXPIRES), modules=packaged_modules(tests=True))
    assert opa.document(path) is True


def test_what_is_asked_twice_is_decided_alike() -> None:
    decide = raw_embedded(BUNDLE)
    assert decide(plain(a_question())) == decide(plain(a_question()))


def test_the_order_of_grants_and_items_decides_nothing() -> None:
    decide = raw_embedded(BUNDLE)
    first, second = a_grant(), a_grant(id="grt_0", items=["name", "phone"], rows=[])
    there = decide(plain(a_question(grants=[first, second])))
    back = decide(plain(a_question(grants=[second, first])))
    assert there == back
    turned = decide(
        plain(a_question(requests=[a_request(items=["phone", "legal_person", "name"])]))
    )
    straight = decide(plain(a_question()))
    assert sorted(turned["resources"]["s1"]["items"]["allowed"]) == sorted(
        straight["resources"]["s1"]["items"]["allowed"]
    )


def test_a_refusal_for_want_of_items_names_each_item() -> None:
    decision = raw_embedded(BUNDLE)(
        plain(a_question(requests=[a_request(items=["status", "notes"])]))
    )
    (reason,) = decision["resources"]["s1"]["reasons"]
    assert reason["code"] == "ITEMS_NONE"
    assert reason["detail"]["items"] == {"status": "ITEM_NOT_GRANTED", "notes": "ITEM_NOT_SHARED"}


def test_more_clearance_gives_no_less() -> None:
    decide = raw_embedded(BUNDLE)
    given: list[set[str]] = []
    for clearance in range(5):
        question = plain(a_question(officer=an_officer(clearance=clearance)))
        given.append(set(decide(question)["resources"]["s1"]["items"]["allowed"]))
    assert all(low <= high for low, high in itertools.pairwise(given))
    assert given[0] < given[-1]
