"""A provider asks once for supplements, a refusal names its law, and older rows keep their digests."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.protected import LATER, row_digest
from catalogue.requested import RequestState
from exchange import storage
from exchange.storage import migrate
from tests.fakes.catalogue import LICENCE, TODAY
from tests.fakes.district import District, a_registry_database

SALT = bytes(range(16))
MIGRATIONS = Path(str(storage.__file__)).parent / "migrations"


@pytest.fixture
def district(tmp_path: Path) -> District:
    made = District(a_registry_database(tmp_path))
    made.found()
    made.announce()
    return made


def test_supplements_are_asked_for_once_and_answered_before_anything_is_decided(
    district: District,
) -> None:
    registry, provider, hall = (
        district.registry,
        district.by("market.operator"),
        district.by("hall.operator"),
    )
    request = district.ask()
    asked = registry.ask_once(request.id, by=provider, question="请补充办件依据的条款")
    assert asked.state is RequestState.SUPPLEMENT
    with pytest.raises(StateError):
        registry.grant(request.id, by=provider)
    given = registry.supplement(request.id, by=hall, answer="《建筑法》第八条第二款")
    assert given.state is RequestState.SUBMITTED
    assert given.supplement_asked == "请补充办件依据的条款"
    with pytest.raises(StateError, match="once already"):
        registry.ask_once(request.id, by=provider, question="还要一份")
    assert registry.grant(request.id, by=provider).resource == LICENCE


def test_what_is_asked_and_answered_stays_out_of_the_leaf(district: District) -> None:
    request = district.ask()
    district.registry.ask_once(
        request.id, by=district.by("market.operator"), question="请说明张三的情况"
    )
    act = district.ledger.acts[-1]
    assert act.kind == "request.supplement-asked"
    assert "张三" not in str(act.facts)
    assert act.private == {"question": "请说明张三的情况"}


def test_only_the_provider_asks_for_supplements(
    district: District,
) -> None:
    request = district.ask()
    with pytest.raises(NotAllowedError):
        district.registry.ask_once(request.id, by=district.by("hall.head"), question="为什么")
    with pytest.raises(NotAllowedError):
        district.registry.ask_once(request.id, by=district.by("auditor"), question="为什么")


def test_only_the_requesting_department_answers(district: District) -> None:
    request = district.ask()
    district.registry.ask_once(request.id, by=district.by("market.operator"), question="请补充")
    with pytest.raises(NotAllowedError):
        district.registry.supplement(request.id, by=district.by("market.head"), answer="好")
    with pytest.raises(InvalidError):
        district.registry.supplement(request.id, by=district.by("hall.operator"), answer=" ")


def test_an_empty_question_is_none(district: District) -> None:
    request = district.ask()
    with pytest.raises(InvalidError):
        district.registry.ask_once(request.id, by=district.by("market.operator"), question="\n")


def test_a_refusal_with_a_code_names_its_law(district: District) -> None:
    request, provider = district.ask(), district.by("market.operator")
    with pytest.raises(InvalidError, match="legal basis"):
        district.registry.refuse(
            request.id, by=provider, reason="用途不符", code="PURPOSE_UNFIT", legal_basis=" "
        )
    with pytest.raises(InvalidError, match="one of"):
        district.registry.refuse(
            request.id, by=provider, reason="不想给", code="NO_WISH", legal_basis="内部规定"
        )
    refused = district.registry.refuse(
        request.id,
        by=provider,
        reason="用途不符",
        code="PURPOSE_UNFIT",
        legal_basis="国务院令第809号第二十五条",
    )
    assert (refused.state, refused.refusal_code) == (RequestState.REFUSED, "PURPOSE_UNFIT")


@pytest.mark.parametrize("column", sorted(LATER["sharing_request"]))
def test_a_column_added_later_counts_as_soon_as_it_holds_anything(column: str) -> None:
    before = {"id": "req_1", "state": "submitted"}
    kept = row_digest("sharing_request", "req_1", before, SALT)
    assert row_digest("sharing_request", "req_1", before | {column: None}, SALT) == kept
    assert row_digest("sharing_request", "req_1", before | {column: ""}, SALT) != kept
    assert row_digest("sharing_request", "req_1", before | {column: "x"}, SALT) != kept


def test_an_empty_column_of_the_first_tables_always_counts() -> None:
    row = {"id": "req_1", "decided_by": None}
    assert row_digest("sharing_request", "req_1", row, SALT) != row_digest(
        "sharing_request", "req_1", {"id": "req_1"}, SALT
    )


@pytest.mark.proves("R1")
def test_a_supplement_taken_away_by_sql_leaves_the_request_out(district: District) -> None:
    request = district.ask()
    district.registry.ask_once(request.id, by=district.by("market.operator"), question="请补充")
    with district.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sharing_request SET supplement_asked = NULL")
    absent = {(row.table, row.key) for row in district.snapshot().absent}
    assert ("sharing_request", request.id) in absent


def quoted(table: str) -> list[str]:
    """The columns that a table did not have at first, as SQL names them."""
    return [f'"{name}"' for name in sorted(LATER[table])]


@pytest.mark.proves("U1")
def test_requests_of_an_older_home_are_vouched_for_after_the_migration(
    district: District, tmp_path: Path
) -> None:
    hall = district.by("hall.operator")
    request = district.registry.request_sharing(district.wanted(), by=hall)
    script = Config()
    script.set_main_option("script_location", str(MIGRATIONS / "registry"))
    with district.engine.begin() as connection:
        told = {
            table: connection.exec_driver_sql(
                f"SELECT {', '.join(quoted(table))} FROM {table}"
            ).one()
            for table in ("resource", "matter")
        }
        script.attributes["connection"] = connection
        command.downgrade(script, "0003")
    columns = {one["name"] for one in inspect(district.engine).get_columns("sharing_request")}
    assert not columns & LATER["sharing_request"]
    (tmp_path / "backups").mkdir(exist_ok=True)
    migrate(district.engine, "registry", home=tmp_path, at=TODAY)
    with district.engine.begin() as connection:
        # What no older entry could say is lost on the way down; it is put back as it was.
        for table, row in told.items():
            sets = ", ".join(f"{name} = ?" for name in quoted(table))
            connection.exec_driver_sql(f"UPDATE {table} SET {sets}", tuple(row))
    assert district.snapshot().absent == ()
    district.registry.sign_request(request.id, by=district.by("hall.head"))
    held = district.registry.ask_once(
        request.id, by=district.by("market.operator"), question="请补充"
    )
    assert held.supplement_asked == "请补充"
