"""A file is looked over before anything is kept: how it was read, and what is wrong, by row and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.model import ItemType
from exchange.files.looking import look_over, looked_over
from exchange.files.model import (
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    Choices,
    Preview,
    Trouble,
)
from exchange.files.words import TROUBLES, place, sentence

LINES = "编号,名称,金额,登记日期\n00123,甲公司,12.50,2024-02-01\n00124,乙公司,7,2024/3/1\n"


def look(text: str, **chosen: object) -> Preview:
    return look_over(text.encode(), Choices(**chosen))  # type: ignore[arg-type] # as the test says


def troubles(seen: Preview) -> set[Trouble]:
    return {finding.trouble for finding in seen.findings}


def rows_of(seen: Preview, trouble: Trouble, column: str = "") -> tuple[int, ...]:
    return next(f.rows for f in seen.findings if (f.trouble, f.column) == (trouble, column))


def types(seen: Preview) -> dict[str, ItemType]:
    return {column.heading: column.type for column in seen.columns}


@pytest.mark.proves("B1")
@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
    ],
)
def test_an_encoding_is_guessed_and_the_rows_are_the_same(codec: str, encoding: str) -> None:
    seen = look_over(LINES.encode(codec), Choices())
    assert (seen.encoding, seen.delimiter, seen.header, seen.rows) == (encoding, "comma", 1, 2)
    assert seen.first[0] == ("00123", "甲公司", "12.50", "2024-02-01")
    assert not seen.stopped


@pytest.mark.proves("B1")
def test_big5_is_not_read_as_gb18030() -> None:
    text = "編號,名稱,機關,備註\n001,臺北市政府,國稅局,無\n002,臺南市政府,國稅局,無\n"
    seen = look_over(text.encode("big5"), Choices())
    assert seen.encoding == "big5"
    assert seen.first[0][1] == "臺北市政府"


@pytest.mark.proves("B1")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_says_one_encoding_and_is_another_is_refused_and_never_half_decoded(
    encoding: str,
) -> None:
    content = LINES.encode("gb18030") + b"x"
    seen = look_over(content, Choices(encoding=encoding))
    assert seen.stopped
    assert troubles(seen) & {Trouble.ENCODING, Trouble.CONTROL}
    assert seen.first == ()


@pytest.mark.proves("B1")
def test_a_mark_of_utf8_before_other_bytes_is_refused_at_its_row() -> None:
    seen = look_over(b"\xef\xbb\xbf" + "a,b\n1,2\n甲,乙\n".encode("gb18030"), Choices())
    assert rows_of(seen, Trouble.ENCODING) == (3,)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"))), min_size=1))
def test_no_text_is_lost_or_changed_but_white_space_and_apostrophes(cells: list[str]) -> None:
    quoted = "".join('"' + cell.replace('"', '""') + '",x\n' for cell in cells)
    seen = look_over(
        ("标题,乙\n" + quoted).encode(), Choices(header=1, text=("标题",), encoding="utf-8")
    )
    assert [row[0] for row in seen.first] == [
        cell[1:] if cell[:1] == "'" and cell[1:2] in set("0123456789") else cell
        for cell in cells[:20]
    ]


@pytest.mark.parametrize(
    ("mark", "name"), [(",", "comma"), ("\t", "tab"), (";", "semicolon"), ("|", "bar")]
)
def test_the_delimiter_is_guessed(mark: str, name: str) -> None:
    assert look(LINES.replace(",", mark)).delimiter == name


def test_a_title_above_the_headings_is_no_heading() -> None:
    seen = look("企业名单,,,\n" + LINES)
    assert (seen.header, seen.rows) == (2, 2)
    assert look("企业名单,,,\n" + LINES, header=1).columns[0].heading == "企业名单"


def test_a_file_without_headings_says_so() -> None:
    assert rows_of(look("1,2\n3,4\n"), Trouble.NO_HEADER) == (1,)


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (["1", "-20", "0"], ItemType.INTEGER),
        (["1", "2147483648"], ItemType.LONG),
        (["1", "2.50"], ItemType.DECIMAL),
        (["2024-01-31", "2024年2月1日", "2024/2/1"], ItemType.DATE),
        (["20240131", "20240201"], ItemType.DATE),
        (["2024-01-31 08:30", "2024-02-01"], ItemType.DATETIME),
        (["是", "否", "是"], ItemType.BOOLEAN),
        (["13800138000", "13900139000"], ItemType.TEXT),
        (["990102199001011234", "990102199001011235"], ItemType.TEXT),
        (["001", "002"], ItemType.TEXT),
        (["1", "无"], ItemType.TEXT),
        (["1e5", "+1"], ItemType.TEXT),
        (["١", "٢"], ItemType.TEXT),
    ],
)
def test_a_type_is_what_every_cell_fits(cells: list[str], type_: ItemType) -> None:
    seen = look("名,值\n" + "".join(f"甲,{cell}\n" for cell in cells))
    assert types(seen)["值"] is type_


def test_what_keeps_a_column_from_its_type_is_named_by_row() -> None:
    seen = look("名,量\n甲,1\n乙,2\n丙,约三\n")
    assert rows_of(seen, Trouble.MIXED, "量") == (4,)
    assert not seen.stopped


def test_codes_stay_text_and_the_spreadsheets_apostrophe_goes() -> None:
    seen = look("号,名\n'00123,甲\n00124,乙\n")
    assert types(seen)["号"] is ItemType.TEXT
    assert [row[0] for row in seen.first] == ["00123", "00124"]
    assert rows_of(seen, Trouble.APOSTROPHE, "号") == (2,)
    assert rows_of(seen, Trouble.LEADING_ZEROS, "号") == (2, 3)


def test_a_formula_in_a_text_file_is_text() -> None:
    seen = look('名,值\n甲,"=HYPERLINK(""http://x"")"\n乙,@SUM(1)\n')
    assert rows_of(seen, Trouble.FORMULA_TEXT, "值") == (2, 3)
    assert seen.first[0][1] == '=HYPERLINK("http://x")'


def test_days_that_are_none_or_far_are_named() -> None:
    seen = look("名,日\n甲,2024-02-30\n乙,2024-02-29\n")
    assert rows_of(seen, Trouble.NO_SUCH_DAY, "日") == (2,)
    assert types(seen)["日"] is ItemType.TEXT
    seen = look("名,日\n甲,1024-02-03\n乙,9999-12-31\n")
    assert rows_of(seen, Trouble.FAR_DAY, "日") == (2, 3)
    assert types(seen)["日"] is ItemType.DATE


@pytest.mark.parametrize(
    ("text", "trouble", "column", "row"),
    [
        ("甲,乙\n一,二\n一\n", Trouble.RAGGED, "", 3),
        ("甲,乙\n一,二\n一,二,三\n", Trouble.RAGGED, "", 3),
        ("甲,,丙\n一,,三\n一,二,三\n", Trouble.HEADER_EMPTY, "B", 3),
        ("甲,甲\n一,二\n", Trouble.HEADER_TWICE, "甲", 1),
        ("Aa,aA\nx,y\n", Trouble.HEADER_TWICE, "Aa", 1),
        ('甲,乙\n一,"二\n', Trouble.CSV, "", 2),
        ("甲,乙\n一,\x00\n", Trouble.CONTROL, "", 2),
        (f"甲,乙\n一,{'x' * 32768}\n", Trouble.CELL_TOO_LONG, "", 2),
    ],
)
def test_what_cannot_be_kept_is_named_by_row_and_column(
    text: str, trouble: Trouble, column: str, row: int
) -> None:
    seen = look(text, encoding="utf-8", delimiter="comma", header=1)
    assert seen.stopped
    assert row in rows_of(seen, trouble, column)


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", Trouble.EMPTY),
        (b"\n\n  \n", Trouble.EMPTY),
        ("甲,乙\n".encode(), Trouble.NO_ROWS),
        (b"x" * (MOST_BYTES + 1), Trouble.TOO_LARGE),
        pytest.param(
            b"a,b\n" + b"1,2\n" * (MOST_ROWS + 1),
            Trouble.TOO_MANY_ROWS,
            marks=pytest.mark.slow,
        ),
        (",".join(f"h{n}" for n in range(MOST_COLUMNS + 1)).encode(), Trouble.TOO_MANY_COLUMNS),
    ],
)
def test_bounds_hold(content: bytes, trouble: Trouble) -> None:
    assert trouble in troubles(look_over(content, Choices()))


def test_blank_rows_are_left_out_and_told_but_not_those_at_the_end() -> None:
    seen = look("甲,乙\n一,二\n,\n三,四\n\n\n")
    assert seen.rows == 2
    assert rows_of(seen, Trouble.BLANK_ROWS) == (3,)


def test_a_key_is_kept_as_text_and_looked_over() -> None:
    seen = look("号,名\n1,甲\n1,乙\n,丙\n", key=("号",))
    assert types(seen)["号"] is ItemType.TEXT
    assert rows_of(seen, Trouble.KEY_TWICE) == (3,)
    assert rows_of(seen, Trouble.KEY_EMPTY) == (4,)
    assert Trouble.NO_KEY not in troubles(seen)
    assert look("号,名\n1,甲\n", key=("无",)).stopped


def test_rows_are_kept_in_the_types_of_the_preview() -> None:
    text = "名,量,额,日,时,是否\n甲,3,1200000.00,2024/1/2,2024-01-02 08:05,是\n乙,,,,,否\n"
    with looked_over(text.encode(), Choices()) as table:
        assert list(table.rows()) == [
            ("甲", 3, "1200000.00", "2024-01-02", "2024-01-02T08:05:00", 1),
            ("乙", None, None, None, None, 0),
        ]


def test_every_trouble_has_words_that_hold_no_value() -> None:
    assert set(TROUBLES) == set(Trouble)
    seen = look("名,量\n甲,1\n乙,2\n丙,绝密\n")
    told = [place(f, lang) + sentence(f, lang) for f in seen.findings for lang in ("zh", "en")]
    assert any("第 4 行" in one for one in told)
    assert not any("绝密" in one for one in told)
