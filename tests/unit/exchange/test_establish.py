"""Who calls is established from the request alone, and an operator only within the caller's department."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request

from catalogue.model import Officer, System
from catalogue.rows import staff_token
from catalogue.snapshot import Snapshot
from exchange.identity.errors import IdentityError
from exchange.identity.establish import Gate
from exchange.identity.signatures import Window
from tests.fakes.identity import (
    AUTHORITY,
    HALL_KEY,
    ISSUER,
    KEYS,
    NOW,
    STRANGER,
    Sent,
    a_request,
    an_officer,
)
from tests.fakes.sealer import FakeSealer

SEALER = FakeSealer()
HALL = System(id="sys_hall", department="11110000MB0000001A", name="审批系统", responsible="off_1")
OFFICER = an_officer(department=HALL.department, staff_number="1001")
GATE = Gate(authority=AUTHORITY, issuer=ISSUER, sealer=SEALER, window=Window())


def a_snapshot(
    *, system: System = HALL, officers: tuple[Officer, ...] = (OFFICER,), **changes: Any
) -> Snapshot:
    members: dict[str, Any] = {
        "applied_index": 0,
        "departments": {},
        "systems": {system.id: system},
        "keys": KEYS,
        "officers": {officer.id: officer for officer in officers},
        "staff": {
            (officer.department, staff_token(SEALER, officer.staff_number)): officer.id
            for officer in officers
        },
        "sources": {},
        "resources": {},
        "matters": {},
        "grants": {},
        "asked": frozenset(),
    }
    return Snapshot(**(members | changes))


def as_request(sent: Sent, **headers: str) -> Request:
    added = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http",
            "method": sent.method,
            "path": sent.path.decode(),
            "raw_path": sent.path,
            "query_string": sent.query,
            "headers": [*sent.headers, *added],
        }
    )


def refused(sent: Sent, *, snapshot: Snapshot | None = None, **headers: str) -> str:
    with pytest.raises(IdentityError) as error:
        GATE.establish(
            as_request(sent, **headers).scope, sent.body, snapshot=snapshot or a_snapshot(), now=NOW
        )
    return error.value.code


def test_a_signed_request_is_the_system_whose_key_signed_it() -> None:
    sent = a_request()
    known = GATE.establish(as_request(sent).scope, sent.body, snapshot=a_snapshot(), now=NOW)
    assert (known.system, known.key, known.auth) == (HALL, HALL_KEY, "signature")
    assert known.nonce.key == HALL_KEY.id


def test_a_request_without_proof_or_with_two_kinds_of_it_is_refused() -> None:
    sent = a_request()
    bare = replace(sent, headers=())
    assert refused(bare) == "AUTHENTICATION_MISSING"
    assert refused(sent, authorization="Bearer x.y.z") == "AUTHENTICATION_AMBIGUOUS"


def test_a_key_that_nobody_registered_is_nobody() -> None:
    assert refused(a_request(STRANGER)) == "KEY_UNKNOWN"


@pytest.mark.parametrize(
    "systems",
    [{}, {"sys_hall": replace(HALL, state="suspended")}],
    ids=["left out of the picture", "suspended"],
)
def test_a_key_of_a_system_that_is_not_there_any_more_opens_nothing(
    systems: Mapping[str, System],
) -> None:
    assert refused(a_request(), snapshot=a_snapshot(systems=systems)) == "SYSTEM_INACTIVE"


def test_a_request_that_waited_too_long_is_refused() -> None:
    assert refused(a_request(created=NOW - timedelta(minutes=10))) == "SIGNATURE_EXPIRED"


def named(operator: str, *, snapshot: Snapshot | None = None) -> Any:
    sent = a_request()
    held = snapshot or a_snapshot()
    known = GATE.establish(as_request(sent).scope, sent.body, snapshot=held, now=NOW)
    return GATE.caller(known, operator, snapshot=held)


def test_an_operator_is_an_active_officer_of_the_callers_own_department() -> None:
    caller = named("1001")
    assert caller.officer == OFFICER
    assert caller.operator_auth == "declared"


@pytest.mark.parametrize(
    "officer",
    [
        replace(OFFICER, state="suspended"),
        replace(OFFICER, department="11110000MB0000002X"),
        replace(OFFICER, staff_number="1002"),
    ],
    ids=["suspended", "of another department", "another number"],
)
def test_nobody_else_is_an_operator(officer: Officer) -> None:
    with pytest.raises(IdentityError, match="OPERATOR_UNKNOWN"):
        named("1001", snapshot=a_snapshot(officers=(officer,)))


def test_an_unattended_job_needs_an_officer_who_answers_for_it() -> None:
    caller = named("system:nightly")
    assert caller.officer is None
    assert caller.operator_auth == "system-job"
    for snapshot in (
        a_snapshot(system=replace(HALL, responsible=None)),
        a_snapshot(officers=(replace(OFFICER, state="suspended"),)),
    ):
        with pytest.raises(IdentityError, match="OPERATOR_UNKNOWN"):
            named("system:nightly", snapshot=snapshot)
