"""The catalogue's list: what a search finds, what filters count, and where pages end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.model import Item, ItemType, Resource, SharingClass
from catalogue.snapshot import Snapshot
from exchange.portal.pages.catalogue import MOST, ON_A_PAGE, Asked, counted, read_asked, told_list

KEY = Item(
    ordinal=0, name="uscc", title="统一社会信用代码", column="uscc", graphql_name="uscc", key=True
)
TYPED = st.text(max_size=40)


def a_resource(number: int, **changes: object) -> Resource:
    made = Resource(
        code=f"301/{number:06}",
        department="market",
        name=f"企业法人营业执照 {number}",
        name_en=f"Business licence {number}",
        type_name=f"Licence{number}",
        field_name=f"licence{number}",
        list_name=f"licences{number}",
        source="market",
        table="licence",
        items=(KEY, replace(KEY, ordinal=1, name="until", title="有效期至", type=ItemType.DATE)),
        sharing_class=SharingClass.CONDITIONAL,
        state="announced",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # a builder takes any field


def a_snapshot(*resources: Resource) -> Snapshot:
    return Snapshot(
        applied_index=0,
        departments={},
        systems={},
        keys={},
        officers={},
        staff={},
        sources={},
        resources={held.code: held for held in resources},
        matters={},
        grants={},
        asked=frozenset(),
    )


def codes(asked: Asked, *resources: Resource) -> list[str]:
    told = told_list(a_snapshot(*resources), asked, language="zh")
    return [row["code"] for row in told["rows"]]


@pytest.mark.parametrize(
    "words", ["营业执照 1", "business LICENCE 1", "301/000001", "有效期 执照 1"]
)
def test_every_word_is_looked_for_in_names_codes_and_items(words: str) -> None:
    other = a_resource(2, name="排污许可证", name_en="Permit", items=(KEY,))
    assert codes(Asked(words=words), a_resource(1), other) == ["301/000001"]


def test_a_name_comes_before_an_item() -> None:
    by_item = a_resource(1, name="甲", name_en="A")
    by_name = a_resource(2, name="有效期至")
    assert codes(Asked(words="有效期"), by_item, by_name) == ["301/000002", "301/000001"]


def test_only_what_is_announced_is_listed() -> None:
    assert codes(Asked(), a_resource(1, state="withdrawn"), a_resource(2)) == ["301/000002"]


def test_each_filter_counts_under_the_other_one() -> None:
    held = (
        a_resource(1),
        a_resource(2, department="housing"),
        a_resource(3, department="housing", sharing_class=SharingClass.UNCONDITIONAL),
    )
    told = told_list(a_snapshot(*held), Asked(department="housing"), language="zh")
    assert {one.text: one.count for one in told["classes"]} == {
        "unconditional": "1",
        "conditional": "1",
        "not-shared": "0",
    }
    assert {one.text: (one.count, one.chosen) for one in told["departments"]} == {
        "housing": ("2", True),
        "market": ("1", False),
    }


def test_pages_together_hold_everything_once() -> None:
    held = [a_resource(number) for number in range(2 * ON_A_PAGE + 1)]
    seen: list[str] = []
    for number in (1, 2, 3):
        told = told_list(a_snapshot(*held), Asked(number=number), language="zh")
        seen += [row["code"] for row in told["rows"]]
        assert bool(told["next"]) is (number < 3)
        assert bool(told["previous"]) is (number > 1)
    assert sorted(seen) == sorted(one.code for one in held)
    assert len(seen) == len(set(seen))


def test_counts_end_at_five_thousand_and_say_so() -> None:
    assert [counted(0), counted(MOST), counted(MOST + 1)] == ["0", "5,000", "5,000+"]


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
