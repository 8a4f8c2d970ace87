"""Built-ins on networks in CIDR notation, read as strictly as Go reads them. Nothing is looked up.

An IPv6 address that stands for an IPv4 one (`::ffff:10.1.2.3`; RFC 4291, 2.5.5.2) counts as that one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, summarize_address_range

from policies.language.builtins.operands import LONGEST_LIST, Builtin, refuse, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import RegoSet, Value, pairs

_PREFIX = re.compile(r"0*([0-9]{1,3})")
_LONGEST = 64
_MAPPED = 0xFFFF
_IPV4 = 32
_IPV6 = 128
_MOST_ADDRESSES = 1 << 16


@dataclass(frozen=True, slots=True)
class Address:
    """An address as a number of `width` bits; 32 also for what stands for an IPv4 address."""

    width: int
    number: int

    def __str__(self) -> str:
        return str(IPv4Address(self.number) if self.width == _IPV4 else IPv6Address(self.number))


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses that share the first `prefix` bits with `first`."""

    first: Address
    prefix: int

    @property
    def size(self) -> int:
        return 1 << (self.first.width - self.prefix)

    def last(self) -> Address:
        return _normal(self.first.width, self.first.number + self.size - 1)

    def contains(self, address: Address) -> bool:
        free = self.first.width - self.prefix
        same = self.first.number >> free == address.number >> free
        return self.first.width == address.width and same


def _normal(width: int, number: int) -> Address:
    """Return the address, as IPv4 where it stands for one."""
    if width == _IPV6 and number >> _IPV4 == _MAPPED:
        return Address(_IPV4, number & 0xFFFF_FFFF)
    return Address(width, number)


def _written(value: str) -> tuple[int, int] | None:
    """Return width and number as they are written, None where the text is no address."""
    if "%" in value or "/" in value or len(value) > _LONGEST:
        return None
    try:
        found = ip_address(value)
    except ValueError:
        return None
    return found.max_prefixlen, int(found)


def _address(value: str) -> Address | None:
    written = _written(value)
    return None if written is None else _normal(*written)


def _network(value: Value) -> Network:
    """Read a network. Raises BuiltinError where the text is none."""
    name, _, length = text(value).partition("/")
    written, prefix = _written(name), _PREFIX.fullmatch(length)
    if written is None or prefix is None:
        raise BuiltinError("a network in CIDR notation needed")
    width, number = written
    bits = int(prefix.group(1))
    if bits > width:
        raise BuiltinError(f"a prefix of {bits} bits, {width} at most")
    first = _normal(width, number >> (width - bits) << (width - bits))
    return Network(first, bits - (width - first.width))


def _is_network(value: Value) -> bool:
    if type(value) is not str:
        return False
    try:
        _network(value)
    except BuiltinError:
        return False
    return True


def _within(network: Network, part: Address | Network) -> bool:
    if isinstance(part, Address):
        return network.contains(part)
    return network.contains(part.first) and network.contains(part.last())


def _part(value: Value) -> Address | Network:
    return _address(text(value)) or _network(value)


def _contains(value: Value, part: Value) -> bool:
    return _within(_network(value), _part(part))


def _intersects(left: Value, right: Value) -> bool:
    one, other = _network(left), _network(right)
    return one.contains(other.first) or other.contains(one.first)


def _entries(value: Value) -> list[tuple[Value, Value]]:
    """Return the texts that are networks, each with what it is named by in the answer."""
    if type(value) is str:
        return [(value, value)]
    return [(_entry(part), index) for index, part in pairs(value)]


def _entry(value: Value) -> Value:
    if type(value) is str:
        return value
    if type(value) is list and value:
        return value[0]
    raise refuse("string or non-empty array", value)


def _contains_matches(values: Value, parts: Value) -> RegoSet:
    left = _entries(values)
    right = _entries(parts) if left else []
    if len(left) * len(right) > LONGEST_LIST:
        raise NotOfferedError(f"more than {LONGEST_LIST} pairs of networks")
    if not right:
        return RegoSet()
    networks = [(_network(value), index) for value, index in left]
    wanted = [(_part(value), index) for value, index in right]
    return RegoSet.of(
        [index, other]
        for network, index in networks
        for part, other in wanted
        if _within(network, part)
    )


def _expand(value: Value) -> RegoSet:
    network = _network(value)
    if network.size > _MOST_ADDRESSES:
        raise NotOfferedError(f"a network of more than {_MOST_ADDRESSES} addresses")
    first = network.first
    return RegoSet.of(str(Address(first.width, first.number + n)) for n in range(network.size))


# Merging. What touches or overlaps nothing is answered as it was written.


@dataclass(frozen=True, slots=True)
class _Range:
    width: int
    first: int
    last: int
    written: str | None

    def is_ipv4(self) -> bool:
        return self.width == _IPV4

    def covers_mapped(self) -> bool:
        """Whether it holds or touches the IPv6 addresses that stand for IPv4 ones."""
        mapped = _MAPPED << _IPV4
        return (
            self.width == _IPV6
            and self.first - 1 < mapped + (1 << _IPV4)
            and mapped - 1 <= self.last
        )

    def joins(self, other: "_Range") -> bool:
        return self.width == other.width and other.first - 1 <= self.last

    def networks(self) -> Iterable[str]:
        if self.written is not None:
            return [self.written]
        if self.width == _IPV4:
            return map(
                str, summarize_address_range(IPv4Address(self.first), IPv4Address(self.last))
            )
        # OPA loses leading zero bytes of IPv6 addresses here, except where there are no others.
        if 0 == self.first >> (_IPV6 - 8) == self.last >> (_IPV6 - 8):
            raise NotOfferedError("a union of IPv6 networks below 100::")
        return map(str, summarize_address_range(IPv6Address(self.first), IPv6Address(self.last)))


def _classful(address: Address) -> int:
    """Return the prefix of a bare IPv4 address by its class (RFC 791, 2.3)."""
    leading = address.number >> 24
    return 8 if leading < 128 else 16 if leading < 192 else 24


def _range(value: Value) -> _Range:
    address = _address(text(value))
    if address is not None:
        if address.width != _IPV4:
            raise BuiltinError("an IPv6 network with the length of its prefix needed")
        prefix = _classful(address)
        free = _IPV4 - prefix
        first = address.number >> free << free
        return _Range(_IPV4, first, first + (1 << free) - 1, f"{address}/{prefix}")
    network = _network(value)
    if ":" in value and network.first.width == _IPV4:
        raise NotOfferedError("a union with IPv4 networks written as IPv6")
    first = network.first.number
    name = f"{network.first}/{network.prefix}"
    return _Range(network.first.width, first, first + network.size - 1, name)


def _merge(value: Value) -> RegoSet:
    if type(value) not in {list, RegoSet}:
        raise refuse("array or set", value)
    ranges = [_range(one) for one in value]
    if any(map(_Range.is_ipv4, ranges)) and any(map(_Range.covers_mapped, ranges)):
        raise NotOfferedError("a union of IPv4 networks and an IPv6 network around their IPv6 form")
    merged: list[_Range] = []
    for one in sorted(ranges, key=lambda found: (found.width, found.first)):
        if merged and merged[-1].joins(one):
            before = merged[-1]
            merged[-1] = _Range(one.width, before.first, max(before.last, one.last), None)
        else:
            merged.append(one)
    return RegoSet.of(name for one in merged for name in one.networks())


NETWORKS = {
    "net.cidr_contains": Builtin(_contains, 2),
    "net.cidr_contains_matches": Builtin(_contains_matches, 2),
    "net.cidr_expand": Builtin(_expand, 1),
    "net.cidr_intersects": Builtin(_intersects, 2),
    "net.cidr_is_valid": Builtin(_is_network, 1),
    "net.cidr_merge": Builtin(_merge, 1),
}
