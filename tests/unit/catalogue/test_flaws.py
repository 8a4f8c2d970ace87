"""What is wrong with an entry is said in Chinese and in English."""

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from catalogue.chinese import SENTENCES
from catalogue.errors import CodeError, InvalidError
from catalogue.flaws import Flaw
from catalogue.model import SharingClass
from catalogue.validation import check_resource
from tests.fakes.catalogue import a_resource

ROOT = Path(__file__).parents[3]
PACKAGES = ("catalogue", "exchange", "gateway")
_HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def templates() -> tuple[tuple[str, ast.Call], ...]:
    """Every sentence that the program makes, by the place where it makes it."""
    return tuple(
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "Flaw" in (source := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Flaw"
    )


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_sentence_is_a_constant_with_a_chinese_one_beside_it() -> None:
    lacking = [
        where
        for where, call in templates()
        if not isinstance(call.args[0], ast.Constant) or call.args[0].value not in SENTENCES
    ]
    assert lacking == []


def test_there_is_no_chinese_sentence_that_nobody_says() -> None:
    said = {call.args[0].value for _, call in templates() if isinstance(call.args[0], ast.Constant)}
    assert set(SENTENCES) - said == {"{0}"}


@pytest.mark.parametrize("english", sorted(SENTENCES))
def test_a_chinese_sentence_names_nothing_that_the_english_one_does_not(english: str) -> None:
    chinese = SENTENCES[english]
    assert places(chinese) <= places(english)
    assert _HAN.search(chinese) or not re.sub(r"[{}0-9:：;、 ]", "", chinese), english


@pytest.mark.parametrize(
    "english", sorted(one for one in SENTENCES if one.startswith(("item ", "{0}")))
)
def test_a_sentence_can_be_said_with_values_in_its_places(english: str) -> None:
    values = [7] * (1 + max((int(name) for name in places(english)), default=0))
    one = Flaw(english, *values)
    assert str(one) == english.format(*values)
    assert "{" not in one.zh


def test_a_resource_that_is_refused_is_refused_in_both_languages() -> None:
    with pytest.raises(InvalidError) as caught:
        check_resource(
            a_resource(name="", source="", consent="maybe", sharing_class=SharingClass.NOT_SHARED)
        )
    assert len(caught.value.findings) == 4
    for one in caught.value.findings:
        assert _HAN.search(one.zh)
        assert not _HAN.search(one)


def test_the_members_of_enumerations_are_named_in_chinese_and_what_people_wrote_is_kept() -> None:
    one = Flaw("class {0}, its items need {1}", SharingClass.UNCONDITIONAL, "conditional")
    assert one.zh == "资源为无条件共享，其信息项要求conditional共享"


def test_a_code_that_does_not_fit_says_so_in_both_languages() -> None:
    error = CodeError(Flaw("not 17 digits and a check character (GB 11643)"))
    assert [one.zh for one in error.findings] == ["不是 17 位数字加校验码（GB 11643）"]
