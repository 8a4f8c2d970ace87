"""Counts of days that are over go, and that is recorded; what counts for ever stays."""

from datetime import timedelta

from sqlalchemy import insert, select

from audit import tables
from audit.carrying import EVER, carry
from exchange.clock import now
from exchange.sweeping import KEPT_DAYS, Sweeping, sweep_quotas
from tests.fakes.node import Standing


def test_old_counts_are_deleted_once_a_day_and_that_is_recorded(here: Standing) -> None:
    here.ask()
    engine, today = here.node.databases.log, now().astimezone(here.node.zone).date()
    old, young = (today - timedelta(days=KEPT_DAYS + n) for n in (1, -1))
    with engine.begin() as connection:
        days = (old.isoformat(), young.isoformat(), EVER)
        rows = [{"key": f"test:{day}", "day": day, "used": 3} for day in days]
        connection.execute(insert(tables.quota), rows)

    def counted() -> set[tuple[str, str]]:
        with engine.connect() as connection:
            return {(row.key, row.day) for row in connection.execute(select(tables.quota))}

    before, size = counted(), here.node.log.size
    assert sweep_quotas(here.node, at=now()) == 1
    assert counted() == before - {(f"test:{old}", old.isoformat())}
    assert here.kinds(since=size) == ["quotas.swept"]
    assert sweep_quotas(here.node, at=now()) == 0
    assert here.node.log.size == size + 1
    # What may be asked within a case does not begin anew with a shard of the log.
    assert f"test:{EVER}" in {row["key"] for row in carry(engine, at=now()).quotas}


def test_it_is_time_once_a_day() -> None:
    sweeping, at = Sweeping(), now()
    assert [sweeping.due(at), sweeping.due(at), sweeping.due(at + timedelta(days=1))] == [
        True,
        False,
        True,
    ]
