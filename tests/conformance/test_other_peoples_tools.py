"""A C2SP tlog-tiles implementation that is not ours accepts our export, and finds what was changed in it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.note import Signer
from tests.fakes.receipts import LOG, ORIGIN, bodies_of
from tests.unit.audit.test_export import export

PYTHON = Path(__file__).parents[2] / ".cache" / "peers" / "bin" / "python"
AUDIT = Path(__file__).with_name("others_audit.py")
SIZE = 70_100
"""Over three levels of tiles, with a partial tile on each."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PYTHON.exists():
        pytest.skip("aics-tlog is not installed (`make peers` needs Python 3.12 or later)")
    folder = tmp_path_factory.mktemp("exported")
    export(folder, bodies_of(SIZE), step=4_096)
    return folder


def audited(folder: Path, vkey: str = LOG.vkey) -> tuple[int, str]:
    done = subprocess.run(
        [str(PYTHON), "-I", str(AUDIT), str(folder), vkey],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.strip()


def test_an_export_of_seventy_thousand_entries_is_accepted(exported: Path) -> None:
    # 273 full tiles and a partial one, one and a partial one above them, and the top; 274 bundles.
    assert audited(exported) == (0, f"{SIZE} 277 274")


def test_a_key_that_is_not_the_logs_proves_nothing(exported: Path) -> None:
    stranger = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    code, _ = audited(exported, stranger.vkey)
    assert code == 1


def first(_: bytes) -> int:
    return 0


def middle(content: bytes) -> int:
    return len(content) // 2


@pytest.mark.parametrize("place", [first, middle])
@pytest.mark.parametrize(
    "name",
    [
        "checkpoint",
        "tile/0/000",
        "tile/0/273.p/212",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/entries/100",
    ],
)
def test_a_changed_byte_is_found(exported: Path, name: str, place: Callable[[bytes], int]) -> None:
    path = exported / name
    content = path.read_bytes()
    changed = bytearray(content)
    changed[place(content)] ^= 1
    path.write_bytes(changed)
    try:
        code, said = audited(exported)
    finally:
        path.write_bytes(content)
    assert code == 1, said
