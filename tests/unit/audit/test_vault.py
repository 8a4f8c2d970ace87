"""The vault's keys, disclosures and tokens."""

import hmac
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text, update

from audit import tables
from audit.canonical import encode
from audit.errors import LogUnavailableError, ProofError, StartRefusedError
from audit.retention import SESSION, STANDARD
from audit.vault import Keyed, Owner, Vault
from exchange.storage import migrate, sqlite_engine
from tests.examples import examples
from tests.fakes.logs import NOON, TurnedClock

KEK = b"k" * 32
AT = int(NOON.timestamp() * 1000)
MONTH_MS = 31 * 86_400_000
PERSON = ("person", "11010519491231002X")
FIRM = ("enterprise", "91110000600037341L")
OWNER: Owner = (STANDARD, PERSON)
OTHER: Owner = (STANDARD, FIRM)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = sqlite_engine(tmp_path / "vault.db")
    migrate(made, "vault", home=tmp_path, at=NOON)
    yield made
    made.dispose()


def a_vault(engine: Engine, *, kek: bytes = KEK, seed: int = 1) -> Vault:
    drawn = random.Random(seed)  # noqa: S311 - the test says which keys differ
    return Vault(engine, kek, now=TurnedClock(), random=drawn.randbytes)


def seal(vault: Vault, payload: bytes, *, place: bytes = b"p") -> tuple[str, bytes]:
    key = vault.keys_for([OWNER], at=AT)[OWNER]
    return key.key_id, vault.seal_disclosure(key, payload, place=place)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(50))
@given(payload=st.binary(), place=st.binary())
def test_what_is_sealed_opens_in_its_place(engine: Engine, payload: bytes, place: bytes) -> None:
    vault = a_vault(engine)
    key_id, sealed = seal(vault, payload, place=place)
    assert vault.open_disclosure(key_id, sealed, place=place) == payload


def test_a_disclosure_that_was_changed_or_moved_does_not_open(engine: Engine) -> None:
    vault = a_vault(engine)
    key_id, sealed = seal(vault, b"secret")
    with pytest.raises(ProofError):
        vault.open_disclosure(key_id, sealed, place=b"q")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(ProofError):
            vault.open_disclosure(key_id, changed, place=b"p")


def test_keys_differ_by_subject_and_month_and_stay_the_same_within(engine: Engine) -> None:
    vault = a_vault(engine)
    everybody: list[Owner] = [(STANDARD, None), OWNER, OTHER, (SESSION, PERSON)]
    this = {who: key.key_id for who, key in vault.keys_for(everybody, at=AT).items()}
    later = {who: key.key_id for who, key in vault.keys_for(everybody, at=AT + MONTH_MS).items()}
    assert len({*this.values(), *later.values()}) == 8
    again = a_vault(engine, seed=2).keys_for(everybody, at=AT + 1)
    assert {who: key.key_id for who, key in again.items()} == this


def test_a_vault_opened_again_opens_what_the_former_sealed(engine: Engine) -> None:
    first = a_vault(engine)
    key_id, sealed = seal(first, b"secret")
    second = a_vault(engine, seed=2)
    assert second.open_disclosure(key_id, sealed, place=b"p") == b"secret"
    assert second.token("case", "2026-0117") == first.token("case", "2026-0117")


def test_tokens_tell_kinds_and_values_apart(engine: Engine) -> None:
    vault = a_vault(engine)
    pairs = [("case", "1"), ("case", "2"), ("officer", "1"), ("cas", "e1"), ("", "case1")]
    assert len({vault.token(*pair) for pair in pairs}) == len(pairs)


def test_another_key_encryption_key_is_refused_at_once(engine: Engine) -> None:
    a_vault(engine)
    with pytest.raises(StartRefusedError, match=r"vault\.kek"):
        a_vault(engine, kek=b"x" * 32)


def test_a_destroyed_key_opens_nothing_and_a_younger_call_gets_a_new_one(engine: Engine) -> None:
    vault = a_vault(engine)
    key_id, sealed = seal(vault, b"secret")
    assert vault.destroy([key_id, "another"]) == 1
    assert vault.destroy([key_id]) == 0
    with engine.begin() as connection:
        assert connection.execute(select(tables.vault_key.c.wrapped)).scalar_one() == b""
    assert vault.open_disclosure(key_id, sealed, place=b"p") is None
    younger, resealed = seal(vault, b"younger")
    assert younger != key_id
    assert vault.open_disclosure(younger, resealed, place=b"p") == b"younger"


def test_what_a_destroyed_key_was_wrapped_in_is_nowhere_in_the_file(
    engine: Engine, tmp_path: Path
) -> None:
    vault = a_vault(engine)
    key_id, _ = seal(vault, b"secret")
    with engine.begin() as connection:
        wrapped = connection.execute(select(tables.vault_key.c.wrapped)).scalar_one()
    held = [tmp_path / "vault.db", tmp_path / "vault.db-wal"]
    assert any(wrapped in path.read_bytes() for path in held)
    vault.destroy([key_id])
    assert not any(wrapped in path.read_bytes() for path in held)


def test_a_subject_s_keys_are_found_in_every_month_and_class(engine: Engine) -> None:
    vault = a_vault(engine)
    assert vault.held_of(PERSON) == []
    for owner, at in ((OWNER, AT), (OTHER, AT), ((SESSION, PERSON), AT), (OWNER, AT + MONTH_MS)):
        vault.keys_for([owner], at=at)
    found = [(key.retention, key.month) for key in vault.held_of(PERSON)]
    assert found == [(SESSION, "2026-11"), (STANDARD, "2026-11"), (STANDARD, "2026-12")]
    vault.destroy([key.key_id for key in vault.held_of(PERSON)])
    assert vault.held_of(PERSON) == []
    assert len(vault.held_of(FIRM)) == 1


def test_a_key_moved_to_another_subject_does_not_open(engine: Engine) -> None:
    a_vault(engine).keys_for([OWNER], at=AT)
    with engine.begin() as connection:
        connection.execute(update(tables.vault_key).values(lookup="0" * 64))
        row = connection.execute(select(tables.vault_key)).one()
    with pytest.raises(StartRefusedError):
        a_vault(engine, seed=4).open_disclosure(row.key_id, b"n" * 40, place=b"p")


def test_the_vault_does_not_say_whose_key_a_row_is(engine: Engine) -> None:
    a_vault(engine).keys_for([OWNER, OTHER], at=AT)
    with engine.begin() as connection:
        rows = connection.execute(select(tables.vault_key)).all()
    held = " ".join(str(value) for row in rows for value in row)
    assert PERSON[1] not in held
    assert FIRM[1] not in held


def test_a_vault_that_does_not_answer_is_a_log_that_cannot_be_written(engine: Engine) -> None:
    vault = a_vault(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE vault_key"))
    with pytest.raises(LogUnavailableError):
        vault.keys_for([OWNER], at=AT)
    with pytest.raises(LogUnavailableError):
        vault.open_disclosure("k", b"", place=b"")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE vault_secret"))
    with pytest.raises(LogUnavailableError):
        a_vault(engine)


def test_more_keys_than_are_kept_in_memory_are_all_found(engine: Engine) -> None:
    vault = a_vault(engine)
    crowd: list[Owner] = [(STANDARD, ("person", str(number))) for number in range(1_200)]
    first = {who: key.key_id for who, key in vault.keys_for(crowd, at=AT).items()}
    again = a_vault(engine, seed=5).keys_for(crowd, at=AT)
    assert {who: key.key_id for who, key in again.items()} == first


@given(st.binary(min_size=32, max_size=32), st.lists(st.text(max_size=90), max_size=3))
def test_keyed_digests_are_those_of_the_standard_library(key: bytes, value: list[str]) -> None:
    assert Keyed(key).digest(value) == hmac.digest(key, encode(value), "sha256").hex()


def test_a_token_is_half_of_the_keyed_digest(engine: Engine) -> None:
    assert len(a_vault(engine).token("case", "2026-0117")) == 32
