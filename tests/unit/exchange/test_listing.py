"""Lists cut into pages: nothing is missed, nothing is shown twice, whatever is added in between."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.acts.listing import MOST, Span, cut
from exchange.acts.register import ActError
from exchange.portal.listing import COUNTED, Listed, choices, counted, read_listed

keys = st.sets(st.text("abcdef", min_size=1, max_size=4), max_size=40)


def walked(held: dict[str, str], *, first: int, newest: bool) -> list[str]:
    """Follow the pages of a list from the first to the last."""
    page = cut(held, Span(first=first), newest=newest)
    found = list(page.rows)
    while page.next is not None:
        page = cut(held, Span(first=first, after=page.next), newest=newest)
        found += page.rows
    return found


@given(keys, st.integers(1, 9), st.booleans())
def test_pages_follow_each_other_without_gap_or_repetition(
    held: set[str], first: int, newest: bool
) -> None:
    rows = {key: key for key in held}
    assert walked(rows, first=first, newest=newest) == sorted(held, reverse=newest)


@given(keys, st.integers(1, 9), st.booleans(), st.data())
def test_the_page_before_the_next_one_is_the_page_itself(
    held: set[str], first: int, newest: bool, data: st.DataObject
) -> None:
    rows = {key: key for key in held}
    after = data.draw(st.sampled_from([None, *sorted(held)]))
    page = cut(rows, Span(first=first, after=after), newest=newest)
    if page.next is None:
        return
    following = cut(rows, Span(first=first, after=page.next), newest=newest)
    back = cut(rows, Span(first=first, before=following.previous), newest=newest)
    assert back.rows == page.rows


@given(keys, keys, st.integers(1, 9))
def test_what_is_added_meanwhile_moves_no_row_to_another_page(
    held: set[str], added: set[str], first: int
) -> None:
    page = cut({key: key for key in held}, Span(first=first))
    grown = {key: key for key in held | added}
    rest: list[str] = []
    span = Span(first=MOST, after=page.next)
    if page.next is not None:
        rest = list(cut(grown, span).rows)
    assert not set(page.rows) & set(rest)
    assert held <= set(page.rows) | set(rest)


@given(keys, st.data())
def test_a_key_that_is_gone_still_says_where_the_page_ended(
    held: set[str], data: st.DataObject
) -> None:
    gone = data.draw(st.text("abcdef", min_size=1, max_size=4))
    page = cut({key: key for key in held}, Span(first=MOST, after=gone))
    assert list(page.rows) == sorted(key for key in held if key > gone)


@pytest.mark.parametrize("span", [Span(first=0), Span(first=MOST + 1), Span(after="a", before="b")])
def test_a_page_that_cannot_be_is_refused(span: Span) -> None:
    with pytest.raises(ActError) as raised:
        cut({"a": 1}, span)
    assert raised.value.code == "ACT_ARGUMENTS"


def test_filters_are_kept_in_the_addresses_of_other_pages() -> None:
    listed = read_listed(
        "/requests", {"state": "draft", "department": "x y", "junk": "1"}, "state", "department"
    )
    pages = listed.pages({"next": "req_2", "previous": None})
    assert pages["previous"] == ""
    assert dict(parse_qsl(urlsplit(pages["next"]).query)) == {
        "state": "draft",
        "department": "x y",
        "after": "req_2",
    }
    assert listed.address(state="") == "/requests?department=x+y"


@given(st.dictionaries(st.sampled_from(("first", "after", "before", "state")), st.text()))
def test_whatever_an_address_says_a_page_can_be_asked_for(given_: dict[str, str]) -> None:
    listed = read_listed("/grants", given_, "state")
    arguments = listed.arguments()
    assert 1 <= arguments["first"] <= MOST
    assert not {"after", "before"} <= arguments.keys()


def test_more_than_people_count_is_a_number_with_a_plus() -> None:
    assert [counted(number) for number in (0, 1_135, COUNTED, COUNTED + 1)] == [
        "0",
        "1,135",
        "5,000",
        "5,000+",
    ]


def test_a_filter_says_how_many_rows_each_of_its_values_leaves() -> None:
    listed = Listed(path="/requests", filters={"state": "draft"})
    held = choices(listed, "state", ("draft", "agreed"), {"draft": 2, "refused": 5})
    assert [(one.code, one.count, one.chosen) for one in held] == [
        ("", "2", False),
        ("draft", "2", True),
        ("agreed", "0", False),
    ]
