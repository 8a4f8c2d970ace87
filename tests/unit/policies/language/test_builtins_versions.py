"""Semantic versions in their order, and what a UUID is made of."""

from itertools import pairwise
from typing import Any

import pytest

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, NOTHING, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS

# semver.org, 11: the order of the specification's own examples.
_ASCENDING = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
]


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(_ASCENDING)))
def test_versions_stand_in_the_order_of_the_specification(lower: str, higher: str) -> None:
    assert called("semver.compare", lower, higher) == -1
    assert called("semver.compare", higher, lower) == 1
    assert called("semver.compare", lower, lower) == 0


@pytest.mark.parametrize(
    ("version", "valid"),
    [
        ("1.2.3", True),
        ("v1.2.3", True),
        ("01.2.3", True),
        ("1.2.3-", True),
        ("1.2.3+", True),
        ("1.2.3-a.b+c.d", True),
        ("9223372036854775807.0.0", True),
        ("9223372036854775808.0.0", False),
        ("1.2", False),
        ("1.2.3.4", False),
        ("1.2.x", False),
        ("1..3", False),
        ("1.2.3-a..b", False),
        ("1.2.3+é", False),
        ("vv1.2.3", False),
        ("١.2.3", False),
        ("", False),
        (1, False),
        (None, False),
    ],
)
def test_a_version_has_three_numbers(version: object, valid: bool) -> None:
    assert called("semver.is_valid", version) is valid
    assert (called("semver.compare", version, "1.0.0") != FAILED) is valid


def test_what_follows_the_plus_has_no_rank() -> None:
    assert called("semver.compare", "v1.0.0+a", "1.0.0+b") == 0


def test_pre_releases_that_differ_in_leading_zeros_alone_are_not_offered() -> None:
    with pytest.raises(NotOfferedError):
        called("semver.compare", "1.0.0-01", "1.0.0-1")


def test_a_version_of_endless_digits_is_not_offered() -> None:
    with pytest.raises(NotOfferedError):
        called("semver.compare", f"{'1' * 1001}.0.0", "1.0.0")


_SECOND = {
    "version": 2,
    "variant": "RFC4122",
    "time": 1693566990121469600,
    "nodeid": "32-50-96-b3-9f-47",
    "macvariables": "local:unicast",
    "clocksequence": 12800,
    "domain": "Person",
    "id": 1000,
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("000003e8-48b9-21ee-b200-325096b39f47", _SECOND),
        ("URN:UUID:000003e8-48b9-21ee-b200-325096b39f47", _SECOND),
        ("{000003E8-48B9-21EE-B200-325096B39F47}", _SECOND),
        ("000003e848b921eeb200325096b39f47", _SECOND),
        ("00000000-0000-4000-8000-000000000000", {"version": 4, "variant": "RFC4122"}),
        ("00000000-0000-4000-c000-000000000000", {"version": 4, "variant": "Microsoft"}),
        ("00000000-0000-4000-e000-000000000000", {"version": 4, "variant": "Future"}),
        ("00000000-0000-0000-0000-000000000000", {"version": 0, "variant": "Reserved"}),
        (
            "00000000-0000-1fff-8000-010000000000",
            {
                "version": 1,
                "variant": "RFC4122",
                "time": -7635754279243677696,
                "nodeid": "01-00-00-00-00-00",
                "macvariables": "global:multicast",
                "clocksequence": 0,
            },
        ),
        ("000003e8-48b9-21ee-b200-325096b39f4", NOTHING),
        ("000003e8_48b9_21ee_b200_325096b39f47", NOTHING),
        ("urn:uuie:000003e8-48b9-21ee-b200-325096b39f47", NOTHING),
        ("g00003e848b921eeb200325096b39f47", NOTHING),
        ("", NOTHING),
    ],
)
def test_a_uuid_is_taken_apart(text: str, parts: Any) -> None:
    assert called("uuid.parse", text) == parts


@pytest.mark.parametrize("value", OTHER_THAN_TEXTS)
def test_versions_and_uuids_are_texts(value: object) -> None:
    assert called("uuid.parse", value) == FAILED
    assert called("semver.compare", "1.0.0", value) == FAILED
