"""How every table of the registry is written: its metadata, and what protected rows have in common."""

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

metadata = MetaData()


def protected(name: str, *columns: Column[str] | Column[int] | Index) -> Table:
    """A table whose rows the log vouches for."""
    return Table(
        name,
        metadata,
        *columns,
        Column("entry", BigInteger, nullable=False),
        Column("salt", Text, nullable=False),
    )


def key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)
