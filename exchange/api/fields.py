"""How a field of the management API carries out its act: off the loop, as the officer who asks."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry
from strawberry.permission import BasePermission
from strawberry.types import Info

from exchange.api.guard import Asking, SignedIn
from exchange.api.types import made

T = TypeVar("T")
ALLOWED: list[type[BasePermission]] = [SignedIn]


def field(resolver: Callable[..., Any]) -> Any:
    """Declare a root field; there is no other way here, so that none is without its permission."""
    return strawberry.field(resolver, permission_classes=ALLOWED)


def change(resolver: Callable[..., Any]) -> Any:
    """Declare a mutation, likewise."""
    return strawberry.mutation(resolver, permission_classes=ALLOWED)


async def act(info: Info, name: str, /, **arguments: Any) -> Any:
    """Carry out an act off the loop; what was not given is left to the act's own default."""
    asking = cast("Asking", info.context)
    given = {key: value for key, value in arguments.items() if value is not None}
    return await asyncio.to_thread(asking.perform, name, given)


async def paged(info: Info, kind: type[T], name: str, /, **arguments: Any) -> list[T]:
    """Return a page of a listing; the last row's key is what the next one is asked with."""
    told = await act(info, name, **arguments)
    return [made(kind, row) for row in told["rows"]]
