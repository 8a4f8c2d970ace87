"""The node's key files."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, format_checkpoint
from audit.errors import MalformedError
from audit.keys import LogKeys, create_fresh_keys, create_keys, load_keys, settle_keys
from audit.merkle import EMPTY_ROOT
from audit.note import open_note
from audit.rotation import keys_in_force

ORIGIN = "log.example.gov.cn/2026"
FILES = ("log.ed25519", "log.mldsa44", "vault.kek", "cursor.hmac", "seal.hmac")


def test_what_is_created_is_loaded_again_and_signs(tmp_path: Path) -> None:
    created = create_keys(tmp_path, origin=ORIGIN)
    loaded = load_keys(tmp_path)
    assert (loaded.origin, loaded.kek, loaded.seal, loaded.cursor) == (
        created.origin,
        created.kek,
        created.seal,
        created.cursor,
    )
    assert loaded.signer.vkey == created.signer.vkey
    text = format_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT))
    assert open_note(loaded.signer.sign(text), [created.signer.verifier]).text == text
    assert loaded.published_signer is not None


def test_every_file_is_the_owners_alone_and_every_secret_its_own(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert len({path.read_text() for path in tmp_path.iterdir()}) == len(FILES)


@pytest.mark.parametrize("name", FILES)
def test_an_existing_key_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("kept")
    with pytest.raises(FileExistsError):
        create_keys(tmp_path, origin=ORIGIN)
    assert (tmp_path / name).read_text() == "kept"


@pytest.mark.parametrize("name", FILES)
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, name: str) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    (tmp_path / name).chmod(0o640)
    with pytest.raises(MalformedError, match="mode 640"):
        load_keys(tmp_path)


@pytest.mark.proves("B5")
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_key_is_refused_and_never_quoted(tmp_path: Path, name: str) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    path = tmp_path / name
    whole = path.read_text()
    for damaged in (
        whole[:-4] + "\n",
        whole[4:],
        "",
        whole + "x",
        whole.replace("+", "-", 1) + "+",
    ):
        path.write_text(damaged)
        with pytest.raises(MalformedError) as refused:
            load_keys(tmp_path)
        assert whole[-20:-4] not in str(refused.value)


@pytest.mark.proves("B5")
def test_one_changed_character_of_a_signing_key_is_noticed(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    path = tmp_path / "log.ed25519"
    whole = path.read_text()
    for at in range(len(whole) - 1):
        path.write_text(whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :])
        with pytest.raises(MalformedError):
            load_keys(tmp_path)


def test_a_key_of_another_log_or_kind_is_refused(tmp_path: Path) -> None:
    mine, others = tmp_path / "mine", tmp_path / "others"
    for folder, origin in ((mine, ORIGIN), (others, "other.example/log")):
        folder.mkdir()
        create_keys(folder, origin=origin)
    (mine / "log.mldsa44").write_text((others / "log.mldsa44").read_text())
    with pytest.raises(MalformedError, match="not an ML-DSA-44 key"):
        load_keys(mine)
    (mine / "log.ed25519").write_text((others / "log.mldsa44").read_text())
    with pytest.raises(MalformedError, match="Ed25519 needed"):
        load_keys(mine)


def test_a_home_without_the_post_quantum_key_still_signs(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    (tmp_path / "log.mldsa44").unlink()
    assert load_keys(tmp_path).published_signer is None


def test_keys_do_not_show_in_their_representation(tmp_path: Path) -> None:
    keys = create_keys(tmp_path, origin=ORIGIN)
    assert repr(keys.kek) not in repr(keys)
    assert repr(keys.seal) not in repr(keys)


def in_force(folder: Path) -> LogKeys:
    return keys_in_force(load_keys(folder), rotations=(), retirements=())


@pytest.mark.proves("L12")
def test_fresh_keys_lie_beside_the_first_and_what_an_earlier_attempt_left_is_removed(
    tmp_path: Path,
) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    create_fresh_keys(tmp_path, in_force(tmp_path), random=os.urandom)
    fresh = create_fresh_keys(tmp_path, in_force(tmp_path), random=os.urandom)
    loaded = load_keys(tmp_path)
    assert [held.verifier for held in loaded.further] == [fresh.signer.verifier]
    assert [held.verifier for held in loaded.further_published] == [fresh.published_signer.verifier]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert in_force(tmp_path).signer.verifier == loaded.signer.verifier
    assert "BEGIN" not in repr(fresh)
    assert "Signer" not in repr(fresh)


@pytest.mark.proves("B5")
def test_a_further_key_that_is_damaged_or_of_another_log_is_refused(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    create_fresh_keys(tmp_path, in_force(tmp_path), random=os.urandom)
    path = next(tmp_path.glob("log.*.ed25519"))
    whole = path.read_text()
    path.write_text(whole[:-4] + "\n")
    with pytest.raises(MalformedError):
        load_keys(tmp_path)
    path.write_text((tmp_path / "log.mldsa44").read_text())
    with pytest.raises(MalformedError, match="of the kind it is named for"):
        load_keys(tmp_path)


def test_keys_are_settled_only_once_no_older_one_signs(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN)
    first = in_force(tmp_path)
    fresh = create_fresh_keys(tmp_path, first, random=os.urandom)
    overlapping = replace(
        first,
        signer=fresh.signer,
        published_signer=fresh.published_signer,
        beside=(first.signer,),
    )
    settle_keys(tmp_path, overlapping)
    assert load_keys(tmp_path).signer.verifier == first.signer.verifier
    settle_keys(tmp_path, replace(overlapping, beside=()))
    settled = load_keys(tmp_path)
    assert settled.signer.verifier == fresh.signer.verifier
    assert (settled.further, settled.further_published) == ((), ())
    settle_keys(tmp_path, replace(overlapping, beside=()))
    assert load_keys(tmp_path).signer.verifier == fresh.signer.verifier
