"""Tells our errors in one line each. Loads no database, network or engine: many commands need none."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from audit.errors import AuditError
from catalogue.errors import CatalogueError
from exchange.acts.register import ActError
from exchange.home import HomeError, StorageError
from exchange.identity.errors import IdentityError
from exchange.settings import SettingsError
from exchange.words import words_of
from gateway.errors import GatewayError
from policies.engine import PolicyError

OURS = (
    ActError,
    AuditError,
    CatalogueError,
    GatewayError,
    HomeError,
    IdentityError,
    PolicyError,
    SettingsError,
    StorageError,
)


@contextmanager
def telling() -> Iterator[None]:
    """Turn our errors into one line on standard error and exit status 1."""
    try:
        yield
    except OURS as error:
        raise click.ClickException(line(getattr(error, "code", ""), str(error))) from error


def line(code: str, detail: str) -> str:
    """Return what is told of an error: its code in words, and what it was about."""
    if not code:
        return detail
    words, about = words_of(code), detail.removeprefix(f"{code}: ")
    return f"{code}: {words.zh} {words.en}" + (f" ({about})" if about and about != code else "")
