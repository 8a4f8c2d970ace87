"""`entry/1` is frozen: what was composed on the day of the freeze is composed and read alike for ever."""

import json
from pathlib import Path
from typing import Any

from audit.canonical import commit_bytes, commit_value, decode_strict
from audit.compose import Stamp, compose, salts_needed
from audit.entry import ByteCommit, Commit, Draft
from audit.merkle import leaf_hash
from audit.receipt import parse_receipt
from tests.fakes.receipts import a_given

GOLDEN = Path(__file__).parents[2] / "data" / "entry-1.json"

CONTENT = b'{"name":"\xe7\x94\xb2\xe5\x85\xac\xe5\x8f\xb8"}'
DRAFT = Draft(
    kind="call",
    clear={"call": "call_1", "consumer": "housing", "steps": [{"ref": "s1", "rows": 1}]},
    commits=(
        Commit(name="case", value="2026-0117"),
        Commit(
            name="subject.s1",
            value={"type": "enterprise", "id": "91A"},
            subject=("enterprise", "91A"),
        ),
        ByteCommit(name="answer", content=CONTENT),
    ),
    counters=("consumer:hall",),
    applied=7,
)
STAMP = Stamp(
    entry_id=bytes(range(16)),
    ts=1_764_000_000_000,
    gateway="gw-1",
    numbers={"consumer:hall": 12},
    last_act=5,
)


def composed() -> dict[str, Any]:
    made = compose(DRAFT, stamp=STAMP, salts=bytes(range(salts_needed(DRAFT))))
    return {
        "body": made.body.decode(),
        "leaf": leaf_hash(made.body).hex(),
        "openings": {
            name: {"salt": held.salt, "value": held.value} for name, held in made.openings.items()
        },
    }


def test_the_same_draft_is_the_same_entry_as_on_the_day_of_the_freeze() -> None:
    assert composed() == json.loads(GOLDEN.read_bytes())


def test_the_frozen_entry_opens_as_its_digests_say() -> None:
    golden = json.loads(GOLDEN.read_bytes())
    digests = decode_strict(golden["body"].encode())["digests"]
    assert digests.keys() == golden["openings"].keys()
    for name, held in golden["openings"].items():
        known = commit_value(held["salt"], name, held["value"])
        assert digests[name] == (commit_bytes(held["salt"], CONTENT) if name == "answer" else known)


def test_a_member_that_came_later_is_passed_over() -> None:
    """How `entry/1` may grow: what a reader does not know is covered by the leaf and nothing more."""
    receipt = dict(a_given().receipt)
    grown = {**decode_strict(receipt["entry"].encode()), "yet_unknown": ["x"]}
    receipt["entry"] = json.dumps(grown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert b"yet_unknown" in parse_receipt(receipt).entry
