"""The table of jobs, in the registry's database.

A row has acts carried out on an officer's word, so `seal` is a keyed digest of all that it says: one made or
changed by SQL is as if it were not there. What a job found is sealed whole.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from catalogue.tables import metadata

job = Table(
    "job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("errand", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("officer", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("said", LargeBinary),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended", BigInteger),
    Column("leased_by", Text),
    Column("lease_ms", BigInteger, nullable=False),
    Column("touched_ms", BigInteger, nullable=False),
    Column("seal", Text, nullable=False),
    Index("job_state", "state"),
)
