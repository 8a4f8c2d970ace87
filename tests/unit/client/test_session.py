"""The client: signs what it asks, and gives back nothing that its receipt does not prove."""

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXTransport
from msgspec import structs

from audit.note import Signer
from exchange.client.errors import (
    MalformedAnswerError,
    ReceiptError,
    RefusedError,
    UnfitArgumentError,
    UnreachableError,
)
from exchange.client.session import AsyncExchange, Exchange, Party
from exchange.client.signing import SignatureAuth, SigningKey, usage_header
from exchange.identity.keys import private_pem
from gateway.parse import read_usage
from tests.fakes.exchange_server import FakeExchange, an_answer
from tests.fakes.identity import HALL, HALL_KEY, NOW, STRANGER, URL, USAGE, clock_at
from tests.fakes.receipts import LOG

QUERY = '{ enterprise(uscc: "91110000MA0000000X") { name } }'
VKEY = LOG.vkey


@pytest.fixture
def server() -> FakeExchange:
    return FakeExchange()


def client_of(server: FakeExchange, *, vkey: str = VKEY) -> Exchange:
    return Exchange(
        URL, key=SigningKey(HALL), vkey=vkey, transport=server.transport(), now=clock_at()
    )


def test_a_query_is_signed_and_its_receipt_checked(server: FakeExchange) -> None:
    with client_of(server) as exchange:
        answer = exchange.query(QUERY, {"e": "1"}, usage=USAGE)
    assert server.signed[0].key == HALL_KEY
    assert answer.data == {"enterprise": {"name": "甲公司"}}
    assert answer.state == "signed"
    assert answer.entry["index"] == 4
    assert answer.receipt is not None
    assert answer.outcomes[0]["outcome"] == "given"
    sent = json.loads(answer.request)
    assert read_usage(sent["extensions"], None) == USAGE
    assert sent["variables"] == {"e": "1"}


def test_the_async_client_asks_and_checks_alike(server: FakeExchange) -> None:
    async def ask() -> None:
        async with AsyncExchange(
            URL,
            key=SigningKey(HALL),
            vkey=VKEY,
            transport=server.transport(),
            now=clock_at(),
        ) as exchange:
            answer = await exchange.query(QUERY, usage=USAGE, operation_name="A")
            assert answer.state == "signed"
            server.replies["/graphql"] = httpx.Response(200, content=an_answer(b"other"))
            with pytest.raises(ReceiptError):
                await exchange.query(QUERY, usage=USAGE)
            assert (await exchange.put_case("2026-0117", matter="m", parties=()))["state"] == "open"
            assert await exchange.case_action("2026-0117", "pause", reason="补正")
            assert await exchange.register(SigningKey(STRANGER), invitation="i")
            assert await exchange.receipt(4)

    asyncio.run(ask())


def test_a_receipt_left_for_later_is_said_to_be_unchecked(server: FakeExchange) -> None:
    answer = client_of(server).query(QUERY, usage=USAGE, whole_receipt=False)
    assert server.requests[0].headers["prefer"] == "receipt=index"
    assert (answer.state, answer.receipt) == ("", None)


def step_refused(server: FakeExchange, content: bytes, *, vkey: str = VKEY) -> str:
    server.replies["/graphql"] = httpx.Response(200, content=content)
    with pytest.raises(ReceiptError) as caught:
        client_of(server, vkey=vkey).query(QUERY, usage=USAGE)
    return caught.value.step


def body_of(server: FakeExchange) -> bytes:
    """The body that the client sends for QUERY."""
    client_of(server).query(QUERY, usage=USAGE)
    return bytes(server.requests.pop().content)


@pytest.mark.proves("I11")
def test_the_answer_to_another_call_is_refused(server: FakeExchange) -> None:
    other = body_of(server).replace(b"2026-0117", b"2026-0118")
    assert step_refused(server, an_answer(other)) == "request"


@pytest.mark.proves("I11")
def test_the_receipt_of_another_answer_is_refused(server: FakeExchange) -> None:
    other = '{"enterprise":{"name":"乙公司"}}'.encode()
    swapped = an_answer(body_of(server), given=other)
    assert step_refused(server, swapped) == "answer"


@pytest.mark.proves("I11")
def test_a_receipt_with_another_entry_number_is_refused(server: FakeExchange) -> None:
    whole = json.loads(an_answer(body_of(server)))
    whole["extensions"]["entry"]["index"] = 5
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    assert step_refused(server, data) == "malformed"


def test_a_changed_answer_is_refused(server: FakeExchange) -> None:
    changed = an_answer(body_of(server)).replace("甲公司".encode(), "乙公司".encode())
    assert step_refused(server, changed) == "answer"


@pytest.mark.proves("I12")
def test_an_entry_outside_the_tree_is_refused(server: FakeExchange) -> None:
    body = body_of(server)
    whole = json.loads(an_answer(body))
    receipt = whole["extensions"]["receipt"]
    receipt["entry"] = receipt["entry"].replace('"gateway":"gw-1"', '"gateway":"gw-2"')
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    assert step_refused(server, data) == "leaf"


def test_a_checkpoint_by_another_log_key_is_refused(server: FakeExchange) -> None:
    other = Signer(LOG.name, STRANGER).vkey
    assert step_refused(server, an_answer(body_of(server)), vkey=other) == "checkpoint"


def test_an_answer_without_a_receipt_is_refused(server: FakeExchange) -> None:
    assert step_refused(server, an_answer(body_of(server), whole=False)) == "missing"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (
            httpx.Response(
                400, json={"errors": [{"message": "缺少", "extensions": {"code": "USAGE_MISSING"}}]}
            ),
            "USAGE_MISSING",
        ),
        (httpx.Response(503, json={"code": "LOG_UNAVAILABLE", "title": "log"}), "LOG_UNAVAILABLE"),
        (httpx.Response(400, json={"errors": [{"message": "x"}]}), ""),
    ],
)
def test_a_refused_request_says_why(server: FakeExchange, reply: httpx.Response, code: str) -> None:
    server.replies["/graphql"] = reply
    with pytest.raises(RefusedError) as caught:
        client_of(server).query(QUERY, usage=USAGE)
    assert (caught.value.status, caught.value.code) == (reply.status_code, code)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            httpx.Response(
                400,
                json={
                    "errors": [
                        {
                            "message": "not in the contract",
                            "locations": [{"line": 2, "column": 7}],
                            "extensions": {"code": "NAME_UNKNOWN"},
                        },
                        {
                            "message": "out of range",
                            "path": ["enterprise", "permits"],
                            "extensions": {
                                "code": "ARGUMENT_INVALID",
                                "argument": "first",
                                "allowed": 1000,
                            },
                        },
                    ]
                },
            ),
            (
                "400 NAME_UNKNOWN: not in the contract (line 2, column 7); "
                "ARGUMENT_INVALID: out of range (enterprise.permits; argument: first, allowed: 1000)"
            ),
        ),
        (
            httpx.Response(
                400,
                json={
                    "errors": [
                        {
                            "message": "do not fit",
                            "extensions": {"code": "VARIABLES_INVALID", "variables": ["e"]},
                        }
                    ]
                },
            ),
            '400 VARIABLES_INVALID: do not fit (variables: ["e"])',
        ),
        (
            httpx.Response(
                429, json={"code": "RATE_LIMITED", "title": "too much", "facts": {"why": "calls"}}
            ),
            "429 RATE_LIMITED: too much (why: calls)",
        ),
        (
            httpx.Response(
                403, json={"code": "KEY_UNKNOWN", "title": "no such key", "detail": "hall"}
            ),
            "403 KEY_UNKNOWN: no such key (hall)",
        ),
        (httpx.Response(502, json={}), "502 no reason told"),
    ],
)
def test_a_refusal_says_where_what_was_found_and_what_was_needed(
    server: FakeExchange, reply: httpx.Response, said: str
) -> None:
    server.replies["/graphql"] = reply
    with pytest.raises(RefusedError) as caught:
        client_of(server).query(QUERY, usage=USAGE)
    assert str(caught.value) == said


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"data":null}'])
def test_another_answer_than_graphql_is_malformed(server: FakeExchange, content: bytes) -> None:
    server.replies["/graphql"] = httpx.Response(200, content=content)
    with pytest.raises(MalformedAnswerError):
        client_of(server).query(QUERY, usage=USAGE)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_exchange_is_asked_for_texts_in_the_language_of_the_connection(
    server: FakeExchange, language: str
) -> None:
    exchange = Exchange(
        URL,
        key=SigningKey(HALL),
        vkey=VKEY,
        language=language,
        transport=server.transport(),
        now=clock_at(),
    )
    exchange.query(QUERY, usage=USAGE)
    assert server.requests[0].headers["accept-language"] == language


def test_no_answer_is_its_own_error() -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    transport = httpx.MockTransport(fail)
    exchange = Exchange(URL, key=SigningKey(HALL), vkey=VKEY, transport=transport)
    with pytest.raises(UnreachableError, match=re.escape(URL)):
        exchange.query(QUERY, usage=USAGE)

    async def ask() -> None:
        async with AsyncExchange(
            URL, key=SigningKey(HALL), vkey=VKEY, transport=transport
        ) as other:
            await other.query(QUERY, usage=USAGE)

    with pytest.raises(UnreachableError):
        asyncio.run(ask())


def test_cases_are_put_and_acted_on_under_their_own_number(server: FakeExchange) -> None:
    exchange = client_of(server)
    party = Party(type="enterprise", identifier="91110000MA0000000X")
    opened = exchange.put_case("建施〔2026〕17号", matter="m", parties=[party])
    assert opened["path"] == "/cases/建施〔2026〕17号"
    sent = json.loads(server.requests[0].content)
    assert sent["parties"] == [
        {"type": "enterprise", "identifier": "91110000MA0000000X", "role": "applicant"}
    ]
    assert datetime.fromisoformat(sent["acceptedAt"]) == NOW
    exchange.case_action("2026-0117", "close", reason="办结", result="granted")
    assert server.requests[1].url.path == "/cases/2026-0117/close"
    exchange.case_action("2026-0117", "parties", parties=[party], operator="1001")
    assert json.loads(server.requests[2].content)["parties"] == sent["parties"]
    assert exchange.receipt(7)["path"] == "/receipts/7"


@pytest.mark.parametrize("number", ["", ".", "..", "a/b", "a%2Fb", "a\\b"])
def test_a_case_number_that_makes_an_ambiguous_path_is_not_sent(
    server: FakeExchange, number: str
) -> None:
    with pytest.raises(UnfitArgumentError, match="case number"):
        client_of(server).put_case(number, matter="m", parties=())
    assert server.requests == []


def test_an_unknown_action_and_a_time_without_zone_are_not_sent(server: FakeExchange) -> None:
    with pytest.raises(UnfitArgumentError, match="action"):
        client_of(server).case_action("1", "delete")
    with pytest.raises(UnfitArgumentError, match="zone"):
        client_of(server).put_case(
            "1", matter="m", parties=(), accepted_at=NOW.replace(tzinfo=None)
        )
    assert server.requests == []


def test_a_key_and_another_auth_are_not_both_taken() -> None:
    with pytest.raises(ValueError, match="not both"):
        Exchange(URL, key=SigningKey(HALL), auth=httpx.BasicAuth("a", "b"), vkey=VKEY)


def test_registering_a_key_is_not_signed_as_a_system(server: FakeExchange) -> None:
    Exchange(URL, vkey=VKEY, transport=server.transport()).register(
        SigningKey(STRANGER), invitation="invite-1"
    )
    assert "signature" not in server.requests[0].headers


def test_a_stock_gql_client_works_with_the_auth_alone(server: FakeExchange) -> None:
    auth = SignatureAuth(SigningKey(HALL), usage=USAGE, now=clock_at())
    transport = HTTPXTransport(f"{URL}/graphql", auth=auth, transport=server.transport())
    client = Client(transport=transport)
    answer = client.execute(gql(QUERY))
    assert answer == {"enterprise": {"name": "甲公司"}}
    assert b'"exchange-usage"' in server.signed[0].base


def test_each_request_has_its_own_nonce(server: FakeExchange) -> None:
    exchange = client_of(server)
    for _ in range(2):
        exchange.query(QUERY, usage=USAGE)
    assert server.signed[0].nonce != server.signed[1].nonce


def test_a_request_sent_again_is_signed_anew() -> None:
    auth = SignatureAuth(SigningKey(HALL), usage=USAGE, now=clock_at())
    request = httpx.Request("POST", f"{URL}/graphql", content=b"{}")
    auth.sign(request)
    first = request.headers["signature"]
    auth.sign(request)
    assert request.headers["signature"] != first
    assert len(request.headers.get_list("signature")) == 1


@pytest.mark.parametrize("retry_of", [None, 12])
def test_the_usage_header_reads_back(retry_of: int | None) -> None:
    usage = structs.replace(USAGE, retry_of=retry_of)
    assert read_usage({}, usage_header(usage)) == usage


def test_keys_are_read_from_files_and_never_printed(tmp_path: Path) -> None:
    file = tmp_path / "system.pem"
    file.write_bytes(private_pem(HALL))
    key = SigningKey.read(file)
    assert key.id == HALL_KEY.id
    assert SigningKey.create().id != key.id
    assert "private" not in repr(key)
