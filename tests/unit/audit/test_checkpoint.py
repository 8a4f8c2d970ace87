"""A checkpoint has one spelling, and nothing that is not one is read as one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import (
    Checkpoint,
    check_name,
    format_checkpoint,
    format_size,
    parse_checkpoint,
    parse_size,
)
from audit.errors import MalformedError
from audit.merkle import EMPTY_ROOT

ROOT = "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro="

origins = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    lambda name: not any(held == "+" or held.isspace() or held < " " for held in name)
)
checkpoints = st.builds(
    Checkpoint, origins, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32)
)


@settings(deadline=None)
@given(checkpoints)
def test_a_checkpoint_is_read_back(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@pytest.mark.proves("B5")
@settings(deadline=None)
@given(checkpoints, st.data())
def test_what_is_read_as_a_checkpoint_is_spelled_as_we_spell_it(
    checkpoint: Checkpoint, data: st.DataObject
) -> None:
    text = format_checkpoint(checkpoint)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.text("0+_ \n\t٤=AZ", max_size=2)) + text[at + 1 :]
    try:
        read = parse_checkpoint(changed)
    except MalformedError:
        return
    assert format_checkpoint(read) == changed


def test_the_empty_tree_has_the_empty_root_only() -> None:
    empty = Checkpoint("log.example", 0, EMPTY_ROOT)
    assert parse_checkpoint(format_checkpoint(empty)) == empty
    with pytest.raises(MalformedError):
        Checkpoint("log.example", 0, bytes(32))


@pytest.mark.proves("B5")
@pytest.mark.parametrize(
    "text",
    [
        "",
        f"log.example\n7\n{ROOT}",
        f"log.example\n7\n{ROOT}\n\n",
        f"log.example\n7\n{ROOT}\nextension\n",
        f"\n7\n{ROOT}\n",
        f"log example\n7\n{ROOT}\n",
        f"log+example\n7\n{ROOT}\n",
        f"log\u3000example\n7\n{ROOT}\n",
        f"{'a' * 256}\n7\n{ROOT}\n",
        f"log.example\n07\n{ROOT}\n",
        f"log.example\n+7\n{ROOT}\n",
        f"log.example\n-7\n{ROOT}\n",
        f"log.example\n7_0\n{ROOT}\n",
        f"log.example\n\u0664\n{ROOT}\n",
        f"log.example\n9223372036854775808\n{ROOT}\n",
        f"log.example\n7\n{ROOT[:-1]}\n",
        f"log.example\n7\n{ROOT[:-2]}p=\n",
        "log.example\n7\nAAAA\n",
        f"log.example\r\n7\r\n{ROOT}\r\n",
        f"\ud800\n7\n{ROOT}\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_checkpoint(text)


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1))
def test_a_size_is_read_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@settings(deadline=None)
@given(st.text(max_size=4))
def test_a_size_has_one_spelling(text: str) -> None:
    try:
        size = parse_size(text)
    except MalformedError:
        return
    assert format_size(size) == text


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\x1fb", "\u00e4" * 128, "\ud800"])
def test_what_may_not_name_a_log_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        check_name(name)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (2**63, bytes(32)), (1, bytes(31))])
def test_a_checkpoint_that_cannot_be_is_refused(size: int, root: bytes) -> None:
    with pytest.raises(MalformedError):
        Checkpoint("log.example", size, root)
