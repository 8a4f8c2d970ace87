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

    def __init__(self, *, token: str) -> None:
        self.token = token
        self.port = 0
        """Given by the system at the first start, and kept at a restart."""
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        app = Starlette(routes=[Route("/deposits", self._deposits)])
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="critical", lifespan="off"
        )
        bound = config.bind_socket()
        self.port = int(bound.getsockname()[1])
        self._server = uvicorn.Server(config)
        self._thread = Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name="labour", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=10)
        self._server = self._thread = None

    def restart(self) -> None:
        self.stop()
        self.start()

    async def _deposits(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "token needed"}, status_code=401)
        wanted = set(request.query_params.get("uscc", "").split(","))
        return JSONResponse([row for row in deposits() if row["uscc"] in wanted])
