"""What every source promises, whichever way it is reached; and what only SQL or HTTP has."""

import asyncio
import functools
import importlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from catalogue.codes import normalise_subject
from catalogue.model import ItemType, SubjectType, Validity
from gateway.errors import (
    SourceDriftError,
    SourceError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.mask import admit
from gateway.model import Claim, Permitted, Row
from gateway.ports import Source
from gateway.sources.http import HttpSource, parse_records
from gateway.sources.needs import FILE_BYTES, needed_items
from gateway.sources.sql import SqlSource, check_login, open_engine, reflect
from gateway.sources.wire import Wire
from policies.model import ItemVerdicts
from tests.fakes.calls import (
    OTHER_USCC,
    USCC,
    a_filter,
    a_permit,
    a_resource,
    a_step,
    an_item,
)
from tests.fakes.postgres import postgresql

ZONE = ZoneInfo("Asia/Shanghai")
CALL = "call_0193c7e2-1"

RESOURCE = a_resource(
    table="licence",
    items=(
        an_item(
            "uscc", 0, column="credit code", key=True, match=True, subject=SubjectType.ENTERPRISE
        ),
        an_item("name", 1, column="NAME"),
        an_item("area", 2, type=ItemType.DECIMAL),
        an_item("since", 3, type=ItemType.DATE),
        an_item("changed", 4, type=ItemType.DATETIME),
        an_item("region", 5),
        an_item("secret", 6),
        an_item("floors", 7, type=ItemType.INTEGER),
        an_item("gone", 8),
    ),
)
ASKED = ("name", "area", "since", "changed", "floors")
RECORDS: Sequence[Mapping[str, Any]] = (
    {
        "credit code": USCC,
        "NAME": "甲 ' \" % _ ; --",
        "area": "12.50",
        "since": "2020-02-29",
        "changed": "2026-11-23 09:30:00",
        "region": "330106",
        "secret": "s",
        "floors": 3,
    },
    {
        "credit code": OTHER_USCC,
        "NAME": "乙",
        "area": None,
        "since": None,
        "changed": None,
        "region": "330108",
        "secret": "s",
        "floors": None,
    },
)


def a_read(*, asked: Sequence[str] = ASKED, limit: int = 5, **changes: Any) -> Permitted:
    step = a_step(RESOURCE, items=tuple(RESOURCE.item(name) for name in asked), limit=limit)
    return a_permit(step, **changes)


def make_database(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    connection = sqlite3.connect(path)
    connection.execute(
        'CREATE TABLE licence ("credit code" TEXT PRIMARY KEY, "NAME" TEXT NOT NULL, area DECIMAL,'
        " since TEXT, changed TEXT, region TEXT, secret TEXT, floors INTEGER)"
    )
    for record in records:
        marks = ",".join("?" * len(record))
        names = ",".join(f'"{name}"' for name in record)
        connection.execute(
            f"INSERT INTO licence ({names}) VALUES ({marks})", tuple(record.values())
        )
    connection.commit()
    connection.close()
    return path


@asynccontextmanager
async def sql_source(folder: Path, records: Sequence[Mapping[str, Any]]) -> AsyncIterator[Source]:
    path = make_database(folder / "source.db", records)
    engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0)
    source = SqlSource(engine, zone=ZONE)
    try:
        yield source
    finally:
        await source.close()


class Service:
    """A department's JSON service on loopback; `answer` may be exchanged."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._records = records
        self.requests: list[web.BaseRequest] = []
        self.answer: Callable[[web.BaseRequest], Any] = self._find
        self.base = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        made = self.answer(request)
        response: web.StreamResponse = await made if asyncio.iscoroutine(made) else made
        return response

    def _find(self, request: web.BaseRequest) -> web.Response:
        key = request.query["credit code"]
        return web.json_response([r for r in self._records if r["credit code"] == key])


@asynccontextmanager
async def service_at(records: Sequence[Mapping[str, Any]] = RECORDS) -> AsyncIterator[Service]:
    service = Service(records)
    runner = web.ServerRunner(web.Server(service.handle), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.base = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    try:
        yield service
    finally:
        await runner.cleanup()


@functools.cache
def postgres_database() -> str:
    """A database of its own with RECORDS in it, the same for every test of the process."""
    server = postgresql()
    url = server.database()
    engine = create_engine(psycopg_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'CREATE TABLE licence ("credit code" char(18) PRIMARY KEY, "NAME" text NOT NULL,'
            " area numeric(10,2), since date, changed timestamp, region varchar(12), secret text,"
            " floors smallint)"
        )
        for record in RECORDS:
            marks = ",".join(["%s"] * len(record))
            names = ",".join(f'"{name}"' for name in record)
            connection.exec_driver_sql(
                f"INSERT INTO licence ({names}) VALUES ({marks})", tuple(record.values())
            )
    engine.dispose()
    return url


def psycopg_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def postgres_at(url: str, *, timeout_s: float = 5.0, **more: Any) -> Any:
    module = importlib.import_module("gateway.sources.postgres")
    return module.PostgresSource(url, secret=None, zone=ZONE, timeout_s=timeout_s, **more)


def http_at(
    base: str, *, secret: str | None = None, timeout_s: float = 5.0, **more: Any
) -> HttpSource:
    return HttpSource(base, wire=Wire(secret=secret, timeout_s=timeout_s, **more), zone=ZONE)


@asynccontextmanager
async def http_source(_: Path, records: Sequence[Mapping[str, Any]]) -> AsyncIterator[Source]:
    async with service_at(records) as service:
        source = http_at(service.base, secret="t0ken", timeout_s=5.0)
        try:
            yield source
        finally:
            await source.close()


@asynccontextmanager
async def postgres_source(
    _path: Path, _records: Sequence[Mapping[str, Any]]
) -> AsyncIterator[Source]:
    database = postgres_database()
    source = postgres_at(database)
    try:
        yield source
    finally:
        await source.close()


@pytest.fixture(params=[sql_source, http_source, postgres_source], ids=["sql", "http", "postgres"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Source]:
    async with request.param(tmp_path, RECORDS) as opened:
        yield opened


async def read(source: Source, permitted: Permitted, *keys: str) -> Sequence[Row]:
    return await source.read(permitted, keys=keys or (USCC,), call=CALL)


async def test_a_record_is_read_by_its_key_in_the_types_of_the_wire(source: Source) -> None:
    (row,) = await read(source, a_read())
    assert row["uscc"] == USCC
    assert row["name"] == "甲 ' \" % _ ; --"
    assert row["area"] in {"12.50", "12.5"}  # SQLite keeps no trailing zeros of a DECIMAL.
    assert row["since"] == "2020-02-29"
    assert row["changed"] == "2026-11-23T01:30:00.000Z"
    assert row["floors"] == 3


async def test_a_null_of_the_source_is_a_null(source: Source) -> None:
    (row,) = await read(source, a_read(), OTHER_USCC)
    assert row["area"] is row["since"] is row["changed"] is row["floors"] is None


async def test_no_record_is_an_empty_answer(source: Source) -> None:
    assert list(await read(source, a_read(), "91330106MA2CFRAW2X")) == []


async def test_only_what_is_given_or_compared_is_in_a_record(source: Source) -> None:
    verdict = ItemVerdicts(allowed=["name"], masked={"area": "null"}, denied={"since": "X"})
    (row,) = await read(source, a_read(items=verdict))
    assert set(row) == {"uscc", "name", "area"}


async def test_several_keys_are_read_in_one_batch(source: Source) -> None:
    rows = await read(source, a_read(), USCC, OTHER_USCC)
    assert {row["uscc"] for row in rows} == {USCC, OTHER_USCC}


async def test_a_key_is_a_value_and_never_part_of_the_request(source: Source) -> None:
    assert list(await read(source, a_read(), "' OR 1=1 --&credit code=x#/../")) == []


@pytest.mark.parametrize("number", ["", "call_*/", "call_1\r\nX: y", "other", "call_" + "1" * 65])
async def test_a_call_number_that_could_end_its_comment_is_refused(
    source: Source, number: str
) -> None:
    with pytest.raises(SourceInvalidError):
        await source.read(a_read(), keys=[USCC], call=number)


async def test_an_item_that_the_source_has_no_more_is_drift_and_no_null(source: Source) -> None:
    with pytest.raises(SourceDriftError):
        await read(source, a_read(asked=("name", "gone")))


async def test_a_value_of_another_type_is_an_error_and_is_not_quoted(source: Source) -> None:
    wrong = a_resource(
        items=(*RESOURCE.items[:1], an_item("name", 1, column="NAME", type=ItemType.INTEGER))
    )
    permitted = a_permit(a_step(wrong, items=wrong.items[1:]))
    with pytest.raises(SourceInvalidError) as raised:
        await read(source, permitted)
    assert "甲" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_what_is_compared_is_read_as_well() -> None:
    items = (*RESOURCE.items, an_item("until", 9, type=ItemType.DATE))
    resource = a_resource(
        items=items, validity=Validity(status_item="region", valid_words=(), until_item="until")
    )
    step = a_step(resource, items=(), claims=(Claim(item=resource.item("name"), value="甲"),))
    permitted = a_permit(step, ["secret"], row_filter=a_filter(("floors", "gt", 1)))
    names = [item.name for item in needed_items(permitted)]
    assert names == ["uscc", "name", "region", "secret", "floors", "until"]


FILTERS: Sequence[tuple[str, str, Any]] = (
    ("region", "eq", "330106"),
    ("region", "ne", "330106"),
    ("region", "in", ["330106", "330107"]),
    ("region", "prefix", "33_1"),
    ("name", "prefix", "甲"),
    ("floors", "lt", 3),
    ("floors", "le", 3),
    ("floors", "gt", 2),
    ("floors", "ge", 4),
    ("floors", "between", [1, 3]),
    ("since", "ge", "2020-01-01"),
)


DATABASES = pytest.mark.parametrize("database", [sql_source, postgres_source])


@DATABASES
@pytest.mark.parametrize("condition", FILTERS)
async def test_a_filter_in_the_statement_and_in_memory_let_the_same_records_through(
    tmp_path: Path, condition: tuple[str, str, Any], database: Any
) -> None:
    filtered = a_read(row_filter=a_filter(condition), asked=("name", "since", "floors", "region"))
    plain = a_read(asked=("name", "since", "floors", "region"))
    async with database(tmp_path, RECORDS) as source:
        pushed = await read(source, filtered, USCC, OTHER_USCC)
        everything = await read(source, plain, USCC, OTHER_USCC)
    remembered = admit(filtered, everything, normalise=normalise_subject)
    assert {row["uscc"] for row in pushed} == {row["uscc"] for row in remembered}


@pytest.mark.parametrize(
    "condition",
    [
        ("gone2", "eq", "x"),
        ("region", "like", "x"),
        ("region", "in", "x"),
        ("floors", "eq", "x"),
        ("region", "eq", None),
        ("floors", "between", [1]),
    ],
)
@DATABASES
async def test_a_filter_that_cannot_be_written_is_an_error_and_never_dropped(
    tmp_path: Path, condition: tuple[str, str, Any], database: Any
) -> None:
    async with database(tmp_path, RECORDS) as source:
        with pytest.raises(SourceError):
            await read(source, a_read(row_filter=a_filter(condition)))


def test_an_address_cannot_say_that_nobody_writes_to_a_database(tmp_path: Path) -> None:
    path = make_database(tmp_path / "source.db", [])
    engine = open_engine(f"sqlite:///{path}?immutable=1", secret=None, timeout_s=0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with engine.connect() as connection, pytest.raises(OperationalError, match="locked"):
            connection.execute(text("SELECT count(*) FROM licence"))
    engine.dispose()


async def test_each_key_of_a_batch_has_its_own_bound_in_sql(tmp_path: Path) -> None:
    path = tmp_path / "many.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE licence (uscc TEXT, name TEXT)")
    rows = [(USCC, f"n{n}") for n in range(50)] + [(OTHER_USCC, "only")]
    connection.executemany("INSERT INTO licence VALUES (?, ?)", rows)
    connection.commit()
    connection.close()
    resource = a_resource(items=RESOURCE.items[:0] + a_resource().items[:2])
    step = a_step(resource, items=resource.items[1:], limit=3)
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0), zone=UTC)
    try:
        found = await read(source, a_permit(step), USCC, OTHER_USCC)
        assert len(found) == 4
        assert {row["name"] for row in found if row["uscc"] == OTHER_USCC} == {"only"}
        assert len(await read(source, a_permit(step), USCC)) == 3
        assert list(await read(source, a_permit(step, max_rows=0), USCC)) == []
        assert list(await source.read(a_permit(step), keys=[], call=CALL)) == []
    finally:
        await source.close()


def spied(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[list[Any]]]:
    """Return what will hold every statement that goes to SQLite's driver, and what is bound beside it."""
    statements: list[str] = []
    bound: list[list[Any]] = []

    class Spy(sqlite3.Cursor):
        def execute(self, statement: str, *values: Any) -> "Spy":
            if "PRAGMA" not in statement:
                statements.append(statement)
                bound.append(list(values[0]) if values else [])
            super().execute(statement, *values)
            return self

    class Spied(sqlite3.Connection):
        def cursor(self, *_: Any) -> Spy:  # type: ignore[override]  # whichever was asked for
            return super().cursor(Spy)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Spied)
    )
    monkeypatch.setattr(sqlite3.dbapi2, "connect", sqlite3.connect)
    return statements, bound


async def test_a_statement_of_sqlite_binds_the_call_number_and_holds_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "source.db", RECORDS)
    statements, bound = spied(monkeypatch)
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0), zone=ZONE)
    await read(source, a_read(row_filter=a_filter(("region", "eq", "330106"))))
    await source.close()
    assert USCC not in statements[-1]
    assert "330106" not in statements[-1]
    assert '"credit code"' in statements[-1]
    assert CALL in bound[-1]


@pytest.mark.proves("F15")
async def test_a_hidden_record_and_a_missing_one_are_asked_for_by_the_same_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "source.db", RECORDS)
    statements, _ = spied(monkeypatch)
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0), zone=ZONE)
    asked: list[list[str]] = []
    for key in (USCC, "91330106MA00000000"):
        statements.clear()
        permit = a_read(row_filter=a_filter(("region", "eq", "elsewhere")))
        assert list(await read(source, permit, key)) == []
        asked.append(list(statements))
    await source.close()
    hidden, missing = asked
    assert hidden == missing
    assert hidden


@pytest.mark.proves("S5")
async def test_a_value_of_sqlite_that_no_answer_has_room_for_is_never_read(tmp_path: Path) -> None:
    path = make_database(tmp_path / "source.db", RECORDS)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('UPDATE licence SET "NAME" = hex(zeroblob(?))', (FILE_BYTES // 2 + 1,))
        connection.commit()
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=5.0), zone=ZONE)
    with pytest.raises(SourceInvalidError):
        await read(source, a_read(asked=["name"]))
    (row,) = await read(source, a_read(asked=["area"]))
    await source.close()
    assert set(row) == {"uscc", "area"}


async def test_a_database_that_is_not_there_is_unavailable_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0), zone=ZONE)
    with pytest.raises(SourceUnavailableError):
        await read(source, a_read())
    await source.close()
    assert not path.exists()


def test_an_in_memory_database_is_no_source() -> None:
    with pytest.raises(SourceUnavailableError):
        open_engine("sqlite://", secret=None, timeout_s=1.0)


def test_reflection_tells_columns_types_and_keys(tmp_path: Path) -> None:
    engine = open_engine(
        f"sqlite:///{make_database(tmp_path / 'a#b c.db', RECORDS)}", secret=None, timeout_s=1.0
    )
    columns = {column.name: column for column in reflect(engine, "licence")}
    assert columns["credit code"].primary_key
    assert (columns["area"].type, columns["floors"].type) == ("DECIMAL", "INTEGER")
    assert not columns["NAME"].nullable
    with pytest.raises(SourceDriftError):
        reflect(engine, "elsewhere")
    engine.dispose()


@pytest.mark.proves("S10")
def test_a_login_that_can_write_is_told_and_why(tmp_path: Path) -> None:
    path = make_database(tmp_path / "source.db", RECORDS)
    writable = create_engine(f"sqlite:///{path}")
    assert check_login(writable) == ["writable file: the database is not opened read-only"]
    writable.dispose()


def test_a_login_that_cannot_write_is_taken(tmp_path: Path) -> None:
    path = make_database(tmp_path / "source.db", RECORDS)
    engine = open_engine(f"sqlite:///{path}?mode=rwc", secret=None, timeout_s=1.0)
    assert check_login(engine) == []
    with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM licence")
    engine.dispose()


async def served(answer: Callable[[web.BaseRequest], Any], **changes: Any) -> Sequence[Row]:
    async with service_at() as service:
        service.answer = answer
        source = http_at(service.base, **changes)
        try:
            return await read(source, a_read())
        finally:
            await source.close()


async def test_a_service_gets_the_call_number_and_its_token() -> None:
    async with service_at() as service:
        source = http_at(service.base, secret="t0ken", timeout_s=5.0)
        await read(source, a_read())
        await source.close()
    (request,) = service.requests
    assert request.headers["X-Exchange-Call"] == CALL
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.path == "/api/licence"


async def test_a_refused_connection_is_unavailable() -> None:
    async with service_at() as service:
        base = service.base
    source = http_at(base)
    with pytest.raises(SourceUnavailableError):
        await read(source, a_read())
    await source.close()


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 401, 403, 404])
async def test_another_status_is_no_absence_and_no_redirect_is_followed(status: int) -> None:
    def elsewhere(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers={"Location": "/api/licence"})

    with pytest.raises(SourceInvalidError):
        await served(elsewhere)


async def test_a_failing_service_is_unavailable() -> None:
    with pytest.raises(SourceUnavailableError):
        await served(lambda _: web.Response(status=503))


async def test_a_service_that_never_answers_times_out() -> None:
    let_go = asyncio.Event()

    async def silent(_: web.BaseRequest) -> web.Response:
        await let_go.wait()
        return web.Response()

    async with service_at() as service:
        service.answer = silent
        source = http_at(service.base, secret=None, timeout_s=0.02)
        try:
            with pytest.raises(SourceTimeoutError):
                await read(source, a_read())
        finally:
            let_go.set()
            await source.close()


async def test_an_answer_that_is_too_large_is_dropped() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" " * 1000)
        return response

    with pytest.raises(SourceInvalidError):
        await served(endless, body_bytes=10_000)


async def test_an_answer_that_breaks_off_is_no_answer() -> None:
    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", "Content-Length": "1000"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(b"[]")
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(SourceInvalidError):
        await served(broken)


async def test_a_compressed_answer_is_not_unpacked() -> None:
    headers = {"Content-Encoding": "gzip"}
    with pytest.raises(SourceInvalidError):
        await served(
            lambda _: web.Response(body=b"x", headers=headers, content_type="application/json")
        )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[1]",
        b'[{"a": NaN}]',
        b'[{"a": Infinity}]',
        b'[{"a": 1, "a": 2}]',
        b"[{}",
        b"\xef\xbb\xbf[]",
        b"[]".decode().encode("utf-16"),
        b'[{"a": "\xff"}]',
        b"[" * 100_000,
        b'[{"a": ' + b"9" * 5_000 + b"}]",
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(SourceInvalidError):
        parse_records(body)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=12))
async def test_no_key_finds_another_record_in_sql(tmp_path: Path, key: str) -> None:
    path = tmp_path / "source.db"
    if not path.exists():
        make_database(path, RECORDS)
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0), zone=ZONE)
    try:
        assert list(await read(source, a_read(), key)) == []
    except SourceError:
        pass  # A key with a lone surrogate cannot be asked for.
    finally:
        await source.close()
