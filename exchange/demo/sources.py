"""The departments' own systems in the demonstration: four SQLite databases and one JSON service."""

import sqlite3
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from exchange.demo.district import Table, deposits, engineers, tables


def make_sources(folder: Path) -> dict[str, Path]:
    """Write each department's database; returns its path by source name."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {name: folder / f"{name}.db" for name in tables()}
    for name, table in tables().items():
        write_table(written[name], table)
    write_table(written["housing"], engineers())
    return written


def write_table(path: Path, table: Table) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind, _title in table.columns)
    marks = ", ".join("?" for _ in table.columns)
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute(f'CREATE TABLE "{table.name}" ({columns})')
            connection.executemany(
                f'INSERT INTO "{table.name}" VALUES ({marks})',  # noqa: S608 - our own table
                table.rows,
            )
    finally:
        connection.close()


class LabourService:
    """The labour bureau's JSON service: `GET /deposits?uscc=…`, on loopback, until closed."""

    def __init__(self, *, token: str, port: int = 0) -> None:
        self._token = token
        app = Starlette(routes=[Route("/deposits", self._deposits)])
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread: Thread | None = None
        self._socket = config.bind_socket()
        self.port = int(self._socket.getsockname()[1])

    def start(self) -> None:
        self._thread = Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None

    async def _deposits(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return JSONResponse({"error": "token needed"}, status_code=401)
        wanted = set(request.query_params.get("uscc", "").split(","))
        return JSONResponse([row for row in deposits() if row["uscc"] in wanted])
