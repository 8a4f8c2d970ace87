"""The home: private folders, one holder of its lock, columns sealed under its own key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.clock import fresh_id, random_bytes
from exchange.home import HeldError, HomeError, check_home, locked, make_home
from exchange.sealing import ColumnSealer, SealError, create_sealing_key, load_sealer

KEY = bytes(range(32))


def test_nobody_else_can_read_the_home(tmp_path: Path) -> None:
    make_home(tmp_path / "home")
    check_home(tmp_path / "home")
    (tmp_path / "home").chmod(0o750)
    with pytest.raises(HomeError, match="mode 750, needs 700"):
        check_home(tmp_path / "home")


def test_a_folder_that_is_no_home_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="exchange init"):
        check_home(tmp_path)


def test_one_process_at_a_time_holds_the_home(tmp_path: Path) -> None:
    make_home(tmp_path)
    with locked(tmp_path), pytest.raises(HeldError), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


@given(st.text())
def test_what_is_sealed_opens_and_shows_nothing(text: str) -> None:
    sealer = ColumnSealer(KEY, random=random_bytes)
    sealed = sealer.seal(text)
    assert sealer.open(sealed) == text
    assert len(text.encode()) < 4 or text.encode() not in sealed


@given(st.text(min_size=1), st.data())
def test_a_changed_sealed_value_does_not_open(text: str, data: st.DataObject) -> None:
    sealer = ColumnSealer(KEY, random=random_bytes)
    sealed = bytearray(sealer.seal(text))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1
    with pytest.raises(SealError):
        sealer.open(bytes(sealed))


def test_tokens_of_two_kinds_differ_and_depend_on_the_key() -> None:
    sealer = ColumnSealer(KEY, random=random_bytes)
    other = ColumnSealer(bytes(32), random=random_bytes)
    assert sealer.token("person", "x") == sealer.token("person", "x")
    assert (
        len({sealer.token("person", "x"), sealer.token("case", "x"), other.token("person", "x")})
        == 3
    )


def test_the_sealing_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    create_sealing_key(tmp_path, random=random_bytes)
    assert (tmp_path / "registry.kek").stat().st_mode & 0o777 == 0o600
    first = load_sealer(tmp_path, random=random_bytes).seal("甲")
    with pytest.raises(FileExistsError):
        create_sealing_key(tmp_path, random=random_bytes)
    assert load_sealer(tmp_path, random=random_bytes).open(first) == "甲"


def test_fresh_ids_are_uuid_version_7_and_sort_by_time() -> None:
    ids = [fresh_id("grt") for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(text[4 + 14] == "7" and text[4 + 19] in "89ab" for text in ids)
    assert [text[:17] for text in ids] == sorted(text[:17] for text in ids)
