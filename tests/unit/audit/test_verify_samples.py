"""The verifier draws the samples of reviews again from an export, and names those that nobody drew so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import verify
from audit.canonical import encode
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.export import Export, Page
from audit.merkle import leaf_hash, root_of
from audit.sampling import Frame, draw
from tests.examples import examples
from tests.fakes.receipts import LOG, ORIGIN

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
BEGIN_MS = int(BEGIN.timestamp() * 1000)
SCOPE: dict[str, Any] = {
    "departments": ["hall"],
    "systems": [],
    "resources": [],
    "matters": [],
    "cases": 0,
    "subjects": 0,
    "since": BEGIN.isoformat(),
    "until": (BEGIN + timedelta(days=1)).isoformat(),
}
SEED = "00112233445566778899aabbccddeeff"


def a_call(number: int, **members: Any) -> bytes:
    said = {
        "kind": "call",
        "ts": BEGIN_MS + number,
        "consumer": "hall",
        "system": "hall.permits",
        "matter": "M1",
        "steps": [{"provider": "market", "resource": "307/000001"}],
        "id": f"{number:05}",
    }
    return encode(said | members)


def an_act(kind: str, **facts: Any) -> bytes:
    return encode({"kind": kind, "ts": BEGIN_MS, "facts": facts})


def frame_of(scope: dict[str, Any]) -> Frame:
    bounds = ("departments", "systems", "resources", "matters")
    since, until = (datetime.fromisoformat(scope[name]) for name in ("since", "until"))
    return Frame(
        **{name: frozenset(scope[name]) for name in bounds},
        since=int(since.timestamp() * 1000),
        until=int(until.timestamp() * 1000),
    )


def a_log(
    calls: Sequence[bytes],
    *,
    scope: dict[str, Any] | None = None,
    count: int = 3,
    opened: bool = True,
    turns: int = 1,
    **changes: Any,
) -> list[bytes]:
    """Calls, a review of them and its sample, whose entry says what is changed."""
    scope = SCOPE if scope is None else scope
    opening = [an_act("review.opened", review="rev1", **scope)] if opened else []
    bodies = [*calls, *opening]
    drawn = draw(enumerate(bodies), frame_of(scope), seed=SEED, count=count)
    facts = {
        "review": "rev1",
        "seed": SEED,
        "count": count,
        "size": len(bodies),
        "population": drawn.population,
        "digest": drawn.digest,
        "drawn": list(drawn.indexes),
    }
    sampled = [
        encode({"kind": "review.sampled", "ts": BEGIN_MS + turn, "facts": facts | changes})
        for turn in range(turns)
    ]
    return [*bodies, *sampled, a_call(90_000)]


def checked(folder: Path, bodies: Sequence[bytes]) -> verify.Report:
    leaves = [leaf_hash(body) for body in bodies]
    run = Export.open(folder, origin=ORIGIN, entries=True)
    run.take(Page(first=0, leaves=leaves, bodies=list(bodies)))
    run.finish(LOG.sign(format_checkpoint(Checkpoint(ORIGIN, len(bodies), root_of(leaves)))))
    trust = verify.Trust(vkeys=[LOG.vkey])
    return verify.verify_export(folder, trust=trust, entries=True, samples=True)


def fault(report: verify.Report) -> str:
    return "" if report.fault is None else report.fault.code


CALLS = [a_call(number) for number in range(300)]


def test_a_sample_that_its_seed_and_scope_give_is_found_to_be_that(tmp_path: Path) -> None:
    report = checked(tmp_path, a_log(CALLS))
    assert report.holds
    (found,) = [one for one in report.findings if one.code == "SAMPLE_DRAWN"]
    assert (found.name, found.index, found.detail) == ("rev1", 301, "3 / 300, draw 1")


def test_who_draws_until_it_suits_is_seen_to_have_drawn_often(tmp_path: Path) -> None:
    report = checked(tmp_path, a_log(CALLS, turns=3))
    draws = [one.detail for one in report.findings if one.code == "SAMPLE_DRAWN"]
    assert draws == [f"3 / 300, draw {turn}" for turn in (1, 2, 3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"drawn": [1, 2, 3]},
        {"seed": "another"},
        {"drawn": []},
        {"population": 299},
        {"digest": "00" * 32},
        {"size": 299},
        {"size": 400},
        {"opened": False},
        {"scope": SCOPE | {"cases": 1}},
        {"scope": SCOPE | {"subjects": 1}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_sample_that_was_drawn_otherwise_is_named(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    report = checked(tmp_path, a_log(CALLS, **changes))
    assert fault(report) == "SAMPLE_DIFFERS"


def test_a_scope_that_was_changed_after_it_was_confirmed_does_not_count(tmp_path: Path) -> None:
    first = an_act("review.opened", review="rev1", **(SCOPE | {"departments": ["other"]}))
    report = checked(tmp_path, a_log([*CALLS, first]))
    assert fault(report) == "SAMPLE_DIFFERS"


def test_a_log_without_a_sample_proves_nothing_of_one(tmp_path: Path) -> None:
    report = checked(tmp_path, CALLS)
    assert report.fault is None
    assert not report.holds


@pytest.mark.parametrize("facts", [{}, {"review": "rev1"}, {"review": "rev1", "seed": SEED}])
def test_an_entry_that_is_no_sample_is_malformed_or_differs(
    tmp_path: Path, facts: dict[str, Any]
) -> None:
    opened = an_act("review.opened", review="rev1", **SCOPE)
    report = checked(tmp_path, [*CALLS, opened, an_act("review.sampled", **facts)])
    assert fault(report) in {"EXPORT_MALFORMED", "SAMPLE_DIFFERS"}


words = st.sampled_from(("a", "b", "c"))
bounds = st.lists(words, max_size=2)
calls = st.fixed_dictionaries(
    {
        "ts": st.integers(BEGIN_MS - 10, BEGIN_MS + 10),
        "consumer": words,
        "system": words,
        "matter": words,
        "kind": st.sampled_from(("call", "call", "grant.revoked")),
        "steps": st.lists(
            st.fixed_dictionaries({"provider": words, "resource": words}), max_size=2
        ),
    }
)


@settings(max_examples=examples(60))
@given(
    st.lists(calls, min_size=1, max_size=12),
    st.fixed_dictionaries(
        dict.fromkeys(("departments", "systems", "resources", "matters"), bounds)
    ),
    st.integers(1, 5),
)
def test_the_verifier_draws_as_the_exchange_does(
    given_calls: list[dict[str, Any]], bounded: dict[str, Any], count: int
) -> None:
    bodies = [a_call(number, **members) for number, members in enumerate(given_calls)]
    until = (BEGIN + timedelta(milliseconds=8)).isoformat()
    log = a_log(bodies, scope=SCOPE | bounded | {"until": until}, count=count)
    with TemporaryDirectory() as folder:
        assert fault(checked(Path(folder), log)) == ""


def test_samples_are_drawn_from_one_export_with_entries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked(tmp_path / "log", a_log(CALLS))
    named = ["--vkey", LOG.vkey, "--samples"]
    assert verify.main([*named, "--entries", str(tmp_path / "log")]) == 0
    assert "draw 1" in capsys.readouterr().out
    for wrong in (["--public", "x"], ["--entries", "x", "--after", "y"]):
        with pytest.raises(SystemExit):
            verify.main([*named, *wrong])
