"""The key file with which this exchange signs access tokens: `keys/token.ed25519` in the home."""

import os
from pathlib import Path

from exchange.identity.keys import PrivateKey, create_private_key, private_pem, read_private_pem

FILE = "token.ed25519"


def create_token_key(folder: Path) -> None:
    """Write a new key, mode 0600; never over an existing one."""
    descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private_pem(create_private_key()))


def load_token_key(folder: Path) -> PrivateKey:
    return read_private_pem((folder / FILE).read_bytes())
