"""The browser's verifier answers as `audit/verify.py` does, on good proofs and on each broken one."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from audit.canonical import b64
from audit.merkle import leaf_hash
from audit.verify import verify_receipt
from tests.fakes.receipts import LOG, WITNESS, a_given

NODE = shutil.which("node")
SCRIPT = Path(__file__).parents[3] / "exchange" / "portal" / "static" / "js" / "proof.js"
DRIVER = """
import { readFileSync } from "node:fs";
const { checkProof } = await import(process.argv[1]);
const told = [];
for (const one of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const found = await checkProof(one);
    told.push({ inclusion: found.inclusion, signature: found.signature, steps: found.steps.length });
  } catch (error) {
    if (error.code === undefined || error.name !== "Error") throw error;
    told.push({ fault: error.code });
  }
}
process.stdout.write(JSON.stringify(told));
"""
OTHER = "A" * 43 + "="
Proof = dict[str, Any]

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def a_proof(*, index: int = 4, size: int = 11) -> Proof:
    """What the page holds of a receipt."""
    receipt = a_given(index=index, size=size).receipt
    members = ("entry", "index", "size", "checkpoint")
    kept = {name: receipt[name] for name in members}
    return {**kept, "hashes": receipt["proof"], "vkey": LOG.vkey}


def checked_by_browser(proofs: list[Proof]) -> list[dict[str, Any]]:
    told = subprocess.run(
        [str(NODE), "--no-warnings", "--input-type=module", "-e", DRIVER, SCRIPT.as_uri()],
        input=json.dumps(proofs),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found


def holds_in_python(proof: Mapping[str, Any]) -> bool:
    receipt = {name: proof[name] for name in ("entry", "index", "size", "checkpoint")}
    whole = {**receipt, "v": "receipt/1", "proof": proof["hashes"], "openings": {}, "paths": {}}
    return verify_receipt(whole, vkeys=[proof["vkey"]]).holds


def holds_in_browser(found: Mapping[str, Any]) -> bool:
    wanted = {"inclusion": "LEAF_INCLUDED", "signature": "CHECKPOINT_SIGNED"}
    return all(found.get(name) == value for name, value in wanted.items())


def broken() -> Iterator[tuple[str, Proof]]:
    """Valid proofs with one thing changed."""
    good = a_proof()
    note, key, hashes = good["checkpoint"], good["vkey"], good["hashes"]
    text, _, line = note.partition("\n\n")
    origin, size, root = text.split("\n")
    signature = line.rstrip("\n").rpartition(" ")[2]
    name, identifier, encoded = key.split("+", 2)
    changes: dict[str, Proof] = {
        "entry changed": {"entry": good["entry"].replace("gw-1", "gw-2")},
        "index before": {"index": 3},
        "index after": {"index": 5},
        "index outside": {"index": 11},
        "another size": {"size": 12},
        "hash missing": {"hashes": hashes[:-1]},
        "hash too many": {"hashes": [*hashes, hashes[0]]},
        "hash changed": {"hashes": [OTHER, *hashes[1:]]},
        "hashes swapped": {"hashes": [hashes[1], hashes[0], *hashes[2:]]},
        "hash short": {"hashes": [b64(b"x" * 31), *hashes[1:]]},
        "hash with junk": {"hashes": [hashes[0] + "\n", *hashes[1:]]},
        "hash not canonical": {"hashes": [hashes[0][:-2] + "/=", *hashes[1:]]},
        "root changed": {"checkpoint": note.replace(root, OTHER)},
        "origin changed": {"checkpoint": note.replace(origin, "other.example/log")},
        "size changed": {"checkpoint": note.replace(f"\n{size}\n", "\n12\n"), "size": 12},
        "size with zero": {"checkpoint": note.replace(f"\n{size}\n", f"\n0{size}\n")},
        "size with sign": {"checkpoint": note.replace(f"\n{size}\n", f"\n+{size}\n")},
        "further line": {"checkpoint": note.replace(f"{root}\n", f"{root}\nmore\n")},
        "no blank line": {"checkpoint": note.replace("\n\n", "\n")},
        "no last line feed": {"checkpoint": note[:-1]},
        "carriage returns": {"checkpoint": note.replace("\n", "\r\n")},
        "hyphen for dash": {"checkpoint": note.replace("\u2014", "-")},
        "signature by a witness": {
            "checkpoint": f"{text}\n\n{WITNESS.line(f'{text}' + chr(10), time=7)}"
        },
        "signature cut": {"checkpoint": note.replace(signature, signature[:-4])},
        "signature of zeros": {
            "checkpoint": note.replace(signature, signature[:8] + "A" * 82 + "==")
        },
        "key of a witness": {"vkey": WITNESS.vkey},
        "key without id": {"vkey": f"{name}+{encoded}"},
        "key id changed": {"vkey": f"{name}+00000000+{encoded}"},
        "key id upper case": {"vkey": f"{name}+{identifier.upper()}x+{encoded}"},
        "key name changed": {"vkey": f"x{key}"},
        "key cut": {"vkey": key[:-1]},
        "no key": {"vkey": ""},
        "lone surrogate": {"entry": good["entry"].replace("gw-1", "\ud800")},
    }
    for title, change in changes.items():
        yield title, {**good, **change}


def test_every_leaf_of_small_trees_is_proved_in_the_browser() -> None:
    sizes = (*range(1, 18), 100, 257)
    places = [(i, n) for n in sizes for i in range(0, n, max(1, n // 5))]
    proofs = [a_proof(index=index, size=size) for index, size in places]
    found = checked_by_browser(proofs)
    assert [holds_in_browser(one) for one in found] == [True] * len(places)
    assert [one["steps"] for one in found] == [len(proof["hashes"]) for proof in proofs]


def test_what_the_browser_says_is_what_the_verifier_says_of_every_broken_proof() -> None:
    titles, proofs = zip(*broken(), strict=True)
    found = checked_by_browser(list(proofs))
    said = {title: holds_in_browser(one) for title, one in zip(titles, found, strict=True)}
    assert said == {
        title: holds_in_python(proof) for title, proof in zip(titles, proofs, strict=True)
    }
    assert not any(said.values())


def test_a_broken_proof_is_named_by_what_is_wrong_with_it() -> None:
    wanted = {
        "entry changed": {"inclusion": "LEAF_OUTSIDE"},
        "hash changed": {"inclusion": "LEAF_OUTSIDE"},
        "hash missing": {"fault": "LEAF_OUTSIDE"},
        "root changed": {"inclusion": "LEAF_OUTSIDE", "signature": "SIGNATURE_FAILS"},
        "signature by a witness": {"signature": "CHECKPOINT_UNSIGNED"},
        "signature of zeros": {"signature": "SIGNATURE_FAILS"},
        "key id changed": {"fault": "KEY_MALFORMED"},
        "carriage returns": {"fault": "RECEIPT_MALFORMED"},
    }
    proofs = dict(broken())
    found = checked_by_browser([proofs[title] for title in wanted])
    for title, one in zip(wanted, found, strict=True):
        assert {name: one.get(name) for name in wanted[title]} == wanted[title], title


def test_a_note_may_bear_signatures_of_unknown_keys() -> None:
    good = a_proof()
    text = good["checkpoint"].partition("\n\n")[0] + "\n"
    more = {**good, "checkpoint": good["checkpoint"] + WITNESS.line(text, time=1)}
    assert holds_in_python(more)
    assert holds_in_browser(checked_by_browser([more])[0])


def named(proof: Proof, **changes: Any) -> Proof:
    """The same proof for a reader who is told a part of the entry: its hash, and not its bytes."""
    leaf = b64(leaf_hash(proof["entry"].encode()))
    return {**proof, "entry": None, "leaf": leaf, **changes}


def test_a_proof_may_begin_at_the_hash_of_an_entry_that_is_not_shown() -> None:
    good = a_proof()
    found = checked_by_browser([named(good), named(a_proof(index=0, size=1))])
    assert [holds_in_browser(one) for one in found] == [True, True]
    wrong = checked_by_browser(
        [
            named(good, leaf=OTHER),
            named(good, leaf=b64(b"x" * 31)),
            named(good, leaf="no base64"),
            named(good, index=3),
            # A page that shows the entry is held to it, whatever hash stands beside.
            {**named(good), "entry": good["entry"].replace("gw-1", "gw-2")},
        ]
    )
    assert not any(holds_in_browser(one) for one in wrong)
    assert [one.get("fault") for one in wrong[1:3]] == ["RECEIPT_MALFORMED"] * 2
