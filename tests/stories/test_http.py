"""`/graphql` as it is met over HTTP: bounds, slow and noisy callers, all or nothing."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.client.signing import SignatureAuth
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from tests.fakes.node import (
    DEPARTMENTS,
    JOINING,
    LICENCE,
    Standing,
    copied,
    founded,
    lines,
)


@contextmanager
def district_with(home: Path, **settings: Any) -> Iterator[Standing]:
    """A district under other settings than the usual ones."""
    found = Standing(replace(copied(home), **settings), origin=founded())
    try:
        yield found
    finally:
        found.stop()


def code_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def asking(here: Standing, document: str, **variables: Any) -> httpx.Request:
    """A signed request for a document."""
    plain = here.write()
    members = json.loads(plain.content) | {"query": document, "variables": variables}
    return here.signed(httpx.Request("POST", plain.url, json=members))


LIMITS: dict[str, tuple[int, Callable[[], str]]] = {
    "DOCUMENT_TOO_LARGE": (400, lambda: "{ contract }" + " " * 16_384),
    "TOO_MANY_TOKENS": (400, lambda: "{" + "a " * 2_000 + "}"),
    "TOO_MANY_ALIASES": (400, lambda: "{" + " ".join(f"a{n}: contract" for n in range(31)) + "}"),
    "TOO_MANY_REPEATS": (400, lambda: "{" + "contract " * 9 + "}"),
    "TOO_MANY_SELECTIONS": (400, lambda: "{ x {" + " ".join(f"f{n}" for n in range(201)) + "} }"),
    "TOO_MANY_DIRECTIVES": (400, lambda: "{ contract " + "@skip(if: false) " * 21 + "}"),
    "TOO_DEEP": (400, lambda: "{" + "a{" * 13 + "b" + "}" * 13 + "}"),
    "TOO_MANY_ROOT_FIELDS": (400, lambda: "{" + " ".join(f"f{n}" for n in range(21)) + "}"),
}


@pytest.mark.proves("O6")
@pytest.mark.parametrize("code", LIMITS)
def test_each_limit_refuses_over_http_before_any_department_is_asked(
    here: Standing, code: str
) -> None:
    status, document = LIMITS[code]
    size = here.node.log.size
    request = asking(here, document())
    request.headers["accept"] = "application/graphql-response+json"
    response = here.send(request)
    assert (response.status_code, code_of(response)) == (status, code)
    assert here.sources.reads == []
    assert here.node.log.size == size + 1


@pytest.mark.proves("O6")
def test_an_operation_that_could_read_too_much_is_refused_by_its_variables(here: Standing) -> None:
    lists = " ".join(
        f"a{n}: environmentalApprovals(first: $first) {{ approvalNo projectName category validUntil }}"
        for n in range(8)
    )
    firms = " ".join(f"e{n}: enterprise(uscc: $e) {{ ...Lists }}" for n in range(3))
    document = f"""query Q($e: ID!, $first: Int!) {{ {firms} }}
      fragment Lists on Enterprise {{ {lists} }}"""
    few = here.send(asking(here, document, e=district.APPLICANT, first=10)).json()
    assert few["data"]["e2"]["a7"]
    here.sources.reads.clear()
    many = here.send(asking(here, document, e=district.APPLICANT, first=1000))
    assert code_of(many) == "COST_EXCEEDED"
    told = many.json()["errors"][0]["extensions"]
    assert (told["found"], told["allowed"]) == (120_000, 100_000)
    assert here.sources.reads == []


@pytest.mark.proves("B4")
def test_a_body_past_the_bound_is_refused_without_being_read(here: Standing) -> None:
    content = b"x" * 1_000_001
    request = httpx.Request(
        "POST", f"{here.url}/graphql", content=content, headers={"content-type": "application/json"}
    )
    response = here.send(here.signed(request))
    assert (response.status_code, code_of(response)) == (413, "BODY_TOO_LARGE")


@pytest.mark.proves("B4")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"query"',
        b"[" * 100_000,
        b'{"query": 1}',
        b'{"query": "{a}", "query": "{b}"}',
        b'{"query": "{a}", "variables": []}',
        b'{"query": "{a}", "extensions": "usage"}',
        b'{"query": "{a}", "operationName": {}}',
        b'{"documentId": "md5:0"}',
        b'{"extensions": {"persistedQuery": {"version": 2, "sha256Hash": ""}}}',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": NaN}',
        '{"query": "{a}"}'.encode("utf-16"),
    ],
)
def test_a_malformed_body_is_400_and_recorded(here: Standing, content: bytes) -> None:
    size = here.node.log.size
    request = httpx.Request(
        "POST", f"{here.url}/graphql", content=content, headers={"content-type": "application/json"}
    )
    response = here.send(here.signed(request))
    assert response.status_code == 400
    assert code_of(response) == "BODY_INVALID"
    assert here.node.log.size == size + 1
    assert here.sources.reads == []


def test_a_browser_that_asks_for_another_site_is_refused_though_the_signature_is_in_order(
    here: Standing,
) -> None:
    request = here.signed(here.write())
    request.headers["sec-fetch-site"] = "cross-site"
    response = here.send(request)
    assert (response.status_code, code_of(response)) == (403, "CROSS_SITE")
    assert here.sources.reads == []


def test_a_document_that_is_wrong_is_200_for_those_who_read_plain_json(here: Standing) -> None:
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        request = asking(here, "{ nothing }")
        request.headers["accept"] = accept
        response = here.send(request)
        assert (response.status_code, code_of(response)) == (status, "NAME_UNKNOWN")
        assert response.headers["content-type"] == accept
        again = here.send(request)
        assert (again.status_code, code_of(again)) == (401, "REPLAYED")


def partial(here: Standing, document: str, said: str) -> httpx.Response:
    request = here.write(document, headers={"exchange-partial": said})
    return here.send(here.signed(request))


def test_all_or_nothing_gives_nothing_where_one_department_is_down_and_says_so_in_the_log(
    here: Standing,
) -> None:
    here.labour.stop()
    try:
        some = partial(here, DEPARTMENTS, "allow").json()
        assert some["data"]["enterprise"]["businessLicence"]["entName"] == "云岫栖筑建设有限公司"
        response = partial(here, DEPARTMENTS, "deny")
    finally:
        here.labour.start()
    told = response.json()
    assert response.status_code == 200
    assert "云岫栖筑" not in response.text
    assert set(told["data"]["enterprise"].values()) == {None}
    codes = {line["path"][-1]: line["code"] for line in told["extensions"]["outcomes"]}
    assert codes["wageDeposit"] in {"SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT", "GRANT_MISSING"}
    assert {codes[name] for name in codes if name != "wageDeposit"} == {"PARTIAL_DENIED"}
    assert {error["extensions"]["code"] for error in told["errors"]} == set(codes.values())
    entry = json.loads(here.node.log.entry(told["extensions"]["entry"]["index"]))
    assert {step["outcome"] for step in entry["steps"]} <= {"refused", "unavailable"}
    assert {step["given"] for step in entry["steps"]} == {""}
    assert {step["rows"] for step in entry["steps"]} == {0}


def test_all_or_nothing_asks_nobody_where_a_part_is_refused_from_the_start(here: Standing) -> None:
    document = """query Q($e: ID!) { enterprise(uscc: $e) {
      businessLicence { entName capital } planningPermit { permitNo } } }"""
    some = partial(here, document, "allow").json()
    assert some["data"]["enterprise"]["planningPermit"]["permitNo"]
    here.sources.reads.clear()
    told = partial(here, document, "deny").json()
    assert told["data"]["enterprise"] == {"businessLicence": None, "planningPermit": None}
    assert here.sources.reads == []


def test_all_or_nothing_gives_everything_where_everything_can_be_given(here: Standing) -> None:
    allow, deny = (partial(here, LICENCE, said).json() for said in ("allow", "deny"))
    assert deny["data"] == allow["data"]
    assert deny["data"]["enterprise"]["businessLicence"]


def test_a_partial_header_that_says_something_else_is_refused_and_recorded(here: Standing) -> None:
    size = here.node.log.size
    response = partial(here, LICENCE, "maybe")
    assert (response.status_code, code_of(response)) == (400, "PARTIAL_INVALID")
    assert here.node.log.size == size + 1


def together(requests: list[httpx.Request], *, connections: int) -> list[httpx.Response]:
    """Send requests all at once."""

    async def send() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=connections)
        async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=60) as client:
            return list(await asyncio.gather(*(client.send(request) for request in requests)))

    return asyncio.run(send())


@pytest.mark.proves("O2")
def test_new_documents_past_the_bound_are_turned_away_counted_and_recorded_in_one_line(
    here: Standing,
) -> None:
    requests = [asking(here, f"query Q{n} {{ contract }}") for n in range(300)]
    responses = [here.send(requests[0]), *together(requests[1:], connections=50)]
    codes = [response.status_code for response in responses]
    assert codes[0] == 200
    assert set(codes) == {200, 429}
    for response in responses:
        if response.status_code == 429:
            assert code_of(response) == "RATE_LIMITED"
            assert int(response.headers["retry-after"]) > 0
    # A document that is known costs nothing, and another system has a bucket of its own.
    assert here.send(asking(here, "query Q0 { contract }")).status_code == 200
    other = here.write()
    members = json.loads(other.content) | {"query": "query Other { contract }", "variables": {}}
    request = here.signed(httpx.Request("POST", other.url, json=members), system=JOINING)
    assert here.send(request).status_code == 200
    size = here.node.log.size
    here.restart()
    (index,) = [
        size + n for n, kind in enumerate(here.kinds(since=size)) if kind == "calls.turned-away"
    ]
    counted = json.loads(here.node.log.entry(index))["systems"]
    assert counted == {SYSTEM: codes.count(429)}


@pytest.mark.slow
@pytest.mark.proves("O3")
def test_a_thousand_calls_at_once_are_all_answered(tmp_path: Path) -> None:
    # A busy machine that runs the callers too needs longer than callers usually wait.
    with district_with(tmp_path / "home", deadline_ms=60_000) as here:
        auth = SignatureAuth(here.place.systems[SYSTEM])
        requests = []
        for n in range(1_000):
            # The grant on the licence allows 500 calls a day.
            request = here.write(LICENCE if n % 4 == 0 else "query Q { contract }")
            auth.sign(request)
            requests.append(request)
        size = here.node.log.size
        responses = together(requests, connections=1_000)
        assert {response.status_code for response in responses} == {200}
        told = [response.json() for response in responses]
        assert [one for one in told if "errors" in one] == []
        licences = [one["data"]["enterprise"]["businessLicence"] for one in told[::4]]
        assert {licence["entName"] for licence in licences} == {"云岫栖筑建设有限公司"}
        assert here.kinds(since=size).count("call") == 1_000


@pytest.mark.slow
@pytest.mark.proves("O1", "O2")
def test_a_noisy_system_is_turned_away_while_a_quiet_one_is_answered(tmp_path: Path) -> None:
    with district_with(tmp_path / "home", calls_at_once=4, calls_per_system=20) as here:
        noisy, quiet = (SignatureAuth(here.place.systems[name]) for name in (SYSTEM, JOINING))
        requests = []
        for n in range(240):
            request = here.write("query Q { contract }" if n else LICENCE)
            (quiet if n % 24 == 23 else noisy).sign(request)
            requests.append(request)
        responses = together(requests, connections=240)
        by_quiet = responses[23::24]
        assert {response.status_code for response in by_quiet} == {200}
        others = [r for n, r in enumerate(responses) if n % 24 != 23]
        answered = [r.status_code for r in others].count(200)
        assert {r.status_code for r in others} == {200, 429}
        assert answered >= 20
        # Nothing is left over: the next call of the noisy one is answered at once.
        assert here.send(here.signed(here.write())).status_code == 200


def slow_socket(here: Standing) -> socket.socket:
    port = here.node.settings.port
    return socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.proves("O5")
def test_a_head_that_comes_byte_by_byte_does_not_hold_its_connection(tmp_path: Path) -> None:
    with district_with(tmp_path / "home", head_ms=300) as here, slow_socket(here) as slow:
        began = time.monotonic()
        slow.sendall(b"POST /graphql HTTP/1.1\r\nhost: x\r\n")
        closed = False
        for _ in range(100):
            try:
                slow.sendall(b"x: y\r\n")
                slow.settimeout(0.05)
                closed = slow.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
            break
        assert closed
        assert time.monotonic() - began < 5
        assert here.send(here.signed(here.write())).status_code == 200


@pytest.mark.proves("O5")
def test_a_second_request_that_comes_slowly_is_cut_off_too(tmp_path: Path) -> None:
    with district_with(tmp_path / "home", head_ms=300) as here, slow_socket(here) as slow:
        slow.settimeout(30)
        slow.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        first = slow.recv(65_536)
        slow.sendall(b"GET /health/live HTTP/1.1\r\nhost")
        # Whatever comes until it is cut off belongs to the first answer.
        while more := slow.recv(65_536):
            first += more
        assert first.count(b"HTTP/1.1") == 1
        assert first.startswith(b"HTTP/1.1 200")


@pytest.mark.proves("O5")
def test_a_body_that_does_not_arrive_is_answered_with_408(tmp_path: Path) -> None:
    with district_with(tmp_path / "home", body_ms=200) as here, slow_socket(here) as slow:
        slow.sendall(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 100\r\n\r\n{"
        )
        answer = b""
        while b"BODY_SLOW" not in answer and (more := slow.recv(65_536)):
            answer += more
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"BODY_SLOW" in answer


def test_five_hundred_idle_connections_keep_nobody_waiting(here: Standing) -> None:
    idle = [slow_socket(here) for _ in range(500)]
    try:
        assert lines(here.ask())["businessLicence"]["outcome"] == "given"
    finally:
        for connection in idle:
            connection.close()
