"""Networks in CIDR notation: read strictly, compared by bits, never looked up."""

from typing import Any

import pytest

from policies.language.builtins.table import BUILTINS
from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called
from tests.fakes.rego_values import OTHER_THAN_TEXTS


@pytest.mark.parametrize(
    ("network", "valid"),
    [
        ("192.168.1.0/24", True),
        ("192.168.1.7/24", True),
        ("10.0.0.0/08", True),
        ("2001:db8::/32", True),
        ("::ffff:10.0.0.0/104", True),
        ("::1.2.3.4/128", True),
        ("0.0.0.0/0", True),
        ("192.168.1.2", False),
        ("192.168.01.2/24", False),
        ("192.168.1/24", False),
        ("192.168.1.2/33", False),
        ("192.168.1.2/-1", False),
        ("192.168.1.2/+1", False),
        ("192.168.1.2/", False),
        ("192.168.1.2/1/2", False),
        (" 192.168.1.2/1", False),
        ("fe80::1%eth0/64", False),
        ("::/129", False),
        ("1::2::3/64", False),
        ("1:2:3:4:5:6:7:8::/64", False),
        ("١.2.3.4/8", False),
        ("", False),
        (7, False),
        (True, False),
        (None, False),
    ],
)
def test_a_network_is_read_strictly(network: object, valid: bool) -> None:
    assert called("net.cidr_is_valid", network) is valid
    assert (called("net.cidr_intersects", network, "0.0.0.0/0") != FAILED) is valid


@pytest.mark.parametrize(
    ("network", "part", "answer"),
    [
        ("10.0.0.0/8", "10.1.0.0/24", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.1.0.0/24", "10.0.0.0/8", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::/0", "10.1.2.3", False),
        ("2001:db8::/32", "2001:db8:1::/48", True),
        ("::/0", "::fffe:0:0/95", False),
        ("10.0.0.0", "10.0.0.0", FAILED),
        ("10.0.0.0/8", "fe80::1%eth0", FAILED),
        ("10.0.0.0/8", "name", FAILED),
    ],
)
def test_a_network_contains_addresses_and_networks(network: str, part: str, answer: Any) -> None:
    assert called("net.cidr_contains", network, part) == answer


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        ("192.168.1.0/25", "192.168.1.64/25", True),
        ("192.168.1.64/26", "192.168.1.0/24", True),
        ("192.168.1.0/25", "192.168.1.128/25", False),
        ("10.0.0.0/8", "2001:db8::/32", False),
        ("10.0.0.0/8", "10.0.0.1", FAILED),
    ],
)
def test_networks_intersect_where_one_begins_in_the_other(
    left: str, right: str, answer: Any
) -> None:
    assert called("net.cidr_intersects", left, right) == answer
    assert called("net.cidr_intersects", right, left) == answer


@pytest.mark.parametrize(
    ("values", "parts", "answer"),
    [
        ("1.1.1.0/24", "1.1.1.1", [["1.1.1.0/24", "1.1.1.1"]]),
        ([["1.1.2.0/24", 1], "1.1.1.0/24"], ["1.1.1.1", "1.1.2.1"], [[0, 1], [1, 0]]),
        ({"a": "1.1.1.0/24", "b": ["1.1.2.0/24"]}, "1.1.2.1", [["b", "1.1.2.1"]]),
        ({"1.1.1.0/24"}, {"1.1.1.1", "1.1.3.1"}, [["1.1.1.0/24", "1.1.1.1"]]),
        ([], [1], []),
        ("name", [], []),
        (7, ["1.1.1.1"], []),
        (["1.1.1.0/24"], [1], FAILED),
        (["1.1.1.0/24"], [[]], FAILED),
        (["1.1.1.0/24"], [[1]], FAILED),
        ([5], [], FAILED),
        (["name"], ["1.1.1.1"], FAILED),
    ],
)
def test_matches_name_the_pairs_that_contain_each_other(
    values: object, parts: object, answer: Any
) -> None:
    assert called("net.cidr_contains_matches", values, parts) == answer


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        ("192.168.1.1/30", [f"192.168.1.{n}" for n in range(4)]),
        ("255.255.255.254/31", ["255.255.255.254", "255.255.255.255"]),
        ("2001:db8::/127", ["2001:db8::", "2001:db8::1"]),
        ("::ffff:10.0.0.0/127", ["10.0.0.0", "10.0.0.1"]),
        ("10.0.0.0", FAILED),
    ],
)
def test_a_network_is_expanded_with_its_ends(network: str, addresses: Any) -> None:
    assert called("net.cidr_expand", network) == addresses


@pytest.mark.parametrize(
    ("networks", "merged"),
    [
        ([], []),
        (["192.0.128.0/24", "192.0.129.0/24"], ["192.0.128.0/23"]),
        (["192.0.129.0/24", "192.0.130.0/24"], ["192.0.129.0/24", "192.0.130.0/24"]),
        (["10.0.0.0/8", "10.1.0.0/16"], ["10.0.0.0/8"]),
        (
            ["192.0.128.0/24", "192.0.129.0/24", "192.0.130.0/25"],
            ["192.0.128.0/23", "192.0.130.0/25"],
        ),
        # A bare address has the prefix of its class, and is written as it came unless it is merged.
        (["192.0.129.5"], ["192.0.129.5/24"]),
        (["192.0.129.5", "192.0.129.5"], ["192.0.129.0/24"]),
        (["9.1.2.3"], ["9.1.2.3/8"]),
        (["172.16.2.3"], ["172.16.2.3/16"]),
        (["2001:db8::/33", "2001:db8:8000::/33"], ["2001:db8::/32"]),
        (["::/0", "fe80::1/128"], ["::/0"]),
        (["2001:db8::1"], FAILED),
        (["name"], FAILED),
        ([1], FAILED),
        ("10.0.0.0/8", FAILED),
        ({"a": "10.0.0.0/8"}, FAILED),
    ],
)
def test_networks_that_touch_are_merged(networks: object, merged: Any) -> None:
    assert called("net.cidr_merge", networks) == merged


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("net.cidr_expand", ["10.0.0.0/8"]),
        ("net.cidr_expand", ["::/0"]),
        ("net.cidr_merge", [["::ffff:10.0.0.0/104"]]),
        ("net.cidr_merge", [["::/1", "10.0.0.0/8"]]),
        ("net.cidr_merge", [["::/32", "0:1::/32"]]),
        ("net.cidr_contains_matches", [["10.0.0.0/8"] * 1001, ["10.0.0.1"] * 1000]),
    ],
)
def test_what_grows_too_far_or_is_not_certain_is_not_offered(
    name: str, operands: list[object]
) -> None:
    with pytest.raises(NotOfferedError):
        called(name, *operands)


@pytest.mark.parametrize("value", OTHER_THAN_TEXTS)
def test_a_network_is_a_text(value: object) -> None:
    assert called("net.cidr_contains", value, "10.0.0.1") == FAILED
    assert called("net.cidr_contains", "10.0.0.0/8", value) == FAILED
    assert called("net.cidr_intersects", "10.0.0.0/8", value) == FAILED
    assert called("net.cidr_expand", value) == FAILED


def test_nothing_is_looked_up() -> None:
    assert "net.lookup_ip_addr" not in BUILTINS
