"""The catalogue's list: what a search finds, what filters count, and where pages end."""

from hypothesis import given
from hypothesis import strategies as st

from catalogue.snapshot import Snapshot
from exchange.portal.listing import counted
from exchange.portal.pages.catalogue import LAST, Asked, read_asked, told_list

TYPED = st.text(max_size=40)


def a_snapshot() -> Snapshot:
    return Snapshot(
        applied_index=0,
        departments={},
        systems={},
        keys={},
        officers={},
        staff={},
        sources={},
        resources={},
        matters={},
        grants={},
        asked=frozenset(),
    )


def found(**changes: object) -> dict[str, object]:
    nothing = {"rows": [], "total": 0, "more": False, "classes": {}, "departments": {}}
    return nothing | {"corrected": {}, "loose": False} | changes


def test_each_filter_shows_its_counts_and_what_is_chosen() -> None:
    told = told_list(
        found(classes={"conditional": 5_001}, departments={"market": 1, "housing": 2}),
        a_snapshot(),
        Asked(department="housing"),
        language="zh",
    )
    assert {one.text: one.count for one in told["classes"]} == {
        "unconditional": "0",
        "conditional": "5,000+",
        "not-shared": "0",
    }
    assert {one.text: (one.count, one.chosen) for one in told["departments"]} == {
        "housing": ("2", True),
        "market": ("1", False),
    }


def test_pages_lead_on_as_far_as_the_search_does() -> None:
    def pages(number: int, *, more: bool) -> tuple[bool, bool]:
        told = told_list(found(more=more), a_snapshot(), Asked(number=number), language="zh")
        return bool(told["previous"]), bool(told["next"])

    assert pages(1, more=True) == (False, True)
    assert pages(2, more=True) == (True, True)
    assert pages(3, more=False) == (True, False)
    assert pages(LAST, more=True) == (True, False)


def test_an_address_of_any_page_asks_for_one_that_there_may_be() -> None:
    assert Asked(number=0).arguments()["page"] == 1
    assert Asked(number=99_999).arguments()["page"] == LAST


def test_counts_end_at_five_thousand_and_say_so() -> None:
    assert [counted(0), counted(5_000), counted(5_001)] == ["0", "5,000", "5,000+"]


@given(TYPED, TYPED, TYPED, TYPED)
def test_any_address_is_read(words: str, department: str, sharing: str, number: str) -> None:
    told = {"q": words, "department": department, "class": sharing, "page": number}
    asked = read_asked(told.get)
    assert asked.words == words
    assert asked.address().startswith("/catalogue")


def test_an_address_keeps_what_was_chosen_and_begins_anew() -> None:
    asked = Asked(words="执照", department="market", number=3)
    assert asked.address(page=4).endswith("&department=market&page=4")
    assert "page" not in asked.address(department="housing")
    assert Asked().address() == "/catalogue"
