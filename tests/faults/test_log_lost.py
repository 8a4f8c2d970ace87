"""The connection to PostgreSQL is lost at COMMIT: only the settled head says what became of the batch."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from audit.errors import LogUnavailableError
from tests.fakes.logs import LogHome, a_call, an_act, signed_roots
from tests.fakes.postgres import postgresql
from tests.faults.kit import check_kept, failing, urls

SLOW_COMMIT = """
CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON audit_entry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_a_little();
"""
"""A deferred trigger runs inside COMMIT: the server is at it when the client is long gone."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    made = LogHome(tmp_path, urls=urls("postgresql"))
    yield made
    made.close()


def lose_before(connection: Connection) -> None:
    """The connection breaks, and COMMIT never reaches the server."""
    driver: Any = connection.connection.driver_connection
    driver.pgconn.finish()


def lose_after(connection: Connection) -> None:
    """COMMIT reaches the server, and the connection breaks before its answer."""
    driver: Any = connection.connection.driver_connection
    driver.pgconn.send_query(b"COMMIT")
    driver.pgconn.flush()
    driver.pgconn.finish()


@pytest.mark.proves("W11", "L16")
@pytest.mark.parametrize("lose", [lose_before, lose_after])
def test_a_commit_whose_answer_was_lost_on_the_wire_is_looked_up(
    home: LogHome, lose: Callable[[Connection], None]
) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "commit", lose):
            if lose is lose_before:
                with pytest.raises(LogUnavailableError):
                    log.append(an_act())
            else:
                given.append(log.append(an_act()))
        given.append(log.append(a_call()))
        assert [sequenced.index for sequenced in given] == list(range(len(given)))
        assert (("grant", "grt_1") in log.registry_rows()) is (lose is lose_after)
    check_kept(home, given)


@pytest.mark.proves("W11", "L16")
def test_a_commit_that_is_still_under_way_is_waited_for(home: LogHome) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with home.log_engine.begin() as connection:
            connection.exec_driver_sql(SLOW_COMMIT)
        with failing(home, "commit", lose_after):
            # A head read at once would have shown the batch as lost, and it was not.
            given.append(log.append(a_call()))
        given.append(log.append(a_call()))
        assert [sequenced.index for sequenced in given] == [0, 1, 2]
    check_kept(home, given)


@pytest.mark.proves("W11", "L16")
def test_while_the_server_is_gone_nothing_is_signed_or_given(home: LogHome) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "commit", lose_after), failing(home, "do_connect", refuse):
            for _ in range(3):
                with pytest.raises(LogUnavailableError):
                    log.append(a_call())
            assert set(signed_roots(home.home)) == {0, 1}
        # The batch was committed after all: its index is taken, though nobody was given it.
        given.append(log.append(a_call()))
        assert given[-1].index == 2
    check_kept(home, given)


def refuse(*_: Any) -> None:
    raise OSError("connection refused")


@pytest.mark.proves("W8", "H2")
def test_sessions_cut_by_the_server_are_made_anew_without_a_restart(home: LogHome) -> None:
    server = postgresql()
    with home.opened() as log:
        given = [log.append(a_call())]
        for branch in ("log", "vault"):
            server.cut(home.urls[branch])
        with pytest.raises(LogUnavailableError):
            log.append(a_call())
        given.append(log.append(a_call()))
        assert log.entry(1) == given[1].body
    check_kept(home, given)
