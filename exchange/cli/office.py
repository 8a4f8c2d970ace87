"""Carries a command's act to the desk: over the admin socket of a serving process, or right here."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.cli.telling import line, telling
from exchange.clock import now, random_bytes
from exchange.desk import Desk, Factors, read_envelope, write_envelope
from exchange.home import OFFICERS, HeldError, locked, socket_path
from exchange.identity.keys import read_private_pem
from exchange.node import opened
from exchange.settings import Settings, environment, read_settings


class Office:
    """One command's connection: the home, and the officer on whose word it acts."""

    def __init__(
        self,
        settings: Settings,
        key: Ed25519PrivateKey | None,
        *,
        factors: Factors | None = None,
    ) -> None:
        self.settings = settings
        self._key = key
        self._factors = factors

    def perform(self, name: str, /, **arguments: Any) -> Any:
        """Sign and carry out one act. Raises one of OURS, or ClickException for a refusal from afar."""
        if self._key is None:
            raise click.UsageError("say who acts: --as NAME or --key FILE (an officer's key)")
        envelope = write_envelope(
            name,
            msgspec.to_builtins(arguments),
            key=self._key,
            at=now(),
            nonce=urlsafe_b64encode(random_bytes(18)).decode(),
            factors=self._factors,
        )
        try:
            with locked(self.settings.home), opened(self.settings) as node:
                return Desk(node).perform(read_envelope(envelope))
        except HeldError:
            return self._send(envelope)

    def acting_as(self, name: str) -> "Office":
        """Return the same office on another officer's word: a key in the home's files/officers."""
        return Office(self.settings, _officer_key(self.settings, name, None))

    def with_factors(self, factors: Factors) -> "Office":
        """Return the same office for acts that want password and one-time code besides the key."""
        return Office(self.settings, self._key, factors=factors)

    def _send(self, envelope: bytes) -> Any:
        path = socket_path(self.settings.home)
        transport = httpx.HTTPTransport(uds=str(path))
        try:
            with httpx.Client(transport=transport, timeout=60) as client:
                response = client.post("http://admin/acts", content=envelope)
        except httpx.HTTPError as error:
            raise click.ClickException(
                f"the process that serves {self.settings.home} does not answer on {path}: {error}"
            ) from error
        said = msgspec.json.decode(response.content)
        if response.is_success:
            return said
        facts = ", ".join(f"{name} {value}" for name, value in said.get("facts", {}).items())
        raise click.ClickException(line(said["code"], said.get("detail", "") or facts))


def with_office(command: Callable[..., Any]) -> Callable[..., None]:
    """Give a command its office as first argument, and tell our errors in one line each."""

    @click.option("--home", type=click.Path(path_type=Path), help="The home; else $EXCHANGE_HOME.")
    @click.option("--as", "as_", help="Officer: NAME of a key in the home's files/officers.")
    @click.option("--key", type=click.Path(path_type=Path, exists=True), help="Officer's key, PEM.")
    @wraps(command)
    def run(
        *arguments: Any, home: Path | None, as_: str | None, key: Path | None, **options: Any
    ) -> None:
        with telling():
            settings = read_settings(environment(), home=home)
            office = Office(settings, _officer_key(settings, as_, key))
            command(office, *arguments, **options)

    return run


def _officer_key(settings: Settings, as_: str | None, key: Path | None) -> Ed25519PrivateKey | None:
    """Read the key that --as or --key names, else $EXCHANGE_OFFICER_KEY; None where none is named."""
    path = key
    if path is None and as_ is not None:
        path = settings.home / OFFICERS / f"{as_}.pem"
    if path is None and environment().get("EXCHANGE_OFFICER_KEY"):
        path = Path(environment()["EXCHANGE_OFFICER_KEY"])
    if path is None:
        return None
    if not path.exists():
        raise click.UsageError(f"no officer's key at {path}")
    read = read_private_pem(path.read_bytes())
    if not isinstance(read, Ed25519PrivateKey):
        raise click.UsageError(f"{path}: officers' keys are Ed25519")
    return read
