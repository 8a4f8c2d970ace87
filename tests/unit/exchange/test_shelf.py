"""The shelf holds an open source for every address of the moment, and opens anew what has changed."""

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalogue.model import SourceAddress
from exchange.shelf import Means, SourceShelf, look_at, open_source, reflect_table
from gateway.errors import SourceError


def unseal(secret: bytes) -> str:
    return secret.decode()


MEANS = Means(unseal=unseal, files=Path())


@pytest.fixture
def address(tmp_path: Path) -> SourceAddress:
    path = tmp_path / "market.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE licence (uscc TEXT PRIMARY KEY, name TEXT NOT NULL)")
    connection.close()
    return SourceAddress(
        name="market", department="11990106MB0A10025H", kind="sql", address=f"sqlite:///{path}"
    )


@pytest.fixture
def held(address: SourceAddress) -> dict[str, SourceAddress]:
    """What the snapshot of the moment holds; a test changes it as an act would."""
    return {"market": address}


@pytest.fixture
def shelf(held: dict[str, SourceAddress]) -> Iterator[SourceShelf]:
    opened = SourceShelf(lambda: held, means=MEANS)
    yield opened
    asyncio.run(opened.close())


def test_a_source_is_opened_once_and_again_when_its_address_changes(
    shelf: SourceShelf, held: dict[str, SourceAddress]
) -> None:
    first = shelf["market"]
    assert shelf["market"] is first
    held["market"] = replace(held["market"], timeout_ms=50)
    second = shelf["market"]
    assert second is not first
    assert (list(shelf), len(shelf)) == (["market"], 1)
    asyncio.run(first.close())


def test_a_source_that_is_closed_or_unknown_is_not_there(
    shelf: SourceShelf, held: dict[str, SourceAddress]
) -> None:
    held["market"] = replace(held["market"], state="closed")
    for name in ("market", "nosuch"):
        with pytest.raises(KeyError):
            shelf[name]


def test_an_address_of_a_kind_that_is_not_known_is_refused(address: SourceAddress) -> None:
    with pytest.raises(ValueError, match="needs sql, http"):
        open_source(replace(address, kind="ftp"), means=MEANS)


def test_a_look_says_whether_the_login_can_write_and_a_reflection_what_columns_there_are(
    address: SourceAddress,
) -> None:
    assert look_at(address, secret=None) == []
    columns = reflect_table(address, "licence", unseal=unseal, files=Path())
    assert [(column.name, column.primary_key) for column in columns] == [
        ("uscc", True),
        ("name", False),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "http", "address": "http://127.0.0.1:1/"},
        {"address": "sqlite:////nowhere/at/all.db"},
        {"address": "nosuch://x/y"},
    ],
    ids=["nobody listens", "no file", "no driver"],
)
def test_a_source_that_does_not_answer_is_an_error_of_ours(
    address: SourceAddress, change: dict[str, Any]
) -> None:
    with pytest.raises(SourceError):
        look_at(replace(address, **change), secret=None)
