"""How the scalars of a contract are written and read: `formats` says what each looks like."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, StringValueNode, ValueNode

from catalogue.model import ItemType
from gateway.formats import from_wire


def write_scalar(value: Any) -> str:
    """Pass on a value that `formats` wrote; anything else is an error, never converted."""
    if not isinstance(value, str):
        raise TypeError(f"found {type(value).__name__}, text needed")
    return value


def read_scalar(type_: ItemType) -> Callable[[Any], str]:
    """Return what reads a variable's value: the text that `formats` would have written, and no other."""

    def read(value: Any) -> str:
        try:
            from_wire(type_, value)
        except ValueError:
            # The value may be an identifier; it is not repeated.
            raise GraphQLError(f"not a {type_.value} as it is written") from None
        if not isinstance(value, str):
            raise GraphQLError(f"a {type_.value} is written as text")
        return value

    return read


def read_scalar_literal(type_: ItemType) -> Callable[..., str]:
    read = read_scalar(type_)

    def read_literal(node: ValueNode, _variables: Any = None) -> str:
        return read(node.value if isinstance(node, StringValueNode) else None)

    return read_literal
