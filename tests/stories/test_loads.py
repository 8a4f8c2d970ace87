"""A department's file gets newer: what changes is shown first, loaded in one act, and can come back."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalogue.errors import CatalogueError
from catalogue.files import parse_address
from catalogue.model import Actor
from catalogue.rows import LOAD, OFFICER, SOURCE
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.demo import district
from exchange.files.keeping import open_kept
from tests.fakes.files import CODE, LINES, NAME, register, upload
from tests.fakes.node import Standing, standing

KEY = "统一社会信用代码"
THIRD = district.STRANGER
HEAD, FIRST, SECOND = LINES


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path / "home") as found:
        register(found)
        seen = found.act(
            "market.operator",
            "resource.reflect",
            source=NAME,
            table="market_permits",
            code=CODE,
            key=KEY,
        )["resource"]
        given = {"name": "许可名单", "conditions": "许可部门", "update_days": 30}
        found.act("market.operator", "resource.draft", resource=seen | given)
        yield found


def file_of(*lines: str) -> bytes:
    return ("\n".join((HEAD, *lines)) + "\n").encode("gb18030")


def look(here: Standing, content: bytes, **changed: Any) -> Any:
    wanted = {"upload": upload(here, content), "resource": CODE, "as_of": "2024-06-01"}
    return here.act("market.operator", "load.preview", **(wanted | changed))


def load(here: Standing, file: bytes, **changed: Any) -> Any:
    wanted = {
        "upload": upload(here, file),
        "content": hashlib.sha256(file).hexdigest(),
        "resource": CODE,
        "as_of": "2024-06-01",
    }
    return here.act("market.operator", "load.make", **(wanted | changed))


def rows(here: Standing) -> dict[str, str]:
    """Names by key, as the source has them now."""
    source = here.node.held(SOURCE)[NAME]
    engine = open_kept(source, files=here.node.files, timeout_s=1.0)
    try:
        with engine.connect() as connection:
            found = connection.execute(text(f'SELECT "{KEY}", "企业名称" FROM market_permits'))
            return {str(key): str(name) for key, name in found}
    finally:
        engine.dispose()


def kept(here: Standing) -> int:
    return len(list((here.node.files / "tables").iterdir()))


CHANGED = FIRST.replace("云岫建设", "云岫建设集团")
ADDED = f"{THIRD},云岫监理,13700137000,3.5,2024-05-02"


def rules(told: Any) -> dict[str, bool]:
    return {one["rule"]: one["acceptable"] for one in told["breaks"]}


def test_what_a_newer_file_changes_is_shown_and_nothing_is_kept(here: Standing) -> None:
    before, size = kept(here), here.node.log.size
    told = look(here, file_of(CHANGED, ADDED))
    assert (told["added"], told["changed"], told["removed"], told["unchanged"]) == (1, 1, 1, 0)
    assert told["examples"] == {
        "added": [THIRD],
        "changed": [district.APPLICANT],
        "removed": [district.DESIGNER],
    }
    assert (told["before"], told["as_of"], told["rows"]) == ("2024-05-01", "2024-06-01", 2)
    assert kept(here) == before
    assert "source.loaded" not in here.kinds(since=size)


def test_a_whole_file_takes_the_place_of_what_was_there_in_one_recorded_act(
    here: Standing,
) -> None:
    size = here.node.log.size
    told = load(here, file_of(CHANGED, ADDED))
    assert rows(here) == {district.APPLICANT: "云岫建设集团", THIRD: "云岫监理"}
    assert here.kinds(since=size).count("source.loaded") == 1
    address = parse_address(here.node.held(SOURCE)[NAME].address)
    assert (address.id, str(address.as_of), address.rows) == (told["load"], "2024-06-01", 2)


def test_a_load_by_key_leaves_the_other_records(here: Standing) -> None:
    told = load(here, file_of(CHANGED, ADDED), by_key=True)
    assert (told["added"], told["changed"], told["removed"], told["unchanged"]) == (1, 1, 0, 1)
    assert rows(here) == {
        district.APPLICANT: "云岫建设集团",
        district.DESIGNER: "云岫设计",
        THIRD: "云岫监理",
    }


def test_the_last_five_loads_can_come_back_and_older_ones_are_gone(here: Standing) -> None:
    first = here.act("market.operator", "load.list", resource=CODE)[0]["load"]
    ids = [
        load(here, file_of(FIRST, SECOND, f"{THIRD},第{n}次,1,1.0,2024-05-02"))["load"]
        for n in range(6)
    ]
    told = here.act("market.operator", "load.list", resource=CODE)
    assert [one["load"] for one in told] == [*reversed(ids)]
    assert [one["state"] for one in told] == ["current", *["before"] * 5]
    assert kept(here) == 6
    assert here.node.held(LOAD)[first].state == "dropped"
    with pytest.raises(CatalogueError, match="STATE"):
        here.act("market.operator", "load.restore", resource=CODE, load=first)
    here.act("market.operator", "load.restore", resource=CODE, load=ids[1])
    assert rows(here)[THIRD] == "第1次"
    told = here.act("market.operator", "load.list", resource=CODE)
    assert {one["load"] for one in told} == set(ids)
    assert [one["load"] for one in told if one["state"] == "current"] == [ids[1]]


def test_a_load_whose_rows_were_changed_does_not_come_back(here: Standing) -> None:
    first = here.act("market.operator", "load.list", resource=CODE)[0]["load"]
    load(here, file_of(FIRST, SECOND))
    (path,) = [p for p in (here.node.files / "tables").iterdir() if first in p.name]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Exception, match="SOURCE_DRIFT"):
        here.act("market.operator", "load.restore", resource=CODE, load=first)


@pytest.mark.parametrize(
    ("lines", "changes", "rule", "acceptable"),
    [
        ((FIRST, SECOND), {"as_of": "2024-04-01"}, "older", False),
        ((FIRST.replace("2024-03-01", "soon"), SECOND), {}, "type-changed", False),
        ((FIRST.replace("1200000.50", "viel"), SECOND), {}, "type-changed", False),
        ((FIRST, SECOND, SECOND.replace("设计", "设计二")), {}, "key-twice", True),
        ((FIRST, SECOND, SECOND.replace(district.DESIGNER, "")), {}, "key-empty", True),
        ((FIRST, SECOND, ADDED.replace(THIRD, THIRD[:-1] + "Z")), {}, "code-invalid", True),
        ((ADDED,), {}, "mostly-gone", True),
    ],
)
def test_what_breaks_the_entry_is_named_and_what_may_be_taken_is_taken_on_the_officers_word(
    here: Standing, lines: tuple[str, ...], changes: dict[str, Any], rule: str, acceptable: bool
) -> None:
    content = file_of(*lines)
    before = rows(here)
    assert rules(look(here, content, **changes))[rule] is acceptable
    with pytest.raises(ActError) as raised:
        load(here, content, **changes)
    assert raised.value.code == "LOAD_REFUSED"
    assert rows(here) == before
    if acceptable:
        load(here, content, accept=True, **changes)
    else:
        with pytest.raises(ActError):
            load(here, content, accept=True, **changes)
        assert rows(here) == before
    assert kept(here) == 1 + acceptable


def test_a_column_that_the_entry_has_cannot_go_and_one_it_has_not_is_left_out(
    here: Standing,
) -> None:
    lines = [line.rsplit(",", 1)[0] + ",x" for line in LINES]
    content = ("\n".join(lines).replace(",x", ",备注", 1) + "\n").encode()
    told = look(here, content)
    assert rules(told) == {"column-missing": False}
    assert told["ignored"] == ["备注"]


def test_only_the_department_loads_and_only_the_file_that_was_looked_over(here: Standing) -> None:
    content = file_of(FIRST, SECOND)
    with pytest.raises(CatalogueError, match="ROLE_MISSING"):
        here.act("hall.operator", "load.preview", upload="upl_x", resource=CODE, as_of="2024-06-01")
    with pytest.raises(ActError) as raised:
        load(here, content, content="00" * 32)
    assert raised.value.code == "UPLOAD_GONE"


def test_two_officers_who_load_at_once_do_not_take_each_other_by_surprise(here: Standing) -> None:
    stale = here.node.held(SOURCE)[NAME]
    told = load(here, file_of(CHANGED, SECOND))
    officer = here.node.held(OFFICER)[here.place.ids["market.operator"]]
    with pytest.raises(CatalogueError, match="meanwhile"):
        here.node.registry.load_source(stale, stale.address, by=Actor(officer=officer), facts={})
    assert parse_address(here.node.held(SOURCE)[NAME].address).id == told["load"]


def test_an_entry_that_is_not_updated_in_time_is_told_to_its_department(here: Standing) -> None:
    assert here.act("market.operator", "resource.show", code=CODE)["due"] == "2024-06-01"
    (due,) = here.act("market.operator", "load.due")
    assert (due["resource"], due["overdue"]) == (CODE, True)
    assert here.act("hall.operator", "load.due") == []
    assert [one["resource"] for one in here.act("authority", "load.due")] == [CODE]
    today = (now() + timedelta(hours=8)).date().isoformat()
    load(here, file_of(FIRST, SECOND), as_of=today)
    assert here.act("market.operator", "load.due") == []
    (soon,) = here.act("market.operator", "load.due", ahead_days=31)
    assert not soon["overdue"]
