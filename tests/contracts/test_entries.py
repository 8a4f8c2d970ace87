"""The life of an entry in a real registry: one source per item, checks, returns, history, withdrawal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue.errors import InvalidError, NotAllowedError, UnknownError
from catalogue.model import Resource, Role, SubjectType
from tests.fakes.catalogue import HALL, MARKET, a_resource, a_source, an_item
from tests.fakes.district import District, a_registry_database

KEY = an_item(
    "uscc", 0, title="统一社会信用代码", key=True, match=True, subject=SubjectType.ENTERPRISE
)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    found = District(engine=a_registry_database(tmp_path))
    found.found()
    yield found
    found.engine.dispose()


def an_entry(code: str, department: str = MARKET, *titles: str) -> Resource:
    name = f"E{code.partition('/')[2]}"
    items = [an_item(f"i{n}", n, title=title) for n, title in enumerate(titles or ("住所",), 1)]
    return a_resource(
        code,
        department=department,
        source="market" if department == MARKET else "hall",
        type_name=name,
        field_name=name.lower(),
        list_name=f"{name.lower()}s",
        items=(KEY, *items),
        validity=None,
    )


def test_a_second_registration_waits_until_the_authority_says_whose_item_it_is(
    district: District,
) -> None:
    registry = district.registry
    district.announce(an_entry("307/000001", MARKET, "企业名称"))
    registry.add_source(a_source("hall", department=HALL), by=district.by("hall.operator"))
    registry.draft_resource(
        an_entry("307/000002", HALL, "企业名称"), by=district.by("hall.operator")
    )
    registry.submit_resource("307/000002", by=district.by("hall.head"))
    authority = district.by("authority")
    with pytest.raises(InvalidError) as raised:
        registry.announce_resource("307/000002", by=authority)
    assert raised.value.code == "ITEM_SOURCE_OPEN"
    meaning, reason = "enterprise/企业名称", "登记机关为数据源"
    with pytest.raises(NotAllowedError):
        registry.designate_source(meaning, MARKET, reason=reason, by=district.by("market.head"))
    with pytest.raises(InvalidError, match="registered no item"):
        registry.designate_source(meaning, "nobody", reason=reason, by=authority)
    with pytest.raises(UnknownError):
        registry.designate_source("enterprise/没有", MARKET, reason=reason, by=authority)
    assert (
        registry.designate_source(meaning, MARKET, reason=reason, by=authority).department == MARKET
    )
    act = district.ledger.acts[-1]
    assert (act.kind, act.facts) == (
        "item.source-designated",
        {"provider": MARKET, "items": 1},
    )
    assert registry.announce_resource("307/000002", by=authority).state == "announced"


def test_roles_are_looked_up_before_anything_else(district: District) -> None:
    district.enrol("hall.auditor", HALL, Role.AUDITOR)
    with pytest.raises(NotAllowedError):
        district.registry.designate_source("x/y", HALL, reason="r", by=district.by("hall.auditor"))
