"""The operator edits the registry's file past the program: the next call is refused, and the row is named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from exchange.client.errors import RefusedError
from exchange.client.signing import SigningKey
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from exchange.identity.keys import encode_base64url, public_der
from tests.fakes.node import JOINING, LICENCE, Standing, codes, lines
from tests.stories.test_cases import open_case

GRANT = "307/000001"
OWN = "SG-2026-0400"
"""Case of the hall's other system."""
PHONE = "query Phone($e: ID!) { enterprise(uscc: $e) { businessLicence { phone } } }"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change by SQL from which the operator hopes to gain."""

    table: str
    """Whose row is to be named."""
    change: Callable[[Standing], int]
    ask: Callable[[Standing], Any]
    """The call that would gain by it."""


def ask_licence(here: Standing) -> Any:
    return here.ask()


def ask_stranger(here: Standing) -> Any:
    return here.ask(LICENCE, e=district.STRANGER)


def ask_phone(here: Standing) -> Any:
    return here.ask(PHONE)


def ask_capital(here: Standing) -> Any:
    return here.ask(
        "query Capital($e: ID!) { enterprise(uscc: $e) { businessLicence { capital } } }"
    )


def ask_with_another_key(here: Standing) -> Any:
    """Sign as the hall's system with the key that was put in the place of its own."""
    return here.ask(system="another")


def ask_as_another_system(here: Standing) -> Any:
    return here.ask(system=JOINING, case=OWN)


def put_another_key(here: Standing) -> int:
    another = SigningKey.create()
    here.place.systems["another"] = another
    public = encode_base64url(public_der(another.private.public_key()))
    return here.raw_sql(
        "INSERT INTO system_key SELECT ?, system, algorithm, ?, state, not_after, entry, salt"
        " FROM system_key WHERE system = ? LIMIT 1",
        another.id,
        public,
        SYSTEM,
    )


def put_a_party(here: Standing) -> int:
    token = here.node.sealer.token("enterprise", district.STRANGER)
    return here.raw_sql(
        "INSERT INTO case_party (case_id, position, type, token, role, added_by, late)"
        " SELECT id, 9, 'enterprise', ?, 'applicant', system, 0 FROM office_case",
        token,
    )


def put_a_grant(here: Standing) -> int:
    row = here.row("sharing_grant", "resource = ?", GRANT)
    row |= {"id": "grt_inserted", "systems": f'["{JOINING}"]'}
    marks = ", ".join("?" for _ in row)
    names = ", ".join(f'"{name}"' for name in row)
    return here.raw_sql(f"INSERT INTO sharing_grant ({names}) VALUES ({marks})", *row.values())


def sql(statement: str, *values: Any) -> Callable[[Standing], int]:
    return lambda here: here.raw_sql(statement, *values)


EDITS: Mapping[str, Edit] = {
    "more items in a grant": Edit(
        "sharing_grant",
        sql(
            """UPDATE sharing_grant SET items = '["entName","status","capital"]' WHERE resource = ?""",
            GRANT,
        ),
        ask_capital,
    ),
    "a grant prolonged": Edit(
        "sharing_grant",
        sql("UPDATE sharing_grant SET not_after = not_after + 1 WHERE resource = ?", GRANT),
        ask_licence,
    ),
    "a grant inserted": Edit("sharing_grant", put_a_grant, ask_as_another_system),
    "a key inserted": Edit("system_key", put_another_key, ask_with_another_key),
    "a key revived past its end": Edit(
        "system_key",
        sql("UPDATE system_key SET not_after = 4102444800000 WHERE system = ?", SYSTEM),
        ask_licence,
    ),
    "a mask taken away": Edit(
        "resource",
        sql("UPDATE resource_item SET mask = 'none' WHERE resource = ? AND name = 'phone'", GRANT),
        ask_phone,
    ),
    "a class lowered": Edit(
        "resource",
        sql("UPDATE resource SET sharing_class = 'unconditional' WHERE code = ?", GRANT),
        ask_stranger,
    ),
    "a matter that allows a relation": Edit(
        "matter",
        sql(
            """UPDATE matter SET relations = '["307/000001.legalRepId"]' WHERE code = ?""",
            district.MATTER,
        ),
        ask_licence,
    ),
    "a party inserted": Edit("office_case", put_a_party, ask_stranger),
    "a case attested": Edit(
        "office_case",
        sql("UPDATE office_case SET attested_by = 'hall.permit'"),
        ask_licence,
    ),
    "a clearance raised": Edit(
        "officer",
        sql("UPDATE officer SET clearance = 4 WHERE department = ?", district.HALL.code),
        ask_licence,
    ),
    "a source led elsewhere": Edit(
        "source",
        sql("UPDATE source SET address = 'sqlite:////tmp/elsewhere.db' WHERE name = 'market'"),
        ask_licence,
    ),
    "a system given to another department": Edit(
        "system",
        sql("UPDATE system SET department = ? WHERE id = ?", district.MARKET.code, SYSTEM),
        ask_licence,
    ),
}


def what_is_given(here: Standing, ask: Callable[[Standing], Any]) -> str:
    """Return the code with which a call is refused; `given` where it is not."""
    try:
        answer = ask(here)
    except RefusedError as error:
        return error.code
    line = lines(answer)["businessLicence"]
    return str(line["code"] or "given")


def named_by_fsck(here: Standing) -> list[str]:
    return [finding["where"] for finding in here.act("auditor", "audit.fsck-registry")["findings"]]


@pytest.mark.proves("R1")
@pytest.mark.parametrize("name", EDITS)
def test_a_row_edited_or_inserted_by_sql_refuses_the_next_call_and_is_named(
    here: Standing, name: str
) -> None:
    edit = EDITS[name]
    open_case(here, OWN, system=JOINING)
    assert what_is_given(here, ask_licence) == "given"
    here.sources.reads.clear()
    assert named_by_fsck(here) == []
    assert edit.change(here) >= 1
    assert what_is_given(here, edit.ask) != "given"
    assert here.sources.reads == []
    named = named_by_fsck(here)
    assert named
    assert all(where.startswith(edit.table) for where in named)
    assert "registry.alarm" in here.kinds()


@pytest.mark.proves("R2")
def test_a_revoked_grant_put_back_as_it_was_opens_nothing_and_is_named(here: Standing) -> None:
    before = here.row("sharing_grant", "resource = ?", GRANT)
    here.act("market.head", "grant.revoke", grant=here.grants[GRANT], reason="终止")
    assert what_is_given(here, ask_licence) == "GRANT_REVOKED"
    changes = ", ".join(f'"{name}" = ?' for name in before)
    here.raw_sql(f"UPDATE sharing_grant SET {changes} WHERE id = ?", *before.values(), before["id"])
    assert what_is_given(here, ask_licence) != "given"
    assert here.sources.reads == []
    assert any(str(before["id"]) in where for where in named_by_fsck(here))
    assert "registry.alarm" in here.kinds()


@pytest.mark.proves("R2")
def test_a_row_deleted_by_sql_is_missed(here: Standing) -> None:
    here.raw_sql("DELETE FROM sharing_grant WHERE resource = ?", GRANT)
    assert what_is_given(here, ask_licence) != "given"
    assert here.sources.reads == []
    assert any(here.grants[GRANT] in where for where in named_by_fsck(here))
    assert "registry.alarm" in here.kinds()


@pytest.mark.proves("R2")
def test_a_revocation_deleted_with_its_grant_is_missed_also_after_a_restart(
    here: Standing,
) -> None:
    here.act("market.head", "grant.revoke", grant=here.grants[GRANT])
    here.raw_sql("DELETE FROM sharing_grant WHERE resource = ?", GRANT)
    here.restart()
    assert what_is_given(here, ask_licence) != "given"
    assert any(here.grants[GRANT] in where for where in named_by_fsck(here))


def test_what_was_edited_counts_again_once_it_is_put_right(here: Standing) -> None:
    statement = "UPDATE sharing_grant SET daily_quota = daily_quota + ? WHERE resource = ?"
    here.raw_sql(statement, 1, GRANT)
    assert codes(here.ask())["businessLicence"] is not None
    here.raw_sql(statement, -1, GRANT)
    assert codes(here.ask()) == {"businessLicence": None}
    assert named_by_fsck(here) == []
    assert here.kinds().count("registry.alarm") == 1
