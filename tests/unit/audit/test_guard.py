"""The guard remembers the newest checkpoint, whatever part of it reached the disk."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import LogUnavailableError, StartRefusedError
from audit.guard import SLOT, Guard, newest_note
from audit.startup import read_guard, write_guard

NOTES = [f"origin\n{size}\nroot\n\n— origin sig{size}\n" for size in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guard"


def written(path: Path, *notes: str) -> bytes:
    guard = Guard(path)
    for note in notes:
        guard.write(note)
    guard.close()
    return path.read_bytes()


def test_the_newest_note_is_read_and_none_where_nothing_was_written(path: Path) -> None:
    assert read_guard(path) == ""
    for count in range(1, 6):
        written(path, *NOTES[:count])
        assert read_guard(path) == NOTES[count - 1]
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.with_name("guard.new").exists()


def test_a_start_goes_on_from_what_an_earlier_one_left(path: Path) -> None:
    written(path, *NOTES[:4])
    written(path, NOTES[4])
    assert read_guard(path) == NOTES[4]


def test_a_guard_of_an_earlier_release_is_read_and_replaced(path: Path) -> None:
    write_guard(path, NOTES[0])
    assert read_guard(path) == NOTES[0]
    written(path, NOTES[1], NOTES[2])
    assert read_guard(path) == NOTES[2]


@given(st.integers(0, SLOT), st.binary(max_size=64), st.sampled_from([2, 3, 4]))
def test_a_slot_torn_while_it_is_written_leaves_the_one_before(
    tmp_path_factory: pytest.TempPathFactory, at: int, scribble: bytes, count: int
) -> None:
    path = tmp_path_factory.mktemp("g") / "guard"
    before, after = written(path, *NOTES[:count]), written(path, *NOTES[: count + 1])
    first = count % 2 * SLOT
    old = before[first : first + SLOT].ljust(SLOT, b"\0")
    torn = after[first : first + at] + old[at:]
    torn = torn[:at] + scribble[: SLOT - at] + torn[at + len(scribble) :]
    whole = bytearray(after)
    whole[first : first + SLOT] = torn
    assert newest_note(bytes(whole), name="guard") in NOTES[count - 1 : count + 1]


def test_a_guard_without_a_whole_slot_refuses_the_start(path: Path) -> None:
    content = bytearray(written(path, *NOTES[:2]))
    content[200] ^= 1
    content[SLOT + 200] ^= 1
    content[80] ^= 1
    content[SLOT + 80] ^= 1
    path.write_bytes(content)
    with pytest.raises(StartRefusedError, match="no slot that is whole"):
        read_guard(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StartRefusedError, match="cannot be read"):
        read_guard(path)


def test_a_guard_that_was_taken_away_is_put_back_and_one_that_cannot_be_refuses(
    path: Path,
) -> None:
    guard = Guard(path)
    guard.write(NOTES[0])
    path.unlink()
    guard.write(NOTES[1])
    assert read_guard(path) == NOTES[1]
    path.unlink()
    path.mkdir()
    for _ in range(2):
        with pytest.raises(LogUnavailableError, match="cannot be written"):
            guard.write(NOTES[2])
    path.rmdir()
    guard.write(NOTES[2])
    assert read_guard(path) == NOTES[2]
    with pytest.raises(LogUnavailableError, match="does not fit"):
        guard.write("n" * SLOT)
    guard.close()
