"""The same query over the same rows by the stacks that people use, without policy, signature or log.

`serve(name, rows, port=…)` answers `POST /graphql` over three SQLite tables: `strawberry` and `graphene`
as their documentation has it, `hello` a bare JSON answer. Every server runs on the same uvicorn.
"""

import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import graphene
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from strawberry.asgi import GraphQL

from bench.loads import gateway_rows
from bench.loads.gateway_rows import field_of, graphql_name, items_of
from exchange import loops
from exchange.demo.district import Table

_HELD = tuple(gateway_rows.tables().values())
TABLES = {field_of(table): (table.name, items_of(table)) for table in _HELD}
"""Field of an enterprise → its table and the items that the bench's query asks for."""

PERMIT = TABLES["planningPermit"][1]
LISTED = 'SELECT uscc, {} FROM "planning_permit" ORDER BY uscc LIMIT ?'.format(
    ", ".join(f'"{name}"' for name in PERMIT)
)


def write_rows(path: Path, tables: Iterable[Table]) -> None:
    """Write the tables, indexed by `uscc`, under the items' GraphQL names."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in tables:
            names = [graphql_name(column) for column, _kind, _title in table.columns]
            declared = ", ".join(f'"{name}" TEXT' for name in names)
            marks = ", ".join("?" for _ in names)
            connection.execute(f'CREATE TABLE "{table.name}" ({declared})')
            connection.execute(f'CREATE INDEX "{table.name}_uscc" ON "{table.name}" (uscc)')
            connection.executemany(f'INSERT INTO "{table.name}" VALUES ({marks})', table.rows)


class Rows:
    """Reads a record by its key, over one kept connection."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        self._queries = {
            field: 'SELECT {} FROM "{}" WHERE uscc = ?'.format(
                ", ".join(f'"{name}"' for name in names), table
            )
            for field, (table, names) in TABLES.items()
        }

    def listed(self, first: int) -> list[tuple[Any, ...]]:
        """Return the first permits by key: the key, then the items."""
        found: list[tuple[Any, ...]] = self._connection.execute(LISTED, (first,)).fetchall()
        return found

    def of(self, field: str, uscc: str) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._connection.execute(
            self._queries[field], (uscc,)
        ).fetchone()
        return found


def strawberry_app(path: Path) -> Any:
    rows = Rows(path)
    records = {
        field: strawberry.type(
            make_dataclass(field[0].upper() + field[1:], [(n, str) for n in names])
        )
        for field, (_table, names) in TABLES.items()
    }

    def reader(field: str) -> Callable[..., Any]:
        kind = records[field]

        def read(self: Any) -> Any:
            found = rows.of(field, self.uscc)
            return None if found is None else kind(*found)

        read.__annotations__["return"] = kind | None
        return read

    members = {name: strawberry.field(resolver=reader(name), name=name) for name in TABLES}
    enterprise = strawberry.type(
        type("Enterprise", (), {"__annotations__": {"uscc": str}, **members})
    )

    def find(uscc: strawberry.ID) -> Any:
        return enterprise(uscc=str(uscc))

    find.__annotations__["return"] = enterprise
    page_info = strawberry.type(make_dataclass("PageInfo", [("endCursor", str | None)]))
    listed: Any = list.__class_getitem__(records["planningPermit"])
    page = strawberry.type(make_dataclass("Page", [("nodes", listed), ("pageInfo", page_info)]))

    def list_permits(first: int) -> Any:
        found = rows.listed(first)
        nodes = [records["planningPermit"](*values) for _, *values in found]
        return page(nodes=nodes, pageInfo=page_info(endCursor=found[-1][0] if found else None))

    list_permits.__annotations__["return"] = page
    members = {"enterprise": find, "listPlanningPermit": list_permits}
    query = strawberry.type(
        type(
            "Query",
            (),
            {
                name: strawberry.field(resolver=resolver, name=name)
                for name, resolver in members.items()
            },
        )
    )
    schema = strawberry.Schema(
        query=query, config=strawberry.schema.config.StrawberryConfig(auto_camel_case=False)
    )
    return GraphQL(schema)


def graphene_app(path: Path) -> Any:
    rows = Rows(path)

    def reader(field: str) -> Callable[..., Any]:
        _table, names = TABLES[field]

        def read(uscc: str, _info: Any) -> Any:
            found = rows.of(field, uscc)
            return None if found is None else dict(zip(names, found, strict=True))

        return read

    records = {
        field: type(
            field[0].upper() + field[1:],
            (graphene.ObjectType,),
            {name: graphene.String() for name in names},
        )
        for field, (_table, names) in TABLES.items()
    }
    enterprise = type(
        "Enterprise",
        (graphene.ObjectType,),
        {
            **{name: graphene.Field(records[name]) for name in TABLES},
            **{f"resolve_{name}": staticmethod(reader(name)) for name in TABLES},
        },
    )
    page_info = type("PageInfo", (graphene.ObjectType,), {"endCursor": graphene.String()})
    page = type(
        "Page",
        (graphene.ObjectType,),
        {"nodes": graphene.List(records["planningPermit"]), "pageInfo": graphene.Field(page_info)},
    )

    def list_permits(_root: Any, _info: Any, first: int) -> dict[str, Any]:
        found = rows.listed(first)
        nodes = [dict(zip(PERMIT, values, strict=True)) for _, *values in found]
        return {"nodes": nodes, "pageInfo": {"endCursor": found[-1][0] if found else None}}

    query = type(
        "Query",
        (graphene.ObjectType,),
        {
            "enterprise": graphene.Field(enterprise, uscc=graphene.ID(required=True)),
            "resolve_enterprise": staticmethod(lambda _root, _info, uscc: uscc),
            "listPlanningPermit": graphene.Field(page, first=graphene.Int(required=True)),
            "resolve_listPlanningPermit": staticmethod(list_permits),
        },
    )
    schema = graphene.Schema(query=query, auto_camelcase=False)

    async def answer(request: Request) -> JSONResponse:
        asked = await request.json()
        result = await schema.execute_async(asked["query"], variables=asked.get("variables"))
        return JSONResponse({"data": result.data} if not result.errors else {"errors": ["failed"]})

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


def hello_app(_path: Path) -> Any:
    async def hello(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"hello": "world"})

    return Starlette(routes=[Route("/graphql", hello, methods=["POST"])])


APPS: dict[str, Callable[[Path], Any]] = {
    "hello": hello_app,
    "strawberry": strawberry_app,
    "graphene": graphene_app,
}


async def serve(name: str, rows: Path, *, port: int) -> None:
    """Answer until the process is told to stop."""
    config = uvicorn.Config(
        APPS[name](rows),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        server_header=False,
        lifespan="off",
    )
    await uvicorn.Server(config).serve()


def main() -> None:
    """`python -m bench.loads.ungoverned NAME ROWS PORT`: a process without a node in it."""
    name, rows, port = sys.argv[1:]
    # Uvicorn ends in order at the signal and then raises it again.
    with suppress(KeyboardInterrupt):
        loops.run(serve(name, Path(rows), port=int(port)))


if __name__ == "__main__":
    main()
