"""Takes DER apart into elements (X.690), for what is shown as it was written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """A tag, the content, and all of it as it was written."""

    tag: int
    content: bytes
    whole: bytes


def element(written: bytes) -> Element:
    """Return the first element. Raises ValueError where it is not whole, or its length is not shortest."""
    if len(written) < 2 or written[0] & 0x1F == 0x1F:
        raise ValueError("no element, or one with a tag of several octets")
    size, start = written[1], 2
    if size & 0x80:
        octets = size & 0x7F
        size, start = int.from_bytes(written[2 : 2 + octets]), 2 + octets
        if not 1 <= octets <= 4 or size < 0x80 or written[2] == 0:
            raise ValueError("a length that is not the shortest")
    if len(written) < start + size:
        raise ValueError("an element that is cut off")
    return Element(written[0], written[start : start + size], written[: start + size])


def whole(written: bytes) -> Element:
    """Return the one element that is there. Raises ValueError where something follows."""
    found = element(written)
    if len(found.whole) < len(written):
        raise ValueError("something behind an element")
    return found


def children(parent: Element) -> list[Element]:
    """Return the elements inside one that is constructed."""
    found: list[Element] = []
    rest = parent.content
    while rest:
        found.append(element(rest))
        rest = rest[len(found[-1].whole) :]
    return found


def oid(written: Element) -> str:
    """Return an object identifier with dots. Raises ValueError for anything else."""
    if written.tag != 0x06 or not written.content or written.content[-1] & 0x80:
        raise ValueError("no object identifier")
    arcs: list[int] = []
    value = 0
    for octet in written.content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
