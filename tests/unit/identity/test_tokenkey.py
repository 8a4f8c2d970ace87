"""The key that signs access tokens: made once, readable by its owner alone."""

from pathlib import Path

import pytest

from exchange.identity.keys import thumbprint
from exchange.identity.tokenkey import FILE, create_token_key, load_token_key


def test_the_token_key_is_kept_private_and_never_written_over(tmp_path: Path) -> None:
    create_token_key(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    first = thumbprint(load_token_key(tmp_path).public_key())
    with pytest.raises(FileExistsError):
        create_token_key(tmp_path)
    assert thumbprint(load_token_key(tmp_path).public_key()) == first
