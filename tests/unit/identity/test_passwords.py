"""Officers' passwords and one-time codes: both are needed, guesses are few, and each is recorded."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select, update

from exchange.identity import tables
from exchange.identity.errors import IdentityError
from exchange.identity.passwords import NOBODY, find_step, is_password
from exchange.identity.service import SignIn
from tests.fakes.databases import a_database
from tests.fakes.identity import SignInLedger, Ticking, an_officer
from tests.fakes.ledger import LedgerDownError
from tests.fakes.sealer import FakeSealer

OFFICER = an_officer()
OTHER = replace(an_officer(), id="off_other")
OFFICERS = {OFFICER.id: OFFICER, OTHER.id: OTHER}
PASSWORD = "云岫 correct horse 2026"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""What is tested here is not how long a guess takes."""


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
        hasher=CHEAP,
    )


@pytest.fixture
def authenticator(sign_in: SignIn) -> pyotp.TOTP:
    """The officer's telephone, after the password was set."""
    address = sign_in.set_password(OFFICER, PASSWORD, by=OTHER)
    return pyotp.TOTP(parse_qs(urlsplit(address).query)["secret"][0])


def enter(sign_in: SignIn, code: str, *, password: str = PASSWORD) -> str:
    return sign_in.enter(OFFICER.id, password=password, code=code, officers=OFFICERS).secret


def refused(sign_in: SignIn, code: str, *, password: str = PASSWORD) -> bool:
    try:
        enter(sign_in, code, password=password)
    except IdentityError as error:
        return error.code == "SIGN_IN_REFUSED"
    return False


def test_password_and_code_open_a_session(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking
) -> None:
    secret = enter(sign_in, authenticator.at(clock()))
    assert sign_in.check_session(secret, officers=OFFICERS) == OFFICER


def test_either_alone_opens_nothing(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking
) -> None:
    assert refused(sign_in, authenticator.at(clock()), password="another password")
    assert refused(sign_in, "000000")
    assert refused(sign_in, "")


def test_a_code_serves_once(sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking) -> None:
    code = authenticator.at(clock())
    enter(sign_in, code)
    assert refused(sign_in, code)


def test_a_code_older_than_one_that_was_used_serves_no_more(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking
) -> None:
    before = authenticator.at(clock() - timedelta(seconds=30))
    enter(sign_in, authenticator.at(clock()))
    assert refused(sign_in, before)


def test_five_failures_and_nothing_is_compared_for_a_quarter_of_an_hour(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking
) -> None:
    for _ in range(5):
        assert refused(sign_in, "000000")
    clock.moment += timedelta(minutes=14, seconds=59)
    assert refused(sign_in, authenticator.at(clock()))
    clock.moment += timedelta(seconds=1)
    assert not refused(sign_in, authenticator.at(clock()))


def test_a_success_forgets_the_failures_before_it(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking
) -> None:
    for _ in range(3):
        for _ in range(4):
            assert refused(sign_in, "000000")
        assert not refused(sign_in, authenticator.at(clock()))
        clock.moment += timedelta(seconds=60)


@pytest.mark.usefixtures("authenticator")
def test_what_happens_is_recorded_and_guessing_on_is_not_more_entries(
    sign_in: SignIn, ledger: SignInLedger
) -> None:
    for _ in range(9):
        assert refused(sign_in, "000000")
    kinds = [act.kind for act in ledger.acts]
    assert kinds == ["password.set", *["session.refused"] * 5]


def test_there_is_no_session_unless_its_entry_is_in_the_log(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking, ledger: SignInLedger
) -> None:
    ledger.down = True
    with pytest.raises(LedgerDownError):
        enter(sign_in, authenticator.at(clock()))
    ledger.down = False
    # The code was not used up either: the transaction did not come about.
    assert not refused(sign_in, authenticator.at(clock()))


@pytest.mark.usefixtures("authenticator")
def test_a_password_that_sql_put_in_signs_nobody_in(
    sign_in: SignIn, clock: Ticking, engine: Engine
) -> None:
    address = sign_in.set_password(OTHER, "a password of their own", by=OTHER)
    others = pyotp.TOTP(parse_qs(urlsplit(address).query)["secret"][0])
    with engine.begin() as tx:
        tx.execute(tables.credential.delete().where(tables.credential.c.officer == OFFICER.id))
        tx.execute(
            update(tables.credential)
            .where(tables.credential.c.officer == OTHER.id)
            .values(officer=OFFICER.id)
        )
    assert refused(sign_in, others.at(clock()), password="a password of their own")


def test_nobody_is_refused_like_somebody(sign_in: SignIn) -> None:
    for officer in (None, "off_unknown", OFFICER.id):
        with pytest.raises(IdentityError) as caught:
            sign_in.enter(officer, password=PASSWORD, code="000000", officers=OFFICERS)
        assert caught.value.code == "SIGN_IN_REFUSED"
    assert not is_password("", hashed=NOBODY)


def test_unless_told_otherwise_a_password_is_hashed_at_the_cost_at_which_nobody_is_refused(
    engine: Engine, ledger: SignInLedger, clock: Ticking
) -> None:
    sign_in = SignIn(engine, ledger=ledger, sealer=FakeSealer(), now=clock, random=bytes)
    sign_in.set_password(OFFICER, PASSWORD, by=OTHER)
    with engine.connect() as connection:
        hashed = connection.execute(select(tables.credential.c.password)).scalar_one()
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hashed.split("$")[:4] == NOBODY.split("$")[:4]


def test_an_officer_who_left_does_not_come_in(
    sign_in: SignIn, authenticator: pyotp.TOTP, clock: Ticking
) -> None:
    gone = {OFFICER.id: replace(OFFICER, state="inactive")}
    with pytest.raises(IdentityError):
        sign_in.enter(OFFICER.id, password=PASSWORD, code=authenticator.at(clock()), officers=gone)


@pytest.mark.parametrize("password", ["elevenchars", "", f"with {OFFICER.staff_number} in it"])
def test_a_weak_password_is_not_set(sign_in: SignIn, password: str) -> None:
    with pytest.raises(IdentityError) as caught:
        sign_in.set_password(OFFICER, password, by=OTHER)
    assert caught.value.code == "PASSWORD_WEAK"


def test_the_code_before_and_the_next_are_taken_and_no_others() -> None:
    secret = pyotp.random_base32()
    generator = pyotp.TOTP(secret)
    step = 59_000_000
    taken = [
        find_step(generator.generate_otp(step + off), secret=secret, at_ms=step * 30_000, after=0)
        for off in (-2, -1, 0, 1, 2)
    ]
    assert taken == [None, step - 1, step, step + 1, None]
