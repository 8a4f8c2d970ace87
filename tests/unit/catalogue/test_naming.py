"""Names: always legal, always different, the same for the same labels."""

import re

from hypothesis import given
from hypothesis import strategies as st

from catalogue.naming import camel, name_items, name_resource

LEGAL = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")
labels = st.text(st.sampled_from("aZ9_ -名码__xY"), max_size=12)


def test_words_of_a_label_become_camel_case() -> None:
    assert [camel(x) for x in ("ent_name", "EntName", "legal rep id", "URLPath", "2nd_no")] == [
        "entName",
        "entName",
        "legalRepId",
        "urlPath",
        "ndNo",
    ]


def test_a_chinese_label_is_named_as_it_is_read_in_its_words() -> None:
    assert name_items(["名称", "code", "银行账号", "重庆", "名称"]) == (
        "mingCheng",
        "code",
        "yinHangZhangHao",
        "chongQing",
        "mingCheng_2",
    )
    names = name_resource("营业执照", code="307/000001")
    assert (names.type_name, names.field_name) == ("YingYeZhiZhao", "yingYeZhiZhao")


def test_a_label_without_any_word_is_named_by_its_place_or_its_code() -> None:
    assert name_items(["☎", "code", "——"]) == ("item_0", "code", "item_2")
    assert re.fullmatch("r_[0-9a-f]{10}", name_resource("——", code="x").field_name)


def test_a_name_that_was_given_by_place_stays_when_labels_are_read() -> None:
    assert name_items(["名称", "地址"], kept={"名称": "item_0"}) == ("item_0", "diZhi")


def test_twins_get_a_number() -> None:
    assert name_items(["ent_name", "EntName", "ent name"]) == ("entName", "entName_2", "entName_3")


@given(st.lists(labels, max_size=12))
def test_item_names_are_legal_different_and_stable(given_labels: list[str]) -> None:
    names = name_items(given_labels)
    assert all(LEGAL.fullmatch(name) for name in names)
    assert len(set(names)) == len(given_labels)
    assert names == name_items(given_labels)


@given(st.lists(labels, min_size=1, max_size=8, unique=True), labels)
def test_a_name_once_given_is_kept_whatever_comes_before_it(old: list[str], new: str) -> None:
    kept = dict(zip(old, name_items(old), strict=True))
    again = name_items([new, *old] if new not in old else old, kept=kept)
    assert again[-len(old) :] == tuple(kept[label] for label in old)


@given(labels, st.lists(labels, max_size=5))
def test_resource_names_are_legal_and_free(label: str, others: list[str]) -> None:
    taken: set[str] = set()
    for number, other in enumerate([*others, label]):
        names = name_resource(other, code=f"c{number}", taken=taken)
        mine = {names.type_name, names.field_name, names.list_name}
        assert len(mine) == 3
        assert all(LEGAL.fullmatch(name) for name in mine)
        assert not mine & taken
        taken |= mine


def test_a_resource_never_takes_the_name_of_a_subject() -> None:
    names = name_resource("enterprise", code="x")
    assert (names.type_name, names.field_name) == ("Enterprise2", "enterprise2")


def test_lists_are_named_in_the_plural() -> None:
    assert name_resource("env_approval", code="x").list_name == "envApprovals"
    assert name_resource("authority", code="x").list_name == "authorities"
    assert name_resource("business_process", code="x").list_name == "businessProcesses"
