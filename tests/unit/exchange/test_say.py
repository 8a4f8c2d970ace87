"""How commands speak to people: rows as tables, ids whole, errors with what they were about once."""

import pytest

from exchange.cli.say import tell, tell_page
from exchange.cli.telling import line

ID = "grt_01a22d67-34de-7352-ac84-0d55297ee4dc"
ROW = {"id": ID, "items": ["entName"] * 40, "masks": {}, "state": "active"}


def test_a_row_is_told_in_lines_and_the_rows_in_it_as_tables_of_what_they_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [
        {"name": "a", "unit": "", "codes": [], "key": False, "rows": 0},
        {"name": "b", "unit": None, "codes": [], "key": False, "rows": 0},
    ]
    tell({"code": "307/000001", "items": items, "gaps": ["unit"]}, json_=False)
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["code: 307/000001", 'gaps: ["unit"]']
    assert [one.split() for one in said[2:]] == [
        ["items"],
        ["name", "key", "rows"],
        ["a", "False", "0"],
        ["b", "False", "0"],
    ]


def test_a_list_shows_what_there_is_room_for_and_the_ids_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = {"rows": [ROW], "total": 2, "next": "c"}
    tell_page(page, json_=False, title="grants", shown=("id", "items", "state"))
    said = capsys.readouterr().out
    assert ID in said
    assert "masks" not in said
    assert said.endswith("1 of 2; more: --after c\n")
    tell_page(page, json_=True, title="grants", shown=("id",))
    assert '"masks": {}' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "detail", "about"),
    [
        ("UNKNOWN", "UNKNOWN: resource 307/000077", " (resource 307/000077)"),
        ("UNKNOWN", "resource 307/000077", " (resource 307/000077)"),
        ("UNKNOWN", "UNKNOWN", ""),
        ("UNKNOWN", "", ""),
    ],
)
def test_an_error_names_its_code_once(code: str, detail: str, about: str) -> None:
    said = line(code, detail)
    assert said.count(code) == 1
    assert said.endswith(f"not registered{about}")


def test_what_has_no_code_is_told_as_it_is() -> None:
    assert line("", "no home there") == "no home there"
