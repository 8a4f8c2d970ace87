"""What a source on PostgreSQL does on a real server: its statements, deadlines, roles, lost connections."""

import asyncio
import importlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from catalogue.model import ItemType, SourceAddress
from exchange.shelf import look_at, open_source
from gateway.errors import SourceDriftError, SourceTimeoutError, SourceUnavailableError
from gateway.sources.breaker import Guarded
from tests.contracts.test_sources import (
    CALL,
    RECORDS,
    a_read,
    postgres_at,
    postgres_database,
    psycopg_url,
    read,
)
from tests.fakes.calls import OTHER_USCC, USCC, a_filter, a_permit, a_resource, a_step, an_item
from tests.fakes.postgres import PostgreSQL, postgresql
from tests.unit.exchange.test_shelf import MEANS

_hung_up = importlib.import_module("gateway.sources.postgres")._hung_up


@pytest.fixture
def server() -> PostgreSQL:
    return postgresql()


@pytest.fixture(scope="module")
def database() -> str:
    postgresql()
    return postgres_database()


@pytest.fixture
def slow(server: PostgreSQL) -> Iterator[str]:
    """A database whose view answers after half a minute."""
    url = server.database()
    engine = create_engine(psycopg_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text("CREATE VIEW licence AS SELECT 'x'::text AS uscc, pg_sleep(30)::text AS name")
        )
    engine.dispose()
    yield url
    server.drop(url)


SLOW = a_permit(a_step(a_resource(items=a_resource().items[:2]), items=a_resource().items[1:2]))


def active(server: PostgreSQL, url: str) -> int:
    name = make_url(url).database
    return int(
        server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
            f"AND datname = '{name}' AND query LIKE '%licence%'"
        )[0][0]
    )


@pytest.mark.proves("S4")
async def test_a_statement_is_ended_by_the_server_at_the_sources_time_limit(slow: str) -> None:
    source = postgres_at(slow, timeout_s=0.2)
    with pytest.raises(SourceTimeoutError):
        await source.read(SLOW, keys=["x"], call=CALL)
    await source.close()


@pytest.mark.proves("S4")
async def test_a_call_that_goes_away_is_cancelled_at_the_server_and_holds_nobody_up(
    server: PostgreSQL, slow: str
) -> None:
    source = postgres_at(slow, timeout_s=60.0, connections=1)
    reading = asyncio.ensure_future(source.read(SLOW, keys=["x"], call=CALL))
    while not await asyncio.to_thread(active, server, slow):
        pass
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reading, 1.0)
    async with asyncio.timeout(10.0):
        while await asyncio.to_thread(active, server, slow):
            pass
    await source.close()


@pytest.mark.proves("S11")
async def test_the_departments_own_log_of_statements_has_the_call_number_and_no_value(
    server: PostgreSQL, database: str
) -> None:
    source = postgres_at(database)
    await read(source, a_read(row_filter=a_filter(("region", "eq", "330106"))))
    seen = server.execute(
        f"SELECT query FROM pg_stat_activity WHERE datname = '{make_url(database).database}'"
    )
    await source.close()
    (query,) = [row[0] for row in seen if "licence" in row[0]]
    assert query.startswith(f"/* {CALL} */ SELECT")
    assert USCC not in query
    assert "330106" not in query


async def test_a_connection_is_used_again_and_one_that_the_server_ended_is_not(
    server: PostgreSQL, database: str
) -> None:
    source = postgres_at(database, connections=1)
    await read(source, a_read())
    first = source._idle[0]
    await read(source, a_read())
    assert source._idle == [first]
    server.cut(database)
    async with asyncio.timeout(10.0):
        while not await asyncio.to_thread(_hung_up, first):
            pass  # The server ends it in its own time.
    (row,) = await read(source, a_read())
    assert row["uscc"] == USCC
    assert source._idle != [first]
    await source.close()


@pytest.mark.proves("S1")
async def test_a_server_that_is_not_there_is_unavailable() -> None:
    source = postgres_at("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SourceUnavailableError):
        await read(source, a_read())
    await source.close()


async def test_each_key_of_a_batch_has_its_own_bound_and_a_key_fits_its_columns_type(
    server: PostgreSQL,
) -> None:
    url = server.database()
    engine = create_engine(psycopg_url(url))
    one, other = UUID(int=1), UUID(int=2)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA s; CREATE TABLE s.t (uscc uuid, name text)"))
        for n in range(20):
            connection.execute(text("INSERT INTO s.t VALUES (:k, :n)"), {"k": one, "n": f"n{n:02}"})
        connection.execute(text("INSERT INTO s.t VALUES (:k, 'only')"), {"k": other})
    engine.dispose()
    items = (an_item("uscc", 0, key=True), an_item("name", 1))
    resource = a_resource(items=items, table="s.t")
    permitted = a_permit(a_step(resource, items=items[1:], limit=3))
    source = postgres_at(url)
    rows = await source.read(permitted, keys=[str(one), str(other)], call=CALL)
    assert [row["name"] for row in rows] == ["n00", "n01", "n02", "only"]
    assert rows[0]["uscc"] == str(one)
    gone = a_permit(a_step(a_resource(items=items, table="s.gone"), items=items[1:]))
    with pytest.raises(SourceDriftError):
        await source.read(gone, keys=[str(one)], call=CALL)
    await source.close()
    server.drop(url)


async def test_the_shelf_opens_postgresql_on_the_loop(database: str) -> None:
    address = SourceAddress(
        name="pg", department="d", kind="sql", address=psycopg_url(database), timeout_ms=5_000
    )
    source = open_source(address, means=MEANS)
    assert isinstance(source, Guarded)
    assert type(source._source).__name__ == "PostgresSource"
    rows = await source.read(a_read(), keys=[USCC, OTHER_USCC], call=CALL)
    assert len(rows) == len(RECORDS)
    assert {type(row["floors"]) for row in rows} == {int, type(None)}
    assert ItemType.INTEGER in {item.type for item in a_read().step.items}
    await source.close()


ROLES: dict[str, tuple[str, str]] = {
    "superuser": ("SUPERUSER", "superuser"),
    "creates roles": ("CREATEROLE", "may create roles"),
    "owner": ("", "owns"),
    "may insert": ("", "may write"),
}


@pytest.mark.proves("S10")
@pytest.mark.parametrize("kind", [*ROLES, "reader"])
def test_a_role_that_owns_writes_or_rules_is_named_and_one_that_reads_is_taken(
    server: PostgreSQL, kind: str
) -> None:
    url = server.database()
    role = f"r_{make_url(url).database}"
    attribute, why = ROLES.get(kind, ("", ""))
    engine = create_engine(psycopg_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:

        def run(statement: str) -> None:
            connection.execute(text(statement))

        run(f"CREATE ROLE {role} LOGIN PASSWORD 'p' {attribute}")
        run("CREATE TABLE licence (uscc text)")
        run(f"GRANT SELECT ON licence TO {role}")
        if kind == "owner":
            run(f"ALTER TABLE licence OWNER TO {role}")
        if kind == "may insert":
            run(f"GRANT INSERT ON licence TO {role}")
    address = make_url(psycopg_url(url)).set(username=role, password=None)
    source = SourceAddress(
        name="pg",
        department="d",
        kind="sql",
        address=address.render_as_string(),
        timeout_ms=10_000,
    )
    found: list[Any] = look_at(source, secret="p")
    if kind == "reader":
        assert found == []
    else:
        assert any(why in reason for reason in found), found
    with engine.connect() as connection:
        connection.execute(text(f"DROP OWNED BY {role} CASCADE"))
        connection.execute(text(f"DROP ROLE {role}"))
    engine.dispose()
    server.drop(url)
