"""A database that SQLAlchemy can open and of whose logins nothing is known: SQLite under another name."""

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

SCHEME = "unheardof"


class UnheardOfDialect(SQLiteDialect_pysqlite):
    """Opens files read-write, as a login with all rights would."""

    name = SCHEME
    supports_statement_cache = True


def register_dialect() -> None:
    registry.register(SCHEME, __name__, UnheardOfDialect.__name__)
