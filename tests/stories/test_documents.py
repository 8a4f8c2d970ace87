"""Trusted documents: registered by their digest, asked by it, and what a grant can be limited to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from catalogue.documents import digest_of
from catalogue.errors import CatalogueError
from exchange.acts.register import ActError
from exchange.client.signing import encode_usage, usage_header
from exchange.demo import district
from exchange.demo.setup import DEPOSIT, ask_for
from tests.fakes.node import DEPARTMENTS, LICENCE, USAGE, Standing, codes, copied, founded

DIGEST = digest_of(LICENCE)
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": DIGEST}}


def code_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def registered(here: Standing, text: str = LICENCE, name: str = "营业执照查询") -> str:
    told = here.act("hall.operator", "document.register", text=text, name=name)
    return str(told["digest"])


def by_id(here: Standing, **members: Any) -> httpx.Response:
    body: dict[str, Any] = {"variables": {"e": district.APPLICANT}}
    extensions = {"usage": encode_usage(USAGE), **members.pop("extensions", {})}
    request = httpx.Request(
        "POST", f"{here.url}/graphql", json=body | {"extensions": extensions} | members
    )
    return here.send(here.signed(request))


def by_get(here: Standing, query: str) -> httpx.Response:
    request = httpx.Request(
        "GET", f"{here.url}/graphql?{query}", headers={"exchange-usage": usage_header(USAGE)}
    )
    return here.send(here.signed(request))


VARIABLES = quote(json.dumps({"e": district.APPLICANT}), safe="")


def test_a_registered_document_is_asked_for_by_its_digest_and_the_entry_carries_it(
    here: Standing,
) -> None:
    assert registered(here) == DIGEST
    for response in (
        by_id(here, documentId=f"sha256:{DIGEST}"),
        by_id(here, extensions=PERSISTED),
        by_get(here, f"documentId=sha256:{DIGEST}&variables={VARIABLES}"),
        by_get(here, f"extensions={quote(json.dumps(PERSISTED), safe='')}&variables={VARIABLES}"),
    ):
        told = response.json()
        assert told["data"]["enterprise"]["businessLicence"]["entName"] == "云岫栖筑建设有限公司"
        entry = json.loads(here.node.log.entry(told["extensions"]["entry"]["index"]))
        assert entry["operation"] == DIGEST


def test_a_digest_that_nobody_registered_is_refused_and_recorded(here: Standing) -> None:
    size = here.node.log.size
    response = by_id(here, documentId=f"sha256:{DIGEST}")
    assert (response.status_code, code_of(response)) == (400, "DOCUMENT_UNKNOWN")
    assert here.node.log.size == size + 1
    # What another department registered is not the hall's.
    here.act("market.operator", "document.register", text=LICENCE, name="市场监管")
    assert code_of(by_id(here, documentId=f"sha256:{DIGEST}")) == "DOCUMENT_UNKNOWN"
    assert here.sources.reads == []


def test_a_withdrawn_document_is_refused_from_the_next_call_on_and_can_stand_again(
    here: Standing,
) -> None:
    registered(here)
    assert by_id(here, documentId=f"sha256:{DIGEST}").status_code == 200
    here.act("hall.head", "document.withdraw", digest=DIGEST)
    assert code_of(by_id(here, documentId=f"sha256:{DIGEST}")) == "DOCUMENT_UNKNOWN"
    registered(here)
    assert by_id(here, documentId=f"sha256:{DIGEST}").status_code == 200


def test_a_digest_beside_a_text_of_another_digest_is_refused(here: Standing) -> None:
    registered(here)
    response = by_id(here, query=DEPARTMENTS, documentId=f"sha256:{DIGEST}")
    assert code_of(response) == "BODY_INVALID"
    assert by_id(here, query=LICENCE, documentId=f"sha256:{DIGEST}").status_code == 200


def test_an_exchange_can_refuse_every_document_that_is_not_registered(tmp_path: Path) -> None:
    settings = replace(copied(tmp_path / "home"), documents="trusted")
    here = Standing(settings, origin=founded())
    try:
        registered(here)
        assert here.send(here.signed(here.write(LICENCE))).status_code == 200
        here.sources.reads.clear()
        size = here.node.log.size
        for document in (DEPARTMENTS, LICENCE + " "):
            response = here.send(here.signed(here.write(document)))
            assert (response.status_code, code_of(response)) == (400, "DOCUMENT_UNTRUSTED")
        assert here.sources.reads == []
        assert here.node.log.size == size + 2
    finally:
        here.stop()


def test_a_grant_covers_the_documents_that_it_names_and_no_other(here: Standing) -> None:
    deposit = "query D($e: ID!) { enterprise(uscc: $e) { wageDeposit { amount } } }"
    request = ask_for(here.place, DEPOSIT, items=["amount"])
    here.act(
        "labour.head", "grant.give", request=request, terms={"operations": [digest_of(deposit)]}
    )
    assert codes(here.ask(deposit)) == {"wageDeposit": None}
    other = deposit.replace("{ amount }", "{ amount  }")
    refused = codes(here.ask(other))["wageDeposit"]
    assert refused is not None
    assert "labour" not in here.sources.reads[1:]
    (granted,) = [
        one
        for one in here.act("labour.head", "grant.list", first=100)["rows"]
        if one["resource"] == DEPOSIT
    ]
    assert granted["operations"] == [digest_of(deposit)]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        'query Q { enterprise(uscc: "91330106MA2CFRAW10") { uscc } }',
        "query Q { enterprise(uscc: 330106199001) { uscc } }",
        "{" + "a " * 2_000 + "}",
    ],
)
def test_what_would_not_be_answered_or_names_somebody_is_not_registered(
    here: Standing, text: str
) -> None:
    size = here.node.log.size
    with pytest.raises(CatalogueError) as refused:
        registered(here, text)
    assert refused.value.code == "INVALID"
    assert "MA2CFRAW10" not in str(refused.value)
    assert here.node.log.size == size


def test_registering_is_an_act_of_the_department_and_recorded_without_its_name(
    here: Standing,
) -> None:
    with pytest.raises(CatalogueError) as refused:
        here.act("administrator", "document.register", text=LICENCE, name="x")
    assert refused.value.code == "ADMINISTRATOR_DECIDES_NOTHING"
    size = here.node.log.size
    registered(here)
    body = here.node.log.entry(size)
    assert json.loads(body)["kind"] == "document.registered"
    assert DIGEST.encode() in body
    assert "营业执照查询".encode() not in body
    with pytest.raises(CatalogueError) as again:
        registered(here)
    assert again.value.code == "STATE"
    (row,) = here.act("hall.operator", "document.list")["rows"]
    assert (row["digest"], row["name"], row["state"]) == (DIGEST, "营业执照查询", "active")
    shown = here.act("market.head", "document.show", digest=DIGEST)
    assert shown["text"] == LICENCE
    with pytest.raises(ActError):
        here.act("market.head", "document.show", digest="0" * 64)


def test_a_document_put_in_by_sql_is_as_if_it_were_not_there(here: Standing) -> None:
    registered(here)
    here.raw_sql("UPDATE trusted_document SET text = ?", DEPARTMENTS)
    assert code_of(by_id(here, documentId=f"sha256:{DIGEST}")) == "DOCUMENT_UNKNOWN"
    assert here.kinds()[-2:] == ["registry.alarm", "call"]
