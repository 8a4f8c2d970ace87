"""Officers' sign-in: links serve once, sessions end, nothing happens unrecorded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from catalogue.model import Officer
from exchange.identity import tables
from exchange.identity.errors import IdentityError
from exchange.identity.service import SignIn
from tests.fakes.databases import a_database
from tests.fakes.identity import SignInLedger, Ticking, an_officer
from tests.fakes.ledger import LedgerDownError
from tests.fakes.sealer import FakeSealer

OFFICER = an_officer()
OFFICERS = {OFFICER.id: OFFICER}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The registry as the migrations make it."""
    made = a_database(tmp_path, "registry")
    yield made
    made.dispose()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def ledger() -> SignInLedger:
    return SignInLedger()


@pytest.fixture
def sign_in(engine: Engine, ledger: SignInLedger, clock: Ticking) -> SignIn:
    count = iter(range(1, 100))
    return SignIn(
        engine,
        ledger=ledger,
        sealer=FakeSealer(),
        now=clock,
        random=lambda length: next(count).to_bytes(length, "big"),
    )


def opened(sign_in: SignIn) -> str:
    link = sign_in.offer_link(OFFICER, by=None)
    return sign_in.redeem_link(link, officers=OFFICERS).secret


def refusal(sign_in: SignIn, secret: str, officers: dict[str, Officer] | None = None) -> str:
    with pytest.raises(IdentityError) as caught:
        sign_in.check_session(secret, officers=OFFICERS if officers is None else officers)
    return caught.value.code


def test_a_link_opens_a_session_and_both_are_recorded(
    sign_in: SignIn, ledger: SignInLedger
) -> None:
    secret = opened(sign_in)
    assert sign_in.check_session(secret, officers=OFFICERS) == OFFICER
    assert ledger.kinds == ["link.offered", "session.opened"]


def test_a_link_serves_once(sign_in: SignIn) -> None:
    link = sign_in.offer_link(OFFICER, by=None)
    sign_in.redeem_link(link, officers=OFFICERS)
    with pytest.raises(IdentityError, match="LINK_UNUSABLE"):
        sign_in.redeem_link(link, officers=OFFICERS)


def test_a_link_ends_after_ten_minutes(sign_in: SignIn, clock: Ticking) -> None:
    link = sign_in.offer_link(OFFICER, by=None)
    clock.forward(minutes=10)
    with pytest.raises(IdentityError, match="LINK_UNUSABLE"):
        sign_in.redeem_link(link, officers=OFFICERS)


def test_a_link_is_no_session_and_a_session_no_link(sign_in: SignIn) -> None:
    link = sign_in.offer_link(OFFICER, by=None)
    assert refusal(sign_in, link) == "SESSION_UNKNOWN"
    secret = sign_in.redeem_link(link, officers=OFFICERS).secret
    with pytest.raises(IdentityError, match="LINK_UNUSABLE"):
        sign_in.redeem_link(secret, officers=OFFICERS)


def test_a_session_ends_when_left_alone_for_half_an_hour(sign_in: SignIn, clock: Ticking) -> None:
    secret = opened(sign_in)
    for _ in range(3):
        clock.forward(minutes=29)
        assert sign_in.check_session(secret, officers=OFFICERS) == OFFICER
    clock.forward(minutes=30)
    assert refusal(sign_in, secret) == "SESSION_UNKNOWN"


def test_a_session_ends_after_ten_hours_however_busy(sign_in: SignIn, clock: Ticking) -> None:
    secret = opened(sign_in)
    for _ in range(29):
        clock.forward(minutes=20)
        sign_in.check_session(secret, officers=OFFICERS)
    clock.forward(minutes=20)
    assert refusal(sign_in, secret) == "SESSION_UNKNOWN"


def test_signing_out_ends_the_session_and_is_recorded(
    sign_in: SignIn, ledger: SignInLedger
) -> None:
    secret = opened(sign_in)
    sign_in.end_session(secret, officers=OFFICERS)
    sign_in.end_session(secret, officers=OFFICERS)
    assert refusal(sign_in, secret) == "SESSION_UNKNOWN"
    assert ledger.kinds == ["link.offered", "session.opened", "session.ended"]


def test_an_officer_who_left_is_signed_out_and_gets_no_link(sign_in: SignIn) -> None:
    secret = opened(sign_in)
    left = replace(OFFICER, state="left")
    assert refusal(sign_in, secret, {OFFICER.id: left}) == "OFFICER_INACTIVE"
    assert refusal(sign_in, secret, {}) == "OFFICER_INACTIVE"
    with pytest.raises(IdentityError, match="OFFICER_INACTIVE"):
        sign_in.offer_link(left, by=None)


def test_secrets_are_nowhere_kept(sign_in: SignIn, engine: Engine, tmp_path: Path) -> None:
    link = sign_in.offer_link(OFFICER, by=None)
    secret = opened(sign_in)
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("registry.db*"))
    for value in (link, secret):
        assert value.encode() not in kept
    with engine.connect() as tx:
        assert len(tx.execute(select(tables.session)).all()) == 1


def test_nobody_signs_in_while_the_log_refuses(sign_in: SignIn, ledger: SignInLedger) -> None:
    link = sign_in.offer_link(OFFICER, by=None)
    ledger.down = True
    with pytest.raises(LedgerDownError):
        sign_in.redeem_link(link, officers=OFFICERS)
    ledger.down = False
    assert sign_in.redeem_link(link, officers=OFFICERS).officer == OFFICER


def test_a_recorded_sign_in_that_could_not_be_kept_is_voided(
    sign_in: SignIn, ledger: SignInLedger, engine: Engine
) -> None:
    link = sign_in.offer_link(OFFICER, by=None)

    @event.listens_for(engine, "commit")
    def _fail(_: object) -> None:
        raise SQLAlchemyError("disk full")

    with pytest.raises(SQLAlchemyError):
        sign_in.redeem_link(link, officers=OFFICERS)
    event.remove(engine, "commit", _fail)
    assert ledger.kinds == ["link.offered"]
    assert list(ledger.voids.values()) == [1]


def test_a_session_put_in_or_changed_by_sql_signs_nobody_in(
    sign_in: SignIn, engine: Engine
) -> None:
    secret = opened(sign_in)
    other = replace(OFFICER, id="off_2")
    with engine.begin() as tx:
        tx.execute(update(tables.session).values(officer=other.id))
    assert refusal(sign_in, secret, {**OFFICERS, other.id: other}) == "SESSION_UNKNOWN"
    link = sign_in.offer_link(OFFICER, by=None)
    with engine.begin() as tx:
        tx.execute(text("UPDATE identity_link SET officer = 'off_2'"))
    with pytest.raises(IdentityError, match="LINK_UNUSABLE"):
        sign_in.redeem_link(link, officers={**OFFICERS, other.id: other})
