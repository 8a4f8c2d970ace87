"""Bundles: one content one archive, and nothing loaded that was not signed as it is."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.bundle import (
    Bundle,
    build,
    compose,
    contents,
    default_bundle,
    digest_of,
    load_archive,
    load_directory,
    packaged_data,
    packaged_modules,
    release,
    sign,
)
from policies.engine import LoadError
from tests.examples import examples

KEY = ec.derive_private_key(11, ec.SECP256R1())
OTHER = ec.derive_private_key(12, ec.SECP256R1())
KEYS = {"approver": KEY.public_key()}
BUNDLE = default_bundle(expires=2_000_000_000)
SIGNED = sign(build(BUNDLE), key=KEY, key_id="approver")

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)


def files(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {member.name: _content(tar, member) for member in tar}


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    found = tar.extractfile(member)
    assert found is not None
    return found.read()


def packed(content: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, body in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return raw.getvalue()


def with_signature(token: str) -> bytes:
    content = files(SIGNED) | {".signatures.json": json.dumps({"signatures": [token]}).encode()}
    return packed(content)


def claims() -> dict[str, Any]:
    token = json.loads(files(SIGNED)[".signatures.json"])["signatures"][0]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@settings(max_examples=examples(50), deadline=None)
@given(reference=st.dictionaries(_texts.filter(bool), _values, max_size=4))
def test_what_is_built_is_what_is_loaded(reference: dict[str, Any]) -> None:
    bundle = compose(
        {"exchange/x.rego": "package exchange.x\n\np := 1\n"},
        {"exchange": {"reference": reference}},
        revision="r1",
        expires=7,
    )
    archive = build(bundle)
    assert load_archive(archive) == bundle
    assert build(load_archive(archive)) == archive


def test_the_same_content_gives_the_same_bytes_and_revision() -> None:
    again = default_bundle(expires=BUNDLE.expires)
    assert build(again) == build(BUNDLE)
    assert again.revision == BUNDLE.revision


def test_other_rules_have_another_revision() -> None:
    source = "package departments.land\n"
    shared = default_bundle(
        expires=BUNDLE.expires, departments={"departments/land/rules.rego": source}
    )
    assert shared.revision != BUNDLE.revision
    suffixed = default_bundle(expires=BUNDLE.expires, revision_suffix="-2")
    assert suffixed.revision == f"{BUNDLE.revision}-2"


def test_tests_are_no_part_of_the_bundle() -> None:
    assert not [name for name in BUNDLE.modules if name.endswith("_test.rego")]


def test_a_directory_in_opa_s_layout_is_loaded(tmp_path: Path) -> None:
    for name, content in files(build(BUNDLE)).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    assert load_directory(tmp_path) == BUNDLE


def test_a_signed_bundle_is_loaded_under_its_key() -> None:
    assert load_archive(SIGNED, keys=KEYS) == BUNDLE


@pytest.mark.proves("P15")
def test_an_unsigned_bundle_is_refused_where_keys_are_configured() -> None:
    with pytest.raises(LoadError, match="exactly one signature"):
        load_archive(build(BUNDLE), keys=KEYS)


@pytest.mark.proves("P15")
def test_a_bundle_signed_with_another_key_is_refused() -> None:
    with pytest.raises(LoadError, match="does not hold"):
        load_archive(sign(build(BUNDLE), key=OTHER, key_id="approver"), keys=KEYS)
    with pytest.raises(LoadError, match="not configured"):
        load_archive(sign(build(BUNDLE), key=OTHER, key_id="other"), keys=KEYS)


@pytest.mark.proves("P15")
def test_algorithm_none_is_refused() -> None:
    token = jwt.encode(claims(), "", algorithm="none", headers={"kid": "approver"})
    with pytest.raises(LoadError, match="does not hold"):
        load_archive(with_signature(token), keys=KEYS)


@pytest.mark.proves("P15")
def test_a_shared_secret_is_refused() -> None:
    secret = "the public key's bytes, as the old trick goes, are long enough"
    token = jwt.encode(claims(), secret, algorithm="HS256", headers={"kid": "approver"})
    with pytest.raises(LoadError, match="does not hold"):
        load_archive(with_signature(token), keys=KEYS)


@pytest.mark.proves("P15")
@pytest.mark.parametrize("change", ["added", "changed", "removed", "listed only"])
def test_files_that_are_not_the_signed_ones_are_refused(change: str) -> None:
    content = files(SIGNED)
    match change:
        case "added":
            content["exchange/extra.rego"] = b"package exchange.extra\n"
        case "changed":
            content["exchange/rows.rego"] += b"\n"
        case "removed":
            del content["exchange/rows.rego"]
        case _:
            listed = claims()
            listed["files"].append({"name": "x.rego", "hash": "0" * 64, "algorithm": "SHA-256"})
            token = jwt.encode(listed, KEY, algorithm="ES256", headers={"kid": "approver"})
            content = files(with_signature(token))
    with pytest.raises(LoadError, match="not the files that were signed"):
        load_archive(packed(content), keys=KEYS)


@pytest.mark.proves("P15")
def test_two_signatures_are_refused() -> None:
    content = files(SIGNED)
    token = json.loads(content[".signatures.json"])["signatures"][0]
    content[".signatures.json"] = json.dumps({"signatures": [token, token]}).encode()
    with pytest.raises(LoadError, match="exactly one signature"):
        load_archive(packed(content), keys=KEYS)


def test_a_file_listed_twice_or_under_another_digest_is_refused() -> None:
    for spoil in ({"algorithm": "MD5"}, {}):
        listed = claims()
        listed["files"].append(listed["files"][0] | spoil)
        token = jwt.encode(listed, KEY, algorithm="ES256", headers={"kid": "approver"})
        with pytest.raises(LoadError, match="cannot be read"):
            load_archive(with_signature(token), keys=KEYS)


@pytest.mark.proves("P15")
def test_a_test_in_a_bundle_is_refused_because_nobody_judges_it() -> None:
    with pytest.raises(LoadError, match="tests travel beside"):
        compose({"exchange/x_test.rego": "package exchange.x\n"}, {}, revision="r", expires=1)


def test_a_release_says_its_serial_in_three_places_and_another_serial_is_another_revision() -> None:
    first, second = (
        release(packaged_modules(), packaged_data(), serial=serial, expires=9) for serial in (1, 2)
    )
    assert first.revision != second.revision
    assert (first.revision[:-2], first.revision[-2:]) == (second.revision[:-2], ".1")
    assert first.data["exchange"]["bundle"]["serial"] == first.serial == 1
    assert json.loads(files(build(first))[".manifest"])["metadata"] == {"serial": 1}
    again = release(second.modules, second.data, serial=3, expires=9)
    assert again.revision.removesuffix(".3") == second.revision.removesuffix(".2")
    with pytest.raises(LoadError, match="serial 0"):
        release(packaged_modules(), packaged_data(), serial=0, expires=9)


def test_an_archive_goes_by_its_sha_256_and_shows_its_files_without_the_signature() -> None:
    assert digest_of(SIGNED) == hashlib.sha256(SIGNED).hexdigest()
    assert ".signatures.json" not in contents(SIGNED)
    assert json.loads(contents(SIGNED)["data.json"]) == BUNDLE.data


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (".manifest", {"revision": BUNDLE.revision, "metadata": {"serial": 1}}),
        (".manifest", {"revision": BUNDLE.revision, "metadata": {"serial": False}}),
        (".manifest", {"revision": BUNDLE.revision}),
        (".manifest", {"revision": "other"}),
        (".manifest", {}),
        ("data.json", {}),
        ("data.json", {"exchange": {"bundle": {"revision": BUNDLE.revision}}}),
    ],
)
def test_a_bundle_without_one_revision_and_an_expiry_is_refused(
    member: str, value: dict[str, Any]
) -> None:
    content = files(build(BUNDLE)) | {member: json.dumps(value).encode()}
    with pytest.raises(LoadError, match="one revision"):
        load_archive(packed(content))


def test_a_bundle_that_hides_what_a_department_reads_is_refused() -> None:
    source = """package departments.land

deny contains {"ref": req.ref, "rule": "r", "code": "LAND_NO", "legal_basis": ["x"]} if {
	some req in input.requests
	input.case.parties > 3
}
"""
    shared = default_bundle(expires=9, departments={"departments/land/rules.rego": source})
    assert shared.data["exchange"]["reads"] == {"land": ["case"]}
    content = files(build(shared))
    data = json.loads(content["data.json"])
    data["exchange"]["reads"] = {}
    content["data.json"] = json.dumps(data).encode()
    with pytest.raises(LoadError, match="reads"):
        load_archive(packed(content))


@pytest.mark.parametrize("name", ["../x.rego", "/x.rego/../y", "a/./b.rego", "x\n.rego", "x y"])
def test_an_archive_with_a_strange_name_is_refused(name: str) -> None:
    with pytest.raises(LoadError, match="plain"):
        load_archive(packed(files(build(BUNDLE)) | {name: b"package exchange.x\n"}))


@pytest.mark.parametrize("raw", [b"", b"PK", gzip.compress(b"no tar at all" * 100, mtime=0)])
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    with pytest.raises(LoadError):
        load_archive(raw)


@given(place=st.integers(0, len(SIGNED) - 1), bit=st.integers(0, 7))
def test_an_archive_with_any_bit_flipped_is_refused_or_holds_the_same(place: int, bit: int) -> None:
    flipped = SIGNED[:place] + bytes([SIGNED[place] ^ 1 << bit]) + SIGNED[place + 1 :]
    try:
        found = load_archive(flipped, keys=KEYS)
    except LoadError:
        return
    # A bit of the gzip header or of a tar member's owner says nothing about what is loaded.
    assert found == BUNDLE


def test_a_bomb_is_refused() -> None:
    with pytest.raises(LoadError, match="at most"):
        load_archive(gzip.compress(bytes(17 * 1024 * 1024)))


def test_a_file_that_is_neither_rule_nor_data_is_refused() -> None:
    with pytest.raises(LoadError, match="neither"):
        load_archive(packed(files(build(BUNDLE)) | {"run.sh": b"#!"}))


def test_a_directory_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="manifest"):
        load_directory(tmp_path)


def test_a_module_that_breaks_a_rule_is_not_loaded() -> None:
    modules = {"exchange/x.rego": "package exchange.x\n\np if not input.x\n"}
    with pytest.raises(LoadError, match=r"exchange/x\.rego:3:6: not"):
        compose(modules, {}, revision="r", expires=1)


def test_a_bundle_is_a_value() -> None:
    assert isinstance(BUNDLE, Bundle)
    with pytest.raises(AttributeError):
        BUNDLE.revision = "x"  # type: ignore[misc]
