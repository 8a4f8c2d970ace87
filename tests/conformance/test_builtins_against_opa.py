"""Built-ins on generated operands: answered as by genuine OPA, an error where it has one, or not offered.

The generators stay where both are defined: OPA keeps compiled globs under a name in which a delimiter `-`
and a glob that ends so are one, and does not come back from pre-releases that differ in leading zeros alone.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policies.language.builtins.table import BUILTINS
from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import called, called_by_opa, written
from tests.fakes.genuine import needs_opa

Operands = st.SearchStrategy[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def _opa() -> None:
    needs_opa()


def _words(alphabet: str, most: int = 6) -> st.SearchStrategy[str]:
    return st.text(alphabet, max_size=most)


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


_KINDS = st.sampled_from([None, True, 0, 1, -2, 0.5, "", "a", [], ["a"], [1], {}, {"a": "b"}])

_DIGITS = _words("0123456789.", 5)
_EXPONENTS = st.sampled_from(["", "e3", "E+2", "e-2", "e9", "e-9", "e", "e1234567"])
_UNITS = st.sampled_from(
    [
        *"kKmMgGtTpPeEx",
        "ki",
        "Ki",
        "MI",
        "Gi",
        "kb",
        "KiB",
        "eb",
        "EiB",
        "",
        ' k"',
        '"k"',
        "K",
        "kİ",
    ]
)
_AMOUNTS = st.one_of(
    _joined(st.sampled_from(["", "-", "+"]), _DIGITS, _EXPONENTS, _UNITS),
    _words("01.eE+-kKmi b", 7),
)

_OCTETS = st.sampled_from([0, 1, 10, 127, 128, 191, 192, 255, 256, "01"])
_V4 = st.lists(_OCTETS, min_size=4, max_size=4).map(lambda found: ".".join(map(str, found)))
_GROUPS = st.sampled_from(["0", "1", "ffff", "fffe", "2001", "db8", "12345"])
_V6 = st.one_of(
    st.lists(_GROUPS, min_size=8, max_size=8).map(":".join),
    st.tuples(st.lists(_GROUPS, max_size=4), st.lists(_GROUPS, max_size=4)).map(
        lambda found: "::".join(map(":".join, found))
    ),
    st.sampled_from(["::ffff:10.1.2.3", "::1.2.3.4", "fe80::1%eth0", "1::2::3", ""]),
)
_ADDRESSES = st.one_of(_V4, _V6)
_PREFIXES = st.one_of(
    st.integers(0, 33).map(str),
    st.sampled_from(["08", "", "x", "-1", "64", "96", "104", "128", "129"]),
)
_NETWORKS = st.tuples(_ADDRESSES, _PREFIXES).map("/".join)
_NEAR = st.one_of(
    st.builds("10.0.{}.{}/{}".format, st.integers(0, 3), st.just(0), st.integers(22, 26)),
    st.builds("2001:db8:{}::/{}".format, st.integers(0, 4), st.integers(45, 48)),
    st.sampled_from(["10.0.1.7", "192.168.0.1", "::/0", "::/8", "8000::/1", "255.255.255.0/24"]),
)
_LISTED = st.one_of(
    st.lists(st.one_of(_NEAR, _NEAR.map(lambda one: [one, 1]), _KINDS), max_size=3),
    st.dictionaries(st.sampled_from("ab"), _NEAR, max_size=2),
    _NEAR,
    _KINDS,
)

_HEX = st.uuids().map(str)
_UUIDS = st.one_of(
    _HEX,
    st.builds(
        lambda found, version: f"{found[:14]}{version}{found[15:]}", _HEX, st.sampled_from("1267f")
    ),
    _HEX.map(lambda found: f"urn:UUID:{found}"),
    _HEX.map(lambda found: f"x{found}y"),
    _HEX.map(lambda found: found.replace("-", "")),
    _words("0123456789abcdef-", 40),
)
_IDENTIFIERS = st.lists(st.sampled_from(["a", "b", "1", "2", "10", "rc", "-", "0a"]), max_size=3)
_VERSIONS = _joined(
    st.sampled_from(["", "v"]),
    st.lists(st.sampled_from(["0", "1", "2", "10"]), min_size=3, max_size=3).map(".".join),
    _IDENTIFIERS.map(lambda found: f"-{'.'.join(found)}" if found else ""),
    st.sampled_from(["", "+b.1", "+", "x", ".1"]),
)

_QUERIES = st.one_of(_words("ab=&;%4+ 1é", 10), _words("ab=&", 10))
_QUERY_VALUES = st.dictionaries(
    _words("a&é", 2),
    st.one_of(_words("a b=é", 3), st.lists(_words("ab", 2), max_size=2), st.just(1)),
    max_size=3,
)
_NODES = st.sampled_from("abcdef")
_EDGES = st.one_of(st.lists(_NODES, max_size=2), st.sampled_from([None, "a", ["z"]]))
_GRAPHS = st.dictionaries(_NODES, _EDGES, max_size=5)
_STARTS = st.one_of(st.lists(_NODES, max_size=2), _KINDS)

_PIECES = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        ".",
        "?",
        "*",
        "**",
        "[ab]",
        "[!ab]",
        "[a-c]",
        "[!.]",
        "\\*",
        "{a,bc}",
        "{[ab]c,d}",
        "[",
        "}",
    ]
)
_GLOBS = st.one_of(st.lists(_PIECES, max_size=5).map("".join), _words("ab.*?[]{},!\\", 6))
_DELIMITERS: st.SearchStrategy[object] = st.sampled_from(
    [None, [], ["."], ["a"], ["b", "."], ["ab"], [""], [1], ".", {}]
)
_EXPRESSIONS = st.one_of(
    st.lists(
        st.sampled_from(["a", "b", ".", "[ab]", "[b-d]", "a*", "b+", ".*", "[ab]+", "\\*"]),
        max_size=6,
    ).map("".join),
    _words("ab.*+[]-\\", 5),
)
_TEMPLATES = _joined(
    _words("a.", 2), st.sampled_from(["<b*>", "<.+>", "<(>", "<a|b>", "<", ">"]), _words("a<>b", 3)
)
_JSON = st.recursive(
    st.sampled_from([None, True, 0, -7, "", "a<b>&", "市"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_words("ab", 2), inner, max_size=3)
    ),
    max_leaves=5,
)
_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "pretty": st.sampled_from([True, False, 1]),
        "prefix": st.sampled_from(["", "> ", "\t", 0]),
        "indent": st.sampled_from(["", "  ", "\t<"]),
    },
)

GENERATED: Mapping[str, Operands] = {
    "units.parse": st.tuples(_AMOUNTS),
    "units.parse_bytes": st.tuples(_AMOUNTS),
    "net.cidr_contains": st.tuples(
        st.one_of(_NETWORKS, _NEAR), st.one_of(_ADDRESSES, _NETWORKS, _NEAR)
    ),
    "net.cidr_intersects": st.tuples(st.one_of(_NETWORKS, _NEAR), st.one_of(_NETWORKS, _NEAR)),
    "net.cidr_is_valid": st.tuples(st.one_of(_NETWORKS, _ADDRESSES, _KINDS)),
    "net.cidr_merge": st.tuples(st.one_of(st.lists(_NEAR, max_size=5), _LISTED)),
    "net.cidr_contains_matches": st.tuples(_LISTED, _LISTED),
    "net.cidr_expand": st.tuples(
        st.builds("10.0.0.{}/{}".format, st.integers(0, 255), st.integers(26, 33))
    ),
    "uuid.parse": st.tuples(_UUIDS),
    "semver.is_valid": st.tuples(_VERSIONS),
    "semver.compare": st.tuples(_VERSIONS, _VERSIONS),
    "urlquery.encode": st.tuples(_words("aZ9-_.~ +&=%é中/?'()", 8)),
    "urlquery.decode": st.tuples(_QUERIES),
    "urlquery.encode_object": st.tuples(_QUERY_VALUES),
    "urlquery.decode_object": st.tuples(_QUERIES),
    "graph.reachable": st.tuples(_GRAPHS, _STARTS),
    "graph.reachable_paths": st.tuples(_GRAPHS, _STARTS),
    "glob.match": st.tuples(_GLOBS, _DELIMITERS, _words("abc.*", 6)),
    "glob.quote_meta": st.tuples(_words("ab*?[]{}\\,!-é", 6)),
    "regex.globs_match": st.tuples(_EXPRESSIONS, _EXPRESSIONS),
    "regex.template_match": st.tuples(
        _TEMPLATES, _words("ab", 4), st.just("<"), st.sampled_from([">", ">", "", "é"])
    ),
    "regex.is_valid": st.tuples(_words("ab*+?()[]|\\CQE{1}", 6)),
    "base64.is_valid": st.tuples(_words("YQ=\n+/-", 6)),
    "base64.decode": st.tuples(_words("YQ=\n+/-", 6)),
    "base64url.decode": st.tuples(_words("YQ=\n+/-_", 6)),
    "hex.decode": st.tuples(_words("61Fg ", 4)),
    "json.is_valid": st.tuples(_words('[]{}",:1e9.0-tru ', 6)),
    "json.marshal_with_options": st.tuples(_JSON, _OPTIONS),
    "strings.split_n": st.tuples(
        _words("a,b"), st.sampled_from([",", "", "a,"]), st.integers(-4, 4)
    ),
}


@pytest.mark.parametrize("name", GENERATED)
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_generated_operands_are_answered_as_by_opa(name: str, data: st.DataObject) -> None:
    operands = data.draw(GENERATED[name])
    try:
        ours = called(name, *operands)
    except NotOfferedError:
        assume(False)
        return
    assert written(ours) == written(called_by_opa(name, *operands))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(sorted(GENERATED)), st.lists(_KINDS, min_size=4, max_size=4))
def test_a_value_of_another_kind_is_refused_where_opa_refuses_it(
    name: str, kinds: list[object]
) -> None:
    operands = kinds[: BUILTINS[name].arity]
    try:
        ours = called(name, *operands)
    except NotOfferedError:
        return
    assert written(ours) == written(called_by_opa(name, *operands))
