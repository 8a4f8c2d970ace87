"""What is typed into the auditor's box and address, and the proof told step by step."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canonical import b64, b64_decode
from audit.merkle import check_inclusion, leaf_hash
from exchange.portal.ladder import climb
from exchange.portal.looking import (
    BOX_BOUND,
    DECISIONS,
    CaseNumber,
    Entry,
    Facet,
    Wanted,
    read_after,
    read_box,
    read_index,
    read_wanted,
    write_after,
)
from tests.examples import examples
from tests.fakes.catalogue import HALL, HALL_SYSTEM, LICENCE, a_snapshot
from tests.fakes.receipts import a_sequenced

ZONE = ZoneInfo("Asia/Shanghai")
NAMES = a_snapshot()


def test_a_number_below_the_size_is_an_entry_and_any_other_a_case() -> None:
    assert read_box("7", size=8, names=NAMES) == Entry(index=7)
    assert read_box("8", size=8, names=NAMES) == CaseNumber(number="8")
    assert read_box("07", size=8, names=NAMES) == CaseNumber(number="07")
    assert read_box(" SG-2026-0117 ", size=8, names=NAMES) == CaseNumber(number="SG-2026-0117")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (LICENCE, "resource"),
        (HALL, "department"),
        (HALL_SYSTEM, "system"),
        ("GRANT_MISSING", "code"),
    ],
)
def test_a_code_that_the_exchange_knows_becomes_a_facet(typed: str, name: str) -> None:
    assert read_box(typed, size=8, names=NAMES) == Facet(name=name, value=typed)


@pytest.mark.parametrize("typed", ["", "   ", "9" * (BOX_BOUND + 1)])
def test_nothing_and_too_much_are_not_looked_for(typed: str) -> None:
    assert read_box(typed, size=8, names=NAMES) is None


@given(st.text(max_size=200))
def test_whatever_is_typed_is_looked_for_as_it_stands_or_not_at_all(typed: str) -> None:
    match read_box(typed, size=8, names=NAMES):
        case None:
            assert not typed.strip() or len(typed.strip()) > BOX_BOUND
        case Entry(index=index):
            assert str(index) == typed.strip()
        case CaseNumber(number=found) | Facet(value=found):
            assert found == typed.strip()


def test_days_begin_and_end_where_the_exchange_stands() -> None:
    wanted = read_wanted({"since": "2026-03-01", "until": "2026-03-02"})
    assert not wanted.errors
    arguments = wanted.arguments(ZONE)
    assert arguments["since"] == datetime(2026, 2, 28, 16, 0, tzinfo=UTC)
    assert arguments["until"] == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "2026-02-30"),
        ("since", "20260301"),
        ("until", "9999-12-31"),
        ("until", "0001-01-01"),
        ("until", "yesterday"),
        ("decision", "maybe"),
        ("kind", "' OR 1=1 --"),
        ("code", "NO_SUCH_CODE"),
        ("department", "<script>"),
        ("resource", "307 000001"),
    ],
)
def test_what_no_list_offers_is_an_error_at_its_field(name: str, value: str) -> None:
    assert set(read_wanted({name: value}).errors) == {name}


_places = st.tuples(st.integers(0, 10**15 - 1), st.integers(0, 999_999))
_facets = st.fixed_dictionaries(
    {},
    optional={
        "decision": st.sampled_from(DECISIONS),
        "code": st.just("GRANT_MISSING"),
        "department": st.just(HALL),
        "resource": st.just(LICENCE),
        "kind": st.sampled_from(("call", "grant.revoked")),
    },
)


@given(_facets, st.dates(min_value=date(2000, 1, 1), max_value=date(2999, 12, 31)))
@settings(max_examples=examples(50))
def test_an_address_is_read_back_as_it_was_written(facets: dict[str, str], day: date) -> None:
    wanted = Wanted(facets=facets, since=day.isoformat())
    assert read_wanted(dict(parse_qsl(wanted.address()))) == wanted


@given(_places)
def test_the_place_of_the_next_page_is_read_back_as_it_was_written(place: tuple[int, int]) -> None:
    assert read_after(write_after(place)) == place


@pytest.mark.parametrize("text", ["", "-1", "+1", "01", "1.0", "٤", "9" * 16, "1\n"])
def test_only_an_index_as_we_write_it_is_read(text: str) -> None:
    assert read_index(text) == -1


@given(st.integers(1, 40), st.data())
@settings(max_examples=examples(60))
def test_the_ladder_reaches_the_root_that_the_proof_is_checked_against(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    held = a_sequenced(index=index, size=size)
    ladder = climb(
        leaf_hash(held.body),
        index=index,
        size=size,
        hashes=[b64(one) for one in held.proof],
        checkpoint=held.checkpoint,
    )
    assert ladder.reaches
    assert len(ladder.rungs) == len(held.proof)
    root = b64_decode(ladder.root)
    check_inclusion(leaf_hash(held.body), index=index, size=size, proof=held.proof, root=root)


def test_a_ladder_from_another_entry_does_not_reach_the_signed_root() -> None:
    held = a_sequenced(index=4, size=11)
    hashes = [b64(one) for one in held.proof]
    ladder = climb(
        leaf_hash(held.body + b" "), index=4, size=11, hashes=hashes, checkpoint=held.checkpoint
    )
    assert not ladder.reaches
