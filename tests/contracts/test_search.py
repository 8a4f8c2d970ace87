"""The catalogue's search on both databases: what is found, in which order, by whom, whatever was done."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from catalogue import indexing, store
from catalogue.errors import InvalidError, NotAllowedError
from catalogue.finding import Found, Narrowed
from catalogue.metadata import Upstream
from catalogue.model import Resource, SharingClass
from catalogue.protected import SALT_BYTES
from catalogue.rows import DEPARTMENT
from exchange.storage import migrate, postgresql_engine
from tests.fakes.catalogue import (
    HALL,
    MARKET,
    TODAY,
    a_department,
    a_resource,
    an_item,
    licence_items,
)
from tests.fakes.district import District, a_registry_database
from tests.fakes.postgres import postgresql

BASIS = ("中华人民共和国统计法", "第九条", "统计调查中获得的能够识别单个对象的资料应当保密", "law")


def on_sqlite(folder: Path) -> Engine:
    return a_registry_database(folder)


def on_postgresql(folder: Path) -> Engine:
    engine = postgresql_engine(postgresql().database(), "registry")
    migrate(engine, "registry", home=folder, at=TODAY)
    return engine


@pytest.fixture(params=[on_sqlite, on_postgresql], ids=["sqlite", "postgresql"])
def district(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[District]:
    make: Callable[[Path], Engine] = request.param
    engine = make(tmp_path)
    made = District(engine)
    made.found()
    yield made
    engine.dispose()


def entry(number: int, name: str, name_en: str = "", **changes: object) -> Resource:
    return replace(
        a_resource(f"301/{number:06}"),
        name=name,
        name_en=name_en or f"Number {number}",
        type_name=f"Made{number}",
        field_name=f"made{number}",
        list_name=f"mades{number}",
        **changes,  # type: ignore[arg-type] # a builder takes any field
    )


def found(district: District, words: str, **narrowed: str) -> Found:
    wanted = replace(Narrowed(own=""), **narrowed)  # type: ignore[arg-type] # its texts by name
    return district.registry.find_resources(words, wanted, first=10)


def codes(district: District, words: str, **narrowed: str) -> list[int]:
    return [int(code[4:]) for code in found(district, words, **narrowed).codes]


def announce(district: District, *resources: Resource) -> None:
    for resource in resources:
        district.announce(resource)


def test_a_title_comes_before_an_item_and_a_short_title_before_a_long_one(
    district: District,
) -> None:
    held = an_item(ordinal=90, name="boat", title="渔船证书", column="b", graphql_name="boat")
    by_item = entry(1, "企业信用评价", items=(*licence_items(), held))
    announce(district, by_item, entry(2, "渔船证书注销记录"), entry(3, "渔船证书"))
    assert codes(district, "渔船证书") == [3, 2, 1]


@pytest.mark.parametrize(
    "words",
    ["漁船證書", "渔", "书", "渔船 证书", "fishing boat", "fishng", "certificates", "301/000003", "301/0000"],
)  # fmt: skip
def test_an_entry_is_found_by_script_character_word_slip_plural_and_code(
    district: District, words: str
) -> None:
    announce(district, entry(3, "渔船证书", "Fishing boat certificate"))
    assert codes(district, words) == [3]


def test_an_entry_is_found_by_its_keywords_its_holder_above_and_english_titles(
    district: District,
) -> None:
    key, *others = licence_items()
    told = (replace(key, title_en="Credit code"), *others)
    announce(
        district,
        entry(1, "渔船证书", keywords=("远洋捕捞",)),
        entry(2, "船员名录", items=told),
        entry(
            3,
            "港口名录",
            source="",
            table="",
            upstream=Upstream(holder="省海事局", way_to_ask="发函"),
        ),
    )
    assert codes(district, "远洋捕捞") == [1]
    assert codes(district, "credit code") == [2]
    assert codes(district, "省海事局") == [3]


def test_a_slip_is_named_with_what_was_looked_for_instead(district: District) -> None:
    announce(district, entry(3, "渔船证书", "Fishing boat certificate"))
    assert found(district, "fishng").corrected == {"fishng": ("fishing",)}
    assert found(district, "fishing").corrected == {}


def test_others_drafts_do_not_show_by_what_is_corrected(district: District) -> None:
    announce(district, entry(1, "渔船证书", "Boat certificate"))
    draft = entry(2, "绝密名录", "Clandestine directory")
    district.registry.draft_resource(draft, by=district.by("market.operator"))
    assert found(district, "clandestin boat", own=HALL).corrected == {}
    assert found(district, "clandestime", own=HALL).corrected == {}
    assert found(district, "clandestime", own=MARKET).codes == ("301/000002",)


def test_where_nothing_holds_all_words_the_rarest_lead_on_and_it_is_said(
    district: District,
) -> None:
    announce(district, entry(1, "渔船证书"), entry(2, "船员证书"))
    loosely = found(district, "渔船检验报告")
    assert loosely.codes == ("301/000001",)
    assert loosely.loose
    assert found(district, "电梯").codes == ()
    assert not found(district, "渔船").loose


def test_only_what_is_announced_is_found_and_drafts_by_their_own_department(
    district: District,
) -> None:
    announce(district, entry(1, "渔船证书"))
    district.registry.draft_resource(entry(2, "渔船名录"), by=district.by("market.operator"))
    assert codes(district, "渔船") == [1]
    assert codes(district, "渔船", own=HALL) == [1]
    assert sorted(codes(district, "渔船", own=MARKET)) == [1, 2]
    assert found(district, "渔船", own=HALL).total == 1
    assert found(district, "", own=HALL).total == 1
    assert 2 not in codes(district, "301/000002", own=HALL)
    district.registry.withdraw_resource("301/000001", by=district.by("market.head"), reason="停用")
    assert codes(district, "渔船") == []


def test_what_the_log_does_not_vouch_for_is_neither_found_nor_counted(district: District) -> None:
    announce(district, entry(1, "渔船证书"), entry(2, "渔船名录"))
    narrowed = Narrowed(own="", hidden=("301/000001",))
    hidden = district.registry.find_resources("渔船", narrowed, first=10)
    assert (hidden.codes, hidden.total) == (("301/000002",), 1)


def test_each_filter_counts_under_the_other_one(district: District) -> None:
    closed = entry(3, "渔船统计", sharing_class=SharingClass.NOT_SHARED, no_share_basis=BASIS)
    announce(district, entry(1, "渔船证书"), entry(2, "渔船名录"), closed)
    told = found(district, "渔船", sharing_class="conditional")
    assert told.total == 2
    assert told.by_class == {"conditional": 2, "not-shared": 1}
    assert told.by_department == {MARKET: 2}
    elsewhere = found(district, "渔船", department=HALL)
    assert (elsewhere.codes, elsewhere.total, elsewhere.loose) == ((), 0, False)
    assert elsewhere.by_department == {MARKET: 3}


def test_pages_together_hold_everything_once(district: District) -> None:
    announce(district, *(entry(number, f"渔船证书{number}号") for number in range(1, 8)))
    for words in ("渔船", "", "渔船检验"):
        pages = [
            district.registry.find_resources(words, Narrowed(own=""), first=3, offset=offset).codes
            for offset in (0, 3, 6)
        ]
        every = [code for page in pages for code in page]
        assert len(every) == len(set(every)) == 7


def test_what_is_written_with_a_row_is_undone_with_it(district: District) -> None:
    announce(district, entry(1, "渔船证书"))
    with district.engine.connect() as connection, connection.begin() as undone:
        connection.execute(text("UPDATE resource SET name = '船员名录'"))
        assert indexing.put(connection, ["301/000001"]) == 1
        undone.rollback()
    assert codes(district, "渔船") == [1]
    assert codes(district, "船员") == []


def test_a_revised_title_is_found_and_the_one_before_is_not(district: District) -> None:
    announce(district, entry(1, "渔船证书"))
    district.registry.withdraw_resource("301/000001", by=district.by("market.head"), reason="修订")
    announce(district, entry(1, "船员名录"))
    assert 1 not in codes(district, "渔船证书")
    assert codes(district, "船员名录") == [1]


def test_an_entry_is_found_by_its_departments_new_name(district: District) -> None:
    announce(district, entry(1, "渔船证书"))
    renamed = replace(a_department(MARKET), name="农业农村局")
    row, _ = store.mark(DEPARTMENT, renamed, sealer=district.sealer, salt=bytes(SALT_BYTES))
    with district.engine.begin() as connection:
        store.save(connection, DEPARTMENT, row, entry=1)
    assert codes(district, "农业农村局 渔船") == [1]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE resource SET name = '船员名录'",
        "DELETE FROM resource_search",
        "UPDATE resource_search SET code = '301/9', digest = ''",
    ],
)
def test_the_index_is_brought_back_to_rows_changed_past_the_program(
    district: District, damage: str
) -> None:
    announce(district, entry(1, "渔船证书"))
    with district.engine.begin() as connection:
        connection.execute(text(damage))
    assert district.registry.refresh_search() > 0
    assert district.registry.refresh_search() == 0
    changed = "船员" in damage
    assert codes(district, "船员名录") == ([1] if changed else [])
    assert codes(district, "渔船证书") == ([] if changed else [1])


def test_the_authority_makes_the_index_anew_and_nobody_else(district: District) -> None:
    announce(district, entry(1, "渔船证书"))
    with pytest.raises(NotAllowedError):
        district.registry.rebuild_search(by=district.by("market.head"))
    assert district.registry.rebuild_search(by=district.by("authority")) == 1
    assert codes(district, "渔船证书") == [1]


def test_the_authoritys_synonyms_take_the_place_of_the_usual_ones(district: District) -> None:
    announce(district, entry(1, "渔船证书"), entry(2, "最低生活保障"))
    assert codes(district, "低保") == [2]
    with pytest.raises(NotAllowedError):
        district.registry.set_synonyms([["捕捞船", "渔船"]], by=district.by("market.head"))
    district.registry.set_synonyms([["捕捞船", "渔船"]], by=district.by("authority"))
    assert codes(district, "捕捞船证书") == [1]
    assert found(district, "低保").loose or not found(district, "低保").codes


def test_synonyms_edited_past_the_program_are_not_used(district: District) -> None:
    announce(district, entry(1, "渔船证书"))
    district.registry.set_synonyms([["捕捞船", "渔船"]], by=district.by("authority"))
    with district.engine.begin() as connection:
        connection.execute(text("UPDATE search_synonyms SET set_by = 'somebody'"))
    assert found(district, "捕捞船证书").loose


def test_a_demand_is_recorded_and_needs_words_and_a_reason(district: District) -> None:
    filed = district.registry.file_demand(
        "船员证", need="核验船员资格", by=district.by("hall.operator")
    )
    assert filed.department == HALL
    for words, need in ((" ", "核验"), ("船员证", " "), ("船" * 201, "核验")):
        with pytest.raises(InvalidError):
            district.registry.file_demand(words, need=need, by=district.by("hall.operator"))
    with pytest.raises(NotAllowedError):
        district.registry.file_demand("船员证", need="核验", by=district.by("auditor"))
