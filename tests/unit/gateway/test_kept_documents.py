"""Documents that were found valid once are not read again, and never outlive or leave their contract."""

import asyncio
from dataclasses import replace

import pytest

from gateway import pipeline
from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.parse import Document, parse_document
from gateway.pipeline import DOCUMENT_KEPT, Contracts
from gateway.schema import Contract
from tests.fakes.documents import RESOURCES

QUERY = "query($e: ID!) { enterprise(uscc: $e) { uscc } }"
LIMITS = Limits()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the parser was given."""
    seen: list[str] = []

    def noting(query: str, contract: Contract, **options: bool | Limits) -> Document:
        seen.append(query)
        return parse_document(query, contract, **options)  # type: ignore[arg-type]  # passed on as given

    monkeypatch.setattr(pipeline, "parse_document", noting)
    return seen


def contract_of(contracts: Contracts, count: int = 3) -> Contract:
    return asyncio.run(contracts.of(RESOURCES[:count]))


def document(
    contracts: Contracts, contract: Contract, query: str = QUERY, *, introspection: bool = False
) -> Document:
    return contracts.document(query, contract, limits=LIMITS, allow_introspection=introspection)


def test_the_same_document_is_read_once(read: list[str]) -> None:
    contracts = Contracts()
    contract = contract_of(contracts)
    first = document(contracts, contract)
    assert document(contracts, contract) is first
    assert read == [QUERY]


def test_a_document_of_one_contract_is_read_again_for_another(read: list[str]) -> None:
    contracts = Contracts()
    one, other = contract_of(contracts), contract_of(contracts, 1)
    assert document(contracts, one).contract is one
    assert document(contracts, other).contract is other
    assert read == [QUERY, QUERY]


def test_other_limits_and_introspection_are_checked_anew(read: list[str]) -> None:
    contracts = Contracts()
    contract = contract_of(contracts)
    document(contracts, contract)
    with pytest.raises(RefusedDocumentError):
        contracts.document(
            QUERY, contract, limits=replace(LIMITS, depth=1), allow_introspection=False
        )
    schema = "{ __schema { queryType { name } } }"
    document(contracts, contract, schema, introspection=True)
    with pytest.raises(RefusedDocumentError):
        document(contracts, contract, schema)
    assert len(read) == 4


def test_what_is_refused_is_not_kept(read: list[str]) -> None:
    contracts = Contracts()
    contract = contract_of(contracts)
    for _ in range(2):
        with pytest.raises(RefusedDocumentError):
            document(contracts, contract, "{ nothing }")
    assert len(read) == 2


def test_only_so_many_are_kept_and_none_that_is_long(read: list[str]) -> None:
    contracts = Contracts(documents=2)
    contract = contract_of(contracts)
    for name in ("a", "b", "c", "a"):
        document(contracts, contract, QUERY.replace("query", f"query {name}"))
    assert len(read) == 4
    long = QUERY + " " * DOCUMENT_KEPT
    for _ in range(2):
        document(contracts, contract, long)
    assert len(read) == 6


def test_the_documents_of_a_contract_go_with_it(read: list[str]) -> None:
    contracts = Contracts(kept=1)
    contract = contract_of(contracts)
    document(contracts, contract)
    contract_of(contracts, 1)
    document(contracts, contract)
    document(contracts, contract)
    assert len(read) == 3
