"""Makes, for the items of a statement, the function from a driver's tuples to records of the wire.

It writes what `gateway.formats.to_wire` writes, and raises where that raises.
"""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from operator import itemgetter
from typing import Any

from catalogue.model import Item, ItemType
from gateway.formats import WRITTEN_CHARACTERS, converter, quick, text_test
from gateway.model import Row


def row_converter(
    items: Sequence[Item], zone: tzinfo, *, decoded: bool
) -> Callable[[Sequence[Any]], list[Row]]:
    """Return a function, made for these items, from the driver's tuples to rows of the wire.

    `decoded` says that the driver decodes text strictly, so that it holds no surrogate.
    """
    names: dict[str, Any] = {f"n{at}": item.name for at, item in enumerate(items)}
    names |= {f"c{at}": converter(item.type, zone) for at, item in enumerate(items)}
    names |= {f"q{at}": quick(item.type) for at, item in enumerate(items)}
    members = ", ".join(
        f"n{at}: {_converted(item, at, decoded=decoded)}" for at, item in enumerate(items)
    )
    alone = f"{{{members}}}"
    written = _unchanged(items, names) if decoded else None
    if written is not None:
        alone = f"dict(zip(names, r)) if {written} else {alone}"
    text_ = (
        "def convert(found):\n"
        "    if len(found) == 1:\n"
        "        r, = found\n"
        f"        return [{alone}]\n"
        f"    return [{{{members}}} for r in found]"
    )
    exec(text_, names)  # noqa: S102  Names and values stand in it as constants.
    convert: Callable[[Sequence[Any]], list[Row]] = names["convert"]
    return convert


def _converted(item: Item, at: int, *, decoded: bool) -> str:
    """Write the conversion of one column. Most values are text that needs none, or null."""
    if item.type is not ItemType.TEXT:
        if quick(item.type) is None:
            return f"c{at}(r[{at}])"
        return f"None if (v := r[{at}]) is None else q{at}(v) or c{at}(v)"
    plain = "v.__class__ is str" if decoded else "(v.__class__ is str and v.isascii())"
    return f"v if (v := r[{at}]) is None or {plain} else c{at}(v)"


def _unchanged(items: Sequence[Item], names: dict[str, Any]) -> str | None:
    """Write the test that a record stands as it is written already; None where nobody can say so.

    That texts are text or null is seen of all at once, of days and numbers one by one.
    """
    texts = [at for at, item in enumerate(items) if item.type is ItemType.TEXT]
    tests = ["TEXTS.issuperset(map(type, texts(r)))"]
    for at, item in enumerate(items):
        if item.type is ItemType.INTEGER:
            tests.append(f"((v := r[{at}]) is None or q{at}(v) is not None)")
        elif item.type is not ItemType.TEXT:
            if (known := text_test(item.type)) is None:
                return None
            names[f"w{at}"] = known
            short = f"v.__class__ is str and len(v) <= {WRITTEN_CHARACTERS}"
            tests.append(f"((v := r[{at}]) is None or {short} and w{at}(v))")
    if len(texts) < 2:  # Of one alone `itemgetter` makes no tuple.
        return None
    names |= {"names": [item.name for item in items], "TEXTS": {str, type(None)}}
    names["texts"] = itemgetter(*texts)
    return " and ".join(tests)
